//! Nothing crosses teams: one team's token tries every way to see or touch what is another's.

use serde_json::{Value, json};

use crate::server::{Caller, GROUP, Server, USER};

fn patch_body(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// Everything a team shows, for comparing before with after.
fn everything(caller: &Caller) -> (Value, Value) {
    (caller.get("/Users").is(200).json(), caller.get("/Groups").is(200).json())
}

#[test]
fn no_request_reaches_another_team() {
    let server = Server::start();
    server.data().run(&["team", "create", "Blue"]).well();
    server.data().run(&["team", "create", "Red"]).well();
    let blue = server.caller_with(&["--team", "Blue"]);
    let red = server.caller_with(&["--team", "Red"]);
    let ada = blue.user("ada@example.com");
    blue.patch(&format!("/Users/{ada}"), json!([{"op": "add", "path": "externalId", "value": "E-1"}]))
        .is(200);
    let engineers = blue.group("Engineers", &[&ada]);
    let eve = red.user("eve@example.com");
    let raiders = red.group("Raiders", &[&eve]);
    let before = everything(&blue);

    for (path, id) in [("Users", &ada), ("Groups", &engineers)] {
        let path = format!("/{path}/{id}");
        red.get(&path).error(404, "");
        red.get(&format!("{path}?attributes=id")).error(404, "");
        red.send_with("GET", &path, &[("if-none-match", "W/\"1\"")], None).error(404, "");
        red.delete(&path).error(404, "");
        red.send_with("DELETE", &path, &[("if-match", "*")], None).error(404, "");
        red.put(&path, &json!({"schemas": [USER], "userName": "stolen", "displayName": "stolen"}));
        let rename = patch_body(json!([{"op": "replace", "path": "displayName", "value": "stolen"}]));
        red.send("PATCH", &path, Some(&rename)).error(404, "");
    }
    red.put(&format!("/Users/{ada}"), &json!({"schemas": [USER], "userName": "stolen"})).error(404, "");
    red.put(&format!("/Groups/{engineers}"), &json!({"schemas": [GROUP], "displayName": "stolen"}))
        .error(404, "");

    for query in [
        format!("/Users?filter=id+eq+%22{ada}%22"),
        "/Users?filter=userName+eq+%22ada%40example.com%22".to_string(),
        "/Users?filter=externalId+eq+%22E-1%22".to_string(),
        format!("/Users?filter=groups.value+eq+%22{engineers}%22"),
        "/Users?filter=groups.display+eq+%22Engineers%22".to_string(),
        format!("/Groups?filter=members.value+eq+%22{ada}%22"),
        format!("/Groups?filter=members%5Bvalue+eq+%22{ada}%22%5D"),
        "/Groups?filter=displayName+eq+%22Engineers%22".to_string(),
        "/Users?filter=userName+co+%22ada%22".to_string(),
        "/Users?filter=not+(userName+eq+%22eve%40example.com%22)".to_string(),
    ] {
        let found = red.get(&query).is(200);
        assert_eq!(found.json()["totalResults"], 0, "{query}: {}", found.text());
    }
    assert_eq!(red.get("/Users").ids(), [eve.as_str()]);
    assert_eq!(red.get("/Groups").ids(), [raiders.as_str()]);
    assert_eq!(red.get("/Users?startIndex=2").ids(), Vec::<String>::new());

    let raid = format!("/Groups/{raiders}");
    for member in [&ada, &engineers] {
        red.patch(&raid, json!([{"op": "add", "path": "members", "value": [{"value": member}]}]))
            .error(400, "invalidValue");
        red.patch(&raid, json!([{"op": "replace", "path": "members", "value": [{"value": member}]}]))
            .error(400, "invalidValue");
        red.put(
            &raid,
            &json!({"schemas": [GROUP], "displayName": "Raiders", "members": [{"value": member}]}),
        )
        .error(400, "invalidValue");
        red.post(
            "/Groups",
            &json!({"schemas": [GROUP], "displayName": "More", "members": [{"value": member}]}),
        )
        .error(400, "invalidValue");
        red.patch(&raid, json!([{"op": "remove", "path": "members", "value": [{"value": member}]}])).is(200);
    }
    assert_eq!(red.members(&raiders), [eve.as_str()]);

    let enterprise = crate::server::ENTERPRISE;
    let boss = json!([{"op": "add", "path": format!("{enterprise}:manager"), "value": {"value": ada}}]);
    let led = red.patch(&format!("/Users/{eve}"), boss).is(200).json();
    assert!(
        led[enterprise]["manager"].get("displayName").is_none(),
        "a manager of another team has no name here: {led}"
    );

    assert_eq!(everything(&blue), before, "nothing of Blue has changed");
}

#[test]
fn two_teams_may_use_the_same_names() {
    let server = Server::plain();
    server.data().run(&["team", "create", "Blue"]).well();
    server.data().run(&["team", "create", "Red"]).well();
    let blue = server.caller_with(&["--team", "Blue"]);
    let red = server.caller_with(&["--team", "Red"]);
    let ids = [blue.user("ada@example.com"), red.user("ada@example.com")];
    assert_ne!(ids[0], ids[1]);
    blue.group("Staff", &[&ids[0]]);
    red.group("Staff", &[&ids[1]]);
    blue.delete(&format!("/Users/{}", ids[0])).is(204);
    red.get(&format!("/Users/{}", ids[1])).is(200);
}

#[test]
fn a_team_must_be_named_when_there_are_several() {
    let server = Server::plain();
    server.caller().get("/Users").is(200);
    server.data().run(&["team", "create", "Blue"]).well();
    let why = server.data().run(&["token", "create", "--name", "x"]).refused();
    assert!(why.contains("Blue"), "it lists the teams: {why}");
    server.data().run(&["token", "create", "--name", "x", "--team", "Green"]).refused();
    let list = server.data().run(&["team", "list"]).well().stdout;
    assert!(list.contains("Blue"), "{list}");
    server.data().run(&["team", "create", "Blue"]).refused();
}

#[test]
fn a_removed_team_stops_and_the_others_go_on() {
    let server = Server::plain();
    server.data().run(&["team", "create", "Blue"]).well();
    server.data().run(&["team", "create", "Red"]).well();
    let blue = server.caller_with(&["--team", "Blue"]);
    let red = server.caller_with(&["--team", "Red"]);
    blue.user("ada@example.com");
    server.data().run(&["team", "rename", "Red", "Crimson"]).well();
    red.get("/Users").is(200);
    server.data().run(&["team", "remove", "Blue"]).well();
    blue.get("/Users").error(401, "");
    red.get("/Users").is(200);
    server.caller_with(&["--team", "Crimson"]).get("/Users").is(200);
}

#[test]
fn a_removed_team_comes_back_by_its_name_with_its_tokens() {
    let server = Server::plain();
    server.data().run(&["team", "create", "Blue"]).well();
    let blue = server.caller_with(&["--team", "Blue"]);
    blue.user("ada@example.com");
    let said = server.data().run(&["team", "remove", "Blue"]).well().stdout;
    assert!(said.contains("30 days") && said.contains("scimd team restore blue"), "{said}");
    blue.get("/Users").error(401, "");
    let list = server.data().run(&["team", "list"]).well().stdout;
    assert!(list.contains("removed, can come back until 20"), "{list}");
    server.data().run(&["team", "restore", "Green"]).refused();
    server.data().run(&["team", "restore", "Blue"]).well();
    assert_eq!(blue.get("/Users").is(200).json()["totalResults"], 1);
    let why = server.data().run(&["team", "restore", "Blue"]).refused();
    assert!(why.contains("no removed team \"Blue\""), "{why}");
}

#[test]
fn what_a_team_chooses_is_shown_changed_and_refused_in_words() {
    let server = Server::plain();
    let show = || server.data().run(&["team", "show"]).well().stdout;
    let before = show();
    for line in [
        "keep-requests      400d",
        "request-size       1024M",
        "keep-history       always",
        "warn-people        10",
    ] {
        assert!(before.contains(line), "{line} in {before}");
    }
    let args = ["team", "set", "--keep-requests", "30d", "--keep-inactive", "90", "--warn-percent", "off"];
    let after = server.data().run(&args).well().stdout;
    assert!(after.contains("keep-requests      30d") && after.contains("warn-percent       off"), "{after}");
    assert_eq!(show(), after);
    for (args, words) in [
        (&["team", "set"][..], "--keep-requests"),
        (&["team", "set", "--keep-requests", "soon"], "such as 400d"),
        (&["team", "set", "--keep-requests", "0d"], "between 1 and 36500"),
        (&["team", "set", "--warn-percent", "101"], "between 1 and 100"),
        (&["team", "set", "--team", "Green", "--keep-history", "always"], "Green"),
    ] {
        let why = server.data().run(args).refused();
        assert!(why.contains(words), "{args:?}: {why}");
    }
    assert_eq!(show(), after, "nothing refused changed anything");
}

#[test]
fn a_team_may_let_group_names_repeat_and_its_schema_says_so() {
    let server = Server::plain();
    let caller = server.caller();
    let group = |name: &str| json!({"schemas": [GROUP], "displayName": name});
    let said = |caller: &Caller| {
        let schema = caller.get(&format!("/Schemas/{GROUP}")).is(200).json();
        schema["attributes"][0]["uniqueness"].clone()
    };
    caller.post("/Groups", &group("Staff")).is(201);
    caller.post("/Groups", &group("staff")).error(409, "uniqueness");
    assert_eq!(said(&caller), "server");
    server.data().run(&["team", "set", "--same-group-names", "true"]).well();
    let second = caller.post("/Groups", &group("staff")).is(201).id();
    let third = caller.post("/Groups", &group("Other")).is(201).id();
    caller.put(&format!("/Groups/{third}"), &group("Staff")).is(200);
    assert_eq!(said(&caller), "none");
    server.data().run(&["team", "set", "--same-group-names", "false"]).well();
    caller.post("/Groups", &group("STAFF")).error(409, "uniqueness");
    let kept = json!({"schemas": [GROUP], "displayName": "staff", "externalId": "1"});
    caller.put(&format!("/Groups/{second}"), &kept).is(200);
}

#[test]
fn a_team_may_give_every_person_who_comes_back_a_new_id() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let person = json!({"schemas": [USER], "userName": "ola@example.com", "externalId": "jc-7"});
    let first = caller.post("/Users", &person).is(201).id();
    caller.delete(&format!("/Users/{first}")).is(204);
    server.data().run(&["team", "set", "--restore-returning", "false"]).well();
    let second = caller.post("/Users", &person).is(201).id();
    assert_ne!(first, second);
    server.data().run(&["team", "set", "--restore-returning", "true"]).well();
    caller.delete(&format!("/Users/{second}")).is(204);
    // Two of them are remembered now: who of them comes back cannot be told.
    let third = caller.post("/Users", &person).is(201).id();
    assert!(third != first && third != second);
}

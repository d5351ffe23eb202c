//! Users and groups over the wire: made, read, replaced, changed, listed, deleted (RFC 7644 §3.3 to §3.6).
//! The corners of filters and PATCH are tested in `scim`; here stands that they are wired.

use serde_json::{Value, json};

use crate::server::{Caller, ENTERPRISE, GROUP, Server, USER};
use crate::steady::steady;

fn full_user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "bjensen@example.com",
        "externalId": "701984",
        "name": {"formatted": "Ms. Barbara J Jensen", "familyName": "Jensen", "givenName": "Barbara"},
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "profileUrl": "https://login.example.com/bjensen",
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@example.org", "type": "home"}
        ],
        "addresses": [{"type": "work", "streetAddress": "100 Example Plaza", "locality": "Springfield", "country": "US"}],
        "phoneNumbers": [{"value": "tel:+1-555-555-0100", "type": "work"}],
        "userType": "Employee",
        "title": "Tour Guide",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": true,
        ENTERPRISE: {"employeeNumber": "701984", "costCenter": "4130", "department": "Tours"}
    })
}

#[test]
fn a_user_from_first_to_last() {
    let server = Server::start();
    let caller = server.caller();
    let made = caller.post("/Users", &full_user()).is(201);
    insta::assert_snapshot!("user_created", steady(&server, &made));
    let id = made.id();
    assert_eq!(made.header("location"), format!("{}/Users/{id}", caller.base));
    assert_eq!(
        made.json(),
        caller.get(&format!("/Users/{id}")).is(200).json(),
        "what was answered is what is read"
    );

    let mut body = full_user();
    body["title"] = json!("Head Guide");
    body.as_object_mut().expect("an object").remove("nickName");
    let replaced = caller.put(&format!("/Users/{id}"), &body).is(200);
    insta::assert_snapshot!("user_replaced", steady(&server, &replaced));

    let changed = caller.patch(
        &format!("/Users/{id}"),
        json!([{"op": "replace", "path": "active", "value": false}, {"op": "remove", "path": "phoneNumbers"}]),
    );
    let changed = changed.is(200);
    assert_eq!(changed.json()["active"], false);
    assert!(changed.json().get("phoneNumbers").is_none());
    assert_ne!(changed.header("etag"), replaced.header("etag"));

    insta::assert_snapshot!("user_deleted", steady(&server, &caller.delete(&format!("/Users/{id}"))));
    insta::assert_snapshot!("user_gone", steady(&server, &caller.get(&format!("/Users/{id}"))));
}

#[test]
fn null_says_that_there_is_no_value_and_silence_leaves_it_to_the_server() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let silent = json!({"schemas": [USER], "userName": "ada"});
    let body = |active: Value| json!({"schemas": [USER], "userName": "ada", "active": active});
    let made = caller.post("/Users", &silent).is(201);
    assert_eq!(made.json()["active"], true);
    let path = format!("/Users/{}", made.id());
    for (sent, shown) in [
        (body(json!(false)), json!(false)),
        (silent.clone(), json!(false)),
        (body(Value::Null), Value::Null),
        (silent.clone(), Value::Null),
        (body(json!(true)), json!(true)),
    ] {
        let answer = caller.put(&path, &sent).is(200).json();
        assert_eq!(answer["active"], shown, "{sent}");
        assert_eq!(answer, caller.get(&path).is(200).json());
    }
    caller.delete(&path).is(204);
    assert_eq!(caller.post("/Users", &body(Value::Null)).is(201).json().get("active"), None);
}

#[test]
fn a_group_from_first_to_last() {
    let server = Server::start();
    let caller = server.caller();
    let (ada, ben) = (caller.user("ada@example.com"), caller.user("ben@example.com"));
    let made = caller.post(
        "/Groups",
        &json!({"schemas": [GROUP], "displayName": "Engineering", "members": [{"value": ada}]}),
    );
    let made = made.is(201);
    insta::assert_snapshot!("group_created", steady(&server, &made));
    let path = format!("/Groups/{}", made.id());
    caller.patch(&path, json!([{"op": "add", "path": "members", "value": [{"value": ben}]}])).is(200);
    assert_eq!(caller.members(&made.id()).len(), 2);
    caller
        .put(&path, &json!({"schemas": [GROUP], "displayName": "Builders", "members": [{"value": ben}]}))
        .is(200);
    insta::assert_snapshot!("group_replaced", steady(&server, &caller.get(&path)));
    insta::assert_snapshot!("user_in_group", steady(&server, &caller.get(&format!("/Users/{ben}"))));
    caller.delete(&format!("/Users/{ben}")).is(204);
    assert!(caller.members(&made.id()).is_empty(), "deleting a user takes its memberships along");
    caller.delete(&path).is(204);
    caller.get(&path).error(404, "");
}

#[test]
fn a_group_in_a_group_and_no_loop() {
    let server = Server::plain();
    let caller = server.caller();
    let ada = caller.user("ada@example.com");
    let inner = caller.group("Inner", &[&ada]);
    let outer = caller.group("Outer", &[&inner]);
    let groups = caller.get(&format!("/Users/{ada}")).is(200).json()["groups"].clone();
    let kinds: Vec<(&Value, &Value)> =
        groups.as_array().expect("groups").iter().map(|group| (&group["value"], &group["type"])).collect();
    assert!(kinds.contains(&(&json!(inner), &json!("direct"))), "{groups}");
    assert!(kinds.contains(&(&json!(outer), &json!("indirect"))), "{groups}");
    let member = &caller.get(&format!("/Groups/{outer}")).json()["members"][0];
    assert_eq!(member["type"], "Group");
    assert_eq!(member["$ref"], format!("{}/Groups/{inner}", caller.base));
    let loops = caller.patch(
        &format!("/Groups/{inner}"),
        json!([{"op": "add", "path": "members", "value": [{"value": outer}]}]),
    );
    assert_eq!(loops.status.as_u16(), 409, "{}", loops.text());
    assert!(
        loops.text().contains("Inner") && loops.text().contains("Outer"),
        "it names the loop: {}",
        loops.text()
    );
    assert_eq!(caller.members(&inner), [ada]);
}

#[test]
fn a_name_is_unique_without_regard_to_width_and_kept_as_sent() {
    let server = Server::plain();
    for (n, caller) in [server.caller_with(&["--strict"]), server.caller()].into_iter().enumerate() {
        let (wide, plain) = (format!("ｍｅｉ{n}＠Example.com"), format!("MEI{n}@example.com"));
        let mei = caller.user(&wide);
        assert_eq!(caller.get(&format!("/Users/{mei}")).is(200).json()["userName"], wide);
        let body = json!({"schemas": [USER], "userName": plain});
        caller.post("/Users", &body).error(409, "uniqueness");
        let found = caller.get(&format!("/Users?filter=userName+eq+%22{plain}%22")).is(200).json();
        assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(mei)));
        caller.put(&format!("/Users/{mei}"), &body).is(200);
        assert_eq!(caller.get(&format!("/Users/{mei}")).is(200).json()["userName"], plain);
    }
}

#[test]
fn a_name_is_unique_without_regard_to_case() {
    let server = Server::plain();
    let caller = server.caller();
    let ada = caller.user("Ada@Example.com");
    let body = json!({"schemas": [USER], "userName": "ADA@example.COM"});
    let detail = caller.post("/Users", &body).error(409, "uniqueness");
    assert!(detail.contains("userName"), "{detail}");
    let ben = caller.user("ben@example.com");
    caller
        .patch(
            &format!("/Users/{ben}"),
            json!([{"op": "replace", "path": "userName", "value": "ada@example.com"}]),
        )
        .error(409, "uniqueness");
    caller.put(&format!("/Users/{ben}"), &body).error(409, "uniqueness");
    caller
        .patch(
            &format!("/Users/{ada}"),
            json!([{"op": "replace", "path": "userName", "value": "ADA@example.com"}]),
        )
        .is(200);
    caller.delete(&format!("/Users/{ada}")).is(204);
    caller.post("/Users", &body).is(201);
}

#[test]
fn what_is_deleted_is_gone_for_every_operation() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let name = &caller.token[8..20];
        for (path, mut body) in [
            ("/Users", json!({"schemas": [USER], "userName": name})),
            ("/Groups", json!({"schemas": [GROUP], "displayName": name})),
        ] {
            let id = caller.post(path, &body).is(201).id();
            let gone = format!("{path}/{id}");
            caller.delete(&gone).is(204);
            caller.get(&gone).error(404, "");
            caller.get(&format!("{gone}?attributes=id")).error(404, "");
            caller.put(&gone, &body).error(404, "");
            caller.patch(&gone, json!([{"op": "add", "path": "externalId", "value": "x"}])).error(404, "");
            caller.delete(&gone).error(404, "");
            let filter = format!("{path}?filter=id+eq+%22{id}%22");
            for list in [path, filter.as_str(), "/"] {
                assert!(!caller.get(list).is(200).ids().contains(&id), "{list}");
            }
            body["externalId"] = json!("another");
            let again = caller.post(path, &body).is(201).id();
            caller.delete(&format!("{path}/{again}")).is(204);
        }
    }
}

#[test]
fn two_groups_of_one_name() {
    let server = Server::plain();
    let compat = server.caller();
    compat.group("Sales", &[]);
    compat.post("/Groups", &json!({"schemas": [GROUP], "displayName": "SALES"})).error(409, "uniqueness");
    let strict = server.caller_with(&["--strict"]);
    strict.post("/Groups", &json!({"schemas": [GROUP], "displayName": "Sales"})).is(201);
}

#[test]
fn projection_chooses_attributes() {
    let server = Server::plain();
    let caller = server.caller();
    let id = caller.post("/Users", &full_user()).is(201).id();
    let keys = |answer: Value| {
        let mut keys: Vec<String> = answer.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys
    };
    let chosen = caller
        .get(&format!("/Users/{id}?attributes=userName,name.givenName,{ENTERPRISE}:department"))
        .is(200);
    let body = chosen.json();
    assert_eq!(keys(body.clone()), ["id", "name", "schemas", ENTERPRISE, "userName"]);
    assert_eq!(body["name"], json!({"givenName": "Barbara"}));
    assert_eq!(body[ENTERPRISE], json!({"department": "Tours"}));
    let less = caller
        .get(&format!("/Users/{id}?excludedAttributes=emails,id,name.familyName,{ENTERPRISE}"))
        .is(200)
        .json();
    assert!(less.get("emails").is_none() && less.get(ENTERPRISE).is_none(), "{less}");
    assert!(less["name"].get("familyName").is_none() && less["name"]["givenName"] == "Barbara", "{less}");
    assert_eq!(less["id"], id, "an attribute that is always returned stays");
    let both = caller.get(&format!("/Users/{id}?attributes=userName&excludedAttributes=emails"));
    assert_eq!(both.status.as_u16(), 400, "only one of the two (RFC 7644 §3.9): {}", both.text());
    let list = caller.get("/Users?attributes=userName").is(200).json();
    assert_eq!(keys(list["Resources"][0].clone()), ["id", "schemas", "userName"]);
    let made =
        caller.post("/Users?attributes=userName", &json!({"schemas": [USER], "userName": "x", "title": "y"}));
    assert!(made.is(201).json().get("title").is_none());
}

#[test]
fn filters_find_what_they_say() {
    let server = Server::plain();
    let caller = server.caller();
    caller.post("/Users", &full_user()).is(201);
    caller.user("zoë@example.com");
    caller
        .post(
            "/Users",
            &json!({"schemas": [USER], "userName": "carl", "active": false, "title": "Guide",
                    "emails": [{"value": "carl@example.com", "type": "home"}]}),
        )
        .is(201);
    let found = |filter: &str| {
        let encoded: String = filter.bytes().map(|b| format!("%{b:02X}")).collect();
        let list = caller.get(&format!("/Users?attributes=userName&filter={encoded}")).is(200).json();
        let mut names: Vec<String> = list["Resources"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|user| user["userName"].as_str().expect("a name").to_string())
            .collect();
        assert_eq!(list["totalResults"], names.len());
        names.sort();
        names.join(" ")
    };
    for (filter, names) in [
        (r#"userName eq "BJENSEN@example.com""#, "bjensen@example.com"),
        (r#"userName eq "ZOË@example.com""#, "zoë@example.com"),
        (r#"userName sw "b""#, "bjensen@example.com"),
        (r#"userName ew "@example.com""#, "bjensen@example.com zoë@example.com"),
        (r#"userName co "ar""#, "carl"),
        (r#"userName ne "carl""#, "bjensen@example.com zoë@example.com"),
        (r#"title pr"#, "bjensen@example.com carl"),
        (r#"not (title pr)"#, "zoë@example.com"),
        (r#"title eq null"#, "zoë@example.com"),
        (r#"active eq true"#, "bjensen@example.com zoë@example.com"),
        (r#"active eq false and emails.type eq "home""#, "carl"),
        (r#"emails[type eq "work" and value co "@example.com"]"#, "bjensen@example.com"),
        (r#"emails[type eq "work" and value co "babs"]"#, ""),
        (r#"userName eq "carl" or name.familyName eq "jensen" and active eq false"#, "carl"),
        (r#"(userName eq "carl" or name.familyName eq "jensen") and active eq true"#, "bjensen@example.com"),
        (r#"meta.created gt "2020-01-01T00:00:00Z""#, "bjensen@example.com carl zoë@example.com"),
        (r#"meta.lastModified lt "2020-01-01T00:00:00Z""#, ""),
        (r#"meta.resourceType eq "User" and userName ge "c" and userName lt "d""#, "carl"),
        (&format!(r#"{ENTERPRISE}:department eq "tours""#), "bjensen@example.com"),
        (&format!(r#"{USER}:userName eq "carl""#), "carl"),
        (r#"externalId eq "701984""#, "bjensen@example.com"),
        (r#"USERNAME EQ "carl""#, "carl"),
    ] {
        assert_eq!(found(filter), names, "{filter}");
    }
    for filter in [
        "userName",
        "userName eq",
        "userName eq \"x",
        "nobody eq \"x\"",
        "userName xx \"a\"",
        "(a eq \"b\"",
        "active gt true",
        "userName eq 5",
    ] {
        let encoded: String = filter.bytes().map(|b| format!("%{b:02X}")).collect();
        caller.get(&format!("/Users?filter={encoded}")).error(400, "invalidFilter");
    }
}

#[test]
fn pages_by_index() {
    let server = Server::plain();
    let caller = server.caller();
    let ids: Vec<String> = (1..=7).map(|n| caller.user(&format!("user{n}@example.com"))).collect();
    let page = |query: &str| {
        let answer = caller.get(&format!("/Users?{query}")).is(200);
        let list = answer.json();
        (
            list["totalResults"].as_u64().expect("a number"),
            list["startIndex"].as_u64().expect("a number"),
            list["itemsPerPage"].as_u64().expect("a number"),
            answer.ids(),
        )
    };
    assert_eq!(page("startIndex=1&count=3"), (7, 1, 3, ids[0..3].to_vec()));
    assert_eq!(page("startIndex=4&count=3"), (7, 4, 3, ids[3..6].to_vec()));
    assert_eq!(page("startIndex=7&count=3"), (7, 7, 1, ids[6..].to_vec()));
    assert_eq!(page("startIndex=8&count=3"), (7, 8, 0, vec![]));
    assert_eq!(
        page("startIndex=-5&count=2"),
        (7, 1, 2, ids[0..2].to_vec()),
        "below 1 is 1 (RFC 7644 §3.4.2.4)"
    );
    assert_eq!(page("count=0"), (7, 1, 0, vec![]));
    assert_eq!(page("count=-3"), (7, 1, 0, vec![]), "below 0 is 0");
    assert_eq!(caller.get("/Users?count=many").status.as_u16(), 400);
    assert_eq!(page("startIndex=2&count=2&filter=userName+sw+%22user%22"), (7, 2, 2, ids[1..3].to_vec()));
}

#[test]
fn versions_guard_writes() {
    let server = Server::plain();
    let caller = server.caller();
    let made = caller.post("/Users", &json!({"schemas": [USER], "userName": "ada"})).is(201);
    let path = format!("/Users/{}", made.id());
    let first = made.header("etag").to_string();
    assert_eq!(made.json()["meta"]["version"], first);
    caller.send_with("GET", &path, &[("if-none-match", &first)], None).is(304);
    caller.send_with("GET", &path, &[("if-none-match", "W/\"999\"")], None).is(200);
    let rename = |name: &str| {
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
               "Operations": [{"op": "replace", "path": "displayName", "value": name}]})
    };
    let good = caller.send_with("PATCH", &path, &[("if-match", &first)], Some(&rename("a"))).is(200);
    let second = good.header("etag").to_string();
    assert_ne!(first, second);
    caller.send_with("PATCH", &path, &[("if-match", &first)], Some(&rename("b"))).error(412, "");
    caller
        .send_with(
            "PUT",
            &path,
            &[("if-match", &first)],
            Some(&json!({"schemas": [USER], "userName": "eve"})),
        )
        .error(412, "");
    caller.send_with("DELETE", &path, &[("if-match", &first)], None).error(412, "");
    assert_eq!(caller.get(&path).is(200).json()["displayName"], "a");
    let nothing = caller.send_with("PATCH", &path, &[], Some(&rename("a"))).is(200);
    assert_eq!(nothing.header("etag"), second, "a change that changes nothing keeps the version");
    caller.send_with("PATCH", &path, &[("if-match", "*")], Some(&rename("c"))).is(200);
    let third = caller.get(&path).header("etag").to_string();
    caller.send_with("DELETE", &path, &[("if-match", &third)], None).is(204);
}

#[test]
fn of_two_racing_writers_one_wins() {
    let server = Server::plain();
    let caller = server.caller();
    let made = caller.post("/Users", &json!({"schemas": [USER], "userName": "ada"})).is(201);
    let (path, etag) = (format!("/Users/{}", made.id()), made.header("etag").to_string());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let race = |n: u32| {
            let (caller, path, etag) = (&caller, &path, &etag);
            scope.spawn(move || {
                let body = json!({"schemas": [USER], "userName": "ada", "title": format!("writer {n}")});
                caller.send_with("PUT", path, &[("if-match", etag)], Some(&body)).status.as_u16()
            })
        };
        let racers: Vec<_> = (0..8).map(race).collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
}

#[test]
fn a_patch_is_whole_or_nothing() {
    let server = Server::plain();
    let caller = server.caller();
    let ada = caller.user("ada@example.com");
    let group = caller.group("Team", &[&ada]);
    let before = caller.get(&format!("/Groups/{group}")).json();
    for operations in [
        json!([{"op": "remove", "path": "members"}, {"op": "replace", "path": "displayName", "value": {"a": 5}}]),
        json!([{"op": "replace", "path": "displayName", "value": "X"}, {"op": "add", "path": "members", "value": [{"value": "nobody"}]}]),
        json!([{"op": "replace", "path": "displayName", "value": "X"}, {"op": "remove", "path": "displayName"}]),
        json!([{"op": "replace", "path": "displayName", "value": "X"}, {"op": "remove"}]),
    ] {
        let answer = caller.patch(&format!("/Groups/{group}"), operations.clone());
        assert_eq!(answer.status.as_u16(), 400, "{operations}: {}", answer.text());
        assert_eq!(caller.get(&format!("/Groups/{group}")).json(), before, "{operations}");
    }
}

#[test]
fn answers_to_faults_are_told_apart() {
    let server = Server::plain();
    let caller = server.caller();
    let send = |body: &str| {
        let bearer = format!("Bearer {}", caller.token);
        server.client().send(
            "POST",
            &format!("{}/Users", caller.base),
            &[("authorization", &bearer), ("content-type", "application/scim+json")],
            body.as_bytes().to_vec(),
        )
    };
    let mut told = Vec::new();
    for body in [
        "{\"schemas\": [\n  \"urn:ietf:params:scim:schemas:core:2.0:User\"],\n  \"userName\": }",
        "{\"userName\": \"a\", \"userName\": \"b\"}",
        "[]",
        "{}",
        "{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"]}",
        "{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \"userName\": \"a\", \"emails\": [{\"value\": \"x\", \"primary\": \"maybe\"}]}",
        "{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \"userName\": \"a\", \"name\": \"Ada\"}",
        "{\"schemas\": [\"urn:ietf:params:scim:schemas:core:2.0:User\"], \"userName\": \"a\\u0000b\"}",
    ] {
        let answer = send(body);
        assert_eq!(answer.status.as_u16(), 400, "{body}: {}", answer.text());
        let error = answer.json();
        told.push(format!(
            "{}: {}",
            error["scimType"].as_str().unwrap_or("-"),
            error["detail"].as_str().unwrap_or("-")
        ));
    }
    insta::assert_snapshot!("faults_in_bodies", told.join("\n"));
    let bytes = server.client().send(
        "POST",
        &format!("{}/Users", caller.base),
        &[("authorization", &format!("Bearer {}", caller.token)), ("content-type", "application/scim+json")],
        b"{\"userName\": \"\xff\xfe\"}".to_vec(),
    );
    bytes.error(400, "invalidSyntax");
    let deep = format!(
        "{{\"schemas\": [\"{USER}\"], \"userName\": \"a\", \"x\": {}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert_eq!(send(&deep).status.as_u16(), 400);
}

fn a_thousand_members(caller: &Caller) -> Vec<Value> {
    let mut members = Vec::new();
    for n in 0..1001 {
        members.push(json!({"value": caller.user(&format!("member{n}@example.com"))}));
    }
    members
}

#[test]
fn a_large_group_answers_a_change_in_short() {
    let server = Server::plain();
    let caller = server.caller();
    let members = a_thousand_members(&caller);
    let body = json!({"schemas": [GROUP], "displayName": "Everyone", "members": members});
    let group = caller.post("/Groups", &body).is(201).id();
    let path = format!("/Groups/{group}");
    let rename = json!([{"op": "replace", "path": "displayName", "value": "All"}]);
    let short = caller.patch(&path, rename.clone()).is(204);
    assert!(short.body.is_empty() && short.header("etag").starts_with("W/\""));
    caller.patch(&path, json!([{"op": "remove", "path": "members", "value": [members[0]]}]));
    let whole =
        caller.patch(&path, json!([{"op": "replace", "path": "displayName", "value": "Everybody"}])).is(200);
    assert_eq!(whole.json()["members"].as_array().expect("members").len(), 1000);
    let named = caller.patch(&format!("{path}?attributes=displayName"), rename).is(200);
    assert_eq!(named.json()["displayName"], "All");
}

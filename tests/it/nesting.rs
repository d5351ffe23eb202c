//! Groups within groups (RFC 7643 §4.2, §4.1.2 `groups`): what users see, loops and depth, and what deletions leave.

use serde_json::{Value, json};

use crate::server::{Caller, ENTERPRISE, GROUP, Server};

fn put_in(caller: &Caller, group: &str, member: &str) -> u16 {
    let add = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
    caller.patch(&format!("/Groups/{group}"), add).status.as_u16()
}

fn groups_of(caller: &Caller, user: &str) -> Vec<(String, String)> {
    let user = caller.get(&format!("/Users/{user}")).is(200).json();
    let groups = user["groups"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut found: Vec<_> = groups.iter().map(|each| (text(&each["display"]), text(&each["type"]))).collect();
    found.sort();
    found
}

fn pair(name: &str, kind: &str) -> (String, String) {
    (name.into(), kind.into())
}

#[test]
fn users_see_their_groups_direct_and_indirect() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let ada = caller.user("ada");
    let low = caller.group("Low", &[&ada]);
    let mid = caller.group("Mid", &[&low]);
    let top = caller.group("Top", &[&mid]);
    let all = [pair("Low", "direct"), pair("Mid", "indirect"), pair("Top", "indirect")];
    assert_eq!(groups_of(&caller, &ada), all);
    let members = caller.get(&format!("/Groups/{top}")).is(200).json()["members"].clone();
    let location = format!("{}/Groups/{mid}", caller.base);
    assert_eq!(members, json!([{"value": mid, "$ref": location, "display": "Mid", "type": "Group"}]));
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Middle"}]);
    caller.patch(&format!("/Groups/{mid}"), rename).is(200);
    assert_eq!(caller.get(&format!("/Groups/{top}")).is(200).json()["members"][0]["display"], "Middle");
    caller.delete(&format!("/Groups/{mid}")).is(204);
    assert_eq!(groups_of(&caller, &ada), [pair("Low", "direct")]);
    assert_eq!(caller.members(&top), Vec::<String>::new());
    caller.delete(&format!("/Users/{ada}")).is(204);
    assert_eq!(caller.members(&low), Vec::<String>::new());
}

#[test]
fn what_is_shown_of_members_and_managers_is_their_own_display_name_of_now() {
    for kind in [&["--strict"][..], &[]] {
        let server = Server::plain();
        let caller = server.caller_with(kind);
        let ada = caller.user("ada");
        let group = caller.group("Crew", &[&ada]);
        let reports = caller.user("bob");
        let managed =
            json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": ada}}]);
        caller.patch(&format!("/Users/{reports}"), managed).is(200);
        let location = format!("{}/Users/{ada}", caller.base);
        let shown = |name: Option<&str>| {
            let mut member = json!({"value": ada, "$ref": location, "type": "User"});
            let mut manager = json!({"value": ada, "$ref": location});
            if let Some(name) = name {
                (member["display"], manager["displayName"]) = (name.into(), name.into());
            }
            assert_eq!(caller.get(&format!("/Groups/{group}")).is(200).json()["members"], json!([member]));
            assert_eq!(
                caller.get(&format!("/Users/{reports}")).is(200).json()[ENTERPRISE]["manager"],
                manager
            );
        };
        shown(None);
        let path = format!("/Users/{ada}");
        caller.patch(&path, json!([{"op": "add", "path": "name.formatted", "value": "Ada L"}])).is(200);
        shown(None);
        let filter = format!("displayName%20eq%20null%20and%20id%20eq%20%22{ada}%22");
        assert_eq!(caller.get(&format!("/Users?filter={filter}")).is(200).json()["totalResults"], 1);
        for name in ["Ada L", "Ada"] {
            caller.patch(&path, json!([{"op": "add", "path": "displayName", "value": name}])).is(200);
            shown(Some(name));
        }
        let by = |name: &str| {
            let text = format!("members%5Bvalue%20eq%20%22{ada}%22%20and%20display%20{name}%5D");
            caller.get(&format!("/Groups?filter={text}")).is(200).json()["totalResults"].clone()
        };
        assert_eq!((by("eq%20%22Ada%22"), by("eq%20null")), (json!(1), json!(0)));
        caller.patch(&path, json!([{"op": "remove", "path": "displayName"}])).is(200);
        shown(None);
        assert_eq!((by("pr"), by("eq%20null")), (json!(0), json!(1)));
        caller.delete(&path).is(204);
        let manager = caller.get(&format!("/Users/{reports}")).is(200).json()[ENTERPRISE]["manager"].clone();
        assert_eq!(manager, json!({"value": ada}));
    }
}

#[test]
fn a_loop_is_refused_by_every_way_in_and_named() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let inner = caller.group("Inner", &[]);
        let outer = caller.group("Outer", &[&inner]);
        let path = format!("/Groups/{inner}");
        let before = caller.get(&path).is(200).json();
        let body = json!({"schemas": [GROUP], "displayName": "Inner", "members": [{"value": outer}]});
        let add = json!([{"op": "add", "path": "members", "value": [{"value": outer}]}]);
        let own = json!([{"op": "replace", "path": "members", "value": [{"value": inner}]}]);
        for answer in [caller.put(&path, &body), caller.patch(&path, add)] {
            let detail = answer.error(409, "");
            assert!(detail.contains("\"Inner\" contains \"Outer\" contains \"Inner\""), "{detail}");
        }
        let detail = caller.patch(&path, own).error(409, "");
        assert!(detail.contains("\"Inner\" contains \"Inner\""), "{detail}");
        assert_eq!(caller.get(&path).is(200).json(), before);
        caller.delete(&path).is(204);
        caller.delete(&format!("/Groups/{outer}")).is(204);
    }
}

#[test]
fn sixteen_groups_nest_and_the_seventeenth_is_refused() {
    let server = Server::plain();
    let caller = server.caller();
    let groups: Vec<String> = (0..17).map(|n| caller.group(&format!("G{n}"), &[])).collect();
    for both in groups[..16].windows(2) {
        assert_eq!(put_in(&caller, &both[0], &both[1]), 200);
    }
    let add = json!([{"op": "add", "path": "members", "value": [{"value": groups[16]}]}]);
    let detail = caller.patch(&format!("/Groups/{}", groups[15]), add).error(409, "");
    assert!(detail.contains("16") && detail.contains("\"G0\" contains \"G1\""), "{detail}");
    let ada = caller.user("ada");
    assert_eq!(put_in(&caller, &groups[15], &ada), 200);
    assert_eq!(groups_of(&caller, &ada).len(), 16);
}

#[test]
fn who_may_be_a_member() {
    let server = Server::plain();
    let (strict, compat) = (server.caller_with(&["--strict"]), server.caller());
    let gone = strict.user("gone");
    strict.delete(&format!("/Users/{gone}")).is(204);
    let ada = strict.user("ada");
    let group = strict.group("Eng", &[&ada]);
    let path = format!("/Groups/{group}");
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    for caller in [&strict, &compat] {
        caller.patch(&path, add("nobody")).error(400, "invalidValue");
    }
    strict.patch(&path, add(&gone)).error(400, "invalidValue");
    let before = strict.get(&path).header("etag").to_owned();
    assert_eq!(compat.patch(&path, add(&gone)).is(200).header("etag"), before);
    assert_eq!(strict.patch(&path, add(&ada)).is(200).header("etag"), before, "who is in stays in");
    let remove = json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]);
    assert_eq!(strict.patch(&path, remove).is(200).header("etag"), before, "who is not in changes nothing");
    let wrong = json!([{"op": "add", "path": "members", "value": [{"value": ada, "type": "Group"}]}]);
    strict.patch(&path, wrong).error(400, "invalidValue");
}

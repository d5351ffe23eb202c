//! The examples of RFC 7643 §8 and RFC 7644 §3 in shape, with data of our own: each file of `tests/fixtures` is sent to
//! the running server, with a strict token, and what comes back is held against the RFC's answer.

use std::path::Path;

use serde_json::{Value, json};

use crate::filters::encoded;
use crate::server::{Caller, ENTERPRISE, Server, USER};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A fixture with its `{{names}}` filled in.
fn fixture(name: &str, values: &[(&str, &str)]) -> Value {
    let mut text = std::fs::read_to_string(folder().join(format!("{name}.json"))).expect("the fixture");
    for (key, value) in values {
        text = text.replace(&format!("{{{{{key}}}}}"), &value.replace('"', "\\\""));
    }
    assert!(!text.contains("{{"), "{name} is filled in: {text}");
    serde_json::from_str(&text).expect("a fixture is JSON")
}

/// Everything of `sent` is in `found`, lists in order.
#[track_caller]
fn holds(found: &Value, sent: &Value) {
    match (found, sent) {
        (Value::Object(found), Value::Object(sent)) => {
            for (key, value) in sent {
                holds(found.get(key).unwrap_or_else(|| panic!("{key} is missing: {found:?}")), value);
            }
        }
        (Value::Array(found), Value::Array(sent)) => {
            assert_eq!(found.len(), sent.len());
            found.iter().zip(sent).for_each(|(found, sent)| holds(found, sent));
        }
        _ => assert_eq!(found, sent),
    }
}

fn create(caller: &Caller, path: &str, name: &str, values: &[(&str, &str)]) -> Value {
    let sent = fixture(name, values);
    let made = caller.post(path, &sent).is(201).json();
    let mut shown = sent;
    shown.as_object_mut().expect("an object").remove("password");
    holds(&made, &shown);
    assert!(made.get("password").is_none());
    assert!(
        ["created", "lastModified", "location", "version"].iter().all(|key| made["meta"][*key].is_string())
    );
    made
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

#[test]
fn users_minimal_full_and_enterprise() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    for name in ["user-minimal", "user-create", "user-full"] {
        let made = create(&caller, "/Users", name, &[]);
        let path = format!("/Users/{}", id(&made));
        assert_eq!(caller.get(&path).is(200).json(), made);
        caller.delete(&path).is(204);
    }
    let boss = caller.user("boss@example.com");
    let made = create(&caller, "/Users", "user-enterprise", &[("manager", &boss)]);
    let manager = &made[ENTERPRISE]["manager"];
    assert_eq!(manager["$ref"], format!("{}/Users/{boss}", caller.base));
    let put = fixture("put-user", &[("user", id(&made))]);
    let after = caller.put(&format!("/Users/{}", id(&made)), &put).is(200).json();
    assert_eq!(after["emails"], json!([{"value": "mei.lee@example.com"}]));
    assert!(["roles", "addresses", ENTERPRISE].iter().all(|gone| after.get(gone).is_none()), "{after}");
}

#[test]
fn a_group_and_the_changes_of_its_members() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let (user, other) = (caller.user("mei"), caller.user("ken"));
    let inner = caller.group("Inner", &[]);
    let made = create(&caller, "/Groups", "group", &[("user", &user), ("group", &inner)]);
    let path = format!("/Groups/{}", id(&made));
    let values = [("user", user.as_str()), ("other", &other), ("base", &caller.base)];
    let mut both = vec![user.clone(), other.clone()];
    both.sort();
    for (name, members) in [
        ("patch-remove-members", vec![]),
        ("patch-add-members", vec![user.clone()]),
        ("patch-remove-and-add-member", vec![other.clone()]),
        ("patch-replace-members", both.clone()),
        ("patch-clear-and-add-members", both),
        ("patch-remove-member", vec![other.clone()]),
    ] {
        caller.send("PATCH", &path, Some(&fixture(name, &values))).is(200);
        assert_eq!(caller.members(id(&made)), members, "{name}");
    }
}

#[test]
fn lists_and_what_was_asked_for() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let user = create(&caller, "/Users", "user-minimal", &[]);
    let (user, other) = (id(&user), caller.user("oz"));
    let values = [("user", user), ("other", &other)];
    let read = |path: &str| caller.get(path).is(200).json();
    assert_eq!(read("/Users?attributes=userName"), fixture("list-user-names", &values));
    assert_eq!(read("/Users?attributes=userName&startIndex=2&count=1"), fixture("list-page", &values));
    assert_eq!(read(&format!("/Users/{user}?attributes=userName")), fixture("user-name-only", &values));
    let gus = json!({"schemas": [USER], "userName": "gus", "displayName": "Guide, Gus"});
    let gus = caller.post("/Users", &gus).is(201).id();
    let guides = caller.group("Guides", &[]);
    let found = caller.post("/.search", &fixture("search-request", &[])).is(200).json();
    assert_eq!(found, fixture("list-found", &[("user", &gus), ("group", &guides)]));
}

#[test]
fn what_the_server_offers() {
    let server = Server::with(crate::server::Data::new(), &["--tls", "off", "--max-body", "1M"]);
    let caller = server.caller_with(&["--strict"]);
    let base = [("base", caller.base.as_str())];
    let config = caller.get("/ServiceProviderConfig").is(200).json();
    assert_eq!(config, fixture("service-provider-config", &base));
    let kinds = caller.get("/ResourceTypes").is(200).json();
    assert_eq!(kinds["Resources"], fixture("resource-types", &base));
    let mut large = fixture("bulk-failing", &[("user", "x")]);
    large["Operations"][0]["data"]["displayName"] = json!("x".repeat(1 << 20));
    assert_eq!(caller.post("/Bulk", &large).is(413).json(), fixture("error-too-large", &[]));
}

#[test]
fn the_changes_of_a_user() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let made = create(&caller, "/Users", "user-full", &[]);
    let patch = |name: &str| {
        caller.send("PATCH", &format!("/Users/{}", id(&made)), Some(&fixture(name, &[]))).is(200).json()
    };
    let after = patch("patch-add-without-path");
    assert_eq!((after["emails"].as_array().map(Vec::len), &after["nickName"]), (Some(3), &json!("Mei")));
    let after = patch("patch-remove-email");
    assert_eq!(after["emails"].as_array().map(Vec::len), Some(2));
    let after = patch("patch-replace-address");
    assert_eq!(after["addresses"][0]["streetAddress"], "1 Quay");
    assert!(after["addresses"][0].get("region").is_none() && after["addresses"][1]["type"] == "home");
    assert_eq!(patch("patch-replace-street")["addresses"][0]["streetAddress"], "2 Quay");
    let after = patch("patch-replace-without-path");
    assert_eq!(after["emails"], json!([{"value": "mei@example.com", "type": "work", "primary": true}]));
}

#[test]
fn bulk_requests() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let made_user = create(&caller, "/Users", "user-minimal", &[]);
    let (other, leaver) = (caller.user("oz"), caller.user("leaver"));
    let version = made_user["meta"]["version"].as_str().expect("a version");
    let values = [("user", id(&made_user)), ("other", &other), ("leaver", &leaver), ("version", version)];
    let statuses = |name: &str, values: &[(&str, &str)]| -> String {
        let answer = caller.post("/Bulk", &fixture(name, values)).is(200).json();
        let operations = answer["Operations"].as_array().expect("operations").iter();
        operations.map(|each| each["status"].as_str().expect("text")).collect::<Vec<_>>().join(" ")
    };
    let answer = caller.post("/Bulk", &fixture("bulk-every-method", &values)).is(200).json();
    let made = caller.get("/Users?filter=userName+eq+%22ken%40example.com%22").ids().remove(0);
    let known = [
        ("base", caller.base.as_str()),
        ("made", &made),
        ("user", id(&made_user)),
        ("other", &other),
        ("leaver", &leaver),
    ];
    assert_eq!(answer, fixture("bulk-response", &known));
    let failed = caller.post("/Bulk", &fixture("bulk-failing", &values[..1])).is(200).json();
    assert_eq!(failed, fixture("bulk-response-failed", &[]));
    caller.get(&format!("/Users/{}", id(&made_user))).is(200);
    assert_eq!(statuses("bulk-reference", &[]), "201 201");
    assert_eq!(statuses("bulk-enterprise-manager", &[]), "201 201");
    assert_eq!(statuses("bulk-circle", &[]), "409 409");
}

#[test]
fn errors_and_an_empty_list() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    assert_eq!(caller.get("/Users/nobody").is(404).json(), fixture("error-not-found", &[]));
    let path = format!("/Users/{}", caller.user("mei"));
    let answer = caller.patch(&path, json!([{"op": "replace", "path": "id", "value": "x"}])).is(400);
    assert_eq!(answer.json(), fixture("error-mutability", &[]));
    let secret = caller.get(&format!("/Users?filter={}", encoded("password eq \"x\""))).is(403);
    assert_eq!(secret.json(), fixture("error-sensitive", &[]));
    let empty = caller.get(&format!("/Users?filter={}", encoded(&format!("{USER}:title pr")))).is(200);
    assert_eq!(empty.json(), fixture("list-empty", &[]));
}

#[test]
fn every_fixture_is_used() {
    let source = include_str!("examples.rs");
    for entry in std::fs::read_dir(folder()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(source.contains(&format!("\"{name}\"")), "tests/fixtures/{name}.json is used by no test");
    }
}

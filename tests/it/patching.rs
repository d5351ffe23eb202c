//! PATCH over HTTP (RFC 7644 §3.5.2), sentence by sentence. The corners of values and paths are tested beside the planner.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::{Caller, ENTERPRISE, GROUP, PATCH_OP, Server, USER};

/// A user with a bit of everything, and how to change it.
struct Patient<'a> {
    caller: &'a Caller<'a>,
    path: String,
}

impl<'a> Patient<'a> {
    fn new(caller: &'a Caller<'a>, name: &str) -> Patient<'a> {
        let body = json!({
            "schemas": [USER], "userName": name, "title": "T", "nickName": "N",
            "name": {"familyName": "F", "givenName": "G"},
            "emails": [{"value": "w@example.com", "type": "work", "primary": true},
                       {"value": "h@example.com", "type": "home"}],
        });
        Patient { caller, path: format!("/Users/{}", caller.post("/Users", &body).is(201).id()) }
    }

    fn send(&self, operations: Value) -> Answer {
        self.caller.patch(&self.path, operations)
    }

    fn one(&self, op: &str, path: &str, value: Value) -> Answer {
        self.send(json!([{"op": op, "path": path, "value": value}]))
    }

    fn after(&self, op: &str, path: &str, value: Value) -> Value {
        self.one(op, path, value).is(200).json()
    }

    fn remove(&self, path: &str) -> Answer {
        self.send(json!([{"op": "remove", "path": path}]))
    }

    fn read(&self) -> Value {
        self.caller.get(&self.path).is(200).json()
    }
}

/// Runs the same with a strict and a compat token.
fn for_both(test: impl Fn(&Patient)) {
    let server = Server::plain();
    test(&Patient::new(&server.caller_with(&["--strict"]), "strict"));
    test(&Patient::new(&server.caller(), "compat"));
}

#[test]
fn add() {
    for_both(|user| {
        assert_eq!(user.after("add", "displayName", json!("D"))["displayName"], "D");
        assert_eq!(
            user.after("add", "displayName", json!("E"))["displayName"],
            "E",
            "an existing value is replaced"
        );
        assert_eq!(user.after("add", "name.middleName", json!("M"))["name"]["middleName"], "M");
        let merged =
            user.send(json!([{"op": "add", "value": {"name": {"honorificPrefix": "Dr"}, "nickName": "X"}}]));
        let merged = merged.is(200).json();
        assert_eq!(
            merged["name"],
            json!({"familyName": "F", "givenName": "G", "middleName": "M", "honorificPrefix": "Dr"})
        );
        assert_eq!(merged["nickName"], "X");
        let longer = user.after("add", "emails", json!([{"value": "o@example.com", "type": "other"}]));
        assert_eq!(longer["emails"].as_array().map(Vec::len), Some(3));
        let longer = user.after("add", "emails", json!({"value": "p@example.com"}));
        assert_eq!(longer["emails"].as_array().map(Vec::len), Some(4));
        let described = user.after("add", "phoneNumbers[type eq \"work\"].value", json!("+1-201-555-0123"));
        assert_eq!(described["phoneNumbers"], json!([{"value": "+1-201-555-0123", "type": "work"}]));
    });
}

#[test]
fn what_is_there_already_changes_nothing() {
    for_both(|user| {
        let before = user.read();
        for (op, path, value) in [
            ("add", "title", json!("T")),
            ("replace", "title", json!("T")),
            ("add", "emails", json!([{"value": "w@example.com", "type": "work", "primary": true}])),
            ("replace", "name", json!({"familyName": "F"})),
            ("replace", "emails[type eq \"home\"].value", json!("h@example.com")),
        ] {
            let after = user.one(op, path, value).is(200);
            assert_eq!(after.json(), before, "{op} {path}: version and lastModified stay");
            assert_eq!(after.header("etag"), before["meta"]["version"]);
        }
        assert_eq!(user.remove("displayName").is(200).json(), before);
    });
}

#[test]
fn a_new_primary_takes_the_mark_from_the_old() {
    for_both(|user| {
        let primaries = |found: &Value| -> Vec<bool> {
            let emails = found["emails"].as_array().expect("emails").iter();
            emails.map(|each| each["primary"] == json!(true)).collect()
        };
        let found = user.after(
            "add",
            "emails",
            json!([{"value": "o@example.com", "type": "other", "primary": true}]),
        );
        assert_eq!(primaries(&found), [false, false, true]);
        let found = user.after("replace", "emails[type eq \"home\"].primary", json!(true));
        assert_eq!(primaries(&found), [false, true, false]);
    });
}

#[test]
fn remove() {
    for_both(|user| {
        assert!(user.remove("title").is(200).json().get("title").is_none());
        assert_eq!(user.remove("name.givenName").is(200).json()["name"], json!({"familyName": "F"}));
        let found = user.remove("emails[type eq \"work\"].primary").is(200).json();
        assert_eq!(found["emails"][0], json!({"value": "w@example.com", "type": "work"}));
        let found = user.remove("emails[type eq \"work\"]").is(200).json();
        assert_eq!(found["emails"], json!([{"value": "h@example.com", "type": "home"}]));
        assert!(user.remove("emails").is(200).json().get("emails").is_none());
        user.send(json!([{"op": "remove"}])).error(400, "noTarget");
        for required in ["userName", "schemas"] {
            user.remove(required).error(400, "mutability");
        }
        user.one("replace", "userName", Value::Null).error(400, "mutability");
    });
}

#[test]
fn replace() {
    for_both(|user| {
        assert_eq!(
            user.after("replace", "displayName", json!("D"))["displayName"],
            "D",
            "what is not there is added"
        );
        let found = user.after("replace", "name", json!({"middleName": "M"}));
        assert_eq!(found["name"], json!({"familyName": "F", "givenName": "G", "middleName": "M"}));
        let found = user.after(
            "replace",
            "emails[type eq \"work\"]",
            json!({"value": "n@example.com", "type": "work"}),
        );
        assert_eq!(
            found["emails"][0],
            json!({"value": "n@example.com", "type": "work"}),
            "the value is replaced whole"
        );
        let found = user.after("replace", "emails[type eq \"work\"].value", json!("m@example.com"));
        assert_eq!(found["emails"][0]["value"], "m@example.com");
        let found = user.after("replace", "emails", json!([{"value": "z@example.com"}]));
        assert_eq!(found["emails"], json!([{"value": "z@example.com"}]));
        assert!(user.after("replace", "emails", json!([])).get("emails").is_none());
        let found =
            user.send(json!([{"op": "replace", "value": {"title": "U", "active": false}}])).is(200).json();
        assert_eq!((&found["title"], &found["active"]), (&json!("U"), &json!(false)));
        assert!(user.after("replace", "name", Value::Null).get("name").is_none());
    });
}

#[test]
fn a_filter_that_nothing_satisfies_is_no_target() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let user = Patient::new(&caller, "ada");
    for operation in [
        json!({"op": "replace", "path": "emails[type eq \"none\"]", "value": {"value": "x@example.com"}}),
        json!({"op": "replace", "path": "emails[type eq \"none\"].value", "value": "x@example.com"}),
        json!({"op": "remove", "path": "emails[type eq \"none\"]"}),
    ] {
        user.send(json!([operation])).error(400, "noTarget");
    }
    let group = format!("/Groups/{}", caller.group("eng", &[user.path.rsplit('/').next().expect("an id")]));
    let remove = |path: &str| caller.patch(&group, json!([{"op": "remove", "path": path}]));
    let version = caller.get(&group).is(200).header("etag").to_owned();
    for path in ["members[display eq \"nobody\"]", "members[type eq \"Group\"]", "members[value sw \"x\"]"] {
        remove(path).error(400, "noTarget");
    }
    // §3.5.2.2: who is no member cannot leave, and that is no fault.
    for path in ["members[value eq \"nobody\"]", "members[value eq \"a\" or value eq \"b\"]"] {
        assert_eq!(remove(path).is(200).header("etag"), version);
    }
}

#[test]
fn names_of_schemas_in_paths_and_keys() {
    for_both(|user| {
        let found = user.after("add", &format!("{ENTERPRISE}:employeeNumber"), json!("7"));
        assert_eq!(
            (&found[ENTERPRISE], &found["schemas"]),
            (&json!({"employeeNumber": "7"}), &json!([USER, ENTERPRISE]))
        );
        let found =
            user.send(json!([{"op": "add", "value": {ENTERPRISE: {"department": "D"}}}])).is(200).json();
        assert_eq!(found[ENTERPRISE], json!({"employeeNumber": "7", "department": "D"}));
        let found = user.remove(ENTERPRISE).is(200).json();
        assert_eq!((found.get(ENTERPRISE), &found["schemas"]), (None, &json!([USER])));
        assert_eq!(user.after("replace", &format!("{USER}:title"), json!("U"))["title"], "U");
        let path = format!("{USER}:emails[type eq \"home\"].value");
        assert_eq!(
            user.after("replace", &path, json!("x@example.com"))["emails"][1]["value"],
            "x@example.com"
        );
    });
}

#[test]
fn what_is_read_only_is_refused() {
    for_both(|user| {
        for path in
            ["id", "meta.created", "groups", "groups.value", &format!("{ENTERPRISE}:manager.displayName")]
        {
            user.one("replace", path, json!("x")).error(400, "mutability");
        }
        user.remove("meta").error(400, "mutability");
    });
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let user = Patient::new(&caller, "ada");
    let among = json!([{"op": "replace", "value": {"id": "x", "title": "U"}}]);
    user.send(among.clone()).error(400, "mutability");
    assert_eq!(user.read()["title"], "T");
    let compat = server.caller();
    let found = compat.patch(&user.path, among).is(200).json();
    assert_eq!((&found["title"], found["id"] == "x"), (&json!("U"), false));
}

#[test]
fn messages_and_paths_that_are_none() {
    for_both(|user| {
        let before = user.read();
        let syntax = [
            json!({"schemas": [PATCH_OP]}),
            json!({"schemas": [PATCH_OP], "Operations": []}),
            json!({"schemas": [PATCH_OP], "Operations": [{"op": "change", "path": "title"}]}),
            json!({"schemas": [PATCH_OP], "Operations": [{"path": "title", "value": "x"}]}),
        ];
        for body in &syntax {
            user.caller.send("PATCH", &user.path, Some(body)).error(400, "invalidSyntax");
        }
        for path in [
            "emails[type eq ",
            "emails[type eq \"work\"",
            "",
            "title title",
            "name[givenName eq \"G\"]",
            "title[value eq \"x\"]",
        ] {
            user.one("replace", path, json!("x")).error(400, "invalidPath");
        }
        for path in [
            "emails[type xx 1].value",
            "emails[type eq 1].value",
            "emails[]",
            "emails[primary gt true].value",
        ] {
            user.one("replace", path, json!("x")).error(400, "invalidFilter");
        }
        user.send(json!([{"op": "remove", "OP": "add", "path": "title", "value": "x"}]))
            .error(400, "invalidSyntax");
        user.one("replace", "active", json!("maybe")).error(400, "invalidValue");
        user.one("replace", "title", json!(["x", "y"])).error(400, "invalidValue");
        user.send(json!([{"op": "add", "path": "title"}])).error(400, "invalidValue");
        user.send(json!([{"op": "replace", "value": "x"}])).error(400, "invalidValue");
        let half = json!([{"op": "replace", "path": "title", "value": "U"}, {"op": "replace", "path": "active", "value": 7}]);
        user.send(half).error(400, "invalidValue");
        assert_eq!(user.read(), before, "all operations or none");
        let body =
            json!({"schemas": [PATCH_OP], "Operations": [{"op": "ADD", "path": "TITLE", "value": "U"}]});
        assert_eq!(user.caller.send("PATCH", &user.path, Some(&body)).is(200).json()["title"], "U");
        user.caller.patch("/Users/nobody", json!([{"op": "remove", "path": "title"}])).error(404, "");
    });
}

#[test]
fn what_no_schema_has_is_refused_for_a_strict_token() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let user = Patient::new(&caller, "ada");
    for path in ["foo", "name.foo", "urn:example:2.0:Shoe:size", "emails[type eq \"work\"].foo"] {
        user.one("replace", path, json!("x")).error(400, "invalidPath");
    }
    user.one("replace", "emails[foo eq 1].value", json!("x")).error(400, "invalidFilter");
    for operation in [
        json!({"op": "add", "value": {"foo": 1}}),
        json!({"op": "add", "value": {"urn:example:2.0:Shoe": {"size": 38}}}),
        json!({"op": "add", "path": "schemas", "value": ["urn:example:2.0:Shoe"]}),
    ] {
        user.send(json!([operation])).error(400, "invalidSyntax");
    }
    let body = json!({"schemas": [USER, "urn:example:2.0:Shoe"], "userName": "bob"});
    caller.post("/Users", &body).error(400, "invalidSyntax");
}

#[test]
fn a_body_of_the_other_kind_is_refused() {
    for_both(|user| {
        let body = json!({"schemas": [GROUP], "userName": "bob", "displayName": "Bob"});
        user.caller.post("/Users", &body).error(400, "invalidSyntax");
        user.caller.put(&user.path, &body).error(400, "invalidSyntax");
        let body = json!({"schemas": [USER], "userName": "bob", "displayName": "Bob"});
        user.caller.post("/Groups", &body).error(400, "invalidSyntax");
    });
}

#[test]
fn members() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let users: Vec<String> =
            ["a", "b", "c"].iter().map(|name| caller.user(&format!("{name}{}", caller.token))).collect();
        let path = format!("/Groups/{}", caller.group(&caller.token, &[&users[0]]));
        let count = |operation: Value| {
            caller.patch(&path, json!([operation])).is(200).json()["members"].as_array().map(Vec::len)
        };
        let value = |index: usize| json!({"value": users[index]});
        assert_eq!(count(json!({"op": "add", "path": "members", "value": [value(0), value(1)]})), Some(2));
        assert_eq!(count(json!({"op": "add", "value": {"members": [value(2)]}})), Some(3));
        assert_eq!(
            count(json!({"op": "remove", "path": format!("members[value eq \"{}\"]", users[0])})),
            Some(2)
        );
        assert_eq!(count(json!({"op": "replace", "path": "members", "value": [value(0)]})), Some(1));
        assert_eq!(count(json!({"op": "remove", "path": "members[type eq \"User\"]"})), Some(0));
        assert_eq!(count(json!({"op": "replace", "value": {"members": [value(0), value(1)]}})), Some(2));
        assert_eq!(count(json!({"op": "remove", "path": "members"})), Some(0));
        let part = format!("members[value eq \"{}\"].display", users[0]);
        caller.patch(&path, json!([{"op": "replace", "path": part, "value": "x"}])).error(400, "mutability");
    }
}

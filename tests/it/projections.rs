//! `attributes` and `excludedAttributes` on every verb (RFC 7644 §3.9, RFC 7643 §7 `returned`).

use serde_json::{Value, json};

use crate::server::{ENTERPRISE, PATCH_OP, Server, USER};

fn keys(value: &Value) -> String {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

fn body(name: &str) -> Value {
    json!({"schemas": [USER, ENTERPRISE], "userName": name, "title": "T", "password": "correct horse",
           "name": {"givenName": "Ada", "familyName": "Lee"},
           "emails": [{"value": "a@example.com", "type": "work"}], ENTERPRISE: {"department": "D", "division": "V"}})
}

#[test]
fn on_every_verb() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let name = caller.token.as_str();
        let query = "?attributes=TITLE,name.givenName,emails.type";
        let made = caller.post(&format!("/Users{query}"), &body(name)).is(201);
        let path = format!("/Users/{}", made.id());
        let put = caller.put(&format!("{path}{query}"), &body(name)).is(200);
        let operation =
            json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "U"}]});
        let patched = caller.send("PATCH", &format!("{path}{query}"), Some(&operation)).is(200);
        let read = caller.get(&format!("{path}{query}")).is(200);
        for answer in [made.json(), put.json(), patched.json(), read.json()] {
            assert_eq!(keys(&answer), "emails id name schemas title");
            assert_eq!(
                (&answer["name"], &answer["emails"]),
                (&json!({"givenName": "Ada"}), &json!([{"type": "work"}]))
            );
        }
        let listed = caller.get(&format!("/Users{query}")).is(200).json();
        assert_eq!(keys(&listed["Resources"][0]), "emails id name schemas title");
        let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "attributes": ["title"]});
        let found = caller.post("/Users/.search", &search).is(200).json();
        assert_eq!(keys(&found["Resources"][0]), "id schemas title");
        caller.delete(&path).is(204);
    }
}

#[test]
fn left_out_on_every_verb() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let query = "?excludedAttributes=title,name.givenName,emails,id,meta.version,active";
    let made = caller.post(&format!("/Users{query}"), &body("ada")).is(201);
    let path = format!("/Users/{}", made.id());
    let put = caller.put(&format!("{path}{query}"), &body("ada")).is(200);
    let read = caller.get(&format!("{path}{query}")).is(200);
    for answer in [made.json(), put.json(), read.json()] {
        let expected = format!("id meta name schemas {ENTERPRISE} userName");
        assert_eq!(keys(&answer), expected, "id is returned always");
        assert_eq!(answer["name"], json!({"familyName": "Lee"}));
        assert_eq!(keys(&answer["meta"]), "created lastModified location resourceType");
    }
}

#[test]
fn names_of_schemas_unknown_names_and_what_is_never_returned() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let path = format!("/Users/{}", caller.post("/Users", &body("ada")).is(201).id());
    let read = |query: &str| caller.get(&format!("{path}?{query}")).is(200).json();
    assert_eq!(read(&format!("attributes={ENTERPRISE}:department"))[ENTERPRISE], json!({"department": "D"}));
    assert_eq!(keys(&read(&format!("attributes={ENTERPRISE}"))), format!("id schemas {ENTERPRISE}"));
    assert_eq!(keys(&read(&format!("attributes={USER}:title"))), "id schemas title");
    assert_eq!(keys(&read("attributes=nothing")), "id schemas");
    assert_eq!(keys(&read("attributes=password")), "id schemas");
    assert!(read("excludedAttributes=nothing").get("password").is_none());
    caller.get(&format!("{path}?attributes=title&excludedAttributes=name")).error(400, "invalidValue");
}

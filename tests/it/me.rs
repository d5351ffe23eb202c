//! `/Me` (RFC 7644 §3.11): the user a token is bound to, and 501 for a token that is bound to nobody.

use serde_json::json;

use crate::server::{PATCH_OP, Server, USER};

#[test]
fn a_bound_token_is_its_user() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let ada = caller.user("ada");
    let bound = server.caller_with(&["--strict", "--user", &ada]);
    let me = bound.get("/Me").is(200);
    assert_eq!(me.json(), caller.get(&format!("/Users/{ada}")).is(200).json());
    assert_eq!(me.header("location"), format!("{}/Users/{ada}", bound.base));
    let location = format!("{}/Users/{ada}", bound.base);
    let (stale, etag) = ([("if-match", "W/\"77\"")], [("if-none-match", me.header("etag"))]);
    for answer in [
        bound.send_with("GET", "/Me", &etag, None).is(304),
        bound.put("/Me", &json!({"schemas": [USER], "userName": "ada", "title": "x"})).is(200),
        bound.put("/Me", &json!({"schemas": [USER]})),
        bound.patch("/Me", json!([{"op": "replace", "path": "title", "value": "y"}])).is(200),
        bound.patch("/Me", json!([{"op": "remove", "path": "userName"}])),
        bound.send_with("DELETE", "/Me", &stale, None),
        bound.post("/Me", &json!({})),
    ] {
        assert_eq!(answer.header("location"), location, "every answer says where: {}", answer.text());
    }
    assert_eq!(caller.get(&format!("/Users/{ada}")).is(200).json()["title"], "y");
    assert_eq!(bound.post("/Me", &json!({})).header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
    let rename =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "z"}]});
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        {"method": "PATCH", "path": "/Me", "data": rename}, {"method": "PUT", "path": "/Me", "data": {}},
    ]});
    let done = bound.post("/Bulk", &bulk).is(200).json();
    for (at, status) in [(0, "200"), (1, "400")] {
        let operation = &done["Operations"][at];
        assert_eq!(operation["status"], status, "{operation}");
        assert_eq!(operation["location"], location, "{operation}");
    }
    assert_eq!(caller.post("/Bulk", &bulk).is(200).json()["Operations"][0]["status"], "501");
    assert_eq!(bound.get("/Me").is(200).json()["title"], "z");
    assert_eq!(bound.delete("/Me").is(204).header("location"), location);
    bound.get("/Me").error(404, "");
    server.data().run(&["token", "create", "--name", "nobody's", "--user", "nobody"]).refused();
}

#[test]
fn a_token_bound_to_nobody_has_no_me() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let detail = caller.send(method, "/Me", Some(&json!({}))).error(501, "");
        assert!(detail.contains("not bound to a user"), "{detail}");
    }
}

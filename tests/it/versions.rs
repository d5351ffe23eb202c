//! Versions over HTTP (RFC 7644 §3.14, RFC 9110 §13): If-Match and If-None-Match on every method.

use serde_json::json;

use crate::server::{PATCH_OP, Server, USER};

#[test]
fn if_none_match_answers_304_to_reads_and_412_to_writes() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let name = &caller.token;
        let made = caller.post("/Users", &json!({"schemas": [USER], "userName": name})).is(201);
        let (path, etag) = (format!("/Users/{}", made.id()), made.header("etag").to_owned());
        let put = json!({"schemas": [USER], "userName": name, "title": "x"});
        let patch =
            json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
        for tags in [etag.as_str(), "*", &format!("W/\"77\", {etag}"), etag.trim_start_matches("W/")] {
            let headers = [("if-none-match", tags)];
            let unchanged = caller.send_with("GET", &path, &headers, None).is(304);
            assert!(unchanged.body.is_empty() && unchanged.header("etag") == etag, "{tags}");
            // RFC 9110 §15.4.5: a 304 has the fields that the 200 would have had.
            for name in ["location", "content-location"] {
                assert_eq!(unchanged.header(name), made.header(name), "{tags}");
            }
            caller.send_with("HEAD", &path, &headers, None).is(304);
            caller.send_with("PUT", &path, &headers, Some(&put)).error(412, "");
            caller.send_with("PATCH", &path, &headers, Some(&patch)).error(412, "");
            caller.send_with("DELETE", &path, &headers, None).error(412, "");
        }
        caller.send_with("GET", &path, &[("if-none-match", "W/\"77\"")], None).is(200);
        caller.send_with("PUT", &path, &[("if-none-match", "W/\"77\"")], Some(&put)).is(200);
        assert_eq!(caller.get(&path).is(200).json()["title"], "x");
    }
}

#[test]
fn if_match_guards_reads_too() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let made = caller.post("/Users", &json!({"schemas": [USER], "userName": "ada"})).is(201);
    let (path, etag) = (format!("/Users/{}", made.id()), made.header("etag").to_owned());
    for good in [etag.as_str(), "*", &format!("W/\"77\", {etag}")] {
        caller.send_with("GET", &path, &[("if-match", good)], None).is(200);
    }
    for stale in ["W/\"77\"", "\"x\"", "nonsense"] {
        caller.send_with("GET", &path, &[("if-match", stale)], None).error(412, "");
        caller.send_with("DELETE", &path, &[("if-match", stale)], None).error(412, "");
    }
    caller.send_with("DELETE", "/Users/nobody", &[("if-match", "*")], None).error(404, "");
}

#[test]
fn another_version_of_the_protocol_is_refused() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        for path in ["/v1/Users", "/v3/Users", "/v1.1/ServiceProviderConfig", "/v1"] {
            caller.get(path).error(400, "invalidVers");
        }
        caller.get("/v2/Users").is(200);
        caller.get("/version/Users").error(404, "");
    }
}

#[test]
fn the_version_is_the_etag_everywhere() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let made = caller.post("/Users", &json!({"schemas": [USER], "userName": "ada"})).is(201);
    let path = format!("/Users/{}", made.id());
    let put = caller.put(&path, &json!({"schemas": [USER], "userName": "ada", "title": "x"})).is(200);
    let patched = caller.patch(&path, json!([{"op": "add", "path": "title", "value": "y"}])).is(200);
    let read = caller.get(&path).is(200);
    for answer in [&made, &put, &patched, &read] {
        let etag = answer.header("etag");
        assert!(etag.starts_with("W/\""), "{etag}");
        assert_eq!(answer.json()["meta"]["version"], etag);
        assert_eq!(answer.header("location"), answer.json()["meta"]["location"]);
        assert_eq!(answer.header("content-location"), answer.json()["meta"]["location"]);
    }
    assert_ne!(made.header("etag"), put.header("etag"));
    assert_ne!(put.header("etag"), patched.header("etag"));
    assert_eq!(patched.header("etag"), read.header("etag"));
    let listed = caller.get("/Users").is(200).json();
    assert_eq!(listed["Resources"][0]["meta"]["version"], read.header("etag"));
}

//! Every provisioning request leaves a row, refused ones too, with no secret and no value that is never returned.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Data, Server, USER, unpacked};

/// The activity rows as (method, path, status), in order, once at least `n` are written.
fn rows(data: &Data, n: usize) -> Vec<(String, String, u16)> {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let began = Instant::now();
    loop {
        let mut statement =
            sqlite.prepare("select method, path, status from activity order by n").expect("the table");
        let found: Vec<(String, String, u16)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .expect("the rows")
            .map(|row| row.expect("a row"))
            .collect();
        if found.len() >= n || began.elapsed() > Duration::from_secs(20) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn changes_reads_and_refusals_are_recorded() {
    let server = Server::plain();
    let caller = server.caller();
    let id = caller.user("ada@example.com");
    caller.get(&format!("/Users/{id}")).is(200);
    caller.get("/Users?filter=userName+eq+%22ada%40example.com%22").is(200);
    caller.post("/Users", &json!({"schemas": [USER], "userName": "ada@example.com"})).is(409);
    caller.post("/Users", &json!({"schemas": [USER]})).is(400);
    caller.delete(&format!("/Users/{id}")).is(204);
    let revoked = server.caller_with(&["--name", "old"]);
    server.data().run(&["token", "revoke", "old"]).well();
    revoked.get("/Users").is(401);
    server.client().send("GET", &format!("{}/Users", caller.base), &[], Vec::new()).is(401);
    let rows = rows(server.data(), 8);
    let has = |method: &str, path: &str, status: u16| {
        rows.iter().any(|row| row.0 == method && row.1.ends_with(path) && row.2 == status)
    };
    assert!(has("POST", "/Users", 201), "{rows:?}");
    assert!(has("POST", "/Users", 409), "{rows:?}");
    assert!(has("POST", "/Users", 400), "{rows:?}");
    assert!(has("DELETE", &id, 204), "{rows:?}");
    assert!(has("GET", &id, 200), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.2 == 401).count(), 2, "{rows:?}");
}

#[test]
fn the_requests_of_one_client_are_numbered_in_the_order_in_which_it_sent_them() {
    let server = Server::plain();
    let caller = server.caller();
    let rounds = 60;
    for n in 0..rounds {
        caller.get(&format!("/Users?filter=userName+eq+%22{n}%40example.com%22")).is(200);
        caller.user(&format!("{n}@example.com"));
        caller.post("/Users", &json!({"schemas": [USER]})).is(400);
        caller.get("/Users/nobody").is(404);
    }
    let told: Vec<u16> = rows(server.data(), rounds * 4).into_iter().map(|row| row.2).collect();
    assert_eq!(told, [200, 201, 400, 404].repeat(rounds));
}

#[test]
fn a_password_is_nowhere_in_the_file() {
    let server = Server::plain();
    let caller = server.caller();
    let secret = "correct-horse-battery-staple";
    let id = caller
        .post(
            "/Users",
            &json!({"schemas": [USER], "userName": "ada", "password": secret, "displayName": "Ada"}),
        )
        .is(201)
        .id();
    let patch = caller
        .patch(&format!("/Users/{id}"), json!([{"op": "replace", "path": "password", "value": secret}]));
    patch.is(200);
    caller
        .patch(
            &format!("/Users/{id}"),
            json!([{"op": "replace", "value": {"password": secret, "title": "x"}}]),
        )
        .is(200);
    caller
        .put(&format!("/Users/{id}"), &json!({"schemas": [USER], "userName": "ada", "password": secret}))
        .is(200);
    caller.post("/Users", &json!({"schemas": [USER], "password": secret})).is(400);
    let filtered = caller.get(&format!("/Users?filter=password+eq+%22{secret}%22"));
    assert!(!filtered.text().contains(secret), "{}", filtered.text());
    // Wherever else a secret may stand: Bulk data, PATCH paths and dotted keys, posted searches, other names, the path.
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1",
             "data": {"schemas": [USER], "userName": "bea", "password": secret, "apiToken": secret}},
            {"method": "PATCH", "path": format!("/Users/{id}"), "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "password", "value": secret}]}},
        ],
    });
    caller.post("/Bulk", &bulk).is(200);
    let spread = [
        json!([{"op": "replace", "path": format!("emails[password eq \"{secret}\"].value"), "value": "x"}]),
        json!([{"op": "add", "path": format!("password[value eq \"{secret}\"]"), "value": secret}]),
        json!([{"op": "replace", "value": {"password.value": secret, "authorization": {"x": [secret]}}}]),
        json!([{"op": "replace", "value": {format!("emails[token eq \"{secret}\"].value"): "x"}}]),
        json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": [secret]}]),
    ];
    for operations in spread {
        let answer = caller.patch(&format!("/Users/{id}"), operations);
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": format!("userName eq \"ada\" and password eq \"{secret}\""),
    });
    let answer = caller.post("/Users/.search", &search);
    assert!(!answer.text().contains(secret), "{}", answer.text());
    caller.get(&format!("/Users?access_token={secret}"));
    caller.get(&format!("/Users?filter=password+eq+{secret}"));
    caller.get(&format!("/Users/{}", caller.token)).is(404);
    caller.get(&format!("/Users?filter=userName+eq+%22{}%22", caller.token)).is(200);
    std::thread::sleep(Duration::from_millis(600));
    let token = caller.token.clone();
    let said = server.said();
    let data = std::sync::Arc::clone(server.data());
    assert!(server.stop().success());
    assert!(!said.contains(secret), "not in the log");
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let mut bodies = sqlite.prepare("select request, answer from activity_body").expect("the table");
    let bodies =
        bodies.query_map([], |row| Ok([row.get::<_, Option<Vec<u8>>>(0)?, row.get(1)?])).expect("rows");
    let mut looked = 0;
    for body in bodies.flat_map(|row| row.expect("a row")).flatten() {
        let text = String::from_utf8(unpacked(&body)).expect("text");
        assert!(!text.contains(secret) && !text.contains(&token), "{text}");
        looked += 1;
    }
    assert!(looked > 15, "bodies were kept: {looked}");
    for file in crate::server::files_in(&data.dir()) {
        let bytes = std::fs::read(&file).expect("it can be read");
        for hidden in [secret, &token] {
            let found = bytes.windows(hidden.len()).position(|part| part == hidden.as_bytes());
            let near =
                found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(80)..at]).into_owned());
            assert_eq!(near, None, "in {}", file.display());
        }
    }
}

#[test]
fn strangers_cannot_fill_the_log() {
    let server = Server::plain();
    let caller = server.caller();
    for _ in 0..150 {
        server.client().send("GET", &format!("{}/Users?filter=x", caller.base), &[], Vec::new()).is(401);
    }
    std::thread::sleep(Duration::from_millis(1500));
    let refusals = rows(server.data(), 0).into_iter().filter(|row| row.2 == 401).count();
    assert!((1..=45).contains(&refusals), "at most 20 a minute of one address: {refusals}");
}

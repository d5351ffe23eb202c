//! Who may ask: each fault of a token is told from the others, none reveals the token, and what a token may do holds.

use serde_json::json;

use crate::client::Answer;
use crate::server::{Caller, Data, Server, USER, until};

fn with(caller: &Caller, authorization: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", *value)).collect();
    caller.server.client().send("GET", &format!("{}/Users", caller.base), &headers, Vec::new())
}

/// The detail of a 401, checked for its headers and for not repeating the token.
#[track_caller]
fn refused(caller: &Caller, authorization: Option<&str>) -> String {
    let answer = with(caller, authorization);
    assert!(answer.header("www-authenticate").starts_with("Bearer"), "{}", answer.header("www-authenticate"));
    let challenge = answer.header("www-authenticate").to_string();
    let detail = answer.error(401, "");
    if let Some(secret) = authorization.and_then(|value| value.split_once("scimd_")).map(|(_, secret)| secret)
    {
        for part in [&secret[..8.min(secret.len())], &secret[secret.len().saturating_sub(8)..]] {
            assert!(part.len() < 8 || !(detail.contains(part) || challenge.contains(part)), "{detail}");
        }
    }
    detail
}

#[test]
fn every_fault_has_its_own_words() {
    let server = Server::start();
    let caller = server.caller();
    let token = caller.token.clone();
    let foreign = Server::plain().data().token(&[]);
    let mut changed = token.clone().into_bytes();
    changed[12] = if changed[12] == b'a' { b'b' } else { b'a' };
    let changed = String::from_utf8(changed).expect("text");
    let cut = &token[..token.len() - 4];
    let details = [
        refused(&caller, None),
        refused(&caller, Some("Basic dXNlcjpwYXNz")),
        refused(&caller, Some(&format!("Bearer {foreign}"))),
        refused(&caller, Some(&format!("Bearer {cut}"))),
        refused(&caller, Some(&format!("Bearer \"{token}\""))),
        refused(&caller, Some("Bearer")),
    ];
    assert!(details[0].contains("Authorization"), "{}", details[0]);
    assert!(details[1].contains("Bearer"), "{}", details[1]);
    for (n, detail) in details[..5].iter().enumerate() {
        for other in &details[n + 1..5] {
            assert_ne!(detail, other, "each fault is told from the others");
        }
    }
    assert_eq!(
        refused(&caller, Some(&format!("Bearer {changed}"))),
        details[3],
        "changed and cut short are one fault"
    );
    refused(&caller, Some(&format!("Bearer Bearer {token}")));
    with(&caller, Some(&format!("Bearer {token}"))).is(200);
    with(&caller, Some(&format!("bearer {token}"))).is(200);
}

#[test]
fn a_bad_token_does_not_lock_out_a_good_one() {
    let server = Server::plain();
    let caller = server.caller();
    for _ in 0..100 {
        with(&caller, Some("Bearer wrong")).is(401);
    }
    caller.get("/Users").is(200);
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "leaver"]);
    caller.get("/Users").is(200);
    server.data().run(&["token", "revoke", "leaver"]).well();
    let detail = refused(&caller, Some(&format!("Bearer {}", caller.token)));
    assert!(detail.contains("revoked"), "{detail}");
    let listed = server.data().run(&["token", "list"]).well().stdout;
    assert!(listed.contains("leaver") && listed.contains("revoked"), "{listed}");
    server.data().run(&["token", "revoke", "nobody"]).refused();
}

#[test]
fn a_token_that_is_revoked_while_the_body_is_under_way_changes_nothing() {
    use std::io::{Read, Write};
    let server = Server::plain();
    let slow = server.caller_with(&["--name", "leaver"]);
    let body = json!({"schemas": [USER], "userName": "late@example.com"}).to_string();
    let (first, rest) = body.split_at(20);
    let mut stream = std::net::TcpStream::connect(server.address()).expect("it listens");
    let head = format!(
        "POST /scim/Users HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/scim+json\r\ncontent-length: {}\r\n\r\n{first}",
        server.address(),
        slow.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    // That the head has been looked at shows in the token's last use.
    until(|| !server.data().run(&["token", "list"]).well().stdout.contains("never"));
    server.data().run(&["token", "revoke", "leaver"]).well();
    stream.write_all(rest.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("the token was revoked"), "{answer}");
    let other = server.caller();
    assert_eq!(other.get("/Users").is(200).json()["totalResults"], 0);
    until(|| server.data().run(&["activity", "tail"]).well().stdout.contains("Refused: revoked token"));
}

#[test]
fn a_rotated_token_works_on_under_another_name() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "Okta"]);
    let printed = server.data().run(&["token", "rotate", "Okta"]).well().stdout;
    caller.get("/Users").is(200);
    with(&caller, Some(&format!("Bearer {}", printed.trim()))).is(200);
    let listed = server.data().run(&["token", "list"]).well().stdout;
    assert!(listed.contains("Okta, old"), "{listed}");
    server.data().run(&["token", "revoke", "Okta, old"]).well();
    assert!(refused(&caller, Some(&format!("Bearer {}", caller.token))).contains("revoked"));
    server.data().run(&["token", "rotate", "Okta, old"]).refused();
}

#[test]
fn an_expired_token_is_refused() {
    let server = Server::plain();
    let caller = server.caller_with(&["--expires", "1m"]);
    caller.get("/Users").is(200);
    // A minute is long to wait for: its end is moved into the past.
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    sqlite.busy_timeout(std::time::Duration::from_secs(5)).expect("a timeout");
    assert_eq!(sqlite.execute("update token set expires = expires - 61000", []).expect("the token table"), 1);
    drop(sqlite);
    let detail = refused(&caller, Some(&format!("Bearer {}", caller.token)));
    assert!(detail.contains("expired"), "{detail}");
    server.caller_with(&["--expires", "never"]).get("/Users").is(200);
    server.caller_with(&["--expires", "30d"]).get("/Users").is(200);
    server.data().run(&["token", "create", "--name", "x", "--expires", "soon"]).refused();
}

#[test]
fn a_read_only_token_reads() {
    let server = Server::plain();
    let writer = server.caller();
    let id = writer.user("ada@example.com");
    let reader = server.caller_with(&["--read-only"]);
    reader.get(&format!("/Users/{id}")).is(200);
    reader.get("/Users").is(200);
    let path = format!("/Users/{id}");
    reader.post("/Users", &json!({"schemas": [USER], "userName": "eve"})).error(403, "");
    reader.put(&path, &json!({"schemas": [USER], "userName": "eve"})).error(403, "");
    reader.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).error(403, "");
    reader.delete(&path).error(403, "");
    assert_eq!(writer.get("/Users").json()["totalResults"], 1);
}

#[test]
fn a_token_is_stored_as_a_hash_and_never_logged() {
    let server = Server::start();
    let caller = server.caller();
    caller.user("ada@example.com");
    with(&caller, Some(&format!("Bearer {}x", caller.token)));
    let (token, said) = (caller.token.clone(), server.said());
    let data = std::sync::Arc::clone(server.data());
    assert!(server.stop().success());
    assert!(!said.contains(&token[6..]), "not in the log");
    for file in crate::server::files_in(&data.dir()) {
        let bytes = std::fs::read(&file).expect("it can be read");
        let found = bytes.windows(token.len() - 6).any(|part| part == &token.as_bytes()[6..]);
        assert!(!found, "the token stands in {}", file.display());
    }
}

#[test]
fn the_text_of_a_token_has_its_shape() {
    let data = Data::new();
    let token = data.token(&["--name", "plain"]);
    let secret = token.strip_prefix("scimd_").expect("the prefix");
    assert_eq!(secret.len(), 43 + 6, "{token}");
    assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric()), "base62: {token}");
    let regional = data.token(&["--name", "regional", "--region", "eu"]);
    assert!(regional.starts_with("scimd_eu_") && regional.len() == token.len() + 3, "{regional}");
    assert_ne!(token, data.token(&["--name", "other"]));
    data.run(&["token", "create", "--name", "plain"]).refused();
    data.run(&["token", "create", "--name", "x", "--region", "Europe"]).refused();
}

#[test]
fn the_last_use_is_kept() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "seen"]);
    let before = server.data().run(&["token", "list"]).well().stdout;
    caller.send_with("GET", "/Users", &[("user-agent", "ExampleProvider/1.0")], None).is(200);
    caller.user("ada@example.com");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let after = server.data().run(&["token", "list"]).well().stdout;
    assert_ne!(before, after, "the list tells of the last use");
    assert!(after.contains("127.0.0.1"), "and where it came from: {after}");
}

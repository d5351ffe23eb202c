//! `scimd selftest`: against an instance of one's own, against another, and against one that fails.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use crate::server::{Server, finish};

#[test]
fn every_providers_sequence_passes_and_leaves_nothing_behind() {
    let server = Server::start();
    server.caller().user("ada@example.com");
    let url = format!("{}/scim", server.origin);
    let ran = server.data().run(&["selftest", "--url", &url, "--insecure"]).well();
    for provider in ["JumpCloud", "Okta", "Entra ID", "OneLogin"] {
        assert!(ran.stdout.contains(&format!("{provider}\n")), "{ran}");
    }
    assert!(ran.stdout.contains("lines passed") && !ran.stdout.contains("failed"), "{ran}");
    let teams = server.data().run(&["team", "list"]).well().stdout;
    assert!(!teams.contains("Self-test"), "{teams}");
    let refused = server.data().run(&["selftest", "--url", &url]).refused();
    assert!(refused.contains("certificate"), "a certificate nobody vouches for is told: {refused}");
}

#[test]
fn another_server_is_tested_with_its_token_and_a_failing_line_shows_request_and_answer() {
    let server = Server::plain();
    let url = format!("{}/scim/v2/", server.origin);
    let token = server.caller().token;
    let mut command = crate::server::command();
    let ran = finish(command.args(["selftest", "--as", "okta", "--url", &url, "--token", &token])).well();
    assert!(ran.stdout.starts_with("Okta\n") && !ran.stdout.contains("JumpCloud"), "{ran}");
    let users = server.caller().get("/Users").is(200).json();
    assert_eq!(users["totalResults"], json!(0), "what was made is deleted");
    // Strict is exactly the RFCs, and Entra is not.
    let strict = server.caller_with(&["--strict"]).token;
    let mut command = crate::server::command();
    let ran = finish(command.args(["selftest", "--as", "entra", "--url", &url, "--token", &strict]));
    assert_eq!(ran.status.code(), Some(1), "{ran}");
    assert!(
        ran.stdout.contains("  failed  disable with text for a boolean: the status is 400, not 200 or 204"),
        "{ran}"
    );
    assert!(ran.stdout.contains("\"value\":\"False\"") && ran.stdout.contains("\"status\":\"400\""), "{ran}");
    assert!(!ran.stdout.contains(&strict), "the token is not printed");
    assert_eq!(server.caller().get("/Users").is(200).json()["totalResults"], json!(0));
}

/// Interrupts the command after its first line, and gives its exit code and all it said.
fn interrupted(command: &mut std::process::Command) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("create the test user") {
        assert!(lines.read_line(&mut said).expect("a line") > 0, "it ended early: {said}");
    }
    crate::server::kill(&child, Signal::INT);
    lines.read_to_string(&mut said).expect("the rest");
    (child.wait().expect("it ends").code(), said)
}

#[test]
fn an_interrupted_run_takes_away_what_it_made() {
    let server = Server::start();
    let url = format!("{}/scim", server.origin);
    let token = server.caller().token;
    let mut command = crate::server::command();
    command.args(["selftest", "--insecure", "--as", "jumpcloud", "--url", &url, "--token", &token]);
    let (code, said) = interrupted(&mut command);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.ends_with("stopped before the end; what was made is deleted again\n"), "{said}");
    assert_eq!(server.caller().get("/Users").is(200).json()["totalResults"], 0, "{said}");

    let mut command = crate::server::command();
    command.args(["selftest", "--insecure", "--url", &url, "--data-dir"]).arg(server.data().dir());
    let (code, said) = interrupted(&mut command);
    assert_eq!(code, Some(1), "{said}");
    let file = rusqlite::Connection::open(server.data().database()).expect("the file");
    let left = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(left("select count(*) from team where slug like '~%'"), 0, "{said}");
    assert_eq!(left("select count(*) from token where name = 'Self-test'"), 0, "{said}");
    assert_eq!(left("select count(*) from audit where what like 'selftest.%'"), 2, "{said}");
    server.data().run(&["check"]).well();
}

/// A server of few words: it makes what it is told to, lets nothing go, and hangs up on whoever asks for a group.
fn stubborn() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut lines = BufReader::new(stream.expect("a connection"));
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                lines.read_line(&mut line).expect("a line");
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                head.push_str(&line);
                if line.trim().is_empty() {
                    break;
                }
            }
            lines.read_exact(&mut vec![0; length]).expect("the body");
            let (status, body) = match head.split_whitespace().next() {
                Some("POST") if head.contains("/Groups") => continue,
                Some("POST") => ("201 Created", r#"{"id":"7","active":true}"#),
                Some("DELETE") => ("405 Method Not Allowed", "{}"),
                _ => ("200 OK", r#"{"totalResults":0,"startIndex":1,"Resources":[]}"#),
            };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
            let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            std::io::Write::write_all(lines.get_mut(), answer.as_bytes()).expect("an answer");
        }
    });
    address
}

#[test]
fn a_line_without_an_answer_fails_alone_and_what_a_server_keeps_is_told() {
    let url = format!("http://{}/scim", stubborn());
    let mut command = crate::server::command();
    let ran = finish(command.args(["selftest", "--as", "okta", "--url", &url, "--token", "secret"]));
    assert_eq!(ran.status.code(), Some(1), "{ran}");
    assert!(ran.stdout.contains("  failed  create a group without members: no answer: "), "{ran}");
    assert!(ran.stdout.contains("  failed  add a member with its name: an earlier line gave no id"), "{ran}");
    assert!(ran.stdout.contains("  failed  delete the user: the status is 405, not 204"), "{ran}");
    let kept = "  failed  take away what was made: the server keeps /Users/7 (DELETE is answered 405); take it away there";
    assert!(ran.stdout.contains(kept), "{ran}");
    assert!(!ran.stdout.contains("{{"), "{ran}");
    // Nobody there at all is one sentence, not a sheet.
    let mut command = crate::server::command();
    let nobody = ["selftest", "--url", "http://127.0.0.1:1/scim", "--token", "secret"];
    let refused = finish(command.args(nobody)).refused();
    assert!(refused.contains("GET http://127.0.0.1:1/scim/Users"), "{refused}");
}

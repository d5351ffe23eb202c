//! `scimd selftest`: against an instance of one's own, against another, and against one that fails.

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

//! Finding requests: by person, group, id, status, token, time and words, on the page and on the command line.

use std::time::Duration;

use serde_json::json;

use crate::browser::{Browser, encoded};
use crate::server::{Server, USER};

/// The request ids of what the command line printed, latest first.
fn printed(text: &str) -> Vec<&str> {
    let mut ids: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|id| id.starts_with("req_"))
        .collect();
    ids.reverse();
    ids
}

#[test]
fn a_request_is_found_by_whom_it_concerned_what_it_was_and_when() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let other = server.caller_with(&["--name", "Okta"]);
    let body = json!({"schemas": [USER], "userName": "priya@example.com", "displayName": "Priya Raman"});
    let made = caller.post("/Users", &body).is(201);
    let priya = made.id();
    let mei = other.user("mei@example.com");
    let group = caller.group("Engineering", &[]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": priya}, {"value": mei}]}]);
    let joined = caller.patch(&format!("/Groups/{group}"), add).is(200);
    let refused = other.post("/Users", &body).is(409);
    let looked =
        caller.get(&format!("/Users?filter=userName+eq+{}", encoded("\"priya@example.com\""))).is(200);
    std::thread::sleep(Duration::from_millis(600));
    let id = |answer: &crate::client::Answer| answer.header("x-request-id").to_owned();
    let search = |args: &[&str]| {
        let ran = server.data().run(&[&["activity", "search"][..], args].concat()).well();
        printed(&ran.stdout).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // A person: by name, by the beginning of it, by id, also where only the group's request names it.
    assert_eq!(search(&["priya raman"]), [id(&refused), id(&joined), id(&made)]);
    assert_eq!(search(&["PRI"]).len(), 4);
    assert_eq!(search(&[&priya]), [id(&refused), id(&joined), id(&made)]);
    assert_eq!(search(&["engineering"]).len(), 2);
    assert_eq!(search(&[&id(&joined)]), [id(&joined)]);
    assert_eq!(search(&["--status", "409"]), [id(&refused)]);
    assert_eq!(search(&["--status", "4xx", "--token", "Okta"]), [id(&refused)]);
    assert_eq!(search(&["--token", "Okta"]).len(), 2);
    assert_eq!(search(&["priya", "--kind", "reads"]), [id(&looked)]);
    assert_eq!(search(&["priya", "--to", "2020-01-01"]), [""; 0]);
    assert_eq!(search(&["priya", "--from", "1h"]).len(), 4);
    assert_eq!(search(&["priya", "-n", "1"]).len(), 1);
    // Bodies, within an hour that is named.
    let wrong = server.data().run(&["activity", "search", "--in-bodies", "displayName"]).refused();
    assert!(wrong.contains("name an hour"), "{wrong}");
    let hour = ["--in-bodies", "\"displayname\":\"priya raman\"", "--from", "30m"];
    let wrong = server.data().run(&[&["activity", "search"][..], &hour].concat()).refused();
    assert!(wrong.contains("name an hour"), "{wrong}");
    let ran = search(&[&hour[..], &["--to", "0m"]].concat());
    assert!(ran.contains(&id(&made)) && ran.contains(&id(&refused)), "{ran:?}");
    // The page finds the same.
    let browser = Browser::sign_in(&server, "ada@example.com", true);
    let page = |query: &str| browser.get(&format!("/admin/t/default/activity?{query}")).is(200).text();
    let shown = |query: &str| {
        let page = page(query);
        [&made, &joined, &refused, &looked].map(|answer| page.contains(&format!("id=\"{}\"", id(answer))))
    };
    assert_eq!(shown("q=priya+raman"), [true, true, true, false]);
    assert_eq!(shown(&format!("q={priya}")), [true, true, true, false]);
    assert_eq!(shown("status=4xx"), [false, false, true, false]);
    assert_eq!(shown("kind=reads"), [false, false, false, true]);
    assert!(shown("q=%22displayname%22%3A%22priya+raman&in=bodies")[0]);
    // Hostile text is text.
    for hostile in [
        "\"",
        "*",
        "a\" OR \"b",
        "NEAR(a b)",
        "words:x",
        "-x",
        "^zz",
        "{a b}:c",
        "\u{0}",
        "'; drop table activity",
    ] {
        assert!(page(&format!("q={}", encoded(hostile))).contains("No requests match"), "{hostile:?}");
        if !hostile.starts_with(['-', '\u{0}']) {
            assert_eq!(search(&[hostile]), [""; 0], "{hostile:?}");
        }
    }
}

#[test]
fn what_a_provider_makes_to_try_the_connection_is_labelled_and_people_are_not() {
    let server = Server::plain();
    let caller = server.caller();
    let user = caller.user("some.body@example.com");
    let group = caller.group("Some Group", &[&user]);
    caller.delete(&format!("/Groups/{group}")).is(204);
    caller.delete(&format!("/Users/{user}")).is(204);
    caller.user("selftest-1@example.com");
    caller.group("Selftest 1", &[]);
    let browser = Browser::sign_in(&server, "ada@example.com", true);
    let labels = |path: &str| {
        browser.get(&format!("/admin/t/default/{path}")).is(200).text().matches("chip test").count()
    };
    assert_eq!((labels("users"), labels("groups")), (1, 1));
    assert_eq!(labels("activity?kind=changes"), 6);
    assert_eq!(labels(""), 6, "the overview's latest changes");
    caller.user("mei@example.com");
    caller.group("Engineering", &[]);
    assert_eq!((labels("users"), labels("groups"), labels("activity?kind=changes")), (1, 1, 6));
}

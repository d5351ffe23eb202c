//! Why somebody has the state they have, found on the page and on the command line: for the living and the deleted, with the
//! requests that did it, and after those are forgotten.

use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Browser, encoded};
use crate::client::Answer;
use crate::server::{Caller, Server, USER};

fn id(answer: &Answer) -> String {
    answer.header("x-request-id").to_owned()
}

fn replace(caller: &Caller<'_>, path: &str, attribute: &str, value: Value) -> Answer {
    caller.patch(path, json!([{"op": "replace", "path": attribute, "value": value}])).is(200)
}

fn member(caller: &Caller<'_>, op: &str, group: &str, user: &str) -> Answer {
    let operation = match op {
        "add" => json!([{"op": "add", "path": "members", "value": [{"value": user}]}]),
        _ => json!([{"op": "remove", "path": format!("members[value eq \"{user}\"]")}]),
    };
    caller.patch(&format!("/Groups/{group}"), operation).is(200)
}

#[test]
fn a_person_s_state_is_explained_on_the_page_and_on_the_command_line() {
    let server = Server::plain();
    let jumpcloud = server.caller_with(&["--name", "JumpCloud"]);
    let okta = server.caller_with(&["--name", "Okta"]);
    let body = json!({"schemas": [USER], "userName": "priya@example.com", "displayName": "Priya Raman"});
    let made = jumpcloud.post("/Users", &body).is(201);
    let priya = made.id();
    let path = format!("/Users/{priya}");
    let group = jumpcloud.group("Engineering", &[]);
    let ops = jumpcloud.group("Ops", &[]);
    let joined = member(&jumpcloud, "add", &group, &priya);
    let joined_ops = member(&jumpcloud, "add", &ops, &priya);
    let renamed = replace(&okta, &path, "userName", json!("p.raman@example.com"));
    let refused = okta.patch(&path, json!([{"op": "replace", "path": "active", "value": "maybe"}])).is(400);
    let left = member(&jumpcloud, "remove", &group, &priya);
    let off = replace(&jumpcloud, &path, "active", json!(false));
    std::thread::sleep(Duration::from_millis(1200));
    let expected = [&made, &joined, &joined_ops, &renamed, &refused, &left, &off].map(id);
    let requests = |text: &str| {
        let last = |line: &str| line.split_whitespace().last().unwrap_or_default().to_owned();
        text.lines().map(last).filter(|word| word.starts_with("req_")).collect::<Vec<_>>()
    };
    for name in ["priya@example.com", "P.Raman@example.com", "priya raman", &priya] {
        let told = server.data().run(&["activity", "of", name]).well().stdout;
        assert_eq!(requests(&told), expected, "{told}");
        let heading = format!("Priya Raman (User {priya}), inactive, in 1 group: Ops\n");
        assert!(told.starts_with(&heading), "{told}");
        assert!(told.contains("userName: priya@example.com to p.raman@example.com"), "{told}");
        assert!(told.contains("Okta  Refused: "), "who tried: {told}");
    }
    let of_group = server.data().run(&["activity", "of", "engineering"]).well().stdout;
    assert_eq!(requests(&of_group)[1..], [id(&joined), id(&left)]);
    let browser = Browser::sign_in(&server, "ada@example.com", true);
    let page = |path: &str| browser.get(&format!("/admin/t/default/{path}")).is(200).text();
    let shown = page(&format!("users/{priya}"));
    let places: Vec<usize> = expected
        .iter()
        .map(|request| {
            shown.find(&format!("activity/{request}\"")).unwrap_or_else(|| panic!("{request} of {shown}"))
        })
        .collect();
    assert!(places.is_sorted_by(|a, b| a > b), "latest first, each with its request: {places:?}");
    for words in ["by Okta", "by JumpCloud", "user.deactivated", "membership.removed", "PATCH answered 200"] {
        assert!(shown.contains(words), "{words}");
    }
    // Deleted: the page is still there, and every name leads to it.
    let gone = jumpcloud.delete(&path).is(204);
    let shown = page(&format!("users/{priya}"));
    assert!(shown.contains("Deleted") && shown.contains(&id(&gone)) && shown.contains(&id(&made)), "{shown}");
    browser.get(&format!("/admin/t/default/groups/{priya}")).is(404);
    for name in ["priya@example.com", "p.raman@example.com", "Priya Raman", &priya] {
        let found = browser.get(&format!("/admin/t/default/search?q={}", encoded(name)));
        assert_eq!(found.header("location"), format!("/admin/t/default/users/{priya}"), "{name}");
        let told = server.data().run(&["activity", "of", name]).well().stdout;
        assert!(told.contains(", deleted at 20") && requests(&told).last() == Some(&id(&gone)), "{told}");
    }
    let of_ops = server.data().run(&["activity", "of", &ops]).well().stdout;
    assert!(of_ops.contains("Priya Raman left Ops (Priya Raman was deleted)"), "{of_ops}");
    // Long after, when the requests are forgotten, who did what stays told.
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    sqlite
        .execute_batch("delete from activity_body; delete from activity_text; delete from activity;")
        .expect("forgotten");
    let told = server.data().run(&["activity", "of", &priya]).well().stdout;
    let kept = [&made, &joined, &joined_ops, &renamed, &left, &off, &gone].map(id);
    assert_eq!(requests(&told), kept, "{told}");
    assert!(told.contains("Okta  priya@example.com is now called p.raman@example.com"), "{told}");
    assert!(page(&format!("users/{priya}")).contains("Request no longer kept"));
}

#[test]
fn a_long_history_is_read_a_page_at_a_time() {
    let server = Server::plain();
    let caller = server.caller();
    let user = caller.user("mei@example.com");
    let all: Vec<String> = (0..70)
        .map(|number| id(&replace(&caller, &format!("/Users/{user}"), "title", json!(format!("T{number}")))))
        .collect();
    let browser = Browser::sign_in(&server, "ada@example.com", true);
    let (mut path, mut seen, mut pages) = (format!("/admin/t/default/users/{user}?per=25"), Vec::new(), 0);
    let link = |page: &str, rel: &str| {
        let (before, _) = page.split_once(&format!("\" rel=\"{rel}\""))?;
        let (_, link) = before.rsplit_once("href=\"").expect("a link");
        let link = link.replace("&amp;", "&").replace("&#38;", "&");
        Some(link.split('#').next().unwrap_or_default().to_owned())
    };
    let mut last = loop {
        let page = browser.get(&path).is(200).text();
        for part in page.split("/activity/req_").skip(1) {
            let request = format!("req_{}", part.split('"').next().unwrap_or_default());
            if seen.last() != Some(&request) {
                seen.push(request);
            }
        }
        pages += 1;
        assert!(pages < 9, "it comes to an end: {path}");
        let Some(next) = link(&page, "next") else { break page };
        path = next;
    };
    assert_eq!((pages, seen.len()), (3, 71));
    let newest_first: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(seen[..70], newest_first);
    // And the whole way back, a page at a time.
    for first in [25, 0] {
        let back = link(&last, "prev").expect("a way back");
        last = browser.get(&back).is(200).text();
        let at = last.find(&newest_first[first]).expect("its first request is there");
        assert!(last.find(&newest_first[first + 1]).expect("and its second") > at);
        assert!(first == 0 || !last.contains(&newest_first[first - 1]), "and none before");
    }
    assert_eq!(link(&last, "prev"), None);
}

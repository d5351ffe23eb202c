//! What administrators change themselves: an inactive user's record deleted on the page, and the list of their changes.

use serde_json::json;

use crate::browser::{Browser, administrator, at};
use crate::server::{Server, USER};

const OWNER: &str = "mei@example.com";

#[test]
fn an_inactive_users_record_is_deleted_on_the_page_and_by_no_other_way() {
    let server = Server::plain();
    let caller = server.caller();
    let person = json!({ "schemas": [USER], "userName": "priya@example.com", "displayName": "Priya Raman", "externalId": "e1" });
    let id = caller.post("/Users", &person).is(201).id();
    let owner = Browser::sign_in(&server, OWNER, false);
    let (page, path) = (at(&format!("users/{id}")), at(&format!("users/{id}/delete")));
    assert!(!owner.get(&page).is(200).text().contains("Delete record"), "not of an active user");
    assert_eq!(owner.get(&path).is(303).header("location"), page);
    assert!(owner.post(&page, &path, "").is(422).text().contains("is active"));
    caller.get(&format!("/Users/{id}")).is(200);

    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    caller.patch(&format!("/Users/{id}"), off).is(200);
    let reader = Browser::sign_in(&server, "eve@example.com", true);
    assert!(!reader.get(&page).is(200).text().contains("Delete record"), "who only reads is not offered it");
    reader.get(&path).is(403);
    reader.post(&page, &path, "").is(403);

    let text = owner.get(&page).is(200).text();
    assert!(text.contains("<dialog id=\"del\"") && text.contains("Delete Priya Raman’s record?"), "{text}");
    let asked = owner.get(&path).is(200).text();
    for words in ["user.deleted", "JumpCloud may create the record again", "User Groups", "Keep record"] {
        assert!(asked.contains(words) && text.contains(words), "{words}: {asked}");
    }
    let led = owner.post(&path, &path, "").is(303).header("location").to_owned();
    let gone = owner.get(&led).is(200).text();
    assert!(
        gone.contains("The record was deleted") && gone.contains("by <bdi>mei@example.com</bdi>"),
        "{gone}"
    );
    assert!(gone.contains("Deleted</bdi></a> by mei@example.com"), "{gone}");
    caller.get(&format!("/Users/{id}")).is(404);
    assert!(owner.post(&led, &path, "").is(404).text().contains("deleted already"));

    let log = owner.get(&at("activity?q=mei@example.com")).is(200).text();
    assert!(log.contains("Priya Raman</bdi></a> was deleted") && !log.contains("No team"), "{log}");
    let audit = owner.get(&at("activity/administrators")).is(200).text();
    assert!(audit.contains("Priya Raman was deleted</bdi></a>") && audit.contains("127.0.0.1"), "{audit}");

    let again = caller.post("/Users", &person).is(201);
    assert_eq!(again.id(), id, "sent again, it is the same person");
    assert!(owner.get(&page).is(200).text().contains("Came back"));
}

#[test]
fn what_administrators_change_is_listed_found_and_taken_away() {
    let server = Server::plain();
    administrator(&server, "zoe@example.com", true);
    let owner = Browser::sign_in(&server, OWNER, false);
    owner.post(&at("team"), &at("team/add"), "new=Labs").is(303);
    let page = owner.get(&at("activity/administrators")).is(200).text();
    for words in ["zoe@example.com became an administrator", "command line", "Signed in", "127.0.0.1"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("aria-current=\"page\">Administrators"), "{page}");
    let find = |query: &str| owner.get(&at(&format!("activity/administrators?{query}"))).is(200).text();
    assert!(find("q=ZOE").contains("became an administrator") && !find("q=ZOE").contains("Signed in"));
    assert!(find("of=sign-in").contains("Signed in") && !find("of=sign-in").contains("became an"));
    assert!(find("q=nobody&of=tokens").contains("Nothing fits the search and the kind"));
    let list = owner.get(&at("activity/administrators.csv?of=sign-in")).is(200).text();
    assert!(list.starts_with("number,time,who,from,what,said,note,subject,detail\r\n"), "{list}");
    assert!(list.contains(",mei@example.com,127.0.0.1,session.began,Signed in,"), "{list}");
    let lines = owner.get(&at("activity/administrators.ndjson")).is(200).text();
    assert!(lines.lines().count() > 2 && lines.contains("\"what\":\"administrators.exported\""), "{lines}");
    assert!(owner.get(&at("activity")).is(200).text().contains("activity/administrators\">Administrators"));
}

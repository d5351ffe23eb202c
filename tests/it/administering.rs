//! What administrators change themselves: an inactive user's record deleted on the page, and the list of their changes.

use serde_json::json;

use crate::browser::{Browser, PASSWORD, administrator, at, between};
use crate::server::{GROUP, Server, USER, until};

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
    assert!(!log.contains("chip test"), "what an administrator deletes was no test: {log}");
    assert!(log.contains("Priya Raman</bdi></a> was deleted") && !log.contains("No team"), "{log}");
    let taken = owner.get(&at("activity.ndjson?q=mei@example.com")).is(200).text();
    assert!(taken.contains("\"administrator\":\"mei@example.com\""), "{taken}");
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

#[test]
fn the_overview_tells_what_came_since_the_last_sign_in_and_what_today_came_to() {
    let server = Server::plain();
    let caller = server.caller();
    let id = caller.user("ada@example.com");
    let owner = Browser::sign_in(&server, OWNER, false);
    let page = owner.get(&at("")).is(200).text();
    assert!(page.contains("1 change today.") && !page.contains("since you last"), "{page}");
    let again = Browser::new(&server);
    again.enter(OWNER, PASSWORD);
    let page = again.get(&at("")).is(200).text();
    assert!(page.contains("0 changes") && page.contains(" since you last signed in, today at "), "{page}");
    caller
        .patch(&format!("/Users/{id}"), json!([{ "op": "replace", "path": "title", "value": "CTO" }]))
        .is(200);
    caller
        .patch(&format!("/Users/{id}"), json!([{ "op": "replace", "path": "title", "value": "CTO" }]))
        .is(200);
    caller
        .patch(&format!("/Users/{id}"), json!([{ "op": "replace", "path": "active", "value": false }]))
        .is(200);
    caller.delete(&format!("/Users/{id}")).is(204);
    let page = again.get(&at("")).is(200).text();
    let today = "<b>1</b> added, <b>1</b> changed, <b>1</b> deactivated, <b>1</b> deleted";
    assert!(page.contains(today), "what was sent again unchanged changed nothing: {page}");
    assert!(page.contains("4 changes</bdi></a> since you last"), "{page}");
    assert!(page.contains("p99 ") && page.contains("Of the latest 5 requests"), "{page}");
    for _ in 0..2 {
        caller.get(&format!("/Users/{id}")).is(404);
    }
    let errors = || between(&again.get(&at("")).is(200).text(), "id=\"errors\"", "</section>").to_owned();
    until(|| errors().contains("2 requests for one account, "));
    caller.get("/Users/nobody").is(404);
    until(|| errors().contains(">3 requests, "));
    assert!(errors().contains("from</bdi> <span class=\"mono\">127.0.0.1</span>"), "{}", errors());
    // Whether this machine's clock and disk are well is not the test's doing: the foot says what the page of health shows.
    let health = again.get(&at("health-status")).is(200).text();
    let checks = between(&health, "<ul class=\"checks\">", "</ul>");
    let failing = checks.matches("<li class=\"warn\"").count() + checks.matches("<li class=\"bad\"").count();
    let words =
        if failing == 1 { "All checks pass but one".into() } else { format!("{failing} checks do not pass") };
    let foot = format!("<a href=\"{}\">{words}</a>", at("health-status"));
    assert!(failing > 0 && page.contains(&foot) && page.contains("Without TLS"), "{words} {page}");
}

#[test]
fn the_support_file_is_shown_before_it_is_taken_and_holds_nothing_of_anybody() {
    let server = Server::start();
    let browser = Browser::sign_in(&server, OWNER, true);
    let caller = server.caller_with(&["--name", "Zebulon token"]);
    let user = json!({ "schemas": [USER], "userName": "zebulon.quartz@example.com", "displayName": "Zebulon Quartz",
                       "password": "very-secret-word" });
    let id = caller.post("/Users", &user).is(201).id();
    let group = json!({ "schemas": [GROUP], "displayName": "Quartz miners" });
    caller.post("/Groups", &group).is(201);
    caller.get("/Users?filter=userName%20eq%20%22zebulon.quartz@example.com%22").is(200);
    let page = browser.get(&at("health-status/support")).is(200).text();
    assert!(page.contains("What is in it") && page.contains("max-connections"), "{page}");
    let answer = browser.get(&at("health-status/support.json")).is(200);
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"scimd-support-"));
    let text = answer.text();
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(file["scimd"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&file["settings"]["tls"], &file["settings"]["tls-key"]),
        (&json!("self-signed"), &json!("not set"))
    );
    assert_eq!(file["counts"]["teams"][0]["users"], 1);
    assert!(file["checks"].as_array().is_some_and(|checks| checks.len() >= 4), "{text}");
    let directory = server.data().database();
    let directory = directory.parent().expect("a directory").to_str().expect("text");
    for secret in [
        &caller.token[..],
        &caller.token[caller.token.len() - 8..],
        "scimd_",
        PASSWORD,
        OWNER,
        "mei",
        "zebulon",
        "Zebulon",
        "quartz",
        "Quartz",
        "very-secret-word",
        &id,
        directory,
        "Default",
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[test]
fn administrators_are_shown_with_their_last_sign_in_and_their_sessions_end_one_by_one() {
    let server = Server::plain();
    let owner = Browser::sign_in(&server, OWNER, false);
    administrator(&server, "zoe@example.com", false);
    let list = owner.get(&at("admins")).is(200).text();
    assert!(
        list.contains("Last sign-in") && list.contains(">Never<") && list.contains("127.0.0.1"),
        "{list}"
    );
    let (one, two) = (Browser::new(&server), Browser::new(&server));
    one.enter("zoe@example.com", PASSWORD);
    two.enter("zoe@example.com", PASSWORD);
    let path = at("admins/2");
    let page = owner.get(&path).is(200).text();
    assert_eq!(page.matches("the session of").count(), 2, "{page}");
    let id = between(&page, "name=\"session\" value=\"", "\"").to_owned();
    owner.post(&path, &at("admins/2/end-session"), &format!("session={id}")).is(303);
    let signed_in = [&one, &two].iter().filter(|browser| browser.get(&at("users")).status == 200).count();
    assert_eq!(signed_in, 1);
    assert_eq!(owner.get(&path).is(200).text().matches("the session of").count(), 1);

    owner.post(&path, &at("admins/2/access"), "access=ro").is(303);
    let own = owner.get(&at("admins/1")).is(200).text();
    assert!(
        own.contains("cannot be removed, and keeps full access") && !own.contains("Remove this"),
        "{own}"
    );
    let asked = owner.get(&at("admins/1/remove")).is(200).text();
    assert!(asked.contains("cannot be removed") && !asked.contains("Remove them"), "{asked}");
    assert!(
        owner.post(&path, &at("admins/1/remove"), "").is(422).text().contains("is the last with full access")
    );
}

#[test]
fn set_up_names_the_team_and_offers_every_provider() {
    let server = Server::plain();
    let owner = Browser::sign_in(&server, OWNER, false);
    let path = "/admin/setup/team";
    assert!(owner.get("/admin/setup/address").is(200).text().contains("href=\"/admin/setup/team\">Continue"));
    assert!(owner.get(path).is(200).text().contains("value=\"Default\""));
    let fault = owner.post(path, path, "name=+").is(422).text();
    assert!(
        fault.contains("<title>Error: ") && fault.contains("a team’s name has 1 to")
            || fault.contains("team's name has 1 to")
            || fault.contains("team&#39;s name has 1 to"),
        "{fault}"
    );
    assert_eq!(owner.post(path, path, "name=Example+Ltd").is(303).header("location"), "/admin/setup/connect");
    assert!(owner.get(&at("")).is(303).header("location").ends_with("/connect"));
    let page = owner.get("/admin/setup/connect").is(200).text();
    for idp in ["okta", "entra", "onelogin", "other"] {
        assert!(page.contains(&format!("connect?idp={idp}")), "{idp}: {page}");
    }
    assert!(owner.get(&at("team")).is(200).text().contains("Example Ltd"));
    let reader = Browser::sign_in(&server, "eve@example.com", true);
    reader.post(path, path, "name=Other").is(403);
}

//! Signing in to the admin page over HTTP: the second step, the fresh proof before sensitive changes, forms that wait,
//! forms that are sent twice, and what a read-only administrator may do. How pages look is the browser tests' business.

use rusqlite::Connection;

use crate::browser::{Browser, PASSWORD, administrator, at, between, code, routes};
use crate::server::Server;

const OWNER: &str = "mei@example.com";
const VIEWER: &str = "eve@example.com";

/// A server with an owner and somebody who may only look.
fn server() -> Server {
    let server = Server::plain();
    administrator(&server, OWNER, false);
    administrator(&server, VIEWER, true);
    server
}

/// Changes the file behind the server's back, as time would.
fn sql(server: &Server, sql: &str) {
    let file = Connection::open(server.data().database()).expect("the file opens");
    file.busy_timeout(std::time::Duration::from_secs(20)).expect("set");
    file.execute_batch(sql).expect("it runs");
}

#[test]
fn the_second_step_is_set_up_asked_for_and_reset() {
    let server = server();
    let owner = Browser::new(&server);
    assert_eq!(owner.enter(OWNER, PASSWORD), "/admin");
    let (secret, recovery) = owner.set_up();
    assert!(!server.said().contains(&recovery[0]), "nothing of it is logged");
    assert!(!owner.get(&at("you")).is(200).text().contains(&recovery[0]));

    let again = Browser::new(&server);
    let to = again.enter(OWNER, PASSWORD);
    assert!(to.starts_with("/admin/sign-in/code"), "{to}");
    assert!(again.get(&at("users")).is(303).header("location").contains("sign-in"), "not signed in yet");
    let wrong = again.post(&to, "/admin/sign-in/code", "code=000000").is(422).text();
    assert!(wrong.contains("<title>Error: ") && wrong.contains("not right"), "{wrong}");
    let right = format!("code={}", code(&secret, 1));
    assert_eq!(again.post(&to, "/admin/sign-in/code", &right).is(303).header("location"), "/admin");
    again.get(&at("users")).is(200);

    let third = Browser::new(&server);
    let to = third.enter(OWNER, PASSWORD);
    third.post(&to, "/admin/sign-in/code", &right).is(422);
    third.post(&to, "/admin/sign-in/code", &format!("code={}", recovery[3])).is(303);
    assert!(third.get(&at("you")).is(200).text().contains("9 recovery codes"));

    let said = server.data().run(&["admin", "reset-second-step", "--email", OWNER]).well().stdout;
    assert!(said.contains("removed the second step"), "{said}");
    assert!(third.get(&at("you")).is(303).header("location").contains("sign-in"), "sessions end with it");
    assert_eq!(third.enter(OWNER, PASSWORD), "/admin");
    server.data().run(&["admin", "reset-second-step", "--email", OWNER]).refused();
    assert!(server.data().run(&["admin", "list"]).well().stdout.contains("second step"));
}

#[test]
fn who_owes_the_second_step_can_change_nothing_else() {
    let server = server();
    server.data().run(&["admin", "require-second-step", "full"]).well();
    let viewer = Browser::new(&server);
    assert_eq!(viewer.enter(VIEWER, PASSWORD), "/admin", "looking needs none");
    let owner = Browser::new(&server);
    let to = owner.enter(OWNER, PASSWORD);
    assert!(to.starts_with(&at("you/second-step")), "{to}");
    let text = owner.get(&at("team")).is(200).text();
    assert!(text.contains("Set up the second step to change anything"), "{text}");
    let refused = owner.post(&at("team"), &at("team/add"), "new=Other").is(403).text();
    assert!(refused.contains("Set up the second step first"), "{refused}");
    let (secret, _) = owner.set_up();
    owner.post(&at("team"), &at("team/add"), "new=Other").is(303);

    // Turning it off needs a code, and leaves the owner owing it again.
    let off = at("you/second-step/off");
    owner.post(&off, &off, "code=000000").is(422);
    owner.post(&off, &off, &format!("code={}", code(&secret, 1))).is(303);
    owner.post(&at("team"), &at("team/add"), "new=Third").is(403);
    server.data().run(&["admin", "require-second-step", "nobody"]).well();
    owner.post(&at("team"), &at("team/add"), "new=Third").is(303);
}

#[test]
fn only_who_has_the_second_step_requires_it_of_others() {
    let server = server();
    let owner = Browser::new(&server);
    owner.enter(OWNER, PASSWORD);
    let rule = at("admins/second-step");
    owner.post(&at("admins"), &rule, "required=full").is(422);
    owner.set_up();
    owner.post(&at("admins"), &rule, "required=full").is(303);
    assert!(owner.get(&at("admins")).text().contains("Required for everyone with full access"));
}

#[test]
fn a_sensitive_change_asks_again_after_ten_minutes_and_goes_on() {
    let server = server();
    let owner = Browser::new(&server);
    owner.enter(OWNER, PASSWORD);
    owner.post(&at("tokens/new"), &at("tokens"), "name=first&expires=90").is(303);
    sql(&server, "update session set proved = proved - 600001");
    owner.post(&at("team"), &at("team/add"), "new=Ordinary").is(303);
    let asked = owner.post(&at("tokens/new"), &at("tokens"), "name=second&expires=90").is(303);
    let asked = asked.header("location").to_owned();
    assert!(asked.starts_with(&at("prove?form=")), "{asked}");
    assert!(!owner.get(&at("tokens")).text().contains("second"), "nothing yet");
    let page = owner.get(&asked).is(200).text();
    let form = between(&page, "name=\"form\" value=\"", "\"").to_owned();
    let wrong = owner.post(&asked, &at("prove"), &format!("form={form}&code=wrong")).is(422).text();
    assert!(wrong.contains("This is not your password") && wrong.contains(&form), "{wrong}");
    let right = format!("form={form}&code={}", PASSWORD.replace(' ', "+"));
    let made = owner.post(&asked, &at("prove"), &right).is(303).header("location").to_owned();
    assert!(made.ends_with("/created"), "{made}");
    assert!(owner.get(&made).is(200).text().contains("scimd_"));
    owner.post(&at("tokens/new"), &at("tokens"), "name=third&expires=90").is(303);
    assert!(owner.get(&at("tokens")).text().contains("third"), "the proof is fresh now");
}

#[test]
fn what_was_entered_when_the_session_had_ended_waits_for_the_same_administrator() {
    let server = server();
    let owner = Browser::new(&server);
    owner.enter(OWNER, PASSWORD);
    let csrf = owner.csrf(&at("team"));
    sql(&server, "update session set seen = seen - 14400001");
    let fields = "new=Kept+%3Cb%3E+name";
    let to = owner.send("POST", &at("team/add"), &format!("csrf={csrf}&{fields}")).is(303);
    let to = to.header("location").to_owned();
    assert!(to.contains("back=%2Fadmin%2Fsend%2F"), "{to}");
    let page = owner.get(&to).is(200).text();
    assert!(
        page.contains("ended after 4 hours without use") && page.contains("is kept for 10 minutes"),
        "{page}"
    );
    let send = to.split_once("back=").expect("the way back").1.replace("%2F", "/");

    let viewer = Browser::new(&server);
    viewer.enter(VIEWER, PASSWORD);
    viewer.get(&send).is(410);
    let fields = format!("email={OWNER}&password={}&back={send}", PASSWORD.replace(' ', "+"));
    assert_eq!(owner.post(&to, "/admin/sign-in", &fields).is(303).header("location"), send);
    let page = owner.get(&send).is(200).text();
    assert!(page.contains("Kept &#60;b&#62; name"), "{page}");
    assert!(!owner.get(&at("team")).text().contains("Kept"), "nothing yet");
    owner.post(&send, &send, "send=1").is(303);
    assert!(owner.get(&at("team")).text().contains("Kept &#60;b&#62; name"));
    owner.get(&send).is(410);

    // A forged form, and one with a secret, are not kept; the way back is the list near it.
    for (csrf, path, fields) in
        [("forged", "team", "name=x"), ("", "you/password", "code=x&password=y&again=y")]
    {
        let mine = owner.csrf(&at("team"));
        sql(&server, "update session set seen = seen - 14400001");
        let csrf = if csrf.is_empty() { &mine } else { csrf };
        let to = owner.send("POST", &at(path), &format!("csrf={csrf}&{fields}")).is(303);
        assert!(!to.header("location").contains("send"), "{}", to.header("location"));
        owner.enter(OWNER, PASSWORD);
    }
}

#[test]
fn a_form_sent_twice_is_carried_out_once() {
    let server = server();
    let owner = Browser::new(&server);
    owner.enter(OWNER, PASSWORD);
    let body = format!("csrf={}&new=Labs", owner.csrf(&at("team")));
    let first = owner.send("POST", &at("team/add"), &body).is(303);
    let second = owner.send("POST", &at("team/add"), &body).is(303);
    assert_eq!(first.header("location"), second.header("location"));
    let teams = server.data().run(&["team", "list"]).well().stdout;
    assert_eq!(teams.matches("Labs").count(), 1, "{teams}");
}

#[test]
fn one_changes_ones_own_password_and_other_sessions_end() {
    let server = server();
    let (here, there) = (Browser::new(&server), Browser::new(&server));
    for browser in [&here, &there] {
        browser.enter(VIEWER, PASSWORD);
    }
    let to = at("you/password");
    let new = "another+long+password";
    here.post(&to, &to, &format!("code=wrong&password={new}&again={new}")).is(422);
    let right = PASSWORD.replace(' ', "+");
    here.post(&to, &to, &format!("code={right}&password={new}&again=other")).is(422);
    here.post(&to, &to, &format!("code={right}&password={new}&again={new}")).is(303);
    here.get(&at("you")).is(200);
    assert!(there.get(&at("you")).is(303).header("location").contains("sign-in"));
    assert_eq!(there.enter(VIEWER, "another long password"), "/admin");
}

/// What a read-only administrator may send: things about themselves, and a file to compare, which changes nothing.
const OWN: [&str; 7] = [
    "compare",
    "admins/end-session",
    "you/password",
    "you/second-step",
    "you/second-step/off",
    "you/codes",
    "prove",
];

#[test]
fn a_read_only_administrator_changes_nothing() {
    let server = server();
    let viewer = Browser::new(&server);
    viewer.enter(VIEWER, PASSWORD);
    for route in routes(false) {
        // A name in the table is a part of the path that may be anything.
        let path: Vec<&str> = route.split('/').map(|part| if part.len() <= 2 { "1" } else { part }).collect();
        let answer = viewer.post(&at("users"), &at(&path.join("/")), "name=x");
        if OWN.contains(&route.as_str()) {
            assert_ne!(answer.status, 403, "{route}: {}", answer.text());
            continue;
        }
        let text = answer.is(403).text();
        assert!(text.contains("You may look, not change"), "{route}: {text}");
    }
    assert_eq!(viewer.get(&at("users")).is(200).status, 200, "still signed in");
}

#[test]
fn what_breaks_is_told_with_an_incident_number_that_the_log_has() {
    let server = server();
    let owner = Browser::new(&server);
    owner.enter(OWNER, PASSWORD);
    sql(&server, "alter table recovery_code rename to lost");
    let page = owner.get(&at("you")).is(500).text();
    let incident = between(&page, "Incident <span class=\"mono\">", "<");
    assert!(page.contains("Something broke on this server") && !page.contains("recovery_code"), "{page}");
    server.wait_for(incident);
    owner.get(&at("nothing")).is(404);
}

#[test]
fn sign_in_says_why_one_was_signed_out_and_where_one_returns() {
    let server = server();
    let owner = Browser::new(&server);
    owner.enter(OWNER, PASSWORD);
    sql(&server, "update session set created = created - 43200001");
    let to = owner.get(&at("activity?status=401")).is(303).header("location").to_owned();
    let page = owner.get(&to).is(200).text();
    assert!(
        page.contains("12 hours is the longest") && page.contains("You return to where you were"),
        "{page}"
    );
    let fields =
        format!("email={OWNER}&password={}&back=/admin/t/default/activity", PASSWORD.replace(' ', "+"));
    assert_eq!(owner.post(&to, "/admin/sign-in", &fields).is(303).header("location"), at("activity"));
    sql(&server, "delete from session");
    let to = owner.get(&at("activity")).is(303).header("location").to_owned();
    let page = owner.get(&to).is(200).text();
    assert!(
        page.contains("was ended from another place") && page.contains("You return to Activity"),
        "{page}"
    );
}

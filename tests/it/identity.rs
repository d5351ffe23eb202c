//! Identity that survives: who is taken over, who comes back, who is a second record of one person, and which provider
//! a token is used by.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::client::Answer;
use crate::server::{Caller, Server, USER};

fn person(name: &str, external: &str) -> Value {
    json!({"schemas": [USER], "userName": name, "externalId": external, "active": true})
}

fn source_of(server: &Server, id: &str) -> String {
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    sqlite
        .query_row("select source from resource where id = ?", [id], |row| row.get(0))
        .expect("the resource")
}

fn look_up(caller: &Caller<'_>, filter: &str) -> Answer {
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    caller.get(&format!("/Users?filter={encoded}")).is(200)
}

#[test]
fn a_record_of_another_source_is_looked_up_updated_and_taken_over() {
    let server = Server::plain();
    let by_hand = server.caller_with(&["--name", "import"]);
    let jumpcloud = server.caller_with(&["--name", "JumpCloud"]);
    let id = by_hand.user("Mei@Example.com");
    let group = by_hand.group("Engineering", &[]);
    // By name in any case, as a provider asks; an address alone links nobody.
    assert_eq!(look_up(&jumpcloud, "userName eq \"mei@example.com\"").ids(), [id.as_str()]);
    assert_eq!(source_of(&server, &id), "import", "a look-up alone changes nothing");
    jumpcloud.put(&format!("/Users/{id}"), &person("mei@example.com", "jc-1")).is(200);
    assert_eq!(source_of(&server, &id), "JumpCloud");
    jumpcloud
        .patch(
            &format!("/Groups/{group}"),
            json!([{"op": "add", "path": "members", "value": [{"value": id}]}]),
        )
        .is(200);
    assert_eq!(source_of(&server, &group), "JumpCloud");
    // From now on it is this source's person: deleted and created again, the same one comes back.
    jumpcloud.delete(&format!("/Users/{id}")).is(204);
    assert_eq!(jumpcloud.post("/Users", &person("mei.chen@example.com", "jc-1")).is(201).id(), id);
}

#[test]
fn a_refused_update_takes_nothing_over() {
    let server = Server::plain();
    let by_hand = server.caller_with(&["--name", "import"]);
    let other = server.caller_with(&["--name", "other"]);
    let id = by_hand.user("mei@example.com");
    by_hand.user("taken@example.com");
    other.put(&format!("/Users/{id}"), &person("taken@example.com", "1")).is(409);
    assert_eq!(source_of(&server, &id), "import");
}

#[test]
fn a_returning_person_keeps_id_and_history_but_no_membership() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let id = caller.post("/Users", &person("ola@example.com", "jc-7")).is(201).id();
    let group = caller.group("Support", &[&id]);
    caller.delete(&format!("/Users/{id}")).is(204);
    let back = caller.post("/Users", &person("ola.new@example.com", "jc-7")).is(201);
    assert_eq!(back.id(), id);
    assert!(caller.members(&group).is_empty(), "memberships are the provider's to send");
    // No entity tag means two things: the versions go on where they ended.
    assert_eq!(back.header("etag"), "W/\"2\"");
    let known = [("if-none-match", "W/\"1\"")];
    caller.send_with("GET", &format!("/Users/{id}"), &known, None).is(200);
    // The name of before leads to the person, as after any rename.
    let browser = Browser::sign_in(&server, "admin@example.com", true);
    let found = browser.get("/admin/t/default/users?q=OLA%40example").is(200).text();
    assert!(found.contains("Called <bdi>ola@example.com</bdi> before"), "{found}");
    let told = server.data().run(&["activity", "of", &id]).well().stdout;
    let order = ["ola@example.com was added", "ola@example.com was deleted", "ola.new@example.com came back"];
    let places: Vec<_> = order.iter().map(|line| told.find(line)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{told}");
}

#[test]
fn who_does_not_come_back() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let other = server.caller_with(&["--name", "Okta"]);
    let strict = server.caller_with(&["--name", "strict", "--strict", "--source", "JumpCloud"]);
    let gone = |name: &str, external: &str| {
        let id = caller.post("/Users", &person(name, external)).is(201).id();
        caller.delete(&format!("/Users/{id}")).is(204);
        id
    };
    let first = gone("ola@example.com", "jc-7");
    // Another source, a strict token, the name alone: each is a new person.
    let ids = [
        other.post("/Users", &person("a@example.com", "jc-7")).is(201).id(),
        strict.post("/Users", &person("b@example.com", "jc-7")).is(201).id(),
        caller.user("ola@example.com"),
    ];
    assert!(!ids.contains(&first));
    // Two tombstones of one identifier: nobody can say who it is.
    let rotated = server.caller_with(&["--name", "JumpCloud 2", "--source", "JumpCloud"]);
    let one = gone("eva@example.com", "jc-8");
    let two = strict.post("/Users", &person("eva@example.com", "jc-8")).is(201).id();
    strict.delete(&format!("/Users/{two}")).is(204);
    let third = rotated.post("/Users", &person("eva@example.com", "jc-8")).is(201).id();
    assert!(third != one && third != two);
}

#[test]
fn whoever_leaves_and_comes_back_again_and_again_is_one_person() {
    let server = Server::plain();
    let caller = server.caller();
    let id = caller.post("/Users", &person("ola@example.com", "jc-7")).is(201).id();
    for round in 0..3 {
        caller.delete(&format!("/Users/{id}")).is(204);
        let back = caller.post("/Users", &person(&format!("ola{round}@example.com"), "jc-7")).is(201);
        assert_eq!(back.id(), id, "round {round}");
    }
    // Here again under another identifier: the old one is free for somebody else, who is not that person.
    let other = json!([{"op": "replace", "path": "externalId", "value": "jc-70"}]);
    caller.patch(&format!("/Users/{id}"), other).is(200);
    let somebody = caller.post("/Users", &person("new@example.com", "jc-7")).is(201).id();
    assert_ne!(somebody, id);
    server.data().run(&["check"]).well();
}

#[test]
fn neither_an_address_nor_an_identifier_in_other_letters_is_a_match() {
    let server = Server::plain();
    let caller = server.caller();
    let with_address = |name: &str, external: &str| {
        json!({"schemas": [USER], "userName": name, "externalId": external,
            "emails": [{"value": "shared@example.com", "type": "work", "primary": true}]})
    };
    let first = caller.post("/Users", &with_address("ola@example.com", "jc-7a")).is(201).id();
    let second = caller.post("/Users", &with_address("eva@example.com", "JC-7A")).is(201).id();
    assert_ne!(first, second);
    caller.delete(&format!("/Users/{first}")).is(204);
    let third = caller.post("/Users", &with_address("ola@example.com", "jc-7A")).is(201).id();
    assert!(third != first && third != second);
    // Nor is an identifier that is empty.
    let nobody = |name: &str| json!({"schemas": [USER], "userName": name, "externalId": ""});
    let gone = caller.post("/Users", &nobody("a@example.com")).is(201).id();
    caller.delete(&format!("/Users/{gone}")).is(204);
    assert_ne!(caller.post("/Users", &nobody("a@example.com")).is(201).id(), gone);
}

#[test]
fn one_person_sent_by_many_connections_at_once_is_made_once() {
    let server = Server::plain();
    let caller = server.caller();
    let sent = |body: Value| {
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let answers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| caller.post("/Users", &body).status)).collect();
            answers.into_iter().map(|answer| answer.join().expect("an answer").as_u16()).collect()
        });
        statuses.sort_unstable();
        statuses
    };
    let once = [201, 409, 409, 409, 409, 409, 409, 409];
    assert_eq!(sent(person("ola@example.com", "jc-7")), once);
    let id = look_up(&caller, "userName eq \"ola@example.com\"").ids().remove(0);
    caller.delete(&format!("/Users/{id}")).is(204);
    assert_eq!(sent(person("ola.new@example.com", "jc-7")), once);
    assert_eq!(look_up(&caller, "externalId eq \"jc-7\"").ids(), [id]);
}

#[test]
fn a_name_changed_in_case_alone_stays_one_person() {
    let server = Server::plain();
    let caller = server.caller();
    let id = caller.user("mei@example.com");
    let path = format!("/Users/{id}");
    caller.put(&path, &person("Mei@Example.com", "jc-1")).is(200);
    assert_eq!(
        look_up(&caller, "userName eq \"mei@example.com\"").json()["Resources"][0]["userName"],
        "Mei@Example.com"
    );
    caller.post("/Users", &person("MEI@example.com", "jc-2")).error(409, "uniqueness");
    // Two who swap names need a third for a moment; nobody is given the other's id.
    let other = caller.user("eva@example.com");
    let rename = |id: &str, name: &str| {
        let operations = json!([{"op": "replace", "path": "userName", "value": name}]);
        caller.patch(&format!("/Users/{id}"), operations)
    };
    rename(&id, "eva@example.com").error(409, "uniqueness");
    for (id, name) in [(&id, "moment@example.com"), (&other, "mei@example.com"), (&id, "eva@example.com")] {
        rename(id, name).is(200);
    }
    assert_eq!(look_up(&caller, "userName eq \"eva@example.com\"").ids(), [id.as_str()]);
    assert_eq!(look_up(&caller, "userName eq \"mei@example.com\"").ids(), [other.as_str()]);
}

#[test]
fn a_rotated_token_speaks_for_the_same_source() {
    let server = Server::plain();
    let old = server.caller_with(&["--name", "JumpCloud"]);
    let new = server.caller_with(&["--name", "JumpCloud 2", "--source", "JumpCloud"]);
    let id = old.post("/Users", &person("ola@example.com", "jc-7")).is(201).id();
    old.delete(&format!("/Users/{id}")).is(204);
    assert_eq!(new.post("/Users", &person("ola@example.com", "jc-7")).is(201).id(), id);
}

#[test]
fn a_second_record_of_one_person_is_refused_unless_strict() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let strict = server.caller_with(&["--name", "strict", "--strict", "--source", "JumpCloud"]);
    let id = caller.post("/Users", &person("mei@example.com", "jc-1")).is(201).id();
    let again = person("mei.chen@example.com", "jc-1");
    let detail = caller.post("/Users", &again).error(409, "uniqueness");
    assert_eq!(
        detail,
        format!("externalId \"jc-1\" already belongs to mei@example.com ({id}); update that user")
    );
    strict.post("/Users", &again).is(201);
}

#[test]
fn a_rename_keeps_the_id_and_the_old_name_is_found() {
    let server = Server::plain();
    let caller = server.caller();
    let id = caller.user("mei@example.com");
    let rename = json!([{"op": "replace", "path": "userName", "value": "mei.chen@example.com"}]);
    assert_eq!(caller.patch(&format!("/Users/{id}"), rename).is(200).id(), id);
    assert_eq!(look_up(&caller, "userName eq \"mei@example.com\"").ids(), [] as [&str; 0]);
    assert_eq!(look_up(&caller, "userName eq \"mei.chen@example.com\"").ids(), [id.as_str()]);
    let browser = Browser::sign_in(&server, "admin@example.com", true);
    for (path, marked) in [
        ("users?q=Mei%40example", true),
        ("users?q=mei.chen", false),
        ("users?q=mei%40&status=inactive", false),
    ] {
        let page = browser.get(&format!("/admin/t/default/{path}")).is(200).text();
        assert_eq!(page.contains("Called <bdi>mei@example.com</bdi> before"), marked, "{path}: {page}");
        assert_eq!(page.contains(&id), !path.ends_with("inactive"), "{path}");
    }
    let told = server.data().run(&["activity", "of", "mei@example.com"]).well().stdout;
    assert!(told.contains("mei@example.com is now called mei.chen@example.com"), "{told}");
}

#[test]
fn the_provider_is_recognised_and_shown_beside_its_token() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "directory"]);
    caller.send_with("GET", "/Users", &[("user-agent", "Okta SCIM Client 1.0.0")], None).is(200);
    caller.user("a@example.com");
    let began = std::time::Instant::now();
    while !server.data().run(&["token", "list"]).well().stdout.contains("Okta") {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "the provider is not shown");
    }
}

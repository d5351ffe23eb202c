//! Leniencies are told in the activity, those that refuse something too; with a strict token there are none.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Caller, Data, GROUP, Server, USER};

/// The leniencies of all requests so far, once a name is among them.
fn told(data: &Data, name: &str) -> String {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let began = Instant::now();
    loop {
        let mut statement = sqlite.prepare("select leniencies from activity order by n").expect("the table");
        let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).expect("the rows");
        let all: Vec<String> = rows.filter_map(|row| row.expect("a row")).collect();
        let all = all.join(" ");
        if all.contains(name) || began.elapsed() > Duration::from_secs(5) {
            return all;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn person(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name, "externalId": "person-17"})
}

/// Two groups of a name, one person twice, a person who leaves and comes back: the statuses, and whether the id came back.
fn doubles(caller: &Caller) -> (u16, u16, bool) {
    let group = json!({"schemas": [GROUP], "displayName": "Sales"});
    caller.post("/Groups", &group).is(201);
    let groups = caller.post("/Groups", &group).status.as_u16();
    let first = caller.post("/Users", &person("ann")).is(201).id();
    let second = caller.post("/Users", &person("bob"));
    let people = second.status.as_u16();
    if people == 201 {
        caller.delete(&format!("/Users/{}", second.id())).is(204);
    }
    caller.delete(&format!("/Users/{first}")).is(204);
    (groups, people, caller.post("/Users", &person("ann")).is(201).id() == first)
}

#[test]
fn what_a_compat_token_is_refused_or_given_back_is_told() {
    let server = Server::plain();
    assert_eq!(doubles(&server.caller()), (409, 409, true));
    for name in ["unique-group-name", "unique-external-id", "returning-person"] {
        let told = told(server.data(), name);
        assert!(told.contains(name), "{name}: {told}");
    }
}

#[test]
fn each_is_counted_for_its_token() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let said = || server.data().run(&["token", "leniencies"]).well().stdout;
    assert_eq!(said(), "no request needed a leniency\n");
    let id = caller.post("/Users", &json!({"userName": "ann@example.com", "active": "true"})).is(201).id();
    let off = json!([{"op": "replace", "path": "active", "value": "False"}]);
    caller.patch(&format!("/Users/{id}"), off).is(200);
    let said = said();
    let counted = |name: &str| {
        let line = said.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {said}"));
        line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counted("text-boolean"), ["JumpCloud", "text-boolean", "2"]);
    assert_eq!(counted("message-schema"), ["JumpCloud", "message-schema", "1"]);
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn a_strict_token_meets_none_of_them() {
    let server = Server::plain();
    assert_eq!(doubles(&server.caller_with(&["--strict"])), (201, 201, false));
}

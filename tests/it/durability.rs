//! What was answered is there after a restart, and after the process was killed at any moment; nothing is half there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Caller, Data, Server, USER};

#[test]
fn a_restart_keeps_everything() {
    let server = Server::start();
    let caller = server.caller();
    let token = caller.token.clone();
    let ada = caller.user("ada@example.com");
    let group = caller.group("Engineers", &[&ada]);
    caller
        .patch(&format!("/Users/{ada}"), json!([{"op": "replace", "path": "active", "value": false}]))
        .is(200);
    let gone = caller.user("gone@example.com");
    caller.delete(&format!("/Users/{gone}")).is(204);
    let before =
        (caller.get(&format!("/Users/{ada}")).text(), caller.get(&format!("/Groups/{group}")).text());
    let origin = server.origin.clone();
    let data = Arc::clone(server.data());
    assert!(server.stop().success(), "SIGTERM is a good end");

    let again = Server::with(data, &[]);
    let caller = Caller { server: &again, token, base: format!("{}/scim", again.origin) };
    let after = (caller.get(&format!("/Users/{ada}")).text(), caller.get(&format!("/Groups/{group}")).text());
    assert_eq!(
        (before.0.replace(&origin, ""), before.1.replace(&origin, "")),
        (after.0.replace(&again.origin, ""), after.1.replace(&again.origin, ""))
    );
    caller.get(&format!("/Users/{gone}")).error(404, "");
    again.data().run(&["check"]).well();
}

/// What the server has promised so far.
#[derive(Default)]
struct Promised {
    /// User id → the highest number that a PATCH set.
    users: BTreeMap<String, u64>,
    deleted: BTreeSet<String>,
    members: BTreeSet<String>,
}

/// A look into the file by another program, as a backup takes one, must leave the server's write-ahead log alone: SQLite
/// removes it when the last program closes the file, and who is last is told by locks that the server must keep.
#[test]
fn another_program_that_opens_and_closes_the_file_takes_nothing_away() {
    let server = Server::plain();
    let caller = server.caller();
    caller.user("before");
    for round in 0..3 {
        let file = rusqlite::Connection::open(server.data().database()).expect("it opens");
        let teams: i64 = file.query_row("select count(*) from team", [], |row| row.get(0)).expect("it reads");
        assert_eq!(teams, 1);
        file.close().expect("it closes");
        caller.user(&format!("after {round}"));
        let file = rusqlite::Connection::open(server.data().database()).expect("it opens");
        let users: i64 =
            file.query_row("select count(*) from resource", [], |row| row.get(0)).expect("it reads");
        assert_eq!(users, 2 + round, "what was answered is in the file that others see");
    }
    let data = server.kill_9();
    let server = Server::with(data, &["--tls", "off"]);
    assert_eq!(server.caller().get("/Users").is(200).json()["totalResults"], 4);
}

/// One writer: creates users, numbers them by PATCH in two attributes at once, puts them in the group, deletes some.
fn write_until_cut(
    caller: &Caller,
    worker: u64,
    round: u64,
    group: &str,
    promised: &Mutex<Promised>,
    stop: &AtomicBool,
) {
    let client = crate::client::Client::new();
    let bearer = format!("Bearer {}", caller.token);
    let send = |method: &str, path: &str, body: Value| {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
        client.try_send(method, &format!("{}{path}", caller.base), &headers, body.to_string().into_bytes())
    };
    let patch = |operations: Value| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("r{round}w{worker}n{n}@example.com");
        let Ok(made) = send(
            "POST",
            "/Users",
            json!({"schemas": [USER], "userName": name, "title": "0", "nickName": "0"}),
        ) else {
            return;
        };
        let id = made.is(201).id();
        promised.lock().expect("no panic").users.insert(id.clone(), 0);
        let path = format!("/Users/{id}");
        let both = json!([{"op": "replace", "path": "title", "value": format!("{n}")}, {"op": "replace", "path": "nickName", "value": format!("{n}")}]);
        let Ok(changed) = send("PATCH", &path, patch(both)) else { return };
        changed.is(200);
        promised.lock().expect("no panic").users.insert(id.clone(), n);
        let join = patch(json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
        let Ok(joined) = send("PATCH", &format!("/Groups/{group}"), join) else { return };
        assert!(joined.status.is_success(), "{}", joined.text());
        promised.lock().expect("no panic").members.insert(id.clone());
        if n % 5 == 4 {
            // From the moment of asking it may be gone; once answered it must be.
            promised.lock().expect("no panic").users.remove(&id);
            promised.lock().expect("no panic").members.remove(&id);
            let Ok(gone) = send("DELETE", &path, json!({})) else { return };
            gone.is(204);
            promised.lock().expect("no panic").deleted.insert(id);
        }
    }
}

#[test]
fn kill_9_loses_nothing_that_was_answered() {
    let data = Data::new();
    let token = data.token(&[]);
    let promised = Mutex::new(Promised::default());
    let mut group = String::new();
    for round in 0..5 {
        let server = Server::with(Arc::clone(&data), &["--tls", "off"]);
        let caller =
            Caller { server: &server, token: token.clone(), base: format!("{}/scim", server.origin) };
        if group.is_empty() {
            group = caller.group("Everyone", &[]);
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for worker in 0..6 {
                let (caller, group, promised, stop) = (&caller, &group, &promised, &stop);
                scope.spawn(move || write_until_cut(caller, worker, round, group, promised, stop));
            }
            std::thread::sleep(Duration::from_millis(300 + 170 * round));
            let pid = rustix::process::Pid::from_raw(server.pid().cast_signed()).expect("a process id");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
            stop.store(true, Ordering::Relaxed);
        });
        drop(server);
        data.run(&["check"]).well();
        verify(&data, &token, &group, &promised.lock().expect("no panic"));
    }
    let promised = promised.lock().expect("no panic");
    println!(
        "5 kills: {} users, {} members, {} deletions promised and kept",
        promised.users.len(),
        promised.members.len(),
        promised.deleted.len()
    );
    assert!(promised.users.len() > 20 && !promised.deleted.is_empty(), "the rounds did some work");
}

fn verify(data: &Arc<Data>, token: &str, group: &str, promised: &Promised) {
    let server = Server::with(Arc::clone(data), &["--tls", "off"]);
    let caller =
        Caller { server: &server, token: token.to_string(), base: format!("{}/scim", server.origin) };
    let mut found = BTreeMap::new();
    let mut start = 1;
    loop {
        let list = caller.get(&format!("/Users?startIndex={start}&count=200")).is(200).json();
        let page = list["Resources"].as_array().expect("a list").clone();
        if page.is_empty() {
            assert_eq!(
                list["totalResults"].as_u64(),
                Some(found.len() as u64),
                "the total is what is listed"
            );
            break;
        }
        start += page.len();
        for user in page {
            found.insert(user["id"].as_str().expect("an id").to_string(), user);
        }
    }
    for (id, number) in &promised.users {
        let user = found.get(id).unwrap_or_else(|| panic!("the user {id} was answered and is lost"));
        let kept: u64 = user["title"].as_str().and_then(|text| text.parse().ok()).expect("a number");
        assert!(kept >= *number, "the change to {number} was answered and is lost: {user}");
    }
    for (id, user) in &found {
        assert_eq!(user["title"], user["nickName"], "half a change: {user}");
        assert!(!promised.deleted.contains(id), "{id} was deleted and is back");
    }
    let members: BTreeSet<String> = caller.members(group).into_iter().collect();
    for id in &promised.members {
        assert!(members.contains(id), "the membership of {id} was answered and is lost");
    }
    for id in &members {
        assert!(found.contains_key(id), "the member {id} is no user");
    }
    drop(server);
    events_and_requests_are_whole(data);
}

/// Events count 1, 2, 3 … in each team, and each has the request that made it.
fn events_and_requests_are_whole(data: &Data) {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let broken: i64 = sqlite
        .query_row(
            "select count(*) from (select team, count(*) as n, min(number) as low, max(number) as high \
             from event group by team) where low <> 1 or high <> n",
            [],
            |row| row.get(0),
        )
        .expect("the event table");
    assert_eq!(broken, 0, "a gap in the event numbers");
    let untold =
        "select count(*) from event where not exists (select 1 from activity where activity.team = event.team
                  and event.number between activity.first_event and activity.last_event)";
    let without_event = "select count(*) from activity where change and status < 300 and first_event is not null and not exists
                         (select 1 from event where event.team = activity.team and event.number = activity.first_event)";
    for (what, sql) in
        [("changes without their request", untold), ("requests without their change", without_event)]
    {
        let found: i64 = sqlite.query_row(sql, [], |row| row.get(0)).expect("both tables");
        assert_eq!(found, 0, "{what}");
    }
}

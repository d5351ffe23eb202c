//! Many connections change the members of one large group at once, in every form that providers use, while people are
//! deleted and whole lists are sent back stale. Nobody is lost: what is left is exactly what a model of the same changes
//! says, no two changes share a version, and the events tell the same story in order and without a gap.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{Caller, Data, GROUP, PATCH_OP, Server};

/// Members of the group, connections that change it, and what each of them does.
const MEMBERS: usize = 50_000;
const WRITERS: usize = 12;
const CHANGES: usize = 24;
const BATCH: usize = 100;
/// People whom every writer adds, all at once.
const SHARED: usize = 100;

/// Copies one person until there are enough; the requests that would make them are another test's business.
/// Answers the ids.
fn people(data: &Data, first: &str) -> Vec<String> {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    sqlite.busy_timeout(std::time::Duration::from_secs(20)).expect("it waits");
    sqlite
        .execute_batch(&format!(
            "begin immediate;
             insert into resource (team, kind, id, version, created, modified, active, source, token, display, doc)
             with recursive counted(i) as (select 1 union all select i + 1 from counted where i < {MEMBERS})
             select team, kind, substr(id, 1, 24) || printf('%012x', i), 1, created, modified, active, source, token,
                 'person' || i || '@example.com',
                 json_set(doc, '$.userName', 'person' || i || '@example.com')
             from resource, counted where id = '{first}';
             insert into attribute (team, kind, path, value, resource)
             select team, kind, 1, display, n from resource where display like 'person%';
             update total set users = users + {MEMBERS}, active = active + {MEMBERS}
             where team = (select team from resource where id = '{first}');
             delete from run where kind = 1;
             insert into run (team, kind, run, resources)
             select team, 1, n / 1024, count(*) from resource where kind = 1 group by 1, 3;
             commit;"
        ))
        .expect("the people are there");
    let mut statement =
        sqlite.prepare("select id from resource where display like 'person%' order by n").expect("ids");
    let ids = statement.query_map([], |row| row.get(0)).expect("rows");
    ids.map(|id| id.expect("an id")).collect()
}

/// One connection, and the versions that its changes made.
struct Writer<'a> {
    caller: &'a Caller<'a>,
    client: Client,
    path: String,
    versions: Vec<u64>,
}

impl<'a> Writer<'a> {
    fn new(caller: &'a Caller<'a>, group: &str) -> Writer<'a> {
        let path = format!("{}/Groups/{group}", caller.base);
        Writer { caller, client: Client::new(), path, versions: Vec::new() }
    }

    fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let bearer = format!("Bearer {}", self.caller.token);
        let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
        all.extend(headers);
        self.client.send(method, url, &all, body)
    }

    /// A PATCH of one operation; answers the version that the group has after it.
    fn patch(&self, operation: &Value) -> u64 {
        let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
        let answer = self.send("PATCH", &self.path, &[], body.to_string().into_bytes()).is(204);
        version(&answer)
    }

    /// The same, where it is known to change something.
    fn change(&mut self, operation: &Value) {
        let version = self.patch(operation);
        assert!(self.versions.last().is_none_or(|last| *last < version), "versions go up");
        self.versions.push(version);
    }
}

fn version(answer: &Answer) -> u64 {
    let tag = answer.header("etag");
    let digits = tag.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"'));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("an ETag: {tag}"))
}

fn values(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "value": id })).collect()
}

/// One writer's changes; its own people only, so that the model knows the end.
fn changes(writer: &mut Writer<'_>, own: &[String], shared: &[String]) -> BTreeSet<String> {
    let mut inside: BTreeSet<String> = own.iter().cloned().collect();
    let mut dead: BTreeSet<String> = BTreeSet::new();
    let away = |inside: &BTreeSet<String>, dead: &BTreeSet<String>| {
        own.iter().find(|id| !inside.contains(*id) && !dead.contains(*id)).expect("somebody left").clone()
    };
    writer.patch(&json!({ "op": "add", "path": "members", "value": values(shared) }));
    for step in 0..CHANGES {
        let id = &own[(step * 7) % own.len()];
        let batch = &own[(step * 31) % (own.len() - BATCH)..][..BATCH];
        match step % 8 {
            0 => writer.change(&json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })),
            1 => writer.change(&json!({ "op": "Remove", "path": "members", "value": [{ "value": id }] })),
            2 => writer.change(&json!({ "op": "remove", "path": "members", "value": values(batch) })),
            3 => {
                // Who left comes back in other forms; who never left stays one member.
                let gone = away(&inside, &dead);
                writer.change(&json!({ "op": "replace", "path": format!("members[value eq \"{id}\"]"),
                    "value": [{ "value": gone }] }));
                inside.insert(gone);
            }
            4 => {
                let gone = away(&inside, &dead);
                writer.change(
                    &json!({ "op": "add", "value": { "members": [{ "value": gone, "type": "User" }] } }),
                );
                inside.insert(gone);
            }
            5 => {
                writer.change(&json!({ "op": "add", "path": "members", "value": values(own) }));
                inside.extend(own.iter().filter(|id| !dead.contains(*id)).cloned());
            }
            6 => {
                let url = format!("{}/Users/{id}", writer.caller.base);
                writer.send("DELETE", &url, &[], Vec::new()).is(204);
            }
            _ => {
                // The provider has missed the deletion and adds whom it knows, the dead one among them.
                let deleted = &own[((step - 1) * 7) % own.len()];
                writer.patch(&json!({ "op": "add", "path": "members", "value": [{ "value": deleted }] }));
            }
        }
        match step % 8 {
            0 | 1 | 3 => inside.retain(|other| other != id),
            2 => inside.retain(|other| !batch.contains(other)),
            6 => {
                inside.remove(id);
                dead.insert(id.clone());
            }
            _ => {}
        }
    }
    inside
}

/// Whole lists that were read before others changed the group: refused by their version, so that nobody is lost.
fn stale(writer: &Writer<'_>, everyone: &[String]) {
    for _ in 0..3 {
        let body = json!({ "schemas": [GROUP], "displayName": "Everybody", "members": values(everyone) });
        let tag = [("if-match", "W/\"1\"")];
        writer.send("PUT", &writer.path, &tag, body.to_string().into_bytes()).error(412, "");
    }
}

/// Who is a member by the events alone; each must begin or end what it says, and none may be missing.
fn told(data: &Data, group: &str) -> BTreeSet<String> {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let mut statement =
        sqlite.prepare("select number, name, resource, body from event order by number").expect("events");
    let rows = statement
        .query_map([], |row| {
            Ok((
                row.get::<_, u64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .expect("the rows");
    let mut inside = BTreeSet::new();
    for (expected, row) in (1..).zip(rows) {
        let (number, name, resource, body) = row.expect("a row");
        assert_eq!(number, expected, "events are numbered without a gap");
        if resource != group || !name.starts_with("membership.") {
            continue;
        }
        let body: Value = serde_json::from_str(&body).expect("JSON");
        for id in body["members"].as_array().expect("ids") {
            let id = id.as_str().expect("an id").to_owned();
            match name.as_str() {
                "membership.added" => assert!(inside.insert(id), "event {number}: joins who is inside"),
                _ => assert!(inside.remove(&id), "event {number}: leaves who is not inside"),
            }
        }
    }
    inside
}

#[test]
fn nobody_is_lost_when_many_change_one_group() {
    let server = Server::plain();
    let caller = server.caller();
    let ids = people(server.data(), &caller.user("first@example.com"));
    assert_eq!(ids.len(), MEMBERS);
    let (shared, ids) = ids.split_at(SHARED);
    let group = caller.group("Everybody", &[]);
    let path = format!("/Groups/{group}");
    let everyone = json!({ "schemas": [GROUP], "displayName": "Everybody", "members": values(ids) });
    assert_eq!(version(&caller.put(&path, &everyone).is(200)), 2);

    let share = ids.len() / WRITERS;
    let mut wanted: BTreeSet<String> = ids[share * WRITERS..].iter().chain(shared).cloned().collect();
    let mut versions: BTreeMap<u64, usize> = BTreeMap::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = ids
            .chunks(share)
            .take(WRITERS)
            .map(|own| {
                let mut writer = Writer::new(&caller, &group);
                scope.spawn(move || {
                    let inside = changes(&mut writer, &own[..own.len().min(400)], shared);
                    (inside, own[own.len().min(400)..].to_vec(), writer.versions)
                })
            })
            .collect();
        stale(&Writer::new(&caller, &group), &ids[..1000]);
        for (number, writer) in writers.into_iter().enumerate() {
            let (inside, rest, made) = writer.join().expect("a writer does not fail");
            wanted.extend(inside.into_iter().chain(rest));
            for version in made {
                assert!(versions.insert(version, number).is_none(), "two changes share version {version}");
            }
        }
    });
    assert_eq!(versions.len(), WRITERS * CHANGES / 8 * 6);

    let found: BTreeSet<String> = caller.members(&group).into_iter().collect();
    assert_eq!(found.len(), wanted.len());
    assert!(found == wanted, "the group holds exactly who should be in it");
    assert!(told(server.data(), &group) == wanted, "so say its events");

    // Now that it is quiet, the whole list by `replace` on `members`: a few leave, everybody else is untouched.
    let fewer: Vec<String> = wanted.into_iter().skip(10).collect();
    Writer::new(&caller, &group)
        .change(&json!({ "op": "replace", "path": "members", "value": values(&fewer) }));
    assert!(told(server.data(), &group) == fewer.into_iter().collect());
    server.data().run(&["check"]).well();
}

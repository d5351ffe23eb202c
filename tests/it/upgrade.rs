//! A file that an older scimd made: the first three migrations with rows as that version wrote them. Opened by this one,
//! everything is there and works, and the old file lies beside it.

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::server::{Caller, Data, GROUP, Server, USER};

const OLD: [&str; 3] = [
    include_str!("../../src/store/migrations/0001_directory.sql"),
    include_str!("../../src/store/migrations/0002_former_names.sql"),
    include_str!("../../src/store/migrations/0003_team_schema.sql"),
];

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";
const ADA: &str = "01980000-0000-7000-8000-000000000001";
const BOB: &str = "01980000-0000-7000-8000-000000000002";
const OLA: &str = "01980000-0000-7000-8000-000000000003";
const DEV: &str = "01980000-0000-7000-8000-000000000004";
/// 1 November 2026, in milliseconds.
const THEN: i64 = 1_793_491_200_000;

fn badge() -> Value {
    json!({
        "id": BADGE, "name": "Badge", "description": "",
        "attributes": [
            { "name": "number", "type": "string", "uniqueness": "server" },
            { "name": "level", "type": "integer" },
        ],
    })
}

/// The hash of a token's text as this version keeps it: making it is the only thing that is borrowed.
fn token() -> (String, Vec<u8>) {
    let data = Data::new();
    let text = data.token(&["--name", "JumpCloud"]);
    let hash = Connection::open(data.database())
        .and_then(|file| file.query_row("select hash from token", [], |row| row.get(0)))
        .expect("the hash of the token");
    (text, hash)
}

/// A directory as version 3 left it: two users, one of them inactive, one that was deleted, a group, a schema.
fn old_file(data: &Data, hash: &[u8]) {
    std::fs::create_dir_all(data.dir()).expect("the data directory");
    let file = Connection::open(data.dir().join("scimd.db")).expect("a file");
    file.execute_batch("pragma auto_vacuum = incremental; pragma journal_mode = wal;").expect("set");
    for step in OLD {
        file.execute_batch(step).expect("an old step");
    }
    file.execute_batch("pragma application_id = 0x5343494d; pragma user_version = 3;").expect("marked");
    file.execute_batch(&format!(
        "insert into team (n, slug, name, folded, created) values (1, 'acme', 'Acme', 'acme', {THEN});
         insert into total (team, users, active, groups, events) values (1, 2, 1, 1, 5);
         insert into run values (1, 1, 0, 2), (1, 2, 0, 1);
         insert into path (n, name) values (8, '{BADGE}:number');"
    ))
    .expect("a team");
    file.execute(
        "insert into token (team, hash, name, source, last4, strict, read_only, created, created_by)
         values (1, ?, 'JumpCloud', 'JumpCloud', 'x9Zq', 0, 0, ?, 'root')",
        params![hash, THEN],
    )
    .expect("a token");
    let resource = |n: i64, kind: i64, id: &str, active: Option<bool>, display: &str, doc: Value| {
        file.execute(
            "insert into resource (n, team, kind, id, version, created, modified, active, members, source, token, display, doc)
             values (?, 1, ?, ?, 1, ?, ?, ?, ?, 'JumpCloud', 1, ?, ?)",
            params![n, kind, id, THEN, THEN, active, if kind == 2 { 1 } else { 0 }, display, doc.to_string()],
        )
        .expect("a resource");
    };
    let ada = json!({ "schemas": [USER, BADGE], "externalId": "jc-1", "userName": "ada@example.com",
        "displayName": "Ada Lovelace", "active": true, BADGE: { "number": "B-1", "level": 7 } });
    let bob = json!({ "schemas": [USER, BADGE], "userName": "bob@example.com", "active": false,
        BADGE: { "number": "B-2", "level": 30 } });
    resource(1, 1, ADA, Some(true), "Ada Lovelace", ada);
    resource(2, 1, BOB, Some(false), "bob@example.com", bob);
    resource(4, 2, DEV, None, "Developers", json!({ "schemas": [GROUP], "displayName": "Developers" }));
    for (kind, path, value, n) in [
        (1, 1, "ada@example.com", 1),
        (1, 2, "ada lovelace", 1),
        (1, 3, "jc-1", 1),
        (1, 8, "b-1", 1),
        (1, 1, "bob@example.com", 2),
        (1, 8, "b-2", 2),
        (2, 2, "developers", 4),
    ] {
        file.execute("insert into attribute values (1, ?, ?, ?, ?)", params![kind, path, value, n])
            .expect("a value");
    }
    file.execute(
        "insert into tombstone (n, team, kind, id, source, external_id, name, display, version, created, deleted, token)
         values (3, 1, 1, ?, 'JumpCloud', 'jc-3', 'ola@example.com', 'ola@example.com', 2, ?, ?, 1)",
        params![OLA, THEN, THEN],
    )
    .expect("a tombstone");
    file.execute("insert into member values (4, 1, ?, 1, 'Ada Lovelace', ?, 5)", params![ADA, THEN])
        .expect("an edge");
    for (number, name, kind, id) in [
        (1, "user.created", 1, ADA),
        (2, "user.created", 1, BOB),
        (3, "user.created", 1, OLA),
        (4, "user.deleted", 1, OLA),
        (5, "group.created", 2, DEV),
    ] {
        file.execute(
            "insert into event (team, number, id, at, name, kind, resource, body) values (1, ?, ?, ?, ?, ?, ?, '{}')",
            params![number, format!("evt_{number}"), THEN, name, kind, id],
        )
        .expect("an event");
    }
    file.execute(
        "insert into activity (at, team, token, request, address, user_agent, method, path, query, status, duration_us,
         change, folded, subject, subject_kind, subject_name, sentence, note, first_event, last_event, bytes)
         values (?, 1, 1, 'req_old', '192.0.2.1', 'JumpCloud', 'POST', '/scim/Users', '', 201, 900, 1, 1, ?, 1,
         'Ada Lovelace', 'Ada Lovelace was added', '', 1, 1, 350)",
        params![THEN, ADA],
    )
    .expect("a request");
    file.execute("update total set activity_bytes = 350 where team = 1", []).expect("counted");
    file.execute(
        "insert into team_schema values (1, ?, ?, 1, 1, ?, ?, ?)",
        params![BADGE.to_lowercase(), BADGE, THEN, THEN, badge().to_string()],
    )
    .expect("a schema");
}

fn found(caller: &Caller, query: &str) -> Vec<String> {
    caller.get(&format!("/Users?{query}")).is(200).ids()
}

fn file_forgets_requests(server: &Server) {
    let file = Connection::open(server.data().dir().join("scimd.db")).expect("the file opens");
    file.execute_batch("delete from activity_body; delete from activity_text; delete from activity")
        .expect("gone");
}

#[test]
fn a_file_of_an_older_version_opens_with_everything_in_it() {
    let (data, (text, hash)) = (Data::new(), token());
    old_file(&data, &hash);
    let server = Server::with(data, &["--tls", "off"]);
    let caller = Caller { server: &server, token: text, base: format!("{}/scim", server.origin) };
    let ada = caller.get(&format!("/Users/{ADA}")).is(200).json();
    assert_eq!((&ada["displayName"], &ada[BADGE]["level"]), (&json!("Ada Lovelace"), &json!(7)));
    assert_eq!(ada["groups"][0]["value"], DEV, "{ada}");
    assert_eq!(ada["meta"]["version"], "W/\"1\"");
    assert_eq!(caller.members(DEV), [ADA]);
    assert_eq!(caller.get(&format!("/Groups/{DEV}")).is(200).json()["members"][0]["display"], "Ada Lovelace");

    // Attributes of the team's own, by value and in the order of numbers, as they stood before the upgrade.
    assert_eq!(found(&caller, &format!("filter={BADGE}:number+eq+%22b-2%22")), [BOB]);
    assert_eq!(found(&caller, &format!("filter={BADGE}:level+ge+8")), [BOB]);
    assert_eq!(found(&caller, &format!("filter={BADGE}:level+lt+8")), [ADA]);
    assert_eq!(found(&caller, &format!("sortBy={BADGE}:level&sortOrder=descending")), [BOB, ADA]);
    assert_eq!(found(&caller, "filter=active+eq+false"), [BOB]);
    let twin = json!({ "schemas": [USER, BADGE], "userName": "eve@example.com", BADGE: { "number": "b-1" } });
    caller.post("/Users", &twin).error(409, "uniqueness");
    let list = server.data().run(&["schema", "list"]).well().stdout;
    assert!(list.contains(BADGE) && list.contains(" 2 "), "{list}");

    // Changes go on from where they stood: versions, the id of who comes back, members.
    let patched = caller.patch(
        &format!("/Users/{ADA}"),
        json!([{ "op": "replace", "path": format!("{BADGE}:level"), "value": 31 }]),
    );
    assert_eq!(patched.is(200).json()["meta"]["version"], "W/\"2\"");
    assert_eq!(found(&caller, &format!("filter={BADGE}:level+gt+30")), [ADA]);
    let back = json!({ "schemas": [USER], "userName": "ola.new@example.com", "externalId": "jc-3" });
    assert_eq!(caller.post("/Users", &back).is(201).id(), OLA);
    caller
        .patch(
            &format!("/Groups/{DEV}"),
            json!([{ "op": "add", "path": "members", "value": [{ "value": BOB }] }]),
        )
        .is(200);
    assert_eq!(caller.members(DEV), [ADA, BOB]);
    let told = server.data().run(&["activity", "of", ADA]).well().stdout;
    assert!(told.contains("Ada Lovelace was added"), "{told}");
    // What the old version knew of its requests and of the deleted is told on.
    file_forgets_requests(&server);
    let told = server.data().run(&["activity", "of", ADA]).well().stdout;
    assert!(told.contains("JumpCloud  Ada Lovelace was added  req_old"), "{told}");
    let told = server.data().run(&["activity", "of", "OLA@example.com"]).well().stdout;
    assert!(told.contains(OLA) && told.contains("came back"), "{told}");
    assert!(server.data().run(&["team", "show"]).well().stdout.contains("keep-requests      400d"));

    let folder = server.data().dir();
    server.data().run(&["check"]).well();
    let copies = crate::server::files_in(&folder);
    let kept = copies.iter().find(|file| file.to_string_lossy().ends_with(".version-3"));
    let before = Connection::open(kept.expect("the old file lies beside the new one")).expect("it opens");
    let version: i64 = before.query_row("pragma user_version", [], |row| row.get(0)).expect("its mark");
    assert_eq!(version, 3);
}

//! A membership that begins or ends is told in every place at once: the group's version, one event of the team, and the
//! sentence of the request. What changes nothing is told in none.

use serde_json::{Value, json};

use crate::server::{Caller, Data, GROUP, Server};

/// The membership events so far, in order: name and ids.
fn events(data: &Data) -> Vec<(String, Vec<String>)> {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let sql = "select name, body from event where name like 'membership.%' order by number";
    let mut statement = sqlite.prepare(sql).expect("the table");
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .expect("the rows");
    rows.map(|row| {
        let (name, body) = row.expect("a row");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let ids = body["members"].as_array().expect("ids").iter();
        (name, ids.map(|id| id.as_str().expect("an id").to_owned()).collect())
    })
    .collect()
}

/// The sentence of the last change.
fn sentence(data: &Data) -> String {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let sql = "select sentence from activity where change = 1 order by n desc limit 1";
    sqlite.query_row(sql, [], |row| row.get(0)).expect("a row")
}

fn version(caller: &Caller<'_>, group: &str) -> String {
    caller.get(&format!("/Groups/{group}")).is(200).header("etag").to_owned()
}

#[test]
fn who_leaves_is_told_by_version_event_and_sentence() {
    let server = Server::plain();
    let caller = server.caller();
    let (ada, ben) = (caller.user("ada@example.com"), caller.user("ben@example.com"));
    let group = caller.group("Ops", &[&ada, &ben]);
    let path = format!("/Groups/{group}");
    assert_eq!(version(&caller, &group), "W/\"1\"");
    assert_eq!(events(server.data()).len(), 1);

    let by_path = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
    caller.patch(&path, by_path.clone()).is(200);
    assert_eq!(version(&caller, &group), "W/\"2\"");
    assert_eq!(events(server.data())[1], ("membership.removed".to_owned(), vec![ada.clone()]));
    assert_eq!(sentence(server.data()), "ada@example.com left Ops");

    caller.patch(&path, by_path).is(200);
    assert_eq!(version(&caller, &group), "W/\"2\"", "who is no member cannot leave");
    assert_eq!(events(server.data()).len(), 2);

    let by_list = json!([{ "op": "remove", "path": "members", "value": [{ "value": ben }] }]);
    caller.patch(&path, by_list).is(200);
    assert_eq!(version(&caller, &group), "W/\"3\"");
    assert_eq!(events(server.data())[2], ("membership.removed".to_owned(), vec![ben.clone()]));

    let body = |members: Value| json!({ "schemas": [GROUP], "displayName": "Ops", "members": members });
    caller.put(&path, &body(json!([{ "value": ada }]))).is(200);
    assert_eq!(events(server.data())[3], ("membership.added".to_owned(), vec![ada.clone()]));
    assert_eq!(sentence(server.data()), "ada@example.com joined Ops");
    caller.put(&path, &body(json!([]))).is(200);
    assert_eq!(version(&caller, &group), "W/\"5\"");
    assert_eq!(events(server.data())[4], ("membership.removed".to_owned(), vec![ada]));
    assert_eq!(sentence(server.data()), "ada@example.com left Ops");
}

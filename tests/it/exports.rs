//! Lists to take away: what is in them, how they are written, who may, and what the audit says of it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::{Server, USER};

/// The records of a CSV text, each by its column's name.
fn records(text: &str) -> Vec<std::collections::HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|record| record.expect("a record as long as the heading")).collect()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON in each line")).collect()
}

fn audited(server: &Server) -> Vec<(String, String, String)> {
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    let sql = "select who, what, detail from audit where what like '%.exported' order by n";
    let mut statement = sqlite.prepare(sql).expect("the table");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn users_groups_and_members_are_taken_away_whole_quoted_and_without_formulas() {
    let server = Server::plain();
    let caller = server.caller();
    let hostile = ["=HYPERLINK(\"http://x\")", "+1", "-2", "@SUM(A1)", "\t=1", "a, \"b\"\r\nc", "<script>"];
    let mut ids = Vec::new();
    for (n, name) in hostile.iter().enumerate() {
        let body = json!({
            "schemas": [USER], "userName": format!("user{n}@example.com"), "displayName": name,
            "active": n != 1, "emails": [{"value": format!("{n}@example.com"), "primary": true}],
        });
        ids.push(caller.post("/Users", &body).is(201).id());
    }
    for n in 0..1200 {
        caller.user(&format!("many{n}@example.com"));
    }
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let group = caller.group("=cmd|' /C calc'!A0", &all);
    let reader = Browser::sign_in(&server, "reader@example.com", true);
    let csv = reader.get("/admin/t/default/users.csv").is(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    let name = csv.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"default-users-") && name.ends_with(".csv\""), "{name}");
    let rows = records(&csv.text());
    assert_eq!(rows.len(), 1207, "more than one page");
    assert_eq!(rows.iter().map(|row| &row["id"]).collect::<HashSet<_>>().len(), 1207, "nobody twice");
    let row = |n: usize| rows.iter().find(|row| row["id"] == ids[n]).expect("the user");
    assert_eq!(row(0)["name"], "'=HYPERLINK(\"http://x\")");
    assert_eq!(row(0)["groups"], "'=cmd|' /C calc'!A0");
    assert_eq!((row(1)["name"].as_str(), row(1)["status"].as_str()), ("'+1", "inactive"));
    assert_eq!((row(2)["name"].as_str(), row(3)["name"].as_str()), ("'-2", "'@SUM(A1)"));
    assert_eq!((row(5)["name"].as_str(), row(5)["email"].as_str()), ("a, \"b\"\r\nc", "5@example.com"));
    // The list's own filters hold for what is taken away.
    let inactive = records(&reader.get("/admin/t/default/users.csv?status=inactive").is(200).text());
    assert_eq!(inactive.iter().map(|row| row["id"].as_str()).collect::<Vec<_>>(), [ids[1].as_str()]);
    let named = objects(&reader.get("/admin/t/default/users.ndjson?q=user3%40").is(200).text());
    assert_eq!(
        (named.len(), &named[0]["name"], &named[0]["groups"][0]),
        (1, &json!("@SUM(A1)"), &json!("=cmd|' /C calc'!A0"))
    );
    let groups = records(&reader.get("/admin/t/default/groups.csv").is(200).text());
    assert_eq!((groups[0]["name"].as_str(), groups[0]["members"].as_str()), ("'=cmd|' /C calc'!A0", "7"));
    let members = reader.get(&format!("/admin/t/default/groups/{group}/members.csv")).is(200);
    let members = records(&members.text());
    assert_eq!(members.iter().map(|row| row["id"].as_str()).collect::<Vec<_>>(), all);
    assert!(members.iter().all(|row| row["kind"] == "User" && !row["since"].is_empty()));
    reader.get("/admin/t/default/groups/nobody/members.csv").is(404);
    reader.get("/admin/t/default/tokens.csv").is(404);
    let noted = audited(&server);
    let what: Vec<&str> = noted.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(
        what,
        ["users.exported", "users.exported", "users.exported", "groups.exported", "members.exported"]
    );
    assert!(noted.iter().all(|row| row.0 == "reader@example.com"), "{noted:?}");
    assert_eq!(noted[1].2, "{\"format\":\"csv\",\"filter\":\"status=inactive\",\"address\":\"127.0.0.1\"}");
    server
        .client()
        .send("GET", &format!("{}/admin/t/default/users.csv", server.origin), &[], Vec::new())
        .is(303);
}

#[test]
fn the_activity_is_taken_away_as_the_list_is_narrowed() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let id = caller.user("ada@example.com");
    caller.post("/Users", &json!({"schemas": [USER], "userName": "ada@example.com"})).is(409);
    caller.get(&format!("/Users/{id}")).is(200);
    std::thread::sleep(Duration::from_millis(600));
    let rows = objects(&server.data().run(&["activity", "export"]).well().stdout);
    assert_eq!(rows.len(), 3);
    let refused = rows.iter().find(|row| row["status"] == 409).expect("the refusal");
    assert_eq!((&refused["cause"], &refused["token"]), (&json!("name-taken"), &json!("JumpCloud")));
    assert!(refused["note"].as_str().is_some_and(|note| note.contains("already used")), "{refused}");
    let csv = server.data().run(&["activity", "export", "--format", "csv", "--kind", "errors"]).well().stdout;
    assert_eq!(records(&csv).len(), 1);
    let browser = Browser::sign_in(&server, "ada@example.com", false);
    let named = records(&browser.get("/admin/t/default/activity.csv?q=ada&kind=changes").is(200).text());
    assert_eq!(named.len(), 1);
    assert_eq!(
        (named[0]["what"].as_str(), named[0]["status"].as_str()),
        ("ada@example.com was added", "201")
    );
    let noted = audited(&server);
    assert_eq!(noted.len(), 3);
    assert!(noted[0].0.ends_with("at the command line") && noted[2].0 == "ada@example.com", "{noted:?}");
}

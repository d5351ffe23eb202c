//! What pages of the admin face ask of the file: how many statements, and that none of them passes a whole table. The
//! server tells of each statement in its log; SQLite tells how it would run them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, at};
use crate::server::{Data, ENTERPRISE, GROUP, Server, USER, until};

/// Statements of one page, at most; that of the session and the teams is among them.
const BUDGET: usize = 8;
/// Tables that grow with what is provisioned, and the names that statements give them.
const LARGE: [&str; 13] = [
    "resource",
    "attribute",
    "member",
    "member_past",
    "activity",
    "activity_body",
    "event",
    "tombstone",
    "r",
    "e",
    "living",
    "dead",
    "member_day",
];

/// The statements that a page puts to the file. The server's own work between may put some too: the least of some times is
/// the page's.
fn statements(server: &Server, browser: &Browser<'_>, path: &str) -> Vec<String> {
    let once = || {
        let before = settled(server);
        let answer = browser.get(&at(path)).is(200);
        // Its line in the log stands behind its statements.
        until(|| server.said()[before..].contains(answer.header("x-request-id")));
        let said = server.said();
        let heard = said[before..].lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let heard = heard.filter(|line| line["target"] == "scimd::statement");
        heard.map(|line| line["sql"].as_str().expect("a statement").to_owned()).collect::<Vec<_>>()
    };
    (0..3).map(|_| once()).min_by_key(Vec::len).expect("it was asked")
}

/// How much the server has said, once it says no more.
fn settled(server: &Server) -> usize {
    let mut before = usize::MAX;
    loop {
        let now = server.said().len();
        if now == before {
            return now;
        }
        before = now;
        std::thread::sleep(Duration::from_millis(60));
    }
}

#[test]
fn no_page_asks_much_of_the_file_or_passes_a_whole_table() {
    let server = Server::with(Data::new(), &["--tls", "off", "--log-level", "trace", "--log-format", "json"]);
    let caller = server.caller_with(&["--name", "JumpCloud", "--source", "JumpCloud"]);
    let people: Vec<String> = (0..60)
        .map(|n| {
            let name = format!("person{n:02}@example.com");
            let body = json!({ "schemas": [USER], "userName": name, "active": n % 5 != 0,
                "name": { "givenName": format!("Given{n}"), "familyName": "Chen" } });
            caller.post("/Users", &body).is(201).id()
        })
        .collect();
    let some: Vec<&str> = people.iter().map(String::as_str).take(40).collect();
    let group = caller.group("Engineering", &some);
    let outer = json!({ "schemas": [GROUP], "displayName": "Everybody", "members": [{ "value": group }] });
    caller.post("/Groups", &outer).is(201);
    for n in 0..30 {
        let title = json!([{ "op": "replace", "path": "title", "value": format!("Lead {n}") }]);
        caller.patch(&format!("/Users/{}", people[7]), title).is(200);
    }
    // Each change of members is told by its members.
    for person in &people[40..52] {
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": person }] }]);
        caller.patch(&format!("/Groups/{group}"), add).is(200);
    }
    // Managers, names that others had, and many who left within the hour.
    for boss in [&people[1], &people[2]] {
        let manager =
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": { "value": boss } }]);
        caller.patch(&format!("/Users/{}", people[7]), manager).is(200);
    }
    for n in 0..12 {
        let made = caller.post("/Users", &json!({ "schemas": [USER], "userName": "chen" })).is(201).id();
        match n {
            0 => {
                let other = json!([{ "op": "replace", "path": "userName", "value": "lind" }]);
                caller.patch(&format!("/Users/{made}"), other).is(200);
            }
            _ => {
                caller.delete(&format!("/Users/{made}")).is(204);
            }
        }
    }
    for person in &people[20..40] {
        let gone = json!([{ "op": "replace", "path": "active", "value": false }]);
        caller.patch(&format!("/Users/{person}"), gone).is(200);
    }
    // Two tokens are being rotated, and there are other teams.
    let newer = server.caller_with(&["--name", "JumpCloud 2", "--source", "JumpCloud"]);
    newer.get("/Users?count=1").is(200);
    for name in ["Entra", "Entra 2"] {
        server.caller_with(&["--name", name, "--source", "Entra ID"]).get("/Users?count=1").is(200);
    }
    for team in ["Beta", "Gamma", "Delta"] {
        server.data().run(&["team", "create", team]).well();
    }
    let request = caller.get("/Users/nobody").is(404).header("x-request-id").to_owned();
    // Whoever signed in before is told of the changes since.
    Browser::sign_in(&server, "mei@example.com", false);
    let browser = Browser::new(&server);
    browser.enter("mei@example.com", PASSWORD);
    let (user, list) = (format!("users/{}", people[7]), "users?per=25");
    let group = format!("groups/{group}");
    let pages = [
        "users".to_owned(),
        list.into(),
        "users?sort=-name".into(),
        "users?sort=-changed".into(),
        "users?status=inactive".into(),
        "users?status=active&since=7d".into(),
        format!("users?group={}", &group[7..]),
        format!("users?group={}&status=inactive&sort=-changed", &group[7..]),
        "users?q=chen".into(),
        "users?q=chen&status=active".into(),
        "users?q=chen&sort=-changed".into(),
        "users?q=nobody-at-all".into(),
        "groups".into(),
        "groups?status=empty".into(),
        "groups?q=eng".into(),
        "activity".into(),
        "activity?kind=changes".into(),
        "activity?kind=errors".into(),
        "activity?status=404&token=1".into(),
        "activity?q=person07".into(),
        "activity?from=2020-01-01T00:00&to=2020-01-02T00:00".into(),
        format!("activity?open={request}"),
        format!("activity/{request}"),
        user.clone(),
        String::new(),
        "connect".into(),
        "search?q=chen".into(),
        format!("search?q={}", &people[7][..30]),
        "search?q=req_aaaaaaaaaaaaaaaaaaaaaa".into(),
        "team".into(),
        "tokens".into(),
        "tokens/new".into(),
        "tokens/1/rotate".into(),
        "tokens/1/revoke".into(),
        "team/remove".into(),
        "schemas/add".into(),
        "admins/invite".into(),
        "admins/1".into(),
        "compare".into(),
        "selftest".into(),
        "admins".into(),
        "you".into(),
        "schemas".into(),
        "activity/administrators".into(),
        "health-status".into(),
        "health-status/support".into(),
        group.clone(),
        format!("{group}?q=chen"),
        format!("{group}?q=chen&sort=-name"),
        format!("{group}?sort=since"),
    ];
    let mut all = BTreeSet::new();
    for path in &pages {
        let asked = statements(&server, &browser, path);
        assert!(!asked.is_empty(), "{path}: the log tells of statements");
        assert!(asked.len() <= BUDGET, "{path}: {} statements\n{}", asked.len(), asked.join("\n"));
        all.extend(asked);
    }
    // Pages behind the first.
    let text = browser.get(&at(list)).is(200).text();
    let next = text
        .split("rel=\"next\"")
        .next()
        .and_then(|text| text.rsplit("href=\"").next())
        .expect("a next page");
    let next = next.split('"').next().expect("an address").replace("&amp;", "&").replace("&#38;", "&");
    let next = next.trim_start_matches("/admin/t/default/");
    all.extend(statements(&server, &browser, next));
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    for sql in &all {
        let mut plan = sqlite
            .prepare(&format!("explain query plan {sql}"))
            .unwrap_or_else(|error| panic!("{error}: {sql}"));
        let steps = plan
            .raw_query()
            .mapped(|row| row.get::<_, String>(3))
            .collect::<Result<Vec<_>, _>>()
            .expect("a plan");
        for step in &steps {
            let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            let whole = scanned.is_some_and(|table| LARGE.contains(&table));
            assert!(!whole, "{step}\nin {sql}\n{steps:#?}");
        }
    }
    assert!(all.len() > 15, "{all:#?}");
}

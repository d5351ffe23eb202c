//! What pages of the admin face ask of the file: how many statements, and that none of them passes a whole table. The
//! server tells of each statement in its log; SQLite tells how it would run them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Browser, at};
use crate::server::{Data, GROUP, Server, USER};

/// Statements of one page, at most; those before its own (session, teams, provider) are among them.
const BUDGET: usize = 8;
/// The same for a page with a history beside its record, its groups or its members, and for the overview and the search, each of
/// which is several lists in one (docs/decisions/).
const WITH_HISTORY: usize = 14;
const NARROWED: usize = 17;
const COMPOSED: usize = 13;
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
        browser.get(&at(path)).is(200);
        settled(server);
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
    let caller = server.caller();
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
    let request = caller.get("/Users/nobody").is(404).header("x-request-id").to_owned();
    let browser = Browser::sign_in(&server, "mei@example.com", false);
    let (user, list) = (format!("users/{}", people[7]), "users?per=25");
    let pages = [
        ("users".to_owned(), BUDGET),
        (list.into(), BUDGET),
        ("users?sort=-name".into(), BUDGET),
        ("users?sort=-changed".into(), BUDGET),
        ("users?status=inactive".into(), BUDGET),
        ("users?status=active&since=7d".into(), BUDGET),
        (format!("users?group={group}"), BUDGET),
        (format!("users?group={group}&status=inactive&sort=-changed"), BUDGET),
        ("users?q=chen".into(), BUDGET),
        ("users?q=nobody-at-all".into(), BUDGET),
        ("groups".into(), BUDGET),
        ("groups?status=empty".into(), BUDGET),
        ("groups?q=eng".into(), BUDGET),
        ("activity".into(), BUDGET),
        ("activity?kind=changes".into(), BUDGET),
        ("activity?kind=errors".into(), BUDGET),
        ("activity?status=404&token=1".into(), BUDGET),
        ("activity?q=person07".into(), BUDGET),
        ("activity?from=2020-01-01T00:00&to=2020-01-02T00:00".into(), BUDGET),
        (format!("activity?open={request}"), BUDGET),
        (format!("activity/{request}"), BUDGET),
        (user, WITH_HISTORY),
        (String::new(), COMPOSED),
        ("connect".into(), BUDGET),
        ("search?q=chen".into(), COMPOSED),
        (format!("search?q={}", &people[7][..30]), COMPOSED),
        ("team".into(), BUDGET),
        ("tokens".into(), BUDGET),
        ("admins".into(), BUDGET),
        ("schemas".into(), BUDGET),
        ("activity/administrators".into(), BUDGET),
        ("health-status".into(), BUDGET),
        (format!("groups/{group}"), WITH_HISTORY),
        (format!("groups/{group}?q=chen"), NARROWED),
        (format!("groups/{group}?q=chen&sort=-name"), NARROWED),
    ];
    let mut all = BTreeSet::new();
    for (path, budget) in &pages {
        let asked = statements(&server, &browser, path);
        assert!(!asked.is_empty(), "{path}: the log tells of statements");
        assert!(asked.len() <= *budget, "{path}: {} statements\n{}", asked.len(), asked.join("\n"));
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

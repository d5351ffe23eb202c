//! How the main workloads go as the directory grows, what it holds in memory, and how fast it starts.

use std::path::Path;
use std::time::{Duration, Instant};

use super::calls::{self, name};
use super::client::ask;
use super::desk::{CONNECTIONS, Desk, Effort, Work};
use super::report::{Fact, Report};
use super::server::{Running, make};
use super::workloads::{self, LARGEST};

/// Beyond so many users, a filter that no index serves takes longer than a search may.
const MOST_SCANNED: usize = 100_000;
/// How long a request waits to be the first or the hundredth after a rest.
const REST: Duration = Duration::from_millis(300);
const STARTS: usize = 5;

/// Grows one directory from size to size and measures at each; without encryption also what it holds and how fast it starts.
pub async fn run(report: &mut Report, data: &Path, tls: bool, sizes: &[usize], effort: Effort) {
    let mut desk = Desk::start(data, tls, effort);
    ask(&desk.server.target, calls::get("/scim/Users?count=1".into(), Vec::new())).await;
    memory(report, &desk, "idle", Some(20.0));
    let mut groups = Vec::new();
    for (number, &users) in sizes.iter().enumerate() {
        // Otherwise each size would show more memberships of the same users.
        for group in std::mem::take(&mut groups) {
            ask(&desk.server.target, calls::delete(format!("/scim/Groups/{group}"))).await;
        }
        desk.fill(users).await;
        if users == 10_000 {
            memory(report, &desk, "10,000 users", Some(48.0));
        }
        groups = stage(report, &mut desk, number, users).await;
        match users {
            100_000 => memory(report, &desk, "100,000 users with a group of 100,000", Some(96.0)),
            1_000_000 => memory(report, &desk, "1,000,000 users", None),
            _ => {}
        }
        if users == 100_000 && !tls {
            report.growth.append(&mut desk.rows);
            desk = starts(report, desk, data).await;
        }
    }
    report.growth.append(&mut desk.rows);
    scale(report, desk.scheme);
}

/// The workloads at one size; the groups that are left.
async fn stage(report: &mut Report, desk: &mut Desk, number: usize, users: usize) -> Vec<String> {
    let (fresh, count) = (desk.fresh(), desk.fresh());
    let make_new = make(move |_| {
        let k = fresh();
        calls::newcomer(&format!("grow{number}-{k}@example.com"), k)
    });
    let (first, before) = (count(), desk.server.pages());
    let (limit, what) = (desk.timed(CONNECTIONS), "create".into());
    desk.measure(Work { key: "w1", what, limit, make: make_new, ceiling: false, goals: Vec::new() }).await;
    let (made, after) = ((count() - first - 1) as f64, desk.server.pages());
    if desk.scheme == "http" {
        for (what, before, after) in [("read", before[0], after[0]), ("written", before[1], after[1])] {
            let what = format!("w1 at {users} users: pages {what} for each");
            report.fact(Fact::new(what, (after - before) / made, ""));
        }
    }
    // Those users stay; totals below count them by asking.
    workloads::single(desk).await;
    let total = total(desk).await;
    workloads::pages(desk, total, 0.0, "").await;
    let cursor = middle(desk, total).await;
    let path = format!("/scim/Users?count=100&cursor={cursor}");
    let make_page = make(move |_| {
        let mut page = calls::get(path.clone(), vec!["\"nextCursor\":\"".into()]);
        page.expect.count = Some(("\"userName\":", 100));
        page
    });
    let (limit, what) = (desk.timed(CONNECTIONS), "list by cursor, in the middle".into());
    desk.measure(Work { key: "w8c", what, limit, make: make_page, ceiling: false, goals: Vec::new() }).await;
    workloads::filters(desk).await;
    if users <= MOST_SCANNED {
        let make_scan = make(move |_| calls::filter("nickName co \"nobody\"", 0));
        let (limit, what) = (desk.timed(4), "nickName co, no index".into());
        desk.measure(Work { key: "w10u", what, limit, make: make_scan, ceiling: false, goals: Vec::new() })
            .await;
    }
    workloads::make_groups(desk).await;
    let members = users.min(LARGEST);
    let group = desk.group(&format!("First {users}"), &desk.ids[..members]).await;
    workloads::in_and_out(desk, &group, members).await;
    workloads::whole(desk, &group, members).await;
    workloads::bare(desk, &group).await;
    let [team, all] = workloads::days(desk).await;
    vec![group, team, all]
}

/// A cursor that stands in the middle of the list, after a walk by pages of 100.
async fn middle(desk: &Desk, total: usize) -> String {
    let mut cursor = String::new();
    for _ in 0..total / 200 {
        let path = format!("/scim/Users?count=100&cursor={cursor}");
        let page = ask(&desk.server.target, calls::get(path, Vec::new())).await;
        let page: serde_json::Value = serde_json::from_slice(&page).expect("a list");
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    cursor
}

async fn total(desk: &Desk) -> usize {
    let page = ask(&desk.server.target, calls::get("/scim/Users?count=0".into(), Vec::new())).await;
    let page: serde_json::Value = serde_json::from_slice(&page).expect("a list");
    page["totalResults"].as_u64().expect("a total") as usize
}

/// What it holds; encryption is not what that is measured for.
fn memory(report: &mut Report, desk: &Desk, what: &str, most: Option<f64>) {
    if desk.scheme != "http" {
        return;
    }
    let memory = desk.server.memory();
    let mib = |kib: u64| kib as f64 / 1024.0;
    let fact = Fact::new(format!("memory, {what}: RssAnon"), mib(memory.anonymous), "MiB");
    report.fact(match most {
        Some(most) => fact.at_most(most),
        None => fact,
    });
    report.fact(Fact::new(format!("memory, {what}: RSS"), mib(memory.resident), "MiB"));
}

/// Starts it again and again on what is there; the last start goes on.
async fn starts(report: &mut Report, desk: Desk, data: &Path) -> Desk {
    let Desk { server, effort, ids, .. } = desk;
    let token = server.target.token.clone();
    server.stop();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    for (tls, most) in [(true, 500.0), (false, 50.0)] {
        let how = if tls { "with TLS" } else { "without TLS" };
        let mut times = Vec::new();
        // At once, and each after a rest: a processor that did something else meanwhile is slower with whichever request.
        for (rest, when) in [(Duration::ZERO, "at once"), (REST, "after a rest")] {
            let (mut first, mut hundredth) = (Vec::new(), Vec::new());
            for _ in 0..STARTS {
                let server = Running::scimd(data, tls, &token);
                times.push(ms(server.started_in));
                for number in 1..=100 {
                    let k = number * 911 % ids.len();
                    if matches!(number, 1 | 100) {
                        tokio::time::sleep(rest).await;
                    }
                    let began = Instant::now();
                    ask(&server.target, calls::read(&ids[k], &name(k))).await;
                    match number {
                        1 => first.push(ms(began.elapsed())),
                        100 => hundredth.push(ms(began.elapsed())),
                        _ => {}
                    }
                }
                server.stop();
            }
            report.fact(Fact::new(format!("first request {when}, {how}"), median(first), "ms"));
            report.fact(Fact::new(format!("hundredth request {when}, {how}"), median(hundredth), "ms"));
        }
        let what = format!("start to `listening on` at 100,000 users, {how}");
        report.fact(Fact::new(what, median(times), "ms").at_most(most));
    }
    let mut desk = Desk::again(data, &token, effort);
    desk.ids = ids;
    desk
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The goals that compare sizes.
fn scale(report: &mut Report, scheme: &str) {
    let rate = |key: &str, users: usize| {
        let mut rows = report.growth.iter();
        rows.find(|row| (row.scheme, row.key, row.users) == (scheme, key, users)).map(|row| row.rate)
    };
    let mut facts = Vec::new();
    for (key, least) in [("w1", 0.8), ("w7", 0.7), ("w8a", 0.7), ("w8b", 0.7)] {
        if let (Some(small), Some(large)) = (rate(key, 1_000), rate(key, 100_000)) {
            let what = format!("{scheme} {key}: rate at 100,000 against 1,000");
            facts.push(Fact::new(what, large / small, "").at_least(least));
        }
    }
    if let (Some(first), Some(last)) = (rate("w8a", 100_000), rate("w8b", 100_000)) {
        let what = format!("{scheme} w8b against w8a at 100,000 users");
        facts.push(Fact::new(what, last / first, "").at_least(0.9));
    }
    facts.into_iter().for_each(|fact| report.fact(fact));
}

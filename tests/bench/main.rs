//! Benchmark of the release binary: the workloads of a directory's day, over HTTP and HTTPS, beside two ceilings measured in
//! the same run. Run it with `cargo build --release && cargo bench`. Arguments: `--users N` (default 10000), `--quick`.
//! It loads only this machine, and ends by itself. Figures of different runs cannot be compared; ratios within one can.

mod client;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Call, Measured, Target, play};
use serde_json::{Value, json};
use server::Running;

const CONNECTIONS: usize = 16;
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if arguments.iter().any(|argument| argument == "--hello") {
        runtime.block_on(server::hello());
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let users = arguments
        .iter()
        .position(|argument| argument == "--users")
        .and_then(|at| arguments.get(at + 1))
        .map_or(if quick { 500 } else { 10_000 }, |n| n.parse().expect("--users takes a number"));
    let rounds = if quick { 1 } else { 3 };
    runtime.block_on(run(users, rounds, quick));
}

async fn run(users: usize, rounds: usize, quick: bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut rows = Vec::new();
    let hello = Running::start(&std::env::current_exe().expect("this program"), &["--hello"]);
    let target = Target { port: hello.port, tls: None, token: "x".into() };
    let calls = if quick { 200 } else { 4000 };
    let ceiling =
        round("hyper alone", &hello, &target, rounds, |_| spread(calls, |_| get("/x".into()))).await;
    let ceiling_rate = ceiling.rate;
    rows.push(ceiling);
    drop(hello);
    for batch in [1, 16, 64] {
        let rate = server::sqlite_ceiling(directory.path(), batch, if quick { 256 } else { 6400 });
        println!("SQLite alone, {batch:>2} rows a commit: {rate:>9.0} rows/s");
    }
    for tls in [false, true] {
        rows.extend(scimd(directory.path(), users, rounds, quick, tls).await);
    }
    report(&rows, ceiling_rate, users);
}

/// All workloads against one server.
async fn scimd(directory: &std::path::Path, users: usize, rounds: usize, quick: bool, tls: bool) -> Vec<Row> {
    let data = directory.join(if tls { "https" } else { "http" });
    let data = data.to_str().expect("a path in UTF-8");
    let mode = if tls { "self-signed" } else { "off" };
    let listen =
        ["serve", "--listen", "127.0.0.1:0", "--tls", mode, "--log-level", "error", "--data-dir", data];
    let server = Running::start(&server::binary(), &listen);
    let token = token(data);
    let target = Target { port: server.port, tls: tls.then(client::trusting), token };
    let scheme = if tls { "https" } else { "http" };
    let few = if quick { 10 } else { 100 };
    let mut rows = Vec::new();
    let mut add = |name: &str, mut row: Row| {
        row.name = format!("{scheme} {name}");
        println!("{}", row.line(0.0));
        rows.push(row);
    };
    add("w1 create", once(&server, &target, spread(users, |k| post("/scim/Users", user(k)))).await);
    let ids = ids(&target, users).await;
    let id = |k: usize| ids[k % ids.len()].clone();
    let n = few * CONNECTIONS;
    add(
        "w2 look-up hit",
        round("", &server, &target, rounds, |r| spread(n * 4, |k| look_up(k * 7 + r, users))).await,
    );
    add(
        "w2m look-up miss",
        round("", &server, &target, rounds, |_| spread(n * 4, |k| look_up(users + k, users * 9))).await,
    );
    add(
        "w3 get",
        round("", &server, &target, rounds, |r| {
            spread(n * 4, |k| get(format!("/scim/Users/{}", id(k * 3 + r))))
        })
        .await,
    );
    add(
        "w4 put",
        round("", &server, &target, rounds, |r| spread(n, |k| put(&id(k), k % users, r + 1))).await,
    );
    add(
        "w5 patch active",
        round("", &server, &target, rounds, |r| spread(n, |k| patch_active(&id(k), (k + r) % 2 == 0))).await,
    );
    let members: Vec<String> = ids.iter().take(users.min(1000)).cloned().collect();
    let made = play(&target, vec![vec![post("/scim/Groups", group("All Staff", &members))]]).await;
    let all: Value = serde_json::from_slice(&made.last_body).expect("a group");
    let all = all["id"].as_str().expect("an id").to_owned();
    add(
        "w6 group of 1,000",
        round("", &server, &target, rounds, |r| {
            (0..4)
                .map(|c| {
                    (0..few / 10)
                        .map(|i| post("/scim/Groups", group(&format!("G{r}-{c}-{i}"), &members)))
                        .collect()
                })
                .collect()
        })
        .await,
    );
    add("w7 member in and out", round("", &server, &target, rounds, |_| in_and_out(&all, &ids, few)).await);
    add(
        "w8a list, first page",
        round("", &server, &target, rounds, |_| {
            spread(n / 4, |_| get("/scim/Users?startIndex=1&count=100".into()))
        })
        .await,
    );
    let deep = format!("/scim/Users?startIndex={}&count=100", users.saturating_sub(99).max(1));
    add(
        "w8b list, last page",
        round("", &server, &target, rounds, |_| spread(n / 4, |_| get(deep.clone()))).await,
    );
    add(
        "w9 group with members",
        round("", &server, &target, rounds, |_| spread(n / 4, |_| get(format!("/scim/Groups/{all}")))).await,
    );
    add(
        "w9x group without",
        round("", &server, &target, rounds, |_| {
            spread(n, |_| get(format!("/scim/Groups/{all}?excludedAttributes=members")))
        })
        .await,
    );
    add(
        "w10e emails.value eq",
        round("", &server, &target, rounds, |_| {
            spread(n, |k| filter(&format!("emails.value eq \"u{}@example.com\"", k % users)))
        })
        .await,
    );
    add(
        "w10x externalId eq",
        round("", &server, &target, rounds, |_| {
            spread(n, |k| filter(&format!("externalId eq \"x{}\"", k % users)))
        })
        .await,
    );
    add(
        "w10s familyName sw",
        round("", &server, &target, rounds, |_| {
            spread(n / 4, |k| filter(&format!("name.familyName sw \"B{}\"", 100 + k % 900)))
        })
        .await,
    );
    add(
        "w10m lastModified gt",
        round("", &server, &target, rounds, |_| {
            spread(n / 4, |_| filter("meta.lastModified gt \"2999-01-01T00:00:00Z\""))
        })
        .await,
    );
    println!(
        "{scheme}: listening after {} ms, {} KiB of memory",
        server.started_in.as_millis(),
        server.memory()
    );
    rows
}

fn token(data: &str) -> String {
    let out = std::process::Command::new(server::binary())
        .args(["token", "create", "--name", "bench", "--data-dir", data])
        .output()
        .expect("the binary runs");
    String::from_utf8(out.stdout).expect("a token").trim().to_owned()
}

/// The ids of the users, in the order of their numbers: requests came in any order.
async fn ids(target: &Target, users: usize) -> Vec<String> {
    let mut ids = vec![String::new(); users];
    let mut read = 0;
    while read < users {
        let path = format!("/scim/Users?attributes=userName&count=1000&startIndex={}", read + 1);
        let page = play(target, vec![vec![get(path)]]).await;
        let page: Value = serde_json::from_slice(&page.last_body).expect("a list");
        let found = page["Resources"].as_array().expect("resources");
        assert!(!found.is_empty(), "every user is listed");
        read += found.len();
        for one in found {
            let name = one["userName"].as_str().expect("a name");
            let number =
                name.trim_start_matches('u').split('@').next().and_then(|digits| digits.parse().ok());
            ids[number.unwrap_or(0_usize)] = one["id"].as_str().expect("an id").to_owned();
        }
    }
    ids
}

/// What a workload came to, its medians over the rounds.
struct Row {
    name: String,
    rate: f64,
    cpu: f64,
    p50: Duration,
    p90: Duration,
    p99: Duration,
    errors: usize,
}

impl Row {
    fn line(&self, ceiling: f64) -> String {
        let ratio = if ceiling > 0.0 { format!("{:>6.2}", self.rate / ceiling) } else { String::new() };
        format!(
            "{:<30}{:>10.0}/s {ratio}{:>8.0} µs CPU{:>9.2}{:>9.2}{:>9.2} ms{}",
            self.name,
            self.rate,
            self.cpu,
            self.p50.as_secs_f64() * 1e3,
            self.p90.as_secs_f64() * 1e3,
            self.p99.as_secs_f64() * 1e3,
            if self.errors > 0 { format!("  {} ERRORS", self.errors) } else { String::new() },
        )
    }
}

async fn once(server: &Running, target: &Target, lists: Vec<Vec<Call>>) -> Row {
    let before = server.cpu();
    let measured = play(target, lists).await;
    row(&measured, server.cpu().saturating_sub(before))
}

fn row(measured: &Measured, cpu: Duration) -> Row {
    Row {
        name: String::new(),
        rate: measured.rate(),
        cpu: cpu.as_secs_f64() * 1e6 / measured.requests.max(1) as f64,
        p50: measured.percentile(50),
        p90: measured.percentile(90),
        p99: measured.percentile(99),
        errors: measured.errors,
    }
}

/// The round with the median rate.
async fn round(
    name: &str,
    server: &Running,
    target: &Target,
    rounds: usize,
    calls: impl Fn(usize) -> Vec<Vec<Call>>,
) -> Row {
    let mut rows = Vec::new();
    for number in 0..rounds {
        rows.push(once(server, target, calls(number)).await);
    }
    rows.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let errors = rows.iter().map(|row| row.errors).sum();
    let median = rows.swap_remove(rows.len() / 2);
    Row { name: name.to_owned(), errors, ..median }
}

/// So many calls, dealt to the connections.
fn spread(n: usize, call: impl Fn(usize) -> Call) -> Vec<Vec<Call>> {
    let mut lists: Vec<Vec<Call>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for k in 0..n {
        lists[k % CONNECTIONS].push(call(k));
    }
    lists
}

fn get(path: String) -> Call {
    Call { method: "GET", path, body: None }
}

fn post(path: &str, body: Value) -> Call {
    Call { method: "POST", path: path.to_owned(), body: Some(body.to_string()) }
}

fn filter(filter: &str) -> Call {
    get(format!("/scim/Users?filter={}", filter.replace(' ', "+").replace('"', "%22")))
}

fn look_up(k: usize, of: usize) -> Call {
    filter(&format!("userName eq \"u{}@example.com\"", k % of))
}

fn user(k: usize) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": format!("u{k}@example.com"), "externalId": format!("x{k}"),
        "name": { "formatted": format!("Alex B{k}"), "givenName": "Alex", "familyName": format!("B{k}") },
        "displayName": format!("Alex B{k}"), "title": "Engineer", "locale": "en-US", "timezone": "Europe/Berlin",
        "emails": [{ "value": format!("u{k}@example.com"), "type": "work", "primary": true },
            { "value": format!("u{k}@home.example.com"), "type": "home" }],
        "phoneNumbers": [{ "value": format!("+1 555 {k:07}"), "type": "work" }],
        "addresses": [{ "type": "work", "streetAddress": "1 Example Street", "locality": "Exampleton", "country": "US" }],
        "active": true,
        ENTERPRISE: { "employeeNumber": format!("{k}"), "department": "Engineering", "organization": "Example Ltd" },
    })
}

fn group(name: &str, members: &[String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

fn put(id: &str, k: usize, round: usize) -> Call {
    let mut body = user(k);
    body["title"] = json!(format!("Engineer {round}"));
    Call { method: "PUT", path: format!("/scim/Users/{id}"), body: Some(body.to_string()) }
}

fn patch(path: String, operation: Value) -> Call {
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    Call { method: "PATCH", path, body: Some(body.to_string()) }
}

fn patch_active(id: &str, active: bool) -> Call {
    patch(format!("/scim/Users/{id}"), json!({ "op": "replace", "path": "active", "value": active }))
}

/// Four connections, each of which takes its own person out of the group and puts them back.
fn in_and_out(group: &str, ids: &[String], times: usize) -> Vec<Vec<Call>> {
    let path = format!("/scim/Groups/{group}");
    (0..4)
        .map(|c| {
            let id = &ids[c];
            (0..times)
                .map(|i| match i % 2 {
                    0 => patch(
                        path.clone(),
                        json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }),
                    ),
                    _ => patch(
                        path.clone(),
                        json!({ "op": "add", "path": "members", "value": [{ "value": id }] }),
                    ),
                })
                .collect()
        })
        .collect()
}

fn report(rows: &[Row], ceiling: f64, users: usize) {
    println!("\n{users} users; ratio to bare hyper; server CPU per request; p50, p90, p99");
    let mut out = BTreeMap::new();
    for row in rows {
        println!("{}", row.line(ceiling));
        out.insert(
            row.name.clone(),
            json!({ "rate": row.rate, "ratio": row.rate / ceiling, "cpu_us": row.cpu, "errors": row.errors,
                "p50_ms": row.p50.as_secs_f64() * 1e3, "p90_ms": row.p90.as_secs_f64() * 1e3,
                "p99_ms": row.p99.as_secs_f64() * 1e3 }),
        );
    }
    println!("\n{}", json!({ "users": users, "workloads": out }));
    let errors: usize = rows.iter().map(|row| row.errors).sum();
    assert_eq!(errors, 0, "no workload may have an error");
}

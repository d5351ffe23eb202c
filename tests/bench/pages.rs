//! The admin's pages on a large directory, as a browser that is signed in asks for them one after the other: how long the
//! server takes, and how many statements each page puts to the file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::directory::{self, GROUPS, Size, id, request};
use super::report::{Fact, Report};
use super::server::{Running, binary, serve, token};

/// At most so long on the server, of 95 in 100 times.
const P95_MS: f64 = 30.0;
/// At most so long until the first byte is here.
const FIRST_BYTE_MS: f64 = 100.0;
/// At most so many statements.
const STATEMENTS: f64 = 8.0;
const PASSWORD: &str = "correct horse battery";

/// Fills a directory, unless it is filled already, and plays every page.
pub fn run(report: &mut Report, data: &Path, size: Size, turns: usize) {
    let filled = data.join("filled");
    if !filled.exists() {
        std::fs::create_dir_all(data).expect("a directory");
        token(data);
        administrator(data);
        directory::fill(&data.join(scimd::serve::DATABASE), size);
        std::fs::write(filled, "").expect("a mark");
    }
    let pages = pages(size);
    let statements = statements(data, &pages);
    let server = Running::scimd(data, false, "x");
    let mut browser = Browser::sign_in(server.target.port);
    let mut worst = (0.0, 0.0, 0.0f64);
    for ((what, path), statements) in pages.iter().zip(statements) {
        let (mut times, mut first) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            let got = browser.get(path);
            assert!(got.status == 200 || path.starts_with("search"), "{path}: {}", got.status);
            times.push(got.whole.as_secs_f64() * 1e3);
            first.push(got.first.as_secs_f64() * 1e3);
        }
        let (p50, p95, first) = (at(&mut times, 50), at(&mut times, 95), at(&mut first, 95));
        worst = (f64::max(worst.0, p95), f64::max(worst.1, first), f64::max(worst.2, statements as f64));
        report.fact(Fact::new(format!("page {what}: p50"), p50, "ms"));
        report.fact(Fact::new(format!("page {what}: p95"), p95, "ms").at_most(P95_MS));
        report.fact(Fact::new(format!("page {what}: statements"), statements as f64, "").at_most(STATEMENTS));
    }
    report.fact(Fact::new("slowest page: p95", worst.0, "ms").at_most(P95_MS));
    report.fact(Fact::new("slowest page: first byte, p95", worst.1, "ms").at_most(FIRST_BYTE_MS));
    report.fact(Fact::new("most statements of a page", worst.2, "").at_most(STATEMENTS));
    server.stop();
}

/// What is played: each page as one comes to it, narrowed, ordered, and deep within.
fn pages(size: Size) -> Vec<(&'static str, String)> {
    let (all, small) = (id(size.users + 1), id(size.users + 1 + GROUPS / 2));
    let change = request(size.requests / 10 * 10);
    vec![
        ("overview", String::new()),
        ("users", "users".into()),
        ("users, by name, end first", "users?sort=-name".into()),
        ("users, deep", "users?after=50000.tkofi%20m&at=50001".into()),
        ("users, back from deep", "users?before=50000.tkofi%20m&at=50001".into()),
        ("users, by change", "users?sort=-changed".into()),
        ("users, inactive", "users?status=inactive".into()),
        ("users, active", "users?status=active".into()),
        ("users, changed of late", "users?since=7d".into()),
        ("users, of everybody's group", format!("users?group={all}")),
        ("users, of a group", format!("users?group={small}")),
        ("users, a name", "users?q=mei".into()),
        ("users, a rare name", "users?q=Zaman1234".into()),
        ("users, no such name", "users?q=nobody-at-all".into()),
        ("users, inactive of a group by change", format!("users?group={all}&status=inactive&sort=-changed")),
        ("user", format!("users/{}", id(8))),
        ("user with a long history", format!("users/{}", id(7))),
        ("groups", "groups".into()),
        ("groups, by change", "groups?sort=-changed".into()),
        ("groups, a name", "groups?q=staff".into()),
        ("group", format!("groups/{small}")),
        ("group of all", format!("groups/{all}")),
        ("group of all, deep", format!("groups/{all}?after=50000.tkofi%20m")),
        ("group of all, a name", format!("groups/{all}?q=mei")),
        ("activity", "activity".into()),
        ("activity, older", format!("activity?after={}-{}", now_ms() - 86_400_000 * 100, size.requests / 2)),
        ("activity, newer", format!("activity?before={}-{}", now_ms() - 86_400_000 * 100, size.requests / 2)),
        ("activity, changes", "activity?kind=changes".into()),
        ("activity, reads", "activity?kind=reads".into()),
        ("activity, errors", "activity?kind=errors".into()),
        ("activity, open", format!("activity?kind=changes&open={change}")),
        ("activity, a token", "activity?token=1".into()),
        ("activity, a rare status", "activity?status=409".into()),
        ("activity, words", "activity?q=mei".into()),
        ("activity, a person", format!("activity?q={}", id(8))),
        ("activity, a day", "activity?from=2026-06-01T00:00&to=2026-06-02T00:00&per=100".into()),
        ("request", format!("activity/{change}")),
        ("tokens", "tokens".into()),
        ("connect", "connect".into()),
        ("search", "search?q=mei".into()),
        ("team settings", "team".into()),
        ("administrators", "admins".into()),
        ("system health", "health-status".into()),
    ]
}

/// How many statements each page puts to the file, by the log of a server that tells of each.
fn statements(data: &Path, pages: &[(&'static str, String)]) -> Vec<usize> {
    let mut command: Command = serve(data, false);
    command.args(["--log-level", "trace", "--log-format", "json"]);
    let (told, heard) = channel();
    let server = Running::heard(command, "x", move |stderr| {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.contains("scimd::statement") {
                let _ = told.send(line);
            }
        }
    });
    let mut browser = Browser::sign_in(server.target.port);
    // What a server does at its start is no page's.
    let began = Instant::now();
    while heard.recv_timeout(Duration::from_secs(2)).is_ok() && began.elapsed() < Duration::from_secs(60) {}
    let counts = pages
        .iter()
        .map(|(_, path)| {
            // The server's own work between may put statements too: the least of three times is the page's.
            let times = (0..3).map(|_| {
                quiet(&heard);
                browser.get(path);
                quiet(&heard)
            });
            let all = times.min_by_key(Vec::len).unwrap_or_default();
            if std::env::var_os("SCIMD_BENCH_STATEMENTS").is_some() {
                println!("/{path}");
                all.iter().for_each(|line| println!("    {line}"));
            }
            all.len()
        })
        .collect();
    server.stop();
    counts
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    now.as_millis() as i64
}

/// What is heard until nothing comes any more.
fn quiet(heard: &Receiver<String>) -> Vec<String> {
    std::iter::from_fn(|| heard.recv_timeout(Duration::from_millis(150)).ok()).collect()
}

fn at(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn administrator(data: &Path) {
    let mut command = Command::new(binary());
    command
        .args(["admin", "create", "--email", "mei@example.com", "--password-stdin", "--data-dir"])
        .arg(data);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(PASSWORD.as_bytes()).expect("it reads the password");
    assert!(child.wait().expect("it ends").success());
}

/// One connection of a browser, with its session.
struct Browser {
    port: u16,
    stream: BufReader<TcpStream>,
    cookie: String,
}

fn connected(port: u16) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_nodelay(true).expect("a TCP option");
    BufReader::new(stream)
}

/// An answer, and when it was here.
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
    first: Duration,
    whole: Duration,
}

impl Browser {
    fn sign_in(port: u16) -> Browser {
        let mut browser = Browser { port, stream: connected(port), cookie: String::new() };
        let page = browser.ask("GET", "/admin/sign-in", "", "identity");
        let text = String::from_utf8(page.body).expect("text");
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a proof");
        let csrf = rest.split('"').next().expect("a proof").to_owned();
        browser.keep(&page.head);
        let form = format!("csrf={csrf}&email=mei@example.com&password={}", PASSWORD.replace(' ', "+"));
        let entered = browser.ask("POST", "/admin/sign-in", &form, "identity");
        assert_eq!(entered.status, 303, "{}", entered.head);
        browser.keep(&entered.head);
        browser
    }

    /// A page of the first team. Each comes over a connection of its own: the server ends one after so many answers.
    fn get(&mut self, path: &str) -> Got {
        self.stream = connected(self.port);
        self.ask("GET", &format!("/admin/t/default/{path}"), "", "gzip")
    }

    fn keep(&mut self, head: &str) {
        let cookies = head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        for pair in
            cookies.filter(|line| !line.contains("Max-Age=0")).filter_map(|line| line.split(';').next())
        {
            self.cookie = format!("{}; {pair}", self.cookie).trim_start_matches("; ").to_owned();
        }
    }

    fn ask(&mut self, method: &str, path: &str, form: &str, encoding: &str) -> Got {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\naccept-encoding: {encoding}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.cookie,
            form.len()
        );
        let began = Instant::now();
        self.stream.get_mut().write_all(head.as_bytes()).expect("it is sent");
        let mut head = String::new();
        let mut first = None;
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).expect("an answer"), 0, "{path}: cut");
            first.get_or_insert_with(|| began.elapsed());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let mut body = vec![0; length.trim().parse().expect("a number")];
        self.stream.read_exact(&mut body).expect("a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Got { status, head, body, first: first.unwrap_or_default(), whole: began.elapsed() }
    }
}

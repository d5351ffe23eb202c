//! Benchmark of the release binary: the workloads of a directory's day, over HTTP and HTTPS, each round beside bare hyper
//! with the same encryption and the same size of body. `tests/bench/run` builds and starts it; `--help` says what it
//! takes. It loads only this machine, and ends by itself. Figures of different runs cannot be compared; ratios within
//! one can.

mod calls;
mod client;
mod counters;
mod desk;
mod directory;
mod growth;
mod pages;
mod report;
mod server;
mod workloads;

use std::path::{Path, PathBuf};
use std::time::Duration;

use desk::{Desk, Effort};
use report::{Fact, Report};
use server::{Running, make};

const HELP: &str = "\
tests/bench/run [options]
  --users N       users of the main run (10000)
  --rounds N      rounds of each workload, of which the median counts (3)
  --quick         a few hundred milliseconds of everything, to see that it works
  --no-growth     without the runs at 1,000, 10,000 and 100,000 users
  --million       over HTTP the growth goes on to 1,000,000 users
  --only PART     http, https, slow, growth or pages alone
  --pages DIR     the pages' directory is kept there, and taken from there the next time
  --out DIR       where performance.json and performance.md go (target/bench)
  --counters      instructions for each request instead of times (see tests/bench/counters)";

struct Arguments(Vec<String>);

impl Arguments {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|argument| argument == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.value(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} takes a number")))
    }
}

fn main() {
    let arguments = Arguments(std::env::args().skip(1).collect());
    if arguments.has("--help") {
        return println!("{HELP}");
    }
    if let Some(directory) = arguments.value("--sqlite") {
        return println!("{}", server::sqlite(Path::new(directory), 1, Duration::from_secs(2)));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if let Some(how) = arguments.value("--hello") {
        runtime.block_on(server::hello(how == "tls"));
    }
    if arguments.has("--counters") {
        return runtime.block_on(counters::run());
    }
    runtime.block_on(run(&arguments));
}

async fn run(arguments: &Arguments) {
    let quick = arguments.has("--quick");
    let effort = match quick {
        true => Effort { rounds: 1, time: Duration::from_millis(200), ceiling: Duration::from_millis(100) },
        false => Effort {
            rounds: arguments.number("--rounds").unwrap_or(3),
            time: Duration::from_millis(1000),
            ceiling: Duration::from_millis(500),
        },
    };
    let users = arguments.number("--users").unwrap_or(if quick { 1_000 } else { 10_000 });
    let wanted = |part: &str| arguments.value("--only").is_none_or(|only| only == part);
    let directory = tempfile::tempdir().expect("a directory");
    let mut report = Report::default();
    sizes(&mut report);
    for (part, tls) in [("http", false), ("https", true)] {
        if wanted(part) {
            let mut desk = Desk::start(&directory.path().join(part), tls, effort);
            workloads::all(&mut desk, users).await;
            report.rows.append(&mut desk.rows);
        }
    }
    if wanted("slow") {
        writes(&mut report, directory.path(), effort).await;
    }
    if wanted("growth") && !arguments.has("--no-growth") {
        let mut sizes = if quick { vec![300, 1_000] } else { vec![1_000, 10_000, 100_000] };
        let effort = Effort { time: effort.time / 2, ceiling: effort.ceiling / 2, ..effort };
        growth::run(&mut report, &directory.path().join("growth-tls"), true, &sizes, effort).await;
        if arguments.has("--million") {
            sizes.push(1_000_000);
        }
        growth::run(&mut report, &directory.path().join("growth"), false, &sizes, effort).await;
    }
    if wanted("pages") {
        let kept = arguments.value("--pages").map(PathBuf::from);
        let size = match quick {
            true => directory::Size { users: 2_000, requests: 40_000 },
            false => directory::Size { users: 100_000, requests: 5_000_000 },
        };
        let data = kept.unwrap_or_else(|| directory.path().join("pages"));
        pages::run(&mut report, &data, size, if quick { 20 } else { 100 });
    }
    let out = arguments
        .value("--out")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench"), PathBuf::from);
    keep(&report, &out);
}

fn sizes(report: &mut Report) {
    let bytes = std::fs::metadata(server::binary()).map_or(0, |file| file.len());
    report.fact(Fact::new("binary", bytes as f64 / 1e6, "MB").at_most(15.0));
    println!("body of a user: {} bytes", calls::user(&calls::name(1), 1).to_string().len());
}

/// SQLite alone, and creates on a disk whose syncs take 5 ms longer against one commit for each request.
async fn writes(report: &mut Report, directory: &Path, effort: Effort) {
    for batch in [1, 16, 64] {
        let rate = server::sqlite(directory, batch, effort.time);
        report.fact(Fact::new(format!("SQLite alone, {batch} rows a commit"), rate, "rows/s"));
    }
    report.fact(Fact::new("SQLite alone, point reads", server::sqlite_reads(directory), "/s"));
    let Some(library) = server::slow_disk(directory) else {
        println!("no C compiler (cc): the slower disk is left out");
        return;
    };
    let data = directory.join("slow");
    std::fs::create_dir_all(&data).expect("a directory");
    let token = server::token(&data);
    let command = server::slowed(server::serve(&data, false), &library);
    let server = Running::start(command, false, &token);
    let mut rates = [0.0f64; 3];
    for (rate, connections) in rates.iter_mut().zip([1, 16, 64]) {
        let mut all = Vec::new();
        for round in 0..effort.rounds {
            let limit =
                client::Limit { connections, requests: usize::MAX, time: effort.time * 2, reconnect: false };
            let calls = make(move |turn| {
                let name = format!("slow-{connections}-{round}-{}@example.com", turn.k);
                calls::create(&name, turn.k)
            });
            let done = client::play(&server.target, limit, calls).await;
            assert_eq!(done.errors, 0, "{:?}", done.faults);
            all.push(done.rate());
        }
        all.sort_by(f64::total_cmp);
        *rate = all[all.len() / 2];
    }
    let program = std::env::current_exe().expect("this program");
    let mut alone = std::process::Command::new(program);
    alone.arg("--sqlite").arg(directory);
    let alone = server::slowed(alone, &library).output().expect("SQLite alone");
    let alone: f64 = String::from_utf8_lossy(&alone.stdout).trim().parse().expect("a rate");
    report.fact(Fact::new("5 ms added to each sync: SQLite alone, one row a commit", alone, "rows/s"));
    report.fact(Fact::new("w1 so, 1 connection (one commit for each request)", rates[0], "/s"));
    report.fact(Fact::new("w1 so, 16 connections: times that", rates[1] / rates[0], "×").at_least(7.0));
    report.fact(Fact::new("w1 so, 64 connections: times that", rates[2] / rates[0], "×").at_least(14.0));
}

/// Writes what was found, and fails where an answer was wrong.
fn keep(report: &Report, out: &Path) {
    std::fs::create_dir_all(out).expect("a directory for the report");
    let json = serde_json::to_string_pretty(&report.json()).expect("JSON");
    std::fs::write(out.join("performance.json"), json).expect("the report is written");
    std::fs::write(out.join("performance.md"), report.markdown()).expect("the report is written");
    println!("\n{}\n{} has this as JSON and as Markdown", report.markdown(), out.display());
    assert_eq!(report.errors(), 0, "no workload may have an error or a wrong answer");
}

//! The server under test: the release binary as its own process, its processor time and memory, and the two ceilings
//! that are measured beside it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A started process that listens on a port.
pub struct Running {
    child: Child,
    pub port: u16,
    pub started_in: Duration,
}

impl Running {
    /// Starts a program and waits for its line `listening on …:PORT`.
    pub fn start(program: &Path, arguments: &[&str]) -> Running {
        let began = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; build it first: cargo build --release", program.display())
            });
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let port = loop {
            let line = lines.next().expect("the server says that it listens").expect("text");
            if line.starts_with("listening on ") {
                let port = line.rsplit(':').next().expect("a port");
                break port.trim_end_matches('/').parse().expect("a port");
            }
        };
        let started_in = began.elapsed();
        // What else it says is read away, so that the pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        Running { child, port, started_in }
    }

    /// Processor time used so far.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        // utime and stime in ticks of a hundredth of a second (proc(5)).
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Anonymous memory in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
        line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A benchmark's data is thrown away; nothing is lost by a hard end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("SCIMD")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/scimd"), PathBuf::from)
}

/// Rows a second that SQLite alone commits with the same durability, `batch` rows a commit.
pub fn sqlite_ceiling(directory: &Path, batch: u32, rows: u32) -> f64 {
    let file = directory.join(format!("ceiling-{batch}.db"));
    let sqlite = rusqlite::Connection::open(&file).expect("a database");
    sqlite
        .execute_batch("pragma journal_mode=wal; pragma synchronous=full; create table t (n integer primary key, doc text)")
        .expect("a table");
    let doc = "x".repeat(1200);
    let began = Instant::now();
    for _ in 0..rows / batch {
        sqlite.execute_batch("begin immediate").expect("a transaction");
        let mut insert = sqlite.prepare_cached("insert into t (doc) values (?)").expect("a statement");
        for _ in 0..batch {
            insert.execute([&doc]).expect("a row");
        }
        drop(insert);
        sqlite.execute_batch("commit").expect("a commit");
    }
    f64::from(rows / batch * batch) / began.elapsed().as_secs_f64()
}

/// Serves a fixed body of 1 KiB with bare hyper, as the ceiling for answers. Never returns.
pub async fn hello() -> ! {
    use http_body_util::Full;
    use hyper::body::Bytes;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("listening on http://{}", listener.local_addr().expect("an address"));
    let body = Bytes::from(vec![b'x'; 1024]);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let body = body.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |_| {
                let body = body.clone();
                async move { Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(body))) }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            // A client that goes away ends its own connection and nothing else.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

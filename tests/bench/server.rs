//! Processes under measurement: the release binary and bare hyper, each with its processor time and memory; and SQLite
//! alone, the ceiling of writes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{self, Target};

/// A started process that listens on a port.
pub struct Running {
    child: Child,
    pub target: Target,
    pub started_in: Duration,
}

/// What a process holds in memory, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub anonymous: u64,
    pub resident: u64,
}

impl Running {
    /// Starts a command and waits for its line `listening on …:PORT`.
    pub fn start(command: Command, tls: bool, token: &str) -> Running {
        Running::begin(command, Stdio::null(), tls, token)
    }

    /// The same, without encryption; what it logs is read by a thread of its own.
    pub fn heard(command: Command, token: &str, hear: impl FnOnce(ChildStderr) + Send + 'static) -> Running {
        let mut running = Running::begin(command, Stdio::piped(), false, token);
        let stderr = running.child.stderr.take().expect("a pipe");
        std::thread::spawn(move || hear(stderr));
        running
    }

    fn begin(mut command: Command, stderr: Stdio, tls: bool, token: &str) -> Running {
        let began = Instant::now();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap_or_else(
                |error| panic!("{command:?}: {error}; build it first: cargo build --release"),
            );
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
        let target = Target { port, tls: tls.then(client::trusting), token: token.to_owned() };
        Running { child, target, started_in }
    }

    /// The server on a data directory.
    pub fn scimd(data: &Path, tls: bool, token: &str) -> Running {
        Running::start(serve(data, tls), tls, token)
    }

    /// Bare hyper, which answers `/N` with N bytes.
    pub fn hello(tls: bool) -> Running {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--hello", if tls { "tls" } else { "plain" }]);
        Running::start(command, tls, "x")
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time used so far by all threads.
    pub fn cpu(&self) -> Duration {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return Duration::ZERO;
        };
        let nanos = threads.flatten().filter_map(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Pages of 4 KiB that it read from files so far, and wrote to them: what its own caches did not hold, and logs.
    pub fn pages(&self) -> [f64; 2] {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap_or_default();
        ["rchar: ", "wchar: "].map(|name| {
            let line = io.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
            line.parse::<f64>().unwrap_or(0.0) / 4096.0
        })
    }

    /// What it holds in memory.
    pub fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
            line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
        };
        Memory { anonymous: field("RssAnon:"), resident: field("VmRSS:") }
    }

    /// Ends the server as a supervisor does, and waits for it.
    pub fn stop(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if asked.is_ok_and(|status| status.success()) {
            let _ended = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A benchmark's data is thrown away; nothing is lost by a hard end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command that serves a data directory.
pub fn serve(data: &Path, tls: bool) -> Command {
    let mut command = Command::new(binary());
    command.args(["serve", "--listen", "127.0.0.1:0", "--tls", if tls { "self-signed" } else { "off" }]);
    command.arg("--data-dir").arg(data);
    command
}

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("SCIMD")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/scimd"), PathBuf::from)
}

/// Makes a token on a data directory.
pub fn token(data: &Path) -> String {
    let made = Command::new(binary())
        .args(["token", "create", "--name", "bench", "--data-dir"])
        .arg(data)
        .output()
        .expect("the binary runs");
    let token = String::from_utf8(made.stdout).expect("a token").trim().to_owned();
    assert!(!token.is_empty(), "{}", String::from_utf8_lossy(&made.stderr));
    token
}

/// Rows a second that SQLite alone commits with the same durability, `batch` rows a commit, for at most so long.
pub fn sqlite(directory: &Path, batch: u32, time: Duration) -> f64 {
    let file = directory.join(format!("ceiling-{batch}.db"));
    let sqlite = rusqlite::Connection::open(&file).expect("a database");
    sqlite
        .execute_batch(
            "pragma journal_mode=wal; pragma synchronous=full;
             create table if not exists t (n integer primary key, doc text)",
        )
        .expect("a table");
    let doc = "x".repeat(1200);
    let (began, mut rows) = (Instant::now(), 0);
    while began.elapsed() < time {
        sqlite.execute_batch("begin immediate").expect("a transaction");
        let mut insert = sqlite.prepare_cached("insert into t (doc) values (?)").expect("a statement");
        for _ in 0..batch {
            insert.execute([&doc]).expect("a row");
        }
        drop(insert);
        sqlite.execute_batch("commit").expect("a commit");
        rows += batch;
    }
    f64::from(rows) / began.elapsed().as_secs_f64()
}

/// Point reads a second that SQLite alone answers on one thread with a cached statement.
pub fn sqlite_reads(directory: &Path) -> f64 {
    let sqlite = rusqlite::Connection::open(directory.join("ceiling-64.db")).expect("a database");
    let rows: i64 = sqlite.query_row("select max(n) from t", [], |row| row.get(0)).expect("rows");
    let (began, mut read) = (Instant::now(), 0u32);
    while began.elapsed() < Duration::from_millis(500) {
        let mut select = sqlite.prepare_cached("select doc from t where n = ?").expect("a statement");
        let n = 1 + i64::from(read) * 7919 % rows;
        let doc: String = select.query_row([n], |row| row.get(0)).expect("a row");
        assert_eq!(doc.len(), 1200);
        read += 1;
    }
    f64::from(read) / began.elapsed().as_secs_f64()
}

/// Serves `/N` with N bytes by bare hyper, encrypted just as the server under test is. Never returns.
pub async fn hello(tls: bool) -> ! {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("listening on http://{}", listener.local_addr().expect("an address"));
    let directory = tempfile::tempdir().expect("a directory");
    let source = scimd::tls::Source::SelfSigned {
        directory: directory.path().to_owned(),
        names: vec!["localhost".to_owned()],
    };
    let certificate = scimd::tls::Certificate::load(source, scimd::base::Clock::system());
    let config = certificate.expect("a certificate").server_config();
    let acceptor = tls.then(|| tokio_rustls::TlsAcceptor::from(config));
    let bytes = hyper::body::Bytes::from(vec![b'x'; 1 << 20]);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).expect("a TCP option");
        let (bytes, acceptor) = (bytes.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => greet(stream, bytes).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        greet(stream, bytes).await;
                    }
                }
            }
        });
    }
}

async fn greet<S>(stream: S, bytes: hyper::body::Bytes)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let size = request.uri().path()[1..]
            .split('/')
            .next()
            .and_then(|size| size.parse().ok())
            .unwrap_or(1024)
            .min(bytes.len());
        let body = http_body_util::Full::new(bytes.slice(..size));
        async move { Ok::<_, std::convert::Infallible>(hyper::Response::new(body)) }
    });
    let io = hyper_util::rt::TokioIo::new(stream);
    // A client that goes away ends its own connection and nothing else.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
}

/// A library that lets every sync of the disk take so much longer, compiled here and now; `None` without a compiler.
pub fn slow_disk(directory: &Path) -> Option<PathBuf> {
    let library = directory.join("slow_disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/slow_disk.c");
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}

/// Lets a process's syncs take 5 ms longer.
pub fn slowed(mut command: Command, library: &Path) -> Command {
    command.env("LD_PRELOAD", library).env("SYNC_DELAY_US", "5000");
    command
}

/// Runs a closure's calls against a target with an `Arc`.
pub fn make(call: impl Fn(client::Turn) -> client::Call + Send + Sync + 'static) -> client::Make {
    Arc::new(call)
}

//! Starts and stops the real binary: a data directory of its own, a port of its own, its output kept.
//! Speaking to it is the job of `client`.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// How long a start or a stop may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a command wrote and how it ended.
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn well(self) -> Ran {
        assert!(self.status.success(), "the command failed: {self}");
        self
    }

    /// Fails the test unless the command was refused in plain words, without a panic.
    #[track_caller]
    pub fn refused(self) -> String {
        assert!(!self.status.success(), "the command should have failed: {self}");
        assert!(self.status.code().is_some(), "it ended by itself: {self}");
        assert!(!self.stderr.contains("panicked"), "no panic: {self}");
        assert!(!self.stderr.trim().is_empty(), "it says why: {self}");
        self.stderr
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nstdout: {}\nstderr: {}", self.status, self.stdout, self.stderr)
    }
}

/// The binary as a command, with none of the caller's `SCIMD_*` variables.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimd"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SCIMD_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command of the binary to its end.
pub fn scimd(args: &[&str]) -> Ran {
    finish(command().args(args))
}

/// Runs a prepared command to its end.
pub fn finish(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().expect("the binary starts");
    Ran {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a command with a text on its standard input.
pub fn scimd_with_input(args: &[&str], input: &str) -> Ran {
    let mut child = command()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("its input is a pipe").write_all(input.as_bytes()).expect("it reads its input");
    let output = child.wait_with_output().expect("it ends");
    Ran {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running `scimd serve`.
pub struct Server {
    child: Child,
    /// `https://127.0.0.1:PORT` or `http://…`.
    pub origin: String,
    data: Arc<Data>,
    /// What it has written so far.
    pub output: Arc<Mutex<String>>,
    client: Client,
}

/// A data directory that lives as long as a server or a test needs it.
pub struct Data {
    folder: tempfile::TempDir,
}

impl Data {
    pub fn new() -> Arc<Data> {
        Arc::new(Data { folder: tempfile::tempdir().expect("a temporary directory") })
    }

    /// The directory for `--data-dir`, which scimd makes itself.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn text(&self) -> String {
        self.dir().to_string_lossy().into_owned()
    }

    /// Runs a command on this data directory.
    pub fn run(&self, args: &[&str]) -> Ran {
        let dir = self.text();
        scimd(&[args, &["--data-dir", &dir]].concat())
    }

    /// Makes a token and returns its text.
    #[track_caller]
    pub fn token(&self, args: &[&str]) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let name = format!("token {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let named = args.contains(&"--name");
        let mut all = vec!["token", "create"];
        if !named {
            all.extend(["--name", &name]);
        }
        all.extend(args);
        let ran = self.run(&all).well();
        let token = ran.stdout.trim_end_matches('\n');
        assert!(
            !token.contains(char::is_whitespace) && token.starts_with("scimd_"),
            "the token alone: {ran}"
        );
        token.to_string()
    }

    /// The one SQLite file in the directory.
    pub fn database(&self) -> PathBuf {
        let mut found = files_in(&self.dir());
        found.retain(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0")));
        assert_eq!(found.len(), 1, "one SQLite file: {found:?}");
        found.remove(0)
    }
}

/// A body of the activity as it was before it was kept: a mark, its length, LZ4.
pub fn unpacked(kept: &[u8]) -> Vec<u8> {
    let (mark, packed) = kept.split_first_chunk::<5>().expect("a mark and a length");
    let length = u32::from_le_bytes([mark[1], mark[2], mark[3], mark[4]]);
    lz4_flex::block::decompress(packed, length as usize).expect("LZ4")
}

/// The plain files in a folder.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("its entries too").path())
        .filter(|path| path.is_file())
        .collect()
}

impl Server {
    /// A fresh server with TLS by a self-signed certificate.
    #[track_caller]
    pub fn start() -> Server {
        Server::with(Data::new(), &[])
    }

    /// A fresh server without TLS.
    #[track_caller]
    pub fn plain() -> Server {
        Server::with(Data::new(), &["--tls", "off"])
    }

    /// A server on a given data directory with further arguments.
    #[track_caller]
    pub fn with(data: Arc<Data>, args: &[&str]) -> Server {
        let mut command = command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        Server::spawn(data, command)
    }

    /// A server from a prepared command; `--data-dir` is added.
    #[track_caller]
    pub fn spawn(data: Arc<Data>, mut command: Command) -> Server {
        command.arg("--data-dir").arg(data.dir()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let output = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().expect("a pipe"), Arc::clone(&output));
        collect(child.stderr.take().expect("a pipe"), Arc::clone(&output));
        let began = Instant::now();
        let origin = loop {
            if let Some(origin) = listening_line(&output.lock().expect("no writer panicked")) {
                break origin;
            }
            if let Some(status) = child.try_wait().expect("its state is known") {
                std::thread::sleep(Duration::from_millis(100));
                panic!("scimd serve ended with {status}:\n{}", output.lock().expect("no writer panicked"));
            }
            if began.elapsed() > PATIENCE {
                kill(&child, Signal::KILL);
                panic!("scimd serve does not listen:\n{}", output.lock().expect("no writer panicked"));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let client = Client::new();
        Server { child, origin, data, output, client }
    }

    pub fn data(&self) -> &Arc<Data> {
        &self.data
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.origin.split("://").nth(1).expect("an origin has a scheme").to_string()
    }

    /// What it has written so far.
    pub fn said(&self) -> String {
        self.output.lock().expect("no writer panicked").clone()
    }

    /// Waits until it has written a text.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.said().contains(text) {
            assert!(began.elapsed() < PATIENCE, "`{text}` was not said:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A caller with a fresh compat token of the default team.
    #[track_caller]
    pub fn caller(&self) -> Caller<'_> {
        self.caller_with(&[])
    }

    /// A caller whose token is made with further arguments.
    #[track_caller]
    pub fn caller_with(&self, args: &[&str]) -> Caller<'_> {
        Caller { server: self, token: self.data.token(args), base: format!("{}/scim", self.origin) }
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.end(Signal::TERM)
    }

    /// Ends it as a power cut would.
    #[track_caller]
    pub fn kill_9(mut self) -> Arc<Data> {
        self.end(Signal::KILL);
        Arc::clone(&self.data)
    }

    #[track_caller]
    fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(&self.child, signal);
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state is known") {
                return status;
            }
            if began.elapsed() > PATIENCE {
                kill(&self.child, Signal::KILL);
                panic!("scimd does not stop within {PATIENCE:?}:\n{}", self.said());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        kill(&self.child, Signal::TERM);
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > Duration::from_secs(20) {
                kill(&self.child, Signal::KILL);
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Signals one process by its id.
pub fn kill(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a process id is not zero");
    // The process may have ended by itself meanwhile; it is not yet reaped, so the id is still its own.
    let _ = kill_process(pid, signal);
}

fn collect(pipe: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n') {
            let Ok(line) = line else { return };
            let mut text = into.lock().expect("no writer panicked");
            text.push_str(&String::from_utf8_lossy(&line));
            text.push('\n');
        }
    });
}

/// The address in the line `listening on https://127.0.0.1:PORT`.
fn listening_line(output: &str) -> Option<String> {
    let (_, rest) = output.split_once("listening on ")?;
    let (line, _) = rest.split_once('\n')?;
    let word = line.split_whitespace().next()?;
    let word = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    word.contains("://").then(|| word.to_string())
}

/// A provider: a server and a token.
pub struct Caller<'a> {
    pub server: &'a Server,
    pub token: String,
    /// `https://127.0.0.1:PORT/scim`.
    pub base: String,
}

impl Caller<'_> {
    /// One request below the Base URL.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send_with(method, path, &[], body)
    }

    /// One request with further headers; a header of the same name as a usual one takes its place.
    #[track_caller]
    pub fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/scim+json"));
        }
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
        all.extend(headers);
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.server.client.send(method, &format!("{}{path}", self.base), &all, bytes)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(body))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// A PATCH with the given operations.
    #[track_caller]
    pub fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.send("PATCH", path, Some(&body))
    }

    /// Creates a user and returns its id.
    #[track_caller]
    pub fn user(&self, name: &str) -> String {
        let body = json!({"schemas": [USER], "userName": name, "active": true});
        self.post("/Users", &body).is(201).id()
    }

    /// Creates a group with members and returns its id.
    #[track_caller]
    pub fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        self.post("/Groups", &json!({"schemas": [GROUP], "displayName": name, "members": members}))
            .is(201)
            .id()
    }

    /// The ids of a group's members, in order of id.
    #[track_caller]
    pub fn members(&self, group: &str) -> Vec<String> {
        let mut ids: Vec<String> = self.get(&format!("/Groups/{group}")).is(200).json()["members"]
            .as_array()
            .expect("a group shows its members")
            .iter()
            .map(|member| member["value"].as_str().expect("a member has a value").to_string())
            .collect();
        ids.sort();
        ids
    }
}

/// The core User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The message of a PATCH.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The enterprise extension.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Waits until something has become true.
#[track_caller]
pub fn until(is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 20, "it never was");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

//! The process: what it prints, what stops it from starting, settings and where they come from, its end, and the
//! command line beside it and without it.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::server::{Data, Server, USER, command, finish, kill, scimd_with_input};

#[test]
fn it_prints_what_a_new_user_needs_in_order() {
    let server = Server::start();
    let said = server.said();
    let data = server.data().text();
    let mut at = 0;
    for word in [data.as_str(), "/admin", "/scim", "token create", "listening on https://127.0.0.1:"] {
        let found = said[at..].find(word).unwrap_or_else(|| panic!("`{word}` after byte {at} in:\n{said}"));
        at += found;
    }
    assert!(said.lines().count() <= 15, "nothing noisy besides:\n{said}");
    let mode = std::fs::metadata(server.data().dir()).expect("it was made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    server.data().database();
}

#[test]
fn the_set_up_code_goes_with_the_first_administrator() {
    let server = Server::plain();
    let first = server.said();
    let data = Arc::clone(server.data());
    let args =
        ["admin", "create", "--email", "admin@example.com", "--password-stdin", "--data-dir", &data.text()];
    scimd_with_input(&args, "a long pass phrase for tests\n").well();
    scimd_with_input(&args, "a long pass phrase for tests\n").refused();
    assert!(server.stop().success());
    let second = Server::with(data, &["--tls", "off"]).said();
    let speaks_of_code = |text: &str| text.to_lowercase().contains("code");
    assert!(speaks_of_code(&first), "{first}");
    assert!(!speaks_of_code(&second), "{second}");
}

#[test]
fn a_second_serve_on_the_same_directory_is_refused() {
    let server = Server::start();
    let why = server.data().run(&["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(why.contains(&server.data().text()), "it names the directory: {why}");
    server.client().send("GET", &format!("{}/healthz", server.origin), &[], Vec::new()).is(200);
}

#[test]
fn what_stops_it_is_one_clear_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").to_string();
    let why = Data::new().run(&["serve", "--listen", &port]).refused();
    assert!(why.contains(&port), "it names the port: {why}");
    assert!(why.trim().lines().count() <= 2, "one sentence: {why}");

    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("it can be written");
    for dir in [file.as_path(), &file.join("below"), std::path::Path::new("/proc/scimd-data")] {
        let dir = dir.to_string_lossy().into_owned();
        let why = crate::server::scimd(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &dir]).refused();
        assert!(why.contains(&dir) && why.trim().lines().count() <= 2, "{why}");
    }

    let data = Data::new();
    let why = data.run(&["serve", "--listen", "nonsense"]).refused();
    assert!(why.contains("listen"), "{why}");
    let why = data.run(&["serve", "--tls", "files", "--listen", "127.0.0.1:0"]).refused();
    assert!(why.contains("tls-cert"), "{why}");
    data.run(&["serve", "--tls", "maybe"]).refused();
    data.run(&["serve", "--colour", "red"]).refused();
}

#[test]
fn a_broken_or_newer_file_is_left_alone() {
    let data = Data::new();
    data.token(&[]);
    let file = data.database();
    let good = std::fs::read(&file).expect("it can be read");

    let sqlite = rusqlite::Connection::open(&file).expect("it opens");
    sqlite.pragma_update(None, "user_version", 9999).expect("it can be changed");
    drop(sqlite);
    let why = data.run(&["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(why.contains("9999") || why.contains("newer"), "{why}");
    data.run(&["token", "list"]).refused();

    for broken in [
        b"this is no database, only text, and long enough to be read as a header of one".to_vec(),
        good[..good.len() / 2].to_vec(),
    ] {
        for beside in ["-wal", "-shm"] {
            let mut path = file.clone().into_os_string();
            path.push(beside);
            let _ = std::fs::remove_file(path);
        }
        std::fs::write(&file, &broken).expect("it can be written");
        data.run(&["check"]).refused();
        assert_eq!(
            std::fs::read(&file).expect("it can be read").len(),
            broken.len(),
            "nothing was written over it"
        );
    }
    std::fs::write(&file, b"this is no database, only text, and long enough to be read as a header of one")
        .expect("written");
    let why = data.run(&["serve", "--listen", "127.0.0.1:0"]).refused();
    assert!(why.trim().lines().count() <= 2, "{why}");
}

#[test]
fn a_flag_beats_the_environment_the_environment_the_file_the_file_the_default() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("scimd.toml");
    std::fs::write(
        &file,
        "listen = \"127.0.0.1:0\"\ntls = \"off\"\npublic-url = \"https://file.example.com\"\n",
    )
    .expect("written");
    let config = file.to_string_lossy().into_owned();
    let base = |environment: Option<&str>, flag: Option<&str>| {
        let mut command = command();
        command.args(["serve", "--config", &config]);
        if let Some(url) = environment {
            command.env("SCIMD_PUBLIC_URL", url);
        }
        if let Some(url) = flag {
            command.args(["--public-url", url]);
        }
        let server = Server::spawn(Data::new(), command);
        let caller = server.caller();
        caller
            .post("/Users", &json!({"schemas": [USER], "userName": "a"}))
            .is(201)
            .header("location")
            .to_string()
    };
    assert!(base(None, None).starts_with("https://file.example.com/scim/Users/"));
    assert!(
        base(Some("https://environment.example.com"), None).starts_with("https://environment.example.com/")
    );
    let flag = base(Some("https://environment.example.com"), Some("https://flag.example.com"));
    assert!(flag.starts_with("https://flag.example.com/"), "{flag}");
}

#[test]
fn an_unknown_key_or_a_bad_value_in_the_file_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("scimd.toml");
    let config = file.to_string_lossy().into_owned();
    for (text, word) in [
        ("lisen = \"127.0.0.1:0\"\n", "lisen"),
        ("listen = 5\n", "listen"),
        ("listen = \"nowhere\"\n", "listen"),
        ("[section]\nlisten = \"127.0.0.1:0\"\n", "section"),
        ("listen = \n", "scimd.toml"),
    ] {
        std::fs::write(&file, text).expect("written");
        let why = Data::new().run(&["serve", "--config", &config]).refused();
        assert!(why.contains(word), "`{word}` is named: {why}");
    }
    let missing = folder.path().join("none.toml").to_string_lossy().into_owned();
    assert!(Data::new().run(&["serve", "--config", &missing]).refused().contains("none.toml"));
}

#[test]
fn commands_work_beside_a_running_server_and_without_one() {
    let data = Data::new();
    let token = data.token(&["--name", "before"]);
    let server = Server::with(Arc::clone(&data), &["--tls", "off"]);
    let caller = crate::server::Caller { server: &server, token, base: format!("{}/scim", server.origin) };
    caller.get("/Users").is(200);
    let beside = server.caller_with(&["--name", "beside"]);
    beside.user("ada@example.com");
    data.run(&["check"]).well();
    data.run(&["team", "list"]).well();
    let list = data.run(&["token", "list"]).well().stdout;
    assert!(list.contains("before") && list.contains("beside"), "{list}");
    drop(server);
    data.run(&["token", "revoke", "before"]).well();
    data.run(&["check"]).well();
}

#[test]
fn commands_and_a_busy_server_do_not_disturb_each_other() {
    let server = Server::plain();
    let caller = server.caller();
    std::thread::scope(|scope| {
        for worker in 0..3 {
            let caller = &caller;
            scope.spawn(move || {
                for n in 0..60 {
                    let id = caller.user(&format!("w{worker}n{n}@example.com"));
                    caller.get(&format!("/Users/{id}")).is(200);
                }
            });
        }
        for n in 0..8 {
            let name = format!("beside {n}");
            let beside = server.caller_with(&["--name", &name]);
            beside.get("/Users?count=1").is(200);
            server.data().run(&["token", "revoke", &name]).well();
            beside.get("/Users?count=1").is(401);
        }
    });
    assert_eq!(caller.get("/Users?count=0").json()["totalResults"], 180);
}

#[test]
fn a_password_is_reset_and_a_weak_one_refused() {
    let data = Data::new();
    let dir = data.text();
    let create = |email: &str, password: &str| {
        scimd_with_input(
            &["admin", "create", "--email", email, "--password-stdin", "--data-dir", &dir],
            password,
        )
    };
    create("admin@example.com", "short\n").refused();
    create("no address", "a long pass phrase for tests\n").refused();
    create("admin@example.com", "a long pass phrase for tests\n").well();
    let reset = |email: &str, password: &str| {
        let args = ["admin", "reset-password", "--email", email, "--password-stdin", "--data-dir", &dir];
        scimd_with_input(&args, password)
    };
    reset("nobody@example.com", "another long pass phrase\n").refused();
    reset("admin@example.com", "short\n").refused();
    reset("admin@example.com", "another long pass phrase\n").well();
}

#[test]
fn help_and_version_are_there() {
    let help = crate::server::scimd(&["--help"]).well().stdout;
    for word in ["serve", "token", "team", "admin", "check"] {
        assert!(help.contains(word), "{help}");
    }
    let version = crate::server::scimd(&["--version"]).well().stdout;
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    crate::server::scimd(&["no-such-command"]).refused();
}

#[test]
fn it_stops_gracefully_on_both_signals() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let data = Data::new();
        let mut child = command()
            .args(["serve", "--listen", "127.0.0.1:0", "--tls", "off", "--data-dir", &data.text()])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(1500));
        kill(&child, signal);
        let began = std::time::Instant::now();
        let status = child.wait().expect("it ends");
        assert!(status.success(), "{signal:?}: {status}");
        assert!(began.elapsed() < Duration::from_secs(15), "{signal:?}: {:?}", began.elapsed());
    }
}

#[test]
fn no_answered_request_is_cut_by_a_stop() {
    let server = Server::plain();
    let caller = server.caller();
    let (url, bearer) = (format!("{}/Users", caller.base), format!("Bearer {}", caller.token));
    let data = Arc::clone(server.data());
    let answered = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (url, bearer) = (&url, &bearer);
                scope.spawn(move || {
                    let client = Client::new();
                    let mut answered = 0;
                    for n in 0..100_000 {
                        let body =
                            json!({"schemas": [USER], "userName": format!("w{worker}n{n}")}).to_string();
                        let headers =
                            [("authorization", bearer.as_str()), ("content-type", "application/json")];
                        match client.try_send("POST", url, &headers, body.into_bytes()) {
                            Ok(answer) if answer.status.as_u16() == 201 => answered += 1,
                            Ok(answer) => {
                                assert_eq!(answer.status.as_u16(), 503, "{}", answer.text());
                                return answered;
                            }
                            Err(_) => return answered,
                        }
                    }
                    answered
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(700));
        assert!(server.stop().success());
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum::<u64>()
    });
    let again = Server::with(data, &["--tls", "off"]);
    let total = again.caller().get("/Users?count=0").json()["totalResults"].as_u64().expect("a number");
    assert!(answered > 0 && total >= answered, "{answered} answered, {total} there");
}

#[test]
fn no_arguments_mean_serve() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut command = command();
    command.current_dir(folder.path()).env("SCIMD_LISTEN", "127.0.0.1:0").env("SCIMD_TLS", "off");
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let began = std::time::Instant::now();
    let mut made = false;
    while !made && began.elapsed() < crate::server::PATIENCE {
        made = folder.path().join("data").is_dir();
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    kill(&child, rustix::process::Signal::TERM);
    assert!(child.wait().expect("it ends").success());
    assert!(made, "./data was made");
}

#[test]
fn healthz_answers_without_a_token() {
    let server = Server::start();
    let answer = server.client().send("GET", &format!("{}/healthz", server.origin), &[], Vec::new()).is(200);
    assert!(!answer.text().is_empty());
    let head = server.client().send("HEAD", &format!("{}/healthz", server.origin), &[], Vec::new()).is(200);
    assert!(head.body.is_empty());
}

#[test]
fn a_command_ends_when_its_output_is_closed() {
    let data = Data::new();
    data.token(&[]);
    let mut child = command()
        .args(["token", "list", "--data-dir", &data.text()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    finish(command().args(["team", "list", "--data-dir", &data.text()])).well();
}

//! Plays the recorded dialogues of `tests/dialogues` against the real server, each in a team of its own.
//! `script` reads the files, `compare` holds an answer against what was expected. A new dialogue needs no Rust.

mod compare;
mod hostile;
mod named;
mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::server::Server;
use compare::{Variables, compare, fill, wildcard};
use script::{Expected, Script, Step};

/// Every dialogue file, in order.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut found = Vec::new();
    for folder in std::fs::read_dir(&root).expect("tests/dialogues can be read") {
        let folder = folder.expect("its entries too").path();
        if folder.is_dir() {
            for file in std::fs::read_dir(&folder).expect("a folder of dialogues can be read") {
                let file = file.expect("its entries too").path();
                if file.extension().is_some_and(|e| e == "txt") {
                    found.push(file);
                }
            }
        }
    }
    found.sort();
    found
}

/// The path below `tests/dialogues`.
fn short(file: &Path) -> String {
    let parts: Vec<_> = file.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    format!("{}/{}", parts[1], parts[0])
}

fn read(file: &Path) -> Script {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    script::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", short(file)))
}

/// Makes a new team; answers its name.
fn new_team(server: &Server) -> String {
    static TEAM: AtomicU64 = AtomicU64::new(1);
    let team = format!("dialogue {}", TEAM.fetch_add(1, Ordering::Relaxed));
    server.data().run(&["team", "create", &team]).well();
    team
}

/// What a dialogue knows when it begins.
fn variables(server: &Server, script: &Script, token: String) -> Variables {
    Variables::from([
        ("token".to_string(), token),
        ("origin".to_string(), server.origin.clone()),
        ("base".to_string(), format!("{}{}", server.origin, script.base)),
    ])
}

/// Plays one dialogue in a new team. The error names the step and all that differs.
fn play(server: &Server, script: &Script) -> Result<(), String> {
    let team = new_team(server);
    let mut args = vec!["--team", team.as_str()];
    if script.strict {
        args.push("--strict");
    }
    let mut variables = variables(server, script, server.data().token(&args));
    for step in &script.steps {
        one_step(server, script, step, &mut variables)
            .map_err(|fault| format!("line {}, {}:\n{fault}", step.line, step.title))?;
    }
    Ok(())
}

/// Plays one step; answers the request's id.
fn one_step(
    server: &Server,
    script: &Script,
    step: &Step,
    variables: &mut Variables,
) -> Result<String, String> {
    let target = fill(&step.target, variables)?;
    let url = match target.strip_prefix('@') {
        Some(path) => format!("{}{path}", server.origin),
        None => format!("{}{}{target}", server.origin, script.base),
    };
    let mut headers = BTreeMap::new();
    headers.insert("authorization".to_string(), format!("Bearer {}", variables["token"]));
    let body = match &step.body {
        Some(body) => {
            headers.insert("content-type".to_string(), "application/scim+json".to_string());
            fill(body, variables)?
        }
        None => String::new(),
    };
    for (name, value) in &step.headers {
        match value.as_str() {
            "-" => headers.remove(name),
            value => headers.insert(name.clone(), fill(value, variables)?),
        };
    }
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = server.client().try_send(&step.method, &url, &headers, body.into_bytes())?;
    let mut faults = Vec::new();
    if answer.status.as_u16() != step.status {
        faults.push(format!("status {} instead of {}", answer.status.as_u16(), step.status));
    }
    for (name, pattern) in &step.answer_headers {
        let found = answer.header(name);
        let pattern = fill(pattern, variables)?;
        let good = if pattern == "-" { found.is_empty() } else { wildcard(&pattern, found) };
        if !good {
            faults.push(format!("header {name} is `{found}` instead of `{pattern}`"));
        }
    }
    match &step.expected {
        Expected::Anything => {}
        Expected::Empty if answer.body.is_empty() => {}
        Expected::Empty => faults.push("a body where none belongs".to_string()),
        Expected::Json(expected) => match serde_json::from_slice::<Value>(&answer.body) {
            Ok(found) => compare("", expected, &found, variables, &mut faults),
            Err(e) => faults.push(format!("the body is no JSON: {e}")),
        },
    }
    if faults.is_empty() {
        return Ok(answer.header("x-request-id").to_owned());
    }
    Err(format!(
        "  {} {target}\n  - {}\n  answer: {} {}",
        step.method,
        faults.join("\n  - "),
        answer.status,
        answer.text()
    ))
}

/// Plays all dialogues on one server and tells every one that fails.
fn play_all(server: &Server) {
    let files = files();
    assert!(!files.is_empty(), "there are dialogues");
    let mut failed = Vec::new();
    for file in &files {
        let script = read(file);
        if let Err(fault) = play(server, &script) {
            failed.push(format!("tests/dialogues/{}: {fault}", short(file)));
        }
    }
    println!("{} dialogues played over {}, {} failed", files.len(), server.origin, failed.len());
    assert!(
        failed.is_empty(),
        "{} of {} dialogues failed\n\n{}\n",
        failed.len(),
        files.len(),
        failed.join("\n\n")
    );
}

#[test]
fn every_dialogue_over_https() {
    play_all(&Server::start());
}

#[test]
fn every_dialogue_over_http() {
    play_all(&Server::plain());
}

#[test]
fn every_dialogue_can_be_read() {
    let files = files();
    let steps: usize = files.iter().map(|file| read(file).steps.len()).sum();
    println!("{} dialogues, {steps} requests", files.len());
    assert!(steps > files.len());
}

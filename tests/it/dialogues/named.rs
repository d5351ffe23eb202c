//! Each dialogue of `leniencies/` rests on the leniency it is named after, and on no other: the activity of a compat token
//! says which requests used it, and a strict token in their place gets another answer in exactly those.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::script::Script;
use super::{files, new_team, one_step, read, short, variables};
use crate::server::{Data, Server};

/// The leniencies that each request used, by request id, once all of these are told.
fn told(data: &Data, requests: &[String]) -> BTreeMap<String, Vec<String>> {
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let began = Instant::now();
    loop {
        let mut statement = sqlite.prepare("select request, leniencies from activity").expect("the table");
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))
            .expect("the rows");
        let names = |list: Option<String>| -> Vec<String> {
            list.map_or(Vec::new(), |list| serde_json::from_str(&list).expect("a list of names"))
        };
        let found: BTreeMap<_, _> =
            rows.map(|row| row.expect("a row")).map(|(id, list)| (id, names(list))).collect();
        if requests.iter().all(|id| found.contains_key(id)) {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "every request is told in the activity");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The request ids of a dialogue, played as it stands.
fn played(server: &Server, script: &Script, token: String) -> Vec<String> {
    let mut variables = variables(server, script, token);
    let steps = script.steps.iter();
    steps.map(|step| one_step(server, script, step, &mut variables).expect("a dialogue succeeds")).collect()
}

/// Plays a dialogue with a strict token wherever its answer must be the same, and tries it where it must differ.
fn differs_where(server: &Server, script: &Script, marked: &[bool]) -> Result<(), String> {
    let team = new_team(server);
    let token = |kind: &[&str]| {
        let args = [&["--team", team.as_str(), "--source", "one provider"], kind].concat();
        server.data().token(&args)
    };
    let (compat, strict) = (token(&[]), token(&["--strict"]));
    let mut known = variables(server, script, compat.clone());
    for (step, marked) in script.steps.iter().zip(marked) {
        known.insert("token".to_string(), strict.clone());
        let answer = one_step(server, script, step, &mut known);
        match (marked, answer) {
            (false, answer) => {
                drop(answer.map_err(|fault| format!("{}: not only this leniency: {fault}", step.title))?)
            }
            (true, Ok(_)) => return Err(format!("{}: succeeds with a strict token", step.title)),
            // What a strict token is given instead has changed the directory; the rest would play on other ground.
            (true, Err(fault)) if !fault.contains("answer: 4") => return Ok(()),
            (true, Err(_)) => {
                known.insert("token".to_string(), compat.clone());
                one_step(server, script, step, &mut known)?;
            }
        }
    }
    Ok(())
}

#[test]
fn each_dialogue_of_a_leniency_rests_on_that_one_alone() {
    let server = Server::plain();
    let dialogues: Vec<_> = files()
        .iter()
        .filter(|file| short(file).starts_with("leniencies/"))
        .map(|file| {
            let script = read(file);
            let token = server.data().token(&["--team", &new_team(&server)]);
            let requests = played(&server, &script, token);
            (short(file).replace("leniencies/", "").replace(".txt", ""), script, requests)
        })
        .collect();
    assert!(!dialogues.is_empty());
    let all: Vec<String> = dialogues.iter().flat_map(|(_, _, requests)| requests.clone()).collect();
    let told = told(server.data(), &all);
    let mut faults = Vec::new();
    for (name, script, requests) in &dialogues {
        let used: Vec<&Vec<String>> = requests.iter().map(|id| &told[id]).collect();
        if let Some(other) = used.iter().copied().flatten().find(|used| *used != name) {
            faults.push(format!("{name}: also uses {other}"));
        }
        let marked: Vec<bool> = used.iter().map(|used| used.contains(name)).collect();
        if !marked.contains(&true) {
            faults.push(format!("{name}: no request uses it"));
        }
        if let Err(fault) = differs_where(&server, script, &marked) {
            faults.push(format!("{name}: {fault}"));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

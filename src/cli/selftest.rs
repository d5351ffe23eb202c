//! `scimd selftest`: plays what an identity provider really sends against a SCIM server, line by line, and prints a sheet.
//! The sequences are in `plays`.

mod plays;

use std::collections::HashMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::table::printable;
use super::{Desk, Done};
use crate::http::client::{Answer, Client, Trust};
use crate::serve::Failure;
use crate::service::{Expiry, NewToken};
use plays::{Play, Step};

const PATIENCE: Duration = Duration::from_secs(30);
const LIFE: Duration = Duration::from_secs(60 * 60);
/// How much of a body a failing line shows.
const SHOWN: usize = 2000;

#[derive(Args, Debug)]
pub(super) struct Selftest {
    /// The Base URL of the SCIM server
    #[arg(long, value_name = "BASE", default_value = "https://localhost:8443/scim")]
    url: String,
    /// The token to use; without one a team and a token are made here for the test and removed after it
    #[arg(long, value_name = "TOKEN", env = "SCIMD_SELFTEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Whose requests to play
    #[arg(long = "as", value_enum, default_value = "all")]
    provider: Provider,
    /// Take any certificate: for a server of your own with a self-signed one
    #[arg(long)]
    insecure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Provider {
    Jumpcloud,
    Okta,
    Entra,
    Onelogin,
    All,
}

impl Selftest {
    /// Whether it runs on a server of another directory, or of none.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.token.is_some()
    }
}

/// Plays with a team and a token of this directory, which are removed again whatever happens.
pub(super) async fn at_home(desk: &Desk, selftest: Selftest) -> Result<Done, Failure> {
    let mark = desk.service.ids().request().replacen("req_", "", 1);
    let team = desk.service.create_team(&desk.actor, &format!("Self-test {mark}")).await?;
    let new = NewToken {
        name: "Self-test".into(),
        source: None,
        expires: Expiry::In(LIFE),
        read_only: false,
        strict: false,
        region: None,
        user: None,
    };
    let played = match desk.service.create_token(&desk.actor, team.id, new).await {
        Ok((_, token)) => play(&selftest, &token).await,
        Err(error) => Err(error.into()),
    };
    desk.service.remove_team(&desk.actor, team.id).await?;
    played
}

/// Plays with the given token.
pub(super) async fn elsewhere(selftest: Selftest) -> Result<Done, Failure> {
    let token = selftest.token.clone().unwrap_or_default();
    play(&selftest, &token).await
}

async fn play(selftest: &Selftest, token: &str) -> Result<Done, Failure> {
    let trust = if selftest.insecure { Trust::Anybody } else { Trust::System };
    let client = Client::new(trust, PATIENCE).map_err(|error| Failure::plain(error.to_string()))?;
    let base = selftest.url.trim_end_matches('/').to_owned();
    let chosen =
        plays::ALL.iter().filter(|(provider, _)| [*provider, Provider::All].contains(&selftest.provider));
    let mut sheet = Sheet::default();
    for (_, play) in chosen {
        let mut run = Run { client: &client, base: &base, token, known: HashMap::new(), sheet: &mut sheet };
        run.play(play).await?;
    }
    let good = sheet.failed == 0;
    let end = match good {
        true => format!("all {} lines passed\n", sheet.passed),
        false => format!("{} lines passed, {} failed\n", sheet.passed, sheet.failed),
    };
    Ok(Done { text: sheet.text + &end, good })
}

/// What is printed.
#[derive(Default)]
struct Sheet {
    text: String,
    passed: usize,
    failed: usize,
}

/// One play on its way.
struct Run<'a> {
    client: &'a Client,
    base: &'a str,
    token: &'a str,
    /// What was saved, and the mark that makes names new each time.
    known: HashMap<String, String>,
    sheet: &'a mut Sheet,
}

impl Run<'_> {
    async fn play(&mut self, play: &Play) -> Result<(), Failure> {
        let mark = crate::base::Ids::random().request();
        self.known.insert("mark".into(), mark[mark.len().saturating_sub(12)..].to_lowercase());
        self.sheet.text.push_str(&format!("{}\n", play.title));
        for step in play.steps {
            self.step(play, step).await?;
        }
        self.clean_up(play).await
    }

    async fn step(&mut self, play: &Play, step: &Step) -> Result<(), Failure> {
        let target = self.filled(step.target);
        let body = self.filled(step.body);
        if target.contains("{{") || body.contains("{{") {
            self.sheet.failed += 1;
            self.sheet.text.push_str(&format!("  failed  {}: an earlier line gave no id\n", step.title));
            return Ok(());
        }
        let answer = self.ask(play, step.method, &target, &body).await?;
        let fault = self.fault(step, &answer);
        match fault {
            None => {
                self.sheet.passed += 1;
                self.sheet.text.push_str(&format!("  passed  {}\n", step.title));
            }
            Some(fault) => {
                self.sheet.failed += 1;
                let mut told = format!("  failed  {}: {fault}\n", step.title);
                told.push_str(&format!("          {} {}{target}\n", step.method, self.base));
                for (sign, text) in [(">", body.as_str()), ("<", &String::from_utf8_lossy(&answer.body))] {
                    if !text.is_empty() {
                        told.push_str(&format!("        {sign} {}\n", printable(&clipped(text))));
                    }
                }
                // Whatever the server sends back, the token is not printed.
                self.sheet.text.push_str(&told.replace(self.token, "(token)"));
            }
        }
        Ok(())
    }

    async fn ask(&self, play: &Play, method: &str, target: &str, body: &str) -> Result<Answer, Failure> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("accept", "application/scim+json"),
            ("user-agent", play.user_agent),
        ];
        if !body.is_empty() {
            headers.push(("content-type", "application/scim+json; charset=utf-8"));
        }
        let url = format!("{}{target}", self.base);
        self.client
            .send(method, &url, &headers, body.as_bytes().to_vec())
            .await
            .map_err(|error| Failure::plain(format!("{method} {url}: {error}")))
    }

    /// What is wrong with an answer; remembers the id that the step asks to keep.
    fn fault(&mut self, step: &Step, answer: &Answer) -> Option<String> {
        if !step.status.contains(&answer.status) {
            let wanted: Vec<String> = step.status.iter().map(u16::to_string).collect();
            return Some(format!("the status is {}, not {}", answer.status, wanted.join(" or ")));
        }
        if step.checks.is_empty() && step.save.is_empty() {
            return None;
        }
        if answer.status == 204 && step.status.contains(&204) {
            return None;
        }
        let media = answer.header("content-type");
        if !media.starts_with("application/scim+json") && !media.starts_with("application/json") {
            return Some(format!("the content type is \"{media}\", not application/scim+json"));
        }
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            return Some("the body is not JSON".to_owned());
        };
        if !step.save.is_empty() {
            match body.get("id").and_then(Value::as_str) {
                Some(id) => self.known.insert(step.save.to_owned(), id.to_owned()),
                None => return Some("the answer has no id as text".to_owned()),
            };
        }
        step.checks.iter().find_map(|(pointer, wanted)| {
            let wanted: Value = serde_json::from_str(&self.filled(wanted)).unwrap_or(Value::Null);
            let there = body.pointer(pointer).cloned().unwrap_or(Value::Null);
            (there != wanted).then(|| format!("{pointer} is {there}, not {wanted}"))
        })
    }

    /// Takes away what a failing line left behind.
    async fn clean_up(&mut self, play: &Play) -> Result<(), Failure> {
        for (name, kind) in [("group", "Groups"), ("user", "Users"), ("other", "Users")] {
            if let Some(id) = self.known.remove(name) {
                // Most are gone by now, by the play itself.
                self.ask(play, "DELETE", &format!("/{kind}/{id}"), "").await?;
            }
        }
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.known {
            filled = filled.replace(&format!("{{{{{name}}}}}"), value);
        }
        filled
    }
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        text.to_owned()
    } else {
        text.chars().take(SHOWN).chain(['…']).collect()
    }
}

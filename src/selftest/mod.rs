//! The self-test: plays what an identity provider really sends against a SCIM server, line by line, and tells of each line
//! whether it passed. The sequences are in `plays`; for whom they are played, and with which token, others decide.

mod plays;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::http::client::{Answer, Client, NoAnswer, Trust};
use plays::{Play, Step};

const PATIENCE: Duration = Duration::from_secs(30);
/// How much of a body a failing line shows.
const SHOWN: usize = 2000;

/// Whose requests are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Jumpcloud,
    Okta,
    Entra,
    Onelogin,
    All,
}

impl Which {
    /// The choice of that key.
    pub fn from_key(key: &str) -> Option<Which> {
        Some(match key {
            "jumpcloud" => Which::Jumpcloud,
            "okta" => Which::Okta,
            "entra" => Which::Entra,
            "onelogin" => Which::Onelogin,
            "all" => Which::All,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Which::All => "All providers",
            Which::Jumpcloud => "JumpCloud",
            Which::Okta => "Okta",
            Which::Entra => "Entra ID",
            Which::Onelogin => "OneLogin",
        }
    }

    /// How many lines its sheet has.
    pub fn lines(self) -> usize {
        plays::ALL.iter().filter(|(which, _)| self.includes(*which)).map(|(_, play)| play.steps.len()).sum()
    }

    fn includes(self, other: Which) -> bool {
        self == Which::All || self == other
    }
}

/// A line of the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose sequence it belongs to.
    pub play: &'static str,
    pub title: &'static str,
    pub failure: Option<Failure>,
}

/// Why a line failed, with the request and its answer where there were any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub fault: String,
    pub request: String,
    pub sent: String,
    pub answered: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(failure) = &self.failure else { return writeln!(f, "  passed  {}", self.title) };
        writeln!(f, "  failed  {}: {}", self.title, failure.fault)?;
        if !failure.request.is_empty() {
            writeln!(f, "          {}", failure.request)?;
        }
        for (sign, text) in [(">", &failure.sent), ("<", &failure.answered)] {
            if !text.is_empty() {
                writeln!(f, "        {sign} {text}")?;
            }
        }
        Ok(())
    }
}

/// What is told of a whole sheet at its end.
pub fn summary(passed: usize, failed: usize) -> String {
    match failed {
        0 => format!("all {passed} lines passed"),
        _ => format!("{passed} lines passed, {failed} failed"),
    }
}

/// A server to be tested, and the token to do it with.
pub struct Subject {
    client: Client,
    base: String,
    token: String,
}

impl Subject {
    /// A server by its Base URL.
    pub fn new(base: &str, token: &str, trust: Trust) -> Result<Subject, NoAnswer> {
        let client = Client::new(trust, PATIENCE)?;
        Ok(Subject { client, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// Plays, and tells each line as soon as it is known. Whatever was made is deleted again, also when `stop` turns true
    /// meanwhile; answers whether it was played to its end.
    pub async fn play(
        &self,
        which: Which,
        stop: &watch::Receiver<bool>,
        each: &mut (dyn FnMut(Line) + Send),
    ) -> Result<bool, NoAnswer> {
        for (_, play) in plays::ALL.iter().filter(|(other, _)| which.includes(*other)) {
            let mut run = Run { subject: self, known: HashMap::new() };
            let played = run.play(play, stop, each).await;
            let cleaned = run.clean_up(play).await;
            played?;
            cleaned?;
            if *stop.borrow() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn ask(&self, play: &Play, method: &str, target: &str, body: &str) -> Result<Answer, NoAnswer> {
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
            .map_err(|error| error.at(&format!("{method} {url}")))
    }

    /// A text without the token: a server may send it back.
    fn without_token(&self, text: &str) -> String {
        if self.token.is_empty() { text.to_owned() } else { text.replace(&self.token, "(token)") }
    }
}

/// One play on its way.
struct Run<'a> {
    subject: &'a Subject,
    /// What was saved, and the mark that makes names new each time.
    known: HashMap<String, String>,
}

impl Run<'_> {
    async fn play(
        &mut self,
        play: &Play,
        stop: &watch::Receiver<bool>,
        each: &mut (dyn FnMut(Line) + Send),
    ) -> Result<(), NoAnswer> {
        let mark = crate::base::Ids::random().request();
        self.known.insert("mark".into(), mark[mark.len().saturating_sub(12)..].to_lowercase());
        for step in play.steps {
            if *stop.borrow() {
                break;
            }
            each(self.step(play, step).await?);
        }
        Ok(())
    }

    async fn step(&mut self, play: &Play, step: &Step) -> Result<Line, NoAnswer> {
        let line = |failure| Line { play: play.title, title: step.title, failure };
        let (target, body) = (self.filled(step.target), self.filled(step.body));
        if target.contains("{{") || body.contains("{{") {
            return Ok(line(Some(Failure {
                fault: "an earlier line gave no id".into(),
                request: String::new(),
                sent: String::new(),
                answered: String::new(),
            })));
        }
        let answer = self.subject.ask(play, step.method, &target, &body).await?;
        let fault = self.fault(step, &answer);
        Ok(line(fault.map(|fault| Failure {
            fault: self.subject.without_token(&fault),
            request: format!("{} {}{target}", step.method, self.subject.base),
            sent: self.subject.without_token(&clipped(&body)),
            answered: self.subject.without_token(&clipped(&String::from_utf8_lossy(&answer.body))),
        })))
    }

    /// What is wrong with an answer; remembers the id that the step asks to keep.
    fn fault(&mut self, step: &Step, answer: &Answer) -> Option<String> {
        // Kept first: what a line with the wrong status made is taken away too.
        let body = serde_json::from_slice::<Value>(&answer.body).ok();
        let id = body.as_ref().and_then(|body| body.get("id")).and_then(Value::as_str);
        if let Some(id) = id.filter(|_| !step.save.is_empty() && answer.status < 300) {
            self.known.insert(step.save.to_owned(), id.to_owned());
        }
        if !step.status.contains(&answer.status) {
            let wanted: Vec<String> = step.status.iter().map(u16::to_string).collect();
            return Some(format!("the status is {}, not {}", answer.status, wanted.join(" or ")));
        }
        if step.checks.is_empty() && step.save.is_empty() || answer.status == 204 {
            return None;
        }
        let media = answer.header("content-type");
        if !media.starts_with("application/scim+json") && !media.starts_with("application/json") {
            return Some(format!("the content type is \"{media}\", not application/scim+json"));
        }
        let Some(body) = &body else { return Some("the body is not JSON".to_owned()) };
        if !step.save.is_empty() && id.is_none() {
            return Some("the answer has no id as text".to_owned());
        }
        step.checks.iter().find_map(|(pointer, wanted)| {
            let wanted: Value = serde_json::from_str(&self.filled(wanted)).unwrap_or(Value::Null);
            let there = body.pointer(pointer).cloned().unwrap_or(Value::Null);
            (there != wanted).then(|| format!("{pointer} is {there}, not {wanted}"))
        })
    }

    /// Takes away what a play left behind; most is gone by now, by the play itself.
    async fn clean_up(&mut self, play: &Play) -> Result<(), NoAnswer> {
        for (name, kind) in [("group", "Groups"), ("user", "Users"), ("other", "Users")] {
            if let Some(id) = self.known.remove(name) {
                self.subject.ask(play, "DELETE", &format!("/{kind}/{id}"), "").await?;
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
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_is_found_by_its_key_and_has_lines() {
        let mut lines = 0;
        for key in ["jumpcloud", "okta", "entra", "onelogin"] {
            let which = Which::from_key(key).expect("known");
            assert!(which.lines() > 5, "{key}");
            lines += which.lines();
        }
        assert_eq!(Which::from_key("all").expect("known").lines(), lines);
        assert_eq!(Which::from_key("nobody"), None);
    }

    #[test]
    fn a_failing_line_shows_request_and_answer() {
        let failure = Failure {
            fault: "the status is 400, not 201".into(),
            request: "POST https://scim.example.com/scim/Users".into(),
            sent: "{\"userName\":\"x\"}".into(),
            answered: String::new(),
        };
        let line = Line { play: "Okta", title: "create", failure: Some(failure) };
        assert_eq!(
            line.to_string(),
            "  failed  create: the status is 400, not 201\n          POST https://scim.example.com/scim/Users\n        \
             > {\"userName\":\"x\"}\n"
        );
        assert_eq!(Line { failure: None, ..line }.to_string(), "  passed  create\n");
    }
}

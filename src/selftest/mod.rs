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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// meanwhile or the server falls silent; answers whether it was played to its end.
    pub async fn play(
        &self,
        which: Which,
        stop: &watch::Receiver<bool>,
        each: &mut (dyn FnMut(Line) + Send),
    ) -> Result<bool, NoAnswer> {
        let mut silence = Silence::default();
        for (_, play) in plays::ALL.iter().filter(|(other, _)| which.includes(*other)) {
            let mut run = Run { subject: self, known: HashMap::new() };
            let played = run.play(play, stop, &mut silence, each).await;
            if let Some(left) = run.clean_up(play).await {
                each(left);
            }
            played?;
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

/// Requests that got no answer. One alone is a failing line; a server that never answered, or is silent twice in a row, is
/// not there, and the rest would only wait for it.
#[derive(Default)]
struct Silence {
    answered: bool,
    in_a_row: u32,
}

impl Silence {
    fn heard(&mut self, answer: Result<Answer, NoAnswer>) -> Result<Result<Answer, NoAnswer>, NoAnswer> {
        match answer {
            Ok(answer) => {
                *self = Silence { answered: true, in_a_row: 0 };
                Ok(Ok(answer))
            }
            Err(error) if self.answered && self.in_a_row == 0 => {
                self.in_a_row = 1;
                Ok(Err(error))
            }
            Err(error) => Err(error),
        }
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
        silence: &mut Silence,
        each: &mut (dyn FnMut(Line) + Send),
    ) -> Result<(), NoAnswer> {
        let mark = crate::base::Ids::random(crate::base::Clock::system()).request();
        self.known.insert("mark".into(), mark[mark.len().saturating_sub(12)..].to_lowercase());
        for step in play.steps {
            if *stop.borrow() {
                break;
            }
            each(self.step(play, step, silence).await?);
        }
        Ok(())
    }

    async fn step(&mut self, play: &Play, step: &Step, silence: &mut Silence) -> Result<Line, NoAnswer> {
        let line = |failure| Line { play: play.title, title: step.title, failure };
        let (target, body) = (self.filled(step.target), self.filled(step.body));
        let open = |text: &str| text.contains("{{");
        if open(&target) || open(&body) || step.checks.iter().any(|(_, wanted)| open(&self.filled(wanted))) {
            let fault = "an earlier line gave no id".into();
            return Ok(line(Some(Failure { fault, ..Failure::default() })));
        }
        let answer = self.subject.ask(play, step.method, &target, &body).await;
        let answer = silence.heard(answer)?;
        let fault = match &answer {
            Ok(answer) => self.fault(step, answer),
            Err(error) => Some(format!("no answer: {error}")),
        };
        let answered =
            answer.map_or(String::new(), |answer| String::from_utf8_lossy(&answer.body).into_owned());
        Ok(line(fault.map(|fault| Failure {
            fault: self.subject.without_token(&fault),
            request: format!("{} {}{target}", step.method, self.subject.base),
            sent: self.subject.without_token(&clipped(&body)),
            answered: self.subject.without_token(&clipped(&answered)),
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
        if !step.save.is_empty() && id.is_none() && answer.status < 300 {
            return Some("the answer has no id as text".to_owned());
        }
        step.checks.iter().find_map(|(pointer, wanted)| {
            let wanted: Value = serde_json::from_str(&self.filled(wanted)).unwrap_or(Value::Null);
            let there = body.pointer(pointer).cloned().unwrap_or(Value::Null);
            (there != wanted).then(|| format!("{pointer} is {there}, not {wanted}"))
        })
    }

    /// Takes away what a play left behind; most is gone by now, by the play itself. What the server keeps is a line of its own.
    async fn clean_up(&mut self, play: &Play) -> Option<Line> {
        let mut kept = Vec::new();
        for (name, kind) in [("group", "Groups"), ("user", "Users"), ("second", "Users"), ("other", "Users")]
        {
            let Some(id) = self.known.remove(name) else { continue };
            let target = format!("/{kind}/{id}");
            match self.subject.ask(play, "DELETE", &target, "").await {
                Ok(answer) if answer.status < 300 || answer.status == 404 => {}
                Ok(answer) => kept.push(format!("{target} (DELETE is answered {})", answer.status)),
                Err(_) => kept.push(format!("{target} (DELETE is not answered)")),
            }
        }
        let fault = format!("the server keeps {}; take it away there", kept.join(" and "));
        let failure = Some(Failure { fault, ..Failure::default() });
        (!kept.is_empty()).then_some(Line { play: play.title, title: "take away what was made", failure })
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

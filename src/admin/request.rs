//! One request: what happened, why, what to do, and the bodies as they were sent.

use askama::Template;

use super::activity::{changes, said, sentence_of};
use super::code;
use super::curl::Curl;
use super::error::Fault;
use super::history::sender;
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Code, Diff, Explain, Explained, Fact, Facts, Icon, Link, When, clipped};
use super::said::Said;
use super::trace::{Trace, trace};
use super::when::duration;
use crate::base::secret::masked;
use crate::http::Response;
use crate::service::{Cause, redact};
use crate::store::{Activity, ActivityBody, ActivityRow, Token, gathered_line};

/// An open line of the log.
#[derive(Template, Clone, Debug)]
#[template(path = "parts/request_detail.html")]
pub struct Detail {
    explain: Explain,
    id: String,
    address: String,
    token: String,
    href: String,
    request: Code,
    response: Code,
    curl: Curl,
    diff: Diff,
    /// "Event 17", of a change that made one.
    events: String,
    /// "3 requests in 10 min", when the line stands for several.
    pub attempts: String,
    /// The log with each of them on a line of its own.
    pub each: String,
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    shell: Shell,
    id: String,
    heading: Said,
    chip: Chip,
    at: When,
    ago: When,
    address: String,
    explain: Explain,
    request: Code,
    response: Code,
    curl: Curl,
    diff: Diff,
    trace: Option<Trace>,
    facts: Facts,
    /// Who sent it.
    from: String,
    /// The requests before and after it.
    older: Option<Link>,
    newer: Option<Link>,
    copy: Icon,
}

/// The page of one request.
pub fn request(mut page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    let service = &page.visit.desk.service;
    let (row, body) = service.request(page.team.id, id)?.ok_or(Fault::NotFound)?;
    let tokens = service.tokens(page.team.id)?;
    let (older, newer) = service.requests_beside(page.team.id, (row.activity.at, row.n))?;
    let zone = page.visit.zone.clone();
    let activity = &row.activity;
    let host = page.visit.request.headers.get("host").unwrap_or("localhost").to_owned();
    let base = page.base();
    let good = activity.status < 400;
    let mut explain = explain(&row, &body, &tokens);
    explain.parts.extend(among(&body, id));
    let template = RequestPage {
        shell: page.shell(&clipped(&activity.sentence, 80), Here::Activity),
        id: activity.request.clone(),
        heading: said(&base, &row),
        chip: Chip::new(if good { "ok" } else { "bad" }, status_line(activity.status)),
        at: zone.full(activity.at),
        ago: zone.ago(activity.at),
        address: activity.address.clone(),
        explain,
        request: request_code("rq", &host, &row, &body, &tokens),
        response: response_code("rs", &row, &body),
        curl: Curl::of(&origin(&page), &row, &body, &tokens),
        diff: Diff { changes: changes(&row) },
        // A row that tells of many requests, or of what no request did, has no steps.
        trace: (!activity.method.is_empty()).then(|| trace(&row, token_of(&row, &tokens))),
        from: from(&row, &tokens),
        older: older.map(|row| beside(&base, &row)),
        newer: newer.map(|row| beside(&base, &row)),
        copy: Icon { name: "copy" },
        facts: facts(&base, &row, &tokens),
    };
    html(200, &template)
}

/// What an open line of the log shows.
pub fn detail(page: &Page<'_, '_>, row: ActivityRow, tokens: &[Token]) -> Result<Detail, Fault> {
    let id = row.activity.request.clone();
    let body = page.visit.desk.service.bodies(&row)?;
    let host = page.visit.request.headers.get("host").unwrap_or("localhost").to_owned();
    Ok(Detail {
        explain: explain(&row, &body, tokens),
        address: row.activity.address.clone(),
        token: token_of(&row, tokens).map(|token| token.name.clone()).unwrap_or_default(),
        href: format!("{}activity/{id}", page.base()),
        request: request_code("rq", &host, &row, &body, tokens),
        response: response_code("rs", &row, &body),
        curl: Curl::of(&origin(page), &row, &body, tokens),
        diff: Diff { changes: changes(&row) },
        events: match row.activity.events {
            Some((first, last)) if first == last => format!("Event {first}"),
            Some((first, last)) => format!("Events {first} to {last}"),
            None => String::new(),
        },
        attempts: String::new(),
        each: String::new(),
        id,
    })
}

/// Where providers reach this server, without the path.
fn origin(page: &Page<'_, '_>) -> String {
    let base = super::page::base_url(page.visit);
    base.strip_suffix("/scim").unwrap_or(&base).to_owned()
}

fn token_of<'t>(row: &ActivityRow, tokens: &'t [Token]) -> Option<&'t Token> {
    row.activity.token.and_then(|n| tokens.iter().find(|token| token.n == n))
}

/// A request beside this one, by its sentence.
fn beside(base: &str, row: &ActivityRow) -> Link {
    Link::new(format!("{base}activity/{}", row.activity.request), clipped(&sentence_of(row), 80))
}

/// Who sent it: the provider, as far as its token shows, else nobody who is known.
fn from(row: &ActivityRow, tokens: &[Token]) -> String {
    token_of(row, tokens).map(sender).unwrap_or_default()
}

/// The three parts of an explanation: of a refusal with its cause and cure, of anything else what was asked, what was done
/// and how it was read.
fn explain(row: &ActivityRow, body: &ActivityBody, tokens: &[Token]) -> Explain {
    let activity = &row.activity;
    let part = |title: &str, text: String| Explained { title: title.to_owned(), text };
    let cause = activity.cause.as_deref().and_then(Cause::from_key);
    if activity.status >= 400 {
        let words = cause.map(Cause::words);
        let detail = answer_detail(body);
        let why = match (&words, detail) {
            // Of a token the cause says it all, and when and by whom it ended, which the answer does not say.
            (Some(words), _) if cause.is_some_and(Cause::is_token) => {
                cause.map_or(words.why.to_owned(), |cause| cause.why_of(&activity.note))
            }
            (Some(words), Some(detail)) => format!("{} The answer said: {detail}", words.why),
            (Some(words), None) => words.why.to_owned(),
            (None, Some(detail)) => detail,
            (None, None) => "The answer below has the reason.".to_owned(),
        };
        let cure = words.map_or("Look at the answer below and correct it at the sender.", |words| words.cure);
        let happened = super::error::sentence(&activity.sentence);
        return Explain {
            good: false,
            parts: vec![
                part("What happened", format!("{happened} Nothing was changed.")),
                part("Why", why),
                part("What to do", cure.to_owned()),
            ],
        };
    }
    if ours(activity) {
        let who = activity.who.as_deref().map_or("scimd itself, by a rule of the team".to_owned(), |who| {
            format!("{who}, an administrator, on the admin page")
        });
        return Explain {
            good: true,
            parts: vec![
                part("What happened", super::error::sentence(&activity.sentence)),
                part("Who did it", format!("{who}. {}", super::error::sentence(&activity.note))),
                part("What followed", followed(activity)),
            ],
        };
    }
    let followed = followed(activity);
    let mut lenient = Vec::new();
    if !activity.leniencies.is_empty() {
        lenient.push(format!("Read leniently: {}.", activity.leniencies.join(", ")));
    }
    if !activity.dropped.is_empty() {
        lenient.push(format!("Not kept: {}.", clipped(&activity.dropped.join(", "), 300)));
    }
    if lenient.is_empty() {
        lenient.push("Read exactly as sent.".to_owned());
    }
    let hidden = |body: &Vec<u8>| String::from_utf8_lossy(body).contains(redact::HIDDEN);
    if body.request.as_ref().is_some_and(hidden) {
        lenient.push("A secret in it was taken out before it was kept.".to_owned());
    }
    let happened = super::error::sentence(&activity.sentence);
    let parts = match super::asked::asked(row, body) {
        // A row that tells of many requests asked nothing itself.
        asked if asked.is_empty() => vec![
            part("What happened", happened),
            part("How it was read", lenient.join(" ")),
            part("What followed", followed),
        ],
        asked => vec![
            part(&asker(row, tokens), asked),
            part("What scimd did", format!("{happened} {followed}")),
            part("How it was read", lenient.join(" ")),
        ],
    };
    Explain { good: true, parts }
}

/// Whether it is no request but what an administrator or scimd itself did.
fn ours(activity: &Activity) -> bool {
    activity.method.is_empty() && activity.change
}

/// The events that a request made, in a sentence.
fn followed(activity: &Activity) -> String {
    match activity.events {
        Some((first, last)) if first == last => format!("Event {first} of this team was written."),
        Some((first, last)) => format!("Events {first} to {last} of this team were written."),
        None => "No event: nothing in the directory changed.".to_owned(),
    }
}

/// What is known of a request that was asked for and is one line of a row that tells of many.
fn among(body: &ActivityBody, id: &str) -> Option<Explained> {
    let line = gathered_line(body.request.as_deref()?, id)?;
    let text = format!("{id} is one of these: {}.", line.replacen(&format!("{id} "), "", 1));
    Some(Explained { title: "The one you asked for".to_owned(), text })
}

/// "What JumpCloud asked"
fn asker(row: &ActivityRow, tokens: &[Token]) -> String {
    match from(row, tokens) {
        who if who.is_empty() => "What was asked".to_owned(),
        who => format!("What {who} asked"),
    }
}

/// The `detail` of a SCIM error (RFC 7644 §3.12).
fn answer_detail(body: &ActivityBody) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body.answer.as_deref()?).ok()?;
    Some(clipped(answer.get("detail")?.as_str()?, 500))
}

/// The words of a refusal, which begin with what they complain of.
fn complaint(row: &ActivityRow, body: &ActivityBody) -> String {
    if row.activity.status < 400 { String::new() } else { answer_detail(body).unwrap_or_default() }
}

fn request_code(id: &str, host: &str, row: &ActivityRow, body: &ActivityBody, tokens: &[Token]) -> Code {
    let activity = &row.activity;
    if ours(activity) {
        return Code::default();
    }
    let target = match activity.query.as_str() {
        "" => activity.path.clone(),
        query => format!("{}?{query}", activity.path),
    };
    let mut head = vec![
        format!("{} {} {}", activity.method, clipped(&target, 4000), http(activity)),
        format!("host: {host}"),
        format!("user-agent: {}", activity.user_agent),
    ];
    if let Some(token) = token_of(row, tokens) {
        head.push(format!("authorization: Bearer {}", masked(&token.last4, token.region.as_deref())));
    }
    Code {
        id: id.to_owned(),
        title: "Request",
        meta: size(body.request.as_deref()),
        text: code::message(&head, body.request.as_deref(), &complaint(row, body)),
    }
}

fn response_code(id: &str, row: &ActivityRow, body: &ActivityBody) -> Code {
    let activity = &row.activity;
    if ours(activity) {
        return Code::default();
    }
    let head = [
        format!("{} {}", http(activity), status_line(activity.status)),
        format!("x-request-id: {}", activity.request),
    ];
    Code {
        id: id.to_owned(),
        title: "Response",
        meta: duration(activity.duration_us),
        text: code::message(&head, body.answer.as_deref(), ""),
    }
}

/// The version of HTTP, as the first line of a message names it.
fn http(activity: &Activity) -> String {
    activity.wire.map_or("HTTP".to_owned(), |wire| wire.http.to_string())
}

fn size(body: Option<&[u8]>) -> String {
    match body {
        Some(body) => format!("{} bytes", crate::service::sentence::number(body.len() as u64)),
        None => "no body kept".to_owned(),
    }
}

fn facts(base: &str, row: &ActivityRow, tokens: &[Token]) -> Facts {
    let activity = &row.activity;
    if ours(activity) {
        let mut facts = vec![
            Fact::mono("Record ID", activity.request.as_str()),
            Fact::new("By", activity.who.as_deref().unwrap_or("scimd itself")),
            Fact::mono("From", activity.address.as_str()),
            Fact::new("Browser", clipped(&activity.user_agent, 200)),
        ];
        facts.retain(|fact| !fact.text.is_empty());
        return Facts { facts };
    }
    let mut facts = vec![
        Fact::mono("Request ID", activity.request.as_str()),
        Fact::mono("From", activity.address.as_str()),
        match token_of(row, tokens) {
            Some(token) => Fact { href: format!("{base}tokens"), ..Fact::new("Token", token.name.as_str()) },
            None => Fact::new("Token", "None that is known"),
        },
        Fact::new("Client", clipped(&activity.user_agent, 200)),
        Fact::new("Answered in", duration(activity.duration_us)),
    ];
    if let Some(wire) = activity.wire {
        facts.push(Fact::new("Connection", wire.to_string()));
    }
    if let Some(cause) = activity.cause.as_deref().and_then(Cause::from_key) {
        facts.push(Fact::new("Cause", cause.words().name));
    }
    Facts { facts }
}

/// A status with its usual words (RFC 9110 §15).
fn status_line(status: u16) -> String {
    let words = match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        _ => "",
    };
    format!("{status} {words}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_explained_with_cause_cure_and_the_answers_own_words() {
        let activity = Activity {
            status: 409,
            sentence: "Refused: a new user".into(),
            cause: Some(Cause::NameTaken.key().into()),
            ..Activity::default()
        };
        let body = ActivityBody { request: None, answer: Some(b"{\"detail\":\"Mei Chen has it\"}".to_vec()) };
        let explained = explain(&ActivityRow { n: 1, activity: activity.clone() }, &body, &[]);
        assert!(!explained.good);
        assert_eq!(explained.parts[0].text, "Refused: a new user. Nothing was changed.");
        assert!(explained.parts[1].text.ends_with("The answer said: Mei Chen has it"));
        assert_eq!(explained.parts[2].text, Cause::NameTaken.words().cure);
        let activity = Activity { status: 401, cause: Some(Cause::TokenExpired.key().into()), ..activity };
        let explained = explain(&ActivityRow { n: 1, activity }, &body, &[]);
        assert_eq!(explained.parts[1].text, Cause::TokenExpired.words().why, "said once");
    }

    #[test]
    fn what_no_request_did_is_told_without_one() {
        let who = Some("ada@example.com".to_owned());
        let activity =
            Activity { who, change: true, status: 204, note: "Deleted".into(), ..Activity::default() };
        let row = ActivityRow { n: 1, activity };
        let explained = explain(&row, &ActivityBody::default(), &[]);
        assert_eq!(explained.parts[1].text, "ada@example.com, an administrator, on the admin page. Deleted.");
        assert!(explained.parts.iter().all(|part| !part.text.contains("as sent")));
        assert!(request_code("rq", "x", &row, &ActivityBody::default(), &[]).id.is_empty());
        assert_eq!(facts("/", &row, &[]).facts[0].name, "By");
    }

    #[test]
    fn one_of_many_that_were_gathered_is_told_by_itself() {
        let lines = b"2026-11-23T19:42:11.120Z req_1 GET /scim/Users?filter=x req_3 200\n\
                      2026-11-23T19:42:11.121Z req_2 GET /scim/Users/1 304\n";
        let body = ActivityBody { request: Some(lines.to_vec()), answer: None };
        let text = |id| among(&body, id).map(|part| part.text);
        let told = "req_2 is one of these: 2026-11-23T19:42:11.121Z GET /scim/Users/1 304.";
        assert_eq!(text("req_2").as_deref(), Some(told));
        // What a client wrote into a query is no id.
        assert_eq!((text("req_3"), among(&ActivityBody::default(), "req_1").is_none()), (None, true));
    }

    #[test]
    fn a_token_is_never_shown_whole() {
        let row = ActivityRow { n: 1, activity: Activity::default() };
        let text =
            request_code("rq", "scim.example.com", &row, &ActivityBody::default(), &[]).text.to_string();
        assert!(!text.contains("authorization"), "{text}");
    }
}

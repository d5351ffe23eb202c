//! A request as a page shows it: a line of a list, its sentence with a link, what it changed. The log with its filters is
//! `log`'s, and entries of a history are `history`'s.

use std::collections::HashSet;

use askama::filters::HtmlSafe;

use super::parts::{Changed, Chip, When, clipped};
use super::request::Detail;
use super::said::Said;
use super::when::{Zone, duration};
use crate::scim::Kind;
use crate::service::Cause;
use crate::service::sentence::short_name;
use crate::store::{ActivityRow, Token};

/// A path is cut to this many characters in a list.
const LONGEST_PATH: usize = 60;

/// One request as a line.
#[derive(Debug, Default)]
pub struct Line {
    pub id: String,
    pub href: String,
    pub at: When,
    pub date: String,
    pub said: Said,
    pub sub: String,
    pub method: String,
    pub method_class: &'static str,
    pub path: String,
    pub path_full: String,
    pub status: u16,
    pub status_class: &'static str,
    pub duration: String,
    pub token: String,
    pub no_token: &'static str,
    pub open: bool,
    pub fault: bool,
    /// It is about a test object and about nobody.
    pub test: Option<Chip>,
    /// How many requests it stands for.
    pub count: u64,
    pub detail: Option<Detail>,
}

impl HtmlSafe for Detail {}

/// A request as a line of a list.
pub fn line(zone: &Zone, base: &str, tokens: &[Token], row: &ActivityRow) -> Line {
    let activity = &row.activity;
    let full = match activity.query.as_str() {
        "" => activity.path.clone(),
        query => format!("{}?{query}", activity.path),
    };
    let day = zone.day(activity.at);
    let token = activity.token.and_then(|n| tokens.iter().find(|token| token.n == n));
    Line {
        id: activity.request.clone(),
        at: zone.clock(activity.at),
        date: if day == "Today" { String::new() } else { zone.date(activity.at) },
        said: said(base, row),
        sub: note(row),
        method: clipped(&activity.method, 10),
        method_class: method_class(&activity.method),
        path: clipped(&short(&full), LONGEST_PATH),
        path_full: clipped(&full, 1000),
        status: activity.status,
        status_class: status_class(activity.status),
        duration: duration(activity.duration_us),
        token: token.map(|token| token.name.clone()).or_else(|| activity.who.clone()).unwrap_or_default(),
        no_token: match (activity.token, activity.team) {
            (Some(_), _) => "Of another team",
            // A team's own row without a token is no provider's request: scimd did it itself.
            (None, Some(_)) if activity.method.is_empty() => "scimd itself",
            (None, Some(_)) => "None",
            (None, None) => "No team",
        },
        fault: activity.status >= 400,
        ..Line::default()
    }
}

/// The path without the prefix that every path has.
fn short(path: &str) -> String {
    let rest = path.strip_prefix("/scim/v2").or_else(|| path.strip_prefix("/scim")).unwrap_or(path);
    let rest = crate::http::query::decode(rest, false).unwrap_or_else(|_| rest.to_owned());
    let (path, query) =
        rest.split_once('?').map_or((rest.as_str(), None), |(path, query)| (path, Some(query)));
    let mut text = match path.rsplit_once('/') {
        Some((kind, id)) if id.len() == 36 => format!("{kind}/{}", clipped(id, 8)),
        _ => path.to_owned(),
    };
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    if text.is_empty() { "/".to_owned() } else { text }
}

/// The sentence of a request as text.
pub fn sentence_of(row: &ActivityRow) -> String {
    let activity = &row.activity;
    match activity.sentence.as_str() {
        "" => format!("{} {}", activity.method, clipped(&activity.path, LONGEST_PATH)),
        sentence => sentence.to_owned(),
    }
}

/// The sentence of a request, with a link to whom it was about.
pub fn said(base: &str, row: &ActivityRow) -> Said {
    let activity = &row.activity;
    let sentence = sentence_of(row);
    let gone = activity.method == "DELETE" && activity.status < 300;
    match &activity.subject {
        Some(subject) if !gone && activity.status < 400 => {
            let kind = if subject.kind == Kind::User { "users" } else { "groups" };
            Said::about(&sentence, &subject.name, &format!("{base}{kind}/{}", subject.id))
        }
        _ => Said::plain(sentence),
    }
}

/// The second line of a request.
fn note(row: &ActivityRow) -> String {
    let activity = &row.activity;
    let mut parts = Vec::new();
    if activity.folded > 1 {
        parts.push(format!("{} like it from {}", activity.folded, activity.address));
    }
    if !activity.note.is_empty() && activity.status < 400 {
        parts.push(activity.note.clone());
        return parts.join(". ");
    }
    let diff = changes(row);
    if !diff.is_empty() && activity.status < 400 {
        let names: Vec<&str> = diff.iter().take(4).map(|change| change.name.as_str()).collect();
        parts.push(match diff.as_slice() {
            [one] => format!(
                "{}: {} to {}",
                one.name,
                clipped(or_unset(&one.old), 40),
                clipped(or_unset(&one.new), 40)
            ),
            _ => names.join(", "),
        });
    }
    parts.push(particulars(row));
    parts.retain(|part| !part.is_empty());
    parts.join(". ")
}

/// Why a request was refused: what is known of this one, else the reason that all of its kind have.
pub fn particulars(row: &ActivityRow) -> String {
    let activity = &row.activity;
    let Some(cause) = activity.cause.as_deref().and_then(Cause::from_key) else { return String::new() };
    match activity.note.as_str() {
        note if cause.is_token() || cause.says_nothing(note) => cause.why_of(note),
        note => super::error::sentence(note),
    }
}

fn or_unset(value: &str) -> &str {
    if value.is_empty() { "unset" } else { value }
}

/// What a request changed, old and new.
pub fn changes(row: &ActivityRow) -> Vec<Changed> {
    let Some(serde_json::Value::Array(list)) = &row.activity.diff else { return Vec::new() };
    list.iter()
        .filter_map(|item| {
            let text = |name: &str| match item.get(name) {
                None | Some(serde_json::Value::Null) => String::new(),
                Some(serde_json::Value::String(text)) => clipped(text, 500),
                Some(other) => clipped(&other.to_string(), 500),
            };
            let name = short_name(&text("path")).to_owned();
            (!name.is_empty()).then(|| Changed { name, old: text("old"), new: text("new") })
        })
        .collect()
}

/// How a method is coloured: a change, a deletion, or neither.
pub fn method_class(method: &str) -> &'static str {
    match method {
        "POST" | "PUT" | "PATCH" => "w",
        "DELETE" => "d",
        _ => "",
    }
}

/// How a status is coloured.
pub fn status_class(status: u16) -> &'static str {
    if status < 400 { "ok-t" } else { "bad-t" }
}

/// The ids of whom requests were about.
pub fn subjects<'r>(rows: impl IntoIterator<Item = &'r ActivityRow>) -> impl Iterator<Item = &'r str> {
    rows.into_iter().filter_map(|row| row.activity.subject.as_ref()).map(|subject| subject.id.as_str())
}

/// Whether a request was about one of the tests.
pub fn is_test(row: &ActivityRow, tests: &HashSet<String>) -> bool {
    row.activity.subject.as_ref().is_some_and(|subject| tests.contains(&subject.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::store::{Activity, Subject};
    use serde_json::json;

    fn row(method: &str, status: u16, diff: serde_json::Value) -> ActivityRow {
        let activity = Activity {
            method: method.into(),
            status,
            path: "/scim/v2/Users/01".into(),
            sentence: "Priya Raman was deactivated".into(),
            subject: Some(Subject { id: "01".into(), kind: Kind::User, name: "Priya Raman".into() }),
            diff: Some(diff),
            ..Activity::default()
        };
        ActivityRow { n: 1, activity }
    }

    #[test]
    fn a_line_links_to_the_person_and_says_what_changed() {
        let row = row("PATCH", 200, json!([{ "path": "active", "old": "true", "new": "false" }]));
        let line = line(&Zone::utc(Timestamp(0)), "/admin/t/a/", &[], &row);
        assert_eq!(line.said.words[1].href, "/admin/t/a/users/01");
        assert_eq!(line.sub, "active: true to false");
        assert_eq!(line.path, "/Users/01");
    }

    #[test]
    fn an_attribute_of_an_extension_goes_by_its_own_name() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
        assert_eq!((short_name(urn), short_name("name.givenName")), ("manager.value", "name.givenName"));
        assert_eq!((short_name(""), short_name("äöü")), ("", "äöü"));
    }

    #[test]
    fn what_was_deleted_or_refused_has_no_link() {
        for row in [row("DELETE", 204, json!([])), row("PATCH", 400, json!([]))] {
            assert_eq!(said("/", &row), Said::plain("Priya Raman was deactivated"));
        }
    }
}

//! The record of each provisioning request: what was asked, what happened, and in which words. A change's row is written
//! in the change's own transaction; a refusal's and a read's with the next commit.

use serde_json::{Value, json};

use super::cause::Cause;
use super::sentence::{self, Change, Deed};
use super::{Caller, Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::resource::Difference;
use crate::scim::{Kind, Notes, ScimType};
use crate::store::{Activity, Subject, WriteTx};

/// What a face knows of a request when it asks the service for something.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The request's id, also in the answer.
    pub id: String,
    pub at: Timestamp,
    pub address: String,
    pub user_agent: String,
    pub method: String,
    pub path: String,
    pub query: String,
    /// The body with its secrets removed.
    pub body: Option<Vec<u8>>,
    /// When the request began, for its duration.
    pub began: Option<std::time::Instant>,
    /// Leniencies that the face itself used.
    pub notes: Notes,
}

/// How a request ended.
#[derive(Debug)]
pub struct Ending<'a> {
    pub status: u16,
    pub deed: Deed<'a>,
    pub subject: Option<Subject>,
    pub cause: Option<Cause>,
    pub changes: &'a [Change],
    pub events: &'a [u64],
    pub notes: &'a Notes,
    pub response: Option<&'a [u8]>,
}

impl Asked {
    /// The activity row of the request.
    pub fn activity(
        &self,
        team: Option<TeamId>,
        token: Option<i64>,
        change: bool,
        end: &Ending<'_>,
    ) -> Activity {
        let sentence = end.deed.sentence();
        let mut notes = self.notes.clone();
        notes.extend(end.notes.clone());
        Activity {
            request: self.id.clone(),
            at: self.at,
            team,
            token,
            change,
            folded: 1,
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            status: end.status,
            duration_us: self.began.map_or(0, |began| began.elapsed().as_micros() as u64),
            subject: end.subject.clone(),
            sentence: sentence.line,
            note: sentence.note,
            cause: end.cause.map(|cause| cause.key().to_owned()),
            leniencies: notes.leniencies.iter().map(|leniency| leniency.name().to_owned()).collect(),
            dropped: notes.dropped,
            diff: (!end.changes.is_empty()).then(|| changes_as_json(end.changes)),
            events: end.events.first().copied().zip(end.events.last().copied()),
            request_body: self.body.clone(),
            answer_body: end.response.map(<[u8]>::to_vec),
        }
    }
}

/// Writes a change's activity row in the change's transaction.
pub(super) fn change(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    asked: &Asked,
    end: &Ending<'_>,
) -> Result<(), Error> {
    tx.insert_activity(&asked.activity(Some(caller.team), Some(caller.token), true, end))?;
    Ok(())
}

impl Service {
    /// Records a read that succeeded, with the next commit.
    pub fn record_read(&self, caller: &Caller, asked: &Asked, end: &Ending<'_>) {
        let row = asked.activity(Some(caller.team), Some(caller.token), false, end);
        self.store().later(move |tx| tx.insert_activity(&row).map(|_| ()));
    }

    /// Records a request that was refused or failed, with the next commit.
    pub fn record_refusal(
        &self,
        team: Option<TeamId>,
        token: Option<i64>,
        asked: &Asked,
        error: &Error,
        status: u16,
        response: &[u8],
    ) {
        let cause = cause_of(error, asked);
        if token.is_none() {
            let verdict = self.0.strangers.meet(&asked.address, cause, self.clock().now());
            self.record_counts(verdict.ended);
            if !verdict.record {
                return;
            }
        }
        let what = refused_what(asked);
        let deed = match error {
            Error::Internal { .. } | Error::Busy | Error::Full => Deed::Failed,
            _ => Deed::Refused { what: &what, name: None },
        };
        let end = Ending {
            status,
            deed,
            subject: subject_of(asked),
            cause: Some(cause),
            changes: &[],
            events: &[],
            notes: &Notes::default(),
            response: Some(response),
        };
        let mut row = asked.activity(team, token, asked.method != "GET", &end);
        if token.is_none() {
            // What a stranger wrote is not kept: it could be anything, a mistyped token included.
            (row.query, row.request_body) = (String::new(), None);
        }
        self.store().later(move |tx| tx.insert_activity(&row).map(|_| ()));
    }

    /// Records what was only counted of requests without a known token, once their minute has ended.
    pub fn record_strangers(&self) {
        self.record_counts(self.0.strangers.ended(self.clock().now()));
    }

    fn record_counts(&self, counts: Vec<(String, Cause, u64)>) {
        let at = self.clock().now();
        for (address, cause, count) in counts {
            let row = Activity {
                request: self.ids().request(),
                at,
                address,
                status: if cause.is_token() { 401 } else { 400 },
                folded: count,
                sentence: format!("Refused: {} more requests", sentence::number(count)),
                note: cause.words().name.to_owned(),
                cause: Some(cause.key().to_owned()),
                ..Activity::default()
            };
            self.store().later(move |tx| tx.insert_activity(&row).map(|_| ()));
        }
    }
}

/// The cause behind an error, in the order of the design's list.
pub fn cause_of(error: &Error, asked: &Asked) -> Cause {
    match error {
        Error::Unauthenticated { cause, .. } => *cause,
        Error::Forbidden { cause, .. } => cause.unwrap_or(Cause::Unsupported),
        Error::NotFound(_) => Cause::WrongPath,
        Error::Refused(_) => Cause::BadValue,
        Error::Stale { .. } => Cause::Stale,
        Error::Busy | Error::Full | Error::Internal { .. } => Cause::Broken,
        Error::Scim(error) => match (error.status, error.scim_type) {
            (_, Some(ScimType::InvalidFilter | ScimType::TooMany)) => Cause::BadFilter,
            (_, Some(ScimType::InvalidCursor | ScimType::ExpiredCursor | ScimType::InvalidCount)) => {
                Cause::BadFilter
            }
            (_, Some(ScimType::Uniqueness)) => Cause::NameTaken,
            (_, Some(ScimType::InvalidValue)) if error.detail.contains("required") => Cause::RequiredMissing,
            (_, Some(ScimType::InvalidSyntax)) if asked.body.is_none() && asked.method != "GET" => {
                Cause::NotJson
            }
            (413, _) => Cause::TooLarge,
            (412, _) => Cause::Stale,
            (404, _) => Cause::NotFound,
            (403 | 405 | 406 | 415 | 501, _) => Cause::Unsupported,
            _ => Cause::BadValue,
        },
    }
}

/// What was refused: "a new user", "a change of a group".
fn refused_what(asked: &Asked) -> String {
    let kind = if asked.path.contains("/Groups") {
        "group"
    } else if asked.path.contains("/Users") {
        "user"
    } else {
        return format!("{} {}", asked.method, asked.path);
    };
    let article = "a";
    match asked.method.as_str() {
        "POST" => format!("{article} new {kind}"),
        "PUT" | "PATCH" => format!("a change of {article} {kind}"),
        "DELETE" => format!("deleting {article} {kind}"),
        _ => format!("reading {kind}s"),
    }
}

/// Whom a refused request was about, as far as its path says.
fn subject_of(asked: &Asked) -> Option<Subject> {
    let mut parts = asked.path.rsplit('/');
    let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let kind = match before {
        "Users" => Kind::User,
        "Groups" => Kind::Group,
        _ => return None,
    };
    (!last.is_empty()).then(|| Subject { id: last.to_owned(), kind, name: String::new() })
}

/// The body as it may be stored: parsed, with secrets replaced, written anew.
pub fn redacted(body: &Value) -> Vec<u8> {
    let mut copy = body.clone();
    redact(&mut copy, 0);
    serde_json::to_vec(&copy).unwrap_or_default()
}

const HIDDEN: &str = "(removed)";

/// The query as it may be stored: a parameter that speaks of a secret loses its value.
pub fn redacted_query(pairs: &[(String, String)], raw: &str) -> String {
    if !pairs.iter().any(|(name, value)| speaks_of_secret(name) || speaks_of_secret(value)) {
        return raw.to_owned();
    }
    let hidden = |value: &str| if speaks_of_secret(value) { HIDDEN.to_owned() } else { value.to_owned() };
    let shown = pairs.iter().map(|(name, value)| match is_secret_name(name) {
        true => format!("{name}={HIDDEN}"),
        false => format!("{name}={}", hidden(value)),
    });
    shown.collect::<Vec<_>>().join("&")
}

/// Whether a filter or a list of attributes names a secret.
fn speaks_of_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("password"))
}

/// Replaces the values of `password` and everything that sounds like it, at any depth and in any case; in a PATCH or Bulk
/// operation also by its path.
fn redact(value: &mut Value, depth: usize) {
    match value {
        Value::Object(map) if depth < 64 => {
            let by_path = map.iter().any(|(key, value)| {
                key.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_secret_path)
            });
            for (key, value) in map.iter_mut() {
                if is_secret_name(key) || (by_path && key.eq_ignore_ascii_case("value")) {
                    *value = json!(HIDDEN);
                } else {
                    redact(value, depth + 1);
                }
            }
        }
        Value::Array(list) if depth < 64 => list.iter_mut().for_each(|value| redact(value, depth + 1)),
        _ => {}
    }
}

fn is_secret_path(path: &str) -> bool {
    path.split(['.', ':', '/', '[']).any(is_secret_name)
}

fn is_secret_name(key: &str) -> bool {
    let name = key.rsplit([':', '.']).next().unwrap_or(key).trim_end_matches([']', ' ']);
    ["password", "authorization", "token", "secret", "credential"].iter().any(|word| {
        name.len() >= word.len()
            && name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// The differences of two documents as the activity shows them.
pub(super) fn changes(differences: &[Difference]) -> Vec<Change> {
    differences
        .iter()
        .map(|difference| Change {
            path: difference.path.clone(),
            old: as_text(difference.old.as_ref()),
            new: as_text(difference.new.as_ref()),
        })
        .collect()
}

/// The changes of an activity row or event.
pub(super) fn changes_as_json(changes: &[Change]) -> Value {
    changes
        .iter()
        .map(|change| json!({ "path": change.path, "old": change.old, "new": change.new }))
        .collect()
}

fn as_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_wherever_they_stand() {
        let body = json!({
            "userName": "mei@example.com", "Password": "hunter2",
            "Operations": [
                { "op": "replace", "path": "password", "value": "hunter3" },
                { "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": "hunter4" },
                { "op": "replace", "value": { "urn:ietf:params:scim:schemas:core:2.0:User:password": "hunter5" } },
                { "method": "POST", "data": { "password": ["hunter6"], "apiToken": { "x": "hunter7" } } },
            ],
        });
        let text = String::from_utf8(redacted(&body)).expect("JSON is UTF-8");
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("mei@example.com"));
    }

    #[test]
    fn a_filter_on_a_secret_is_not_kept() {
        let pairs =
            [("filter".to_owned(), "password eq \"hunter2\"".to_owned()), ("count".into(), "1".into())];
        assert_eq!(redacted_query(&pairs, "raw"), "filter=(removed)&count=1");
        assert_eq!(redacted_query(&pairs[1..], "count=1"), "count=1");
    }

    #[test]
    fn a_refusal_says_what_was_wanted() {
        let asked =
            |method: &str, path: &str| Asked { method: method.into(), path: path.into(), ..Asked::default() };
        assert_eq!(refused_what(&asked("POST", "/scim/Users")), "a new user");
        assert_eq!(refused_what(&asked("PATCH", "/scim/Groups/1")), "a change of a group");
        assert_eq!(
            subject_of(&asked("PATCH", "/scim/v2/Groups/17")).map(|subject| subject.id),
            Some("17".into())
        );
        assert_eq!(subject_of(&asked("GET", "/scim/Users")), None);
    }
}

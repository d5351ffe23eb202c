//! The record of each provisioning request: what was asked, what happened, and in which words. A change's row is written
//! in the change's own transaction; a refusal's and a read's with the next commit.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::cause::Cause;
use super::missed::{What, Whose};
use super::redact::{self, Untold};
use super::sentence::{self, Change, Deed};
use super::{Caller, Error, Service, milestones};
use crate::base::{TeamId, Timestamp, Wire};
use crate::scim::Notes;
use crate::scim::resource::Difference;
use crate::store::{Activity, Subject, Tally, WriteTx};

/// How much of a body is kept.
const KEPT_BODY: usize = 64 * 1024;
/// How much of the answer to a read is kept: reads are many, and can be repeated.
const KEPT_READ: usize = 8 * 1024;
/// As long as the mark where a body was cut, and longer.
const MARK: usize = 64;
/// How many changed attributes and dropped names a row lists, and how much of each; the event has a change whole.
const LISTED: usize = 100;
const LONGEST_VALUE: usize = 1000;
const LONGEST_NAME: usize = 200;
/// How many reads, of all tokens, may wait to be written one by one. Changes wait while they are written, so more are
/// gathered in one row that lists them.
const READS_AT_ONCE: usize = 512;

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
    /// The body with its secrets removed; of one that is not JSON only its length and the place of the fault.
    pub body: Option<Vec<u8>>,
    /// Whether there was a body that is not JSON.
    pub not_json: bool,
    /// The name that the body gives to whom it is about.
    pub about: Option<String>,
    /// What was removed, so that no answer repeats it.
    pub secrets: Vec<String>,
    /// Whose values are never told, by the team's schemas.
    pub untold: Arc<Untold>,
    /// How it came over the network.
    pub wire: Option<Wire>,
    /// When the request began, for its duration.
    pub began: Option<std::time::Instant>,
    /// Leniencies that the face itself used.
    pub notes: Notes,
    /// Leniencies used on the way to a refusal: a use case that fails leaves them here.
    pub underway: Underway,
}

/// Notes that a use case leaves behind although it ends in an error.
#[derive(Clone, Debug, Default)]
pub struct Underway(Arc<Mutex<Notes>>);

impl Underway {
    /// Leaves the notes of a step, in place of those of the step before.
    pub fn leave(&self, notes: &Notes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = notes.clone();
    }

    pub(super) fn notes(&self) -> Notes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
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
    /// Names and ids of others whom it concerned, by which it is found too.
    pub also: &'a [String],
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
        let took = self.began.map_or(0, |began| began.elapsed().as_micros() as u64);
        // A change is answered after its commit.
        let began = self.began.filter(|_| change && end.status < 400);
        let mut notes = self.notes.clone();
        notes.extend(end.notes.clone());
        Activity {
            request: self.id.clone(),
            at: self.at,
            team,
            token,
            who: None,
            change,
            folded: 1,
            address: self.address.clone(),
            // A secret of the body may stand here too.
            user_agent: redact::text(&self.user_agent, &self.secrets),
            method: self.method.clone(),
            path: redact::text(&self.path, &self.secrets),
            query: redact::text(&self.query, &self.secrets),
            status: end.status,
            wire: self.wire,
            duration_us: took,
            checked_us: began.map(|_| took),
            began,
            subject: end.subject.clone().map(|subject| Subject { name: named(&subject.name), ..subject }),
            sentence: redact::text(&sentence.line, &self.secrets),
            note: redact::text(&sentence.note, &self.secrets),
            cause: end.cause.map(|cause| cause.key().to_owned()),
            leniencies: notes.leniencies.iter().map(|leniency| leniency.name().to_owned()).collect(),
            // What was dropped is named as it was sent: a path may hold a filter.
            dropped: dropped(&notes).map(|name| redact::text(&name, &self.secrets)).collect(),
            diff: (!end.changes.is_empty()).then(|| listed(end.changes)),
            events: end.events.first().copied().zip(end.events.last().copied()),
            tally: tally(end),
            also: end
                .also
                .iter()
                .map(|text| redact::text(&clipped(text, LONGEST_NAME), &self.secrets))
                .collect(),
            request_body: self.body.as_deref().map(|body| cut(body, KEPT_BODY)),
            answer_body: end.response.map(|answer| {
                let longest = if change || end.status >= 400 { KEPT_BODY } else { KEPT_READ };
                kept_answer(answer, longest, &self.secrets)
            }),
        }
    }
}

/// What a change came to: a change that made no event changed nothing.
fn tally(end: &Ending<'_>) -> Option<Tally> {
    Some(match &end.deed {
        _ if end.events.is_empty() => return None,
        Deed::Created { .. } | Deed::Restored { .. } => Tally::Added,
        Deed::Deleted { .. } => Tally::Deleted,
        Deed::Changed { changes, .. } if changes.iter().any(deactivates) => Tally::Deactivated,
        Deed::Changed { .. } => Tally::Changed,
        _ => return None,
    })
}

fn deactivates(change: &Change) -> bool {
    change.path == "active" && change.new == "false"
}

/// A name as long as sentences show it, so that it is found in them.
fn named(name: &str) -> String {
    if name.is_empty() { String::new() } else { sentence::shown(name) }
}

fn clipped(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The first of the dropped names, and how many more there were.
fn dropped(notes: &Notes) -> impl Iterator<Item = String> {
    let more = notes.dropped.len().saturating_sub(LISTED);
    let first = notes.dropped.iter().take(LISTED).map(|name| clipped(name, LONGEST_NAME));
    first.chain((more > 0).then(|| format!("{} more", sentence::number(more as u64))))
}

/// The changes as a row lists them: what providers send has no limit but a request's.
fn listed(changes: &[Change]) -> Value {
    let mut list: Vec<Change> = changes
        .iter()
        .take(LISTED)
        .map(|change| Change {
            path: clipped(&change.path, LONGEST_NAME),
            old: clipped(&change.old, LONGEST_VALUE),
            new: clipped(&change.new, LONGEST_VALUE),
        })
        .collect();
    if changes.len() > LISTED {
        let more = sentence::count((changes.len() - LISTED) as u64, "more attribute");
        list.push(Change { path: more, old: String::new(), new: String::new() });
    }
    changes_as_json(&list)
}

/// Writes a change's activity row in the change's transaction.
pub(super) fn change(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    asked: &Asked,
    end: &Ending<'_>,
) -> Result<(), Error> {
    Ok(milestones::record(tx, &asked.activity(Some(caller.team), Some(caller.token), true, end))?)
}

impl Service {
    /// Records a read that succeeded, with the next commit; when reads come faster than they are written one by one (`pace`),
    /// as a line of a row that tells of many.
    pub fn record_read(&self, caller: &Caller, asked: &Asked, end: &Ending<'_>) {
        if self.0.pace.has_room(caller.token, asked.at) && self.store().waiting_later() < READS_AT_ONCE {
            let row = asked.activity(Some(caller.team), Some(caller.token), false, end);
            if self.store().later(move |tx| milestones::record(tx, &row)) {
                return;
            }
        }
        let whose = Whose { team: caller.team, token: caller.token, what: What::of(&end.deed) };
        self.gather(whose, asked, end.status);
    }

    /// Records a read that succeeded without a token, as far as strangers are recorded one by one.
    pub fn record_open_read(&self, asked: &Asked, end: &Ending<'_>) {
        let verdict = self.0.strangers.meet(&asked.address, None, self.clock().now());
        self.record_counts(verdict.ended);
        if !verdict.record {
            return;
        }
        let row = Activity { query: String::new(), ..asked.activity(None, None, false, end) };
        if !self.store().later(move |tx| milestones::record(tx, &row)) {
            self.0.strangers.fold(&asked.address, None, 1);
        }
    }
}

/// An answer without secrets, as long as it may be: of a long one, only as much is looked through as can be kept.
fn kept_answer(answer: &[u8], longest: usize, secrets: &[String]) -> Vec<u8> {
    // How far a secret can reach behind the place where it begins, six bytes for each of its own where it is escaped; and
    // room for the mark.
    let reach = secrets.iter().map(|secret| secret.len() * 6).max().unwrap_or(0) + MARK;
    let Some((looked, _)) = answer.split_at_checked(longest + reach).filter(|(_, rest)| !rest.is_empty())
    else {
        return cut(&redact::answer(answer, secrets), longest);
    };
    let kept = redact::answer(looked, secrets);
    // What stands at the end may be the beginning of a secret.
    let longest = longest.min(kept.len().saturating_sub(reach));
    marked(kept, longest, answer.len())
}

/// A body as long as it may be, with a mark where it was cut.
fn cut(body: &[u8], longest: usize) -> Vec<u8> {
    if body.len() <= longest {
        return body.to_vec();
    }
    marked(body[..body.len().min(longest + MARK)].to_vec(), longest, body.len())
}

fn marked(mut kept: Vec<u8>, mut end: usize, whole: usize) -> Vec<u8> {
    while end > 0 && kept.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
        end -= 1;
    }
    kept.truncate(end);
    kept.extend_from_slice(
        format!("… (cut here: {} bytes in all)", sentence::number(whole as u64)).as_bytes(),
    );
    kept
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
    fn a_long_body_is_cut_with_a_mark() {
        let body = "é".repeat(10);
        assert_eq!(cut(body.as_bytes(), 20), body.as_bytes());
        assert_eq!(
            String::from_utf8(cut(body.as_bytes(), 5)).expect("UTF-8"),
            "éé… (cut here: 20 bytes in all)"
        );
    }

    #[test]
    fn however_much_changes_and_is_dropped_a_row_lists_so_much_of_it() {
        let changes: Vec<Change> = (0..500)
            .map(|n| Change { path: format!("a{n}"), old: "é".repeat(100_000), new: "x".into() })
            .collect();
        let name = "n".repeat(5000);
        let joined = vec![name.clone(); 3];
        let deed = Deed::Changed {
            kind: crate::scim::Kind::Group,
            name: &name,
            changes: &changes,
            joined: &joined,
            left: &[],
        };
        let mut notes = Notes::default();
        for n in 0..100_000 {
            notes.dropped(crate::scim::Leniency::UnknownAttribute, format!("x{n}{name}"));
        }
        let end = Ending {
            status: 200,
            deed,
            subject: Some(Subject { id: "1".into(), kind: crate::scim::Kind::Group, name: name.clone() }),
            cause: None,
            changes: &changes,
            events: &[],
            also: &joined,
            notes: &notes,
            response: None,
        };
        let row = Asked::default().activity(None, None, true, &end);
        let diff = row.diff.expect("a difference");
        let list = diff.as_array().expect("a list");
        assert_eq!((list.len(), &list[100]["path"]), (101, &json!("400 more attributes")));
        assert_eq!(list[0]["old"].as_str().map(|old| old.chars().count()), Some(1001));
        assert_eq!((row.dropped.len(), row.dropped[100].as_str()), (101, "99,900 more"));
        assert!(row.dropped.iter().chain(&row.also).all(|name| name.chars().count() <= 201));
        let subject = row.subject.expect("a subject");
        assert!(row.sentence.starts_with(&subject.name) && row.sentence.len() < 200, "{}", row.sentence);
        assert!(row.note.len() < 10_000, "{}", row.note.len());
    }
}

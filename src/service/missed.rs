//! Requests that came faster than they could be written one by one: gathered by token and kind, a line for each, until one
//! row tells of them all. So recording slows neither an answer nor a change, and nothing is lost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::cause::Cause;
use super::record::Asked;
use super::sentence::{Deed, count as count_of, number};
use super::strangers::Folded;
use super::{Service, milestones, redact};
use crate::base::TeamId;
use crate::store::Activity;

/// The kind of a request, as the counts tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    LookUps,
    Lists,
    Reads,
    Discovery,
    Others,
    Refused(Cause, u16),
}

/// Whose requests, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    pub team: TeamId,
    pub token: i64,
    pub what: What,
}

/// How many bytes of lines one row takes.
const FULL: usize = 60 * 1024;

/// What one row will tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    pub count: u64,
    /// One line for each: when, its id, what was asked, the status.
    pub lines: String,
}

/// What waits for its row.
#[derive(Debug, Default)]
pub struct Missed(Mutex<HashMap<Whose, Gathered>>);

impl What {
    /// The kind of a request that succeeded.
    pub fn of(deed: &Deed<'_>) -> What {
        match deed {
            Deed::Listed { wanted: Some(_), .. } => What::LookUps,
            Deed::Listed { wanted: None, .. } => What::Lists,
            Deed::Read { .. } => What::Reads,
            Deed::Discovery { .. } => What::Discovery,
            _ => What::Others,
        }
    }

    /// "and 4,312 more look-ups"
    pub fn sentence(self, count: u64) -> String {
        let (one, many) = match self {
            What::LookUps => ("look-up", "look-ups"),
            What::Lists => ("list", "lists"),
            What::Reads => ("read", "reads"),
            What::Discovery => ("read of what this server offers", "reads of what this server offers"),
            What::Others => ("request", "requests"),
            What::Refused(..) => ("refused request", "refused requests"),
        };
        format!("and {} more {}", number(count), if count == 1 { one } else { many })
    }
}

impl Missed {
    /// Gathers a request that found no room; gives what is enough for a row.
    pub fn add(&self, whose: Whose, asked: &Asked, status: u16) -> Option<Gathered> {
        let line = asked.line(status);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(whose).or_default();
        own.count += 1;
        own.lines.push_str(&line);
        (own.lines.len() >= FULL).then(|| std::mem::take(own))
    }

    /// Puts back what found no room as a row either.
    pub fn put_back(&self, whose: Whose, gathered: &Gathered) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(whose).or_default();
        own.count += gathered.count;
        if own.lines.len() + gathered.lines.len() <= FULL {
            own.lines.push_str(&gathered.lines);
        }
    }

    /// Takes all away, to be written.
    pub fn take(&self) -> Vec<(Whose, Gathered)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}

impl Asked {
    /// The request as one line of a row that tells of many.
    fn line(&self, status: u16) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        let mut what = redact::text(&[&*self.path, mark, &*self.query].concat(), &self.secrets);
        // A line break of the query must not begin a line that nobody sent.
        if what.contains(char::is_control) {
            what = what.replace(char::is_control, " ");
        }
        let status = status.to_string();
        [&*self.at.render(), " ", &self.id, " ", &self.method, " ", &what, " ", &status, "\n"].concat()
    }
}

impl Service {
    /// Gathers a request that found no room of its own.
    pub(super) fn gather(&self, whose: Whose, asked: &Asked, status: u16) {
        if let Some(full) = self.0.missed.add(whose, asked, status) {
            self.write_gathered(whose, full);
        }
    }

    /// Records what was only counted of requests without a known token, once their minute has ended.
    pub fn record_strangers(&self) {
        self.record_counts(self.0.strangers.ended(self.clock().now()));
    }

    pub(super) fn record_counts(&self, counts: Vec<Folded>) {
        let at = self.clock().now();
        for Folded { address, cause, count } in counts {
            let row = Activity {
                request: self.ids().request(),
                at,
                address: address.clone(),
                folded: count,
                cause: cause.map(|cause| cause.key().to_owned()),
                ..match cause {
                    Some(cause) => Activity {
                        status: if cause.is_token() { 401 } else { 400 },
                        sentence: format!("Refused: {} more", count_of(count, "request")),
                        note: cause.words().name.to_owned(),
                        ..Activity::default()
                    },
                    None => Activity {
                        status: 200,
                        sentence: What::Discovery.sentence(count),
                        note: "Without a token".to_owned(),
                        ..Activity::default()
                    },
                }
            };
            if !self.store().later(move |tx| milestones::record(tx, &row)) {
                self.0.strangers.fold(&address, cause, count);
            }
        }
    }

    /// Records the requests of known tokens that came faster than they could be written one by one.
    pub fn record_missed(&self) {
        for (whose, gathered) in self.0.missed.take() {
            self.write_gathered(whose, gathered);
        }
    }

    fn write_gathered(&self, whose: Whose, gathered: Gathered) {
        let (cause, status) = match whose.what {
            What::Refused(cause, status) => (Some(cause.key().to_owned()), status),
            _ => (None, 200),
        };
        let row = Activity {
            request: self.ids().request(),
            at: self.clock().now(),
            team: Some(whose.team),
            token: Some(whose.token),
            status,
            folded: gathered.count,
            sentence: whose.what.sentence(gathered.count),
            note: "They came faster than they could be written one by one; below, each has a line".to_owned(),
            cause,
            request_body: Some(gathered.lines.clone().into_bytes()).filter(|lines| !lines.is_empty()),
            ..Activity::default()
        };
        if !self.store().later(move |tx| milestones::record(tx, &row)) {
            self.0.missed.put_back(whose, &gathered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_token_and_kind() {
        let missed = Missed::default();
        let whose = |token, what| Whose { team: TeamId(1), token, what };
        let asked = Asked {
            id: "req_1".into(),
            method: "GET".into(),
            path: "/scim/Users".into(),
            query: "count=1".into(),
            ..Asked::default()
        };
        let mut full = Vec::new();
        for _ in 0..4312 {
            full.extend(missed.add(whose(1, What::LookUps), &asked, 200));
        }
        let full: u64 = full.iter().map(|row| row.count).sum();
        missed.put_back(whose(1, What::LookUps), &Gathered { count: full, lines: String::new() });
        missed.add(whose(2, What::LookUps), &asked, 200);
        missed.add(whose(1, What::Reads), &asked, 404);
        missed.add(whose(1, What::Reads), &asked, 200);
        let mut taken = missed.take();
        taken.sort_by_key(|(whose, row)| (whose.token, row.count));
        let told: Vec<String> = taken.iter().map(|(whose, row)| whose.what.sentence(row.count)).collect();
        assert_eq!(told, ["and 2 more reads", "and 4,312 more look-ups", "and 1 more look-up"]);
        let lines = "1970-01-01T00:00:00.000Z req_1 GET /scim/Users?count=1 404\n\
                     1970-01-01T00:00:00.000Z req_1 GET /scim/Users?count=1 200\n";
        assert_eq!(taken[0].1.lines, lines, "each of them has a line");
        assert!(missed.take().is_empty());
    }
}

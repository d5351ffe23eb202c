//! What administrators and the command line changed: the audit, told in sentences and found by words, kinds and times. The
//! rows and their chain of hashes are the store's.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::Value;

use super::sentence::{count, shown};
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::fold::fold;
use crate::store::{AuditRow, Beside, ReadTx};

/// Rows that one page looks at, at most: the audit is kept for ever, and a rare word must not read all of it.
const LOOKED: u32 = 5_000;

/// What a list of changes is narrowed to; newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Words that all stand in what is shown of a change, in any case.
    pub text: String,
    pub kind: Option<Kind>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// Only what stands on that side of a row, the nearest to it.
    pub beside: Option<Beside>,
    pub limit: usize,
}

/// What kinds of changes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SignIn,
    Administrators,
    Tokens,
    Team,
    Users,
    Taken,
}

impl Kind {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Kind; 6] =
        [Kind::SignIn, Kind::Administrators, Kind::Tokens, Kind::Team, Kind::Users, Kind::Taken];

    /// The word in addresses.
    pub fn key(self) -> &'static str {
        match self {
            Kind::SignIn => "sign-in",
            Kind::Administrators => "administrators",
            Kind::Tokens => "tokens",
            Kind::Team => "team",
            Kind::Users => "users",
            Kind::Taken => "taken",
        }
    }

    /// The words of a choice.
    pub fn words(self) -> &'static str {
        match self {
            Kind::SignIn => "Sign-in and second step",
            Kind::Administrators => "Administrators",
            Kind::Tokens => "Tokens",
            Kind::Team => "Teams, settings and schemas",
            Kind::Users => "Deleted records",
            Kind::Taken => "Downloads and self-tests",
        }
    }

    fn of(what: &str) -> Kind {
        match what.split_once('.').unwrap_or_default() {
            (_, "exported") | ("selftest", _) => Kind::Taken,
            ("admin", "password-changed" | "password-reset") | ("session" | "second-step", _) => Kind::SignIn,
            ("admin", _) => Kind::Administrators,
            ("token", _) => Kind::Tokens,
            ("user", _) => Kind::Users,
            _ => Kind::Team,
        }
    }
}

/// A change as it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub row: AuditRow,
    /// Who made it, without where.
    pub who: String,
    /// The address, "command line", or empty where it is not kept.
    pub from: String,
    /// "The token “JumpCloud” was revoked"
    pub line: String,
    /// What stands under it with less weight.
    pub note: String,
}

/// A page of changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub rows: Vec<Change>,
    /// The row behind which the next page begins.
    pub next: Option<i64>,
    /// The row before which the page before ends.
    pub previous: Option<i64>,
    /// When the last row was made that was looked at, where the search was given up before its end.
    pub looked: Option<Timestamp>,
}

impl Service {
    /// What administrators changed that concerns a team: its own things, and who may sign in.
    pub async fn administrators_changes(&self, team: TeamId, query: AuditQuery) -> Result<Changes, Error> {
        self.store().read(move |tx| changes(tx, team, &query)).await
    }
}

fn changes(tx: &ReadTx<'_>, team: TeamId, query: &AuditQuery) -> Result<Changes, Error> {
    let words: Vec<String> = query.text.split_whitespace().map(fold).collect();
    let end = query.to.map(|to| tx.audit_from(to)).transpose()?.unwrap_or(i64::MAX);
    let beside = match query.beside {
        None => Beside::Older(end),
        Some(Beside::Older(n)) => Beside::Older(n.min(end)),
        Some(newer) => newer,
    };
    let (mut found, mut looked) = (Changes::default(), 0);
    let (mut last, mut more) = (None, false);
    tx.each_audit(Some(team), beside, LOOKED, |row| {
        let outside = match beside {
            Beside::Older(_) => query.from.is_some_and(|from| row.at < from),
            Beside::Newer(_) => row.n >= end,
        };
        more = !outside && found.rows.len() == query.limit;
        if outside || more {
            return ControlFlow::Break(());
        }
        looked += 1;
        last = Some((row.n, row.at));
        if query.kind.is_none_or(|kind| kind == Kind::of(&row.what)) {
            let change = told(row);
            if words.is_empty() || holds(&change, &words) {
                found.rows.push(change);
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Beside::Newer(_) = beside {
        found.rows.reverse();
    }
    let (first, end) = (found.rows.first().map(|one| one.row.n), found.rows.last().map(|one| one.row.n));
    // Given up before its end, it goes on behind what was looked at.
    let given_up = last.filter(|_| looked == LOOKED && !more);
    let way_on = |edge: Option<i64>| if more { edge } else { given_up.map(|(n, _)| n) };
    (found.previous, found.next) = match (query.beside, beside) {
        (_, Beside::Newer(n)) => (way_on(first), Some(n + 1)),
        (Some(_), Beside::Older(n)) => (Some(first.unwrap_or(n - 1)), way_on(end)),
        (None, _) => (None, way_on(end)),
    };
    found.looked = given_up.map(|(_, at)| at);
    names(tx, team, &mut found.rows)?;
    Ok(found)
}

fn holds(change: &Change, words: &[String]) -> bool {
    let texts = [&change.line, &change.note, &change.who, &change.from, &change.row.subject];
    let texts = texts.map(|text| fold(text));
    words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
}

/// Deleted records by name, as long as the directory itself remembers it.
fn names(tx: &ReadTx<'_>, team: TeamId, rows: &mut [Change]) -> Result<(), Error> {
    let gone = |change: &&mut Change| change.row.what == "user.deleted";
    let ids: Vec<String> = rows.iter_mut().filter(gone).map(|change| change.row.subject.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let names: HashMap<String, String> = tx.names_of_deleted(team, &ids)?.into_iter().collect();
    for change in rows.iter_mut().filter(gone) {
        if let Some(name) = names.get(&change.row.subject) {
            change.line = format!("{} was deleted", shown(name));
        }
    }
    Ok(())
}

/// A change in words.
fn told(row: AuditRow) -> Change {
    let (line, note) = sentence(&row);
    let (who, from) = match row.who.strip_suffix(" at the command line") {
        Some(user) => (user.to_owned(), "command line".to_owned()),
        None => (row.who.clone(), text(&row.detail, "address")),
    };
    Change { who, from, line, note, row }
}

fn text(detail: &Value, name: &str) -> String {
    detail[name].as_str().map(str::to_owned).unwrap_or_default()
}

fn access(detail: &Value) -> String {
    if detail["read_only"] == true { "Read only" } else { "Full access" }.to_owned()
}

/// The sentence of a change, and what stands under it.
fn sentence(row: &AuditRow) -> (String, String) {
    let (detail, subject) = (&row.detail, shown(&row.subject));
    let about = if row.subject == row.who { "their own".to_owned() } else { format!("{subject}’s") };
    let none = String::new;
    match row.what.as_str() {
        "session.began" => ("Signed in".into(), none()),
        "session.ended" => match detail["sessions"].as_u64() {
            Some(n) => (format!("Ended {about} sessions"), count(n, "session")),
            None => ("Signed out, or ended a session of their own".into(), none()),
        },
        "second-step.required" => match detail["required"] == "full" {
            true => ("The second step is required of everyone with full access".into(), none()),
            false => ("The second step is required of nobody".into(), none()),
        },
        "second-step.on" => ("The second step was set up".into(), none()),
        "second-step.off" => ("The second step was turned off".into(), none()),
        "second-step.reset" => (format!("The second step of {subject} was removed"), none()),
        "second-step.codes-made" => ("New recovery codes were made".into(), none()),
        "second-step.recovery-code-used" => {
            ("A recovery code was used".into(), format!("{} left", detail["left"].as_u64().unwrap_or(0)))
        }
        "admin.created" => (format!("{subject} became an administrator"), access(detail)),
        "admin.invited" => (format!("{subject} was invited"), access(detail)),
        "admin.invitation-withdrawn" => (format!("The invitation of {subject} was withdrawn"), none()),
        "admin.access-changed" => (format!("The access of {subject} was changed"), access(detail)),
        "admin.removed" => (format!("The administrator {subject} was removed"), none()),
        "admin.password-changed" => ("The password was changed".into(), none()),
        "admin.password-reset" => (format!("The password of {subject} was set anew"), none()),
        "token.created" => (format!("The token “{subject}” was created"), token(detail)),
        "token.rotated" => (
            format!("The token “{subject}” was rotated"),
            format!("The old one is now called “{}”", shown(&text(detail, "name"))),
        ),
        "token.revoked" => (format!("The token “{subject}” was revoked"), token(detail)),
        "team.created" => (format!("The team “{subject}” was created"), none()),
        "team.renamed" => (
            format!("The team is now called “{subject}”"),
            format!("Before: {}", shown(&text(detail, "old"))),
        ),
        "team.removed" => (format!("The team “{subject}” was removed"), none()),
        "team.restored" => (format!("The team “{subject}” was brought back"), none()),
        "team.erased" => (format!("The data of the team “{subject}” was erased"), none()),
        "team.setting" => (
            format!("The setting {subject} was changed"),
            format!("{} to {}", text(detail, "old"), text(detail, "new")),
        ),
        "provider.chosen" => (format!("The identity provider of these pages is now {subject}"), none()),
        "schema.added" => (format!("The schema {subject} was added"), none()),
        "schema.changed" => (format!("The schema {subject} was changed"), none()),
        "schema.removed" => (format!("The schema {subject} was removed"), none()),
        "selftest.started" => ("A self-test was started".into(), subject),
        "selftest.finished" => {
            let of = |name: &str| detail[name].as_u64().unwrap_or(0);
            ("A self-test ended".into(), format!("{} passed, {} failed", of("passed"), of("failed")))
        }
        "user.deleted" => {
            ("The record of an inactive user was deleted".into(), text(detail, "keep-inactive"))
        }
        what => match what.strip_suffix(".exported") {
            Some(list) => {
                let filter = text(detail, "filter");
                let narrowed =
                    if filter.is_empty() { "All of it".into() } else { format!("Narrowed by {filter}") };
                (format!("Downloaded {list} as {}", text(detail, "format").to_uppercase()), narrowed)
            }
            // A change that a later version knows better.
            None => (what.replace(['.', '-'], " "), row.subject.clone()),
        },
    }
}

fn token(detail: &Value) -> String {
    let mut note = format!("Ends in {}", text(detail, "last4"));
    if detail["read_only"] == true {
        note.push_str(", read only");
    }
    note
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::testing::{Desk, desk};
    use crate::store::Hand;

    async fn note(
        desk: &Desk,
        team: Option<TeamId>,
        hand: Hand,
        what: &'static str,
        subject: &'static str,
        detail: Value,
    ) {
        let job =
            move |tx: &mut crate::store::WriteTx<'_>| tx.append_audit(team, &hand, what, subject, &detail);
        desk.service.store().write(job).await.expect("noted");
    }

    fn ada() -> Hand {
        Hand { name: "ada@example.com".into(), address: Some("192.0.2.10".into()) }
    }

    async fn lines(desk: &Desk, query: AuditQuery) -> Vec<String> {
        let found = desk.service.administrators_changes(desk.team, query).await.expect("read");
        found.rows.into_iter().map(|change| change.line).collect()
    }

    fn query() -> AuditQuery {
        AuditQuery { limit: 50, ..AuditQuery::default() }
    }

    #[tokio::test]
    async fn changes_of_the_team_and_of_administrators_are_told_and_those_of_other_teams_are_not() {
        let desk = desk().await;
        let root = || Hand::here("root at the command line");
        let actor = crate::service::Actor::CommandLine { user: "root".into() };
        let other = desk.service.create_team(&actor, "Other").await.expect("made").id;
        note(&desk, Some(desk.team), ada(), "token.revoked", "JumpCloud", json!({ "last4": "Xb91" })).await;
        note(&desk, None, root(), "admin.created", "bea@example.com", json!({ "read_only": true })).await;
        note(&desk, Some(other), ada(), "token.created", "Elsewhere", json!({ "last4": "aaaa" })).await;
        note(&desk, Some(desk.team), ada(), "later.thing-done", "x", json!({})).await;
        let found = desk.service.administrators_changes(desk.team, query()).await.expect("read");
        let told: Vec<(&str, &str, &str, &str)> = found
            .rows
            .iter()
            .take(3)
            .map(|one| (one.line.as_str(), one.note.as_str(), one.who.as_str(), one.from.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("later thing done", "x", "ada@example.com", "192.0.2.10"),
                ("bea@example.com became an administrator", "Read only", "root", "command line"),
                ("The token “JumpCloud” was revoked", "Ends in Xb91", "ada@example.com", "192.0.2.10"),
            ]
        );
        assert!(found.rows.iter().all(|one| !one.line.contains("Elsewhere")) && found.next.is_none());
    }

    #[tokio::test]
    async fn they_are_narrowed_by_words_kind_and_time_and_go_on_behind_a_row() {
        let desk = desk().await;
        for name in ["One", "Two", "Three"] {
            note(&desk, Some(desk.team), ada(), "token.created", name, json!({ "last4": "Xb91" })).await;
            desk.clock.advance(std::time::Duration::from_secs(60));
        }
        let middle = desk.clock.now();
        note(&desk, None, ada(), "session.began", "ada@example.com", json!({})).await;
        let text = |text: &str| AuditQuery { text: text.into(), ..query() };
        assert_eq!(lines(&desk, text("TWO created")).await, ["The token “Two” was created"]);
        assert_eq!(lines(&desk, text("192.0.2.10 signed")).await, ["Signed in"]);
        assert_eq!(lines(&desk, text("nothing like this")).await, [] as [&str; 0]);
        let kind = AuditQuery { kind: Some(Kind::SignIn), ..query() };
        assert_eq!(lines(&desk, kind).await, ["Signed in"]);
        let from = AuditQuery { from: Some(middle), ..query() };
        assert_eq!(lines(&desk, from).await, ["Signed in"]);
        let to =
            || AuditQuery { to: Some(middle), kind: Some(Kind::Tokens), limit: 2, ..AuditQuery::default() };
        let first = desk.service.administrators_changes(desk.team, to()).await.expect("read");
        assert_eq!(first.rows.len(), 2);
        let beside = |beside| AuditQuery { beside: Some(beside), ..to() };
        let rest = beside(Beside::Older(first.next.expect("more")));
        let rest = desk.service.administrators_changes(desk.team, rest).await.expect("read");
        assert_eq!((rest.rows[0].line.as_str(), rest.next), ("The token “One” was created", None));
        let back = beside(Beside::Newer(rest.previous.expect("the page before")));
        let back = desk.service.administrators_changes(desk.team, back).await.expect("read");
        assert_eq!((&back.rows, back.previous, back.next), (&first.rows, None, first.next));
        let one = AuditQuery { limit: 1, ..beside(Beside::Newer(rest.rows[0].row.n)) };
        let one = desk.service.administrators_changes(desk.team, one).await.expect("read");
        assert_eq!(one.rows[0].line, "The token “Two” was created", "the nearest");
        assert_eq!(
            (one.previous, one.next),
            (Some(one.rows[0].row.n), rest.previous.map(|_| one.rows[0].row.n))
        );
    }

    #[test]
    fn every_kind_has_its_own_word() {
        for kind in Kind::ALL {
            assert_eq!(Kind::ALL.iter().filter(|other| other.key() == kind.key()).count(), 1);
        }
        assert_eq!(Kind::of("users.exported"), Kind::Taken);
        assert_eq!(Kind::of("admin.password-reset"), Kind::SignIn);
        assert_eq!(Kind::of("schema.added"), Kind::Team);
    }
}

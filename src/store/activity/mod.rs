//! Activity: every provisioning request and what became of it. Here is what a row holds and how it is read; `list` finds
//! rows, `write` keeps and forgets them, `words` makes them searchable, `body` packs what was sent and answered, and looks into it.

mod body;
mod list;
mod words;
mod write;

use std::time::Instant;

use serde_json::Value;

use super::counts::{NO_TEAM, Tally};
use crate::base::{TeamId, Timestamp, Wire};
use crate::scim::Kind;

pub use body::{InBodies, gathered_line};
pub use list::Hours;
pub(super) use list::count;
pub(super) use words::register;

/// One provisioning request. Secrets were removed before it came here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// `req_…`
    pub request: String,
    pub at: Timestamp,
    pub team: Option<TeamId>,
    pub token: Option<i64>,
    /// The administrator, of a change that one made.
    pub who: Option<String>,
    pub address: String,
    pub user_agent: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: u16,
    /// How it came over the network.
    pub wire: Option<Wire>,
    /// Until there was an answer to send; of a change that was committed, until the commit was on disk.
    pub duration_us: u64,
    /// Of a change that was committed: until it was checked and made, before its commit.
    pub checked_us: Option<u64>,
    /// Of a change that is to be committed: when the request began. It does not come back.
    pub began: Option<Instant>,
    /// The request changed something, or meant to.
    pub change: bool,
    /// How many like it this row stands for; 1 unless they were folded.
    pub folded: u64,
    pub subject: Option<Subject>,
    /// What happened: "Priya Raman left Engineering".
    pub sentence: String,
    /// What stands under it with less weight.
    pub note: String,
    /// Why it was refused, as a short stable word; `None` when it was not.
    pub cause: Option<String>,
    /// Names of the leniencies used.
    pub leniencies: Vec<String>,
    /// Names that were dropped.
    pub dropped: Vec<String>,
    /// What changed: old and new values.
    pub diff: Option<Value>,
    /// The first and the last event that it made.
    pub events: Option<(u64, u64)>,
    pub request_body: Option<Vec<u8>>,
    pub answer_body: Option<Vec<u8>>,
    /// What the change came to, for the counts of its hour; it does not come back.
    pub tally: Option<Tally>,
    /// Names and ids by which the row is found beside its own, such as those of a group's new members. They are kept as
    /// words to search, not as text, and do not come back.
    pub also: Vec<String>,
}

/// Whom or what a request was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub id: String,
    pub kind: Kind,
    pub name: String,
}

/// An activity as it is kept; the bodies are read apart.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityRow {
    pub n: i64,
    /// Everything but the bodies.
    pub activity: Activity,
}

/// The bodies of a request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityBody {
    pub request: Option<Vec<u8>>,
    pub answer: Option<Vec<u8>>,
}

/// Which requests a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    #[default]
    All,
    /// Those that changed something, or meant to.
    Changes,
    Reads,
    /// Those that were refused or failed.
    Errors,
}

/// Where a row stands in a list of requests: its time and number.
pub type Spot = (Timestamp, i64);

/// What a list of requests is narrowed to; newest first.
#[derive(Clone, Debug, Default)]
pub struct ActivityQuery {
    pub which: Which,
    pub token: Option<i64>,
    /// The lowest and the highest status shown.
    pub status: Option<(u16, u16)>,
    /// Words, or beginnings of words, of the sentence, of names and of ids, in any case.
    pub text: Option<String>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// Only what stands behind this row in the list: what came before it.
    pub before: Option<Spot>,
    /// Only what came after this row, the nearest to it.
    pub after: Option<Spot>,
    pub limit: u32,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select n, at, team, token, request, address, user_agent, method, path, query, status, duration_us, ",
            "change, folded, subject, subject_kind, subject_name, sentence, cause, leniencies, dropped, diff, ",
            "first_event, last_event, note, who, wire, checked_us from activity ",
            $rest
        )
    };
}
pub(super) use select;

/// How many columns those are.
pub(super) const COLUMNS: usize = 28;

/// Reads the columns of `select`.
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<ActivityRow> {
    let names = |column| -> rusqlite::Result<Vec<String>> {
        let text: Option<String> = row.get(column)?;
        // Written by `list` alone; a damaged text shows as no names rather than as no row.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    };
    let subject = match (row.get(14)?, row.get(15)?) {
        (Some(id), Some(kind)) => Some(Subject { id, kind, name: row.get(16)? }),
        _ => None,
    };
    let diff: Option<String> = row.get(21)?;
    let activity = Activity {
        at: row.get(1)?,
        team: Some(row.get(2)?).filter(|team| *team != NO_TEAM),
        token: row.get(3)?,
        request: row.get(4)?,
        address: row.get(5)?,
        user_agent: row.get(6)?,
        method: row.get(7)?,
        path: row.get(8)?,
        query: row.get(9)?,
        status: row.get(10)?,
        wire: row.get::<_, Option<u8>>(26)?.and_then(Wire::of_code),
        duration_us: row.get(11)?,
        checked_us: row.get(27)?,
        began: None,
        change: row.get(12)?,
        folded: row.get(13)?,
        subject,
        sentence: row.get(17)?,
        note: row.get(24)?,
        who: row.get(25)?,
        cause: row.get(18)?,
        leniencies: names(19)?,
        dropped: names(20)?,
        diff: diff.and_then(|text| serde_json::from_str(&text).ok()),
        events: row.get::<_, Option<u64>>(22)?.zip(row.get(23)?),
        request_body: None,
        answer_body: None,
        tally: None,
        also: Vec::new(),
    };
    Ok(ActivityRow { n: row.get(0)?, activity })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::testing::{store, team};
    use crate::store::{Hour, Store};

    fn request(team: Option<TeamId>, number: i64) -> Activity {
        Activity {
            request: format!("req_{number}"),
            at: Timestamp(7_200_000 + number),
            team,
            token: Some(number % 2),
            method: "PATCH".into(),
            path: "/scim/Users/u1".into(),
            status: if number % 3 == 0 { 409 } else { 200 },
            change: number % 2 == 0,
            folded: 1,
            sentence: format!("Priya ÄHRE changed {number}"),
            ..Activity::default()
        }
    }

    fn insert(store: &Store, activity: Activity) -> i64 {
        store.write_blocking(move |tx| tx.insert_activity(&activity)).unwrap()
    }

    fn requests(store: &Store, team: Option<TeamId>, query: ActivityQuery) -> Vec<String> {
        let rows = store.read_now(|tx| tx.activity(team, &query)).unwrap();
        rows.into_iter().map(|row| row.activity.request).collect()
    }

    #[test]
    fn a_row_comes_back_as_it_went_in_and_its_bodies_too() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let full = Activity {
            subject: Some(Subject { id: "u1".into(), kind: Kind::User, name: "Priya".into() }),
            cause: Some("taken".into()),
            leniencies: vec!["text-boolean".into()],
            dropped: vec!["foo".into()],
            diff: Some(json!({ "active": [true, false] })),
            events: Some((4, 5)),
            request_body: Some(b"{\"active\":\"False\"}".repeat(50)),
            ..request(Some(acme), 1)
        };
        let n = insert(&store, full.clone());
        let row = store.read_now(|tx| tx.activity_by_request(Some(acme), "req_1")).unwrap().unwrap();
        assert_eq!(row, ActivityRow { n, activity: Activity { request_body: None, ..full.clone() } });
        let body = store.read_now(|tx| tx.activity_body(Some(acme), n)).unwrap();
        assert_eq!(body, ActivityBody { request: full.request_body, answer: None });
        let strangers = store.read_now(|tx| tx.activity_body(None, n)).unwrap();
        assert_eq!(strangers, ActivityBody::default(), "it belongs to its team");
    }

    #[test]
    fn a_change_tells_when_it_was_checked_and_when_it_was_on_disk() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let began = Instant::now();
        let change = Activity {
            wire: Some(Wire::PLAIN),
            duration_us: 3,
            checked_us: Some(3),
            began: Some(began),
            ..request(Some(acme), 1)
        };
        let undone = change.clone();
        let failed = store.write_blocking(move |tx| {
            tx.insert_activity(&undone)?;
            Err::<i64, _>(crate::store::StoreError::TooExpensive)
        });
        failed.expect_err("it is undone");
        insert(&store, change);
        let committed = began.elapsed().as_micros() as u64;
        // Kept with the next commit, whatever that is for.
        insert(&store, request(Some(acme), 2));
        let row = |request: &str| {
            store.read_now(|tx| tx.activity_by_request(Some(acme), request)).unwrap().unwrap().activity
        };
        let (first, second) = (row("req_1"), row("req_2"));
        assert_eq!((first.wire, first.checked_us), (Some(Wire::PLAIN), Some(3)));
        assert!((4..=committed).contains(&first.duration_us), "{} of {committed}", first.duration_us);
        assert_eq!((second.wire, second.checked_us, second.duration_us), (None, None, 0));
    }

    #[test]
    fn lists_are_narrowed_and_go_on_behind_a_row() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        for number in 1..=6 {
            insert(&store, request(Some(acme), number));
        }
        insert(&store, request(None, 7));
        let query = || ActivityQuery { limit: 10, ..ActivityQuery::default() };
        let narrowed = |which| ActivityQuery { which, ..query() };
        assert_eq!(requests(&store, Some(acme), narrowed(Which::Errors)), ["req_6", "req_3"]);
        assert_eq!(requests(&store, Some(acme), narrowed(Which::Changes)), ["req_6", "req_4", "req_2"]);
        assert_eq!(requests(&store, Some(acme), ActivityQuery { token: Some(1), ..query() }).len(), 3);
        assert_eq!(
            requests(&store, Some(acme), ActivityQuery { status: Some((409, 409)), ..query() }).len(),
            2
        );
        let status = |lowest, highest| {
            let query = ActivityQuery { status: Some((lowest, highest)), ..query() };
            requests(&store, Some(acme), query).len()
        };
        assert_eq!([status(400, 499), status(200, 200), status(200, 299), status(500, 599)], [2, 4, 4, 0]);
        let text = |text: &str| ActivityQuery { text: Some(text.into()), ..query() };
        assert_eq!(requests(&store, Some(acme), text("ähre CHANGED 5")), ["req_5"]);
        assert_eq!(requests(&store, Some(acme), text("%")), [] as [&str; 0]);
        let behind = ActivityQuery { before: Some((Timestamp(7_200_003), 3)), limit: 1, ..query() };
        assert_eq!(requests(&store, Some(acme), behind), ["req_2"]);
        assert_eq!(requests(&store, None, query()), ["req_7"]);
    }

    #[test]
    fn hours_count_what_was_kept() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        for number in 1..=6 {
            insert(&store, request(Some(acme), number));
        }
        insert(&store, Activity { folded: 4312, ..request(Some(acme), 7) });
        let hours = store.read_now(|tx| tx.hours(Some(acme), Timestamp(0), Timestamp(10_000_000))).unwrap();
        let expected =
            Hour { hour: Timestamp(7_200_000), reads: 2 + 4312, changes: 2, errors: 2, ..Hour::default() };
        assert_eq!(hours, [expected]);
    }

    #[test]
    fn pruning_goes_oldest_first_and_gives_the_bytes_back() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let body: Vec<u8> =
            (0..2000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for number in 1..=3 {
            insert(&store, Activity { answer_body: Some(body.clone()), ..request(Some(acme), number) });
        }
        let full = store.read_now(|tx| tx.activity_bytes(Some(acme))).unwrap();
        let goal = full - 100;
        assert_eq!(
            store.write_blocking(move |tx| tx.prune_activity_bodies(Some(acme), goal, 10)).unwrap(),
            1
        );
        assert_eq!(store.read_now(|tx| tx.activity_body(Some(acme), 1)).unwrap(), ActivityBody::default());
        assert!(store.read_now(|tx| tx.activity_body(Some(acme), 2)).unwrap().answer.is_some());
        let before = Timestamp(i64::MAX);
        assert_eq!(store.write_blocking(move |tx| tx.prune_activity(Some(acme), before, 2)).unwrap(), 2);
        assert_eq!(store.write_blocking(move |tx| tx.prune_activity(Some(acme), before, 2)).unwrap(), 1);
        assert_eq!(store.read_now(|tx| tx.activity_bytes(Some(acme))).unwrap(), 0);
    }
}

//! Activity: every provisioning request and what became of it. Bodies are kept compressed, in a table of their own.

use std::cell::RefCell;
use std::io::Read;
use std::ops::ControlFlow;

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};
use serde_json::Value;

use super::counts::NO_TEAM;
use super::{ReadTx, Result, StoreError, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;
use crate::scim::fold::fold;

/// One provisioning request. Secrets were removed before it came here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// `req_…`
    pub request: String,
    pub at: Timestamp,
    pub team: Option<TeamId>,
    pub token: Option<i64>,
    pub address: String,
    pub user_agent: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: u16,
    pub duration_us: u64,
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

/// What a list of requests is narrowed to; newest first.
#[derive(Clone, Debug, Default)]
pub struct ActivityQuery {
    pub which: Which,
    pub token: Option<i64>,
    pub status: Option<u16>,
    /// Part of the sentence, the subject's name, the path or the request id, in any case.
    pub text: Option<String>,
    /// The public id of the user or group it was about.
    pub subject: Option<String>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// Only what stands behind this row in the list: its time and number.
    pub before: Option<(Timestamp, i64)>,
    pub limit: u32,
}

/// What a row without bodies counts for.
const ROW_BYTES: usize = 300;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select n, at, team, token, request, address, user_agent, method, path, query, status, duration_us, ",
            "change, folded, subject, subject_kind, subject_name, sentence, cause, leniencies, dropped, diff, ",
            "first_event, last_event, note from activity ",
            $rest
        )
    };
}
pub(super) use select;

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
        duration_us: row.get(11)?,
        change: row.get(12)?,
        folded: row.get(13)?,
        subject,
        sentence: row.get(17)?,
        note: row.get(24)?,
        cause: row.get(18)?,
        leniencies: names(19)?,
        dropped: names(20)?,
        diff: diff.and_then(|text| serde_json::from_str(&text).ok()),
        events: row.get::<_, Option<u64>>(22)?.zip(row.get(23)?),
        request_body: None,
        answer_body: None,
    };
    Ok(ActivityRow { n: row.get(0)?, activity })
}

impl ReadTx<'_> {
    /// Requests of a team, or with `None` those that belong to no team, newest first.
    pub fn activity(&self, team: Option<TeamId>, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        let mut sql = select!("where team = ?").to_owned();
        let mut values = vec![Sql::from(team.unwrap_or(NO_TEAM).0)];
        let mut and = |condition: &str, given: Vec<Sql>| {
            sql.push_str(condition);
            values.extend(given);
        };
        match query.which {
            Which::All => {}
            Which::Changes => and(" and change = 1", vec![]),
            Which::Reads => and(" and change = 0", vec![]),
            Which::Errors => and(" and status >= 400", vec![]),
        }
        if let Some(token) = query.token {
            and(" and token = ?", vec![token.into()]);
        }
        if let Some(status) = query.status {
            and(" and status = ?", vec![i64::from(status).into()]);
        }
        if let Some(subject) = &query.subject {
            and(" and subject = ?", vec![subject.clone().into()]);
        }
        if let Some(from) = query.from {
            and(" and at >= ?", vec![from.0.into()]);
        }
        if let Some(to) = query.to {
            and(" and at < ?", vec![to.0.into()]);
        }
        if let Some((at, n)) = query.before {
            and(" and (at, n) < (?, ?)", vec![at.0.into(), n.into()]);
        }
        sql.push_str(" order by at desc, n desc");
        let wanted = query.text.as_deref().filter(|text| !text.is_empty()).map(fold);
        let (mut found, mut looked) = (Vec::new(), 0u32);
        self.each(&sql, params_from_iter(values), |row| {
            // A text is looked for here and not in SQL, whose `like` folds ASCII alone.
            let row = read(row)?;
            looked += 1;
            if looked.is_multiple_of(256) {
                self.in_time()?;
            }
            if wanted.as_deref().is_none_or(|wanted| mentions(&row.activity, wanted)) {
                found.push(row);
            }
            let enough = found.len() >= query.limit as usize;
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(found)
    }

    /// One request of a team by its public id.
    pub fn activity_by_request(&self, team: Option<TeamId>, request: &str) -> Result<Option<ActivityRow>> {
        self.one(
            select!("where request = ? and team = ? order by n desc limit 1"),
            params![request, team.unwrap_or(NO_TEAM)],
            read,
        )
    }

    /// The bodies of a request, where they are still kept.
    pub fn activity_body(&self, team: Option<TeamId>, n: i64) -> Result<ActivityBody> {
        let sql = "select request, answer from activity_body where activity = ? and team = ?";
        let found = self.one(sql, params![n, team.unwrap_or(NO_TEAM)], |row| {
            Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })?;
        let (request, answer) = found.unwrap_or_default();
        Ok(ActivityBody {
            request: request.map(inflate).transpose()?,
            answer: answer.map(inflate).transpose()?,
        })
    }

    /// How many bytes the rows and bodies of a team take.
    pub fn activity_bytes(&self, team: Option<TeamId>) -> Result<u64> {
        let sql = "select activity_bytes from total where team = ?";
        Ok(self.number(sql, [team.unwrap_or(NO_TEAM)])? as u64)
    }
}

impl WriteTx<'_> {
    /// Keeps a request and counts it in its hour; answers its number.
    pub fn insert_activity(&mut self, activity: &Activity) -> Result<i64> {
        let team = activity.team.unwrap_or(NO_TEAM);
        let request_body = activity.request_body.as_deref().map(deflate);
        let answer_body = activity.answer_body.as_deref().map(deflate);
        let length = |body: &Option<Vec<u8>>| body.as_ref().map_or(0, Vec::len);
        let row_bytes = ROW_BYTES + activity.path.len() + activity.query.len() + activity.sentence.len();
        let bytes = row_bytes + length(&request_body) + length(&answer_body);
        let n = self.insert_activity_row(team, activity, bytes)?;
        if request_body.is_some() || answer_body.is_some() {
            self.run(
                "insert into activity_body (activity, team, request, answer) values (?, ?, ?, ?)",
                params![n, team, request_body, answer_body],
            )?;
        }
        self.add_activity_bytes(team, bytes as i64)?;
        let error = activity.status >= 400;
        self.count_requests(team, activity.at, activity.change, error, activity.folded.max(1))?;
        Ok(n)
    }

    fn insert_activity_row(&mut self, team: TeamId, activity: &Activity, bytes: usize) -> Result<i64> {
        let subject = activity.subject.as_ref();
        self.insert(
            "insert into activity
             (at, team, token, request, address, user_agent, method, path, query, status, duration_us, change,
              folded, subject, subject_kind, subject_name, sentence, cause, leniencies, dropped, diff, first_event,
              last_event, note, bytes)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                activity.at,
                team,
                activity.token,
                activity.request,
                activity.address,
                activity.user_agent,
                activity.method,
                activity.path,
                activity.query,
                activity.status,
                activity.duration_us,
                activity.change,
                activity.folded.max(1),
                subject.map(|subject| &subject.id),
                subject.map(|subject| subject.kind),
                subject.map(|subject| &subject.name),
                activity.sentence,
                activity.cause,
                list(&activity.leniencies),
                list(&activity.dropped),
                activity.diff.as_ref().map(Value::to_string),
                activity.events.map(|(first, _)| first),
                activity.events.map(|(_, last)| last),
                activity.note,
                bytes as i64,
            ],
        )
    }

    /// Forgets requests earlier than `before`, oldest first, at most `limit`; answers how many.
    pub fn prune_activity(&mut self, team: Option<TeamId>, before: Timestamp, limit: u32) -> Result<u64> {
        let team = team.unwrap_or(NO_TEAM);
        let sql = "select n, bytes from activity where team = ? and at < ? order by at, n limit ?";
        let old = self.all(sql, params![team, before, limit], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        for (n, _) in &old {
            self.run("delete from activity_body where activity = ?", [n])?;
            self.run("delete from activity where n = ?", [n])?;
        }
        self.add_activity_bytes(team, -old.iter().map(|(_, bytes)| bytes).sum::<i64>())?;
        Ok(old.len() as u64)
    }

    /// Forgets bodies, oldest first and at most `limit`, while the team keeps more than `bytes`; answers how many.
    pub fn prune_activity_bodies(&mut self, team: Option<TeamId>, bytes: u64, limit: u32) -> Result<u64> {
        let mut gone = 0;
        while gone < u64::from(limit) && self.activity_bytes(team)? > bytes {
            let team = team.unwrap_or(NO_TEAM);
            let sql = "select activity, coalesce(length(request), 0) + coalesce(length(answer), 0)
                       from activity_body where team = ? order by activity limit 1";
            let oldest = self.one(sql, [team], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            let Some((n, length)) = oldest else {
                break;
            };
            self.run("delete from activity_body where activity = ?", [n])?;
            self.run("update activity set bytes = bytes - ? where n = ?", [length, n])?;
            self.add_activity_bytes(team, -length)?;
            gone += 1;
        }
        Ok(gone)
    }

    fn add_activity_bytes(&mut self, team: TeamId, by: i64) -> Result<()> {
        let sql = "update total set activity_bytes = activity_bytes + ? where team = ?";
        self.run(sql, params![by, team])?;
        Ok(())
    }
}

/// Whether the wanted text, folded, stands in what a list shows of a request.
fn mentions(activity: &Activity, wanted: &str) -> bool {
    let subject = activity.subject.as_ref().map_or("", |subject| &subject.name);
    [&activity.sentence, &activity.note, &activity.request, &activity.path, subject]
        .iter()
        .any(|text| fold(text).contains(wanted))
}

/// Names as JSON text; no text for no names.
fn list(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| serde_json::to_string(names).expect("a list of texts is JSON"))
}

fn deflate(body: &[u8]) -> Vec<u8> {
    thread_local! {
        // A compressor is some 300 KiB of tables: kept and reset, since making one costs more than the work itself.
        static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
    }
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        let mut out = Vec::with_capacity(body.len() / 2 + 64);
        loop {
            let read = compressor.total_in() as usize;
            let status = compressor.compress_vec(&body[read..], &mut out, FlushCompress::Finish);
            match status.expect("deflating needs no dictionary and knows no bad input") {
                Status::StreamEnd => return out,
                Status::Ok | Status::BufError => out.reserve(out.capacity()),
            }
        }
    })
}

fn inflate(body: Vec<u8>) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = DeflateDecoder::new(&body[..]).read_to_end(&mut plain);
    read.map_err(|error| StoreError::Corrupt(format!("a body of an activity row: {error}")))?;
    Ok(plain)
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
        assert_eq!(requests(&store, Some(acme), ActivityQuery { status: Some(409), ..query() }).len(), 2);
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
        let expected = Hour { hour: Timestamp(7_200_000), reads: 2 + 4312, changes: 2, errors: 2 };
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

    #[test]
    fn bodies_of_every_size_come_back() {
        for length in [0, 1, 100, 5_000, 70_000, 400_000] {
            // Text that hardly shrinks, then text that shrinks to nothing: both directions of a wrong guess at the room.
            let mixed: Vec<u8> =
                (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            assert_eq!(inflate(deflate(&mixed)).unwrap(), mixed, "{length}");
            let even = vec![b'a'; length];
            assert_eq!(inflate(deflate(&even)).unwrap(), even, "{length}");
        }
    }
}

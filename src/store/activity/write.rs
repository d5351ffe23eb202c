//! Keeping requests, with their words and bodies, and forgetting them: oldest first and in small steps.

use rusqlite::params;
use serde_json::Value;

use super::body::packed;
use super::{Activity, words};
use crate::base::{TeamId, Timestamp, Wire};
use crate::store::counts::NO_TEAM;
use crate::store::{Result, WriteTx};

/// What a row without bodies counts for.
const ROW_BYTES: usize = 300;

impl WriteTx<'_> {
    /// Keeps a request and counts it in its hour; answers its number.
    pub fn insert_activity(&mut self, activity: &Activity) -> Result<i64> {
        let team = activity.team.unwrap_or(NO_TEAM);
        let request_body = activity.request_body.as_deref().map(packed);
        let answer_body = activity.answer_body.as_deref().map(packed);
        let length = |body: &Option<Vec<u8>>| body.as_ref().map_or(0, Vec::len);
        let diff = activity.diff.as_ref().map(Value::to_string);
        let texts =
            [&activity.path, &activity.query, &activity.user_agent, &activity.sentence, &activity.note];
        let row_bytes = ROW_BYTES
            + texts.into_iter().chain(&activity.dropped).map(String::len).sum::<usize>()
            + diff.as_ref().map_or(0, String::len);
        let bytes = row_bytes + length(&request_body) + length(&answer_body);
        let n = self.insert_activity_row(team, activity, diff.as_deref(), bytes)?;
        if request_body.is_some() || answer_body.is_some() {
            self.run(
                "insert into activity_body (activity, team, request, answer) values (?, ?, ?, ?)",
                params![n, team, request_body, answer_body],
            )?;
        }
        if let Some(began) = activity.began {
            self.answered_after_commit(n, began);
        }
        let words = words::of(team, activity);
        // Behind all jobs of the batch: the index flushes what it gathered at every savepoint.
        self.at_end(move |tx| {
            // Not in one statement: one that could write several rows is a savepoint, too.
            if tx.one("select n from activity where n = ?", [n], |_| Ok(()))?.is_some() {
                tx.run("insert into activity_text (rowid, words) values (?, ?)", params![n, words])?;
            }
            Ok(())
        });
        self.add_activity_bytes(team, bytes as i64)?;
        if let Some(token) = activity.token {
            self.count_leniencies(team, token, &activity.leniencies, activity.at)?;
        }
        let error = activity.status >= 400;
        self.count_requests(
            team,
            activity.at,
            activity.change,
            error,
            activity.tally.filter(|_| !error),
            activity.folded.max(1),
        )?;
        Ok(n)
    }

    fn insert_activity_row(
        &mut self,
        team: TeamId,
        activity: &Activity,
        diff: Option<&str>,
        bytes: usize,
    ) -> Result<i64> {
        let subject = activity.subject.as_ref();
        self.insert(
            "insert into activity
             (at, team, token, request, address, user_agent, method, path, query, status, duration_us, change,
              folded, subject, subject_kind, subject_name, sentence, cause, leniencies, dropped, diff, first_event,
              last_event, note, who, wire, checked_us, bytes)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                diff,
                activity.events.map(|(first, _)| first),
                activity.events.map(|(_, last)| last),
                activity.note,
                activity.who,
                activity.wire.map(Wire::code),
                activity.checked_us,
                bytes as i64,
            ],
        )
    }

    /// Keeps how long requests took until their commits were on disk.
    pub(in crate::store) fn keep_durations(&mut self, requests: &[(i64, u64)]) -> Result<()> {
        let rows = requests.iter().map(|(n, us)| (*us as i64, *n));
        self.run_each("update activity set duration_us = ? where n = ?", rows)?;
        Ok(())
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
            self.run("delete from activity_text where rowid = ?", [n])?;
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

/// Names as JSON text; no text for no names.
fn list(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| serde_json::to_string(names).expect("a list of texts is JSON"))
}

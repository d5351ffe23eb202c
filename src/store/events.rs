//! Events: what changed, numbered 1, 2, 3 … within the team without a gap, written with the change itself.

use rusqlite::params;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// Who makes an event: the request, where one does, and its token.
#[derive(Clone, Copy, Debug, Default)]
pub struct By<'a> {
    /// `req_…`, or empty.
    pub request: &'a str,
    pub token: Option<i64>,
    /// The administrator, where one does.
    pub who: Option<&'a str>,
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub number: u64,
    /// `evt_…`
    pub id: String,
    pub at: Timestamp,
    /// `user.created`, `membership.added` …
    pub name: String,
    pub kind: Kind,
    /// The public id of the resource it tells of.
    pub resource: String,
    pub body: Value,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("select number, id, at, name, kind, resource, body from event ", $rest)
    };
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        number: row.get(0)?,
        id: row.get(1)?,
        at: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        resource: row.get(5)?,
        body: json(row, 6)?,
    })
}

/// A column that holds JSON text.
pub(super) fn json<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    let wrong = |error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    };
    serde_json::from_str(text).map_err(wrong)
}

impl ReadTx<'_> {
    /// The number of the team's last event; 0 before the first.
    pub fn last_event(&self, team: TeamId) -> Result<u64> {
        Ok(self.number("select events from total where team = ?", [team])? as u64)
    }

    /// Events after a number, at most `limit`, in order.
    pub fn events_after(&self, team: TeamId, number: u64, limit: u32) -> Result<Vec<Event>> {
        let sql = select!("where team = ? and number > ? order by number limit ?");
        self.all(sql, params![team, number, limit], read)
    }
}

impl WriteTx<'_> {
    /// Appends an event; answers its number.
    pub fn append_event(
        &mut self,
        team: TeamId,
        by: By<'_>,
        name: &str,
        kind: Kind,
        resource: &str,
        body: &Value,
    ) -> Result<u64> {
        // In two statements: one with `returning` is a savepoint of its own.
        self.run("update total set events = events + 1 where team = ?", [team])?;
        let number = self.last_event(team)?;
        let (now, id) = (self.now(), self.ids().event());
        self.run(
            "insert into event (team, number, id, at, name, kind, resource, body, request, token, who)
             values (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?, ?)",
            params![
                team,
                number,
                id,
                now,
                name,
                kind,
                resource,
                body.to_string(),
                by.request,
                by.token,
                by.who
            ],
        )?;
        Ok(number)
    }

    /// Forgets events older than `before`, at most `limit` of them, never the last; answers how many.
    pub fn prune_events(&mut self, team: TeamId, before: Timestamp, limit: u32) -> Result<u64> {
        // Only a beginning goes, so that the numbers that stay have no gap among them.
        let last = self.number(
            "select max(number) from (select number, at from event
             where team = ?1 and number < (select events from total where team = ?1) order by number limit ?3)
             where at < ?2",
            params![team, before, limit],
        )?;
        let gone = self.run("delete from event where team = ? and number <= ?", params![team, last])?;
        if gone > 0 {
            self.run("update total set forgotten = ? where team = ?", params![last, team])?;
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::Timestamp;
    use crate::store::StoreError;
    use crate::store::testing::{store, team};

    fn append(tx: &mut WriteTx, team: TeamId, name: &str) -> Result<u64> {
        tx.append_event(team, By::default(), name, Kind::User, "u1", &json!({ "name": name }))
    }

    #[test]
    fn numbers_have_no_gap_even_when_a_job_fails() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        store.write_blocking(move |tx| append(tx, acme, "user.created")).unwrap();
        let failed: Result<u64> = store.write_blocking(move |tx| {
            append(tx, acme, "user.updated")?;
            Err(StoreError::Busy)
        });
        assert!(failed.is_err());
        assert_eq!(store.write_blocking(move |tx| append(tx, acme, "user.deleted")).unwrap(), 2);
        assert_eq!(store.write_blocking(move |tx| append(tx, other, "user.created")).unwrap(), 1);
        let events = store.read_now(|tx| tx.events_after(acme, 0, 10)).unwrap();
        assert_eq!(
            events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(),
            ["user.created", "user.deleted"]
        );
        assert_eq!(events[1].body, json!({ "name": "user.deleted" }));
    }

    #[test]
    fn pruning_takes_a_beginning_and_never_the_last() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        for _ in 0..4 {
            store.write_blocking(move |tx| append(tx, acme, "user.updated")).unwrap();
        }
        clock.advance(std::time::Duration::from_secs(60));
        let now = clock.now();
        assert_eq!(store.write_blocking(move |tx| tx.prune_events(acme, Timestamp(0), 100)).unwrap(), 0);
        assert_eq!(store.write_blocking(move |tx| tx.prune_events(acme, now, 2)).unwrap(), 2);
        assert_eq!(store.write_blocking(move |tx| tx.prune_events(acme, now, 100)).unwrap(), 1);
        let left = store.read_now(|tx| tx.events_after(acme, 0, 10)).unwrap();
        assert_eq!(left.iter().map(|event| event.number).collect::<Vec<_>>(), [4]);
        assert_eq!(store.read_now(|tx| tx.last_event(acme)).unwrap(), 4);
    }
}

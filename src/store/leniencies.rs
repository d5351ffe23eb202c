//! How often each token's requests needed each leniency: raised with the request's own row, and kept when that is forgotten.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};

/// A leniency as one token used it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lenient {
    pub token: i64,
    /// Its name in `scim::lenient`.
    pub name: String,
    pub requests: u64,
    pub last: Timestamp,
}

impl ReadTx<'_> {
    /// Every leniency that tokens of the team used, most used first within each token.
    pub fn leniencies(&self, team: TeamId) -> Result<Vec<Lenient>> {
        let sql = "select token, name, requests, last from leniency where team = ?
                   order by token, requests desc, name";
        self.all(sql, [team], |row| {
            Ok(Lenient { token: row.get(0)?, name: row.get(1)?, requests: row.get(2)?, last: row.get(3)? })
        })
    }
}

impl WriteTx<'_> {
    /// Counts a request of the token under each of these names.
    pub(super) fn count_leniencies(
        &mut self,
        team: TeamId,
        token: i64,
        names: &[String],
        at: Timestamp,
    ) -> Result<()> {
        for name in names {
            self.run(
                "insert into leniency (team, token, name, requests, last) values (?, ?, ?, 1, ?)
                 on conflict do update set requests = requests + 1, last = max(last, excluded.last)",
                params![team, token, name, at],
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::Activity;
    use crate::store::testing::{store, team};

    #[test]
    fn each_request_counts_for_its_token_and_outlives_its_row() {
        let (store, clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let sent = |token, names: &[&str]| {
            let leniencies = names.iter().map(|name| (*name).to_owned()).collect();
            let at = clock.now();
            let activity =
                Activity { at, team: Some(acme), token, leniencies, folded: 1, ..Activity::default() };
            store.write_blocking(move |tx| tx.insert_activity(&activity)).unwrap();
        };
        sent(Some(1), &["text-boolean", "dotted-key"]);
        clock.advance(Duration::from_secs(5));
        sent(Some(1), &["text-boolean"]);
        sent(Some(2), &["text-boolean"]);
        sent(None, &["double-slash"]);
        sent(Some(2), &[]);
        let found = store.read_now(|tx| tx.leniencies(acme)).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.token, one.name.as_str(), one.requests)).collect();
        assert_eq!(told, [(1, "text-boolean", 2), (1, "dotted-key", 1), (2, "text-boolean", 1)]);
        assert_eq!(found[0].last, clock.now());
        assert_eq!(store.read_now(|tx| tx.leniencies(other)).unwrap(), []);
        store.write_blocking(move |tx| tx.prune_activity(Some(acme), Timestamp(i64::MAX), 10)).unwrap();
        assert_eq!(store.read_now(|tx| tx.leniencies(acme)).unwrap(), found);
    }
}

//! What each team's provider did for the first time: kept for good, while the requests that showed it are forgotten. What
//! counts as a milestone is `service`'s business.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::params;

use super::resources::{self, select_resource};
use super::{ReadTx, Result, Row, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// Something that was seen for the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Milestone {
    pub name: String,
    pub at: Timestamp,
    /// The id of whom it was about.
    pub subject: Option<String>,
    pub address: String,
    /// The request in a few words.
    pub what: String,
}

/// Which milestones of which team are in the file for certain, a bit for each: to note one again costs nothing.
#[derive(Debug, Default)]
pub struct Noted(Mutex<HashMap<TeamId, u32>>);

impl Noted {
    fn has(&self, team: TeamId, bit: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&team).is_some_and(|bits| bits & bit != 0)
    }

    fn add(&self, team: TeamId, bit: u32) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(team).or_default() |= bit;
    }

    fn forget(&self, team: TeamId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&team);
    }
}

impl ReadTx<'_> {
    /// A team's milestones.
    pub fn milestones(&self, team: TeamId) -> Result<Vec<Milestone>> {
        let sql = "select name, at, subject, address, what from milestone where team = ? order by at, name";
        self.all(sql, [team], |row| {
            Ok(Milestone {
                name: row.get(0)?,
                at: row.get(1)?,
                subject: row.get(2)?,
                address: row.get(3)?,
                what: row.get(4)?,
            })
        })
    }

    /// The users or groups that were made first, at most `limit`.
    pub fn oldest(&self, team: TeamId, kind: Kind, limit: u32) -> Result<Vec<Row>> {
        let sql = select_resource!("where team = ? and kind = ? order by created limit ?");
        self.all(sql, params![team, kind, limit], resources::read)
    }
}

impl WriteTx<'_> {
    /// Notes a milestone unless it is there; `bit` is the one of its name.
    pub fn note_milestone(
        &mut self,
        team: TeamId,
        bit: u32,
        milestone: impl FnOnce() -> Milestone,
    ) -> Result<()> {
        if self.noted().has(team, bit) {
            return Ok(());
        }
        let new = milestone();
        let added = self.run(
            "insert or ignore into milestone (team, name, at, subject, address, what) values (?, ?, ?, ?, ?, ?)",
            params![team, new.name, new.at, new.subject, new.address, new.what],
        )?;
        // One that this very transaction added may still be undone.
        if added == 0 {
            self.noted().add(team, bit);
        }
        Ok(())
    }

    /// Notes a milestone in the place of what is known by its name.
    pub fn replace_milestone(&mut self, team: TeamId, new: &Milestone) -> Result<()> {
        self.run(
            "insert or replace into milestone (team, name, at, subject, address, what) values (?, ?, ?, ?, ?, ?)",
            params![team, new.name, new.at, new.subject, new.address, new.what],
        )?;
        Ok(())
    }

    /// Forgets a milestone, so that the next of its name is noted.
    pub fn forget_milestone(&mut self, team: TeamId, name: &str) -> Result<()> {
        self.run("delete from milestone where team = ? and name = ?", params![team, name])?;
        self.noted().forget(team);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{store, team};
    use crate::store::{Store, StoreError};

    fn note(store: &Store, team: TeamId, name: &'static str, at: i64) {
        let new = move || Milestone { name: name.into(), at: Timestamp(at), ..Milestone::default() };
        store.write_blocking(move |tx| tx.note_milestone(team, 1, new)).unwrap();
    }

    fn kept(store: &Store, team: TeamId) -> Vec<(String, i64)> {
        let all = store.read_now(|tx| tx.milestones(team)).unwrap();
        all.into_iter().map(|one| (one.name, one.at.0)).collect()
    }

    #[test]
    fn the_first_of_a_name_stays_and_each_team_has_its_own() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        for at in [5, 6, 7] {
            note(&store, acme, "first", at);
        }
        assert_eq!((kept(&store, acme), kept(&store, other)), (vec![("first".into(), 5)], vec![]));
        store.write_blocking(move |tx| tx.forget_milestone(acme, "first")).unwrap();
        note(&store, acme, "first", 8);
        assert_eq!(kept(&store, acme), [("first".to_owned(), 8)], "the next is noted");
    }

    #[test]
    fn what_was_undone_is_noted_again() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let undone = store.write_blocking(move |tx| -> Result<()> {
            let new = || Milestone { name: "first".into(), ..Milestone::default() };
            tx.note_milestone(acme, 1, new)?;
            Err(StoreError::TooExpensive)
        });
        assert!(undone.is_err());
        note(&store, acme, "first", 9);
        assert_eq!(kept(&store, acme), [("first".to_owned(), 9)]);
    }
}

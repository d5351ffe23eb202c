//! Teams: the directories that share one file and nothing else.

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};

/// A directory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The internal number.
    pub id: TeamId,
    /// The name in addresses, made from the first name and never given to another team.
    pub slug: String,
    /// The name that people see.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was removed; its tokens stopped then.
    pub removed: Option<Timestamp>,
}

impl ReadTx<'_> {
    /// The teams that were not removed, in the order they were made.
    pub fn teams(&self) -> Result<Vec<Team>> {
        todo!()
    }

    /// A team by its number, removed ones too.
    pub fn team(&self, _team: TeamId) -> Result<Option<Team>> {
        todo!()
    }

    /// A living team by its slug.
    pub fn team_by_slug(&self, _slug: &str) -> Result<Option<Team>> {
        todo!()
    }

    /// A living team by its name, in any case.
    pub fn team_by_name(&self, _name: &str) -> Result<Option<Team>> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Makes a team. `Taken { attribute: "name" }` when a living team has the name in any case.
    pub fn insert_team(&mut self, _name: &str) -> Result<Team> {
        todo!()
    }

    /// Renames a living team, keeping its slug; false when there is none. `Taken` as above.
    pub fn rename_team(&mut self, _team: TeamId, _name: &str) -> Result<bool> {
        todo!()
    }

    /// Marks a team as removed; false when it was already. Its tokens are no longer found by hash.
    pub fn remove_team(&mut self, _team: TeamId) -> Result<bool> {
        todo!()
    }
}

//! Counts that are kept as rows and raised in the transaction of the change: totals, hours and days.

use super::{ReadTx, Result};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// How many there are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub users: u64,
    /// Users that are not inactive.
    pub active: u64,
    pub groups: u64,
}

/// Requests within an hour of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Its beginning.
    pub hour: Timestamp,
    pub reads: u64,
    pub changes: u64,
    pub errors: u64,
}

/// Totals at the end of a day of UTC on which they changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Its beginning.
    pub day: Timestamp,
    pub totals: Totals,
}

impl ReadTx<'_> {
    /// How many resources of the kind there are.
    pub fn total(&self, _team: TeamId, _kind: Kind) -> Result<u64> {
        todo!()
    }

    /// All totals of a team.
    pub fn totals(&self, _team: TeamId) -> Result<Totals> {
        todo!()
    }

    /// The hours from `from` to before `to` that had requests.
    pub fn hours(&self, _team: Option<TeamId>, _from: Timestamp, _to: Timestamp) -> Result<Vec<Hour>> {
        todo!()
    }

    /// The days from `from` to before `to` on which totals changed.
    pub fn days(&self, _team: TeamId, _from: Timestamp, _to: Timestamp) -> Result<Vec<Day>> {
        todo!()
    }
}

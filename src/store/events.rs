//! Events: what changed, numbered 1, 2, 3 … within the team without a gap, written with the change itself.

use serde_json::Value;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

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

impl ReadTx<'_> {
    /// The number of the team's last event; 0 before the first.
    pub fn last_event(&self, _team: TeamId) -> Result<u64> {
        todo!()
    }

    /// Events after a number, at most `limit`, in order.
    pub fn events_after(&self, _team: TeamId, _number: u64, _limit: u32) -> Result<Vec<Event>> {
        todo!()
    }

    /// Events of one resource, latest first, from below `before` on.
    pub fn events_of(
        &self,
        _team: TeamId,
        _resource: &str,
        _before: Option<u64>,
        _limit: u32,
    ) -> Result<Vec<Event>> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Appends an event; answers its number.
    pub fn append_event(
        &mut self,
        _team: TeamId,
        _name: &str,
        _kind: Kind,
        _resource: &str,
        _body: &Value,
    ) -> Result<u64> {
        todo!()
    }

    /// Forgets events older than `before`, at most `limit` of them, never the last; answers how many.
    pub fn prune_events(&mut self, _team: TeamId, _before: Timestamp, _limit: u32) -> Result<u64> {
        todo!()
    }
}

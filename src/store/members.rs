//! Membership: one row per edge, read from both sides, and the closure `above` that says which groups hold a group.

use super::{ReadTx, Result, Row, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// A group that a resource is in, as `groups` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    pub id: String,
    pub display: String,
    /// False when the membership comes from a group within the group.
    pub direct: bool,
}

/// A member of a group, as `members` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRef {
    pub id: String,
    pub kind: Kind,
    pub display: String,
}

/// A resource found by its public id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub n: i64,
    pub id: String,
    pub kind: Kind,
    pub display: String,
}

/// A membership that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMember {
    pub group: String,
    pub member: String,
    pub since: Timestamp,
    pub until: Timestamp,
    /// The events that began and ended it.
    pub events: (u64, u64),
}

impl ReadTx<'_> {
    /// Members of a group in the order of their numbers, from the first after `after` on, at most `limit`. With their numbers.
    pub fn members(
        &self,
        _team: TeamId,
        _group: i64,
        _after: Option<i64>,
        _limit: u32,
    ) -> Result<Vec<(i64, MemberRef)>> {
        todo!()
    }

    /// How many members a group has.
    pub fn member_count(&self, _team: TeamId, _group: i64) -> Result<u64> {
        todo!()
    }

    /// Since when a resource is a direct member of a group.
    pub fn member_since(&self, _team: TeamId, _group: i64, _member: i64) -> Result<Option<Timestamp>> {
        todo!()
    }

    /// Whether a resource is a direct member of a group.
    pub fn is_member(&self, _team: TeamId, _group: i64, _member: i64) -> Result<bool> {
        todo!()
    }

    /// The groups that a resource is in: direct ones first, then those it is in through them.
    pub fn groups_of(&self, _team: TeamId, _n: i64) -> Result<Vec<GroupRef>> {
        todo!()
    }

    /// Those of the public ids that live here, in the order asked, each once.
    pub fn find_members(&self, _team: TeamId, _ids: &[String]) -> Result<Vec<Known>> {
        todo!()
    }

    /// The memberships of a resource that ended, latest first.
    pub fn past_groups(&self, _team: TeamId, _id: &str, _limit: u32) -> Result<Vec<PastMember>> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Adds members by their numbers; answers those that were not members before. The group's version stays (`bump_resource`).
    /// `Loop` or `TooDeep` when groups would contain themselves or nest too deep.
    pub fn add_members(&mut self, _team: TeamId, _group: &Row, _members: &[i64]) -> Result<Vec<i64>> {
        todo!()
    }

    /// Removes members by their numbers; answers those that really were members.
    pub fn remove_members(&mut self, _team: TeamId, _group: &Row, _members: &[i64]) -> Result<Vec<i64>> {
        todo!()
    }

    /// Removes every member; answers how many there were.
    pub fn remove_all_members(&mut self, _team: TeamId, _group: &Row) -> Result<u64> {
        todo!()
    }
}

//! The documents of users and groups, and the tombstones of those that were deleted.

use super::members::MemberRef;
use super::{IndexValue, ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::{Document, Kind};

/// A user or group as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The internal number, by which tables are joined and lists are ordered.
    pub n: i64,
    /// The public id.
    pub id: String,
    /// User or Group.
    pub kind: Kind,
    /// Counts up by one with each change.
    pub version: u64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub modified: Timestamp,
    /// The document as JSON text.
    pub doc: String,
    /// The source that made or adopted it.
    pub source: String,
    /// The token that last wrote it.
    pub token: i64,
    /// The name to show.
    pub display: String,
    /// False for a user whose `active` is false.
    pub active: bool,
    /// How many members a group has.
    pub members: u64,
}

/// What deleting a resource took along.
#[derive(Clone, Debug, Default)]
pub struct Deleted {
    /// The groups that lost it as a member, already at their next version.
    pub groups: Vec<Row>,
    /// The members that a deleted group had, at most the first 1,000 of them.
    pub members: Vec<MemberRef>,
    /// How many members it had.
    pub member_count: u64,
}

/// What is remembered of a deleted resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub id: String,
    pub kind: Kind,
    pub source: String,
    pub external_id: Option<String>,
    /// `userName` of a user, `displayName` of a group.
    pub name: String,
    pub display: String,
    pub created: Timestamp,
    pub deleted: Timestamp,
    /// The token that deleted it; `None` for an administrator.
    pub token: Option<i64>,
    /// The version it had.
    pub version: u64,
}

impl ReadTx<'_> {
    /// The resource of that kind and id.
    pub fn resource(&self, _team: TeamId, _kind: Kind, _id: &str) -> Result<Option<Row>> {
        todo!()
    }

    /// The resource of that id, of either kind.
    pub fn resource_any(&self, _team: TeamId, _id: &str) -> Result<Option<Row>> {
        todo!()
    }

    /// The resource of that internal number.
    pub fn resource_by_n(&self, _team: TeamId, _n: i64) -> Result<Option<Row>> {
        todo!()
    }

    /// The first resource of the kind that has the value, folded as `index::values` folds it, at an indexed path.
    pub fn resource_by_value(
        &self,
        _team: TeamId,
        _kind: Kind,
        _path: &str,
        _folded: &str,
    ) -> Result<Option<Row>> {
        todo!()
    }

    /// All resources of the kind that have the value at an indexed path, oldest first, at most `limit`.
    pub fn resources_by_value(
        &self,
        _team: TeamId,
        _kind: Kind,
        _path: &str,
        _folded: &str,
        _limit: u32,
    ) -> Result<Vec<Row>> {
        todo!()
    }

    /// What is remembered of the last resource with that id that was deleted.
    pub fn tombstone(&self, _team: TeamId, _id: &str) -> Result<Option<Tombstone>> {
        todo!()
    }

    /// Tombstones of users of a source with that `externalId`, newest first.
    pub fn tombstones_by_external_id(
        &self,
        _team: TeamId,
        _source: &str,
        _external_id: &str,
    ) -> Result<Vec<Tombstone>> {
        todo!()
    }

    /// Whether a resource with that id lives here or did once.
    pub fn was_here(&self, _team: TeamId, _id: &str) -> Result<bool> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Keeps a new resource at version 1. `Taken` when a value marked unique is in use by another of its kind.
    #[allow(clippy::too_many_arguments)]
    pub fn insert_resource(
        &mut self,
        _team: TeamId,
        _kind: Kind,
        _id: String,
        _document: &Document,
        _source: &str,
        _token: i64,
        _values: &[IndexValue],
    ) -> Result<Row> {
        todo!()
    }

    /// Replaces the document: version + 1, modified now, index rows touched only where they differ. `Taken` as above.
    pub fn update_resource(
        &mut self,
        _team: TeamId,
        _row: &Row,
        _document: &Document,
        _token: i64,
        _values: &[IndexValue],
    ) -> Result<Row> {
        todo!()
    }

    /// The membership changed: version + 1, modified now, the document as it is. Counts as they are now.
    pub fn bump_resource(&mut self, _team: TeamId, _row: &Row, _token: i64) -> Result<Row> {
        todo!()
    }

    /// Gives the resource to another source: the one that adopts it.
    pub fn set_resource_source(&mut self, _team: TeamId, _row: &Row, _source: &str) -> Result<()> {
        todo!()
    }

    /// Deletes a resource: its edges end, its groups go up by one version, a tombstone stays.
    pub fn delete_resource(&mut self, _team: TeamId, _row: &Row, _token: Option<i64>) -> Result<Deleted> {
        todo!()
    }
}

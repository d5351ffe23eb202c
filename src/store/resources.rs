//! The documents of users and groups, and the tombstones of those that were deleted.

use rusqlite::params;

use super::members::MemberRef;
use super::{IndexValue, ReadTx, Result, StoreError, WriteTx, index};
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

/// Members that `Deleted` names at most.
const NAMED: u32 = 1000;

/// The columns that `read` expects, of a table named `resource`, and the rest of the statement.
macro_rules! select_resource {
    ($rest:literal) => {
        concat!(
            "select resource.n, resource.id, resource.kind, resource.version, resource.created, resource.modified, ",
            "resource.doc, resource.source, resource.token, resource.display, resource.active, resource.members ",
            "from resource ",
            $rest
        )
    };
}
pub(super) use select_resource;

/// Reads a resource from the columns of `select_resource!`.
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        n: row.get(0)?,
        id: row.get(1)?,
        kind: row.get(2)?,
        version: row.get(3)?,
        created: row.get(4)?,
        modified: row.get(5)?,
        doc: row.get(6)?,
        source: row.get(7)?,
        token: row.get(8)?,
        display: row.get(9)?,
        active: row.get::<_, Option<bool>>(10)?.unwrap_or(true),
        members: row.get(11)?,
    })
}

macro_rules! select_tombstone {
    ($rest:literal) => {
        concat!(
            "select id, kind, source, external_id, name, display, created, deleted, token, version from tombstone ",
            $rest
        )
    };
}

fn read_tombstone(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tombstone> {
    Ok(Tombstone {
        id: row.get(0)?,
        kind: row.get(1)?,
        source: row.get(2)?,
        external_id: row.get(3)?,
        name: row.get(4)?,
        display: row.get(5)?,
        created: row.get(6)?,
        deleted: row.get(7)?,
        token: row.get(8)?,
        version: row.get(9)?,
    })
}

impl ReadTx<'_> {
    /// The resource of that kind and id.
    pub fn resource(&self, team: TeamId, kind: Kind, id: &str) -> Result<Option<Row>> {
        Ok(self.resource_any(team, id)?.filter(|row| row.kind == kind))
    }

    /// The resource of that id, of either kind.
    pub fn resource_any(&self, team: TeamId, id: &str) -> Result<Option<Row>> {
        self.one(select_resource!("where team = ? and id = ?"), params![team, id], read)
    }

    /// The resource of that internal number.
    pub fn resource_by_n(&self, team: TeamId, n: i64) -> Result<Option<Row>> {
        self.one(select_resource!("where n = ? and team = ?"), params![n, team], read)
    }

    /// The first resource of the kind that has the value, folded as `index::values` folds it, at an indexed path.
    pub fn resource_by_value(
        &self,
        team: TeamId,
        kind: Kind,
        path: &str,
        folded: &str,
    ) -> Result<Option<Row>> {
        Ok(self.resources_by_value(team, kind, path, folded, 1)?.pop())
    }

    /// All resources of the kind that have the value at an indexed path, oldest first, at most `limit`.
    pub fn resources_by_value(
        &self,
        team: TeamId,
        kind: Kind,
        path: &str,
        folded: &str,
        limit: u32,
    ) -> Result<Vec<Row>> {
        let Some(path) = self.path_number(path)? else {
            return Ok(Vec::new());
        };
        self.all(
            select_resource!(
                "join attribute on attribute.resource = resource.n
                 where attribute.team = ? and attribute.kind = ? and path = ? and value = ?
                 order by attribute.resource limit ?"
            ),
            params![team, kind, path, folded, limit],
            read,
        )
    }

    /// What is remembered of the last resource with that id that was deleted.
    pub fn tombstone(&self, team: TeamId, id: &str) -> Result<Option<Tombstone>> {
        let sql = select_tombstone!("where team = ? and id = ? order by n desc limit 1");
        self.one(sql, params![team, id], read_tombstone)
    }

    /// Tombstones of users of a source with that `externalId`, newest first.
    pub fn tombstones_by_external_id(
        &self,
        team: TeamId,
        source: &str,
        external_id: &str,
    ) -> Result<Vec<Tombstone>> {
        self.all(
            select_tombstone!(
                "where team = ? and source = ? and external_id = ? and kind = 1 order by deleted desc, n desc"
            ),
            params![team, source, external_id],
            read_tombstone,
        )
    }

    /// Whether a resource with that id lives here or did once.
    pub fn was_here(&self, team: TeamId, id: &str) -> Result<bool> {
        let sql = "select exists (select 1 from resource where team = ?1 and id = ?2)
                   or exists (select 1 from tombstone where team = ?1 and id = ?2)";
        Ok(self.number(sql, params![team, id])? != 0)
    }
}

impl WriteTx<'_> {
    /// Keeps a new resource at version 1. `Taken` when a value marked unique is in use by another of its kind.
    #[allow(clippy::too_many_arguments)]
    pub fn insert_resource(
        &mut self,
        team: TeamId,
        kind: Kind,
        id: String,
        document: &Document,
        source: &str,
        token: i64,
        values: &[IndexValue],
    ) -> Result<Row> {
        self.values_are_free(team, kind, None, values)?;
        let (now, assigned) = (self.now(), assigned_active(kind, document));
        let active = assigned.unwrap_or(true);
        let (doc, display) = (to_text(document), index::display(kind, document));
        let n = self.insert(
            "insert into resource
             (team, kind, id, version, created, modified, active, source, token, display, doc)
             values (?1, ?2, ?3, 1, ?4, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![team, kind, id, now, assigned, source, token, display, doc],
        )?;
        self.insert_values(team, kind, n, values)?;
        if kind == Kind::User && active {
            self.run("update total set active = active + 1 where team = ?", [team])?;
        }
        self.count_resource(team, kind, n, 1)?;
        let (source, version, members) = (source.to_owned(), 1, 0);
        Ok(Row {
            n,
            id,
            kind,
            version,
            created: now,
            modified: now,
            doc,
            source,
            token,
            display,
            active,
            members,
        })
    }

    /// Replaces the document: version + 1, modified now, index rows touched only where they differ. `Taken` as above.
    pub fn update_resource(
        &mut self,
        team: TeamId,
        row: &Row,
        document: &Document,
        token: i64,
        values: &[IndexValue],
    ) -> Result<Row> {
        self.values_are_free(team, row.kind, Some(row.n), values)?;
        let (now, assigned) = (self.now(), assigned_active(row.kind, document));
        let active = assigned.unwrap_or(true);
        let (doc, display) = (to_text(document), index::display(row.kind, document));
        self.run(
            "update resource set version = version + 1, modified = ?, active = ?, token = ?, display = ?, doc = ?
             where n = ?",
            params![now, assigned, token, display, doc, row.n],
        )?;
        self.replace_values(team, row.kind, row.n, values)?;
        if row.kind == Kind::User && active != row.active {
            self.count_active(team, if active { 1 } else { -1 })?;
        }
        if display != row.display {
            self.run("update member set display = ? where member = ?", params![display, row.n])?;
        }
        self.reread(team, row)
    }

    /// The membership changed: version + 1, modified now, the document as it is. Counts as they are now.
    pub fn bump_resource(&mut self, team: TeamId, row: &Row, token: i64) -> Result<Row> {
        let now = self.now();
        self.run(
            "update resource set version = version + 1, modified = ?, token = ? where n = ?",
            params![now, token, row.n],
        )?;
        self.reread(team, row)
    }

    /// Gives the resource to another source: the one that adopts it.
    pub fn set_resource_source(&mut self, _team: TeamId, row: &Row, source: &str) -> Result<()> {
        self.run("update resource set source = ? where n = ?", params![source, row.n])?;
        Ok(())
    }

    /// Deletes a resource: its edges end, its groups go up by one version, a tombstone stays.
    pub fn delete_resource(&mut self, team: TeamId, row: &Row, token: Option<i64>) -> Result<Deleted> {
        let mut deleted = Deleted::default();
        if row.kind == Kind::Group {
            let members = self.members(team, row.n, None, NAMED)?;
            deleted.members = members.into_iter().map(|(_, member)| member).collect();
            deleted.member_count = self.remove_all_members(team, row)?;
        }
        for n in self.all("select holder from member where member = ?", [row.n], |row| row.get(0))? {
            let Some(group) = self.resource_by_n(team, n)? else {
                continue;
            };
            self.remove_members(team, &group, &[row.n])?;
            deleted.groups.push(self.bump_resource(team, &group, token.unwrap_or(0))?);
        }
        self.bury(team, row, token)?;
        self.run("delete from attribute where resource = ?", [row.n])?;
        self.run("delete from resource where n = ?", [row.n])?;
        if row.kind == Kind::User && row.active {
            self.run("update total set active = active - 1 where team = ?", [team])?;
        }
        self.count_resource(team, row.kind, row.n, -1)?;
        Ok(deleted)
    }

    fn bury(&mut self, team: TeamId, row: &Row, token: Option<i64>) -> Result<()> {
        let document: Document = serde_json::from_str(&row.doc)
            .map_err(|error| StoreError::Corrupt(format!("the document of {}: {error}", row.id)))?;
        let text = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
        let name = match row.kind {
            Kind::User => text("userName"),
            Kind::Group => text("displayName"),
        };
        let external_id = text("externalId").filter(|id| !id.is_empty());
        let now = self.now();
        self.run(
            "insert into tombstone
             (n, team, kind, id, source, external_id, name, display, version, created, deleted, token)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                row.n,
                team,
                row.kind,
                row.id,
                row.source,
                external_id,
                name.unwrap_or_default(),
                row.display,
                row.version,
                row.created,
                now,
                token,
            ],
        )?;
        Ok(())
    }

    fn reread(&self, team: TeamId, row: &Row) -> Result<Row> {
        self.resource_by_n(team, row.n)?
            .ok_or_else(|| StoreError::Corrupt(format!("resource {} was changed and is not there", row.id)))
    }
}

/// A user's `active` as far as it is assigned; a user without it counts as active (RFC 7643 §4.1.1).
fn assigned_active(kind: Kind, document: &Document) -> Option<bool> {
    document.get("active").and_then(serde_json::Value::as_bool).filter(|_| kind == Kind::User)
}

fn to_text(document: &Document) -> String {
    serde_json::to_string(document).expect("a map of JSON values is JSON")
}

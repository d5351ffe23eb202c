//! The documents of users and groups, and the tombstones of those that were deleted.

use rusqlite::params;

use super::{By, IndexValue, ReadTx, Result, StoreError, WriteTx, called};
use crate::base::{TeamId, Timestamp};
use crate::scim::resource::{MemberRef, display_name, is_named};
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
    /// Whether that name is its own `displayName`.
    pub named: bool,
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
    /// The token that deleted it; `None` where it was not by a request.
    pub token: Option<i64>,
    /// The administrator who deleted it, where one did.
    pub who: Option<String>,
    /// The version it had.
    pub version: u64,
}

/// Members that `Deleted` names at most.
const NAMED: u32 = 1000;

/// The columns that `read` expects, of a table named `resource`, and the rest of the statement.
macro_rules! select_resource {
    ($rest:literal) => {
        concat!("select ", $crate::store::resources::resource_columns!(), " from resource ", $rest)
    };
}
pub(super) use select_resource;

/// Those columns alone.
macro_rules! resource_columns {
    () => {
        "resource.n, resource.id, resource.kind, resource.version, resource.created, resource.modified, resource.doc, \
         resource.source, resource.token, resource.display, resource.active, resource.members, resource.named"
    };
}
pub(super) use resource_columns;

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
        named: row.get(12)?,
    })
}

macro_rules! select_tombstone {
    ($rest:literal) => {
        concat!(
            "select id, kind, source, external_id, name, display, created, deleted, token, version, who from tombstone ",
            $rest
        )
    };
}
pub(super) use select_tombstone;

pub(super) fn read_tombstone(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tombstone> {
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
        who: row.get(10)?,
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

    /// Inactive users whose last change is earlier than `before`, longest unchanged first, at most `limit`.
    pub fn inactive_since(&self, team: TeamId, before: Timestamp, limit: u32) -> Result<Vec<Row>> {
        self.all(
            select_resource!("where team = ? and active = 0 and modified < ? order by modified, n limit ?"),
            params![team, before, limit],
            read,
        )
    }
}

impl WriteTx<'_> {
    /// Keeps a new resource at version 1. `Taken` when a value marked unique is in use by another of its kind.
    #[expect(clippy::too_many_arguments, reason = "each is a column of the new row")]
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
        let (doc, display, named) = (to_text(document), display_name(kind, document), is_named(document));
        let called = called::of(kind, &display, document);
        let n = self.insert(
            "insert into resource
             (team, kind, id, version, created, modified, active, source, token, display, named, doc, called)
             values (?1, ?2, ?3, 1, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![team, kind, id, now, assigned, source, token, display, named, doc, called],
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
            named,
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
        let (doc, display, named) = (to_text(document), display_name(row.kind, document), is_named(document));
        let called = called::of(row.kind, &display, document);
        self.run(
            "update resource set version = version + 1, modified = ?, active = ?, token = ?, display = ?, named = ?, doc = ?,
             called = ? where n = ?",
            params![now, assigned, token, display, named, doc, called, row.n],
        )?;
        self.replace_values(team, row.kind, row.n, values)?;
        if row.kind == Kind::User && active != row.active {
            self.count_active(team, if active { 1 } else { -1 })?;
        }
        if (&display, named) != (&row.display, row.named) {
            let sql = "update member set display = ?, named = ? where member = ?";
            self.run(sql, params![display, named, row.n])?;
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

    /// Counts on from the versions that the id had before it was deleted: no entity tag may mean two things.
    pub fn resume_versions(&mut self, team: TeamId, row: &Row) -> Result<Row> {
        self.run(
            "update resource set version =
                 version + (select max(version) from tombstone where team = ?1 and id = ?2) where n = ?3",
            params![team, row.id, row.n],
        )?;
        self.reread(team, row)
    }

    /// Gives the resource to another source: the one that adopts it.
    pub fn set_resource_source(&mut self, _team: TeamId, row: &Row, source: &str) -> Result<()> {
        self.run("update resource set source = ? where n = ?", params![source, row.n])?;
        Ok(())
    }

    /// Deletes a resource: its edges end, its groups go up by one version, a tombstone stays.
    pub fn delete_resource(&mut self, team: TeamId, row: &Row, by: By<'_>) -> Result<Deleted> {
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
            deleted.groups.push(self.bump_resource(team, &group, by.token.unwrap_or(0))?);
        }
        self.bury(team, row, by)?;
        self.run("delete from attribute where resource = ?", [row.n])?;
        self.run("delete from member_day where holder = ?", [row.n])?;
        self.run("delete from resource where n = ?", [row.n])?;
        if row.kind == Kind::User && row.active {
            self.run("update total set active = active - 1 where team = ?", [team])?;
        }
        self.count_resource(team, row.kind, row.n, -1)?;
        Ok(deleted)
    }

    fn bury(&mut self, team: TeamId, row: &Row, by: By<'_>) -> Result<()> {
        let document: Document = serde_json::from_str(&row.doc)
            .map_err(|error| StoreError::Corrupt(format!("the document of {}: {error}", row.id)))?;
        let text = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
        let name = match row.kind {
            Kind::User => text("userName"),
            Kind::Group => text("displayName"),
        };
        let external_id = text("externalId").filter(|id| !id.is_empty());
        for name in [name.unwrap_or_default(), &row.display] {
            if !name.is_empty() {
                self.keep_former_name(team, row, name)?;
            }
        }
        let now = self.now();
        self.run(
            "insert into tombstone
             (n, team, kind, id, source, external_id, name, display, version, created, deleted, token, who)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                by.token,
                by.who,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::scim::Registry;
    use crate::store::testing::{document, store, team};
    use crate::store::{Store, Totals, index};

    fn values(kind: Kind, document: &Document) -> Vec<IndexValue> {
        index::values(&Registry::standard(), kind, document)
    }

    fn insert(store: &Store, team: TeamId, id: &str, value: Value) -> Result<Row> {
        let (doc, id) = (document(value), id.to_owned());
        let kind = if doc.contains_key("userName") { Kind::User } else { Kind::Group };
        let job = move |tx: &mut WriteTx| {
            tx.insert_resource(team, kind, id.clone(), &doc, "JumpCloud", 7, &values(kind, &doc))
        };
        store.write_blocking(job)
    }

    fn update(store: &Store, team: TeamId, row: &Row, value: Value) -> Result<Row> {
        let (doc, row) = (document(value), row.clone());
        store.write_blocking(move |tx| tx.update_resource(team, &row, &doc, 8, &values(row.kind, &doc)))
    }

    fn delete(store: &Store, team: TeamId, row: &Row) -> Deleted {
        let row = row.clone();
        store
            .write_blocking(move |tx| tx.delete_resource(team, &row, By { token: Some(9), ..By::default() }))
            .unwrap()
    }

    #[test]
    fn a_change_raises_version_and_time_and_touches_what_differs() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let made = insert(&store, acme, "u1", json!({ "userName": "Ada", "displayName": "Ada L" })).unwrap();
        assert_eq!((made.version, made.display.as_str(), made.token, made.active), (1, "Ada L", 7, true));
        assert!(made.named);
        assert_eq!(store.read_now(|tx| tx.resource(acme, Kind::User, "u1")).unwrap(), Some(made.clone()));
        assert_eq!(store.read_now(|tx| tx.resource(acme, Kind::Group, "u1")).unwrap(), None);
        clock.advance(Duration::from_secs(1));
        let changed = update(&store, acme, &made, json!({ "userName": "ada.l" })).unwrap();
        assert_eq!((changed.version, changed.display.as_str(), changed.token), (2, "ada.l", 8));
        assert!(!changed.named, "a userName is no displayName");
        assert_eq!((changed.created, changed.modified), (made.created, clock.now()));
        let by = |path: &str, value: &str| {
            store
                .read_now(|tx| tx.resource_by_value(acme, Kind::User, path, value))
                .unwrap()
                .map(|row| row.id)
        };
        assert_eq!(by("userName", "ada.l").as_deref(), Some("u1"));
        assert_eq!((by("userName", "ada"), by("displayName", "ada l")), (None, None));
    }

    #[test]
    fn a_unique_value_is_taken_once_within_a_team_and_kind() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let ada = insert(&store, acme, "u1", json!({ "userName": "Ada" })).unwrap();
        let bob = insert(&store, acme, "u2", json!({ "userName": "bob" })).unwrap();
        match insert(&store, acme, "u3", json!({ "userName": "ADA" })) {
            Err(StoreError::Taken { attribute, value, by }) => {
                assert_eq!((attribute.as_str(), value.as_str(), by.as_str()), ("userName", "ADA", "u1"));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            update(&store, acme, &bob, json!({ "userName": "ada" })),
            Err(StoreError::Taken { .. })
        ));
        update(&store, acme, &ada, json!({ "userName": "aDA" })).unwrap();
        insert(&store, other, "u1", json!({ "userName": "ada" })).unwrap();
        delete(&store, acme, &ada);
        insert(&store, acme, "u4", json!({ "userName": "ada" })).unwrap();
    }

    #[test]
    fn the_caller_may_ask_for_more_to_be_unique() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        insert(&store, acme, "g1", json!({ "displayName": "Dev" })).unwrap();
        insert(&store, acme, "g2", json!({ "displayName": "dev" })).unwrap();
        let doc = document(json!({ "displayName": "DEV" }));
        let mut asked = values(Kind::Group, &doc);
        asked.iter_mut().for_each(|value| value.unique = true);
        let job = move |tx: &mut WriteTx| {
            tx.insert_resource(acme, Kind::Group, "g3".into(), &doc, "JumpCloud", 7, &asked)
        };
        assert!(matches!(store.write_blocking(job), Err(StoreError::Taken { .. })));
    }

    #[test]
    fn totals_and_days_follow_every_change() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let ada = insert(&store, acme, "u1", json!({ "userName": "ada", "active": true })).unwrap();
        let bob = insert(&store, acme, "u2", json!({ "userName": "bob" })).unwrap();
        insert(&store, acme, "g1", json!({ "displayName": "Dev" })).unwrap();
        let totals = || store.read_now(|tx| tx.totals(acme)).unwrap();
        assert_eq!(totals(), Totals { users: 2, active: 2, groups: 1 });
        clock.advance(Duration::from_secs(86_400));
        let ada = update(&store, acme, &ada, json!({ "userName": "ada", "active": false })).unwrap();
        assert_eq!((ada.active, totals().active), (false, 1));
        update(&store, acme, &ada, json!({ "userName": "ada" })).unwrap();
        assert_eq!(totals().active, 2);
        delete(&store, acme, &bob);
        assert_eq!(totals(), Totals { users: 1, active: 1, groups: 1 });
        let days = store.read_now(|tx| tx.days(acme, Timestamp(0), Timestamp(i64::MAX))).unwrap();
        let seen: Vec<u64> = days.iter().map(|day| day.totals.users).collect();
        assert_eq!(seen, [2, 1]);
    }

    #[test]
    fn deleting_is_real_and_leaves_a_tombstone() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let user = json!({ "userName": "ada", "externalId": "X1" });
        let ada = insert(&store, acme, "u1", user.clone()).unwrap();
        let dev = insert(&store, acme, "g1", json!({ "displayName": "Dev" })).unwrap();
        let (group, n) = (dev.clone(), ada.n);
        store.write_blocking(move |tx| tx.add_numbers(acme, &group, &[n])).unwrap();
        clock.advance(Duration::from_secs(5));
        let deleted = delete(&store, acme, &ada);
        assert_eq!(deleted.groups.len(), 1);
        assert_eq!((deleted.groups[0].version, deleted.groups[0].members), (2, 0));
        assert_eq!(store.read_now(|tx| tx.resource_any(acme, "u1")).unwrap(), None);
        let stone = store.read_now(|tx| tx.tombstone(acme, "u1")).unwrap().unwrap();
        assert_eq!((stone.name.as_str(), stone.token, stone.deleted), ("ada", Some(9), clock.now()));
        let by = |source: &str, id: &str| {
            store.read_now(|tx| tx.tombstones_by_external_id(acme, source, id)).unwrap().len()
        };
        assert_eq!((by("JumpCloud", "X1"), by("JumpCloud", "x1"), by("Okta", "X1")), (1, 0, 0));
        let was_here = |id: &str| store.read_now(|tx| tx.was_here(acme, id)).unwrap();
        assert_eq!((was_here("u1"), was_here("g1"), was_here("nobody")), (true, true, false));
        // The same id may come back, and go again.
        let back = insert(&store, acme, "u1", user).unwrap();
        let back = store.write_blocking(move |tx| tx.resume_versions(acme, &back)).unwrap();
        assert_eq!(back.version, stone.version + 1);
        delete(&store, acme, &back);
        assert_eq!(by("JumpCloud", "X1"), 2);
    }

    #[test]
    fn adopting_and_bumping_leave_the_document_alone() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let dev = insert(&store, acme, "g1", json!({ "displayName": "Dev" })).unwrap();
        clock.advance(Duration::from_secs(5));
        let job = move |tx: &mut WriteTx| {
            tx.set_resource_source(acme, &dev, "Okta")?;
            tx.bump_resource(acme, &dev, 3)
        };
        let bumped = store.write_blocking(job).unwrap();
        assert_eq!((bumped.version, bumped.source.as_str(), bumped.token), (2, "Okta", 3));
        assert_eq!((bumped.doc.as_str(), bumped.modified), ("{\"displayName\":\"Dev\"}", clock.now()));
    }
}

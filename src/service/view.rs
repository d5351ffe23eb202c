//! A stored row becomes what an answer shows: the document and, behind it, what is derived at read time
//! (groups, members, manager, location).

use super::Error;
use super::schemas::InForce;
use crate::base::TeamId;
use crate::scim::resource::{Derived, GroupRef, ManagerRef, MemberRef, Meta, Projection, render};
use crate::scim::{Document, Kind, Registry, registry};
use crate::store::{ReadTx, Row};

/// How many members are read at a time.
const PAGE: u32 = 10_000;

/// How answers are written: the team's schemas, the attributes asked for, and the address before `/Users`.
#[derive(Clone, Debug)]
pub struct View {
    pub schemas: InForce,
    pub projection: Projection,
    pub base: String,
}

impl View {
    /// The team's schemas.
    pub fn registry(&self) -> &Registry {
        &self.schemas.registry
    }

    /// Appends the resource as JSON.
    pub fn write(&self, out: &mut Vec<u8>, tx: &ReadTx<'_>, team: TeamId, row: &Row) -> Result<(), Error> {
        let parts = Parts::load(tx, team, row, |name| self.projection.wants(row.kind, name))?;
        render(out, self.registry(), row.kind, &row.doc, &parts.derived(row), &self.projection, &self.base);
        Ok(())
    }

    /// The resource as JSON.
    pub fn body(&self, tx: &ReadTx<'_>, team: TeamId, row: &Row) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(row.doc.len() + 512);
        self.write(&mut out, tx, team, row)?;
        Ok(out)
    }

    /// The address of a resource.
    pub fn location(&self, kind: Kind, id: &str) -> String {
        format!("{}/{}/{id}", self.base, kind.endpoint())
    }
}

/// What is derived for one resource.
struct Parts {
    groups: Vec<GroupRef>,
    members: Vec<MemberRef>,
    manager: Option<ManagerRef>,
}

impl Parts {
    fn load(tx: &ReadTx<'_>, team: TeamId, row: &Row, wants: impl Fn(&str) -> bool) -> Result<Parts, Error> {
        let mut parts = Parts { groups: Vec::new(), members: Vec::new(), manager: None };
        match row.kind {
            Kind::User => {
                if wants("groups") {
                    parts.groups = tx.groups_of(team, row.n)?;
                }
                parts.manager = manager(tx, team, &row.doc)?;
            }
            Kind::Group if wants("members") => parts.members = members(tx, team, row.n)?,
            Kind::Group => {}
        }
        Ok(parts)
    }

    fn derived<'a>(&'a self, row: &'a Row) -> Derived<'a> {
        Derived {
            id: &row.id,
            meta: Meta { created: row.created, modified: row.modified, version: row.version },
            groups: &self.groups,
            members: &self.members,
            manager: self.manager.as_ref(),
        }
    }
}

/// All members of a group, in the order in which they joined the directory.
pub fn members(tx: &ReadTx<'_>, team: TeamId, group: i64) -> Result<Vec<MemberRef>, Error> {
    let mut members: Vec<MemberRef> = Vec::new();
    let mut after = None;
    loop {
        let page = tx.members(team, group, after, PAGE)?;
        after = page.last().map(|(n, _)| *n);
        let full = page.len() == PAGE as usize;
        members.extend(page.into_iter().map(|(_, member)| member));
        if !full {
            return Ok(members);
        }
    }
}

/// The manager that a user's document names, looked up only when it names one.
fn manager(tx: &ReadTx<'_>, team: TeamId, doc: &str) -> Result<Option<ManagerRef>, Error> {
    if !doc.contains("\"manager\"") {
        return Ok(None);
    }
    let Ok(document) = serde_json::from_str::<Document>(doc) else { return Ok(None) };
    let Some(id) = document
        .get(registry::ENTERPRISE)
        .and_then(|block| block.get("manager"))
        .and_then(|manager| manager.get("value"))
        .and_then(serde_json::Value::as_str)
    else {
        return Ok(None);
    };
    let found = tx.resource(team, Kind::User, id)?;
    Ok(found.map(|row| ManagerRef { id: row.id, display: row.named.then_some(row.display) }))
}

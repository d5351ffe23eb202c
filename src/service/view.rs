//! A stored row becomes what an answer shows: the document and, behind it, what is derived at read time
//! (groups, members, manager, location).

use std::collections::HashMap;

use super::Error;
use super::in_force::InForce;
use crate::base::TeamId;
use crate::scim::resource::{Derived, GroupRef, ManagerRef, Members, Meta, Nobody, Projection, render};
use crate::scim::{Document, Kind, Registry, registry};
use crate::store::{ReadTx, Roll, Row};

/// Bytes that an entry of `members` has beside the base of its address, on the average: memory is taken once.
const ENTRY: usize = 160;
/// How many numbers lie between the resources of a page at most, on the average, where they are walked at once.
const SPREAD: i64 = 8;

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

    /// The resource as JSON.
    pub fn body(&self, tx: &ReadTx<'_>, team: TeamId, row: &Row) -> Result<Vec<u8>, Error> {
        let parts = Parts::load(tx, team, row, None, |name| self.projection.wants(row.kind, name))?;
        self.shown(row, parts)
    }

    /// The resources of a page, each as JSON.
    pub fn page(&self, tx: &ReadTx<'_>, team: TeamId, rows: &[Row]) -> Result<Vec<Vec<u8>>, Error> {
        let mut groups = self.groups_of_page(tx, team, rows)?;
        let one = |row: &Row| {
            let own = groups.as_mut().map(|groups| groups.remove(&row.n).unwrap_or_default());
            let parts = Parts::load(tx, team, row, own, |name| self.projection.wants(row.kind, name))?;
            self.shown(row, parts)
        };
        rows.iter().map(one).collect()
    }

    /// The groups of a page's users, found by one walk where their numbers lie close together, as those of a list do; `None`
    /// where each has to be asked for.
    fn groups_of_page(
        &self,
        tx: &ReadTx<'_>,
        team: TeamId,
        rows: &[Row],
    ) -> Result<Option<HashMap<i64, Vec<GroupRef>>>, Error> {
        let numbers = || rows.iter().filter(|row| row.kind == Kind::User).map(|row| row.n);
        let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else { return Ok(None) };
        let close = rows.len() > 1 && last - first < SPREAD * rows.len() as i64;
        if !close || !self.projection.wants(Kind::User, "groups") {
            return Ok(None);
        }
        Ok(tx.groups_between(team, first, last)?)
    }

    fn shown(&self, row: &Row, parts: Parts<'_>) -> Result<Vec<u8>, Error> {
        let members = parts.members.as_ref().map_or(0, |_| row.members as usize);
        let mut out = Vec::with_capacity(row.doc.len() + 512 + members * (ENTRY + self.base.len()));
        let derived = parts.derived(row);
        render(&mut out, self.registry(), row.kind, &row.doc, &derived, &self.projection, &self.base);
        parts.members.map_or(Ok(()), Roll::whole)?;
        Ok(out)
    }

    /// The address of a resource.
    pub fn location(&self, kind: Kind, id: &str) -> String {
        format!("{}/{}/{id}", self.base, kind.endpoint())
    }
}

/// What is derived for one resource.
struct Parts<'t> {
    groups: Vec<GroupRef>,
    /// Read as they are written, where they are shown.
    members: Option<Roll<'t>>,
    manager: Option<ManagerRef>,
}

impl<'t> Parts<'t> {
    fn load(
        tx: &'t ReadTx<'_>,
        team: TeamId,
        row: &Row,
        groups: Option<Vec<GroupRef>>,
        wants: impl Fn(&str) -> bool,
    ) -> Result<Parts<'t>, Error> {
        let mut parts = Parts { groups: Vec::new(), members: None, manager: None };
        match row.kind {
            Kind::User => {
                match groups {
                    Some(groups) => parts.groups = groups,
                    None if wants("groups") => parts.groups = tx.groups_of(team, row.n)?,
                    None => {}
                }
                parts.manager = manager(tx, team, &row.doc)?;
            }
            Kind::Group if wants("members") => parts.members = Some(tx.roll(team, row.n)),
            Kind::Group => {}
        }
        Ok(parts)
    }

    fn derived<'a>(&'a self, row: &'a Row) -> Derived<'a> {
        Derived {
            id: &row.id,
            meta: Meta { created: row.created, modified: row.modified, version: row.version },
            groups: &self.groups,
            members: self.members.as_ref().map_or(&Nobody, |roll| roll as &dyn Members),
            manager: self.manager.as_ref(),
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

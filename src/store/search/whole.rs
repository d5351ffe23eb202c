//! A candidate as a filter sees it: the whole resource, with those derived parts that the filter or the order look at.

use serde_json::Value;

use super::Query;
use super::condition::looks_at;
use crate::base::TeamId;
use crate::scim::filter::Filter;
use crate::scim::registry::{AttrPath, ENTERPRISE};
use crate::scim::resource::{Derived, GroupRef, ManagerRef, Members, Meta, Nobody, whole};
use crate::scim::{Document, Kind};
use crate::store::{ReadTx, Result, Roll, StoreError};

/// A candidate's row.
pub struct Stored {
    n: i64,
    kind: Kind,
    id: String,
    meta: Meta,
    document: Document,
}

impl Stored {
    /// Reads the columns after the number and the sort value.
    pub fn read(row: &rusqlite::Row<'_>, kind: Kind) -> Result<Stored> {
        let id: String = row.get(2)?;
        let text = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        let document = serde_json::from_str(text)
            .map_err(|error| StoreError::Corrupt(format!("the document of {id}: {error}")))?;
        let meta = Meta { version: row.get(3)?, created: row.get(4)?, modified: row.get(5)? };
        Ok(Stored { n: row.get(0)?, kind, id, meta, document })
    }
}

/// Which derived parts are looked at.
pub struct Wanted {
    groups: bool,
    members: bool,
    manager: bool,
}

impl Wanted {
    /// What a filter and an order look at.
    pub fn by(filter: Option<&Filter>, order: Option<&AttrPath>) -> Wanted {
        let wants = |attribute: &str| {
            filter.is_some_and(|filter| looks_at(filter, attribute))
                || order.is_some_and(|path| path.attribute.name == attribute)
        };
        Wanted { groups: wants("groups"), members: wants("members"), manager: wants("manager") }
    }
}

impl ReadTx<'_> {
    /// The whole resource, as far as it is wanted.
    pub(super) fn whole(
        &self,
        team: TeamId,
        stored: &Stored,
        wanted: &Wanted,
        query: &Query<'_>,
    ) -> Result<Document> {
        let mut groups: Vec<GroupRef> = Vec::new();
        let mut members = None;
        let mut manager = None;
        match stored.kind {
            Kind::User => {
                if wanted.groups {
                    groups = self.groups_of(team, stored.n)?;
                }
                if wanted.manager {
                    manager = self.manager(team, &stored.document)?;
                }
            }
            Kind::Group if wanted.members => members = Some(self.roll(team, stored.n)),
            Kind::Group => {}
        }
        let derived = Derived {
            id: &stored.id,
            meta: stored.meta,
            groups: &groups,
            members: members.as_ref().map_or(&Nobody, |roll| roll as &dyn Members),
            manager: manager.as_ref(),
        };
        let whole = whole(query.registry, stored.kind, &stored.document, &derived, query.base);
        members.map_or(Ok(()), Roll::whole)?;
        match whole {
            Value::Object(whole) => Ok(whole),
            _ => Ok(Document::new()),
        }
    }

    fn manager(&self, team: TeamId, document: &Document) -> Result<Option<ManagerRef>> {
        let manager = document.get(ENTERPRISE).and_then(|extension| extension.get("manager"));
        let Some(id) = manager.and_then(|manager| manager.get("value")).and_then(Value::as_str) else {
            return Ok(None);
        };
        let found = self.resource(team, Kind::User, id)?;
        Ok(found.map(|row| ManagerRef { id: row.id, display: row.named.then_some(row.display) }))
    }
}

#[cfg(test)]
impl Stored {
    /// The same from a whole row.
    pub fn of(row: &crate::store::Row) -> Result<Stored> {
        let document =
            serde_json::from_str(&row.doc).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let meta = Meta { version: row.version, created: row.created, modified: row.modified };
        Ok(Stored { n: row.n, kind: row.kind, id: row.id.clone(), meta, document })
    }
}

#[cfg(test)]
impl Wanted {
    /// Every derived part.
    pub fn all() -> Wanted {
        Wanted { groups: true, members: true, manager: true }
    }
}

//! A candidate as a filter sees it: the stored document with those derived parts that the filter or the order look at.

use serde_json::{Value, json};

use super::Query;
use super::condition::looks_at;
use crate::base::{TeamId, Timestamp};
use crate::scim::filter::Filter;
use crate::scim::registry::{AttrPath, ENTERPRISE};
use crate::scim::{Document, Kind};
use crate::store::{ReadTx, Result, StoreError};

/// A candidate's row.
pub struct Stored {
    n: i64,
    kind: Kind,
    id: String,
    version: u64,
    created: Timestamp,
    modified: Timestamp,
    document: Document,
}

impl Stored {
    /// Reads the columns after the number and the sort value.
    pub fn read(row: &rusqlite::Row<'_>, kind: Kind) -> Result<Stored> {
        let id: String = row.get(2)?;
        let text = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        let document = serde_json::from_str(text)
            .map_err(|error| StoreError::Corrupt(format!("the document of {id}: {error}")))?;
        Ok(Stored {
            n: row.get(0)?,
            kind,
            id,
            version: row.get(3)?,
            created: row.get(4)?,
            modified: row.get(5)?,
            document,
        })
    }
}

#[cfg(test)]
impl Stored {
    /// The same from a whole row.
    pub fn of(row: &crate::store::Row) -> Result<Stored> {
        let document =
            serde_json::from_str(&row.doc).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let (n, kind, id, version) = (row.n, row.kind, row.id.clone(), row.version);
        Ok(Stored { n, kind, id, version, created: row.created, modified: row.modified, document })
    }
}

#[cfg(test)]
impl Wanted {
    /// Every derived part.
    pub fn all() -> Wanted {
        Wanted { meta: true, groups: true, members: true, manager: true }
    }
}

/// Which derived parts are looked at.
pub struct Wanted {
    meta: bool,
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
        Wanted {
            meta: wants("meta"),
            groups: wants("groups"),
            members: wants("members"),
            manager: wants("manager"),
        }
    }
}

/// Members read at a time.
const PAGE: u32 = 1000;

impl ReadTx<'_> {
    /// The document with its id and the wanted derived parts.
    pub(super) fn whole(
        &self,
        team: TeamId,
        stored: &Stored,
        wanted: &Wanted,
        query: &Query<'_>,
    ) -> Result<Document> {
        let mut whole = stored.document.clone();
        let base = query.base;
        let place = |kind: Kind, id: &str| format!("{base}/{}/{id}", kind.endpoint());
        whole.insert("id".into(), json!(stored.id));
        if wanted.meta {
            let meta = json!({
                "resourceType": stored.kind.name(),
                "created": stored.created.render(),
                "lastModified": stored.modified.render(),
                "location": place(stored.kind, &stored.id),
                "version": format!("W/\"{}\"", stored.version),
            });
            whole.insert("meta".into(), meta);
        }
        if wanted.groups && stored.kind == Kind::User {
            let groups = self.groups_of(team, stored.n)?.into_iter().map(|group| {
                json!({
                    "value": group.id,
                    "$ref": place(Kind::Group, &group.id),
                    "display": group.display,
                    "type": if group.direct { "direct" } else { "indirect" },
                })
            });
            insert_list(&mut whole, "groups", groups.collect());
        }
        if wanted.members && stored.kind == Kind::Group {
            let mut list = Vec::new();
            let mut after = None;
            loop {
                let page = self.members(team, stored.n, after, PAGE)?;
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                self.in_time()?;
                list.extend(page.into_iter().map(|(_, member)| {
                    json!({
                        "value": member.id,
                        "$ref": place(member.kind, &member.id),
                        "display": member.display,
                        "type": member.kind.name(),
                    })
                }));
            }
            insert_list(&mut whole, "members", list);
        }
        if wanted.manager {
            self.show_manager(team, &mut whole, base)?;
        }
        Ok(whole)
    }

    fn show_manager(&self, team: TeamId, whole: &mut Document, base: &str) -> Result<()> {
        let manager = whole.get_mut(ENTERPRISE).and_then(|extension| extension.get_mut("manager"));
        let Some(Value::Object(manager)) = manager else {
            return Ok(());
        };
        let Some(id) = manager.get("value").and_then(Value::as_str).map(str::to_owned) else {
            return Ok(());
        };
        manager.insert("$ref".into(), json!(format!("{base}/Users/{id}")));
        if let Some(row) = self.resource(team, Kind::User, &id)? {
            manager.insert("displayName".into(), json!(row.display));
        }
        Ok(())
    }
}

/// An empty list is an unassigned attribute (RFC 7643 §2.5).
fn insert_list(whole: &mut Document, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        whole.insert(name.into(), Value::Array(list));
    }
}

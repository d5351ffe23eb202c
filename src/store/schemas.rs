//! The schema extensions that teams have loaded, and what they mean for stored resources: how many use one, and the
//! index rows of attributes that became unique. Whether an extension may be added or removed is the service's decision.

use std::ops::ControlFlow;

use rusqlite::params;
use serde_json::Value;

use super::{ReadTx, Result, StoreError, WriteTx, index};
use crate::base::{TeamId, Timestamp};
use crate::scim::{Document, Kind, Registry};

/// A schema extension as a team has loaded it.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamSchema {
    /// Its URN as it was written.
    pub urn: String,
    /// Which resources it extends.
    pub kind: Kind,
    /// When it was first added.
    pub added: Timestamp,
    /// When its document last changed.
    pub changed: Timestamp,
    /// The complete document.
    pub document: Value,
}

const SELECT: &str = "select urn, kind, added, changed, document from team_schema where team = ?";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(TeamSchema, String)> {
    let (urn, kind, added, changed) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    Ok((TeamSchema { urn, kind, added, changed, document: Value::Null }, row.get(4)?))
}

impl ReadTx<'_> {
    /// The team's own schema extensions, in the order in which they were added.
    pub fn schemas(&self, team: TeamId) -> Result<Vec<TeamSchema>> {
        let rows = self.all(&format!("{SELECT} order by position"), [team], read)?;
        rows.into_iter()
            .map(|(schema, text)| match serde_json::from_str(&text) {
                Ok(document) => Ok(TeamSchema { document, ..schema }),
                Err(error) => Err(StoreError::Corrupt(format!("the schema {}: {error}", schema.urn))),
            })
            .collect()
    }

    /// Calls `each` with the id and the document of every resource of a kind that has a value under the URN.
    pub fn each_with_extension(
        &self,
        team: TeamId,
        kind: Kind,
        urn: &str,
        mut each: impl FnMut(&str, &Document) -> ControlFlow<()>,
    ) -> Result<()> {
        // The URN stands in the text of every document that uses it; whether it is a key, only the document knows.
        let sql = "select id, doc from resource where team = ? and kind = ? and instr(doc, ?) > 0 order by n";
        self.each(sql, params![team, kind, serde_json::json!(urn).to_string()], |row| {
            let (id, doc): (String, String) = (row.get(0)?, row.get(1)?);
            let document: Document = serde_json::from_str(&doc)
                .map_err(|error| StoreError::Corrupt(format!("the document of {id}: {error}")))?;
            match document.contains_key(urn) {
                true => Ok(each(&id, &document)),
                false => Ok(ControlFlow::Continue(())),
            }
        })
    }
}

impl WriteTx<'_> {
    /// Adds a schema extension, or gives the one of that URN another document.
    pub fn put_schema(&mut self, team: TeamId, kind: Kind, urn: &str, document: &Value) -> Result<()> {
        let now = self.now();
        self.run(
            "insert into team_schema (team, folded, urn, kind, position, added, changed, document)
             values (?1, ?2, ?3, ?4,
                     (select coalesce(max(position), 0) + 1 from team_schema where team = ?1), ?5, ?5, ?6)
             on conflict do update set changed = ?5, document = ?6",
            params![team, urn.to_ascii_lowercase(), urn, kind, now, document.to_string()],
        )?;
        self.raise_generation()
    }

    /// Removes a schema extension; false when there is none of that URN.
    pub fn remove_schema(&mut self, team: TeamId, urn: &str) -> Result<bool> {
        let sql = "delete from team_schema where team = ? and folded = ?";
        let removed = self.run(sql, params![team, urn.to_ascii_lowercase()])? > 0;
        self.raise_generation()?;
        Ok(removed)
    }

    /// Brings the index rows of every resource that uses an extension to what the registry asks for.
    /// `Taken` when two resources share a value that is now unique.
    pub fn index_extension(
        &mut self,
        team: TeamId,
        registry: &Registry,
        kind: Kind,
        urn: &str,
    ) -> Result<()> {
        let mut found = Vec::new();
        self.each_with_extension(team, kind, urn, |id, document| {
            let values = index::values(registry, kind, document);
            found.push((id.to_owned(), values));
            ControlFlow::Continue(())
        })?;
        for (id, mut values) in found {
            let Some(row) = self.resource(team, kind, &id)? else { continue };
            // Only the extension's own values are in question: the others were free when they were written.
            let own = |path: &str| path.strip_prefix(urn).is_some_and(|rest| rest.starts_with(':'));
            for value in &mut values {
                value.unique &= own(&value.path);
            }
            self.values_are_free(team, kind, Some(row.n), &values)?;
            self.replace_values(team, kind, row.n, &values)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::testing::{document, store, team};

    const BADGE: &str = "urn:example:2.0:Badge";

    fn badge(unique: &str) -> Value {
        json!({ "id": BADGE, "attributes": [{ "name": "number", "uniqueness": unique }] })
    }

    #[test]
    fn a_schema_is_kept_replaced_and_removed_for_one_team_and_raises_the_generation() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let job = move |tx: &mut WriteTx<'_>| -> Result<()> {
            let before = tx.generation()?;
            tx.put_schema(acme, Kind::User, BADGE, &badge("none"))?;
            tx.put_schema(acme, Kind::User, &BADGE.to_uppercase(), &badge("server"))?;
            assert_eq!(tx.generation()?, before + 2);
            let kept = tx.schemas(acme)?;
            assert_eq!((kept.len(), kept[0].urn.as_str()), (1, BADGE));
            assert_eq!(kept[0].document, badge("server"));
            assert!(tx.schemas(other)?.is_empty() && !tx.remove_schema(other, BADGE)?);
            assert!(tx.remove_schema(acme, BADGE)? && tx.schemas(acme)?.is_empty());
            Ok(())
        };
        store.write_blocking(job).unwrap();
    }

    #[test]
    fn an_attribute_that_becomes_unique_gets_its_rows_or_names_who_shares_a_value() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let registry = Registry::with_extensions(&[(Kind::User, badge("server"))]).unwrap();
        let job = move |tx: &mut WriteTx<'_>| -> Result<()> {
            let mut add = |name: &str, number: &str| {
                let doc = document(json!({ "userName": name, BADGE: { "number": number } }));
                tx.insert_resource(acme, Kind::User, name.into(), &doc, "test", 1, &[])
            };
            add("u1", "B7")?;
            add("u2", "B8")?;
            tx.index_extension(acme, &registry, Kind::User, BADGE)?;
            let path = format!("{BADGE}:number");
            let found = tx.resource_by_value(acme, Kind::User, &path, "b8")?;
            assert_eq!(found.map(|row| row.id).as_deref(), Some("u2"));
            let mut used = 0;
            tx.each_with_extension(acme, Kind::User, BADGE, |_, _| {
                used += 1;
                ControlFlow::Continue(())
            })?;
            assert_eq!(used, 2);
            let doc = document(json!({ "userName": "u3", BADGE: { "number": "b7" } }));
            tx.insert_resource(acme, Kind::User, "u3".into(), &doc, "test", 1, &[])?;
            match tx.index_extension(acme, &registry, Kind::User, BADGE) {
                Err(StoreError::Taken { attribute, .. }) => assert_eq!(attribute, path),
                other => panic!("{other:?}"),
            }
            Ok(())
        };
        store.write_blocking(job).unwrap();
    }
}

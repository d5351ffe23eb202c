//! Which values of a document can be searched by index, and how they are folded. What is unique is held here too:
//! a unique value has an index row, and a write looks for it first.

use std::sync::Arc;

use rusqlite::params;
use serde_json::Value;

use super::{ReadTx, Result, StoreError, WriteTx};
use crate::base::TeamId;
use crate::scim::fold::fold;
use crate::scim::registry::{AttrPath, ENTERPRISE};
use crate::scim::schema::{Attribute, Type, Uniqueness};
use crate::scim::{Document, Kind, Registry, filter};

/// The standard paths with their numbers in table `path`. Few, because each costs every write a row: what providers
/// look people up by, and what lists are searched and ordered by.
const STANDARD: [(&str, i64); 7] = [
    ("userName", 1),
    ("displayName", 2),
    ("externalId", 3),
    ("emails.value", 4),
    ("name.familyName", 5),
    ("name.givenName", 6),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", 7),
];

/// One searchable value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexValue {
    /// The path in canonical spelling: `userName`, `emails.value`.
    pub path: String,
    /// The value as it is compared: folded, or as it is where the attribute is caseExact.
    pub value: String,
    /// The value as it was sent.
    pub sent: String,
    /// No other resource of the kind may have it. The caller may set this on more values than the schemas do.
    pub unique: bool,
}

/// The searchable values of a document: those of the standard paths, and of every attribute that the schemas mark
/// unique. A group's `displayName` is not marked here.
pub fn values(registry: &Registry, kind: Kind, document: &Document) -> Vec<IndexValue> {
    let mut found = Vec::new();
    for (path, _) in STANDARD {
        if let Some(path) = registry.find(kind, path) {
            add(&mut found, &path, document);
        }
    }
    for path in unique_paths(registry, kind) {
        if number(&path.canonical()).is_none() {
            add(&mut found, &path, document);
        }
    }
    // Whether two groups may share a name depends on the token (`Leniency::UniqueGroupName`): the caller's decision.
    for value in found.iter_mut().filter(|value| kind == Kind::Group && value.path == "displayName") {
        value.unique = false;
    }
    found
}

/// The number of a standard path.
pub(super) fn number(path: &str) -> Option<i64> {
    STANDARD.iter().find(|(name, _)| *name == path).map(|(_, number)| *number)
}

/// The standard number of an attribute's path, without building its text where that can be avoided.
pub(super) fn number_of(path: &AttrPath) -> Option<i64> {
    let name = path.attribute.name.as_str();
    let sub = path.sub.as_ref().map(|sub| sub.name.as_str());
    match (path.extension.as_deref(), name, sub) {
        (None, "userName", None) => Some(1),
        (None, "displayName", None) => Some(2),
        (None, "externalId", None) => Some(3),
        (None, "emails", Some("value")) => Some(4),
        (None, "name", Some("familyName")) => Some(5),
        (None, "name", Some("givenName")) => Some(6),
        (Some(ENTERPRISE), "employeeNumber", None) => Some(7),
        _ => None,
    }
}

fn add(found: &mut Vec<IndexValue>, path: &AttrPath, document: &Document) {
    let leaf = path.leaf();
    for value in filter::values(path, document) {
        let sent = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            _ => continue,
        };
        let value = if leaf.case_exact { sent.clone() } else { fold(&sent) };
        let entry = IndexValue { path: path.canonical(), value, sent, unique: is_unique(leaf) };
        // Two e-mail entries may hold the same address; one row finds both.
        if !found.iter().any(|other| other.path == entry.path && other.value == entry.value) {
            found.push(entry);
        }
    }
}

fn is_unique(attribute: &Attribute) -> bool {
    attribute.uniqueness != Uniqueness::None
}

/// Every unique attribute of the kind's schemas; ids and passwords are no values of a document.
fn unique_paths(registry: &Registry, kind: Kind) -> Vec<AttrPath> {
    let mut paths = Vec::new();
    let core = registry.core(kind);
    collect(&mut paths, None, &core.attributes);
    for schema in registry.extensions(kind) {
        collect(&mut paths, Some(schema.id.as_str().into()), &schema.attributes);
    }
    paths
}

fn collect(paths: &mut Vec<AttrPath>, extension: Option<Arc<str>>, attributes: &[Arc<Attribute>]) {
    for attribute in attributes {
        let path = |sub| AttrPath { extension: extension.clone(), attribute: attribute.clone(), sub };
        if is_unique(attribute) && attribute.kind != Type::Complex {
            paths.push(path(None));
        }
        for sub in attribute.sub_attributes.iter().filter(|sub| is_unique(sub)) {
            paths.push(path(Some(sub.clone())));
        }
    }
}

impl ReadTx<'_> {
    /// The number of a path, where it has one.
    pub(super) fn path_number(&self, path: &str) -> Result<Option<i64>> {
        match number(path) {
            Some(number) => Ok(Some(number)),
            None => self.one("select n from path where name = ?", [path], |row| row.get(0)),
        }
    }

    /// Refuses a value marked unique that another resource of the kind has.
    pub(super) fn values_are_free(
        &self,
        team: TeamId,
        kind: Kind,
        except: Option<i64>,
        values: &[IndexValue],
    ) -> Result<()> {
        for value in values.iter().filter(|value| value.unique) {
            let Some(path) = self.path_number(&value.path)? else {
                continue;
            };
            let by = self.one(
                "select resource.id from attribute join resource on resource.n = attribute.resource
                 where attribute.team = ? and attribute.kind = ? and path = ? and value = ? and attribute.resource is not ?",
                params![team, kind, path, value.value, except],
                |row| row.get::<_, String>(0),
            )?;
            if let Some(by) = by {
                let (attribute, value) = (value.path.clone(), value.sent.clone());
                return Err(StoreError::Taken { attribute, value, by });
            }
        }
        Ok(())
    }
}

impl WriteTx<'_> {
    /// Keeps the searchable values of a new resource.
    pub(super) fn insert_values(
        &mut self,
        team: TeamId,
        kind: Kind,
        n: i64,
        values: &[IndexValue],
    ) -> Result<()> {
        for value in values {
            let path = self.make_path(&value.path)?;
            self.insert_value(team, kind, path, &value.value, n)?;
        }
        Ok(())
    }

    /// Brings the searchable values of a resource to what they are now; rows that stay are not touched.
    pub(super) fn replace_values(
        &mut self,
        team: TeamId,
        kind: Kind,
        n: i64,
        values: &[IndexValue],
    ) -> Result<()> {
        let mut wanted = Vec::with_capacity(values.len());
        for value in values {
            wanted.push((self.make_path(&value.path)?, value.value.as_str()));
        }
        let sql = "select path, value from attribute where resource = ?";
        let there = self.all(sql, [n], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for (path, value) in &there {
            if !wanted.contains(&(*path, value.as_str())) {
                self.run(
                    "delete from attribute where team = ? and kind = ? and path = ? and value = ? and resource = ?",
                    params![team, kind, path, value, n],
                )?;
            }
        }
        for (path, value) in wanted {
            if !there.iter().any(|(other, text)| *other == path && text == value) {
                self.insert_value(team, kind, path, value, n)?;
            }
        }
        Ok(())
    }

    fn insert_value(&mut self, team: TeamId, kind: Kind, path: i64, value: &str, n: i64) -> Result<()> {
        self.run(
            "insert or ignore into attribute (team, kind, path, value, resource) values (?, ?, ?, ?, ?)",
            params![team, kind, path, value, n],
        )?;
        Ok(())
    }

    fn make_path(&mut self, path: &str) -> Result<i64> {
        match self.path_number(path)? {
            Some(number) => Ok(number),
            None => self.insert("insert into path (name) values (?)", [path]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::testing::{document, store, team};

    fn found(kind: Kind, value: serde_json::Value) -> Vec<(String, String, bool)> {
        let values = values(&Registry::standard(), kind, &document(value));
        values.into_iter().map(|value| (value.path, value.value, value.unique)).collect()
    }

    #[test]
    fn values_are_folded_unless_case_matters_and_each_stands_once() {
        let emails = json!([{ "value": "A@Example.com" }, { "value": "a@example.com" }, { "type": "work" }]);
        let user = json!({ "userName": "Straße", "externalId": "aB", "emails": emails, "title": "no index" });
        assert_eq!(
            found(Kind::User, user),
            [
                ("userName".to_owned(), "strasse".to_owned(), true),
                ("externalId".to_owned(), "aB".to_owned(), false),
                ("emails.value".to_owned(), "a@example.com".to_owned(), false),
            ]
        );
    }

    #[test]
    fn the_two_lists_of_standard_paths_say_the_same() {
        let registry = Registry::standard();
        for (path, number) in STANDARD {
            let found = [Kind::User, Kind::Group].into_iter().filter_map(|kind| registry.find(kind, path));
            for found in found {
                assert_eq!((number_of(&found), found.canonical()), (Some(number), path.to_owned()));
            }
        }
        let (store, _clock) = store();
        let kept = store
            .read_now(|tx| {
                tx.all("select name, n from path order by n", [], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .unwrap();
        let expected: Vec<(String, i64)> = STANDARD.map(|(name, number)| (name.to_owned(), number)).into();
        assert_eq!(kept, expected);
    }

    #[test]
    fn a_unique_attribute_of_a_team_s_own_schema_is_held_too() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let badge = |value: &str| IndexValue {
            path: "urn:example:badge:User:number".into(),
            value: value.to_lowercase(),
            sent: value.into(),
            unique: true,
        };
        let job = move |tx: &mut WriteTx<'_>| -> Result<String> {
            let doc = document(json!({ "userName": "ada" }));
            tx.insert_resource(acme, Kind::User, "u1".into(), &doc, "test", 1, &[badge("B7")])?;
            tx.insert_resource(acme, Kind::User, "u2".into(), &doc, "test", 1, &[badge("B8")])?;
            match tx.insert_resource(acme, Kind::User, "u3".into(), &doc, "test", 1, &[badge("b7")]) {
                Err(StoreError::Taken { by, .. }) => Ok(by),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(store.write_blocking(job).unwrap(), "u1");
    }
}

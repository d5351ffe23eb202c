//! What differs between two documents, attribute by attribute: for the activity, for events, and for telling a change
//! from a repetition. Members of groups are edges and not compared here.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::place::Place;
use crate::scim::schema::Attribute;
use crate::scim::{Document, Kind, Registry};

/// One attribute that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its canonical path: `displayName`, `name.givenName`, `emails`, `urn:…:User:department`.
    pub path: String,
    /// Its value before, where it had one.
    pub old: Option<Value>,
    /// Its value after, where it has one.
    pub new: Option<Value>,
}

/// The differences of two documents in the order of their schemas; `schemas` follows from the rest and is left out.
pub fn diff(registry: &Registry, kind: Kind, old: &Document, new: &Document) -> Vec<Difference> {
    let mut found = Vec::new();
    let core = &registry.core(kind).attributes;
    let extensions = registry.extensions(kind);
    let common = || registry.common().iter().filter(|attribute| attribute.name != "schemas");
    compare(common().chain(core), old, new, &Place::Top, &mut found);
    let none = Map::new();
    for schema in extensions {
        let old = old.get(&schema.id).and_then(Value::as_object).unwrap_or(&none);
        let new = new.get(&schema.id).and_then(Value::as_object).unwrap_or(&none);
        compare(schema.attributes.iter(), old, new, &Place::Extension(&schema.id), &mut found);
    }
    // Members that no schema in force knows any more.
    let known = |name: &str| {
        common().chain(core).any(|attribute| attribute.name == name)
            || extensions.iter().any(|schema| schema.id == name)
            || name == "schemas"
    };
    let gone = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in gone.filter(|name| !known(name)) {
        note(&Place::Top.member(name), old.get(name), new.get(name), &mut found);
    }
    found
}

fn compare<'a>(
    attributes: impl Iterator<Item = &'a Arc<Attribute>>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    place: &Place<'_>,
    found: &mut Vec<Difference>,
) {
    let none = Map::new();
    for attribute in attributes {
        let (before, after) = (old.get(&attribute.name), new.get(&attribute.name));
        let place = place.member(&attribute.name);
        match (before, after) {
            _ if before == after => {}
            (None | Some(Value::Object(_)), None | Some(Value::Object(_))) => {
                let before = before.and_then(Value::as_object).unwrap_or(&none);
                let after = after.and_then(Value::as_object).unwrap_or(&none);
                compare(attribute.sub_attributes.iter(), before, after, &place, found);
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) if same_set(before, after) => {}
            _ => note(&place, before, after, found),
        }
    }
}

fn note(place: &Place<'_>, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    if old != new {
        found.push(Difference { path: place.to_string(), old: old.cloned(), new: new.cloned() });
    }
}

/// Whether two lists hold the same values; their order says nothing (RFC 7643 §2.4 gives it no meaning).
fn same_set(ones: &[Value], others: &[Value]) -> bool {
    let texts = |values: &[Value]| {
        let mut texts: Vec<String> = values.iter().map(text).collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    texts(ones) == texts(others)
}

/// A value as text in which the order of sub-attributes makes no difference.
fn text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            Value::Object(sorted.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect())
                .to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::registry::{ENTERPRISE, USER};
    use crate::scim::resource::sample::{badges, full_user};

    fn paths(old: &Value, new: &Value) -> Vec<(String, Value, Value)> {
        let (Value::Object(old), Value::Object(new)) = (old, new) else { panic!("no documents") };
        diff(&badges(), Kind::User, old, new)
            .into_iter()
            .map(|found| (found.path, found.old.unwrap_or_default(), found.new.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn equal_documents_do_not_differ() {
        assert_eq!(paths(&full_user(), &full_user()), []);
        let mut turned = full_user();
        turned["schemas"] = json!([USER]);
        turned["emails"].as_array_mut().expect("a list").reverse();
        assert_eq!(paths(&full_user(), &turned), []);
    }

    #[test]
    fn differences_are_told_by_path_in_the_order_of_the_schemas() {
        let mut new = full_user();
        new["title"] = json!("Manager");
        new["name"]["givenName"] = json!("May");
        new["name"].as_object_mut().expect("an object").shift_remove("middleName");
        new["emails"][0]["value"] = json!("may@example.com");
        new[ENTERPRISE]["manager"]["value"] = json!("8");
        new.as_object_mut().expect("an object").shift_remove("externalId");
        let old = full_user();
        assert_eq!(
            paths(&old, &new),
            [
                ("externalId".into(), json!("e-17"), json!(null)),
                ("name.givenName".into(), json!("Mei"), json!("May")),
                ("name.middleName".into(), json!("Lin"), json!(null)),
                ("title".into(), json!("Engineer"), json!("Manager")),
                ("emails".into(), old["emails"].clone(), new["emails"].clone()),
                (format!("{ENTERPRISE}:manager.value"), json!("26118915"), json!("8")),
            ]
        );
    }

    #[test]
    fn an_extension_that_comes_or_goes_is_told_attribute_by_attribute() {
        let bare = json!({ "schemas": [USER], "userName": "mei" });
        let more = json!({ "userName": "mei", ENTERPRISE: { "division": "x", "manager": { "value": "7" } } });
        let names =
            |found: Vec<(String, Value, Value)>| found.into_iter().map(|found| found.0).collect::<Vec<_>>();
        let wanted = [format!("{ENTERPRISE}:division"), format!("{ENTERPRISE}:manager.value")];
        assert_eq!(names(paths(&bare, &more)), wanted);
        assert_eq!(names(paths(&more, &bare)), wanted);
    }

    #[test]
    fn what_no_schema_knows_any_more_is_compared_whole() {
        let bare = json!({ "userName": "mei" });
        let more = json!({ "userName": "mei", "urn:example:gone": { "a": 1 } });
        assert_eq!(paths(&bare, &more), [("urn:example:gone".into(), json!(null), json!({ "a": 1 }))]);
        assert_eq!(paths(&more, &more), []);
    }

    #[test]
    fn another_case_is_a_difference() {
        let found = paths(&json!({ "userName": "mei" }), &json!({ "userName": "Mei" }));
        assert_eq!(found, [("userName".into(), json!("mei"), json!("Mei"))]);
    }
}

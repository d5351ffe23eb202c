//! The canonical order of a document, so that equal content is equal text: `schemas`, common attributes, core
//! attributes as the schema has them, extension objects. Values are taken as they are; `parse` has read them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::parse_value::is_derived;
use crate::scim::schema::Attribute;
use crate::scim::{Document, Kind, Registry};

/// Brings a document into canonical order, drops what is unassigned or derived, and makes `schemas` true again: the
/// resource's own schema and those extensions that have values.
pub fn order(registry: &Registry, kind: Kind, document: &mut Document) {
    let mut old = std::mem::take(document);
    old.shift_remove("schemas");
    document.insert("schemas".into(), Value::Null);
    let mut urns = vec![Value::from(kind.urn())];
    moved(registry.common(), &mut old, document);
    moved(&registry.core(kind).attributes, &mut old, document);
    for schema in registry.extensions(kind) {
        let Some(Value::Object(mut members)) = old.shift_remove(&schema.id) else { continue };
        let mut object = Map::new();
        moved(&schema.attributes, &mut members, &mut object);
        if !object.is_empty() {
            urns.push(schema.id.as_str().into());
            document.insert(schema.id.clone(), Value::Object(object));
        }
    }
    // What a schema that is no longer in force has left behind stays.
    for (name, value) in old {
        if name.contains(':') {
            urns.push(name.as_str().into());
        }
        document.insert(name, value);
    }
    document["schemas"] = Value::Array(urns);
}

/// Moves the values of these attributes, in their order.
fn moved(attributes: &[Arc<Attribute>], from: &mut Map<String, Value>, to: &mut Map<String, Value>) {
    for attribute in attributes {
        let Some(value) = from.shift_remove(&attribute.name) else { continue };
        let value = match value {
            Value::Array(items) => {
                let items: Vec<Value> = items.into_iter().filter_map(|item| tidy(attribute, item)).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            single => tidy(attribute, single),
        };
        if let Some(value) = value
            && !attribute.edge
        {
            to.insert(attribute.name.clone(), value);
        }
    }
}

/// One value with its sub-attributes in order; `None` if nothing is left of it.
fn tidy(attribute: &Attribute, value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(mut members) => {
            members.retain(|name, _| !is_derived(attribute, name));
            let mut object = Map::new();
            moved(&attribute.sub_attributes, &mut members, &mut object);
            object.append(&mut members);
            (!object.is_empty()).then_some(Value::Object(object))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::registry::{ENTERPRISE, USER};
    use crate::scim::resource::sample::{badges, full_user};

    fn ordered(value: Value) -> String {
        let Value::Object(mut document) = value else { panic!("no document: {value}") };
        order(&badges(), Kind::User, &mut document);
        Value::Object(document).to_string()
    }

    fn turned_around(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                members.into_iter().rev().map(|(name, value)| (name, turned_around(value))).collect()
            }
            Value::Array(items) => items.into_iter().map(turned_around).collect(),
            other => other,
        }
    }

    #[test]
    fn any_order_becomes_the_canonical_one() {
        assert_eq!(ordered(turned_around(full_user())), full_user().to_string());
        assert_eq!(ordered(full_user()), full_user().to_string());
    }

    #[test]
    fn schemas_lists_the_extensions_that_have_values() {
        let empty =
            json!({ "schemas": [USER, ENTERPRISE], "userName": "mei", ENTERPRISE: { "division": null } });
        assert_eq!(ordered(empty), json!({ "schemas": [USER], "userName": "mei" }).to_string());
        let unlisted = json!({ ENTERPRISE: { "division": "x" }, "userName": "mei" });
        let wanted =
            json!({ "schemas": [USER, ENTERPRISE], "userName": "mei", ENTERPRISE: { "division": "x" } });
        assert_eq!(ordered(unlisted), wanted.to_string());
    }

    #[test]
    fn what_is_empty_or_derived_goes_and_what_no_schema_knows_stays() {
        let before = json!({
            "schemas": [], "userName": "mei", "title": null, "emails": [{}, null], "name": {}, "groups": ["g"],
            "urn:example:gone": { "b": 1, "a": 2 },
            ENTERPRISE: { "manager": { "displayName": "Ken", "$ref": "../Users/7", "value": "7" } },
        });
        let after = json!({
            "schemas": [USER, ENTERPRISE, "urn:example:gone"], "userName": "mei",
            ENTERPRISE: { "manager": { "value": "7" } }, "urn:example:gone": { "b": 1, "a": 2 },
        });
        assert_eq!(ordered(before), after.to_string());
    }
}

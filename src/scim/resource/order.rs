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

//! PUT (RFC 7644 §3.5.1): the document that a request asks for, joined with what it cannot change.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::order::order;
use super::place::Place;
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, Mutability};
use crate::scim::{Document, Kind, Mode, Registry, ScimError};

/// The document after a PUT: readOnly values stay; immutable values stay, and a different one is refused; all else is
/// what was sent, and gone where nothing was. The rules hold for strict and compat tokens alike.
///
/// Values of multi-valued attributes have no identity beyond their content, so a list is replaced as a whole.
pub fn replace(
    registry: &Registry,
    kind: Kind,
    existing: &Document,
    parsed: Document,
    _mode: Mode,
) -> Result<Document, ScimError> {
    let mut next = parsed;
    keep(registry.common(), existing, &mut next, &Place::Top)?;
    keep(&registry.core(kind).attributes, existing, &mut next, &Place::Top)?;
    for schema in registry.extensions(kind) {
        let Some(Value::Object(old)) = existing.get(&schema.id) else { continue };
        let mut members = match next.shift_remove(&schema.id) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        keep(&schema.attributes, old, &mut members, &Place::Extension(&schema.id))?;
        next.insert(schema.id.clone(), Value::Object(members));
    }
    order(registry, kind, &mut next);
    Ok(next)
}

/// Carries over from the old values what the new ones cannot change.
fn keep(
    attributes: &[Arc<Attribute>],
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    place: &Place<'_>,
) -> Result<(), ScimError> {
    for attribute in attributes {
        let Some(before) = old.get(&attribute.name) else { continue };
        let place = place.member(&attribute.name);
        match attribute.mutability {
            Mutability::ReadOnly => {}
            Mutability::Immutable => {
                if new.get(&attribute.name).is_some_and(|after| !matches(attribute, before, after)) {
                    let detail =
                        format!("{place} is immutable and has another value; send that one or leave it out");
                    return Err(ScimError::mutability(detail));
                }
            }
            Mutability::ReadWrite | Mutability::WriteOnly => {
                if let (Value::Object(old), true) = (before, attribute.is_complex()) {
                    keep_within(attribute, old, new, &place)?;
                }
                continue;
            }
        }
        new.insert(attribute.name.clone(), before.clone());
    }
    Ok(())
}

/// Carries over sub-attributes of a complex attribute with one value.
fn keep_within(
    attribute: &Attribute,
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    place: &Place<'_>,
) -> Result<(), ScimError> {
    let mut members = match new.get_mut(&attribute.name) {
        Some(Value::Object(members)) => std::mem::take(members),
        _ => Map::new(),
    };
    keep(&attribute.sub_attributes, old, &mut members, place)?;
    if members.is_empty() {
        new.shift_remove(&attribute.name);
    } else {
        new.insert(attribute.name.clone(), Value::Object(members));
    }
    Ok(())
}

/// Whether two values are the same as far as the attribute tells values apart.
fn matches(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) if !attribute.case_exact => fold(one) == fold(other),
        (Value::Array(ones), Value::Array(others)) => {
            let within =
                |value: &Value, list: &[Value]| list.iter().any(|each| matches(attribute, value, each));
            ones.len() == others.len()
                && ones.iter().all(|one| within(one, others))
                && others.iter().all(|other| within(other, ones))
        }
        (Value::Object(ones), Value::Object(others)) => {
            ones.len() == others.len()
                && ones.iter().all(|(name, one)| match (attribute.sub(name), others.get(name)) {
                    (Some(sub), Some(other)) => matches(sub, one, other),
                    (None, Some(other)) => one == other,
                    (_, None) => false,
                })
        }
        _ => one == other,
    }
}

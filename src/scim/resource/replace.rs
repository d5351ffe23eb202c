//! PUT (RFC 7644 §3.5.1): the document that a request asks for, joined with what it cannot change.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::order::order;
use super::parse_value::is_stored;
use super::place::Place;
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, Mutability, Schema};
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
        let sent = next.shift_remove(&schema.id);
        let left_out = sent.is_none();
        let mut members = match sent {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        keep(&schema.attributes, old, &mut members, &Place::Extension(&schema.id))?;
        if left_out && !members.is_empty() {
            still_whole(schema, &members)?;
        }
        next.insert(schema.id.clone(), Value::Object(members));
    }
    order(registry, kind, &mut next);
    Ok(next)
}

/// An extension that was left out and stays, because something in it cannot go, needs what is required in it.
fn still_whole(schema: &Schema, members: &Map<String, Value>) -> Result<(), ScimError> {
    let needed = |attribute: &&Arc<Attribute>| {
        attribute.required && attribute.mutability != Mutability::ReadOnly && is_stored(attribute)
    };
    let mut needed = schema.attributes.iter().filter(needed);
    let Some(missing) = needed.find(|attribute| !members.contains_key(&attribute.name)) else {
        return Ok(());
    };
    let place = Place::Extension(&schema.id);
    let stays = members.keys().next().map_or_else(String::new, |name| place.member(name).to_string());
    let detail = format!("{stays} cannot be removed, so {} is required", place.member(&missing.name));
    Err(ScimError::missing(detail))
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

/// Carries over sub-attributes of a complex attribute with one value. A value that is left out goes whole, as a value of a
/// list does and as it does by PATCH.
fn keep_within(
    attribute: &Attribute,
    old: &Map<String, Value>,
    new: &mut Map<String, Value>,
    place: &Place<'_>,
) -> Result<(), ScimError> {
    let Some(Value::Object(members)) = new.get_mut(&attribute.name) else { return Ok(()) };
    keep(&attribute.sub_attributes, old, members, place)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::ScimType;
    use crate::scim::registry::{ENTERPRISE, USER};
    use crate::scim::resource::sample::{BADGE, badges, full_user};

    fn put(old: &Value, new: &Value) -> Result<Value, ScimError> {
        let registry = badges();
        let parsed = crate::scim::resource::parse(&registry, Kind::User, new, Mode::Compat)?;
        let Value::Object(old) = old else { panic!("no document: {old}") };
        replace(&registry, Kind::User, old, parsed.document, Mode::Compat).map(Value::Object)
    }

    fn with_badge(badge: Value) -> Value {
        json!({ "schemas": [USER, BADGE], "userName": "mei", BADGE: badge })
    }

    #[test]
    fn what_is_not_sent_is_gone() {
        let new = json!({ "schemas": [USER], "userName": "mei" });
        assert_eq!(put(&full_user(), &new), Ok(new));
        assert_eq!(put(&json!({ "schemas": [USER], "userName": "x" }), &full_user()), Ok(full_user()));
    }

    #[test]
    fn immutable_values_stay_and_another_one_is_refused() {
        let old = with_badge(json!({ "number": 7, "serial": "A1" }));
        let bare = json!({ "schemas": [USER], "userName": "mei" });
        assert_eq!(put(&old, &bare), Ok(with_badge(json!({ "serial": "A1" }))));
        // `serial` is not case exact, so this is the same value; the one that is there stays.
        let same = with_badge(json!({ "number": 8, "serial": "a1" }));
        assert_eq!(put(&old, &same), Ok(with_badge(json!({ "number": 8, "serial": "A1" }))));
        let error = put(&old, &with_badge(json!({ "serial": "B2" }))).expect_err("immutable");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::Mutability)));
        assert!(error.detail.starts_with(&format!("{BADGE}:serial is immutable")), "{error}");
        let first = with_badge(json!({ "serial": "B2" }));
        assert_eq!(put(&bare, &first), Ok(first));
    }

    #[test]
    fn immutable_sub_attributes_stay_too() {
        let since = "2026-01-01T00:00:00Z";
        let old = with_badge(json!({ "holder": { "name": "Mei", "since": since, "note": "x" } }));
        let new = with_badge(json!({ "holder": { "name": "Ken" } }));
        assert_eq!(put(&old, &new), Ok(with_badge(json!({ "holder": { "name": "Ken", "since": since } }))));
        for new in [with_badge(json!({ "number": 1 })), with_badge(json!({ "number": 1, "holder": null }))] {
            assert_eq!(put(&old, &new), Ok(with_badge(json!({ "number": 1 }))), "a value may go whole");
        }
        let new = with_badge(json!({ "holder": { "name": "Mei", "since": "2027-01-01T00:00:00Z" } }));
        assert!(
            put(&old, &new).expect_err("immutable").detail.starts_with(&format!("{BADGE}:holder.since is"))
        );
    }

    #[test]
    fn an_extension_that_stays_keeps_what_is_required() {
        let urn = "urn:example:params:scim:schemas:extension:hr:2.0:User";
        let document = json!({ "id": urn, "name": "HR", "attributes": [
            { "name": "serial", "mutability": "immutable" }, { "name": "room", "required": true },
        ] });
        let registry = Registry::with_extensions(&[(Kind::User, document)]).expect("a schema");
        let old = json!({ "schemas": [USER, urn], "userName": "mei", urn: { "serial": "S", "room": "1" } });
        let bare = json!({ "schemas": [USER], "userName": "mei" });
        let (old, bare) = (old.as_object().expect("a user"), bare.as_object().expect("a user").clone());
        let error = replace(&registry, Kind::User, old, bare, Mode::Strict).expect_err("no room");
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        assert_eq!(error.detail, format!("{urn}:serial cannot be removed, so {urn}:room is required"));
    }

    #[test]
    fn read_only_values_stay_whatever_is_sent() {
        let old = with_badge(json!({ "printer": "P1", "number": 1 }));
        let new = with_badge(json!({ "printer": "P2", "number": 2 }));
        assert_eq!(put(&old, &new), Ok(with_badge(json!({ "number": 2, "printer": "P1" }))));
        let bare = json!({ "schemas": [USER], "userName": "mei" });
        assert_eq!(put(&old, &bare), Ok(with_badge(json!({ "printer": "P1" }))));
        let new = json!({ "userName": "mei", ENTERPRISE: { "division": "x" } });
        let found = put(&old, &new).expect("a user");
        assert_eq!(found["schemas"], json!([USER, ENTERPRISE, BADGE]));
    }
}

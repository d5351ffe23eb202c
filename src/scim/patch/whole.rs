//! What holds for a document as a whole around its edits: extensions that go, and parts
//! that must be there.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::scim::registry::AttrPath;
use crate::scim::schema::{Attribute, Mutability, Returned};
use crate::scim::{Document, Kind, Registry, ScimError};

/// An extension goes whole, unless something in it was to stay as it is.
pub(super) fn remove_extension(
    registry: &Registry,
    kind: Kind,
    urn: &str,
    document: &mut Document,
    place: &str,
) -> Result<(), ScimError> {
    let Some(Value::Object(members)) = document.get(urn) else { return Ok(()) };
    let fixed = |attribute: &&Arc<Attribute>| {
        matches!(attribute.mutability, Mutability::Immutable | Mutability::ReadOnly)
            && members.contains_key(&attribute.name)
    };
    let schema = registry.extensions(kind).iter().find(|schema| schema.id == *urn);
    if let Some(attribute) = schema.and_then(|schema| schema.attributes.iter().find(fixed)) {
        let detail = format!("{place}.path: {urn}:{} cannot be removed once it has a value", attribute.name);
        return Err(ScimError::mutability(detail));
    }
    document.shift_remove(urn);
    Ok(())
}

/// What an edited extension or complex attribute must have as soon as it has anything.
pub(super) fn complete(
    registry: &Registry,
    kind: Kind,
    path: &AttrPath,
    document: &Document,
    place: &str,
) -> Result<(), ScimError> {
    let mut container = document;
    if let Some(urn) = &path.extension {
        let Some(Value::Object(members)) = document.get(&**urn) else { return Ok(()) };
        let schema = registry.extensions(kind).iter().find(|schema| schema.id == **urn);
        let attributes = schema.map_or(&[][..], |schema| schema.attributes.as_slice());
        if let Some(missing) = first_missing(attributes, members) {
            return Err(ScimError::missing(format!("{place}: {urn}:{} is required", missing.name)));
        }
        container = members;
    }
    let Some(value) = container.get(&path.attribute.name) else { return Ok(()) };
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for members in values.iter().filter_map(Value::as_object) {
        if let Some(missing) = first_missing(&path.attribute.sub_attributes, members) {
            let name = AttrPath { sub: Some(missing.clone()), ..path.clone() }.canonical();
            return Err(ScimError::missing(format!("{place}: {name} is required")));
        }
    }
    Ok(())
}

fn first_missing<'a>(
    attributes: &'a [Arc<Attribute>],
    members: &Map<String, Value>,
) -> Option<&'a Arc<Attribute>> {
    attributes.iter().find(|attribute| {
        attribute.required
            && !matches!(attribute.mutability, Mutability::ReadOnly | Mutability::WriteOnly)
            && attribute.returned != Returned::Never
            && !members.contains_key(&attribute.name)
    })
}

//! Attribute values from a client's JSON (RFC 7643 §2.3 to §2.5): single and multi-valued, simple and complex.
//! `parse_attribute` is the one way in for POST, PUT and PATCH alike; what belongs at the top of a resource is in `parse`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::parse_members::referred;
use super::parse_simple::wrong;
use super::place::Place;
use crate::scim::filter::shorten;
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, Mutability, Returned};
use crate::scim::{Leniency, Mode, Notes, ScimError};

/// How many dropped names are noted; a hostile body may have a name per byte.
const MAX_DROPPED: usize = 100;

/// Reads the value of one attribute or sub-attribute; `None` where it is unassigned (RFC 7643 §2.5), or is something
/// that is checked and never kept: what is readOnly, and secrets. `place` is where the value stands, for errors.
/// Whether an attribute may be unassigned is for the caller to judge.
pub fn parse_attribute(
    attribute: &Attribute,
    value: &Value,
    place: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Option<Value>, ScimError> {
    let found = Reader { mode, notes }.attribute(attribute, value, &Place::Start(place))?;
    Ok(found.filter(|_| is_stored(attribute)))
}

/// Whether values of the attribute are kept at all: a value that is never shown is not (RFC 7643 §7).
pub(super) fn is_stored(attribute: &Attribute) -> bool {
    attribute.returned != Returned::Never && attribute.mutability != Mutability::WriteOnly
}

/// Whether the sub-attribute is found out when a resource is rendered, so that what a client sends says nothing.
pub(super) fn is_derived(attribute: &Attribute, sub: &str) -> bool {
    is_manager(attribute) && matches!(sub, "$ref" | "displayName")
}

/// The enterprise extension's `manager` (RFC 7643 §4.3).
fn is_manager(attribute: &Attribute) -> bool {
    attribute.name == "manager" && !attribute.multi_valued && attribute.sub("$ref").is_some()
}

/// `null` and `[]` unassign (RFC 7643 §2.5).
pub(super) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Members that were sent, by key.
type Sent<'v> = Vec<(&'v String, &'v Value)>;

/// Reads values and takes note of what it forgives.
pub(super) struct Reader<'a> {
    pub mode: Mode,
    pub notes: &'a mut Notes,
}

impl Reader<'_> {
    /// The value of an attribute.
    fn attribute(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if attribute.mutability == Mutability::ReadOnly || attribute.edge || is_unassigned(value) {
            return Ok(None);
        }
        if attribute.multi_valued {
            self.list(attribute, value, place)
        } else {
            self.single(attribute, value, place)
        }
    }

    /// One value, of a list or alone.
    fn single(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if attribute.is_complex() {
            self.complex(attribute, value, place)
        } else {
            self.simple(attribute, value, place)
        }
    }

    fn list(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let mut values = Vec::new();
        match value {
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                    values.extend(self.single(attribute, item, &place.item(number))?);
                }
            }
            single if self.mode == Mode::Compat => {
                if single.as_str() != Some("") {
                    self.notes.used(Leniency::SingleForList);
                }
                values.extend(self.single(attribute, single, place)?);
            }
            other => return Err(wrong(attribute, place, "a list", other)),
        }
        let mut values = without_repeats(attribute, values);
        self.one_primary(attribute, &mut values, place)?;
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    /// `primary` is true at most once (RFC 7643 §2.4); the first one sent stays.
    fn one_primary(
        &mut self,
        attribute: &Attribute,
        values: &mut [Value],
        place: &Place<'_>,
    ) -> Result<(), ScimError> {
        if attribute.sub("primary").is_none() {
            return Ok(());
        }
        let mut primaries = values
            .iter_mut()
            .filter(|value| value.get("primary") == Some(&Value::Bool(true)))
            .skip(1)
            .peekable();
        if primaries.peek().is_none() {
            return Ok(());
        }
        if self.mode == Mode::Strict {
            let detail = format!("{place} has more than one primary value; mark one of them");
            return Err(ScimError::invalid_value(detail));
        }
        self.notes.used(Leniency::TwoPrimaries);
        primaries.for_each(|value| value["primary"] = Value::Bool(false));
        Ok(())
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let members = match value {
            Value::Object(members) if is_manager(attribute) => match self.manager(members) {
                None => return Ok(None),
                Some(members) => members,
            },
            Value::Object(members) => Cow::Borrowed(members),
            Value::String(_) | Value::Number(_)
                if self.mode == Mode::Compat && attribute.sub("value").is_some() =>
            {
                let empty = value.as_str() == Some("");
                self.notes.used(match (attribute.multi_valued, empty) {
                    (true, true) => Leniency::EmptyText,
                    (true, false) => Leniency::SingleForList,
                    (false, _) => Leniency::ManagerForm,
                });
                if empty {
                    return Ok(None);
                }
                Cow::Owned(Map::from_iter([("value".to_owned(), value.clone())]))
            }
            other => return Err(wrong(attribute, place, "an object", other)),
        };
        let (slots, unknown) = self.sorted(&attribute.sub_attributes, members.iter(), place)?;
        for (key, _) in unknown {
            self.unknown(
                Leniency::UnknownAttribute,
                &format!("{}.{key}", attribute.name),
                &place.member(key),
            )?;
        }
        let pairs =
            attribute.sub_attributes.iter().zip(slots).filter(|(sub, _)| !is_derived(attribute, &sub.name));
        let found = self.fields(pairs, place, false)?;
        Ok((!found.is_empty()).then_some(Value::Object(found)))
    }

    /// The manager's id from where providers put it: `value`, `managerId`, or the end of `$ref`. `None`: no manager.
    fn manager<'v>(&mut self, members: &'v Map<String, Value>) -> Option<Cow<'v, Map<String, Value>>> {
        let find = |name: &str| {
            members.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
        };
        let compat = self.mode == Mode::Compat;
        if compat && find("value").is_some_and(|(_, value)| value.as_str() == Some("")) {
            self.notes.used(Leniency::ManagerForm);
            return None;
        }
        let by_id = members.keys().find(|key| compat && key.eq_ignore_ascii_case("managerId"));
        let by_ref = find("$ref").and_then(|(_, value)| value.as_str()).and_then(referred).map(|(_, id)| id);
        if by_id.is_none() && (by_ref.is_none() || find("value").is_some()) {
            return Some(Cow::Borrowed(members));
        }
        let mut owned = members.clone();
        let sent = by_id.and_then(|key| owned.shift_remove(key)).filter(|value| !value.is_null());
        if by_id.is_some() {
            self.notes.used(Leniency::ManagerForm);
        }
        if find("value").is_none()
            && let Some(value) = sent.or_else(|| by_ref.map(Value::from))
        {
            owned.retain(|key, _| !key.eq_ignore_ascii_case("value"));
            owned.insert("value".into(), value);
        }
        Some(Cow::Owned(owned))
    }

    /// Puts members in the order of these attributes, whatever the case of their names (RFC 7643 §2.1); those that
    /// are none of them come second.
    pub(super) fn sorted<'v>(
        &self,
        attributes: &[Arc<Attribute>],
        members: impl Iterator<Item = (&'v String, &'v Value)>,
        place: &Place<'_>,
    ) -> Result<(Vec<Option<&'v Value>>, Sent<'v>), ScimError> {
        let mut slots = vec![None; attributes.len()];
        let mut others = Vec::new();
        for (key, value) in members {
            match attributes.iter().position(|attribute| attribute.name.eq_ignore_ascii_case(key)) {
                None => others.push((key, value)),
                Some(number) if slots[number].is_none() => slots[number] = Some(value),
                Some(number) => return Err(twice(&place.member(&attributes[number].name))),
            }
        }
        Ok((slots, others))
    }

    /// The values of an object's members, in the order of their attributes. What is required must be there: `always`,
    /// or else if anything is.
    pub(super) fn fields<'s>(
        &mut self,
        pairs: impl Iterator<Item = (&'s Arc<Attribute>, Option<&'s Value>)>,
        place: &Place<'_>,
        always: bool,
    ) -> Result<Map<String, Value>, ScimError> {
        let mut fields = Map::new();
        let mut missing = None;
        for (attribute, sent) in pairs {
            let at = place.member(&attribute.name);
            let found = match sent {
                Some(value) => self.attribute(attribute, value, &at)?,
                None => None,
            };
            match found {
                Some(value) if is_stored(attribute) => {
                    fields.insert(attribute.name.clone(), value);
                }
                None if attribute.required
                    && attribute.mutability != Mutability::ReadOnly
                    && !attribute.edge =>
                {
                    missing = missing.or(Some(attribute));
                }
                _ => {}
            }
        }
        match missing {
            Some(attribute) if always || !fields.is_empty() => {
                let at = place.member(&attribute.name);
                Err(ScimError::invalid_value(format!("{at} is required and is missing")))
            }
            _ => Ok(fields),
        }
    }

    /// A name that no schema in force knows: dropped and noted, or an error for a strict token.
    pub(super) fn unknown(
        &mut self,
        leniency: Leniency,
        name: &str,
        place: &Place<'_>,
    ) -> Result<(), ScimError> {
        let name = shorten(name);
        if self.mode == Mode::Strict {
            let place = shorten(&place.to_string());
            let what = if leniency == Leniency::UnknownSchema { "schema" } else { "attribute" };
            let detail =
                format!("{place}: there is no {what} \"{name}\" here; leave it out or correct its name");
            return Err(ScimError::invalid_syntax(detail));
        }
        self.notes.used(leniency);
        if self.notes.dropped.len() < MAX_DROPPED && !self.notes.dropped.contains(&name) {
            self.notes.dropped.push(name);
        }
        Ok(())
    }
}

/// The error for a name that stands in an object twice, in different case.
pub(super) fn twice(place: &Place<'_>) -> ScimError {
    ScimError::invalid_syntax(format!("{place} is given more than once, in different case; send it once"))
}

/// Each value once. Values with the same `value` and `type` are one (RFC 7643 §2.4): the first, which takes on what
/// only a later one says.
fn without_repeats(attribute: &Attribute, values: Vec<Value>) -> Vec<Value> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(values.len());
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        let place = *places.entry(identity(attribute, &value)).or_insert(kept.len());
        match (kept.get_mut(place), value) {
            (None, value) => kept.push(value),
            (Some(Value::Object(first)), Value::Object(later)) => {
                for (name, value) in later {
                    first.entry(name).or_insert(value);
                }
            }
            (Some(_), _) => {}
        }
    }
    kept
}

/// What makes a value the one it is.
fn identity(attribute: &Attribute, value: &Value) -> String {
    let part = |name: &str| {
        let (sub, value) = (attribute.sub(name)?, value.get(name)?);
        Some(match value {
            Value::String(text) if !sub.case_exact => fold(text),
            other => other.to_string(),
        })
    };
    match part("value") {
        Some(significant) => format!("{significant}\u{0}{}", part("type").unwrap_or_default()),
        None => value.to_string(),
    }
}

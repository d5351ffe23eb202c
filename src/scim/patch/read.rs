//! Values of operations, checked and typed by the functions that read resources: whole attributes, single values of a
//! list, sub-attributes one by one.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::body::OpKind;
use super::edits::{Here, Planner};
use super::{SubChange, ValueChange};
use crate::scim::registry::{AttrPath, ENTERPRISE};
use crate::scim::resource::{is_derived, is_manager, parse_attribute};
use crate::scim::schema::{Attribute, Mutability, Returned};
use crate::scim::{Leniency, Mode, ScimError};

impl Planner<'_> {
    /// What an add on selected values brings: sub-attributes for a complex value, else the value itself.
    pub(super) fn merged(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        here: &Here,
    ) -> Result<ValueChange, ScimError> {
        match unwrapped(value) {
            Value::Object(members) if attribute.is_complex() => {
                self.sub_changes(OpKind::Add, attribute, members, here).map(ValueChange::Merge)
            }
            single => match self.element(attribute, single, here)? {
                None => Ok(ValueChange::Merge(Vec::new())),
                Some(Value::Object(members)) => {
                    let change = |(name, value): (String, _)| {
                        Some(sub_change(OpKind::Add, attribute.sub(&name)?, Some(value)))
                    };
                    Ok(ValueChange::Merge(members.into_iter().filter_map(change).collect()))
                }
                Some(element) => Ok(ValueChange::Replace(element)),
            },
        }
    }

    /// One value of a multi-valued attribute.
    pub(super) fn element(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        here: &Here,
    ) -> Result<Option<Value>, ScimError> {
        let value = unwrapped(value);
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let found = self.coerce(attribute, &Value::Array(vec![value.clone()]), here)?;
        Ok(found.and_then(|found| items(found).into_iter().next()))
    }

    /// The values that a `remove` lists: texts stand for the `value` of complex ones.
    pub(super) fn listed(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        here: &Here,
    ) -> Result<Vec<Value>, ScimError> {
        let single = std::slice::from_ref(value);
        let listed = value.as_array().map_or(single, Vec::as_slice);
        let mut found = Vec::new();
        for (number, item) in listed.iter().enumerate() {
            let here = here.at(&number.to_string());
            match item {
                Value::Object(members) if attribute.is_complex() => {
                    let subs = self.sub_changes(OpKind::Remove, attribute, members, &here)?;
                    let members =
                        subs.into_iter().filter_map(|each| Some((each.sub.name.clone(), each.new?)));
                    found.push(Value::Object(members.collect()));
                }
                other => match (attribute.is_complex(), attribute.sub("value")) {
                    (true, Some(sub)) => {
                        let value = self.coerce(&sub.clone(), other, &here)?;
                        found.extend(value.map(|value| serde_json::json!({ "value": value })));
                    }
                    _ => found.extend(self.element(attribute, other, &here)?),
                },
            }
        }
        Ok(found)
    }

    /// The sub-attributes that an object names, each checked; `null` unassigns one. What is readOnly is left alone by
    /// whoever is lenient, and what scimd finds out itself, such as a manager's name, whatever is said about it.
    pub(super) fn sub_changes(
        &mut self,
        op: OpKind,
        attribute: &Attribute,
        members: &Map<String, Value>,
        here: &Here,
    ) -> Result<Vec<SubChange>, ScimError> {
        let mut changes = Vec::new();
        for (key, value) in members {
            let here = here.at(key);
            match attribute.sub(key) {
                None => self.unknown(key, &here)?,
                Some(sub) if is_derived(attribute, &sub.name) => {}
                Some(sub) if sub.mutability == Mutability::ReadOnly => {
                    self.read_only(&format!("{}.{}", attribute.name, sub.name), &here)?;
                }
                Some(sub) => changes.push(sub_change(op, sub, self.coerce(sub, value, &here)?)),
            }
        }
        Ok(changes)
    }

    /// The object in a list of one where an object belongs, to a compat token; anything else as it is.
    pub(super) fn only_object<'v>(&mut self, value: &'v Value) -> &'v Value {
        match value.as_array().map(Vec::as_slice) {
            Some([item @ Value::Object(_)]) if self.mode == Mode::Compat => {
                self.plan.notes.used(Leniency::ListForSingle);
                item
            }
            _ => value,
        }
    }

    /// `null` and `[]` unassign (RFC 7643 §2.5); to a compat token so does `""`.
    pub(super) fn says_nothing(&mut self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::String(text) if text.is_empty() && self.mode == Mode::Compat => {
                self.plan.notes.used(Leniency::EmptyText);
                true
            }
            _ => false,
        }
    }

    pub(super) fn coerce(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        here: &Here,
    ) -> Result<Option<Value>, ScimError> {
        let value = self.only_simple(attribute, value);
        parse_attribute(attribute, value, &here.place, self.mode, &mut self.plan.notes)
    }

    /// The simple value in a list of one where a single value belongs, to a compat token; anything else as it is. Secrets
    /// are taken as they should be or not at all.
    fn only_simple<'v>(&mut self, attribute: &Attribute, value: &'v Value) -> &'v Value {
        let single = !attribute.multi_valued && attribute.returned != Returned::Never;
        match value.as_array().map(Vec::as_slice) {
            Some([item @ (Value::String(_) | Value::Bool(_) | Value::Number(_))])
                if single && self.mode == Mode::Compat =>
            {
                self.plan.notes.used(Leniency::ListForSingle);
                item
            }
            _ => value,
        }
    }
}

/// What an operation makes of a sub-attribute: an add to a multi-valued one adds to its values.
pub(super) fn sub_change(op: OpKind, sub: &Arc<Attribute>, new: Option<Value>) -> SubChange {
    SubChange { joins: op == OpKind::Add && sub.multi_valued, sub: sub.clone(), new }
}

/// The values of a list; a single value is a list of one.
pub(super) fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => vec![other],
    }
}

/// The only value of a list of one; anything else as it is.
fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Array(items) if items.len() == 1 => &items[0],
        other => other,
    }
}

/// Whether the value says in some form who the manager is; one that only repeats a name says nothing. Its address is no
/// leniency: it stands for the id.
pub(super) fn names_manager(path: &AttrPath, value: &Value, mode: Mode) -> bool {
    let forms: &[&str] = if mode == Mode::Compat { &["value", "managerId", "$ref"] } else { &["$ref"] };
    let says_who = |(key, value): (&String, &Value)| {
        forms.iter().any(|name| key.eq_ignore_ascii_case(name)) && (mode == Mode::Compat || !value.is_null())
    };
    path.extension.as_deref() == Some(ENTERPRISE)
        && is_manager(&path.attribute)
        && value.as_object().is_some_and(|members| members.iter().any(says_who))
}

/// Whether a manager without an id is named by an address that is none of a user.
pub(super) fn names_nobody(value: &Value) -> bool {
    let text = |name: &str| {
        let mut members = value.as_object().into_iter().flatten();
        members.find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    };
    text("value").is_none()
        && text("managerId").is_none()
        && text("$ref").is_some_and(|text| !text.is_empty())
}

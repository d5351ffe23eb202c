//! Values of multi-valued attributes (RFC 7643 §2.4): which are the same, how they join, leave and give way, and that
//! only one is primary. Pure functions on lists.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::SubChange;
use crate::scim::filter::{Filter, Op, Operand};
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, Type};

/// Adds values to a list. One that is there already is not added again: it takes on what the new one says besides.
/// Returns the places of the values that were sent as primary.
pub(super) fn append(attribute: &Attribute, values: &mut Vec<Value>, sent: &[Value]) -> Vec<usize> {
    let mut known: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, value) in values.iter().enumerate() {
        known.entry(key(attribute, value)).or_default().push(place);
    }
    let mut marked = Vec::new();
    for new in sent {
        let same = known.entry(key(attribute, new)).or_default();
        let there = same.iter().copied().find(|place| same_type(attribute, &values[*place], new));
        let place = there.unwrap_or(values.len());
        match values.get_mut(place) {
            Some(value) => take_on(value, new),
            None => {
                same.push(place);
                values.push(new.clone());
            }
        }
        if is_primary(new) && !marked.contains(&place) {
            marked.push(place);
        }
    }
    marked
}

/// Removes the listed values from a list.
pub(super) fn withdraw(attribute: &Attribute, values: &mut Vec<Value>, listed: &[Value]) {
    let mut leaving: HashMap<String, Vec<&Value>> = HashMap::new();
    for value in listed {
        leaving.entry(key(attribute, value)).or_default().push(value);
    }
    values.retain(|value| match leaving.get(&key(attribute, value)) {
        None => true,
        Some(same) => !same.iter().any(|other| same_type(attribute, value, other)),
    });
}

/// Each value once (RFC 7643 §2.4): of those with the same value and type the first stays, and takes on what only a later
/// one says, and the mark of being primary.
pub(super) fn without_repeats(attribute: &Attribute, values: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    let mut known: HashMap<(String, Option<String>), usize> = HashMap::new();
    for value in values {
        let place = *known.entry((key(attribute, &value), type_of(attribute, &value))).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(value),
            Some(Value::Object(first)) => {
                for (name, said) in value.as_object().into_iter().flatten() {
                    if !first.contains_key(name) || name == "primary" && *said == Value::Bool(true) {
                        first.insert(name.clone(), said.clone());
                    }
                }
            }
            Some(_) => {}
        }
    }
    kept
}

/// Changes sub-attributes of one value; whether anything is left of it.
pub(super) fn merge(value: &mut Value, changes: &[SubChange]) -> bool {
    let Value::Object(members) = value else { return true };
    for change in changes {
        let name = &change.sub.name;
        match after(change, members.get(name)) {
            Some(new) => {
                members.insert(name.clone(), new);
            }
            None => {
                members.shift_remove(name);
            }
        }
    }
    !members.is_empty()
}

/// The value that a sub-attribute has after a change.
pub(super) fn after(change: &SubChange, before: Option<&Value>) -> Option<Value> {
    match (&change.new, before) {
        (Some(Value::Array(sent)), Some(Value::Array(values))) if change.joins => {
            let mut values = values.clone();
            append(&change.sub, &mut values, sent);
            Some(Value::Array(values))
        }
        (None, before) if change.joins => before.cloned(),
        (new, _) => new.clone(),
    }
}

/// The value that a filter describes: `type eq "work" and primary eq true`. `None` where it says anything else.
pub(super) fn described(filter: &Filter) -> Option<Map<String, Value>> {
    match filter {
        Filter::And(left, right) => {
            let mut members = described(left)?;
            for (name, value) in described(right)? {
                if members.get(&name).is_some_and(|other| *other != value) {
                    return None;
                }
                members.insert(name, value);
            }
            Some(members)
        }
        Filter::Compare { path, op: Op::Eq, value } if *value != Operand::Null => {
            let sub = path.sub.as_ref()?;
            Some(Map::from_iter([(sub.name.clone(), value.to_value())]))
        }
        _ => None,
    }
}

/// Whether the value is marked primary.
pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// Unmarks every primary value but the one at `kept` (RFC 7644 §3.5.2).
pub(super) fn demote_others(values: &mut [Value], kept: usize) {
    for (place, value) in values.iter_mut().enumerate() {
        if place != kept && is_primary(value) {
            value["primary"] = Value::Bool(false);
        }
    }
}

/// What makes a value the one it is: its `value` where it has one, else all of it but the mark of being primary.
fn key(attribute: &Attribute, value: &Value) -> String {
    let Value::Object(members) = value else { return folded(attribute, value) };
    if let (Some(sub), Some(significant)) = (attribute.sub("value"), members.get("value")) {
        return folded(sub, significant);
    }
    let mut key = String::new();
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.name != "primary") {
        if let Some(value) = members.get(&sub.name) {
            key.push_str(&sub.name);
            key.push('=');
            key.push_str(&folded(sub, value));
            key.push('\u{0}');
        }
    }
    key
}

fn folded(attribute: &Attribute, value: &Value) -> String {
    match value {
        Value::String(text) if attribute.kind == Type::String && !attribute.case_exact => fold(text),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn type_of(attribute: &Attribute, value: &Value) -> Option<String> {
    let sub = attribute.sub("type")?;
    Some(folded(sub, value.get("type")?))
}

/// Two values with the same key are one unless both have a type and the types differ.
fn same_type(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    match (type_of(attribute, one), type_of(attribute, other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

/// Takes on what a repeated value says besides; what makes it the one it is stays as it was written first.
fn take_on(value: &mut Value, new: &Value) {
    let (Value::Object(members), Value::Object(new)) = (value, new) else { return };
    for (name, value) in new {
        let identity = matches!(name.as_str(), "value" | "type") && members.contains_key(name);
        if !identity {
            members.insert(name.clone(), value.clone());
        }
    }
}

//! A filter asked of a document in memory. The rules, which SQL in `store::search` follows too:
//! an unassigned attribute equals `null`; of several values any one decides, for `ne` too; no value at all is `null`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Filter, Op, Operand, address};
use crate::base::Timestamp;
use crate::scim::fold::fold;
use crate::scim::registry::AttrPath;
use crate::scim::schema::Type;

/// Whether a resource, derived parts included, satisfies the filter.
pub fn eval(filter: &Filter, whole: &Map<String, Value>) -> bool {
    ask(filter, &|path| slots(path, whole), &|path, inner| {
        attribute_value(path, whole)
            .is_some_and(|value| elements(value).any(|element| eval_value(inner, element)))
    })
}

/// Whether one value of an attribute satisfies the filter of a value path.
pub fn eval_value(filter: &Filter, value: &Value) -> bool {
    ask(filter, &|path| element_slots(path, value), &|_, _| false)
}

/// One value that a comparison looks at; `None` where nothing is assigned.
pub type Slot<'a> = Option<&'a Value>;

/// Every value of `path` in a document, one `None` for each value that lacks the sub-attribute, and a single `None`
/// where the attribute has no value at all.
pub fn slots<'a>(path: &AttrPath, whole: &'a Map<String, Value>) -> Vec<Slot<'a>> {
    match attribute_value(path, whole) {
        None => vec![None],
        Some(value) => {
            let found: Vec<Slot<'a>> =
                elements(value).flat_map(|element| element_slots(path, element)).collect();
            if found.is_empty() { vec![None] } else { found }
        }
    }
}

/// Every assigned value of `path` in a document, in order: what sorting and the index look at.
pub fn values<'a>(path: &AttrPath, whole: &'a Map<String, Value>) -> Vec<&'a Value> {
    slots(path, whole).into_iter().flatten().collect()
}

/// Whether a value counts as assigned (RFC 7643 §2.5; RFC 7644 §3.4.2.2 `pr`): not null, and not empty all through.
pub fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
    }
}

fn ask<'a>(
    filter: &Filter,
    slots: &dyn Fn(&AttrPath) -> Vec<Slot<'a>>,
    value_path: &dyn Fn(&AttrPath, &Filter) -> bool,
) -> bool {
    match filter {
        Filter::And(left, right) => ask(left, slots, value_path) && ask(right, slots, value_path),
        Filter::Or(left, right) => ask(left, slots, value_path) || ask(right, slots, value_path),
        Filter::Not(inner) => !ask(inner, slots, value_path),
        Filter::Present(path) => slots(path).into_iter().flatten().any(is_present),
        Filter::Compare { path, op, value } => {
            slots(path).into_iter().any(|slot| match same_resource(path, slot, value) {
                Some(same) if *op == Op::Eq => same,
                Some(same) if *op == Op::Ne => !same,
                _ => compare(slot, *op, value),
            })
        }
        Filter::ValuePath { path, filter } => value_path(path, filter),
        Filter::Absent { matches, .. } => *matches,
    }
}

/// Whether a value names the resource that is sought; `None` where the path holds no addresses of resources.
fn same_resource(path: &AttrPath, slot: Slot<'_>, operand: &Operand) -> Option<bool> {
    match (slot?, operand) {
        (Value::String(text), Operand::Exact(sought)) if address::is_of_resources(path.leaf()) => {
            Some(address::same_resource(text, sought))
        }
        _ => None,
    }
}

/// The attribute at the head of the path, sub-attribute aside.
fn attribute_value<'a>(path: &AttrPath, whole: &'a Map<String, Value>) -> Option<&'a Value> {
    let container = match &path.extension {
        None => whole,
        Some(urn) => whole.get(&**urn)?.as_object()?,
    };
    container.get(&path.attribute.name)
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    }
    .iter()
}

/// The values of the path's sub-attribute in one value, or the value itself where the path has none.
fn element_slots<'a>(path: &AttrPath, element: &'a Value) -> Vec<Slot<'a>> {
    let found = match &path.sub {
        None => Some(element),
        // RFC 7643 §2.4: where it does not say, a value is not the primary one.
        Some(sub) if path.attribute.multi_valued && sub.name == "primary" && sub.kind == Type::Boolean => {
            Some(element.get(&sub.name).filter(|primary| !primary.is_null()).unwrap_or(&Value::Bool(false)))
        }
        Some(sub) => element.get(&sub.name),
    };
    match found {
        None | Some(Value::Null) => vec![None],
        Some(Value::Array(items)) if items.is_empty() => vec![None],
        Some(value) => elements(value).map(Some).collect(),
    }
}

fn compare(slot: Slot<'_>, op: Op, operand: &Operand) -> bool {
    let slot = slot.filter(|value| !value.is_null());
    let (Some(value), false) = (slot, *operand == Operand::Null) else {
        let equal = slot.is_none() && *operand == Operand::Null;
        return match op {
            Op::Eq => equal,
            Op::Ne => !equal,
            _ => false,
        };
    };
    match order(value, operand) {
        Some(Found::Text(text, sought)) => match op {
            Op::Co => text.contains(sought),
            Op::Sw => text.starts_with(sought),
            Op::Ew => text.ends_with(sought),
            _ => by_order((*text).cmp(sought), op),
        },
        Some(Found::Order(order)) => by_order(order, op),
        // A value of another type than its attribute's equals nothing.
        None => op == Op::Ne,
    }
}

fn by_order(order: std::cmp::Ordering, op: Op) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Co | Op::Sw | Op::Ew => false,
    }
}

enum Found<'a> {
    Text(Cow<'a, str>, &'a str),
    Order(std::cmp::Ordering),
}

/// How a value stands to the operand, by the operand's type.
fn order<'a>(value: &'a Value, operand: &'a Operand) -> Option<Found<'a>> {
    match (operand, value) {
        (Operand::Boolean(sought), Value::Bool(value)) => Some(Found::Order(value.cmp(sought))),
        (Operand::Integer(sought), Value::Number(number)) => match number.as_i64() {
            Some(value) => Some(Found::Order(value.cmp(sought))),
            None => number.as_f64()?.partial_cmp(&(*sought as f64)).map(Found::Order),
        },
        (Operand::Decimal(sought), Value::Number(number)) => {
            number.as_f64()?.partial_cmp(sought).map(Found::Order)
        }
        (Operand::DateTime(sought), Value::String(text)) => {
            Some(Found::Order(Timestamp::parse(text)?.cmp(sought)))
        }
        (Operand::Exact(sought), Value::String(text)) => Some(Found::Text(Cow::Borrowed(text), sought)),
        (Operand::Folded { folded, .. }, Value::String(text)) => {
            Some(Found::Text(Cow::Owned(fold(text)), folded))
        }
        _ => None,
    }
}

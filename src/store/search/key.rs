//! Sort values and places in an order (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use crate::base::Timestamp;
use crate::scim::Document;
use crate::scim::filter;
use crate::scim::fold::fold;
use crate::scim::registry::AttrPath;
use crate::scim::schema::{Attribute, Type};

/// A place in an order: between the resource it was taken from and the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The sort value, where the search has an order.
    pub key: Key,
    /// The resource's number, which decides between equal values.
    pub n: i64,
}

/// A sort value.
#[derive(Clone, Debug)]
pub enum Key {
    /// A number, an instant in milliseconds, or false and true as 0 and 1.
    Number(f64),
    /// A text as it is compared.
    Text(String),
    /// No value: last ascending, first descending.
    Missing,
}

/// How many characters of a text count in an order; where they are equal, the older resource comes first. A cursor
/// holds a sort value, and an address must hold the cursor.
const SORTED: usize = 500;

impl Key {
    /// The sort value of a text as it is compared.
    pub(super) fn text(mut text: String) -> Key {
        if let Some((end, _)) = text.char_indices().nth(SORTED) {
            text.truncate(end);
        }
        Key::Text(text)
    }

    /// The sort value of a resource: of a multi-valued attribute the primary value's, else the first's.
    pub(super) fn of(path: &AttrPath, whole: &Document) -> Key {
        let primary = path.sub.as_ref().filter(|_| path.attribute.multi_valued).and_then(|sub| {
            let container = match &path.extension {
                None => Some(whole),
                Some(urn) => whole.get(&**urn).and_then(Value::as_object),
            };
            let values = container?.get(&path.attribute.name)?.as_array()?;
            values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)))?.get(&sub.name)
        });
        let value = primary.or_else(|| filter::values(path, whole).into_iter().next());
        value.map_or(Key::Missing, |value| Key::from_value(path.leaf(), value))
    }

    fn from_value(attribute: &Attribute, value: &Value) -> Key {
        match (value, attribute.kind) {
            (Value::String(text), Type::DateTime) => {
                Timestamp::parse(text).map_or(Key::Missing, |at| Key::Number(at.0 as f64))
            }
            (Value::String(text), _) if attribute.case_exact => Key::text(text.clone()),
            (Value::String(text), _) => Key::text(fold(text)),
            (Value::Bool(value), _) => Key::Number(f64::from(u8::from(*value))),
            (Value::Number(number), _) => number.as_f64().map_or(Key::Missing, Key::Number),
            _ => Key::Missing,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Number(_) => 0,
            Key::Text(_) => 1,
            Key::Missing => 2,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Number(one), Key::Number(two)) => one.total_cmp(two),
            (Key::Text(one), Key::Text(two)) => one.cmp(two),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

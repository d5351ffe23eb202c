//! The seam to the functions that read resources.

use serde_json::{Map, Value, json};

use crate::base::Timestamp;
use crate::scim::resource::Member;
use crate::scim::schema::{Attribute, Mutability, Type};
use crate::scim::{Document, Kind, Leniency, Mode, Notes, Registry, ScimError};

pub fn attribute(
    a: &Attribute,
    v: &Value,
    place: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Option<Value>, ScimError> {
    if a.multi_valued {
        let items = match v {
            Value::Null => return Ok(None),
            Value::Array(items) => items.clone(),
            _ if mode == Mode::Strict => {
                return Err(ScimError::invalid_value(format!("{place} must be a list")));
            }
            one => {
                notes.used(Leniency::SingleForList);
                vec![one.clone()]
            }
        };
        let mut out = Vec::new();
        for (i, item) in items.iter().enumerate() {
            out.extend(single(a, item, &format!("{place}[{i}]"), mode, notes)?);
        }
        return Ok((!out.is_empty()).then_some(Value::Array(out)));
    }
    single(a, v, place, mode, notes)
}

fn single(
    a: &Attribute,
    v: &Value,
    place: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Option<Value>, ScimError> {
    let bad = || Err(ScimError::invalid_value(format!("{place} must be a {:?}", a.kind)));
    match (a.kind, v) {
        (_, Value::Null) => Ok(None),
        (Type::Complex, Value::Object(members)) => {
            let mut out = Map::new();
            for (k, v) in members {
                match a.sub(k) {
                    None if mode == Mode::Strict => {
                        return Err(ScimError::invalid_syntax(format!("{place}.{k} unknown")));
                    }
                    None => notes.dropped(Leniency::UnknownAttribute, k.as_str()),
                    Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                    Some(sub) => {
                        if let Some(v) = attribute(sub, v, &format!("{place}.{k}"), mode, notes)? {
                            out.insert(sub.name.clone(), v);
                        }
                    }
                }
            }
            Ok((!out.is_empty()).then_some(Value::Object(out)))
        }
        (Type::Complex, Value::String(text)) if a.name == "manager" && mode == Mode::Compat => {
            notes.used(Leniency::ManagerForm);
            Ok((!text.is_empty()).then(|| json!({ "value": text })))
        }
        (Type::Complex, _) => bad(),
        (_, Value::String(text)) if text.is_empty() && mode == Mode::Compat => {
            notes.used(Leniency::EmptyText);
            Ok(None)
        }
        (Type::Boolean, Value::Bool(_)) => Ok(Some(v.clone())),
        (Type::Boolean, Value::String(text)) if mode == Mode::Compat => match text.to_lowercase().as_str() {
            "true" => {
                notes.used(Leniency::TextBoolean);
                Ok(Some(true.into()))
            }
            "false" => {
                notes.used(Leniency::TextBoolean);
                Ok(Some(false.into()))
            }
            _ => bad(),
        },
        (Type::Integer | Type::Decimal, Value::Number(_)) => Ok(Some(v.clone())),
        (Type::DateTime, Value::String(text)) if Timestamp::parse(text).is_none() => bad(),
        (Type::String | Type::Reference | Type::Binary | Type::DateTime, Value::String(_)) => {
            Ok(Some(v.clone()))
        }
        _ => bad(),
    }
}

pub fn members(v: &Value, place: &str, _mode: Mode, _n: &mut Notes) -> Result<Vec<Member>, ScimError> {
    let items = v.as_array().ok_or_else(|| ScimError::invalid_value(format!("{place} must be a list")))?;
    items
        .iter()
        .map(|item| {
            let id = item.as_str().or_else(|| item["value"].as_str());
            let id = id.ok_or_else(|| ScimError::invalid_value(format!("{place}: no id")))?;
            Ok(Member { value: id.into(), kind: None })
        })
        .collect()
}

pub fn arrange(_r: &Registry, _k: Kind, d: Document) -> Document {
    d
}

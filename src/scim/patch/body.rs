//! The PATCH message: its envelope, and its operations as written. What paths and values mean is decided elsewhere.

use serde_json::Value;

use super::PATCH_OP;
use crate::scim::filter::shorten;
use crate::scim::{Leniency, Mode, Notes, ScimError, message};

/// How many operations one PATCH may have.
pub const MAX_OPERATIONS: usize = 10_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpKind {
    Add,
    Remove,
    Replace,
}

/// One operation as written.
#[derive(Clone, Debug)]
pub(super) struct Operation<'a> {
    pub op: OpKind,
    pub path: Option<&'a str>,
    /// `None` when the member is missing; `null` is a value.
    pub value: Option<&'a Value>,
    /// `Operations[2]`
    pub place: String,
}

/// Reads the envelope and every operation of it.
pub(super) fn operations<'a>(
    body: &'a Value,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Vec<Operation<'a>>, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::invalid_syntax(
            "A PATCH body must be a JSON object with \"schemas\" and \"Operations\"",
        ));
    };
    message::check_schemas(body, PATCH_OP, mode, notes)?;
    let listed = match message::get(body, "Operations") {
        Some(Value::Array(operations)) => operations.as_slice(),
        Some(single @ Value::Object(_)) if mode == Mode::Compat => {
            notes.used(Leniency::SingleForList);
            std::slice::from_ref(single)
        }
        Some(_) => return Err(ScimError::invalid_syntax("\"Operations\" must be a list of operations")),
        None => return Err(ScimError::invalid_syntax("\"Operations\", the list of operations, is missing")),
    };
    if listed.is_empty() {
        return Err(ScimError::invalid_syntax(
            "\"Operations\" is empty; a PATCH needs at least one operation",
        ));
    }
    if listed.len() > MAX_OPERATIONS {
        let detail = format!(
            "One PATCH may have {MAX_OPERATIONS} operations, this one has {}; send them in several requests",
            listed.len()
        );
        return Err(ScimError::plain(413, detail));
    }
    let numbered = listed.iter().enumerate();
    numbered.map(|(number, each)| operation(each, format!("Operations[{number}]"), mode, notes)).collect()
}

fn operation<'a>(
    value: &'a Value,
    place: String,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Operation<'a>, ScimError> {
    let Value::Object(members) = value else {
        return Err(ScimError::invalid_syntax(format!("{place} must be an object with \"op\"")));
    };
    let op = match message::get(members, "op") {
        Some(Value::String(name)) => op_kind(name).ok_or_else(|| {
            let name = shorten(name);
            ScimError::invalid_syntax(format!("{place}.op must be add, remove or replace, not \"{name}\""))
        })?,
        Some(_) => {
            return Err(ScimError::invalid_syntax(format!(
                "{place}.op must be a text: add, remove or replace"
            )));
        }
        None => {
            return Err(ScimError::invalid_syntax(format!("{place}.op is missing: add, remove or replace")));
        }
    };
    let value = message::get(members, "value");
    let path = match message::get(members, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path))
            if path.is_empty() && mode == Mode::Compat && value.is_some_and(Value::is_object) =>
        {
            notes.used(Leniency::EmptyText);
            None
        }
        Some(Value::String(path)) => Some(path.as_str()),
        Some(_) => return Err(ScimError::invalid_path(format!("{place}.path must be a text"))),
    };
    if op == OpKind::Remove && path.is_none() {
        return Err(ScimError::no_target(format!("{place} removes, so it needs a path that says what")));
    }
    let said_by_path =
        op == OpKind::Add && mode == Mode::Compat && path.is_some_and(|path| path.contains('['));
    if said_by_path && value.is_none() {
        notes.used(Leniency::ValueInPath);
    } else if op != OpKind::Remove && value.is_none() {
        return Err(ScimError::invalid_value(format!("{place}.value is missing; add and replace need one")));
    }
    Ok(Operation { op, path, value, place })
}

fn op_kind(name: &str) -> Option<OpKind> {
    [("add", OpKind::Add), ("remove", OpKind::Remove), ("replace", OpKind::Replace)]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, op)| op)
}

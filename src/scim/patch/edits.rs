//! Operations to edits: which attribute each part of an operation means, and its value checked and typed by the same
//! functions that read resources. Nothing has been loaded yet, so what depends on the document is `apply`'s business.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::body::{OpKind, Operation};
use super::read::{items, names_manager, names_nobody, sub_change};
use super::target::Pointed;
use super::{Change, Edit, Otherwise, Plan, Target, ValueChange};
use crate::scim::filter::Filter;
use crate::scim::registry::AttrPath;
use crate::scim::resource::{is_derived, is_own_name};
use crate::scim::schema::{Attribute, Returned};
use crate::scim::{Kind, Leniency, Mode, Registry, ScimError};

/// How many attributes one PATCH may change, each counted as often as it is named.
pub const MAX_EDITS: usize = 1_000;

/// What an operation means while it is taken apart.
pub(super) struct Planner<'a> {
    pub registry: &'a Registry,
    pub kind: Kind,
    pub mode: Mode,
    pub plan: &'a mut Plan,
}

/// Where in the body we are: the operation, the words for errors, and whether a path named the attribute.
#[derive(Clone)]
pub(super) struct Here {
    /// `Operations[2]`
    pub operation: String,
    /// `Operations[2].value.name`
    pub place: String,
    pub explicit: bool,
}

impl Here {
    /// One step further in.
    pub(super) fn at(&self, name: &str) -> Here {
        Here {
            operation: self.operation.clone(),
            place: format!("{}.{name}", self.place),
            explicit: self.explicit,
        }
    }
}

impl Planner<'_> {
    /// Turns one operation into edits.
    pub(super) fn operation(&mut self, operation: &Operation<'_>) -> Result<(), ScimError> {
        let here = Here {
            operation: operation.place.clone(),
            place: format!("{}.value", operation.place),
            explicit: operation.path.is_some(),
        };
        let pointed = match operation.path {
            None => Pointed::Resource,
            Some(path) => self.path(path, operation)?,
        };
        let value = self.unnamed(&pointed, operation.value);
        self.pointed_at(operation.op, pointed, value, here)?;
        if self.plan.edits.len() <= MAX_EDITS {
            return Ok(());
        }
        let detail =
            format!("One PATCH may change {MAX_EDITS} attributes; send the changes in several requests");
        Err(ScimError::plain(413, detail))
    }

    fn pointed_at(
        &mut self,
        op: OpKind,
        pointed: Pointed,
        value: Option<&Value>,
        here: Here,
    ) -> Result<(), ScimError> {
        match pointed {
            Pointed::Dropped => Ok(()),
            Pointed::Resource if op == OpKind::Remove => Err(ScimError::no_target(format!(
                "{}.path names the whole resource; use DELETE",
                here.operation
            ))),
            Pointed::Resource => {
                let value = self.only_object(value.unwrap_or(&Value::Null));
                let Value::Object(members) = value else {
                    let detail =
                        format!("{} must be an object of attributes, because there is no path", here.place);
                    return Err(ScimError::invalid_value(detail));
                };
                self.resource(op, members, here)
            }
            Pointed::Extension(urn) => self.extension(op, &urn, value, here),
            Pointed::Attribute(path) if self.is_members(&path) => self.members(op, &path, None, value, &here),
            Pointed::Attribute(path) => self.attribute(op, path, value, here),
            Pointed::Values { path, filter, sub } if self.is_members(&path) => {
                self.members(op, &AttrPath { sub, ..path }, Some(filter), value, &here)
            }
            Pointed::Values { path, filter, sub } => self.values(op, path, filter, sub, value, &here),
        }
    }

    fn is_members(&self, path: &AttrPath) -> bool {
        self.kind == Kind::Group && path.extension.is_none() && path.attribute.edge
    }

    /// An operation without path: every key is a path of its own.
    fn resource(&mut self, op: OpKind, members: &Map<String, Value>, here: Here) -> Result<(), ScimError> {
        for (key, value) in members {
            let inner = here.at(key);
            match self.key(key) {
                Some(Pointed::Resource | Pointed::Dropped) | None => self.unknown(key, &inner)?,
                Some(pointed) => {
                    self.pointed_at(op, pointed, Some(value), Here { explicit: false, ..inner })?
                }
            }
        }
        Ok(())
    }

    /// A whole extension: its attributes one by one, those not named left alone.
    fn extension(
        &mut self,
        op: OpKind,
        urn: &Arc<str>,
        value: Option<&Value>,
        here: Here,
    ) -> Result<(), ScimError> {
        let members = match (op, value) {
            (OpKind::Remove, value) => {
                self.no_value_expected(value, &here)?;
                self.edit(&here, Target::Extension(urn.clone()));
                return Ok(());
            }
            (OpKind::Add | OpKind::Replace, Some(value)) if self.says_nothing(value) => {
                self.edit(&here, Target::Extension(urn.clone()));
                return Ok(());
            }
            (_, Some(Value::Object(members))) => members,
            _ => {
                return Err(ScimError::invalid_value(format!(
                    "{} must be an object of attributes",
                    here.place
                )));
            }
        };
        for (key, value) in members {
            let inner = Here { explicit: false, ..here.at(key) };
            match self.registry.find(self.kind, &format!("{urn}:{key}")) {
                Some(path) if path.sub.is_none() => self.attribute(op, path, Some(value), inner)?,
                Some(path) if self.mode == Mode::Compat => {
                    self.plan.notes.used(Leniency::DottedKey);
                    self.attribute(op, path, Some(value), inner)?;
                }
                None if is_own_name(urn, key, value) => {}
                Some(_) | None => self.unknown(key, &inner)?,
            }
        }
        Ok(())
    }

    /// An attribute or sub-attribute, without value filter.
    fn attribute(
        &mut self,
        op: OpKind,
        path: AttrPath,
        value: Option<&Value>,
        here: Here,
    ) -> Result<(), ScimError> {
        if is_schemas(&path) {
            return self.schemas(op, value, &here);
        }
        if !self.writable(&path, &here)? {
            return Ok(());
        }
        // A manager's address says who it is as well as the id does; what is derived from the id has no other value.
        if let (Some(sub), Some(value)) = (&path.sub, value)
            && is_derived(&path.attribute, &sub.name)
            && op != OpKind::Remove
        {
            let value = Value::Object(Map::from_iter([(sub.name.clone(), value.clone())]));
            return self.single(op, AttrPath { sub: None, ..path }, &value, here);
        }
        let many = path.attribute.multi_valued;
        let change = match (op, &path.sub) {
            (OpKind::Remove, None) if many && value.is_some_and(|value| !value.is_null()) => {
                self.no_value_expected(value, &here)?;
                let withdrawn = self.listed(&path.attribute, value.unwrap_or(&Value::Null), &here)?;
                Some(Change::Withdraw(withdrawn))
            }
            (OpKind::Remove, sub) => {
                self.no_value_expected(value, &here)?;
                Some(sub.as_ref().map_or(Change::Unset, |sub| Change::Sub(sub_change(op, sub, None))))
            }
            (_, Some(sub)) => {
                let found = self.coerce(sub, value.unwrap_or(&Value::Null), &here)?;
                Some(Change::Sub(sub_change(op, sub, found)))
            }
            (_, None) if many => self.many(op, &path.attribute, value.unwrap_or(&Value::Null), &here)?,
            (_, None) => return self.single(op, path, value.unwrap_or(&Value::Null), here),
        };
        if let Some(change) = change {
            self.change(&here, path, change);
        }
        Ok(())
    }

    /// Add or replace on a multi-valued attribute.
    fn many(
        &mut self,
        op: OpKind,
        attribute: &Attribute,
        value: &Value,
        here: &Here,
    ) -> Result<Option<Change>, ScimError> {
        // A single value is what §3.5.2.1 calls "a new value"; only replacing the list with one asks for leniency.
        let wrapped;
        let value = match value {
            Value::Array(_) | Value::Null => value,
            single if op == OpKind::Add => {
                wrapped = Value::Array(vec![single.clone()]);
                &wrapped
            }
            single => single,
        };
        Ok(match (op, self.coerce(attribute, value, here)?) {
            (OpKind::Add, None) => None,
            (OpKind::Add, Some(found)) => Some(Change::Append(items(found))),
            (_, None) => Some(Change::Unset),
            (_, Some(found)) => Some(Change::ReplaceAll(items(found))),
        })
    }

    /// Add or replace on an attribute with one value. A complex one is taken apart: sub-attributes that are not named
    /// stay (RFC 7644 §3.5.2.3).
    fn single(&mut self, op: OpKind, path: AttrPath, value: &Value, here: Here) -> Result<(), ScimError> {
        // A manager comes in more forms than one, all of them known to the functions that read resources.
        let value = if path.attribute.is_complex() { self.only_object(value) } else { value };
        let manager = names_manager(&path, value, self.mode);
        let complex = path.attribute.is_complex();
        let Some(members) = value.as_object().filter(|_| complex && !manager) else {
            match self.coerce(&path.attribute, value, &here)? {
                Some(found) => self.change(&here, path, Change::Set(found)),
                None if names_nobody(value) => {
                    let detail = format!("{}: $ref must be the address of a user here", here.place);
                    return Err(ScimError::invalid_value(detail));
                }
                None => self.change(&here, path, Change::Unset),
            }
            return Ok(());
        };
        for change in self.sub_changes(op, &path.attribute, members, &here)? {
            let path = AttrPath { sub: Some(change.sub.clone()), ..path.clone() };
            self.change(&here, path, Change::Sub(change));
        }
        Ok(())
    }

    /// Operations on the values that satisfy a filter.
    fn values(
        &mut self,
        op: OpKind,
        path: AttrPath,
        filter: Filter,
        sub: Option<Arc<Attribute>>,
        value: Option<&Value>,
        here: &Here,
    ) -> Result<(), ScimError> {
        if is_schemas(&path) {
            return self.selected_schemas(op, &filter, value, here);
        }
        let full = AttrPath { sub: sub.clone(), ..path.clone() };
        if !path.attribute.multi_valued {
            let name = path.canonical();
            let detail = format!("{}.path: {name} has one value; leave the filter out", here.operation);
            return Err(ScimError::invalid_path(detail));
        }
        if !self.writable(&full, here)? {
            return Ok(());
        }
        let given = value.unwrap_or(&Value::Null);
        let (change, otherwise) = match (op, sub) {
            (OpKind::Remove, sub) => {
                self.no_value_expected(value, here)?;
                (
                    sub.map_or(ValueChange::Remove, |sub| {
                        ValueChange::Merge(vec![sub_change(op, &sub, None)])
                    }),
                    self.when_missing(),
                )
            }
            (op, Some(sub)) => {
                let found = self.coerce(&sub, given, here)?;
                let otherwise = match (&found, op) {
                    (None, _) => self.when_missing(),
                    (_, OpKind::Add) => Otherwise::Create(false),
                    _ => self.when_replacing(),
                };
                (ValueChange::Merge(vec![sub_change(op, &sub, found)]), otherwise)
            }
            (OpKind::Add, None) => {
                let change = self.merged(&path.attribute, given, here)?;
                let otherwise =
                    if says_nothing(&change) { self.when_missing() } else { Otherwise::Create(false) };
                (change, otherwise)
            }
            (_, None) => match self.element(&path.attribute, given, here)? {
                None => (ValueChange::Remove, self.when_missing()),
                Some(element) => (ValueChange::Replace(element), self.when_replacing()),
            },
        };
        if change == ValueChange::Merge(Vec::new()) && value.is_some() {
            return Ok(());
        }
        self.change(here, path, Change::Where { filter, change, otherwise });
        Ok(())
    }

    pub(super) fn when_missing(&self) -> Otherwise {
        if self.mode == Mode::Strict { Otherwise::Fail } else { Otherwise::Nothing }
    }

    fn when_replacing(&self) -> Otherwise {
        if self.mode == Mode::Strict { Otherwise::Fail } else { Otherwise::Create(true) }
    }

    fn change(&mut self, here: &Here, path: AttrPath, change: Change) {
        // A password is checked like any other value and kept nowhere.
        if path.attribute.returned == Returned::Never {
            return;
        }
        self.edit(here, Target::Attribute(path, change));
    }

    pub(super) fn edit(&mut self, here: &Here, target: Target) {
        self.plan.edits.push(Edit { place: here.operation.clone(), target });
    }
}

/// Whether a change only unassigns, so that there is nothing to make a new value of.
fn says_nothing(change: &ValueChange) -> bool {
    matches!(change, ValueChange::Merge(subs) if !subs.is_empty() && subs.iter().all(|sub| sub.new.is_none()))
}

fn is_schemas(path: &AttrPath) -> bool {
    path.extension.is_none() && path.attribute.name == "schemas"
}

//! Edits on a document (RFC 7644 §3.5.2.1 to §3.5.2.3): each attribute's next value, and the rules that depend on what
//! was there: required, immutable, `noTarget`, one primary.

use serde_json::{Map, Value};

use super::values;
use super::whole::{complete, remove_extension};
use super::{Change, Edit, Otherwise, SubChange, Target, ValueChange};
use crate::scim::filter::{Filter, eval_value};
use crate::scim::registry::AttrPath;
use crate::scim::resource::order;
use crate::scim::schema::Mutability;
use crate::scim::{Document, Kind, Leniency, Mode, Notes, Registry, ScimError};

/// How many values of lists the edits of one PATCH may go through, all in all: far above any directory's need, and low
/// enough that a PATCH cannot keep the writer busy.
const MAX_VALUES: usize = 250_000;

/// Applies all edits to a copy; an error leaves nothing behind.
pub(super) fn apply(
    edits: &[Edit],
    registry: &Registry,
    kind: Kind,
    document: &Document,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Document, ScimError> {
    let mut next = document.clone();
    let mut gone_through = 0;
    for edit in edits {
        if let Target::Attribute(path, _) = &edit.target {
            gone_through += container(path, &next)
                .and_then(|container| container.get(&path.attribute.name)?.as_array())
                .map_or(0, Vec::len);
            if gone_through > MAX_VALUES {
                let detail = "This PATCH changes long lists too often; send its changes in several requests";
                return Err(ScimError::plain(413, detail));
            }
        }
        match &edit.target {
            Target::Extension(urn) => remove_extension(registry, kind, urn, &mut next, &edit.place)?,
            Target::Attribute(path, change) => {
                Step { place: &edit.place, path, mode }.run(change, &mut next, notes)?
            }
        }
    }
    if next == *document {
        return Ok(next);
    }
    for edit in edits {
        if let Target::Attribute(path, _) = &edit.target {
            complete(registry, kind, path, &next, &edit.place)?;
        }
    }
    // Puts what was added where it belongs, and keeps `schemas` true to the extensions that have values (§3.5.2).
    order(registry, kind, &mut next);
    Ok(next)
}

/// One edit of one attribute.
struct Step<'a> {
    place: &'a str,
    path: &'a AttrPath,
    mode: Mode,
}

impl Step<'_> {
    fn run(&self, change: &Change, document: &mut Document, notes: &mut Notes) -> Result<(), ScimError> {
        let name = &self.path.attribute.name;
        let before = container(self.path, document).and_then(|container| container.get(name)).cloned();
        let after = self.next(before.clone(), change, notes)?;
        if before == after {
            return Ok(());
        }
        self.permitted(before.as_ref(), after.as_ref())?;
        let Some(urn) = &self.path.extension else {
            put(document, name, after);
            return Ok(());
        };
        let mut members = match document.get_mut(&**urn) {
            Some(Value::Object(members)) => std::mem::take(members),
            _ => Map::new(),
        };
        put(&mut members, name, after);
        let members = (!members.is_empty()).then_some(Value::Object(members));
        put(document, urn, members);
        Ok(())
    }

    /// The attribute's value after the change.
    fn next(
        &self,
        before: Option<Value>,
        change: &Change,
        notes: &mut Notes,
    ) -> Result<Option<Value>, ScimError> {
        match change {
            Change::Set(value) => Ok(Some(value.clone())),
            Change::Unset => Ok(None),
            Change::Sub(change) if !self.path.attribute.multi_valued => self.with_sub(before, change),
            change => {
                let values = match before {
                    Some(Value::Array(values)) => values,
                    Some(single) => vec![single],
                    None => Vec::new(),
                };
                let values = self.next_values(values, change, notes)?;
                Ok((!values.is_empty()).then_some(Value::Array(values)))
            }
        }
    }

    /// A complex attribute with one value, one sub-attribute changed.
    fn with_sub(&self, before: Option<Value>, change: &SubChange) -> Result<Option<Value>, ScimError> {
        let mut value = match before {
            Some(value @ Value::Object(_)) => value,
            _ => Value::Object(Map::new()),
        };
        self.removable(&value, change)?;
        Ok(values::merge(&mut value, std::slice::from_ref(change)).then_some(value))
    }

    fn next_values(
        &self,
        mut values: Vec<Value>,
        change: &Change,
        notes: &mut Notes,
    ) -> Result<Vec<Value>, ScimError> {
        let attribute = &self.path.attribute;
        match change {
            Change::Append(sent) => {
                let marked = values::append(attribute, &mut values, sent);
                self.one_primary(&mut values, &marked, notes)?;
            }
            Change::ReplaceAll(sent) => {
                values = values::without_repeats(attribute, sent.clone());
                let all: Vec<usize> = (0..values.len()).collect();
                self.one_primary(&mut values, &all, notes)?;
            }
            Change::Withdraw(listed) => values::withdraw(attribute, &mut values, listed),
            Change::Sub(change) => {
                if values.is_empty() && change.new.is_some() {
                    values.push(Value::Object(Map::new()));
                }
                let all: Vec<usize> = (0..values.len()).collect();
                return self.merged(values, &all, std::slice::from_ref(change), notes);
            }
            Change::Where { filter, change, otherwise } => {
                let places: Vec<usize> =
                    (0..values.len()).filter(|place| eval_value(filter, &values[*place])).collect();
                if places.is_empty() {
                    return self.none_found(values, filter, change, *otherwise, notes);
                }
                return self.found(values, &places, change, notes);
            }
            Change::Set(_) | Change::Unset => unreachable!("these change single values"),
        }
        Ok(values)
    }

    /// Changes the values at these places.
    fn found(
        &self,
        mut values: Vec<Value>,
        places: &[usize],
        change: &ValueChange,
        notes: &mut Notes,
    ) -> Result<Vec<Value>, ScimError> {
        match change {
            ValueChange::Merge(changes) => self.merged(values, places, changes, notes),
            ValueChange::Remove => {
                let mut places = places.iter().peekable();
                let mut at = 0..;
                values.retain(|_| places.next_if_eq(&&at.next().unwrap_or_default()).is_none());
                Ok(values)
            }
            ValueChange::Replace(new) => {
                // All values found become the same one, so one stays.
                for place in places[1..].iter().rev() {
                    values.remove(*place);
                }
                values[places[0]] = new.clone();
                self.one_primary(&mut values, &places[..1], notes)?;
                Ok(values::without_repeats(&self.path.attribute, values))
            }
        }
    }

    /// Changes sub-attributes of the values at these places; what nothing is left of goes.
    fn merged(
        &self,
        mut values: Vec<Value>,
        places: &[usize],
        changes: &[SubChange],
        notes: &mut Notes,
    ) -> Result<Vec<Value>, ScimError> {
        for place in places {
            for change in changes {
                self.removable(&values[*place], change)?;
            }
            values::merge(&mut values[*place], changes);
        }
        let primary = |each: &SubChange| each.sub.name == "primary" && each.new == Some(Value::Bool(true));
        if changes.iter().any(primary) {
            self.one_primary(&mut values, places, notes)?;
        }
        values.retain(|value| value.as_object().is_none_or(|members| !members.is_empty()));
        Ok(values::without_repeats(&self.path.attribute, values))
    }

    /// What a filter that found nothing comes to.
    fn none_found(
        &self,
        mut values: Vec<Value>,
        filter: &Filter,
        change: &ValueChange,
        otherwise: Otherwise,
        notes: &mut Notes,
    ) -> Result<Vec<Value>, ScimError> {
        let created = match otherwise {
            Otherwise::Nothing => {
                notes.used(Leniency::RemoveMissing);
                return Ok(values);
            }
            Otherwise::Fail => None,
            Otherwise::Create(_) => self.created(filter, change),
        };
        let Some(created) = created else {
            let sought = Filter::ValuePath { path: self.path.clone(), filter: Box::new(filter.clone()) };
            let detail = format!("{}.path: no value satisfies {sought}", self.place);
            return Err(ScimError::no_target(detail));
        };
        if otherwise == Otherwise::Create(true) {
            notes.used(Leniency::ReplaceCreates);
        }
        values.push(created);
        let last = values.len() - 1;
        self.one_primary(&mut values, &[last], notes)?;
        Ok(values::without_repeats(&self.path.attribute, values))
    }

    /// The value that a filter and a change describe together.
    fn created(&self, filter: &Filter, change: &ValueChange) -> Option<Value> {
        if !self.path.attribute.is_complex() {
            return match change {
                ValueChange::Replace(new) => Some(new.clone()),
                _ => None,
            };
        }
        let mut value = Value::Object(values::described(filter)?);
        match change {
            ValueChange::Remove => return None,
            ValueChange::Merge(changes) => {
                values::merge(&mut value, changes);
            }
            ValueChange::Replace(Value::Object(new)) => {
                value.as_object_mut()?.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            ValueChange::Replace(_) => return None,
        }
        Some(value)
    }

    /// Keeps one primary value: of those just sent the first, and the others cease to be it.
    fn one_primary(&self, values: &mut [Value], sent: &[usize], notes: &mut Notes) -> Result<(), ScimError> {
        let mut primaries = sent.iter().copied().filter(|place| values::is_primary(&values[*place]));
        let Some(kept) = primaries.next() else { return Ok(()) };
        if primaries.next().is_some() {
            if self.mode == Mode::Strict {
                let name = &self.path.attribute.name;
                let detail = format!("{}: only one value of {name} can be primary", self.place);
                return Err(ScimError::invalid_value(detail));
            }
            notes.used(Leniency::TwoPrimaries);
        }
        values::demote_others(values, kept);
        Ok(())
    }

    /// Whether a sub-attribute of this value may change so: required ones stay, immutable ones stay as they are.
    fn removable(&self, value: &Value, change: &SubChange) -> Result<(), ScimError> {
        let sub = &change.sub;
        let Some(old) = value.get(&sub.name) else { return Ok(()) };
        let new = values::after(change, Some(old));
        let fixed = sub.mutability == Mutability::Immutable && new.as_ref() != Some(old);
        let vanishes = sub.required && new.is_none();
        if !fixed && !vanishes {
            return Ok(());
        }
        let name = AttrPath { sub: Some(sub.clone()), ..self.path.clone() }.canonical();
        Err(self.refused(&name, fixed))
    }

    /// Whether the attribute may change so.
    fn permitted(&self, before: Option<&Value>, after: Option<&Value>) -> Result<(), ScimError> {
        let attribute = &self.path.attribute;
        let fixed = attribute.mutability == Mutability::Immutable && before.is_some();
        if fixed || (attribute.required && after.is_none()) {
            let name = AttrPath { sub: None, ..self.path.clone() }.canonical();
            return Err(self.refused(&name, fixed));
        }
        Ok(())
    }

    fn refused(&self, name: &str, fixed: bool) -> ScimError {
        let place = self.place;
        let error = ScimError::mutability(if fixed {
            format!("{place}: {name} is immutable and already has a value")
        } else {
            format!("{place}: {name} is required and cannot be removed")
        });
        ScimError { missing: !fixed, ..error }
    }
}

/// The object that holds the attribute: the document, or the extension in it.
fn container<'a>(path: &AttrPath, document: &'a Document) -> Option<&'a Map<String, Value>> {
    match &path.extension {
        None => Some(document),
        Some(urn) => document.get(&**urn).and_then(Value::as_object),
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            members.insert(name.to_owned(), value);
        }
        None => {
            members.shift_remove(name);
        }
    }
}

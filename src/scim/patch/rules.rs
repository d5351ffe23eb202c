//! What operations may name at all, whatever the document holds: nothing readOnly, nothing unknown, no value beside a
//! `remove`; and where a compat token is forgiven.

use serde_json::Value;

use super::edits::{Here, Planner};
use crate::scim::filter::shorten;
use crate::scim::registry::AttrPath;
use crate::scim::schema::{Attribute, Mutability};
use crate::scim::{Leniency, Mode, ScimError};

impl Planner<'_> {
    /// A key that names no attribute: dropped, or an error for a strict token.
    pub(super) fn unknown(&mut self, key: &str, here: &Here) -> Result<(), ScimError> {
        if self.mode == Mode::Strict {
            let kind = self.kind.name();
            let detail =
                format!("{} is not an attribute of a {kind}; \"{}\" is unknown", here.place, shorten(key));
            return Err(ScimError::invalid_syntax(detail));
        }
        let urn = key.contains(':');
        self.note_dropped(if urn { Leniency::UnknownSchema } else { Leniency::UnknownAttribute }, key);
        Ok(())
    }

    /// Whether a client may write there. To name what is readOnly is an error (RFC 7644 §3.5.2); a compat token may
    /// send it among others, without a path, and it is ignored.
    pub(super) fn writable(&mut self, path: &AttrPath, here: &Here) -> Result<bool, ScimError> {
        let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
        if !read_only(&path.attribute) && !path.sub.as_deref().is_some_and(read_only) {
            return Ok(true);
        }
        if here.explicit {
            let here = Here { place: format!("{}.path", here.operation), ..here.clone() };
            return Err(refused_as_read_only(&path.canonical(), &here));
        }
        self.read_only(&path.canonical(), here).map(|()| false)
    }

    /// What is readOnly and stands in a value: an error, or left alone for a compat token.
    pub(super) fn read_only(&mut self, name: &str, here: &Here) -> Result<(), ScimError> {
        if self.mode == Mode::Strict {
            return Err(refused_as_read_only(name, here));
        }
        self.plan.notes.dropped(Leniency::ReadOnlyInPatch, name);
        Ok(())
    }

    /// A `remove` says with its path what goes; a value beside it is a leniency.
    pub(super) fn no_value_expected(&mut self, value: Option<&Value>, here: &Here) -> Result<(), ScimError> {
        if value.is_none_or(Value::is_null) {
            return Ok(());
        }
        if self.mode == Mode::Strict {
            let detail = format!(
                "{}: a remove takes no value; select values by a filter in the path, like members[value eq \"…\"]",
                here.place
            );
            return Err(ScimError::invalid_value(detail));
        }
        self.plan.notes.used(Leniency::RemoveWithValue);
        Ok(())
    }
}

fn refused_as_read_only(name: &str, here: &Here) -> ScimError {
    ScimError::mutability(format!("{}: {name} is readOnly and cannot be changed", here.place))
}

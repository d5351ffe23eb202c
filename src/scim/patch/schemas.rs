//! Operations on `schemas` itself. It lists the extensions that have values, so adding to it says nothing yet, and taking
//! an extension out of it takes its values out (RFC 7644 §3.5.2).

use std::sync::Arc;

use serde_json::Value;

use super::Target;
use super::body::OpKind;
use super::edits::{Here, Planner};
use crate::scim::filter::{Filter, eval_value, shorten};
use crate::scim::{Leniency, Mode, ScimError};

impl Planner<'_> {
    /// An operation on the whole list. Without a path it stands among other attributes and says what the document is.
    pub(super) fn schemas(
        &mut self,
        op: OpKind,
        value: Option<&Value>,
        here: &Here,
    ) -> Result<(), ScimError> {
        if !here.explicit {
            return Ok(());
        }
        if op == OpKind::Remove {
            return Err(required(here));
        }
        let listed = self.listed_schemas(value.unwrap_or(&Value::Null), here)?;
        if op == OpKind::Add {
            return Ok(());
        }
        if !listed.iter().any(|urn| urn.eq_ignore_ascii_case(self.kind.urn())) {
            let detail = format!("{} must list \"{}\"", here.place, self.kind.urn());
            return Err(ScimError::invalid_value(detail));
        }
        let stays = |urn: &str| listed.iter().any(|listed| listed.eq_ignore_ascii_case(urn));
        self.without_extensions(|urn| !stays(urn), here);
        Ok(())
    }

    /// An operation on the URNs that satisfy a filter: they can be removed, and nothing else makes sense.
    pub(super) fn selected_schemas(
        &mut self,
        op: OpKind,
        filter: &Filter,
        value: Option<&Value>,
        here: &Here,
    ) -> Result<(), ScimError> {
        let found = |urn: &str| eval_value(filter, &Value::from(urn));
        if op != OpKind::Remove || found(self.kind.urn()) {
            return Err(required(here));
        }
        self.no_value_expected(value, here)?;
        if self.without_extensions(found, here) == 0 && self.mode == Mode::Strict {
            return Err(ScimError::no_target(format!(
                "{}.path: no schema satisfies the filter",
                here.operation
            )));
        }
        Ok(())
    }

    fn listed_schemas<'v>(&mut self, value: &'v Value, here: &Here) -> Result<Vec<&'v str>, ScimError> {
        let wrong = || ScimError::invalid_value(format!("{} must be a list of schema URNs", here.place));
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single @ Value::String(_) if self.mode == Mode::Compat => {
                self.plan.notes.used(Leniency::SingleForList);
                std::slice::from_ref(single)
            }
            _ => return Err(wrong()),
        };
        let mut listed = Vec::with_capacity(items.len());
        for item in items {
            let urn = self.settled_urn(item.as_str().ok_or_else(wrong)?);
            let mut known = self.registry.extensions(self.kind).iter().map(|schema| schema.id.as_str());
            if urn.eq_ignore_ascii_case(self.kind.urn()) || known.any(|id| id.eq_ignore_ascii_case(urn)) {
                listed.push(urn);
            } else if self.mode == Mode::Strict {
                let detail = format!("{}: no schema \"{}\" is known here", here.place, shorten(urn));
                return Err(ScimError::invalid_syntax(detail));
            } else {
                self.note_dropped(Leniency::UnknownSchema, urn);
            }
        }
        Ok(listed)
    }

    /// Takes out extensions by their URN; how many there are to take out.
    fn without_extensions(&mut self, goes: impl Fn(&str) -> bool, here: &Here) -> usize {
        let going: Vec<Arc<str>> = self
            .registry
            .extensions(self.kind)
            .iter()
            .filter(|schema| goes(&schema.id))
            .map(|schema| schema.id.as_str().into())
            .collect();
        let count = going.len();
        going.into_iter().for_each(|urn| self.edit(here, Target::Extension(urn)));
        count
    }
}

fn required(here: &Here) -> ScimError {
    let place = &here.operation;
    ScimError::mutability(format!("{place}.path: schemas is required; remove the extension itself instead"))
}

//! Operations on a group's `members`: edits of edges, never of the document.

use serde_json::{Map, Value};

use super::MemberEdit;
use super::body::OpKind;
use super::edits::{Here, Planner};
use crate::scim::filter::{Filter, Operand};
use crate::scim::registry::AttrPath;
use crate::scim::resource::{Member, parse_members};
use crate::scim::{Mode, ScimError};

impl Planner<'_> {
    /// Turns an operation on `members`, `members.sub`, `members[filter]` or `members[filter].sub` into member edits.
    pub(super) fn members(
        &mut self,
        op: OpKind,
        path: &AttrPath,
        filter: Option<Filter>,
        value: Option<&Value>,
        here: &Here,
    ) -> Result<(), ScimError> {
        if let Some(sub) = &path.sub {
            // A member is what it is: only `value` says something, and that by adding and removing members.
            let listing = sub.name == "value" && filter.is_none() && self.mode == Mode::Compat;
            if !listing || op == OpKind::Replace || (op == OpKind::Remove && value.is_none_or(Value::is_null))
            {
                let name = path.canonical();
                let detail = format!(
                    "{}.path: {name} cannot be changed; add or remove the member instead",
                    here.operation
                );
                return Err(ScimError::mutability(detail));
            }
        }
        let edit = match filter {
            None => self.listed_members(op, value, here)?,
            Some(filter) => self.selected_members(op, filter, value, here)?,
        };
        self.plan.members.extend(edit);
        Ok(())
    }

    fn listed_members(
        &mut self,
        op: OpKind,
        value: Option<&Value>,
        here: &Here,
    ) -> Result<Option<MemberEdit>, ScimError> {
        let given = value.unwrap_or(&Value::Null);
        Ok(match op {
            OpKind::Add if given.is_null() => None,
            OpKind::Add => Some(MemberEdit::Add(self.read(given, here)?)),
            OpKind::Replace if given.is_null() => Some(MemberEdit::RemoveAll),
            OpKind::Replace => Some(MemberEdit::Replace(self.read(given, here)?)),
            OpKind::Remove if given.is_null() => Some(MemberEdit::RemoveAll),
            OpKind::Remove => {
                self.no_value_expected(value, here)?;
                let listed = self.read(given, here)?;
                Some(MemberEdit::Remove(listed.into_iter().map(|member| member.value).collect()))
            }
        })
    }

    fn selected_members(
        &mut self,
        op: OpKind,
        filter: Filter,
        value: Option<&Value>,
        here: &Here,
    ) -> Result<Option<MemberEdit>, ScimError> {
        let ids = filter
            .listed("value")
            .and_then(|operands| operands.into_iter().map(text).collect::<Option<Vec<_>>>());
        Ok(match (op, ids) {
            (OpKind::Remove, ids) => {
                self.no_value_expected(value, here)?;
                // §3.5.2.2: to remove who is no member is no fault. A filter that says anything else must find somebody.
                let otherwise = self.when_missing();
                Some(ids.map_or(MemberEdit::RemoveWhere { filter, otherwise }, MemberEdit::Remove))
            }
            (OpKind::Add, Some(ids)) => {
                let mut added = Vec::new();
                for id in ids {
                    added.extend(self.read(&with_value(value, &id), here)?);
                }
                Some(MemberEdit::Add(added))
            }
            (OpKind::Add, None) => {
                let detail = format!("{}.path selects members but does not say whom to add", here.operation);
                return Err(ScimError::no_target(detail));
            }
            (OpKind::Replace, ids) => {
                let given = value.unwrap_or(&Value::Null);
                let with = match (given, &ids) {
                    (Value::Null, _) => Vec::new(),
                    (Value::Object(members), Some(ids)) if ids.len() == 1 && !names_value(members) => {
                        self.read(&with_value(value, &ids[0]), here)?
                    }
                    (given, _) => self.read(given, here)?,
                };
                let create = self.mode == Mode::Compat;
                Some(MemberEdit::ReplaceWhere { filter, with, create })
            }
        })
    }

    fn read(&mut self, value: &Value, here: &Here) -> Result<Vec<Member>, ScimError> {
        // §3.5.2.1 adds "a new value" as well as a list of them.
        let wrapped;
        let value = match value {
            Value::Object(_) => {
                wrapped = Value::Array(vec![value.clone()]);
                &wrapped
            }
            other => other,
        };
        parse_members(value, &here.place, self.mode, &mut self.plan.notes)
    }
}

fn text(operand: &Operand) -> Option<String> {
    match operand {
        Operand::Exact(text) => Some(text.clone()),
        Operand::Folded { sent, .. } => Some(sent.clone()),
        _ => None,
    }
}

fn names_value(members: &Map<String, Value>) -> bool {
    members.keys().any(|key| key.eq_ignore_ascii_case("value"))
}

/// The sent member with the id that the filter names, where it names none itself.
fn with_value(value: Option<&Value>, id: &str) -> Value {
    let mut member = match value {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    };
    if !names_value(&member) {
        member.insert("value".into(), id.into());
    }
    Value::Object(member)
}

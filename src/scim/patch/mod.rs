//! PATCH (RFC 7644 §3.5.2): operations become edits of the document and edits of membership before anything is loaded
//! (`plan`), and the edits change a document whole or not at all (`Plan::apply`). Membership edits are carried out by
//! whoever keeps the edges.

mod apply;
mod body;
mod edits;
mod members;
mod read;
mod rules;
mod schemas;
mod target;
mod values;
mod whole;

use std::sync::Arc;

use serde_json::Value;

use super::filter::Filter;
use super::registry::AttrPath;
use super::resource::Member;
use super::schema::Attribute;
use super::{Document, Kind, Mode, Notes, Registry, ScimError};

pub use body::MAX_OPERATIONS;
pub use edits::MAX_EDITS;

/// URN of the PATCH message (RFC 7644 §3.5.2).
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What a PATCH asks for, values checked and typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Edits of the document, in order.
    pub edits: Vec<Edit>,
    /// Edits of a group's membership, in order.
    pub members: Vec<MemberEdit>,
    /// Leniencies used and names dropped while reading.
    pub notes: Notes,
}

/// One change of a group's members.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberEdit {
    /// These become members; who is one already stays one.
    Add(Vec<Member>),
    /// These ids cease to be members; ids that are none change nothing.
    Remove(Vec<String>),
    /// Members that satisfy the filter cease to be members.
    RemoveWhere {
        /// Which members.
        filter: Filter,
        /// What happens if there is no such member.
        otherwise: Otherwise,
    },
    /// The group becomes empty.
    RemoveAll,
    /// These become the only members.
    Replace(Vec<Member>),
    /// Members that satisfy the filter give way to these. Where none does: `noTarget` when `create` is false.
    ReplaceWhere {
        /// Which members.
        filter: Filter,
        /// Who takes their place.
        with: Vec<Member>,
        /// Whether they are added even when nobody gives way.
        create: bool,
    },
}

/// One change of the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The operation it comes from, for errors: `Operations[2]`.
    pub place: String,
    /// What it changes.
    pub target: Target,
}

/// What an edit changes, and how.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The whole extension of that URN goes.
    Extension(Arc<str>),
    /// An attribute, or the sub-attribute of a complex attribute with one value.
    Attribute(AttrPath, Change),
}

/// How an attribute changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// One value takes the place of what was there.
    Set(Value),
    /// Nothing is assigned any more.
    Unset,
    /// These join the values of a multi-valued attribute.
    Append(Vec<Value>),
    /// These become the only values of a multi-valued attribute.
    ReplaceAll(Vec<Value>),
    /// These leave the values of a multi-valued attribute.
    Withdraw(Vec<Value>),
    /// A sub-attribute changes: of the one value, or of every value of a multi-valued attribute.
    Sub(SubChange),
    /// Values that satisfy a filter change.
    Where {
        /// Which values.
        filter: Filter,
        /// How.
        change: ValueChange,
        /// What happens if there is no such value.
        otherwise: Otherwise,
    },
}

/// A sub-attribute's new value, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct SubChange {
    /// Which sub-attribute.
    pub sub: Arc<Attribute>,
    /// What it becomes.
    pub new: Option<Value>,
    /// Whether the values sent join those of a multi-valued one (RFC 7644 §3.5.2.1).
    pub joins: bool,
}

/// How a value of a multi-valued attribute changes.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueChange {
    /// It goes.
    Remove,
    /// Another takes its place.
    Replace(Value),
    /// These sub-attributes change, the others stay.
    Merge(Vec<SubChange>),
}

/// What a change by filter does when no value satisfies the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// It fails with `noTarget`.
    Fail,
    /// It makes a value of what the filter says; `true` when that is a leniency.
    Create(bool),
    /// Nothing, as a leniency.
    Nothing,
}

/// Reads a PATCH body for a resource of this kind.
pub fn plan(registry: &Registry, kind: Kind, body: &Value, mode: Mode) -> Result<Plan, ScimError> {
    let mut plan = Plan::default();
    let operations = body::operations(body, mode, &mut plan.notes)?;
    let mut planner = edits::Planner { registry, kind, mode, plan: &mut plan };
    for operation in &operations {
        planner.operation(operation)?;
    }
    Ok(plan)
}

impl Plan {
    /// The attributes that are changed.
    pub fn paths(&self) -> Vec<AttrPath> {
        let path = |edit: &Edit| match &edit.target {
            Target::Attribute(path, _) => Some(path.clone()),
            Target::Extension(_) => None,
        };
        self.edits.iter().filter_map(path).collect()
    }

    /// The document after all edits, or the first error and nothing changed. Equal to `document` when nothing changes.
    pub fn apply(
        &self,
        registry: &Registry,
        kind: Kind,
        document: &Document,
        mode: Mode,
        notes: &mut Notes,
    ) -> Result<Document, ScimError> {
        apply::apply(&self.edits, registry, kind, document, mode, notes)
    }
}

#[cfg(test)]
mod tests;

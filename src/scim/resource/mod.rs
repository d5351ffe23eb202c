//! Resources: from a client's JSON to the canonical document (`parse`), and from the stored document to the answer (`render`).

mod diff;
mod display_name;
mod entries;
mod order;
mod parse;
mod parse_members;
mod parse_simple;
mod parse_value;
mod place;
mod projection;
mod render;
mod replace;
#[cfg(test)]
mod sample;

pub use diff::{Difference, diff};
pub use display_name::{display_name, is_named};
pub use order::order;
pub use parse::{is_own_name, parse};
pub use parse_members::parse_members;
pub use parse_value::parse_attribute;
pub(in crate::scim) use parse_value::{is_derived, is_manager};
pub use projection::Projection;
pub use render::{
    Derived, GroupRef, ManagerRef, MemberRef, MemberView, Members, Meta, Nobody, render, whole,
};
pub use replace::replace;

use super::{Document, Kind, Notes};

/// A member as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of the user or group.
    pub value: String,
    /// Its type, where the client said so.
    pub kind: Option<Kind>,
}

/// A resource read from a request body.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Everything that is stored as a document.
    pub document: Document,
    /// The member list of a group, where the body has one.
    pub members: Option<Vec<Member>>,
    /// The attributes of the core schema that were sent as `null`: the client says that they have no value, also where
    /// the server would give them one (RFC 7644 §3.3).
    pub cleared: Vec<String>,
    /// Leniencies used and names dropped.
    pub notes: Notes,
}

impl Parsed {
    /// Whether the body leaves it to the server what value an attribute has.
    pub fn leaves_open(&self, name: &str) -> bool {
        !self.document.contains_key(name) && !self.cleared.iter().any(|cleared| cleared == name)
    }
}

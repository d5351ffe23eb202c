//! Resources: from a client's JSON to the canonical document (`parse`), and from the stored document to the answer (`render`).

use serde_json::Value;

use super::{Document, Kind, Mode, Notes, Registry, ScimError};

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
    /// Leniencies used and names dropped.
    pub notes: Notes,
}

/// Reads the body of a POST or PUT (RFC 7644 §3.3, §3.5.1).
pub fn parse(_registry: &Registry, _kind: Kind, _body: &Value, _mode: Mode) -> Result<Parsed, ScimError> {
    todo!()
}

//! Which values of a document can be searched by index, and how they are folded. What is unique is held here too:
//! a unique value has an index row, and a write looks for it first.

use crate::scim::{Document, Kind, Registry};

/// One searchable value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexValue {
    /// The path in canonical spelling: `userName`, `emails.value`.
    pub path: String,
    /// The value as it is compared: folded, or as it is where the attribute is caseExact.
    pub value: String,
    /// The value as it was sent.
    pub sent: String,
    /// No other resource of the kind may have it. The caller may set this on more values than the schemas do.
    pub unique: bool,
}

/// The searchable values of a document: those of the standard paths, and of every attribute that the schemas mark unique.
pub fn values(_registry: &Registry, _kind: Kind, _document: &Document) -> Vec<IndexValue> {
    todo!()
}

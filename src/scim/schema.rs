//! Schemas and attributes with their characteristics (RFC 7643 §2.2, §7). A schema is read from its JSON document;
//! which schemas are in force for a team is `registry`'s business.

use std::sync::Arc;

use serde_json::Value;

use super::ScimError;

/// An attribute's data type (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// Who may write an attribute, and when (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Returned {
    Always,
    Never,
    Default,
    Request,
}

/// How far an attribute's value must be unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

/// One attribute or sub-attribute and its characteristics.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: String,
    pub description: String,
    pub kind: Type,
    pub multi_valued: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub uniqueness: Uniqueness,
    pub canonical_values: Vec<String>,
    pub reference_types: Vec<String>,
    pub sub_attributes: Vec<Arc<Attribute>>,
    /// `members` of a Group and `groups` of a User: kept as edges, so parted from the document at the door.
    pub edge: bool,
}

impl Attribute {
    /// The sub-attribute of that name, in any case (RFC 7643 §2.1).
    pub fn sub(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Whether values are complex.
    pub fn is_complex(&self) -> bool {
        self.kind == Type::Complex
    }
}

/// A schema: a URN and its attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub id: String,
    pub name: String,
    pub description: String,
    pub attributes: Vec<Arc<Attribute>>,
}

impl Schema {
    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Reads a schema document as RFC 7643 §7 writes it; says which member is wrong.
    pub fn parse(_document: &Value) -> Result<Schema, ScimError> {
        todo!()
    }
}

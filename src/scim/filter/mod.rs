//! Filters (RFC 7644 §3.4.2.2): one tree with two readers, `eval` here and SQL in `store::search`.

use super::registry::AttrPath;
use super::{Kind, Mode, Notes, Registry, ScimError};

/// Comparison operators (RFC 7644 table 3), `pr` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A comparison value, read by the type of the attribute it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal(f64),
    /// A date and time, compared as an instant.
    DateTime(crate::base::Timestamp),
    /// A text compared as it is (caseExact).
    Exact(String),
    /// A text already folded, compared with folded values; `sent` is the text as it was written.
    Folded {
        folded: String,
        sent: String,
    },
}

/// A filter whose attributes are resolved and whose values are typed.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    /// `path pr`
    Present(AttrPath),
    /// `path op value`; a path to a complex attribute was resolved to its `value` sub-attribute.
    Compare {
        path: AttrPath,
        op: Op,
        value: Operand,
    },
    /// `path[filter]`: one and the same value satisfies the inner filter, whose paths name sub-attributes in `sub`.
    ValuePath {
        path: AttrPath,
        filter: Box<Filter>,
    },
    /// An attribute that this kind does not have but another searched kind has: it is unassigned here.
    Absent {
        name: String,
        matches: bool,
    },
}

/// Reads a filter for one kind of resource; errors are `invalidFilter` and name the place.
pub fn parse(
    _text: &str,
    _registry: &Registry,
    _kind: Kind,
    _mode: Mode,
    _notes: &mut Notes,
) -> Result<Filter, ScimError> {
    todo!()
}

//! Filters (RFC 7644 §3.4.2.2): one tree with two readers, `eval` here and SQL in `store::search`.
//! Reading a text is `parse`'s business, comparing with documents `eval`'s.

mod address;
mod eval;
mod lex;
mod operand;
mod parse;
mod value_path;

use std::fmt;

use super::registry::AttrPath;
use super::{Kind, Mode, Notes, Registry, ScimError};

pub use eval::{Slot, eval, eval_value, is_present, slots, values};
pub use lex::MAX_BYTES;
pub use parse::{MAX_DEPTH, MAX_NODES};

pub(in crate::scim) use lex::{Class, Fault, shorten};
pub(in crate::scim) use value_path::{PathTarget, target};

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

impl Op {
    const ALL: [Op; 9] = [Op::Eq, Op::Ne, Op::Co, Op::Sw, Op::Ew, Op::Gt, Op::Ge, Op::Lt, Op::Le];

    /// The operator as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Op::Eq => "eq",
            Op::Ne => "ne",
            Op::Co => "co",
            Op::Sw => "sw",
            Op::Ew => "ew",
            Op::Gt => "gt",
            Op::Ge => "ge",
            Op::Lt => "lt",
            Op::Le => "le",
        }
    }

    /// The operator of that name, in any case.
    pub fn from_name(name: &str) -> Option<Op> {
        Op::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(name))
    }
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
    /// `path[filter]`: one and the same value satisfies the inner filter, whose paths name sub-attributes in `sub`;
    /// where the attribute is no complex one, `sub` is empty and the inner name `value` means the value itself.
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
    text: &str,
    registry: &Registry,
    kind: Kind,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Filter, ScimError> {
    parse::filter(text, registry, kind, &[kind], mode, notes).map_err(|fault| refusal(text, &fault))
}

/// Reads a filter for a search over several kinds. An attribute that only some of them have is unassigned in the
/// others; one that none of them has is `invalidFilter`.
pub fn parse_for_kinds(
    text: &str,
    registry: &Registry,
    kinds: &[Kind],
    mode: Mode,
    notes: &mut Notes,
) -> Result<Vec<(Kind, Filter)>, ScimError> {
    let read = |&kind: &Kind| {
        parse::filter(text, registry, kind, kinds, mode, notes)
            .map(|filter| (kind, filter))
            .map_err(|fault| refusal(text, &fault))
    };
    kinds.iter().map(read).collect()
}

fn refusal(text: &str, fault: &Fault) -> ScimError {
    let detail = format!("The filter is wrong {}", fault.describe(text));
    match fault.class {
        Class::Secret => ScimError::sensitive(detail),
        Class::Syntax | Class::Filter | Class::Unknown | Class::Meaning => ScimError::invalid_filter(detail),
    }
}

impl Filter {
    /// The values `v` of a filter that is no more than `path eq v`, or several of them joined by `or`; `None` for any
    /// other filter. `path` is the name of the sub-attribute, or `value` for a value that is not complex.
    pub fn listed(&self, sub: &str) -> Option<Vec<&Operand>> {
        match self {
            Filter::Or(left, right) => {
                let mut all = left.listed(sub)?;
                all.extend(right.listed(sub)?);
                Some(all)
            }
            Filter::Compare { path, op: Op::Eq, value }
                if inner_name(path) == sub && *value != Operand::Null =>
            {
                Some(vec![value])
            }
            _ => None,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, inside: bool) -> fmt::Result {
        let name = |path: &AttrPath| if inside { inner_name(path).to_owned() } else { path.canonical() };
        match self {
            Filter::And(left, right) => {
                left.write_grouped(f, inside, matches!(**left, Filter::Or(..)))?;
                f.write_str(" and ")?;
                right.write_grouped(f, inside, matches!(**right, Filter::Or(..) | Filter::And(..)))
            }
            Filter::Or(left, right) => {
                left.write(f, inside)?;
                f.write_str(" or ")?;
                right.write_grouped(f, inside, matches!(**right, Filter::Or(..)))
            }
            Filter::Not(inner) => {
                f.write_str("not ")?;
                inner.write_grouped(f, inside, true)
            }
            Filter::Present(path) => write!(f, "{} pr", name(path)),
            Filter::Compare { path, op, value } => write!(f, "{} {} {value}", name(path), op.name()),
            Filter::ValuePath { path, filter } => {
                write!(f, "{}[", name(path))?;
                filter.write(f, true)?;
                f.write_str("]")
            }
            Filter::Absent { name, matches: true } => write!(f, "{name} eq null"),
            Filter::Absent { name, matches: false } => write!(f, "{name} pr"),
        }
    }

    fn write_grouped(&self, f: &mut fmt::Formatter<'_>, inside: bool, brackets: bool) -> fmt::Result {
        if !brackets {
            return self.write(f, inside);
        }
        f.write_str("(")?;
        self.write(f, inside)?;
        f.write_str(")")
    }
}

impl fmt::Display for Filter {
    /// Writes the filter so that reading it again gives the same tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

/// How a path is written inside a value path.
fn inner_name(path: &AttrPath) -> &str {
    path.sub.as_ref().map_or("value", |sub| &sub.name)
}

#[cfg(test)]
mod tests;

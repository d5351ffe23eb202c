//! Comparison values: how a literal is read by the type of the attribute it is compared with, and which operators that
//! type has (RFC 7644 §3.4.2.2 table 3).

use std::fmt;

use serde_json::{Number, Value};

use super::lex::{Class, Fault, Lexed, Token, shorten};
use super::{Op, Operand};
use crate::base::Timestamp;
use crate::scim::fold::fold;
use crate::scim::registry::AttrPath;
use crate::scim::schema::{Attribute, Returned, Type};
use crate::scim::{Leniency, Mode, Notes};

/// A comparison value as written: `compValue` of the grammar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    /// `True`, `FALSE`: no JSON literal, but what it means is plain.
    OddBoolean(bool),
    Number(Number),
    Text(String),
}

impl Literal {
    /// Reads a word that stands where a value belongs.
    fn from_word(word: &str) -> Option<Literal> {
        match word {
            "null" => Some(Literal::Null),
            "true" => Some(Literal::Boolean(true)),
            "false" => Some(Literal::Boolean(false)),
            _ if word.eq_ignore_ascii_case("true") => Some(Literal::OddBoolean(true)),
            _ if word.eq_ignore_ascii_case("false") => Some(Literal::OddBoolean(false)),
            _ => serde_json::from_str(word).ok().map(Literal::Number),
        }
    }

    fn describe(&self) -> String {
        match self {
            Literal::Null => "null".into(),
            Literal::Boolean(value) => value.to_string(),
            Literal::OddBoolean(value) => format!("{value} in capitals"),
            Literal::Number(number) => format!("the number {number}"),
            Literal::Text(text) => format!("the text \"{}\"", shorten(text)),
        }
    }
}

/// What a comparison with an attribute compares.
pub(super) enum Comparable {
    Path(AttrPath),
    /// Comparing a complex attribute with null asks whether it is there.
    Presence(AttrPath),
    Nothing(String),
}

/// A complex attribute is compared by its `value` (RFC 7644 figure 2: `emails co "example.com"`).
pub(super) fn comparable(path: AttrPath, literal: &Literal, op: Op) -> Comparable {
    if !path.leaf().is_complex() {
        return Comparable::Path(path);
    }
    if *literal == Literal::Null && matches!(op, Op::Eq | Op::Ne) {
        return Comparable::Presence(path);
    }
    if let Some(value) = path.attribute.sub("value") {
        return Comparable::Path(AttrPath { sub: Some(value.clone()), ..path });
    }
    let name = path.canonical();
    let subs: Vec<String> =
        path.attribute.sub_attributes.iter().map(|sub| format!("{name}.{}", sub.name)).collect();
    Comparable::Nothing(format!("{name} is complex: compare one of {}", subs.join(", ")))
}

/// Something that is never returned cannot be searched for either: the answer would give it away. Where it is `compared`,
/// the filter itself holds the secret.
pub(super) fn searchable(path: &AttrPath, at: usize, compared: bool) -> Result<(), Fault> {
    if path.leaf().returned != Returned::Never && path.attribute.returned != Returned::Never {
        return Ok(());
    }
    let message = format!("{} is never returned, so it cannot be searched for", path.canonical());
    Err(Fault::new(if compared { Class::Secret } else { Class::Meaning }, at, message))
}

/// Reads the token that stands where a comparison value belongs.
pub(super) fn literal(lexed: &Lexed<'_>) -> Result<Literal, Fault> {
    let found = match &lexed.token {
        Token::Text(text) => Some(Literal::Text(text.clone())),
        Token::Word(word) => Literal::from_word(word),
        _ => None,
    };
    found.ok_or_else(|| {
        let found = lexed.token.describe();
        let message =
            format!("expected a text in double quotes, a number, true, false or null, found {found}");
        Fault::syntax(lexed.at, message)
    })
}

/// Types a literal by its attribute; the error says what the attribute asks for.
pub(super) fn typed(
    attribute: &Attribute,
    name: &str,
    op: Op,
    literal: &Literal,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Operand, String> {
    if !has_operator(attribute.kind, op) {
        let kind = kind_name(attribute.kind);
        return Err(format!("\"{}\" cannot compare {name}, which is a {kind}", op.name()));
    }
    match (attribute.kind, literal) {
        (_, Literal::Null) if matches!(op, Op::Eq | Op::Ne) => Ok(Operand::Null),
        (_, Literal::Null) => Err(format!("\"{}\" cannot compare with null; only eq and ne can", op.name())),
        (Type::Boolean, Literal::Boolean(value)) => Ok(Operand::Boolean(*value)),
        (Type::Boolean, literal) => {
            odd_boolean(literal, mode, notes).map(Operand::Boolean).ok_or_else(|| {
                format!(
                    "{name} is a boolean: compare it with true or false without quotes, not with {}",
                    literal.describe()
                )
            })
        }
        (Type::Integer, Literal::Number(number)) => Ok(integer(number)),
        (Type::Decimal, Literal::Number(number)) => Ok(Operand::Decimal(number.as_f64().unwrap_or(f64::MAX))),
        (Type::Integer | Type::Decimal, literal) => Err(format!(
            "{name} is a number: compare it with a number without quotes, not with {}",
            literal.describe()
        )),
        (Type::DateTime, Literal::Text(text)) => {
            Timestamp::parse(text).map(Operand::DateTime).ok_or_else(|| {
                format!(
                    "{name} is a dateTime: write it like \"2026-11-23T18:00:00Z\", not \"{}\"",
                    shorten(text)
                )
            })
        }
        (Type::Reference | Type::Binary, Literal::Text(text)) => Ok(Operand::Exact(text.clone())),
        (Type::String, Literal::Text(text)) if attribute.case_exact => Ok(Operand::Exact(text.clone())),
        (Type::String, Literal::Text(text)) => Ok(Operand::Folded { folded: fold(text), sent: text.clone() }),
        (_, literal) => {
            Err(format!("{name} is compared with a text in double quotes, not with {}", literal.describe()))
        }
    }
}

/// Boolean and binary values have no order (table 3), and only texts have parts.
fn has_operator(kind: Type, op: Op) -> bool {
    match op {
        Op::Eq | Op::Ne => true,
        Op::Co | Op::Sw | Op::Ew => matches!(kind, Type::String | Type::Reference),
        Op::Gt | Op::Ge | Op::Lt | Op::Le => !matches!(kind, Type::Boolean | Type::Binary),
    }
}

fn odd_boolean(literal: &Literal, mode: Mode, notes: &mut Notes) -> Option<bool> {
    let value = match literal {
        _ if mode == Mode::Strict => None,
        Literal::OddBoolean(value) => Some(*value),
        Literal::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Literal::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }?;
    notes.used(Leniency::TextBoolean);
    Some(value)
}

/// An integer where the number is one, so that `5` and `5.0` are the same operand.
fn integer(number: &Number) -> Operand {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(integer) = number.as_i64() {
        return Operand::Integer(integer);
    }
    let decimal = number.as_f64().unwrap_or(f64::MAX);
    if decimal.fract() == 0.0 && decimal.abs() <= EXACT {
        return Operand::Integer(decimal as i64);
    }
    Operand::Decimal(decimal)
}

fn kind_name(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::Decimal => "decimal",
        Type::Integer => "integer",
        Type::DateTime => "dateTime",
        Type::Binary => "binary",
        Type::Reference => "reference",
        Type::Complex => "complex attribute",
    }
}

impl Operand {
    /// The operand as a value of a document: what a PATCH creates from `type eq "work"`.
    pub fn to_value(&self) -> Value {
        match self {
            Operand::Null => Value::Null,
            Operand::Boolean(value) => Value::Bool(*value),
            Operand::Integer(value) => Value::from(*value),
            Operand::Decimal(value) => Value::from(*value),
            Operand::DateTime(at) => Value::from(at.render()),
            Operand::Exact(text) => Value::from(text.as_str()),
            Operand::Folded { sent, .. } => Value::from(sent.as_str()),
        }
    }
}

impl fmt::Display for Operand {
    /// Writes the operand as JSON, which is what the grammar asks for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_value())
    }
}

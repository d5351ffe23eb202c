//! Simple values (RFC 7643 §2.3.1 to §2.3.7): each data type's check, and the leniencies on how a value is written.
//! Lists and complex values are read in `parse_value`.

use base64::Engine;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

use super::parse_value::{Reader, is_stored};
use super::place::Place;
use crate::base::Timestamp;
use crate::scim::filter::shorten;
use crate::scim::schema::{Attribute, Type};
use crate::scim::{Leniency, Mode, ScimError};

/// How long a password may be, in bytes.
const MAX_SECRET: usize = 1024;

impl Reader<'_> {
    /// A value of a simple type; `None` where it is unassigned.
    pub(super) fn simple(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if let Value::String(text) = value {
            // RFC 7643 §4.1.1: a userName is "non-empty"; blanks are no name either.
            if attribute.required && text.trim().is_empty() {
                return Err(ScimError::missing(format!("{place} is required and was empty")));
            }
            if text.is_empty() && self.mode == Mode::Compat {
                self.notes.used(Leniency::EmptyText);
                return Ok(None);
            }
        }
        let found = match attribute.kind {
            Type::String => self.text(value).map(|text| self.canonical(attribute, text)),
            Type::Boolean => self.boolean(value),
            Type::Integer => self.integer(value),
            Type::Decimal => self.decimal(value),
            Type::DateTime => checked(value, |text| Timestamp::parse(text).is_some()),
            Type::Binary => checked(value, is_base64),
            Type::Reference => self.reference(value),
            Type::Complex => None,
        };
        let Some(found) = found else {
            return Err(wrong(attribute, place, expected(attribute.kind), value));
        };
        match &found {
            Value::String(text) if !is_stored(attribute) && !(1..=MAX_SECRET).contains(&text.len()) => {
                Err(ScimError::invalid_value(format!("{place} must be a text of 1 to {MAX_SECRET} bytes")))
            }
            _ => Ok(Some(found)),
        }
    }

    /// A text; for a compat token also a number.
    fn text(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::String(_) => Some(value.clone()),
            Value::Number(number) if self.mode == Mode::Compat => {
                self.notes.used(Leniency::TextNumber);
                Some(Value::String(number.to_string()))
            }
            _ => None,
        }
    }

    /// An e-mail address in its canonical form (RFC 7643 §4.1.2); for a compat token as it was sent, because a provider
    /// looks for what it wrote.
    fn canonical(&mut self, attribute: &Attribute, value: Value) -> Value {
        let parts = value.as_str().filter(|_| attribute.mail).and_then(|text| text.rsplit_once('@'));
        let Some((local, domain)) =
            parts.filter(|(_, domain)| domain.contains(|c: char| c.is_ascii_uppercase()))
        else {
            return value;
        };
        if self.mode == Mode::Strict {
            return Value::String(format!("{local}@{}", domain.to_ascii_lowercase()));
        }
        self.notes.used(Leniency::MailCase);
        value
    }

    /// A URI (RFC 7643 §2.3.7); for a compat token any text.
    fn reference(&mut self, value: &Value) -> Option<Value> {
        let text = value.as_str()?;
        if !is_uri_reference(text) {
            if self.mode == Mode::Strict {
                return None;
            }
            self.notes.used(Leniency::LooseUri);
        }
        Some(value.clone())
    }

    fn boolean(&mut self, value: &Value) -> Option<Value> {
        let found = match value {
            Value::Bool(_) => return Some(value.clone()),
            Value::String(text) if self.mode == Mode::Compat => {
                let known = [("true", true), ("false", false), ("1", true), ("0", false)];
                known.into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word))?.1
            }
            Value::Number(number) if self.mode == Mode::Compat => match number.as_u64()? {
                0 => false,
                1 => true,
                _ => return None,
            },
            _ => return None,
        };
        self.notes.used(Leniency::TextBoolean);
        Some(Value::Bool(found))
    }

    fn integer(&mut self, value: &Value) -> Option<Value> {
        let found = match value {
            Value::Number(number) => return number.as_i64().map(Value::from),
            Value::String(text) if self.mode == Mode::Compat => text.parse::<i64>().ok()?,
            _ => return None,
        };
        self.notes.used(Leniency::TextNumber);
        Some(Value::from(found))
    }

    fn decimal(&mut self, value: &Value) -> Option<Value> {
        let found = match value {
            Value::Number(_) => return Some(value.clone()),
            Value::String(text) if self.mode == Mode::Compat => Number::from_f64(text.parse().ok()?)?,
            _ => return None,
        };
        self.notes.used(Leniency::TextNumber);
        Some(Value::Number(found))
    }
}

/// A text that passes the test.
fn checked(value: &Value, test: impl Fn(&str) -> bool) -> Option<Value> {
    value.as_str().is_some_and(test).then(|| value.clone())
}

/// Whether a text is a URI or a relative reference (RFC 3986 §4.1), as far as its characters and its scheme tell.
fn is_uri_reference(text: &str) -> bool {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let first = before.split('/').next().unwrap_or("");
    let (scheme, path) = match first.split_once(':') {
        None => (true, before),
        Some((scheme, _)) => (
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)),
            &before[scheme.len() + 1..],
        ),
    };
    // Square brackets stand around the address in an authority and nowhere else.
    let (authority, path) = match path.strip_prefix("//") {
        None => ("", path),
        Some(path) => path.split_at(path.find('/').unwrap_or(path.len())),
    };
    scheme
        && is_of(authority, b"@:[]")
        && is_of(path, b"@:/")
        && is_of(query, b"@:/?")
        && is_of(fragment, b"@:/?")
}

/// Whether a part of a URI holds nothing but unreserved characters, sub-delimiters, these, and bytes written as `%20`.
fn is_of(part: &str, more: &[u8]) -> bool {
    let mut escapes = part.split('%');
    let plain = |text: &str| {
        text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || more.contains(&byte)
        })
    };
    escapes.next().is_none_or(plain)
        && escapes.all(|escape| {
            let hex = escape.as_bytes().get(..2);
            hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) && plain(&escape[2..])
        })
}

/// Whether a text is base64 in either alphabet (RFC 4648 §4, §5); padding may be left out, all of it (RFC 7643 §2.3.6).
fn is_base64(text: &str) -> bool {
    let padding = match text.ends_with('=') {
        true => DecodePaddingMode::RequireCanonical,
        false => DecodePaddingMode::RequireNone,
    };
    let decodes = |alphabet: &Alphabet| {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
        GeneralPurpose::new(alphabet, config).decode(text).is_ok()
    };
    decodes(&alphabet::STANDARD) || decodes(&alphabet::URL_SAFE)
}

/// What a type looks like, for errors.
fn expected(kind: Type) -> &'static str {
    match kind {
        Type::String => "a text",
        Type::Boolean => "true or false",
        Type::Decimal => "a number",
        Type::Integer => "a whole number of at most 64 bits",
        Type::DateTime => "a date and time, such as \"2026-11-23T18:00:00Z\"",
        Type::Binary => "a text in base64",
        Type::Reference => "a text with a URI",
        Type::Complex => "an object",
    }
}

/// The error for a value of the wrong type. What is secret is not repeated.
pub(super) fn wrong(attribute: &Attribute, place: &Place<'_>, expected: &str, value: &Value) -> ScimError {
    if is_stored(attribute) {
        mismatch(place, expected, value)
    } else {
        ScimError::invalid_value(format!("{place} must be {expected}"))
    }
}

/// The error for a value that is not what its place asks for.
pub(super) fn mismatch(place: &Place<'_>, expected: &str, value: &Value) -> ScimError {
    ScimError::invalid_value(format!("{place} must be {expected}, got {}", shown(value)))
}

/// A value short enough to be quoted.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        Value::String(text) => Value::String(shorten(text)).to_string(),
        other => other.to_string(),
    }
}

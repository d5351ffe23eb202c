//! What the path of an operation, or a key of an operation without path, points at.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::body::Operation;
use super::edits::Planner;
use crate::scim::filter::{self, Class, Filter, PathTarget, shorten};
use crate::scim::path::Named;
use crate::scim::registry::AttrPath;
use crate::scim::schema::Attribute;
use crate::scim::{Leniency, Mode, Notes, ScimError, draft};

/// What a path points at.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pointed {
    /// The resource itself.
    Resource,
    /// A whole extension.
    Extension(Arc<str>),
    /// An attribute or sub-attribute.
    Attribute(AttrPath),
    /// The values that satisfy a filter, or a sub-attribute of them.
    Values { path: AttrPath, filter: Filter, sub: Option<Arc<Attribute>> },
    /// An attribute that is not there and was dropped.
    Dropped,
}

impl Planner<'_> {
    /// Reads the path of an operation.
    pub(super) fn path(&mut self, text: &str, operation: &Operation<'_>) -> Result<Pointed, ScimError> {
        let place = format!("{}.path", operation.place);
        let text = &*self.settled(text);
        let read =
            |text: &str, notes: &mut Notes| filter::target(text, self.registry, self.kind, self.mode, notes);
        let mut found = read(text, &mut self.plan.notes);
        if self.mode == Mode::Compat
            && found.as_ref().is_err_and(|fault| matches!(fault.class, Class::Syntax | Class::Filter))
        {
            let tidied = tidied(text).and_then(|text| read(&text, &mut self.plan.notes).ok());
            if let Some(tidied) = tidied {
                self.plan.notes.used(Leniency::LoosePath);
                found = Ok(tidied);
            }
        }
        let found = match found {
            Ok(found) => found,
            Err(fault) if fault.class == Class::Unknown && self.mode == Mode::Compat => {
                return Ok(self.dropped(text));
            }
            Err(fault) => {
                let detail = format!("{place} \"{}\" is wrong {}", shorten(text), fault.describe(text));
                let in_filter = text.find('[').is_some_and(|bracket| fault.at > bracket);
                return Err(match fault.class {
                    Class::Filter | Class::Meaning | Class::Secret => ScimError::invalid_filter(detail),
                    Class::Unknown if in_filter => ScimError::invalid_filter(detail),
                    Class::Syntax | Class::Unknown => ScimError::invalid_path(detail),
                });
            }
        };
        match self.pointed(found) {
            Some(pointed) => Ok(pointed),
            None if self.mode == Mode::Compat => Ok(self.dropped(text)),
            None => {
                let kind = self.kind.name();
                let detail = format!("{place} \"{}\" names no attribute of a {kind}", shorten(text));
                Err(ScimError::invalid_path(detail))
            }
        }
    }

    /// Reads a key of an operation without path; `None` when it names nothing.
    pub(super) fn key(&mut self, key: &str) -> Option<Pointed> {
        let key = &*self.settled(key);
        let found = filter::target(key, self.registry, self.kind, self.mode, &mut self.plan.notes).ok()?;
        let pointed = self.pointed(found)?;
        let plain = match &pointed {
            Pointed::Attribute(path) => key.eq_ignore_ascii_case(&path.attribute.name),
            Pointed::Extension(_) => true,
            _ => false,
        };
        if !plain {
            if self.mode == Mode::Strict {
                return None;
            }
            self.plan.notes.used(Leniency::DottedKey);
        }
        Some(pointed)
    }

    /// The path with the URN of today where it begins with one of a draft.
    fn settled<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let end = text.find('[').unwrap_or(text.len());
        let whole = draft::settled(self.kind, text);
        let (urn, rest) = match text[..end].rfind(':') {
            _ if whole != text => (whole, ""),
            Some(colon) => (draft::settled(self.kind, &text[..colon]), &text[colon..]),
            None => return Cow::Borrowed(text),
        };
        if self.mode == Mode::Strict || text.starts_with(urn) {
            return Cow::Borrowed(text);
        }
        self.plan.notes.used(Leniency::DraftUrn);
        Cow::Owned(format!("{urn}{rest}"))
    }

    /// The URN of today where this is one of a draft, for a compat token.
    pub(super) fn settled_urn<'u>(&mut self, urn: &'u str) -> &'u str {
        let settled = if self.mode == Mode::Strict { urn } else { draft::settled(self.kind, urn) };
        if settled != urn {
            self.plan.notes.used(Leniency::DraftUrn);
        }
        settled
    }

    fn pointed(&mut self, found: PathTarget) -> Option<Pointed> {
        match found {
            PathTarget::Named(Named::Extension(urn)) => Some(Pointed::Extension(urn)),
            PathTarget::Named(Named::Core) => Some(Pointed::Resource),
            PathTarget::Named(named) => {
                named.attribute(self.mode, &mut self.plan.notes).map(Pointed::Attribute)
            }
            PathTarget::Values { path, filter, sub: None } => {
                Some(Pointed::Values { path, filter, sub: None })
            }
            PathTarget::Values { path, filter, sub: Some(sub) } => {
                let sub = path.attribute.sub(&sub)?.clone();
                Some(Pointed::Values { path, filter, sub: Some(sub) })
            }
        }
    }

    /// The value without an object around it that only repeats the name in the path, to a compat token.
    pub(super) fn unnamed<'v>(&mut self, pointed: &Pointed, value: Option<&'v Value>) -> Option<&'v Value> {
        let Some(Value::Object(members)) = value else { return value };
        let named = match pointed {
            Pointed::Attribute(path) => path.sub.as_ref().unwrap_or(&path.attribute),
            _ => return value,
        };
        match members.iter().next() {
            Some((key, inner))
                if self.mode == Mode::Compat
                    && members.len() == 1
                    && key.eq_ignore_ascii_case(&named.name)
                    && named.sub(key).is_none() =>
            {
                self.plan.notes.used(Leniency::RepeatedName);
                Some(inner)
            }
            _ => value,
        }
    }

    fn dropped(&mut self, name: &str) -> Pointed {
        self.note_dropped(Leniency::UnknownAttribute, name);
        Pointed::Dropped
    }

    /// Notes a dropped name. A hostile body may have a name per byte, so only the first hundred are kept.
    pub(super) fn note_dropped(&mut self, leniency: Leniency, name: &str) {
        const NAMED: usize = 100;
        match self.plan.notes.dropped.len() {
            0..NAMED => self.plan.notes.dropped(leniency, shorten(name)),
            _ => self.plan.notes.used(leniency),
        }
    }
}

/// A value path with no blanks around its brackets and with straight double quotes; `None` for other paths.
fn tidied(text: &str) -> Option<String> {
    let (name, rest) = text.split_once('[')?;
    let (filter, sub) = rest.rsplit_once(']')?;
    let mut filter = filter.replace("\\\"", "\"").replace(['“', '”'], "\"");
    if !filter.contains('"') && filter.matches('\'').count() % 2 == 0 {
        filter = filter.replace('\'', "\"");
    }
    let sub: String = sub.split_whitespace().collect();
    Some(format!("{}[{filter}]{sub}", name.trim()))
}

#[cfg(test)]
mod tests {
    use super::tidied;

    #[test]
    fn blanks_and_quotes_of_value_paths_are_tidied() {
        for (text, wanted) in [
            ("emails [ type eq \"work\" ] . value", "emails[ type eq \"work\" ].value"),
            ("members[value eq 'a b']", "members[value eq \"a b\"]"),
            ("members[value eq \\\"a\\\"]", "members[value eq \"a\"]"),
            ("members[value eq “a”]", "members[value eq \"a\"]"),
            ("members[display eq \"O'Brien\"]", "members[display eq \"O'Brien\"]"),
            ("members[display eq O'Brien]", "members[display eq O'Brien]"),
        ] {
            assert_eq!(tidied(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["emails", "emails[type eq 'work'", "emails]"] {
            assert_eq!(tidied(text), None, "{text}");
        }
    }
}

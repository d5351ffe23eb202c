//! The `members` of a group (RFC 7643 §4.2), parted from the document because they are kept as edges. Whether a
//! member exists is asked where the edges are kept.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Member;
use super::parse_simple::mismatch;
use super::parse_value::{Reader, is_unassigned, twice};
use super::place::Place;
use crate::scim::filter::shorten;
use crate::scim::{Kind, Leniency, Mode, Notes, ScimError};

/// Reads a list of members, each one once, in the order in which they were sent.
pub fn parse_members(
    value: &Value,
    place: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Vec<Member>, ScimError> {
    Reader { mode, notes }.members(value, &Place::Start(place))
}

/// The resource that a reference ends in: `https://example.com/scim/Users/7` (RFC 7643 §2.4).
pub(super) fn referred(reference: &str) -> Option<(Kind, &str)> {
    let path = reference.split(['?', '#']).next()?.trim_end_matches('/');
    let (head, id) = path.rsplit_once('/')?;
    let endpoint = head.rsplit('/').next()?;
    let kind =
        [Kind::User, Kind::Group].into_iter().find(|kind| kind.endpoint().eq_ignore_ascii_case(endpoint))?;
    (!id.is_empty()).then_some((kind, id))
}

/// The members of one member object, by name.
#[derive(Default)]
struct Sent<'v> {
    value: Option<&'v Value>,
    kind: Option<&'v Value>,
    reference: Option<&'v Value>,
    display: Option<&'v Value>,
}

impl Reader<'_> {
    pub(super) fn members(&mut self, value: &Value, place: &Place<'_>) -> Result<Vec<Member>, ScimError> {
        if is_unassigned(value) {
            return Ok(Vec::new());
        }
        let Value::Array(items) = value else {
            let single = matches!(value, Value::Object(_) | Value::String(_) | Value::Number(_));
            if self.mode == Mode::Strict || !single {
                return Err(mismatch(place, "a list of members", value));
            }
            if value.as_str() == Some("") {
                self.notes.used(Leniency::EmptyText);
                return Ok(Vec::new());
            }
            self.notes.used(Leniency::SingleForList);
            return Ok(vec![self.member(value, place)?]);
        };
        let mut known = HashSet::with_capacity(items.len());
        let mut members = Vec::with_capacity(items.len());
        for (number, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
            let member = self.member(item, &place.item(number))?;
            if known.insert(member.value.clone()) {
                members.push(member);
            }
        }
        Ok(members)
    }

    fn member(&mut self, item: &Value, place: &Place<'_>) -> Result<Member, ScimError> {
        let sent = match item {
            Value::Object(members) => self.sent(members, place)?,
            Value::String(_) | Value::Number(_) if self.mode == Mode::Compat => {
                self.notes.used(Leniency::SingleForList);
                Sent { value: Some(item), ..Sent::default() }
            }
            other => return Err(mismatch(place, "an object with \"value\"", other)),
        };
        let reference = match sent.reference {
            None => None,
            Some(Value::String(text)) => referred(text),
            Some(other) => return Err(mismatch(&place.member("$ref"), "a text with a URI", other)),
        };
        let kind = match sent.kind {
            None => None,
            Some(kind) => self.member_kind(kind, &place.member("type"))?,
        };
        let at = place.member("value");
        let value = match sent.value {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if self.mode == Mode::Compat => {
                self.notes.used(Leniency::TextNumber);
                number.to_string()
            }
            Some(other) => return Err(mismatch(&at, "a text with the member's id", other)),
        };
        let value = match (value.is_empty(), reference) {
            (false, _) => value,
            (true, Some((_, id))) => id.to_owned(),
            (true, None) => {
                let detail = format!("{at} is missing; it must be the id of a user or group");
                return Err(ScimError::invalid_value(detail));
            }
        };
        Ok(Member { value, kind: kind.or(reference.map(|(kind, _)| kind)) })
    }

    fn sent<'v>(
        &mut self,
        members: &'v Map<String, Value>,
        place: &Place<'_>,
    ) -> Result<Sent<'v>, ScimError> {
        let mut sent = Sent::default();
        for (key, value) in members {
            let slot = match key.to_ascii_lowercase().as_str() {
                "value" => &mut sent.value,
                "type" => &mut sent.kind,
                "$ref" => &mut sent.reference,
                "display" => &mut sent.display,
                _ => {
                    self.unknown(Leniency::UnknownAttribute, &format!("members.{key}"), &place.member(key))?;
                    continue;
                }
            };
            if slot.is_some() {
                return Err(twice(&place.member(key)));
            }
            *slot = Some(value).filter(|value| !value.is_null());
        }
        Ok(sent)
    }

    /// `User` or `Group`, in any case; anything else says nothing to a compat token.
    fn member_kind(&mut self, value: &Value, place: &Place<'_>) -> Result<Option<Kind>, ScimError> {
        let Value::String(name) = value else {
            return Err(mismatch(place, "\"User\" or \"Group\"", value));
        };
        let kind = [Kind::User, Kind::Group].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
        if kind.is_none() && self.mode == Mode::Strict {
            let name = shorten(name);
            let detail = format!("{place} must be \"User\" or \"Group\", got \"{name}\"");
            return Err(ScimError::invalid_value(detail));
        }
        Ok(kind)
    }
}

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
        let mut members = Vec::with_capacity(items.len());
        for (number, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
            members.push(self.member(item, &place.item(number))?);
        }
        let mut known = HashSet::with_capacity(members.len());
        let first: Vec<bool> = members.iter().map(|member| known.insert(member.value.as_str())).collect();
        let mut first = first.into_iter();
        members.retain(|_| first.next() == Some(true));
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
            let slots = [
                ("value", &mut sent.value),
                ("type", &mut sent.kind),
                ("$ref", &mut sent.reference),
                ("display", &mut sent.display),
            ];
            let Some((_, slot)) = slots.into_iter().find(|(name, _)| key.eq_ignore_ascii_case(name)) else {
                self.unknown(Leniency::UnknownAttribute, &format!("members.{key}"), &place.member(key))?;
                continue;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value, mode: Mode) -> Result<(Vec<Member>, Notes), String> {
        let mut notes = Notes::default();
        let found = parse_members(value, "members", mode, &mut notes);
        found.map(|members| (members, notes)).map_err(|error| error.detail)
    }

    fn named(value: &str, kind: Option<Kind>) -> Member {
        Member { value: value.into(), kind }
    }

    #[test]
    fn members_are_read_once_and_in_order() {
        let sent = json!([
            { "value": "b", "type": "GROUP", "display": 5 }, { "value": "a", "$ref": null },
            { "value": "b", "type": "User" }, { "VALUE": "A", "$Ref": "https://example.com/v2/users/A/?x" },
        ]);
        let wanted = vec![named("b", Some(Kind::Group)), named("a", None), named("A", Some(Kind::User))];
        for mode in [Mode::Strict, Mode::Compat] {
            assert_eq!(read(&sent, mode), Ok((wanted.clone(), Notes::default())));
            assert_eq!(read(&json!(null), mode), Ok((Vec::new(), Notes::default())));
        }
    }

    #[test]
    fn a_reference_stands_for_the_value() {
        let sent =
            json!([{ "$ref": "../Groups/7" }, { "value": "", "$ref": "https://example.com/scim/Users/8" }]);
        let wanted = vec![named("7", Some(Kind::Group)), named("8", Some(Kind::User))];
        assert_eq!(read(&sent, Mode::Strict), Ok((wanted, Notes::default())));
        for reference in ["https://example.com/8", "Users", "/Users/", "", "https://example.com/Roles/8"] {
            let sent = json!([{ "$ref": reference }]);
            assert!(
                read(&sent, Mode::Compat)
                    .is_err_and(|words| words.starts_with("members[0].value is missing"))
            );
        }
    }

    #[test]
    fn texts_and_single_members_are_lists_for_a_compat_token() {
        for (sent, leniency) in [
            (json!(["a"]), Leniency::SingleForList),
            (json!("a"), Leniency::SingleForList),
            (json!({ "value": "a" }), Leniency::SingleForList),
        ] {
            let (members, notes) = read(&sent, Mode::Compat).expect("members");
            assert_eq!((members, notes.leniencies), (vec![named("a", None)], vec![leniency]));
            assert!(read(&sent, Mode::Strict).is_err());
        }
        let (members, notes) =
            read(&json!([{ "value": 7, "type": "Robot", "foo": 1 }]), Mode::Compat).expect("read");
        assert_eq!(members, [named("7", None)]);
        assert_eq!(notes.dropped, ["members.foo"]);
        assert_eq!(notes.leniencies, [Leniency::UnknownAttribute, Leniency::TextNumber]);
        assert_eq!(read(&json!(""), Mode::Compat).expect("none").0, []);
    }

    #[test]
    fn errors_name_the_member() {
        let compat = |value| read(&value, Mode::Compat).expect_err("refused");
        let strict = |value| read(&value, Mode::Strict).expect_err("refused");
        let good = json!({ "value": "a" });
        assert!(
            compat(json!([good, good, good, { "type": "User" }])).starts_with("members[3].value is missing")
        );
        assert_eq!(
            compat(json!([{ "value": {} }])),
            "members[0].value must be a text with the member's id, got an object"
        );
        assert_eq!(compat(json!([[]])), "members[0] must be an object with \"value\", got a list");
        assert_eq!(compat(json!(true)), "members must be a list of members, got true");
        assert!(compat(json!([{ "value": "a", "$ref": 1 }])).starts_with("members[0].$ref must be"));
        assert!(
            compat(json!([{ "value": "a", "Value": "b" }])).starts_with("members[0].Value is given more")
        );
        assert_eq!(
            strict(json!([{ "value": "a", "type": "Robot" }])),
            "members[0].type must be \"User\" or \"Group\", got \"Robot\""
        );
        assert!(strict(json!([{ "value": "a", "foo": 1 }])).starts_with("members[0].foo: "));
    }

    #[test]
    fn a_hundred_thousand_members_are_read_in_one_pass() {
        let sent: Vec<Value> = (0..100_000).map(|n| json!({ "value": (n / 2).to_string() })).collect();
        let members = read(&Value::Array(sent), Mode::Strict).expect("members").0;
        assert_eq!((members.len(), &members[49_999].value[..]), (50_000, "49999"));
    }
}

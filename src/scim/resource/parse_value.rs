//! Attribute values from a client's JSON (RFC 7643 §2.3 to §2.5): single and multi-valued, simple and complex.
//! `parse_attribute` is the one way in for POST, PUT and PATCH alike; what belongs at the top of a resource is in `parse`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::parse_members::referred;
use super::parse_simple::wrong;
use super::place::Place;
use crate::scim::filter::shorten;
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, Mutability, Returned};
use crate::scim::{Leniency, Mode, Notes, ScimError};

/// How many dropped names are noted; a hostile body may have a name per byte.
const MAX_DROPPED: usize = 100;

/// Reads the value of one attribute or sub-attribute; `None` where it is unassigned (RFC 7643 §2.5), or is something
/// that is checked and never kept: what is readOnly, and secrets. `place` is where the value stands, for errors.
/// Whether an attribute may be unassigned is for the caller to judge.
pub fn parse_attribute(
    attribute: &Attribute,
    value: &Value,
    place: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Option<Value>, ScimError> {
    let found = Reader { mode, notes }.attribute(attribute, value, &Place::Start(place))?;
    Ok(found.filter(|_| is_stored(attribute)))
}

/// Whether values of the attribute are kept at all: a value that is never shown is not (RFC 7643 §7).
pub(super) fn is_stored(attribute: &Attribute) -> bool {
    attribute.returned != Returned::Never && attribute.mutability != Mutability::WriteOnly
}

/// Whether the sub-attribute is found out when a resource is rendered, so that what a client sends says nothing.
pub(in crate::scim) fn is_derived(attribute: &Attribute, sub: &str) -> bool {
    is_manager(attribute) && matches!(sub, "$ref" | "displayName")
}

/// The enterprise extension's `manager` (RFC 7643 §4.3).
pub(in crate::scim) fn is_manager(attribute: &Attribute) -> bool {
    attribute.name == "manager" && !attribute.multi_valued && attribute.sub("$ref").is_some()
}

/// `null` and `[]` unassign (RFC 7643 §2.5).
pub(super) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Members that were sent, by key.
type Sent<'v> = Vec<(&'v String, &'v Value)>;

/// Reads values and takes note of what it forgives.
pub(super) struct Reader<'a> {
    pub mode: Mode,
    pub notes: &'a mut Notes,
}

impl Reader<'_> {
    /// The value of an attribute.
    fn attribute(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if attribute.mutability == Mutability::ReadOnly || attribute.edge || is_unassigned(value) {
            return Ok(None);
        }
        if attribute.multi_valued {
            return self.list(attribute, value, place);
        }
        match self.only(attribute, value) {
            value if is_unassigned(value) => Ok(None),
            value => self.single(attribute, value, place),
        }
    }

    /// The value of an object with a `value`, or the object of a list of one, where a single value belongs; anything else
    /// as it is. Secrets are taken as they should be or not at all.
    fn only<'v>(&mut self, attribute: &Attribute, value: &'v Value) -> &'v Value {
        if self.mode == Mode::Strict || !is_stored(attribute) {
            return value;
        }
        let listed = value.as_array().and_then(|items| <&[Value; 1]>::try_from(items.as_slice()).ok());
        let item = listed.map_or(value, |[item]| item);
        let found = match item {
            Value::Object(members) if !attribute.is_complex() => {
                let beside = ["$ref", "display", "displayName", "type", "primary"];
                let (values, others): (Vec<_>, Vec<_>) =
                    members.iter().partition(|(key, _)| key.eq_ignore_ascii_case("value"));
                let fits = |key: &String| beside.iter().any(|name| key.eq_ignore_ascii_case(name));
                match values[..] {
                    [(_, single)] if others.iter().all(|(key, _)| fits(key)) => single,
                    _ => value,
                }
            }
            Value::Object(_) => item,
            _ => value,
        };
        if !std::ptr::eq(found, value) {
            self.notes.used(Leniency::ListForSingle);
        }
        found
    }

    /// `""` where an object belongs says that there is none, to a compat token.
    pub(super) fn is_empty_text(&mut self, value: &Value) -> bool {
        let empty = self.mode == Mode::Compat && value.as_str() == Some("");
        if empty {
            self.notes.used(Leniency::EmptyText);
        }
        empty
    }

    /// One value, of a list or alone.
    fn single(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        if attribute.is_complex() {
            self.complex(attribute, value, place)
        } else {
            self.simple(attribute, value, place)
        }
    }

    fn list(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let mut values = Vec::new();
        match value {
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                    values.extend(self.single(attribute, item, &place.item(number))?);
                }
            }
            single if self.mode == Mode::Compat => {
                if single.as_str() != Some("") {
                    self.notes.used(Leniency::SingleForList);
                }
                values.extend(self.single(attribute, single, place)?);
            }
            other => return Err(wrong(attribute, place, "a list", other)),
        }
        let mut values = without_repeats(attribute, values);
        self.one_primary(attribute, &mut values, place)?;
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    /// `primary` is true at most once (RFC 7643 §2.4); the first one sent stays.
    fn one_primary(
        &mut self,
        attribute: &Attribute,
        values: &mut [Value],
        place: &Place<'_>,
    ) -> Result<(), ScimError> {
        if attribute.sub("primary").is_none() {
            return Ok(());
        }
        let mut primaries = values
            .iter_mut()
            .filter(|value| value.get("primary") == Some(&Value::Bool(true)))
            .skip(1)
            .peekable();
        if primaries.peek().is_none() {
            return Ok(());
        }
        if self.mode == Mode::Strict {
            let detail = format!("{place} has more than one primary value; mark one of them");
            return Err(ScimError::invalid_value(detail));
        }
        self.notes.used(Leniency::TwoPrimaries);
        primaries.for_each(|value| value["primary"] = Value::Bool(false));
        Ok(())
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, ScimError> {
        let members = match value {
            Value::Object(members) if is_manager(attribute) => match self.manager(members) {
                None => return Ok(None),
                Some(members) => members,
            },
            Value::Object(members) => Cow::Borrowed(members),
            Value::String(_) | Value::Number(_)
                if self.mode == Mode::Compat && attribute.sub("value").is_some() =>
            {
                let empty = value.as_str() == Some("");
                self.notes.used(match (attribute.multi_valued, empty) {
                    (true, true) => Leniency::EmptyText,
                    (true, false) => Leniency::SingleForList,
                    (false, _) => Leniency::ManagerForm,
                });
                if empty {
                    return Ok(None);
                }
                Cow::Owned(Map::from_iter([("value".to_owned(), value.clone())]))
            }
            other if self.is_empty_text(other) => return Ok(None),
            other => return Err(wrong(attribute, place, "an object", other)),
        };
        let (slots, unknown) = self.sorted(&attribute.sub_attributes, members.iter(), place)?;
        for (key, _) in unknown {
            self.unknown(
                Leniency::UnknownAttribute,
                &format!("{}.{key}", attribute.name),
                &place.member(key),
            )?;
        }
        let pairs =
            attribute.sub_attributes.iter().zip(slots).filter(|(sub, _)| !is_derived(attribute, &sub.name));
        let found = self.fields(pairs, place, false)?;
        Ok((!found.is_empty()).then_some(Value::Object(found)))
    }

    /// The manager's id from where providers put it: `value`, `managerId`, or the end of `$ref`. `None`: no manager.
    fn manager<'v>(&mut self, members: &'v Map<String, Value>) -> Option<Cow<'v, Map<String, Value>>> {
        let find = |name: &str| {
            members.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null())
        };
        let compat = self.mode == Mode::Compat;
        if compat && find("value").is_some_and(|(_, value)| value.as_str() == Some("")) {
            self.notes.used(Leniency::ManagerForm);
            return None;
        }
        let by_id = members.keys().find(|key| compat && key.eq_ignore_ascii_case("managerId"));
        let by_ref = find("$ref").and_then(|(_, value)| value.as_str()).and_then(referred).map(|(_, id)| id);
        if by_id.is_none() && (by_ref.is_none() || find("value").is_some()) {
            return Some(Cow::Borrowed(members));
        }
        let mut owned = members.clone();
        let sent = by_id.and_then(|key| owned.shift_remove(key)).filter(|value| !value.is_null());
        if by_id.is_some() {
            self.notes.used(Leniency::ManagerForm);
        }
        if find("value").is_none()
            && let Some(value) = sent.or_else(|| by_ref.map(Value::from))
        {
            owned.retain(|key, _| !key.eq_ignore_ascii_case("value"));
            owned.insert("value".into(), value);
        }
        Some(Cow::Owned(owned))
    }

    /// Puts members in the order of these attributes, whatever the case of their names (RFC 7643 §2.1); those that
    /// are none of them come second.
    pub(super) fn sorted<'v>(
        &self,
        attributes: &[Arc<Attribute>],
        members: impl Iterator<Item = (&'v String, &'v Value)>,
        place: &Place<'_>,
    ) -> Result<(Vec<Option<&'v Value>>, Sent<'v>), ScimError> {
        let mut slots = vec![None; attributes.len()];
        let mut others = Vec::new();
        for (key, value) in members {
            match attributes.iter().position(|attribute| attribute.name.eq_ignore_ascii_case(key)) {
                None => others.push((key, value)),
                Some(number) if slots[number].is_none() => slots[number] = Some(value),
                Some(number) => return Err(twice(&place.member(&attributes[number].name))),
            }
        }
        Ok((slots, others))
    }

    /// The values of an object's members, in the order of their attributes. What is required must be there: `always`,
    /// or else if anything is.
    pub(super) fn fields<'s>(
        &mut self,
        pairs: impl Iterator<Item = (&'s Arc<Attribute>, Option<&'s Value>)>,
        place: &Place<'_>,
        always: bool,
    ) -> Result<Map<String, Value>, ScimError> {
        let mut fields = Map::new();
        let mut missing = None;
        for (attribute, sent) in pairs {
            let at = place.member(&attribute.name);
            let found = match sent {
                Some(value) => self.attribute(attribute, value, &at)?,
                None => None,
            };
            match found {
                Some(value) if is_stored(attribute) => {
                    fields.insert(attribute.name.clone(), value);
                }
                None if attribute.required
                    && attribute.mutability != Mutability::ReadOnly
                    && !attribute.edge =>
                {
                    missing = missing.or(Some(attribute));
                }
                _ => {}
            }
        }
        match missing {
            Some(attribute) if always || !fields.is_empty() => {
                let at = place.member(&attribute.name);
                Err(ScimError::missing(format!("{at} is required and is missing")))
            }
            _ => Ok(fields),
        }
    }

    /// A name that no schema in force knows: dropped and noted, or an error for a strict token.
    pub(super) fn unknown(
        &mut self,
        leniency: Leniency,
        name: &str,
        place: &Place<'_>,
    ) -> Result<(), ScimError> {
        let name = shorten(name);
        if self.mode == Mode::Strict {
            let place = shorten(&place.to_string());
            let what = if leniency == Leniency::UnknownSchema { "schema" } else { "attribute" };
            let detail =
                format!("{place}: there is no {what} \"{name}\" here; leave it out or correct its name");
            return Err(ScimError::invalid_syntax(detail));
        }
        self.notes.used(leniency);
        if self.notes.dropped.len() < MAX_DROPPED && !self.notes.dropped.contains(&name) {
            self.notes.dropped.push(name);
        }
        Ok(())
    }
}

/// The error for a name that stands in an object twice, in different case.
pub(super) fn twice(place: &Place<'_>) -> ScimError {
    ScimError::invalid_syntax(format!("{place} is given more than once, in different case; send it once"))
}

/// Each value once. Values with the same `value` and `type` are one (RFC 7643 §2.4): the first, which takes on what
/// only a later one says.
fn without_repeats(attribute: &Attribute, values: Vec<Value>) -> Vec<Value> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(values.len());
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        let place = *places.entry(identity(attribute, &value)).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(value),
            Some(first) => take_on(attribute, first, value),
        }
    }
    kept
}

/// Gives the first value those sub-attributes that only a repetition of it has, all in their order.
fn take_on(attribute: &Attribute, first: &mut Value, repeated: Value) {
    let (Value::Object(first), Value::Object(mut later)) = (first, repeated) else { return };
    let subs = attribute.sub_attributes.iter().map(|sub| &sub.name);
    *first = subs
        .filter_map(|name| {
            let later = later.shift_remove(name);
            Some((name.clone(), first.shift_remove(name).or(later)?))
        })
        .collect();
}

/// What makes a value the one it is: its `value` and `type`, else all of it but the mark of being primary.
fn identity(attribute: &Attribute, value: &Value) -> String {
    let part = |name: &str| {
        let (sub, value) = (attribute.sub(name)?, value.get(name)?);
        Some(match value {
            Value::String(text) if !sub.case_exact => fold(text),
            other => other.to_string(),
        })
    };
    match (part("value"), value) {
        (Some(significant), _) => format!("{significant}\u{0}{}", part("type").unwrap_or_default()),
        (None, Value::Object(members)) => {
            let parts = members.iter().filter(|(name, _)| *name != "primary");
            parts.map(|(name, value)| format!("{name}\u{0}{value}\u{0}")).collect()
        }
        (None, simple) => simple.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scim::registry::ENTERPRISE;
    use crate::scim::resource::parse;
    use crate::scim::resource::sample::{BADGE, badges, full_user};
    use crate::scim::schema::Type;
    use crate::scim::{Kind, ScimType};

    /// The value at `path` after reading, and the leniencies used; or the error's words.
    fn read(path: &str, value: Value, mode: Mode) -> Result<(Value, Vec<Leniency>), String> {
        let found = badges().find(Kind::User, path).expect("a known attribute");
        let mut notes = Notes::default();
        match parse_attribute(found.leaf(), &value, path, mode, &mut notes) {
            Ok(value) => Ok((value.unwrap_or_default(), notes.leniencies)),
            Err(error) => {
                assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{error}");
                Err(error.detail)
            }
        }
    }

    /// Reads the value with that one leniency as a compat token, and not at all as a strict one.
    fn lenient(path: &str, value: Value, wanted: Value, leniency: Leniency) {
        assert_eq!(read(path, value.clone(), Mode::Compat), Ok((wanted, vec![leniency])), "{path} {value}");
        assert!(read(path, value.clone(), Mode::Strict).is_err(), "{path} {value}");
    }

    fn plain(path: &str, value: Value, wanted: Value) {
        for mode in [Mode::Strict, Mode::Compat] {
            assert_eq!(
                read(path, value.clone(), mode),
                Ok((wanted.clone(), Vec::new())),
                "{path} {value} {mode:?}"
            );
        }
    }

    fn badge(name: &str) -> String {
        format!("{BADGE}:{name}")
    }

    #[test]
    fn text_booleans_and_numbers_are_read_for_a_compat_token() {
        for (text, wanted) in [("True", true), ("FALSE", false), ("true", true)] {
            lenient("active", json!(text), json!(wanted), Leniency::TextBoolean);
        }
        let emails = json!([{ "value": "a@example.com", "primary": "True" }]);
        let wanted = json!([{ "value": "a@example.com", "primary": true }]);
        lenient("emails", emails, wanted, Leniency::TextBoolean);
        lenient("title", json!(7), json!("7"), Leniency::TextNumber);
        lenient(&badge("number"), json!("-7"), json!(-7), Leniency::TextNumber);
        for (sent, wanted) in [(json!(1), true), (json!(0), false), (json!("1"), true), (json!("0"), false)] {
            lenient("active", sent, json!(wanted), Leniency::TextBoolean);
        }
        for wrong in [json!(2), json!(-1), json!(0.5), json!("yes"), json!("2")] {
            assert!(read("active", wrong.clone(), Mode::Compat).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_object_with_a_value_is_taken_for_the_value() {
        for sent in [json!({ "value": "x" }), json!([{ "$ref": null, "Value": "x" }])] {
            lenient("title", sent, json!("x"), Leniency::ListForSingle);
        }
        let name = json!([{ "givenName": "Ann" }]);
        lenient("name", name, json!({ "givenName": "Ann" }), Leniency::ListForSingle);
        for wrong in
            [json!(["x"]), json!([["x"]]), json!([{ "value": "x" }, { "value": "y" }]), json!({ "v": 1 })]
        {
            assert!(read("title", wrong.clone(), Mode::Compat).is_err(), "{wrong}");
        }
        assert!(read("password", json!([{ "value": "hunter2" }]), Mode::Compat).is_err());
        lenient(&badge("height"), json!("1.75"), json!(1.75), Leniency::TextNumber);
    }

    #[test]
    fn a_reference_is_a_uri() {
        for good in [
            "https://example.com/mei",
            "HTTPS://user@[2001:db8::1]:8443/a/b;c=1?d=%20&e=/?#f?",
            "urn:example:a:b",
            "../Users/7",
            "Users/7",
            "//example.com",
            "?q",
            "#f",
            "mailto:mei@example.com",
            "data:image/png;base64,AA==",
            "./a:b",
            "",
        ] {
            let wanted = json!(good);
            assert_eq!(read("profileUrl", wanted.clone(), Mode::Strict), Ok((wanted, vec![])), "{good}");
        }
        for bad in [
            "no uri",
            " https://example.com",
            "https://example.com/\u{e9}",
            "https://example.com/%zz",
            "https://example.com/%2",
            "https://example.com/{id}",
            "https://example.com/[1]",
            "a#b#c",
            "1a:b",
            ":a",
            "a\\b",
            "<a>",
            "\"",
            "a\nb",
            "100%",
        ] {
            lenient("profileUrl", json!(bad), json!(bad), Leniency::LooseUri);
        }
        lenient("photos.value", json!("a b"), json!("a b"), Leniency::LooseUri);
        for other in [json!(5), json!({}), json!(true)] {
            assert!(read("profileUrl", other, Mode::Compat).is_err());
        }
    }

    #[test]
    fn the_domain_of_a_mail_address_has_no_case() {
        let list = |text: &str| json!([{ "value": text }]);
        for (sent, kept) in [
            ("B@EXAMPLE.com", "B@example.com"),
            ("\"a@B\"@Example.com", "\"a@B\"@example.com"),
            ("B@\u{c9}xAmple.com", "B@\u{c9}xample.com"),
        ] {
            assert_eq!(read("emails", list(sent), Mode::Strict), Ok((list(kept), vec![])));
            assert_eq!(read("emails.value", json!(sent), Mode::Strict), Ok((json!(kept), vec![])));
            let as_sent = Ok((list(sent), vec![Leniency::MailCase]));
            assert_eq!(read("emails", list(sent), Mode::Compat), as_sent);
        }
        for text in ["B@example.com", "EXAMPLE.COM", "", "A@", "@"] {
            assert_eq!(read("emails", list(text), Mode::Strict), Ok((list(text), vec![])), "{text}");
        }
        for path in ["ims", "phoneNumbers"] {
            assert_eq!(read(path, list("B@EXAMPLE.com"), Mode::Strict), Ok((list("B@EXAMPLE.com"), vec![])));
        }
    }

    #[test]
    fn one_value_is_a_list_of_one_for_a_compat_token() {
        let one = json!({ "value": "a@example.com", "type": "work" });
        lenient("emails", one.clone(), json!([one]), Leniency::SingleForList);
        for value in [json!("a@example.com"), json!(["a@example.com"])] {
            lenient("emails", value, json!([{ "value": "a@example.com" }]), Leniency::SingleForList);
        }
        lenient(&badge("colours"), json!("red"), json!(["red"]), Leniency::SingleForList);
        assert!(read("addresses", json!("1-1 Example"), Mode::Compat).is_err());
    }

    #[test]
    fn a_manager_may_be_written_in_many_ways() {
        let path = format!("{ENTERPRISE}:manager");
        let seven = || json!({ "value": "7" });
        plain(&path, seven(), seven());
        plain(&path, json!({ "$ref": "https://example.com/scim/Users/7" }), seven());
        plain(&path, json!({ "VALUE": null, "$REF": "../Users/7" }), seven());
        plain(&path, json!({ "value": "7", "$ref": "../Users/8", "displayName": 5 }), seven());
        plain(&path, json!({ "displayName": "Ken" }), Value::Null);
        lenient(&path, json!("7"), seven(), Leniency::ManagerForm);
        lenient(&path, json!(""), Value::Null, Leniency::ManagerForm);
        let compat = |value| read(&path, value, Mode::Compat).expect("a manager");
        assert_eq!(compat(json!({ "value": "" })), (Value::Null, vec![Leniency::ManagerForm]));
        assert_eq!(compat(json!({ "managerId": "7" })), (seven(), vec![Leniency::ManagerForm]));
        assert_eq!(compat(json!({ "managerId": null })), (Value::Null, vec![Leniency::ManagerForm]));
        let by_id = json!({ "managerId": "7" });
        let attribute = badges().find(Kind::User, &path).expect("manager").attribute;
        let error = parse_attribute(&attribute, &by_id, "manager", Mode::Strict, &mut Notes::default());
        assert_eq!(error.expect_err("unknown").scim_type, Some(ScimType::InvalidSyntax));
    }

    #[test]
    fn null_and_empty_lists_unassign_and_empty_text_does_for_a_compat_token() {
        for path in ["title", "emails", "name", "active", "emails.type"] {
            plain(path, json!(null), Value::Null);
            plain(path, json!([]), Value::Null);
            let (value, used) = read(path, json!(""), Mode::Compat).unwrap_or_default();
            assert_eq!((value, used.len()), (Value::Null, 1), "{path}");
        }
        assert_eq!(read("title", json!(""), Mode::Strict), Ok((json!(""), Vec::new())));
        plain("name", json!({ "givenName": null }), Value::Null);
        plain("emails", json!([null, {}, { "value": null }]), Value::Null);
        let (value, used) =
            read("emails", json!([{ "value": "", "type": "work" }]), Mode::Compat).expect("read");
        assert_eq!((value, used), (json!([{ "type": "work" }]), vec![Leniency::EmptyText]));
        for mode in [Mode::Strict, Mode::Compat] {
            assert_eq!(
                read("userName", json!(""), mode),
                Err("userName is required and was empty".to_owned())
            );
        }
    }

    #[test]
    fn only_the_first_primary_stays_one() {
        let sent = json!([
            { "value": "a", "primary": true }, { "value": "b", "primary": true }, { "value": "c" },
        ]);
        let kept = json!([
            { "value": "a", "primary": true }, { "value": "b", "primary": false }, { "value": "c" },
        ]);
        lenient("emails", sent.clone(), kept, Leniency::TwoPrimaries);
        let words = read("emails", sent, Mode::Strict).expect_err("two primaries");
        assert_eq!(words, "emails has more than one primary value; mark one of them");
    }

    #[test]
    fn values_stand_once_and_the_first_takes_on_what_a_later_one_adds() {
        let sent = json!([
            { "value": "A@example.com", "type": "work" },
            { "primary": true, "display": "A", "type": "Work", "value": "a@example.com" },
            { "value": "a@example.com", "type": "home" },
            { "value": "A@example.com", "type": "work" },
        ]);
        let found = read("emails", sent, Mode::Strict).expect("a list").0;
        let wanted = json!([
            { "value": "A@example.com", "display": "A", "type": "work", "primary": true },
            { "value": "a@example.com", "type": "home" },
        ]);
        assert_eq!(found.to_string(), wanted.to_string());
        plain(&badge("colours"), json!(["red", "Red", "red"]), json!(["red", "Red"]));
    }

    #[test]
    fn secrets_are_checked_and_not_kept_nor_repeated() {
        plain("password", json!("correct horse"), Value::Null);
        plain(&badge("pin"), json!("1234"), Value::Null);
        let long = "hunter2".repeat(200);
        for (value, mode) in [
            (json!(long), Mode::Compat),
            (json!(["hunter2"]), Mode::Compat),
            (json!({ "value": "hunter2" }), Mode::Strict),
            (json!(true), Mode::Compat),
            (json!(""), Mode::Strict),
        ] {
            let words = read("password", value, mode).expect_err("no password");
            assert!(words.starts_with("password must be ") && !words.contains("hunter2"), "{words}");
        }
    }

    #[test]
    fn every_type_is_checked_and_errors_name_place_and_value() {
        for (name, value) in [
            ("number", json!(i64::MIN)),
            ("height", json!(1.5)),
            ("height", json!(2)),
            ("issued", json!("2026-11-23T18:00:00+02:00")),
            ("chip", json!("_-8")),
            ("chip", json!("/+8=")),
            ("chip", json!("AA")),
            ("chip", json!("AA==")),
            ("issued", json!("9999-12-31T23:59:59Z")),
            ("page", json!("urn:x")),
            ("valid", json!(false)),
        ] {
            plain(&badge(name), value.clone(), value);
        }
        for (name, value) in [
            ("number", json!(1.5)),
            ("number", json!(u64::MAX)),
            ("number", json!("x")),
            ("height", json!("inf")),
            ("height", json!("NaN")),
            ("height", json!("1e999")),
            ("issued", json!("yesterday")),
            ("chip", json!("?!")),
            ("chip", json!("_+8=")),
            ("chip", json!("AA=")),
            ("issued", json!("2026-11-23")),
            ("issued", json!("2016-12-31T23:59:60Z")),
            ("page", json!(1)),
            ("valid", json!(2)),
            ("colours", json!([["red"]])),
            ("colours", json!({})),
            ("holder", json!("Mei")),
            ("holder", json!({ "note": "x" })),
            ("doors", json!([{ "type": "x" }])),
        ] {
            for mode in [Mode::Strict, Mode::Compat] {
                let words = read(&badge(name), value.clone(), mode).expect_err("a wrong value");
                assert!(words.starts_with(&badge(name)), "{words}");
            }
        }
        let words = |value| read("emails", value, Mode::Compat).expect_err("wrong");
        let maybe = json!([{ "value": "a", "primary": "maybe" }]);
        assert_eq!(words(maybe), "emails[0].primary must be true or false, got \"maybe\"");
        let long = words(json!([{ "value": "a" }, { "primary": "x".repeat(5000) }]));
        assert!(long.starts_with("emails[1].primary must be true or false, got \"xxx") && long.len() < 200);
        assert_eq!(words(json!([[]])), "emails[0] must be an object, got a list");
    }

    #[test]
    fn hostile_bodies_cost_little_and_end_in_an_answer() {
        let registry = badges();
        let read = |body: &Value, mode| parse(&registry, Kind::User, body, mode);
        let mut deep = json!(1);
        for _ in 0..500 {
            deep = json!([{ "value": deep }]);
        }
        for name in ["emails", "name", "userName", "foo", "schemas", "id", ENTERPRISE, BADGE] {
            let error = read(&json!({ "userName": "mei", name: deep.clone() }), Mode::Strict);
            assert!(error.is_err_and(|error| error.status == 400 && error.detail.len() < 400), "{name}");
        }
        let many: Vec<Value> = (0..20_000).map(|n| json!({ "value": format!("{n}@example.com") })).collect();
        let emails = read(&json!({ "userName": "mei", "emails": many.clone() }), Mode::Compat);
        assert_eq!(emails.expect("a user").document["emails"], Value::Array(many));
        let names: Map<String, Value> = (0..20_000).map(|n| (format!("n{n}"), json!(n))).collect();
        let mut body = Value::Object(names);
        body["userName"] = json!("mei");
        let parsed = read(&body, Mode::Compat).expect("a user");
        assert_eq!((parsed.notes.dropped.len(), parsed.document.len()), (MAX_DROPPED, 2));
    }

    /// Any JSON, mostly of the shapes that attributes have.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ -~é]{0,6}".prop_map(Value::from),
            prop::sample::select(vec!["", "True", "false", "7", "2026-11-23T18:00:00Z", "AAAA"])
                .prop_map(Value::from),
        ];
        let names = prop::sample::select(vec![
            "value",
            "Type",
            "primary",
            "$ref",
            "display",
            "givenName",
            "manager",
            "doors",
            "number",
            "x",
        ]);
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(names.clone(), inner, 0..4)
                    .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    /// A value that the attribute takes, canonical or as providers write it.
    fn taken(attribute: &Attribute) -> BoxedStrategy<Value> {
        let single = if attribute.is_complex() {
            let subs = attribute.sub_attributes.iter().filter(|sub| sub.mutability != Mutability::ReadOnly);
            let members: Vec<_> = subs.map(|sub| member(sub)).collect();
            members.prop_map(|members| members.into_iter().flatten().collect()).boxed()
        } else {
            match attribute.kind {
                Type::Boolean => prop::sample::select(vec![json!(true), json!(false), json!("True")]).boxed(),
                Type::Integer => prop_oneof![(0..3i64).prop_map(Value::from), Just(json!("2"))].boxed(),
                Type::Decimal => prop_oneof![any::<f32>().prop_map(Value::from), Just(json!("0.1"))].boxed(),
                Type::DateTime => Just(json!("2026-11-23T18:00:00Z")).boxed(),
                Type::Binary => prop::sample::select(vec![json!("AAAA"), json!("")]).boxed(),
                _ => "[ab@Ä ]{0,2}".prop_map(Value::from).boxed(),
            }
        };
        if attribute.multi_valued {
            prop::collection::vec(single, 0..5).prop_map(Value::from).boxed()
        } else {
            single
        }
    }

    fn member(attribute: &Attribute) -> BoxedStrategy<Option<(String, Value)>> {
        let (lower, upper) = (attribute.name.clone(), attribute.name.to_uppercase());
        let pair = (prop::sample::select(vec![lower, upper]), taken(attribute));
        if attribute.required { pair.prop_map(Some).boxed() } else { prop::option::of(pair).boxed() }
    }

    fn body() -> impl Strategy<Value = Value> {
        let registry = badges();
        let object = |attributes: &[Arc<Attribute>]| {
            let writable = attributes.iter().filter(|attribute| attribute.mutability != Mutability::ReadOnly);
            let members: Vec<_> = writable.map(|attribute| member(attribute)).collect();
            members.prop_map(|members| members.into_iter().flatten().collect::<Map<String, Value>>())
        };
        let extensions: Vec<_> = registry
            .extensions(Kind::User)
            .iter()
            .map(|schema| {
                let urn = schema.id.clone();
                object(&schema.attributes).prop_map(move |members| (urn.clone(), Value::Object(members)))
            })
            .collect();
        (object(&registry.core(Kind::User).attributes), extensions).prop_map(|(mut body, extensions)| {
            body.extend(extensions);
            Value::Object(body)
        })
    }

    proptest! {
        #[test]
        fn what_was_read_reads_as_itself(body in body()) {
            let registry = badges();
            // A reference that is no URI is kept, and so it is as loose when it comes again.
            if let Ok(first) = parse(&registry, Kind::User, &body, Mode::Compat)
                && !first.notes.leniencies.contains(&Leniency::LooseUri)
            {
                let mut again = Value::Object(first.document.clone());
                again["id"] = json!("7");
                again["meta"] = json!({ "resourceType": "User" });
                for mode in [Mode::Compat, Mode::Strict] {
                    let second = parse(&registry, Kind::User, &again, mode).expect("canonical");
                    prop_assert_eq!(
                        Value::Object(second.document).to_string(),
                        Value::Object(first.document.clone()).to_string()
                    );
                    prop_assert_eq!(second.notes, Notes::default());
                }
            }
        }

        #[test]
        fn any_value_anywhere_ends_in_an_answer(value in anything(), place in 0..200usize) {
            let registry = badges();
            let mut body = full_user();
            let names: Vec<String> = registry.common().iter().chain(&registry.core(Kind::User).attributes)
                .map(|attribute| attribute.name.clone())
                .chain([ENTERPRISE.to_owned(), BADGE.to_owned(), "foo".to_owned()])
                .collect();
            body[&names[place % names.len()]] = value;
            for mode in [Mode::Compat, Mode::Strict] {
                match parse(&registry, Kind::User, &body, mode) {
                    Ok(parsed) => prop_assert!(mode == Mode::Compat || parsed.notes == Notes::default()),
                    Err(error) => prop_assert!(error.status == 400 && !error.detail.is_empty()),
                }
            }
        }
    }
}

//! The body of a POST or PUT (RFC 7644 §3.3, §3.5.1) becomes the canonical document, a group's members beside it. Here
//! is what stands at the top of a resource: `schemas`, attributes, extension objects. Values are read in `parse_value`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Parsed;
use super::parse_simple::mismatch;
use super::parse_value::{Reader, is_unassigned, twice};
use super::place::Place;
use crate::scim::schema::Schema;
use crate::scim::{Document, Kind, Leniency, Mode, Notes, Registry, ScimError, draft};

/// Reads the body of a POST or PUT.
pub fn parse(registry: &Registry, kind: Kind, body: &Value, mode: Mode) -> Result<Parsed, ScimError> {
    let Value::Object(body) = body else {
        let name = kind.name();
        return Err(ScimError::invalid_syntax(format!("The body must be a JSON object, a {name}")));
    };
    let mut notes = Notes::default();
    let mut reader = Reader { mode, notes: &mut notes };
    let extensions = registry.extensions(kind);
    let core = &registry.core(kind).attributes;

    let (common, rest) = reader.sorted(registry.common(), body.iter(), &Place::Top)?;
    let (own, rest) = reader.sorted(core, rest.into_iter(), &Place::Top)?;
    let nulls = core.iter().zip(&own).filter(|(_, sent)| sent.is_some_and(Value::is_null));
    let mut cleared: Vec<String> = nulls.map(|(attribute, _)| attribute.name.clone()).collect();
    if mode == Mode::Compat && cleared.iter().any(|name| name == "active") {
        reader.notes.used(Leniency::NullActive);
        cleared.retain(|name| name != "active");
    }
    let schemas = registry.common().iter().zip(&common).find(|(attribute, _)| attribute.name == "schemas");
    let listed = reader.schemas(kind, extensions, schemas.and_then(|(_, sent)| *sent))?;
    let mut objects = vec![None; extensions.len()];
    for (key, value) in rest {
        let urn = reader.settled(kind, key);
        match extensions.iter().position(|schema| schema.id.eq_ignore_ascii_case(urn)) {
            Some(number) if objects[number].is_none() => objects[number] = Some(value),
            Some(_) => return Err(twice(&Place::Top.member(key))),
            None => {
                let urn = key.contains(':');
                let leniency = if urn { Leniency::UnknownSchema } else { Leniency::UnknownAttribute };
                reader.unknown(leniency, key, &Place::Top.member(key))?;
            }
        }
    }

    let mut document = Document::new();
    document.insert("schemas".into(), Value::Null);
    let common = registry.common().iter().zip(common).filter(|(attribute, _)| attribute.name != "schemas");
    let pairs = common.chain(core.iter().zip(own.iter().copied()));
    document.append(&mut reader.fields(pairs, &Place::Top, true)?);
    let members = match core.iter().zip(own).find(|(attribute, _)| kind == Kind::Group && attribute.edge) {
        Some((attribute, Some(sent))) => Some(reader.members(sent, &Place::Top.member(&attribute.name))?),
        _ => None,
    };
    let mut urns = vec![Value::from(kind.urn())];
    for ((schema, sent), listed) in extensions.iter().zip(objects).zip(listed) {
        let Some(sent) = sent else { continue };
        let object = reader.extension(schema, sent, listed)?;
        if !object.is_empty() {
            urns.push(schema.id.as_str().into());
            document.insert(schema.id.clone(), Value::Object(object));
        }
    }
    document["schemas"] = Value::Array(urns);
    Ok(Parsed { document, members, cleared, notes })
}

impl Reader<'_> {
    /// Which of the extensions `schemas` lists (RFC 7643 §3); that it also lists the resource's own schema.
    fn schemas(
        &mut self,
        kind: Kind,
        extensions: &[Arc<Schema>],
        sent: Option<&Value>,
    ) -> Result<Vec<bool>, ScimError> {
        let top = Place::Top;
        let place = top.member("schemas");
        let items = match sent {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => items.as_slice(),
            Some(single @ Value::String(_)) if self.mode == Mode::Compat => {
                self.notes.used(Leniency::SingleForList);
                std::slice::from_ref(single)
            }
            Some(other) => return Err(mismatch(&place, "a list of schema URNs", other)),
        };
        let mut listed = vec![false; extensions.len()];
        let mut own = false;
        let mut unknown = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let Value::String(urn) = item else {
                return Err(mismatch(&place.item(number), "the URN of a schema", item));
            };
            let settled = self.settled(kind, urn);
            if settled.eq_ignore_ascii_case(kind.urn()) {
                own = true;
            } else if let Some(found) =
                extensions.iter().position(|schema| schema.id.eq_ignore_ascii_case(settled))
            {
                listed[found] = true;
            } else {
                unknown.push((number, urn));
            }
        }
        if !own {
            self.own_schema_missing(kind, unknown.iter().map(|(_, urn)| urn.as_str()))?;
        }
        for (number, urn) in unknown {
            self.unknown(Leniency::UnknownSchema, urn, &place.item(number))?;
        }
        Ok(listed)
    }

    /// The URN of today for one of a draft, which a strict token may not name.
    fn settled<'u>(&mut self, kind: Kind, urn: &'u str) -> &'u str {
        let settled = if self.mode == Mode::Strict { urn } else { draft::settled(kind, urn) };
        if settled != urn {
            self.notes.used(Leniency::DraftUrn);
        }
        settled
    }

    fn own_schema_missing<'u>(
        &mut self,
        kind: Kind,
        others: impl Iterator<Item = &'u str>,
    ) -> Result<(), ScimError> {
        let urns: Vec<&str> = others.collect();
        if urns.iter().any(|urn| draft::is_of_first_version(urn)) {
            let detail =
                "schemas: this is a SCIM 1.1 body; choose SCIM 2.0 in the identity provider's settings";
            return Err(ScimError::invalid_syntax(detail));
        }
        let is_kind = |other: &&Kind| urns.iter().any(|urn| urn.eq_ignore_ascii_case(other.urn()));
        if let Some(other) = [Kind::User, Kind::Group].iter().find(is_kind) {
            let (sent, wanted) = (other.name(), kind.name());
            let detail =
                format!("schemas: this body is a {sent}, and a {wanted} belongs here, \"{}\"", kind.urn());
            return Err(ScimError::invalid_syntax(detail));
        }
        if self.mode == Mode::Strict {
            let detail = format!("schemas must be a list that holds \"{}\"", kind.urn());
            return Err(ScimError::invalid_syntax(detail));
        }
        self.notes.used(Leniency::MessageSchema);
        Ok(())
    }

    /// The object of an extension (RFC 7643 §3.3).
    fn extension(
        &mut self,
        schema: &Schema,
        sent: &Value,
        listed: bool,
    ) -> Result<Map<String, Value>, ScimError> {
        let place = Place::Extension(&schema.id);
        if is_unassigned(sent) || self.is_empty_text(sent) {
            return Ok(Map::new());
        }
        let Value::Object(members) = sent else {
            return Err(mismatch(&place, "an object", sent));
        };
        if !listed && !members.is_empty() {
            if self.mode == Mode::Strict {
                let detail = format!("{place} is not listed in schemas; add this URN there");
                return Err(ScimError::invalid_syntax(detail));
            }
            self.notes.used(Leniency::ExtensionNotListed);
        }
        let (slots, unknown) = self.sorted(&schema.attributes, members.iter(), &place)?;
        for (key, value) in unknown {
            if !is_own_name(&schema.id, key, value) {
                self.unknown(
                    Leniency::UnknownAttribute,
                    &format!("{}:{key}", schema.id),
                    &place.member(key),
                )?;
            }
        }
        self.fields(schema.attributes.iter().zip(slots), &place, false)
    }
}

/// Whether a member of an extension's object is a `schemas` that names just that extension. Some libraries write one into
/// every object; it says what the key of the object says already.
pub fn is_own_name(urn: &str, key: &str, value: &Value) -> bool {
    let same = |item: &Value| item.as_str().is_some_and(|item| item.eq_ignore_ascii_case(urn));
    key.eq_ignore_ascii_case("schemas")
        && value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(same))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::ScimType;
    use crate::scim::registry::{ENTERPRISE, GROUP, USER};
    use crate::scim::resource::Member;
    use crate::scim::resource::sample::full_user;

    fn compat(kind: Kind, body: &Value) -> Parsed {
        parse(&Registry::standard(), kind, body, Mode::Compat).expect("a readable body")
    }

    fn refusal(kind: Kind, body: &Value, mode: Mode) -> ScimError {
        parse(&Registry::standard(), kind, body, mode).expect_err("a refused body")
    }

    /// The same value with the members of every object turned around, and their names in another case.
    fn scrambled(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                members.iter().rev().map(|(name, value)| (name.to_uppercase(), scrambled(value))).collect()
            }
            Value::Array(items) => items.iter().map(scrambled).collect(),
            other => other.clone(),
        }
    }

    #[test]
    fn a_full_user_is_kept_whole_for_both_modes() {
        for mode in [Mode::Strict, Mode::Compat] {
            let parsed = parse(&Registry::standard(), Kind::User, &full_user(), mode).expect("a user");
            assert_eq!(Value::Object(parsed.document).to_string(), full_user().to_string());
            assert_eq!((parsed.members, parsed.notes), (None, Notes::default()));
        }
    }

    #[test]
    fn equal_content_gives_equal_text() {
        let parsed = parse(&Registry::standard(), Kind::User, &scrambled(&full_user()), Mode::Strict);
        assert_eq!(Value::Object(parsed.expect("a user").document).to_string(), full_user().to_string());
    }

    #[test]
    fn what_is_read_only_or_derived_is_ignored_whatever_it_holds() {
        let mut body = full_user();
        for (name, value) in [("id", json!(7)), ("meta", json!("x")), ("groups", json!([{ "value": "g" }]))] {
            body[name] = value;
        }
        body[ENTERPRISE]["manager"] = json!({ "value": "26118915", "$ref": 5, "displayName": ["x"] });
        let parsed = parse(&Registry::standard(), Kind::User, &body, Mode::Strict).expect("a user");
        assert_eq!(Value::Object(parsed.document), full_user());
    }

    #[test]
    fn a_body_that_is_no_object_or_speaks_scim_1_1_is_refused() {
        for body in [json!(null), json!([]), json!("x"), json!(1)] {
            assert_eq!(
                refusal(Kind::User, &body, Mode::Compat).detail,
                "The body must be a JSON object, a User"
            );
        }
        let old = json!({ "schemas": ["urn:scim:schemas:core:1.0"], "userName": "mei" });
        for mode in [Mode::Strict, Mode::Compat] {
            let error = refusal(Kind::User, &old, mode);
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
            assert!(error.detail.contains("choose SCIM 2.0"), "{error}");
        }
    }

    #[test]
    fn unknown_names_are_dropped_and_named_or_refused() {
        let body = json!({
            "schemas": [USER, "urn:example:2.0:Shoe"], "userName": "mei", "jobTitle": "x",
            "name": { "foo": 1, "givenName": "Mei" }, "urn:example:2.0:Shoe": { "size": 38 },
        });
        let parsed = compat(Kind::User, &body);
        assert_eq!(
            Value::Object(parsed.document),
            json!({ "schemas": [USER], "userName": "mei", "name": { "givenName": "Mei" } })
        );
        assert_eq!(parsed.notes.dropped, ["urn:example:2.0:Shoe", "jobTitle", "name.foo"]);
        assert_eq!(parsed.notes.leniencies, [Leniency::UnknownSchema, Leniency::UnknownAttribute]);
        for (name, value) in [("jobTitle", json!(1)), ("name", json!({ "foo": 1 })), ("urn:x:y", json!({}))] {
            let body = json!({ "schemas": [USER], "userName": "mei", name: value });
            let error = refusal(Kind::User, &body, Mode::Strict);
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
            assert!(error.detail.starts_with(name), "{error}");
        }
        let body = json!({ "schemas": [USER, "urn:x:y"], "userName": "mei" });
        assert!(refusal(Kind::User, &body, Mode::Strict).detail.starts_with("schemas[1]: "));
    }

    #[test]
    fn a_name_twice_in_different_case_is_refused() {
        let body = json!({ "userName": "mei", "USERNAME": "ken" });
        assert!(
            refusal(Kind::User, &body, Mode::Compat).detail.starts_with("userName is given more than once")
        );
        let body =
            json!({ "userName": "mei", ENTERPRISE: { "division": "x" }, ENTERPRISE.to_lowercase(): {} });
        assert!(refusal(Kind::User, &body, Mode::Compat).detail.contains("is given more than once"));
    }

    #[test]
    fn schemas_may_be_left_out_by_a_compat_token_only() {
        let bodies = [
            (json!({ "userName": "mei" }), Leniency::MessageSchema),
            (json!({ "schemas": [], "userName": "mei" }), Leniency::MessageSchema),
            (json!({ "schemas": USER, "userName": "mei" }), Leniency::SingleForList),
        ];
        for (body, leniency) in bodies {
            let parsed = compat(Kind::User, &body);
            assert_eq!(parsed.document["schemas"], json!([USER]));
            assert_eq!(parsed.notes.leniencies, [leniency]);
            assert!(refusal(Kind::User, &body, Mode::Strict).detail.contains("schemas must be a list"));
        }
        let error = refusal(Kind::User, &json!({ "schemas": [7], "userName": "mei" }), Mode::Compat);
        assert_eq!(error.detail, "schemas[0] must be the URN of a schema, got 7");
    }

    #[test]
    fn a_body_of_the_other_kind_is_refused_whatever_the_token() {
        for (kind, other) in [(Kind::User, GROUP), (Kind::Group, USER)] {
            for mode in [Mode::Strict, Mode::Compat] {
                let body = json!({ "schemas": [other], "userName": "mei", "displayName": "Mei" });
                let error = refusal(kind, &body, mode);
                assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
                assert!(error.detail.contains("belongs here"), "{error}");
            }
        }
    }

    #[test]
    fn an_extension_that_is_not_listed_is_kept_for_a_compat_token() {
        let body =
            json!({ "schemas": [USER], "userName": "mei", ENTERPRISE: { "department": "x", "foo": 1 } });
        let parsed = compat(Kind::User, &body);
        assert_eq!(parsed.document["schemas"], json!([USER, ENTERPRISE]));
        assert_eq!(parsed.notes.leniencies, [Leniency::ExtensionNotListed, Leniency::UnknownAttribute]);
        assert_eq!(parsed.notes.dropped, [format!("{ENTERPRISE}:foo")]);
        let error = refusal(Kind::User, &body, Mode::Strict);
        assert_eq!(error.detail, format!("{ENTERPRISE} is not listed in schemas; add this URN there"));
        let body = json!({ "schemas": [USER, ENTERPRISE], "userName": "mei" });
        let parsed = parse(&Registry::standard(), Kind::User, &body, Mode::Strict).expect("a user");
        assert_eq!(parsed.document["schemas"], json!([USER]));
    }

    #[test]
    fn an_extension_that_names_its_own_schema_says_nothing_new() {
        let body = |urns: Value| {
            json!({ "schemas": [USER, ENTERPRISE], "userName": "mei",
                ENTERPRISE: { "schemas": urns, "department": "x" } })
        };
        for mode in [Mode::Strict, Mode::Compat] {
            let said = body(json!([ENTERPRISE.to_uppercase()]));
            let parsed = parse(&Registry::standard(), Kind::User, &said, mode).expect("a user");
            assert_eq!(parsed.document[ENTERPRISE], json!({ "department": "x" }));
            assert_eq!(parsed.notes, Notes::default());
        }
        for other in
            [json!([]), json!([USER]), json!([ENTERPRISE, USER]), json!([7]), json!(ENTERPRISE), json!(null)]
        {
            let error = refusal(Kind::User, &body(other), Mode::Strict);
            assert!(
                error.detail.starts_with(&format!("{ENTERPRISE}:schemas: there is no attribute")),
                "{error}"
            );
        }
    }

    #[test]
    fn required_attributes_must_have_a_value() {
        for (kind, name) in [(Kind::User, "userName"), (Kind::Group, "displayName")] {
            for mode in [Mode::Strict, Mode::Compat] {
                for (value, words) in [
                    (json!(null), "and is missing"),
                    (json!(""), "and was empty"),
                    (json!(" "), "and was empty"),
                ] {
                    let error = refusal(kind, &json!({ "schemas": [kind.urn()], name: value }), mode);
                    assert_eq!(error.detail, format!("{name} is required {words}"));
                    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
                }
                let error = refusal(kind, &json!({ "schemas": [kind.urn()] }), mode);
                assert_eq!(error.detail, format!("{name} is required and is missing"));
            }
        }
    }

    #[test]
    fn the_members_of_a_group_are_parted_from_it() {
        let group =
            |members: Value| compat(Kind::Group, &json!({ "displayName": "Tools", "members": members }));
        let named = |value: &str, kind| Member { value: value.into(), kind };
        let sent =
            json!([{ "value": "a", "type": "user" }, { "value": "b", "display": "B" }, { "value": "a" }]);
        let parsed = group(sent);
        assert_eq!(Value::Object(parsed.document), json!({ "schemas": [GROUP], "displayName": "Tools" }));
        assert_eq!(parsed.members, Some(vec![named("a", Some(Kind::User)), named("b", None)]));
        assert_eq!(group(json!([])).members, Some(Vec::new()));
        assert_eq!(group(json!(null)).members, Some(Vec::new()));
        assert_eq!(compat(Kind::Group, &json!({ "displayName": "Tools" })).members, None);
    }
}

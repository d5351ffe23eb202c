//! What a team's own schema may say (RFC 7643 §2.3, §2.4, §7) beyond being well formed: nothing that the RFC rules out or
//! that no resource could fulfil. It is asked when a schema is added; one that is stored is read by `schema` alone, so
//! that a rule added later locks nobody out.

use super::ScimError;
use super::registry::Kind;
use super::schema::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};

/// What a reference may point at besides the kinds of resource (RFC 7643 §7).
const NO_RESOURCE: [&str; 2] = ["external", "uri"];

/// Refuses a schema extension by the place of what is wrong.
pub fn check(schema: &Schema) -> Result<(), ScimError> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+=@$!*;~&'".contains(&byte);
    if let Some(wrong) = schema.id.bytes().find(|byte| !known(*byte)) {
        let wrong = char::from(wrong);
        return Err(ScimError::invalid_value(format!(
            "id: \"{}\" has a {wrong:?}, which cannot stand in an address, a filter or a list of attributes",
            schema.id
        )));
    }
    if schema.id.to_ascii_lowercase().starts_with("urn:ietf:params:scim:api:") {
        return Err(ScimError::invalid_value(format!(
            "id: \"{}\" names a message of the protocol; choose a URN of your own",
            schema.id
        )));
    }
    for (number, attribute) in schema.attributes.iter().enumerate() {
        let place = format!("attributes[{number}]");
        if attribute.name == "$ref" {
            let detail = format!("{place}.name: \"$ref\" is the name of a sub-attribute (RFC 7643 §2.4)");
            return Err(ScimError::invalid_value(detail));
        }
        check_attribute(attribute, &place)?;
        for (number, sub) in attribute.sub_attributes.iter().enumerate() {
            let place = format!("{place}.subAttributes[{number}]");
            check_attribute(sub, &place)?;
            check_predefined(sub, attribute.multi_valued, &place)?;
        }
    }
    Ok(())
}

fn check_attribute(attribute: &Attribute, place: &str) -> Result<(), ScimError> {
    let name = &attribute.name;
    let wrong = |what: String| Err(ScimError::invalid_value(format!("{place}{what}")));
    let unique = attribute.uniqueness != Uniqueness::None;
    let single = match attribute.kind {
        Type::Boolean => Some("a boolean"),
        Type::DateTime => Some("a dateTime"),
        Type::Binary => Some("a binary"),
        Type::Complex => Some("a complex attribute"),
        _ => None,
    };
    if let Some(kind) = single.filter(|_| unique) {
        return wrong(format!(".uniqueness: {kind} has no uniqueness (RFC 7643 §2.3); leave it out"));
    }
    let types = &attribute.reference_types;
    if attribute.kind != Type::Reference && !types.is_empty() {
        return wrong(format!(".referenceTypes: \"{name}\" is no reference; leave them out"));
    }
    let kinds = [Kind::User.name(), Kind::Group.name()];
    if let Some(other) =
        types.iter().find(|other| !kinds.iter().chain(&NO_RESOURCE).any(|known| known == other))
    {
        return wrong(format!(".referenceTypes: \"{other}\" is not one of User, Group, external, uri"));
    }
    // scimd keeps no value that nobody may read, and fills no readOnly attribute.
    let write_only = attribute.mutability == Mutability::WriteOnly;
    if write_only && attribute.returned != Returned::Never {
        return wrong(format!(
            ".returned: \"{name}\" is writeOnly, so that it is returned never (RFC 7643 §7)"
        ));
    }
    if attribute.returned == Returned::Never && (attribute.required || unique) {
        return wrong(format!(
            ": \"{name}\" is never shown and so is not kept; it can be neither required nor unique"
        ));
    }
    if attribute.mutability == Mutability::ReadOnly && attribute.required {
        return wrong(format!(
            ": \"{name}\" is readOnly, so that nobody could send it; it cannot be required"
        ));
    }
    Ok(())
}

/// The sub-attributes that RFC 7643 §2.4 defines mean what they mean there.
fn check_predefined(sub: &Attribute, many: bool, place: &str) -> Result<(), ScimError> {
    let (wanted, kind) = match sub.name.to_ascii_lowercase().as_str() {
        "primary" if many => ("boolean", Type::Boolean),
        "$ref" => ("reference", Type::Reference),
        _ => return Ok(()),
    };
    if sub.kind == kind && !sub.multi_valued {
        return Ok(());
    }
    let name = &sub.name;
    let detail = format!("{place}: \"{name}\" must be one {wanted} (RFC 7643 §2.4); give yours another name");
    Err(ScimError::invalid_value(detail))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(id: &str, attribute: Value) -> Option<String> {
        let schema = Schema::parse(&json!({ "id": id, "attributes": [attribute] })).expect("well formed");
        check(&schema).err().map(|error| error.detail)
    }

    #[test]
    fn what_the_rfc_rules_out_is_refused_by_its_place() {
        for (attribute, words) in [
            (
                json!({ "name": "a", "type": "boolean", "uniqueness": "server" }),
                "attributes[0].uniqueness: a boolean",
            ),
            (
                json!({ "name": "a", "type": "dateTime", "uniqueness": "global" }),
                "a dateTime has no uniqueness",
            ),
            (json!({ "name": "a", "type": "binary", "uniqueness": "server" }), "a binary has no uniqueness"),
            (
                json!({ "name": "a", "type": "complex", "uniqueness": "server", "subAttributes": [{ "name": "b" }] }),
                "a complex attribute has no uniqueness",
            ),
            (
                json!({ "name": "a", "type": "complex", "subAttributes": [
                    { "name": "b" }, { "name": "c", "type": "boolean", "uniqueness": "server" } ] }),
                "attributes[0].subAttributes[1].uniqueness",
            ),
            (
                json!({ "name": "a", "referenceTypes": ["User"] }),
                "attributes[0].referenceTypes: \"a\" is no reference",
            ),
            (
                json!({ "name": "a", "type": "reference", "referenceTypes": ["uri", "Printer"] }),
                "\"Printer\" is not one of",
            ),
            (json!({ "name": "$ref", "type": "reference" }), "attributes[0].name"),
            (
                json!({ "name": "a", "type": "complex", "subAttributes": [{ "name": "$ref" }] }),
                "attributes[0].subAttributes[0]: \"$ref\" must be one reference",
            ),
            (
                json!({ "name": "a", "type": "complex", "multiValued": true, "subAttributes": [{ "name": "Primary" }] }),
                "\"Primary\" must be one boolean",
            ),
            (
                json!({ "name": "a", "mutability": "writeOnly", "returned": "always" }),
                "attributes[0].returned",
            ),
            (json!({ "name": "a", "returned": "never", "required": true }), "neither required nor unique"),
            (
                json!({ "name": "a", "mutability": "writeOnly", "uniqueness": "server" }),
                "neither required nor unique",
            ),
            (json!({ "name": "a", "mutability": "readOnly", "required": true }), "cannot be required"),
        ] {
            let refused = refusal("urn:example:2.0:Badge", attribute.clone()).unwrap_or_default();
            assert!(
                refused.starts_with("attributes[0]") && refused.contains(words),
                "{attribute}: {refused}"
            );
        }
    }

    #[test]
    fn what_the_rfc_allows_is_taken() {
        for attribute in [
            json!({ "name": "a", "type": "integer", "uniqueness": "server", "multiValued": true }),
            json!({ "name": "a", "type": "reference", "referenceTypes": ["User", "Group", "external", "uri"] }),
            json!({ "name": "a", "type": "reference", "uniqueness": "global" }),
            json!({ "name": "a", "mutability": "writeOnly" }),
            json!({ "name": "a", "type": "complex", "subAttributes": [{ "name": "primary" }] }),
            json!({ "name": "a", "type": "complex", "multiValued": true }),
        ] {
            assert_eq!(refusal("urn:example:a-b.c:2.0:Badge", attribute.clone()), None, "{attribute}");
        }
    }

    #[test]
    fn a_urn_can_be_written_everywhere() {
        let plain = || json!({ "name": "a" });
        for id in
            ["urn:example:a,b", "urn:example:a/b", "urn:example:a?b", "urn:example:a%20b", "urn:example:a(b)"]
        {
            assert!(refusal(id, plain()).is_some_and(|why| why.starts_with("id: ")), "{id}");
        }
        let message = refusal("URN:ietf:params:scim:api:messages:2.0:PatchOp", plain());
        assert!(message.is_some_and(|why| why.contains("a message of the protocol")));
        assert_eq!(refusal("urn:acme-1:ab.c:2.0:User", plain()), None);
    }
}

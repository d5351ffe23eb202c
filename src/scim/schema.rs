//! Schemas and attributes with their characteristics (RFC 7643 §2.2, §7). A schema is read from its JSON document;
//! which schemas are in force for a team is `registry`'s business.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ScimError;
use super::filter::shorten;

/// URN of the schema of schemas (RFC 7643 §7).
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// An attribute's data type (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// Who may write an attribute, and when (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Returned {
    Always,
    Never,
    Default,
    Request,
}

/// How far an attribute's value must be unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

/// One attribute or sub-attribute and its characteristics.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: String,
    pub description: String,
    pub kind: Type,
    pub multi_valued: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub uniqueness: Uniqueness,
    pub canonical_values: Vec<String>,
    pub reference_types: Vec<String>,
    pub sub_attributes: Vec<Arc<Attribute>>,
    /// `members` of a Group and `groups` of a User: kept as edges, so parted from the document at the door.
    pub edge: bool,
    /// `emails.value` of a User: an address of RFC 5321, whose domain has no case.
    pub mail: bool,
}

impl Attribute {
    /// The sub-attribute of that name, in any case (RFC 7643 §2.1).
    pub fn sub(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Whether values are complex.
    pub fn is_complex(&self) -> bool {
        self.kind == Type::Complex
    }
}

/// A schema: a URN and its attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub id: String,
    pub name: String,
    pub description: String,
    pub attributes: Vec<Arc<Attribute>>,
}

impl Schema {
    /// The attribute of that name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Reads a schema document as RFC 7643 §7 writes it; the error says which member is wrong.
    pub fn parse(document: &Value) -> Result<Schema, ScimError> {
        let map = document.as_object().ok_or_else(|| wrong("the schema", "an object", document))?;
        only(map, "", &["schemas", "id", "name", "description", "attributes", "meta"])?;
        let named = texts(map, "schemas", "schemas")?;
        if !named.is_empty() && !named.iter().any(|urn| urn.eq_ignore_ascii_case(SCHEMA)) {
            let detail = format!("schemas: this is no schema document, whose schemas holds \"{SCHEMA}\"");
            return Err(ScimError::invalid_value(detail));
        }
        let id = text(map, "id", "id")?;
        if !is_urn(&id) {
            let id = shorten(&id);
            return Err(ScimError::invalid_value(format!(
                "id: \"{id}\" is not a URN of at most 255 characters such as urn:example:2.0:User"
            )));
        }
        let attributes = match map.get("attributes") {
            Some(Value::Array(list)) if !list.is_empty() => attributes(list, "attributes", true)?,
            Some(Value::Array(_)) | None => {
                return Err(ScimError::invalid_value("attributes: a schema needs at least one attribute"));
            }
            Some(other) => return Err(wrong("attributes", "a list", other)),
        };
        Ok(Schema {
            name: optional_text(map, "name", "name")?.unwrap_or_else(|| id.clone()),
            description: optional_text(map, "description", "description")?.unwrap_or_default(),
            id,
            attributes,
        })
    }

    /// The document that `/Schemas` serves: complete, whatever was left out of the one that was read.
    pub fn document(&self) -> Value {
        let attributes: Vec<Value> = self.attributes.iter().map(|attribute| described(attribute)).collect();
        json!({
            "schemas": [SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": attributes,
        })
    }
}

fn described(attribute: &Attribute) -> Value {
    let mut document = json!({
        "name": attribute.name,
        "type": word(TYPES, &attribute.kind),
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "caseExact": attribute.case_exact,
        "mutability": word(MUTABILITIES, &attribute.mutability),
        "returned": word(RETURNED, &attribute.returned),
        "uniqueness": word(UNIQUENESSES, &attribute.uniqueness),
    });
    let lists =
        [("canonicalValues", &attribute.canonical_values), ("referenceTypes", &attribute.reference_types)];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        document[name] = json!(list);
    }
    if attribute.is_complex() {
        document["subAttributes"] = attribute.sub_attributes.iter().map(|sub| described(sub)).collect();
    }
    document
}

fn word<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

type Map = serde_json::Map<String, Value>;

fn attributes(list: &[Value], place: &str, top: bool) -> Result<Vec<Arc<Attribute>>, ScimError> {
    let mut found: Vec<Arc<Attribute>> = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let place = format!("{place}[{i}]");
        let attribute = attribute(value, &place, top)?;
        if found.iter().any(|other| other.name.eq_ignore_ascii_case(&attribute.name)) {
            let detail = format!("{place}.name: \"{}\" stands there twice", attribute.name);
            return Err(ScimError::invalid_value(detail));
        }
        found.push(Arc::new(attribute));
    }
    Ok(found)
}

fn attribute(value: &Value, place: &str, top: bool) -> Result<Attribute, ScimError> {
    let map = value.as_object().ok_or_else(|| wrong(place, "an object", value))?;
    let at = |name: &str| format!("{place}.{name}");
    only(map, place, MEMBERS)?;
    let name = text(map, "name", &at("name"))?;
    if !is_name(&name) {
        return Err(ScimError::invalid_value(format!(
            "{}: \"{name}\" is not an attribute name: a letter, then letters, digits, $, - or _ (RFC 7643 §2.1)",
            at("name")
        )));
    }
    let kind = keyword(map, "type", &at("type"), TYPES, Some(Type::String))?;
    let multi_valued = flag(map, "multiValued", &at("multiValued"))?.unwrap_or(false);
    let sub_attributes = match (kind, map.get("subAttributes")) {
        (Type::Complex, _) if !top => {
            let detail = format!("{place}: a sub-attribute cannot be complex itself (RFC 7643 §2.3.8)");
            return Err(ScimError::invalid_value(detail));
        }
        (Type::Complex, Some(Value::Array(list))) if !list.is_empty() => {
            attributes(list, &at("subAttributes"), false)?
        }
        (Type::Complex, None | Some(Value::Null)) if multi_valued => {
            attributes(&defaults(), &at("subAttributes"), false)?
        }
        (Type::Complex, _) => {
            let detail = format!("{}: a complex attribute needs a list of them", at("subAttributes"));
            return Err(ScimError::invalid_value(detail));
        }
        (_, Some(Value::Array(list))) if !list.is_empty() => {
            let detail = format!("{}: only a complex attribute has them", at("subAttributes"));
            return Err(ScimError::invalid_value(detail));
        }
        _ => Vec::new(),
    };
    // References and binary values are compared as they are (RFC 7643 §2.3.6, §2.3.7); only texts have a case besides.
    let exact = matches!(kind, Type::Reference | Type::Binary);
    let says_exact = flag(map, "caseExact", &at("caseExact"))?.unwrap_or(false);
    let mutability =
        keyword(map, "mutability", &at("mutability"), MUTABILITIES, Some(Mutability::ReadWrite))?;
    // What is writeOnly is not returned, whether the document says so or not (RFC 7643 §7).
    let returned = match keyword(map, "returned", &at("returned"), RETURNED, Some(Returned::Default))? {
        Returned::Default if mutability == Mutability::WriteOnly => Returned::Never,
        returned => returned,
    };
    Ok(Attribute {
        description: optional_text(map, "description", &at("description"))?.unwrap_or_default(),
        multi_valued,
        required: flag(map, "required", &at("required"))?.unwrap_or(false),
        case_exact: exact || says_exact && kind == Type::String,
        mutability,
        returned,
        uniqueness: keyword(map, "uniqueness", &at("uniqueness"), UNIQUENESSES, Some(Uniqueness::None))?,
        canonical_values: texts(map, "canonicalValues", &at("canonicalValues"))?,
        reference_types: texts(map, "referenceTypes", &at("referenceTypes"))?,
        sub_attributes,
        edge: false,
        mail: false,
        name,
        kind,
    })
}

/// The sub-attributes of a multi-valued attribute that names none (RFC 7643 §2.4).
fn defaults() -> [Value; 5] {
    [
        json!({ "name": "value", "description": "The value itself" }),
        json!({ "name": "display", "description": "A name to show", "mutability": "immutable" }),
        json!({ "name": "type", "description": "What the value is for" }),
        json!({ "name": "primary", "type": "boolean", "description": "Whether this is the preferred value" }),
        json!({ "name": "$ref", "type": "reference", "referenceTypes": ["external", "uri"],
            "description": "The address of what the value stands for" }),
    ]
}

/// What an attribute's document may say (RFC 7643 §7).
const MEMBERS: &[&str] = &[
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "canonicalValues",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "referenceTypes",
    "subAttributes",
];

const TYPES: &[(&str, Type)] = &[
    ("string", Type::String),
    ("boolean", Type::Boolean),
    ("decimal", Type::Decimal),
    ("integer", Type::Integer),
    ("dateTime", Type::DateTime),
    ("binary", Type::Binary),
    ("reference", Type::Reference),
    ("complex", Type::Complex),
];
const MUTABILITIES: &[(&str, Mutability)] = &[
    ("readOnly", Mutability::ReadOnly),
    ("readWrite", Mutability::ReadWrite),
    ("immutable", Mutability::Immutable),
    ("writeOnly", Mutability::WriteOnly),
];
const RETURNED: &[(&str, Returned)] = &[
    ("always", Returned::Always),
    ("never", Returned::Never),
    ("default", Returned::Default),
    ("request", Returned::Request),
];
const UNIQUENESSES: &[(&str, Uniqueness)] =
    &[("none", Uniqueness::None), ("server", Uniqueness::Server), ("global", Uniqueness::Global)];

fn keyword<T: Copy>(
    map: &Map,
    name: &str,
    place: &str,
    table: &[(&str, T)],
    default: Option<T>,
) -> Result<T, ScimError> {
    let known = || table.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let Some(word) = optional_text(map, name, place)? else {
        return default.ok_or_else(|| {
            ScimError::invalid_value(format!("{place} is missing; it is one of {}", known()))
        });
    };
    table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(&word))
        .map(|(_, value)| *value)
        .ok_or_else(|| ScimError::invalid_value(format!("{place}: \"{word}\" is not one of {}", known())))
}

/// Refuses a member that says nothing here: a slip in `mutability` must not make an attribute writable.
fn only(map: &Map, place: &str, known: &[&str]) -> Result<(), ScimError> {
    let Some(name) = map.keys().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let dot = if place.is_empty() { "" } else { "." };
    let name: String = name.chars().take(60).collect();
    Err(ScimError::invalid_value(format!("{place}{dot}{name} is not known; it may be {}", known.join(", "))))
}

fn text(map: &Map, name: &str, place: &str) -> Result<String, ScimError> {
    optional_text(map, name, place)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ScimError::invalid_value(format!("{place} is required and was missing or empty")))
}

fn optional_text(map: &Map, name: &str, place: &str) -> Result<Option<String>, ScimError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(place, "a text", other)),
    }
}

fn flag(map: &Map, name: &str, place: &str) -> Result<Option<bool>, ScimError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(wrong(place, "true or false", other)),
    }
}

fn texts(map: &Map, name: &str, place: &str) -> Result<Vec<String>, ScimError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|value| {
                value.as_str().map(str::to_owned).ok_or_else(|| wrong(place, "a list of texts", value))
            })
            .collect(),
        Some(other) => Err(wrong(place, "a list of texts", other)),
    }
}

fn wrong(place: &str, wanted: &str, got: &Value) -> ScimError {
    let shown: String = got.to_string().chars().take(60).collect();
    ScimError::invalid_value(format!("{place} must be {wanted}, got {shown}"))
}

/// RFC 7643 §2.1: a letter, then letters, digits, `$`, hyphens and underscores; `$ref` is the one exception.
fn is_name(name: &str) -> bool {
    name == "$ref"
        || name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$-_".contains(&byte))
}

/// RFC 8141, as far as a schema needs it: `urn:`, a namespace, a name without blanks.
fn is_urn(id: &str) -> bool {
    let mut parts = id.splitn(3, ':');
    let scheme = parts.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn"));
    let namespace = parts.next().is_some_and(|namespace| {
        namespace.len() >= 2 && namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    let name = parts.next().is_some_and(|name| {
        // An empty part could not be written in the path of an attribute.
        name.split(':').all(|part| !part.is_empty())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"[]{}".contains(&byte))
    });
    scheme && namespace && name && id.len() <= 255
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge(change: impl FnOnce(&mut Value)) -> Result<Schema, String> {
        let mut document = json!({
            "id": "urn:example:scim:2.0:Badge", "name": "Badge",
            "attributes": [
                { "name": "number", "type": "integer", "uniqueness": "server" },
                { "name": "door", "type": "complex", "multiValued": true,
                  "subAttributes": [{ "name": "value", "type": "string", "required": true }] },
            ],
        });
        change(&mut document);
        Schema::parse(&document).map_err(|error| error.detail)
    }

    #[test]
    fn reads_a_schema_with_its_defaults() {
        let schema = badge(|_| ()).expect("a schema");
        let number = schema.attribute("NUMBER").expect("number");
        assert_eq!(
            (number.kind, number.uniqueness, number.multi_valued),
            (Type::Integer, Uniqueness::Server, false)
        );
        let door = schema.attribute("door").expect("door");
        assert!(door.multi_valued && door.sub("VALUE").is_some_and(|value| value.required));
        assert_eq!(door.mutability, Mutability::ReadWrite);
    }

    #[test]
    fn what_is_left_out_follows_from_the_rest() {
        let schema = badge(|d| {
            d["attributes"] = json!([
                { "name": "pin", "mutability": "writeOnly" },
                { "name": "valid", "type": "boolean", "caseExact": true },
                { "name": "page", "type": "reference", "caseExact": false },
                { "name": "cards", "type": "complex", "multiValued": true },
            ]);
        });
        let schema = schema.expect("a schema");
        let of = |name: &str| schema.attribute(name).expect(name);
        assert_eq!(of("pin").returned, Returned::Never);
        assert_eq!((of("valid").case_exact, of("page").case_exact), (false, true));
        let cards = of("cards");
        let names: Vec<&str> = cards.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
        assert_eq!(names, ["value", "display", "type", "primary", "$ref"]);
        assert_eq!(cards.sub("display").map(|sub| sub.mutability), Some(Mutability::Immutable));
        assert_eq!(cards.sub("primary").map(|sub| sub.kind), Some(Type::Boolean));
        assert_eq!(cards.sub("$ref").map(|sub| sub.kind), Some(Type::Reference));
    }

    #[test]
    fn a_document_is_served_complete() {
        let schema = badge(|d| d["description"] = Value::Null).expect("a schema");
        let document = schema.document();
        assert_eq!(Schema::parse(&document), Ok(schema));
        assert_eq!(document["schemas"], json!([SCHEMA]));
        assert_eq!(document["attributes"][1]["subAttributes"][0]["mutability"], "readWrite");
        assert!(!document.to_string().contains("null"));
    }

    #[test]
    fn names_the_member_at_fault() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 15] = [
            (
                |d| d["attributes"][0]["subAttributes"] = json!([{ "name": "x" }]),
                "attributes[0].subAttributes: only a complex attribute has them",
            ),
            (|d| d["schemas"] = json!(["urn:example:2.0:User"]), "schemas: this is no schema document"),
            (|d| d["schemas"] = json!(5), "schemas must be a list"),
            (|d| d["id"] = json!("urn:example::Badge"), "id:"),
            (|d| d["attribute"] = json!([]), "attribute is not known; it may be schemas, id"),
            (
                |d| d["attributes"][0]["mutabilty"] = json!("readOnly"),
                "attributes[0].mutabilty is not known; it may be name, type",
            ),
            (|d| d["id"] = json!("badge"), "id:"),
            (|d| d["attributes"] = json!([]), "attributes:"),
            (|d| d["attributes"] = json!({}), "attributes must be a list"),
            (|d| d["attributes"][0]["name"] = json!("1st"), "attributes[0].name"),
            (
                |d| d["attributes"][0]["type"] = json!("text"),
                "attributes[0].type: \"text\" is not one of string",
            ),
            (
                |d| d["attributes"][0]["required"] = json!("yes"),
                "attributes[0].required must be true or false",
            ),
            (|d| d["attributes"][1]["subAttributes"] = json!([]), "attributes[1].subAttributes"),
            (
                |d| d["attributes"][1]["subAttributes"][0]["type"] = json!("complex"),
                "cannot be complex itself",
            ),
            (|d| d["attributes"][1]["name"] = json!("Number"), "stands there twice"),
        ];
        for (change, words) in cases {
            let detail = badge(change).expect_err(words);
            assert!(detail.contains(words), "{detail}");
        }
    }
}

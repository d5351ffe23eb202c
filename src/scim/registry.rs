//! The schemas in force for one team: which resource types exist, which attributes each has, and how a name or
//! URN finds its attribute. The standard documents lie in `schemas/`; a team's own extensions are added to them.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::schema::{Attribute, Returned, Schema};
use super::{Document, ScimError};

/// URN of the core User schema (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// URN of the schema of resource types (RFC 7643 §6).
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// The two kinds of resource that scimd keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    /// `User` or `Group`, as in `meta.resourceType`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    /// `Users` or `Groups`, as in the URL.
    pub fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    /// The URN of the kind's core schema.
    pub fn urn(self) -> &'static str {
        match self {
            Kind::User => USER,
            Kind::Group => GROUP,
        }
    }
}

/// An attribute found by name: where it lives and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrPath {
    /// The extension that holds the attribute; `None` for core and common attributes.
    pub extension: Option<Arc<str>>,
    /// The attribute at the top level of the resource or of the extension object.
    pub attribute: Arc<Attribute>,
    /// The sub-attribute, where the path goes on to one.
    pub sub: Option<Arc<Attribute>>,
}

impl AttrPath {
    /// The attribute that the path ends at.
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// The path in canonical spelling: `emails.value`, `urn:…:User:department`, `meta.lastModified`.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        if let Some(urn) = &self.extension {
            text.push_str(urn);
            text.push(':');
        }
        text.push_str(&self.attribute.name);
        if let Some(sub) = &self.sub {
            text.push('.');
            text.push_str(&sub.name);
        }
        text
    }
}

/// The schemas in force for one team.
#[derive(Debug)]
pub struct Registry {
    common: Vec<Arc<Attribute>>,
    user: Shape,
    group: Shape,
    /// The documents of all schemas, as they were written.
    documents: Vec<Value>,
}

/// What one kind of resource is made of.
#[derive(Debug)]
struct Shape {
    core: Arc<Schema>,
    extensions: Vec<Arc<Schema>>,
    /// The extensions' URNs, shared with the paths that lead into them.
    urns: Vec<Arc<str>>,
    /// Whether an attribute is only shown when it is asked for.
    on_request: bool,
}

/// The standard documents (RFC 7643 §8.7), in the order in which `/Schemas` lists them.
const DOCUMENTS: [&str; 6] = [
    include_str!("schemas/user.json"),
    include_str!("schemas/enterprise_user.json"),
    include_str!("schemas/group.json"),
    include_str!("schemas/service_provider_config.json"),
    include_str!("schemas/resource_type.json"),
    include_str!("schemas/schema.json"),
];

impl Registry {
    /// User, Group and the enterprise extension.
    pub fn standard() -> Arc<Registry> {
        static STANDARD: LazyLock<Arc<Registry>> =
            LazyLock::new(|| Registry::with_extensions(&[]).expect("the standard schemas are well formed"));
        STANDARD.clone()
    }

    /// The standard schemas and these extensions of a team; refuses a URN that is taken.
    pub fn with_extensions(extensions: &[(Kind, Value)]) -> Result<Arc<Registry>, ScimError> {
        let mut documents = Vec::with_capacity(DOCUMENTS.len() + extensions.len());
        let mut schemas = Vec::with_capacity(documents.capacity());
        for text in DOCUMENTS {
            let document: Value = serde_json::from_str(text).expect("the standard schemas are JSON");
            // The schemas of discovery describe what is served, not what is kept, and nest deeper than those may.
            if [USER, GROUP, ENTERPRISE].iter().any(|urn| document["id"] == *urn) {
                schemas.push(Arc::new(Schema::parse(&document)?));
            }
            documents.push(document);
        }
        let find =
            |urn: &str| schemas.iter().find(|schema| schema.id == urn).cloned().expect("a standard schema");
        let mut user = Shape::new(with_mail(&with_edge(&find(USER), "groups")));
        let mut group = Shape::new(with_edge(&find(GROUP), "members"));
        user.extend(find(ENTERPRISE));
        for (kind, document) in extensions {
            let schema = Arc::new(Schema::parse(document)?);
            let taken =
                |known: &Value| known["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&schema.id));
            if documents.iter().any(taken) {
                let detail = format!("id: there is a schema \"{}\" already", schema.id);
                return Err(ScimError::uniqueness(detail));
            }
            check_apart(&schema, &schemas)?;
            match kind {
                Kind::User => user.extend(schema.clone()),
                Kind::Group => group.extend(schema.clone()),
            }
            schemas.push(schema);
            documents.push(schemas[schemas.len() - 1].document());
        }
        Ok(Arc::new(Registry { common: common_attributes(), user, group, documents }))
    }

    fn shape(&self, kind: Kind) -> &Shape {
        match kind {
            Kind::User => &self.user,
            Kind::Group => &self.group,
        }
    }

    /// The kind's core schema.
    pub fn core(&self, kind: Kind) -> &Arc<Schema> {
        &self.shape(kind).core
    }

    /// The kind's extensions.
    pub fn extensions(&self, kind: Kind) -> &[Arc<Schema>] {
        &self.shape(kind).extensions
    }

    /// The kind's extension of that URN, in any case.
    pub fn extension(&self, kind: Kind, urn: &str) -> Option<&Arc<Schema>> {
        self.extensions(kind).iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// `schemas`, `id`, `externalId`, `meta` (RFC 7643 §3, §3.1).
    pub fn common(&self) -> &[Arc<Attribute>] {
        &self.common
    }

    /// Whether the kind has an attribute that is only shown when it is asked for.
    pub fn shows_on_request(&self, kind: Kind) -> bool {
        self.shape(kind).on_request
    }

    /// Finds `name`, `name.sub`, `urn:name` or `urn:name.sub`, in any case.
    pub fn find(&self, kind: Kind, path: &str) -> Option<AttrPath> {
        let shape = self.shape(kind);
        let own = |name: &str| {
            found(None, &self.common, name).or_else(|| found(None, &shape.core.attributes, name))
        };
        // One URN may begin with another, so that the first that fits need not be the one that is meant.
        let mut extensions = shape.extensions.iter().zip(&shape.urns);
        behind(path, &shape.core.id)
            .and_then(own)
            .or_else(|| {
                extensions.find_map(|(schema, urn)| {
                    found(Some(urn.clone()), &schema.attributes, behind(path, &schema.id)?)
                })
            })
            .or_else(|| own(path))
    }

    /// The attributes that a document has values of.
    pub fn assigned(&self, kind: Kind, document: &Document) -> Vec<AttrPath> {
        let shape = self.shape(kind);
        let of = |extension: Option<&Arc<str>>, attributes: &[Arc<Attribute>], members: &Document| {
            let there = attributes.iter().filter(|attribute| members.contains_key(&attribute.name)).cloned();
            there
                .map(|attribute| AttrPath { extension: extension.cloned(), attribute, sub: None })
                .collect::<Vec<_>>()
        };
        let mut all = of(None, &shape.core.attributes, document);
        for (schema, urn) in shape.extensions.iter().zip(&shape.urns) {
            if let Some(Value::Object(members)) = document.get(&schema.id) {
                all.extend(of(Some(urn), &schema.attributes, members));
            }
        }
        all
    }

    /// The documents that `/Schemas` serves, without `meta`; whether group names may repeat depends on token and team.
    pub fn schema_documents(&self, same_group_names: bool) -> Vec<Value> {
        let mut documents = self.documents.clone();
        if same_group_names {
            documents.iter_mut().filter(|document| document["id"] == GROUP).for_each(names_may_repeat);
        }
        documents
    }

    /// The documents that `/ResourceTypes` serves, without `meta`.
    pub fn resource_type_documents(&self) -> Vec<Value> {
        [(Kind::User, "People's accounts"), (Kind::Group, "Groups of users and groups")]
            .into_iter()
            .map(|(kind, description)| {
                let extensions: Vec<Value> = self
                    .extensions(kind)
                    .iter()
                    .map(|schema| json!({ "schema": schema.id, "required": false }))
                    .collect();
                json!({
                    "schemas": [RESOURCE_TYPE],
                    "id": kind.name(),
                    "name": kind.name(),
                    "endpoint": format!("/{}", kind.endpoint()),
                    "description": description,
                    "schema": kind.urn(),
                    "schemaExtensions": extensions,
                })
            })
            .collect()
    }
}

impl Shape {
    fn new(core: Arc<Schema>) -> Shape {
        let on_request = has_on_request(&core.attributes);
        Shape { core, extensions: Vec::new(), urns: Vec::new(), on_request }
    }

    fn extend(&mut self, schema: Arc<Schema>) {
        self.on_request |= has_on_request(&schema.attributes);
        self.urns.push(Arc::from(schema.id.as_str()));
        self.extensions.push(schema);
    }
}

/// Refuses a URN that reads like the path of another schema's attribute: `urn:x:y` with an attribute `z`, and `urn:x:y:z`.
fn check_apart(schema: &Schema, known: &[Arc<Schema>]) -> Result<(), ScimError> {
    let within = |outer: &Schema, urn: &str| {
        behind(urn, &outer.id).is_some_and(|name| found(None, &outer.attributes, name).is_some())
    };
    match known.iter().find(|other| within(other, &schema.id) || within(schema, &other.id)) {
        None => Ok(()),
        Some(other) => Err(ScimError::invalid_value(format!(
            "id: \"{}\" and \"{}\" cannot be told apart, because one is the path of an attribute of the other",
            schema.id, other.id
        ))),
    }
}

fn has_on_request(attributes: &[Arc<Attribute>]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.returned == Returned::Request || has_on_request(&attribute.sub_attributes))
}

/// The schema with one of its attributes marked as kept in edges.
fn with_edge(schema: &Arc<Schema>, name: &str) -> Arc<Schema> {
    let mut schema = Schema::clone(schema);
    for attribute in &mut schema.attributes {
        if attribute.name == name {
            Arc::make_mut(attribute).edge = true;
        }
    }
    Arc::new(schema)
}

/// The schema with its e-mail addresses marked as such.
fn with_mail(schema: &Arc<Schema>) -> Arc<Schema> {
    let mut schema = Schema::clone(schema);
    for attribute in schema.attributes.iter_mut().filter(|attribute| attribute.name == "emails") {
        for sub in &mut Arc::make_mut(attribute).sub_attributes {
            Arc::make_mut(sub).mail = sub.name == "value";
        }
    }
    Arc::new(schema)
}

/// Group names may repeat for a strict token, and in a team that allows it: `/Schemas` says so.
fn names_may_repeat(document: &mut Value) {
    if let Some(list) = document["attributes"].as_array_mut() {
        list.iter_mut()
            .filter(|attribute| attribute["name"] == "displayName")
            .for_each(|attribute| attribute["uniqueness"] = json!("none"));
    }
}

/// What stands behind `urn:` in a path, the URN compared without case (RFC 7644 §3.10).
fn behind<'a>(path: &'a str, urn: &str) -> Option<&'a str> {
    let head = path.get(..urn.len())?;
    if !head.eq_ignore_ascii_case(urn) {
        return None;
    }
    path[urn.len()..].strip_prefix(':')
}

fn found(extension: Option<Arc<str>>, attributes: &[Arc<Attribute>], path: &str) -> Option<AttrPath> {
    let (name, sub) = match path.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (path, None),
    };
    let attribute = attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))?;
    let sub = match sub {
        Some(sub) => Some(attribute.sub(sub)?.clone()),
        None => None,
    };
    Some(AttrPath { extension, attribute: attribute.clone(), sub })
}

/// The attributes that every resource has (RFC 7643 §3, §3.1). They stand in no schema document.
fn common_attributes() -> Vec<Arc<Attribute>> {
    let document = json!({ "id": "urn:ietf:params:scim:common", "attributes": [
        { "name": "schemas", "type": "reference", "multiValued": true, "required": true, "returned": "always" },
        { "name": "id", "caseExact": true, "mutability": "readOnly", "returned": "always", "uniqueness": "server" },
        { "name": "externalId", "caseExact": true },
        { "name": "meta", "type": "complex", "mutability": "readOnly", "subAttributes": [
            { "name": "resourceType", "caseExact": true, "mutability": "readOnly" },
            { "name": "created", "type": "dateTime", "mutability": "readOnly" },
            { "name": "lastModified", "type": "dateTime", "mutability": "readOnly" },
            { "name": "location", "type": "reference", "mutability": "readOnly",
              "referenceTypes": ["User", "Group"] },
            { "name": "version", "caseExact": true, "mutability": "readOnly" },
        ] },
    ] });
    Schema::parse(&document).expect("the common attributes are well formed").attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(kind: Kind, path: &str) -> Option<String> {
        Registry::standard().find(kind, path).map(|found| found.canonical())
    }

    #[test]
    fn finds_names_in_any_case_and_by_urn() {
        for (path, wanted) in [
            ("USERNAME", "userName"),
            ("emails.VALUE", "emails.value"),
            ("meta.lastmodified", "meta.lastModified"),
            ("urn:ietf:params:scim:schemas:core:2.0:user:name.familyName", "name.familyName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:externalId", "externalId"),
        ] {
            assert_eq!(canonical(Kind::User, path).as_deref(), Some(wanted), "{path}");
        }
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(canonical(Kind::User, &department.to_uppercase()), Some(department.clone()));
        for path in
            ["department", "emails.nothing", "nothing", "", ENTERPRISE, "members", "name.familyName.x"]
        {
            assert_eq!(canonical(Kind::User, path), None, "{path}");
        }
        assert_eq!(canonical(Kind::Group, &department), None);
        assert_eq!(canonical(Kind::Group, "members.$ref").as_deref(), Some("members.$ref"));
    }

    #[test]
    fn members_and_groups_are_edges() {
        let registry = Registry::standard();
        let edge = |kind, name| registry.core(kind).attribute(name).is_some_and(|attribute| attribute.edge);
        assert!(edge(Kind::Group, "members") && edge(Kind::User, "groups") && !edge(Kind::User, "emails"));
    }

    #[test]
    fn a_team_adds_an_extension_and_no_urn_twice() {
        let badge = json!({ "id": "urn:example:2.0:Badge", "attributes": [
            { "name": "number", "returned": "request" } ] });
        let registry = Registry::with_extensions(&[(Kind::User, badge.clone())]).expect("a registry");
        assert!(registry.find(Kind::User, "urn:example:2.0:badge:Number").is_some());
        assert!(registry.shows_on_request(Kind::User) && !registry.shows_on_request(Kind::Group));
        assert_eq!(registry.schema_documents(false).len(), 7);
        let twice = [(Kind::User, badge.clone()), (Kind::Group, badge)];
        assert_eq!(Registry::with_extensions(&twice).expect_err("twice").status, 409);
    }

    #[test]
    fn one_urn_may_begin_with_another() {
        let schema = |id: &str| (Kind::User, json!({ "id": id, "attributes": [{ "name": "z" }] }));
        let inner = format!("{USER}:acme");
        let more = [schema("urn:example:y"), schema("urn:example:y:more"), schema(&inner)];
        let registry = Registry::with_extensions(&more).expect("a registry");
        for path in ["urn:example:y:z", "urn:example:y:more:z", &format!("{inner}:z")] {
            assert_eq!(registry.find(Kind::User, path).expect(path).canonical(), path);
        }
        for path in ["urn:example:y:more", "urn:example:y:other:z", &format!("{USER}:more:z")] {
            assert_eq!(registry.find(Kind::User, path), None, "{path}");
        }
    }

    #[test]
    fn urns_that_read_like_paths_are_refused_and_documents_are_completed() {
        let schema = |id: &str| (Kind::User, json!({ "id": id, "attributes": [{ "name": "z" }] }));
        let short = schema("urn:example:y");
        let part = (
            Kind::User,
            json!({ "id": "urn:example:x", "attributes": [
            { "name": "z", "type": "complex", "subAttributes": [{ "name": "a" }] } ] }),
        );
        for (one, other) in [(short.clone(), schema("URN:example:y:Z")), (part, schema("urn:example:x:z.a"))]
        {
            for pair in [[one.clone(), other.clone()], [other.clone(), one.clone()]] {
                let error = Registry::with_extensions(&pair).expect_err("ambiguous");
                assert!(error.detail.contains("cannot be told apart"), "{error}");
            }
        }
        let registry = Registry::with_extensions(&[short]).expect("a registry");
        let served = registry.schema_documents(true).pop().expect("the last is the team's");
        assert_eq!(served["attributes"][0]["returned"], "default");
    }

    #[test]
    fn where_group_names_may_repeat_the_schema_says_so() {
        let unique = |may_repeat| {
            let documents = Registry::standard().schema_documents(may_repeat);
            documents.iter().find(|document| document["id"] == GROUP).expect("Group")["attributes"][0]["uniqueness"].clone()
        };
        assert_eq!((unique(false), unique(true)), (json!("server"), json!("none")));
    }
}

//! The schemas in force for one team: which resource types exist, which attributes each has, and how a name or
//! URN finds its attribute. The standard documents lie in `schemas/`; a team's own extensions are added to them.

use std::sync::Arc;

use serde_json::Value;

use super::ScimError;
use super::schema::{Attribute, Schema};

/// URN of the core User schema (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

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
    // filled in by the implementation
}

impl Registry {
    /// User, Group and the enterprise extension.
    pub fn standard() -> Arc<Registry> {
        todo!()
    }

    /// The standard schemas and these extensions of a team.
    pub fn with_extensions(_extensions: &[(Kind, Schema)]) -> Result<Arc<Registry>, ScimError> {
        todo!()
    }

    /// The kind's core schema.
    pub fn core(&self, _kind: Kind) -> &Arc<Schema> {
        todo!()
    }

    /// The kind's extensions.
    pub fn extensions(&self, _kind: Kind) -> &[Arc<Schema>] {
        todo!()
    }

    /// `id`, `externalId`, `meta`, `schemas` (RFC 7643 §3.1).
    pub fn common(&self) -> &[Arc<Attribute>] {
        todo!()
    }

    /// Finds `name`, `name.sub`, `urn:name` or `urn:name.sub`, in any case.
    pub fn find(&self, _kind: Kind, _path: &str) -> Option<AttrPath> {
        todo!()
    }

    /// The documents that `/Schemas` serves, without `meta.location`'s host.
    pub fn schema_documents(&self) -> Vec<Value> {
        todo!()
    }

    /// The documents that `/ResourceTypes` serves.
    pub fn resource_type_documents(&self) -> Vec<Value> {
        todo!()
    }
}

//! The ground floor of scimd, compiled from its own files, and what the fuzz targets share: the schemas they read by,
//! and the resources they change. What must hold for any input stands in the targets.

#![allow(unexpected_cfgs)]

#[path = "../../../src/base/clock.rs"]
pub mod clock;
#[path = "../../../src/scim/mod.rs"]
pub mod scim;

/// What `scim` takes from scimd's `base`.
pub mod base {
    pub use crate::clock::{Clock, Timestamp};
}

use std::sync::{Arc, LazyLock};

use scim::{Document, Kind, Mode, Registry};
use serde_json::{Value, json};

/// Both kinds under both modes: every input is read in all four ways.
pub const WAYS: [(Kind, Mode); 4] = [
    (Kind::User, Mode::Strict),
    (Kind::User, Mode::Compat),
    (Kind::Group, Mode::Strict),
    (Kind::Group, Mode::Compat),
];

/// The standard schemas and an extension with an attribute of every type and every mutability.
pub fn registry() -> Arc<Registry> {
    static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
        let badge = json!({ "id": "urn:example:2.0:Badge", "name": "Badge", "attributes": [
            { "name": "number", "type": "integer", "uniqueness": "server" },
            { "name": "share", "type": "decimal" },
            { "name": "valid", "type": "boolean", "returned": "request" },
            { "name": "until", "type": "dateTime" },
            { "name": "photo", "type": "binary" },
            { "name": "issuer", "type": "reference", "referenceTypes": ["external"], "mutability": "immutable" },
            { "name": "pin", "mutability": "writeOnly", "returned": "never" },
            { "name": "seen", "type": "dateTime", "mutability": "readOnly" },
            { "name": "door", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value", "required": true },
                { "name": "type", "canonicalValues": ["in", "out"] },
                { "name": "primary", "type": "boolean" } ] },
        ] });
        Registry::with_extensions(&[(Kind::User, badge)]).expect("a registry")
    });
    REGISTRY.clone()
}

/// A stored document of the kind, rich enough that most paths find something.
pub fn stored(kind: Kind) -> Document {
    let value = match kind {
        Kind::User => json!({
            "schemas": [kind.urn(), "urn:example:2.0:Badge", scim::registry::ENTERPRISE],
            "userName": "ada@example.com", "externalId": "E-1", "active": true, "title": "Countess",
            "name": { "givenName": "Ada", "familyName": "Lovelace" },
            "emails": [
                { "value": "ada@example.com", "type": "work", "primary": true },
                { "value": "ada@home.example.com", "type": "home" } ],
            "addresses": [{ "type": "work", "locality": "London", "country": "GB" }],
            scim::registry::ENTERPRISE: { "department": "Engines", "manager": { "value": "m1" } },
            "urn:example:2.0:Badge": { "number": 7, "issuer": "https://example.com/i",
                "door": [{ "value": "north", "type": "in", "primary": true }] },
        }),
        Kind::Group => json!({ "schemas": [kind.urn()], "displayName": "Engineers", "externalId": "G-1" }),
    };
    match value {
        Value::Object(map) => map,
        _ => unreachable!("both are objects"),
    }
}

//! Resources and schemas of our own that the tests of this module share.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use crate::scim::registry::{ENTERPRISE, USER};
use crate::scim::{Kind, Registry};

/// An extension with an attribute of every type and of every mutability.
pub(super) const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

/// The standard schemas and `BADGE`.
pub(super) fn badges() -> Arc<Registry> {
    static BADGES: LazyLock<Arc<Registry>> = LazyLock::new(with_badge);
    BADGES.clone()
}

fn with_badge() -> Arc<Registry> {
    let document = json!({ "id": BADGE, "name": "Badge", "attributes": [
        { "name": "number", "type": "integer" },
        { "name": "height", "type": "decimal" },
        { "name": "issued", "type": "dateTime" },
        { "name": "chip", "type": "binary" },
        { "name": "page", "type": "reference" },
        { "name": "valid", "type": "boolean" },
        { "name": "serial", "mutability": "immutable" },
        { "name": "printer", "mutability": "readOnly" },
        { "name": "pin", "mutability": "writeOnly", "returned": "never" },
        { "name": "colours", "multiValued": true, "caseExact": true },
        { "name": "holder", "type": "complex", "subAttributes": [
            { "name": "name", "required": true },
            { "name": "since", "type": "dateTime", "mutability": "immutable" },
            { "name": "note" },
        ] },
        { "name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
            { "name": "value", "type": "integer", "required": true },
            { "name": "type" },
            { "name": "primary", "type": "boolean" },
        ] },
    ] });
    Registry::with_extensions(&[(Kind::User, document)]).expect("a well-formed schema")
}

/// A user with a value for every attribute, as it is stored.
pub(super) fn full_user() -> Value {
    let typed = |value: &str| json!({ "value": value, "display": value, "type": "work", "primary": true });
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "e-17",
        "userName": "mei@example.com",
        "name": {
            "formatted": "Dr. Mei Lin Tanaka III", "familyName": "Tanaka", "givenName": "Mei",
            "middleName": "Lin", "honorificPrefix": "Dr.", "honorificSuffix": "III",
        },
        "displayName": "Mei Tanaka",
        "nickName": "Mei",
        "profileUrl": "https://example.com/mei",
        "title": "Engineer",
        "userType": "Employee",
        "preferredLanguage": "ja-JP",
        "locale": "ja-JP",
        "timezone": "Asia/Tokyo",
        "active": true,
        "emails": [typed("mei@example.com"), { "value": "mei@example.net", "type": "home" }],
        "phoneNumbers": [typed("+81 3 5550 0100")],
        "ims": [typed("mei")],
        "photos": [typed("https://example.com/mei.png")],
        "addresses": [{
            "formatted": "1-1 Example\nTokyo", "streetAddress": "1-1 Example", "locality": "Tokyo",
            "region": "Tokyo", "postalCode": "100-0001", "country": "JP", "type": "work", "primary": true,
        }],
        "entitlements": [typed("vpn")],
        "roles": [typed("admin")],
        "x509Certificates": [typed("MIIDQzCCAqw=")],
        ENTERPRISE: {
            "employeeNumber": "17", "costCenter": "4130", "organization": "Example", "division": "Tools",
            "department": "Compilers", "manager": { "value": "26118915" },
        },
    })
}

//! The one name by which a user or group is called on pages and in sentences.

use serde_json::Value;

use crate::scim::{Document, Kind};

/// `displayName`, else the person's name, else `userName`; empty where a document has none of them.
pub fn display_name(kind: Kind, document: &Document) -> String {
    if let Some(name) = text(document.get("displayName")) {
        return name.to_owned();
    }
    if kind == Kind::Group {
        return String::new();
    }
    let part = |sub: &str| text(document.get("name").and_then(|name| name.get(sub)));
    if let Some(formatted) = part("formatted") {
        return formatted.to_owned();
    }
    let parts: Vec<&str> = [part("givenName"), part("familyName")].into_iter().flatten().collect();
    if !parts.is_empty() {
        return parts.join(" ");
    }
    text(document.get("userName")).unwrap_or_default().to_owned()
}

/// A text that says something.
fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

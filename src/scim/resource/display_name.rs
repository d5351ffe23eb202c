//! The one name by which a user or group is called on pages and in sentences, and whether SCIM shows it too.

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

/// Whether that name is the resource's own `displayName`. What SCIM shows of a member or manager (RFC 7643 §4.2, §4.3) is
/// that alone: where there is none, none is made up.
pub fn is_named(document: &Document) -> bool {
    text(document.get("displayName")).is_some()
}

/// A text that says something.
fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(kind: Kind, document: Value) -> String {
        display_name(kind, document.as_object().expect("a document"))
    }

    #[test]
    fn the_most_telling_name_is_taken() {
        let all = json!({
            "userName": "mei@example.com", "displayName": "Mei T.",
            "name": { "formatted": "Dr. Mei Tanaka", "givenName": "Mei", "familyName": "Tanaka" },
        });
        assert_eq!(name(Kind::User, all.clone()), "Mei T.");
        let without = |names: &[&str]| {
            let mut less = all.clone();
            for name in names {
                less.as_object_mut().expect("an object").shift_remove(*name);
                less["name"].as_object_mut().map(|parts| parts.shift_remove(*name));
            }
            name(Kind::User, less)
        };
        assert_eq!(without(&["displayName"]), "Dr. Mei Tanaka");
        assert_eq!(without(&["displayName", "formatted"]), "Mei Tanaka");
        assert_eq!(without(&["displayName", "formatted", "familyName"]), "Mei");
        assert_eq!(without(&["displayName", "formatted", "familyName", "givenName"]), "mei@example.com");
    }

    #[test]
    fn blanks_are_no_name_and_a_group_has_one_only() {
        assert_eq!(name(Kind::User, json!({ "displayName": " ", "userName": "mei" })), "mei");
        assert_eq!(name(Kind::Group, json!({ "displayName": "Tools" })), "Tools");
        assert_eq!(name(Kind::Group, json!({ "userName": "x" })), "");
    }
}

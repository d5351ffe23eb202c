//! What a user or group is called, in one text: the name to show, then the other names and addresses, as they are compared
//! and a line each. Lists are walked along it in the order of the names, and a search is one pass over its index.

use serde_json::Value;

use crate::scim::fold::fold;
use crate::scim::{Document, Kind};

/// The names of one resource are cut to so many characters, and all of them together to so many.
const LONGEST: usize = 200;
const ALL: usize = 1000;

/// What a resource is called.
pub fn of(kind: Kind, display: &str, document: &Document) -> String {
    let mut called = line(display);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let mut others = vec![text(document.get("displayName"))];
    if kind == Kind::User {
        let name = document.get("name");
        let emails = document.get("emails").and_then(Value::as_array);
        others.push(text(document.get("userName")));
        others.extend(["givenName", "familyName"].map(|part| text(name.and_then(|name| name.get(part)))));
        others.extend(emails.into_iter().flatten().map(|email| text(email.get("value"))));
    }
    for other in others.into_iter().flatten() {
        let other = line(&other);
        if !called.contains(&other) && called.len() + other.len() < ALL {
            called.push('\n');
            called.push_str(&other);
        }
    }
    called
}

/// The same of a stored document; of a damaged one the name alone.
pub fn of_stored(kind: Kind, display: &str, doc: &str) -> String {
    of(kind, display, &serde_json::from_str(doc).unwrap_or_default())
}

/// The first line: the name to show, as it is compared.
pub fn first(called: &str) -> &str {
    called.split('\n').next().unwrap_or_default()
}

/// A name on one line, so that a name that holds a line break is no second one.
fn line(name: &str) -> String {
    fold(name).chars().map(|c| if c == '\n' { ' ' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_name_stands_there_once_and_the_one_to_show_first() {
        let document = json!({ "userName": "Mei.Chen@example.com", "name": { "givenName": "Mei", "familyName": "Chen" },
            "emails": [{ "value": "mei.chen@EXAMPLE.com" }, { "value": "m@home.example.com" }, { "type": "work" }] });
        let called = of_stored(Kind::User, "Chen, MEI\nx", &document.to_string());
        assert_eq!(called, "chen, mei x\nmei.chen@example.com\nm@home.example.com");
        assert_eq!(first(&called), "chen, mei x");
        assert_eq!(of_stored(Kind::Group, "Ops", "{"), "ops");
        let many: Vec<_> = (0..500).map(|n| json!({ "value": format!("{n}@example.com") })).collect();
        let long = of_stored(Kind::User, &"ü".repeat(900), &json!({ "emails": many }).to_string());
        assert_eq!(first(&long).chars().count(), LONGEST);
        assert!(long.len() <= ALL + LONGEST, "{}", long.len());
    }
}

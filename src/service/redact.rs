//! What of a request may be kept: secrets are taken out by the structure of what was sent (names, paths, filters), never
//! by guessing at values; what was taken out is remembered, so that no answer repeats it.

use serde_json::{Map, Value};

use crate::base::secret::PREFIX;

/// What stands in place of a secret.
pub const HIDDEN: &str = "(removed)";
/// How deep a body is looked into; deeper ones are refused before they come here.
const DEEPEST: usize = 70;
/// Shorter values are taken out where they stand, but not looked for elsewhere: they are part of too many words.
const SHORTEST: usize = 4;
/// Names that hold a secret have one of these in them.
const SECRET_NAMES: [&str; 5] = ["password", "authorization", "token", "secret", "credential"];

/// A text that may be kept, and the secrets that stood in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted<T> {
    pub kept: T,
    pub secrets: Vec<String>,
}

/// A body with its secrets replaced, written anew.
pub fn body(body: &Value) -> Redacted<Vec<u8>> {
    let mut copy = body.clone();
    let mut secrets = Vec::new();
    walk(&mut copy, 0, &mut secrets);
    let text = copy.to_string();
    Redacted { kept: tokens(&text).into_bytes(), secrets }
}

/// A query whose secrets were replaced: values of secret names, and what a filter compares a secret with.
pub fn query(pairs: &[(String, String)], raw: &str) -> Redacted<String> {
    let mut secrets = Vec::new();
    let mut changed = false;
    let shown: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            let hidden = if is_secret_path(name) {
                remember(value, &mut secrets);
                Some(HIDDEN.to_owned())
            } else {
                filter(value, &mut secrets)
            };
            changed |= hidden.is_some();
            format!("{name}={}", hidden.as_deref().unwrap_or(value))
        })
        .collect();
    let kept = if changed { shown.join("&") } else { raw.to_owned() };
    Redacted { kept: tokens(&kept), secrets }
}

/// A text without any token of ours, and without the secrets that the request is known to hold.
pub fn text(text: &str, secrets: &[String]) -> String {
    let mut kept = tokens(text);
    for secret in secrets {
        kept = kept.replace(secret.as_str(), HIDDEN);
    }
    kept
}

/// The same for a JSON body, in which a secret stands escaped.
pub fn answer(bytes: &[u8], secrets: &[String]) -> Vec<u8> {
    let escaped: Vec<String> = secrets
        .iter()
        .flat_map(|secret| {
            let quoted = Value::from(secret.as_str()).to_string();
            [secret.clone(), quoted[1..quoted.len() - 1].to_owned()]
        })
        .collect();
    text(&String::from_utf8_lossy(bytes), &escaped).into_bytes()
}

/// Replaces the values of secret names at any depth and in any case, and those that a PATCH or Bulk operation or a
/// search names by its path or filter.
fn walk(value: &mut Value, depth: usize, secrets: &mut Vec<String>) {
    match value {
        Value::Object(_) | Value::Array(_) if depth >= DEEPEST => *value = HIDDEN.into(),
        Value::Object(map) => {
            let by_path = map.iter().any(|(key, value)| {
                key.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_secret_path)
            });
            let mut kept = Map::new();
            for (key, mut value) in std::mem::take(map) {
                if is_secret_path(&key) || (by_path && key.eq_ignore_ascii_case("value")) {
                    collect(&value, secrets);
                    value = HIDDEN.into();
                } else if let (Value::String(text), true) = (&value, is_expression(&key)) {
                    if let Some(hidden) = filter(text, secrets) {
                        value = hidden.into();
                    }
                } else {
                    walk(&mut value, depth + 1, secrets);
                }
                // A key may be a path with a filter in it.
                kept.insert(filter(&key, secrets).unwrap_or(key), value);
            }
            *map = kept;
        }
        Value::Array(list) => list.iter_mut().for_each(|value| walk(value, depth + 1, secrets)),
        _ => {}
    }
}

/// The members of messages that hold a filter or a path.
fn is_expression(key: &str) -> bool {
    ["path", "filter", "sortBy"].iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// A filter or path that names a secret, without the values it holds; `None` where it names none.
fn filter(text: &str, secrets: &mut Vec<String>) -> Option<String> {
    let mut parts = text.split('"');
    let names_secret = |part: &str| is_secret_path(part);
    let bare = text.split('"').step_by(2).any(names_secret);
    let whole = text.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("password"));
    if !bare && !whole {
        return None;
    }
    let mut shown = parts.next().unwrap_or("").to_owned();
    if !text.contains('"') {
        // A value without quotes stands behind the operator: nothing behind the name is kept.
        let end = shown.find(|c: char| c.is_whitespace()).unwrap_or(shown.len());
        if let Some(rest) = shown.get(end..).filter(|rest| !rest.trim().is_empty()) {
            rest.split_whitespace().for_each(|word| remember(word, secrets));
            shown.truncate(end);
            shown.push(' ');
            shown.push_str(HIDDEN);
        }
        return Some(shown);
    }
    for (i, part) in parts.enumerate() {
        if i.is_multiple_of(2) {
            remember(part, secrets);
            shown.push_str(HIDDEN);
        } else {
            shown.push_str(part);
        }
    }
    Some(shown)
}

/// Remembers every text inside a value that was taken out.
fn collect(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => remember(text, secrets),
        Value::Number(number) => remember(&number.to_string(), secrets),
        Value::Array(list) => list.iter().for_each(|value| collect(value, secrets)),
        Value::Object(map) => map.values().for_each(|value| collect(value, secrets)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn remember(secret: &str, secrets: &mut Vec<String>) {
    // Words of the filter language are no secrets.
    if secret.chars().count() >= SHORTEST && secret != HIDDEN && !["true", "false", "null"].contains(&secret)
    {
        secrets.push(secret.to_owned());
    }
}

/// A text with every token of ours masked, wherever it was pasted.
fn tokens(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        let behind = at + PREFIX.len();
        let end = rest[behind..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(rest.len(), |length| behind + length);
        kept.push_str(&rest[..behind]);
        if end > behind {
            kept.push_str(HIDDEN);
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// Whether a name or path speaks of a secret in any of its segments.
fn is_secret_path(path: &str) -> bool {
    path.split(['.', ':', '/', '[', ']', ' ']).any(is_secret_name)
}

fn is_secret_name(name: &str) -> bool {
    SECRET_NAMES.iter().any(|word| {
        name.len() >= word.len()
            && name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_removed_wherever_they_stand() {
        let sent = json!({
            "userName": "mei@example.com", "Password": "hunter2",
            "Operations": [
                { "op": "replace", "path": "password", "value": "hunter3" },
                { "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": "hunter4" },
                { "op": "replace", "value": { "urn:ietf:params:scim:schemas:core:2.0:User:password": "hunter5" } },
                { "op": "replace", "value": { "password.value": "hunter6" } },
                { "op": "remove", "path": "emails[password eq \"hunter7\"]" },
                { "op": "replace", "value": { "password[value eq \"hunter8\"].x": 1 } },
                { "method": "POST", "data": { "password": ["hunter9"], "apiToken": { "x": "hunter10" } } },
                { "filter": "userName eq \"mei\" and password sw \"hunter11\"" },
            ],
        });
        let redacted = body(&sent);
        let text = String::from_utf8(redacted.kept).expect("JSON is UTF-8");
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("mei@example.com") && text.contains("emails[password eq (removed)]"), "{text}");
        for n in 2..=11 {
            assert!(redacted.secrets.contains(&format!("hunter{n}")), "hunter{n} of {:?}", redacted.secrets);
        }
    }

    #[test]
    fn a_filter_on_a_secret_keeps_its_shape_and_loses_its_values() {
        let pairs = |filter: &str| [("filter".to_owned(), filter.to_owned()), ("count".into(), "1".into())];
        let kept = |filter: &str| query(&pairs(filter), "raw").kept;
        assert_eq!(kept("password eq \"hunter2\""), "filter=password eq (removed)&count=1");
        assert_eq!(kept("password eq \"hunter2"), "filter=password eq (removed)&count=1");
        assert_eq!(kept("password eq hunter2"), "filter=password (removed)&count=1");
        assert_eq!(kept("userName eq \"secretary@example.com\""), "raw");
        let pairs = [("access_token".to_owned(), "hunter2".to_owned())];
        assert_eq!(query(&pairs, "access_token=hunter2").kept, "access_token=(removed)");
    }

    #[test]
    fn tokens_of_ours_are_masked_wherever_they_were_pasted() {
        let token = crate::base::secret::Token::make(Some("eu")).text;
        let kept = text(&format!("/scim/{token}/Users?a=\"{token}\""), &[]);
        assert_eq!(kept, "/scim/scimd_(removed)/Users?a=\"scimd_(removed)\"");
    }

    #[test]
    fn an_answer_repeats_no_secret_escaped_or_not() {
        let secrets = ["hun\"ter".to_owned(), "hunter2".to_owned()];
        let kept = answer(br#"{"detail":"value hun\"ter and hunter2"}"#, &secrets);
        assert_eq!(kept, br#"{"detail":"value (removed) and (removed)"}"#);
    }
}

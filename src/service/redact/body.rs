//! The body of a request as it may be kept: written anew while it is looked through.

use serde_json::{Map, Value};

use super::{HIDDEN, Redacted, Untold, collect, expression, tokens};
use crate::scim::json::write;

/// How deep a body is looked into; deeper ones are refused before they come here.
const DEEPEST: usize = 70;
/// How many names that hold none are remembered while a body is looked through.
const REMEMBERED: usize = 16;

/// A body with its secrets replaced, written anew.
pub fn body(body: &Value, untold: &Untold) -> Redacted<Vec<u8>> {
    let mut written = Written { untold, harmless: Vec::new(), secrets: Vec::new(), kept: Vec::new() };
    written.value(body, 0);
    let text = String::from_utf8(written.kept).expect("JSON is UTF-8");
    Redacted { kept: tokens(&text).into_bytes(), secrets: written.secrets }
}

/// A body on its way into text. The values of secret names are replaced at any depth and in any case, and those that a
/// PATCH or Bulk operation or a search names by its path or filter.
struct Written<'u> {
    untold: &'u Untold,
    /// Names that were found to be no secret's: those of a thousand members are the same few.
    harmless: Vec<String>,
    secrets: Vec<String>,
    kept: Vec<u8>,
}

impl Written<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Object(_) | Value::Array(_) if depth >= DEEPEST => write(&mut self.kept, HIDDEN),
            Value::Object(members) => self.object(members, depth),
            Value::Array(list) => {
                self.kept.push(b'[');
                for (number, value) in list.iter().enumerate() {
                    if number > 0 {
                        self.kept.push(b',');
                    }
                    self.value(value, depth + 1);
                }
                self.kept.push(b']');
            }
            // JSON that was sent as a text is looked into as well.
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                let known = self.secrets.len();
                let inner = serde_json::from_str(text).ok().map(|inner| self.apart(&inner, depth + 1));
                match inner.filter(|_| self.secrets.len() > known) {
                    Some(inner) => write(&mut self.kept, &String::from_utf8_lossy(&inner)),
                    None => write(&mut self.kept, text),
                }
            }
            other => write(&mut self.kept, other),
        }
    }

    /// A value in a text of its own.
    fn apart(&mut self, value: &Value, depth: usize) -> Vec<u8> {
        let kept = std::mem::take(&mut self.kept);
        self.value(value, depth);
        std::mem::replace(&mut self.kept, kept)
    }

    fn object(&mut self, members: &Map<String, Value>, depth: usize) {
        let by_path = members.iter().any(|(key, value)| {
            key.eq_ignore_ascii_case("path") && value.as_str().is_some_and(|path| self.untold.is_named(path))
        });
        let mut renamed: Vec<String> = Vec::new();
        self.kept.push(b'{');
        let begin = self.kept.len();
        for (key, value) in members {
            let harmless = self.is_harmless(key);
            // A key may be a path with a filter in it.
            let mut of_key = Vec::new();
            let shown = if harmless { None } else { expression(key, self.untold, &mut of_key) };
            let before = self.kept.len();
            if before > begin {
                self.kept.push(b',');
            }
            write(&mut self.kept, shown.as_deref().unwrap_or(key));
            self.kept.push(b':');
            self.member(key, value, !harmless || by_path && key.eq_ignore_ascii_case("value"), depth);
            self.secrets.extend(of_key);
            if let Some(shown) = shown {
                // Two keys that differ in their secrets alone are one.
                if renamed.contains(&shown) {
                    self.kept.truncate(before);
                }
                renamed.push(shown);
            }
        }
        self.kept.push(b'}');
    }

    fn member(&mut self, key: &str, value: &Value, secret: bool, depth: usize) {
        if secret {
            collect(value, &mut self.secrets);
            return write(&mut self.kept, HIDDEN);
        }
        if let (Value::String(text), true) = (value, is_expression(key)) {
            let hidden = expression(text, self.untold, &mut self.secrets);
            return write(&mut self.kept, hidden.as_deref().unwrap_or(text));
        }
        self.value(value, depth + 1);
    }

    /// Whether a key names no secret.
    fn is_harmless(&mut self, key: &str) -> bool {
        if self.harmless.iter().any(|known| known == key) {
            return true;
        }
        let harmless = !self.untold.is_named(key);
        if harmless && self.harmless.len() < REMEMBERED {
            self.harmless.push(key.to_owned());
        }
        harmless
    }
}

/// The members of messages that hold a filter or a path.
fn is_expression(key: &str) -> bool {
    ["path", "filter", "sortBy"].iter().any(|name| key.eq_ignore_ascii_case(name))
}

//! What of a request may be kept: secrets are taken out by the structure of what was sent (names, paths, filters), never
//! by guessing at values; what was taken out is remembered, so that no answer repeats it.

mod body;

use serde_json::Value;

use crate::base::secret::PREFIX;
use crate::scim::schema::{Attribute, Mutability, Returned};
use crate::scim::{Kind, Registry};

pub use body::body;

/// What stands in place of a secret.
pub const HIDDEN: &str = "(removed)";
/// Shorter values are taken out where they stand, but not looked for elsewhere: they are part of too many words.
const SHORTEST: usize = 4;
/// Names that hold a secret have one of these in them, hyphens and underscores left out.
const SECRET_NAMES: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "authorization",
    "token",
    "secret",
    "credential",
    "apikey",
    "privatekey",
];

/// A text that may be kept, and the secrets that stood in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted<T> {
    pub kept: T,
    pub secrets: Vec<String>,
}

/// Attributes of a team whose values are never told, beside those that have a secret's name: `returned` is never, or they
/// are only written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untold(Vec<String>);

impl Untold {
    /// Those of the schemas in force; one hidden part hides its attribute.
    pub fn of(registry: &Registry) -> Untold {
        let kinds = [Kind::User, Kind::Group];
        let schemas = kinds.iter().flat_map(|kind| {
            registry
                .extensions(*kind)
                .iter()
                .chain([registry.core(*kind)])
                .flat_map(|schema| &schema.attributes)
        });
        let hidden = |attribute: &Attribute| {
            attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly
        };
        let names = schemas
            .filter(|attribute| hidden(attribute) || attribute.sub_attributes.iter().any(|sub| hidden(sub)))
            .map(|attribute| attribute.name.clone())
            .filter(|name| !is_secret_name(name));
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.dedup();
        Untold(names)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a name or path speaks of a secret in any of its segments.
    fn is_named(&self, path: &str) -> bool {
        path.split(|c: char| !c.is_alphanumeric() && !"-_$".contains(c))
            .any(|name| is_secret_name(name) || self.0.iter().any(|untold| untold.eq_ignore_ascii_case(name)))
    }
}

/// A query whose secrets were replaced: values of secret names, and what a filter compares a secret with. Of a pair that
/// cannot be decoded only the name is kept, since nothing can be told of its value.
pub fn query(query: &[(String, String)], raw: &str, faulty: bool, untold: &Untold) -> Redacted<String> {
    let mut secrets = Vec::new();
    let mut hide = |(name, value): &(String, String)| {
        if untold.is_named(name) {
            remember(value, &mut secrets);
            return Some(HIDDEN.to_owned());
        }
        expression(value, untold, &mut secrets)
    };
    let hidden: Vec<Option<String>> = query.iter().map(&mut hide).collect();
    if !faulty && hidden.iter().all(Option::is_none) {
        return Redacted { kept: tokens(raw), secrets };
    }
    let pairs = query.iter().zip(&hidden);
    let mut shown: Vec<String> = pairs
        .map(|((name, value), hidden)| format!("{name}={}", hidden.as_deref().unwrap_or(value)))
        .collect();
    if faulty {
        shown.push(format!("{HIDDEN}: not decodable"));
    }
    Redacted { kept: tokens(&shown.join("&")), secrets }
}

/// A text without any token of ours, and without the secrets that the request is known to hold.
pub fn text(text: &str, secrets: &[String]) -> String {
    let mut kept = tokens(text);
    for secret in secrets.iter().filter(|secret| secret.len() <= text.len() && !is_masked(secret)) {
        kept = kept.replace(secret.as_str(), HIDDEN);
    }
    kept
}

/// Whether a secret is one that `tokens` leaves in no text.
fn is_masked(secret: &str) -> bool {
    secret.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with(in_token))
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
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
    // Looking whether it is UTF-8, as it always is, costs far less than the repair where it is not.
    match std::str::from_utf8(bytes) {
        Ok(whole) => text(whole, &escaped).into_bytes(),
        Err(_) => text(&String::from_utf8_lossy(bytes), &escaped).into_bytes(),
    }
}

/// A filter or path that names a secret, without the values it holds; `None` where it names none. What is neither a name
/// nor a word of the language (RFC 7644 §3.4.2.2) is hidden: a value need not stand in quotes to be one.
pub fn expression(text: &str, untold: &Untold, secrets: &mut Vec<String>) -> Option<String> {
    // Where no word of the whole text could be a secret's name, no piece of it is one.
    if untold.is_empty() && !is_secret_name(text) {
        return None;
    }
    let pieces = pieces(text);
    let names = |piece: &Piece<'_>| matches!(piece, Piece::Word(word) if untold.is_named(word));
    if !pieces.iter().any(names) {
        return None;
    }
    let mut shown = String::new();
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Mark(mark) => shown.push(*mark),
            Piece::Value(value) => {
                remember(value, secrets);
                let quoted = format!("\"{value}\"");
                if let Ok(decoded) = serde_json::from_str::<String>(&quoted) {
                    remember(&decoded, secrets);
                }
                shown.push_str(HIDDEN);
            }
            Piece::Word(word) => {
                let next = pieces[i + 1..].iter().find(|piece| !matches!(piece, Piece::Mark(' ')));
                let compared = match next {
                    Some(Piece::Word(next)) => is_keyword(next),
                    Some(Piece::Mark('[')) => true,
                    _ => false,
                };
                let path = word.chars().all(|c| c.is_alphanumeric() || ".:_-$/".contains(c));
                if is_keyword(word) || path && (compared || untold.is_named(word) || word.starts_with('.')) {
                    shown.push_str(word);
                } else {
                    remember(word, secrets);
                    shown.push_str(HIDDEN);
                }
            }
        }
    }
    Some(shown)
}

/// A piece of a filter: a blank or bracket, a quoted value without its quotes, or anything else.
#[derive(Debug, PartialEq)]
enum Piece<'t> {
    Mark(char),
    Value(&'t str),
    Word(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mark = |c: char| c.is_whitespace() || "()[]\"".contains(c);
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            let inside = &rest[1..];
            let mut escaped = false;
            let end = inside.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            pieces.push(Piece::Value(&inside[..end.unwrap_or(inside.len())]));
            end.map_or(rest.len(), |end| end + 2)
        } else if mark(first) {
            pieces.push(Piece::Mark(if first.is_whitespace() { ' ' } else { first }));
            first.len_utf8()
        } else {
            let end = rest.find(mark).unwrap_or(rest.len());
            pieces.push(Piece::Word(&rest[..end]));
            end
        };
        rest = &rest[length..];
    }
    pieces
}

fn is_keyword(word: &str) -> bool {
    ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or", "not"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
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
    while let Some(at) = begin_of_token(rest) {
        let behind = at + PREFIX.len();
        let end = rest[behind..].find(|c| !in_token(c)).map_or(rest.len(), |length| behind + length);
        kept.push_str(&rest[..behind]);
        if end > behind {
            kept.push_str(HIDDEN);
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// Where a token of ours begins. Of its prefix only the end is looked for, which few texts have in them.
fn begin_of_token(text: &str) -> Option<usize> {
    let mut ends = text.match_indices('_').map(|(at, _)| at + 1);
    ends.find_map(|end| Some(text[..end].strip_suffix(PREFIX)?.len()))
}

fn is_secret_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.iter().enumerate().any(|(at, first)| {
        let first = first.to_ascii_lowercase();
        // Every query is looked through: one look at a letter that begins none of them.
        matches!(first, b'p' | b'a' | b's' | b't' | b'c')
            && SECRET_NAMES.iter().any(|word| word.as_bytes()[0] == first && begins(&bytes[at..], word))
    })
}

/// Whether a text begins with a word in small letters, hyphens and underscores left out.
fn begins(mut text: &[u8], word: &str) -> bool {
    for wanted in word.bytes() {
        while let [b'-' | b'_', rest @ ..] = text {
            text = rest;
        }
        match text {
            [letter, rest @ ..] if letter.to_ascii_lowercase() == wanted => text = rest,
            _ => return false,
        }
    }
    true
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
                { "op": "replace", "value": "{\"password\": \"hunter12\", \"title\": \"[x\"}" },
                { "API-Key": "hunter13", "client_secret": "hunter14", "privateKey": ["hunter15"], "user_pwd": "hunter16" },
            ],
        });
        let redacted = body(&sent, &Untold::default());
        let text = String::from_utf8(redacted.kept).expect("JSON is UTF-8");
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("mei@example.com") && text.contains("emails[password eq (removed)]"), "{text}");
        for n in 2..=16 {
            assert!(redacted.secrets.contains(&format!("hunter{n}")), "hunter{n} of {:?}", redacted.secrets);
        }
    }

    #[test]
    fn a_filter_on_a_secret_keeps_its_shape_and_loses_its_values() {
        let pairs = |filter: &str| [("filter".to_owned(), filter.to_owned()), ("count".into(), "1".into())];
        let kept = |filter: &str| query(&pairs(filter), "raw", false, &Untold::default()).kept;
        assert_eq!(kept("password eq \"hunter2\""), "filter=password eq (removed)&count=1");
        assert_eq!(kept("password eq \"hunter2"), "filter=password eq (removed)&count=1");
        assert_eq!(kept("password eq hunter2"), "filter=password eq (removed)&count=1");
        assert_eq!(kept("userName eq \"secretary@example.com\""), "raw");
        let pairs = [("access_token".to_owned(), "hunter2".to_owned())];
        assert_eq!(
            query(&pairs, "access_token=hunter2", false, &Untold::default()).kept,
            "access_token=(removed)"
        );
    }

    #[test]
    fn no_value_beside_a_secret_is_kept_however_it_is_written() {
        let untold = Untold(vec!["pin".into()]);
        for (filter, shown) in [
            (
                r#"password eq "a\"HIDE" and userName eq "x""#,
                "password eq (removed) and userName eq (removed)",
            ),
            (r#"userName eq "x" and password eq HIDE"#, "userName eq (removed) and password eq (removed)"),
            ("password=HIDE", "(removed)"),
            ("password HIDE", "password (removed)"),
            (r#"(password eq "HIDE) or x"#, "(password eq (removed)"),
            (r#"emails[PIN eq "HIDE"].value"#, "emails[PIN eq (removed)].value"),
            ("urn:x:2.0:User:pin eq 12HIDE", "urn:x:2.0:User:pin eq (removed)"),
        ] {
            let mut secrets = Vec::new();
            assert_eq!(expression(filter, &untold, &mut secrets).as_deref(), Some(shown), "{filter}");
            assert!(secrets.iter().any(|secret| secret.contains("HIDE")), "{secrets:?}");
        }
        assert_eq!(expression("userName eq \"pin\"", &untold, &mut Vec::new()), None);
        let mut secrets = Vec::new();
        expression(r#"password eq "hun\u0074er2""#, &untold, &mut secrets);
        assert!(secrets.contains(&"hunter2".to_owned()), "as it is read, too: {secrets:?}");
    }

    #[test]
    fn what_a_schema_never_returns_is_a_secret_whatever_its_name() {
        let schema = json!({
            "id": "urn:example:2.0:User:Badge", "name": "Badge",
            "attributes": [
                { "name": "pin", "type": "string", "returned": "never" },
                { "name": "door", "type": "complex", "subAttributes": [
                    { "name": "label", "type": "string" },
                    { "name": "code", "type": "string", "mutability": "writeOnly", "returned": "never" }] },
                { "name": "floor", "type": "string" },
            ],
        });
        let registry = Registry::with_extensions(&[(Kind::User, schema)]).expect("a schema");
        let untold = Untold::of(&registry);
        // `password` is a secret by its name already.
        assert_eq!(untold, Untold(vec!["door".into(), "pin".into()]));
        let sent = json!({ "urn:example:2.0:User:Badge": { "PIN": "4711", "floor": "3", "door": { "code": "0815" } } });
        let kept = String::from_utf8(body(&sent, &untold).kept).expect("JSON is UTF-8");
        assert!(!kept.contains("4711") && !kept.contains("0815") && kept.contains("floor"), "{kept}");
    }

    #[test]
    fn of_a_pair_that_cannot_be_decoded_nothing_is_kept() {
        let kept = query(&[], "password=%ZZhunter2", true, &Untold::default()).kept;
        assert!(!kept.contains("hunter2"), "{kept}");
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

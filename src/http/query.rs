//! Name and value pairs as they stand in a query string or an urlencoded form: `%20` is a blank and `+` mostly is one,
//! names may repeat, and a broken escape is reported instead of guessed at.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but letters, digits and `-._~` (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Decoded pairs, the text they came from, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Query {
    raw: String,
    pairs: Vec<(String, String)>,
    fault: Option<QueryFault>,
}

/// A pair that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFault {
    /// The name of the pair, as far as it can be shown.
    pub name: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for QueryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the parameter {:?} {}", self.name, self.problem)
    }
}

impl std::error::Error for QueryFault {}

impl Query {
    /// Decodes a query string without its `?`. A pair with a fault is left out and reported by `fault`.
    pub fn parse(raw: &str) -> Query {
        Query::read(raw, with_blanks)
    }

    /// Decodes an urlencoded form, in which every `+` is a blank.
    pub fn form(raw: &str) -> Query {
        Query::read(raw, |value| Cow::Owned(value.replace('+', "%20")))
    }

    fn read(raw: &str, with_blanks: impl Fn(&str) -> Cow<'_, str>) -> Query {
        let mut query = Query { raw: raw.to_string(), pairs: Vec::new(), fault: None };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(name, true), decode(&with_blanks(value), false)) {
                (Ok(name), Ok(value)) => query.pairs.push((name, value)),
                (Err(problem), _) | (_, Err(problem)) => {
                    let name = decode(name, true).unwrap_or_else(|_| name.to_string());
                    query.fault.get_or_insert(QueryFault { name, problem });
                }
            }
        }
        query
    }

    /// The text as it was sent.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The first pair that could not be decoded. A face checks this before it reads any value.
    pub fn fault(&self) -> Option<&QueryFault> {
        self.fault.as_ref()
    }

    /// The first value under a name; names keep their case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value under a name, the name compared without case.
    pub fn get_any_case(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value under a name, and another one that contradicts it, the name compared without case.
    pub fn contradiction(&self, name: &str) -> Option<(&str, &str)> {
        let mut values =
            self.pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = values.next()?;
        values.find(|value| *value != first).map(|other| (first.as_str(), other.as_str()))
    }

    /// Every value under a name, in the order sent.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All pairs, in the order sent.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.fault.is_none()
    }
}

/// A value with `%20` for each `+` that is a blank. Who writes blanks as `%20` means a plus (RFC 3986 §2.2); who writes them
/// as `+`, as forms do, has a plus as `%2B`, or has put an address into the text as it was.
fn with_blanks(value: &str) -> Cow<'_, str> {
    if !value.contains('+') || value.contains("%20") {
        return Cow::Borrowed(value);
    }
    let quoted = value.replace("%22", "\"");
    let parts =
        quoted.split('"').enumerate().map(|(number, part)| match number % 2 == 1 && is_address(part) {
            true => part.to_owned(),
            false => part.replace('+', "%20"),
        });
    Cow::Owned(parts.collect::<Vec<_>>().join("%22"))
}

/// Whether a text with plus signs is one e-mail address: `mei+test@example.com`, its `@` perhaps escaped.
fn is_address(text: &str) -> bool {
    let text = text.replace("%40", "@");
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain =
        |part: &str| !part.is_empty() && !part.contains(['@', '<', '>', '(', ')', ',', ';', ':', '%']);
    local.split('+').all(plain) && plain(domain) && !domain.contains('+')
}

/// Percent-decodes text; `plus` also turns `+` into a blank. The error is a clause that follows the thing's name.
pub fn decode(text: &str, plus: bool) -> Result<String, &'static str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(percent) = bytes[at..].iter().position(|b| *b == b'%') {
        let digits = bytes.get(at + percent + 1..at + percent + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err("has a % that is not followed by two hexadecimal digits (write a literal % as %25)");
        }
        at += percent + 3;
    }
    let blanks = if plus { text.replace('+', " ") } else { text.to_string() };
    match percent_decode_str(&blanks).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err("is not UTF-8 after its % escapes are read"),
    }
}

/// Percent-encodes text so that it can stand in a path segment or a query value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_come_as_plus_and_as_escape() {
        let query = Query::parse("filter=userName+eq+%22a%2Bb%22&count=10&empty&x=1&x=2");
        assert_eq!(query.fault(), None);
        assert_eq!(query.get("filter"), Some("userName eq \"a+b\""));
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.all("x").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.get("Count"), None);
        assert_eq!(query.get_any_case("Count"), Some("10"));
    }

    #[test]
    fn a_plus_is_a_plus_beside_blanks_as_escapes_and_in_addresses() {
        for (raw, wanted) in [
            ("userName%20eq%20%22mei+test@example.com%22", "userName eq \"mei+test@example.com\""),
            ("externalId%20eq%20%22a+b/c=%22", "externalId eq \"a+b/c=\""),
            ("userName+eq+%22mei+test%40example.com%22", "userName eq \"mei+test@example.com\""),
            ("userName+eq+%22MEI%2Btest@example.com%22", "userName eq \"MEI+test@example.com\""),
            (
                "userName+eq+\"a+b+c@example.com\"+and+title+pr",
                "userName eq \"a+b+c@example.com\" and title pr",
            ),
            ("displayName+eq+%22Test+Group%22", "displayName eq \"Test Group\""),
            ("displayName+eq+%22Ops+@+Night%22", "displayName eq \"Ops @ Night\""),
            ("displayName+eq+%22Mei+%3Cmei@example.com%3E%22", "displayName eq \"Mei <mei@example.com>\""),
            ("displayName+eq+%22at+mei@example.com+or+so%22", "displayName eq \"at mei@example.com or so\""),
            ("userName,+emails", "userName, emails"),
            ("a+b@example.com", "a b@example.com"),
        ] {
            let query = Query::parse(&format!("filter={raw}"));
            assert_eq!((query.get("filter"), query.fault()), (Some(wanted), None), "{raw}");
        }
        let form = Query::form("p=%22a+b%40c%22%20+d");
        assert_eq!(form.get("p"), Some("\"a b@c\"  d"), "a form's plus is a blank always");
        // A broken escape is one wherever it stands.
        assert!(Query::parse("filter=userName+eq+%22a+b@x%2%22").fault().is_some());
    }

    #[test]
    fn a_value_keeps_its_equals_signs() {
        assert_eq!(Query::parse("cursor=YWJj==").get("cursor"), Some("YWJj=="));
    }

    #[test]
    fn a_name_with_two_values_is_found() {
        let query = Query::parse("count=1&COUNT=2&filter=x&filter=x&a=");
        assert_eq!(query.contradiction("count"), Some(("1", "2")));
        assert_eq!(query.contradiction("filter"), None);
        assert_eq!(query.contradiction("a"), None);
        assert_eq!(query.contradiction("b"), None);
    }

    #[test]
    fn broken_escapes_are_reported_with_their_name() {
        for (raw, name) in [
            ("a=1&filter=100%", "filter"),
            ("b=%zz", "b"),
            ("c=%ff", "c"),
            ("%=1", "%"),
            ("d=%é9", "d"),
            ("e=%+1", "e"),
        ] {
            let query = Query::parse(raw);
            assert_eq!(query.fault().map(|fault| fault.name.as_str()), Some(name), "{raw}");
        }
        assert_eq!(Query::parse("a=1&b=%").get("a"), Some("1"));
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["Grüße & mehr", "a/b?c#d", "100%", "+", ""] {
            assert_eq!(decode(&encode(text), true).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_path_keeps_its_plus() {
        assert_eq!(decode("a+b%2Fc", false).as_deref(), Ok("a+b/c"));
    }
}

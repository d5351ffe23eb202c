//! JSON at the door: bytes become a `Value` once, with duplicate keys, bad UTF-8, NUL characters, numbers out of range
//! and deep nesting refused, each with its line and column. What the value means is not judged here.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{ScimError, ScimType};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;

/// How many values a body may hold. One takes dozens of bytes of memory, however short it was written.
pub const MAX_VALUES: usize = 1_000_000;

/// How much of a key an error repeats.
const SHOWN: usize = 80;

/// So many names are compared one by one; an object with more is given a table of them.
const FEW: usize = 16;

/// Reads a request body (RFC 7644 §3.12 `invalidSyntax` when it is not JSON). A byte order mark in front is skipped,
/// as RFC 8259 §8.1 allows.
pub fn parse(bytes: &[u8]) -> Result<Value, ScimError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = place_of(bytes, error.valid_up_to());
        ScimError::invalid_syntax(format!("the body is not UTF-8: wrong byte at {place}; send JSON in UTF-8"))
    })?;
    if text.trim_ascii().is_empty() {
        return Err(ScimError::invalid_syntax("the body is empty; send JSON"));
    }
    let reading = Reading { values: Cell::new(0), fault: RefCell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Seed { reading: &reading, depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| reading.explain(&error, text))
}

/// Appends a value as JSON.
pub fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("writing to memory cannot fail, and keys are texts");
}

/// What one reading keeps beside the values: how many there are, and what was wrong beyond the syntax.
struct Reading {
    values: Cell<usize>,
    fault: RefCell<Option<ScimError>>,
}

impl Reading {
    /// Stops the reading; the place is added by `explain`.
    fn refuse<E: serde::de::Error>(&self, fault: ScimError) -> E {
        *self.fault.borrow_mut() = Some(fault);
        E::custom("")
    }

    fn text<E: serde::de::Error>(&self, text: &str) -> Result<(), E> {
        if !text.as_bytes().contains(&0) {
            return Ok(());
        }
        let detail = "a text holds the character NUL (\\u0000), which no attribute may have; leave it out";
        Err(self.refuse(ScimError::bad(ScimType::InvalidValue, detail)))
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        if self.values.get() <= MAX_VALUES {
            return Ok(());
        }
        let detail = format!("the body holds more than {MAX_VALUES} values; send fewer at a time");
        Err(self.refuse(ScimError::plain(413, detail)))
    }

    fn explain(&self, error: &serde_json::Error, text: &str) -> ScimError {
        // The end of a line is where its text broke off, and not before the beginning of the next one.
        let (line, column) = match (error.line(), error.column()) {
            (line, 0) if line > 1 => (line - 1, text.split('\n').nth(line - 2).map_or(0, str::len) + 1),
            place => place,
        };
        let place = format!("line {line}, column {column}");
        if let Some(mut fault) = self.fault.borrow_mut().take() {
            fault.detail.push_str(&format!(" ({place})"));
            return fault;
        }
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default();
        ScimError::invalid_syntax(match words {
            "trailing characters" => format!("the body goes on after the end of its JSON value ({place})"),
            "number out of range" => format!("a number is too large ({place}); numbers go up to 1.7e308"),
            _ if error.is_eof() => format!("the body is JSON that ends too early: {words} ({place})"),
            _ => format!("the body is not JSON: {words} ({place})"),
        })
    }
}

/// The line and column, both from 1, of the byte at an offset.
fn place_of(bytes: &[u8], offset: usize) -> String {
    let before = &bytes[..offset];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    format!("line {line}, column {column}")
}

/// Reads one value that lies in `depth` arrays and objects.
#[derive(Clone, Copy)]
struct Seed<'r> {
    reading: &'r Reading,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            let detail = format!("arrays and objects may nest {MAX_DEPTH} deep; these go deeper");
            return Err(self.reading.refuse(ScimError::invalid_syntax(detail)));
        }
        Ok(Seed { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.reading.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.reading.text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(seed)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut map = Map::new();
        let mut many = HashSet::new();
        while let Some(key) =
            members.next_key_seed(Key { reading: self.reading, known: &map, many: &mut many })?
        {
            let value = members.next_value_seed(seed)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Reads a key that must not be among the known ones, in whatever case: names of attributes and URNs have none (RFC 7643
/// §2.1). It is refused as it is read, so that the place is the key's.
struct Key<'r> {
    reading: &'r Reading,
    known: &'r Map<String, Value>,
    /// The known keys in small letters, once there are more than a few.
    many: &'r mut HashSet<String>,
}

impl Key<'_> {
    /// Whether the key is known.
    fn known(&mut self, key: &str) -> bool {
        if self.known.len() < FEW {
            return self.known.keys().any(|known| known.eq_ignore_ascii_case(key));
        }
        if self.many.is_empty() {
            self.many.extend(self.known.keys().map(|known| known.to_ascii_lowercase()));
        }
        !self.many.insert(key.to_ascii_lowercase())
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(mut self, key: &str) -> Result<String, E> {
        self.reading.text(key)?;
        if self.known(key) {
            let shown: String = key.chars().take(SHOWN).collect();
            let other = if self.known.contains_key(key) { "" } else { ", in different case" };
            let detail = format!("the key \"{shown}\" stands twice in one object{other}; send it once");
            return Err(self.reading.refuse(ScimError::invalid_syntax(detail)));
        }
        Ok(key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fault(bytes: impl AsRef<[u8]>) -> ScimError {
        parse(bytes.as_ref()).expect_err("refused")
    }

    #[test]
    fn reads_every_kind_of_value_in_its_order() {
        let text = r#" {"z":null,"a":[true,-1,1.5,18446744073709551615,"\u00e9\n\ud83d\ude00",{}],"":[]} "#;
        let value = parse(text.as_bytes()).expect("JSON");
        assert_eq!(value, json!({"z": null, "a": [true, -1, 1.5, u64::MAX, "é\n😀", {}], "": []}));
        assert_eq!(value.as_object().expect("an object").keys().collect::<Vec<_>>(), ["z", "a", ""]);
        assert_eq!(parse("\u{feff}{}".as_bytes()).expect("a byte order mark"), json!({}));
    }

    #[test]
    fn a_key_may_stand_once_in_an_object() {
        let error = fault("{\"a\":1,\n \"b\":{\"userName\":1,\"userName\":2}}");
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert!(error.detail.contains("\"userName\" stands twice"), "{error}");
        assert!(error.detail.contains("line 2, column 29"), "{error}");
        assert!(parse(br#"[{"a":1},{"a":{"a":1}}]"#).is_ok());
        assert!(fault(br#"{"a":1,"\u0061":2}"#).detail.contains("stands twice"));
        assert!(fault(format!(r#"{{"{0}":1,"{0}":2}}"#, "é".repeat(9_000))).detail.len() < 400);
        let error = fault("{\"op\":\"add\",\n\"OP\":\"remove\"}");
        assert!(error.detail.contains("\"OP\" stands twice in one object, in different case"), "{error}");
        assert!(error.detail.contains("line 2, column 4"), "{error}");
        for repeated in [0, 1, FEW - 1, FEW, FEW + 1, 99] {
            let names = |last: usize| {
                let names = (0..100).map(|n| format!("\"name{n}\":0,"));
                format!("{{{}\"NAME{last}\":0}}", names.collect::<String>())
            };
            assert!(parse(names(100).as_bytes()).is_ok());
            assert!(fault(names(repeated)).detail.contains("in different case"), "{repeated}");
        }
    }

    #[test]
    fn bad_utf_8_names_its_place() {
        let error = fault(b"{\n\"a\": \"\xff\"}");
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
        assert!(error.detail.contains("not UTF-8") && error.detail.contains("line 2, column 7"), "{error}");
        for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"{\"\xc0\x80\":1}", b"\xfe\xff\0{"] {
            assert!(fault(bytes).detail.contains("not UTF-8"));
        }
    }

    #[test]
    fn nesting_ends_before_the_stack_does() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        for text in [nested(MAX_DEPTH + 1), "[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
            let error = fault(text);
            assert!(error.detail.contains("may nest 64 deep"), "{error}");
            assert_eq!(error.status, 400);
        }
    }

    #[test]
    fn nul_is_refused_in_values_and_keys() {
        for text in [r#"{"a":"x\u0000"}"#, r#"{"\u0000":1}"#, r#"["\u0000"]"#] {
            let error = fault(text);
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
            assert!(error.detail.contains("NUL") && error.detail.contains("line 1"), "{error}");
        }
        assert_eq!(fault(b"{\"a\":\"\0\"}").scim_type, Some(ScimType::InvalidSyntax));
    }

    #[test]
    fn what_is_no_json_says_why_and_where() {
        for (text, words) in [
            ("", "the body is empty; send JSON"),
            (" \r\n\t", "the body is empty; send JSON"),
            ("{} x", "goes on after the end of its JSON value (line 1, column 4)"),
            ("{}{}", "goes on after the end"),
            ("{\"a\":1e999}", "a number is too large"),
            ("{\"a\":-1e999}", "a number is too large"),
            ("{\"a\":", "ends too early"),
            ("{\"a\":\"x", "ends too early"),
            ("{\"a\":1,}", "not JSON: trailing comma (line 1, column 8)"),
            ("{a:1}", "not JSON: key must be a string"),
            ("{'a':1}", "not JSON"),
            ("userName=x&active=true", "not JSON: expected value (line 1, column 1)"),
            ("<xml/>", "not JSON"),
            ("[NaN]", "not JSON"),
            ("[01]", "not JSON"),
            ("[1.]", "not JSON"),
            ("[\"\\ud800\"]", "not JSON"),
            ("[\"\\x\"]", "not JSON"),
            ("\"\t\"", "not JSON"),
            ("{\"a\":\"x\n\"}", "(line 1, column 8)"),
            ("nul", "ends too early"),
        ] {
            let error = fault(text);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{text}");
            assert!(error.detail.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn many_small_values_are_too_many() {
        let list = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        assert!(parse(list(MAX_VALUES - 1).as_bytes()).is_ok());
        let error = fault(list(MAX_VALUES));
        assert_eq!((error.status, error.scim_type), (413, None));
        assert!(error.detail.contains("more than 1000000 values"), "{error}");
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = "[^\\x00]{0,12}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((text, inner), 0..8).prop_map(|members| {
                    let mut seen = HashSet::new();
                    let once = members.into_iter().filter(|(key, _)| seen.insert(key.to_ascii_lowercase()));
                    Value::Object(once.collect::<Vec<_>>().into_iter().collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in values(), pretty: bool) {
            let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.expect("JSON");
            prop_assert_eq!(parse(&text).expect("JSON"), serde_json::from_slice::<Value>(&text).expect("JSON"));
        }

        #[test]
        fn agrees_with_serde_json_on_what_is_json(text in "[\\[\\]{},:\"0-9eE+.a\\\\u -]{0,24}") {
            let ours = parse(text.as_bytes());
            match serde_json::from_str::<Value>(&text) {
                Err(_) => prop_assert!(ours.is_err()),
                Ok(theirs) => if let Ok(ours) = ours { prop_assert_eq!(ours, theirs) },
            }
        }

        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
        }
    }
}

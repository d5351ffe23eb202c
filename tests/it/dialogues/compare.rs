//! Holds an answer against what a dialogue expects: a subset of JSON with a few words in brackets, and variables.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Values captured so far, by name.
pub type Variables = BTreeMap<String, String>;

/// Puts the values in the place of `{{name}}`.
pub fn fill(text: &str, variables: &Variables) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").ok_or(format!("`{{{{` without `}}}}` in `{text}`"))?;
        let value = variables.get(name).ok_or(format!("no value was saved as `{name}`"))?;
        out.push_str(before);
        out.push_str(value);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether a text has the shape of a pattern in which `*` stands for any text.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    if parts.len() == 1 {
        return pattern == text;
    }
    if text.len() < first.len() + last.len() || !text.starts_with(first) || !text.ends_with(last) {
        return false;
    }
    let mut rest = &text[first.len()..text.len() - last.len()];
    for part in &parts[1..parts.len() - 1] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Adds what differs to `faults`; saves values into `variables`.
pub fn compare(
    at: &str,
    expected: &Value,
    found: &Value,
    variables: &mut Variables,
    faults: &mut Vec<String>,
) {
    match (expected, found) {
        (Value::String(word), _) => text(at, word, found, variables, faults),
        (Value::Object(expected), Value::Object(found)) => object(at, expected, found, variables, faults),
        (Value::Array(expected), Value::Array(found)) => array(at, expected, found, variables, faults),
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if expected == found => {}
        _ => faults.push(format!("{} is {found} instead of {expected}", place(at))),
    }
}

fn place(at: &str) -> &str {
    if at.is_empty() { "the body" } else { at }
}

fn object(
    at: &str,
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    variables: &mut Variables,
    faults: &mut Vec<String>,
) {
    for (key, value) in expected.iter().filter(|(key, _)| *key != "(exact)") {
        let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match found.get(key) {
            None if value == "(absent)" => {}
            None => faults.push(format!("{at} is absent instead of {value}")),
            Some(other) => compare(&at, value, other, variables, faults),
        }
    }
    if expected.contains_key("(exact)") {
        for key in found.keys().filter(|key| !expected.contains_key(*key)) {
            faults.push(format!("{} has `{key}`, which was not expected", place(at)));
        }
    }
}

fn array(at: &str, expected: &[Value], found: &[Value], variables: &mut Variables, faults: &mut Vec<String>) {
    let (rule, wanted) = match expected.first().and_then(Value::as_str) {
        Some(rule @ ("(set)" | "(some)")) => (rule, &expected[1..]),
        _ => ("(list)", expected),
    };
    if rule != "(some)" && wanted.len() != found.len() {
        let found = Value::from(found);
        faults.push(format!("{} has not {} but: {found}", place(at), wanted.len()));
        return;
    }
    if rule == "(list)" {
        for (n, (value, other)) in wanted.iter().zip(found).enumerate() {
            compare(&format!("{at}[{n}]"), value, other, variables, faults);
        }
        return;
    }
    let mut left: Vec<&Value> = found.iter().collect();
    for value in wanted {
        let matching = left.iter().position(|other| {
            let mut quiet = Vec::new();
            compare(at, value, other, &mut variables.clone(), &mut quiet);
            quiet.is_empty()
        });
        match matching {
            Some(n) => compare(at, value, left.remove(n), variables, faults),
            None => faults.push(format!("{} holds no {value}: {}", place(at), Value::from(found))),
        }
    }
}

fn text(at: &str, word: &str, found: &Value, variables: &mut Variables, faults: &mut Vec<String>) {
    let mut fault = |why: &str| faults.push(format!("{} is {found}: {why}", place(at)));
    let words = word.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let Some(words) = words else {
        match fill(word, variables) {
            Ok(wanted) if found.as_str() == Some(&wanted) => {}
            Ok(wanted) => fault(&format!("\"{wanted}\" was expected")),
            Err(e) => fault(&e),
        }
        return;
    };
    match words.split_once(' ').unwrap_or((words, "")) {
        ("any", "") => {}
        ("absent", "") => fault("it should be absent"),
        ("text", "") if found.is_string() => {}
        ("number", "") if found.is_u64() => {}
        ("time", "") if found.as_str().is_some_and(is_time) => {}
        ("id", "") if found.as_str().is_some_and(is_uuid7) => {}
        ("save", name) if found.as_str().is_some_and(|text| !text.is_empty()) => {
            variables.insert(name.to_string(), found.as_str().unwrap_or_default().to_string());
        }
        ("like", pattern) => match fill(pattern, variables) {
            Ok(pattern) if found.as_str().is_some_and(|text| wildcard(&pattern, text)) => {}
            Ok(pattern) => fault(&format!("it is not like `{pattern}`")),
            Err(e) => fault(&e),
        },
        ("not", other) => match fill(other, variables) {
            Ok(other) if found.is_string() && found.as_str() != Some(&other) => {}
            _ => fault(&format!("another text than `{other}` was expected")),
        },
        _ => fault(&format!("({words}) was expected")),
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes()[10] == b'T' && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_uuid7(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok_and(|id| id.get_version_num() == 7) && text == text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(expected: Value, found: Value) -> usize {
        let mut faults = Vec::new();
        compare("", &expected, &found, &mut Variables::from([("a".into(), "1".into())]), &mut faults);
        faults.len()
    }

    #[test]
    fn a_subset_matches_and_a_difference_does_not() {
        assert_eq!(faults(json!({"a": 1}), json!({"a": 1, "b": 2})), 0);
        assert_eq!(faults(json!({"a": 1}), json!({"a": "1"})), 1);
        assert_eq!(faults(json!({"a": true}), json!({"a": "true"})), 1);
        assert_eq!(faults(json!({"a": 1}), json!({"b": 1})), 1);
        assert_eq!(faults(json!({"a": 1, "(exact)": true}), json!({"a": 1, "b": 2})), 1);
        assert_eq!(faults(json!({"a": "(absent)"}), json!({})), 0);
        assert_eq!(faults(json!({"a": "(absent)"}), json!({"a": null})), 1);
    }

    #[test]
    fn lists_sets_and_parts() {
        assert_eq!(faults(json!([1, 2]), json!([1, 2])), 0);
        assert_eq!(faults(json!([1, 2]), json!([2, 1])), 2);
        assert_eq!(faults(json!([]), json!([1])), 1);
        assert_eq!(faults(json!(["(set)", 1, 2]), json!([2, 1])), 0);
        assert_eq!(faults(json!(["(set)", 1, 2]), json!([2, 1, 3])), 1);
        assert_eq!(faults(json!(["(set)", 1, 1]), json!([1, 2])), 1);
        assert_eq!(faults(json!(["(some)", 3]), json!([2, 1, 3])), 0);
        assert_eq!(faults(json!(["(some)", 4]), json!([2, 1, 3])), 1);
    }

    #[test]
    fn words() {
        assert_eq!(faults(json!("{{a}}"), json!("1")), 0);
        assert_eq!(faults(json!("{{b}}"), json!("1")), 1);
        assert_eq!(faults(json!("(id)"), json!("01936c7e-0000-7000-8000-000000000000")), 0);
        assert_eq!(faults(json!("(id)"), json!("5")), 1);
        assert_eq!(faults(json!("(time)"), json!("2026-11-23T10:00:00.000Z")), 0);
        assert_eq!(faults(json!("(time)"), json!("yesterday")), 1);
        assert_eq!(faults(json!("(like W/\"*\")"), json!("W/\"3\"")), 0);
        assert_eq!(faults(json!("(like x*)"), json!("y")), 1);
        assert_eq!(faults(json!("(not {{a}})"), json!("1")), 1);
        assert_eq!(faults(json!("(misspelt)"), json!("1")), 1);
        assert!(wildcard("a*b*c", "a1b2c") && !wildcard("a*b*c", "a1c2") && !wildcard("ab*bc", "abc"));
    }
}

//! Requests and responses as coloured text: JSON is laid out and its names and strings are wrapped in spans, every
//! piece escaped first. What is no JSON is shown as the text it is.

use std::fmt;
use std::fmt::Write;

use askama::filters::HtmlSafe;
use serde_json::Value;

/// The longest body that is laid out and coloured; beyond it, the beginning is shown plain.
const LONGEST: usize = 64 * 1024;
/// Deeper JSON is shown as it came.
const DEEPEST: usize = 64;

/// Text with spans around names and strings; everything in it is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coloured(String);

impl fmt::Display for Coloured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Coloured {}

impl askama::FastWritable for Coloured {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn askama::Values) -> askama::Result<()> {
        Ok(dest.write_str(&self.0)?)
    }
}

/// A step into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    At(usize),
}

/// The lines of a message's head, and below them its body. What a refusal complains of is marked: the member that its words
/// begin with, as in `emails[0].primary must be true or false`.
pub fn message(head: &[String], body: Option<&[u8]>, complaint: &str) -> Coloured {
    let mut out = String::new();
    for line in head {
        escape(&mut out, line);
        out.push('\n');
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        out.push('\n');
        write_body(&mut out, body, complaint);
    }
    Coloured(out)
}

/// A JSON value alone.
pub fn json(value: &Value) -> Coloured {
    let mut out = String::new();
    write_value(&mut out, value, 0, None);
    Coloured(out)
}

fn write_body(out: &mut String, body: &[u8], complaint: &str) {
    if body.len() > LONGEST {
        escape(out, &String::from_utf8_lossy(&body[..LONGEST]));
        let _ = write!(out, "\n… and {} more bytes", body.len() - LONGEST);
        return;
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if depth(&value) <= DEEPEST => {
            let place = complaint.split_whitespace().next().unwrap_or_default().trim_end_matches(':');
            let steps = if place.is_empty() { None } else { steps(&value, place) };
            write_value(out, &value, 0, steps.as_deref());
        }
        _ => escape(out, &String::from_utf8_lossy(body)),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The way to the member that a place names; `None` where there is none.
fn steps(value: &Value, place: &str) -> Option<Vec<Step>> {
    let rest = |taken: usize| place[taken..].trim_start_matches(['.', ':']);
    let follow = |step: Step, value: &Value, rest: &str| {
        let more = if rest.is_empty() { Vec::new() } else { steps(value, rest)? };
        Some([vec![step], more].concat())
    };
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let begins = place.get(..name.len()).is_some_and(|part| part.eq_ignore_ascii_case(name));
            let ends = begins && !name.is_empty() && !place[name.len()..].starts_with(char::is_alphanumeric);
            ends.then(|| follow(Step::Name(name.clone()), value, rest(name.len())))?
        }),
        Value::Array(items) => {
            let (at, _) = place.strip_prefix('[')?.split_once(']')?;
            let index: usize = at.parse().ok()?;
            follow(Step::At(index), items.get(index)?, rest(at.len() + 2))
        }
        _ => None,
    }
}

fn write_value(out: &mut String, value: &Value, indent: usize, marked: Option<&[Step]>) {
    let within =
        |step: Step| marked.and_then(|steps| steps.split_first()).filter(|(first, _)| **first == step);
    match value {
        Value::Object(members) if !members.is_empty() => {
            let last = members.len() - 1;
            out.push_str("{\n");
            for (i, (name, value)) in members.iter().enumerate() {
                pad(out, indent + 1);
                let marked = within(Step::Name(name.clone())).map(|(_, rest)| rest);
                // Of a member with members only the name is marked: the mark stays on one line.
                let (whole, part) = match marked.is_some_and(<[Step]>::is_empty) {
                    true => (is_one_line(value), !is_one_line(value)),
                    false => (false, false),
                };
                out.push_str(if whole || part { "<mark>" } else { "" });
                span(out, "k", &quoted(name));
                out.push_str(if part { "</mark>: " } else { ": " });
                write_value(out, value, indent + 1, marked);
                out.push_str(if whole { "</mark>" } else { "" });
                out.push_str(if i < last { ",\n" } else { "\n" });
            }
            pad(out, indent);
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            let last = items.len() - 1;
            out.push_str("[\n");
            for (i, item) in items.iter().enumerate() {
                pad(out, indent + 1);
                let marked = within(Step::At(i)).map(|(_, rest)| rest);
                let whole = marked.is_some_and(<[Step]>::is_empty) && is_one_line(item);
                out.push_str(if whole { "<mark>" } else { "" });
                write_value(out, item, indent + 1, marked);
                out.push_str(if whole { "</mark>" } else { "" });
                out.push_str(if i < last { ",\n" } else { "\n" });
            }
            pad(out, indent);
            out.push(']');
        }
        Value::String(text) => span(out, "s", &quoted(text)),
        plain => escape(out, &plain.to_string()),
    }
}

fn is_one_line(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn pad(out: &mut String, indent: usize) {
    for _ in 0..indent {
        out.push_str("  ");
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn span(out: &mut String, class: &str, text: &str) {
    let _ = write!(out, "<span class=\"{class}\">");
    escape(out, text);
    out.push_str("</span>");
}

/// Escapes for HTML. Characters that reorder or hide text are shown by their number, so that a body reads as it was sent.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if c.is_control() && c != '\n' && c != '\t' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn colours_names_and_strings() {
        let text = json(&json!({ "a": "b", "n": [1, true, null], "e": {} })).to_string();
        assert_eq!(
            text,
            "{\n  <span class=\"k\">&quot;a&quot;</span>: <span class=\"s\">&quot;b&quot;</span>,\n  \
             <span class=\"k\">&quot;n&quot;</span>: [\n    1,\n    true,\n    null\n  ],\n  \
             <span class=\"k\">&quot;e&quot;</span>: {}\n}"
        );
    }

    #[test]
    fn markup_in_a_body_stays_text() {
        for body in
            [&b"{\"<img src=x>\": \"</pre><script>\"}"[..], b"</pre><script>alert(1)</script>", b"\"<b>"]
        {
            let text = message(&["POST /<x> HTTP/1.1".into()], Some(body), "<img").to_string();
            assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<x>"), "{text}");
            assert!(!text.contains("</pre") && !text.contains("<b>"), "{text}");
        }
    }

    #[test]
    fn text_that_would_turn_itself_round_is_spelled_out() {
        let text = message(&[], Some("\"a\u{202e}b\"".as_bytes()), "").to_string();
        assert!(text.contains("\\u202e") && !text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn a_huge_or_deep_body_is_shown_as_it_came() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(message(&[], Some(deep.as_bytes()), "x").to_string().contains("[[[["));
        let huge = vec![b'x'; LONGEST + 10];
        assert!(message(&[], Some(&huge), "x").to_string().ends_with("and 10 more bytes"));
    }

    #[test]
    fn what_a_refusal_complains_of_is_marked() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let body = json!({
            "userName": "", "userNames": 1, "emails": [{ "value": "a" }, { "primary": "maybe" }], "tags": ["a", "b"],
            urn: { "manager": { "value": 7 } }, "Operations": [{ "op": "replace", "path": "x" }],
        });
        let bytes = serde_json::to_vec(&body).expect("JSON");
        let marked = |complaint: &str| {
            let text = message(&[], Some(&bytes), complaint).to_string();
            let plain = text
                .replace("<span class=\"k\">", "")
                .replace("<span class=\"s\">", "")
                .replace("</span>", "");
            let parts =
                plain.split("<mark>").skip(1).map(|part| part.split("</mark>").next().unwrap_or_default());
            assert!(parts.clone().all(|part| !part.contains('\n')), "{plain}");
            parts.map(|part| part.replace("&quot;", "'")).collect::<Vec<_>>()
        };
        for (complaint, expected) in [
            ("userName is required and was empty", "'userName': ''"),
            ("USERNAME \"x\" is already used", "'userName': ''"),
            ("emails[1].primary must be true or false", "'primary': 'maybe'"),
            ("emails: there are two", "'emails'"),
            ("tags[1] is too long", "'b'"),
            (&format!("{urn}:manager.value must be text"), "'value': 7"),
            ("Operations[0].path \"x\" is wrong", "'path': 'x'"),
        ] {
            assert_eq!(marked(complaint), [expected], "{complaint}");
        }
        for nothing in [
            "",
            "the body is empty",
            "user is",
            "emails[9].value",
            "emails[x]",
            ":",
            "Operations[0]: userName",
        ] {
            assert_eq!(marked(nothing), [""; 0], "{nothing}");
        }
    }
}

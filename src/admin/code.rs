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

/// The lines of a message's head, and below them its body.
pub fn message(head: &[String], body: Option<&[u8]>) -> Coloured {
    let mut out = String::new();
    for line in head {
        escape(&mut out, line);
        out.push('\n');
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        out.push('\n');
        write_body(&mut out, body);
    }
    Coloured(out)
}

/// A JSON value alone.
pub fn json(value: &Value) -> Coloured {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    Coloured(out)
}

fn write_body(out: &mut String, body: &[u8]) {
    if body.len() > LONGEST {
        escape(out, &String::from_utf8_lossy(&body[..LONGEST]));
        let _ = write!(out, "\n… and {} more bytes", body.len() - LONGEST);
        return;
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if depth(&value) <= DEEPEST => write_value(out, &value, 0),
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

fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let last = members.len() - 1;
            out.push_str("{\n");
            for (i, (name, value)) in members.iter().enumerate() {
                pad(out, indent + 1);
                span(out, "k", &quoted(name));
                out.push_str(": ");
                write_value(out, value, indent + 1);
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
                write_value(out, item, indent + 1);
                out.push_str(if i < last { ",\n" } else { "\n" });
            }
            pad(out, indent);
            out.push(']');
        }
        Value::String(text) => span(out, "s", &quoted(text)),
        plain => escape(out, &plain.to_string()),
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
            let text = message(&["POST /<x> HTTP/1.1".into()], Some(body)).to_string();
            assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<x>"), "{text}");
            assert!(!text.contains("</pre") && !text.contains("<b>"), "{text}");
        }
    }

    #[test]
    fn text_that_would_turn_itself_round_is_spelled_out() {
        let text = message(&[], Some("\"a\u{202e}b\"".as_bytes())).to_string();
        assert!(text.contains("\\u202e") && !text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn a_huge_or_deep_body_is_shown_as_it_came() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(message(&[], Some(deep.as_bytes())).to_string().contains("[[[["));
        let huge = vec![b'x'; LONGEST + 10];
        assert!(message(&[], Some(&huge)).to_string().ends_with("and 10 more bytes"));
    }
}

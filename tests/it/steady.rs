//! Makes an answer the same on every run: ids, times and the port give way to names. Nothing else is blanked out.

use serde_json::Value;

use crate::client::Answer;
use crate::server::Server;

/// Status, the headers that matter and the body of an answer, as text for a snapshot.
pub fn steady(server: &Server, answer: &Answer) -> String {
    let mut ids = Vec::new();
    let mut lines = vec![answer.status.as_u16().to_string()];
    for name in
        ["content-type", "location", "etag", "www-authenticate", "allow", "retry-after", "cache-control"]
    {
        let value = answer.header(name);
        if !value.is_empty() {
            lines.push(format!("{name}: {}", text(server, value, &mut ids)));
        }
    }
    lines.push(String::new());
    if answer.body.is_empty() {
        lines.push("(empty)".to_string());
    } else {
        let mut body = answer.json();
        walk(server, &mut body, &mut ids);
        lines.push(serde_json::to_string_pretty(&body).expect("a value is JSON"));
    }
    lines.join("\n")
}

fn walk(server: &Server, value: &mut Value, ids: &mut Vec<String>) {
    match value {
        Value::String(found) => *found = text(server, found, ids),
        Value::Array(list) => list.iter_mut().for_each(|item| walk(server, item, ids)),
        Value::Object(map) => map.values_mut().for_each(|item| walk(server, item, ids)),
        _ => {}
    }
}

fn text(server: &Server, found: &str, ids: &mut Vec<String>) -> String {
    if found.len() >= 20 && found.ends_with('Z') && found.parse::<jiff::Timestamp>().is_ok() {
        return "(time)".to_string();
    }
    let mut out = String::new();
    let mut rest = found.replace(&server.origin, "(origin)");
    while let Some(at) = (0..rest.len()).find(|at| uuid_at(&rest, *at).is_some()) {
        let id = rest[at..at + 36].to_string();
        let n = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        });
        out.push_str(&format!("{}(id {})", &rest[..at], n + 1));
        rest = rest[at + 36..].to_string();
    }
    out + &rest
}

fn uuid_at(text: &str, at: usize) -> Option<uuid::Uuid> {
    text.get(at..at + 36).and_then(|part| uuid::Uuid::try_parse(part).ok())
}

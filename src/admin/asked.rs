//! What a request asked for, in one sentence, read from its method, its path and its body as they are kept. What came of it
//! is the request's own sentence.

use serde_json::Value;

use super::parts::{clipped, counted};
use crate::store::{ActivityBody, ActivityRow};

/// Operations of a PATCH that are said; the others are counted.
const SAID: usize = 3;

/// "Set “active” to false for Priya Raman."
pub fn asked(row: &ActivityRow, body: &ActivityBody) -> String {
    let activity = &row.activity;
    let sent: Option<Value> = body.request.as_deref().and_then(|body| serde_json::from_slice(body).ok());
    let path = activity.path.strip_prefix("/scim").unwrap_or(&activity.path);
    let path = path.strip_prefix("/v2").unwrap_or(path).trim_matches('/');
    let (list, id) = path.split_once('/').unwrap_or((path, ""));
    let kind = match list {
        "Users" => "user",
        "Groups" => "group",
        _ => "",
    };
    let who = match &activity.subject {
        Some(subject) if !subject.name.is_empty() => clipped(&subject.name, 120),
        _ if kind.is_empty() => clipped(path, 80),
        _ => format!("the {kind} {}", clipped(id, 60)),
    };
    let search = list == ".search" || id == ".search";
    let text = |name: &str| {
        sent.as_ref().and_then(|sent| sent.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    match (activity.method.as_str(), kind) {
        ("", _) => String::new(),
        ("POST", _) if search => found(list, text("filter")),
        ("POST", "user") if id.is_empty() => format!("Add the user “{}”.", clipped(text("userName"), 120)),
        ("POST", "group") if id.is_empty() => {
            let members = sent
                .as_ref()
                .and_then(|sent| sent.get("members"))
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            let with = if members > 0 {
                format!(" with {}", counted(members as u64, "member"))
            } else {
                String::new()
            };
            format!("Add the group “{}”{with}.", clipped(text("displayName"), 120))
        }
        ("POST", _) if list == "Bulk" => {
            let all = sent.as_ref().and_then(|sent| sent.get("Operations")).and_then(Value::as_array);
            format!("Carry out {} at once.", counted(all.map_or(0, Vec::len) as u64, "operation"))
        }
        ("PATCH", _) => changed(sent.as_ref(), &who),
        ("PUT", _) => format!("Replace the whole record of {who}."),
        ("DELETE", _) => format!("Delete {who}."),
        ("GET", "user" | "group") if id.is_empty() => {
            let query = crate::http::Query::parse(&activity.query);
            found(list, query.get("filter").unwrap_or_default())
        }
        ("GET", "user" | "group") => format!("Read {who}."),
        (method, _) => format!("{} {}", clipped(method, 20), clipped(&activity.path, 120)),
    }
}

fn found(list: &str, filter: &str) -> String {
    let what = match list {
        "Groups" => "groups",
        "Users" => "users",
        _ => "users and groups",
    };
    match filter {
        "" => format!("List {what}."),
        filter => format!("Find {what} where {}.", clipped(filter, 160)),
    }
}

/// The operations of a PATCH.
fn changed(sent: Option<&Value>, who: &str) -> String {
    // Some providers write the name in small letters.
    let all = sent.and_then(|sent| sent.get("Operations").or_else(|| sent.get("operations")));
    let all = all.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return format!("Change {who}.");
    }
    let mut said: Vec<String> = all.iter().take(SAID).map(operation).collect();
    if all.len() > SAID {
        said.push(counted((all.len() - SAID) as u64, "more operation"));
    }
    let text = match said.as_slice() {
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
        [] => String::new(),
    };
    super::error::sentence(&format!("{text} for {who}"))
}

fn operation(one: &Value) -> String {
    let op = one.get("op").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let path = one.get("path").and_then(Value::as_str).unwrap_or_default();
    let value = one.get("value").unwrap_or(&Value::Null);
    let verb = if op == "add" { "add" } else { "set" };
    match (op.as_str(), path, value) {
        ("remove", path, Value::Array(members))
            if path.eq_ignore_ascii_case("members") && !members.is_empty() =>
        {
            format!("remove {}", counted(members.len() as u64, "member"))
        }
        ("remove", path, _) => format!("remove “{}”", clipped(path, 80)),
        (_, path, Value::Array(members)) if path.eq_ignore_ascii_case("members") => {
            format!("{verb} {}", counted(members.len() as u64, "member"))
        }
        (_, "", Value::Object(values)) => {
            let names: Vec<String> =
                values.keys().take(4).map(|name| format!("“{}”", clipped(name, 60))).collect();
            let more = if values.len() > 4 { " and others" } else { "" };
            format!("{verb} {}{more}", names.join(", "))
        }
        (_, path, Value::Object(_) | Value::Array(_)) => format!("{verb} “{}”", clipped(path, 80)),
        (_, path, Value::String(text)) => {
            format!("{verb} “{}” to “{}”", clipped(path, 80), clipped(text, 80))
        }
        (_, path, plain) => format!("{verb} “{}” to {plain}", clipped(path, 80)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Kind;
    use crate::store::{Activity, Subject};

    fn said(method: &str, path: &str, sent: Value) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let activity = Activity {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            subject: Some(Subject { id: "u1".into(), kind: Kind::User, name: "Priya Raman".into() }),
            ..Activity::default()
        };
        let body = ActivityBody { request: Some(sent.to_string().into_bytes()), answer: None };
        asked(&ActivityRow { n: 1, activity }, &body)
    }

    #[test]
    fn each_kind_of_request_is_a_sentence() {
        let patch =
            |operations: Value| said("PATCH", "/scim/v2/Users/u1", json!({ "Operations": operations }));
        for (found, expected) in [
            (
                patch(json!([{ "op": "Replace", "path": "active", "value": false }])),
                "Set “active” to false for Priya Raman.",
            ),
            (
                patch(json!([{ "op": "replace", "value": { "title": "x", "active": true } }])),
                "Set “title”, “active” for Priya Raman.",
            ),
            (
                patch(
                    json!([{ "op": "add", "path": "members", "value": [1, 2] }, { "op": "remove", "path": "title" }]),
                ),
                "Add 2 members and remove “title” for Priya Raman.",
            ),
            (
                patch(json!([{}, {}, {}, {}, {}])),
                "Set “” to null, set “” to null, set “” to null and 2 more operations for Priya Raman.",
            ),
            (said("PATCH", "/scim/Users/u1", json!([])), "Change Priya Raman."),
            (
                said("POST", "/scim/Users", json!({ "userName": "a@example.com" })),
                "Add the user “a@example.com”.",
            ),
            (
                said("POST", "/scim/Groups", json!({ "displayName": "Ops", "members": [1] })),
                "Add the group “Ops” with 1 member.",
            ),
            (said("PUT", "/scim/Users/u1", json!({})), "Replace the whole record of Priya Raman."),
            (said("DELETE", "/scim/Users/u1", Value::Null), "Delete Priya Raman."),
            (said("GET", "/scim/Users/u1", Value::Null), "Read Priya Raman."),
            (said("GET", "/scim/Groups", Value::Null), "List groups."),
            (
                said("GET", "/scim/Users?filter=userName%20eq%20%22a%22", Value::Null),
                "Find users where userName eq \"a\".",
            ),
            (said("POST", "/scim/.search", json!({ "filter": "x pr" })), "Find users and groups where x pr."),
            (said("POST", "/scim/Bulk", json!({ "Operations": [1, 2] })), "Carry out 2 operations at once."),
            (said("GET", "/scim/Schemas", Value::Null), "GET /scim/Schemas"),
            (said("", "", Value::Null), ""),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_body_is_a_fault() {
        for sent in
            [json!(null), json!(7), json!({ "Operations": 7 }), json!({ "Operations": [7, null, [], {}] })]
        {
            assert!(!said("PATCH", "/scim/Users/u1", sent).is_empty());
        }
    }
}

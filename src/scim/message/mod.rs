//! The messages of RFC 7644: Error, ListResponse and SearchRequest here, bulk messages in `bulk`. PatchOp is `patch`'s
//! business, and what the parts of a message mean is decided where they are used.

mod bulk;

use serde_json::{Map, Number, Value};

use super::filter::shorten;
use super::json::write;
use super::{Leniency, Mode, Notes, ScimError};

pub use bulk::{BULK_REQUEST, BULK_RESPONSE, BulkOperation, BulkOutcome, BulkRequest, BulkResponse};

/// URN of the error message (RFC 7644 §3.12).
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// URN of a list of resources (RFC 7644 §3.4.2).
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// URN of a posted query (RFC 7644 §3.4.3).
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The body of an error answer (RFC 7644 §3.12).
pub fn error_body(error: &ScimError) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + error.detail.len());
    open(&mut out, ERROR);
    if let Some(scim_type) = error.scim_type {
        member(&mut out, "scimType", scim_type.keyword());
    }
    member(&mut out, "detail", &error.detail);
    member(&mut out, "status", &error.status.to_string());
    out.push(b'}');
    out
}

/// Where the next and the previous page of a walk begin (RFC 9865 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursors {
    /// The cursor of the next page; `None` on the last one.
    pub next: Option<String>,
    /// The cursor of the previous page; `None` on the first one.
    pub previous: Option<String>,
}

/// A ListResponse (RFC 7644 §3.4.2) of resources that are JSON already. `itemsPerPage` is how many there are.
pub fn list_response(
    total: u64,
    start_index: Option<u64>,
    resources: &[Vec<u8>],
    cursors: Option<&Cursors>,
) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(256 + resources.iter().map(|resource| resource.len() + 1).sum::<usize>());
    open(&mut out, LIST_RESPONSE);
    member(&mut out, "totalResults", &total);
    if let Some(start_index) = start_index {
        member(&mut out, "startIndex", &start_index);
    }
    member(&mut out, "itemsPerPage", &resources.len());
    if let Some(next) = cursors.and_then(|cursors| cursors.next.as_ref()) {
        member(&mut out, "nextCursor", next);
    }
    if let Some(previous) = cursors.and_then(|cursors| cursors.previous.as_ref()) {
        member(&mut out, "previousCursor", previous);
    }
    out.extend_from_slice(b",\"Resources\":[");
    for (n, resource) in resources.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(resource);
    }
    out.extend_from_slice(b"]}");
    out
}

/// A query sent as a body (RFC 7644 §3.4.3, RFC 9865 §2.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    pub attributes: Option<Vec<String>>,
    pub excluded_attributes: Option<Vec<String>>,
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub descending: bool,
    pub start_index: Option<i64>,
    pub count: Option<i64>,
    /// Empty for the first page of a walk.
    pub cursor: Option<String>,
    /// Leniencies used.
    pub notes: Notes,
}

impl SearchRequest {
    /// Reads the message; names count in any case (RFC 7643 §2.1), unknown ones are passed over.
    pub fn parse(body: &Value, mode: Mode) -> Result<SearchRequest, ScimError> {
        let Value::Object(body) = body else {
            let detail = "A search body must be a JSON object such as {\"schemas\": […], \"filter\": \"…\"}";
            return Err(ScimError::invalid_syntax(detail));
        };
        let mut notes = Notes::default();
        check_schemas(body, SEARCH_REQUEST, mode, &mut notes)?;
        Ok(SearchRequest {
            attributes: texts(body, "attributes", mode, &mut notes)?,
            excluded_attributes: texts(body, "excludedAttributes", mode, &mut notes)?,
            filter: text(body, "filter", "")?,
            sort_by: text(body, "sortBy", "")?.filter(|path| !path.is_empty()),
            descending: descending(text(body, "sortOrder", "")?.as_deref())?,
            start_index: integer(body, "startIndex", mode, &mut notes)?,
            count: integer(body, "count", mode, &mut notes)?,
            cursor: text(body, "cursor", "")?,
            notes,
        })
    }
}

/// Reads `sortOrder` (RFC 7644 §3.4.2.3), ascending when it is not said.
pub fn descending(order: Option<&str>) -> Result<bool, ScimError> {
    match order {
        None | Some("") => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("ascending") => Ok(false),
        Some(order) if order.eq_ignore_ascii_case("descending") => Ok(true),
        Some(order) => {
            let order = shorten(order);
            Err(ScimError::invalid_value(format!("sortOrder is ascending or descending, not \"{order}\"")))
        }
    }
}

/// Begins a message with its `schemas`.
fn open(out: &mut Vec<u8>, urn: &str) {
    out.extend_from_slice(b"{\"schemas\":");
    write(out, &[urn]);
}

/// Goes on with a member.
fn member<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, value: &T) {
    out.push(b',');
    write(out, name);
    out.push(b':');
    write(out, value);
}

/// Checks that a message says which one it is. SCIM 1.1 is told apart, because its messages mean something else.
pub(in crate::scim) fn check_schemas(
    body: &Map<String, Value>,
    urn: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<(), ScimError> {
    let schemas = get(body, "schemas");
    let listed: Vec<&str> = match schemas {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let named = listed.iter().any(|listed| listed.eq_ignore_ascii_case(urn));
    if named && matches!(schemas, Some(Value::Array(_))) {
        return Ok(());
    }
    if listed.iter().any(|listed| listed.to_ascii_lowercase().starts_with("urn:scim:schemas:")) {
        let detail = "This is a SCIM 1.1 message; choose SCIM 2.0 in the identity provider's settings";
        return Err(ScimError::invalid_syntax(detail));
    }
    if mode == Mode::Strict {
        return Err(ScimError::invalid_syntax(format!("\"schemas\" must be a list that holds \"{urn}\"")));
    }
    notes.used(Leniency::MessageSchema);
    Ok(())
}

/// The member of that name, in any case (RFC 7643 §2.1); the exact one before others.
pub(in crate::scim) fn get<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members
        .get(name)
        .or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Takes out the member of that name, in any case.
fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let exact = members.get_mut(name).map(Value::take);
    exact.or_else(|| {
        members.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.take())
    })
}

/// A member that is text; `null` counts as not there (RFC 7643 §2.5). `place` ends with a dot or is empty.
fn text(members: &Map<String, Value>, name: &str, place: &str) -> Result<Option<String>, ScimError> {
    match get(members, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            let found = kind_of(other);
            Err(ScimError::invalid_syntax(format!("{place}{name} must be a text, not {found}")))
        }
    }
}

/// A member that is a list of texts.
fn texts(
    members: &Map<String, Value>,
    name: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Option<Vec<String>>, ScimError> {
    match get(members, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(n, item)| match item {
                Value::String(text) => Ok(text.clone()),
                other => {
                    let found = kind_of(other);
                    Err(ScimError::invalid_syntax(format!("{name}[{n}] must be a text, not {found}")))
                }
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Some),
        Some(Value::String(one)) if mode == Mode::Compat => {
            notes.used(Leniency::SingleForList);
            Ok(Some(vec![one.clone()]))
        }
        Some(other) => {
            let found = kind_of(other);
            Err(ScimError::invalid_syntax(format!("{name} must be a list of attribute names, not {found}")))
        }
    }
}

/// A member that is a whole number; one beyond 64 bits counts as the end of the range.
fn integer(
    members: &Map<String, Value>,
    name: &str,
    mode: Mode,
    notes: &mut Notes,
) -> Result<Option<i64>, ScimError> {
    let number = match get(members, name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64().or_else(|| beyond(number)),
        Some(Value::String(text)) if mode == Mode::Compat => {
            notes.used(Leniency::TextNumber);
            text.trim().parse().ok()
        }
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| {
        ScimError::invalid_syntax(format!("{name} must be a whole number such as 10, written without quotes"))
    })
}

/// The end of the range that a whole number beyond 64 bits goes past.
fn beyond(number: &Number) -> Option<i64> {
    let decimal = number.as_f64()?;
    (decimal.abs() >= i64::MAX as f64).then_some(if decimal > 0.0 { i64::MAX } else { i64::MIN })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::{ScimType, json};

    fn read(bytes: &[u8]) -> Value {
        json::parse(bytes).expect("a message is JSON without duplicate keys")
    }

    #[test]
    fn an_error_says_its_status_as_text() {
        let error = ScimError::invalid_value("\"x\" is\nno number \u{1}");
        assert_eq!(
            read(&error_body(&error)),
            json!({"schemas": [ERROR], "scimType": "invalidValue", "detail": "\"x\" is\nno number \u{1}", "status": "400"})
        );
        let plain = read(&error_body(&ScimError::plain(404, "gone")));
        assert_eq!(plain, json!({"schemas": [ERROR], "detail": "gone", "status": "404"}));
    }

    #[test]
    fn a_list_counts_what_is_on_the_page() {
        let empty = read(&list_response(0, Some(1), &[], None));
        let wanted = json!({"schemas": [LIST_RESPONSE], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []});
        assert_eq!(empty, wanted);
        let cursors = Cursors { next: Some("a\"b".into()), previous: None };
        let page =
            read(&list_response(7, None, &[b"{\"id\":\"1\"}".to_vec(), b"{}".to_vec()], Some(&cursors)));
        let wanted = json!({"schemas": [LIST_RESPONSE], "totalResults": 7, "itemsPerPage": 2, "nextCursor": "a\"b",
            "Resources": [{"id": "1"}, {}]});
        assert_eq!(page, wanted);
        let last = Cursors { next: None, previous: Some("p".into()) };
        assert_eq!(read(&list_response(7, None, &[], Some(&last)))["previousCursor"], "p");
    }

    fn search(body: Value, mode: Mode) -> Result<SearchRequest, ScimError> {
        SearchRequest::parse(&body, mode)
    }

    #[test]
    fn a_search_is_read_in_any_case() {
        let body = json!({"SCHEMAS": [SEARCH_REQUEST.to_lowercase()], "Attributes": ["userName", "emails.value"],
            "FILTER": "active eq true", "sortby": "userName", "sortOrder": "Descending", "startIndex": 0, "count": -3,
            "cursor": "", "other": {}});
        let wanted = SearchRequest {
            attributes: Some(vec!["userName".into(), "emails.value".into()]),
            filter: Some("active eq true".into()),
            sort_by: Some("userName".into()),
            descending: true,
            start_index: Some(0),
            count: Some(-3),
            cursor: Some(String::new()),
            ..SearchRequest::default()
        };
        assert_eq!(search(body, Mode::Strict), Ok(wanted));
        let nulls =
            json!({"schemas": [SEARCH_REQUEST], "filter": null, "count": null, "excludedAttributes": null});
        assert_eq!(search(nulls, Mode::Strict), Ok(SearchRequest::default()));
        for (large, wanted) in
            [("18446744073709551615", i64::MAX), ("9e30", i64::MAX), ("-99999999999999999999", i64::MIN)]
        {
            let body = format!("{{\"schemas\": [\"{SEARCH_REQUEST}\"], \"count\": {large}}}");
            assert_eq!(
                search(read(body.as_bytes()), Mode::Strict).expect("taken").count,
                Some(wanted),
                "{large}"
            );
        }
    }

    #[test]
    fn a_strict_token_must_send_the_form_of_the_rfc() {
        for (body, leniency, words) in [
            (json!({"filter": "x pr"}), Leniency::MessageSchema, SEARCH_REQUEST),
            (json!({"schemas": SEARCH_REQUEST}), Leniency::MessageSchema, "\"schemas\" must be a list"),
            (
                json!({"schemas": [SEARCH_REQUEST], "count": "10"}),
                Leniency::TextNumber,
                "count must be a whole number",
            ),
            (
                json!({"schemas": [SEARCH_REQUEST], "attributes": "id"}),
                Leniency::SingleForList,
                "attributes must be a list",
            ),
        ] {
            let error = search(body.clone(), Mode::Strict).expect_err("refused");
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
            assert!(error.detail.contains(words), "{error}");
            assert_eq!(search(body, Mode::Compat).expect("taken").notes.leniencies, [leniency]);
        }
    }

    #[test]
    fn a_faulty_search_says_which_member() {
        for (body, words) in [
            (json!([]), "must be a JSON object"),
            (json!({"schemas": ["urn:scim:schemas:core:1.0"]}), "SCIM 2.0"),
            (json!({"filter": 5}), "filter must be a text, not a number"),
            (json!({"cursor": true}), "cursor must be a text, not a boolean"),
            (json!({"sortBy": []}), "sortBy must be a text, not a list"),
            (json!({"sortOrder": "up"}), "ascending or descending, not \"up\""),
            (json!({"attributes": ["id", 5]}), "attributes[1] must be a text"),
            (json!({"excludedAttributes": {}}), "excludedAttributes must be a list"),
            (json!({"startIndex": 1.5}), "startIndex must be a whole number"),
            (json!({"count": "ten"}), "count must be a whole number"),
            (json!({"count": {}}), "count must be a whole number"),
        ] {
            let error = search(body, Mode::Compat).expect_err("refused");
            assert_eq!(error.status, 400);
            assert!(error.detail.contains(words), "{error}");
        }
    }
}

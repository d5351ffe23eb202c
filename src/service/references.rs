//! References by `bulkId` (RFC 7644 §3.7.2): which an operation holds, and writing ids in their place. When an operation may
//! be carried out is the business of `bulk`.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::scim::message::BulkOperation;

/// What a reference begins with.
pub const PREFIX: &str = "bulkId:";

/// The bulkId that a text refers to: `bulkId:qwerty` in the place of an id, or at the end of an address, `../Users/bulkId:qwerty`.
fn named(text: &str) -> Option<&str> {
    if let Some(id) = text.strip_prefix(PREFIX) {
        return Some(id);
    }
    let (endpoint, id) = text.rsplit_once('/')?;
    let known = ["Users", "Groups"].contains(&endpoint.rsplit('/').next()?);
    id.strip_prefix(PREFIX).filter(|_| known)
}

/// The bulkIds that an operation names in its path and data, each once.
pub fn references(operation: &BulkOperation) -> Vec<&str> {
    let mut found: Vec<&str> = operation.path.split_once(PREFIX).map(|(_, id)| id).into_iter().collect();
    if let Some(data) = &operation.data {
        collect(data, &mut found);
    }
    let mut seen = HashSet::new();
    found.retain(|id| seen.insert(*id));
    found
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.extend(named(text)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(path) if name.eq_ignore_ascii_case("path") => found.extend(quoted(path)),
                    _ => collect(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The bulkIds in the filter of a PATCH path: `members[value eq "bulkId:qwerty"]`.
fn quoted(path: &str) -> impl Iterator<Item = &str> {
    path.split("\"bulkId:").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0))
}

/// Writes the ids of what was made; takes out list elements and members that refer to what is not made yet.
pub fn replace(value: &mut Value, made: &HashMap<&str, String>, open: &mut bool) {
    let refers = |value: &Value| value.as_str().and_then(named).is_some_and(|id| !made.contains_key(id));
    let is_open = |value: &Value| match value {
        Value::Object(map) => ["value", "$ref"].iter().filter_map(|name| map.get(*name)).any(refers),
        single => refers(single),
    };
    match value {
        Value::String(text) => {
            if let Some((name, id)) = named(text).and_then(|name| Some((name, made.get(name)?))) {
                let before = text.len() - PREFIX.len() - name.len();
                text.replace_range(before.., id);
            }
        }
        Value::Array(list) => {
            let before = list.len();
            list.retain(|value| !is_open(value));
            *open |= list.len() < before;
            list.iter_mut().for_each(|value| replace(value, made, open));
        }
        Value::Object(map) => {
            let before = map.len();
            map.retain(|_, value| !is_open(value));
            *open |= map.len() < before;
            for (name, value) in map {
                match value {
                    Value::String(path) if name.eq_ignore_ascii_case("path") => {
                        let names: Vec<String> = quoted(path).map(str::to_owned).collect();
                        for name in names {
                            let id = made.get(name.as_str()).map_or("", String::as_str);
                            *path = path.replace(&format!("\"{PREFIX}{name}\""), &format!("\"{id}\""));
                        }
                    }
                    _ => replace(value, made, open),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(path: &str, data: Value) -> BulkOperation {
        BulkOperation { path: path.into(), data: Some(data), ..BulkOperation::default() }
    }

    #[test]
    fn references_are_found_anywhere_and_once() {
        let data = json!({"members": [{"value": "bulkId:u"}, "bulkId:v"], "displayName": "not bulkId:x",
                          "Operations": [{"path": "members[value eq \"bulkId:w\" or value eq \"bulkId:u\"]"}]});
        let operation = operation("/Groups/bulkId:g", data);
        let mut found = references(&operation);
        found.sort_unstable();
        assert_eq!(found, ["g", "u", "v", "w"]);
    }

    #[test]
    fn what_was_made_is_written_and_what_was_not_is_left_out() {
        let made = HashMap::from([("u", "17".to_owned())]);
        let mut open = false;
        let mut value = json!({"members": [{"value": "bulkId:u"}, {"value": "bulkId:v"}],
                               "path": "members[value eq \"bulkId:u\"]", "manager": {"value": "bulkId:u"}});
        replace(&mut value, &made, &mut open);
        let wanted = json!({"members": [{"value": "17"}], "path": "members[value eq \"17\"]",
                            "manager": {"value": "17"}});
        assert_eq!((value, open), (wanted, true));
        let mut complete = json!({"manager": {"value": "bulkId:u"}});
        open = false;
        replace(&mut complete, &made, &mut open);
        assert_eq!((complete, open), (json!({"manager": {"value": "17"}}), false));
        let mut addressed = json!({"members": [{"$ref": "https://example.com/scim/Users/bulkId:u"}, {"$ref": "../Users/bulkId:v"}],
                                   "profileUrl": "https://example.com/people/bulkId:u"});
        replace(&mut addressed, &made, &mut open);
        let wanted = json!({"members": [{"$ref": "https://example.com/scim/Users/17"}],
                            "profileUrl": "https://example.com/people/bulkId:u"});
        assert_eq!((addressed, open), (wanted, true));
    }
}

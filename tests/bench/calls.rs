//! The requests that workloads are made of, each with what its answer must be.

use serde_json::{Value, json};

use super::client::{Call, Expect};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A user's name.
pub fn name(k: usize) -> String {
    format!("u{k}@example.com")
}

/// A user of some 1.2 KB, with the enterprise extension.
pub fn user(name: &str, k: usize) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": name, "externalId": format!("x-{name}"),
        "name": { "formatted": format!("Alex B{k}"), "givenName": "Alex", "familyName": format!("B{k}") },
        "displayName": format!("Alex B{k}"), "title": "Engineer", "locale": "en-US", "timezone": "Europe/Berlin",
        "preferredLanguage": "en-US", "nickName": "Lex", "userType": "Employee",
        "emails": [{ "value": name, "type": "work", "primary": true },
            { "value": format!("{k}@home.example.com"), "type": "home" }],
        "phoneNumbers": [{ "value": format!("+1 555 {k:07}"), "type": "work" },
            { "value": format!("+1 556 {k:07}"), "type": "mobile" }],
        "addresses": [{ "type": "work", "streetAddress": "1 Example Street", "locality": "Exampleton",
            "region": "EX", "postalCode": "12345", "country": "US",
            "formatted": "1 Example Street, Exampleton, EX 12345, US" }],
        "profileUrl": format!("https://people.example.com/{k}"), "roles": [{ "value": "engineer", "type": "work" }],
        "photos": [{ "value": format!("https://photos.example.com/{k}.jpg"), "type": "photo" }],
        "active": true,
        ENTERPRISE: { "employeeNumber": format!("{k}"), "department": "Engineering",
            "organization": "Example Ltd", "costCenter": "4130", "division": "Products" },
    })
}

fn call(method: &'static str, path: String, body: Option<Value>, status: &[u16], has: Vec<String>) -> Call {
    let expect = Expect { status: status.to_vec(), has, ..Expect::default() };
    Call { method, path, body: body.map(|body| body.to_string()), expect }
}

fn quoted(member: &str, value: &str) -> String {
    format!("\"{member}\":\"{value}\"")
}

pub fn get(path: String, has: Vec<String>) -> Call {
    call("GET", path, None, &[200], has)
}

pub fn create(name: &str, k: usize) -> Call {
    call("POST", "/scim/Users".into(), Some(user(name, k)), &[201], vec![quoted("userName", name)])
}

/// Another user, whose family name no filter here looks for.
pub fn newcomer(name: &str, number: usize) -> Call {
    create(name, number % 100)
}

/// One user by id.
pub fn read(id: &str, name: &str) -> Call {
    get(format!("/scim/Users/{id}"), vec![quoted("id", id), quoted("userName", name)])
}

/// A filter on users; so many match, and those on the first page are shown.
pub fn filter(filter: &str, total: usize) -> Call {
    let path = format!("/scim/Users?filter={}", filter.replace(' ', "+").replace('"', "%22"));
    let shown = total.min(100);
    let has = vec![format!("\"totalResults\":{total},"), format!("\"itemsPerPage\":{shown}")];
    let mut call = get(path, has);
    call.expect.count = Some(("\"userName\":", shown));
    call
}

pub fn look_up(name: &str, hit: bool) -> Call {
    let mut call = filter(&format!("userName eq \"{name}\""), usize::from(hit));
    if hit {
        call.expect.has.push(quoted("userName", name));
    }
    call
}

pub fn put(id: &str, name: &str, k: usize, title: &str) -> Call {
    let mut body = user(name, k);
    body["title"] = json!(title);
    let has = vec![quoted("id", id), quoted("title", title)];
    call("PUT", format!("/scim/Users/{id}"), Some(body), &[200], has)
}

pub fn patch(path: String, operation: Value, status: &[u16], has: Vec<String>) -> Call {
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    call("PATCH", path, Some(body), status, has)
}

pub fn patch_active(id: &str, active: bool) -> Call {
    let operation = json!({ "op": "replace", "path": "active", "value": active });
    patch(format!("/scim/Users/{id}"), operation, &[200], vec![format!("\"active\":{active}")])
}

/// A page of users.
pub fn list(start: usize, count: usize, total: usize) -> Call {
    let has = vec![format!("\"totalResults\":{total},"), format!("\"startIndex\":{start}")];
    let mut call = get(format!("/scim/Users?startIndex={start}&count={count}"), has);
    call.expect.count = Some(("\"userName\":", count.min(total)));
    call
}

/// A new group with members.
pub fn group(name: &str, members: &[String]) -> Call {
    let values: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": values });
    let has = vec![quoted("displayName", name)];
    let mut call = call("POST", "/scim/Groups".into(), Some(body), &[201], has);
    call.expect.count = Some(("\"value\":", members.len()));
    call
}

/// A group with its members, so many.
pub fn group_whole(id: &str, members: usize) -> Call {
    let mut call = get(format!("/scim/Groups/{id}"), vec![quoted("id", id)]);
    call.expect.count = Some(("\"value\":", members));
    call
}

pub fn group_bare(id: &str) -> Call {
    let path = format!("/scim/Groups/{id}?excludedAttributes=members");
    let mut call = get(path, vec![quoted("id", id), "\"displayName\":".into()]);
    call.expect.lacks.push("\"members\"".into());
    call
}

/// People into a group; without a body where the group is large.
pub fn join(group: &str, ids: &[String]) -> Call {
    let values: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let operation = json!({ "op": "add", "path": "members", "value": values });
    patch(format!("/scim/Groups/{group}"), operation, &[200, 204], Vec::new())
}

/// A person out of a group, as providers say it.
pub fn leave(group: &str, id: &str) -> Call {
    let operation = json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    patch(format!("/scim/Groups/{group}"), operation, &[200, 204], Vec::new())
}

pub fn delete(path: String) -> Call {
    call("DELETE", path, None, &[204], Vec::new())
}

/// How many of the numbers below `n` begin with the digits of `prefix`.
pub fn beginning_with(prefix: usize, n: usize) -> usize {
    let (mut low, mut width, mut found) = (prefix, 1, 0);
    while low < n {
        found += width.min(n - low);
        (low, width) = (low * 10, width * 10);
    }
    found
}

//! A marked secret sent through every door, with every kind of token: no answer repeats it, and neither the file, in any
//! table or body, nor the log holds it. Each door has a mark of its own, so that a leak names its door.

use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::encoded;
use crate::server::{Server, USER, unpacked};

const BADGE: &str = "urn:example:2.0:User:Badge";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Part of every mark, and of nothing else.
const MARK: &str = "zqleak";

struct Door {
    name: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// All doors, the secret in each made by `mark`; `user` and `group` are there.
fn doors(user: &str, group: &str, mark: &mut dyn FnMut() -> String) -> Vec<Door> {
    let mut doors = Vec::new();
    let mut body = |name, method, path: &str, body: Vec<u8>| {
        doors.push(Door { name, method, path: path.to_owned(), headers: Vec::new(), body });
    };
    let one = format!("/Users/{user}");
    let person = |extra: Value| {
        let mut person = json!({"schemas": [USER], "userName": "zoe@example.com"});
        person.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        person
    };
    for (name, extra) in [
        ("password", json!({"password": mark()})),
        ("password in another case", json!({"PassWord": mark()})),
        ("password under the URN", json!({USER: {"password": mark()}})),
        ("password as a list", json!({"password": [mark(), {"value": mark()}]})),
        ("password as an object", json!({"password": {"value": mark(), "deep": {"x": [mark()]}}})),
        ("password within a name", json!({"name": {"password": mark()}})),
        ("password in place of a name", json!({"userName": {"password": mark()}})),
        ("password by its URN", json!({format!("{USER}:password"): mark()})),
        ("another secret's name", json!({"clientSecret": mark(), "apiToken": {"a": mark()}})),
        ("what is never returned", json!({BADGE: {"pin": mark()}})),
        ("what is never returned, as an object", json!({BADGE: {"pin": {"x": mark()}}})),
        ("what is only written, within another", json!({BADGE: {"door": {"code": mark()}}})),
        ("what is never returned, without its URN", json!({"pin": mark()})),
        (
            "names with hyphens, short ones",
            json!({"api-key": mark(), "user_pwd": mark(), "passPhrase": mark()}),
        ),
        (
            "within the enterprise extension",
            json!({ENTERPRISE: {"password": mark(), "manager": {"secret": mark()}}}),
        ),
        ("JSON sent as a text", json!({"title": format!("{{\"password\": \"{}\"}}", mark())})),
    ] {
        let sent = person(extra).to_string().into_bytes();
        body(name, "POST", "/Users", sent.clone());
        body(name, "PUT", &one, sent.clone());
        let operation = json!({"method": "POST", "bulkId": "a", "path": "/Users",
            "data": serde_json::from_slice::<Value>(&sent).expect("JSON")});
        body(
            name,
            "POST",
            "/Bulk",
            json!({"schemas": [BULK], "Operations": [operation]}).to_string().into_bytes(),
        );
    }
    for (name, operation) in [
        ("path", json!({"op": "replace", "path": "password", "value": mark()})),
        ("path and a list", json!({"op": "add", "path": "password", "value": [mark()]})),
        ("path and an object", json!({"op": "add", "path": "password", "value": {"value": mark()}})),
        ("path by URN", json!({"op": "replace", "path": format!("{USER}:password"), "value": mark()})),
        ("no path", json!({"op": "replace", "value": {"password": mark()}})),
        ("no path, dotted", json!({"op": "replace", "value": {"password.value": mark()}})),
        ("no path, by URN", json!({"op": "replace", "value": {format!("{USER}:password"): mark()}})),
        (
            "no path, a filter in a key",
            json!({"op": "replace", "value": {format!("emails[password eq \"{}\"].value", mark()): "x"}}),
        ),
        (
            "a value path",
            json!({"op": "replace", "path": format!("password[value eq \"{}\"]", mark()), "value": mark()}),
        ),
        (
            "a value path of another",
            json!({"op": "remove", "path": format!("emails[password eq \"{}\"]", mark())}),
        ),
        (
            "a value path without quotes",
            json!({"op": "remove", "path": format!("emails[password eq {}]", mark())}),
        ),
        (
            "a value path with a quote in the value",
            json!({"op": "remove", "path": format!("emails[password eq \"a\\\"{}\"]", mark())}),
        ),
        ("JSON as a text", json!({"op": "replace", "value": format!("{{\"password\": \"{}\"}}", mark())})),
        ("an unknown op", json!({"op": "burn", "path": "password", "value": mark()})),
        ("never returned by path", json!({"op": "replace", "path": format!("{BADGE}:pin"), "value": mark()})),
        ("never returned by a short path", json!({"op": "replace", "path": "pin", "value": mark()})),
        ("never returned without path", json!({"op": "replace", "value": {BADGE: {"pin": [mark()]}}})),
        (
            "never returned in a value path",
            json!({"op": "remove", "path": format!("emails[pin eq \"{}\"]", mark())}),
        ),
        (
            "only written, by path",
            json!({"op": "add", "path": format!("{BADGE}:door.code"), "value": {"a": mark()}}),
        ),
    ] {
        let sent = json!({"schemas": [PATCH], "Operations": [operation]});
        for target in [one.as_str(), &format!("/Groups/{group}"), "/Users/nobody"] {
            body(name, "PATCH", target, sent.to_string().into_bytes());
        }
        let operation = json!({"method": "PATCH", "path": one, "data": sent});
        body(
            name,
            "POST",
            "/Bulk",
            json!({"schemas": [BULK], "Operations": [operation]}).to_string().into_bytes(),
        );
    }
    for (name, filter) in [
        ("a filter", format!("password eq \"{}\"", mark())),
        ("a filter without quotes", format!("password eq {}", mark())),
        ("a filter with a quote in the value", format!("password eq \"a\\\"{}\"", mark())),
        ("a filter that does not end", format!("password eq \"{}", mark())),
        ("a filter beside another", format!("userName eq \"zoe\" and password sw \"{}\"", mark())),
        ("a filter in brackets", format!("not (password co \"{}\")", mark())),
        ("a filter with a value before its name", format!("\"{}\" eq password", mark())),
        ("a filter without its operator", format!("password {}", mark())),
        ("a filter on what is never returned", format!("pin eq \"{}\"", mark())),
        ("a filter on it by its URN", format!("{BADGE}:pin eq \"{}\"", mark())),
        ("a filter on what is only written", format!("{BADGE}:door[code eq \"{}\"]", mark())),
        ("a filter with escapes", format!("password eq \"\\u007aq{}\"", &mark()[2..])),
    ] {
        let encoded = encoded(&filter);
        body(name, "GET", &format!("/Users?filter={encoded}"), Vec::new());
        body(name, "GET", &format!("/Groups?FILTER={encoded}&count=x"), Vec::new());
        let sent = json!({"schemas": [SEARCH], "filter": filter, "sortBy": filter});
        body(name, "POST", "/Users/.search", sent.to_string().into_bytes());
        body(name, "POST", "/.search", sent.to_string().into_bytes());
        let operation = json!({"method": "DELETE", "path": format!("/Users?filter={filter}")});
        body(
            name,
            "POST",
            "/Bulk",
            json!({"schemas": [BULK], "Operations": [operation]}).to_string().into_bytes(),
        );
    }
    for (name, query) in [
        ("a query", format!("password={}", mark())),
        ("a query by another name", format!("access_token={}&count=1", mark())),
        ("a query of the team's own", format!("pin={}", mark())),
        ("a query that cannot be decoded", format!("password=%ZZ{}", mark())),
        ("a query whose name cannot be decoded", format!("pass%ZZword={}", mark())),
    ] {
        body(name, "GET", &format!("/Users?{query}"), Vec::new());
        body(name, "GET", &format!("/nothing?{query}"), Vec::new());
    }
    for (name, text) in [
        ("JSON that does not end", format!("{{\"password\": \"{}\"", mark())),
        ("JSON with a key twice", format!("{{\"password\": \"{}\", \"password\": \"{}\"}}", mark(), mark())),
        ("no JSON at all", format!("password={}&x=1", mark())),
        ("a text alone", mark()),
    ] {
        body(name, "POST", "/Users", text.clone().into_bytes());
        body(name, "PATCH", &one, text.clone().into_bytes());
        body(name, "POST", "/Bulk", [text.as_bytes(), b"\xff\xfe"].concat());
    }
    for (name, field, value) in [
        ("a zipped body", "content-encoding", "gzip"),
        ("a form", "content-type", "application/x-www-form-urlencoded"),
        ("XML", "content-type", "application/xml"),
        ("text", "content-type", "text/plain"),
    ] {
        for text in
            [format!("password={}&a=b", mark()), json!({"password": mark(), "userName": ""}).to_string()]
        {
            let headers = vec![(field, value.to_owned())];
            let path = "/Users".to_owned();
            doors.push(Door { name, method: "POST", path, headers, body: text.into_bytes() });
        }
    }
    for name in ["x-api-key", "cookie", "proxy-authorization", "x-auth-token"] {
        let headers = vec![(name, mark())];
        doors.push(Door { name, method: "GET", path: "/Users".into(), headers, body: Vec::new() });
    }
    doors
}

/// Authorization headers with a mark in them, which may stand in the query as well.
fn headers(mark: &mut dyn FnMut() -> String) -> Vec<Door> {
    let shapes = [
        "Bearer {}",
        "{}",
        "Basic {}",
        "Bearer \"{}\"",
        "Bearer Bearer {}",
        "Bearer scimd_{}",
        "Token token={}",
    ];
    let mut doors = Vec::new();
    for shape in shapes {
        let secret = mark();
        let sent = shape.replace("{}", &secret);
        doors.push(Door {
            name: "an Authorization header",
            method: "POST",
            path: "/Users".into(),
            headers: vec![("authorization", sent.clone())],
            body: json!({"schemas": [USER], "userName": "x"}).to_string().into_bytes(),
        });
        if shape == "Bearer {}" {
            doors.push(Door {
                name: "a token that stands elsewhere too",
                method: "GET",
                path: format!("/Users?filter={}", encoded(&format!("userName eq \"{secret}\""))),
                headers: vec![("authorization", sent)],
                body: Vec::new(),
            });
        }
    }
    doors
}

#[test]
fn no_door_lets_a_secret_into_the_file_the_log_or_an_answer() {
    let server = Server::with(crate::server::Data::new(), &["--tls", "off", "--log-level", "trace"]);
    let schema = json!({
        "id": BADGE, "name": "Badge",
        "attributes": [
            {"name": "pin", "type": "string", "returned": "never"},
            {"name": "door", "type": "complex", "subAttributes": [
                {"name": "label", "type": "string"},
                {"name": "code", "type": "string", "returned": "never", "mutability": "writeOnly"}]},
        ],
    });
    let file = server.data().dir().join("badge.json");
    std::fs::write(&file, schema.to_string()).expect("written");
    server.data().run(&["schema", "add", &file.to_string_lossy()]).well();
    let strict = server.caller_with(&["--name", "strict", "--strict"]);
    let known = server.caller_with(&["--name", "known"]);
    let reader = server.caller_with(&["--name", "reader", "--read-only"]);
    let revoked = server.caller_with(&["--name", "revoked"]);
    let expired = server.caller_with(&["--name", "expired"]);
    let user = known.user("ada@example.com");
    let group = known.group("Engineering", &[]);
    server.data().run(&["token", "revoke", "revoked"]).well();
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    sqlite.execute("update token set expires = 1 where name = 'expired'", []).expect("expired");
    drop(sqlite);
    let mut names: Vec<(&'static str, String)> = Vec::new();
    let mut sent = 0;
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let kinds = [
        ("known", bearer(&known.token)),
        ("strict", bearer(&strict.token)),
        ("read-only", bearer(&reader.token)),
        ("revoked", bearer(&revoked.token)),
        ("expired", bearer(&expired.token)),
        ("unknown", bearer("scimd_0000000000000000000000000000000000000000000")),
        ("none", None),
    ];
    for (kind, authorization) in &kinds {
        let first = sent;
        let mut mark = || {
            sent += 1;
            format!("{MARK}{sent:05}q")
        };
        let mut doors = doors(&user, &group, &mut mark);
        if *kind == "none" {
            doors.extend(headers(&mut mark));
        }
        assert!(sent > first);
        for door in doors {
            let mut all: Vec<(&str, &str)> = Vec::new();
            if door.headers.iter().all(|(name, _)| *name != "content-type") {
                all.push(("content-type", "application/scim+json"));
            }
            all.extend(door.headers.iter().map(|(name, value)| (*name, value.as_str())));
            if let Some(authorization) = authorization {
                all.push(("authorization", authorization));
            }
            let whole = format!(
                "{} {} {:?} {}",
                door.method,
                door.path,
                door.headers,
                String::from_utf8_lossy(&door.body)
            );
            names.push((door.name, format!("{kind} token: {whole}")));
            let url = format!("{}{}", known.base, door.path);
            let answer = server.client().send(door.method, &url, &all, door.body);
            let status = answer.status.as_u16();
            assert!(status < 500 || status == 501, "{kind}: {whole}: {status}");
            assert!(
                !answer.text().contains(MARK),
                "{kind}, {}: {whole}\nanswered: {}",
                door.name,
                answer.text()
            );
        }
    }
    assert!(names.len() > 1300, "{}", names.len());
    std::thread::sleep(Duration::from_millis(600));
    let found = server.data().run(&["activity", "search", MARK]).well().stdout;
    assert_eq!(found, "", "no word of the search is a secret");
    let exported = server.data().run(&["activity", "export"]).well().stdout;
    assert!(!exported.contains(MARK) && exported.lines().count() > 900);
    for token in [&known.token, &revoked.token] {
        let headers = [("user-agent", token.as_str()), ("x-token", token.as_str())];
        server.client().send("GET", &format!("{}/{token}/Users", known.base), &headers, Vec::new());
    }
    std::thread::sleep(Duration::from_millis(600));
    let said = server.said();
    assert!(!said.contains(MARK), "the log: {}", near(said.as_bytes(), &names));
    for token in [&known, &strict, &reader, &revoked, &expired].map(|caller| &caller.token) {
        assert!(!said.contains(token.as_str()), "a token in the log");
    }
    for file in crate::server::files_in(&server.data().dir()) {
        let bytes = std::fs::read(&file).expect("it can be read");
        assert!(
            !holds(&bytes, MARK.as_bytes()),
            "while it runs, {}: {}",
            file.display(),
            near(&bytes, &names)
        );
    }
    std::fs::remove_file(file).expect("removed");
    let data = std::sync::Arc::clone(server.data());
    let tokens: Vec<String> =
        [&known, &strict, &reader, &revoked, &expired].iter().map(|caller| caller.token.clone()).collect();
    assert!(server.stop().success());
    assert!(bodies(&data.database(), &names) > 800, "bodies were kept");
    for file in crate::server::files_in(&data.dir()) {
        let bytes = std::fs::read(&file).expect("it can be read");
        assert!(!holds(&bytes, MARK.as_bytes()), "{}: {}", file.display(), near(&bytes, &names));
        for token in &tokens {
            assert!(!holds(&bytes, token.as_bytes()), "a token in {}", file.display());
        }
    }
}

/// Looks into every kept body; answers how many there were.
fn bodies(database: &std::path::Path, names: &[(&'static str, String)]) -> usize {
    let sqlite = rusqlite::Connection::open(database).expect("the file opens");
    let mut bodies = sqlite.prepare("select request, answer from activity_body").expect("the table");
    let rows =
        bodies.query_map([], |row| Ok([row.get::<_, Option<Vec<u8>>>(0)?, row.get(1)?])).expect("rows");
    let mut looked = 0;
    for body in rows.flat_map(|row| row.expect("a row")).flatten() {
        let plain = unpacked(&body);
        assert!(
            !holds(&plain, MARK.as_bytes()),
            "{}: {}",
            String::from_utf8_lossy(&plain),
            near(&plain, names)
        );
        looked += 1;
    }
    looked
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// The door whose mark stands in some bytes.
fn near(bytes: &[u8], names: &[(&'static str, String)]) -> String {
    let Some(at) = bytes.windows(MARK.len()).position(|part| part == MARK.as_bytes()) else {
        return String::new();
    };
    let end = bytes.len().min(at + MARK.len() + 5);
    let mark = String::from_utf8_lossy(&bytes[at..end]).into_owned();
    let found = names.iter().find(|(_, whole)| whole.contains(&mark));
    found.map_or(mark.clone(), |(name, whole)| format!("{mark}, {name}, {whole}"))
}

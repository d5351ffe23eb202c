//! RFC 7643 over HTTP, with a strict token: the `schemas` attribute, the common attributes, every attribute of users, lists
//! of values, and what is unassigned. Types and characteristics beyond the standard ones are `schemas`' business.

use serde_json::{Map, Value, json};

use crate::client::Answer;
use crate::filters::encoded;
use crate::server::{Caller, ENTERPRISE, GROUP, Server, USER};

/// Makes a user of these attributes, with a name of its own.
fn made(caller: &Caller, name: &str, more: Value) -> Answer {
    let mut body = json!({ "schemas": [USER], "userName": name });
    if more.get(ENTERPRISE).is_some() {
        body["schemas"] = json!([USER, ENTERPRISE]);
    }
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    caller.post("/Users", &body)
}

#[test]
fn schemas_names_what_is_there_in_any_order_and_once() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let make = |schemas: Value, department: Value| {
        let body = json!({ "schemas": schemas, "userName": "ada", ENTERPRISE: { "department": department } });
        caller.post("/Users", &body)
    };
    for (schemas, department, shown) in [
        (json!([USER, ENTERPRISE]), json!("R"), json!([USER, ENTERPRISE])),
        (json!([ENTERPRISE, USER]), json!("R"), json!([USER, ENTERPRISE])),
        (json!([USER, ENTERPRISE, USER, ENTERPRISE]), json!("R"), json!([USER, ENTERPRISE])),
        (json!([USER, ENTERPRISE]), Value::Null, json!([USER])),
    ] {
        let answer = make(schemas.clone(), department).is(201);
        assert_eq!(answer.json()["schemas"], shown, "{schemas}");
        let path = format!("/Users/{}", answer.id());
        assert_eq!(caller.get(&path).is(200).json()["schemas"], shown);
        caller.delete(&path).is(204);
    }
    for schemas in [
        Value::Null,
        json!([]),
        json!([ENTERPRISE]),
        json!([GROUP]),
        json!([USER, GROUP]),
        json!([USER]),
        json!([USER, ENTERPRISE, "urn:example:2.0:Shoe"]),
    ] {
        make(schemas, json!("R")).error(400, "invalidSyntax");
    }
    assert_eq!(caller.get("/Users").is(200).json()["totalResults"], 0);
}

#[test]
fn id_and_meta_are_the_servers_and_external_id_is_the_clients() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let own = json!({ "id": "mine", "meta": { "resourceType": "Group", "created": "x", "version": 7, "location": [] } });
    for (path, body) in [
        ("/Users", json!({ "schemas": [USER], "userName": "ada" })),
        ("/Groups", json!({ "schemas": [GROUP], "displayName": "Crew" })),
    ] {
        let mut sent = body.clone();
        sent.as_object_mut().expect("an object").extend(own.as_object().expect("an object").clone());
        let answer = caller.post(path, &sent).is(201);
        let (first, id) = (answer.json(), answer.id());
        assert!(id != "mine" && !id.contains("bulkId") && first.get("externalId").is_none(), "{first}");
        let meta = &first["meta"];
        assert_eq!(meta["resourceType"], path.trim_matches(['/', 's']));
        assert_eq!(meta["created"], meta["lastModified"]);
        assert_eq!(
            (meta["location"].as_str(), meta["version"].as_str()),
            (Some(answer.header("content-location")), Some(answer.header("etag")))
        );
        let here = format!("{path}/{id}");
        sent["externalId"] = json!("Ext 1");
        let second = caller.put(&here, &sent).is(200).json();
        assert_eq!((&second["id"], &second["externalId"]), (&json!(id), &json!("Ext 1")));
        assert_eq!(
            (&second["meta"]["created"], &second["meta"]["resourceType"]),
            (&meta["created"], &meta["resourceType"])
        );
        assert!(second["meta"]["lastModified"].as_str() > meta["lastModified"].as_str(), "{second}");
        assert!(second["meta"]["version"] != meta["version"] && caller.get(&here).is(200).json() == second);
        let find = |text: &str| {
            caller.get(&format!("{path}?filter={}", encoded(&format!("externalId eq \"{text}\"")))).ids()
        };
        assert_eq!((find("Ext 1"), find("ext 1")), (vec![id.clone()], vec![]), "it is case exact");
        caller.delete(&here).is(204);
        let again = caller.post(path, &body).is(201).id();
        assert_ne!(again, id, "an id is never given again");
        caller.get(&here).error(404, "");
        caller.delete(&format!("{path}/{again}")).is(204);
    }
    for name in ["ada", "bob"] {
        made(&caller, name, json!({ "externalId": "shared" })).is(201);
    }
}

#[test]
fn every_attribute_of_a_user_is_kept_and_checked() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let list =
        |value: &str| json!([{ "value": value, "display": "D", "type": "of one's own", "primary": true }]);
    let (text, url) = (json!("Ünï code\n"), "https://example.com/a?b#c");
    let name = json!({ "formatted": "F", "familyName": "L", "givenName": "G", "middleName": "M",
        "honorificPrefix": "P", "honorificSuffix": "S" });
    let address = json!([{ "formatted": "1 Way\n2 Town", "streetAddress": "1 Way\nBack", "locality": "Town",
        "region": "R", "postalCode": "1", "country": "US", "type": "work", "primary": true }]);
    let names = ["displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone"];
    let mut kept: Vec<(&str, Value)> = names.iter().map(|name| (*name, text.clone())).collect();
    kept.extend(
        ["emails", "phoneNumbers", "ims", "entitlements", "roles"].map(|name| (name, list("V@example.com"))),
    );
    kept.extend([
        ("name", name),
        ("profileUrl", json!(url)),
        ("photos", list(url)),
        ("x509Certificates", list("MIIB+/8=")),
        ("addresses", address),
        ("active", json!(false)),
        ("externalId", text.clone()),
    ]);
    let all: Map<String, Value> =
        kept.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let whole = made(&caller, "whole", Value::Object(all)).is(201).json();
    for (name, value) in &kept {
        assert_eq!(&whole[*name], value, "{name}");
    }
    let parts = ["employeeNumber", "costCenter", "organization", "division", "department"];
    let extension: Map<String, Value> = parts.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
    let found = made(&caller, "employee", json!({ ENTERPRISE: extension })).is(201).json();
    assert_eq!(found[ENTERPRISE], Value::Object(extension.clone()));

    let wrong = |more: Value, place: &str| {
        let detail = made(&caller, "wrong", more).error(400, "invalidValue");
        assert!(detail.starts_with(place), "{place}: {detail}");
    };
    for name in names.iter().chain(&["externalId", "profileUrl"]) {
        wrong(json!({ *name: 5 }), name);
    }
    for name in parts {
        wrong(json!({ ENTERPRISE: { name: 5 } }), &format!("{ENTERPRISE}:{name}"));
    }
    for (name, value) in &kept {
        if let Some(parts) = value.as_array() {
            wrong(json!({ *name: "x" }), name);
            wrong(json!({ *name: ["x"] }), &format!("{name}[0]"));
            for part in parts[0].as_object().expect("an object").keys() {
                wrong(json!({ *name: [{ part.as_str(): {} }] }), &format!("{name}[0].{part}"));
            }
        }
    }
    for (more, place) in [
        (json!({ "active": "true" }), "active"),
        (json!({ "active": 1 }), "active"),
        (json!({ "name": "Ada" }), "name"),
        (json!({ "name": { "givenName": 5 } }), "name.givenName"),
        (json!({ "profileUrl": "no uri" }), "profileUrl"),
        (json!({ "photos": [{ "value": "no uri" }] }), "photos[0].value"),
        (json!({ "x509Certificates": [{ "value": "-----BEGIN" }] }), "x509Certificates[0].value"),
        (json!({ "x509Certificates": [{ "value": "AA=" }] }), "x509Certificates[0].value"),
        (json!({ "password": 5 }), "password"),
        (json!({ "password": "" }), "password"),
        (json!({ ENTERPRISE: { "manager": "ada" } }), &*format!("{ENTERPRISE}:manager")),
    ] {
        wrong(more, place);
    }
    for name in ["", " "] {
        caller.post("/Users", &json!({ "schemas": [USER], "userName": name })).error(400, "invalidValue");
    }
    assert_eq!(caller.get("/Users").is(200).json()["totalResults"], 2, "nothing refused was made");
}

#[test]
fn the_domain_of_a_mail_address_is_kept_in_small_letters() {
    let server = Server::plain();
    let strict = server.caller_with(&["--strict"]);
    let sent = json!([{ "value": "BJensen@EXAMPLE.COM", "type": "work" }]);
    let answer = made(&strict, "ada", json!({ "emails": sent, "nickName": "B@EXAMPLE.COM" })).is(201);
    let (path, shown) = (format!("/Users/{}", answer.id()), answer.json());
    assert_eq!(shown["emails"], json!([{ "value": "BJensen@example.com", "type": "work" }]));
    assert_eq!(shown["nickName"], "B@EXAMPLE.COM");
    let put = json!({ "schemas": [USER], "userName": "ada", "emails": sent, "nickName": "B@EXAMPLE.COM" });
    assert_eq!(
        strict.put(&path, &put).is(200).header("etag"),
        answer.header("etag"),
        "it is the same address"
    );
    let other = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@Other.Example.ORG" }]);
    assert_eq!(strict.patch(&path, other).is(200).json()["emails"][0]["value"], "b@other.example.org");
    for text in ["b@OTHER.example.org", "b@other.example.org"] {
        let filter = encoded(&format!("emails.value eq \"{text}\""));
        assert_eq!(strict.get(&format!("/Users?filter={filter}")).ids().len(), 1, "{text}");
    }
    let kept = server.caller().put(&path, &put).is(200).json();
    assert_eq!(kept["emails"], sent, "a provider finds what it wrote");
}

#[test]
fn lists_hold_a_value_once_and_one_is_primary() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let emails = |list: Value| made(&caller, "ada", json!({ "emails": list }));
    let sent = json!([
        { "value": "a@example.com", "type": "work" },
        { "value": "a@example.com", "type": "home", "primary": true },
        { "value": "a@example.com", "type": "work" },
        { "value": "b@example.com" },
    ]);
    let answer = emails(sent.clone()).is(201);
    let wanted = json!([sent[0], sent[1], sent[3]]);
    assert_eq!(
        answer.json()["emails"],
        wanted,
        "the same value may stand with other types, and once with each"
    );
    let count = |filter: &str| caller.get(&format!("/Users?filter={}", encoded(filter))).ids().len();
    assert_eq!(
        count("emails[value eq \"b@example.com\" and primary eq false]"),
        1,
        "without primary it is not"
    );
    assert_eq!(count("emails[value eq \"b@example.com\" and primary eq true]"), 0);
    caller.delete(&format!("/Users/{}", answer.id())).is(204);
    let two =
        json!([{ "value": "a@example.com", "primary": true }, { "value": "b@example.com", "primary": true }]);
    let detail = emails(two.clone()).error(400, "invalidValue");
    assert!(detail.contains("more than one primary"), "{detail}");
    let path = format!("/Users/{}", emails(json!([])).is(201).id());
    caller
        .put(&path, &json!({ "schemas": [USER], "userName": "ada", "emails": two }))
        .error(400, "invalidValue");
    caller.patch(&path, json!([{ "op": "add", "path": "emails", "value": two }])).error(400, "invalidValue");
    assert_eq!(caller.get(&path).is(200).json().get("emails"), None);
}

#[test]
fn unassigned_null_and_an_empty_list_are_one_state() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let nothing = [
        json!({}),
        json!({ "title": null, "emails": null, "name": null, ENTERPRISE: null }),
        json!({ "emails": [], "name": {}, ENTERPRISE: {} }),
        json!({ "emails": [null], "name": { "givenName": null }, ENTERPRISE: { "manager": null, "department": null } }),
    ];
    let keys =
        |user: &Value| user.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ");
    for (n, more) in nothing.iter().enumerate() {
        let user = made(&caller, &format!("user{n}"), more.clone()).is(201).json();
        assert_eq!(keys(&user), "schemas id userName active meta", "{more}");
    }
    for filter in
        ["title eq null", "emails eq null", "not (emails pr)", "name.givenName eq null", "not (name pr)"]
    {
        let found = caller.get(&format!("/Users?filter={}", encoded(filter))).ids();
        assert_eq!(found.len(), nothing.len(), "{filter}");
    }
    let full = json!({ "title": "T", "emails": [{ "value": "a@example.com" }], "name": { "givenName": "G" },
        ENTERPRISE: { "department": "D" } });
    let path = format!("/Users/{}", made(&caller, "full", full.clone()).is(201).id());
    for more in nothing {
        let mut body = full.clone();
        body.as_object_mut().expect("an object").extend(
            json!({ "schemas": [USER, ENTERPRISE], "userName": "full" })
                .as_object()
                .expect("an object")
                .clone(),
        );
        caller.put(&path, &body).is(200);
        let mut body = json!({ "schemas": [USER, ENTERPRISE], "userName": "full" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        assert_eq!(
            keys(&caller.put(&path, &body).is(200).json()),
            "schemas id userName active meta",
            "{more}"
        );
    }
}

#[test]
fn a_password_is_taken_and_shown_to_nobody() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let answer = made(&caller, "ada", json!({ "password": "correct horse" })).is(201);
    let path = format!("/Users/{}", answer.id());
    let put = json!({ "schemas": [USER], "userName": "ada", "password": "battery staple" });
    let replace = json!([{ "op": "replace", "path": "password", "value": "correct horse" }]);
    let without = json!([{ "op": "add", "value": { "password": "correct horse" } }]);
    for answer in [
        answer,
        caller.put(&path, &put).is(200),
        caller.patch(&path, replace).is(200),
        caller.patch(&path, without).is(200),
        caller.get(&path).is(200),
        caller.get(&format!("{path}?attributes=password,userName")).is(200),
        caller.get("/Users?attributes=password").is(200),
        caller.post("/.search", &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "attributes": ["password"] })).is(200),
    ] {
        let text = answer.text();
        assert!(!text.contains("password") && !text.contains("horse") && !text.contains("staple"), "{text}");
    }
}

//! Schema extensions of a team: loaded beside a running server, validated, searched, patched, unique, discovered by
//! that team alone, and removed only when nobody uses them.

use serde_json::{Value, json};

use crate::server::{Caller, Server, USER};

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

fn badge() -> Value {
    json!({
        "id": BADGE, "name": "Badge", "description": "The badge that opens doors",
        "attributes": [
            { "name": "number", "type": "string", "uniqueness": "server" },
            { "name": "level", "type": "integer" },
            { "name": "hint", "type": "string", "returned": "request" },
            { "name": "pin", "type": "string", "returned": "never", "mutability": "writeOnly" },
            { "name": "serial", "type": "string", "mutability": "immutable" },
            { "name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value", "type": "string" }, { "name": "type", "type": "string" } ] },
        ],
    })
}

/// Writes the document into a file and loads it.
fn add(server: &Server, document: &Value, args: &[&str]) -> crate::server::Ran {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("badge.json");
    std::fs::write(&file, document.to_string()).expect("it is written");
    let file = file.to_string_lossy().into_owned();
    server.data().run(&[&["schema", "add", &file], args].concat())
}

fn person(caller: &Caller, name: &str, badge: Value) -> crate::client::Answer {
    caller.post("/Users", &json!({ "schemas": [USER, BADGE], "userName": name, BADGE: badge }))
}

fn found(caller: &Caller, query: &str) -> Vec<String> {
    let answer = caller.get(query).is(200);
    answer.json()["Resources"]
        .as_array()
        .map(|list| list.iter().map(|user| user["userName"].as_str().expect("a name").to_owned()).collect())
        .unwrap_or_default()
}

#[test]
fn a_running_server_takes_up_a_schema_and_serves_it_whole() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    person(&caller, "early", json!({ "number": "B0" })).error(400, "invalidSyntax");
    let said = add(&server, &badge(), &[]).well().stdout;
    assert!(said.contains(BADGE), "{said}");

    let all = json!({ "number": "B1", "level": 3, "hint": "blue", "pin": "1234", "serial": "s1",
        "doors": [{ "value": "north", "type": "in" }] });
    let made = person(&caller, "ada", all).is(201);
    let shown = made.json();
    assert_eq!(shown["schemas"], json!([USER, BADGE]));
    assert_eq!(shown[BADGE]["number"], "B1");
    // RFC 7643 §7: what is returned on request is shown to the one who sent it, and else when it is asked for.
    assert!(shown[BADGE]["hint"] == "blue" && shown[BADGE].get("pin").is_none(), "{shown}");
    let ada = format!("/Users/{}", made.id());
    let hint_of = |answer: &crate::client::Answer| answer.json()[BADGE]["hint"].clone();
    assert_eq!(hint_of(&caller.get(&ada).is(200)), Value::Null);
    let patch = |path: &str, value: Value| {
        caller
            .patch(&ada, json!([{ "op": "replace", "path": format!("{BADGE}:{path}"), "value": value }]))
            .is(200)
    };
    assert_eq!(hint_of(&patch("level", json!(4))), Value::Null);
    assert_eq!(hint_of(&patch("hint", json!("red"))), "red");
    assert_eq!(hint_of(&caller.put(&ada, &shown).is(200)), "blue");
    let asked = caller.get(&format!("{ada}?attributes={BADGE}:hint,{BADGE}:pin")).is(200).json();
    assert_eq!(asked[BADGE], json!({ "hint": "blue" }));
    person(&caller, "bob", json!({ "number": "B2", "level": 1 })).is(201);
    person(&caller, "eve", json!({ "level": 2 })).is(201);

    for (wrong, kind, words) in [
        (json!({ "level": "high" }), "invalidValue", "level"),
        (json!({ "nothing": 1 }), "invalidSyntax", "nothing"),
        (json!({ "doors": "north" }), "invalidValue", "doors"),
    ] {
        let refused = person(&caller, "wrong", wrong).error(400, kind);
        assert!(refused.contains(words), "{refused}");
    }
    person(&caller, "twin", json!({ "number": "b1" })).error(409, "uniqueness");

    let filter =
        |text: &str| found(&caller, &format!("/Users?filter={}", text.replace(' ', "+").replace('"', "%22")));
    assert_eq!(filter(&format!("{BADGE}:level ge 2")), ["ada", "eve"]);
    assert_eq!(filter(&format!("{BADGE}:number eq \"b2\"")), ["bob"]);
    assert_eq!(filter(&format!("{BADGE}:doors[value eq \"north\" and type eq \"in\"]")), ["ada"]);
    let sorted = format!("/Users?sortBy={BADGE}:level&sortOrder=descending");
    assert_eq!(found(&caller, &sorted), ["ada", "eve", "bob"]);

    caller.patch(&ada, json!([{ "op": "replace", "path": format!("{BADGE}:level"), "value": 9 }])).is(200);
    let doors = format!("{BADGE}:doors[type eq \"in\"].value");
    let patched =
        caller.patch(&ada, json!([{ "op": "replace", "path": doors, "value": "south" }])).is(200).json();
    assert_eq!(
        (&patched[BADGE]["level"], &patched[BADGE]["doors"][0]["value"]),
        (&json!(9), &json!("south"))
    );
    caller
        .patch(&ada, json!([{ "op": "replace", "path": format!("{BADGE}:serial"), "value": "s2" }]))
        .error(400, "mutability");
    caller
        .patch(&ada, json!([{ "op": "replace", "path": format!("{BADGE}:number"), "value": "B2" }]))
        .error(409, "uniqueness");
}

#[test]
fn it_is_discovered_by_its_team_and_by_nobody_else() {
    let server = Server::plain();
    server.data().run(&["team", "create", "Blue"]).well();
    server.data().run(&["team", "create", "Red"]).well();
    add(&server, &badge(), &["--team", "Blue"]).well();
    let blue = server.caller_with(&["--team", "Blue"]);
    let red = server.caller_with(&["--team", "Red", "--strict"]);

    let schema = blue.get(&format!("/Schemas/{BADGE}")).is(200).json();
    assert_eq!(schema["attributes"][0]["uniqueness"], "server");
    assert_eq!(schema["attributes"][1]["mutability"], "readWrite", "what was left out is there");
    let extensions =
        |caller: &Caller| caller.get("/ResourceTypes/User").is(200).json()["schemaExtensions"].to_string();
    assert!(extensions(&blue).contains(BADGE));
    assert!(!extensions(&red).contains(BADGE));
    red.get(&format!("/Schemas/{BADGE}")).error(404, "");
    let open = format!("{}/Schemas/{BADGE}", blue.base);
    server.client().send("GET", &open, &[], Vec::new()).is(404);

    person(&blue, "ada", json!({ "number": "B1" })).is(201);
    person(&red, "ada", json!({ "number": "B1" })).error(400, "invalidSyntax");
    red.get(&format!("/Users?filter={BADGE}:number+pr")).error(400, "invalidFilter");
    assert_eq!(found(&blue, &format!("/Users?filter={BADGE}:number+pr")), ["ada"]);
}

#[test]
fn a_document_that_is_wrong_is_refused_by_the_place() {
    let server = Server::plain();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut document = badge();
        change(&mut document);
        add(&server, &document, &[]).refused()
    };
    for (why, words) in [
        (refused(&|d| d["id"] = json!("badge")), "not a URN"),
        (refused(&|d| d["id"] = json!(crate::server::ENTERPRISE)), "already"),
        (refused(&|d| d["attributes"][1]["type"] = json!("number")), "attributes[1].type"),
        (refused(&|d| d["attributes"][0]["uniqe"] = json!(true)), "attributes[0].uniqe"),
        (refused(&|d| d["attributes"][3]["required"] = json!(true)), "attributes[3]: \"pin\""),
        (refused(&|d| *d = json!([])), "an object"),
    ] {
        assert!(why.contains(words), "{why}");
    }
    let why = server.data().run(&["schema", "add", "/nowhere/badge.json"]).refused();
    assert!(why.contains("/nowhere/badge.json"), "{why}");
    let list = server.data().run(&["schema", "list"]).well().stdout;
    assert_eq!(list.lines().count(), 1, "nothing was added: {list}");
}

#[test]
fn what_is_in_use_is_neither_removed_nor_bent() {
    let server = Server::plain();
    let caller = server.caller();
    add(&server, &badge(), &[]).well();
    assert!(add(&server, &badge(), &[]).well().stdout.contains("nothing was changed"));
    let first = person(&caller, "ada", json!({ "number": "B1", "level": 3 })).is(201).id();
    person(&caller, "bob", json!({ "level": 3 })).is(201);

    let why = server.data().run(&["schema", "remove", BADGE]).refused();
    assert!(why.contains("2 users"), "{why}");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = badge();
        change(&mut document);
        add(&server, &document, &[])
    };
    let without = |d: &mut Value| drop(d["attributes"].as_array_mut().expect("a list").remove(0));
    let why = changed(&without).refused();
    assert!(why.contains("1 user,") && why.contains(&first) && why.contains("number"), "{why}");
    let why = changed(&|d| d["attributes"][1]["type"] = json!("string")).refused();
    assert!(why.contains("2 users") && why.contains("level"), "{why}");
    let why = changed(&|d| d["attributes"][0]["required"] = json!(true)).refused();
    assert!(why.contains("1 user,") && why.contains("number"), "{why}");
    let why = changed(&|d| d["attributes"][1]["uniqueness"] = json!("server")).refused();
    assert!(why.contains("level") && why.contains("unique"), "{why}");
    let why = add(&server, &badge(), &["--for", "Group"]).refused();
    assert!(why.contains("loaded for User"), "{why}");

    let more = |d: &mut Value| {
        let list = d["attributes"].as_array_mut().expect("a list");
        list.push(json!({ "name": "color", "uniqueness": "server" }));
    };
    changed(&more).well();
    let path = format!("{BADGE}:color");
    caller.patch(&format!("/Users/{first}"), json!([{ "op": "add", "path": path, "value": "red" }])).is(200);
    person(&caller, "eve", json!({ "color": "RED" })).error(409, "uniqueness");
    let list = server.data().run(&["schema", "list"]).well().stdout;
    assert!(list.contains(BADGE) && list.contains(" 2 "), "{list}");

    for id in caller.get("/Users").ids() {
        caller.patch(&format!("/Users/{id}"), json!([{ "op": "remove", "path": BADGE }])).is(200);
    }
    server.data().run(&["schema", "remove", &BADGE.to_uppercase()]).well();
    caller.get(&format!("/Schemas/{BADGE}")).error(404, "");
    let why = server.data().run(&["schema", "remove", BADGE]).refused();
    assert!(why.contains("no schema"), "{why}");
}

#[test]
fn an_attribute_made_unique_holds_for_values_that_were_there_before() {
    let server = Server::plain();
    let caller = server.caller();
    let with = |uniqueness: &str| {
        json!({ "id": BADGE, "attributes": [
        { "name": "number", "uniqueness": uniqueness } ] })
    };
    add(&server, &with("none"), &[]).well();
    person(&caller, "ada", json!({ "number": "B1" })).is(201);
    add(&server, &with("server"), &[]).well();
    person(&caller, "bob", json!({ "number": "b1" })).error(409, "uniqueness");
    add(&server, &with("none"), &[]).well();
    person(&caller, "bob", json!({ "number": "b1" })).is(201);
    let why = add(&server, &with("server"), &[]).refused();
    assert!(why.contains("number") && why.contains("more than one"), "{why}");
}

#[test]
fn a_group_has_extensions_too() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let urn = "urn:example:2.0:Cost";
    add(
        &server,
        &json!({ "id": urn, "attributes": [{ "name": "center", "type": "integer" }] }),
        &["--for", "group"],
    )
    .well();
    let body =
        json!({ "schemas": [crate::server::GROUP, urn], "displayName": "Engineers", urn: { "center": 7 } });
    let made = caller.post("/Groups", &body).is(201);
    assert_eq!(made.json()[urn], json!({ "center": 7 }));
    assert_eq!(caller.get(&format!("/Groups?filter={urn}:center+lt+8")).ids(), [made.id().as_str()]);
    caller.get(&format!("/Users?filter={urn}:center+lt+8")).error(400, "invalidFilter");
}

/// An attribute of every type, alone and in lists, and of every characteristic.
const EVERY: &str = "urn:example:params:scim:schemas:extension:every:2.0:User";

fn every() -> Value {
    json!({ "id": EVERY, "name": "Every", "attributes": [
        { "name": "text" }, { "name": "exact", "caseExact": true }, { "name": "flag", "type": "boolean" },
        { "name": "whole", "type": "integer" }, { "name": "real", "type": "decimal" },
        { "name": "at", "type": "dateTime" }, { "name": "bytes", "type": "binary" },
        { "name": "page", "type": "reference", "referenceTypes": ["external"] },
        { "name": "texts", "multiValued": true }, { "name": "wholes", "type": "integer", "multiValued": true },
        { "name": "desk", "type": "complex", "subAttributes": [
            { "name": "room", "required": true }, { "name": "codes", "multiValued": true, "caseExact": true } ] },
        { "name": "cards", "type": "complex", "multiValued": true },
        { "name": "shown", "returned": "always" }, { "name": "asked", "returned": "request" },
        { "name": "hidden", "returned": "never" }, { "name": "secret", "mutability": "writeOnly" },
        { "name": "fixed", "mutability": "immutable" }, { "name": "filled", "mutability": "readOnly" },
        { "name": "number", "type": "integer", "uniqueness": "global" },
        { "name": "labels", "multiValued": true, "uniqueness": "server" },
    ] })
}

fn all() -> Value {
    json!({
        "text": "Alpha", "exact": "Beta", "flag": true, "whole": 7, "real": 1.5,
        "at": "2026-11-23T18:00:00+02:00", "bytes": "/+8=", "page": "https://example.com/p#x",
        "texts": ["One", "two"], "wholes": [1, 2],
        "desk": { "room": "12", "codes": ["a", "B"] },
        "cards": [
            { "value": "c1", "display": "Blue", "type": "door", "primary": true, "$ref": "https://example.com/c1" },
            { "value": "c2" },
        ],
        "shown": "always", "fixed": "f1", "number": 41, "labels": ["L1", "L2"],
    })
}

fn every_person(caller: &Caller, name: &str, values: &Value) -> crate::client::Answer {
    let body = json!({ "schemas": [USER, EVERY], "userName": name, EVERY: values });
    caller.post("/Users", &body)
}

#[test]
fn every_type_is_kept_and_what_is_not_of_it_is_refused() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    add(&server, &every(), &[]).well();
    let mut sent = all();
    for (name, value) in [("asked", "a"), ("hidden", "h"), ("secret", "s"), ("filled", "x")] {
        sent[name] = json!(value);
    }
    let made = every_person(&caller, "ada", &sent).is(201);
    let mut shown = all();
    shown["asked"] = json!("a");
    assert_eq!(made.json()[EVERY], shown, "what was sent comes back, but for what nobody may read or send");
    let read = caller.get(&format!("/Users/{}", made.id())).is(200).json();
    assert_eq!(read[EVERY], all());

    for (name, wrong) in [
        ("text", json!(5)),
        ("flag", json!("true")),
        ("whole", json!(1.5)),
        ("whole", json!("7")),
        ("real", json!("1.5")),
        ("at", json!("2026-11-23")),
        ("at", json!("2026-11-23T18:00:60Z")),
        ("bytes", json!("a b")),
        ("bytes", json!("AA=")),
        ("page", json!("no uri")),
        ("texts", json!("One")),
        ("wholes", json!([1, "2"])),
        ("desk", json!({ "codes": ["a"] })),
        ("desk", json!([{ "room": "12" }])),
        ("desk", json!("12")),
        ("cards", json!([{ "value": "a", "primary": true }, { "value": "b", "primary": true }])),
        ("cards", json!([{ "value": "a", "primary": "yes" }])),
        ("cards", json!(["a"])),
    ] {
        let refused = every_person(&caller, "wrong", &json!({ name: wrong })).error(400, "invalidValue");
        assert!(refused.contains(&format!("{EVERY}:{name}")), "{name}: {refused}");
    }
    for unassigned in [json!(null), json!([]), json!({ "texts": [], "desk": null, "cards": [] })] {
        let body = json!({ "schemas": [USER, EVERY], "userName": "nothing", EVERY: unassigned });
        let made = caller.post("/Users", &body).is(201);
        assert_eq!((made.json().get(EVERY), &made.json()["schemas"]), (None, &json!([USER])));
        caller.delete(&format!("/Users/{}", made.id())).is(204);
    }
    for (name, value) in [("number", json!(41)), ("labels", json!(["l2"]))] {
        every_person(&caller, "twin", &json!({ name: value })).error(409, "uniqueness");
    }
}

#[test]
fn every_type_is_found_and_sorted_by() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    add(&server, &every(), &[]).well();
    every_person(&caller, "ada", &all()).is(201);
    let other = json!({ "text": "beta", "exact": "alpha", "flag": false, "whole": 10, "real": 0.25,
        "at": "2026-11-23T16:30:00Z", "page": "https://example.com/P", "desk": { "room": "9" } });
    every_person(&caller, "bob", &other).is(201);
    let filter = |text: &str| {
        let filter = crate::filters::encoded(&text.replace('@', &format!("{EVERY}:")));
        found(&caller, &format!("/Users?filter={filter}&sortBy=userName")).join(" ")
    };
    for (text, names) in [
        ("@text eq \"ALPHA\"", "ada"),
        ("@exact eq \"beta\"", ""),
        ("@exact eq \"Beta\"", "ada"),
        ("@flag eq false", "bob"),
        ("@whole gt 7", "bob"),
        ("@real le 1.5", "ada bob"),
        ("@at eq \"2026-11-23T16:00:00Z\"", "ada"),
        ("@at gt \"2026-11-23T18:00:00+02:00\"", "bob"),
        ("@bytes eq \"/+8=\"", "ada"),
        ("@page eq \"https://example.com/P\"", "bob"),
        ("@texts eq \"ONE\"", "ada"),
        ("@wholes eq 2", "ada"),
        ("@desk.room eq \"9\"", "bob"),
        ("@desk.codes eq \"b\"", ""),
        ("@desk[codes eq \"B\" and room eq \"12\"]", "ada"),
        ("@cards[type eq \"door\" and primary eq true]", "ada"),
        ("@cards[value eq \"c2\" and primary eq false]", "ada"),
        ("@cards.display sw \"blu\"", "ada"),
        ("@labels eq \"l1\"", "ada"),
        ("@number pr", "ada"),
        ("not (@fixed pr)", "bob"),
    ] {
        assert_eq!(filter(text), names, "{text}");
    }
    for (name, first) in [
        ("text", "ada"),
        ("exact", "ada"),
        ("whole", "ada"),
        ("real", "bob"),
        ("at", "ada"),
        ("desk.room", "ada"),
        ("cards", "ada"),
    ] {
        let sorted = found(&caller, &format!("/Users?sortBy={EVERY}:{name}"));
        assert_eq!(sorted[0], first, "{name}");
    }
    for text in [
        "@flag gt true",
        "@whole eq \"7\"",
        "@at eq \"soon\"",
        "@bytes gt \"AA\"",
        "@desk eq \"12\"",
        "@none pr",
    ] {
        let filter = crate::filters::encoded(&text.replace('@', &format!("{EVERY}:")));
        caller.get(&format!("/Users?filter={filter}")).error(400, "invalidFilter");
    }
}

#[test]
fn every_characteristic_holds() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    add(&server, &every(), &[]).well();
    let ada = format!("/Users/{}", every_person(&caller, "ada", &all()).is(201).id());
    let asked = |query: &str| caller.get(&format!("{ada}?{query}")).is(200).json()[EVERY].clone();
    assert_eq!(asked("attributes=userName"), json!({ "shown": "always" }));
    assert_eq!(asked(&format!("excludedAttributes={EVERY}")), json!({ "shown": "always" }));
    assert_eq!(
        asked(&format!("attributes={EVERY}:desk.room")),
        json!({ "desk": { "room": "12" }, "shown": "always" })
    );
    assert_eq!(asked(&format!("attributes={EVERY}:hidden,{EVERY}:secret")), json!({ "shown": "always" }));
    assert!(asked(&format!("excludedAttributes={EVERY}:shown,{EVERY}:cards")).get("shown").is_some());

    let patch = |op: &str, path: &str, value: Value| {
        let mut operation = json!({ "op": op, "path": format!("{EVERY}:{path}") });
        if !value.is_null() {
            operation["value"] = value;
        }
        caller.patch(&ada, json!([operation]))
    };
    patch("replace", "fixed", json!("f2")).error(400, "mutability");
    patch("remove", "fixed", Value::Null).error(400, "mutability");
    patch("replace", "filled", json!("x")).error(400, "mutability");
    patch("remove", "desk.room", Value::Null).error(400, "mutability");
    patch("replace", "cards[value eq \"c1\"].display", json!("Red")).error(400, "mutability");
    patch("replace", "whole", json!("x")).error(400, "invalidValue");
    patch("replace", "none", json!("x")).error(400, "invalidPath");
    let value = |answer: crate::client::Answer, name: &str| answer.is(200).json()[EVERY][name].clone();
    assert_eq!(
        value(patch("add", "texts", json!(["TWO", "three"])), "texts"),
        json!(["One", "two", "three"])
    );
    assert_eq!(value(patch("add", "desk.codes", json!(["c"])), "desk")["codes"], json!(["a", "B", "c"]));
    assert_eq!(value(patch("remove", "wholes[value eq 1]", Value::Null), "wholes"), json!([2]));
    let cards = value(patch("replace", "cards[value eq \"c2\"].primary", json!(true)), "cards");
    assert_eq!((&cards[0]["primary"], &cards[1]["primary"]), (&json!(false), &json!(true)));
    assert_eq!(value(patch("replace", "secret", json!("s2")), "secret"), Value::Null);
    assert_eq!(value(patch("replace", "asked", json!("b")), "asked"), json!("b"));

    let put = |values: Value| {
        caller.put(&ada, &json!({ "schemas": [USER, EVERY], "userName": "ada", EVERY: values }))
    };
    put(json!({ "fixed": "f2" })).error(400, "mutability");
    put(json!({ "desk": { "codes": ["a"] } })).error(400, "invalidValue");
    let left = put(json!({ "text": "left", "filled": "x" })).is(200).json();
    assert_eq!(left[EVERY], json!({ "text": "left", "fixed": "f1" }));

    let schema = caller.get(&format!("/Schemas/{EVERY}")).is(200).json();
    let attribute = |name: &str| {
        let list = schema["attributes"].as_array().expect("a list");
        list.iter().find(|attribute| attribute["name"] == name).cloned().expect("it is there")
    };
    assert_eq!(attribute("secret")["returned"], "never");
    assert_eq!(attribute("page")["caseExact"], true);
    assert_eq!(attribute("page")["referenceTypes"], json!(["external"]));
    assert_eq!(attribute("cards")["subAttributes"].as_array().map(Vec::len), Some(5));
    assert!(caller.get("/ResourceTypes/User").is(200).text().contains(EVERY));
}

#[test]
fn what_the_rfc_rules_out_of_a_schema_is_refused() {
    let server = Server::plain();
    let refused = |document: &Value| add(&server, document, &[]).refused();
    let with =
        |attribute: Value| refused(&json!({ "id": EVERY, "attributes": [{ "name": "a" }, attribute] }));
    let why = with(json!({ "name": "b", "type": "boolean", "uniqueness": "server" }));
    assert!(why.contains("attributes[1].uniqueness"), "{why}");
    let why = with(json!({ "name": "b", "type": "reference", "referenceTypes": ["Printer"] }));
    assert!(why.contains("attributes[1].referenceTypes"), "{why}");
    let why = refused(&json!({ "id": "urn:example:a/b", "attributes": [{ "name": "a" }] }));
    assert!(why.contains("id:") && why.contains('/'), "{why}");
}

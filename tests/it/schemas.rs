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

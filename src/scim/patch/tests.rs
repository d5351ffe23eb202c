//! What PATCH does to documents and members: the examples of RFC 7644 §3.5.2 in shape, each provider's habits, each error.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::scim::registry::{ENTERPRISE, USER};
use crate::scim::{Leniency, ScimType};

fn barbara() -> Document {
    object(json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "7001",
        "userName": "barbara@example.com",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "emails": [
            {"value": "barbara@example.com", "type": "work", "primary": true},
            {"value": "babs@example.org", "type": "home"}
        ],
        "active": true,
        ENTERPRISE: {"department": "Sales", "manager": {"value": "m-1"}}
    }))
}

fn object(value: Value) -> Document {
    value.as_object().expect("an object").clone()
}

fn message(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

fn attempt(document: &Document, operations: Value, mode: Mode) -> Result<(Document, Notes), ScimError> {
    let registry = Registry::standard();
    let plan = plan(&registry, Kind::User, &message(operations), mode)?;
    let mut notes = plan.notes.clone();
    let after = plan.apply(&registry, Kind::User, document, mode, &mut notes)?;
    Ok((after, notes))
}

/// Both modes give the same document.
fn patched(operations: Value) -> Document {
    let strict = attempt(&barbara(), operations.clone(), Mode::Strict)
        .unwrap_or_else(|error| panic!("{operations}: {error}"));
    let compat =
        attempt(&barbara(), operations.clone(), Mode::Compat).expect("compat takes what strict takes");
    assert_eq!(strict.0, compat.0, "{operations}");
    assert_eq!(compat.1.leniencies, [], "{operations}");
    strict.0
}

fn lenient(operations: Value, leniencies: &[Leniency]) -> Document {
    let (after, notes) = attempt(&barbara(), operations.clone(), Mode::Compat)
        .unwrap_or_else(|error| panic!("{operations}: {error}"));
    assert_eq!(notes.leniencies, leniencies, "{operations}");
    after
}

fn refused(operations: Value, mode: Mode) -> (Option<ScimType>, String) {
    let error = attempt(&barbara(), operations.clone(), mode)
        .map(|(after, _)| after)
        .expect_err(&operations.to_string());
    assert_eq!(error.status, 400, "{operations}: {error}");
    (error.scim_type, error.detail)
}

#[test]
fn add_without_path_adds_to_lists_and_sets_the_rest() {
    let after = patched(json!([{"op": "add", "value": {
        "emails": [{"value": "b@example.net", "type": "other"}],
        "nickname": "Babs"
    }}]));
    assert_eq!(after["nickName"], "Babs");
    assert_eq!(after["emails"].as_array().expect("a list").len(), 3);
    assert_eq!(after["emails"][2], json!({"value": "b@example.net", "type": "other"}));
}

#[test]
fn add_to_a_list_makes_no_repeats() {
    for value in [
        json!([{"value": "BABS@example.org", "type": "home"}]),
        json!({"value": "babs@example.org"}),
        json!([{"value": "babs@example.org", "type": "Home"}, {"value": "babs@example.org"}]),
    ] {
        assert_eq!(patched(json!([{"op": "add", "path": "emails", "value": value}])), barbara());
    }
    let other_type = patched(
        json!([{"op": "add", "path": "emails", "value": {"value": "babs@example.org", "type": "other"}}]),
    );
    assert_eq!(other_type["emails"].as_array().expect("a list").len(), 3);
    let more = patched(
        json!([{"op": "add", "path": "emails", "value": {"value": "babs@example.org", "display": "Babs"}}]),
    );
    assert_eq!(more["emails"][1], json!({"value": "babs@example.org", "type": "home", "display": "Babs"}));
    let address = json!({"type": "work", "locality": "Hollywood"});
    let twice = patched(json!([
        {"op": "add", "path": "addresses", "value": address},
        {"op": "add", "path": "addresses", "value": [address, address]}
    ]));
    assert_eq!(twice["addresses"], json!([address]));
}

#[test]
fn a_new_primary_demotes_the_old_one() {
    let demoted = |after: &Document| {
        assert_eq!(after["emails"][0]["primary"], json!(false));
        assert_eq!(
            after["emails"]
                .as_array()
                .expect("a list")
                .iter()
                .filter(|value| value["primary"] == json!(true))
                .count(),
            1
        );
    };
    demoted(&patched(
        json!([{"op": "add", "path": "emails", "value": [{"value": "n@example.com", "primary": true}]}]),
    ));
    demoted(&patched(json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}])));
    demoted(&patched(json!([{"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}])));
    demoted(&patched(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "h@example.com", "type": "home", "primary": true}}]),
    ));
    demoted(&patched(
        json!([{"op": "add", "path": "emails[type eq \"other\" and primary eq true].value", "value": "o@example.com"}]),
    ));
    // What is sent again without the mark makes no second primary value.
    demoted(&patched(json!([{"op": "add", "path": "emails", "value": [
        {"value": "n@example.com", "primary": true}, {"value": "barbara@example.com", "type": "work"}
    ]}])));
    let (kind, detail) =
        refused(json!([{"op": "replace", "path": "emails.primary", "value": true}]), Mode::Strict);
    assert_eq!(kind, Some(ScimType::InvalidValue));
    assert!(detail.contains("only one value of emails"), "{detail}");
    let kept = lenient(
        json!([{"op": "replace", "path": "emails.primary", "value": true}]),
        &[Leniency::TwoPrimaries],
    );
    assert_eq!(kept["emails"][0]["primary"], json!(true));
    assert_eq!(kept["emails"][1]["primary"], json!(false));
}

#[test]
fn complex_attributes_keep_what_is_not_named() {
    for op in ["add", "replace"] {
        let after =
            patched(json!([{"op": op, "path": "name", "value": {"givenName": "Babs", "middleName": "J"}}]));
        assert_eq!(after["name"], json!({"familyName": "Jensen", "givenName": "Babs", "middleName": "J"}));
    }
    let after = patched(json!([{"op": "replace", "path": "name.givenName", "value": "Babs"}]));
    assert_eq!(after["name"], json!({"familyName": "Jensen", "givenName": "Babs"}));
    let after = patched(json!([{"op": "replace", "path": "name", "value": {"givenName": null}}]));
    assert_eq!(after["name"], json!({"familyName": "Jensen"}));
}

#[test]
fn remove_unassigns() {
    assert!(!patched(json!([{"op": "remove", "path": "externalId"}])).contains_key("externalId"));
    assert!(!patched(json!([{"op": "remove", "path": "emails"}])).contains_key("emails"));
    assert!(!patched(json!([{"op": "remove", "path": "name"}])).contains_key("name"));
    assert_eq!(
        patched(json!([{"op": "remove", "path": "name.givenName"}]))["name"],
        json!({"familyName": "Jensen"})
    );
    let all =
        json!([{"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "name.familyName"}]);
    assert!(!patched(all).contains_key("name"));
    assert_eq!(patched(json!([{"op": "remove", "path": "title"}])), barbara());
    assert_eq!(
        patched(json!([{"op": "replace", "path": "externalId", "value": null}])).get("externalId"),
        None
    );
    assert_eq!(patched(json!([{"op": "replace", "path": "emails", "value": []}])).get("emails"), None);
}

#[test]
fn remove_with_a_filter_takes_the_values_found() {
    let after =
        patched(json!([{"op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]"}]));
    assert_eq!(after["emails"], json!([{"value": "babs@example.org", "type": "home"}]));
    assert!(!patched(json!([{"op": "remove", "path": "emails[value co \"@\"]"}])).contains_key("emails"));
    let after = patched(json!([{"op": "remove", "path": "emails[type eq \"work\"].primary"}]));
    assert_eq!(after["emails"][0], json!({"value": "barbara@example.com", "type": "work"}));
    let path = json!([{"op": "remove", "path": "emails[type eq \"fax\"]"}]);
    assert_eq!(refused(path.clone(), Mode::Strict).0, Some(ScimType::NoTarget));
    assert_eq!(lenient(path, &[Leniency::RemoveMissing]), barbara());
}

#[test]
fn replace_with_a_filter_replaces_the_values_found_whole() {
    let after = patched(
        json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "w@example.com"}}]),
    );
    assert_eq!(
        after["emails"],
        json!([{"value": "w@example.com"}, {"value": "babs@example.org", "type": "home"}])
    );
    let after = patched(
        json!([{"op": "replace", "path": "emails[value co \"@\"]", "value": {"value": "one@example.com"}}]),
    );
    assert_eq!(after["emails"], json!([{"value": "one@example.com"}]));
    let after = patched(
        json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@example.com"}]),
    );
    assert_eq!(after["emails"][1], json!({"value": "h@example.com", "type": "home"}));
    let after = patched(
        json!([{"op": "replace", "value": {"emails": [{"value": "only@example.com"}], "nickname": "B"}}]),
    );
    assert_eq!(
        (&after["emails"], &after["nickName"]),
        (&json!([{"value": "only@example.com"}]), &json!("B"))
    );
}

#[test]
fn values_that_become_the_same_are_one() {
    let second = json!({"op": "add", "path": "emails", "value": {"value": "b@example.com", "type": "work", "display": "B"}});
    for change in [
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "one@example.com"}),
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "one@example.com", "type": "work", "display": "B", "primary": true}}),
    ] {
        let after = patched(json!([second, change]));
        let one = json!({"value": "one@example.com", "type": "work", "primary": true, "display": "B"});
        assert_eq!(after["emails"], json!([one, {"value": "babs@example.org", "type": "home"}]), "{change}");
    }
    let mark = json!({"op": "add", "path": "emails[value eq \"b@example.com\"].primary", "value": true});
    let same = json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "one@example.com"});
    let after = patched(json!([second, mark, same]));
    assert_eq!(after["emails"][0]["primary"], json!(true), "the mark is not lost");
    let types = patched(
        json!([{"op": "replace", "path": "emails.type", "value": "other"}, {"op": "replace", "path": "emails.value", "value": "x@example.com"}]),
    );
    assert_eq!(types["emails"], json!([{"value": "x@example.com", "type": "other", "primary": true}]));
}

#[test]
fn a_filter_that_finds_nothing_makes_a_value_or_fails() {
    let add =
        json!([{"op": "add", "path": "addresses[type eq \"work\"].streetAddress", "value": "911 Plaza"}]);
    assert_eq!(patched(add)["addresses"], json!([{"type": "work", "streetAddress": "911 Plaza"}]));
    let replace = json!([
        {"op": "Replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "911 Plaza"},
        {"op": "Replace", "path": "addresses[type eq \"work\"].locality", "value": "Hollywood"},
        {"op": "Add", "path": "addresses[type eq \"work\"].country", "value": "US"}
    ]);
    let (kind, detail) = refused(replace.clone(), Mode::Strict);
    assert_eq!(kind, Some(ScimType::NoTarget));
    assert_eq!(detail, "Operations[0].path: no value satisfies addresses[type eq \"work\"]");
    assert_eq!(
        lenient(replace, &[Leniency::ReplaceCreates])["addresses"],
        json!([{"type": "work", "streetAddress": "911 Plaza", "locality": "Hollywood", "country": "US"}])
    );
    let whole = json!([{"op": "replace", "path": "roles[primary eq \"True\"]", "value": {"value": "admin"}}]);
    let after = lenient(whole, &[Leniency::TextBoolean, Leniency::ReplaceCreates]);
    assert_eq!(after["roles"], json!([{"primary": true, "value": "admin"}]));
    for path in [
        "emails[type sw \"x\"].value",
        "emails[type eq \"a\" or type eq \"b\"].value",
        "emails[not (type pr)].value",
    ] {
        let operations = json!([{"op": "add", "path": path, "value": "x@example.com"}]);
        assert_eq!(refused(operations, Mode::Compat).0, Some(ScimType::NoTarget), "{path}");
    }
}

#[test]
fn extensions_come_and_go_with_their_values() {
    let number = format!("{ENTERPRISE}:employeeNumber");
    let after = patched(json!([{"op": "add", "path": number, "value": "701984"}]));
    assert_eq!(after[ENTERPRISE]["employeeNumber"], "701984");
    let bare = object(json!({"schemas": [USER], "userName": "x"}));
    let (after, _) =
        attempt(&bare, json!([{"op": "add", "path": number, "value": "1"}]), Mode::Strict).expect("added");
    assert_eq!(after["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(after[ENTERPRISE], json!({"employeeNumber": "1"}));
    let after = patched(json!([{"op": "remove", "path": ENTERPRISE}]));
    assert_eq!((after.get(ENTERPRISE), &after["schemas"]), (None, &json!([USER])));
    let each = json!([
        {"op": "remove", "path": format!("{ENTERPRISE}:department")},
        {"op": "remove", "path": format!("{ENTERPRISE}:manager")}
    ]);
    assert_eq!(patched(each)["schemas"], json!([USER]));
    let after = patched(json!([{"op": "replace", "value": {ENTERPRISE: {"division": "Tours"}}}]));
    assert_eq!(
        after[ENTERPRISE],
        json!({"department": "Sales", "division": "Tours", "manager": {"value": "m-1"}})
    );
    // An object that names just its own schema says nothing new.
    let named = json!({"schemas": [ENTERPRISE], "division": "Tours"});
    for operation in [
        json!({"op": "add", "path": ENTERPRISE, "value": named}),
        json!({"op": "replace", "value": {ENTERPRISE: named}}),
    ] {
        assert_eq!(patched(json!([operation]))[ENTERPRISE]["division"], "Tours");
    }
    let other = json!([{"op": "add", "path": ENTERPRISE, "value": {"schemas": [USER]}}]);
    assert_eq!(refused(other, Mode::Strict).0, Some(ScimType::InvalidSyntax));
    let after = patched(json!([{"op": "add", "path": ENTERPRISE, "value": {"department": null}}]));
    assert_eq!(after[ENTERPRISE], json!({"manager": {"value": "m-1"}}));
    let after = patched(json!([{"op": "replace", "path": ENTERPRISE, "value": {"department": null}}]));
    assert_eq!(after[ENTERPRISE], json!({"manager": {"value": "m-1"}}));
}

#[test]
fn taking_an_extension_out_of_schemas_takes_its_values_out() {
    let bare = |after: &Document| !after.contains_key(ENTERPRISE) && after["schemas"] == json!([USER]);
    for operation in [
        json!({"op": "replace", "path": "schemas", "value": [USER]}),
        json!({"op": "remove", "path": format!("schemas[value eq \"{ENTERPRISE}\"]")}),
        json!({"op": "remove", "path": "schemas[value co \"extension\"]"}),
    ] {
        assert!(bare(&patched(json!([operation]))), "{operation}");
    }
    for operation in [
        json!({"op": "replace", "path": "schemas", "value": [ENTERPRISE, USER.to_uppercase()]}),
        json!({"op": "replace", "value": {"schemas": [USER]}}),
    ] {
        assert_eq!(patched(json!([operation])), barbara(), "{operation}");
    }
    for (operation, scim_type) in [
        (json!({"op": "replace", "path": "schemas", "value": []}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "schemas", "value": null}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "schemas", "value": [ENTERPRISE]}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "schemas", "value": {"value": USER}}), ScimType::InvalidValue),
        (json!({"op": "remove", "path": format!("schemas[value eq \"{USER}\"]")}), ScimType::Mutability),
        (json!({"op": "remove", "path": "schemas[value pr]"}), ScimType::Mutability),
        (
            json!({"op": "replace", "path": format!("schemas[value eq \"{ENTERPRISE}\"]"), "value": "x"}),
            ScimType::Mutability,
        ),
    ] {
        for mode in [Mode::Strict, Mode::Compat] {
            let (kind, detail) = refused(json!([operation]), mode);
            assert_eq!(kind, Some(scim_type), "{operation}: {detail}");
        }
    }
    let text = json!([{"op": "replace", "path": "schemas", "value": USER}]);
    assert_eq!(refused(text.clone(), Mode::Strict).0, Some(ScimType::InvalidValue));
    assert!(bare(&lenient(text, &[Leniency::SingleForList])));
    let nobody = json!([{"op": "remove", "path": "schemas[value eq \"urn:example:none\"]"}]);
    assert_eq!(refused(nobody, Mode::Strict).0, Some(ScimType::NoTarget));
}

#[test]
fn keys_without_path_may_be_paths_themselves() {
    let operations = json!([{"op": "replace", "value": {
        "name.givenName": "Babs",
        format!("{ENTERPRISE}:employeeNumber"): "7",
        "emails[type eq \"work\"].value": "w@example.com",
        "active": "False"
    }}]);
    let after = lenient(operations.clone(), &[Leniency::DottedKey, Leniency::TextBoolean]);
    assert_eq!(after["name"]["givenName"], "Babs");
    assert_eq!(after[ENTERPRISE]["employeeNumber"], "7");
    assert_eq!(after["emails"][0]["value"], "w@example.com");
    assert_eq!(after["active"], json!(false));
    assert_eq!(refused(operations, Mode::Strict).0, Some(ScimType::InvalidSyntax));
}

#[test]
fn read_only_keys_are_refused_but_without_a_path_ignored_for_a_compat_token() {
    let ignored = json!([{"op": "replace", "value": {
        "id": "x", "schemas": [USER], "meta": {"version": "9"}, "groups": [{"value": "g"}], "title": "Boss"
    }}]);
    let after = lenient(ignored, &[Leniency::ReadOnlyInPatch]);
    for name in ["id", "meta", "groups"] {
        let (scim_type, detail) = refused(json!([{"op": "replace", "value": {name: "x"}}]), Mode::Strict);
        assert_eq!(scim_type, Some(ScimType::Mutability), "{detail}");
    }
    assert_eq!(after["title"], "Boss");
    assert!(["id", "meta", "groups"].iter().all(|name| !after.contains_key(*name)));
    for path in [
        "id",
        "meta.version",
        "groups",
        "groups[value eq \"g\"]",
        &format!("{ENTERPRISE}:manager.displayName"),
    ] {
        for op in ["add", "replace", "remove"] {
            let (kind, detail) = refused(json!([{"op": op, "path": path, "value": "x"}]), Mode::Compat);
            assert_eq!(kind, Some(ScimType::Mutability), "{path}: {detail}");
        }
    }
}

#[test]
fn the_manager_is_taken_in_every_form() {
    let path = format!("{ENTERPRISE}:manager");
    let manager = |value: Value| json!([{"op": "Replace", "path": path, "value": value}]);
    assert_eq!(
        patched(manager(json!({"value": "m-2", "displayName": "Max"})))[ENTERPRISE]["manager"],
        json!({"value": "m-2"})
    );
    assert_eq!(
        lenient(manager("m-2".into()), &[Leniency::ManagerForm])[ENTERPRISE]["manager"],
        json!({"value": "m-2"})
    );
    let (gone, _) = attempt(&barbara(), manager(json!({"value": ""})), Mode::Compat).expect("removed");
    assert_eq!(gone[ENTERPRISE], json!({"department": "Sales"}));
    let (gone, _) = attempt(&barbara(), manager("".into()), Mode::Compat).expect("removed");
    assert_eq!(gone[ENTERPRISE], json!({"department": "Sales"}));
    let old = json!([{"op": "Add", "path": format!("{ENTERPRISE}.manager"), "value": "m-3"}]);
    assert_eq!(
        lenient(old.clone(), &[Leniency::ManagerForm])[ENTERPRISE]["manager"],
        json!({"value": "m-3"})
    );
    assert_eq!(refused(old, Mode::Strict).0, Some(ScimType::InvalidPath));
    // What is said of a manager beside the id is found out from the id; the address alone stands for it.
    let address = "https://example.com/scim/Users/m-4";
    for operation in [
        json!({"op": "replace", "path": path, "value": {"$ref": address}}),
        json!({"op": "replace", "path": path, "value": {"$ref": address, "value": null}}),
        json!({"op": "add", "path": format!("{path}.$ref"), "value": address}),
        json!({"op": "replace", "path": ENTERPRISE, "value": {"manager": {"$ref": address}}}),
        json!({"op": "add", "value": {ENTERPRISE: {"manager": {"$ref": address}}}}),
        json!({"op": "replace", "path": path, "value": {"value": "m-4", "$ref": "https://example.com/elsewhere"}}),
        json!({"op": "replace", "path": path, "value": {"value": "m-4", "$ref": null}}),
    ] {
        assert_eq!(
            patched(json!([operation]))[ENTERPRISE]["manager"],
            json!({"value": "m-4"}),
            "{operation}"
        );
    }
    for operation in [
        json!({"op": "replace", "path": path, "value": {"$ref": "https://example.com/elsewhere"}}),
        json!({"op": "replace", "path": format!("{path}.$ref"), "value": "nobody"}),
    ] {
        for mode in [Mode::Strict, Mode::Compat] {
            let (kind, detail) = refused(json!([operation]), mode);
            assert_eq!(kind, Some(ScimType::InvalidValue), "{operation}: {detail}");
        }
    }
    let removed = json!([{"op": "remove", "path": path, "value": {"value": "m-1"}}]);
    assert_eq!(lenient(removed, &[Leniency::RemoveWithValue])[ENTERPRISE], json!({"department": "Sales"}));
}

#[test]
fn remove_with_a_value_list_removes_just_those() {
    let listed = |value: Value| json!([{"op": "remove", "path": "emails", "value": value}]);
    for value in [
        json!([{"value": "Babs@example.org"}]),
        json!({"value": "babs@example.org", "type": "home"}),
        json!("babs@example.org"),
        json!(["babs@example.org", "nobody@example.com"]),
    ] {
        let after = lenient(listed(value.clone()), &[Leniency::RemoveWithValue]);
        assert_eq!(after["emails"].as_array().expect("a list").len(), 1, "{value}");
        assert_eq!(after["emails"][0]["type"], "work");
        assert_eq!(refused(listed(value), Mode::Strict).0, Some(ScimType::InvalidValue));
    }
    for value in [json!([]), json!([{"value": "babs@example.org", "type": "work"}])] {
        assert_eq!(lenient(listed(value), &[Leniency::RemoveWithValue]), barbara());
    }
}

#[test]
fn unknown_attributes_are_dropped_and_the_rest_applies() {
    for path in [
        "shoeSize",
        "urn:example:2.0:Shoe:size",
        "emails[type eq \"work\"].colour",
        "emails[colour eq \"red\"].value",
        "shoes[size eq 5].value",
        "name.nickname",
    ] {
        let operations = json!([
            {"op": "replace", "path": path, "value": "x"},
            {"op": "replace", "path": "active", "value": false}
        ]);
        let (after, notes) = attempt(&barbara(), operations.clone(), Mode::Compat).expect(path);
        assert_eq!(after["active"], json!(false));
        assert_eq!(notes.leniencies, [Leniency::UnknownAttribute]);
        assert_eq!(notes.dropped, [path]);
        let within = path.contains("[colour");
        let wanted = if within { ScimType::InvalidFilter } else { ScimType::InvalidPath };
        assert_eq!(refused(operations, Mode::Strict).0, Some(wanted), "{path}");
    }
    let foreign = json!([{"op": "add", "value": {"urn:example:2.0:Shoe": {"size": 38}}}]);
    assert_eq!(lenient(foreign, &[Leniency::UnknownSchema]), barbara());
    let many: Document = (0..500).map(|n| (format!("x{n}"), json!(1))).collect();
    let (_, notes) =
        attempt(&barbara(), json!([{"op": "add", "value": many}]), Mode::Compat).expect("all dropped");
    assert_eq!(notes.dropped.len(), 100);
    let keys = json!([{"op": "replace", "value": {"jobTitle": "x", "active": false}}]);
    let after = lenient(keys.clone(), &[Leniency::UnknownAttribute]);
    assert_eq!(after["active"], json!(false));
    assert_eq!(refused(keys, Mode::Strict).0, Some(ScimType::InvalidSyntax));
}

#[test]
fn a_path_that_does_not_parse_is_refused_by_every_token() {
    for path in [
        "",
        "emails[",
        "emails[type eq \"work\"",
        "emails[type eq ",
        "emails[type eq \"work",
        "a b",
        "[x]",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"][type eq \"home\"]",
        "emails[type eq \"work\"].a.b",
        "name..x",
        "5",
        "emails[type eq \"work\"] junk",
    ] {
        for mode in [Mode::Strict, Mode::Compat] {
            let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
            assert_eq!(refused(operations, mode).0, Some(ScimType::InvalidPath), "{path}");
        }
    }
    // RFC 7644 table 9 has invalidFilter for the filter in a path.
    for path in [
        "emails[primary gt true].value",
        "emails[type eq 5].value",
        "emails[type eq work]",
        "emails[type xx \"work\"].value",
        "emails[type]",
        "emails[]",
        "emails[type eq \"\\x\"]",
        "emails[colour eq ]",
        "emails[type eq\t5]",
        "shoes[size eq]",
        "emails[(type eq \"work\"]",
        "emails[type eq 5and value pr]",
    ] {
        for mode in [Mode::Strict, Mode::Compat] {
            let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
            assert_eq!(refused(operations, mode).0, Some(ScimType::InvalidFilter), "{path}");
        }
    }
    // The example of §3.5.2.2 has no blank there.
    let close = patched(json!([{"op": "remove", "path": "emails[type eq\"home\"]"}]));
    assert_eq!(close["emails"].as_array().expect("a list").len(), 1);
    let operations = json!([{"op": "replace", "path": "name[givenName eq \"x\"].familyName", "value": "x"}]);
    assert_eq!(refused(operations, Mode::Compat).0, Some(ScimType::InvalidPath));
}

#[test]
fn required_attributes_stay() {
    for operation in [
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "userName", "value": null}),
        json!({"op": "replace", "value": {"userName": null}}),
        json!({"op": "remove", "path": "schemas"}),
    ] {
        assert_eq!(refused(json!([operation]), Mode::Compat).0, Some(ScimType::Mutability), "{operation}");
    }
}

#[test]
fn one_error_undoes_all() {
    let before = barbara();
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "remove", "path": "userName"}
    ]);
    assert!(attempt(&before, operations, Mode::Compat).is_err());
    assert_eq!(before, barbara());
}

#[test]
fn what_changes_nothing_gives_an_equal_document() {
    for operation in [
        json!({"op": "replace", "path": "active", "value": true}),
        json!({"op": "add", "path": "userName", "value": "barbara@example.com"}),
        json!({"op": "replace", "path": "name", "value": {"givenName": "Barbara"}}),
        json!({"op": "replace", "path": "name", "value": {}}),
        json!({"op": "replace", "value": {"name": {"givenName": "Barbara", "familyName": "Jensen"}}}),
        json!({"op": "remove", "path": "title"}),
        json!({"op": "add", "path": "password", "value": "s3cret-Pass"}),
        json!({"op": "remove", "path": "password"}),
        json!({"op": "add", "path": "schemas", "value": [ENTERPRISE]}),
        json!({"op": "replace", "path": "emails[type eq \"work\"].primary", "value": true}),
    ] {
        let after = patched(json!([operation]));
        assert_eq!(serde_json::to_string(&after).ok(), serde_json::to_string(&barbara()).ok(), "{operation}");
    }
}

#[test]
fn values_must_be_of_their_attributes_type() {
    for (operation, words) in [
        (json!({"op": "replace", "path": "active", "value": "maybe"}), "Operations[0].value"),
        (json!({"op": "replace", "path": "userName", "value": 5}), "Operations[0].value"),
        (json!({"op": "replace", "path": "userName", "value": {"a": 1}}), "Operations[0].value"),
        (json!({"op": "replace", "value": {"name": "x"}}), "Operations[0].value.name"),
        (json!({"op": "replace", "value": {"name": {"givenName": 5}}}), "Operations[0].value.name.givenName"),
        (json!({"op": "add", "path": "password", "value": 5}), "Operations[0].value"),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"].primary", "value": "maybe"}),
            "Operations[0].value",
        ),
        (json!({"op": "replace", "value": 5}), "must be an object"),
        (json!({"op": "replace", "value": null}), "must be an object"),
        (json!({"op": "replace", "path": "title"}), "value is missing"),
        (json!({"op": "add", "path": "schemas", "value": [5]}), "schema URNs"),
    ] {
        let (kind, detail) = refused(json!([operation]), Mode::Strict);
        assert_eq!(kind, Some(ScimType::InvalidValue), "{operation}: {detail}");
        assert!(detail.contains(words), "{operation}: {detail}");
    }
}

#[test]
fn the_envelope_is_checked() {
    let registry = Registry::standard();
    let refused =
        |body: Value, mode: Mode| plan(&registry, Kind::User, &body, mode).expect_err(&body.to_string());
    let operation = json!({"op": "replace", "path": "title", "value": "x"});
    for (body, words) in [
        (json!([]), "must be a JSON object"),
        (json!({"schemas": [PATCH_OP]}), "is missing"),
        (json!({"schemas": [PATCH_OP], "Operations": []}), "is empty"),
        (json!({"schemas": [PATCH_OP], "Operations": 5}), "must be a list"),
        (message(json!([5])), "Operations[0] must be an object"),
        (message(json!([{"path": "title"}])), "Operations[0].op is missing"),
        (message(json!([{"op": 5}])), "Operations[0].op must be a text"),
        (
            message(json!([operation, {"op": "move"}])),
            "Operations[1].op must be add, remove or replace, not \"move\"",
        ),
        (json!({"schemas": ["urn:scim:schemas:core:1.0"], "Operations": [operation]}), "SCIM 2.0"),
    ] {
        let error = refused(body, Mode::Compat);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{error}");
        assert!(error.detail.contains(words), "{error}");
    }
    assert_eq!(refused(message(json!([{"op": "remove"}])), Mode::Compat).scim_type, Some(ScimType::NoTarget));
    assert_eq!(
        refused(message(json!([{"op": "add", "path": 5, "value": 1}])), Mode::Compat).scim_type,
        Some(ScimType::InvalidPath)
    );
    for body in [json!({"Operations": [operation]}), json!({"schemas": [USER], "Operations": [operation]})] {
        assert_eq!(refused(body.clone(), Mode::Strict).scim_type, Some(ScimType::InvalidSyntax));
        let plan = plan(&registry, Kind::User, &body, Mode::Compat).expect("taken");
        assert_eq!(plan.notes.leniencies, [Leniency::MessageSchema]);
    }
    let any_case = json!({"SCHEMAS": [PATCH_OP.to_uppercase()], "operations": [{"OP": "REPLACE", "Path": "title", "VALUE": "x"}]});
    assert_eq!(plan(&registry, Kind::User, &any_case, Mode::Strict).expect("taken").edits.len(), 1);
    let many = message(Value::Array(vec![operation.clone(); MAX_OPERATIONS + 1]));
    assert_eq!(refused(many, Mode::Compat).status, 413);
    let many = message(Value::Array(vec![operation; MAX_EDITS + 1]));
    assert_eq!(refused(many, Mode::Compat).status, 413);
}

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

/// A team's own extension with what the standard ones lack.
fn badges() -> std::sync::Arc<Registry> {
    let text = |name: &str| json!({"name": name, "type": "string", "multiValued": false});
    let with = |mut attribute: Value, key: &str, value: Value| {
        attribute[key] = value;
        attribute
    };
    let complex = |name: &str, many: bool, required: &str| {
        let codes = with(text("codes"), "multiValued", true.into());
        let subs = [with(text(required), "required", true.into()), text("note"), codes];
        json!({"name": name, "type": "complex", "multiValued": many, "subAttributes": subs})
    };
    let document = json!({"id": BADGE, "name": "Badge", "description": "Badges", "attributes": [
        with(text("number"), "required", true.into()),
        with(text("hired"), "mutability", "immutable".into()),
        with(text("colours"), "multiValued", true.into()),
        with(text("floor"), "type", "integer".into()),
        complex("desk", false, "room"),
        complex("keys", true, "door"),
        json!({"name": "locker", "type": "complex", "subAttributes": [
            text("place"), with(text("colours"), "multiValued", true.into()), with(text("opened"), "mutability", "readOnly".into()),
        ]}),
        json!({"name": "cards", "type": "complex", "multiValued": true, "subAttributes": [
            text("value"), with(text("zones"), "multiValued", true.into()), with(text("opened"), "mutability", "readOnly".into()),
        ]}),
    ]});
    Registry::with_extensions(&[(Kind::User, document)]).expect("a well-formed extension")
}

fn badged(operations: Value) -> Result<Value, ScimError> {
    let registry = badges();
    let before = object(json!({"schemas": [USER, BADGE], "userName": "x", BADGE: {
        "number": "1", "hired": "2020", "colours": ["Red", "blue"], "desk": {"room": "a", "note": "n"},
        "keys": [{"door": "front", "note": "n"}, {"door": "back"}]
    }}));
    let plan = plan(&registry, Kind::User, &message(operations), Mode::Strict)?;
    let after = plan.apply(&registry, Kind::User, &before, Mode::Strict, &mut Notes::default())?;
    Ok(after.get(BADGE).cloned().unwrap_or_default())
}

fn on_badge(op: &str, path: &str, value: Value) -> Result<Value, ScimError> {
    badged(json!([{"op": op, "path": format!("{BADGE}:{path}"), "value": value}]))
}

#[test]
fn immutable_attributes_are_set_once() {
    assert_eq!(on_badge("replace", "hired", "2020".into()).expect("the same")["hired"], "2020");
    for (op, value) in [("replace", json!("2021")), ("add", json!("2021")), ("remove", Value::Null)] {
        let error = on_badge(op, "hired", value).expect_err(op);
        assert_eq!(error.scim_type, Some(ScimType::Mutability), "{error}");
    }
    let error = badged(json!([{"op": "remove", "path": BADGE}])).expect_err("it holds an immutable value");
    assert_eq!(error.scim_type, Some(ScimType::Mutability));
    let registry = badges();
    let bare = object(json!({"schemas": [USER], "userName": "x"}));
    let set = json!([{"op": "add", "value": {BADGE: {"number": "1", "hired": "2020"}}}]);
    let plan = plan(&registry, Kind::User, &message(set), Mode::Strict).expect("taken");
    let after =
        plan.apply(&registry, Kind::User, &bare, Mode::Strict, &mut Notes::default()).expect("applied");
    assert_eq!(after[BADGE]["hired"], "2020");
    assert_eq!(after["schemas"], json!([USER, BADGE]));
}

#[test]
fn required_parts_of_extensions_and_complex_values_stay() {
    for (op, path, value) in [
        ("remove", "number", Value::Null),
        ("remove", "desk.room", Value::Null),
        ("replace", "desk", json!({"room": null})),
        ("remove", "keys[door eq \"front\"].door", Value::Null),
        ("remove", "keys.door", Value::Null),
    ] {
        let error = on_badge(op, path, value).expect_err(path);
        assert_eq!(error.scim_type, Some(ScimType::Mutability), "{path}: {error}");
    }
    let error = on_badge("add", "keys[note eq \"z\"].note", "y".into()).expect_err("no door");
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{error}");
    assert!(error.detail.contains("keys.door is required"), "{error}");
    let bare = object(json!({"schemas": [USER], "userName": "x"}));
    let registry = badges();
    let plan = plan(
        &registry,
        Kind::User,
        &message(json!([{"op": "add", "path": format!("{BADGE}:floor"), "value": 3}])),
        Mode::Strict,
    );
    let error = plan.expect("taken").apply(&registry, Kind::User, &bare, Mode::Strict, &mut Notes::default());
    assert!(error.expect_err("no number").detail.contains("number is required"));
}

#[test]
fn lists_of_plain_values_add_select_and_lose_values() {
    assert_eq!(
        on_badge("add", "colours", json!(["RED", "green"])).expect("added")["colours"],
        json!(["Red", "blue", "green"])
    );
    assert_eq!(
        on_badge("add", "colours", json!("green")).expect("added")["colours"],
        json!(["Red", "blue", "green"])
    );
    assert_eq!(
        on_badge("remove", "colours[value eq \"red\"]", Value::Null).expect("removed")["colours"],
        json!(["blue"])
    );
    assert_eq!(
        on_badge("replace", "colours[value sw \"b\"]", json!("black")).expect("replaced")["colours"],
        json!(["Red", "black"])
    );
    assert_eq!(
        on_badge("add", "colours[value eq \"x\"]", json!("pink")).expect("added")["colours"],
        json!(["Red", "blue", "pink"])
    );
    assert_eq!(
        on_badge("replace", "colours", json!(["a", "a", "b"])).expect("replaced")["colours"],
        json!(["a", "b"])
    );
    assert_eq!(on_badge("remove", "keys[door pr]", Value::Null).expect("removed").get("keys"), None);
}

#[test]
fn add_to_a_list_within_a_complex_value_adds_to_it() {
    let after = |op: &str, path: &str, value: Value| {
        let add = |path: &str| json!({"op": "add", "path": format!("{BADGE}:{path}"), "value": ["a", "b"]});
        let next = json!({"op": op, "path": format!("{BADGE}:{path}"), "value": value});
        badged(json!([add("desk.codes"), add("keys.codes"), next])).expect(path)
    };
    let three = json!(["a", "b", "c"]);
    assert_eq!(after("add", "desk.codes", json!(["B", "c"]))["desk"]["codes"], three);
    assert_eq!(after("add", "desk", json!({"codes": ["c"]}))["desk"]["codes"], three);
    assert_eq!(after("replace", "desk.codes", json!(["c"]))["desk"]["codes"], json!(["c"]));
    assert_eq!(after("replace", "desk", json!({"codes": ["c"]}))["desk"]["codes"], json!(["c"]));
    assert_eq!(after("add", "desk.codes", json!([]))["desk"]["codes"], json!(["a", "b"]));
    assert_eq!(after("remove", "desk.codes", Value::Null)["desk"].get("codes"), None);
    let keys = after("add", "keys[door eq \"front\"].codes", json!(["c"]));
    assert_eq!((&keys["keys"][0]["codes"], &keys["keys"][1]["codes"]), (&three, &json!(["a", "b"])));
    let keys = after("add", "keys[door eq \"front\"]", json!({"codes": ["c"], "note": "z"}));
    assert_eq!((&keys["keys"][0]["codes"], &keys["keys"][0]["note"]), (&three, &json!("z")));
}

#[test]
fn what_is_read_only_within_a_value_is_refused_and_left_alone_for_a_compat_token() {
    let registry = badges();
    let bare = object(json!({"schemas": [USER], "userName": "x"}));
    for (path, value) in [
        (format!("{BADGE}:locker"), json!({"place": "a", "opened": "x"})),
        (format!("{BADGE}:cards[value eq \"1\"]"), json!({"opened": "x", "zones": ["a"]})),
    ] {
        let body = message(json!([
            {"op": "add", "path": BADGE, "value": {"number": "1", "cards": [{"value": "1"}]}},
            {"op": "add", "path": path, "value": value}
        ]));
        let error = plan(&registry, Kind::User, &body, Mode::Strict).expect_err("refused");
        assert_eq!(error.scim_type, Some(ScimType::Mutability), "{path}");
        assert!(error.detail.contains("Operations[1].value.opened"), "{error}");
        let plan = plan(&registry, Kind::User, &body, Mode::Compat).expect("taken");
        assert_eq!(plan.notes.leniencies, [Leniency::ReadOnlyInPatch]);
        let after =
            plan.apply(&registry, Kind::User, &bare, Mode::Compat, &mut Notes::default()).expect("applied");
        assert!(!after[BADGE].to_string().contains("opened"), "{after:?}");
    }
}

#[test]
fn long_lists_cost_no_more_than_they_are_long() {
    let many: Vec<Value> =
        (0..5_000).map(|n| json!({"value": format!("u{n}@example.com"), "type": "other"})).collect();
    let add = json!({"op": "add", "path": "emails", "value": many});
    let once = patched(json!([add]));
    assert_eq!(once["emails"].as_array().expect("a list").len(), 5_002);
    assert_eq!(attempt(&once, json!([add]), Mode::Strict).expect("added again").0, once);
    let often: Vec<Value> = (0..100)
        .map(|n| json!({"op": "replace", "path": format!("emails[value eq \"u{n}@example.com\"].display"), "value": "x"}))
        .collect();
    let error = attempt(&once, Value::Array(often), Mode::Strict).expect_err("too much");
    assert_eq!(error.status, 413);
}

fn member_edits(operation: Value, mode: Mode) -> Result<Vec<MemberEdit>, ScimError> {
    let plan = plan(&Registry::standard(), Kind::Group, &message(json!([operation])), mode)?;
    assert_eq!(plan.edits, [], "{operation}");
    Ok(plan.members)
}

fn member(id: &str) -> Member {
    Member { value: id.into(), kind: None }
}

#[test]
fn members_become_edits_of_edges() {
    let two = vec![member("a"), Member { value: "b".into(), kind: Some(Kind::User) }];
    let listed =
        json!([{"value": "a", "display": "A"}, {"value": "b", "$ref": "https://example.com/scim/Users/b"}]);
    for (operation, expected) in [
        (json!({"op": "add", "path": "members", "value": listed}), MemberEdit::Add(two.clone())),
        (
            json!({"op": "add", "path": "members", "value": {"value": "a"}}),
            MemberEdit::Add(vec![member("a")]),
        ),
        (json!({"op": "add", "value": {"members": listed}}), MemberEdit::Add(two.clone())),
        (json!({"op": "replace", "path": "members", "value": listed}), MemberEdit::Replace(two.clone())),
        (json!({"op": "replace", "value": {"members": listed}}), MemberEdit::Replace(two.clone())),
        (json!({"op": "replace", "value": {"members": []}}), MemberEdit::Replace(vec![])),
        (json!({"op": "remove", "path": "members"}), MemberEdit::RemoveAll),
        (json!({"op": "remove", "path": "members[value eq \"a\"]"}), MemberEdit::Remove(vec!["a".into()])),
        (
            json!({"op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]"}),
            MemberEdit::Remove(vec!["a".into(), "b".into()]),
        ),
        (
            json!({"op": "add", "path": "members[value eq \"a\"]", "value": {"display": "A"}}),
            MemberEdit::Add(vec![member("a")]),
        ),
    ] {
        for mode in [Mode::Strict, Mode::Compat] {
            let edits =
                member_edits(operation.clone(), mode).unwrap_or_else(|error| panic!("{operation}: {error}"));
            assert_eq!(edits, std::slice::from_ref(&expected), "{operation}");
        }
    }
    let edits = member_edits(json!({"op": "remove", "path": "members[type eq \"Group\"]"}), Mode::Strict)
        .expect("a filter");
    assert!(matches!(&edits[..], [MemberEdit::RemoveWhere { otherwise: Otherwise::Fail, .. }]));
    let edits = member_edits(
        json!({"op": "replace", "path": "members[value eq \"a\"]", "value": {"value": "b"}}),
        Mode::Strict,
    );
    assert!(
        matches!(&edits.expect("taken")[..], [MemberEdit::ReplaceWhere { with, create: false, .. }] if *with == [member("b")])
    );
}

#[test]
fn a_removal_with_a_member_list_never_empties_the_group() {
    for value in [
        json!([{"value": "a"}, {"value": "b"}]),
        json!([{"$ref": null, "value": "a"}, {"$ref": null, "value": "b"}]),
        json!(["a", "b"]),
    ] {
        let operation = json!({"op": "Remove", "path": "members", "value": value});
        assert_eq!(
            member_edits(operation.clone(), Mode::Compat).expect("taken"),
            [MemberEdit::Remove(vec!["a".into(), "b".into()])]
        );
        assert_eq!(
            member_edits(operation, Mode::Strict).expect_err("refused").scim_type,
            Some(ScimType::InvalidValue)
        );
    }
    let nobody = json!({"op": "remove", "path": "members", "value": []});
    assert_eq!(member_edits(nobody, Mode::Compat).expect("taken"), [MemberEdit::Remove(vec![])]);
}

#[test]
fn members_themselves_cannot_be_rewritten() {
    for operation in [
        json!({"op": "replace", "path": "members[value eq \"a\"].display", "value": "x"}),
        json!({"op": "replace", "path": "members[value eq \"a\"].value", "value": "x"}),
        json!({"op": "remove", "path": "members.value"}),
        json!({"op": "replace", "path": "members.display", "value": "x"}),
    ] {
        let error = member_edits(operation.clone(), Mode::Compat).expect_err("refused");
        assert_eq!(error.scim_type, Some(ScimType::Mutability), "{operation}");
    }
    let error = member_edits(
        json!({"op": "add", "path": "members[type eq \"User\"]", "value": {"display": "x"}}),
        Mode::Compat,
    );
    assert_eq!(error.expect_err("whom?").scim_type, Some(ScimType::NoTarget));
}

#[test]
fn a_group_takes_oktas_rename() {
    let body = message(json!([{"op": "replace", "value": {"id": "g-1", "displayName": "New name"}}]));
    let registry = Registry::standard();
    let group = object(json!({"schemas": [Kind::Group.urn()], "displayName": "Old name"}));
    let plan = plan(&registry, Kind::Group, &body, Mode::Compat).expect("taken");
    let after =
        plan.apply(&registry, Kind::Group, &group, Mode::Compat, &mut Notes::default()).expect("applied");
    assert_eq!(after["displayName"], "New name");
    assert_eq!(plan.notes.leniencies, [Leniency::ReadOnlyInPatch]);
    assert_eq!(plan.members, []);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = prop::sample::select(vec![
            "emails",
            "name",
            "value",
            "type",
            "primary",
            "givenName",
            "manager",
            ENTERPRISE,
            "x",
            "",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..3).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_operation_panics_and_none_breaks_the_document(
        op in prop::sample::select(vec!["add", "remove", "replace"]),
        path in prop::option::of(prop::sample::select(vec![
            "emails", "emails[type eq \"work\"]", "emails[type eq \"work\"].value", "emails.value", "name", "name.givenName",
            "schemas", "roles[value eq \"x\"].primary", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "userName", "password", "active",
        ])),
        value in any_json(),
    ) {
        let mut operation = json!({"op": op, "value": value});
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        for mode in [Mode::Strict, Mode::Compat] {
            if let Ok((after, _)) = attempt(&barbara(), json!([operation]), mode) {
                prop_assert!(after["schemas"].as_array().is_some_and(|listed| listed[0] == USER));
                prop_assert!(after["userName"].is_string());
                let bare = |value: &Value| value.is_null() || *value == json!([]) || *value == json!({});
                prop_assert!(!after.values().any(bare), "{:?}", after);
                prop_assert_eq!(after.contains_key(ENTERPRISE), after["schemas"].as_array().is_some_and(|listed| listed.len() == 2));
            }
        }
        let _ = plan(&Registry::standard(), Kind::Group, &message(json!([operation])), Mode::Compat);
    }

    #[test]
    fn no_body_makes_the_planner_panic(body in any_json(), path in "\\PC{0,30}") {
        let _ = plan(&Registry::standard(), Kind::User, &body, Mode::Compat);
        let _ = plan(&Registry::standard(), Kind::User, &message(body.clone()), Mode::Strict);
        let _ = plan(&Registry::standard(), Kind::User, &message(json!([{"op": "add", "path": path, "value": body}])), Mode::Compat);
    }
}

//! `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas`: complete, typed, true, and read-only (RFC 7644 §4).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::Server;
use crate::steady::steady;

#[test]
fn the_service_provider_config_is_as_recorded() {
    let server = Server::start();
    let answer = server.caller().get("/ServiceProviderConfig").is(200);
    insta::assert_snapshot!("service_provider_config", steady(&server, &answer));
}

#[test]
fn the_resource_types_are_as_recorded() {
    let server = Server::start();
    let answer = server.caller().get("/ResourceTypes").is(200);
    insta::assert_snapshot!("resource_types", steady(&server, &answer));
}

#[test]
fn the_schemas_are_as_recorded_and_hold_no_null() {
    let server = Server::start();
    let answer = server.caller().get("/Schemas").is(200);
    assert!(!contains_null(&answer.json()));
    insta::assert_snapshot!("schemas", steady(&server, &answer));
}

/// An attribute and its sub-attributes as `characteristics.txt` writes them.
fn characteristics(attribute: &Value, within: &str, lines: &mut Vec<String>) {
    let text = |name: &str| attribute[name].as_str().unwrap_or_else(|| panic!("{name} of {attribute}"));
    let flag = |name: &str| attribute[name].as_bool().unwrap_or_else(|| panic!("{name} of {attribute}"));
    assert!(!text("description").is_empty(), "{attribute} has a description");
    let many = if flag("multiValued") { "[]" } else { "" };
    let name = format!("{within}{}", text("name"));
    let mut line = format!("{name}{many} {}", text("type"));
    let exact = attribute["caseExact"] == true;
    for word in [("required", flag("required")), ("exact", exact)].iter().filter(|(_, holds)| *holds) {
        line += &format!(" {}", word.0);
    }
    for (name, default) in [("mutability", "readWrite"), ("returned", "default"), ("uniqueness", "none")] {
        if text(name) != default {
            line += &format!(" {}", text(name));
        }
    }
    for (name, sign) in [("canonicalValues", "="), ("referenceTypes", "->")] {
        let values: Vec<&str> =
            attribute[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !values.is_empty() {
            line += &format!(" {sign}{}", values.join("|"));
        }
    }
    lines.push(line);
    for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
        characteristics(sub, &format!("{name}."), lines);
    }
}

#[test]
fn every_attribute_has_the_characteristics_of_the_rfc() {
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut urn = "";
    for line in include_str!("../conformance/characteristics.txt").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            urn = name;
        } else if !line.is_empty() && !line.starts_with('#') {
            wanted.entry(urn.to_owned()).or_default().push(line.to_owned());
        }
    }
    assert_eq!(wanted.len(), 6);
    let server = Server::plain();
    let list = server.caller_with(&["--strict"]).get("/Schemas").is(200).json();
    let mut found = BTreeMap::new();
    for schema in list["Resources"].as_array().expect("a list") {
        let mut lines = Vec::new();
        for attribute in schema["attributes"].as_array().expect("attributes") {
            characteristics(attribute, "", &mut lines);
        }
        found.insert(schema["id"].as_str().expect("an id").to_owned(), lines);
    }
    for lines in wanted.values_mut().chain(found.values_mut()) {
        lines.sort();
    }
    assert_eq!(found, wanted);
}

#[test]
fn every_schema_that_is_named_is_served_and_no_message_is() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let resources =
        |path: &str| caller.get(path).is(200).json()["Resources"].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let served: Vec<String> = resources("/Schemas").iter().map(|schema| text(&schema["id"])).collect();
    assert!(served.iter().all(|urn| !urn.starts_with("urn:ietf:params:scim:api:")), "{served:?}");
    for kind in resources("/ResourceTypes") {
        assert!(served.contains(&text(&kind["schema"])), "{kind}");
        for extension in kind["schemaExtensions"].as_array().expect("extensions") {
            assert!(served.contains(&text(&extension["schema"])), "{extension}");
            assert_eq!(extension["required"], false, "a resource may leave it out");
        }
        let list = caller.get(&text(&kind["endpoint"])).is(200).json();
        assert_eq!(list["totalResults"], 0, "the endpoint counts from the Base URL");
    }
    for path in ["/ServiceProviderConfig", "/ResourceTypes/User", "/Schemas"] {
        let document = caller.get(path).is(200).json();
        let schemas = document["Resources"].as_array().map_or(vec![document.clone()], Clone::clone);
        for each in schemas {
            assert!(served.contains(&text(&each["schemas"][0])), "{path}: {}", each["schemas"]);
        }
    }
}

fn contains_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.iter().any(contains_null),
        Value::Object(map) => map.values().any(contains_null),
        _ => false,
    }
}

#[test]
fn each_one_is_read_by_its_id() {
    let server = Server::plain();
    let caller = server.caller();
    for list in ["/ResourceTypes", "/Schemas"] {
        let found = caller.get(list).is(200);
        assert!(found.json()["totalResults"].as_u64().expect("a number") >= 2);
        for resource in found.json()["Resources"].as_array().expect("a list") {
            let id = resource["id"].as_str().expect("an id");
            let single = caller.get(&format!("{list}/{id}")).is(200);
            assert_eq!(&single.json(), resource, "{list}/{id}");
            let location = format!("{}{list}/{id}", caller.base);
            assert_eq!(resource["meta"]["location"], location);
            assert_eq!(
                (single.header("location"), single.header("content-location")),
                (&*location, &*location)
            );
        }
        caller.get(&format!("{list}/nothing")).error(404, "");
        caller.get(&format!("{list}?filter=id+eq+%22x%22")).error(403, "");
    }
    let config = caller.get("/ServiceProviderConfig").is(200);
    let location = format!("{}/ServiceProviderConfig", caller.base);
    assert_eq!(config.json()["meta"]["location"], location);
    assert_eq!((config.header("location"), config.header("content-location")), (&*location, &*location));
}

#[test]
fn other_parameters_are_ignored() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
            let query = "startIndex=2&count=1&sortBy=id&sortOrder=descending&attributes=id&more=yes";
            assert_eq!(
                caller.get(&format!("{path}?{query}")).is(200).json(),
                caller.get(path).is(200).json()
            );
        }
        assert_eq!(caller.get("/Users?more=yes").is(200).json()["totalResults"], 0);
    }
}

#[test]
fn it_is_read_only_and_needs_no_token() {
    let server = Server::plain();
    let caller = server.caller();
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let answer = caller.send(method, path, Some(&serde_json::json!({})));
            assert!(answer.header("allow").contains("GET"), "{method} {path}: {}", answer.header("allow"));
            answer.error(405, "");
        }
        server.client().send("GET", &format!("{}{path}", caller.base), &[], Vec::new()).is(200);
    }
}

#[test]
fn a_strict_token_reads_that_group_names_need_not_be_unique() {
    let server = Server::plain();
    let uniqueness = |args: &[&str]| {
        let schema =
            server.caller_with(args).get(&format!("/Schemas/{}", crate::server::GROUP)).is(200).json();
        let name = schema["attributes"]
            .as_array()
            .expect("attributes")
            .iter()
            .find(|a| a["name"] == "displayName")
            .cloned();
        name.expect("displayName")["uniqueness"].clone()
    };
    assert_eq!(uniqueness(&["--strict"]), "none");
    assert_ne!(uniqueness(&[]), "none");
}

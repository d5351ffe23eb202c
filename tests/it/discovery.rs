//! `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas`: complete, typed, true, and read-only (RFC 7644 §4).

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

//! Bulk over HTTP (RFC 7644 §3.7): every method, references in all directions, errors, limits.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::{Caller, ENTERPRISE, GROUP, PATCH_OP, Server, USER};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

fn send(caller: &Caller, operations: &Value, fail_on_errors: Option<u64>) -> Answer {
    let mut body = json!({"schemas": [REQUEST], "Operations": operations});
    if let Some(most) = fail_on_errors {
        body["failOnErrors"] = json!(most);
    }
    caller.post("/Bulk", &body)
}

/// The operations of the answer.
fn done(caller: &Caller, operations: &Value) -> Vec<Value> {
    let answer = send(caller, operations, None).is(200).json();
    assert_eq!(answer["schemas"], json!([RESPONSE]));
    answer["Operations"].as_array().expect("operations").clone()
}

fn statuses(operations: &[Value]) -> Vec<&str> {
    operations.iter().map(|each| each["status"].as_str().expect("the status is text")).collect()
}

fn user(id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": id, "data": {"schemas": [USER], "userName": name}})
}

fn managed(id: &str, name: &str, manager: &str) -> Value {
    let data = json!({"schemas": [USER, ENTERPRISE], "userName": name,
                      ENTERPRISE: {"manager": {"value": format!("bulkId:{manager}")}}});
    json!({"method": "POST", "path": "/Users", "bulkId": id, "data": data})
}

fn group(id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": format!("bulkId:{id}")})).collect();
    let data = json!({"schemas": [GROUP], "displayName": name, "members": members});
    json!({"method": "POST", "path": "/Groups", "bulkId": id, "data": data})
}

/// The last part of an operation's location.
fn id_of(operation: &Value) -> String {
    let location = operation["location"].as_str().expect("a location");
    location.rsplit('/').next().expect("an id").to_owned()
}

#[test]
fn every_method_and_what_is_told_of_it() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let rename = json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "New"}]});
    let found = done(
        &caller,
        &json!([
            user("u", "ada"),
            group("g", "Old", &["u"]),
            {"method": "PATCH", "path": "/Groups/bulkId:g", "data": rename},
            {"method": "PUT", "path": "/Users/bulkId:u", "data": {"schemas": [USER], "userName": "ada", "title": "x"}},
            {"method": "DELETE", "path": "/Users/bulkId:u"},
        ]),
    );
    assert_eq!(statuses(&found), ["201", "201", "200", "200", "204"]);
    let base = &caller.base;
    let (ada, eng) = (id_of(&found[0]), id_of(&found[1]));
    for (at, method, location) in [
        (0, "POST", format!("{base}/Users/{ada}")),
        (1, "POST", format!("{base}/Groups/{eng}")),
        (2, "PATCH", format!("{base}/Groups/{eng}")),
        (3, "PUT", format!("{base}/Users/{ada}")),
        (4, "DELETE", format!("{base}/Users/{ada}")),
    ] {
        assert_eq!((&found[at]["method"], &found[at]["location"]), (&json!(method), &json!(location)));
        assert!(found[at].get("response").is_none(), "{}", found[at]);
        assert_eq!(found[at]["version"].is_string(), at != 4, "{}", found[at]);
    }
    assert_eq!((&found[0]["bulkId"], &found[1]["bulkId"]), (&json!("u"), &json!("g")));
    assert_eq!(caller.get(&format!("/Groups/{eng}")).is(200).json()["displayName"], "New");
    caller.get(&format!("/Users/{ada}")).error(404, "");
}

#[test]
fn references_forward() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let existing = caller.user("boss");
    let manage = json!({"schemas": [PATCH_OP],
                        "Operations": [{"op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": "bulkId:u"}]});
    let found = done(
        &caller,
        &json!([
            group("outer", "Outer", &["inner", "u"]),
            {"method": "PATCH", "path": format!("/Users/{existing}"), "data": manage},
            group("inner", "Inner", &["u"]),
            user("u", "ada"),
        ]),
    );
    assert_eq!(statuses(&found), ["201", "200", "201", "201"]);
    let (outer, inner, ada) = (id_of(&found[0]), id_of(&found[2]), id_of(&found[3]));
    let mut both = vec![inner.clone(), ada.clone()];
    both.sort();
    assert_eq!(caller.members(&outer), both);
    assert_eq!(caller.members(&inner), [ada.as_str()]);
    assert_eq!(caller.get(&format!("/Users/{existing}")).json()[ENTERPRISE]["manager"]["value"], ada);
}

#[test]
fn managers_in_a_circle_are_resolved() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let found = done(
        &caller,
        &json!([
            managed("a", "ada", "b"),
            managed("b", "bob", "c"),
            managed("c", "cyd", "a"),
            managed("own", "own", "own")
        ]),
    );
    assert_eq!(statuses(&found), ["201", "201", "201", "201"]);
    let ids: Vec<String> = found.iter().map(id_of).collect();
    for (at, manager) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
        let read = caller.get(&format!("/Users/{}", ids[at])).is(200);
        assert_eq!(read.json()[ENTERPRISE]["manager"]["value"], ids[manager]);
        assert_eq!(
            found[at]["version"],
            read.header("etag"),
            "the version that was told is the one that is there"
        );
    }
}

#[test]
fn groups_in_a_circle_are_refused_whole_and_the_loop_is_named() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let found = done(
            &caller,
            &json!([
                group("a", "A", &["b"]),
                group("b", "B", &["c"]),
                group("c", "C", &["a"]),
                group("d", "D", &["d"]),
                group("e", "E", &["a"]),
                group("f", "F", &[])
            ]),
        );
        assert_eq!(statuses(&found), ["409", "409", "409", "409", "400", "201"]);
        for operation in &found[..3] {
            let detail = operation["response"]["detail"].as_str().expect("a detail");
            assert!(detail.contains("\"A\" contains \"B\" contains \"C\" contains \"A\""), "{detail}");
            assert_eq!(operation["response"]["status"], "409");
            assert!(operation.get("location").is_none() && operation.get("version").is_none());
        }
        let left = caller.get("/Groups").is(200).json();
        assert_eq!((&left["totalResults"], &left["Resources"][0]["displayName"]), (&json!(1), &json!("F")));
        caller.delete(&format!("/Groups/{}", id_of(&found[5]))).is(204);
    }
}

#[test]
fn what_fails_fails_alone_and_says_why() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let ada = caller.user("ada");
    let path = format!("/Users/{ada}");
    let put = json!({"schemas": [USER], "userName": "ada", "title": "x"});
    let found = done(
        &caller,
        &json!([
            user("twice", "ADA"),
            {"method": "POST", "path": "/Users", "bulkId": "empty", "data": {"schemas": [USER]}},
            group("needs", "Needs", &["empty"]),
            group("ghost", "Ghost", &["nobody"]),
            {"method": "PUT", "path": path, "version": "W/\"9\"", "data": put},
            {"method": "PUT", "path": path, "version": "W/\"1\"", "data": put},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "POST", "path": "/Bulk", "bulkId": "bulk", "data": {}},
            {"method": "DELETE", "path": "/Users"},
        ]),
    );
    assert_eq!(statuses(&found), ["409", "400", "400", "400", "412", "200", "404", "400", "400"]);
    for operation in found.iter().filter(|each| each["status"] != "200") {
        let response = &operation["response"];
        assert_eq!(response["status"], operation["status"], "{operation}");
        assert_eq!(response["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert!(response["detail"].is_string());
        assert_eq!(operation.get("location").is_none(), operation["method"] == "POST", "{operation}");
    }
    assert_eq!(found[0]["response"]["scimType"], "uniqueness");
    assert_eq!(caller.get("/Groups").json()["totalResults"], 0);
    assert_eq!(caller.get(&path).json()["title"], "x");
}

#[test]
fn it_stops_after_as_many_errors_as_the_client_says() {
    let server = Server::plain();
    let caller = server.caller();
    let operations = json!([
        {"method": "DELETE", "path": "/Users/a"},
        {"method": "DELETE", "path": "/Users/b"},
        user("u", "late"),
    ]);
    for (most, answered) in [(1, 1), (2, 2), (3, 3)] {
        let answer = send(&caller, &operations, Some(most)).is(200).json();
        assert_eq!(answer["Operations"].as_array().expect("operations").len(), answered, "{most}");
        assert_eq!(caller.get("/Users").json()["totalResults"], u64::from(most == 3));
    }
}

#[test]
fn limits_and_messages_that_are_none() {
    let server = Server::with(crate::server::Data::new(), &["--tls", "off", "--max-body", "1M"]);
    let caller = server.caller_with(&["--strict"]);
    let bulk = caller.get("/ServiceProviderConfig").is(200).json()["bulk"].clone();
    assert_eq!(bulk["supported"], true);
    let most = bulk["maxOperations"].as_u64().expect("a number") as usize;
    let delete = json!({"method": "DELETE", "path": "/Users/nobody"});
    let detail = send(&caller, &json!(vec![delete.clone(); most + 1]), None).error(413, "");
    assert!(detail.contains(&most.to_string()), "{detail}");
    let size = bulk["maxPayloadSize"].as_u64().expect("a number");
    let mut large = user("u", "ada");
    large["data"]["title"] = json!("x".repeat(size as usize));
    let detail = send(&caller, &json!([large]), None).error(413, "");
    assert!(detail.contains(&size.to_string()), "{detail}");
    send(&caller, &json!({}), None).error(400, "invalidSyntax");
    caller.post("/Bulk", &json!({"schemas": [USER], "Operations": [delete]})).error(400, "invalidSyntax");
    assert_eq!(caller.get("/Users").json()["totalResults"], 0);
}

#[test]
fn a_faulty_operation_is_answered_alone() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let (first, last) = (caller.token[8..16].to_owned(), caller.token[16..24].to_owned());
        let found = done(
            &caller,
            &json!([
                user("first", &first),
                "POST",
                {"path": "/Users", "bulkId": "no method"},
                {"method": "GET", "path": "/Users"},
                {"method": "POST", "bulkId": "no path", "data": {}},
                {"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": "no bulkId"}},
                {"method": "POST", "path": "/Users", "bulkId": "no data"},
                {"method": "PUT", "path": "/Users/x", "data": ["no object"]},
                {"method": "PATCH", "path": "/Users/x", "data": "no object"},
                {"method": "DELETE", "path": 7},
                {"method": "DELETE", "path": "/Users/x", "version": 7},
                user("twice", "a"),
                user("twice", "b"),
                group("g", "Refers to none", &["twice"]),
                user("last", &last),
            ]),
        );
        let wanted = [&["201"][..], &["400"; 13], &["201"]].concat();
        assert_eq!(statuses(&found), wanted);
        for operation in &found[1..14] {
            let response = &operation["response"];
            assert_eq!((&response["status"], &operation["status"]), (&json!("400"), &json!("400")));
            assert!(response["scimType"].is_string() && response["detail"].is_string(), "{operation}");
        }
        let detail = |at: usize| found[at]["response"]["detail"].as_str().expect("a detail");
        for (at, words) in [(1, "Operations[1] must be an object"), (3, "not \"GET\""), (12, "is used twice")]
        {
            assert!(detail(at).contains(words), "{}", detail(at));
        }
        assert_eq!(found[7]["location"], json!(format!("{}/Users/x", caller.base)));
        assert_eq!((&found[2]["bulkId"], &found[4]["bulkId"]), (&json!("no method"), &json!("no path")));
        let stop =
            send(&caller, &json!([{"method": "GET"}, user("u", "never made")]), Some(1)).is(200).json();
        assert_eq!(stop["Operations"].as_array().map(Vec::len), Some(1), "a faulty operation counts");
        for each in [&found[0], &found[14]] {
            caller.delete(&format!("/Users/{}", id_of(each))).is(204);
        }
        assert_eq!(caller.get("/").json()["totalResults"], 0);
    }
}

#[test]
fn the_status_is_that_of_a_single_request() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let found = done(
        &caller,
        &json!([
            {"method": "POST", "path": "/Nowhere", "bulkId": "a", "data": {}},
            {"method": "DELETE", "path": "/Nowhere/1"},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"schemas": [USER]}},
            {"method": "POST", "path": "/Users", "bulkId": "c", "data": {"schemas": [USER], "userName": "c"}},
            {"method": "POST", "path": "/Users", "bulkId": "d", "data": {"schemas": [USER], "userName": "C"}},
            {"method": "PATCH", "path": "/Me", "data": {}},
        ]),
    );
    assert_eq!(statuses(&found), ["404", "404", "404", "400", "201", "409", "501"]);
    for operation in found.iter().filter(|operation| operation["status"] != "201") {
        assert_eq!(operation["response"]["status"], operation["status"], "{operation}");
    }
}

#[test]
fn addresses_may_end_in_a_reference() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let mut eng = group("g", "Eng", &[]);
    eng["data"]["members"] = json!([{"$ref": "../Users/bulkId:u", "type": "User"}]);
    let mut bob = user("b", "bob");
    bob["data"]["schemas"] = json!([USER, ENTERPRISE]);
    bob["data"][ENTERPRISE] = json!({"manager": {"$ref": format!("{}/Users/bulkId:u", caller.base)}});
    let found = done(&caller, &json!([eng, bob, user("u", "ada")]));
    assert_eq!(statuses(&found), ["201", "201", "201"], "{found:?}");
    let ada = id_of(&found[2]);
    assert_eq!(caller.members(&id_of(&found[0])), [ada.as_str()]);
    let bob = caller.get(&format!("/Users/{}", id_of(&found[1]))).is(200).json();
    assert_eq!(bob[ENTERPRISE]["manager"]["value"], ada);
}

#[test]
fn no_number_of_errors_below_one_is_taken() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    for most in [0, -1] {
        let body = json!({"schemas": [REQUEST], "failOnErrors": most, "Operations": [user("u", "ada")]});
        let detail = caller.post("/Bulk", &body).error(400, "invalidValue");
        assert!(detail.contains("failOnErrors"), "{detail}");
    }
    assert_eq!(caller.get("/Users").json()["totalResults"], 0);
}

#[test]
fn a_thousand_operations_may_each_refer_to_the_next() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let count = 1000;
    let mut chain: Vec<Value> =
        (0..count - 1).map(|n| managed(&n.to_string(), &format!("user{n}"), &(n + 1).to_string())).collect();
    chain.push(user(&(count - 1).to_string(), "boss"));
    let found = done(&caller, &json!(chain));
    assert_eq!(statuses(&found), vec!["201"; count]);
    let first = caller.get(&format!("/Users/{}", id_of(&found[0]))).is(200).json();
    assert_eq!(first[ENTERPRISE]["manager"]["value"], id_of(&found[1]));
}

#[test]
fn what_changes_a_resource_of_a_circle_later_stays() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let title =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "Guide"}]});
    let found = done(
        &caller,
        &json!([
            managed("a", "ada", "b"),
            managed("b", "bob", "a"),
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": title},
            {"method": "PATCH", "path": "/Users/bulkId:b", "data": title},
        ]),
    );
    assert_eq!(statuses(&found), ["201", "201", "200", "200"]);
    let ids: Vec<String> = found.iter().map(id_of).collect();
    for (at, manager) in [(0, 1), (1, 0)] {
        let read = caller.get(&format!("/Users/{}", ids[at])).is(200);
        assert_eq!(read.json()["title"], "Guide");
        assert_eq!(read.json()[ENTERPRISE]["manager"]["value"], ids[manager]);
        assert_eq!(found[at + 2]["version"], read.header("etag"));
    }
}

#[test]
fn references_in_the_filter_of_a_path() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let remove = json!({"schemas": [PATCH_OP],
                        "Operations": [{"op": "remove", "path": "members[value eq \"bulkId:u\"]"}]});
    let found = done(
        &caller,
        &json!([
            group("g", "G", &["u", "v"]),
            {"method": "PATCH", "path": "Groups/bulkId:g", "data": remove},
            user("u", "ada"),
            user("v", "bob"),
        ]),
    );
    assert_eq!(statuses(&found), ["201", "200", "201", "201"]);
    assert_eq!(found[1]["location"], found[0]["location"]);
    assert_eq!(caller.members(&id_of(&found[0])), [id_of(&found[3])]);
}

//! `POST /.search` at the root and per type (RFC 7644 §3.4.3), and what a list looks like (§3.4.2).

use serde_json::json;

use crate::server::{Server, USER};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

#[test]
fn at_the_root_and_per_type() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let (ada, bob) = (caller.user("ada"), caller.user("bob"));
        let eng = caller.group("Eng", &[&ada]);
        let search = |path: &str, more: serde_json::Value| {
            let mut body = json!({"schemas": [SEARCH]});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            caller.post(path, &body)
        };
        assert_eq!(search("/.search", json!({})).is(200).ids().len(), 3);
        assert_eq!(search("/Users/.search", json!({})).is(200).ids(), [ada.clone(), bob.clone()]);
        assert_eq!(search("/Groups/.search", json!({})).is(200).ids(), [eng.as_str()]);
        let more = json!({"filter": "meta.resourceType eq \"User\"", "sortBy": "userName", "sortOrder": "descending",
                          "startIndex": 2, "count": 1, "attributes": ["userName"]});
        let list = search("/.search", more).is(200);
        assert_eq!(list.ids(), [ada.as_str()]);
        let list = list.json();
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        assert_eq!(
            (&list["totalResults"], &list["startIndex"], &list["itemsPerPage"]),
            (&json!(2), &json!(2), &json!(1))
        );
        assert_eq!(list["Resources"][0], json!({"schemas": [USER], "id": ada, "userName": "ada"}));
        let found = search("/.search", json!({"excludedAttributes": ["meta", "members"]})).is(200).json();
        assert!(
            found["Resources"].as_array().expect("resources").iter().all(|each| each.get("meta").is_none())
        );
        assert_eq!(
            search("/.search", json!({"filter": "displayName eq \"nobody\""})).is(200).json()["totalResults"],
            0
        );
        search("/.search", json!({"filter": "nobody eq 1"})).error(400, "invalidFilter");
        search("/.search", json!({"filter": 5})).error(400, "invalidSyntax");
        search("/.search", json!({"count": "many"})).error(400, "invalidSyntax");
        assert_eq!(caller.get("/Users/.search").header("allow"), "POST");
        caller.get("/.search").error(405, "");
        for path in [format!("/Users/{ada}"), format!("/Users/{bob}"), format!("/Groups/{eng}")] {
            caller.delete(&path).is(204);
        }
    }
}

#[test]
fn the_message_names_itself() {
    let server = Server::plain();
    let strict = server.caller_with(&["--strict"]);
    strict.post("/.search", &json!({"filter": "userName pr"})).error(400, "invalidSyntax");
    strict.post("/.search", &json!({"schemas": [USER]})).error(400, "invalidSyntax");
}

#[test]
fn a_parameter_with_two_values_is_refused() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let ada = caller.user(&caller.token[8..20]);
        for (query, scim_type, name) in [
            ("count=1&count=2", "invalidValue", "count"),
            ("startIndex=1&STARTINDEX=2", "invalidValue", "startIndex"),
            ("sortBy=userName&sortBy=title", "invalidValue", "sortBy"),
            ("sortOrder=ascending&sortOrder=descending", "invalidValue", "sortOrder"),
            ("cursor=&cursor=x", "invalidValue", "cursor"),
            ("filter=title%20pr&Filter=active%20pr", "invalidFilter", "filter"),
            ("attributes=title&attributes=userName", "invalidValue", "attributes"),
            ("excludedAttributes=title&excludedAttributes=emails", "invalidValue", "excludedAttributes"),
        ] {
            let detail = caller.get(&format!("/Users?{query}")).error(400, scim_type);
            assert!(detail.contains(&format!("{name} is given twice")), "{detail}");
        }
        let detail =
            caller.get(&format!("/Users/{ada}?attributes=title&attributes=id")).error(400, "invalidValue");
        assert!(detail.contains("attributes is given twice"), "{detail}");
        caller.get("/Users?count=1&count=1&x=1&x=2").is(200);
    }
}

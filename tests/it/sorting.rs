//! Sorting (RFC 7644 §3.4.2.3): by any attribute, by the primary value of several, what has none last.

use serde_json::{Value, json};

use crate::server::{Caller, ENTERPRISE, Server, USER};

fn order(caller: &Caller, query: &str) -> String {
    let list = caller.get(&format!("/Users?{query}")).is(200).json();
    let resources = list["Resources"].as_array().expect("resources").iter();
    resources.map(|each| each["userName"].as_str().expect("a name").to_owned()).collect::<Vec<_>>().join(" ")
}

fn add(caller: &Caller, name: &str, more: Value) {
    let mut body = json!({"schemas": [USER, ENTERPRISE], "userName": name});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    caller.post("/Users", &body).is(201);
}

#[test]
fn by_what_and_which_way() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    add(
        &caller,
        "b",
        json!({"name": {"familyName": "b"}, ENTERPRISE: {"employeeNumber": "2"},
               "emails": [{"value": "z@example.com"}, {"value": "a@example.com", "primary": true}]}),
    );
    add(
        &caller,
        "A",
        json!({"name": {"familyName": "A"}, ENTERPRISE: {"employeeNumber": "10"},
               "emails": [{"value": "m@example.com"}, {"value": "b@example.com"}], "externalId": "a"}),
    );
    add(&caller, "c", json!({"externalId": "B"}));
    for (query, expected) in [
        ("sortBy=userName", "A b c"),
        ("sortBy=userName&sortOrder=ascending", "A b c"),
        ("sortBy=userName&sortOrder=descending", "c b A"),
        ("sortBy=USERNAME&sortOrder=Descending", "c b A"),
        ("sortBy=name.familyName", "A b c"),
        ("sortBy=name.familyName&sortOrder=descending", "c b A"),
        ("sortBy=emails", "b A c"),
        ("sortBy=emails.value", "b A c"),
        ("sortBy=emails&sortOrder=descending", "c A b"),
        ("sortBy=EMAILS.VALUE&sortOrder=descending", "c A b"),
        ("sortBy=externalId&sortOrder=descending", "b A c"),
        ("sortBy=meta.created&sortOrder=descending", "c A b"),
        ("sortBy=externalId", "c A b"),
        ("sortBy=meta.created", "b A c"),
        ("sortBy=meta.lastModified&sortOrder=descending", "c A b"),
        (&format!("sortBy={ENTERPRISE}:employeeNumber"), "A b c"),
        (&format!("sortBy={USER}:userName"), "A b c"),
        ("sortOrder=descending", "b A c"),
    ] {
        assert_eq!(order(&caller, query), expected, "{query}");
    }
}

#[test]
fn what_nothing_can_be_sorted_by_is_refused() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        for query in [
            "sortBy=foo",
            "sortBy=name",
            "sortBy=addresses",
            "sortBy=password",
            "sortBy=userName&sortOrder=up",
        ] {
            caller.get(&format!("/Users?{query}")).error(400, "invalidValue");
        }
    }
}

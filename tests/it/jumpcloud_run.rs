//! A JumpCloud-shaped run from activation to daily work, checked through SCIM. The browser test sees it on the page.

use serde_json::json;

use crate::server::{Caller, GROUP, Server, USER};

/// One user as JumpCloud sends it.
fn provision(caller: &Caller, given: &str, family: &str) -> String {
    let address = format!("{}.{}@example.com", given.to_lowercase(), family.to_lowercase());
    let filter = format!("/Users?filter=userName%20eq%20%22{}%22", address.replace('@', "%40"));
    assert_eq!(caller.get(&filter).is(200).json()["totalResults"], 0);
    let body = json!({
        "schemas": [USER], "userName": address, "active": true, "displayName": format!("{given} {family}"),
        "name": {"givenName": given, "familyName": family},
        "emails": [{"value": address, "type": "work", "primary": true}],
    });
    let id = caller.post("/Users", &body).is(201).id();
    assert_eq!(caller.get(&filter).is(200).ids(), [id.as_str()]);
    id
}

/// The test that *Activate* runs.
fn activate(caller: &Caller) {
    let user = provision(caller, "Scim", "Test");
    caller
        .patch(
            &format!("/Users/{user}"),
            json!([{"op": "replace", "path": "name.familyName", "value": "Changed"}]),
        )
        .is(200);
    let group = caller.post("/Groups", &json!({"schemas": [GROUP], "displayName": "SCIM Test"})).is(201).id();
    let members = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
    caller.patch(&format!("/Groups/{group}"), members).is(200);
    caller
        .patch(
            &format!("/Groups/{group}"),
            json!([{"op": "replace", "path": "displayName", "value": "SCIM Test 2"}]),
        )
        .is(200);
    caller.delete(&format!("/Groups/{group}")).is(204);
    caller.delete(&format!("/Users/{user}")).is(204);
}

#[test]
fn ten_users_three_groups_one_leaver_one_who_moves() {
    let server = Server::start();
    let caller = server.caller();
    activate(&caller);
    activate(&caller);
    assert_eq!(caller.get("/Users").json()["totalResults"], 0);
    let people = [
        ("Mei", "Chen"),
        ("Jonas", "Keller"),
        ("Priya", "Raman"),
        ("Aiko", "Tanaka"),
        ("Ben", "Carter"),
        ("Fatima", "Zahra"),
        ("Marcus", "Webb"),
        ("Nadia", "Petrova"),
        ("Oliver", "Grant"),
        ("Lena", "Fischer"),
    ];
    let ids: Vec<String> = people.iter().map(|(given, family)| provision(&caller, given, family)).collect();
    let group = |name: &str, members: &[usize]| {
        let id = caller.post("/Groups", &json!({"schemas": [GROUP], "displayName": name})).is(201).id();
        for member in members {
            let add = json!([{"op": "add", "path": "members", "value": [{"value": ids[*member]}]}]);
            caller.patch(&format!("/Groups/{id}"), add).is(200);
        }
        id
    };
    let engineering = group("Engineering", &[0, 1, 2, 3]);
    let support = group("Support", &[4, 5, 6]);
    let everyone = group("All Staff", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let leave = json!([{"op": "replace", "path": "active", "value": false}]);
    caller.patch(&format!("/Users/{}", ids[2]), leave).is(200);
    let out = json!([{"op": "remove", "path": "members", "value": [{"value": ids[1]}]}]);
    caller.patch(&format!("/Groups/{engineering}"), out).is(200);

    assert_eq!(caller.get("/Users?count=0").json()["totalResults"], 10);
    assert_eq!(caller.get("/Users?filter=active+eq+true").json()["totalResults"], 9);
    assert_eq!(caller.get("/Users?filter=active+eq+false").ids(), [ids[2].clone()]);
    assert_eq!(caller.get("/Groups?count=0").json()["totalResults"], 3);
    let sorted = |members: &[usize]| {
        let mut found: Vec<String> = members.iter().map(|n| ids[*n].clone()).collect();
        found.sort();
        found
    };
    assert_eq!(caller.members(&engineering), sorted(&[0, 2, 3]));
    assert_eq!(caller.members(&support), sorted(&[4, 5, 6]));
    assert_eq!(caller.members(&everyone), sorted(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    let moved = caller.get(&format!("/Users/{}", ids[1])).json();
    let groups: Vec<&str> = moved["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .filter_map(|group| group["display"].as_str())
        .collect();
    assert_eq!(groups, ["All Staff"]);
    let data = std::sync::Arc::clone(server.data());
    let token = caller.token.clone();
    server.kill_9();
    let server = Server::with(data, &[]);
    let caller = Caller { server: &server, token, base: format!("{}/scim", server.origin) };
    assert_eq!(caller.members(&engineering), sorted(&[0, 2, 3]));
    assert_eq!(caller.get(&format!("/Users/{}", ids[2])).json()["active"], false);
}

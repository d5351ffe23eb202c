//! Many connections change the members of one large group at once, and nobody is lost: what is left is exactly what a
//! model of the same changes says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Caller, GROUP, Server, USER};

/// People in the group before the soak, and writers that change it.
const PEOPLE: usize = 2000;
const WRITERS: usize = 16;
const CHANGES: usize = 40;

/// Makes users by Bulk, a thousand a request; answers their ids.
fn people(caller: &Caller<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < PEOPLE {
        let operations: Vec<Value> = (ids.len()..ids.len() + 1000)
            .map(|n| {
                json!({ "method": "POST", "path": "/Users", "bulkId": format!("u{n}"),
                    "data": { "schemas": [USER], "userName": format!("person{n}@example.com") } })
            })
            .collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        let answer = caller.post("/Bulk", &body).is(200).json();
        for operation in answer["Operations"].as_array().expect("operations") {
            assert_eq!(operation["status"], "201", "{operation}");
            let location = operation["location"].as_str().expect("a location");
            ids.push(location.rsplit('/').next().expect("an id").to_owned());
        }
    }
    ids
}

/// One writer's changes, in the forms that providers use; its own people only, so that the model knows the end.
fn change(caller: &Caller<'_>, path: &str, own: &[String], writer: usize) -> BTreeSet<String> {
    let client = Client::new();
    let bearer = format!("Bearer {}", caller.token);
    let mut inside: BTreeSet<String> = own.iter().cloned().collect();
    for step in 0..CHANGES {
        let id = &own[(step * 7 + writer) % own.len()];
        let operation = match (inside.remove(id), step % 3) {
            (true, 0) => json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }),
            (true, _) => json!({ "op": "remove", "path": "members", "value": [{ "value": id }] }),
            (false, _) => {
                inside.insert(id.clone());
                json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
            }
        };
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
        client.send("PATCH", path, &headers, body.to_string().into_bytes()).is(204);
    }
    inside
}

#[test]
fn nobody_is_lost_when_many_change_one_group() {
    let server = Server::plain();
    let caller = server.caller();
    let ids = people(&caller);
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let group = json!({ "schemas": [GROUP], "displayName": "Everybody", "members": members });
    let group = caller.post("/Groups", &group).is(201).id();
    let path = format!("{}/Groups/{group}", caller.base);
    let share = ids.len() / WRITERS;
    let mut wanted: BTreeSet<String> = ids[share * WRITERS..].iter().cloned().collect();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (own, path, caller) = (&ids[writer * share..(writer + 1) * share], &path, &caller);
                scope.spawn(move || change(caller, path, own, writer))
            })
            .collect();
        for writer in writers {
            wanted.extend(writer.join().expect("a writer does not fail"));
        }
    });
    let found: BTreeSet<String> = caller.members(&group).into_iter().collect();
    assert_eq!(found.len(), wanted.len());
    assert!(found == wanted, "the group holds exactly who should be in it");
    server.data().run(&["check"]).well();
}

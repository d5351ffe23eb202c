//! What the store's own tests share: a fresh store with a clock that stands still, a team, documents.

use serde_json::Value;

use super::{Options, Store};
use crate::base::{Clock, Ids, TeamId, Timestamp};
use crate::scim::Document;

/// A fresh store in a directory that goes with the process's temporary files, and its clock.
pub fn store() -> (Store, Clock) {
    let clock = Clock::manual(Timestamp(1_795_462_931_000));
    let directory = tempfile::tempdir().expect("a temporary directory").keep();
    let options = Options { clock: clock.clone(), ids: Ids::counting(), ..Options::default() };
    let store = Store::open(&directory.join("scimd.db"), options).expect("a fresh store opens");
    // The files are open by now, or will be opened by threads of this test; unlinking them would break the latter.
    (store, clock)
}

/// A team.
pub fn team(store: &Store, name: &str) -> TeamId {
    let name = name.to_owned();
    store.write_blocking(move |tx| tx.insert_team(&name)).expect("a team").id
}

/// A document from JSON.
pub fn document(value: Value) -> Document {
    match value {
        Value::Object(document) => document,
        other => panic!("no object: {other}"),
    }
}

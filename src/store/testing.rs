//! What the store's own tests share: a fresh store with a clock that stands still, a team, documents.

use std::cell::RefCell;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Known, Options, Result, Row, Store, WriteTx};
use crate::base::{Clock, Ids, TeamId, Timestamp};
use crate::scim::{Document, Kind};

thread_local! {
    /// The directories of this thread's stores; they go with the thread, that is with the test.
    static DIRECTORIES: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

/// A fresh store and its clock, which stands still until told.
pub fn store() -> (Store, Clock) {
    let clock = Clock::manual(Timestamp(1_795_462_931_000));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = Options { clock: clock.clone(), ids: Ids::counting(), ..Options::default() };
    let store = Store::open(&directory.path().join("scimd.db"), options).expect("a fresh store opens");
    DIRECTORIES.with_borrow_mut(|directories| directories.push(directory));
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

/// A user with nothing but a name, and no index rows.
pub fn user(store: &Store, team: TeamId, name: &str) -> Row {
    insert(store, team, Kind::User, json!({ "userName": name }))
}

/// A group with nothing but a name, and no index rows.
pub fn group(store: &Store, team: TeamId, name: &str) -> Row {
    insert(store, team, Kind::Group, json!({ "displayName": name }))
}

fn insert(store: &Store, team: TeamId, kind: Kind, value: Value) -> Row {
    let doc = document(value);
    let job = move |tx: &mut WriteTx| {
        let id = tx.ids().resource(tx.now());
        tx.insert_resource(team, kind, id, &doc, "test", 1, &[])
    };
    store.write_blocking(job).expect("a resource")
}

impl WriteTx<'_> {
    /// `add_members` for those who are known by their numbers; answers the numbers of those who entered.
    pub fn add_numbers(&mut self, team: TeamId, group: &Row, numbers: &[i64]) -> Result<Vec<i64>> {
        let mut members = Vec::new();
        for n in numbers {
            members.extend(self.resource_by_n(team, *n)?.map(|row| Known::of(team, &row)));
        }
        Ok(self.add_members(team, group, members)?.into_iter().map(|member| member.n).collect())
    }
}

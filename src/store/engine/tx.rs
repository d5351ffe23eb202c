//! The two kinds of transaction. Everything the product can ask is a method on one of them, in the file of its tables.

use std::ops::Deref;

use rusqlite::Connection;

use crate::base::{Ids, Timestamp};

/// One snapshot of the file.
pub struct ReadTx<'c> {
    pub(in crate::store) sqlite: &'c Connection,
    now: Timestamp,
    ids: &'c Ids,
}

impl<'c> ReadTx<'c> {
    pub(super) fn new(sqlite: &'c Connection, now: Timestamp, ids: &'c Ids) -> ReadTx<'c> {
        ReadTx { sqlite, now, ids }
    }

    /// The instant at which the job began; the same throughout.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Where public ids come from.
    pub fn ids(&self) -> &Ids {
        self.ids
    }
}

/// A snapshot that may be changed; the changes become visible together or not at all.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(sqlite: &'c Connection, now: Timestamp, ids: &'c Ids) -> WriteTx<'c> {
        WriteTx { read: ReadTx::new(sqlite, now, ids) }
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;

    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

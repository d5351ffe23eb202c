//! What can go wrong in the store. Only `service` reads these; it turns them into its own errors.

use std::fmt;
use std::path::PathBuf;

/// Why the store did not do what it was asked.
#[derive(Debug)]
pub enum StoreError {
    /// A value that must be unique is in use.
    Taken {
        /// The attribute, in canonical spelling.
        attribute: String,
        /// The value as it was sent.
        value: String,
        /// The public id of the resource that has it.
        by: String,
    },
    /// A group would contain itself; the names lead once round the loop, the first repeated at the end.
    Loop {
        /// Display names along the loop.
        names: Vec<String>,
    },
    /// Groups would nest deeper than 16; the names lead down the chain.
    TooDeep {
        /// Display names from the top down.
        names: Vec<String>,
    },
    /// The queue is full, another process holds the file, or the disk refused; the same request may succeed later.
    Busy,
    /// The disk is full.
    Full,
    /// A read took longer than its deadline.
    TooExpensive,
    /// The file was written by a newer scimd.
    Newer {
        /// The version that the file has.
        found: u32,
        /// The newest version that this scimd knows.
        known: u32,
    },
    /// The file is a database of some other program.
    NotOurs(PathBuf),
    /// The file is damaged, or no database at all.
    Corrupt(String),
    /// The file or its directory could not be opened, made or written.
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The disk has no room for the copy that is made before a migration.
    NoRoom {
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// A job panicked; its writes were undone.
    Panicked(String),
    /// The store was closed.
    Closed,
    /// Anything else that SQLite said: a fault in scimd.
    Sqlite(rusqlite::Error),
}

impl fmt::Display for StoreError {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Sqlite(error)
    }
}

//! What can go wrong in the store. Only `service` reads these; it turns them into its own errors.

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;

use rusqlite::ErrorCode;

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
    /// The file was written by an older scimd and has not been upgraded; opening the store does that.
    Older {
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Taken { attribute, value, by } => {
                write!(f, "{attribute} \"{value}\" is in use by {by}")
            }
            StoreError::Loop { names } => write!(f, "groups would contain themselves: {}", names.join(" > ")),
            StoreError::TooDeep { names } => {
                write!(f, "groups would nest deeper than 16: {}", names.join(" > "))
            }
            StoreError::Busy => f.write_str("the database is busy; try again in a moment"),
            StoreError::Full => f.write_str("the disk is full; free some space and try again"),
            StoreError::TooExpensive => f.write_str("the search took too long; narrow it"),
            StoreError::Newer { found, known } => write!(
                f,
                "the database was written by a newer scimd (its version is {found}, this scimd knows up to {known}); \
                 install that scimd again, or restore a backup made by this one"
            ),
            StoreError::Older { found, known } => write!(
                f,
                "the database is still at version {found} of {known}; start scimd once to upgrade it"
            ),
            StoreError::NotOurs(path) => write!(
                f,
                "{} is a database of some other program; name another data directory",
                path.display()
            ),
            StoreError::Corrupt(what) => write!(
                f,
                "the database is damaged or not a database at all ({what}); run `scimd check`, or restore a backup"
            ),
            StoreError::File { path, cause } => write!(f, "cannot open {}: {cause}", path.display()),
            StoreError::NoRoom { needed, free } => write!(
                f,
                "no room for the copy that is made before the database is upgraded: {needed} bytes are needed and \
                 {free} are free; nothing was changed"
            ),
            StoreError::Panicked(what) => write!(f, "a job in the store panicked: {what}"),
            StoreError::Closed => f.write_str("the database is being closed"),
            StoreError::Sqlite(error) => write!(f, "SQLite: {error}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Sqlite(error) => Some(error),
            StoreError::File { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

impl StoreError {
    /// The same failure of a commit once more, for the next job that shared it.
    pub(super) fn again(&self) -> StoreError {
        match self {
            StoreError::Full => StoreError::Full,
            StoreError::Corrupt(what) => StoreError::Corrupt(what.clone()),
            _ => StoreError::Busy,
        }
    }
}

thread_local! {
    /// What a statement of this thread said about a damaged file. A job turns its errors into a type of its own, so the
    /// engine could not see it there.
    static DAMAGE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Takes what this thread noticed of a damaged file since the last call.
pub(super) fn take_damage() -> Option<String> {
    DAMAGE.take()
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                DAMAGE.set(Some(error.to_string()));
                StoreError::Corrupt(error.to_string())
            }
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::OperationInterrupted) => StoreError::TooExpensive,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::SystemIoFailure) => {
                tracing::error!(%error, "the disk refused");
                StoreError::Busy
            }
            _ => StoreError::Sqlite(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noted_once_for_the_engine() {
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let error = StoreError::from(rusqlite::Error::SqliteFailure(failure, None));
        assert!(matches!(error, StoreError::Corrupt(_)));
        assert!(take_damage().is_some());
        assert!(take_damage().is_none());
    }

    #[test]
    fn a_newer_file_is_named_with_both_versions() {
        let text = StoreError::Newer { found: 9, known: 1 }.to_string();
        assert!(text.contains("newer scimd") && text.contains('9') && text.contains('1'), "{text}");
    }
}

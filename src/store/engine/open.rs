//! Opening connections: who owns the file, how it is created, and how every connection is set.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, AtFlags, CWD, accessat};

use crate::store::StoreError;

/// How long a statement waits for another process that writes the same file.
const PATIENCE: Duration = Duration::from_secs(5);
/// Statements that a connection keeps ready.
const STATEMENTS: usize = 256;
/// KiB of pages that a connection keeps: the writer's and those of the threads that serve, which read here and there ...
const CACHE: i64 = 8192;
/// ... and the pool's, which reads much, one behind the other, and mostly once. The system keeps the file as well.
const POOL_CACHE: i64 = 2048;

/// Makes the file where there is none, readable by its owner alone. Made by root in a directory of somebody else, it
/// becomes theirs: `sudo scimd token create` must not lock the service out. SQLite gives `-wal` and `-shm` the same owner.
pub fn create(file: &Path) -> Result<(), StoreError> {
    let failed = |cause| StoreError::File { path: file.to_owned(), cause };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made.map(drop).map_err(failed)?,
    }
    if rustix::process::geteuid().is_root() {
        let directory = match file.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        let owner = directory.metadata().map_err(failed)?;
        if owner.uid() != 0 {
            chown(file, Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
        }
    }
    Ok(())
}

/// A connection that may write.
pub fn writing(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(file, flags)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}

/// A connection that cannot write.
pub fn reading(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(file, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A connection that cannot write, for long reads.
pub fn reading_long(file: &Path) -> Result<Connection, StoreError> {
    let connection = reading(file)?;
    connection.pragma_update(None, "cache_size", -POOL_CACHE)?;
    Ok(connection)
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // SQLite's own words for these are "unable to open database file"; the system's say why. The file must not be opened
    // for the question: closing it again would give up the locks of every connection of this process, and the next
    // program that closes the file would take the -wal away from under a running server.
    let wanted = match flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        true => Access::READ_OK | Access::WRITE_OK,
        false => Access::READ_OK,
    };
    accessat(CWD, file, wanted, AtFlags::EACCESS)
        .map_err(|cause| StoreError::File { path: file.to_owned(), cause: cause.into() })?;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Otherwise a statement that might have used a partial index, had its parameters had other values, is prepared anew
    // each time they are bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

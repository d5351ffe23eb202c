//! From whatever file was found to the schema that this scimd knows: numbered steps, forward only, one transaction
//! each, `user_version` as the mark. Before the first new step of an upgrade the file is copied aside.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::backup;
use crate::store::StoreError;

/// The mark in the header of scimd's files: "SCIM".
pub const APPLICATION: i32 = 0x5343_494d;

const STEPS: &[&str] = &[
    include_str!("../migrations/0001_directory.sql"),
    include_str!("../migrations/0002_former_names.sql"),
    include_str!("../migrations/0003_team_schema.sql"),
];

/// The newest version that this scimd knows.
pub const KNOWN: u32 = STEPS.len() as u32;

/// Brings the file to the known version.
pub fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    match version(connection, file)? {
        Some(found) if found == KNOWN => Ok(()),
        Some(found) => {
            backup::aside(connection, file, &copy_name(file, found))?;
            steps(connection)
        }
        None => {
            // Both must be set before the first table, and outside a transaction.
            connection.pragma_update(None, "auto_vacuum", "incremental")?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            steps(connection)
        }
    }
}

/// The version of scimd's own file; `None` when it is empty.
pub fn version(connection: &Connection, file: &Path) -> Result<Option<u32>, StoreError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    match (application, tables) {
        (0, 0) if found == 0 => Ok(None),
        (APPLICATION, _) if found > KNOWN => Err(StoreError::Newer { found, known: KNOWN }),
        (APPLICATION, _) => Ok(Some(found)),
        _ => Err(StoreError::NotOurs(file.to_owned())),
    }
}

fn steps(connection: &mut Connection) -> Result<(), StoreError> {
    loop {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read inside: another process may have taken the step while this one waited.
        let found: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let Some(step) = STEPS.get(found as usize) else {
            return Ok(());
        };
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", found + 1)?;
        tx.commit()?;
    }
}

fn copy_name(file: &Path, version: u32) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".version-{version}"));
    PathBuf::from(name)
}

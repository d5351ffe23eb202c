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
    include_str!("../migrations/0004_named.sql"),
    include_str!("../migrations/0005_second_step.sql"),
    include_str!("../migrations/0006_activity_text.sql"),
    include_str!("../migrations/0007_team_settings.sql"),
    include_str!("../migrations/0008_leniency.sql"),
    include_str!("../migrations/0009_history.sql"),
    include_str!("../migrations/0010_member_day.sql"),
    include_str!("../migrations/0011_token_first_use.sql"),
    include_str!("../migrations/0012_hands.sql"),
    include_str!("../migrations/0013_milestone.sql"),
    include_str!("../migrations/0014_gathered.sql"),
    include_str!("../migrations/0015_known.sql"),
    include_str!("../migrations/0016_called.sql"),
    include_str!("../migrations/0017_wire.sql"),
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
        crate::store::register_functions(&tx)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in memory at that version.
    fn at(version: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..version] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", version as u32).unwrap();
        connection
    }

    #[test]
    fn whether_a_name_is_a_display_name_is_found_out_of_the_documents() {
        let mut connection = at(3);
        connection
            .execute_batch("insert into team (n, slug, name, folded, created) values (1, 'a', 'A', 'a', 0)")
            .unwrap();
        let documents = [
            ("ada", r#"{"userName":"ada"}"#),
            ("Bob", r#"{"userName":"bob","displayName":"Bob"}"#),
            ("cy", r#"{"userName":"cy","displayName":" "}"#),
        ];
        for (n, (display, doc)) in documents.into_iter().enumerate() {
            let sql = "insert into resource (n, team, kind, id, version, created, modified, source, token, display, doc)
                 values (?1, 1, 1, ?1, 1, 0, 0, '', 0, ?2, ?3)";
            connection.execute(sql, rusqlite::params![n as i64 + 1, display, doc]).unwrap();
            // Everyone is in the first one; what it is does not matter here.
            let sql = "insert into member (holder, member, id, kind, display, since, event) values (1, ?1, ?1, 1, ?2, 0, 1)";
            connection.execute(sql, rusqlite::params![n as i64 + 1, display]).unwrap();
        }
        steps(&mut connection).unwrap();
        for table in ["resource", "member"] {
            let sql = format!("select group_concat(named) from (select named from {table} order by id)");
            let named: String = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(named, "0,1,0", "{table}");
        }
    }
}

//! How the file and its disk are doing: sizes and room, and whether the audit still holds together.

use std::path::PathBuf;
use std::time::Duration;

use super::engine::reading;
use super::{ReadTx, Result, Store};

/// What the file takes and what its disk has left, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The file and what waits to be taken over into it.
    pub file: u64,
    /// What this process may still write on the disk; `None` where the system does not tell.
    pub free: Option<u64>,
    /// The whole disk.
    pub disk: Option<u64>,
}

/// What the file is made of, in bytes; the indexes of a table count with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// What providers sent and were answered.
    pub requests: u64,
    /// What changed, and what was.
    pub events: u64,
    /// Users, groups and memberships.
    pub directory: u64,
    pub other: u64,
    /// Pages that nothing uses any more, and that are used again.
    pub free: u64,
}

impl Store {
    /// Looks through the file, a table at a time with a pause behind each, on a connection of its own: no snapshot is held
    /// over all of it, and nobody waits. It reads every page once.
    pub fn uses(&self, pause: Duration) -> Result<Uses> {
        let sqlite = reading(self.file())?;
        let mut parts = sqlite.prepare("select name, tbl_name from sqlite_schema where rootpage > 0")?;
        let parts = parts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let parts: Vec<(String, String)> = parts.collect::<rusqlite::Result<_>>()?;
        let mut uses = Uses::default();
        let mut size =
            sqlite.prepare("select coalesce(sum(pgsize), 0) from dbstat where name = ? and aggregate = 1")?;
        for (name, table) in parts {
            let bytes: u64 = size.query_row([name], |row| row.get(0))?;
            let sum = match table.as_str() {
                table if table.starts_with("activity") => &mut uses.requests,
                "event" | "member_past" | "tombstone" | "former_name" | "member_day" => &mut uses.events,
                "resource" | "attribute" | "member" | "above" | "run" => &mut uses.directory,
                _ => &mut uses.other,
            };
            *sum += bytes;
            std::thread::sleep(pause);
        }
        let number = |pragma| sqlite.pragma_query_value(None, pragma, |row| row.get::<_, u64>(0));
        uses.free = number("freelist_count")? * number("page_size")?;
        Ok(uses)
    }

    /// Measures file and disk.
    pub fn room(&self) -> Room {
        let file = self.file();
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let size = |path: PathBuf| std::fs::metadata(path).map(|found| found.len()).unwrap_or(0);
        let disk = rustix::fs::statvfs(file).ok();
        let bytes = |blocks: u64, size: u64| blocks.saturating_mul(size);
        Room {
            file: size(file.to_owned()) + size(PathBuf::from(log)),
            free: disk.as_ref().map(|disk| bytes(disk.f_bavail, disk.f_frsize)),
            disk: disk.as_ref().map(|disk| bytes(disk.f_blocks, disk.f_frsize)),
        }
    }
}

impl ReadTx<'_> {
    /// How many rows the audit has.
    pub fn audit_rows(&self) -> Result<u64> {
        Ok(self.number("select count(*) from audit", [])? as u64)
    }
}

#[cfg(test)]
mod tests {
    use crate::store::testing::{store, team};

    #[test]
    fn the_file_has_a_size_and_its_disk_has_room() {
        let (store, _clock) = store();
        team(&store, "Acme");
        let room = store.room();
        assert!(room.file > 4096, "{room:?}");
        assert!(room.free <= room.disk && room.disk > Some(0), "{room:?}");
    }
}

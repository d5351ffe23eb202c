//! How the file and its disk are doing: sizes and room, and whether the audit still holds together.

use std::path::PathBuf;

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

impl Store {
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

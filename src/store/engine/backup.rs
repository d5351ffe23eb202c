//! Copies of the whole file, made page by page through SQLite while others go on reading and writing.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open;
use crate::store::StoreError;

/// Pages copied at a time; between two runs the source is free for others.
const PAGES: i32 = 256;

/// Copies the database to a file that must not exist yet.
pub fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        let cause = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "the file exists already");
        return Err(StoreError::File { path: to.to_owned(), cause });
    }
    open::create(to)?;
    let mut target = open::writing(to)?;
    {
        let backup = Backup::new(from, &mut target)?;
        while backup.step(PAGES)? != StepResult::Done {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    target.close().map_err(|(_, error)| error.into())
}

/// Copies the database aside before it is upgraded, if the disk has room for the copy and for the upgrade's own log.
pub fn aside(from: &Connection, file: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |cause: std::io::Error| StoreError::File { path: file.to_owned(), cause };
    let needed = file.metadata().map_err(failed)?.len() * 2;
    let disk = rustix::fs::statvfs(file).map_err(|error| failed(error.into()))?;
    let free = disk.f_bavail * disk.f_frsize;
    if free < needed {
        return Err(StoreError::NoRoom { needed, free });
    }
    // A copy that an interrupted upgrade left may be half; this one replaces it.
    if to.exists() {
        std::fs::remove_file(to).map_err(failed)?;
    }
    copy(from, to)
}

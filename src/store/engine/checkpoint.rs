//! The way of the write-ahead log back into the file. A thread of its own copies the pages while changes go on, and the writer
//! only the short rest, after which the log begins anew. SQLite would do all of it within every few commits: their clients
//! would wait, and a page that changes often be written each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, Result as SqliteResult};

use super::{Shared, open};
use crate::store::{Result, error};

/// With so many pages in the log it is copied: 10 MiB.
const BEGIN: u32 = 2_500;
/// So many that are not copied yet are too many for the writer.
const LONG: u32 = 1_000;
/// With so many pages in the log the writer waits until it is copied, and copies what is left, however much: 64 MiB.
const MOST: u32 = 16_000;

/// What the writer knows of the log.
pub struct Checkpoints {
    shared: Arc<Shared>,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicU32>,
    /// The same, as seen last.
    before: u32,
    /// How many of them are in the file.
    copied: u32,
    /// Which log it is: each time it begins anew, another.
    log: u32,
    /// The thread that copies, and of which log.
    pass: Option<(u32, JoinHandle<Result<u32>>)>,
}

impl Checkpoints {
    /// Those of the connection that writes, which no longer makes its own.
    pub fn new(shared: Arc<Shared>, sqlite: &mut Connection) -> SqliteResult<Checkpoints> {
        let pages = Arc::new(AtomicU32::new(0));
        let seen = pages.clone();
        sqlite.wal_hook(Some(move |_: &mut _, pages| {
            seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Checkpoints { shared, pages, before: 0, copied: 0, log: 0, pass: None })
    }

    /// Sees to the log between two transactions of the connection.
    pub fn after_commit(&mut self, sqlite: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.before {
            (self.log, self.copied) = (self.log + 1, 0);
        }
        self.before = pages;
        let ended = self.take_pass(|pass| pages >= MOST || pass.is_finished());
        if self.pass.is_some() || pages < BEGIN {
            return;
        }
        if pages - self.copied >= LONG && pages < MOST {
            let shared = self.shared.clone();
            let beside = Builder::new().name("checkpoint".into()).spawn(move || pass_beside(&shared));
            // Without a thread the writer does it, later.
            self.pass = beside.ok().map(|pass| (self.log, pass));
        } else if ended || pages >= MOST {
            self.copied = told(pass(sqlite)).unwrap_or(self.copied).min(pages);
        }
    }

    /// Waits until nothing copies any more.
    pub fn end(&mut self) {
        self.take_pass(|_| true);
    }

    /// Takes what a pass brought, if it is one that may be waited for.
    fn take_pass(&mut self, may: impl Fn(&JoinHandle<Result<u32>>) -> bool) -> bool {
        let Some((log, pass)) = self.pass.take_if(|(_, pass)| may(pass)) else { return false };
        let copied = pass.join().ok().and_then(told);
        if log == self.log {
            self.copied = copied.unwrap_or(self.copied).min(self.before);
        }
        true
    }
}

/// Copies on a connection of its own.
fn pass_beside(shared: &Shared) -> Result<u32> {
    let sqlite = open::writing(&shared.file)?;
    // Only who has read knows the log.
    sqlite.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    let copied = pass(&sqlite);
    if let Some(damage) = error::take_damage() {
        shared.broke(damage);
    }
    copied
}

/// Copies as far as readers allow, and waits for nobody; answers how many pages of the log are in the file.
fn pass(sqlite: &Connection) -> Result<u32> {
    let copied: i64 = sqlite.query_row("pragma wal_checkpoint(passive)", [], |row| row.get(2))?;
    Ok(u32::try_from(copied).unwrap_or(0))
}

/// What was copied; a failure is told, and all that was committed is safe in the log.
fn told(copied: Result<u32>) -> Option<u32> {
    if let Err(error) = &copied {
        tracing::warn!(%error, "the write-ahead log was not copied into the database and grows");
    }
    copied.ok()
}

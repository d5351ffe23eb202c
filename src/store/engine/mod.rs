//! How we speak to SQLite: opening and migrating the file, the writer thread, the readers, and the two kinds of
//! transaction that jobs receive. No table of the product is named here.

mod tx;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;

use super::StoreError;
use crate::base::{Clock, Ids};

pub use tx::{ReadTx, WriteTx};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where `tx.now()` comes from.
    pub clock: Clock,
    /// Where public ids come from.
    pub ids: Ids,
    /// Threads that serve `read`.
    pub readers: usize,
    /// How long one `read` may take.
    pub deadline: Duration,
    /// How many write jobs may wait.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clock: Clock::system(),
            ids: Ids::random(),
            readers: 2,
            deadline: Duration::from_secs(5),
            queue: 1024,
        }
    }
}

/// The open file. Clones share it.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens the file, making or migrating it where needed, and starts the writer and the readers.
    pub fn open(_file: &Path, _options: Options) -> Result<Store, StoreError> {
        todo!()
    }

    /// Runs a job that writes; the answer comes after `COMMIT` has reached the disk. The job sees its own transaction
    /// as if it were alone, and what it wrote is undone when it fails or panics. It may be run again.
    pub fn write<T, E, F>(&self, _job: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        async { todo!() }
    }

    /// `write` for a thread that may wait, such as a command's.
    pub fn write_blocking<T, E, F>(&self, _job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        todo!()
    }

    /// Runs a short read on the calling thread's own connection, in one snapshot.
    pub fn read_now<T, E, F>(&self, _job: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E>,
    {
        todo!()
    }

    /// Runs a longer read in the pool, in one snapshot; past the deadline it ends as `TooExpensive`.
    pub fn read<T, E, F>(&self, _job: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        async { todo!() }
    }

    /// Hands over a small write that nobody waits for: it joins the next commit, or is written within 250 ms.
    /// `false` when too many wait already; then it was not taken.
    pub fn later<F>(&self, _job: F) -> bool
    where
        F: FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        todo!()
    }

    /// Changes after every commit that wrote, another process's included.
    pub fn commits(&self) -> watch::Receiver<u64> {
        todo!()
    }

    /// The file was found damaged; nothing should be written any more. The text says how it showed.
    pub fn broken(&self) -> Option<String> {
        todo!()
    }

    /// Whether the last commit reached the disk; false from a failed one until the next that succeeds.
    pub fn writable(&self) -> bool {
        todo!()
    }

    /// Finishes the waiting jobs, writes the log back into the file and ends the threads. Later jobs are answered `Closed`.
    pub fn close(&self) {
        todo!()
    }

    /// Copies the whole database to another file while others go on reading and writing.
    pub fn backup_to(&self, _file: &Path) -> Result<(), StoreError> {
        todo!()
    }

    /// The file that is open.
    pub fn file(&self) -> &Path {
        todo!()
    }
}

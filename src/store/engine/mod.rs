//! How we speak to SQLite: opening and migrating the file, the writer thread, the readers, and the two kinds of
//! transaction that jobs receive. No table of the product is named here.

mod backup;
mod checkpoint;
mod migrate;
mod open;
mod queue;
mod readers;
mod reads;
mod small;
mod snapshots;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::StoreError;
use super::milestones::Noted;
use crate::base::{Clock, Ids};

use queue::{Gathered, Job, Message, Waiting};
use reads::{PoolJob, Reads};
use snapshots::Snapshots;
use writer::Writer;

pub(in crate::store) use open::reading;
pub use tx::{ReadTx, WriteTx};

/// Small writes that may wait for the next commit.
const LATER: usize = 4096;

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
            ids: Ids::random(Clock::system()),
            readers: 2,
            deadline: Duration::from_secs(5),
            queue: 1024,
        }
    }
}

/// What all threads of a store know.
struct Shared {
    /// Tells stores of one process apart.
    number: u64,
    file: PathBuf,
    options: Options,
    commits: watch::Sender<u64>,
    writable: AtomicBool,
    broken: Mutex<Option<String>>,
    /// Connections that wait for a thread that reads.
    spare: Mutex<Vec<Connection>>,
    snapshots: Snapshots,
    noted: Noted,
}

impl Shared {
    fn committed(&self) {
        self.commits.send_modify(|commits| *commits += 1);
    }

    fn commit_succeeded(&self) {
        self.writable.store(true, Ordering::Relaxed);
    }

    fn commit_failed(&self, error: &StoreError) {
        tracing::error!(%error, "a commit failed; its changes were answered as not made");
        self.writable.store(false, Ordering::Relaxed);
    }

    fn broke(&self, what: String) {
        tracing::error!(what, "the database is damaged");
        self.broken.lock().expect("nothing panics under this lock").get_or_insert(what);
    }
}

/// The open file. Clones share it; the last one that goes closes it.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    jobs: SyncSender<Message>,
    later: Gathered,
    reads: Arc<Reads>,
    closed: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens the file, making or migrating it where needed, and starts the writer and the readers.
    pub fn open(file: &Path, options: Options) -> Result<Store, StoreError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        open::create(file)?;
        let mut connection = open::writing(file)?;
        migrate::migrate(&mut connection, file)?;
        let shared = Arc::new(Shared {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            file: file.to_owned(),
            commits: watch::Sender::new(0),
            writable: AtomicBool::new(true),
            broken: Mutex::new(None),
            spare: Mutex::default(),
            snapshots: Snapshots::default(),
            noted: Noted::default(),
            options,
        });
        Store::start(shared, connection)
    }

    fn start(shared: Arc<Shared>, connection: Connection) -> Result<Store, StoreError> {
        let failed = |cause| StoreError::File { path: shared.file.clone(), cause };
        let (jobs, job_queue) = sync_channel(shared.options.queue);
        let reads = Arc::new(Reads::default());
        let later = Gathered::new(Mutex::new(VecDeque::new()));
        let writer = Writer::new(connection, shared.clone(), job_queue, later.clone())?;
        let mut threads =
            vec![Builder::new().name("writer".into()).spawn(move || writer.run()).map_err(failed)?];
        for number in 0..shared.options.readers.max(1) {
            let (own, queue) = (shared.clone(), reads.clone());
            let reader = Builder::new().name(format!("reader-{number}"));
            threads.push(reader.spawn(move || readers::work(&own, &queue)).map_err(failed)?);
        }
        Ok(Store {
            handle: Arc::new(Handle {
                shared,
                jobs,
                later,
                reads,
                closed: AtomicBool::new(false),
                threads: Mutex::new(threads),
            }),
        })
    }

    /// Runs a job that writes; the answer comes after `COMMIT` has reached the disk. The job sees its own transaction
    /// as if it were alone, and what it wrote is undone when it fails or panics. It may be run again, and it runs even
    /// if the answer is not waited for.
    pub fn write<T, E, F>(&self, job: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let answer = self.send(job);
        async move { answer?.await.unwrap_or_else(|_| Err(StoreError::Closed.into())) }
    }

    /// `write` for a thread that may wait, such as a command's; never call it on a thread that serves.
    pub fn write_blocking<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.send(job)?.blocking_recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    fn send<T, E, F>(&self, job: F) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        if self.handle.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let (job, answer) = Waiting::new(job);
        let job: Box<dyn Job> = Box::new(job);
        match self.handle.jobs.try_send(Message::Job(job)) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
        }
    }

    /// Runs a short read on the calling thread's own connection, in one snapshot.
    pub fn read_now<T, E, F>(&self, job: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E>,
    {
        readers::now(&self.handle.shared, job)
    }

    /// Makes a connection ready for the next thread whose first `read_now` it is: opened, and with the statements and the
    /// pages that the job needed. This may wait for the disk.
    pub fn ready<E, F>(&self, job: F) -> Result<(), E>
    where
        E: From<StoreError>,
        F: FnOnce(&ReadTx<'_>) -> Result<(), E>,
    {
        readers::ready(&self.handle.shared, job)
    }

    /// A future whose short reads see one snapshot, from each time that it is woken until it waits: beginning one costs as much
    /// as a look-up in it. It must not read what it has written itself.
    pub fn in_one_snapshot<F>(&self, mut future: F) -> impl Future<Output = F::Output> + use<F>
    where
        F: Future + Unpin,
    {
        let shared = self.handle.shared.clone();
        poll_fn(move |context| {
            let _sharing = readers::Sharing::begin(&shared);
            Pin::new(&mut future).poll(context)
        })
    }

    /// Runs a longer read in the pool, in one snapshot; past the deadline it ends as `TooExpensive`.
    pub fn read<T, E, F>(&self, job: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel::<Result<T, E>>();
        let job: PoolJob = Box::new(move |tx| {
            // Nobody reads the answer to a request that was given up.
            if !reply.is_closed() {
                let _ = reply.send(tx.map_err(E::from).and_then(job));
            }
        });
        let sent = self.handle.reads.put(job);
        async move {
            sent?;
            let lost = || StoreError::Panicked("a read ended without an answer".into());
            answer.await.unwrap_or_else(|_| Err(lost().into()))
        }
    }

    /// Hands over a small write that nobody waits for: it joins the next commit, or is written within 250 ms.
    /// `false` when too many wait already; then it was not taken.
    pub fn later<F>(&self, job: F) -> bool
    where
        F: FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        let mut later = self.handle.later.lock().expect("no job runs under this lock");
        if self.handle.closed.load(Ordering::Acquire) || later.len() >= LATER {
            return false;
        }
        later.push_back(Box::new(job));
        true
    }

    /// How many small writes wait.
    pub fn waiting_later(&self) -> usize {
        self.handle.later.lock().expect("no job runs under this lock").len()
    }

    /// Changes after every commit that wrote, another process's included.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.handle.shared.commits.subscribe()
    }

    /// The file was found damaged; nothing should be written any more. The text says how it showed.
    pub fn broken(&self) -> Option<String> {
        self.handle.shared.broken.lock().expect("nothing panics under this lock").clone()
    }

    /// Whether the last commit reached the disk; false from a failed one until the next that succeeds.
    pub fn writable(&self) -> bool {
        self.handle.shared.writable.load(Ordering::Relaxed)
    }

    /// Finishes the waiting jobs, writes the log back into the file and ends the threads. Later jobs are answered `Closed`.
    pub fn close(&self) {
        self.handle.close();
    }

    /// Copies the whole database to a new file while others go on reading and writing.
    pub fn backup_to(&self, file: &Path) -> Result<(), StoreError> {
        backup::copy(&open::reading_long(&self.handle.shared.file)?, file)
    }

    /// The file that is open.
    pub fn file(&self) -> &Path {
        &self.handle.shared.file
    }
}

impl Handle {
    fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // Behind the waiting jobs, so that they are finished first.
        let _ = self.jobs.send(Message::Close);
        self.reads.close();
        for thread in self.threads.lock().expect("nothing panics under this lock").drain(..) {
            // The last clone may go within a job, on one of these very threads.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// A connection for `store::check`, which looks at a file that need not be healthy.
pub(super) fn inspect(file: &Path) -> Result<Connection, StoreError> {
    let connection = open::reading(file)?;
    match migrate::version(&connection, file)? {
        Some(migrate::KNOWN) => Ok(connection),
        Some(found) => Err(StoreError::Older { found, known: migrate::KNOWN }),
        None => Err(StoreError::NotOurs(file.to_owned())),
    }
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no words").to_owned()
}

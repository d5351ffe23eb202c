//! Reading: short reads on a connection of the calling thread, longer ones in a small pool with a deadline. Either way
//! a job sees one snapshot.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::reads::{Next, PoolJob, Reads};
use super::snapshots::{Held, Seat};
use super::{ReadTx, Shared, open};
use crate::base::memory;
use crate::store::{StoreError, error};

/// How many steps of SQLite's machine pass between two looks at the deadline.
const STEPS: i32 = 1000;

/// A job of the pool that takes so long has read much; what it used may not be asked for again for hours ...
const LONG: Duration = Duration::from_millis(5);
/// ... and is given back when nothing came for so long. By then its answer is sent, which others made free.
const QUIET: Duration = Duration::from_millis(200);

thread_local! {
    /// Where the calling thread's connections lie, one for each open store.
    static SEATS: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
    /// The store whose reads on this thread share a snapshot just now.
    static SHARING: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Own {
    number: u64,
    store: Weak<Shared>,
    seat: Arc<Seat>,
}

/// The calling thread's place in a store.
fn seat(shared: &Arc<Shared>) -> Arc<Seat> {
    SEATS.with_borrow_mut(|own| {
        if let Some(own) = own.iter().find(|own| own.number == shared.number) {
            return own.seat.clone();
        }
        own.retain(|own| own.store.strong_count() > 0);
        let seat = shared.snapshots.seat();
        own.push(Own { number: shared.number, store: Arc::downgrade(shared), seat: seat.clone() });
        seat
    })
}

/// As long as it lives, all reads of its thread see one snapshot of the store: the first of them begins it. It must not live
/// across a point at which its thread may be left.
pub struct Sharing<'s>(&'s Arc<Shared>);

impl Sharing<'_> {
    pub fn begin(shared: &Arc<Shared>) -> Sharing<'_> {
        SHARING.set(Some(shared.number));
        Sharing(shared)
    }
}

impl Drop for Sharing<'_> {
    fn drop(&mut self) {
        SHARING.set(None);
        let seat = seat(self.0);
        if let Some(mut held) = seat.take() {
            held.bound = false;
            seat.put_back(held, &self.0.snapshots);
        }
    }
}

/// Runs a job on the calling thread's own connection.
pub fn now<T, E>(shared: &Arc<Shared>, job: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    let seat = seat(shared);
    // Taken while the job runs: a read within a read gets a connection of its own, and a panic drops this one.
    let mut held = match seat.take() {
        Some(held) => held,
        None => match shared.spare.lock().expect("no job runs under this lock").pop() {
            Some(spare) => Held::new(spare),
            None => Held::new(open::reading(&shared.file)?),
        },
    };
    held.see(&shared.snapshots)?;
    let result = on(shared, &held, job);
    held.bound = SHARING.get() == Some(shared.number);
    seat.put_back(held, &shared.snapshots);
    if let Some(damage) = error::take_damage() {
        shared.broke(damage);
    }
    result
}

/// Opens a connection before a thread needs it, and runs a job on it that reads what will be read often.
pub fn ready<E>(shared: &Shared, job: impl FnOnce(&ReadTx<'_>) -> Result<(), E>) -> Result<(), E>
where
    E: From<StoreError>,
{
    let mut held = Held::new(open::reading(&shared.file)?);
    held.see(&shared.snapshots)?;
    on(shared, &held, job)?;
    held.end()?;
    shared.spare.lock().expect("no job runs under this lock").push(held.connection);
    Ok(())
}

fn on<T, E>(shared: &Shared, held: &Held, job: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    let tx = ReadTx::new(&held.connection, shared.options.clock.now(), &shared.options.ids, None);
    job(&tx.remembering(held.opened()))
}

/// One thread of the pool: takes jobs until the store is closed.
pub fn work(shared: &Arc<Shared>, reads: &Reads) {
    let (mut connection, mut holds) = (None, false);
    loop {
        let job = match reads.next(holds.then_some(QUIET)) {
            Next::Job(job) => job,
            Next::Nothing => {
                memory::give_back();
                holds = false;
                continue;
            }
            Next::End => return,
        };
        let mut open = match connection.take().map_or_else(|| open::reading_long(&shared.file), Ok) {
            Ok(open) => open,
            Err(error) => {
                job(Err(error));
                continue;
            }
        };
        let began = Instant::now();
        // A connection that a job panicked on is not used again.
        if catch_unwind(AssertUnwindSafe(|| timed(shared, &mut open, job))).is_ok() {
            connection = Some(open);
        }
        holds |= began.elapsed() >= LONG;
        if let Some(damage) = error::take_damage() {
            shared.broke(damage);
        }
    }
}

fn timed(shared: &Shared, connection: &mut Connection, job: PoolJob) {
    let deadline = Instant::now() + shared.options.deadline;
    if let Err(error) = connection.progress_handler(STEPS, Some(move || Instant::now() >= deadline)) {
        return job(Err(error.into()));
    }
    let connection = &*connection;
    let begun = connection.prepare_cached("begin").and_then(|mut begin| begin.execute([]));
    if let Err(error) = begun {
        return job(Err(error.into()));
    }
    let now = shared.options.clock.now();
    job(Ok(&ReadTx::new(connection, now, &shared.options.ids, Some(deadline))));
    // Fails only when SQLite has rolled back by itself.
    let _ = connection.execute_batch("rollback");
}

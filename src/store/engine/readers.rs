//! Reading: short reads on a connection of the calling thread, longer ones in a small pool with a deadline. Either way
//! a job sees one snapshot.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::reads::{Next, PoolJob, Reads};
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
    /// The calling thread's connections, one for each open store.
    static OWN: RefCell<HashMap<u64, Own>> = RefCell::new(HashMap::new());
    /// The store whose reads on this thread share a snapshot just now.
    static SHARING: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Own {
    store: Weak<Shared>,
    connection: Connection,
    /// Whether a snapshot is open on it, for the reads that share one.
    begun: bool,
}

/// As long as it lives, all reads of its thread see one snapshot of the store: the first of them begins it. It must not live
/// across a point at which its thread may be left.
pub struct Sharing(u64);

impl Sharing {
    pub fn begin(shared: &Shared) -> Sharing {
        SHARING.set(Some(shared.number));
        Sharing(shared.number)
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        SHARING.set(None);
        let Some(own) = OWN.with_borrow_mut(|own| own.remove(&self.0)) else { return };
        // One that cannot be rolled back is closed, and the next read opens another.
        if !own.begun || end(&own.connection).is_ok() {
            OWN.with_borrow_mut(|all| all.insert(self.0, Own { begun: false, ..own }));
        }
    }
}

/// Runs a job on the calling thread's own connection.
pub fn now<T, E>(shared: &Arc<Shared>, job: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    // Taken out while the job runs: a read within a read gets a connection of its own, and a panic drops this one.
    let own = OWN.with_borrow_mut(|own| own.remove(&shared.number));
    let (connection, begun) = match own {
        Some(own) => (own.connection, own.begun),
        None => match shared.spare.lock().expect("no job runs under this lock").pop() {
            Some(spare) => (spare, false),
            None => (open::reading(&shared.file)?, false),
        },
    };
    if !begun {
        begin(&connection)?;
    }
    let result = on(shared, &connection, job);
    let sharing = SHARING.get() == Some(shared.number);
    if !sharing {
        end(&connection)?;
    }
    // Some failures end it by themselves.
    let begun = sharing && !connection.is_autocommit();
    if let Some(damage) = error::take_damage() {
        shared.broke(damage);
    }
    OWN.with_borrow_mut(|own| {
        if !own.contains_key(&shared.number) {
            own.retain(|_, own| own.store.strong_count() > 0);
            own.insert(shared.number, Own { store: Arc::downgrade(shared), connection, begun });
        }
    });
    result
}

/// Opens a connection before a thread needs it, and runs a job on it that reads what will be read often.
pub fn ready<E>(shared: &Shared, job: impl FnOnce(&ReadTx<'_>) -> Result<(), E>) -> Result<(), E>
where
    E: From<StoreError>,
{
    let connection = open::reading(&shared.file)?;
    begin(&connection)?;
    on(shared, &connection, job)?;
    end(&connection)?;
    shared.spare.lock().expect("no job runs under this lock").push(connection);
    Ok(())
}

fn on<T, E>(
    shared: &Shared,
    connection: &Connection,
    job: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<StoreError>,
{
    job(&ReadTx::new(connection, shared.options.clock.now(), &shared.options.ids, None))
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("begin")?.execute([])?;
    Ok(())
}

/// Ends a snapshot.
fn end(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached("rollback")?.execute([])?;
    Ok(())
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

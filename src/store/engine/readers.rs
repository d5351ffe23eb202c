//! Reading: short reads on a connection of the calling thread, longer ones in a small pool with a deadline. Either way
//! a job sees one snapshot.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use rusqlite::Connection;

use super::{ReadTx, Shared, open};
use crate::store::{StoreError, error};

/// How many steps of SQLite's machine pass between two looks at the deadline.
const STEPS: i32 = 1000;

/// A read for the pool. `Err` when the snapshot could not be had.
pub type PoolJob = Box<dyn FnOnce(Result<&ReadTx<'_>, StoreError>) + Send>;

thread_local! {
    /// The calling thread's connections, one for each open store.
    static OWN: RefCell<HashMap<u64, (Weak<Shared>, Connection)>> = RefCell::new(HashMap::new());
}

/// Runs a job on the calling thread's own connection.
pub fn now<T, E>(shared: &Arc<Shared>, job: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    // Taken out while the job runs: a read within a read gets a connection of its own, and a panic drops this one.
    let own = OWN.with_borrow_mut(|own| own.remove(&shared.number));
    let connection = match own {
        Some((_, connection)) => connection,
        None => match shared.spare.lock().expect("no job runs under this lock").pop() {
            Some(spare) => spare,
            None => open::reading(&shared.file)?,
        },
    };
    let result = on(shared, &connection, job);
    if let Some(damage) = error::take_damage() {
        shared.broke(damage);
    }
    OWN.with_borrow_mut(|own| {
        if !own.contains_key(&shared.number) {
            own.retain(|_, (store, _)| store.strong_count() > 0);
            own.insert(shared.number, (Arc::downgrade(shared), connection));
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
    on(shared, &connection, job)?;
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
    in_snapshot(connection, || {
        job(&ReadTx::new(connection, shared.options.clock.now(), &shared.options.ids, None))
    })
}

fn in_snapshot<T, E>(connection: &Connection, job: impl FnOnce() -> Result<T, E>) -> Result<T, E>
where
    E: From<StoreError>,
{
    let begin = |sql| -> Result<(), StoreError> {
        connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    };
    begin("begin")?;
    let result = job();
    begin("rollback")?;
    result
}

/// One thread of the pool: takes jobs until the store is closed.
pub fn work(shared: &Arc<Shared>, queue: &Mutex<Receiver<PoolJob>>) {
    let mut connection = None;
    loop {
        let next = queue.lock().expect("no job runs under this lock").recv();
        let Ok(job) = next else {
            return;
        };
        let mut open = match connection.take().map_or_else(|| open::reading_long(&shared.file), Ok) {
            Ok(open) => open,
            Err(error) => {
                job(Err(error));
                continue;
            }
        };
        // A connection that a job panicked on is not used again.
        if catch_unwind(AssertUnwindSafe(|| timed(shared, &mut open, job))).is_ok() {
            connection = Some(open);
        }
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

//! The connections of the threads that read, and the snapshots that they keep open from one read to the next: to begin and
//! end one costs more than a look-up in it, and all threads wait for the same lock meanwhile. A kept snapshot is the file as it
//! is: it ends before this process writes, and those of other processes are seen after `LIFE` at the latest.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::Result;
use crate::store::tokens::LastOpened;

/// How long a snapshot is read from before another one is begun.
const LIFE: Duration = Duration::from_millis(2);

/// All of them, of one store.
#[derive(Default)]
pub struct Snapshots {
    /// Odd while a commit is under way, and another number behind it.
    turn: AtomicU64,
    seats: Mutex<Vec<Weak<Seat>>>,
}

/// Where a thread's connection lies between two reads, so that the writer can end its snapshot.
#[derive(Default)]
pub struct Seat(Mutex<Option<Held>>);

/// A connection with its snapshot.
pub struct Held {
    pub connection: Connection,
    snapshot: Option<Snapshot>,
    /// A future reads from it and will go on, whatever is committed meanwhile.
    pub bound: bool,
}

struct Snapshot {
    turn: u64,
    began: Instant,
    opened: LastOpened,
}

/// A commit under way, from before it begins: no snapshot is kept meanwhile, since it would hold up the log's way back into the
/// file, and another process that waits for it and has the lock that the commit needs.
pub struct Moving<'s>(&'s Snapshots);

impl Snapshots {
    /// A place for one more thread.
    pub fn seat(&self) -> Arc<Seat> {
        let seat = Arc::<Seat>::default();
        let mut seats = lock(&self.seats);
        seats.retain(|seat| seat.strong_count() > 0);
        seats.push(Arc::downgrade(&seat));
        seat
    }

    /// Ends what is kept, until the commit is over.
    pub fn moving(&self) -> Moving<'_> {
        self.turn.fetch_add(1, Ordering::SeqCst);
        self.end_idle();
        Moving(self)
    }

    /// Ends the snapshots from which nobody reads just now.
    pub fn end_idle(&self) {
        for seat in lock(&self.seats).iter().filter_map(Weak::upgrade) {
            let mut held = lock(&seat.0);
            if held.as_mut().is_some_and(|held| !held.bound && held.end().is_err()) {
                *held = None;
            }
        }
    }

    fn is_current(&self, turn: u64) -> bool {
        turn.is_multiple_of(2) && self.turn.load(Ordering::SeqCst) == turn
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::SeqCst);
    }
}

impl Seat {
    /// The connection, unless a read on this thread has it already.
    pub fn take(&self) -> Option<Held> {
        lock(&self.0).take()
    }

    /// Puts a connection back. Its snapshot is kept while it is the file as it is; the look at that and the writer's call to end
    /// it are under one lock, so that none is missed. A connection whose snapshot cannot be ended is closed.
    pub fn put_back(&self, mut held: Held, snapshots: &Snapshots) {
        let mut place = lock(&self.0);
        // Some failures end a snapshot by themselves.
        held.snapshot = held.snapshot.take_if(|_| !held.connection.is_autocommit());
        let is_current = |snapshot: &Snapshot| snapshots.is_current(snapshot.turn);
        let stays = held.bound || held.snapshot.as_ref().is_none_or(is_current);
        if place.is_none() && (stays || held.end().is_ok()) {
            *place = Some(held);
        }
    }
}

impl Held {
    pub fn new(connection: Connection) -> Held {
        Held { connection, snapshot: None, bound: false }
    }

    /// Sees to it that there is a snapshot: the one that a future is bound to, one that is the file as it is, or a new one.
    pub fn see(&mut self, snapshots: &Snapshots) -> Result<()> {
        let is_old =
            |snapshot: &Snapshot| !snapshots.is_current(snapshot.turn) || snapshot.began.elapsed() >= LIFE;
        if !self.bound && self.snapshot.as_ref().is_some_and(is_old) {
            self.end()?;
        }
        if self.snapshot.is_none() {
            // Before the snapshot: one that a commit came between is never kept.
            let (turn, began) = (snapshots.turn.load(Ordering::SeqCst), Instant::now());
            self.connection.prepare_cached("begin")?.execute([])?;
            self.snapshot = Some(Snapshot { turn, began, opened: LastOpened::default() });
        }
        Ok(())
    }

    /// What was found in its snapshot.
    pub fn opened(&self) -> Option<&LastOpened> {
        self.snapshot.as_ref().map(|snapshot| &snapshot.opened)
    }

    /// Ends its snapshot.
    pub fn end(&mut self) -> Result<()> {
        if self.snapshot.take().is_some() {
            self.connection.prepare_cached("rollback")?.execute([])?;
        }
        Ok(())
    }
}

/// No code that may panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a number in it, and a way to change it from elsewhere.
    fn file() -> (tempfile::TempDir, impl Fn() -> Held, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("pragma journal_mode = wal; create table a (n); insert into a values (0)")
            .unwrap();
        (directory, move || Held::new(Connection::open(&path).unwrap()), writer)
    }

    fn number(held: &Held) -> i64 {
        held.connection.query_row("select n from a", [], |row| row.get(0)).unwrap()
    }

    fn is_kept(seat: &Seat) -> bool {
        lock(&seat.0).as_ref().is_some_and(|held| !held.connection.is_autocommit())
    }

    /// Reads as a thread does, and leaves its connection.
    fn read(seat: &Seat, snapshots: &Snapshots, open: impl Fn() -> Held) -> i64 {
        let mut held = seat.take().unwrap_or_else(open);
        held.see(snapshots).unwrap();
        let found = number(&held);
        seat.put_back(held, snapshots);
        found
    }

    #[test]
    fn a_snapshot_is_kept_until_something_is_committed_and_none_while_it_is() {
        let (_directory, open, writer) = file();
        let snapshots = Snapshots::default();
        let seat = snapshots.seat();
        assert_eq!(read(&seat, &snapshots, &open), 0);
        assert!(is_kept(&seat));
        let moving = snapshots.moving();
        assert!(!is_kept(&seat), "the writer ends it");
        assert_eq!(read(&seat, &snapshots, &open), 0);
        assert!(!is_kept(&seat), "nor is another one kept");
        // A read that is under way when the commit begins, and one when it ends.
        let mut before = seat.take().unwrap();
        before.see(&snapshots).unwrap();
        writer.execute("update a set n = 1", []).unwrap();
        drop(moving);
        seat.put_back(before, &snapshots);
        assert!(!is_kept(&seat), "it began before the commit was over");
        assert_eq!(read(&seat, &snapshots, &open), 1);
        assert!(is_kept(&seat));
        snapshots.end_idle();
        assert!(!is_kept(&seat));
    }

    #[test]
    fn what_another_process_committed_is_seen_soon() {
        let (_directory, open, writer) = file();
        let snapshots = Snapshots::default();
        let seat = snapshots.seat();
        assert_eq!(read(&seat, &snapshots, &open), 0);
        writer.execute("update a set n = 1", []).unwrap();
        std::thread::sleep(LIFE);
        assert_eq!(read(&seat, &snapshots, &open), 1);
    }

    #[test]
    fn a_snapshot_that_a_future_is_bound_to_outlives_a_commit() {
        let (_directory, open, writer) = file();
        let snapshots = Snapshots::default();
        let seat = snapshots.seat();
        let mut held = open();
        held.see(&snapshots).unwrap();
        assert_eq!(number(&held), 0);
        held.bound = true;
        seat.put_back(held, &snapshots);
        let moving = snapshots.moving();
        writer.execute("update a set n = 1", []).unwrap();
        drop(moving);
        std::thread::sleep(LIFE);
        let mut held = seat.take().expect("it is there still");
        held.see(&snapshots).unwrap();
        assert_eq!(number(&held), 0, "the snapshot stands");
        held.bound = false;
        seat.put_back(held, &snapshots);
        assert!(!is_kept(&seat), "and ends with the future");
        assert_eq!(read(&seat, &snapshots, &open), 1);
    }

    #[test]
    fn a_connection_that_comes_second_and_one_that_a_failure_left_are_let_go() {
        let (_directory, open, _writer) = file();
        let snapshots = Snapshots::default();
        let seat = snapshots.seat();
        read(&seat, &snapshots, &open);
        let mut second = open();
        second.see(&snapshots).unwrap();
        seat.put_back(second, &snapshots);
        let held = seat.take().expect("the first one");
        held.connection.execute_batch("rollback").unwrap();
        seat.put_back(held, &snapshots);
        assert!(!is_kept(&seat));
        assert_eq!(read(&seat, &snapshots, &open), 0);
        assert!(is_kept(&seat), "another snapshot is begun");
        drop(seat);
        snapshots.end_idle();
        snapshots.seat();
        assert_eq!(lock(&snapshots.seats).len(), 1, "the place of a thread that ended is forgotten");
    }
}

//! The writer: one thread with the one connection that writes. It commits whole groups of jobs at once, each job in a
//! savepoint of its own, and answers only after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::checkpoint::Checkpoints;
use super::queue::{Gathered, Job, Later, Message};
use super::small::{SmallWrites, all_good};
use super::tx::Left;
use super::{Shared, WriteTx};
use crate::store::{Result, StoreError, error as failure};

/// Jobs that one commit takes at most.
const BATCH: usize = 256;
/// How long a transaction gathers jobs at most.
const GATHER: Duration = Duration::from_millis(20);
/// How often an idle writer looks for small writes that nobody waits for, and for other processes' commits.
const TICK: Duration = Duration::from_millis(200);

/// The writer's thread.
pub struct Writer {
    sqlite: Connection,
    checkpoints: Checkpoints,
    shared: Arc<Shared>,
    queue: Receiver<Message>,
    small: SmallWrites,
    /// Nothing was done yet in the running transaction.
    untouched: bool,
    /// What the jobs of the running transaction left for later.
    left: Left,
    /// How long requests of earlier transactions took until they were on disk, in microseconds.
    durations: Vec<(i64, u64)>,
    closing: bool,
    seen: i64,
}

/// How a job or a batch ended within its transaction.
enum Outcome {
    Open,
    /// SQLite rolled the whole transaction back: the disk is full or refused.
    Lost,
}

impl Writer {
    /// A writer on its own connection.
    pub fn new(
        mut sqlite: Connection,
        shared: Arc<Shared>,
        queue: Receiver<Message>,
        later: Gathered,
    ) -> Result<Writer> {
        Ok(Writer {
            checkpoints: Checkpoints::new(shared.clone(), &mut sqlite)?,
            sqlite,
            shared,
            queue,
            small: SmallWrites::new(later),
            untouched: false,
            left: Left::default(),
            durations: Vec::new(),
            closing: false,
            seen: 0,
        })
    }

    /// Works until it is told to close or nobody holds the store any more.
    pub fn run(mut self) {
        self.seen = self.data_version();
        while !self.closing {
            match self.queue.recv_timeout(TICK) {
                Ok(Message::Job(job)) => self.batch(Some(job)),
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => self.closing = true,
                Err(RecvTimeoutError::Timeout) => self.look_around(),
            }
        }
        self.small.try_again();
        if self.has_small_writes() {
            self.batch(None);
        }
        let _moving = self.shared.snapshots.moving();
        self.checkpoints.end();
        // The log goes back into the file, so that a copy of the file alone is whole after a clean stop.
        if let Err(error) = self.sqlite.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
    }

    fn look_around(&mut self) {
        if self.has_small_writes() && !self.small.is_resting() {
            self.batch(None);
        }
        // One that nobody asks any more would keep another process from beginning the log anew.
        self.shared.snapshots.end_idle();
        let version = self.data_version();
        if version != self.seen {
            self.seen = version;
            self.shared.committed();
        }
    }

    fn has_small_writes(&self) -> bool {
        !self.durations.is_empty() || self.small.any()
    }

    /// Changes when another connection has committed.
    fn data_version(&self) -> i64 {
        self.sqlite.query_row("pragma data_version", [], |row| row.get(0)).unwrap_or(0)
    }

    /// One transaction: the first job, whatever else waits, and the small writes.
    fn batch(&mut self, first: Option<Box<dyn Job>>) {
        let shared = self.shared.clone();
        // Also while it waits to begin: whom it waits for may wait for the snapshots of this process.
        let moving = shared.snapshots.moving();
        if let Err(error) = self.sqlite.execute_batch("begin immediate") {
            let error = StoreError::from(error);
            if let Some(damage) = failure::take_damage() {
                self.shared.broke(damage);
            }
            self.shared.commit_failed(&error);
            if let Some(job) = first {
                job.answer(Some(error));
            }
            return;
        }
        self.untouched = true;
        let before = self.sqlite.total_changes();
        let mut jobs = Vec::new();
        let outcome = self.jobs(first, &mut jobs);
        let outcome = match outcome {
            Outcome::Open => {
                let came_since = self.small.take();
                self.small_writes(came_since)
            }
            lost => lost,
        };
        let outcome = match outcome {
            Outcome::Open => self.last_writes(),
            lost => lost,
        };
        let Left { answered, .. } = std::mem::take(&mut self.left);
        let failure = match outcome {
            Outcome::Open => self.commit().err(),
            Outcome::Lost => Some(StoreError::Busy),
        };
        drop(moving);
        match &failure {
            Some(error) => self.shared.commit_failed(error),
            None => {
                let took = |(row, began): (i64, Instant)| (row, began.elapsed().as_micros() as u64);
                self.durations = answered.into_iter().map(took).collect();
                self.shared.commit_succeeded();
            }
        }
        let wrote = failure.is_none() && self.sqlite.total_changes() != before;
        if wrote {
            self.shared.committed();
        }
        self.small.ended(failure.is_none());
        for job in jobs {
            job.answer(failure.as_ref().map(StoreError::again));
        }
        self.checkpoints.after_commit(&self.sqlite);
    }

    fn jobs(&mut self, first: Option<Box<dyn Job>>, done: &mut Vec<Box<dyn Job>>) -> Outcome {
        let started = Instant::now();
        let mut next = first;
        while let Some(mut job) = next.take() {
            let outcome = self.job(job.as_mut());
            done.push(job);
            if let Outcome::Lost = outcome {
                return Outcome::Lost;
            }
            if done.len() >= BATCH || started.elapsed() >= GATHER {
                break;
            }
            next = match self.queue.try_recv() {
                Ok(Message::Job(job)) => Some(job),
                Ok(Message::Close) => {
                    self.closing = true;
                    None
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            };
        }
        Outcome::Open
    }

    /// A job, behind the small writes that came before it, so that rows are numbered in the order of their requests. They
    /// are in one savepoint; of what is undone with the other, they are made again.
    fn job(&mut self, job: &mut dyn Job) -> Outcome {
        let mut before = self.small.take();
        let (mut good, mut keep) = (true, false);
        let mut failed = None;
        let outcome = self.in_savepoint(|tx| {
            good = all_good(&mut before, tx);
            keep = good && run(job, tx, &mut failed);
            keep
        });
        if let Some(error) = failed {
            job.fail(error);
        }
        match outcome {
            Ok(Outcome::Open) if keep => {
                self.small.written(before);
                Outcome::Open
            }
            Ok(Outcome::Open) => match (good, self.small_writes(before)) {
                (false, Outcome::Open) => self.job(job),
                (_, outcome) => outcome,
            },
            Ok(Outcome::Lost) => {
                self.small.written(before);
                Outcome::Lost
            }
            Err(error) => {
                self.small.written(before);
                job.fail(error);
                self.lose()
            }
        }
    }

    /// Small writes, in one savepoint since each costs a copy of the pages that change; one by one where one fails.
    fn small_writes(&mut self, mut jobs: Vec<Later>) -> Outcome {
        if jobs.len() > 1 {
            let mut all = true;
            let together = self.in_savepoint(|tx| {
                all = all_good(&mut jobs, tx);
                all
            });
            let outcome = together.unwrap_or_else(|_| self.lose());
            if all || matches!(outcome, Outcome::Lost) {
                self.small.written(jobs);
                return outcome;
            }
        }
        let mut rest = jobs.into_iter();
        while let Some(job) = rest.next() {
            if let Outcome::Lost = self.small_write(job) {
                self.small.written(rest);
                return Outcome::Lost;
            }
        }
        Outcome::Open
    }

    /// One small write. It is kept until the commit, or for later where there is no room; what is wrong with it itself is
    /// told and ends it.
    fn small_write(&mut self, mut job: Later) -> Outcome {
        let mut ended = None;
        let mut no_room = false;
        let outcome = self.in_savepoint(|tx| match catch_unwind(AssertUnwindSafe(|| job(tx))) {
            Ok(Ok(())) => true,
            Ok(Err(StoreError::Full | StoreError::Busy)) => {
                no_room = true;
                false
            }
            Ok(Err(error)) => {
                ended = Some(error.to_string());
                false
            }
            Err(panic) => {
                ended = Some(super::panic_text(panic.as_ref()));
                false
            }
        });
        match ended {
            Some(error) => tracing::error!(error, "a record that nobody waits for was not written"),
            None if no_room => self.small.postpone(job),
            None => self.small.written([job]),
        }
        outcome.unwrap_or_else(|_| self.lose())
    }

    /// What the jobs left for the end, all in one savepoint: when it fails, their own writes stand without it.
    fn last_writes(&mut self) -> Outcome {
        let writes = std::mem::take(&mut self.left.at_end);
        let durations = std::mem::take(&mut self.durations);
        if writes.is_empty() && durations.is_empty() {
            return Outcome::Open;
        }
        let all = |tx: &mut WriteTx<'_>| {
            tx.keep_durations(&durations)?;
            writes.into_iter().try_for_each(|mut write| write(tx))
        };
        let done = self.in_savepoint(|tx| match catch_unwind(AssertUnwindSafe(|| all(tx))) {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "what was left for the end of a transaction was not written");
                false
            }
            Err(panic) => {
                let what = super::panic_text(panic.as_ref());
                tracing::error!(what, "what was left for the end of a transaction panicked");
                false
            }
        });
        match done {
            Err(_) if !self.sqlite.is_autocommit() => Outcome::Open,
            done => done.unwrap_or(Outcome::Lost),
        }
    }

    /// Runs a job so that its writes, and only its writes, are undone when it answers false. The first one of a transaction
    /// needs no savepoint, which would copy each page that it changes: to undo it is to begin anew.
    fn in_savepoint(&mut self, job: impl FnOnce(&mut WriteTx<'_>) -> bool) -> Result<Outcome> {
        let first = std::mem::take(&mut self.untouched);
        if !first {
            self.sqlite.prepare_cached("savepoint job")?.execute([])?;
        }
        let now = self.shared.options.clock.now();
        let mut tx = WriteTx::new(&self.sqlite, now, &self.shared.options.ids, &self.shared.noted);
        let keep = job(&mut tx);
        let left = tx.into_left();
        if let Some(damage) = failure::take_damage() {
            self.shared.broke(damage);
        }
        if self.sqlite.is_autocommit() {
            return Ok(Outcome::Lost);
        }
        if keep {
            self.left.at_end.extend(left.at_end);
            self.left.answered.extend(left.answered);
        }
        match (first, keep) {
            (true, true) => {}
            (true, false) => {
                self.sqlite.execute_batch("rollback")?;
                self.sqlite.execute_batch("begin immediate")?;
                self.untouched = true;
            }
            (false, keep) => {
                if !keep {
                    self.sqlite.prepare_cached("rollback to job")?.execute([])?;
                }
                self.sqlite.prepare_cached("release job")?.execute([])?;
            }
        }
        Ok(Outcome::Open)
    }

    /// Ends a transaction of which a savepoint could not be made or ended: nobody knows what of it would be committed.
    fn lose(&mut self) -> Outcome {
        self.roll_back();
        Outcome::Lost
    }

    fn roll_back(&mut self) {
        if !self.sqlite.is_autocommit()
            && let Err(error) = self.sqlite.execute_batch("rollback")
        {
            tracing::error!(%error, "a transaction that failed could not be rolled back");
        }
    }

    fn commit(&mut self) -> Result<()> {
        let failure = match self.sqlite.execute_batch("commit") {
            Ok(()) => return Ok(()),
            Err(error) => StoreError::from(error),
        };
        if let Some(damage) = failure::take_damage() {
            self.shared.broke(damage);
        }
        self.roll_back();
        Err(failure)
    }
}

/// Runs a job; true when its writes shall stay. A panic is its failure.
fn run(job: &mut dyn Job, tx: &mut WriteTx<'_>, failed: &mut Option<StoreError>) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.run(tx))).unwrap_or_else(|panic| {
        *failed = Some(StoreError::Panicked(super::panic_text(panic.as_ref())));
        false
    })
}

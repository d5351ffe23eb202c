//! The longer reads that wait for a thread of the pool.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ReadTx;
use crate::store::StoreError;

/// How many may wait; one more is told to come again.
const MOST: usize = 256;

/// A read for the pool. `Err` when the snapshot could not be had.
pub type PoolJob = Box<dyn FnOnce(Result<&ReadTx<'_>, StoreError>) + Send>;

/// The queue, in the order in which they came.
#[derive(Default)]
pub struct Reads {
    waiting: Mutex<Waiting>,
    come: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<PoolJob>,
    closed: bool,
}

/// What a thread of the pool does next.
pub enum Next {
    Job(PoolJob),
    /// Nothing came within the time that was named.
    Nothing,
    /// There is nothing left to do, and nothing will come.
    End,
}

impl Reads {
    /// Hands a job over; `Busy` when too many wait, `Closed` after the end.
    pub fn put(&self, job: PoolJob) -> Result<(), StoreError> {
        let mut waiting = self.waiting();
        match (waiting.closed, waiting.jobs.len()) {
            (true, _) => Err(StoreError::Closed),
            (_, MOST..) => Err(StoreError::Busy),
            _ => {
                waiting.jobs.push_back(job);
                self.come.notify_one();
                Ok(())
            }
        }
    }

    /// Waits for a job, without a time for as long as it takes. Those that wait at the end are still given out.
    pub fn next(&self, within: Option<Duration>) -> Next {
        let until = within.map(|time| Instant::now() + time);
        let mut waiting = self.waiting();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Next::Job(job);
            }
            if waiting.closed {
                return Next::End;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            waiting = match left {
                Some(Duration::ZERO) => return Next::Nothing,
                Some(left) => self.come.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.come.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Nothing more is taken.
    pub fn close(&self) {
        self.waiting().closed = true;
        self.come.notify_all();
    }

    /// No job runs under this lock, so that a thread that panics leaves it as it was.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_at_the_end_is_still_done_and_nothing_is_taken_after_it() {
        let reads = Reads::default();
        let job = || -> PoolJob { Box::new(|_| ()) };
        assert!(matches!(reads.next(Some(Duration::ZERO)), Next::Nothing));
        for _ in 0..MOST {
            reads.put(job()).expect("there is room");
        }
        assert!(matches!(reads.put(job()), Err(StoreError::Busy)));
        reads.close();
        assert!(matches!(reads.put(job()), Err(StoreError::Closed)));
        for _ in 0..MOST {
            assert!(matches!(reads.next(None), Next::Job(_)));
        }
        assert!(matches!(reads.next(None), Next::End));
    }

    #[test]
    fn a_thread_that_waits_is_woken_by_a_job_and_by_the_end() {
        let reads = Reads::default();
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let first = matches!(reads.next(None), Next::Job(_));
                first && matches!(reads.next(Some(Duration::from_secs(60))), Next::End)
            });
            reads.put(Box::new(|_| ())).expect("there is room");
            while !reads.waiting().jobs.is_empty() {
                std::thread::yield_now();
            }
            reads.close();
            assert!(worker.join().expect("no panic"));
        });
    }
}

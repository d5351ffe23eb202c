//! The small writes that nobody waits for, from when they are asked for until their commit is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::WriteTx;
use super::queue::{Gathered, Later};

/// How long small writes wait after the disk refused them: until then changes alone try whether there is room.
const REST: Duration = Duration::from_secs(2);

/// Small writes, as the writer has them.
pub struct SmallWrites {
    waiting: Gathered,
    /// Those of the running transaction, until its commit has reached the disk.
    written: Vec<Later>,
    /// Those that there was no room for.
    postponed: Vec<Later>,
    rest_until: Option<Instant>,
}

impl SmallWrites {
    /// What is gathered there.
    pub fn new(waiting: Gathered) -> SmallWrites {
        SmallWrites { waiting, written: Vec::new(), postponed: Vec::new(), rest_until: None }
    }

    /// Whether any waits.
    pub fn any(&self) -> bool {
        !self.waiting.lock().expect("no job runs under this lock").is_empty()
    }

    /// Whether they wait because there was no room.
    pub fn is_resting(&self) -> bool {
        self.rest_until.is_some_and(|until| Instant::now() < until)
    }

    /// Lets them be tried once more, whether there was room or not.
    pub fn try_again(&mut self) {
        self.rest_until = None;
    }

    /// Those that wait, oldest first; none while they rest.
    pub fn take(&self) -> Vec<Later> {
        match self.is_resting() {
            true => Vec::new(),
            false => std::mem::take(&mut *self.waiting.lock().expect("no job runs under this lock")).into(),
        }
    }

    /// Keeps what was written until the commit.
    pub fn written(&mut self, jobs: impl IntoIterator<Item = Later>) {
        self.written.extend(jobs);
    }

    /// Keeps what there was no room for.
    pub fn postpone(&mut self, job: Later) {
        self.postponed.push(job);
    }

    /// After a transaction: gives back what is owed, before what came since.
    pub fn ended(&mut self, committed: bool) {
        if committed {
            self.written.clear();
        }
        if self.written.is_empty() && self.postponed.is_empty() {
            self.rest_until = if committed { None } else { self.rest_until };
            return;
        }
        self.rest_until = Some(Instant::now() + REST);
        let mut waiting = self.waiting.lock().expect("no job runs under this lock");
        for job in self.written.drain(..).chain(self.postponed.drain(..)).rev() {
            waiting.push_front(job);
        }
    }
}

/// Runs them in their order until one fails; whether none did.
pub fn all_good(jobs: &mut [Later], tx: &mut WriteTx<'_>) -> bool {
    jobs.iter_mut().all(|job| matches!(catch_unwind(AssertUnwindSafe(|| job(tx))), Ok(Ok(()))))
}

//! What waits for the writer: jobs with whoever waits for them, and small writes that nobody waits for. How they are written
//! is the business of `writer`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::WriteTx;
use crate::store::StoreError;

/// A write job with its result and whoever waits for it.
pub trait Job: Send {
    /// Runs the job; true when its writes shall stay.
    fn run(&mut self, tx: &mut WriteTx<'_>) -> bool;
    /// The job panicked or its transaction was lost before the commit.
    fn fail(&mut self, error: StoreError);
    /// Sends the answer. A failed commit spoils a result that was good.
    fn answer(self: Box<Self>, commit: Option<StoreError>);
}

/// What the writer's queue carries.
pub enum Message {
    Job(Box<dyn Job>),
    Close,
}

/// A small write that nobody waits for.
pub type Later = Box<dyn FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send>;

/// The small writes that wait for the next commit.
pub type Gathered = Arc<Mutex<VecDeque<Later>>>;

/// A job made of a function and a channel for its result.
pub struct Waiting<T, E, F> {
    job: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Waiting<T, E, F> {
    /// A job, and where its answer will come.
    pub fn new(job: F) -> (Waiting<T, E, F>, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Waiting { job, result: None, reply }, answer)
    }
}

impl<T, E, F> Job for Waiting<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnMut(&mut WriteTx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut WriteTx<'_>) -> bool {
        let result = (self.job)(tx);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>, commit: Option<StoreError>) {
        let result = match (self.result, commit) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(error)) => Err(error.into()),
            (Some(result), None) => result,
            (None, None) => Err(StoreError::Closed.into()),
        };
        // Whoever asked may have gone; the change stands all the same.
        let _ = self.reply.send(result);
    }
}

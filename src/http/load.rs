//! How busy one connection is: which answers are under way, streamed bodies included, and for how long none was.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Bytes, Frame, SizeHint};
use tokio::time::Instant;

use crate::http::Body;
use crate::http::response::Cut;

/// Counts the answers under way on a connection.
#[derive(Clone, Debug)]
pub(super) struct Load(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    active: usize,
    /// Since when `active` has its value.
    changed: Instant,
}

/// One answer under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Running(Load);

impl Load {
    pub(super) fn new() -> Load {
        Load(Arc::new(Mutex::new(State { active: 0, changed: Instant::now() })))
    }

    /// Counts an answer.
    pub(super) fn enter(&self) -> Running {
        self.change(|active| active + 1);
        Running(self.clone())
    }

    /// Resolves once no answer has been under way for so long.
    pub(super) async fn idle(&self, patience: Duration) {
        loop {
            let until = {
                let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let from = if state.active == 0 { state.changed } else { Instant::now() };
                from + patience
            };
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    fn change(&self, to: impl Fn(usize) -> usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { active: to(state.active), changed: Instant::now() };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.change(|active| active - 1);
    }
}

/// A body that counts as an answer under way until it is sent.
pub(super) struct Counted {
    pub body: Body,
    /// Never read: it counts by living.
    pub _running: Running,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idleness_begins_when_the_last_answer_ends() {
        let load = Load::new();
        let running = load.enter();
        let patience = Duration::from_secs(5);
        assert!(tokio::time::timeout(Duration::from_secs(60), load.idle(patience)).await.is_err());
        drop(running);
        let began = Instant::now();
        load.idle(patience).await;
        assert!(began.elapsed() >= patience);
    }
}

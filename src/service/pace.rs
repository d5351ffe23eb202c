//! How many reads of each token are recorded one by one. People and providers stay below it, and their reads keep answer and
//! words; who reads on and on costs no more than this, and the rest of his reads leaves a line each (`missed`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::Timestamp;

/// Reads that may come at once.
const BURST: i64 = 512;
/// Milliseconds after which one more may. Providers send 10 to 50 requests a second; 200 of them, of a token, are a hundredth
/// of a processor's time.
const EACH_MS: i64 = 5;

/// When each token's burst will be whole again. A token has its own, so that one that never rests takes nothing from another.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<i64, Timestamp>>);

impl Pace {
    /// Whether a read of the token at this instant is recorded by itself.
    pub fn has_room(&self, token: i64, at: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = all.entry(token).or_insert(at);
        // A clock that was put back must not keep anybody waiting for the time that it left.
        whole.0 = whole.0.clamp(at.0, at.0 + BURST * EACH_MS);
        let has_room = whole.since(at) <= (BURST - 1) * EACH_MS;
        if has_room {
            whole.0 += EACH_MS;
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` reads, `every` milliseconds one after the other from `start` on, are recorded by themselves.
    fn recorded(pace: &Pace, token: i64, start: i64, every: f64, count: u32) -> usize {
        let at = |n: u32| Timestamp(start + (f64::from(n) * every) as i64);
        (0..count).filter(|n| pace.has_room(token, at(*n))).count()
    }

    #[test]
    fn a_provider_is_recorded_whole_for_ever_and_a_loop_as_far_as_its_pace_goes() {
        let pace = Pace::default();
        assert_eq!(recorded(&pace, 1, 0, 20.0, 50_000), 50_000, "50 a second");
        assert_eq!(recorded(&pace, 2, 0, 5.0, 50_000), 50_000, "200 a second");
        let ten_seconds = recorded(&pace, 3, 0, 0.1, 100_000);
        assert!((2_511..=2_512).contains(&ten_seconds), "a burst, then 200 a second: {ten_seconds}");
        assert_eq!(recorded(&pace, 4, 10_000, 0.0, 1_000), 512, "another token's is whole");
    }

    #[test]
    fn a_burst_comes_back_with_rest_and_whatever_the_clock_does() {
        let pace = Pace::default();
        assert_eq!(recorded(&pace, 1, 1_000_000, 0.0, 600), 512);
        assert_eq!(recorded(&pace, 1, 1_000_499, 0.0, 600), 99);
        assert_eq!(recorded(&pace, 1, 9_000_000, 0.0, 600), 512);
        assert_eq!(recorded(&pace, 1, 0, 0.0, 600), 0, "the clock was put back");
        assert_eq!(recorded(&pace, 1, 1_000, 0.0, 600), 200, "and goes on from there");
    }
}

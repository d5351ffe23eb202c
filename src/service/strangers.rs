//! Requests without a known token: recorded one by one only up to a limit, then counted, so that strangers can neither
//! fill the disk nor cost a write each.

use std::collections::HashMap;
use std::sync::Mutex;

use super::cause::Cause;
use crate::base::Timestamp;

/// How many of one address are recorded in a minute, and how many of all.
const OF_ONE: u64 = 20;
const OF_ALL: u64 = 200;
const MINUTE_MS: i64 = 60_000;
/// How many pairs of address and cause are told apart; the rest counts together.
const PAIRS: usize = 1000;

/// The counts of the running minute.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    recorded: u64,
    of_address: HashMap<String, u64>,
    folded: HashMap<(String, Option<Cause>), u64>,
}

/// Requests that were only counted: of one address and for one cause, or without one those that were answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Folded {
    pub address: String,
    pub cause: Option<Cause>,
    pub count: u64,
}

/// What to do with a stranger's request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it gets a row of its own.
    pub record: bool,
    /// What was only counted in the minute that has ended.
    pub ended: Vec<Folded>,
}

impl Strangers {
    /// Looks at one request; the first of a new minute brings the counts of the old one.
    pub fn meet(&self, address: &str, cause: Option<Cause>, now: Timestamp) -> Verdict {
        let mut minute = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ended = minute.turn(now);
        let of_one = minute.of_address.get(address).copied().unwrap_or(0);
        let record = of_one < OF_ONE && minute.recorded < OF_ALL;
        if record {
            minute.recorded += 1;
            minute.of_address.insert(address.to_owned(), of_one + 1);
        } else {
            minute.fold(address, cause, 1);
        }
        Verdict { record, ended }
    }

    /// Counts requests whose rows found no room.
    pub fn fold(&self, address: &str, cause: Option<Cause>, count: u64) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fold(address, cause, count);
    }

    /// The counts of a minute that has ended, though nobody came since.
    pub fn ended(&self, now: Timestamp) -> Vec<Folded> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).turn(now)
    }
}

impl Minute {
    fn fold(&mut self, address: &str, cause: Option<Cause>, count: u64) {
        let full = self.folded.len() >= PAIRS;
        let pair = (address.to_owned(), cause);
        let pair = if full && !self.folded.contains_key(&pair) { (String::new(), cause) } else { pair };
        *self.folded.entry(pair).or_insert(0) += count;
    }

    fn turn(&mut self, now: Timestamp) -> Vec<Folded> {
        let number = now.0.div_euclid(MINUTE_MS);
        if number == self.number {
            return Vec::new();
        }
        let old = std::mem::replace(self, Minute { number, ..Minute::default() });
        old.folded.into_iter().map(|((address, cause), count)| Folded { address, cause, count }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_recorded_up_to_the_limit_and_then_counted() {
        let strangers = Strangers::default();
        let meet = |address: &str, at| strangers.meet(address, Some(Cause::TokenUnknown), Timestamp(at));
        let recorded = (0..150).filter(|_| meet("192.0.2.1", 0).record).count();
        assert_eq!(recorded, 20);
        assert!(meet("192.0.2.2", 0).record);
        let next = meet("192.0.2.1", MINUTE_MS);
        assert!(next.record);
        let folded = Folded { address: "192.0.2.1".into(), cause: Some(Cause::TokenUnknown), count: 130 };
        assert_eq!(next.ended, [folded]);
        assert!(strangers.ended(Timestamp(3 * MINUTE_MS)).is_empty());
    }

    #[test]
    fn many_addresses_together_have_a_limit_too() {
        let strangers = Strangers::default();
        let met =
            |n: usize| strangers.meet(&format!("192.0.2.{n}"), Some(Cause::NoAuthorization), Timestamp(0));
        assert_eq!((0..3000).filter(|n| met(*n).record).count(), 200);
        let ended = strangers.ended(Timestamp(MINUTE_MS));
        assert_eq!(ended.iter().map(|folded| folded.count).sum::<u64>(), 2800);
        assert!(ended.len() <= PAIRS + 1);
    }
}

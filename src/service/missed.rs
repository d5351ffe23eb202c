//! Requests that came faster than they could be written: counted by token and kind until there is room for one row that
//! tells of them all, so that recording never slows an answer and nothing is lost without a word.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::cause::Cause;
use super::sentence::{Deed, number};
use crate::base::TeamId;

/// The kind of a request, as the counts tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    LookUps,
    Lists,
    Reads,
    Discovery,
    Others,
    Refused(Cause, u16),
}

/// Whose requests, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    pub team: TeamId,
    pub token: i64,
    pub what: What,
}

/// The counts that wait for their row.
#[derive(Debug, Default)]
pub struct Missed(Mutex<HashMap<Whose, u64>>);

impl What {
    /// The kind of a request that succeeded.
    pub fn of(deed: &Deed<'_>) -> What {
        match deed {
            Deed::Listed { wanted: Some(_), .. } => What::LookUps,
            Deed::Listed { wanted: None, .. } => What::Lists,
            Deed::Read { .. } => What::Reads,
            Deed::Discovery { .. } => What::Discovery,
            _ => What::Others,
        }
    }

    /// "and 4,312 more look-ups"
    pub fn sentence(self, count: u64) -> String {
        let (one, many) = match self {
            What::LookUps => ("look-up", "look-ups"),
            What::Lists => ("list", "lists"),
            What::Reads => ("read", "reads"),
            What::Discovery => ("read of what this server offers", "reads of what this server offers"),
            What::Others => ("request", "requests"),
            What::Refused(..) => ("refused request", "refused requests"),
        };
        format!("and {} more {}", number(count), if count == 1 { one } else { many })
    }
}

impl Missed {
    /// Counts requests that found no room.
    pub fn add(&self, whose: Whose, count: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(whose).or_insert(0) += count;
    }

    /// Takes the counts away, to be written.
    pub fn take(&self) -> Vec<(Whose, u64)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_by_token_and_kind() {
        let missed = Missed::default();
        let whose = |token, what| Whose { team: TeamId(1), token, what };
        for _ in 0..4312 {
            missed.add(whose(1, What::LookUps), 1);
        }
        missed.add(whose(2, What::LookUps), 1);
        missed.add(whose(1, What::Reads), 2);
        let mut taken = missed.take();
        taken.sort_by_key(|(whose, count)| (whose.token, *count));
        let told: Vec<String> = taken.iter().map(|(whose, count)| whose.what.sentence(*count)).collect();
        assert_eq!(told, ["and 2 more reads", "and 4,312 more look-ups", "and 1 more look-up"]);
        assert!(missed.take().is_empty());
    }
}

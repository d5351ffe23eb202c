//! Remembers when each token was last noted as used, so that a burst of requests writes one note a second and not one each.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::store::Used;

/// The last noted use of each token. It only saves writes: losing it costs one note per token.
#[derive(Debug, Default)]
pub struct Uses(Mutex<HashMap<i64, Used>>);

impl Uses {
    /// Whether this use says something that the last noted one did not.
    pub fn is_news(&self, token: i64, used: &Used, grain_ms: i64) -> bool {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let news = last.get(&token).is_none_or(|known| {
            used.at.since(known.at) >= grain_ms
                || known.address != used.address
                || known.user_agent != used.user_agent
        });
        if news {
            last.insert(token, used.clone());
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn a_burst_is_noted_once_and_a_new_address_at_once() {
        let uses = Uses::default();
        let at =
            |ms, address: &str| Used { at: Timestamp(ms), address: address.into(), user_agent: "x".into() };
        assert!(uses.is_news(1, &at(0, "a"), 1000));
        assert!(!uses.is_news(1, &at(999, "a"), 1000));
        assert!(uses.is_news(1, &at(999, "b"), 1000));
        assert!(uses.is_news(1, &at(2000, "b"), 1000));
        assert!(uses.is_news(2, &at(2000, "b"), 1000));
    }
}

//! Sign-ins whose password was right and whose second step is still to come. Kept in memory for five minutes only.

use std::collections::HashMap;
use std::time::Duration;

use crate::base::{Timestamp, secret};
use crate::store::Admin;

/// How long the second step may take.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// More than this are not kept; each cost a right password.
const MOST: usize = 1000;

/// The sign-ins that wait for their second step, by the hash of their secret.
#[derive(Debug, Default)]
pub struct Halves(HashMap<[u8; 32], Half>);

#[derive(Debug)]
struct Half {
    admin: i64,
    /// A password that is set anew ends what began with the old one.
    password_set: Timestamp,
    began: Timestamp,
}

impl Halves {
    /// Keeps a sign-in; answers the secret for the cookie.
    pub fn begin(&mut self, admin: &Admin, now: Timestamp) -> String {
        self.0.retain(|_, half| now.since(half.began) < LIFE.as_millis() as i64);
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let (text, hash) = secret::session();
        self.0.insert(hash, Half { admin: admin.n, password_set: admin.password_set, began: now });
        text
    }

    /// The administrator of a sign-in that has not ended.
    pub fn admin(&self, text: &str, now: Timestamp) -> Option<(i64, Timestamp)> {
        let half = self.0.get(&secret::sha256(text.as_bytes()))?;
        (now.since(half.began) < LIFE.as_millis() as i64).then_some((half.admin, half.password_set))
    }

    /// Ends a sign-in: it was completed.
    pub fn end(&mut self, text: &str) {
        self.0.remove(&secret::sha256(text.as_bytes()));
    }
}

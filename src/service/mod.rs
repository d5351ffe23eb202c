//! What scimd does: one function per use case, behind the one handle that every face holds. It knows no HTTP and no HTML.

pub mod admins;
mod attempts;
pub mod audited;
pub mod browse;
pub mod bulk;
pub mod caller;
pub mod cause;
pub mod chores;
mod circles;
pub mod compare;
pub mod connect;
mod cursor;
pub mod deleting;
mod denial;
mod discovery;
pub mod disk;
pub mod error;
pub mod export;
#[cfg(test)]
mod flood;
mod halves;
pub mod health;
pub mod history;
mod identity;
mod in_force;
pub mod invites;
pub mod job;
pub mod leaving;
pub mod machine;
mod membership;
pub mod milestones;
mod missed;
pub mod outside;
pub mod overview;
mod pace;
mod passwords;
pub mod past;
mod patch;
pub mod provider;
pub mod provision;
pub mod pulse;
mod ready;
pub mod record;
pub mod redact;
mod references;
pub mod requests;
pub mod roster;
pub mod rotation;
pub mod schemas;
mod search;
pub mod second_step;
pub mod selftest;
pub mod sentence;
pub mod sessions;
pub mod setup;
mod strangers;
pub mod team_settings;
pub mod teams;
#[cfg(test)]
mod testing;
pub mod tokens;
pub mod told;
mod trial;
mod uses;
mod view;
pub mod wanted;

use std::sync::Arc;
use std::time::Duration;

use crate::base::secret::Key;
use crate::base::{Clock, Ids};
use crate::store::Store;

pub use caller::{Actor, Caller};
pub use cause::Cause;
pub use error::Error;
pub use in_force::InForce;
pub use job::{Outcome, Precondition, Target};
pub use provision::Body;
pub use record::Asked;
pub use search::{Listing, Search};
pub use tokens::{Expiry, NewToken, Refusal};

/// What the service needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Options {
    pub clock: Clock,
    pub ids: Ids,
    /// The address that providers use, without `/scim`; `None` when nobody has said.
    pub public_url: Option<String>,
    /// Whether discovery answers without a token.
    pub open_discovery: bool,
    /// The longest body taken, in bytes (`bulk.maxPayloadSize`).
    pub body_limit: usize,
    /// How long a cursor is good for, in whole seconds (`pagination.cursorTimeout`).
    pub cursor_life: Duration,
    /// Seals cursors.
    pub key: Key,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clock: Clock::system(),
            ids: Ids::random(Clock::system()),
            public_url: None,
            open_discovery: true,
            body_limit: 16 * 1024 * 1024,
            cursor_life: Duration::from_secs(3600),
            key: Key::random(),
        }
    }
}

/// The most resources that one page of a list holds (`filter.maxResults`).
pub const MAX_RESULTS: u64 = 1000;
/// The page size when a client does not say.
pub const DEFAULT_COUNT: u64 = 100;

/// The one handle.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    store: Store,
    options: Options,
    schemas: in_force::Cache,
    uses: uses::Uses,
    strangers: strangers::Strangers,
    missed: missed::Missed,
    pace: pace::Pace,
    signs: provider::Signs,
    outside: outside::Noticed,
    disk: disk::Measured,
}

impl Service {
    /// A service over an open store.
    pub fn new(store: Store, options: Options) -> Service {
        Service(Arc::new(Inner {
            store,
            options,
            schemas: in_force::Cache::default(),
            uses: uses::Uses::default(),
            strangers: strangers::Strangers::default(),
            missed: missed::Missed::default(),
            pace: pace::Pace::default(),
            signs: provider::Signs::default(),
            outside: outside::Noticed::default(),
            disk: disk::Measured::default(),
        }))
    }

    /// The file behind everything.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock that stamps everything.
    pub fn clock(&self) -> &Clock {
        &self.0.options.clock
    }

    /// The source of public ids.
    pub fn ids(&self) -> &Ids {
        &self.0.options.ids
    }

    /// What the service was told of its surroundings.
    pub fn options(&self) -> &Options {
        &self.0.options
    }
}

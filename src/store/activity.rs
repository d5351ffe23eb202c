//! Activity: every provisioning request and what became of it. Bodies are kept compressed, in a table of their own.

use serde_json::Value;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// One provisioning request. Secrets were removed before it came here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// `req_…`
    pub request: String,
    pub at: Timestamp,
    pub team: Option<TeamId>,
    pub token: Option<i64>,
    pub address: String,
    pub user_agent: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: u16,
    pub duration_us: u64,
    /// The request changed something, or meant to.
    pub change: bool,
    /// How many like it this row stands for; 1 unless they were folded.
    pub folded: u64,
    pub subject: Option<Subject>,
    /// What happened: "Priya Raman left Engineering".
    pub sentence: String,
    /// Why it was refused, as a short stable word; `None` when it was not.
    pub cause: Option<String>,
    /// Names of the leniencies used.
    pub leniencies: Vec<String>,
    /// Names that were dropped.
    pub dropped: Vec<String>,
    /// What changed: old and new values.
    pub diff: Option<Value>,
    /// The first and the last event that it made.
    pub events: Option<(u64, u64)>,
    pub request_body: Option<Vec<u8>>,
    pub answer_body: Option<Vec<u8>>,
}

/// Whom or what a request was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub id: String,
    pub kind: Kind,
    pub name: String,
}

/// An activity as it is kept; the bodies are read apart.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityRow {
    pub n: i64,
    /// Everything but the bodies.
    pub activity: Activity,
}

/// The bodies of a request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityBody {
    pub request: Option<Vec<u8>>,
    pub answer: Option<Vec<u8>>,
}

/// Which requests a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    #[default]
    All,
    /// Those that changed something, or meant to.
    Changes,
    Reads,
    /// Those that were refused or failed.
    Errors,
}

/// What a list of requests is narrowed to; newest first.
#[derive(Clone, Debug, Default)]
pub struct ActivityQuery {
    pub which: Which,
    pub token: Option<i64>,
    pub status: Option<u16>,
    /// Part of the sentence, the subject's name, the path or the request id, in any case.
    pub text: Option<String>,
    /// The public id of the user or group it was about.
    pub subject: Option<String>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// Only what stands behind this row in the list: its time and number.
    pub before: Option<(Timestamp, i64)>,
    pub limit: u32,
}

impl ReadTx<'_> {
    /// Requests of a team, or with `None` those that belong to no team, newest first.
    pub fn activity(&self, _team: Option<TeamId>, _query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        todo!()
    }

    /// One request of a team by its public id.
    pub fn activity_by_request(&self, _team: Option<TeamId>, _request: &str) -> Result<Option<ActivityRow>> {
        todo!()
    }

    /// The bodies of a request, where they are still kept.
    pub fn activity_body(&self, _n: i64) -> Result<ActivityBody> {
        todo!()
    }

    /// How many bytes the rows and bodies of a team take.
    pub fn activity_bytes(&self, _team: Option<TeamId>) -> Result<u64> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Keeps a request and counts it in its hour; answers its number.
    pub fn insert_activity(&mut self, _activity: &Activity) -> Result<i64> {
        todo!()
    }

    /// Forgets requests earlier than `before`, oldest first, at most `limit`; answers how many.
    pub fn prune_activity(&mut self, _team: Option<TeamId>, _before: Timestamp, _limit: u32) -> Result<u64> {
        todo!()
    }

    /// Forgets bodies, oldest first and at most `limit`, while the team keeps more than `bytes`; answers how many.
    pub fn prune_activity_bodies(&mut self, _team: Option<TeamId>, _bytes: u64, _limit: u32) -> Result<u64> {
        todo!()
    }
}

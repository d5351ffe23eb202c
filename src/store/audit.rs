//! The audit: every change by an administrator or the command line, each row bound to the one before by a hash.

use serde_json::Value;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};

/// One change as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    pub n: i64,
    pub at: Timestamp,
    pub team: Option<TeamId>,
    pub who: String,
    /// `token.created`, `team.renamed` …
    pub what: String,
    pub subject: String,
    pub detail: Value,
}

impl ReadTx<'_> {
    /// Rows newest first, from below `before` on; of one team, or with `None` all.
    pub fn audit(&self, _team: Option<TeamId>, _before: Option<i64>, _limit: u32) -> Result<Vec<AuditRow>> {
        todo!()
    }

    /// The number of the first row whose hash does not follow from the row before and its own content.
    pub fn verify_audit(&self) -> Result<Option<i64>> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Records a change.
    pub fn append_audit(
        &mut self,
        _team: Option<TeamId>,
        _who: &str,
        _what: &str,
        _subject: &str,
        _detail: &Value,
    ) -> Result<i64> {
        todo!()
    }
}

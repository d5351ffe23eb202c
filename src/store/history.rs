//! The request behind an event, and the memberships that events began: what a history is put together from.

use rusqlite::params;

use super::activity::read;
use super::{ActivityRow, ReadTx, Result};
use crate::base::TeamId;

impl ReadTx<'_> {
    /// The request about a user or group that made an event.
    pub fn activity_of_event(&self, team: TeamId, subject: &str, event: u64) -> Result<Option<ActivityRow>> {
        self.one(
            super::activity::select!(
                "where team = ? and subject = ? and ?3 between first_event and last_event order by at, n limit 1"
            ),
            params![team, subject, event],
            read,
        )
    }

    /// The memberships that a resource has: the group's id, and the event that began each.
    pub fn memberships_begun(&self, n: i64) -> Result<Vec<(String, u64)>> {
        self.all(
            "select resource.id, member.event from member join resource on resource.n = member.holder
             where member.member = ? order by member.event",
            [n],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }
}

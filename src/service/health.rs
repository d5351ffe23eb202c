//! How this server is doing, as far as it knows: its file, its disk, its audit, and how fast it answers.

use std::sync::Arc;
use std::time::Duration;

use super::disk::Disk;
use super::machine::{self, ClockState};
use super::outside::FromOutside;
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::store::{ActivityQuery, Room};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// More requests than this are not looked at.
const MOST_REQUESTS: u32 = 5000;

/// What the health page shows.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pub room: Room,
    /// Whether changes can be written.
    pub writable: bool,
    /// Why the file is not to be trusted, when it is not.
    pub broken: Option<String>,
    /// Rows of the audit.
    pub audit: u64,
    /// The first row of the audit that does not fit, when one does not.
    pub audit_wrong: Option<i64>,
    pub load: Load,
    /// Bytes of memory that the process uses, where the system tells.
    pub memory: Option<u64>,
    /// Whether the clock is kept right, where the system tells.
    pub clock: Option<ClockState>,
    pub outside: Option<FromOutside>,
    pub disk: Arc<Disk>,
}

/// Requests of a team, those of the last hour or the latest, and how long their answers took in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub requests: u64,
    /// There may be more, which were not looked at.
    pub more: bool,
    pub median: u64,
    pub p99: u64,
}

impl Service {
    /// Looks at everything anew.
    pub async fn health(&self, team: TeamId) -> Result<Health, Error> {
        let store = self.store();
        let (audit, audit_wrong, load) = store
            .read(move |tx| -> Result<_, Error> {
                let query = ActivityQuery {
                    from: Some(Timestamp(tx.now().0 - HOUR.as_millis() as i64)),
                    limit: MOST_REQUESTS,
                    ..ActivityQuery::default()
                };
                let rows = tx.activity(Some(team), &query)?;
                let times = rows.iter().map(|row| row.activity.duration_us).collect();
                Ok((tx.audit_rows()?, tx.verify_audit()?, load(times, MOST_REQUESTS)))
            })
            .await?;
        Ok(Health {
            room: store.room(),
            writable: store.writable(),
            broken: store.broken(),
            audit,
            audit_wrong,
            load,
            memory: machine::memory(),
            clock: machine::clock(),
            outside: self.from_outside()?,
            disk: self.disk()?,
        })
    }
}

/// What the times of at most `most` requests come to.
pub(super) fn load(mut times: Vec<u64>, most: u32) -> Load {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part).div_ceil(100).saturating_sub(1)).copied();
    Load {
        requests: times.len() as u64,
        more: times.len() >= most as usize,
        median: at(50).unwrap_or(0),
        p99: at(99).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all_answers_are_as_fast_as_said() {
        assert_eq!(load(Vec::new(), 9), Load::default());
        let load = load((1..=200).rev().collect(), 201);
        assert_eq!((load.requests, load.median, load.p99, load.more), (200, 100, 198, false));
    }
}

//! What the overview shows of provisioning. Reads only; each page is one snapshot. What has reached the server while a
//! provider is being connected is in `connect`.

use std::time::Duration;

use super::health::{Load, load};
use super::leaving::{Leaving, leaving};
use super::told::{Told, told};
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::store::{ActivityQuery, ActivityRow, Hour, Token, Totals, Which};

/// Answers whose time is looked at.
const ANSWERS: u32 = 1000;
/// Changes that are read; those that belong together become one line.
const CHANGES: u32 = 40;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The overview of a team.
#[derive(Debug, Default)]
pub struct Overview {
    pub totals: Totals,
    /// The hours of the last 30 days that had requests.
    pub hours: Vec<Hour>,
    /// Changes since the instant that was asked for, where one was.
    pub since: Option<u64>,
    /// How fast the latest requests were answered.
    pub answers: Load,
    /// Requests since midnight, in the zone that the reader chose.
    pub today: Hour,
    /// The last request of any kind.
    pub last: Option<ActivityRow>,
    /// When a request of the team was last answered as asked, among the latest.
    pub accepted: Option<Timestamp>,
    /// The latest changes, also refused ones, latest first.
    pub changes: Vec<Told>,
    /// Errors of the last 24 hours, those of no team too, latest first.
    pub errors: Vec<ActivityRow>,
    pub tokens: Vec<Token>,
    /// More people than usual lost their access within the last hour.
    pub leaving: Option<Leaving>,
}

impl Service {
    /// The overview of a team; `midnight` is when today began, `since` from when on changes are counted.
    pub async fn overview(
        &self,
        team: TeamId,
        midnight: Timestamp,
        since: Option<Timestamp>,
    ) -> Result<Overview, Error> {
        self.store()
            .read(move |tx| {
                let now = tx.now();
                let from = Timestamp(now.0 - DAY.as_millis() as i64);
                let changes =
                    ActivityQuery { which: Which::Changes, limit: CHANGES, ..ActivityQuery::default() };
                let errors = ActivityQuery {
                    which: Which::Errors,
                    from: Some(from),
                    limit: 200,
                    ..ActivityQuery::default()
                };
                let month = Timestamp(now.0 - 30 * DAY.as_millis() as i64);
                let hours = tx.hours(Some(team), hour_of(month), now.plus(Duration::from_millis(1)))?;
                let latest = ActivityQuery { limit: 50, ..ActivityQuery::default() };
                let latest = tx.activity(Some(team), &latest)?;
                let mut today = Hour { hour: midnight, ..Hour::default() };
                for hour in hours.iter().filter(|hour| hour.hour >= midnight) {
                    today.reads += hour.reads;
                    today.changes += hour.changes;
                    today.errors += hour.errors;
                    today.came_to += hour.came_to;
                }
                let totals = tx.totals(team)?;
                Ok(Overview {
                    since: since.map(|at| tx.changes_since(team, at)).transpose()?,
                    answers: load(tx.answer_times(team, ANSWERS)?, ANSWERS),
                    hours,
                    today,
                    last: latest.first().cloned(),
                    accepted: latest
                        .iter()
                        .map(|row| &row.activity)
                        .find(|one| one.status < 400)
                        .map(|one| one.at),
                    changes: told(tx, team, tx.activity(Some(team), &changes)?)?,
                    errors: tx.activity_of_all(team, &errors)?,
                    tokens: tx.tokens(team)?,
                    leaving: leaving(tx, team, totals.active)?,
                    totals,
                })
            })
            .await
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 60 * 60 * 1000;
    Timestamp(at.0 - at.0.rem_euclid(HOUR))
}

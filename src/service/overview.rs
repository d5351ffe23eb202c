//! What the admin page shows of provisioning: the overview, and what has reached the server while a provider is being
//! connected. Reads only; each page is one snapshot.

use std::time::Duration;

use super::leaving::{Leaving, leaving};
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::{Kind, fold};
use crate::store::{ActivityQuery, ActivityRow, Hour, Token, Totals, Which};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More requests than this are not looked at for the list of the connect page.
const CONNECT_ROWS: u32 = 500;

/// The overview of a team.
#[derive(Debug, Default)]
pub struct Overview {
    pub totals: Totals,
    /// The last 24 hours that had requests.
    pub hours: Vec<Hour>,
    /// Requests since midnight, in the zone that the reader chose.
    pub today: Hour,
    /// The last request of any kind.
    pub last: Option<ActivityRow>,
    /// The latest changes.
    pub changes: Vec<ActivityRow>,
    /// Errors of the last 24 hours, those of no team too, latest first.
    pub errors: Vec<ActivityRow>,
    pub tokens: Vec<Token>,
    /// More people than usual lost their access within the last hour.
    pub leaving: Option<Leaving>,
}

/// What the connect page shows.
#[derive(Debug, Default)]
pub struct Connecting {
    pub tokens: Vec<Token>,
    /// Requests of the team and of no team, latest first.
    pub rows: Vec<ActivityRow>,
    pub totals: Totals,
    /// Whether the proposed test address is somebody's already.
    pub email_taken: bool,
}

impl Service {
    /// The overview of a team; `midnight` is when today began.
    pub async fn overview(&self, team: TeamId, midnight: Timestamp) -> Result<Overview, Error> {
        self.store()
            .read(move |tx| {
                let now = tx.now();
                let from = Timestamp(now.0 - DAY.as_millis() as i64);
                let changes = ActivityQuery { which: Which::Changes, limit: 10, ..ActivityQuery::default() };
                let errors = ActivityQuery {
                    which: Which::Errors,
                    from: Some(from),
                    limit: 200,
                    ..ActivityQuery::default()
                };
                let hours = tx.hours(Some(team), hour_of(from), now.plus(Duration::from_millis(1)))?;
                let mut today = Hour { hour: midnight, ..Hour::default() };
                for hour in hours.iter().filter(|hour| hour.hour >= midnight) {
                    today.reads += hour.reads;
                    today.changes += hour.changes;
                    today.errors += hour.errors;
                }
                Ok(Overview {
                    totals: tx.totals(team)?,
                    hours,
                    today,
                    last: super::browse::latest(tx, team)?,
                    changes: tx.activity(Some(team), &changes)?,
                    errors: tx.activity_of_all(team, &errors)?,
                    tokens: tx.tokens(team)?,
                    leaving: leaving(tx, team)?,
                })
            })
            .await
    }

    /// What has reached the server while a provider is being connected.
    pub async fn connecting(&self, team: TeamId, test_email: &str) -> Result<Connecting, Error> {
        let email = fold::fold(test_email);
        self.store()
            .read(move |tx| {
                let query = ActivityQuery { limit: CONNECT_ROWS, ..ActivityQuery::default() };
                Ok(Connecting {
                    tokens: tx.tokens(team)?,
                    rows: tx.activity_of_all(team, &query)?,
                    totals: tx.totals(team)?,
                    email_taken: tx.resource_by_value(team, Kind::User, "userName", &email)?.is_some(),
                })
            })
            .await
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 60 * 60 * 1000;
    Timestamp(at.0 - at.0.rem_euclid(HOUR))
}

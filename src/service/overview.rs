//! What the overview shows of provisioning. Reads only; each page is one snapshot. What has reached the server while a
//! provider is being connected is in `connect`.

use std::collections::HashSet;
use std::time::Duration;

use super::health::{Load, load};
use super::leaving::{Leaving, WITHIN, leaving};
use super::told::{Names, Told, told};
use super::trial::is_test;
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::fold::fold;
use crate::store::{ActivityQuery, ActivityRow, Counted, Hour, Token, Totals, Which};

/// Answers whose time is looked at.
const ANSWERS: u32 = 1000;
/// Changes that are read; those that belong together become one line.
const CHANGES: u32 = 40;
/// Errors that are read.
const ERRORS: u32 = 200;
/// Requests among which the last one that was answered as asked is looked for.
const LATEST: u32 = 50;
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
    /// The ids of those of them that were about a test.
    pub tests: HashSet<String>,
    /// Errors of the last 24 hours, those of no team too, latest first.
    pub errors: Vec<ActivityRow>,
    pub tokens: Vec<Token>,
    /// More people than usual lost their access within the last hour.
    pub leaving: Option<Leaving>,
}

impl Service {
    /// The overview of a team; `midnight` is when today began, `since` from when on changes are counted, and `email` the
    /// address of test users.
    pub async fn overview(
        &self,
        team: TeamId,
        midnight: Timestamp,
        since: Option<Timestamp>,
        email: &str,
    ) -> Result<Overview, Error> {
        let email = fold(email);
        self.store()
            .read(move |tx| {
                let now = tx.now();
                let ago = |time: Duration| Timestamp(now.0 - time.as_millis() as i64);
                let standing = tx.standing(
                    team,
                    &Counted {
                        hours: hour_of(ago(30 * DAY)),
                        answers: ANSWERS,
                        changes: since,
                        left: ago(WITHIN),
                    },
                )?;
                let list = |which, limit| ActivityQuery { which, limit, ..ActivityQuery::default() };
                let errors = ActivityQuery { from: Some(ago(DAY)), ..list(Which::Errors, ERRORS) };
                let lists = [
                    (false, list(Which::All, LATEST)),
                    (false, list(Which::Changes, CHANGES)),
                    (true, errors),
                ];
                let mut lists = tx.activity_lists(team, &lists)?.into_iter();
                let mut next = || lists.next().unwrap_or_default();
                let (latest, changes, errors) = (next(), next(), next());
                let mut today = Hour { hour: midnight, ..Hour::default() };
                for hour in standing.hours.iter().filter(|hour| hour.hour >= midnight) {
                    today.reads += hour.reads;
                    today.changes += hour.changes;
                    today.errors += hour.errors;
                    today.came_to += hour.came_to;
                }
                let mut names = Names::new(tx, team);
                let accepted = latest.iter().map(|row| &row.activity).find(|one| one.status < 400);
                Ok(Overview {
                    accepted: accepted.map(|one| one.at),
                    last: latest.into_iter().next(),
                    changes: told(&mut names, changes)?,
                    tests: names.found().filter(|one| is_test(one, &email)).map(|one| one.id).collect(),
                    errors,
                    tokens: tx.tokens(team)?,
                    leaving: leaving(&standing),
                    answers: load(standing.answers, ANSWERS),
                    since: standing.changes,
                    hours: standing.hours,
                    totals: standing.totals,
                    today,
                })
            })
            .await
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 60 * 60 * 1000;
    Timestamp(at.0 - at.0.rem_euclid(HOUR))
}

//! The log of requests as it is looked through: narrowed by kind, token, status, time and words, a page at a time; within one
//! hour also by what stands in bodies.

use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::store::{ActivityBody, ActivityQuery, ActivityRow, Hours, InBodies, Spot};

/// The longest time in which bodies are searched: they are decompressed one by one.
pub const BODIES_MS: i64 = 60 * 60 * 1000;
/// Characters of a search; the rest is not looked for.
const LONGEST_TEXT: usize = 200;
/// Lists that are read with one statement.
const AT_ONCE: usize = 50;

/// One page of the log.
#[derive(Debug, Default)]
pub struct Requests {
    /// Newest first.
    pub rows: Vec<ActivityRow>,
    /// Where the next page begins.
    pub next: Option<Spot>,
    /// Where the page before ends.
    pub previous: Option<Spot>,
}

impl Service {
    /// Requests of a team and of no team, newest first.
    pub async fn requests(&self, team: TeamId, query: ActivityQuery) -> Result<Requests, Error> {
        let limit = query.limit as usize;
        let query = ActivityQuery { limit: query.limit.saturating_add(1), ..within_bounds(query) };
        let (after, before) = (query.after.is_some(), query.before.is_some());
        let mut rows =
            self.store().read(move |tx| tx.activity_of_all(team, &query)).await.map_err(Error::from)?;
        let more = rows.len() > limit;
        if after && more {
            rows.remove(0);
        }
        rows.truncate(limit);
        let spot = |row: &ActivityRow| (row.activity.at, row.n);
        Ok(Requests {
            next: rows.last().filter(|_| more || after).map(spot),
            previous: rows.first().filter(|_| if after { more } else { before }).map(spot),
            rows,
        })
    }

    /// The first requests of several lists, each with whether there are more of it.
    pub async fn first_requests(
        &self,
        team: TeamId,
        lists: Vec<ActivityQuery>,
    ) -> Result<Vec<(Vec<ActivityRow>, bool)>, Error> {
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        let limits: Vec<usize> = lists.iter().map(|query| query.limit as usize).collect();
        let one_more = |query: ActivityQuery| ActivityQuery { limit: query.limit.saturating_add(1), ..query };
        let lists: Vec<_> = lists.into_iter().map(|query| (true, one_more(query))).collect();
        let read = self.store().read(move |tx| {
            let found = lists.chunks(AT_ONCE).map(|lists| tx.activity_lists(team, lists));
            found.collect::<Result<Vec<_>, _>>()
        });
        let found = read.await.map_err(Error::from)?.into_iter().flatten();
        let cut = |(mut rows, limit): (Vec<ActivityRow>, usize)| {
            let more = rows.len() > limit;
            rows.truncate(limit);
            (rows, more)
        };
        Ok(found.zip(limits).map(cut).collect())
    }

    /// Requests of a team whose body or answer holds the query's text; the hour must be named.
    pub async fn requests_in_bodies(&self, team: TeamId, query: ActivityQuery) -> Result<Requests, Error> {
        let query = within_bounds(query);
        let text = query.text.clone().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Error::Refused("say which text to look for in bodies".into()));
        }
        match (query.from, query.to) {
            (Some(from), Some(to)) if (0..=BODIES_MS).contains(&to.since(from)) => {}
            _ => {
                let why = "bodies are looked through one by one, so name an hour: a beginning, and an end at most one \
                           hour later";
                return Err(Error::Refused(why.into()));
            }
        }
        let read = self.store().read(move |tx| tx.activity_in_bodies(team, &query, text.trim()));
        let InBodies { rows, next } = read.await.map_err(Error::from)?;
        Ok(Requests { rows, next, previous: None })
    }

    /// The last requests of a team and of no team, oldest first.
    pub async fn last_requests(&self, team: TeamId, query: ActivityQuery) -> Result<Vec<ActivityRow>, Error> {
        let mut rows = self.requests(team, query).await?.rows;
        rows.reverse();
        Ok(rows)
    }

    /// Requests of a team and of no team that were written after the row of that number.
    pub fn requests_after(
        &self,
        team: TeamId,
        n: i64,
        query: ActivityQuery,
    ) -> Result<Vec<ActivityRow>, Error> {
        let query = within_bounds(query);
        self.store().read_now(|tx| Ok(tx.activity_since(team, n, &query)?))
    }

    /// How many requests of a team and of no team came in each hour, as far back as requests are kept, oldest first, and what
    /// else the tabs count.
    pub async fn request_hours(&self, team: TeamId) -> Result<Hours, Error> {
        self.store().read(move |tx| tx.activity_hours(team)).await.map_err(Error::from)
    }

    /// The requests of a team and of no team before one and after it.
    pub fn requests_beside(
        &self,
        team: TeamId,
        spot: Spot,
    ) -> Result<(Option<ActivityRow>, Option<ActivityRow>), Error> {
        self.store().read_now(|tx| Ok(tx.activity_beside(team, spot)?))
    }

    /// The bodies of a request.
    pub fn bodies(&self, row: &ActivityRow) -> Result<ActivityBody, Error> {
        self.store().read_now(|tx| Ok(tx.activity_body(row.activity.team, row.n)?))
    }

    /// One request of a team or of no team, with its bodies; one that was gathered with others stands in their row.
    pub fn request(&self, team: TeamId, id: &str) -> Result<Option<(ActivityRow, ActivityBody)>, Error> {
        self.store().read_now(|tx| match tx.activity_of_request(team, id)? {
            Some(row) => {
                let body = tx.activity_body(row.activity.team, row.n)?;
                Ok(Some((row, body)))
            }
            None => Ok(None),
        })
    }
}

/// The hour that begins at an instant, as the bounds of a search in bodies.
pub fn hour_from(from: Timestamp) -> (Timestamp, Timestamp) {
    (from, Timestamp(from.0.saturating_add(BODIES_MS)))
}

/// The lowest and the highest status of `409` or `4xx`.
pub fn statuses(text: &str) -> Option<(u16, u16)> {
    if let Some(first) = text.strip_suffix("xx") {
        let first: u16 = first.parse().ok().filter(|first| (1..=5).contains(first))?;
        return Some((first * 100, first * 100 + 99));
    }
    let status = text.parse().ok().filter(|status| (100..600).contains(status))?;
    Some((status, status))
}

fn within_bounds(query: ActivityQuery) -> ActivityQuery {
    let text = query.text.map(|text| text.chars().take(LONGEST_TEXT).collect());
    ActivityQuery { text, ..query }
}

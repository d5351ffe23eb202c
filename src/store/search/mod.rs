//! Search: a filter, an order and a page become SQL. Its reader of filters and `scim::filter::eval` find the same:
//! what `condition` can say exactly in SQL is answered from the index, of the rest it says what must hold at least, and
//! `eval` itself decides about the candidates.

mod condition;
mod key;
mod scan;
#[cfg(test)]
mod tests;
mod whole;

use std::ops::ControlFlow;

use rusqlite::params;

use super::counts::RUN;
use super::resources::{read, select_resource};
use super::{ReadTx, Result, Row};
use crate::base::TeamId;
use crate::scim::filter::Filter;
use crate::scim::registry::AttrPath;
use crate::scim::{Kind, Registry};

pub use key::{Key, Place};

/// What is looked for.
pub struct Query<'a> {
    /// The team's schemas.
    pub registry: &'a Registry,
    /// The Base URL with its prefix, for filters on `meta.location` and `$ref`.
    pub base: &'a str,
    /// The kinds to search and the filter for each.
    pub kinds: &'a [(Kind, Option<Filter>)],
    /// The order; by age when `None`.
    pub sort: Option<Sort<'a>>,
    /// Which part of the result.
    pub page: Page,
}

/// An order by an attribute (RFC 7644 §3.4.2.3).
#[derive(Clone, Copy, Debug)]
pub struct Sort<'a> {
    /// The attribute for each kind that has it.
    pub paths: &'a [(Kind, AttrPath)],
    /// `sortOrder` is `descending`.
    pub descending: bool,
}

/// Which part of the result.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// From a 1-based index (RFC 7644 §3.4.2.4).
    Index { start: u64, count: u64 },
    /// What stands behind a place, or the beginning (RFC 9865).
    After { place: Option<Place>, count: u64 },
    /// What stands before a place, in the same order.
    Before { place: Place, count: u64 },
}

impl Page {
    /// The place that the page stands before.
    fn before(&self) -> Option<&Place> {
        match self {
            Page::Before { place, .. } => Some(place),
            _ => None,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// How many resources match in all.
    pub total: u64,
    /// The page.
    pub rows: Vec<Row>,
    /// Where the next page begins, when there is one.
    pub next: Option<Place>,
    /// Where the page before ends, when there is one.
    pub previous: Option<Place>,
}

impl ReadTx<'_> {
    /// Finds the resources of a team that match, in order, one page of them.
    pub fn search(&self, team: TeamId, query: &Query<'_>) -> Result<Found> {
        if query.sort.is_none() && query.kinds.iter().all(|(_, filter)| filter.is_none()) {
            return self.unfiltered(team, query);
        }
        let descending = query.sort.is_some_and(|sort| sort.descending);
        let mut places = Vec::new();
        for (kind, filter) in query.kinds {
            self.scan(team, *kind, filter.as_ref(), query, &mut places)?;
        }
        places.sort_unstable_by(|one, other| if descending { other.cmp(one) } else { one.cmp(other) });
        let (from, to) = bounds(&places, &query.page, descending);
        let page = &places[from..to];
        let next = match page.last() {
            Some(last) => Some(last.clone()),
            None => query.page.before().map(|place| beside(place, descending)),
        };
        let mut rows = Vec::with_capacity(page.len());
        for place in page {
            rows.extend(self.one(select_resource!("where n = ?"), [place.n], read)?);
        }
        Ok(Found {
            total: places.len() as u64,
            rows,
            next: next.filter(|_| to < places.len()),
            previous: page.first().filter(|_| from > 0).cloned(),
        })
    }

    /// Everything, by age. The totals are rows, a deep page begins by the sums of `run`, and pages by place walk on.
    fn unfiltered(&self, team: TeamId, query: &Query<'_>) -> Result<Found> {
        let mut total = 0;
        for (kind, _) in query.kinds {
            total += self.total(team, *kind)?;
        }
        let (rows, before, after) = match &query.page {
            Page::Index { start, count } => {
                let skip = start.saturating_sub(1);
                if *count == 0 || skip >= total {
                    return Ok(Found { total, ..Found::default() });
                }
                let (from, rest) = self.beginning(team, query.kinds, skip, total)?;
                let rows = self.rows_from(team, query.kinds, from, rest, *count)?;
                let after = skip + (rows.len() as u64) < total;
                (rows, skip > 0, after)
            }
            Page::After { place, count } => {
                let from = place.as_ref().map_or(0, |place| place.n + 1);
                let mut rows = self.rows_from(team, query.kinds, from, 0, count.saturating_add(1))?;
                let after = rows.len() as u64 > *count;
                rows.truncate(*count as usize);
                (rows, place.is_some(), after)
            }
            Page::Before { place, count } => {
                let mut rows = self.rows_before(team, query.kinds, place.n, count.saturating_add(1))?;
                let before = rows.len() as u64 > *count;
                rows.truncate(*count as usize);
                rows.reverse();
                (rows, before, true)
            }
        };
        let place = |row: &Row| Place { key: Key::Missing, n: row.n };
        let next = match rows.last() {
            Some(last) => after.then(|| place(last)),
            None => query.page.before().filter(|_| total > 0).map(|place| beside(place, false)),
        };
        let previous = rows.first().filter(|_| before).map(place);
        Ok(Found { total, rows, next, previous })
    }

    /// The number at which to begin, and how many rows to skip from there, to leave out the first `skip` of `total`: found by
    /// adding up runs from the nearer end.
    fn beginning(
        &self,
        team: TeamId,
        kinds: &[(Kind, Option<Filter>)],
        skip: u64,
        total: u64,
    ) -> Result<(i64, u64)> {
        if skip == 0 {
            return Ok((0, 0));
        }
        let from_end = kinds.len() == 1 && skip > total / 2;
        let (mut run, mut before, mut here) = (0, if from_end { total } else { 0 }, 0u64);
        let add = |row: &rusqlite::Row<'_>| {
            let next: u64 = row.get(1)?;
            before = if from_end { before.saturating_sub(next) } else { before + here };
            (run, here) = (row.get::<_, i64>(0)?, next);
            let found = (before..before + here).contains(&skip);
            Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        match kinds {
            [(kind, _)] if from_end => {
                let sql = "select run, resources from run where team = ? and kind = ? order by run desc";
                self.each(sql, params![team, kind], add)?;
            }
            [(kind, _)] => {
                let sql = "select run, resources from run where team = ? and kind = ? order by run";
                self.each(sql, params![team, kind], add)?;
            }
            // There are two kinds.
            _ => {
                let sql = "select run, sum(resources) from run where team = ? group by run order by run";
                self.each(sql, [team], add)?;
            }
        }
        Ok((run * RUN, skip.saturating_sub(before)))
    }

    fn rows_from(
        &self,
        team: TeamId,
        kinds: &[(Kind, Option<Filter>)],
        from: i64,
        skip: u64,
        count: u64,
    ) -> Result<Vec<Row>> {
        let (skip, count) = (as_limit(skip), as_limit(count));
        if let [(kind, _)] = kinds {
            let sql = select_resource!("where team = ? and kind = ? and n >= ? order by n limit ? offset ?");
            return self.all(sql, params![team, kind, from, count, skip], read);
        }
        let mut rows = Vec::new();
        for (kind, _) in kinds {
            let sql = select_resource!("where team = ? and kind = ? and n >= ? order by n limit ?");
            rows.extend(self.all(sql, params![team, kind, from, count.saturating_add(skip)], read)?);
        }
        rows.sort_unstable_by_key(|row| row.n);
        Ok(rows.into_iter().skip(skip as usize).take(count as usize).collect())
    }

    /// Rows before a number, nearest first.
    fn rows_before(
        &self,
        team: TeamId,
        kinds: &[(Kind, Option<Filter>)],
        before: i64,
        count: u64,
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for (kind, _) in kinds {
            let sql = select_resource!("where team = ? and kind = ? and n < ? order by n desc limit ?");
            rows.extend(self.all(sql, params![team, kind, before, as_limit(count)], read)?);
        }
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.n));
        rows.truncate(as_limit(count) as usize);
        Ok(rows)
    }
}

/// A count that SQLite can be given.
fn as_limit(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The place just before another one, so that a page after it begins with that one: where a way back has come to nothing,
/// because all that was there is gone, the way on is still known.
fn beside(place: &Place, descending: bool) -> Place {
    Place {
        n: if descending { place.n.saturating_add(1) } else { place.n.saturating_sub(1) },
        ..place.clone()
    }
}

/// Which of the ordered places the page holds.
pub(super) fn bounds(places: &[Place], page: &Page, descending: bool) -> (usize, usize) {
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(places.len());
    let before = |one: &Place, other: &Place| if descending { one > other } else { one < other };
    match page {
        Page::Index { start, count } => {
            let from = start.saturating_sub(1);
            (index(from), index(from.saturating_add(*count)))
        }
        Page::After { place, count } => {
            let from = match place {
                None => 0,
                Some(place) => places.partition_point(|other| !before(place, other)),
            };
            (from, index((from as u64).saturating_add(*count)))
        }
        Page::Before { place, count } => {
            let to = places.partition_point(|other| before(other, place));
            (to.saturating_sub(index(*count)), to)
        }
    }
}

//! Counts that are kept as rows and raised in the transaction of the change: totals, hours and days.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// How many there are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub users: u64,
    /// Users that are not inactive.
    pub active: u64,
    pub groups: u64,
}

/// Requests within an hour of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Its beginning.
    pub hour: Timestamp,
    pub reads: u64,
    pub changes: u64,
    pub errors: u64,
    /// What the changes came to.
    pub came_to: CameTo,
}

/// What changes came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CameTo {
    pub added: u64,
    pub changed: u64,
    pub deactivated: u64,
    pub deleted: u64,
}

impl std::ops::AddAssign for CameTo {
    fn add_assign(&mut self, other: CameTo) {
        self.added += other.added;
        self.changed += other.changed;
        self.deactivated += other.deactivated;
        self.deleted += other.deleted;
    }
}

/// What one change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    Added,
    Changed,
    Deactivated,
    Deleted,
}

/// Totals at the end of a day of UTC on which they changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Its beginning.
    pub day: Timestamp,
    pub totals: Totals,
}

/// The team number under which requests of no team are counted.
pub(super) const NO_TEAM: TeamId = TeamId(0);

/// Resource numbers that share one row of `run`.
pub(super) const RUN: i64 = 1024;

/// The milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl ReadTx<'_> {
    /// How many resources of the kind there are.
    pub fn total(&self, team: TeamId, kind: Kind) -> Result<u64> {
        let totals = self.totals(team)?;
        Ok(match kind {
            Kind::User => totals.users,
            Kind::Group => totals.groups,
        })
    }

    /// All totals of a team.
    pub fn totals(&self, team: TeamId) -> Result<Totals> {
        let found = self.one("select users, active, groups from total where team = ?", [team], |row| {
            Ok(Totals { users: row.get(0)?, active: row.get(1)?, groups: row.get(2)? })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// All totals of a team, and whether it has a user with that name, in one look.
    pub fn totals_and_user(&self, team: TeamId, user_name: &str) -> Result<(Totals, bool)> {
        let sql =
            "select users, active, groups, exists (select 1 from attribute where team = ?1 and kind = ?2
                       and path = ?3 and value = ?4) from total where team = ?1";
        let path = super::index::number("userName");
        let found = self.one(sql, params![team, Kind::User, path, user_name], |row| {
            Ok((Totals { users: row.get(0)?, active: row.get(1)?, groups: row.get(2)? }, row.get(3)?))
        })?;
        Ok(found.unwrap_or_default())
    }

    /// The hours from `from` to before `to` that had requests.
    pub fn hours(&self, team: Option<TeamId>, from: Timestamp, to: Timestamp) -> Result<Vec<Hour>> {
        self.all(
            "select hour, reads, changes, errors, added, changed, deactivated, deleted from hour
             where team = ? and hour >= ? and hour < ? order by hour",
            params![team.unwrap_or(NO_TEAM), from, to],
            |row| {
                let came_to = CameTo {
                    added: row.get(4)?,
                    changed: row.get(5)?,
                    deactivated: row.get(6)?,
                    deleted: row.get(7)?,
                };
                let (hour, reads) = (row.get(0)?, row.get(1)?);
                Ok(Hour { hour, reads, changes: row.get(2)?, errors: row.get(3)?, came_to })
            },
        )
    }

    /// The days from `from` to before `to` on which totals changed.
    pub fn days(&self, team: TeamId, from: Timestamp, to: Timestamp) -> Result<Vec<Day>> {
        self.all(
            "select day, users, active, groups from day where team = ? and day >= ? and day < ? order by day",
            params![team, from, to],
            |row| {
                let totals = Totals { users: row.get(1)?, active: row.get(2)?, groups: row.get(3)? };
                Ok(Day { day: row.get(0)?, totals })
            },
        )
    }
}

impl WriteTx<'_> {
    /// Counts a resource that came (`by` 1) or went (-1).
    pub(super) fn count_resource(&mut self, team: TeamId, kind: Kind, n: i64, by: i64) -> Result<()> {
        let sql = match kind {
            Kind::User => "update total set users = users + ? where team = ?",
            Kind::Group => "update total set groups = groups + ? where team = ?",
        };
        self.run(sql, params![by, team])?;
        self.run(
            "insert into run (team, kind, run, resources) values (?1, ?2, ?3, ?4)
             on conflict do update set resources = resources + ?4",
            params![team, kind, n / RUN, by],
        )?;
        if by < 0 {
            let sql = "delete from run where team = ? and kind = ? and run = ? and resources = 0";
            self.run(sql, params![team, kind, n / RUN])?;
        }
        self.count_day(team)
    }

    /// Counts an active user that came (`by` 1) or went (-1).
    pub(super) fn count_active(&mut self, team: TeamId, by: i64) -> Result<()> {
        self.run("update total set active = active + ? where team = ?", params![by, team])?;
        self.count_day(team)
    }

    fn count_day(&mut self, team: TeamId) -> Result<()> {
        let day = self.now().0.div_euclid(DAY) * DAY;
        self.run(
            "insert into day (team, day, users, active, groups)
             select team, ?2, users, active, groups from total where team = ?1
             on conflict do update set users = excluded.users, active = excluded.active, groups = excluded.groups",
            params![team, day],
        )?;
        Ok(())
    }

    /// Counts requests in their hour: as an error, else as a change, else as a read; and what a change came to.
    pub(super) fn count_requests(
        &mut self,
        team: TeamId,
        at: Timestamp,
        change: bool,
        error: bool,
        tally: Option<Tally>,
        by: u64,
    ) -> Result<()> {
        let hour = at.0.div_euclid(HOUR) * HOUR;
        let count = |counts: bool| if counts { by } else { 0 };
        self.run(
            "insert into hour (team, hour, reads, changes, errors, added, changed, deactivated, deleted)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             on conflict do update set reads = reads + ?3, changes = changes + ?4, errors = errors + ?5,
                 added = added + ?6, changed = changed + ?7, deactivated = deactivated + ?8, deleted = deleted + ?9",
            params![
                team,
                hour,
                count(!change && !error),
                count(change && !error),
                count(error),
                count(tally == Some(Tally::Added)),
                count(tally == Some(Tally::Changed)),
                count(tally == Some(Tally::Deactivated)),
                count(tally == Some(Tally::Deleted)),
            ],
        )?;
        Ok(())
    }
}

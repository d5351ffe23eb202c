//! How groups came to the size they have: their members at twelve moments of the last twelve weeks, and today.

use std::collections::HashMap;

use super::Error;
use crate::base::{TeamId, Timestamp};
use crate::store::{MemberDay, ReadTx, Row};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far back it goes.
const BACK_MS: i64 = 12 * 7 * DAY_MS;
/// At how many moments, the present being the last.
pub const MOMENTS: usize = 12;

/// A group's size over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Members at each moment, oldest first; `None` where it is not known.
    pub members: Vec<Option<u64>>,
    /// Members a week ago, where it is known.
    pub last_week: Option<u64>,
    /// Who came and who went today, by days of UTC.
    pub joined: u64,
    pub gone: u64,
}

/// The sizes of groups over time, by their numbers.
pub(super) fn pulses(tx: &ReadTx<'_>, team: TeamId, rows: &[Row]) -> Result<HashMap<i64, Pulse>, Error> {
    let now = tx.now();
    let numbers: Vec<i64> = rows.iter().map(|row| row.n).collect();
    let days = tx.member_days(team, &numbers, begins(now))?;
    let of = |row: &Row| over(days.get(&row.n).map_or(&[], Vec::as_slice), row.members, now);
    Ok(rows.iter().map(|row| (row.n, of(row))).collect())
}

/// From when on the days of a group's members are wanted.
pub(super) fn begins(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - BACK_MS)
}

/// A size over time from the days on which it changed, and the size of now.
pub(super) fn over(days: &[MemberDay], members: u64, now: Timestamp) -> Pulse {
    let at = |moment: i64| {
        // What a day's end was holds until the next one on which something changed.
        days.iter().rev().find(|day| day.day.0 + DAY_MS <= moment).map(|day| day.members)
    };
    let step = BACK_MS / (MOMENTS as i64 - 1);
    let mut moments: Vec<Option<u64>> =
        (1..MOMENTS as i64).rev().map(|back| at(now.0 - back * step)).collect();
    moments.push(Some(members));
    let today = days.last().filter(|day| day.day.0 <= now.0 && now.0 < day.day.0 + DAY_MS);
    Pulse {
        members: moments,
        last_week: at(now.0 - 7 * DAY_MS),
        joined: today.map_or(0, |day| day.joined),
        gone: today.map_or(0, |day| day.gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64, members: u64, joined: u64, gone: u64) -> MemberDay {
        MemberDay { day: Timestamp(n * DAY_MS), members, joined, gone }
    }

    #[test]
    fn a_size_holds_until_it_changes() {
        let now = Timestamp(100 * DAY_MS + 5);
        let days = [day(10, 4, 4, 0), day(90, 6, 2, 0), day(100, 5, 1, 2)];
        let found = over(&days, 5, now);
        assert_eq!(found.members.len(), MOMENTS);
        assert_eq!((found.members[0], found.members[10], found.members[11]), (Some(4), Some(6), Some(5)));
        assert_eq!((found.last_week, found.joined, found.gone), (Some(6), 1, 2));
    }

    #[test]
    fn what_was_not_counted_is_not_known() {
        let now = Timestamp(100 * DAY_MS + 5);
        let young = over(&[day(95, 3, 3, 0)], 3, now);
        assert_eq!((young.members[0], young.last_week, young.joined), (None, None, 0));
        assert_eq!((young.members[11], over(&[], 7, now).members[11]), (Some(3), Some(7)));
    }
}

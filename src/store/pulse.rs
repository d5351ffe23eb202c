//! What has come and gone: groups by name and without members, how the members of each come and go, changes since an
//! instant, and how long answers took.

use std::collections::HashMap;
use std::ops::ControlFlow;

use rusqlite::params;

use super::counts::{HOUR, Totals};
use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// What lists say beside their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    pub totals: Totals,
    /// Groups are in groups.
    pub nested: bool,
    /// How many groups have no members.
    pub empty: u64,
    /// Ids and names of the groups, oldest first; `None` where there are too many.
    pub names: Option<Vec<(String, String)>>,
}

/// The members of a group at the end of a day of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberDay {
    /// Its beginning.
    pub day: Timestamp,
    pub members: u64,
    /// Who came and who went within the day.
    pub joined: u64,
    pub gone: u64,
}

impl ReadTx<'_> {
    /// The days on which the members of groups changed, by the groups' numbers, oldest first: those after `from`, and of
    /// each group the last one before it.
    pub fn member_days(
        &self,
        _team: TeamId,
        groups: &[i64],
        from: Timestamp,
    ) -> Result<HashMap<i64, Vec<MemberDay>>> {
        let mut days: HashMap<i64, Vec<MemberDay>> = HashMap::new();
        let sql = "select holder, day, members, joined, gone from json_each(?1) wanted
                   join member_day on holder = wanted.value and day >=
                       coalesce((select max(day) from member_day last where last.holder = wanted.value and day <= ?2), 0)
                   order by holder, day";
        let groups = serde_json::to_string(groups).expect("numbers are JSON");
        self.each(sql, params![groups, from], |row| {
            let (day, members) = (row.get(1)?, row.get(2)?);
            let day = MemberDay { day, members, joined: row.get(3)?, gone: row.get(4)? };
            days.entry(row.get(0)?).or_default().push(day);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(days)
    }

    /// How many requests changed something since an instant: whole hours as they were counted, and of the one that it lies in
    /// those that came after it.
    pub fn changes_since(&self, team: TeamId, at: Timestamp) -> Result<u64> {
        let next = at.0.div_euclid(HOUR) * HOUR + HOUR;
        let sql = "select sum(changes) from hour where team = ? and hour >= ?";
        let whole = self.number(sql, params![team, next])?;
        let part = self.number(
            "select sum(folded) from activity where team = ? and at >= ? and at < ? and change = 1 and status < 400",
            params![team, at, next],
        )?;
        Ok((whole + part) as u64)
    }

    /// How long the latest requests took to answer, in microseconds, at most `limit` of them.
    pub fn answer_times(&self, team: TeamId, limit: u32) -> Result<Vec<u64>> {
        let sql = "select duration_us from activity where team = ? and method <> ''
                   order by at desc, n desc limit ?";
        self.all(sql, params![team, limit], |row| row.get(0))
    }

    /// What lists say beside their rows; names of groups where there are at most `names`.
    pub fn surroundings(&self, team: TeamId, names: u64) -> Result<Surroundings> {
        let sql = "select users, active, groups, exists (select 1 from above),
                       (select count(*) from resource indexed by resource_empty
                        where team = ?1 and kind = 2 and members = 0),
                       iif(groups > ?2, null, (select json_group_array(json_array(id, display)) from
                           (select id, display from resource where team = ?1 and kind = 2 order by n limit ?2)))
                   from total where team = ?1";
        let found = self.one(sql, params![team, names as i64], |row| {
            let names: Option<String> = row.get(5)?;
            Ok(Surroundings {
                totals: Totals { users: row.get(0)?, active: row.get(1)?, groups: row.get(2)? },
                nested: row.get(3)?,
                empty: row.get(4)?,
                // SQLite has just made it; names of a damaged file are as good as too many.
                names: names.and_then(|names| serde_json::from_str(&names).ok()),
            })
        })?;
        Ok(found.unwrap_or_default())
    }
}

impl WriteTx<'_> {
    /// Notes that a group has `by` members more, or fewer, since now.
    pub(super) fn count_member_day(&mut self, team: TeamId, group: i64, by: i64) -> Result<()> {
        let day = self.now().0.div_euclid(DAY) * DAY;
        self.run(
            "insert into member_day (team, holder, day, members, joined, gone)
             select ?1, n, ?3, members, max(?4, 0), max(-?4, 0) from resource where n = ?2
             on conflict do update set members = excluded.members, joined = joined + excluded.joined,
                                       gone = gone + excluded.gone",
            params![team, group, day, by],
        )?;
        Ok(())
    }

    /// Forgets days before `before` of which a later one, also before it, knows as much; at most `limit`.
    pub fn prune_member_days(&mut self, team: TeamId, before: Timestamp, limit: u32) -> Result<u64> {
        self.run(
            "delete from member_day where (holder, day) in
             (select old.holder, old.day from member_day old where old.team = ?1 and old.day < ?2
              and exists (select 1 from member_day next
                          where next.holder = old.holder and next.day > old.day and next.day < ?2) limit ?3)",
            params![team, before, limit],
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::DAY;
    use crate::base::Timestamp;
    use crate::store::testing::{group, store, team, user};

    #[test]
    fn changes_are_counted_from_the_middle_of_an_hour_on() {
        use crate::store::Activity;
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let hour = super::HOUR * 1000;
        let rows = [
            (10, true, 200),
            (20, true, 200),
            (30, true, 409),
            (40, false, 200),
            (super::HOUR + 5, true, 204),
        ];
        for (after, change, status) in rows {
            let row = Activity {
                at: Timestamp(hour + after),
                team: Some(acme),
                change,
                status,
                folded: 1,
                method: "PUT".into(),
                duration_us: after as u64,
                ..Activity::default()
            };
            store.write_blocking(move |tx| tx.insert_activity(&row)).unwrap();
        }
        let since =
            |after: i64| store.read_now(|tx| tx.changes_since(acme, Timestamp(hour + after))).unwrap();
        assert_eq!((since(0), since(11), since(21), since(super::HOUR)), (3, 2, 1, 1));
        assert_eq!(since(2 * super::HOUR), 0);
        let times = store.read_now(|tx| tx.answer_times(acme, 2)).unwrap();
        assert_eq!(times, [super::HOUR as u64 + 5, 40]);
    }

    const ONE_DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn each_day_knows_how_many_there_were_and_who_came_and_went() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let dev = group(&store, acme, "Dev");
        let people: Vec<i64> = ["a", "b", "c"].map(|name| user(&store, acme, name).n).to_vec();
        let began = clock.now();
        assert_eq!(store.read_now(|tx| tx.surroundings(acme, 1)).unwrap().empty, 1);
        let (one, all) = (dev.clone(), people.clone());
        store.write_blocking(move |tx| tx.add_numbers(acme, &one, &all)).unwrap();
        let (one, gone) = (dev.clone(), people[0]);
        store.write_blocking(move |tx| tx.remove_members(acme, &one, &[gone])).unwrap();
        clock.advance(ONE_DAY * 3);
        let (one, gone) = (dev.clone(), people[1]);
        store.write_blocking(move |tx| tx.remove_members(acme, &one, &[gone])).unwrap();
        let days = |from| {
            let mut found = store.read_now(|tx| tx.member_days(acme, &[dev.n, 99], from)).unwrap();
            found.remove(&dev.n).unwrap_or_default()
        };
        let told: Vec<_> = days(began).iter().map(|day| (day.members, day.joined, day.gone)).collect();
        assert_eq!(told, [(2, 3, 1), (1, 0, 1)]);
        assert_eq!(days(clock.now()).len(), 1, "the last one before is enough");
        assert_eq!(store.read_now(|tx| tx.surroundings(acme, 1)).unwrap().empty, 0);

        let prune = |before| store.write_blocking(move |tx| tx.prune_member_days(acme, before, 10)).unwrap();
        let midnight = Timestamp(clock.now().0 / DAY * DAY);
        assert_eq!(prune(midnight), 0, "nothing before today knows as much");
        clock.advance(ONE_DAY);
        assert_eq!((prune(clock.now()), prune(clock.now())), (1, 0));
        assert_eq!(days(began).len(), 1);
        let row = dev.clone();
        store
            .write_blocking(move |tx| tx.delete_resource(acme, &row, crate::store::By::default()).map(drop))
            .unwrap();
        assert_eq!(days(began), []);
    }
}

//! What has come and gone: groups by name and without members, how the members of each come and go, changes since an
//! instant, and how long answers took.

use std::collections::HashMap;
use std::ops::ControlFlow;

use rusqlite::params;

use super::counts::{CameTo, HOUR, Hour, Totals};
use super::events::json;
use super::{ReadTx, Result, TeamSettings, WriteTx};
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

/// What `standing` counts.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Hours from this one on.
    pub hours: Timestamp,
    /// Of how many of the latest requests the time of the answer is told.
    pub answers: u32,
    /// From when on changes are counted, where they are.
    pub changes: Option<Timestamp>,
    /// From when on people who lost their access are counted.
    pub left: Timestamp,
}

/// How a team stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub totals: Totals,
    /// The hours that had requests, oldest first.
    pub hours: Vec<Hour>,
    /// How long the latest requests took to answer, in microseconds.
    pub answers: Vec<u64>,
    /// How many requests changed something.
    pub changes: Option<u64>,
    /// How many people lost their access and are not back, up to 100,000.
    pub left: u64,
    /// From how many of them on, and from what share of those who were active in percent, the team wants to hear of it.
    pub warn: (Option<u32>, Option<u32>),
}

/// Counts people who lost their access since an instant: deactivated, or deleted while they were active, and not back.
/// Written so that SQLite walks `event_leaving`, which holds these events alone.
macro_rules! people_who_left {
    ($since:literal) => {
        concat!(
            "select count(distinct resource) from (
                 select resource from event e where team = ?1 and at >= ",
            $since,
            " and name in ('user.deactivated', 'user.deleted') and coalesce(json_extract(body, '$.active'), 1)
                 and not exists (select 1 from resource r where r.team = ?1 and r.id = e.resource
                                 and coalesce(r.active, 1))
                 limit 100000)"
        )
    };
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

    /// How a team stands: everything that is counted of it, in one look.
    pub fn standing(&self, team: TeamId, asked: &Counted) -> Result<Standing> {
        // Of the hour that an instant lies in, changes are counted one by one; `hour` knows of whole hours.
        let next = asked.changes.map(|at| at.0.div_euclid(HOUR) * HOUR + HOUR);
        let sql = concat!(
            "select users, active, groups,
                 (select json_group_array(json_array(hour, reads, changes, errors, added, changed, deactivated, deleted))
                  from (select * from hour where team = ?1 and hour >= ?2 order by hour)),
                 (select json_group_array(duration_us) from (select duration_us from activity
                  where team = ?1 and method <> '' order by at desc, n desc limit ?3)),
                 iif(?4 is null, null,
                     (select coalesce(sum(changes), 0) from hour where team = ?1 and hour >= ?5)
                     + (select coalesce(sum(folded), 0) from activity
                        where team = ?1 and at >= ?4 and at < ?5 and change = 1 and status < 400)),
                 (",
            people_who_left!("?6"),
            "), team_setting.team is not null, warn_people, warn_percent
             from total left join team_setting on team_setting.team = total.team where total.team = ?1"
        );
        let default = TeamSettings::default();
        let values = params![team, asked.hours, asked.answers, asked.changes, next, asked.left];
        let found = self.one(sql, values, |row| {
            type Columns = (i64, u64, u64, u64, u64, u64, u64, u64);
            let hours: Vec<Columns> = json(row, 3)?;
            let hour = |(hour, reads, changes, errors, added, changed, deactivated, deleted): Columns| Hour {
                hour: Timestamp(hour),
                reads,
                changes,
                errors,
                came_to: CameTo { added, changed, deactivated, deleted },
            };
            Ok(Standing {
                totals: Totals { users: row.get(0)?, active: row.get(1)?, groups: row.get(2)? },
                hours: hours.into_iter().map(hour).collect(),
                answers: json(row, 4)?,
                changes: row.get(5)?,
                left: row.get(6)?,
                warn: match row.get(7)? {
                    true => (row.get(8)?, row.get(9)?),
                    false => (default.warn_people, default.warn_percent),
                },
            })
        })?;
        Ok(found.unwrap_or_default())
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

    use super::{Counted, DAY};
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
        let standing = |changes: Option<i64>, hours: i64| {
            let changes = changes.map(|after| Timestamp(hour + after));
            let (hours, left) = (Timestamp(hour + hours), Timestamp(0));
            store.read_now(|tx| tx.standing(acme, &Counted { hours, answers: 2, changes, left })).unwrap()
        };
        let since = |after: i64| standing(Some(after), 0).changes;
        let counted = [0, 11, 21, super::HOUR, 2 * super::HOUR].map(since);
        assert_eq!(counted, [3, 2, 1, 1, 0].map(Some));
        let (all, last) = (standing(None, 0), standing(None, super::HOUR));
        assert_eq!((all.changes, all.answers.as_slice()), (None, &[super::HOUR as u64 + 5, 40][..]));
        let hours = store.read_now(|tx| tx.hours(Some(acme), Timestamp(0), Timestamp(i64::MAX))).unwrap();
        assert_eq!((all.hours.len(), &all.hours, &last.hours[..]), (2, &hours, &hours[1..]));
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

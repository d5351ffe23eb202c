//! Groups within groups: the closure `above`, kept when a group enters or leaves a group, and the two things refused,
//! a loop (RFC 7644 §3.7.1 speaks of them) and a depth over 16. A directory without nesting never touches it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{ReadTx, Result, Row, StoreError, WriteTx};

/// How many groups a chain may have, the outermost and the innermost included.
const DEPTH: usize = 16;

/// Which way edges between groups are followed.
#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl ReadTx<'_> {
    /// The groups that are direct members of a group.
    pub(super) fn inner_groups(&self, group: i64) -> Result<Vec<i64>> {
        // A group of 100,000 users is not walked to find none: `member_of` has the groups by their own numbers.
        let sql = "select resource.n from above join resource on resource.n = inner_group
                   where outer_group = ?1 and exists (select 1 from member where holder = ?1 and member = inner_group)";
        self.all(sql, [group], |row| row.get(0))
    }

    fn outer_groups(&self, group: i64) -> Result<Vec<i64>> {
        self.all("select holder from member where member = ?", [group], |row| row.get(0))
    }

    fn next(&self, group: i64, way: Way) -> Result<Vec<i64>> {
        match way {
            Way::In => self.inner_groups(group),
            Way::Out => self.outer_groups(group),
        }
    }

    fn display_of(&self, group: i64) -> Result<String> {
        let name = self.one("select display from resource where n = ?", [group], |row| row.get(0))?;
        Ok(name.unwrap_or_default())
    }

    /// The groups on the shortest way from one group inwards to another, both included; `None` when there is no way.
    fn way_in(&self, from: i64, to: i64) -> Result<Option<Vec<i64>>> {
        let mut waiting = VecDeque::from([vec![from]]);
        let mut seen = HashSet::from([from]);
        while let Some(way) = waiting.pop_front() {
            let last = *way.last().expect("a way has a beginning");
            if last == to {
                return Ok(Some(way));
            }
            for next in self.inner_groups(last)? {
                if seen.insert(next) {
                    waiting.push_back(way.iter().copied().chain([next]).collect());
                }
            }
        }
        Ok(None)
    }

    /// The longest chain of groups that begins here; `known` keeps what was found, so that a lattice is walked once.
    fn longest(&self, group: i64, way: Way, known: &mut HashMap<i64, Vec<i64>>) -> Result<Vec<i64>> {
        if let Some(chain) = known.get(&group) {
            return Ok(chain.clone());
        }
        let mut longest = Vec::new();
        for next in self.next(group, way)? {
            let chain = self.longest(next, way, known)?;
            if chain.len() > longest.len() {
                longest = chain;
            }
        }
        longest.insert(0, group);
        known.insert(group, longest.clone());
        Ok(longest)
    }

    fn names(&self, groups: impl IntoIterator<Item = i64>) -> Result<Vec<String>> {
        groups.into_iter().map(|group| self.display_of(group)).collect()
    }
}

impl WriteTx<'_> {
    /// A group has entered a group: checks the nesting and extends the closure.
    pub(super) fn nest(&mut self, group: &Row, member: i64) -> Result<()> {
        if let Some(back) = self.way_in(member, group.n)? {
            let names = self.names([group.n].into_iter().chain(back))?;
            return Err(StoreError::Loop { names });
        }
        // Without a loop, and with the old edges no deeper than 16, both walks end.
        let outer = self.longest(group.n, Way::Out, &mut HashMap::new())?;
        let inner = self.longest(member, Way::In, &mut HashMap::new())?;
        if outer.len() + inner.len() > DEPTH {
            let names = self.names(outer.into_iter().rev().chain(inner))?;
            return Err(StoreError::TooDeep { names });
        }
        self.run(
            "insert or ignore into above (inner_group, outer_group)
             select i.n, o.n
             from (select ?2 as n union select inner_group from above where outer_group = ?2) i,
                  (select ?1 as n union select outer_group from above where inner_group = ?1) o",
            [group.n, member],
        )?;
        Ok(())
    }

    /// Members have left a group: for those that are groups, and all within them, what is above them is found anew.
    pub(super) fn unnest(&mut self, group: i64, members: &[i64]) -> Result<()> {
        let mut stale: Vec<i64> = Vec::new();
        for &member in members {
            let sql = "select 1 from above where inner_group = ? and outer_group = ?";
            if self.one(sql, [member, group], |_| Ok(()))?.is_some() {
                stale.push(member);
                let sql = "select inner_group from above where outer_group = ?";
                stale.extend(self.all(sql, [member], |row| row.get::<_, i64>(0))?);
            }
        }
        stale.sort_unstable();
        stale.dedup();
        for inner in stale {
            self.run("delete from above where inner_group = ?", [inner])?;
            self.run(
                "insert into above (inner_group, outer_group)
                 with recursive found (n) as (
                     select holder from member where member = ?1
                     union select holder from member join found on member = n
                 )
                 select ?1, n from found",
                [inner],
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TeamId;
    use crate::store::testing::{group, store, team, user};
    use crate::store::{Deleted, Store};

    fn add(store: &Store, team: TeamId, group: &Row, member: &Row) -> Result<Vec<i64>> {
        let (group, member) = (group.clone(), member.n);
        store.write_blocking(move |tx| tx.add_numbers(team, &group, &[member]))
    }

    fn remove(store: &Store, team: TeamId, group: &Row, member: &Row) -> Vec<i64> {
        let (group, member) = (group.clone(), member.n);
        store.write_blocking(move |tx| tx.remove_members(team, &group, &[member])).unwrap()
    }

    fn groups_of(store: &Store, team: TeamId, row: &Row) -> Vec<(String, bool)> {
        let groups = store.read_now(|tx| tx.groups_of(team, row.n)).unwrap();
        groups.into_iter().map(|group| (group.display, group.direct)).collect()
    }

    #[test]
    fn a_user_is_in_the_groups_above_its_groups() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (all, staff, dev) =
            (group(&store, acme, "All"), group(&store, acme, "Staff"), group(&store, acme, "Dev"));
        let ada = user(&store, acme, "ada");
        // The inner edge first: the closure must grow from both sides.
        add(&store, acme, &dev, &ada).unwrap();
        add(&store, acme, &staff, &dev).unwrap();
        add(&store, acme, &all, &staff).unwrap();
        let expected = [("Dev".to_owned(), true), ("All".to_owned(), false), ("Staff".to_owned(), false)];
        assert_eq!(groups_of(&store, acme, &ada), expected);
        remove(&store, acme, &all, &staff);
        assert_eq!(groups_of(&store, acme, &ada), [("Dev".to_owned(), true), ("Staff".to_owned(), false)]);
    }

    #[test]
    fn a_group_with_two_ways_up_keeps_the_other_when_one_ends() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let groups = ["Top", "Left", "Right", "Bottom"].map(|name| group(&store, acme, name));
        for (outer, inner) in [(0, 1), (0, 2), (1, 3), (2, 3)] {
            add(&store, acme, &groups[outer], &groups[inner]).unwrap();
        }
        remove(&store, acme, &groups[1], &groups[3]);
        let expected = [("Right".to_owned(), true), ("Top".to_owned(), false)];
        assert_eq!(groups_of(&store, acme, &groups[3]), expected);
    }

    #[test]
    fn a_loop_is_refused_with_its_names_and_nothing_stays() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (a, b, c) = (group(&store, acme, "A"), group(&store, acme, "B"), group(&store, acme, "C"));
        add(&store, acme, &a, &b).unwrap();
        add(&store, acme, &b, &c).unwrap();
        match add(&store, acme, &c, &a) {
            Err(StoreError::Loop { names }) => assert_eq!(names, ["C", "A", "B", "C"]),
            other => panic!("{other:?}"),
        }
        match add(&store, acme, &a, &a) {
            Err(StoreError::Loop { names }) => assert_eq!(names, ["A", "A"]),
            other => panic!("{other:?}"),
        }
        assert_eq!(store.read_now(|tx| tx.member_count(acme, c.n)).unwrap(), 0);
        assert!(groups_of(&store, acme, &a).is_empty());
    }

    #[test]
    fn sixteen_groups_may_nest_and_no_more() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let groups: Vec<Row> = (0..17).map(|number| group(&store, acme, &format!("G{number}"))).collect();
        for pair in groups[..16].windows(2) {
            add(&store, acme, &pair[0], &pair[1]).unwrap();
        }
        match add(&store, acme, &groups[15], &groups[16]) {
            Err(StoreError::TooDeep { names }) => {
                assert_eq!((names.len(), names[0].as_str(), names[16].as_str()), (17, "G0", "G16"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(groups_of(&store, acme, &groups[15]).len(), 15);
    }

    #[test]
    fn deleting_a_group_in_the_middle_parts_what_it_joined() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (top, mid, low) =
            (group(&store, acme, "Top"), group(&store, acme, "Mid"), group(&store, acme, "Low"));
        add(&store, acme, &top, &mid).unwrap();
        add(&store, acme, &mid, &low).unwrap();
        let deleted: Deleted = store
            .write_blocking(move |tx| tx.delete_resource(acme, &mid, crate::store::By::default()))
            .unwrap();
        assert_eq!(deleted.groups.len(), 1);
        assert_eq!((deleted.groups[0].display.as_str(), deleted.groups[0].version), ("Top", 2));
        assert_eq!((deleted.member_count, deleted.members[0].display.as_str()), (1, "Low"));
        assert!(groups_of(&store, acme, &low).is_empty());
        assert_eq!(store.read_now(|tx| tx.number("select count(*) from above", [])).unwrap(), 0);
    }
}

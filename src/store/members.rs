//! Membership: one row per edge, read from both sides, and the closure `above` that says which groups hold a group.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use rusqlite::params;

use super::resources::{read, resource_columns};
use super::{ReadTx, Result, Row, StoreError, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;
use crate::scim::fold::fold;
use crate::scim::resource::{GroupRef, MemberRef, MemberView, Members};

/// A resource found by its public id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub n: i64,
    pub id: String,
    pub kind: Kind,
    pub display: String,
    /// Whether that is its own `displayName`.
    pub named: bool,
    /// Where it lives: it enters no group elsewhere.
    team: TeamId,
}

/// A member as its membership knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberLine {
    pub n: i64,
    pub id: String,
    pub kind: Kind,
    pub name: String,
    pub since: Timestamp,
}

/// The members of a group, read from the snapshot while they are shown. Afterwards `whole` says whether all were.
pub struct Roll<'t> {
    tx: &'t ReadTx<'t>,
    group: i64,
    failed: RefCell<Option<StoreError>>,
}

impl Members for Roll<'_> {
    fn each(&self, take: &mut dyn FnMut(MemberView<'_>)) {
        let sql = "select id, kind, case named when 1 then display else '' end
                   from member where holder = ? order by member";
        let read = self.tx.each(sql, [self.group], |row| {
            let text = |column| row.get_ref(column).and_then(|value| Ok(value.as_str()?));
            take(MemberView { id: text(0)?, kind: row.get(1)?, display: text(2)? });
            Ok(ControlFlow::Continue(()))
        });
        if let Err(error) = read {
            *self.failed.borrow_mut() = Some(error);
        }
    }
}

impl Roll<'_> {
    /// Whether what was shown are all of them.
    pub fn whole(self) -> Result<()> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }
}

/// Where `since` stands behind the columns of a resource.
const SINCE: usize = 13;

impl ReadTx<'_> {
    /// All members of a group in the order of their numbers, to be shown.
    pub fn roll(&self, _team: TeamId, group: i64) -> Roll<'_> {
        Roll { tx: self, group, failed: RefCell::new(None) }
    }

    /// Members of a group in the order of their numbers, from the first after `after` on, at most `limit`. With their numbers.
    pub fn members(
        &self,
        _team: TeamId,
        group: i64,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, MemberRef)>> {
        self.all(
            "select member, id, kind, display, named from member where holder = ? and member > ? order by member limit ?",
            params![group, after.unwrap_or(0), limit],
            |row| {
                let (id, kind, display, named) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                let member = MemberRef { id, kind, display, named };
                Ok((row.get(0)?, member))
            },
        )
    }

    /// All direct members of a group, in no order, and with each whether the text names it: a whole id, user name or email.
    pub fn member_roll(&self, team: TeamId, group: i64, named: &str) -> Result<Vec<(MemberLine, bool)>> {
        let sql = "select member, id, kind, display, since, member in (
                       select n from resource where team = ?2 and id = ?3 union all
                       select resource from attribute where team = ?2 and kind = 1 and path in (?4, ?5) and value = ?6)
                   from member where holder = ?1";
        let (name, email) = (super::index::number("userName"), super::index::number("emails.value"));
        self.all(sql, params![group, team, named, name, email, fold(named)], |row| {
            let (n, id, kind) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((MemberLine { n, id, kind, name: row.get(3)?, since: row.get(4)? }, row.get(5)?))
        })
    }

    /// These members of a group with since when they are, and first the groups that are its members themselves, where they
    /// are asked for; people in the order of the numbers.
    pub fn members_shown(
        &self,
        _team: TeamId,
        group: i64,
        people: &[i64],
        groups: bool,
    ) -> Result<Vec<(Row, Timestamp)>> {
        let sql = concat!(
            "select ",
            resource_columns!(),
            ", since from (select value as n from json_each(?2)
                 union all select inner_group from above where outer_group = ?1 and ?3) wanted
             cross join member on holder = ?1 and member = wanted.n
             cross join resource on resource.n = wanted.n"
        );
        let numbers = serde_json::to_string(people).expect("numbers are JSON");
        let mut rows =
            self.all(sql, params![group, numbers, groups], |row| Ok((read(row)?, row.get(SINCE)?)))?;
        rows.sort_by_cached_key(|(row, _)| (people.iter().position(|n| *n == row.n), row.n));
        Ok(rows)
    }

    /// How many members a group has.
    pub fn member_count(&self, team: TeamId, group: i64) -> Result<u64> {
        let sql = "select members from resource where n = ? and team = ?";
        Ok(self.number(sql, params![group, team])? as u64)
    }

    /// Since when a resource is a direct member of a group.
    pub fn member_since(&self, _team: TeamId, group: i64, member: i64) -> Result<Option<Timestamp>> {
        let sql = "select since from member where holder = ? and member = ?";
        self.one(sql, [group, member], |row| row.get(0))
    }

    /// Whether a resource is a direct member of a group.
    pub fn is_member(&self, team: TeamId, group: i64, member: i64) -> Result<bool> {
        Ok(self.member_since(team, group, member)?.is_some())
    }

    /// The groups that a resource is in: direct ones first, then those it is in through them.
    pub fn groups_of(&self, team: TeamId, n: i64) -> Result<Vec<GroupRef>> {
        let mut nesting = false;
        let mut groups = self.all(
            "select resource.id, resource.display, exists (select 1 from above)
             from member join resource on resource.n = member.holder
             where member.member = ? order by member.holder",
            [n],
            |row| {
                nesting = row.get(2)?;
                Ok(GroupRef { id: row.get(0)?, display: row.get(1)?, direct: true })
            },
        )?;
        if nesting {
            groups.extend(self.outer_groups_of(team, n)?);
        }
        Ok(groups)
    }

    /// The groups of each resource from one number to another; `None` where groups are in groups, so that each has to be
    /// asked for.
    pub fn groups_between(
        &self,
        _team: TeamId,
        first: i64,
        last: i64,
    ) -> Result<Option<HashMap<i64, Vec<GroupRef>>>> {
        if self.has_nesting()? {
            return Ok(None);
        }
        let mut groups: HashMap<i64, Vec<GroupRef>> = HashMap::new();
        let sql = "select member.member, resource.id, resource.display
                   from member join resource on resource.n = member.holder
                   where member.member between ? and ? order by member.member, member.holder";
        self.each(sql, [first, last], |row| {
            let group = GroupRef { id: row.get(1)?, display: row.get(2)?, direct: true };
            groups.entry(row.get(0)?).or_default().push(group);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Some(groups))
    }

    /// The groups of several resources by their numbers, direct ones first.
    pub fn groups_of_all(&self, _team: TeamId, numbers: &[i64]) -> Result<HashMap<i64, Vec<GroupRef>>> {
        let mut groups: HashMap<i64, Vec<GroupRef>> = HashMap::new();
        let sql = "with wanted (n) as (select value from json_each(?)),
                   direct (n, holder) as (select wanted.n, holder from wanted join member on member.member = wanted.n),
                   found (n, holder, direct) as (
                       select n, holder, 1 from direct union all
                       select distinct inside.n, outer_group, 0 from direct inside
                       join above on above.inner_group = inside.holder
                       where not exists (select 1 from direct other
                                         where other.n = inside.n and other.holder = above.outer_group))
                   select found.n, resource.id, resource.display, found.direct
                   from found join resource on resource.n = found.holder
                   order by found.n, found.direct desc, found.holder";
        let numbers = serde_json::to_string(numbers).expect("numbers are JSON");
        self.each(sql, [numbers], |row| {
            let group = GroupRef { id: row.get(1)?, display: row.get(2)?, direct: row.get(3)? };
            groups.entry(row.get(0)?).or_default().push(group);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(groups)
    }

    /// Whether any group is in a group.
    fn has_nesting(&self) -> Result<bool> {
        Ok(self.number("select exists (select 1 from above)", [])? != 0)
    }

    /// The groups that a resource is in only through others.
    fn outer_groups_of(&self, _team: TeamId, n: i64) -> Result<Vec<GroupRef>> {
        self.all(
            "select distinct resource.id, resource.display, resource.n
             from member join above on above.inner_group = member.holder
             join resource on resource.n = above.outer_group
             where member.member = ?1 and above.outer_group not in (select holder from member where member = ?1)
             order by resource.n",
            [n],
            |row| Ok(GroupRef { id: row.get(0)?, display: row.get(1)?, direct: false }),
        )
    }

    /// Those of the public ids that live here, in the order asked, each once.
    pub fn find_members<'i>(
        &self,
        team: TeamId,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<Vec<Known>> {
        let mut seen = HashSet::new();
        let mut ids: Vec<&str> = ids.into_iter().collect();
        ids.retain(|id| seen.insert(*id));
        let sql = "select n, kind, display, named from resource where team = ? and id = ?";
        let found = self.one_each(sql, ids.iter().map(|id| (team, *id)), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        let known = |(id, found): (&str, Option<(i64, Kind, String, bool)>)| {
            found.map(|(n, kind, display, named)| Known { n, id: id.to_owned(), kind, display, named, team })
        };
        Ok(ids.into_iter().zip(found).filter_map(known).collect())
    }

    /// All direct members of a group, in the order of their numbers.
    pub fn known_members(&self, team: TeamId, group: i64) -> Result<Vec<Known>> {
        self.all(
            "select member, id, kind, display, named from member where holder = ? order by member",
            [group],
            |row| {
                let (n, id, kind) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Known { n, id, kind, display: row.get(3)?, named: row.get(4)?, team })
            },
        )
    }
}

impl WriteTx<'_> {
    /// Adds members; answers those that were not members before, users first and by their numbers. The group's version stays
    /// (`bump_resource`).
    /// Who left within the same change goes on as the member it was.
    /// `Loop` or `TooDeep` when groups would contain themselves or nest too deep.
    pub fn add_members(&mut self, team: TeamId, group: &Row, mut members: Vec<Known>) -> Result<Vec<Known>> {
        const ENTER: &str =
            "insert or ignore into member (holder, member, id, kind, display, named, since, event)
                             values (?, ?, ?, ?, ?, ?, ?, ?)";
        let (now, event, holder) = (self.now(), self.last_event(team)? + 1, group.n);
        members.retain(|member| member.team == team);
        // In the order of both indexes, users first: all who enter are there when the nesting is looked at.
        members.sort_by_key(|member| (member.kind == Kind::Group, member.n));
        let users = members.iter().filter(|member| member.kind == Kind::User).count();
        let edge = |member| edge(member, holder, now, event);
        let mut entered = self.run_each(ENTER, members[..users].iter().map(edge))?;
        for member in &members[users..] {
            let new = self.run_each(ENTER, [edge(member)])?;
            if new == [1] {
                // Before the next edge, so that the nesting is always checked against a whole closure.
                self.nest(group, member.n)?;
            }
            entered.extend(new);
        }
        let mut entered = entered.into_iter();
        members.retain(|_| entered.next() == Some(1));
        self.go_on(holder, &members, event)?;
        self.count_members(team, group, members.len() as i64)?;
        Ok(members)
    }

    /// Removes members by their numbers; answers those that really were members.
    pub fn remove_members(&mut self, team: TeamId, group: &Row, members: &[i64]) -> Result<Vec<i64>> {
        let (now, event) = (self.now(), self.last_event(team)? + 1);
        let mut seen = HashSet::with_capacity(members.len());
        let mut members: Vec<i64> = members.to_vec();
        members.retain(|member| seen.insert(*member));
        let edges = members.iter().map(|member| (group.n, *member));
        let sql = "select since, event, kind from member where holder = ? and member = ?";
        let found = self.one_each(sql, edges, |row| {
            Ok((row.get::<_, Timestamp>(0)?, row.get::<_, u64>(1)?, row.get::<_, Kind>(2)?))
        })?;
        let found = members.into_iter().zip(found);
        let gone: Vec<_> = found.filter_map(|(member, found)| Some((member, found?))).collect();
        let removed: Vec<i64> = gone.iter().map(|(member, _)| *member).collect();
        let edges = removed.iter().map(|member| (group.n, *member));
        self.run_each("delete from member where holder = ? and member = ?", edges)?;
        // What began within the same change never was.
        let been = gone.iter().filter(|(_, (_, began, _))| *began != event);
        self.run_each(
            "insert or ignore into member_past (member, holder, until, team, since, began, ended)
             values (?, ?, ?, ?, ?, ?, ?)",
            been.map(|(member, (since, began, _))| (*member, group.n, now, team, *since, *began, event)),
        )?;
        if gone.iter().any(|(_, (_, _, kind))| *kind == Kind::Group) {
            self.unnest(group.n, &removed)?;
        }
        self.count_members(team, group, -(removed.len() as i64))?;
        Ok(removed)
    }

    /// Removes every member; answers how many there were.
    pub fn remove_all_members(&mut self, team: TeamId, group: &Row) -> Result<u64> {
        let (now, event) = (self.now(), self.last_event(team)? + 1);
        let inner = self.inner_groups(group.n)?;
        self.run(
            "insert or ignore into member_past (member, holder, until, team, since, began, ended)
             select member, holder, ?2, ?3, since, event, ?4 from member where holder = ?1",
            params![group.n, now, team, event],
        )?;
        let removed = self.run("delete from member where holder = ?", [group.n])?;
        if !inner.is_empty() {
            self.unnest(group.n, &inner)?;
        }
        self.count_members(team, group, -(removed as i64))?;
        Ok(removed)
    }

    /// Takes back the ends of memberships that the coming event would have ended.
    fn go_on(&mut self, group: i64, members: &[Known], event: u64) -> Result<()> {
        let sql = "select exists (select 1 from member_past where holder = ? and until = ? and ended = ?)";
        if self.number(sql, params![group, self.now(), event])? == 0 {
            return Ok(());
        }
        let ended = members.iter().map(|member| (member.n, group, event));
        let sql = "select since, began from member_past where member = ? and holder = ? and ended = ?";
        let found =
            self.one_each(sql, ended, |row| Ok((row.get::<_, Timestamp>(0)?, row.get::<_, u64>(1)?)))?;
        let found = members.iter().map(|member| member.n).zip(found);
        let back: Vec<_> = found.filter_map(|(member, found)| Some((member, found?))).collect();
        self.run_each(
            "delete from member_past where member = ? and holder = ? and ended = ?",
            back.iter().map(|(member, _)| (*member, group, event)),
        )?;
        self.run_each(
            "update member set since = ?, event = ? where holder = ? and member = ?",
            back.iter().map(|(member, (since, began))| (*since, *began, group, *member)),
        )?;
        Ok(())
    }

    fn count_members(&mut self, team: TeamId, group: &Row, by: i64) -> Result<()> {
        if by == 0 {
            return Ok(());
        }
        self.run("update resource set members = members + ? where n = ?", [by, group.n])?;
        self.count_member_day(team, group.n, by)
    }
}

/// The row of a membership that begins, in the order of its columns.
fn edge(
    member: &Known,
    holder: i64,
    since: Timestamp,
    event: u64,
) -> (i64, i64, &str, Kind, &str, bool, Timestamp, u64) {
    (holder, member.n, &member.id, member.kind, &member.display, member.named, since, event)
}

#[cfg(test)]
impl Known {
    /// Somebody by their row.
    pub fn of(team: TeamId, row: &Row) -> Known {
        let Row { n, id, kind, display, named, .. } = row.clone();
        Known { n, id, kind, display, named, team }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{group, store, team, user};

    #[test]
    fn only_real_changes_are_answered_and_counted() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let (dev, ada, bob) =
            (group(&store, acme, "Dev"), user(&store, acme, "ada"), user(&store, acme, "bob"));
        let job = move |tx: &mut WriteTx| -> Result<()> {
            assert_eq!(tx.add_numbers(acme, &dev, &[ada.n, bob.n, ada.n, 999])?, [ada.n, bob.n]);
            assert_eq!(tx.add_numbers(acme, &dev, &[bob.n])?, [] as [i64; 0]);
            assert_eq!(tx.member_count(acme, dev.n)?, 2);
            assert_eq!(tx.remove_members(acme, &dev, &[bob.n, 999])?, [bob.n]);
            assert_eq!(tx.resource_by_n(acme, dev.n)?.map(|row| (row.members, row.version)), Some((1, 1)));
            assert_eq!(tx.remove_all_members(acme, &dev)?, 1);
            assert_eq!(tx.member_count(acme, dev.n)?, 0);
            Ok(())
        };
        store.write_blocking(job).unwrap();
        clock.advance(std::time::Duration::from_secs(1));
    }

    #[test]
    fn a_member_shows_its_name_of_now_and_since_when_it_is_one() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (dev, ada) = (group(&store, acme, "Dev"), user(&store, acme, "ada"));
        let (holder, n) = (dev.n, ada.n);
        let since = store.read_now(|tx| tx.member_since(acme, holder, n)).unwrap();
        assert_eq!(since, None);
        let job = move |tx: &mut WriteTx| -> Result<()> {
            tx.add_numbers(acme, &dev, &[ada.n])?;
            let renamed = crate::store::testing::document(serde_json::json!({ "userName": "ada.l" }));
            tx.update_resource(acme, &ada, &renamed, 1, &[]).map(drop)
        };
        store.write_blocking(job).unwrap();
        let members = store.read_now(|tx| tx.members(acme, holder, None, 10)).unwrap();
        let shown: Vec<_> =
            members.iter().map(|(_, member)| (member.display.as_str(), member.named)).collect();
        assert_eq!(shown, [("ada.l", false)]);
        let named = move |tx: &mut WriteTx| -> Result<()> {
            let same = crate::store::testing::document(serde_json::json!({ "displayName": "ada.l" }));
            let row = tx.resource_by_n(acme, n)?.expect("Ada");
            tx.update_resource(acme, &row, &same, 1, &[]).map(drop)
        };
        store.write_blocking(named).unwrap();
        let members = store.read_now(|tx| tx.members(acme, holder, None, 10)).unwrap();
        assert!(members.iter().all(|(_, member)| member.named), "the same name, and its own now");
        assert!(store.read_now(|tx| tx.is_member(acme, holder, n)).unwrap());
    }

    #[test]
    fn nobody_enters_a_group_of_another_team() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let (dev, eve) = (group(&store, acme, "Dev"), user(&store, other, "eve"));
        let (holder, id) = (dev.n, eve.id.clone());
        let stranger = Known::of(other, &eve);
        let added =
            store.write_blocking(move |tx| tx.add_members(acme, &dev, vec![stranger.clone()])).unwrap();
        assert_eq!(added, []);
        assert_eq!(store.read_now(|tx| tx.find_members(acme, [id.as_str()])).unwrap(), []);
        assert_eq!(store.read_now(|tx| tx.member_count(acme, holder)).unwrap(), 0);
    }

    #[test]
    fn who_leaves_and_joins_in_one_change_never_left() {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let (dev, ada, bob) =
            (group(&store, acme, "Dev"), user(&store, acme, "ada"), user(&store, acme, "bob"));
        let (holder, n) = (dev.clone(), ada.n);
        let began = move |tx: &mut WriteTx| -> Result<()> {
            tx.add_numbers(acme, &holder, &[n])?;
            let by = crate::store::By::default();
            tx.append_event(acme, by, "membership.added", Kind::Group, &holder.id, &serde_json::Value::Null)
                .map(drop)
        };
        store.write_blocking(began).unwrap();
        let since = clock.now();
        clock.advance(std::time::Duration::from_secs(60));
        let (holder, bob_id) = (dev.clone(), bob.id.clone());
        let again = move |tx: &mut WriteTx| -> Result<()> {
            assert_eq!(tx.remove_members(acme, &holder, &[ada.n])?, [ada.n]);
            assert_eq!(tx.add_numbers(acme, &holder, &[bob.n, ada.n])?, [ada.n, bob.n]);
            assert_eq!(tx.remove_members(acme, &holder, &[bob.n])?, [bob.n]);
            Ok(())
        };
        store.write_blocking(again).unwrap();
        assert_eq!(store.read_now(|tx| tx.member_since(acme, dev.n, n)).unwrap(), Some(since));
        let past = store.read_now(|tx| tx.number("select count(*) from member_past", [])).unwrap();
        assert_eq!(past, 0, "nobody's membership ended");
        let of_bob = store.read_now(|tx| tx.happened(acme, &bob_id, 99, 9)).unwrap();
        assert_eq!(of_bob, [], "and none began");
    }

    #[test]
    fn a_long_list_is_read_page_by_page() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let dev = group(&store, acme, "Dev");
        let users: Vec<i64> = (0..25).map(|number| user(&store, acme, &format!("u{number}")).n).collect();
        let (holder, all) = (dev.n, users.clone());
        store.write_blocking(move |tx| tx.add_numbers(acme, &dev, &all)).unwrap();
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = store.read_now(|tx| tx.members(acme, holder, after, 10)).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            seen.extend(page.iter().map(|(n, _)| *n));
        }
        assert_eq!(seen, users);
    }
}

//! What happened to one user or group: its events, the memberships it has and had, and the requests about it that made no
//! event. `service` puts them together.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rusqlite::{Row, params};
use serde_json::Value;

use super::activity::{COLUMNS, read, select};
use super::events::json;
use super::{ActivityRow, ReadTx, Result};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// Something that happened to a user or group.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// The number of its event.
    pub number: u64,
    pub at: Timestamp,
    /// `user.updated`; empty where the event is forgotten.
    pub name: String,
    /// The request that did it, as far as one is known.
    pub request: Option<String>,
    pub token: Option<i64>,
    /// The administrator who did it, where one did.
    pub who: Option<String>,
    /// What the event says; of a new record and of members nothing.
    pub body: Value,
    /// Whom it moved, of a change of members.
    pub moved: Option<Moved>,
    /// The group that it joined or left.
    pub edge: Option<Edge>,
}

/// The beginning or the end of a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub group: String,
    /// The group's name, the last one of a deleted group.
    pub name: String,
    pub joined: bool,
}

/// Somebody by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub kind: Kind,
    pub name: String,
    /// Not deleted since.
    pub here: bool,
}

/// Whom a change of a group's members was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The first of them, those of whom nothing is known left out.
    pub who: Vec<Named>,
    pub count: u64,
}

/// What a membership event moved, as `read_moved` reads it: how many, and the first four by name; of other events nothing.
macro_rules! moved {
    () => {
        "iif(event.name like 'membership.%', json_array(json_array_length(body, '$.members'),
             json((select json_group_array(json_array(id, kind, name, here)) from (
                  select moved.value as id, coalesce(living.kind, dead.kind) as kind,
                      coalesce(living.display, dead.display) as name, living.n is not null as here
                  from json_each(json_extract(body, '$.members[0]', '$.members[1]', '$.members[2]', '$.members[3]')) moved
                  left join resource living on living.team = event.team and living.id = moved.value
                  left join tombstone dead on living.n is null and dead.n =
                      (select max(n) from tombstone last where last.team = event.team and last.id = moved.value)
                  where coalesce(living.n, dead.n) is not null order by moved.key)))), 'null')"
    };
}

fn read_moved(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Moved>> {
    type Columns = (String, u8, String, u8);
    let found: Option<(Option<u64>, Vec<Columns>)> = json(row, column)?;
    let named = |(id, kind, name, here): Columns| Named {
        id,
        kind: if kind == 1 { Kind::User } else { Kind::Group },
        name,
        here: here == 1,
    };
    Ok(found.map(|(count, who)| Moved {
        who: who.into_iter().map(named).collect(),
        count: count.unwrap_or_default(),
    }))
}

impl ReadTx<'_> {
    /// What happened to a user or group with numbers below `before`, latest first: at most `limit` of its events, and
    /// memberships that it began or ended, at least `limit` where there are so many, since what one event did is never
    /// parted. They are found under numbers too that it had before it came back; the joins go from the numbers on, never
    /// along all memberships.
    pub fn happened(&self, team: TeamId, id: &str, before: u64, limit: u32) -> Result<Vec<Happened>> {
        let sql = concat!(
            "select * from (
                 select number, at, name, request, token, who,
                     iif(name like 'membership.%' or name like '%.created' or name like '%.restored', 'null', body), ",
            moved!(),
            ", null as joined, null as holder, null, null
                 from event where team = ?1 and resource = ?2 and number < ?3 order by number desc limit ?4)
             union all select * from (
                 with was (n) as (
                     select n from resource where team = ?1 and id = ?2
                     union select n from tombstone where team = ?1 and id = ?2
                 ),
                 edge (number, at, holder, joined) as (
                     select member.event, since, holder, 1 from was cross join member on member.member = was.n
                     union all select began, since, holder, 1 from was cross join member_past on member_past.member = was.n
                     union all select ended, until, holder, 0 from was cross join member_past on member_past.member = was.n
                 )
                 select edge.number, edge.at, coalesce(event.name, ''), event.request, event.token, event.who,
                     'null', 'null', edge.joined, edge.holder, coalesce(living.id, dead.id, ''),
                     coalesce(living.display, dead.display, '')
                 from edge left join event on event.team = ?1 and event.number = edge.number
                 left join resource living on living.n = edge.holder
                 left join tombstone dead on dead.n = edge.holder
                 where edge.number < ?3 and edge.number >= coalesce(
                     (select number from edge where number < ?3 order by number desc limit 1 offset max(?4, 1) - 1), 0))
             order by 1 desc, 10"
        );
        self.all(sql, params![team, id, before, limit], |row| {
            let joined: Option<bool> = row.get(8)?;
            let edge = match joined {
                Some(joined) => Some(Edge { joined, group: row.get(10)?, name: row.get(11)? }),
                None => None,
            };
            Ok(Happened {
                number: row.get(0)?,
                at: row.get(1)?,
                name: row.get(2)?,
                request: row.get(3)?,
                token: row.get(4)?,
                who: row.get(5)?,
                body: json(row, 6)?,
                moved: read_moved(row, 7)?,
                edge,
            })
        })
    }

    /// Those of the events with these numbers that tell of members, by their numbers: name, and whom they moved.
    pub fn moves(
        &self,
        team: TeamId,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<BTreeMap<u64, (String, Moved)>> {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        if numbers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let numbers = serde_json::to_string(&numbers).expect("numbers are JSON");
        let sql = concat!(
            "select number, event.name, ",
            moved!(),
            " from json_each(?) wanted cross join event on number = wanted.value and team = ?
             where event.name like 'membership.%'"
        );
        let found = self.all(sql, params![numbers, team], |row| {
            Ok((row.get(0)?, (row.get(1)?, read_moved(row, 2)?.unwrap_or_default())))
        })?;
        Ok(found.into_iter().collect())
    }

    /// The requests that a history tells of, in one look: those about a user or group that meant to change it, made no event
    /// and were written before the row of that number, latest first and at most `limit`; and those with these public ids, as
    /// far as they are kept.
    pub fn requests_of(
        &self,
        team: TeamId,
        id: &str,
        before: i64,
        limit: u32,
        requests: &[&str],
    ) -> Result<(Vec<ActivityRow>, Vec<ActivityRow>)> {
        let requests = serde_json::to_string(requests).expect("texts are JSON");
        let sql = concat!(
            "select *, 1 from (",
            select!(
                "where team = ?1 and subject = ?2 and change = 1 and first_event is null and n < ?3
                 order by n desc limit ?4"
            ),
            ") union all select *, 0 from (",
            select!("where request in (select value from json_each(?5)) and +team = ?1"),
            ") order by n desc"
        );
        let (mut quiet, mut made) = (Vec::new(), Vec::new());
        self.each(sql, params![team, id, before, limit, requests], |row| {
            if row.get(COLUMNS)? { &mut quiet } else { &mut made }.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((quiet, made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{group, store, team, user};
    use crate::store::{self, Activity, By, Store, Subject, WriteTx};

    fn join(store: &Store, team: TeamId, group: &store::Row, member: &store::Row) {
        let (group, n) = (group.clone(), member.n);
        let job = move |tx: &mut WriteTx| -> Result<()> {
            tx.add_numbers(team, &group, &[n])?;
            let by = By { request: "req_join", token: Some(7), who: None };
            tx.append_event(team, by, "membership.added", Kind::Group, &group.id, &Value::Null).map(drop)
        };
        store.write_blocking(job).unwrap();
    }

    #[test]
    fn memberships_are_told_across_the_end_of_group_and_member_and_never_cut_within_an_event() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (dev, ops) = (group(&store, acme, "Dev"), group(&store, acme, "Ops"));
        let ada = user(&store, acme, "ada");
        join(&store, acme, &dev, &ada);
        join(&store, acme, &ops, &ada);
        let (holder, id) = (dev.clone(), ada.id.clone());
        store.write_blocking(move |tx| tx.delete_resource(acme, &holder, By::default()).map(drop)).unwrap();
        let told = |limit| {
            let found = store.read_now(|tx| tx.happened(acme, &id, u64::MAX >> 1, limit)).unwrap();
            found
                .into_iter()
                .map(|one| {
                    let edge = one.edge.expect("an edge");
                    (one.number, edge.name, edge.joined, one.token)
                })
                .collect::<Vec<_>>()
        };
        let (ended, second, first) = (
            (3, "Dev".to_owned(), false, None),
            (2, "Ops".to_owned(), true, Some(7)),
            (1, "Dev".to_owned(), true, Some(7)),
        );
        assert_eq!(told(10), [ended.clone(), second.clone(), first.clone()]);
        assert_eq!(told(1), std::slice::from_ref(&ended));
        let gone = ada.clone();
        store.write_blocking(move |tx| tx.delete_resource(acme, &gone, By::default()).map(drop)).unwrap();
        let left = (3, "Ops".to_owned(), false, None);
        assert_eq!(told(1), [ended, left], "both, since one event did both");
        let before = store.read_now(|tx| tx.happened(acme, &id, 2, 9)).unwrap();
        assert_eq!(before.len(), 1);
    }

    #[test]
    fn events_and_memberships_are_one_list_each_cut_for_itself() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (dev, ada) = (group(&store, acme, "Dev"), user(&store, acme, "ada"));
        let id = ada.id.clone();
        let change = |name: &'static str| {
            let id = id.clone();
            let by = By { request: "req_change", token: None, who: Some("mei@example.com") };
            let job = move |tx: &mut WriteTx| {
                tx.append_event(acme, by, name, Kind::User, &id, &Value::Null).map(drop)
            };
            store.write_blocking(job).unwrap();
        };
        change("user.created");
        join(&store, acme, &dev, &ada);
        change("user.updated");
        change("user.deactivated");
        let told = |limit| {
            let found = store.read_now(|tx| tx.happened(acme, &id, 99, limit)).unwrap();
            found.into_iter().map(|one| (one.number, one.edge.is_some(), one.name)).collect::<Vec<_>>()
        };
        let all = [
            (4, false, "user.deactivated".to_owned()),
            (3, false, "user.updated".to_owned()),
            (2, true, "membership.added".to_owned()),
            (1, false, "user.created".to_owned()),
        ];
        assert_eq!(told(9), all);
        assert_eq!(told(1), [all[0].clone(), all[2].clone()], "one of each");
    }

    #[test]
    fn of_many_members_the_first_are_read_and_what_made_no_event_is_found() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (ada, bea) = (user(&store, acme, "ada"), user(&store, acme, "bea"));
        let gone = bea.clone();
        store.write_blocking(move |tx| tx.delete_resource(acme, &gone, By::default()).map(drop)).unwrap();
        let mut members = vec![bea.id.as_str(), "nobody", &ada.id];
        members.resize(50, &ada.id);
        let long = serde_json::json!({ "members": members, "changes": [] });
        let body = long.clone();
        let about = || Some(Subject { id: "u1".into(), kind: Kind::User, name: "Ada".into() });
        let job = move |tx: &mut WriteTx| -> Result<()> {
            for name in ["user.created", "user.updated", "membership.added"] {
                tx.append_event(acme, By::default(), name, Kind::User, "u1", &body)?;
            }
            let row = |request: &str, change, events| Activity {
                request: request.into(),
                team: Some(acme),
                subject: about(),
                change,
                events,
                ..Activity::default()
            };
            for (request, change, events) in [
                ("req_kept", true, Some((1, 1))),
                ("req_refused", true, None),
                ("req_read", false, None),
                ("req_last", true, None),
            ] {
                tx.insert_activity(&row(request, change, events))?;
            }
            Ok(())
        };
        store.write_blocking(job).unwrap();
        let found = store.read_now(|tx| tx.happened(acme, "u1", 9, 9)).unwrap();
        let (last, moved) = (found[0].number, found[0].moved.clone().expect("members"));
        let names =
            |moved: &Moved| moved.who.iter().map(|one| (one.name.clone(), one.here)).collect::<Vec<_>>();
        let (ada, bea) = (("ada".to_owned(), true), ("bea".to_owned(), false));
        assert_eq!((moved.count, names(&moved)), (50, vec![bea, ada.clone(), ada]));
        let rest = found[1..].iter().map(|one| (one.body.clone(), one.moved.clone()));
        assert_eq!(rest.collect::<Vec<_>>(), [(long, None), (Value::Null, None)]);
        let moves = store.read_now(|tx| tx.moves(acme, 1..9)).unwrap();
        assert_eq!(moves.into_iter().collect::<Vec<_>>(), [(last, ("membership.added".to_owned(), moved))]);
        let of = |before, limit| {
            let names = |rows: Vec<ActivityRow>| {
                rows.into_iter().map(|row| row.activity.request).collect::<Vec<_>>().join(" ")
            };
            let sought = ["req_kept", "req_nowhere", "req_refused"];
            let (quiet, made) =
                store.read_now(|tx| tx.requests_of(acme, "u1", before, limit, &sought)).unwrap();
            (names(quiet), names(made))
        };
        let both = "req_refused req_kept".to_owned();
        assert_eq!(of(i64::MAX, 9), ("req_last req_refused".to_owned(), both.clone()));
        assert_eq!(of(4, 9), ("req_refused".to_owned(), both.clone()));
        assert_eq!(of(i64::MAX, 0), (String::new(), both));
    }
}

//! What happened to one user or group: its events, the memberships it has and had, and the requests about it that made no
//! event. `service` puts them together.

use std::collections::BTreeMap;

use rusqlite::params;
use serde_json::Value;

use super::activity::{read, select};
use super::events::json;
use super::{ActivityRow, ReadTx, Result};
use crate::base::{TeamId, Timestamp};

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
    /// What the event says: of a new record nothing, of members the first four and how many.
    pub body: Value,
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

/// Of a membership event's body the first four members and how many there are.
macro_rules! members {
    () => {
        "json_object('count', json_array_length(body, '$.members'), 'members',
                     json_extract(body, '$.members[0]', '$.members[1]', '$.members[2]', '$.members[3]'))"
    };
}

impl ReadTx<'_> {
    /// Events of one user or group with numbers below `before`, latest first.
    pub fn happened(&self, team: TeamId, id: &str, before: u64, limit: u32) -> Result<Vec<Happened>> {
        self.all(
            concat!(
                "select number, at, name, request, token, case when name like 'membership.%' then ",
                members!(),
                " when name like '%.created' or name like '%.restored' then 'null' else body end, who
                 from event where team = ? and resource = ? and number < ? order by number desc limit ?"
            ),
            params![team, id, before, limit],
            |row| {
                Ok(Happened {
                    number: row.get(0)?,
                    at: row.get(1)?,
                    name: row.get(2)?,
                    request: row.get(3)?,
                    token: row.get(4)?,
                    body: json(row, 5)?,
                    who: row.get(6)?,
                    edge: None,
                })
            },
        )
    }

    /// Those of the events with these numbers that tell of members, by their numbers: name, and body as `happened` has it.
    pub fn moves(
        &self,
        team: TeamId,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<BTreeMap<u64, (String, Value)>> {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        if numbers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let numbers = serde_json::to_string(&numbers).expect("numbers are JSON");
        let sql = concat!(
            "select number, name, ",
            members!(),
            " from json_each(?) wanted cross join event on number = wanted.value and team = ?
             where name like 'membership.%'"
        );
        let found =
            self.all(sql, params![numbers, team], |row| Ok((row.get(0)?, (row.get(1)?, json(row, 2)?))))?;
        Ok(found.into_iter().collect())
    }

    /// Memberships that a user or group began or ended with events below `before`, latest first; also those under numbers
    /// that it had before it came back. The joins go from the numbers on, never along all memberships. At least `limit` where there are so many: what one event did is never parted.
    pub fn memberships(&self, team: TeamId, id: &str, before: u64, limit: u32) -> Result<Vec<Happened>> {
        self.all(
            "with was (n) as (
                 select n from resource where team = ?1 and id = ?2
                 union select n from tombstone where team = ?1 and id = ?2
             ),
             edge (number, at, holder, joined) as (
                 select member.event, since, holder, 1 from was cross join member on member.member = was.n
                 union all select began, since, holder, 1 from was cross join member_past on member_past.member = was.n
                 union all select ended, until, holder, 0 from was cross join member_past on member_past.member = was.n
             )
             select edge.number, edge.at, coalesce(event.name, ''), event.request, event.token, edge.joined,
                 coalesce(living.id, dead.id, ''), coalesce(living.display, dead.display, ''), event.who
             from edge left join event on event.team = ?1 and event.number = edge.number
             left join resource living on living.n = edge.holder
             left join tombstone dead on dead.n = edge.holder
             where edge.number < ?3 and edge.number >= coalesce(
                 (select number from edge where number < ?3 order by number desc limit 1 offset max(?4, 1) - 1), 0)
             order by edge.number desc, edge.holder",
            params![team, id, before, limit],
            |row| {
                Ok(Happened {
                    number: row.get(0)?,
                    at: row.get(1)?,
                    name: row.get(2)?,
                    request: row.get(3)?,
                    token: row.get(4)?,
                    body: Value::Null,
                    who: row.get(8)?,
                    edge: Some(Edge { joined: row.get(5)?, group: row.get(6)?, name: row.get(7)? }),
                })
            },
        )
    }

    /// Requests about a user or group that meant to change it and made no event, written before the row of that number;
    /// latest first.
    pub fn quiet_requests(
        &self,
        team: TeamId,
        id: &str,
        before: i64,
        limit: u32,
    ) -> Result<Vec<ActivityRow>> {
        self.all(
            select!(
                "where team = ? and subject = ? and change = 1 and first_event is null and n < ?
                 order by n desc limit ?"
            ),
            params![team, id, before, limit],
            read,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Kind;
    use crate::store::testing::{group, store, team, user};
    use crate::store::{Activity, By, Row, Store, Subject, WriteTx};

    fn join(store: &Store, team: TeamId, group: &Row, member: &Row) {
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
            let found = store.read_now(|tx| tx.memberships(acme, &id, u64::MAX >> 1, limit)).unwrap();
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
        let before = store.read_now(|tx| tx.memberships(acme, &id, 2, 9)).unwrap();
        assert_eq!(before.len(), 1);
    }

    #[test]
    fn of_many_members_the_first_are_read_and_what_made_no_event_is_found() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let long = serde_json::json!({ "members": vec!["a"; 50], "changes": [] });
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
        let cut = serde_json::json!({ "count": 50, "members": ["a", "a", "a", "a"] });
        let bodies = store.read_now(|tx| tx.happened(acme, "u1", 9, 9)).unwrap();
        assert_eq!(bodies.into_iter().map(|one| one.body).collect::<Vec<_>>(), [cut, long, Value::Null]);
        let quiet = |before| {
            let rows = store.read_now(|tx| tx.quiet_requests(acme, "u1", before, 9)).unwrap();
            rows.into_iter().map(|row| row.activity.request).collect::<Vec<_>>()
        };
        assert_eq!(quiet(i64::MAX), ["req_last", "req_refused"]);
        assert_eq!(quiet(4), ["req_refused"]);
    }
}

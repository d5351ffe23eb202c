//! One user or group with everything its page shows beside its history, in one statement.

use rusqlite::params_from_iter;
use rusqlite::types::Value as Sql;

use super::events::json;
use super::resources::{read, resource_columns};
use super::{ActivityQuery, MemberDay, ReadTx, Result, Row};
use crate::base::{TeamId, Timestamp};
use crate::scim::resource::GroupRef;

/// A user or group and what is around it.
#[derive(Clone, Debug)]
pub struct Detail {
    pub row: Row,
    /// How many requests name it, up to the limit that was asked for.
    pub requests: u64,
    /// The groups it is in, direct ones first, and since when; others are those that hold these.
    pub groups: Vec<(GroupRef, Option<Timestamp>)>,
    /// The name of a user's manager, where the manager is here.
    pub manager: Option<String>,
    /// The days on which a group's members changed, as `ReadTx::member_days` has them.
    pub days: Vec<MemberDay>,
}

/// What bounds a detail.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub requests: u32,
    pub groups: u32,
    /// From when on the days of a group's members are told.
    pub days: Timestamp,
}

/// Where what is around it stands behind the columns of a resource.
const AROUND: usize = 13;

impl ReadTx<'_> {
    /// A user or group by its id.
    pub fn detail(&self, team: TeamId, id: &str, bounds: Bounds) -> Result<Option<Detail>> {
        let about =
            ActivityQuery { text: Some(id.to_owned()), limit: bounds.requests, ..ActivityQuery::default() };
        let (mentions, mut values) = super::activity::count(team, &about);
        let sql = format!(
            concat!(
                "select ",
                resource_columns!(),
                ", ({}),
                (select json_group_array(json_array(id, display, since)) from
                    (select holding.id, holding.display, max(found.since) as since
                     from (select holder, since from member where member = resource.n
                           union all select outer_group, null from member join above on inner_group = holder
                           where member = resource.n) found
                     join resource holding on holding.n = found.holder
                     group by holding.n order by max(found.since) is null, holding.n limit ?)),
                (select manager.display from resource manager
                 where manager.team = resource.team and manager.kind = 1 and manager.id =
                     json_extract(resource.doc, '$.\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\".manager.value')),
                (select json_group_array(json_array(day, members, joined, gone)) from
                    (select * from member_day where holder = resource.n and day >= coalesce(
                        (select max(day) from member_day last where last.holder = resource.n and day <= ?), 0)
                     order by day))
                from resource where team = ? and id = ?"
            ),
            mentions
        );
        values.extend([
            Sql::from(i64::from(bounds.groups)),
            bounds.days.0.into(),
            team.0.into(),
            id.to_owned().into(),
        ]);
        self.one(&sql, params_from_iter(values), |row| {
            let groups: Vec<(String, String, Option<i64>)> = json(row, AROUND + 1)?;
            let group = |(id, display, since): (String, String, Option<i64>)| {
                (GroupRef { id, display, direct: since.is_some() }, since.map(Timestamp))
            };
            let days: Vec<(i64, u64, u64, u64)> = json(row, AROUND + 3)?;
            let day = |(day, members, joined, gone)| MemberDay { day: Timestamp(day), members, joined, gone };
            Ok(Detail {
                row: read(row)?,
                requests: row.get(AROUND)?,
                groups: groups.into_iter().map(group).collect(),
                manager: row.get(AROUND + 2)?,
                days: days.into_iter().map(day).collect(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Kind;
    use crate::scim::registry::ENTERPRISE;
    use crate::store::testing::{document, group, store, team, user};
    use crate::store::{Activity, By, Subject, WriteTx};

    #[test]
    fn what_is_around_somebody_is_told_in_one_look() {
        let (store, clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let (dev, all) = (group(&store, acme, "Dev"), group(&store, acme, "All"));
        let (ada, bea, eve) =
            (user(&store, acme, "ada"), user(&store, acme, "bea"), user(&store, other, "eve"));
        let (ada_n, dev_row, boss, theirs) = (ada.clone(), dev.clone(), bea.id.clone(), eve.id.clone());
        let managed = move |of: String| {
            let with = document(json!({ "userName": "ada", ENTERPRISE: { "manager": { "value": of } } }));
            let ada = ada_n.clone();
            move |tx: &mut WriteTx| {
                let row = tx.resource_by_n(acme, ada.n)?.expect("Ada");
                tx.update_resource(acme, &row, &with, 1, &[]).map(drop)
            }
        };
        let (n, about) = (ada.n, ada.id.clone());
        let job = move |tx: &mut WriteTx| -> Result<()> {
            tx.add_numbers(acme, &dev_row, &[n])?;
            tx.add_numbers(acme, &all, &[dev_row.n])?;
            for request in ["req_1", "req_2", "req_3"] {
                let subject = Some(Subject { id: about.clone(), kind: Kind::User, name: "Ada".into() });
                tx.insert_activity(&Activity {
                    request: request.into(),
                    team: Some(acme),
                    subject,
                    ..Activity::default()
                })?;
            }
            tx.append_event(acme, By::default(), "membership.added", Kind::Group, &dev_row.id, &json!({}))
                .map(drop)
        };
        store.write_blocking(job).unwrap();
        store.write_blocking(managed(boss)).unwrap();
        let bounds = Bounds { requests: 2, groups: 9, days: Timestamp(0) };
        let of = |id: &str| store.read_now(|tx| tx.detail(acme, id, bounds)).unwrap();
        let found = of(&ada.id).expect("Ada");
        assert_eq!((found.row.n, found.requests, found.manager.as_deref()), (ada.n, 2, Some("bea")));
        let groups: Vec<_> = found
            .groups
            .iter()
            .map(|(group, since)| (group.display.as_str(), group.direct, *since))
            .collect();
        assert_eq!(groups, [("Dev", true, Some(clock.now())), ("All", false, None)]);
        assert_eq!((found.days.len(), of(&dev.id).expect("Dev").days[0].joined), (0, 1));
        store.write_blocking(managed(theirs)).unwrap();
        assert_eq!(of(&ada.id).expect("Ada").manager, None, "who is of another team is not here");
        assert!(of(&eve.id).is_none());
    }
}

//! What the admin page shows of the directory: lists of users and groups, one of them with its history, and the search
//! from anywhere. Reads only; each page is one snapshot.

use std::collections::HashMap;

use serde_json::Value;

use super::pulse::{self, Pulse, pulses};
use super::{Error, Service};
use crate::base::id::request_time;
use crate::base::{TeamId, Timestamp};
use crate::scim::fold::fold;
use crate::scim::resource::GroupRef;
use crate::scim::{Document, Kind};
use crate::store::{
    self, ActivityQuery, ActivityRow, Bounds, List, Page, Place, ReadTx, Row, Surroundings, Tombstone,
};

pub use crate::store::Order;

/// Groups whose joining time a user's page shows.
const MOST_GROUPS: u32 = 200;
/// Requests about somebody are counted up to so many.
pub const MOST_REQUESTS: u32 = 1000;

/// Of what a search finds, so much is shown of each kind.
const FOUND: u32 = 10;
/// A choice of more groups than this is no choice.
const CHOICE: u64 = 100;

/// Which users or groups a list shows.
#[derive(Clone, Debug)]
pub struct Browse {
    pub kind: Kind,
    /// Part of a name or address, or a whole id.
    pub text: String,
    /// Only active or only inactive users.
    pub active: Option<bool>,
    /// Only what changed since then.
    pub since: Option<Timestamp>,
    /// Only users in this group, named by its id or name.
    pub group: String,
    /// Only groups which this user is in, named by id, user name or email.
    pub member: String,
    /// Only groups without members.
    pub empty: bool,
    pub order: Order,
    pub descending: bool,
    pub page: Page,
}

impl Browse {
    /// A page of all of a kind, by name.
    pub fn all(kind: Kind, page: Page) -> Browse {
        Browse {
            kind,
            text: String::new(),
            active: None,
            since: None,
            group: String::new(),
            member: String::new(),
            empty: false,
            order: Order::Name,
            descending: false,
            page,
        }
    }

    /// Whether anything narrows the list.
    pub fn narrowed(&self) -> bool {
        !(self.text.trim().is_empty() && self.group.is_empty() && self.member.is_empty())
            || self.active.is_some()
            || self.since.is_some()
            || self.empty
    }
}

/// One page of a list.
#[derive(Debug, Default)]
pub struct Listed {
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    pub rows: Vec<(Row, Vec<GroupRef>)>,
    /// The names by which those were found who no longer have them, by id.
    pub former: HashMap<String, String>,
    pub next: Option<Place>,
    pub previous: Option<Place>,
    /// What the list says beside its rows; the names of groups in their order, while they are few.
    pub around: Surroundings,
    /// The last request of the team, for a list without rows.
    pub last: Option<Timestamp>,
    /// How the groups of a list came to their size, by their numbers.
    pub pulses: HashMap<i64, Pulse>,
}

/// A user or group with everything its page shows.
#[derive(Debug)]
pub struct Detail {
    pub row: Row,
    pub document: Document,
    /// How many requests name it, up to `MOST_REQUESTS`.
    pub requests: u64,
    /// The groups it is in, and since when.
    pub groups: Vec<(GroupRef, Option<Timestamp>)>,
    /// A user's manager: id, and the name where the manager is here.
    pub manager: Option<(String, Option<String>)>,
    /// How a group came to its size.
    pub pulse: Pulse,
}

/// What a search from anywhere found.
#[derive(Debug, Default)]
pub struct Finds {
    pub users: Listed,
    pub groups: Listed,
    /// Users and groups that were deleted and had exactly this name or id.
    pub gone: Vec<Tombstone>,
    pub request: Option<ActivityRow>,
}

impl Service {
    /// One page of a list.
    pub async fn browse(&self, team: TeamId, browse: Browse) -> Result<Listed, Error> {
        self.store()
            .read(move |tx| {
                let mut listed = list(tx, team, &browse, tx.surroundings(team, CHOICE)?)?;
                if listed.rows.is_empty() {
                    listed.last = latest(tx, team)?.map(|row| row.activity.at);
                }
                Ok(listed)
            })
            .await
    }

    /// A user or group by its id.
    pub fn detail(&self, team: TeamId, kind: Kind, id: &str) -> Result<Option<Detail>, Error> {
        self.store().read_now(|tx| {
            let bounds =
                Bounds { requests: MOST_REQUESTS, groups: MOST_GROUPS, days: pulse::begins(tx.now()) };
            let found = tx.detail(team, id, bounds)?.filter(|found| found.row.kind == kind);
            found.map(|found| detail(tx, found)).transpose()
        })
    }

    /// Users, groups and a request that a text names.
    pub async fn find(&self, team: TeamId, text: &str) -> Result<Finds, Error> {
        let text = text.to_owned();
        self.store()
            .read(move |tx| {
                // What cannot be an id is looked for by name alone; a request that is found is what was meant.
                let request = match request_time(&text) {
                    Some(_) => tx.activity_of_request(team, &text)?,
                    None => None,
                };
                if request.is_some() {
                    return Ok(Finds { request, ..Finds::default() });
                }
                let gone = tx.buried(team, &text, FOUND)?;
                let (named, totals) = tx.called(team, &text, FOUND)?;
                let former = former(tx, team, &[Kind::User, Kind::Group], &text, &named)?;
                let all = former
                    .iter()
                    .map(|(row, name)| (row, Some(name)))
                    .chain(named.iter().map(|row| (row, None)));
                let people: Vec<i64> =
                    all.clone().filter(|(row, _)| row.kind == Kind::User).map(|(row, _)| row.n).collect();
                let mut groups = match people.is_empty() {
                    true => HashMap::new(),
                    false => tx.groups_of_all(team, &people)?,
                };
                let mut listed = |kind: Kind, total: u64| {
                    let mut listed = Listed { total: Some(total), ..Listed::default() };
                    for (row, name) in all.clone().filter(|(row, _)| row.kind == kind) {
                        if let Some(name) = name {
                            listed.former.insert(row.id.clone(), name.clone());
                            listed.total = listed.total.map(|total| total + 1);
                        }
                        listed.rows.push((row.clone(), groups.remove(&row.n).unwrap_or_default()));
                    }
                    listed
                };
                Ok(Finds {
                    users: listed(Kind::User, totals.0),
                    groups: listed(Kind::Group, totals.1),
                    gone,
                    request: None,
                })
            })
            .await
    }
}

fn list(tx: &ReadTx<'_>, team: TeamId, browse: &Browse, mut around: Surroundings) -> Result<Listed, Error> {
    if let Some(names) = &mut around.names {
        names.sort_by_cached_key(|(_, name)| fold(name));
    }
    // A group or user who is not there leaves an empty list.
    let none = |around| Ok(Listed { total: Some(0), around, ..Listed::default() });
    let (mut group, mut member) = (None, None);
    if !browse.group.is_empty() {
        match meant(tx, team, Kind::Group, &browse.group)? {
            Some(row) => group = Some((row.n, row.members)),
            None => return none(around),
        }
    }
    if !browse.member.is_empty() {
        match meant(tx, team, Kind::User, &browse.member)? {
            Some(row) => member = Some(row.n),
            None => return none(around),
        }
    }
    let order = match browse.order {
        Order::Members if browse.kind == Kind::User || !sorts_by_members(&around) => Order::Name,
        order => order,
    };
    let found = List {
        kind: browse.kind,
        text: browse.text.clone(),
        active: browse.active,
        since: browse.since,
        group,
        direct: false,
        member,
        empty: browse.empty,
        order,
        descending: browse.descending,
        page: browse.page.clone(),
    };
    let found = tx.list(team, &found, &around.totals, around.nested)?;
    let former = formerly(tx, team, browse, &found.rows)?;
    let total = found.total.map(|total| total + former.len() as u64);
    let mut listed = Listed {
        total,
        next: found.next,
        previous: found.previous,
        around,
        former: former.iter().map(|(row, name)| (row.id.clone(), name.clone())).collect(),
        ..Listed::default()
    };
    let rows: Vec<Row> = former.into_iter().map(|(row, _)| row).chain(found.rows).collect();
    let numbers: Vec<i64> = rows.iter().map(|row| row.n).collect();
    let mut groups = match browse.kind {
        Kind::User if !rows.is_empty() => tx.groups_of_all(team, &numbers)?,
        _ => HashMap::new(),
    };
    if browse.kind == Kind::Group && browse.order != Order::Age && !rows.is_empty() {
        listed.pulses = pulses(tx, team, &rows)?;
    }
    let with_groups = |row: Row| {
        let groups = groups.remove(&row.n).unwrap_or_default();
        (row, groups)
    };
    listed.rows = rows.into_iter().map(with_groups).collect();
    Ok(listed)
}

/// Whether the groups are few enough to be put in the order of their members, which no index knows.
pub fn sorts_by_members(around: &Surroundings) -> bool {
    const MOST: u64 = 2_000;
    around.totals.groups <= MOST
}

/// Who had such a name before, with it, first on the first page of a search; those found by their present names are not
/// listed twice.
fn formerly(
    tx: &ReadTx<'_>,
    team: TeamId,
    browse: &Browse,
    found: &[Row],
) -> Result<Vec<(Row, String)>, Error> {
    let first = matches!(browse.page, Page::After { place: None, .. } | Page::Index { start: 0 | 1, .. });
    let others = Browse { text: String::new(), active: None, ..browse.clone() };
    if browse.text.trim().is_empty() || others.narrowed() || !first {
        return Ok(Vec::new());
    }
    let mut rows = former(tx, team, &[browse.kind], &browse.text, found)?;
    rows.retain(|(row, _)| browse.active.is_none_or(|active| active == row.active));
    Ok(rows)
}

/// Who had such a name before, with it; those found by their present names are not listed twice.
fn former(
    tx: &ReadTx<'_>,
    team: TeamId,
    kinds: &[Kind],
    text: &str,
    found: &[Row],
) -> Result<Vec<(Row, String)>, Error> {
    let mut rows = tx.formerly_like(team, kinds, text.trim(), FOUND)?;
    rows.retain(|(row, name)| !found.iter().any(|other| other.n == row.n) && !is_called(row, name));
    Ok(rows)
}

/// Whether a user or group has this name, as it is compared, now.
fn is_called(row: &Row, name: &str) -> bool {
    let attribute = if row.kind == Kind::User { "userName" } else { "displayName" };
    let document: Document = serde_json::from_str(&row.doc).unwrap_or_default();
    let attribute = document.get(attribute).and_then(Value::as_str).unwrap_or_default();
    [attribute, &row.display].into_iter().any(|now| fold(now) == name)
}

/// The last request of a team.
pub(super) fn latest(tx: &ReadTx<'_>, team: TeamId) -> Result<Option<ActivityRow>, Error> {
    let query = ActivityQuery { limit: 1, ..ActivityQuery::default() };
    Ok(tx.activity(Some(team), &query)?.into_iter().next())
}

/// The user or group that an id or a name means.
pub(super) fn meant(tx: &ReadTx<'_>, team: TeamId, kind: Kind, text: &str) -> Result<Option<Row>, Error> {
    if let Some(row) = tx.resource(team, kind, text)? {
        return Ok(Some(row));
    }
    let paths: &[&str] = match kind {
        Kind::User => &["userName", "emails.value"],
        Kind::Group => &["displayName"],
    };
    for path in paths {
        if let Some(row) = tx.resource_by_value(team, kind, path, &fold(text))? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn detail(tx: &ReadTx<'_>, found: store::Detail) -> Result<Detail, Error> {
    let store::Detail { row, requests, groups, manager, days } = found;
    let document: Document = serde_json::from_str(&row.doc).map_err(Error::internal)?;
    let pulse = pulse::over(&days, row.members, tx.now());
    Ok(Detail {
        manager: manager_id(&document).map(|id| (id, manager)),
        row,
        document,
        requests,
        groups,
        pulse,
    })
}

fn manager_id(document: &Document) -> Option<String> {
    let manager = document.get(crate::scim::registry::ENTERPRISE)?.get("manager")?;
    Some(manager.get("value")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Mode;
    use crate::service::testing::{caller, desk};

    #[tokio::test]
    async fn lists_are_narrowed_by_group_by_member_and_to_empty_groups() {
        let desk = desk().await;
        let caller = caller(desk.team, Mode::Compat);
        let user = |name: &str| {
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("{name}@example.com"),
                "displayName": name, "emails": [{ "value": format!("{name}@mail.example.com") }] })
        };
        let group = |name: &str, members: &[&str]| {
            let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members })
        };
        let ada = desk.create(&caller, Kind::User, user("ada")).await.expect("made").id.clone();
        desk.create(&caller, Kind::User, user("bob")).await.expect("made");
        let ops = desk.create(&caller, Kind::Group, group("Ops", &[&ada])).await.expect("made").id.clone();
        desk.create(&caller, Kind::Group, group("Nobody", &[])).await.expect("made");
        let names = async |browse: Browse| {
            let found = desk.service.browse(desk.team, browse).await.expect("found");
            assert_eq!(found.total, Some(found.rows.len() as u64));
            found.rows.iter().map(|(row, _)| row.display.clone()).collect::<Vec<_>>().join(" ")
        };
        let all = |kind| Browse::all(kind, Page::After { place: None, count: 50 });
        for text in ["Ops", "OPS", ops.as_str()] {
            let browse = Browse { group: text.into(), ..all(Kind::User) };
            assert!(browse.narrowed());
            assert_eq!(names(browse).await, "ada", "{text}");
        }
        for text in ["ada@example.com", "ADA@mail.example.com", ada.as_str()] {
            assert_eq!(names(Browse { member: text.into(), ..all(Kind::Group) }).await, "Ops", "{text}");
        }
        assert_eq!(names(Browse { group: "Sales".into(), ..all(Kind::User) }).await, "");
        assert_eq!(names(Browse { member: "nobody".into(), ..all(Kind::Group) }).await, "");
        assert_eq!(names(Browse { empty: true, ..all(Kind::Group) }).await, "Nobody");
        let listed = desk.service.browse(desk.team, all(Kind::Group)).await.expect("found");
        assert_eq!(
            (listed.around.empty, listed.pulses.values().map(|pulse| pulse.joined).sum::<u64>()),
            (1, 1)
        );
        let names = listed.around.names.expect("few");
        assert_eq!(names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["Nobody", "Ops"]);
        let around = desk.service.store().read_now(|tx| Ok::<_, Error>(tx.surroundings(desk.team, 1)?));
        assert_eq!(around.expect("read").names, None, "a choice of too many is none");
    }
}

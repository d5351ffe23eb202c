//! What the admin page shows of the directory: lists of users and groups, one of them with its history, and the search
//! from anywhere. Reads only; each page is one snapshot.

use std::collections::HashMap;

use serde_json::Value;

use super::pulse::{Pulse, pulse};
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::filter;
use crate::scim::fold::fold;
use crate::scim::resource::GroupRef;
use crate::scim::{Document, Kind, Mode, Notes, Registry};
use crate::store::{
    ActivityQuery, ActivityRow, Found, Page, Place, Query, ReadTx, Row, Sort, Token, Tombstone, Totals,
};

/// Groups whose joining time a user's page shows.
const MOST_GROUPS: usize = 200;
/// Requests about somebody are counted up to so many.
pub const MOST_REQUESTS: u32 = 1000;

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Name,
    Changed,
    /// In the order in which they were made, which no change upsets.
    Age,
}

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
    pub total: u64,
    pub rows: Vec<(Row, Vec<GroupRef>)>,
    /// The names by which those were found who no longer have them, by id.
    pub former: HashMap<String, String>,
    pub next: Option<Place>,
    pub previous: Option<Place>,
    pub totals: Totals,
    /// The last request of the team, for a list without rows.
    pub last: Option<Timestamp>,
    /// How the groups of a list came to their size, by their numbers.
    pub pulses: HashMap<i64, Pulse>,
    /// Groups without members, of a list of groups.
    pub empty: u64,
}

/// A user or group with everything its page shows.
#[derive(Debug)]
pub struct Detail {
    pub row: Row,
    pub document: Document,
    /// The token that last wrote it.
    pub token: Option<Token>,
    /// How many requests name it, up to `MOST_REQUESTS`.
    pub requests: u64,
    /// The groups it is in, and since when.
    pub groups: Vec<(GroupRef, Option<Timestamp>)>,
    /// A user's manager: id, and the name where the manager is here.
    pub manager: Option<(String, Option<String>)>,
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
        let registry = self.registry(Some(team))?;
        self.store().read(move |tx| list(tx, team, &registry, &browse)).await
    }

    /// Ids and names of a team's groups by name; `None` where there are more than `most`.
    pub fn group_names(&self, team: TeamId, most: u64) -> Result<Option<Vec<(String, String)>>, Error> {
        self.store().read_now(|tx| {
            if tx.totals(team)?.groups > most {
                return Ok(None);
            }
            let mut names = tx.group_names(team, most)?;
            names.sort_by_cached_key(|(_, name)| fold(name));
            Ok(Some(names))
        })
    }

    /// A user or group by its id.
    pub fn detail(&self, team: TeamId, kind: Kind, id: &str) -> Result<Option<Detail>, Error> {
        self.store().read_now(|tx| match tx.resource(team, kind, id)? {
            Some(row) => detail(tx, team, row).map(Some),
            None => Ok(None),
        })
    }

    /// Users, groups and a request that a text names.
    pub async fn find(&self, team: TeamId, text: &str) -> Result<Finds, Error> {
        let registry = self.registry(Some(team))?;
        let text = text.to_owned();
        self.store()
            .read(move |tx| {
                let some = |kind| Browse {
                    text: text.clone(),
                    ..Browse::all(kind, Page::After { place: None, count: 10 })
                };
                let request = tx.activity_of_request(team, &text)?;
                let mut gone: Vec<Tombstone> = Vec::new();
                if tx.resource_any(team, &text)?.is_none() {
                    gone.extend(tx.tombstone(team, &text)?);
                }
                for kind in [Kind::User, Kind::Group] {
                    gone.extend(tx.buried(team, kind, &text, 10)?);
                }
                Ok(Finds {
                    gone,
                    users: list(tx, team, &registry, &some(Kind::User))?,
                    groups: list(tx, team, &registry, &some(Kind::Group))?,
                    request,
                })
            })
            .await
    }
}

fn list(tx: &ReadTx<'_>, team: TeamId, registry: &Registry, browse: &Browse) -> Result<Listed, Error> {
    let kinds = [(browse.kind, condition(tx, team, registry, browse)?)];
    let path = match (browse.order, browse.kind) {
        (Order::Changed, _) => "meta.lastModified",
        (Order::Name | Order::Age, _) => "displayName",
    };
    let paths: Vec<_> =
        registry.find(browse.kind, path).map(|path| (browse.kind, path)).into_iter().collect();
    let query = Query {
        registry,
        base: "",
        kinds: &kinds,
        sort: match browse.order {
            Order::Age => None,
            _ => Some(Sort { paths: &paths, descending: browse.descending }),
        },
        page: browse.page.clone(),
    };
    let Found { total, rows, next, previous } = tx.search(team, &query)?;
    let mut listed = Listed { total, next, previous, totals: tx.totals(team)?, ..Listed::default() };
    let former = formerly(tx, team, browse, &rows)?;
    listed.total += former.len() as u64;
    listed.former = former.iter().map(|(row, name)| (row.id.clone(), name.clone())).collect();
    for row in former.into_iter().map(|(row, _)| row).chain(rows) {
        let groups = if browse.kind == Kind::User { tx.groups_of(team, row.n)? } else { Vec::new() };
        if browse.kind == Kind::Group && browse.order != Order::Age {
            listed.pulses.insert(row.n, pulse(tx, team, &row)?);
        }
        listed.rows.push((row, groups));
    }
    if browse.kind == Kind::Group {
        listed.empty = tx.empty_groups(team)?;
    }
    if listed.rows.is_empty() {
        listed.last = latest(tx, team)?.map(|row| row.activity.at);
    }
    Ok(listed)
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
    let mut rows = tx.formerly_like(team, browse.kind, browse.text.trim(), 10)?;
    rows.retain(|(row, name)| {
        let listed = found.iter().any(|other| other.n == row.n);
        !listed && !is_called(row, name) && browse.active.is_none_or(|active| active == row.active)
    });
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

/// The list's conditions as one SCIM filter: the same reader that serves providers serves the page.
fn condition(
    tx: &ReadTx<'_>,
    team: TeamId,
    registry: &Registry,
    browse: &Browse,
) -> Result<Option<filter::Filter>, Error> {
    let mut parts = Vec::new();
    let text = browse.text.trim();
    if !text.is_empty() {
        // A JSON string is a filter's string (RFC 7644 §3.4.2.2).
        let value = Value::from(text).to_string();
        let paths: &[&str] = match browse.kind {
            Kind::User => &["displayName", "userName", "emails.value", "name.givenName", "name.familyName"],
            Kind::Group => &["displayName"],
        };
        let mut any: Vec<String> = paths.iter().map(|path| format!("{path} co {value}")).collect();
        any.extend(["id", "externalId"].map(|path| format!("{path} eq {value}")));
        parts.push(format!("({})", any.join(" or ")));
    }
    match browse.active {
        Some(true) => parts.push("not (active eq false)".to_owned()),
        Some(false) => parts.push("active eq false".to_owned()),
        None => {}
    }
    if let Some(since) = browse.since {
        parts.push(format!("meta.lastModified ge \"{}\"", since.render()));
    }
    for (path, text, kind) in
        [("groups.value", &browse.group, Kind::Group), ("members.value", &browse.member, Kind::User)]
    {
        if !text.is_empty() {
            // No id is empty, so that a name which nobody has leaves an empty list.
            let id = Value::from(meant(tx, team, kind, text)?.unwrap_or_default()).to_string();
            parts.push(format!("{path} eq {id}"));
        }
    }
    if browse.empty {
        parts.push("not (members pr)".to_owned());
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let text = parts.join(" and ");
    Ok(Some(filter::parse(&text, registry, browse.kind, Mode::Compat, &mut Notes::default())?))
}

/// The id of the user or group that an id or a name means.
pub(super) fn meant(tx: &ReadTx<'_>, team: TeamId, kind: Kind, text: &str) -> Result<Option<String>, Error> {
    if let Some(row) = tx.resource(team, kind, text)? {
        return Ok(Some(row.id));
    }
    let paths: &[&str] = match kind {
        Kind::User => &["userName", "emails.value"],
        Kind::Group => &["displayName"],
    };
    for path in paths {
        if let Some(row) = tx.resource_by_value(team, kind, path, &fold(text))? {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

fn detail(tx: &ReadTx<'_>, team: TeamId, row: Row) -> Result<Detail, Error> {
    let document: Document = serde_json::from_str(&row.doc).map_err(Error::internal)?;
    let mut groups = Vec::new();
    for group in tx.groups_of(team, row.n)?.into_iter().take(MOST_GROUPS) {
        let since = match tx.resource(team, Kind::Group, &group.id)? {
            Some(found) if group.direct => tx.member_since(team, found.n, row.n)?,
            _ => None,
        };
        groups.push((group, since));
    }
    let manager = match manager_id(&document) {
        Some(id) => {
            let name = tx.resource(team, Kind::User, &id)?.map(|row| row.display);
            Some((id, name))
        }
        None => None,
    };
    let about =
        ActivityQuery { text: Some(row.id.clone()), limit: MOST_REQUESTS, ..ActivityQuery::default() };
    Ok(Detail {
        token: tx.token(team, row.token)?,
        requests: tx.count_activity(team, &about)?,
        row,
        document,
        groups,
        manager,
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
            assert_eq!(found.total, found.rows.len() as u64);
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
        assert_eq!((listed.empty, listed.pulses.values().map(|pulse| pulse.joined).sum::<u64>()), (1, 1));
        let names: Vec<_> = desk.service.group_names(desk.team, 2).expect("read").expect("few");
        assert_eq!(names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["Nobody", "Ops"]);
        assert_eq!(desk.service.group_names(desk.team, 1).expect("read"), None);
    }
}

//! Users: the list with its filters, and what lists of users and groups have in common. One person is `user`'s page.

use askama::Template;
use serde_json::Value;

use super::download::Downloads;
use super::error::Fault;
use super::page::{Here, Page, Shell, html, with};
use super::parts::{Chip, Choice, Column, Empty, Icon, Link, Pager, Tab, Tabs, When, clipped, initials};
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::{Query, Response};
use crate::scim::{Document, Kind};
use crate::service::browse::{Browse, Listed, Order};
use crate::service::sentence::number;
use crate::store::{Key, Page as Part, Place, Row};

/// Rows on one page unless the address says 25 or 100.
const PAGE: u64 = 50;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Names of groups shown in a row.
const GROUPS: usize = 3;

struct Person {
    id: String,
    name: String,
    user_name: String,
    /// The name by which it was found, where it has another by now.
    former: String,
    initials: String,
    active: bool,
    chip: Chip,
    test: Option<Chip>,
    groups: String,
    changed: When,
    changed_at: String,
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    shell: Shell,
    empty: Option<Empty>,
    none: Option<Empty>,
    tabs: Tabs,
    status: String,
    q: String,
    since: Vec<Choice>,
    caption: String,
    columns: Vec<Column>,
    rows: Vec<Person>,
    pager: Pager,
    downloads: Downloads,
}

/// The list.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let asked = page.visit.request.query.clone();
    let zone = page.visit.zone.clone();
    let (q, status) = (clean(&asked, "q"), clean(&asked, "status"));
    let since = clean(&asked, "since");
    let browse = browse(&asked, &zone);
    let narrowed = !q.is_empty() || browse.active.is_some() || browse.since.is_some();
    let found = page.visit.desk.service.browse(page.team.id, browse).await?;
    let base = page.base();
    let tests = super::token::tests_among(&page, found.rows.iter().map(|(row, _)| row.id.as_str()))?;
    let path = format!("{base}users");
    let template = UsersPage {
        empty: (found.rows.is_empty() && !narrowed && found.totals.users == 0)
            .then(|| no_users(&base, found.last.map(|at| zone.relative(at)))),
        none: found.rows.is_empty().then(|| no_match("users", &path)),
        tabs: tabs(&path, &asked, &found, &status),
        since: since_choices(&since),
        caption: format!("Users, {} of {}", found.rows.len(), number(found.total)),
        columns: columns(
            &path,
            &asked,
            &[
                ("Name", "", "name"),
                ("Status", "", ""),
                ("Groups", "p2", ""),
                ("Last change", "p1", "changed"),
            ],
        ),
        rows: found
            .rows
            .iter()
            .map(|(row, groups)| Person {
                former: former(&found, row),
                ..person(&zone, row, groups, tests.contains(&row.id))
            })
            .collect(),
        pager: pager(&path, &asked, &found, "users"),
        downloads: Downloads::new(&path, &asked),
        shell: page.shell("Users", Here::Users),
        status,
        q,
    };
    html(200, &template)
}

/// What the address asks of the list.
pub fn browse(asked: &Query, zone: &Zone) -> Browse {
    let (order, descending) = order(&clean(asked, "sort"));
    Browse {
        kind: Kind::User,
        text: clean(asked, "q"),
        active: match clean(asked, "status").as_str() {
            "active" => Some(true),
            "inactive" => Some(false),
            _ => None,
        },
        since: since_of(&clean(asked, "since"), zone),
        order,
        descending,
        page: part(asked),
    }
}

fn person(zone: &Zone, row: &Row, groups: &[crate::scim::resource::GroupRef], test: bool) -> Person {
    let document: Document = serde_json::from_str(&row.doc).unwrap_or_default();
    let mut names: Vec<String> =
        groups.iter().take(GROUPS).map(|group| clipped(&group.display, 40)).collect();
    if groups.len() > GROUPS {
        names.push(format!("{} more", groups.len() - GROUPS));
    }
    let name = clipped(&row.display, 120);
    let user_name = document.get("userName").and_then(Value::as_str).unwrap_or_default();
    Person {
        id: row.id.clone(),
        initials: initials(&name),
        test: test.then(Chip::test),
        user_name: clipped(user_name, 120),
        former: String::new(),
        active: row.active,
        chip: status_chip(row),
        groups: names.join(", "),
        changed: zone.ago(row.modified),
        changed_at: zone.beneath(row.modified),
        name,
    }
}

/// The name by which a row was found, where it has another by now.
pub fn former(found: &Listed, row: &Row) -> String {
    found.former.get(&row.id).map(|name| clipped(name, 120)).unwrap_or_default()
}

/// Active or inactive, as a chip; a group has none.
pub fn status_chip(row: &Row) -> Chip {
    match (row.kind, row.active) {
        (Kind::Group, _) => Chip::new("plain", "Group"),
        (Kind::User, true) => Chip::new("ok", "Active"),
        (Kind::User, false) => Chip::new("idle", "Inactive"),
    }
}

/// A parameter of the query, without blanks around it.
pub fn clean(asked: &Query, name: &str) -> String {
    asked.get(name).unwrap_or_default().trim().chars().take(200).collect()
}

/// What `sort=` asks for: a name, descending with a minus before it.
pub fn order(sort: &str) -> (Order, bool) {
    match sort {
        "-name" => (Order::Name, true),
        "changed" => (Order::Changed, false),
        "-changed" => (Order::Changed, true),
        _ => (Order::Name, false),
    }
}

/// Headings of a list; those with a sort name lead to the list in that order.
pub fn columns(path: &str, asked: &Query, all: &[(&'static str, &'static str, &'static str)]) -> Vec<Column> {
    let sort = clean(asked, "sort");
    let sort = if sort.is_empty() { "name" } else { &sort };
    all.iter()
        .map(|&(text, class, name)| {
            let (up, down) = (sort == name, sort == format!("-{name}"));
            let first = if name == "changed" { "-changed" } else { name };
            let next = match (up, down) {
                (true, _) => format!("-{name}"),
                (_, true) => name.to_owned(),
                _ => first.to_owned(),
            };
            Column {
                text,
                class,
                href: match name {
                    "" => String::new(),
                    _ => format!("{path}{}", with(asked, &[("sort", &next), ("after", ""), ("before", "")])),
                },
                sorted: match (name.is_empty(), up, down) {
                    (false, true, _) => "ascending",
                    (false, _, true) => "descending",
                    _ => "",
                },
                arrow: Icon { name: if down { "down" } else { "up" } },
            }
        })
        .collect()
}

/// The part of a list that the address names: behind a place, before one, or the beginning.
pub fn part(asked: &Query) -> Part {
    let count = match asked.get("per") {
        Some("25") => 25,
        Some("100") => 100,
        _ => PAGE,
    };
    if let Some(place) = asked.get("before").and_then(read_place) {
        return Part::Before { place, count };
    }
    Part::After { place: asked.get("after").and_then(read_place), count }
}

/// A place as it stands in an address: number, then the kind of the sort value, then the value.
fn write_place(place: &Place) -> String {
    match &place.key {
        Key::Missing => format!("{}.m", place.n),
        Key::Number(value) => format!("{}.n{value}", place.n),
        Key::Text(text) => format!("{}.t{text}", place.n),
    }
}

fn read_place(text: &str) -> Option<Place> {
    let (n, key) = text.split_once('.')?;
    let key = match key.split_at_checked(1)? {
        ("m", "") => Key::Missing,
        ("n", value) => Key::Number(value.parse().ok().filter(|value: &f64| value.is_finite())?),
        ("t", value) => Key::Text(value.to_owned()),
        _ => return None,
    };
    Some(Place { key, n: n.parse().ok()? })
}

/// The foot of a list of users or groups.
pub fn pager(path: &str, asked: &Query, found: &Listed, what: &'static str) -> Pager {
    let link = |name: &str, other: &str, place: &Option<Place>| match place {
        Some(place) => format!("{path}{}", with(asked, &[(name, &write_place(place)), (other, "")])),
        None => String::new(),
    };
    Pager {
        text: format!("{} of {}", number(found.rows.len() as u64), number(found.total)),
        what,
        back: "Previous",
        previous: link("before", "after", &found.previous),
        next: link("after", "before", &found.next),
    }
}

/// A list whose filters leave nothing.
pub fn no_match(what: &str, path: &str) -> Empty {
    Empty {
        title: format!("No {what} match"),
        text: "Nothing fits all of the filters above.".into(),
        links: vec![Link::new(path, "Clear the filters")],
        hint: String::new(),
    }
}

fn no_users(base: &str, last: Option<String>) -> Empty {
    Empty {
        title: "No users yet".into(),
        text: "Nobody has been sent to this team. Connect JumpCloud, press Activate there, then assign a user group \
               to the application. People appear here within seconds."
            .into(),
        links: vec![
            Link::new(format!("{base}connect"), "Connect JumpCloud"),
            Link::new(format!("{base}activity"), "See what has reached this server"),
        ],
        hint: format!("Last request of any kind: {}.", last.as_deref().unwrap_or("none yet")),
    }
}

fn tabs(path: &str, asked: &Query, found: &Listed, status: &str) -> Tabs {
    let totals = found.totals;
    let inactive = totals.users.saturating_sub(totals.active);
    let tab = |value: &str, text, count: u64| Tab {
        href: format!("{path}{}", with(asked, &[("status", value), ("after", ""), ("before", "")])),
        text,
        count: Some(number(count)),
        current: status == value,
    };
    Tabs {
        label: "Status",
        tabs: vec![
            tab("", "All", totals.users),
            tab("active", "Active", totals.active),
            tab("inactive", "Inactive", inactive),
        ],
    }
}

fn since_of(since: &str, zone: &Zone) -> Option<Timestamp> {
    match since {
        "today" => Some(zone.today()),
        "7d" => Some(Timestamp(zone.now().0 - 7 * DAY_MS)),
        "30d" => Some(Timestamp(zone.now().0 - 30 * DAY_MS)),
        _ => None,
    }
}

fn since_choices(chosen: &str) -> Vec<Choice> {
    [("", "Any time"), ("today", "Today"), ("7d", "Last 7 days"), ("30d", "Last 30 days")]
        .iter()
        .map(|(value, text)| Choice {
            value: (*value).to_owned(),
            text: (*text).to_owned(),
            selected: *value == chosen,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_address() {
        for key in [Key::Missing, Key::Number(1_795_462_931_120.0), Key::Text("a.b & c".into())] {
            let place = Place { key, n: 17 };
            assert_eq!(read_place(&write_place(&place)), Some(place));
        }
        for text in ["", "17", "x.m", "17.q", "17.nNaN", "17."] {
            assert_eq!(read_place(text), None, "{text}");
        }
    }

    #[test]
    fn headings_turn_the_order_round() {
        let all = [("Name", "", "name"), ("Groups", "", ""), ("Last change", "", "changed")];
        let plain = columns("/u", &Query::parse("q=a&after=1.m"), &all);
        assert_eq!((plain[0].sorted, plain[0].href.as_str()), ("ascending", "/u?q=a&sort=-name"));
        assert_eq!((plain[1].sorted, plain[1].href.as_str()), ("", ""));
        assert_eq!(plain[2].href, "/u?q=a&sort=-changed");
        let changed = columns("/u", &Query::parse("sort=-changed"), &all);
        assert_eq!((changed[2].sorted, changed[2].href.as_str()), ("descending", "/u?sort=changed"));
        assert_eq!(changed[0].sorted, "");
    }
}

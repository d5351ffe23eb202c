//! Users: the list with its filters, and what lists of users and groups have in common. One person is `user`'s page.

use askama::Template;
use serde_json::Value;

use super::download::Downloads;
use super::error::Fault;
use super::idp::Provider;
use super::nothing::{chosen, nothing_fits};
use super::page::{Here, Page, Shell, html, with};
use super::paging::{self, Sides, begins, per};
use super::parts::{Chip, Choice, Column, Empty, Icon, Link, Pager, Tab, Tabs, When, clipped, initials};
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::{Query, Response};
use crate::scim::{Document, Kind};
use crate::service::browse::{Browse, Listed, Order};
use crate::service::sentence::number;
use crate::store::{Key, Page as Part, Place, Row};

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
    lead: String,
    tabs: Tabs,
    status: String,
    q: String,
    /// The groups to choose from; empty where there are too many, and one is named instead.
    groups: Vec<Choice>,
    group: String,
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
    let browse = browse(&asked, &zone);
    let narrowed = browse.narrowed();
    let provider = super::idp::of(&page);
    let found = page.visit.desk.service.browse(page.team.id, browse).await?;
    let base = page.base();
    let tests = super::token::tests_of(&page, found.rows.iter().map(|(row, _)| row));
    let path = format!("{base}users");
    let template = UsersPage {
        empty: (found.rows.is_empty() && !narrowed && found.around.totals.users == 0)
            .then(|| no_users(&base, provider, found.last.map(|at| zone.relative(at)))),
        none: found.rows.is_empty().then(|| no_match("users", &path, &filters(&asked, &found))),
        lead: format!(
            "Everyone {} has sent to this team. People are added, changed and deactivated {}.",
            provider.called(),
            provider.there()
        ),
        tabs: tabs(&path, &asked, &found, &clean(&asked, "status")),
        since: since_choices(&clean(&asked, "since")),
        groups: group_choices(&found, &clean(&asked, "group")),
        group: clean(&asked, "group"),
        caption: caption("Users", &found),
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
        shell: Shell { events: page.events("users", ""), ..page.shell("Users", Here::Users) },
        status: clean(&asked, "status"),
        q: clean(&asked, "q"),
    };
    html(200, &template)
}

/// The filters that are on.
fn filters(asked: &Query, found: &Listed) -> [(&'static str, String); 4] {
    let group = clean(asked, "group");
    let named = found.around.names.iter().flatten().find(|(id, _)| *id == group);
    [
        ("search", clean(asked, "q")),
        ("status", clean(asked, "status")),
        ("group", named.map_or(group, |(_, name)| name.clone())),
        ("changed", chosen(&since_choices(&clean(asked, "since")))),
    ]
}

/// What the address asks of the list.
pub fn browse(asked: &Query, zone: &Zone) -> Browse {
    let (order, descending) = order(&clean(asked, "sort"));
    Browse {
        text: clean(asked, "q"),
        group: clean(asked, "group"),
        active: match clean(asked, "status").as_str() {
            "active" => Some(true),
            "inactive" => Some(false),
            _ => None,
        },
        since: since_of(&clean(asked, "since"), zone),
        order,
        descending,
        ..Browse::all(Kind::User, part(asked))
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
        "members" => (Order::Members, false),
        "-members" => (Order::Members, true),
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
            let first = if matches!(name, "changed" | "used" | "members") {
                format!("-{name}")
            } else {
                name.to_owned()
            };
            let next = match (up, down) {
                (true, _) => format!("-{name}"),
                (_, true) => name.to_owned(),
                _ => first,
            };
            Column {
                text,
                class,
                href: match name {
                    "" => String::new(),
                    _ => format!(
                        "{path}{}",
                        with(asked, &[("sort", &next), ("after", ""), ("before", ""), ("at", "")])
                    ),
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
    let count = per(asked).into();
    if let Some(place) = asked.get("before").and_then(read_place) {
        return Part::Before { place, count };
    }
    Part::After { place: asked.get("after").and_then(read_place), count }
}

/// A place as it stands in an address: number, then the kind of the sort value, then the value.
pub fn write_place(place: &Place) -> String {
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
    let shown = found.rows.len() as u64;
    let sides = Sides {
        at: begins(asked, (found.previous.is_some(), found.next.is_some()), shown, found.total),
        previous: found.previous.as_ref().map(write_place),
        next: found.next.as_ref().map(write_place),
        shown,
        total: found.total,
    };
    paging::pager(path, asked, what, &sides)
}

/// A list whose filters leave nothing.
pub fn no_match(what: &str, path: &str, filters: &[(&str, String)]) -> Empty {
    Empty {
        title: format!("No {what} match"),
        text: nothing_fits(filters),
        links: vec![Link::new(path, "Clear the filters")],
        hint: String::new(),
    }
}

fn no_users(base: &str, provider: &Provider, last: Option<String>) -> Empty {
    let next = match provider.key {
        "jumpcloud" => {
            "press Activate there, then assign a user group to the application. People appear here within seconds."
        }
        _ => "then assign people to the application there. They appear here when it sends them.",
    };
    Empty {
        title: "No users yet".into(),
        text: format!("Nobody has been sent to this team. {}, {next}", provider.connect),
        links: vec![
            Link::new(format!("{base}connect"), provider.connect),
            Link::new(format!("{base}activity"), "See what has reached this server"),
        ],
        hint: format!("Last request of any kind: {}.", last.as_deref().unwrap_or("none yet")),
    }
}

fn tabs(path: &str, asked: &Query, found: &Listed, status: &str) -> Tabs {
    let totals = found.around.totals;
    let inactive = totals.users.saturating_sub(totals.active);
    let tab = |value: &str, text, count: u64| Tab {
        href: format!(
            "{path}{}",
            with(asked, &[("status", value), ("after", ""), ("before", ""), ("at", "")])
        ),
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

/// The groups to choose from, while they are few.
fn group_choices(found: &Listed, chosen: &str) -> Vec<Choice> {
    let Some(names) = &found.around.names else { return Vec::new() };
    let choice = |value: &str, text: String| Choice { value: value.into(), text, selected: value == chosen };
    let groups = names.iter().map(|(id, name)| choice(id, clipped(name, 60)));
    std::iter::once(choice("", "Any group".into())).chain(groups).collect()
}

/// "Users, 50 of 1,249"; of a list whose whole number is not known only how many are shown.
pub fn caption(what: &str, found: &Listed) -> String {
    match found.total {
        Some(total) => format!("{what}, {} of {}", found.rows.len(), number(total)),
        None => format!("{what}, {} of them", found.rows.len()),
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

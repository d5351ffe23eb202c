//! One group: its members, its history, how it came to its size, and its identifiers. The list is `groups`'.

use askama::Template;

use super::download::Downloads;
use super::error::Fault;
use super::page::{Here, Page, Shell, html, with};
use super::paging::{self, Sides, begins, per, position, range, sizes};
use super::parts::{Chip, Column, Empty, Facts, Icon, Pager, When, clipped, counted, initials};
use super::past::{self, History};
use super::spark::{self, Spark};
use super::user::{identifiers, requests};
use super::users::{clean, no_match, part, status_chip, write_place};
use super::when::Zone;
use crate::http::{Query, Response};
use crate::scim::{Document, Kind};
use crate::service::roster::{Asked, By, Members};
use crate::service::told::Told;

struct MemberLine {
    path: String,
    name: String,
    sub: String,
    initials: String,
    active: bool,
    chip: Chip,
    since: When,
}

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage {
    shell: Shell,
    id: String,
    name: String,
    lead: String,
    changed: When,
    count: String,
    q: String,
    /// Nobody is in it, and how that came.
    nobody: String,
    none: Option<Empty>,
    columns: Vec<Column>,
    members: Vec<MemberLine>,
    pager: Pager,
    history: History,
    identifiers: Facts,
    spark: Spark,
    size: String,
    downloads: Downloads,
}

/// The page.
pub async fn group(mut page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    let service = page.visit.desk.service.clone();
    let Some(found) = service.detail(page.team.id, Kind::Group, id)? else {
        return past::gone(page, Kind::Group, id);
    };
    let tokens = service.tokens(page.team.id)?;
    let past = past::of(&page, &tokens, &found.row)?;
    let asked = page.visit.request.query.clone();
    let members = service.roster(page.team.id, &found.row, read(&asked)).await?;
    let pulse = &found.pulse;
    let zone = page.visit.zone.clone();
    let base = page.base();
    let path = format!("{base}groups/{}", found.row.id);
    let name = clipped(&found.row.display, 200);
    let provider = super::idp::of(&page);
    let q = clean(&asked, "q");
    let template = GroupPage {
        downloads: Downloads::of_members(&format!("{path}/members")),
        lead: format!(
            "{}. Kept up to date by {}; last change",
            counted(members.count, "member"),
            provider.called()
        ),
        changed: zone.ago(found.row.modified),
        count: count(&members),
        nobody: if members.count == 0 { nobody(&zone, &past.told) } else { String::new() },
        none: (members.rows.is_empty() && !q.is_empty())
            .then(|| no_match("members", &path, &[("search", q.clone())])),
        columns: columns(&path, &asked, members.whole),
        pager: pager(&path, &asked, &members),
        members: member_lines(&zone, &members),
        history: past.history.of(requests(&found)),
        identifiers: identifiers(&zone, &base, &found, &tokens),
        spark: spark::members("", pulse),
        size: spark::words(pulse),
        shell: Shell {
            events: page.events("groups", &found.row.id),
            ..page.shell(&clipped(&name, 60), Here::Groups)
        },
        id: found.row.id.clone(),
        name,
        q,
    };
    html(200, &template)
}

/// What the address asks of the members.
fn read(asked: &Query) -> Asked {
    let (by, descending) = match clean(asked, "sort").as_str() {
        "-name" => (By::Name, true),
        "since" => (By::Since, false),
        "-since" => (By::Since, true),
        _ => (By::Name, false),
    };
    Asked {
        text: clean(asked, "q"),
        by,
        descending,
        skip: position(asked) - 1,
        page: part(asked),
        limit: per(asked),
    }
}

/// "5 people, no nested groups".
fn count(members: &Members) -> String {
    let groups = members.groups;
    let people = match members.count - groups {
        1 => "1 person".to_owned(),
        n => format!("{} people", crate::service::sentence::number(n)),
    };
    match groups {
        0 => format!("{people}, no nested groups"),
        n => format!("{people}, {}", counted(n, "nested group")),
    }
}

/// When the last member left.
fn nobody(zone: &Zone, told: &[Told]) -> String {
    let left = told.iter().find(|told| told.left.count > 0);
    match left {
        Some(told) => format!("No members: the last one left {}.", zone.spoken(told.row.activity.at)),
        None => "No members yet.".to_owned(),
    }
}

/// Headings; the members of a large group are in order of their names alone.
fn columns(path: &str, asked: &Query, whole: bool) -> Vec<Column> {
    let sort = clean(asked, "sort");
    let sort = if sort.is_empty() { "name" } else { &sort };
    let column = |text, class, name: &str| {
        let (up, down) = (sort == name, sort == format!("-{name}"));
        let plain = name.is_empty() || (name == "since" && !whole);
        let next = if up { format!("-{name}") } else { name.to_owned() };
        Column {
            text,
            class,
            href: match plain {
                true => String::new(),
                false => format!(
                    "{path}{}",
                    with(asked, &[("sort", &next), ("at", ""), ("after", ""), ("before", "")])
                ),
            },
            sorted: match (plain, up, down) {
                (false, true, _) => "ascending",
                (false, _, true) => "descending",
                _ => "",
            },
            arrow: Icon { name: if down { "down" } else { "up" } },
        }
    };
    vec![column("Name", "", "name"), column("Status", "", ""), column("Member since", "p1", "since")]
}

fn pager(path: &str, asked: &Query, members: &Members) -> Pager {
    let shown = members.rows.len() as u64;
    if !members.whole {
        let sides = (members.previous.is_some(), members.next.is_some());
        let sides = Sides {
            at: begins(asked, sides, shown, members.total),
            previous: members.previous.as_ref().map(write_place),
            next: members.next.as_ref().map(write_place),
            shown,
            total: members.total,
        };
        return paging::pager(path, asked, "members", &sides);
    }
    let (at, total) = (position(asked), members.total.unwrap_or_default());
    let to = |at: u64| {
        let at = if at > 1 { at.to_string() } else { String::new() };
        format!("{path}{}", with(asked, &[("at", &at)]))
    };
    let more = at - 1 + shown < total;
    Pager {
        text: range(at, shown, members.total),
        what: "members",
        back: "Previous",
        forth: "Next",
        previous: if at > 1 { to(at.saturating_sub(per(asked).into()).max(1)) } else { String::new() },
        next: if more { to(at + shown) } else { String::new() },
        sizes: sizes(path, asked, at > 1 || more, shown),
    }
}

fn member_lines(zone: &Zone, members: &Members) -> Vec<MemberLine> {
    let line = |(row, since): &(crate::store::Row, crate::base::Timestamp)| {
        let document: Document = serde_json::from_str(&row.doc).unwrap_or_default();
        let user_name = document.get("userName").and_then(serde_json::Value::as_str).unwrap_or_default();
        let name = clipped(&row.display, 120);
        MemberLine {
            path: format!("{}/{}", if row.kind == Kind::User { "users" } else { "groups" }, row.id),
            sub: clipped(user_name, 120),
            initials: initials(&name),
            active: row.active,
            chip: status_chip(row),
            since: zone.dated(*since),
            name,
        }
    };
    members.rows.iter().map(line).collect()
}

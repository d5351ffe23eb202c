//! Groups: the list, and one group with its members and history.

use askama::Template;

use super::download::Downloads;
use super::error::Fault;
use super::page::{Here, Page, Shell, html, with};
use super::parts::{Chip, Column, Empty, Facts, Link, Pager, When, clipped, counted, initials};
use super::past::{self, History};
use super::user::{identifiers, requests};
use super::users::{clean, columns, former, no_match, order, pager, part, status_chip};
use super::when::Zone;
use crate::http::{Query, Response};
use crate::scim::{Document, Kind};
use crate::service::browse::{Browse, Members};
use crate::service::sentence::number;
use crate::store::Totals;

/// Members on one page.
const PAGE: u32 = 50;

struct GroupLine {
    id: String,
    name: String,
    /// The name by which it was found, where it has another by now.
    former: String,
    test: Option<Chip>,
    members: String,
    changed: When,
    changed_at: String,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct GroupsPage {
    shell: Shell,
    empty: Option<Empty>,
    none: Option<Empty>,
    q: String,
    caption: String,
    columns: Vec<Column>,
    rows: Vec<GroupLine>,
    pager: Pager,
    downloads: Downloads,
}

/// The list.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let asked = page.visit.request.query.clone();
    let zone = page.visit.zone.clone();
    let q = clean(&asked, "q");
    let found = page.visit.desk.service.browse(page.team.id, browse(&asked)).await?;
    let base = page.base();
    let path = format!("{base}groups");
    let tests = super::token::tests_among(&page, found.rows.iter().map(|(row, _)| row.id.as_str()))?;
    let template = GroupsPage {
        empty: (found.rows.is_empty() && q.is_empty() && found.totals.groups == 0)
            .then(|| no_groups(&base, &found.totals)),
        none: found.rows.is_empty().then(|| no_match("groups", &path)),
        caption: format!("Groups, {} of {}", found.rows.len(), number(found.total)),
        columns: columns(
            &path,
            &asked,
            &[("Name", "", "name"), ("Members", "num", ""), ("Last change", "p1", "changed")],
        ),
        rows: found
            .rows
            .iter()
            .map(|(row, _)| GroupLine {
                id: row.id.clone(),
                name: clipped(&row.display, 120),
                former: former(&found, row),
                test: tests.contains(&row.id).then(Chip::test),
                members: number(row.members),
                changed: zone.ago(row.modified),
                changed_at: zone.beneath(row.modified),
            })
            .collect(),
        pager: pager(&path, &asked, &found, "groups"),
        downloads: Downloads::new(&path, &asked),
        shell: page.shell("Groups", Here::Groups),
        q,
    };
    html(200, &template)
}

/// What the address asks of the list.
pub fn browse(asked: &Query) -> Browse {
    let (order, descending) = order(&clean(asked, "sort"));
    Browse {
        kind: Kind::Group,
        text: clean(asked, "q"),
        active: None,
        since: None,
        order,
        descending,
        page: part(asked),
    }
}

fn no_groups(base: &str, totals: &Totals) -> Empty {
    let text = match totals.users {
        0 => {
            "No group has been sent to this team. Connect JumpCloud, turn Group management on and press Activate \
             there, then assign user groups to the application."
        }
        _ => {
            "Users arrive, but no group has been sent. In JumpCloud, open the application’s Identity Management \
             tab, turn Group management on and save."
        }
    };
    Empty {
        title: "No groups yet".into(),
        text: text.into(),
        links: vec![Link::new(format!("{base}connect"), "Connect JumpCloud")],
        hint: String::new(),
    }
}

struct MemberLine {
    path: String,
    name: String,
    sub: String,
    initials: String,
    active: bool,
    chip: Chip,
    since: Option<When>,
}

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage {
    shell: Shell,
    name: String,
    lead: String,
    changed: When,
    count: String,
    members: Vec<MemberLine>,
    pager: Pager,
    history: History,
    identifiers: Facts,
    downloads: Downloads,
}

/// One group.
pub fn group(mut page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    let service = page.visit.desk.service.clone();
    let Some(found) = service.detail(page.team.id, Kind::Group, id)? else {
        return past::gone(page, Kind::Group, id);
    };
    let tokens = service.tokens(page.team.id)?;
    let past = past::history(&page, &tokens, Kind::Group, &found.row.id)?.ok_or(Fault::NotFound)?;
    let asked = page.visit.request.query.clone();
    let after = asked.get("after").and_then(|text| text.parse().ok());
    let members = service.group_members(page.team.id, found.row.n, after, PAGE)?;
    let zone = page.visit.zone.clone();
    let base = page.base();
    let path = format!("{base}groups/{}", found.row.id);
    let name = clipped(&found.row.display, 200);
    let template = GroupPage {
        downloads: Downloads::new(&format!("{path}/members"), &Query::parse("")),
        lead: format!("{}. Last changed", counted(members.count, "member")),
        changed: zone.ago(found.row.modified),
        count: counted(members.count, "member"),
        pager: Pager {
            text: format!("{} of {}", number(members.rows.len() as u64), number(members.count)),
            what: "members",
            back: "First",
            previous: if after.is_some() { path.clone() } else { String::new() },
            next: match members.next {
                Some(n) => format!("{path}{}", with(&asked, &[("after", &n.to_string())])),
                None => String::new(),
            },
        },
        members: member_lines(&zone, &members),
        history: past.history.of(requests(&found)),
        identifiers: identifiers(&zone, &base, &found),
        shell: page.shell(&clipped(&name, 60), Here::Groups),
        name,
    };
    html(200, &template)
}

fn member_lines(zone: &Zone, members: &Members) -> Vec<MemberLine> {
    let line = |(row, since): &(crate::store::Row, Option<crate::base::Timestamp>)| {
        let document: Document = serde_json::from_str(&row.doc).unwrap_or_default();
        let user_name = document.get("userName").and_then(serde_json::Value::as_str).unwrap_or_default();
        let name = clipped(&row.display, 120);
        MemberLine {
            path: format!("{}/{}", if row.kind == Kind::User { "users" } else { "groups" }, row.id),
            sub: clipped(user_name, 120),
            initials: initials(&name),
            active: row.active,
            chip: status_chip(row),
            since: since.map(|at| When { text: zone.date(at), ..zone.ago(at) }).map(still),
            name,
        }
    };
    members.rows.iter().map(line).collect()
}

/// A time that the script leaves as it is.
fn still(when: When) -> When {
    When { live: false, ..when }
}

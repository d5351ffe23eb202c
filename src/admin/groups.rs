//! Groups: the list with its filters. One group is `group`'s page.

use askama::Template;

use super::download::Downloads;
use super::error::Fault;
use super::idp::Provider;
use super::page::{Here, Page, Shell, html, with};
use super::parts::{Chip, Column, Empty, Link, Pager, Tab, Tabs, When, clipped};
use super::spark::{Spark, members};
use super::users::{caption, clean, columns, former, no_match, order, pager, part};
use crate::http::{Query, Response};
use crate::scim::Kind;
use crate::service::browse::{Browse, Listed, sorts_by_members};
use crate::service::pulse::Pulse;
use crate::service::sentence::number;
use crate::store::Totals;

struct GroupLine {
    id: String,
    name: String,
    /// The name by which it was found, where it has another by now.
    former: String,
    test: Option<Chip>,
    members: String,
    /// Who came and went today: "+2 −1".
    today: String,
    spark: Spark,
    changed: When,
    changed_at: String,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct GroupsPage {
    shell: Shell,
    empty: Option<Empty>,
    none: Option<Empty>,
    lead: String,
    tabs: Tabs,
    status: String,
    q: String,
    member: String,
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
    let browse = browse(&asked);
    let narrowed = browse.narrowed();
    let provider = super::idp::of(&page);
    let found = page.visit.desk.service.browse(page.team.id, browse).await?;
    let base = page.base();
    let path = format!("{base}groups");
    let tests = super::token::tests_of(&page, found.rows.iter().map(|(row, _)| row));
    let line = |row: &crate::store::Row| {
        let pulse = found.pulses.get(&row.n).cloned().unwrap_or_default();
        let name = clipped(&row.display, 120);
        GroupLine {
            id: row.id.clone(),
            former: former(&found, row),
            test: tests.contains(&row.id).then(Chip::test),
            members: number(row.members),
            today: today(&pulse),
            spark: members(&clipped(&name, 60), &pulse),
            changed: zone.ago(row.modified),
            changed_at: zone.beneath(row.modified),
            name,
        }
    };
    let template = GroupsPage {
        empty: (found.rows.is_empty() && !narrowed && found.around.totals.groups == 0)
            .then(|| no_groups(&base, provider, &found.around.totals)),
        none: found.rows.is_empty().then(|| no_match("groups", &path, &filters(&asked))),
        lead: format!(
            "Groups {} keeps up to date. Membership is changed {}.",
            provider.called(),
            provider.there()
        ),
        tabs: tabs(&path, &asked, &found),
        caption: caption("Groups", &found),
        columns: columns(
            &path,
            &asked,
            &[
                ("Name", "", "name"),
                ("Members", "num", if sorts_by_members(&found.around) { "members" } else { "" }),
                ("Today", "num", ""),
                ("Members over 12 weeks", "p3", ""),
                ("Last change", "p1", "changed"),
            ],
        ),
        rows: found.rows.iter().map(|(row, _)| line(row)).collect(),
        pager: pager(&path, &asked, &found, "groups"),
        downloads: Downloads::new(&path, &asked),
        shell: Shell { events: page.events("groups", ""), ..page.shell("Groups", Here::Groups) },
        status: clean(&asked, "status"),
        q: clean(&asked, "q"),
        member: clean(&asked, "member"),
    };
    html(200, &template)
}

fn tabs(path: &str, asked: &Query, found: &Listed) -> Tabs {
    let status = clean(asked, "status");
    let tab = |value: &str, text, count: u64| Tab {
        href: format!(
            "{path}{}",
            with(asked, &[("status", value), ("after", ""), ("before", ""), ("at", "")])
        ),
        text,
        count: Some(number(count)),
        current: (status == "empty") == (value == "empty"),
    };
    Tabs {
        label: "Members",
        tabs: vec![
            tab("", "All", found.around.totals.groups),
            tab("empty", "No members", found.around.empty),
        ],
    }
}

/// The filters that are on.
fn filters(asked: &Query) -> [(&'static str, String); 3] {
    let empty = if clean(asked, "status") == "empty" { "none" } else { "" };
    [("search", clean(asked, "q")), ("member", clean(asked, "member")), ("members", empty.to_owned())]
}

fn today(pulse: &Pulse) -> String {
    let joined = (pulse.joined > 0).then(|| format!("+{}", number(pulse.joined)));
    let gone = (pulse.gone > 0).then(|| format!("−{}", number(pulse.gone)));
    joined.into_iter().chain(gone).collect::<Vec<_>>().join(" ")
}

/// What the address asks of the list.
pub fn browse(asked: &Query) -> Browse {
    let (order, descending) = order(&clean(asked, "sort"));
    Browse {
        text: clean(asked, "q"),
        member: clean(asked, "member"),
        empty: clean(asked, "status") == "empty",
        order,
        descending,
        ..Browse::all(Kind::Group, part(asked))
    }
}

fn no_groups(base: &str, provider: &Provider, totals: &Totals) -> Empty {
    let text = match totals.users {
        0 => {
            format!("No group has been sent to this team. {}, then: {}", provider.connect, provider.no_group)
        }
        _ => format!("Users arrive, but no group has been sent. {}", provider.no_group),
    };
    Empty {
        title: "No groups yet".into(),
        text,
        links: vec![Link::new(format!("{base}connect"), provider.connect)],
        hint: String::new(),
    }
}

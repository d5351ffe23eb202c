//! What administrators and the command line changed, beside the log of requests: who, when, what, from where.

use askama::Template;

use super::download::Downloads;
use super::error::Fault;
use super::log;
use super::page::{Here, Page, Shell, html};
use super::paging::{Sides, begins, pager, per};
use super::parts::{Choice, Empty, Link, Pager, Tabs, When, clipped};
use super::said::Said;
use super::when::Zone;
use crate::http::{Query, Response};
use crate::service::audited::{AuditQuery, Change, Changes, Kind};
use crate::store::Beside;

/// Characters of a filter.
const LONGEST: usize = 200;

struct Line {
    at: When,
    date: String,
    said: Said,
    note: String,
    who: String,
    from: String,
}

#[derive(Template)]
#[template(path = "audited.html")]
struct AuditedPage {
    shell: Shell,
    tabs: Tabs,
    downloads: Downloads,
    q: String,
    zone: String,
    from: String,
    to: String,
    kinds: Vec<Choice>,
    empty: Option<Empty>,
    rows: Vec<Line>,
    pager: Pager,
}

/// What an address asks of the list.
pub fn asked(query: &Query, zone: &Zone) -> AuditQuery {
    let get = |name: &str| query.get(name).unwrap_or_default().trim();
    AuditQuery {
        text: get("q").chars().take(LONGEST).collect(),
        kind: Kind::ALL.into_iter().find(|kind| kind.key() == get("of")),
        from: zone.read(get("from")),
        to: zone.read(get("to")),
        beside: match (get("after").parse(), get("before").parse()) {
            (Ok(n), _) => Some(Beside::Older(n)),
            (_, Ok(n)) => Some(Beside::Newer(n)),
            _ => None,
        },
        limit: per(query) as usize,
    }
}

/// The page.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let query = page.visit.request.query.clone();
    let zone = page.visit.zone.clone();
    let narrowing = asked(&query, &zone);
    let get = |name: &str| query.get(name).unwrap_or_default().trim().chars().take(LONGEST).collect();
    let is_all = named(&query).is_empty();
    let found = page.visit.desk.service.administrators_changes(page.team.id, narrowing.clone()).await?;
    let counted = page.visit.desk.service.request_hours(page.team.id).await?;
    let base = page.base();
    let path = format!("{base}activity/administrators");
    let chosen = narrowing.kind.map_or("", Kind::key);
    let choice = |value: &str, text: &str| Choice {
        selected: value == chosen,
        value: value.to_owned(),
        text: text.to_owned(),
    };
    let mut kinds = vec![choice("", "Everything")];
    kinds.extend(Kind::ALL.iter().map(|kind| choice(kind.key(), kind.words())));
    let template = AuditedPage {
        tabs: log::tabs(&base, &Query::default(), Some(&counted.hours), counted.audited, log::ADMINISTRATORS),
        downloads: Downloads::new(&path, &query),
        q: get("q"),
        zone: zone.name.clone(),
        from: get("from"),
        to: get("to"),
        kinds,
        empty: found.rows.is_empty().then(|| nothing(&zone, &path, &query, &found)),
        rows: found.rows.iter().map(|change| line(&zone, &base, change)).collect(),
        pager: foot(&path, &query, &found, is_all.then_some(counted.audited)),
        shell: page.shell("Administrators’ changes", Here::Activity),
    };
    html(200, &template)
}

fn line(zone: &Zone, base: &str, change: &Change) -> Line {
    let row = &change.row;
    let day = zone.day(row.at);
    let href = match row.what.as_str() {
        "user.deleted" => format!("{base}users/{}", row.subject),
        what if what.starts_with("token.") => format!("{base}tokens"),
        what if what.starts_with("schema.") => format!("{base}schemas"),
        what if what.starts_with("team.") => format!("{base}team"),
        _ => String::new(),
    };
    Line {
        at: zone.clock(row.at),
        date: if day == "Today" { String::new() } else { zone.date(row.at) },
        said: if href.is_empty() {
            Said::plain(&change.line)
        } else {
            Said::default().link(&change.line, href)
        },
        note: clipped(&change.note, 200),
        who: clipped(&change.who, 120),
        from: change.from.clone(),
    }
}

/// The foot; the total is known where nothing narrows the list.
fn foot(path: &str, query: &Query, found: &Changes, total: Option<u64>) -> Pager {
    let (previous, next) = (found.previous.map(|n| n.to_string()), found.next.map(|n| n.to_string()));
    let shown = found.rows.len() as u64;
    let at = begins(query, (previous.is_some(), next.is_some()), shown, total);
    Pager {
        back: "Newer",
        forth: "Older",
        ..pager(path, query, "changes", &Sides { previous, next, at, shown, total })
    }
}

/// What narrows the list, in words.
fn named(query: &Query) -> Vec<&'static str> {
    [("q", "the search"), ("of", "the kind"), ("from", "From"), ("to", "To")]
        .iter()
        .filter(|(name, _)| query.get(name).is_some_and(|value| !value.trim().is_empty()))
        .map(|(_, words)| *words)
        .collect()
}

/// Each change is kept for ever, and whoever reads this has signed in: the list is empty because of its filters alone.
fn nothing(zone: &Zone, path: &str, query: &Query, found: &Changes) -> Empty {
    if let Some(at) = found.looked {
        return Empty {
            title: "Nothing so far".into(),
            text: format!("No change back to {} fits. The search goes on with Older.", zone.long(at)),
            ..Empty::default()
        };
    }
    Empty {
        title: "No changes match".into(),
        text: match named(query).as_slice() {
            [] => "There are no older changes.".into(),
            named => format!("Nothing fits {}.", named.join(" and ")),
        },
        links: vec![Link::new(path, "Clear the filters")],
        ..Empty::default()
    }
}

//! The history on the page of a user or group, a page at a time, and the page of one that was deleted. How an entry is
//! told is `history`'s; what belongs to it is `service::history`'s.

use std::collections::HashSet;

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::Fault;
use super::history::{Teller, Whose, nothing, sender, with_days};
use super::page::{Here, Page, Shell, html, with};
use super::paging::{per, sizes};
use super::parts::{Chip, Fact, Facts, Notice, Pager, Size, Timeline, When, clipped};
use super::when::Zone;
use crate::http::{Query, Response};
use crate::scim::Kind;
use crate::service::history::{self, Gone, State, Who};
use crate::service::past::Place;
use crate::service::told::Told;
use crate::store::{Row, Token};

/// Pages that the address remembers of the way to an older one.
const LONGEST_WAY: usize = 60;

/// A history, latest first, with its older pages behind it.
#[derive(Template, Clone, Debug)]
#[template(path = "parts/history.html")]
pub struct History {
    /// The activity, narrowed to requests about it, and how many they are.
    href: String,
    requests: String,
    timeline: Timeline,
    pager: Option<Pager>,
}

impl HtmlSafe for History {}

impl History {
    /// With the number of requests about it, in words.
    pub fn of(self, requests: String) -> History {
        History { requests, ..self }
    }
}

/// The history of one user or group, whose it is, and the requests that it shows.
pub struct Found {
    who: Who,
    /// None on an older page: they are not the latest.
    pub told: Vec<Told>,
    pub history: History,
}

/// The history of one user or group that is here.
pub fn of(page: &Page<'_, '_>, tokens: &[Token], row: &Row) -> Result<Found, Fault> {
    let (who, (before, rows)) = (Who::of(row), part(page));
    let found = page.visit.desk.service.history_of(page.team.id, &who, before, rows)?;
    Ok(told(page, tokens, who, before, found))
}

/// The history of one user or group of that kind; `None` where there never was one.
fn history(page: &Page<'_, '_>, tokens: &[Token], kind: Kind, id: &str) -> Result<Option<Found>, Fault> {
    let (before, rows) = part(page);
    let found = page.visit.desk.service.history_page(page.team.id, id, before, rows)?;
    let found = found.filter(|(who, _)| who.kind == kind);
    Ok(found.map(|(who, found)| told(page, tokens, who, before, found)))
}

/// Which page of the history the address asks for.
fn part(page: &Page<'_, '_>) -> (Option<Place>, usize) {
    let asked = &page.visit.request.query;
    (asked.get("older").and_then(place), per(asked) as usize)
}

fn told(
    page: &Page<'_, '_>,
    tokens: &[Token],
    who: Who,
    before: Option<Place>,
    found: history::Page,
) -> Found {
    let (asked, kind) = (page.visit.request.query.clone(), who.kind);
    let (base, zone) = (page.base(), &page.visit.zone);
    let path = format!("{base}{}/{}", list(kind).0, who.id);
    let pager = pager(&path, &asked, before, found.older, found.told.len() as u64);
    let tests = HashSet::new();
    let teller = Teller { zone, base: &base, tokens, tests: &tests, whose: Whose::Own(kind) };
    let mut entries = teller.entries(&found.told);
    if entries.is_empty() {
        entries.push(nothing(zone, who.created));
    }
    let history = History {
        href: format!("{base}activity?q={}", who.id),
        requests: "All requests".to_owned(),
        timeline: with_days(zone, entries),
        pager,
    };
    let told = if before.is_some() { Vec::new() } else { found.told };
    Found { who, told, history }
}

/// The foot of a history. What is newer than a page is only known by the way that was come: the address remembers it.
fn pager(
    path: &str,
    asked: &Query,
    before: Option<Place>,
    older: Option<Place>,
    shown: u64,
) -> Option<Pager> {
    let written = |place: Place| format!("{}-{}", place.event, place.row);
    let mut way: Vec<String> =
        asked.get("way").unwrap_or_default().split('.').filter_map(place).map(written).collect();
    let at = |older: &str, way: &[String]| {
        let way = way.join(".");
        format!("{path}{}#history", with(asked, &[("older", older), ("way", &way)]))
    };
    let previous = match (before, way.split_last()) {
        (None, _) => String::new(),
        (Some(_), Some((last, rest))) => at(last, rest),
        (Some(_), None) => at("", &[]),
    };
    let next = older.map(|older| {
        way.extend(before.map(written));
        // Beyond so many pages the way back leads to the latest changes.
        let kept = way.len().saturating_sub(LONGEST_WAY);
        at(&written(older), &way[kept..])
    });
    let sizes = sizes(path, &asked_plainly(asked), before.is_some() || next.is_some(), shown);
    (before.is_some() || next.is_some() || !sizes.is_empty()).then(|| Pager {
        text: if before.is_some() { "Older changes." } else { "The latest changes." }.to_owned(),
        what: "history",
        back: "Newer",
        forth: "Older",
        previous,
        next: next.unwrap_or_default(),
        sizes: sizes
            .into_iter()
            .map(|size| Size { href: format!("{}#history", size.href), ..size })
            .collect(),
    })
}

/// The address without the way that was come.
fn asked_plainly(asked: &Query) -> Query {
    Query::parse(with(asked, &[("way", "")]).trim_start_matches('?'))
}

/// Where a kind is listed, and the list's name.
fn list(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::User => ("users", "Users"),
        Kind::Group => ("groups", "Groups"),
    }
}

/// Behind which entry a page begins.
fn place(text: &str) -> Option<Place> {
    let (event, row) = text.split_once('-')?;
    Some(Place { event: event.parse().ok()?, row: row.parse().ok()? })
}

#[derive(Template)]
#[template(path = "gone.html")]
struct GonePage {
    shell: Shell,
    list: String,
    list_name: &'static str,
    name: String,
    deleted: Option<Notice>,
    chip: Chip,
    at: When,
    by: String,
    history: History,
    identifiers: Facts,
}

/// The page of one that was deleted; not found where the id never was here.
pub fn gone(mut page: Page<'_, '_>, kind: Kind, id: &str) -> Result<Response, Fault> {
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    let Found { who, history, .. } = history(&page, &tokens, kind, id)?.ok_or(Fault::NotFound)?;
    let State::Deleted(gone) = &who.state else { return Err(Fault::NotFound) };
    let zone = page.visit.zone.clone();
    let by =
        gone.token.and_then(|n| tokens.iter().find(|token| token.n == n)).map(sender).or(gone.who.clone());
    let deleted = page.visit.request.query.get("deleted").is_some().then(|| Notice {
        kind: "ok",
        title: "The record was deleted".into(),
        alert: true,
        ..Notice::default()
    });
    let name = clipped(&who.name, 200);
    let template = GonePage {
        shell: page.shell(&clipped(&name, 60), if kind == Kind::User { Here::Users } else { Here::Groups }),
        list: format!("{}{}", page.base(), list(kind).0),
        list_name: list(kind).1,
        deleted,
        chip: Chip::new("idle", "Deleted"),
        at: zone.ago(gone.at),
        by: by.unwrap_or_else(|| "scimd itself".to_owned()),
        identifiers: identifiers(&zone, &who, gone),
        history,
        name,
    };
    html(200, &template)
}

fn identifiers(zone: &Zone, who: &Who, gone: &Gone) -> Facts {
    let mut facts = vec![Fact::mono("ID", who.id.as_str())];
    if let Some(external) = &gone.external_id {
        facts.push(Fact::mono("External ID", clipped(external, 300)));
    }
    facts.push(Fact::mono("Last version", format!("W/\"{}\"", gone.version)));
    facts.push(Fact::at("Created", zone.full(who.created)));
    facts.push(Fact::at("Deleted", zone.full(gone.at)));
    Facts { facts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_history_begins_behind_an_event_and_a_request() {
        assert_eq!(place("17-4"), Some(Place { event: 17, row: 4 }));
        assert_eq!((place("17"), place("x-1"), place("")), (None, None, None));
    }

    #[test]
    fn the_way_back_leads_through_the_pages_that_were_passed() {
        let place = |event| Some(Place { event, row: 1 });
        let query = |href: &str| {
            Query::parse(href.split_once('?').map_or("", |(_, query)| query).trim_end_matches("#history"))
        };
        let first = pager("/u", &Query::parse("per=25"), None, place(90), 25).expect("more than a page");
        assert!(first.previous.is_empty());
        let second = pager("/u", &query(&first.next), place(90), place(60), 25).expect("a foot");
        assert_eq!(query(&second.previous).get("older"), None, "the first page");
        let third = pager("/u", &query(&second.next), place(60), None, 25).expect("a foot");
        assert_eq!(query(&third.previous).get("older"), Some("90-1"));
        assert!(third.next.is_empty());
        assert_eq!(query(&third.previous).get("per"), Some("25"));
        assert!(pager("/u", &Query::parse(""), None, None, 3).is_none());
    }
}

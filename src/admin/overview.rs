//! The overview: what needs attention, from the provider to this directory, requests by hour, latest changes.

use askama::Template;
use askama::filters::HtmlSafe;

use super::chart::{Chart, HourLine, chart, every_hour, figures};
use super::error::Fault;
use super::history::{Teller, Whose};
use super::idp::Provider;
use super::page::{Here, Page, Shell, html, render};
use super::parts::{Check, Chip, Entry, Fact, Facts, Icon, Notice, Timeline, When, counted};
use super::rhythm::Rhythm;
use super::rotation::rotations;
use super::said::Said;
use super::token::test_email;
use super::tokens::{State, state};
use super::when::Zone;
use super::{attention, health};
use crate::base::Timestamp;
use crate::http::Response;
use crate::scim::Kind;
use crate::service::Cause;
use crate::service::overview::Overview;
use crate::service::sentence::number;
use crate::service::told::Told;
use crate::store::{ActivityRow, Token};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Latest changes shown at once.
const RECENT: usize = 8;

/// From the provider to this directory.
#[derive(Template)]
#[template(path = "parts/flow.html")]
struct Flow {
    provider: String,
    provider_chip: Chip,
    provider_bad: bool,
    last: Option<When>,
    from: String,
    token: String,
    directory_chip: Chip,
    active: String,
    groups: String,
    inactive: String,
    added: String,
    changed: String,
    deactivated: String,
    deleted: String,
    /// What the team's own rhythm says of a quiet spell.
    rhythm: String,
}

impl HtmlSafe for Flow {}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    live: Live,
}

/// Everything on the page that changes.
#[derive(Template)]
#[template(path = "parts/overview_live.html")]
struct Live {
    base: String,
    lead: Said,
    activity_icon: Icon,
    notices: Vec<Notice>,
    flow: Flow,
    from: &'static str,
    chart: Chart,
    zone: String,
    hours: Vec<HourLine>,
    recent: Timeline,
    tokens: Vec<Check>,
    health: Vec<Check>,
    faults: Facts,
    fault_count: String,
}

impl HtmlSafe for Live {}

/// The page; a team that has seen nothing yet begins by connecting its provider.
pub async fn overview(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let found = find(&page, &zone).await?;
    let base = page.base();
    if found.tokens.is_empty() && found.last.is_none() {
        return Ok(Response::redirect(&format!("{base}connect")));
    }
    let live = gathered(&page, &zone, found).await?;
    let mut shell = page.shell("Overview", Here::Overview);
    shell.events = format!("{base}events?page=overview");
    html(200, &OverviewPage { shell, live })
}

/// The page's parts as they are now.
pub async fn live(page: &Page<'_, '_>) -> Result<String, Fault> {
    let zone = page.visit.zone.clone();
    let found = find(page, &zone).await?;
    render(&gathered(page, &zone, found).await?)
}

async fn find(page: &Page<'_, '_>, zone: &Zone) -> Result<Overview, Fault> {
    let before = page.who.session.before;
    let (service, tests) = (&page.visit.desk.service, test_email(page));
    Ok(service.overview(page.team.id, zone.today(), before, &tests).await?)
}

async fn gathered(page: &Page<'_, '_>, zone: &Zone, found: Overview) -> Result<Live, Fault> {
    let base = page.base();
    let idp = super::idp::of(page);
    let rotations = rotations(page, &found.tokens).await?;
    let mut health = health::brief(page.visit.desk, zone);
    let notices = attention::notices(zone, &base, idp, &found, &rotations, &health);
    health.extend(health::clock_if_wrong());
    health.extend(health::answers(&found.answers));
    let hours = every_hour(&found.hours, zone.now());
    let whose = Whose::Team;
    let teller = Teller { zone, base: &base, tokens: &found.tokens, tests: &found.tests, whose };
    Ok(Live {
        lead: lead(zone, &base, &found, page.who.session.before),
        activity_icon: Icon { name: "activity" },
        notices,
        flow: flow(zone, idp, &found),
        from: if idp.key == "other" { "your provider" } else { idp.name },
        chart: chart(zone, &hours),
        zone: zone.name.clone(),
        hours: figures(zone, &hours),
        recent: recent(&teller, &found.changes),
        tokens: found.tokens.iter().filter_map(|token| token_check(zone, token)).collect(),
        faults: Facts { facts: faults(zone, &found.errors) },
        fault_count: number(count(&found.errors)),
        health,
        base,
    })
}

/// What happened since the administrator was here; before the second time, since today began.
fn lead(zone: &Zone, base: &str, found: &Overview, before: Option<Timestamp>) -> Said {
    let changes = |n| counted(n, "change");
    if found.last.is_none() {
        return Said::plain("No request yet.");
    }
    match (found.since, before) {
        (Some(n), Some(at)) => {
            let href = format!("{base}activity?kind=changes&from={}", zone.field(at));
            let when = match zone.day(at).as_str() {
                day @ ("Today" | "Yesterday") => day.to_lowercase(),
                day => day.to_owned(),
            };
            let rest = format!(" since you last signed in, {when} at {} {}.", zone.minute(at), zone.name);
            Said::default().link(changes(n), href).and(rest)
        }
        _ => Said::plain(format!("{} today.", changes(found.today.changes))),
    }
}

fn recent(teller: &Teller<'_>, changes: &[Told]) -> Timeline {
    let mut entries: Vec<Entry> = teller.entries(changes).into_iter().map(|(_, entry)| entry).collect();
    entries.truncate(RECENT);
    if entries.is_empty() {
        entries.push(Entry {
            kind: "idle",
            said: Said::plain("Nothing was changed yet"),
            ..Entry::default()
        });
    }
    Timeline { id: "recent", entries }
}

fn flow(zone: &Zone, idp: &Provider, found: &Overview) -> Flow {
    let last = found.last.as_ref().map(|row| &row.activity);
    let token = last.and_then(|one| one.token).and_then(|n| found.tokens.iter().find(|token| token.n == n));
    let accepted = found.tokens.iter().any(|token| token.used.is_some());
    let rhythm = Rhythm::of(zone, &found.hours, last.map(|one| one.at));
    let chip = match (last, accepted) {
        (None, _) => Chip::new("wait", "Listening"),
        (Some(last), _) if last.status >= 400 => Chip::new("warn", "Last one refused"),
        (Some(_), true) if rhythm.quiet => Chip::new("idle", "Quiet"),
        (Some(_), true) => Chip::new("ok", "Connected"),
        (Some(_), false) => Chip::new("idle", "Not accepted yet"),
    };
    let (totals, came_to) = (found.totals, found.today.came_to);
    let provider = if idp.key == "other" { provider(&found.tokens) } else { idp.name.to_owned() };
    Flow {
        rhythm: rhythm.words(&provider),
        provider,
        provider_bad: chip.kind == "warn",
        provider_chip: chip,
        last: last.map(|one| zone.ago(one.at)),
        from: last.map(|one| one.address.clone()).unwrap_or_default(),
        token: token.map(|token| token.name.clone()).unwrap_or_default(),
        directory_chip: Chip::new("ok", "Up to date"),
        active: number(totals.active),
        groups: number(totals.groups),
        inactive: number(totals.users.saturating_sub(totals.active)),
        added: number(came_to.added),
        changed: number(came_to.changed),
        deactivated: number(came_to.deactivated),
        deleted: number(came_to.deleted),
    }
}

/// The provider that the tokens in use seem to be used by.
fn provider(tokens: &[Token]) -> String {
    let last = tokens.iter().filter(|token| token.used.is_some() && token.provider.is_some());
    let last = last.max_by_key(|token| token.used.as_ref().map(|used| used.at));
    let name = last.and_then(|token| token.provider.clone());
    name.unwrap_or_else(|| "Your identity provider".to_owned())
}

fn token_check(zone: &Zone, token: &Token) -> Option<Check> {
    let state = state(token, zone.now());
    let kind = match state {
        State::Revoked => return None,
        State::Expired => "bad",
        State::Soon => "warn",
        State::InUse => "ok",
        State::NeverUsed => "todo",
    };
    let read_only = if token.read_only { ", read only" } else { "" };
    Some(Check {
        kind,
        title: format!("{}{read_only}", super::parts::clipped(&token.name, 60)),
        at: match token.expires {
            None => "No expiry".to_owned(),
            Some(end) if state == State::Expired => format!("Expired {}", zone.date(end)),
            Some(end) => {
                format!("{} left", counted(days_left(end, zone.now()), "day"))
            }
        },
        sub: match &token.used {
            Some(used) => {
                Said::plain(format!("Last used {} from ", zone.relative(used.at))).mono(&used.address)
            }
            None => "Never used".into(),
        },
    })
}

/// Days until the end, a day that has begun counted whole.
fn days_left(end: Timestamp, now: Timestamp) -> u64 {
    (end.since(now).max(0) as u64).div_ceil(24 * HOUR_MS as u64)
}

fn count(rows: &[ActivityRow]) -> u64 {
    rows.iter().map(|row| row.activity.folded.max(1)).sum()
}

/// Whether several requests were about one and the same.
fn of_one(rows: &[&ActivityRow]) -> &'static str {
    let Some(first) = rows[0].activity.subject.as_ref().filter(|_| rows.len() > 1) else { return "" };
    match rows.iter().all(|row| row.activity.subject.as_ref().is_some_and(|subject| subject.id == first.id)) {
        true if first.kind == Kind::Group => " for one group",
        true => " for one account",
        false => "",
    }
}

/// From when to when: `at 15:50`, `15:50 to 15:51`, `yesterday 22:10 to 15:51`.
fn span(zone: &Zone, first: Timestamp, last: Timestamp) -> String {
    let at = |at: Timestamp| match zone.day(at).as_str() {
        "Today" => zone.minute(at),
        _ => format!("{} {}", zone.day(at).to_lowercase(), zone.minute(at)),
    };
    match (at(first), at(last)) {
        (first, last) if first == last => format!("at {first}"),
        (first, last) => format!("{first} to {last}"),
    }
}

/// Errors grouped by their cause, most first.
fn faults(zone: &Zone, rows: &[ActivityRow]) -> Vec<Fact> {
    let mut groups: Vec<(&'static str, Vec<&ActivityRow>)> = Vec::new();
    for row in rows {
        let cause = row.activity.cause.as_deref().and_then(Cause::from_key);
        let name = cause.map_or("Other", |cause| cause.words().name);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((name, vec![row])),
        }
    }
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    groups
        .into_iter()
        .take(6)
        .map(|(name, rows)| {
            let times: u64 = rows.iter().map(|row| row.activity.folded.max(1)).sum();
            let first = &rows[0].activity;
            let one_sender = rows.iter().all(|row| row.activity.address == first.address);
            let (from, code) =
                if one_sender { (" from", first.address.clone()) } else { ("", String::new()) };
            let last = rows.last().map_or(first.at, |row| row.activity.at);
            let when = span(zone, last, first.at);
            let text = format!("{}{}, {when}{from}", counted(times, "request"), of_one(&rows));
            Fact { code, ..Fact::new(name, text) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_errors_is_told_from_the_first_to_the_last() {
        let at = |text: &str| Timestamp::parse(text).expect("an instant");
        let zone = Zone::utc(at("2026-11-23T16:06:00Z"));
        let told = |first: &str, last: &str| span(&zone, at(first), at(last));
        assert_eq!(told("2026-11-23T15:50:01Z", "2026-11-23T15:50:59Z"), "at 15:50");
        assert_eq!(told("2026-11-23T15:50:01Z", "2026-11-23T15:51:00Z"), "15:50 to 15:51");
        assert_eq!(told("2026-11-22T22:10:00Z", "2026-11-23T15:51:00Z"), "yesterday 22:10 to 15:51");
    }
}

//! The overview: what needs attention, from the provider to this directory, requests by hour, latest changes.

use askama::Template;
use askama::filters::HtmlSafe;

use super::activity::subjects;
use super::chart::{Chart, HourLine, chart, every_hour, figures};
use super::error::Fault;
use super::history::{Teller, Whose};
use super::idp::Provider;
use super::page::{Here, Page, Shell, html, render};
use super::parts::{Check, Chip, Entry, Fact, Icon, Notice, Said, Timeline, When, counted};
use super::rhythm::Rhythm;
use super::rotation::rotations;
use super::token::tests_among;
use super::tokens::{State, state};
use super::when::Zone;
use super::{attention, health};
use crate::base::Timestamp;
use crate::http::Response;
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
    changes: String,
    reads: String,
    errors: String,
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
    lead: String,
    last: Option<When>,
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
    faults: Vec<Fact>,
    fault_count: String,
}

impl HtmlSafe for Live {}

/// The page; a team that has seen nothing yet begins by connecting its provider.
pub async fn overview(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let found = page.visit.desk.service.overview(page.team.id, zone.today()).await?;
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
    let found = page.visit.desk.service.overview(page.team.id, zone.today()).await?;
    render(&gathered(page, &zone, found).await?)
}

async fn gathered(page: &Page<'_, '_>, zone: &Zone, found: Overview) -> Result<Live, Fault> {
    let base = page.base();
    let idp = super::idp::of(page)?;
    let rotations = rotations(page, &found.tokens).await?;
    let health = health::brief(page, zone);
    let hours = every_hour(&found.hours, zone.now());
    let tests = tests_among(page, subjects(found.changes.iter().map(|told| &told.row)))?;
    let teller = Teller { zone, base: &base, tokens: &found.tokens, tests: &tests, whose: Whose::Team };
    Ok(Live {
        lead: format!("{} today.", counted(found.today.changes, "change")),
        last: found.last.as_ref().map(|last| zone.ago(last.activity.at)),
        activity_icon: Icon { name: "activity" },
        notices: attention::notices(zone, &base, idp, &found, &rotations, &health),
        flow: flow(zone, idp, &found),
        from: if idp.key == "other" { "your provider" } else { idp.name },
        chart: chart(zone, &hours),
        zone: zone.name.clone(),
        hours: figures(zone, &hours),
        recent: recent(&teller, &found.changes),
        tokens: found.tokens.iter().filter_map(|token| token_check(zone, token)).collect(),
        faults: faults(zone, &found.errors),
        fault_count: number(count(&found.errors)),
        health,
        base,
    })
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
    let totals = found.totals;
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
        changes: number(found.today.changes),
        reads: number(found.today.reads),
        errors: number(found.today.errors),
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
            Some(used) => format!("Last used {} from {}", zone.relative(used.at), used.address),
            None => "Never used".to_owned(),
        },
        mono: false,
    })
}

/// Days until the end, a day that has begun counted whole.
fn days_left(end: Timestamp, now: Timestamp) -> u64 {
    (end.since(now).max(0) as u64).div_ceil(24 * HOUR_MS as u64)
}

fn count(rows: &[ActivityRow]) -> u64 {
    rows.iter().map(|row| row.activity.folded.max(1)).sum()
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
            let from = if one_sender { format!(" from {}", first.address) } else { String::new() };
            Fact::new(name, format!("{}{from}, last {}", counted(times, "request"), zone.relative(first.at)))
        })
        .collect()
}

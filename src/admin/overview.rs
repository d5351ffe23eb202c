//! The overview: what needs attention, from the provider to this directory, requests by hour, latest changes.

use askama::Template;
use askama::filters::HtmlSafe;

use super::activity::timeline;
use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Check, Chip, Fact, Icon, Link, Notice, Timeline, When, counted};
use super::tokens::{self, State, state};
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::Response;
use crate::service::Cause;
use crate::service::overview::Overview;
use crate::service::sentence::number;
use crate::store::{ActivityRow, Hour, Token};

const HOUR_MS: i64 = 60 * 60 * 1000;
const HOURS: usize = 24;
/// Notices shown at once, worst first.
const NOTICES: usize = 3;

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
}

impl HtmlSafe for Flow {}

/// Requests by hour as bars, once wide and once narrow.
#[derive(Template)]
#[template(path = "parts/chart_hours.html")]
struct Chart {
    label: String,
    views: Vec<View>,
}

impl HtmlSafe for Chart {}

struct View {
    class: &'static str,
    width: u32,
    lines: Vec<GridLine>,
    bars: Vec<Bar>,
    marks: Vec<Mark>,
}

struct GridLine {
    class: &'static str,
    y: String,
    text_y: String,
    text: String,
}

struct Bar {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
}

struct Mark {
    x: String,
    text: String,
}

struct HourLine {
    text: String,
    reads: u64,
    changes: u64,
    errors: u64,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    lead: String,
    activity_icon: Icon,
    notices: Vec<Notice>,
    flow: Flow,
    chart: Chart,
    zone: String,
    hours: Vec<HourLine>,
    recent: Timeline,
    tokens: Vec<Check>,
    faults: Vec<Fact>,
    fault_count: String,
}

/// The page.
pub async fn overview(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let found = page.visit.desk.service.overview(page.team.id, zone.today()).await?;
    let base = page.base();
    if found.tokens.is_empty() && found.last.is_none() {
        return Ok(Response::redirect(&format!("{base}connect")));
    }
    let hours = every_hour(&found.hours, zone.now());
    let template = OverviewPage {
        lead: lead(&zone, &found),
        activity_icon: Icon { name: "activity" },
        notices: notices(&zone, &base, &found),
        flow: flow(&zone, &found),
        chart: chart(&zone, &hours),
        zone: zone.name.clone(),
        hours: hours
            .iter()
            .map(|hour| HourLine {
                text: zone.minute(hour.hour),
                reads: hour.reads,
                changes: hour.changes,
                errors: hour.errors,
            })
            .collect(),
        recent: recent(&zone, &base, &found.changes),
        tokens: found.tokens.iter().filter_map(|token| token_check(&zone, token)).collect(),
        faults: faults(&zone, &found.errors),
        fault_count: number(count(&found.errors)),
        shell: page.shell("Overview", Here::Overview),
    };
    html(200, &template)
}

fn lead(zone: &Zone, found: &Overview) -> String {
    let today = counted(found.today.changes, "change");
    match &found.last {
        Some(last) => format!("{today} today. Last request {}.", zone.relative(last.activity.at)),
        None => "No request yet.".to_owned(),
    }
}

fn recent(zone: &Zone, base: &str, rows: &[ActivityRow]) -> Timeline {
    let mut timeline = timeline(zone, base, rows, true);
    timeline.id = "recent";
    if timeline.entries.is_empty() {
        timeline.entries.push(super::parts::Entry {
            kind: "idle",
            said: super::parts::Said { before: "Nothing was changed yet".into(), ..Default::default() },
            at: When::default(),
            ..Default::default()
        });
    }
    timeline
}

fn notices(zone: &Zone, base: &str, found: &Overview) -> Vec<Notice> {
    let mut all: Vec<Notice> =
        found.tokens.iter().filter_map(|token| tokens::notice(zone, base, token)).collect();
    let broken = found.errors.iter().filter(|row| row.activity.status >= 500).count() as u64;
    if broken > 0 {
        all.push(Notice {
            kind: "bad",
            title: format!("{} failed on this server in the last 24 hours", counted(broken, "request")),
            text: "The sender did nothing wrong. The server’s log has each cause under its incident number."
                .into(),
            link: Some(Link::new(format!("{base}activity?kind=errors&status=500"), "See the failures")),
            alert: false,
        });
    }
    if found.tokens.iter().all(|token| token.revoked.is_some()) {
        all.push(Notice {
            kind: "warn",
            title: "No token works".into(),
            text: "Every token of this team was revoked, so no provider can reach it.".into(),
            link: Some(Link::new(format!("{base}tokens/new"), "New token")),
            alert: false,
        });
    }
    all.extend(found.leaving.as_ref().map(|leaving| super::leaving::notice(base, leaving)));
    all.sort_by_key(|notice| notice.kind != "bad");
    all.truncate(NOTICES);
    all
}

fn flow(zone: &Zone, found: &Overview) -> Flow {
    let last = found.last.as_ref().map(|row| &row.activity);
    let token = last.and_then(|one| one.token).and_then(|n| found.tokens.iter().find(|token| token.n == n));
    let accepted = found.tokens.iter().any(|token| token.used.is_some());
    let chip = match (last, accepted) {
        (None, _) => Chip::new("wait", "Listening"),
        (Some(last), _) if last.status >= 400 => Chip::new("warn", "Last one refused"),
        (Some(_), true) => Chip::new("ok", "Connected"),
        (Some(_), false) => Chip::new("idle", "Not accepted yet"),
    };
    let totals = found.totals;
    Flow {
        provider: provider(&found.tokens),
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
    name.unwrap_or_else(|| "Identity provider".to_owned())
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

/// The last 24 hours, each with its counts, those without requests too.
fn every_hour(hours: &[Hour], now: Timestamp) -> Vec<Hour> {
    let last = now.0 - now.0.rem_euclid(HOUR_MS);
    (0..HOURS as i64)
        .map(|back| Timestamp(last - (HOURS as i64 - 1 - back) * HOUR_MS))
        .map(|at| {
            hours.iter().find(|hour| hour.hour == at).copied().unwrap_or(Hour { hour: at, ..Hour::default() })
        })
        .collect()
}

fn chart(zone: &Zone, hours: &[Hour]) -> Chart {
    let all = |hour: &Hour| hour.reads + hour.changes + hour.errors;
    let busiest = hours.iter().max_by_key(|hour| all(hour));
    let errors: u64 = hours.iter().map(|hour| hour.errors).sum();
    let label = match busiest.filter(|hour| all(hour) > 0) {
        Some(hour) => format!(
            "Requests by hour for the last 24 hours. Busiest hour {} with {}. {} in all.",
            zone.minute(hour.hour),
            counted(all(hour), "request"),
            counted(errors, "error")
        ),
        None => "Requests by hour for the last 24 hours. There were none.".to_owned(),
    };
    let top = nice(busiest.map_or(0, all));
    Chart {
        label,
        views: vec![
            view(zone, hours, top, "chart-l", 820, 3),
            view(zone, &hours[HOURS / 2..], top, "chart-s", 340, 3),
        ],
    }
}

/// The smallest round number that is even and not below the largest bar.
fn nice(most: u64) -> u64 {
    let mut step = 1;
    loop {
        for times in [2, 4, 8, 10] {
            if step * times >= most {
                return step * times;
            }
        }
        step *= 10;
    }
}

fn view(zone: &Zone, hours: &[Hour], top: u64, class: &'static str, width: u32, every: usize) -> View {
    const FLOOR: f64 = 148.0;
    const HEIGHT: f64 = 140.0;
    let slot = f64::from(width - 30) / hours.len() as f64;
    let tall = |n: u64| n as f64 * HEIGHT / top as f64;
    let mut bars = Vec::new();
    for (i, hour) in hours.iter().enumerate() {
        let mut floor = FLOOR;
        for (class, n) in [("read", hour.reads), ("write", hour.changes), ("err", hour.errors)] {
            if n > 0 {
                let height = tall(n);
                floor -= height;
                bars.push(Bar {
                    class,
                    x: format!("{:.1}", 30.0 + slot * (i as f64 + 0.17)),
                    y: format!("{floor:.1}"),
                    width: format!("{:.1}", slot * 0.66),
                    height: format!("{height:.1}"),
                });
            }
        }
    }
    let line = |class, n: u64| GridLine {
        class,
        y: format!("{:.1}", FLOOR - tall(n)),
        text_y: format!("{:.1}", FLOOR - tall(n) + 4.0),
        text: number(n),
    };
    let marks = hours.iter().enumerate().step_by(every).map(|(i, hour)| Mark {
        x: format!("{:.1}", 30.0 + slot * (i as f64 + 0.5)),
        text: zone.minute(hour.hour),
    });
    View {
        class,
        width,
        lines: vec![line("grid", top), line("grid", top / 2), line("base", 0)],
        bars,
        marks: marks.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_chart_is_round_and_even() {
        for (most, top) in [(0, 2), (2, 2), (3, 4), (9, 10), (11, 20), (63, 80), (81, 100), (120, 200)] {
            assert_eq!(nice(most), top, "{most}");
        }
    }

    #[test]
    fn hours_without_requests_are_there_too() {
        let now = Timestamp(100 * HOUR_MS + 17);
        let busy = Hour { hour: Timestamp(99 * HOUR_MS), reads: 3, changes: 2, errors: 1 };
        let hours = every_hour(&[busy], now);
        assert_eq!((hours.len(), hours[22], hours[23].hour), (24, busy, Timestamp(100 * HOUR_MS)));
        let chart = chart(&Zone::utc(now), &hours);
        assert_eq!(chart.views[0].bars.len(), 3);
        assert!(
            chart.label.contains("6 requests") && chart.label.contains("1 error in all"),
            "{}",
            chart.label
        );
    }
}

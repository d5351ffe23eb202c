//! The log of requests: its filters, one page of it, and the open line with cause and bodies.

use askama::Template;

use super::activity::{Line, is_test, line, subjects};
use super::download::Downloads;
use super::error::Fault;
use super::folding::{Folded, folded};
use super::histogram::{Histogram, histogram};
use super::nothing::{chosen, nothing, too_much};
use super::page::{Here, Page, Shell, html, render, with};
use super::paging::{self, Sides, begins, per};
use super::parts::{Chip, Choice, Empty, Notice, Pager, Tab, Tabs};
use super::request::detail;
use super::token::tests_among;
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::{Query, Response};
use crate::service::requests::{self, Requests};
use crate::service::{Error, sentence};
use crate::store::{ActivityQuery, Hour, Spot, Token, Which};

/// New requests are counted up to so many.
const NEWS: u32 = 1000;
/// Characters of a filter.
const LONGEST: usize = 200;

/// What the address asks of the log.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub query: ActivityQuery,
    /// The text is looked for in bodies, within an hour.
    pub in_bodies: bool,
    /// Whether anything narrows the list beside its kind.
    pub narrowed: bool,
    /// Whether more than times narrow it: then the counts of the hours say nothing of it.
    pub picked: bool,
}

impl Asked {
    /// Reads the address. An hour for bodies begins where "From" says, and without it an hour ago.
    pub fn read(asked: &Query, zone: &Zone) -> Asked {
        let get =
            |name: &str| asked.get(name).unwrap_or_default().trim().chars().take(LONGEST).collect::<String>();
        let (q, status) = (get("q"), requests::statuses(&get("status")));
        let which = which(&get("kind"));
        let (mut from, mut to) = (zone.read(&get("from")), zone.read(&get("to")));
        let in_bodies = get("in") == "bodies" && !q.is_empty();
        if in_bodies {
            let latest = Timestamp(zone.now().0 - requests::BODIES_MS);
            let (start, end) = requests::hour_from(from.unwrap_or(latest));
            (from, to) = (Some(start), Some(to.filter(|to| (start..=end).contains(to)).unwrap_or(end)));
        }
        let token = get("token").parse().ok();
        Asked {
            in_bodies,
            picked: !q.is_empty() || status.is_some() || token.is_some(),
            narrowed: !q.is_empty() || status.is_some() || token.is_some() || from.is_some() || to.is_some(),
            query: ActivityQuery {
                // Tabs part the requests without a rest: what was refused stands under Errors alone.
                status: status.or(matches!(which, Which::Changes | Which::Reads).then_some((100, 399))),
                which,
                token,
                text: Some(q).filter(|text| !text.is_empty()),
                from,
                to,
                before: place(&get("after")),
                after: place(&get("before")).filter(|_| get("after").is_empty()),
                limit: per(asked),
            },
        }
    }
}

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    shell: Shell,
    tabs: Tabs,
    downloads: Downloads,
    notices: Vec<Notice>,
    kept: String,
    kind: String,
    q: String,
    zone: String,
    from: String,
    to: String,
    places: Vec<Choice>,
    tokens: Vec<Choice>,
    statuses: Vec<Choice>,
    histogram: Option<Histogram>,
    empty: Option<Empty>,
    rows: Vec<Line>,
    pager: Pager,
}

/// The page.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let asked = page.visit.request.query.clone();
    let zone = page.visit.zone.clone();
    let get = |name: &str| asked.get(name).unwrap_or_default().trim().to_owned();
    let narrowing = Asked::read(&asked, &zone);
    let service = page.visit.desk.service.clone();
    let tokens = service.tokens(page.team.id)?;
    let counted = service.request_hours(page.team.id).await?;
    let hours = &counted.hours;
    let mut notices = Vec::new();
    let found = match search(&service, &page, &narrowing).await {
        Err(Error::Scim(error)) => {
            notices.push(too_much(&error.detail));
            Requests::default()
        }
        found => found?,
    };
    // The list is read after the number of the newest: what comes between is shown, and perhaps counted, but never missed.
    let base = page.base();
    // Bodies are looked through when somebody asks, not with every commit; and an older page has no news.
    let query = &narrowing.query;
    let first = query.before.is_none() && (query.after.is_none() || found.previous.is_none());
    let listens = !narrowing.in_bodies && first && query.to.is_none();
    let lines = lines(&page, &asked, &tokens, &found).await?;
    let path = format!("{base}activity");
    let last = match lines.is_empty() && !hours.is_empty() {
        true => {
            service
                .last_requests(page.team.id, ActivityQuery { limit: 1, ..ActivityQuery::default() })
                .await?
        }
        false => Vec::new(),
    };
    let last = last.first().map(|row| row.activity.at);
    let template = ActivityPage {
        tabs: tabs(&base, &asked, (!narrowing.narrowed).then_some(hours), counted.audited, &get("kind")),
        downloads: Downloads::new(&path, &asked),
        histogram: (!narrowing.picked && !hours.is_empty())
            .then(|| histogram(&zone, &path, &asked, hours, &narrowing.query)),
        kept: sentence::number(service.team_settings(page.team.id)?.keep_requests.into()),
        kind: get("kind"),
        q: get("q"),
        zone: zone.name.clone(),
        from: get("from"),
        to: get("to"),
        places: places(narrowing.in_bodies),
        tokens: token_choices(&tokens, &get("token")),
        statuses: status_choices(&get("status")),
        empty: lines.is_empty().then(|| {
            let filters = filters(&asked, &tokens);
            nothing(&zone, &path, &base, &narrowing, found.next, last, &filters)
        }),
        pager: pager(&path, &asked, &found, total(&asked, &narrowing, hours)),
        rows: lines,
        notices,
        shell: {
            let mut shell = page.shell("Activity", Here::Activity);
            if listens {
                let seen = counted.newest.to_string();
                let query = with(&asked, &[("open", ""), ("page", "activity"), ("seen", &seen)]);
                shell.events = format!("{base}events{query}");
            }
            shell
        },
    };
    html(200, &template)
}

/// What came since the list was made: counted, and shown when it is asked for.
#[derive(Template, Default)]
#[template(path = "parts/activity_news.html")]
struct News {
    href: String,
    words: String,
}

impl askama::filters::HtmlSafe for News {}

/// The news of a list that is open.
pub fn news(page: &Page<'_, '_>) -> Result<String, Fault> {
    let asked = &page.visit.request.query;
    let seen = asked.get("seen").and_then(|seen| seen.parse().ok()).unwrap_or(i64::MAX);
    let query = ActivityQuery {
        limit: NEWS,
        before: None,
        after: None,
        ..Asked::read(asked, &page.visit.zone).query
    };
    let rows = page.visit.desk.service.requests_after(page.team.id, seen, query)?;
    let count = rows.len() as u64;
    render(&News {
        href: format!(
            "{}activity{}",
            page.base(),
            with(asked, &[("seen", ""), ("after", ""), ("before", ""), ("at", ""), ("open", "")])
        ),
        words: match count {
            0 => String::new(),
            _ if rows.len() >= NEWS as usize => format!("{} and more new, show", sentence::number(count)),
            _ => format!("{} new, show", sentence::number(count)),
        },
    })
}

/// The filters that are on, the kind of its tab among them.
fn filters(asked: &Query, tokens: &[Token]) -> [(&'static str, String); 6] {
    let get = |name: &str| asked.get(name).unwrap_or_default().trim().to_owned();
    let token = tokens.iter().find(|token| token.n.to_string() == get("token"));
    [
        ("search", get("q")),
        ("kind", if which(&get("kind")) == Which::All { String::new() } else { get("kind") }),
        ("token", token.map(|token| token.name.clone()).unwrap_or_default()),
        ("status", chosen(&status_choices(&get("status")))),
        ("from", get("from").replace('T', " ")),
        ("to", get("to").replace('T', " ")),
    ]
}

async fn search(
    service: &crate::service::Service,
    page: &Page<'_, '_>,
    asked: &Asked,
) -> Result<Requests, Error> {
    match asked.in_bodies {
        true => service.requests_in_bodies(page.team.id, asked.query.clone()).await,
        false => service.requests(page.team.id, asked.query.clone()).await,
    }
}

async fn lines(
    page: &Page<'_, '_>,
    asked: &Query,
    tokens: &[Token],
    found: &Requests,
) -> Result<Vec<Line>, Fault> {
    let (zone, base) = (&page.visit.zone, page.base());
    let open = asked.get("open").unwrap_or_default();
    let each = asked.get("fold") == Some("no");
    let tests = tests_among(page, subjects(&found.rows))?;
    let mut lines = Vec::new();
    for Folded { rows, count, words } in folded(&found.rows, each) {
        let row = rows[0];
        let mut line = line(zone, &base, tokens, row);
        line.open = rows.iter().any(|row| row.activity.request == open);
        let target = if line.open { "" } else { row.activity.request.as_str() };
        line.href = format!("{base}activity{}#{}", with(asked, &[("open", target)]), row.activity.request);
        if !words.is_empty() {
            line.sub = format!("{words} from {}. {}", row.activity.address, line.sub);
        }
        if line.open {
            let opened = rows.iter().find(|row| row.activity.request == open).unwrap_or(&rows[0]);
            line.detail = Some(detail(page, (*opened).clone(), tokens)?);
            if let Some(detail) = line.detail.as_mut().filter(|_| rows.len() > 1) {
                detail.attempts = words;
                detail.each = format!("{base}activity{}", with(asked, &[("fold", "no"), ("open", "")]));
            }
        }
        line.test = is_test(row, &tests).then(Chip::test);
        line.count = count;
        lines.push(line);
    }
    Ok(lines)
}

fn which(kind: &str) -> Which {
    match kind {
        "changes" => Which::Changes,
        "reads" => Which::Reads,
        "errors" => Which::Errors,
        _ => Which::All,
    }
}

/// The place behind which a page begins: time and number of its last line.
fn place(text: &str) -> Option<Spot> {
    let (at, n) = text.split_once('-')?;
    Some((Timestamp(at.parse().ok()?), n.parse().ok()?))
}

/// Requests of a kind within an hour.
fn counted_as(kind: &str, hour: &Hour) -> u64 {
    match kind {
        "changes" => hour.changes,
        "reads" => hour.reads,
        "errors" => hour.errors,
        _ => hour.changes + hour.reads + hour.errors,
    }
}

/// The tab of what administrators changed, which is a list of its own.
pub const ADMINISTRATORS: &str = "administrators";

/// The tabs of all that happened; what an address asks of the requests goes with their tabs.
pub fn tabs(base: &str, asked: &Query, hours: Option<&Vec<Hour>>, audited: u64, current: &str) -> Tabs {
    let all = [("", "Everything"), ("changes", "Changes"), ("reads", "Reads"), ("errors", "Errors")];
    let known = current == ADMINISTRATORS || all.iter().any(|(kind, _)| *kind == current);
    let count = |kind: &str| {
        hours.map(|hours| sentence::number(hours.iter().map(|hour| counted_as(kind, hour)).sum()))
    };
    let mut tabs: Vec<Tab> = all
        .iter()
        .map(|(kind, text)| Tab {
            href: format!(
                "{base}activity{}",
                with(asked, &[("kind", kind), ("after", ""), ("before", ""), ("at", ""), ("open", "")])
            ),
            text,
            count: count(kind),
            current: current == *kind || (!known && kind.is_empty()),
        })
        .collect();
    tabs.push(Tab {
        href: format!("{base}activity/{ADMINISTRATORS}"),
        text: "Administrators",
        count: Some(sentence::number(audited)),
        current: current == ADMINISTRATORS,
    });
    Tabs { label: "Kind", tabs }
}

fn choice(value: impl Into<String>, text: impl Into<String>, chosen: &str) -> Choice {
    let value = value.into();
    Choice { selected: value == chosen, text: text.into(), value }
}

fn places(in_bodies: bool) -> Vec<Choice> {
    let chosen = if in_bodies { "bodies" } else { "" };
    vec![
        choice("", "Sentences, names, IDs", chosen),
        choice("bodies", "Bodies, one hour from “From”", chosen),
    ]
}

fn token_choices(tokens: &[Token], chosen: &str) -> Vec<Choice> {
    let text = |token: &Token| match token.revoked {
        Some(_) => format!("{} (revoked)", token.name),
        None => token.name.clone(),
    };
    let mut choices: Vec<Choice> =
        tokens.iter().map(|token| choice(token.n.to_string(), text(token), chosen)).collect();
    choices.sort_by(|a, b| a.text.cmp(&b.text));
    choices
}

fn status_choices(chosen: &str) -> Vec<Choice> {
    let usual = ["2xx", "4xx", "5xx", "200", "201", "204", "400", "401", "403", "404", "409", "412", "500"];
    let mut all = vec![choice("", "Any", chosen)];
    all.extend(usual.iter().map(|status| choice(*status, *status, chosen)));
    if !usual.contains(&chosen) && requests::statuses(chosen).is_some() {
        all.push(choice(chosen, chosen, chosen));
    }
    all
}

/// How many requests the log holds of a kind, where nothing else narrows it.
fn total(asked: &Query, narrowing: &Asked, hours: &[Hour]) -> Option<u64> {
    let kind = asked.get("kind").unwrap_or_default();
    (!narrowing.narrowed).then(|| hours.iter().map(|hour| counted_as(kind, hour)).sum())
}

fn pager(path: &str, asked: &Query, found: &Requests, total: Option<u64>) -> Pager {
    // One row may stand for many requests that were alike.
    let shown = found.rows.iter().map(|row| row.activity.folded.max(1)).sum();
    let spot = |(at, n): Spot| format!("{}-{n}", at.0);
    let sides = Sides {
        at: begins(asked, (found.previous.is_some(), found.next.is_some()), shown, total),
        previous: found.previous.map(spot),
        next: found.next.map(spot),
        shown,
        total,
    };
    let foot = paging::pager(path, asked, "requests", &sides);
    Pager { text: format!("{}. Newest first.", foot.text), back: "Newer", forth: "Older", ..foot }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_time_and_a_number() {
        assert_eq!(place("1795462931120-17"), Some((Timestamp(1_795_462_931_120), 17)));
        assert_eq!(place("x"), None);
        assert_eq!(place(""), None);
    }

    #[test]
    fn the_address_says_what_is_looked_for_and_bodies_within_an_hour_only() {
        let now = Timestamp::parse("2026-11-23T16:00:00Z").expect("an instant");
        let zone = Zone::utc(now);
        let read = |text: &str| Asked::read(&Query::parse(text), &zone);
        let asked = read("q=mei&status=4xx&kind=changes&token=7&after=5-6&unknown=1");
        assert_eq!(asked.query.text.as_deref(), Some("mei"));
        assert_eq!((asked.query.status, asked.query.token), (Some((400, 499)), Some(7)));
        assert_eq!(asked.query.before, Some((Timestamp(5), 6)));
        assert_eq!(read("kind=changes").query.status, Some((100, 399)));
        let hours = |text: &str| {
            let query = read(text).query;
            (query.from.map(|at| now.since(at)), query.to.map(|at| now.since(at)))
        };
        const HOUR: i64 = 3_600_000;
        assert_eq!(hours("q=x&in=bodies"), (Some(HOUR), Some(0)));
        assert_eq!(hours("q=x&in=bodies&from=2026-11-23T10:00"), (Some(6 * HOUR), Some(5 * HOUR)));
        assert_eq!(
            hours("q=x&in=bodies&from=2026-11-23T10:00&to=2026-11-23T15:00"),
            (Some(6 * HOUR), Some(5 * HOUR))
        );
        assert_eq!(hours("q=&in=bodies"), (None, None));
    }
}

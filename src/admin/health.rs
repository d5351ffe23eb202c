//! System health: what this server knows of its file, disk, certificate and speed, each check with what to do next.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;

use super::Desk;
use super::disk::{disk, uses};
use super::error::Fault;
use super::live;
use super::page::{Here, Page, Shell, html, render};
use super::parts::{Check, Facts, Icon, Link, Notice, When, clipped, counted};
use super::said::Said;
use super::when::{Zone, duration};
use crate::base::Timestamp;
use crate::http::Response;
use crate::service::health::{Health, Load};
use crate::service::machine::{self, ClockState};
use crate::service::outside::FromOutside;
use crate::service::sentence::number;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A certificate that ends sooner than this wants attention.
const CERTIFICATE_DAYS: i64 = 14;
/// Answers that take longer than a second get no tick.
const SLOW_US: u64 = 1_000_000;
struct Figure {
    name: &'static str,
    number: String,
    unit: String,
}

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    shell: Shell,
    live: Live,
}

/// Everything on the page that changes.
#[derive(Template)]
#[template(path = "parts/health_live.html")]
struct Live {
    base: String,
    here: String,
    checked: When,
    lead: String,
    glyph: Icon,
    notices: Vec<Notice>,
    checks: Vec<Check>,
    /// How many hundredths of the disk are used, and whether that is much.
    used: Option<(u64, &'static str)>,
    uses: Facts,
    looked: String,
    figures: Vec<Figure>,
}

impl HtmlSafe for Live {}

/// The page; each visit looks anew, and while it is open it looks again by itself.
pub async fn health(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let live = gathered(&page).await?;
    let mut shell = page.shell("System health", Here::Health);
    shell.events = format!("{}events?page=health", shell.base);
    html(200, &HealthPage { shell, live })
}

/// The page's parts as they are now.
pub async fn live(page: &Page<'_, '_>) -> Result<String, Fault> {
    render(&gathered(page).await?)
}

async fn gathered(page: &Page<'_, '_>) -> Result<Live, Fault> {
    let zone = page.visit.zone.clone();
    let desk = page.visit.desk;
    let found = desk.service.health(page.team.id).await?;
    if let Some(n) = found.audit_wrong {
        // A chain that was broken stays so; from now on every page knows.
        let _ = desk.audit_wrong.set(n);
    }
    let base = page.base();
    let disk = disk(found.room, &found.disk);
    let checks = checks(desk, &zone, &found);
    let notices = checks.iter().filter(|check| is_failing(check)).map(|check| notice(&base, check)).collect();
    let (uses, looked) = uses(&zone, found.disk.uses.as_ref());
    let (version, running) = (env!("CARGO_PKG_VERSION"), running(zone.now().since(desk.started)));
    let again = live::HEALTH.as_secs();
    Ok(Live {
        checked: zone.ago(zone.now()),
        lead: format!("again every {again} s while this page is live. Version {version}, running {running}."),
        glyph: Icon { name: "download" },
        notices,
        checks,
        used: disk.map(|disk| (disk.used, disk.check.kind)),
        uses: Facts { facts: uses },
        looked,
        figures: figures(&found),
        here: format!("{base}health-status"),
        base,
    })
}

/// All checks, in the order of the page; the disk is the last.
pub fn checks(desk: &Desk, zone: &Zone, found: &Health) -> Vec<Check> {
    let ends = desk.options.certificate_ends.as_ref().and_then(|ends| ends());
    let mut checks = vec![
        outside(zone, desk.options.secure, found.outside.as_ref()),
        certificate(zone, desk.options.secure, desk.options.self_signed, ends),
        database(found),
        audit(found),
    ];
    checks.extend(found.clock.map(clock));
    checks.extend(disk(found.room, &found.disk).map(|disk| disk.check));
    checks
}

fn is_failing(check: &Check) -> bool {
    matches!(check.kind, "bad" | "warn")
}

/// What the overview shows of it: what costs little to look at.
pub fn brief(desk: &Desk, zone: &Zone) -> Vec<Check> {
    let store = desk.service.store();
    let found = Health {
        room: store.room(),
        writable: store.writable(),
        broken: store.broken(),
        // A file that cannot be read is told of above.
        disk: desk.service.disk().unwrap_or_default(),
        ..Health::default()
    };
    let ends = desk.options.certificate_ends.as_ref().and_then(|ends| ends());
    let mut checks =
        vec![certificate(zone, desk.options.secure, desk.options.self_signed, ends), database(&found)];
    checks.extend(disk(found.room, &found.disk).map(|disk| disk.check));
    if let Some(n) = desk.audit_wrong.get() {
        checks.push(audit(&Health { audit_wrong: Some(*n), ..Health::default() }));
    }
    for check in checks.iter_mut().filter(|check| check.kind == "ok") {
        check.sub = Said::default();
    }
    checks
}

/// The same in a few words, for the foot of every page.
pub fn in_a_word(desk: &Desk, zone: &Zone) -> String {
    let mut checks = brief(desk, zone);
    checks.extend(clock_if_wrong());
    words(&checks)
}

/// The clock's check, where it does not pass.
pub fn clock_if_wrong() -> Option<Check> {
    machine::clock().map(clock).filter(|check| check.kind != "ok")
}

fn words(checks: &[Check]) -> String {
    match checks.iter().filter(|check| check.kind != "ok").count() {
        0 => "All checks pass".to_owned(),
        1 => "All checks pass but one".to_owned(),
        n => format!("{n} checks do not pass"),
    }
}

/// How fast the latest answers were; nothing is said of none.
pub fn answers(found: &Load) -> Option<Check> {
    (found.requests > 0).then(|| Check {
        // No word of whether that is good: it depends on the machine and on what was asked.
        kind: if found.p99 < SLOW_US { "ok" } else { "idle" },
        title: "Answer time".into(),
        at: format!("p99 {}", duration(found.p99)),
        sub: format!("Of the latest {}", counted(found.requests, "request")).into(),
    })
}

/// The notice of a check that failed: the same words, above everything else, and where to go on, if on these pages.
fn notice(base: &str, check: &Check) -> Notice {
    let on = match check.title.as_str() {
        "Certificate" => Some(("connect", "See what providers need")),
        "Disk" => Some(("team", "Change retention")),
        AUDIT => Some(("activity/administrators", "See what was changed")),
        // The machine's own business; its words say what to do there.
        "Clock" => None,
        _ => Some(("health-status/support", "Support file")),
    };
    Notice {
        kind: check.kind,
        title: format!("{}: {}", check.title, check.at),
        text: check.sub.clone(),
        link: on.map(|(page, text)| Link::new(format!("{base}{page}"), text)),
        alert: false,
    }
}

/// Whether somebody reached it as a provider would. That nobody did yet is nothing bad.
fn outside(zone: &Zone, secure: bool, seen: Option<&FromOutside>) -> Check {
    match seen {
        Some(seen) => Check {
            kind: "ok",
            title: format!("Reached from outside as {}", clipped(&seen.name, 100)),
            at: zone.beneath(seen.at),
            sub: Said::plain("Last from ").mono(&seen.address),
        },
        None => Check {
            kind: "todo",
            title: "Reached from outside".into(),
            at: "Not seen yet".into(),
            sub: match secure {
                true => "Shown by the first request over TLS, by the public name and from a public address."
                    .into(),
                false => "What a proxy in front of scimd receives cannot be seen from here.".into(),
            },
        },
    }
}

fn clock(state: ClockState) -> Check {
    let (kind, at, sub) = match state {
        ClockState::Synchronised { within_us } => {
            let within = duration(within_us.max(0) as u64);
            ("ok", "Synchronised", format!("Right to within {within}, as the system says"))
        }
        ClockState::Unsynchronised => (
            "warn",
            "Not synchronised",
            "The system says that nothing keeps its clock right. Turn that on (systemd-timesyncd or chrony): a wrong clock \
             shifts when tokens expire, codes of authenticator apps and every time in the log."
                .to_owned(),
        ),
    };
    Check { kind, title: "Clock".into(), at: at.into(), sub: sub.into() }
}

const AUDIT: &str = "Audit log chain";

fn certificate(zone: &Zone, secure: bool, own: bool, ends: Option<Timestamp>) -> Check {
    let title = "Certificate".to_owned();
    let Some(ends) = ends else {
        let (at, sub) = match secure {
            true => ("Cannot be read", "Look into the log of the server."),
            false => ("Without TLS", "A proxy in front must speak HTTPS: providers call nothing else."),
        };
        return Check { kind: "warn", title, at: at.into(), sub: sub.into() };
    };
    let days = ends.since(zone.now()).div_euclid(DAY_MS);
    let until = format!("Until {}.", zone.date(ends));
    let (kind, sub): (_, Said) = match (own, days) {
        (_, ..0) => {
            ("bad", "Providers refuse it. Put a new one in place; scimd takes it over by itself.".into())
        }
        (true, _) => {
            let said = Said::plain("Made by scimd itself: providers refuse it. Start scimd with ");
            ("warn", said.mono("--tls files").and(" and one that is publicly trusted."))
        }
        (_, 0..CERTIFICATE_DAYS) => {
            ("warn", format!("{until} Renew it and put it in place; scimd takes it over by itself.").into())
        }
        _ => ("ok", until.into()),
    };
    let at = match own {
        _ if days < 0 => "Has ended".to_owned(),
        true => "Self-signed".to_owned(),
        false => format!("{} left", counted(days as u64, "day")),
    };
    Check { kind, title, at, sub }
}

fn database(found: &Health) -> Check {
    let title = "Database".to_owned();
    let size = bytes(found.room.file);
    match (&found.broken, found.writable) {
        (Some(why), _) => Check {
            kind: "bad",
            title,
            at: "Broken".into(),
            sub: Said::plain(format!("{why}. Stop scimd and run ")).mono("scimd check").and("."),
        },
        (None, false) => Check {
            kind: "bad",
            title,
            at: "Cannot be written".into(),
            sub: "Changes are refused and nothing is lost. Make room on the disk; scimd goes on by itself."
                .into(),
        },
        (None, true) => Check {
            kind: "ok",
            title,
            at: size,
            sub: Said::plain("Can be read and written. ")
                .mono("scimd check")
                .and(" proves every page of the file."),
        },
    }
}

fn audit(found: &Health) -> Check {
    let title = AUDIT.to_owned();
    match found.audit_wrong {
        None => Check {
            kind: "ok",
            title,
            at: if found.audit == 1 { "1 entry".into() } else { format!("{} entries", number(found.audit)) },
            sub: "Every entry’s hash fits the one before".into(),
        },
        Some(n) => Check {
            kind: "bad",
            title,
            at: format!("Wrong from entry {n} on"),
            sub: "Somebody changed the file without scimd. Keep a copy of it and find out who could.".into(),
        },
    }
}

fn figures(found: &Health) -> Vec<Figure> {
    let figure = |name, text: String| {
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        Figure { name, number: number.to_owned(), unit: unit.to_owned() }
    };
    let none = |text: String| if found.load.requests == 0 { "–".to_owned() } else { text };
    let more = if found.load.more { "+" } else { "" };
    let mut figures = vec![
        figure("Requests", format!("{}{more}", number(found.load.requests))),
        figure("Median", none(duration(found.load.median))),
        figure("p99", none(duration(found.load.p99))),
    ];
    figures.extend(found.memory.map(|memory| figure("Memory", bytes(memory))));
    figures
}

/// A size in a few digits: `38 MB`, `9.8 GB`.
pub fn bytes(n: u64) -> String {
    let mut size = n as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size < 1000.0 {
            return if size < 10.0 && unit != "bytes" {
                format!("{size:.1} {unit}")
            } else {
                format!("{size:.0} {unit}")
            };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

fn running(ms: i64) -> String {
    let time = Duration::from_millis(ms.max(0) as u64).as_secs();
    match time {
        0..120 => "for less than two minutes".to_owned(),
        120..7200 => format!("for {} minutes", time / 60),
        7200..172_800 => format!("for {} hours", time / 3600),
        _ => format!("for {} days", time / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (n, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1500, "1.5 kB"),
            (38_000_000, "38 MB"),
            (16_200_000_000, "16 GB"),
            (2_500_000_000_000, "2.5 TB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn every_page_says_how_many_checks_do_not_pass() {
        let check = |kind| Check { kind, ..Check::default() };
        assert_eq!(words(&[check("ok"), check("ok")]), "All checks pass");
        assert_eq!(words(&[check("ok"), check("warn")]), "All checks pass but one");
        assert_eq!(words(&[check("bad"), check("warn")]), "2 checks do not pass");
        assert!(answers(&Load::default()).is_none());
        let answers = answers(&Load { requests: 3, p99: 9000, ..Load::default() }).expect("a check");
        assert_eq!((answers.kind, answers.at.as_str()), ("ok", "p99 9 ms"));
    }

    #[test]
    fn a_check_says_what_is_wrong_before_it_hurts() {
        let zone = Zone::utc(Timestamp(0));
        let ends = |days: i64| certificate(&zone, true, false, Some(Timestamp(days * DAY_MS))).kind;
        assert_eq!((ends(90), ends(13), ends(-1)), ("ok", "warn", "bad"));
        assert_eq!(certificate(&zone, true, true, Some(Timestamp(90 * DAY_MS))).kind, "warn");
        let broken = Health { writable: true, audit_wrong: Some(7), ..Health::default() };
        assert_eq!((database(&broken).kind, audit(&broken).kind), ("ok", "bad"));
        assert_eq!(database(&Health::default()).kind, "bad");
    }

    #[test]
    fn each_failing_check_is_a_notice_with_a_way_on() {
        let on = |check: Check| {
            let notice = notice("/admin/t/a/", &check);
            assert!(is_failing(&check) && !notice.text.is_empty(), "{check:?}");
            notice.link.map(|link| link.href)
        };
        assert_eq!(on(database(&Health::default())).as_deref(), Some("/admin/t/a/health-status/support"));
        assert_eq!(on(clock(ClockState::Unsynchronised)), None, "what to do is done elsewhere");
        let good = clock(ClockState::Synchronised { within_us: 4200 });
        assert_eq!((good.kind, good.sub.text().as_str()), ("ok", "Right to within 4 ms, as the system says"));
    }

    #[test]
    fn not_reached_from_outside_yet_is_nothing_bad() {
        let zone = Zone::utc(Timestamp(60_000));
        let none = outside(&zone, true, None);
        assert_eq!((none.kind, none.at.as_str(), is_failing(&none)), ("todo", "Not seen yet", false));
        let seen = FromOutside {
            at: Timestamp(2000),
            address: "203.0.113.24".into(),
            name: "scim.example.com".into(),
        };
        let seen = outside(&zone, true, Some(&seen));
        assert_eq!((seen.kind, seen.title.as_str()), ("ok", "Reached from outside as scim.example.com"));
        assert_eq!(seen.at, "00:00:02");
    }
}

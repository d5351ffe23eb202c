//! System health: what this server knows of its file, disk, certificate and speed, each check with what to do next.

use std::time::Duration;

use askama::Template;

use super::Desk;
use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Check, Notice, counted};
use super::when::{Zone, duration};
use crate::base::Timestamp;
use crate::http::Response;
use crate::service::health::{Health, Load};
use crate::service::sentence::number;
use crate::store::Room;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A certificate that ends sooner than this wants attention.
const CERTIFICATE_DAYS: i64 = 14;
/// Answers that take longer than a second get no tick.
const SLOW_US: u64 = 1_000_000;
/// A disk with less than this much in a hundred left wants attention, and with the second is an emergency.
const LOW: (u64, u64) = (15, 5);

struct Figure {
    name: &'static str,
    number: String,
    unit: String,
}

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    shell: Shell,
    lead: String,
    notices: Vec<Notice>,
    checks: Vec<Check>,
    disk: Option<Disk>,
    figures: Vec<Figure>,
}

struct Disk {
    check: Check,
    used: u64,
}

/// The page; each visit looks anew.
pub async fn health(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let desk = page.visit.desk;
    let found = desk.service.health(page.team.id).await?;
    if let Some(n) = found.audit_wrong {
        // A chain that was broken stays so; from now on every page knows.
        let _ = desk.audit_wrong.set(n);
    }
    let ends = desk.options.certificate_ends.as_ref().and_then(|ends| ends());
    let mut checks = vec![certificate(&zone, desk.options.secure, desk.options.self_signed, ends)];
    checks.extend([database(&found), audit(&found)]);
    let disk = disk(found.room);
    let all = checks.iter().chain(disk.as_ref().map(|disk| &disk.check));
    let notices = all.filter(|check| check.kind == "bad").map(notice).collect();
    let template = HealthPage {
        lead: format!(
            "Checked just now. Version {}, running {}.",
            env!("CARGO_PKG_VERSION"),
            running(zone.now().since(desk.started))
        ),
        notices,
        checks,
        disk,
        figures: figures(&found),
        shell: page.shell("System health", Here::Health),
    };
    html(200, &template)
}

/// What the overview shows of it: what costs little to look at.
pub fn brief(desk: &Desk, zone: &Zone) -> Vec<Check> {
    let store = desk.service.store();
    let found = Health {
        room: store.room(),
        writable: store.writable(),
        broken: store.broken(),
        ..Health::default()
    };
    let ends = desk.options.certificate_ends.as_ref().and_then(|ends| ends());
    let mut checks =
        vec![certificate(zone, desk.options.secure, desk.options.self_signed, ends), database(&found)];
    checks.extend(disk(found.room).map(|disk| disk.check));
    if let Some(n) = desk.audit_wrong.get() {
        checks.push(audit(&Health { audit_wrong: Some(*n), ..Health::default() }));
    }
    for check in checks.iter_mut().filter(|check| check.kind == "ok") {
        check.sub.clear();
    }
    checks
}

/// The same in a few words, for the foot of every page.
pub fn in_a_word(desk: &Desk, zone: &Zone) -> String {
    words(&brief(desk, zone))
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
        sub: format!("Of the latest {}", counted(found.requests, "request")),
        mono: false,
    })
}

/// The notice of a check that failed: the same words, above everything else.
fn notice(check: &Check) -> Notice {
    Notice {
        kind: "bad",
        title: format!("{}: {}", check.title, check.at),
        text: check.sub.clone(),
        ..Notice::default()
    }
}

fn certificate(zone: &Zone, secure: bool, own: bool, ends: Option<Timestamp>) -> Check {
    let title = "Certificate".to_owned();
    let Some(ends) = ends else {
        let (at, sub) = match secure {
            true => ("Cannot be read", "Look into the log of the server."),
            false => ("Without TLS", "A proxy in front must speak HTTPS: providers call nothing else."),
        };
        return Check { kind: "warn", title, at: at.into(), sub: sub.into(), mono: false };
    };
    let days = ends.since(zone.now()).div_euclid(DAY_MS);
    let until = format!("Until {}.", zone.date(ends));
    let (kind, sub) = match (own, days) {
        (_, ..0) => {
            ("bad", "Providers refuse it. Put a new one in place; scimd takes it over by itself.".into())
        }
        (true, _) => ("warn", format!("{until} Made by scimd itself: providers refuse it. Use --tls files.")),
        (_, 0..CERTIFICATE_DAYS) => {
            ("warn", format!("{until} Renew it and put it in place; scimd takes it over by itself."))
        }
        _ => ("ok", until),
    };
    let at = if days < 0 { "Has ended".to_owned() } else { format!("{} left", counted(days as u64, "day")) };
    Check { kind, title, at, sub, mono: false }
}

fn database(found: &Health) -> Check {
    let title = "Database".to_owned();
    let size = bytes(found.room.file);
    match (&found.broken, found.writable) {
        (Some(why), _) => Check {
            kind: "bad",
            title,
            at: "Broken".into(),
            sub: format!("{why}. Stop scimd and run scimd check."),
            mono: false,
        },
        (None, false) => Check {
            kind: "bad",
            title,
            at: "Cannot be written".into(),
            sub: "Changes are refused and nothing is lost. Make room on the disk; scimd goes on by itself."
                .into(),
            mono: false,
        },
        (None, true) => Check {
            kind: "ok",
            title,
            at: size,
            sub: "Can be read and written. scimd check proves every page of the file.".into(),
            mono: false,
        },
    }
}

fn audit(found: &Health) -> Check {
    let title = "Audit log chain".to_owned();
    match found.audit_wrong {
        None => Check {
            kind: "ok",
            title,
            at: if found.audit == 1 { "1 entry".into() } else { format!("{} entries", number(found.audit)) },
            sub: "Every entry’s hash fits the one before".into(),
            mono: false,
        },
        Some(n) => Check {
            kind: "bad",
            title,
            at: format!("Wrong from entry {n} on"),
            sub: "Somebody changed the file without scimd. Keep a copy of it and find out who could.".into(),
            mono: false,
        },
    }
}

fn disk(room: Room) -> Option<Disk> {
    let (free, disk) = (room.free?, room.disk.filter(|disk| *disk > 0)?);
    let left = free.saturating_mul(100) / disk;
    let (kind, sub) = match left {
        _ if left < LOW.1 => ("bad", "Make room, or give the machine a larger disk."),
        _ if left < LOW.0 => ("warn", "Make room soon, or give the machine a larger disk."),
        _ => ("ok", ""),
    };
    Some(Disk {
        check: Check {
            kind,
            title: "Disk".into(),
            at: format!("{} of {} free", bytes(free), bytes(disk)),
            sub: sub.into(),
            mono: false,
        },
        used: 100 - left.min(100),
    })
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

/// A size in a few digits: `38 MB`, `16.2 GB`.
/// A size in words, short.
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
        let room =
            |free| disk(Room { file: 1, free: Some(free), disk: Some(1000) }).map(|disk| disk.check.kind);
        assert_eq!((room(500), room(149), room(49)), (Some("ok"), Some("warn"), Some("bad")));
        assert!(disk(Room::default()).is_none(), "what is not known is not shown");
        let broken = Health { writable: true, audit_wrong: Some(7), ..Health::default() };
        assert_eq!((database(&broken).kind, audit(&broken).kind), ("ok", "bad"));
        assert_eq!(database(&Health::default()).kind, "bad");
    }
}

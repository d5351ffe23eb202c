//! The disk on the page of system health: how full it is and when it will be full, and what uses it.

use super::health::bytes;
use super::parts::{Check, Fact, counted};
use super::when::Zone;
use crate::base::Timestamp;
use crate::service::disk::{Disk as Known, Forecast, forecast};
use crate::store::{Room, Uses};

/// A disk with less than this much in a hundred left wants attention, and with the second is an emergency.
const LOW: (u64, u64) = (15, 5);
/// A disk that is full within so many days wants attention, and within the second is an emergency.
const SOON: (i64, i64) = (56, 7);

/// The check, with how many hundredths of the disk are used.
pub struct Disk {
    pub check: Check,
    pub used: u64,
}

/// How full the disk is, and when it will be full.
pub fn disk(room: Room, known: &Known) -> Option<Disk> {
    let (free, disk) = (room.free?, room.disk.filter(|disk| *disk > 0)?);
    let left = free.saturating_mul(100) / disk;
    let forecast = forecast(&known.days, free);
    let full = match forecast {
        Forecast::Full { days } => days,
        _ => i64::MAX,
    };
    let kind = match () {
        () if left < LOW.1 || full < SOON.1 => "bad",
        () if left < LOW.0 || full < SOON.0 => "warn",
        () => "ok",
    };
    let log =
        known.uses.is_some_and(|(_, uses)| uses.requests > uses.events.max(uses.directory).max(uses.other));
    let advice = match (kind, log) {
        ("ok", _) => "",
        (_, true) => {
            "The request log is the largest part of the file: shorten how long it is kept, or give the machine a larger disk."
        }
        _ => "Make room, or give the machine a larger disk.",
    };
    let said = words(forecast);
    Some(Disk {
        check: Check {
            kind,
            title: "Disk".into(),
            at: format!("{} of {} free", bytes(free), bytes(disk)),
            sub: format!("{said} {advice}").trim().into(),
        },
        used: 100 - left.min(100),
    })
}

fn words(forecast: Forecast) -> String {
    let full = |n: i64, unit| format!("At this rate it is full in about {}.", counted(n as u64, unit));
    match forecast {
        Forecast::TooEarly { days: 0 } => "How fast it fills is known after a week.".into(),
        Forecast::TooEarly { days } => {
            format!(
                "How fast it fills is known after a week; there are records of {} now.",
                counted(days as u64, "day")
            )
        }
        Forecast::Steady => "At this rate it does not fill.".into(),
        Forecast::Full { days: ..=1 } => "At this rate it is full within a day or two.".into(),
        Forecast::Full { days: days @ ..=20 } => full(days, "day"),
        Forecast::Full { days: days @ ..=120 } => full((days + 3) / 7, "week"),
        Forecast::Full { days } => full((days + 15) / 30, "month"),
    }
}

/// What uses the disk, the largest first, and when that was looked at.
pub fn uses(zone: &Zone, found: Option<&(Timestamp, Uses)>) -> (Vec<Fact>, String) {
    let Some((at, uses)) = found else {
        return (
            Vec::new(),
            "Not known yet: the file is looked through after a start, then once a day.".into(),
        );
    };
    let mut parts = [
        ("Request log", uses.requests),
        ("Events and history", uses.events),
        ("Directory", uses.directory),
        ("Other", uses.other),
        ("Free, used again", uses.free),
    ];
    parts[..3].sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let facts = parts.into_iter().map(|(name, size)| Fact::new(name, bytes(size))).collect();
    (facts, format!("Within the database, looked through {}; once a day.", zone.relative(*at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SizeDay;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;

    fn room(free: u64) -> Room {
        Room { file: 1, free: Some(free), disk: Some(1000) }
    }

    #[test]
    fn little_room_wants_attention_and_what_is_not_known_is_not_shown() {
        let kind = |free| disk(room(free), &Known::default()).map(|disk| disk.check.kind);
        assert_eq!((kind(500), kind(149), kind(49)), (Some("ok"), Some("warn"), Some("bad")));
        assert!(disk(Room::default(), &Known::default()).is_none());
    }

    #[test]
    fn a_disk_that_fills_is_told_of_before_it_is_full() {
        let told = |rate: u64, count: i64| {
            let days: Vec<SizeDay> = (0..count)
                .map(|n| SizeDay { day: Timestamp(n * DAY_MS), file: 1, used: n as u64 * rate })
                .collect();
            let check = disk(room(490), &Known { days, uses: None }).expect("known").check;
            (check.kind, check.sub.text())
        };
        let (kind, sub) = told(10, 30);
        assert_eq!(kind, "warn");
        assert!(sub.starts_with("At this rate it is full in about 7 weeks. Make room"), "{sub}");
        assert_eq!(told(100, 30).0, "bad");
        assert_eq!(told(2, 30), ("ok", "At this rate it is full in about 8 months.".into()));
        assert_eq!(told(0, 30), ("ok", "At this rate it does not fill.".into()));
        let early = "How fast it fills is known after a week; there are records of 3 days now.";
        assert_eq!(told(100, 3), ("ok", early.into()));
    }

    #[test]
    fn the_largest_part_is_named_first_and_in_the_advice() {
        let uses_of =
            Uses { requests: 9_800_000_000, events: 12_000_000, directory: 2_100_000_000, ..Uses::default() };
        let zone = Zone::utc(Timestamp(DAY_MS));
        let (facts, said) = uses(&zone, Some(&(Timestamp(DAY_MS - 3_600_000), uses_of)));
        let names: Vec<&str> = facts.iter().map(|fact| fact.name.as_str()).collect();
        assert_eq!(names, ["Request log", "Directory", "Events and history", "Other", "Free, used again"]);
        assert_eq!((facts[0].text.as_str(), facts[2].text.as_str()), ("9.8 GB", "12 MB"));
        assert!(said.contains("1 h ago"), "{said}");
        let known = Known { days: Vec::new(), uses: Some((Timestamp(0), uses_of)) };
        let sub = disk(room(100), &known).expect("known").check.sub.text();
        assert!(sub.contains("The request log is the largest part"), "{sub}");
        assert!(uses(&zone, None).0.is_empty());
    }
}

//! Times as people read them: relative in lists, absolute in logs, in UTC or in a zone that the reader chose.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ZonedDateTime};

use super::parts::When;
use crate::base::Timestamp;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The zone in which a reader wants to see times, and the present.
#[derive(Clone, Debug)]
pub struct Zone {
    /// `UTC`, or a name such as `Europe/Berlin`.
    pub name: String,
    zone: TimeZone,
    now: Timestamp,
}

impl Zone {
    /// UTC.
    pub fn utc(now: Timestamp) -> Zone {
        Zone { name: "UTC".into(), zone: TimeZone::UTC, now }
    }

    /// A zone by its name; UTC when there is none of that name.
    pub fn named(name: &str, now: Timestamp) -> Zone {
        if name == "UTC" || name.len() > 64 {
            return Zone::utc(now);
        }
        match TimeZone::get(name) {
            Ok(zone) => Zone { name: name.to_owned(), zone, now },
            Err(_) => Zone::utc(now),
        }
    }

    /// Whether there is a zone of that name.
    pub fn exists(name: &str) -> bool {
        name.len() <= 64 && TimeZone::get(name).is_ok()
    }

    /// The names of all zones.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .filter(|name| name.contains('/') || name == "UTC")
            .filter(|name| !name.starts_with("Etc/") && !name.starts_with("SystemV/"))
            .collect();
        names.sort();
        names
    }

    /// Whether times are shown in another zone than UTC.
    pub fn is_local(&self) -> bool {
        self.name != "UTC"
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The beginning of today.
    pub fn today(&self) -> Timestamp {
        let start = self.zoned(self.now).start_of_day();
        start.map_or(self.now, |start| Timestamp(start.timestamp().as_millisecond()))
    }

    /// `16:02:11`
    pub fn time(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M:%S").to_string()
    }

    /// `17:00`
    pub fn minute(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    /// `2026-11-23`
    pub fn date(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%d").to_string()
    }

    /// `Today`, `Yesterday`, `Thursday 19 November`, with the year when it is another.
    pub fn day(&self, at: Timestamp) -> String {
        let (then, now) = (self.zoned(at), self.zoned(self.now));
        let days = (now.date() - then.date()).get_days();
        match days {
            0 if now.date() == then.date() => "Today".to_owned(),
            1 => "Yesterday".to_owned(),
            _ if then.year() == now.year() => then.strftime("%A %-d %B").to_string(),
            _ => then.strftime("%A %-d %B %Y").to_string(),
        }
    }

    /// `23 November 2026 at 16:02:11 UTC`
    pub fn long(&self, at: Timestamp) -> String {
        format!("{} {}", self.zoned(at).strftime("%-d %B %Y at %H:%M:%S"), self.name)
    }

    /// `today at 16:02:11 UTC`, `on 19 November 2026 at 08:04:50 UTC`: an instant within a sentence.
    pub fn spoken(&self, at: Timestamp) -> String {
        match self.day(at).as_str() {
            day @ ("Today" | "Yesterday") => {
                format!("{} at {} {}", day.to_lowercase(), self.time(at), self.name)
            }
            _ => format!("on {}", self.long(at)),
        }
    }

    /// `30 November at 15:20 UTC`, with the year when it is another: an end within a sentence.
    pub fn until(&self, at: Timestamp) -> String {
        let (then, now) = (self.zoned(at), self.zoned(self.now));
        let form = if then.year() == now.year() { "%-d %B at %H:%M" } else { "%-d %B %Y at %H:%M" };
        format!("{} {}", then.strftime(form), self.name)
    }

    /// `17:00 Mon 23 Nov`: an hour on an axis.
    pub fn moment(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M %a %-d %b").to_string()
    }

    /// An instant as a `datetime-local` field holds it.
    pub fn field(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// What a `datetime-local` field sent, as an instant.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let civil: DateTime = text.trim().parse().ok()?;
        let zoned = self.zone.to_ambiguous_zoned_datetime(civil).compatible().ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// How long ago or how soon: `4 min ago`, `yesterday`, `20 Nov`, `in 7 days`.
    pub fn relative(&self, at: Timestamp) -> String {
        let age = self.now.since(at);
        if age < 0 {
            return soon(-age);
        }
        let (then, now) = (self.zoned(at), self.zoned(self.now));
        let days = (now.date() - then.date()).get_days();
        match age {
            _ if age < 5 * SECOND => "just now".to_owned(),
            _ if age < MINUTE => format!("{} s ago", age / SECOND),
            _ if age < HOUR => format!("{} min ago", age / MINUTE),
            _ if age < DAY && days == 0 || age < 6 * HOUR => format!("{} h ago", age / HOUR),
            _ if days == 1 => "yesterday".to_owned(),
            _ if age < 7 * DAY => format!("{days} days ago"),
            _ if then.year() == now.year() => then.strftime("%-d %b").to_string(),
            _ => then.strftime("%-d %b %Y").to_string(),
        }
    }

    /// A relative time with the absolute one behind it.
    pub fn ago(&self, at: Timestamp) -> When {
        let age = self.now.since(at);
        When {
            iso: at.render(),
            text: self.relative(at),
            title: self.long(at),
            live: (0..DAY).contains(&age) && self.relative(at) != "yesterday",
        }
    }

    /// Whether it is a Saturday or Sunday there.
    pub fn is_weekend(&self, at: Timestamp) -> bool {
        use jiff::civil::Weekday::{Saturday, Sunday};
        matches!(self.zoned(at).weekday(), Saturday | Sunday)
    }

    /// The time of day, or the date where it was another day: what stands beneath a relative time.
    pub fn beneath(&self, at: Timestamp) -> String {
        if self.day(at) == "Today" { self.time(at) } else { self.date(at) }
    }

    /// The day alone: `19 Nov 2026`.
    pub fn dated(&self, at: Timestamp) -> When {
        let text = self.zoned(at).strftime("%-d %b %Y").to_string();
        When { iso: at.render(), text, title: self.long(at), live: false }
    }

    /// The time of day alone.
    pub fn clock(&self, at: Timestamp) -> When {
        When { iso: at.render(), text: self.time(at), title: self.long(at), live: false }
    }

    /// The date and time in full.
    pub fn full(&self, at: Timestamp) -> When {
        When { iso: at.render(), text: self.long(at), title: String::new(), live: false }
    }

    fn zoned(&self, at: Timestamp) -> ZonedDateTime {
        Instant::from_millisecond(at.0).unwrap_or(Instant::UNIX_EPOCH).to_zoned_datetime(self.zone.clone())
    }
}

fn soon(left: i64) -> String {
    match left {
        _ if left < MINUTE => "in less than a minute".to_owned(),
        _ if left < HOUR => format!("in {} min", left / MINUTE),
        _ if left < DAY => format!("in {} h", left / HOUR),
        _ if left < 2 * DAY => "in 1 day".to_owned(),
        _ if left < 300 * DAY => format!("in {} days", (left + DAY / 2) / DAY),
        _ => format!("in {} months", (left + 15 * DAY) / (30 * DAY + 10 * HOUR)),
    }
}

/// How long something took: `4 ms`, `1.3 s`.
pub fn duration(micros: u64) -> String {
    match micros {
        0..500 => "0 ms".to_owned(),
        500..1_000_000 => format!("{} ms", (micros + 500) / 1000),
        1_000_000..10_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        _ => format!("{} s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("an instant")
    }

    #[test]
    fn lists_say_how_long_ago() {
        let zone = Zone::utc(at("2026-11-23T16:06:11Z"));
        for (then, words) in [
            ("2026-11-23T16:06:10Z", "just now"),
            ("2026-11-23T16:05:41Z", "30 s ago"),
            ("2026-11-23T16:02:11Z", "4 min ago"),
            ("2026-11-23T09:00:00Z", "7 h ago"),
            ("2026-11-22T17:20:41Z", "yesterday"),
            ("2026-11-20T09:12:44Z", "3 days ago"),
            ("2026-11-02T10:15:37Z", "2 Nov"),
            ("2024-03-04T09:00:12Z", "4 Mar 2024"),
            ("2026-11-30T17:20:00Z", "in 7 days"),
            ("2027-11-23T15:20:00Z", "in 12 months"),
            ("2026-11-23T16:06:41Z", "in less than a minute"),
        ] {
            assert_eq!(zone.relative(at(then)), words, "{then}");
        }
    }

    #[test]
    fn a_zone_moves_the_day() {
        let now = at("2026-11-23T23:30:00Z");
        let berlin = Zone::named("Europe/Berlin", now);
        assert_eq!(berlin.time(now), "00:30:00");
        assert_eq!(berlin.day(at("2026-11-23T22:30:00Z")), "Yesterday");
        assert_eq!(Zone::utc(now).day(at("2026-11-23T22:30:00Z")), "Today");
        assert_eq!(berlin.read("2026-11-24T00:30"), Some(now));
        assert_eq!(Zone::named("Mars/Olympus", now).name, "UTC");
        assert_eq!(berlin.long(now), "24 November 2026 at 00:30:00 Europe/Berlin");
        assert_eq!(berlin.today(), at("2026-11-23T23:00:00Z"));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(120), "0 ms");
        assert_eq!(duration(3_600), "4 ms");
        assert_eq!(duration(1_340_000), "1.3 s");
        assert_eq!(duration(72_000_000), "72 s");
    }

    #[test]
    fn the_list_of_zones_has_the_usual_ones() {
        let names = Zone::names();
        assert!(names.iter().any(|name| name == "Europe/Berlin") && names.iter().any(|name| name == "UTC"));
    }
}

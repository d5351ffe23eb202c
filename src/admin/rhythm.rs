//! The team's own rhythm: how long it is usually quiet, so that silence is explained and is no alarm. Told from the hours
//! that had requests.

use super::when::Zone;
use crate::base::Timestamp;
use crate::store::Hour;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// With fewer quiet spells, or a shorter past, nothing is usual yet.
const LEAST_SPELLS: usize = 5;
const LEAST_PAST_MS: i64 = 7 * 24 * HOUR_MS;

/// What is usual, and whether it is quieter than that.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rhythm {
    /// The longest quiet spell of the last 30 days, and whether only weekdays were looked at.
    longest: Option<(i64, bool)>,
    /// How long it is quiet now.
    since: i64,
    /// It is quiet for longer than ever in these days.
    pub quiet: bool,
}

impl Rhythm {
    /// The rhythm of the hours of the last 30 days that had requests, in their order.
    pub fn of(zone: &Zone, hours: &[Hour], last: Option<Timestamp>) -> Rhythm {
        let Some(last) = last else { return Rhythm::default() };
        let since = zone.now().since(last);
        let long_enough = hours.first().is_some_and(|first| zone.now().since(first.hour) >= LEAST_PAST_MS);
        let weekday = !zone.is_weekend(zone.now()) && !touches_weekend(zone, last, zone.now());
        let spells: Vec<i64> = hours
            .windows(2)
            .filter(|pair| {
                let (from, to) = (Timestamp(pair[0].hour.0 + HOUR_MS), pair[1].hour);
                to.0 > from.0 && !(weekday && touches_weekend(zone, from, to))
            })
            .map(|pair| pair[1].hour.since(pair[0].hour))
            .collect();
        let longest = spells.iter().max().filter(|_| long_enough && spells.len() >= LEAST_SPELLS).copied();
        Rhythm {
            longest: longest.map(|longest| (longest, weekday)),
            since,
            quiet: longest.is_some_and(|longest| since > longest),
        }
    }

    /// What the overview says.
    pub fn words(&self, provider: &str) -> String {
        let normal = format!("{provider} calls only when something changes");
        let days = |weekday| if weekday { "on a weekday of the last 30 days" } else { "of the last 30 days" };
        match self.longest {
            None => format!("Quiet spells are normal: {normal}."),
            Some((longest, weekday)) if self.quiet => format!(
                "Quiet for {}; the longest quiet spell {} was {}. {normal}: look there if you expected a change.",
                length(self.since),
                days(weekday),
                length(longest)
            ),
            Some((longest, weekday)) => {
                format!("Quiet spells are normal: {normal}. Longest {}: {}.", days(weekday), length(longest))
            }
        }
    }
}

/// Whether any part of a time is a Saturday or Sunday.
fn touches_weekend(zone: &Zone, from: Timestamp, to: Timestamp) -> bool {
    let mut at = from;
    while at < to {
        if zone.is_weekend(at) {
            return true;
        }
        at = Timestamp(at.0 + 12 * HOUR_MS);
    }
    zone.is_weekend(to)
}

/// About how long: hours have no minutes here.
fn length(ms: i64) -> String {
    match ms / HOUR_MS {
        0 => "less than 1 h".to_owned(),
        hours @ 1..48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Thursday, 16:00.
    const NOW: i64 = 1_795_104_000_000 + 16 * HOUR_MS;

    fn at(hours_ago: i64) -> Timestamp {
        Timestamp(NOW - hours_ago * HOUR_MS)
    }

    /// Two weeks of requests at 9, 12 and 17 on weekdays.
    fn two_weeks(zone: &Zone) -> Vec<Hour> {
        let all = (0..14 * 24).rev().map(at).filter(|at| !zone.is_weekend(*at));
        let busy = all.filter(|at| [9, 12, 17].contains(&(at.0 / HOUR_MS % 24)));
        busy.map(|hour| Hour { hour, reads: 1, ..Hour::default() }).collect()
    }

    #[test]
    fn weekdays_are_compared_with_weekdays() {
        let zone = Zone::utc(Timestamp(NOW));
        assert!(!zone.is_weekend(Timestamp(NOW)));
        let rhythm = Rhythm::of(&zone, &two_weeks(&zone), Some(at(4)));
        assert_eq!((rhythm.longest, rhythm.quiet), (Some((16 * HOUR_MS, true)), false), "from 17 to 9");
        assert_eq!(
            rhythm.words("Okta"),
            "Quiet spells are normal: Okta calls only when something changes. Longest on a weekday of the last 30 days: 16 h."
        );
    }

    #[test]
    fn longer_than_ever_is_quiet_and_said_with_both_lengths() {
        let zone = Zone::utc(Timestamp(NOW));
        let rhythm = Rhythm::of(&zone, &two_weeks(&zone), Some(at(23)));
        assert!(rhythm.quiet);
        let words = rhythm.words("Okta");
        assert!(
            words.starts_with(
                "Quiet for 23 h; the longest quiet spell on a weekday of the last 30 days was 16 h."
            ),
            "{words}"
        );
        // A weekend between makes the longer spells count.
        let rhythm = Rhythm::of(&zone, &two_weeks(&zone), Some(at(6 * 24)));
        assert!(matches!(rhythm.longest, Some((longest, false)) if longest > 48 * HOUR_MS), "{rhythm:?}");
    }

    #[test]
    fn nothing_is_usual_before_a_week_is_over() {
        let zone = Zone::utc(Timestamp(NOW));
        let hours: Vec<Hour> = two_weeks(&zone).into_iter().filter(|hour| hour.hour > at(6 * 24)).collect();
        let rhythm = Rhythm::of(&zone, &hours, Some(at(30)));
        assert_eq!((rhythm.longest, rhythm.quiet), (None, false));
        assert_eq!(Rhythm::of(&zone, &hours, None), Rhythm::default());
    }
}

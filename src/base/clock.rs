//! Time: instants in milliseconds, and the clock they come from, which a test can hold still.
//! Nothing else in scimd reads the system's clock for a value that is stored or shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;

/// Where instants are counted from.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// The first and the last instant that can be written with a year of four digits.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads an `xsd:dateTime` (RFC 7643 §2.3.5) that lies in the years 0 to 9999 of UTC; without an offset it counts as
    /// UTC. `24:00:00` is the midnight that ends the day.
    pub fn parse(text: &str) -> Option<Timestamp> {
        // jiff also takes what xsd:dateTime does not: blanks, a date alone, a comma, small letters, a leap second.
        const FORM: &[u8] = b"0000-00-00T00:00:00";
        let (seconds, rest) = text.split_at_checked(FORM.len())?;
        let digits =
            rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        let (fraction, offset) = rest.split_at(if digits > 0 { digits + 1 } else { 0 });
        if !has_form(seconds, FORM) || seconds.ends_with("60") {
            return None;
        }
        let ends_day = seconds.ends_with("T24:00:00") && fraction.bytes().all(|byte| b".0".contains(&byte));
        let start = if ends_day { format!("{}T00:00:00", &seconds[..10]) } else { seconds.to_owned() };
        let fraction = &fraction[..fraction.len().min(10)];
        let local: DateTime = format!("{start}{fraction}").parse().ok()?;
        let passed = local.duration_since(EPOCH) + SignedDuration::from_hours(if ends_day { 24 } else { 0 });
        let instant = passed - SignedDuration::from_mins(minutes_ahead(offset)?);
        let milliseconds = i64::try_from(instant.as_nanos().div_euclid(1_000_000)).ok()?;
        (FIRST..=LAST).contains(&milliseconds).then_some(Timestamp(milliseconds))
    }

    /// Writes the instant in UTC with three digits of a second: `2026-11-23T16:02:11.000Z`.
    pub fn render(self) -> String {
        match self.ascii() {
            Some(text) => String::from_utf8_lossy(&text).into_owned(),
            None => self.by_calendar(),
        }
    }

    /// The text of any instant, kept within the years 0 to 9999.
    fn by_calendar(self) -> String {
        let within = SignedDuration::from_millis(self.0.clamp(FIRST, LAST));
        let civil = EPOCH.checked_add(within).unwrap_or(EPOCH);
        format!("{}Z", DateTimePrinter::new().precision(Some(3)).datetime_to_string(&civil))
    }

    /// The same text as bytes, for the years from 1970 to 9999: every answer holds two of them for each resource.
    fn ascii(self) -> Option<[u8; 24]> {
        const DAY: u64 = 86_400_000;
        let millis = u64::try_from(self.0).ok()?;
        let (days, time) = (millis / DAY, millis % DAY);
        // Days are counted from 0000-03-01, in eras of 400 years: so the leap day is the last of its year.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month, year) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1, era * 400 + year);
        let year = year + u64::from(month <= 2);
        if year > 9_999 {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, mut number: u64| {
            for digit in text[at..at + width].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, time / 3_600_000);
        put(14, 2, time / 60_000 % 60);
        put(17, 2, time / 1_000 % 60);
        put(20, 3, time % 1_000);
        Some(text)
    }

    /// The instant `duration` after this one.
    pub fn plus(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(duration.as_millis() as i64))
    }

    /// Milliseconds from `earlier` to this instant; negative when it is not earlier.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0 - earlier.0
    }
}

/// Whether a text has the form: a digit for each `0`, and everything else as it is.
fn has_form(text: &str, form: &[u8]) -> bool {
    let same =
        |(byte, wanted): (u8, &u8)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == *wanted };
    text.len() == form.len() && text.bytes().zip(form).all(same)
}

/// How many minutes the offset of an `xsd:dateTime` is ahead of UTC: 14 hours at most, either way.
fn minutes_ahead(offset: &str) -> Option<i64> {
    if ["", "Z"].contains(&offset) {
        return Some(0);
    }
    if !has_form(offset, b"+00:00") && !has_form(offset, b"-00:00") {
        return None;
    }
    let (hours, minutes): (i64, i64) = (offset[1..3].parse().ok()?, offset[4..].parse().ok()?);
    let ahead = hours * 60 + minutes;
    let known = minutes < 60 && ahead <= 14 * 60;
    known.then_some(if offset.starts_with('-') { -ahead } else { ahead })
}

/// Where the present comes from: the system, or a test's hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(jiff::Timestamp::now().as_millisecond()),
            Source::Manual(at) => Timestamp(at.load(Ordering::Relaxed)),
        }
    }

    /// Moves a manual clock on; the system's clock does not listen.
    pub fn advance(&self, duration: Duration) {
        if let Source::Manual(at) = &self.0 {
            at.fetch_add(duration.as_millis() as i64, Ordering::Relaxed);
        }
    }

    /// Puts a manual clock back, as a machine's clock is when it was wrong.
    pub fn put_back(&self, duration: Duration) {
        if let Source::Manual(at) = &self.0 {
            at.fetch_sub(duration.as_millis() as i64, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_three_digits_and_reads_them_back() {
        let at = Timestamp(1_795_462_931_120);
        assert_eq!(at.render(), "2026-11-23T19:42:11.120Z");
        assert_eq!(Timestamp::parse(&at.render()), Some(at));
    }

    #[test]
    fn every_day_is_written_as_the_calendar_has_it() {
        // A step that is no whole day, so that times of day come by too; from before 1970 to beyond the year 9999.
        for step in -1_000..121_000 {
            let at = Timestamp(step * 2_120_000_003);
            assert_eq!(at.render(), at.by_calendar());
        }
        for at in
            [0, 951_782_399_999, 951_782_400_000, 951_868_800_000, 4_107_542_400_000, 253_402_207_200_000]
        {
            assert_eq!(Timestamp(at).render(), Timestamp(at).by_calendar());
        }
    }

    #[test]
    fn compares_instants_and_not_texts() {
        assert_eq!(Timestamp::parse("2026-11-23T20:00:00+02:00"), Timestamp::parse("2026-11-23T18:00:00Z"));
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for text in [
            "2026-11-23 18:00:00Z",
            "2026-02-30T00:00:00Z",
            "soon",
            "",
            "2026-11-23",
            "2026-11-23T18Z",
            "2026-11-23T18:00Z",
            "2026-11-23t18:00:00z",
            "2026-11-23T18:00:00z",
            "2026-11-23T18:00:00,5Z",
            "2026-11-23T18:00:00.Z",
            "2026-11-23T18:00:00+02",
            "2026-11-23T18:00:00+0200",
            "2026-11-23T18:00:00+02:00[Europe/Berlin]",
            "2026-11-23T18:00:00 Z",
            "2026-11-23T25:00:00Z",
            "20261123T180000Z",
            "+002026-11-23T18:00:00Z",
            "２026-11-23T18:00:00Z",
            "2016-12-31T23:59:60Z",
            "2026-11-23T24:00:01Z",
            "2026-11-23T24:00:00.1Z",
            "2026-11-23T18:00:00+14:01",
            "2026-11-23T18:00:00-15:00",
            "2026-11-23T18:00:00+01:60",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00+00:01",
            "-0001-11-23T18:00:00Z",
            "12026-11-23T18:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn fractions_may_be_long_and_the_offset_be_missing() {
        let at = Timestamp::parse("2026-11-23T18:00:00.123Z");
        for text in [
            "2026-11-23T18:00:00.123",
            "2026-11-23T18:00:00.1230000000000001Z",
            "2026-11-23T18:00:00.123-00:00",
        ] {
            assert_eq!(Timestamp::parse(text), at, "{text}");
        }
        assert_eq!(Timestamp::parse("2026-11-23T18:00:00"), Timestamp::parse("2026-11-23T18:00:00.0Z"));
    }

    #[test]
    fn the_whole_of_four_digit_years_is_read_and_written() {
        // "Never" is often written as the last second there is.
        for text in ["9999-12-31T23:59:59.999Z", "9999-12-30T22:00:00.000Z", "0000-01-01T00:00:00.000Z"] {
            assert_eq!(Timestamp::parse(text).expect(text).render(), text);
        }
        let midnight = Timestamp::parse("2027-01-01T00:00:00Z");
        for text in ["2026-12-31T24:00:00Z", "2026-12-31T24:00:00.00Z", "2027-01-01T14:00:00+14:00"] {
            assert_eq!(Timestamp::parse(text), midnight, "{text}");
        }
        assert_eq!(Timestamp::parse("9999-12-31T24:00:00Z"), None);
        assert_eq!(Timestamp(i64::MAX).render(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::parse("1969-12-31T23:59:59.9999Z"), Some(Timestamp(-1)));
    }

    #[test]
    fn a_manual_clock_moves_when_told() {
        let clock = Clock::manual(Timestamp(5));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp(1005));
    }
}

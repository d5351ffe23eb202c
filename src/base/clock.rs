//! Time: instants in milliseconds, and the clock they come from, which a test can hold still.
//! Nothing else in scimd reads the system's clock for a value that is stored or shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::fmt::temporal::DateTimePrinter;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads an `xsd:dateTime` of the years 0 to 9999 (RFC 7643 §2.3.5). Without an offset it counts as UTC.
    pub fn parse(text: &str) -> Option<Timestamp> {
        // jiff also takes what xsd:dateTime does not: blanks, a date alone, a comma, small letters.
        const FORM: &[u8] = b"0000-00-00T00:00:00";
        let fits = |text: &str, form: &[u8]| {
            let same = |(byte, wanted): (u8, &u8)| {
                if *wanted == b'0' { byte.is_ascii_digit() } else { byte == *wanted }
            };
            text.len() == form.len() && text.bytes().zip(form).all(same)
        };
        let (seconds, rest) = text.split_at_checked(FORM.len())?;
        let digits =
            rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        let (fraction, offset) = rest.split_at(if digits > 0 { digits + 1 } else { 0 });
        if !fits(seconds, FORM)
            || !["", "Z"].contains(&offset) && !fits(offset, b"+00:00") && !fits(offset, b"-00:00")
        {
            return None;
        }
        let fraction = &fraction[..fraction.len().min(10)];
        let offset = if offset.is_empty() { "Z" } else { offset };
        let instant: jiff::Timestamp = format!("{seconds}{fraction}{offset}").parse().ok()?;
        Some(Timestamp(instant.as_millisecond()))
    }

    /// Writes the instant in UTC with three digits of a second: `2026-11-23T16:02:11.000Z`.
    pub fn render(self) -> String {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&instant)
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
    fn a_manual_clock_moves_when_told() {
        let clock = Clock::manual(Timestamp(5));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp(1005));
    }
}

//! How long a token lives, as it is written on the command line.

use std::time::Duration;

use crate::service::Expiry;

/// A century: far enough, and safely within what dates can hold.
const LONGEST_DAYS: u64 = 36_500;

/// Reads `365d`, `12h`, `30m` or `never`.
pub fn parse(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let words = "write a number followed by d (days), h (hours) or m (minutes), such as 365d, or never";
    let (digits, seconds) = match text.as_bytes().last() {
        Some(b'd') => (&text[..text.len() - 1], 86_400),
        Some(b'h') => (&text[..text.len() - 1], 3_600),
        Some(b'm') => (&text[..text.len() - 1], 60),
        _ => return Err(words.to_string()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(words.to_string());
    }
    let life = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(seconds));
    match life {
        Some(0) => Err("a token must live longer than nothing".to_string()),
        Some(life) if life <= LONGEST_DAYS * 86_400 => Ok(Expiry::In(Duration::from_secs(life))),
        _ => Err(format!("a token lives {LONGEST_DAYS}d at most; for longer, say never")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_read_as_people_write_them() {
        assert_eq!(parse("365d"), Ok(Expiry::In(Duration::from_secs(365 * 86_400))));
        assert_eq!(parse("12h"), Ok(Expiry::In(Duration::from_secs(43_200))));
        assert_eq!(parse("30m"), Ok(Expiry::In(Duration::from_secs(1_800))));
        assert_eq!(parse("never"), Ok(Expiry::Never));
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        for text in ["", "d", "365", "-1d", "+1d", "1w", "0d", "36501d", "99999999999999999999d", "1.5d", "é"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

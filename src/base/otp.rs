//! Codes of an authenticator app: RFC 6238 over HMAC-SHA-1, steps of 30 s, six digits, and the secret as people type it.
//! Which code is still good, and for whom, is decided above.

use aws_lc_rs::hmac;

use super::Timestamp;
use super::secret::same;

/// The bytes of a secret (RFC 4226 §4 recommends 160 bits).
pub const SECRET_BYTES: usize = 20;
const STEP_MS: i64 = 30_000;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The time step of an instant (RFC 6238 §4.2).
pub fn step(at: Timestamp) -> u64 {
    u64::try_from(at.0 / STEP_MS).unwrap_or_default()
}

/// The six digits of a time step (RFC 4226 §5.3).
pub fn code(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let offset = usize::from(mac[mac.len() - 1] & 0x0f);
    let mut four = [0u8; 4];
    four.copy_from_slice(&mac[offset..offset + 4]);
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// The time step to which a typed code belongs: this one, the one before, or the next (RFC 6238 §5.2).
pub fn find(secret: &[u8], typed: &str, now: Timestamp) -> Option<u64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let now = step(now);
    // All three are compared, so that the time taken does not tell which was near.
    let steps = [now, now.saturating_sub(1), now + 1];
    let fits = steps.map(|step| same(code(secret, step).as_bytes(), typed.as_bytes()));
    steps.into_iter().zip(fits).find(|(_, fits)| *fits).map(|(step, _)| step)
}

/// A secret as text in groups of four (RFC 4648 §6 without padding).
pub fn text(secret: &[u8]) -> String {
    let mut letters = String::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in secret {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            letters.push(ALPHABET[(bits >> held & 31) as usize] as char);
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        letters.push(ALPHABET[(bits << (5 - held) & 31) as usize] as char);
    }
    let groups: Vec<&str> =
        letters.as_bytes().chunks(4).map(|four| std::str::from_utf8(four).expect("ASCII")).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn the_vectors_of_rfc_6238_appendix_b() {
        for (seconds, last_six) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(RFC, step(Timestamp(seconds * 1000))), last_six, "{seconds}");
        }
    }

    #[test]
    fn one_step_early_or_late_is_good_and_no_more() {
        let now = Timestamp(1_111_111_109_000);
        for (away, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = step(now).saturating_add_signed(away);
            assert_eq!(find(RFC, &code(RFC, step), now), good.then_some(step), "{away}");
        }
        assert_eq!(find(RFC, " 081 804 ", now), Some(step(now)));
        for wrong in ["", "81804", "0818040", "abcdef", "٠٨١٨٠٤"] {
            assert_eq!(find(RFC, wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_written_in_base32() {
        assert_eq!(text(RFC), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(text(b"f"), "MY");
        assert_eq!(text(b"foobar"), "MZXW 6YTB OI");
    }
}

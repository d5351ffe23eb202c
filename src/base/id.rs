//! Public ids: UUIDv7 for resources, a prefix and 22 base62 characters for requests, events and deliveries. All begin with
//! the time, so that they stand in their order and what was kept of one is found by when it came. They come from `Ids`,
//! which a test can make count instead of draw.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::{Clock, Timestamp};

/// The internal number of a team; every store function that touches a directory takes one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TeamId(pub i64);

/// How many base62 characters an id has behind its prefix, and how many of its bits are random.
const CHARS: usize = 22;
const RANDOM_BITS: u32 = 80;
const REQUEST: &str = "req_";

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes a number in base62, padded on the left with `0` to `width` characters.
pub fn base62(mut number: u128, width: usize) -> String {
    // As many digits as arithmetic of half the width has room for: divisions of the whole width cost many times more.
    const AT_ONCE: usize = 10;
    const POWER: u128 = 62u128.pow(AT_ONCE as u32);
    let mut digits = vec![b'0'; width];
    for chunk in digits.rchunks_mut(AT_ONCE) {
        let mut part = (number % POWER) as u64;
        number /= POWER;
        for digit in chunk.iter_mut().rev() {
            *digit = BASE62[(part % 62) as usize];
            part /= 62;
        }
    }
    String::from_utf8(digits).expect("base62 digits are ASCII")
}

/// Random bits, of which each thread draws some for many ids: asking the system costs more than making an id.
fn drawn() -> u128 {
    thread_local! {
        static DRAWN: RefCell<([u8; 256], usize)> = const { RefCell::new(([0; 256], 0)) };
    }
    DRAWN.with_borrow_mut(|(bytes, left)| {
        if *left == 0 {
            (*bytes, *left) = (crate::base::secret::random(), bytes.len());
        }
        *left -= 16;
        let mut bits = [0; 16];
        bits.copy_from_slice(&bytes[*left..*left + 16]);
        u128::from_be_bytes(bits)
    })
}

/// When a request came, by its id; `None` where a text is none.
pub fn request_time(id: &str) -> Option<Timestamp> {
    let text = id.strip_prefix(REQUEST).filter(|text| text.len() == CHARS)?;
    let mut number = 0u128;
    for byte in text.bytes() {
        let digit = BASE62.iter().position(|known| *known == byte)?;
        number = number.checked_mul(62)?.checked_add(digit as u128)?;
    }
    i64::try_from(number >> RANDOM_BITS).ok().map(Timestamp)
}

/// The source of public ids.
#[derive(Clone, Debug)]
pub struct Ids(Source);

#[derive(Clone, Debug)]
enum Source {
    Random(Clock),
    Counting(Arc<AtomicU64>),
}

impl Ids {
    /// Ids of a clock's time and the system's random numbers.
    pub fn random(clock: Clock) -> Ids {
        Ids(Source::Random(clock))
    }

    /// Ids that count from 1, for tests.
    pub fn counting() -> Ids {
        Ids(Source::Counting(Arc::new(AtomicU64::new(0))))
    }

    /// A resource's id: UUIDv7 in its usual text form.
    pub fn resource(&self, now: Timestamp) -> String {
        let bits = self.bits();
        let mut random = [0u8; 10];
        random.copy_from_slice(&bits.to_be_bytes()[6..]);
        uuid::Builder::from_unix_timestamp_millis(now.0.max(0) as u64, &random).into_uuid().to_string()
    }

    /// A request's id, also sent as `X-Request-Id`.
    pub fn request(&self) -> String {
        format!("{REQUEST}{}", base62(self.bits(), CHARS))
    }

    /// An event's id.
    pub fn event(&self) -> String {
        format!("evt_{}", base62(self.bits(), CHARS))
    }

    /// A delivery's id.
    pub fn delivery(&self) -> String {
        format!("dlv_{}", base62(self.bits(), CHARS))
    }

    fn bits(&self) -> u128 {
        match &self.0 {
            Source::Random(clock) => {
                // 48 bits of milliseconds, as in a UUIDv7.
                u128::from(clock.now().0.max(0) as u64) << RANDOM_BITS | drawn() >> (128 - RANDOM_BITS)
            }
            Source::Counting(last) => u128::from(last.fetch_add(1, Ordering::Relaxed) + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_holds_128_bits_in_22_characters() {
        assert_eq!(base62(u128::MAX, 22), "7n42DGM5Tflk9n8mt7Fhc7");
        assert_eq!(base62(0, 22), "0".repeat(22));
    }

    #[test]
    fn no_id_is_drawn_twice() {
        let ids = Ids::random(Clock::system());
        let drawn: std::collections::HashSet<String> = (0..1_000).map(|_| ids.request()).collect();
        assert_eq!(drawn.len(), 1_000);
    }

    #[test]
    fn a_resource_id_is_a_version_7_uuid_that_carries_its_time() {
        let id = Ids::random(Clock::system()).resource(Timestamp(1_795_462_931_120));
        let uuid = uuid::Uuid::parse_str(&id).expect("a uuid");
        assert_eq!(uuid.get_version_num(), 7);
        assert!(id.starts_with("01a2"), "{id}");
    }

    #[test]
    fn requests_stand_in_the_order_of_their_times_and_tell_them() {
        let clock = Clock::manual(Timestamp(1_795_462_931_120));
        let ids = Ids::random(clock.clone());
        let one = ids.request();
        clock.advance(std::time::Duration::from_millis(1));
        let other = ids.request();
        assert!(one < other, "{one} {other}");
        assert_eq!(request_time(&one), Some(Timestamp(1_795_462_931_120)));
        assert_eq!(request_time(&other), Some(Timestamp(1_795_462_931_121)));
        assert_eq!(request_time(&Ids::counting().request()), Some(Timestamp(0)));
        let [longer, beyond] = [format!("{one}0"), format!("req_{}", "z".repeat(22))];
        for none in ["", "req_", "evt_0000000000000000000001", "req_000000000000000000000é", &longer, &beyond]
        {
            assert_eq!(request_time(none), None, "{none}");
        }
    }

    #[test]
    fn counting_ids_repeat_from_run_to_run() {
        assert_eq!(Ids::counting().request(), "req_0000000000000000000001");
    }
}

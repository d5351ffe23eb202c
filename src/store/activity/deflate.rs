//! Deflate (RFC 1951) for bodies of requests: short texts, thousands in a second. A general compressor clears some 300 KiB
//! of tables before each, which costs more than the work itself; this one has a table of 16 KiB and the fixed codes (§3.2.6),
//! and what it writes is read by any other.

/// Positions remembered, by the hash of the four bytes there.
const REMEMBERED: u32 = 12;
/// The shortest and the longest text that is referred to rather than repeated, and how far back.
const SHORTEST: usize = 4;
const LONGEST: usize = 258;
const FARTHEST: usize = 32 * 1024;

/// The bytes, compressed.
pub fn deflate(body: &[u8]) -> Vec<u8> {
    let mut out = Bits { bytes: Vec::with_capacity(body.len() / 2 + 64), held: 0, count: 0 };
    // One block, the last, with the fixed codes.
    out.put(0b011, 3);
    let mut seen = [0u32; 1 << REMEMBERED];
    let mut at = 0;
    while at < body.len() {
        match earlier(body, at, &mut seen) {
            Some((length, distance)) => {
                out.length(length);
                out.distance(distance);
                at += length;
                // Of what stands within, the end is remembered: there the next repetition often goes on.
                earlier_place(body, at - 1, &mut seen);
                earlier_place(body, at - 2, &mut seen);
            }
            None => {
                out.literal(usize::from(body[at]));
                at += 1;
            }
        }
    }
    out.literal(END);
    out.finish()
}

/// The end of a block.
const END: usize = 256;

/// Where the four bytes at a place stood last, if perhaps they did, and remembers the place.
#[inline]
fn earlier_place(body: &[u8], at: usize, seen: &mut [u32; 1 << REMEMBERED]) -> Option<usize> {
    let four = *body.get(at..)?.first_chunk::<SHORTEST>()?;
    let hash = u32::from_le_bytes(four).wrapping_mul(2_654_435_761) >> (32 - REMEMBERED);
    let place = std::mem::replace(&mut seen[hash as usize], at as u32 + 1);
    (place as usize).checked_sub(1)
}

/// The length and distance of an earlier text that is repeated here.
#[inline]
fn earlier(body: &[u8], at: usize, seen: &mut [u32; 1 << REMEMBERED]) -> Option<(usize, usize)> {
    let place = earlier_place(body, at, seen).filter(|place| at - place <= FARTHEST)?;
    let length = same(&body[place..], &body[at..]);
    (length >= SHORTEST).then_some((length, at - place))
}

/// How many bytes two texts have in common at their beginning, the second being the shorter.
#[inline]
fn same(before: &[u8], here: &[u8]) -> usize {
    let most = here.len().min(LONGEST);
    let mut length = 0;
    while length + 8 <= most {
        let (Some(one), Some(other)) =
            (before[length..].first_chunk::<8>(), here[length..].first_chunk::<8>())
        else {
            break;
        };
        let difference = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if difference != 0 {
            return length + difference.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    while length < most && before[length] == here[length] {
        length += 1;
    }
    length
}

/// The codes of bytes, the end and lengths (§3.2.6), as they are written, with how many bits each has.
const CODES: [(u16, u8); 288] = {
    let mut codes = [(0, 0); 288];
    let mut value = 0;
    while value < 288 {
        let (code, bits) = match value {
            0..144 => (0x30 + value, 8),
            144..256 => (0x190 + value - 144, 9),
            256..280 => (value - 256, 7),
            _ => (0xC0 + value - 280, 8),
        };
        // A Huffman code goes the highest bit first (§3.1.1).
        codes[value] = ((code as u16).reverse_bits() >> (16 - bits), bits);
        value += 1;
    }
    codes
};

/// Bits on their way into bytes, the lowest first (§3.1.1).
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    #[inline]
    fn put(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    #[inline]
    fn literal(&mut self, value: usize) {
        let (code, bits) = CODES[value];
        self.put(u32::from(code), u32::from(bits));
    }

    /// §3.2.5
    fn length(&mut self, length: usize) {
        let over = (length - 3) as u32;
        if length == LONGEST {
            return self.literal(285);
        }
        let extra = over.max(4).ilog2() - 2;
        self.literal((257 + 4 * extra + (over >> extra)) as usize);
        self.put(over & ((1 << extra) - 1), extra);
    }

    /// §3.2.5
    fn distance(&mut self, distance: usize) {
        let over = (distance - 1) as u32;
        let extra = over.max(2).ilog2() - 1;
        self.put((2 * extra + (over >> extra)).reverse_bits() >> 27, 5);
        self.put(over & ((1 << extra) - 1), extra);
    }

    fn finish(mut self) -> Vec<u8> {
        let left = self.held.to_le_bytes();
        self.bytes.extend_from_slice(&left[..self.count.div_ceil(8) as usize]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn inflated(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::read::DeflateDecoder::new(packed).read_to_end(&mut plain).expect("deflate");
        plain
    }

    #[test]
    fn every_length_and_distance_comes_back() {
        for period in (1..300).chain([4_000, 32_767, 32_768, 32_769, 40_000]) {
            let noise = |at: usize| (at.wrapping_mul(2_654_435_761) >> 7) as u8;
            let body: Vec<u8> = (0..period + period.min(700)).map(|at| noise(at % period)).collect();
            assert_eq!(inflated(&deflate(&body)), body, "{period}");
        }
    }

    #[test]
    fn json_becomes_much_shorter() {
        let body = r#"{"value":"ada@example.com","type":"work","primary":true},"#.repeat(40);
        assert!(deflate(body.as_bytes()).len() * 20 < body.len());
        assert_eq!(inflated(&deflate(b"")), b"");
    }

    proptest! {
        #[test]
        fn whatever_is_deflated_comes_back(body in proptest::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..2_000)) {
            prop_assert_eq!(inflated(&deflate(&body)), body);
        }
    }
}

//! Room for large answers: one stays in memory until its client has taken it, so there are so many bytes of them at one time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Bytes;

use crate::http::Body;

/// From how many bytes on an answer is large.
const LARGE: usize = 64 * 1024;

/// The room of one server.
#[derive(Debug)]
pub(super) struct Room {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// Bytes that take room by living.
struct Held {
    bytes: Bytes,
    taken: Arc<AtomicUsize>,
}

impl Room {
    /// Room for this many bytes.
    pub(super) fn new(most: usize) -> Room {
        Room { taken: Arc::default(), most }
    }

    /// Keeps a body in the room until it is sent or given up, also beyond what fits if it `must`. `false`: there is no room
    /// beside those that wait.
    pub(super) fn hold(&self, body: &mut Body, must: bool) -> bool {
        let Body::Bytes(bytes) = body else { return true };
        let size = bytes.len();
        if size < LARGE {
            return true;
        }
        let before = self.taken.fetch_add(size, Ordering::Relaxed);
        let held = Held { bytes: std::mem::take(bytes), taken: Arc::clone(&self.taken) };
        // One alone fits, whatever its size.
        if before > 0 && before + size > self.most && !must {
            return false;
        }
        *bytes = Bytes::from_owner(held);
        true
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_take_room_until_they_are_gone() {
        let room = Room::new(3 * LARGE);
        let body = |size: usize| Body::Bytes(vec![b'x'; size].into());
        let taken = || room.taken.load(Ordering::Relaxed);
        let (mut small, mut first, mut second) = (body(LARGE - 1), body(2 * LARGE), body(2 * LARGE));
        assert!(room.hold(&mut small, false));
        assert_eq!(taken(), 0, "a small one takes none");
        assert!(room.hold(&mut first, false));
        assert!(!room.hold(&mut second, false), "no room beside the first");
        assert_eq!(taken(), 2 * LARGE, "what was turned away takes none");
        let mut must = body(2 * LARGE);
        assert!(room.hold(&mut must, true));
        drop((first, must));
        assert_eq!(taken(), 0);
        let mut huge = body(9 * LARGE);
        assert!(room.hold(&mut huge, false), "one alone fits");
        let Body::Bytes(bytes) = &huge else { unreachable!("it is whole") };
        assert_eq!(bytes.len(), 9 * LARGE);
        let part = bytes.slice(..5);
        drop(huge);
        assert_eq!(taken(), 9 * LARGE, "a part holds the whole");
        drop(part);
        assert_eq!(taken(), 0);
    }
}

//! The page that one pass over the names finds.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::lists::List;
use super::search::{Key, Page, Place};

/// What a pass over the names keeps: the places of the page, and whether there are more on either side.
pub(super) struct Kept<'l> {
    list: &'l List,
    pub places: VecDeque<Place>,
    pub before: bool,
    pub after: bool,
}

impl<'l> Kept<'l> {
    pub fn new(list: &'l List) -> Kept<'l> {
        Kept { list, places: VecDeque::new(), before: false, after: false }
    }

    /// One that matches, in the list's order.
    pub fn on_page(&mut self, n: i64, called: &str) {
        let (place, count, back) = match &self.list.page {
            Page::After { place, count } => (place.as_ref(), *count, false),
            Page::Before { place, count } => (Some(place), *count, true),
            Page::Index { count, .. } => (None, *count, false),
        };
        // Where it stands to the place: on this side of it, at it, or behind it.
        let side = place.map(|place| {
            let side = match &place.key {
                Key::Text(at) => (called, n).cmp(&(at.as_str(), place.n)),
                _ => Ordering::Greater,
            };
            if self.list.descending { side.reverse() } else { side }
        });
        let full = self.places.len() as u64 >= count;
        match (side, back) {
            (Some(Ordering::Less), true) => {
                self.places.push_back(Place { key: Key::Text(called.to_owned()), n });
                if full {
                    self.places.pop_front();
                    self.before = true;
                }
            }
            (_, true) => self.after = true,
            (Some(Ordering::Less | Ordering::Equal), false) => self.before = true,
            (_, false) if full => self.after = true,
            (_, false) => self.places.push_back(Place { key: Key::Text(called.to_owned()), n }),
        }
    }
}

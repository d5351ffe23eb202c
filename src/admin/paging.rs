//! The foot of a list: where the page stands, how many rows a page has, and the ways to the pages beside it. The address
//! holds all of it, so that Back and a shared link come to the same page.

use super::page::with;
use super::parts::{Pager, Size};
use crate::http::Query;
use crate::service::sentence::number;

/// Rows that a page may have; the second without a choice.
const SIZES: [u32; 3] = [25, 50, 100];
/// Parameters that say where in a list a page stands.
const PLACES: [&str; 5] = ["after", "before", "at", "open", "older"];

/// How many rows the address asks for.
pub fn per(asked: &Query) -> u32 {
    let asked = asked.get("per").and_then(|per| per.parse().ok());
    SIZES.into_iter().find(|size| asked == Some(*size)).unwrap_or(SIZES[1])
}

/// At which place of the list the page begins, as the address says.
pub fn position(asked: &Query) -> u64 {
    asked.get("at").and_then(|at| at.parse().ok()).filter(|at| (1..1 << 40).contains(at)).unwrap_or(1)
}

/// "51 to 100 of 249"; without the end where nobody counted.
pub fn range(at: u64, shown: u64, total: Option<u64>) -> String {
    let whole = total.map(|total| format!(" of {}", number(total))).unwrap_or_default();
    match shown {
        0 => format!("0{whole}"),
        _ => format!("{} to {}{whole}", number(at), number(at + shown - 1)),
    }
}

/// The choice of rows on a page; none where the smallest holds all.
pub fn sizes(path: &str, asked: &Query, more: bool, shown: u64) -> Vec<Size> {
    if !more && shown <= SIZES[0].into() {
        return Vec::new();
    }
    let chosen = per(asked);
    let size = |rows: u32| {
        let text = if rows == SIZES[1] { String::new() } else { rows.to_string() };
        let mut changes: Vec<(&str, &str)> = PLACES.iter().map(|name| (*name, "")).collect();
        changes.push(("per", &text));
        Size { rows, href: format!("{path}{}", with(asked, &changes)), current: rows == chosen }
    };
    SIZES.into_iter().map(size).collect()
}

/// The places on both sides of a page, as they stand in addresses, and where the page stands.
pub struct Sides {
    pub previous: Option<String>,
    pub next: Option<String>,
    /// The place in the list of the first row, and how many are shown.
    pub at: u64,
    pub shown: u64,
    pub total: Option<u64>,
}

/// The foot of a list that goes on behind a place and before one.
pub fn pager(path: &str, asked: &Query, what: &'static str, sides: &Sides) -> Pager {
    let per = u64::from(per(asked));
    let link = |name: &str, other: &str, place: &Option<String>, at: u64| match place {
        Some(place) => {
            let at = at.to_string();
            format!("{path}{}", with(asked, &[(name, place), (other, ""), ("at", &at), ("open", "")]))
        }
        None => String::new(),
    };
    Pager {
        text: range(sides.at, sides.shown, sides.total),
        what,
        back: "Previous",
        forth: "Next",
        previous: link("before", "after", &sides.previous, sides.at.saturating_sub(per).max(1)),
        next: link("after", "before", &sides.next, sides.at + sides.shown),
        sizes: sizes(path, asked, sides.previous.is_some() || sides.next.is_some(), sides.shown),
    }
}

/// Where a page begins: at the ends that is known, between them the address carries it.
pub fn begins(asked: &Query, sides: (bool, bool), shown: u64, total: Option<u64>) -> u64 {
    match (sides, total) {
        ((false, _), _) => 1,
        ((_, false), Some(total)) => (total + 1).saturating_sub(shown).max(1),
        _ => position(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_foot_says_where_the_page_stands() {
        assert_eq!(range(51, 50, Some(1249)), "51 to 100 of 1,249");
        assert_eq!((range(1, 0, Some(0)), range(51, 50, None)), ("0 of 0".into(), "51 to 100".into()));
        let at = |text: &str| position(&Query::parse(text));
        assert_eq!((at("at=51"), at("at=0"), at("at=x"), at("")), (51, 1, 1, 1));
        let begins = |text: &str, sides| begins(&Query::parse(text), sides, 30, Some(130));
        assert_eq!(begins("at=51", (true, true)), 51);
        assert_eq!(begins("", (true, false)), 101, "the end is known without the address");
        assert_eq!(begins("at=7", (false, true)), 1);
    }

    #[test]
    fn rows_on_a_page_are_a_choice_that_begins_the_list_anew() {
        assert_eq!(
            ["", "per=25", "per=100", "per=7", "per=x"].map(|text| per(&Query::parse(text))),
            [50, 25, 100, 50, 50]
        );
        let asked = Query::parse("q=a&after=9.m&at=51&per=100&open=req_1");
        let sizes = sizes("/u", &asked, true, 100);
        let links: Vec<_> = sizes.iter().map(|size| (size.href.as_str(), size.current)).collect();
        assert_eq!(links, [("/u?q=a&per=25", false), ("/u?q=a", false), ("/u?q=a&per=100", true)]);
        assert!(super::sizes("/u", &asked, false, 25).is_empty(), "there is nothing to choose");
    }

    #[test]
    fn both_sides_keep_what_else_the_address_says() {
        let sides =
            Sides { previous: Some("5".into()), next: Some("9".into()), at: 51, shown: 50, total: Some(130) };
        let foot = pager("/u", &Query::parse("q=a&after=4&at=51&open=x"), "users", &sides);
        assert_eq!(foot.previous, "/u?q=a&before=5&at=1");
        assert_eq!(foot.next, "/u?q=a&after=9&at=101");
        let first = Sides { previous: None, next: None, at: 1, shown: 3, total: None };
        let foot = pager("/u", &Query::parse(""), "users", &first);
        assert!(foot.previous.is_empty() && foot.next.is_empty() && foot.sizes.is_empty());
    }
}

//! A row of small bars: how a number came to be what it is. Inline SVG, attributes only; its figures are in its label.

use askama::Template;
use askama::filters::HtmlSafe;

use super::parts::counted;
use crate::service::pulse::{MOMENTS, Pulse};
use crate::service::sentence::number;

const HEIGHT: f64 = 22.0;
/// From one bar to the next.
const STEP: usize = 8;

/// Bars from the left, the last one being now.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/spark.html")]
pub struct Spark {
    pub label: String,
    width: usize,
    bars: Vec<Bar>,
}

impl HtmlSafe for Spark {}

#[derive(Clone, Debug)]
struct Bar {
    x: usize,
    y: String,
    height: String,
    now: bool,
}

/// A group's members over twelve weeks.
pub fn members(name: &str, pulse: &Pulse) -> Spark {
    let most = pulse.members.iter().flatten().max().copied().unwrap_or(0).max(1) as f64;
    let bar = |(i, members): (usize, &Option<u64>)| {
        let members = members.filter(|members| *members > 0)?;
        // Somebody is never nobody: the smallest bar can be seen.
        let height = ((HEIGHT - 1.0) * members as f64 / most).max(1.0);
        Some(Bar {
            x: i * STEP,
            y: format!("{:.1}", HEIGHT - height),
            height: format!("{height:.1}"),
            now: i + 1 == MOMENTS,
        })
    };
    let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
    Spark {
        label: format!("{name}{}", words(pulse)),
        width: MOMENTS * STEP,
        bars: pulse.members.iter().enumerate().filter_map(bar).collect(),
    }
}

/// "4 members twelve weeks ago, 6 last week, 5 now", as far as it is known.
pub fn words(pulse: &Pulse) -> String {
    let then = pulse.members.first().copied().flatten();
    let now = pulse.members.last().copied().flatten().unwrap_or(0);
    let mut parts = Vec::new();
    parts.extend(then.map(|then| format!("{} twelve weeks ago", counted(then, "member"))));
    let last_week = pulse.last_week.filter(|last| Some(*last) != then || *last != now);
    parts.extend(last_week.map(|last| format!("{} last week", number(last))));
    parts.push(if parts.is_empty() {
        format!("{} now", counted(now, "member"))
    } else {
        format!("{} now", number(now))
    });
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(members: &[Option<u64>], last_week: Option<u64>) -> Pulse {
        Pulse { members: members.to_vec(), last_week, ..Pulse::default() }
    }

    #[test]
    fn the_bars_have_the_height_of_their_figures() {
        let mut all = [Some(10); MOMENTS];
        (all[0], all[1], all[2], all[11]) = (None, Some(0), Some(1), Some(20));
        let spark = members("Ops", &pulse(&all, Some(10)));
        assert_eq!(spark.bars.len(), MOMENTS - 2, "nobody and not known have no bar");
        let heights: Vec<&str> = spark.bars.iter().map(|bar| bar.height.as_str()).collect();
        assert_eq!((heights[0], heights[1], heights[9]), ("1.1", "10.5", "21.0"));
        assert!(spark.bars[9].now && !spark.bars[8].now);
        assert_eq!(spark.label, "Ops: 10 last week, 20 now");
    }

    #[test]
    fn the_words_leave_out_what_is_not_known_or_the_same() {
        let words = |then, last, now| {
            let mut all = [Some(1); MOMENTS];
            (all[0], all[11]) = (then, now);
            words(&pulse(&all, last))
        };
        assert_eq!(words(Some(4), Some(6), Some(5)), "4 members twelve weeks ago, 6 last week, 5 now");
        assert_eq!(words(None, None, Some(1)), "1 member now");
        assert_eq!(words(Some(5), Some(5), Some(5)), "5 members twelve weeks ago, 5 now");
    }
}

//! Requests over time above the log: bars that lead to their time, and the same figures as a table.

use askama::Template;
use askama::filters::HtmlSafe;

use super::page::with;
use super::parts::counted;
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::Query;
use crate::store::{ActivityQuery, Hour};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Steps that a bar may stand for, in hours.
const STEPS: [i64; 8] = [1, 2, 3, 6, 12, 24, 48, 168];
/// Bars of one histogram at most.
const BARS: i64 = 72;
const WIDTH: f64 = 1200.0;
const FLOOR: f64 = 64.0;

/// The bars above the log.
#[derive(Template, Clone, Debug)]
#[template(path = "parts/histogram.html")]
pub struct Histogram {
    label: String,
    bars: Vec<Bar>,
    axis: Vec<String>,
}

impl HtmlSafe for Histogram {}

#[derive(Clone, Debug)]
struct Bar {
    href: String,
    text: String,
    slot: (String, String),
    parts: Vec<Part>,
    reads: u64,
    changes: u64,
    errors: u64,
}

#[derive(Clone, Debug)]
struct Part {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
}

/// The histogram of the time that the log shows: of the last 24 hours where no time is named.
pub fn histogram(zone: &Zone, path: &str, asked: &Query, hours: &[Hour], query: &ActivityQuery) -> Histogram {
    let to = query.to.unwrap_or(zone.now()).0.min(zone.now().0);
    let first = hours.first().map_or(to, |hour| hour.hour.0);
    // Nothing is shown of the time before the first request, unless nothing else was asked for.
    let from =
        query.from.map_or(to - 23 * HOUR_MS, |from| if first < to { from.0.max(first) } else { from.0 });
    let from = from.min(to).div_euclid(HOUR_MS);
    let to = (to + HOUR_MS - 1).div_euclid(HOUR_MS).max(from + 1);
    let steps = |step: i64| (to - from + step - 1).div_euclid(step);
    let step = STEPS.into_iter().find(|step| steps(*step) <= BARS).unwrap_or(168);
    let mut slots: Vec<Hour> = (0..steps(step).clamp(1, BARS))
        .map(|i| Hour { hour: Timestamp((from + i * step) * HOUR_MS), ..Hour::default() })
        .collect();
    for hour in hours {
        let at = (hour.hour.0.div_euclid(HOUR_MS) - from).div_euclid(step);
        if let Some(slot) = usize::try_from(at).ok().and_then(|at| slots.get_mut(at)) {
            slot.reads += hour.reads;
            slot.changes += hour.changes;
            slot.errors += hour.errors;
        }
    }
    let all = |slot: &Hour| slot.reads + slot.changes + slot.errors;
    let most = slots.iter().map(all).max().unwrap_or(0).max(1);
    let bars = slots.iter().enumerate().map(|(i, slot)| {
        let end = Timestamp(slot.hour.0 + step * HOUR_MS);
        let target = [
            ("from", zone.field(slot.hour)),
            ("to", zone.field(end)),
            ("after", String::new()),
            ("before", String::new()),
            ("at", String::new()),
            ("open", String::new()),
        ];
        let target: Vec<(&str, &str)> = target.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let wide = WIDTH / slots.len() as f64;
        Bar {
            href: format!("{path}{}", with(asked, &target)),
            text: format!("{} to {}", zone.moment(slot.hour), zone.moment(end)),
            slot: (number(wide * i as f64), number(wide)),
            parts: parts(slot, i, wide, most),
            reads: slot.reads,
            changes: slot.changes,
            errors: slot.errors,
        }
    });
    let errors: u64 = slots.iter().map(|slot| slot.errors).sum();
    let total: u64 = slots.iter().map(all).sum();
    let unit = match step {
        1 => "hour".to_owned(),
        24 => "day".to_owned(),
        168 => "week".to_owned(),
        step if step % 24 == 0 => format!("{} days", step / 24),
        step => format!("{step} hours"),
    };
    Histogram {
        label: format!(
            "{} by {unit}, {} among them, from {} to {}",
            counted(total, "request"),
            counted(errors, "error"),
            zone.moment(slots[0].hour),
            zone.moment(Timestamp(to * HOUR_MS)),
        ),
        bars: bars.collect(),
        axis: axis(zone, &slots, step),
    }
}

fn parts(slot: &Hour, i: usize, wide: f64, most: u64) -> Vec<Part> {
    let mut floor = FLOOR;
    let mut parts = Vec::new();
    for (class, n) in [("read", slot.reads), ("write", slot.changes), ("err", slot.errors)] {
        if n > 0 {
            // What is there is seen, however small beside the rest.
            let height = (n as f64 * (FLOOR - 4.0) / most as f64).max(1.5);
            floor -= height;
            parts.push(Part {
                class,
                x: number(wide * i as f64 + wide * 0.125),
                y: number(floor.max(0.0)),
                width: number(wide * 0.75),
                height: number(height),
            });
        }
    }
    parts
}

/// Times below the bars: the first, the last, and up to three between.
fn axis(zone: &Zone, slots: &[Hour], step: i64) -> Vec<String> {
    let last = slots.len() - 1;
    let mut places: Vec<usize> = (0..5).map(|i| i * last / 4).collect();
    places.dedup();
    let text = |at: Timestamp| if step < 24 { zone.moment(at) } else { zone.date(at) };
    places.into_iter().map(|place| text(slots[place].hour)).collect()
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("an instant")
    }

    fn hour(text: &str, reads: u64, errors: u64) -> Hour {
        Hour { hour: at(text), reads, errors, ..Hour::default() }
    }

    #[test]
    fn the_last_day_is_shown_by_hours_and_each_bar_leads_to_its_own() {
        let zone = Zone::utc(at("2026-11-23T16:30:00Z"));
        let hours = [hour("2026-11-20T10:00:00Z", 9, 0), hour("2026-11-23T16:00:00Z", 3, 1)];
        let asked = Query::parse("kind=errors&after=1-1");
        let shown = histogram(&zone, "/a", &asked, &hours, &ActivityQuery::default());
        assert_eq!(shown.bars.len(), 24);
        assert_eq!(shown.bars[23].href, "/a?kind=errors&from=2026-11-23T16%3A00&to=2026-11-23T17%3A00");
        assert_eq!((shown.bars[23].reads, shown.bars[23].errors, shown.bars[0].reads), (3, 1, 0));
        assert!(shown.label.starts_with("4 requests by hour, 1 error among them"), "{}", shown.label);
    }

    #[test]
    fn a_long_time_has_fewer_and_wider_bars_that_count_everything() {
        let zone = Zone::utc(at("2026-11-23T16:30:00Z"));
        let hours: Vec<Hour> = (0..400 * 24)
            .map(|i| Hour {
                hour: Timestamp(at("2026-11-23T16:00:00Z").0 - i * HOUR_MS),
                reads: 1,
                ..Hour::default()
            })
            .rev()
            .collect();
        let query = ActivityQuery { from: Some(Timestamp(0)), ..ActivityQuery::default() };
        let shown = histogram(&zone, "/a", &Query::parse(""), &hours, &query);
        assert!(shown.bars.len() <= BARS as usize, "{}", shown.bars.len());
        assert_eq!(shown.bars.iter().map(|bar| bar.reads).sum::<u64>(), 400 * 24);
    }

    #[test]
    fn an_hour_is_one_bar_however_long_ago() {
        let zone = Zone::utc(at("2026-11-23T16:30:00Z"));
        let hours = [hour("2026-11-23T10:00:00Z", 3, 1)];
        for day in ["2020-01-01", "2026-11-23"] {
            let query = ActivityQuery {
                from: Some(at(&format!("{day}T10:00:00Z"))),
                to: Some(at(&format!("{day}T11:00:00Z"))),
                ..ActivityQuery::default()
            };
            let shown = histogram(&zone, "/a", &Query::parse(""), &hours, &query);
            assert_eq!(shown.bars.len(), 1);
            assert!(
                shown.bars[0].href.contains(&format!("{day}T10%3A00&to={day}T11%3A00")),
                "{}",
                shown.bars[0].href
            );
        }
    }

    #[test]
    fn a_time_without_requests_or_turned_round_is_a_row_of_nothing() {
        let zone = Zone::utc(at("2026-11-23T16:30:00Z"));
        let hours = [hour("2026-11-23T16:00:00Z", 3, 1)];
        let (from, to) = (Some(at("2030-01-01T00:00:00Z")), Some(at("2026-11-01T00:00:00Z")));
        for (from, to) in [(from, None), (None, to), (from, to)] {
            let query = ActivityQuery { from, to, ..ActivityQuery::default() };
            let shown = histogram(&zone, "/a", &Query::parse(""), &hours, &query);
            assert!(!shown.bars.is_empty() && shown.bars.len() <= BARS as usize);
        }
    }
}

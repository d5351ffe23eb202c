//! Requests by hour as a picture: inline SVG made here, attributes only, wide and narrow, with its figures as a table.

use askama::Template;
use askama::filters::HtmlSafe;

use super::parts::counted;
use super::when::Zone;
use crate::base::Timestamp;
use crate::service::sentence::number;
use crate::store::Hour;

const HOUR_MS: i64 = 60 * 60 * 1000;
const HOURS: usize = 24;

/// Requests by hour as bars, once wide and once narrow.
#[derive(Template)]
#[template(path = "parts/chart_hours.html")]
pub struct Chart {
    label: String,
    views: Vec<View>,
}

impl HtmlSafe for Chart {}

struct View {
    class: &'static str,
    width: u32,
    lines: Vec<GridLine>,
    bars: Vec<Bar>,
    marks: Vec<Mark>,
}

struct GridLine {
    class: &'static str,
    y: String,
    text_y: String,
    text: String,
}

struct Bar {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
}

struct Mark {
    x: String,
    text: String,
}

/// One hour of the table.
pub struct HourLine {
    pub text: String,
    pub reads: u64,
    pub changes: u64,
    pub errors: u64,
}

/// The last 24 hours, each with its counts, those without requests too.
pub fn every_hour(hours: &[Hour], now: Timestamp) -> Vec<Hour> {
    let last = now.0 - now.0.rem_euclid(HOUR_MS);
    (0..HOURS as i64)
        .map(|back| Timestamp(last - (HOURS as i64 - 1 - back) * HOUR_MS))
        .map(|at| {
            hours.iter().find(|hour| hour.hour == at).copied().unwrap_or(Hour { hour: at, ..Hour::default() })
        })
        .collect()
}

/// The chart of these hours.
pub fn chart(zone: &Zone, hours: &[Hour]) -> Chart {
    let all = |hour: &Hour| hour.reads + hour.changes + hour.errors;
    let busiest = hours.iter().max_by_key(|hour| all(hour));
    let errors: u64 = hours.iter().map(|hour| hour.errors).sum();
    let label = match busiest.filter(|hour| all(hour) > 0) {
        Some(hour) => format!(
            "Requests by hour for the last 24 hours. Busiest hour {} with {}. {} in all.",
            zone.minute(hour.hour),
            counted(all(hour), "request"),
            counted(errors, "error")
        ),
        None => "Requests by hour for the last 24 hours. There were none.".to_owned(),
    };
    let top = nice(busiest.map_or(0, all));
    Chart {
        label,
        views: vec![
            view(zone, hours, top, "chart-l", 820, 3),
            view(zone, &hours[HOURS / 2..], top, "chart-s", 340, 3),
        ],
    }
}

/// The smallest round number that is even and not below the largest bar.
fn nice(most: u64) -> u64 {
    let mut step = 1;
    loop {
        for times in [2, 4, 8, 10] {
            if step * times >= most {
                return step * times;
            }
        }
        step *= 10;
    }
}

fn view(zone: &Zone, hours: &[Hour], top: u64, class: &'static str, width: u32, every: usize) -> View {
    const FLOOR: f64 = 148.0;
    const HEIGHT: f64 = 140.0;
    let slot = f64::from(width - 30) / hours.len() as f64;
    let tall = |n: u64| n as f64 * HEIGHT / top as f64;
    let mut bars = Vec::new();
    for (i, hour) in hours.iter().enumerate() {
        let mut floor = FLOOR;
        for (class, n) in [("read", hour.reads), ("write", hour.changes), ("err", hour.errors)] {
            if n > 0 {
                let height = tall(n);
                floor -= height;
                bars.push(Bar {
                    class,
                    x: format!("{:.1}", 30.0 + slot * (i as f64 + 0.17)),
                    y: format!("{floor:.1}"),
                    width: format!("{:.1}", slot * 0.66),
                    height: format!("{height:.1}"),
                });
            }
        }
    }
    let line = |class, n: u64| GridLine {
        class,
        y: format!("{:.1}", FLOOR - tall(n)),
        text_y: format!("{:.1}", FLOOR - tall(n) + 4.0),
        text: number(n),
    };
    let marks = hours.iter().enumerate().step_by(every).map(|(i, hour)| Mark {
        x: format!("{:.1}", 30.0 + slot * (i as f64 + 0.5)),
        text: zone.minute(hour.hour),
    });
    View {
        class,
        width,
        lines: vec![line("grid", top), line("grid", top / 2), line("base", 0)],
        bars,
        marks: marks.collect(),
    }
}

/// The same as a table.
pub fn figures(zone: &Zone, hours: &[Hour]) -> Vec<HourLine> {
    hours
        .iter()
        .map(|hour| HourLine {
            text: zone.minute(hour.hour),
            reads: hour.reads,
            changes: hour.changes,
            errors: hour.errors,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_chart_is_round_and_even() {
        for (most, top) in [(0, 2), (2, 2), (3, 4), (9, 10), (11, 20), (63, 80), (81, 100), (120, 200)] {
            assert_eq!(nice(most), top, "{most}");
        }
    }

    #[test]
    fn hours_without_requests_are_there_too() {
        let now = Timestamp(100 * HOUR_MS + 17);
        let busy = Hour { hour: Timestamp(99 * HOUR_MS), reads: 3, changes: 2, errors: 1, ..Hour::default() };
        let hours = every_hour(&[busy], now);
        assert_eq!((hours.len(), hours[22], hours[23].hour), (24, busy, Timestamp(100 * HOUR_MS)));
        let chart = chart(&Zone::utc(now), &hours);
        assert_eq!(chart.views[0].bars.len(), 3);
        assert!(
            chart.label.contains("6 requests") && chart.label.contains("1 error in all"),
            "{}",
            chart.label
        );
    }
}

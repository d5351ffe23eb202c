//! Refusals of one cause that follow each other as one line: "5 requests in 40 s".

use super::parts::counted;
use super::when::duration;
use crate::store::ActivityRow;

/// One line: a request, or several of one cause, newest first.
pub struct Folded<'a> {
    pub rows: Vec<&'a ActivityRow>,
    /// How many requests it stands for.
    pub count: u64,
    /// "5 requests in 40 s"; empty for one request.
    pub words: String,
}

/// Folds rows that follow each other and have one cause, one sender and one thing they asked; `each` leaves them apart.
pub fn folded(rows: &[ActivityRow], each: bool) -> Vec<Folded<'_>> {
    let mut lines: Vec<Vec<&ActivityRow>> = Vec::new();
    for row in rows {
        match lines.last_mut() {
            Some(line) if !each && alike(line[0], row) => line.push(row),
            _ => lines.push(vec![row]),
        }
    }
    lines.into_iter().map(line).collect()
}

/// Whether two refusals have one cause, one sender and one thing they asked.
pub fn alike(one: &ActivityRow, other: &ActivityRow) -> bool {
    let (one, other) = (&one.activity, &other.activity);
    one.cause.is_some()
        && one.cause == other.cause
        && (one.status, one.token, &one.address) == (other.status, other.token, &other.address)
        && (&one.method, &one.path) == (&other.method, &other.path)
}

fn line(rows: Vec<&ActivityRow>) -> Folded<'_> {
    let count = rows.iter().map(|row| row.activity.folded.max(1)).sum();
    let words = match rows.as_slice() {
        [first, .., last] => {
            let apart = first.activity.at.since(last.activity.at).max(0).unsigned_abs();
            format!("{} in {}", counted(count, "request"), span(apart))
        }
        _ => String::new(),
    };
    Folded { rows, count, words }
}

/// A span in its largest fitting unit: `40 s`, `10 min`, `3 h`, `2 days`.
pub fn span(ms: u64) -> String {
    match ms / 1000 {
        0..120 => duration(ms.max(1) * 1000),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::store::Activity;

    fn row(at: i64, cause: Option<&str>, address: &str) -> ActivityRow {
        let activity = Activity {
            at: Timestamp(at * 1000),
            cause: cause.map(str::to_owned),
            address: address.into(),
            folded: 1,
            ..Activity::default()
        };
        ActivityRow { n: at, activity }
    }

    #[test]
    fn the_same_cause_in_a_row_is_one_line() {
        let unknown = Some("token-unknown");
        let mut rows = vec![
            row(100, unknown, "a"),
            row(90, unknown, "a"),
            row(60, unknown, "a"),
            row(50, unknown, "b"),
            row(40, None, "a"),
            row(30, None, "a"),
            row(20, unknown, "a"),
        ];
        rows[1].activity.folded = 3;
        let told = |each| {
            folded(&rows, each).iter().map(|line| (line.rows.len(), line.words.clone())).collect::<Vec<_>>()
        };
        let one = || (1, String::new());
        assert_eq!(told(false), [(3, "5 requests in 40 s".into()), one(), one(), one(), one()]);
        assert_eq!(told(true).len(), 7);
    }

    #[test]
    fn spans_have_one_unit() {
        let spans = [0, 400, 40_000, 600_000, 10_800_000, 200_000_000].map(span);
        assert_eq!(spans, ["1 ms", "400 ms", "40 s", "10 min", "3 h", "2 days"]);
    }
}

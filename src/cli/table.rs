//! Tables on the terminal: columns as wide as their longest cell.

/// Lays rows out under a heading.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = line(&heading.map(str::to_string), &widths);
    for row in rows {
        text.push_str(&line(row, &widths));
    }
    text
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let padded: Vec<String> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", printable(cell))).collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// A cell without what could steer the terminal: names come from outside.
pub(super) fn printable(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["1".to_string(), "Grüße".to_string()], ["22".to_string(), "a\u{1b}[2J".to_string()]];
        assert_eq!(table(["n", "name"], &rows), "n   name\n1   Grüße\n22  a\u{fffd}[2J\n");
    }
}

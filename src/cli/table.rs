//! Tables on the terminal: columns as wide as their longest cell.

use super::terminal::{self, printable};

/// Lays rows out under a heading.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(terminal::width(cell));
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
        cells.iter().zip(widths).map(|(cell, width)| terminal::padded(&printable(cell), *width)).collect();
    format!("{}\n", padded.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["Grüße".to_string(), "1".to_string()], ["田中".to_string(), "a\u{1b}[2J".to_string()]];
        assert_eq!(table(["name", "n"], &rows), "name   n\nGrüße  1\n田中   a\u{fffd}[2J\n");
    }
}

//! What a terminal makes of text: how wide it is drawn, where a line ends, what could steer the terminal and is kept from
//! it. Text that goes elsewhere than to a terminal has no width and no colours.

use std::io::IsTerminal;

/// Where output goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Screen {
    /// Columns; `None` where no terminal draws them.
    pub width: Option<usize>,
    pub colours: bool,
}

/// Narrower terminals break lines by themselves.
const NARROWEST: usize = 60;

impl Screen {
    /// The screen behind the standard output.
    pub fn of_output() -> Screen {
        let out = std::io::stdout();
        if !out.is_terminal() {
            return Screen::default();
        }
        let columns = rustix::termios::tcgetwinsize(&out).map_or(0, |size| usize::from(size.ws_col));
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Screen { width: Some(columns).filter(|columns| *columns >= NARROWEST), colours: !plain }
    }

    /// A text in a colour, where there are colours.
    pub fn coloured(&self, colour: Colour, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Good => 32,
            Colour::Bad => 31,
            Colour::Faint => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Good,
    Bad,
    Faint,
}

/// A text on one line without what could steer the terminal or turn the line round: names come from outside.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// How many columns a text takes, as terminals draw it.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// A text filled with blanks to a width.
pub(super) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// A text in lines no wider than that, broken at blanks, or within a word where it is wider than a line.
pub(super) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let wide = width(word);
        if used > 0 && used + 1 + wide > most {
            lines.push(String::new());
            used = 0;
        } else if used > 0 {
            lines.last_mut().expect("there is a line").push(' ');
            used += 1;
        }
        for c in word.chars() {
            if used + columns(c) > most && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().expect("there is a line").push(c);
            used += columns(c);
        }
    }
    lines
}

/// Two for the wide signs of East Asia and for pictures, none for marks on the sign before.
fn columns(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036f
        | 0x0483..=0x0489
        | 0x0591..=0x05bd
        | 0x0610..=0x061a
        | 0x064b..=0x065f
        | 0x0e31
        | 0x0e34..=0x0e3a
        | 0x0e47..=0x0e4e
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x200b..=0x200f
        | 0x2060..=0x2064
        | 0x20d0..=0x20ff
        | 0xfe00..=0xfe0f
        | 0xfe20..=0xfe2f
        | 0x1f3fb..=0x1f3ff
        | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_wide_as_it_is_drawn() {
        for (text, wide) in [("Mei", 3), ("Zoe\u{308}", 3), ("田中", 4), ("🎉", 2), ("한국", 4), ("", 0)]
        {
            assert_eq!(width(text), wide, "{text}");
        }
        assert_eq!(padded("田中", 6), "田中  ");
        assert_eq!(padded("Priya", 3), "Priya");
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_break_too() {
        assert_eq!(wrapped("Priya Raman left Engineering", 12), ["Priya Raman", "left", "Engineering"]);
        assert_eq!(wrapped(&"x".repeat(25), 10), ["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
        assert_eq!(wrapped("田中太郎 ok", 5), ["田中", "太郎", "ok"]);
        assert_eq!(wrapped("", 10), [""]);
        let long = format!("{} end", "y".repeat(5000));
        assert!(wrapped(&long, 40).iter().all(|line| width(line) <= 40));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[2J\r\nb\u{202e}c\u{2066}d\u{9b}e"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e"
        );
        assert_eq!(printable("Zoë 🎉 \u{200d}"), "Zoë 🎉 \u{200d}");
    }

    #[test]
    fn colours_are_for_terminals_alone() {
        assert_eq!(Screen::default().coloured(Colour::Bad, "409"), "409");
        let screen = Screen { width: Some(80), colours: true };
        assert_eq!(screen.coloured(Colour::Bad, "409"), "\u{1b}[31m409\u{1b}[0m");
    }
}

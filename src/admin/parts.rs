//! The pieces that pages are made of, each a small template of its own: glyphs, chips, times, copy fields, notices,
//! lists of facts, timelines, code. They hold plain strings and numbers; what they say is decided by the pages.

use askama::Template;
use askama::filters::HtmlSafe;

pub use super::fields::{Errors, Field, FieldFault};
use super::said::Said;

/// A part renders itself, escaping what it holds, so a page may write it as it is.
macro_rules! parts {
    ($($part:ty),+ $(,)?) => { $(impl HtmlSafe for $part {})+ };
}

parts!(Icon, Mark, Chip, When, Copy, Pager, Tabs, Notice, Check, Facts, Diff, Timeline, Code, Explain, Empty);

/// A glyph of the navigation or of a button.
#[derive(Template, Clone, Copy, Debug, Default)]
#[template(path = "parts/icon.html")]
pub struct Icon {
    pub name: &'static str,
}

/// The shape of a state: disc with tick, triangle, octagon, ring, half disc. Colour never stands alone.
#[derive(Template, Clone, Copy, Debug, Default)]
#[template(path = "parts/mark.html")]
pub struct Mark {
    pub kind: &'static str,
}

/// A state in a word and a shape.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/chip.html")]
pub struct Chip {
    pub kind: &'static str,
    pub text: String,
}

impl Chip {
    fn mark(&self) -> Mark {
        Mark { kind: self.kind }
    }

    /// The label of a test object: it never looks like a person.
    pub fn test() -> Chip {
        Chip::new("test", "Test")
    }

    /// A chip of a kind (`ok`, `warn`, `bad`, `info`, `wait`, `idle`, `plain`) with its word.
    pub fn new(kind: &'static str, text: impl Into<String>) -> Chip {
        Chip { kind, text: text.into() }
    }
}

/// An instant as shown, with its machine form.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/when.html")]
pub struct When {
    pub iso: String,
    pub text: String,
    /// The absolute time behind a relative one.
    pub title: String,
    /// A relative time that the script keeps right.
    pub live: bool,
}

/// A value with a button that copies it.
#[derive(Template, Clone, Debug)]
#[template(path = "parts/copy.html")]
pub struct Copy {
    pub id: &'static str,
    pub label: &'static str,
    pub text: String,
}

impl Copy {
    fn glyph(&self) -> Icon {
        Icon { name: "copy" }
    }
}

/// The foot of a list. An empty address leaves a button without a link.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/pager.html")]
pub struct Pager {
    pub text: String,
    pub what: &'static str,
    /// The words of the ways to both sides.
    pub back: &'static str,
    pub forth: &'static str,
    pub previous: String,
    pub next: String,
    /// How many rows a page may have.
    pub sizes: Vec<Size>,
}

/// A choice of rows on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    pub rows: u32,
    pub href: String,
    pub current: bool,
}

/// A link with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub href: String,
    pub text: String,
}

impl Link {
    /// A link.
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Link {
        Link { href: href.into(), text: text.into() }
    }
}

/// One tab above a list.
#[derive(Clone, Debug, Default)]
pub struct Tab {
    pub href: String,
    pub text: &'static str,
    pub count: Option<String>,
    pub current: bool,
}

/// Tabs above a list.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/tabs.html")]
pub struct Tabs {
    pub label: &'static str,
    pub tabs: Vec<Tab>,
}

/// One choice of a drop-down.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub value: String,
    pub text: String,
    pub selected: bool,
}

/// A column of a list: its heading, the link that sorts by it, and from which width on it is shown.
#[derive(Clone, Debug, Default)]
pub struct Column {
    pub text: &'static str,
    pub class: &'static str,
    pub href: String,
    /// `ascending`, `descending`, or empty.
    pub sorted: &'static str,
    pub arrow: Icon,
}

/// Something that wants attention, with at most one action.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/notice.html")]
pub struct Notice {
    pub kind: &'static str,
    pub title: String,
    pub text: Said,
    pub link: Option<Link>,
    /// Read out when the page opens, because it answers what was just done.
    pub alert: bool,
}

impl Notice {
    fn mark(&self) -> Mark {
        Mark { kind: self.kind }
    }
}

/// A line of a checklist.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/check.html")]
pub struct Check {
    pub kind: &'static str,
    pub title: String,
    pub at: String,
    pub sub: Said,
}

impl Check {
    fn mark(&self) -> Mark {
        Mark { kind: self.kind }
    }
}

/// A name and its value.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    pub name: String,
    pub text: String,
    pub href: String,
    pub chip: String,
    pub mono: bool,
    /// An address or a command behind the text.
    pub code: String,
    pub at: Option<When>,
}

impl Fact {
    /// A name and a text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Fact {
        Fact { name: name.into(), text: text.into(), ..Fact::default() }
    }

    /// A name and an identifier.
    pub fn mono(name: impl Into<String>, text: impl Into<String>) -> Fact {
        Fact { mono: true, ..Fact::new(name, text) }
    }

    /// A name and an instant.
    pub fn at(name: impl Into<String>, at: When) -> Fact {
        Fact { at: Some(at), ..Fact::new(name, "") }
    }
}

/// A list of names and values.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/facts.html")]
pub struct Facts {
    pub facts: Vec<Fact>,
}

/// An attribute that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub name: String,
    pub old: String,
    pub new: String,
}

/// What changed, old beside new.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/diff.html")]
pub struct Diff {
    pub changes: Vec<Changed>,
}

/// A step on the way of a change: words that may be a link, and an identifier.
#[derive(Clone, Debug, Default)]
pub struct Hop {
    pub text: String,
    pub href: String,
    pub code: String,
}

/// Something that happened.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// The heading of its day, on the first entry of a day.
    pub day: String,
    pub kind: &'static str,
    pub said: Said,
    pub sub: String,
    pub at: When,
    /// Where the request stands, when no word of the sentence leads there.
    pub href: String,
    pub diff: Diff,
    pub hops: Vec<Hop>,
    /// It is about a test object and about nobody.
    pub test: bool,
}

impl Entry {
    fn chip(&self) -> Chip {
        Chip::test()
    }

    fn mark(&self) -> Mark {
        Mark { kind: self.kind }
    }
}

/// What happened, latest first.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/timeline.html")]
pub struct Timeline {
    pub id: &'static str,
    pub entries: Vec<Entry>,
}

/// A request or a response as text; `text` is HTML that `code` made.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/code.html")]
pub struct Code {
    pub id: String,
    pub title: &'static str,
    pub meta: String,
    pub text: super::code::Coloured,
}

/// One of the three parts of an explanation.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    pub title: String,
    pub text: String,
}

/// What happened, why, what to do.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/explain.html")]
pub struct Explain {
    pub good: bool,
    pub parts: Vec<Explained>,
}

/// A list without rows: what is missing and how to get it.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/empty.html")]
pub struct Empty {
    pub title: String,
    pub text: String,
    pub links: Vec<Link>,
    pub hint: String,
}

/// Two letters for a round badge.
pub fn initials(name: &str) -> String {
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().next().is_some_and(char::is_alphabetic))
        .collect();
    let first = |word: &&str| word.chars().next();
    let letters: String = match words.as_slice() {
        [] => "?".to_owned(),
        [one] => one.chars().take(2).collect(),
        [one, .., last] => first(one).into_iter().chain(first(last)).collect(),
    };
    letters.to_uppercase()
}

/// A text cut to so many characters, with an ellipsis where something was cut.
pub fn clipped(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A number with its noun: `1 member`, `1,204 members`.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", crate::service::sentence::number(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_escaped_in_every_part() {
        let name = "<script>alert(1)</script>\"'";
        let said =
            Said::about(&format!("{name} was added"), name, "/admin/x?a=\"b").render().expect("renders");
        assert!(!said.contains("<script>") && !said.contains("\"b\""), "{said}");
        assert!(said.contains("&#60;script&#62;"), "{said}");
        let page = Facts { facts: vec![Fact::new(name, name)] }.render().expect("renders");
        assert!(!page.contains("<script>"));
        let timeline = Timeline {
            id: "",
            entries: vec![Entry {
                kind: "ok",
                said: Said::about(name, name, "x"),
                sub: name.into(),
                diff: Diff {
                    changes: vec![Changed { name: name.into(), old: name.into(), new: name.into() }],
                },
                hops: vec![Hop { text: name.into(), href: name.into(), code: name.into() }],
                ..Entry::default()
            }],
        };
        assert!(!timeline.render().expect("renders").contains("<script>"));
    }

    #[test]
    fn a_part_within_a_part_is_not_escaped_twice() {
        let chip = Chip::new("ok", "A & B").render().expect("renders");
        assert!(chip.contains("<svg"), "{chip}");
        assert!(chip.contains("A &#38; B"), "{chip}");
    }

    #[test]
    fn badges_hold_two_letters_whatever_the_name() {
        assert_eq!(initials("Priya Raman"), "PR");
        assert_eq!(initials("marcus.webb@example.com"), "MC");
        assert_eq!(initials("Ägir"), "ÄG");
        assert_eq!(initials("  🎉 "), "?");
        assert_eq!(initials(""), "?");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(clipped("äöü", 2), "äö…");
        assert_eq!(clipped("äö", 2), "äö");
        assert_eq!(counted(1, "member"), "1 member");
        assert_eq!(counted(1204, "member"), "1,204 members");
    }
}

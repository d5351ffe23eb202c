//! The sentence that says what a request did, in the words of the product: one table of operation, resource and
//! outcome. The protocol stands beside it on the page; nothing here decides anything.

use super::cause::NOTHING_CHANGED;
use crate::scim::Kind;

/// What a request did, as far as its sentence needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    Created {
        kind: Kind,
        name: &'a str,
        members: usize,
    },
    /// A deleted person came back under the same id.
    Restored {
        name: &'a str,
    },
    Changed {
        kind: Kind,
        name: &'a str,
        changes: &'a [Change],
        joined: &'a [String],
        left: &'a [String],
    },
    Deleted {
        kind: Kind,
        name: &'a str,
    },
    Read {
        kind: Kind,
        name: &'a str,
    },
    /// A list or search; `wanted` is the filter's text.
    Listed {
        what: &'a str,
        wanted: Option<&'a str>,
        found: u64,
    },
    Discovery {
        what: &'a str,
    },
    /// A Bulk request; each of its operations has a row of its own.
    Bulk {
        operations: usize,
        refused: usize,
        left: usize,
    },
    Refused {
        what: &'a str,
        name: Option<&'a str>,
    },
    Failed,
}

/// One attribute that changed, with its values as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub old: String,
    pub new: String,
}

/// The sentence, and a second line with less weight.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sentence {
    pub line: String,
    pub note: String,
}

impl Deed<'_> {
    /// Says what happened.
    pub fn sentence(&self) -> Sentence {
        match self {
            Deed::Created { kind, name, members } => Sentence {
                line: format!("{} was added", shown(name)),
                note: match (kind, members) {
                    (Kind::Group, 0) => "Group, no members yet".to_owned(),
                    (Kind::Group, n) => format!("Group, {}", count(*n as u64, "member")),
                    (Kind::User, _) => String::new(),
                },
            },
            Deed::Restored { name } => Sentence {
                line: format!("{} came back", shown(name)),
                note: "The same person as before, with the same id and history".to_owned(),
            },
            Deed::Changed { kind, name, changes, joined, left } => {
                changed(*kind, name, changes, joined, left)
            }
            Deed::Deleted { kind, name } => {
                Sentence { line: format!("{} was deleted", shown(name)), note: kind_word(*kind).to_owned() }
            }
            Deed::Read { kind, name } => {
                Sentence { line: format!("Read {}", shown(name)), note: kind_word(*kind).to_owned() }
            }
            Deed::Listed { what, wanted: None, found } => {
                Sentence { line: format!("Listed {what}"), note: format!("{} in all", number(*found)) }
            }
            Deed::Listed { what: _, wanted: Some(wanted), found } => Sentence {
                line: format!("Looked up {wanted}"),
                note: if *found == 0 { "None found".to_owned() } else { format!("{} found", number(*found)) },
            },
            Deed::Discovery { what } => {
                Sentence { line: format!("Read {what}"), note: "What this server offers".to_owned() }
            }
            Deed::Bulk { operations, refused, left } => Sentence {
                line: format!("{} in one request", count(*operations as u64, "change")),
                note: match (refused, left) {
                    (0, _) => "All were made".to_owned(),
                    (refused, 0) => format!("{} refused", number(*refused as u64)),
                    (refused, left) => {
                        format!("{} refused, {} not tried", number(*refused as u64), number(*left as u64))
                    }
                },
            },
            Deed::Refused { what, name } => Sentence {
                line: match name {
                    Some(name) => format!("Refused: {what}, {}", shown(name)),
                    None => format!("Refused: {what}"),
                },
                note: NOTHING_CHANGED.to_owned(),
            },
            Deed::Failed => Sentence {
                line: "Failed: something broke on this server".to_owned(),
                note: NOTHING_CHANGED.to_owned(),
            },
        }
    }
}

fn changed(kind: Kind, name: &str, changes: &[Change], joined: &[String], left: &[String]) -> Sentence {
    let paths = || changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>().join(", ");
    let name = shown(name);
    let renamed = changes.iter().find(|change| match kind {
        Kind::User => change.path == "userName",
        Kind::Group => change.path == "displayName",
    });
    let active = changes.iter().find(|change| change.path == "active");
    if let (Kind::User, Some(active)) = (kind, active) {
        let word = if active.new == "true" { "reactivated" } else { "deactivated" };
        let others =
            changes.iter().filter(|change| change.path != "active").map(|change| change.path.as_str());
        let mut note = vec![format!("active: {} to {}", or_unset(&active.old), or_unset(&active.new))];
        note.extend(others.map(str::to_owned));
        return Sentence { line: format!("{name} was {word}"), note: note.join(", ") };
    }
    if !joined.is_empty() || !left.is_empty() {
        return membership(&name, joined, left, &paths());
    }
    if let Some(renamed) = renamed {
        return Sentence {
            line: format!("{} is now called {}", shown(&renamed.old), shown(&renamed.new)),
            note: paths(),
        };
    }
    if changes.is_empty() {
        return Sentence { line: format!("{name} stayed as it was"), note: "Nothing to change".to_owned() };
    }
    Sentence { line: format!("{name} was changed"), note: paths() }
}

fn membership(group: &str, joined: &[String], left: &[String], also: &str) -> Sentence {
    let line = match (joined, left) {
        ([one], []) => format!("{} joined {group}", shown(one)),
        ([], [one]) => format!("{} left {group}", shown(one)),
        (joined, []) => format!("{group} gained {}", count(joined.len() as u64, "member")),
        ([], left) => format!("{group} lost {}", count(left.len() as u64, "member")),
        (joined, left) => {
            format!("{group} gained {} and lost {}", count(joined.len() as u64, "member"), left.len())
        }
    };
    let mut note: Vec<String> = Vec::new();
    if joined.len() + left.len() > 1 {
        note.push(names(joined, left));
    }
    if !also.is_empty() {
        note.push(also.to_owned());
    }
    Sentence { line, note: note.join("; ") }
}

fn names(joined: &[String], left: &[String]) -> String {
    const SHOWN: usize = 3;
    let all: Vec<&String> = joined.iter().chain(left).collect();
    let mut text = all.iter().take(SHOWN).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(" and {} more", number((all.len() - SHOWN) as u64)));
    }
    text
}

/// A name that providers sent, short enough for a sentence.
pub fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    if name.trim().is_empty() {
        return "(no name)".to_owned();
    }
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}

fn or_unset(value: &str) -> &str {
    if value.is_empty() { "unset" } else { value }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Group => "Group",
    }
}

/// A number with its noun.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", number(n)) }
}

/// A number with commas between its thousands.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, old: &str, new: &str) -> Change {
        Change { path: path.into(), old: old.into(), new: new.into() }
    }

    fn line(kind: Kind, name: &str, changes: &[Change], joined: &[&str], left: &[&str]) -> String {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Deed::Changed { kind, name, changes, joined: &owned(joined), left: &owned(left) }.sentence().line
    }

    #[test]
    fn says_who_joined_left_and_was_deactivated() {
        assert_eq!(
            line(Kind::Group, "Engineering", &[], &["Priya Raman"], &[]),
            "Priya Raman joined Engineering"
        );
        assert_eq!(
            line(Kind::Group, "Engineering", &[], &[], &["Priya Raman"]),
            "Priya Raman left Engineering"
        );
        assert_eq!(line(Kind::Group, "Ops", &[], &["A", "B"], &["C"]), "Ops gained 2 members and lost 1");
        assert_eq!(
            line(Kind::User, "Priya Raman", &[change("active", "true", "false")], &[], &[]),
            "Priya Raman was deactivated"
        );
        assert_eq!(line(Kind::User, "Mei", &[change("title", "", "CTO")], &[], &[]), "Mei was changed");
        assert_eq!(line(Kind::User, "Mei", &[], &[], &[]), "Mei stayed as it was");
        assert_eq!(
            line(Kind::Group, "Ops", &[change("displayName", "Oops", "Ops")], &[], &[]),
            "Oops is now called Ops"
        );
    }

    #[test]
    fn keeps_long_names_short_and_empty_names_visible() {
        assert_eq!(shown(&"x".repeat(5000)).chars().count(), 80);
        assert_eq!(shown("  "), "(no name)");
    }

    #[test]
    fn writes_thousands() {
        assert_eq!(number(4312), "4,312");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_000_000), "1,000,000");
    }
}

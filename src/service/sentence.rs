//! The sentence that says what a request did, in the words of the product: one table of operation, resource and
//! outcome. The protocol stands beside it on the page; nothing here decides anything.

use super::cause::{Cause, NOTHING_CHANGED};
use super::wanted::Wanted;
use crate::scim::Kind;

/// What a request did, as far as its sentence needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    Created {
        kind: Kind,
        name: &'a str,
        members: usize,
        active: bool,
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
    /// We said no; for some causes the cause says more than what was wanted.
    Refused {
        wanted: &'a Wanted,
        name: Option<&'a str>,
        cause: Cause,
    },
    /// Something broke, or there was no room.
    Failed {
        wanted: &'a Wanted,
        name: Option<&'a str>,
    },
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
            Deed::Created { kind, name, members, active } => Sentence {
                line: format!("{} was added", shown(name)),
                note: match (kind, members) {
                    (Kind::Group, 0) => "Group, no members yet".to_owned(),
                    (Kind::Group, n) => format!("Group, {}", count(*n as u64, "member")),
                    (Kind::User, _) if !active => "Inactive".to_owned(),
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
            Deed::Refused { wanted, name, cause } => Sentence {
                line: match cause.is_token() || [Cause::WrongPath, Cause::PlainHttp].contains(cause) {
                    true => format!("Refused: {}", uncapitalised(cause.words().name)),
                    false => format!("Refused: {}", wanted.phrase(*name)),
                },
                note: NOTHING_CHANGED.to_owned(),
            },
            Deed::Failed { wanted, name } => Sentence {
                line: format!("Failed: {}", wanted.phrase(*name)),
                note: NOTHING_CHANGED.to_owned(),
            },
        }
    }
}

fn changed(kind: Kind, name: &str, changes: &[Change], joined: &[String], left: &[String]) -> Sentence {
    let paths = || changes.iter().map(|change| short_name(&change.path)).collect::<Vec<_>>().join(", ");
    let name = shown(name);
    let attribute = if kind == Kind::User { "userName" } else { "displayName" };
    let renamed = changes.iter().find(|change| change.path == attribute);
    if let Some((word, note)) = switched(kind, changes) {
        return Sentence { line: format!("{name} was {word}"), note };
    }
    if !joined.is_empty() || !left.is_empty() {
        let also = match (renamed, changes.len()) {
            (Some(renamed), 1) => format!("Renamed from {}", shown(&renamed.old)),
            _ => paths(),
        };
        return membership(&name, joined, left, &also);
    }
    if let Some(renamed) = renamed {
        return Sentence {
            line: format!("{} is now called {}", shown(&renamed.old), shown(&renamed.new)),
            note: paths(),
        };
    }
    if changes.is_empty() {
        return Sentence { line: format!("{name} stayed the same"), note: "Nothing to change".to_owned() };
    }
    Sentence { line: format!("{name} was changed"), note: paths() }
}

/// Whether a person was let in or out, and what else changed. Who is not said to be inactive is active.
fn switched(kind: Kind, changes: &[Change]) -> Option<(&'static str, String)> {
    let active = changes.iter().find(|change| kind == Kind::User && change.path == "active")?;
    let word = match (active.old.as_str(), active.new.as_str()) {
        ("false", "true" | "") => "reactivated",
        (_, "false") => "deactivated",
        _ => return None,
    };
    let mut note = vec![format!("active: {} to {}", or_unset(&active.old), or_unset(&active.new))];
    let others = changes.iter().filter(|change| change.path != "active");
    note.extend(others.map(|change| short_name(&change.path).to_owned()));
    Some((word, note.join(", ")))
}

fn membership(group: &str, joined: &[String], left: &[String], also: &str) -> Sentence {
    let line = match (joined, left) {
        ([one], []) => format!("{} joined {group}", shown(one)),
        ([], [one]) => format!("{} left {group}", shown(one)),
        ([one], [other]) => format!("{} joined and {} left {group}", shown(one), shown(other)),
        (joined, []) => format!("{group} gained {}", count(joined.len() as u64, "member")),
        ([], left) => format!("{group} lost {}", count(left.len() as u64, "member")),
        (joined, left) => {
            let lost = number(left.len() as u64);
            format!("{group} gained {} and lost {lost}", count(joined.len() as u64, "member"))
        }
    };
    let note = match (joined.len(), left.len()) {
        (0 | 1, 0 | 1) => String::new(),
        (_, 0) => names(joined),
        (0, _) => names(left),
        _ => format!("{} joined, {} left", names(joined), names(left)),
    };
    let parts = [note.as_str(), also].into_iter().filter(|part| !part.is_empty());
    Sentence { line, note: parts.collect::<Vec<_>>().join("; ") }
}

fn names(all: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut text = all.iter().take(SHOWN).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN {
        text.push_str(&format!(" and {} more", number((all.len() - SHOWN) as u64)));
    }
    text
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
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

/// An attribute's name without the URN of its extension: `department`, as the provider's form calls it.
pub fn short_name(path: &str) -> &str {
    match path.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("urn:") => path.rsplit(':').next().unwrap_or(path),
        _ => path,
    }
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

    fn said(deed: Deed<'_>) -> String {
        let sentence = deed.sentence();
        if sentence.note.is_empty() {
            sentence.line
        } else {
            format!("{} | {}", sentence.line, sentence.note)
        }
    }

    #[test]
    fn records_that_were_made_read_deleted_and_listed() {
        let made = |kind, members, active| said(Deed::Created { kind, name: "Mei Chen", members, active });
        let listed = |wanted, found| said(Deed::Listed { what: "users", wanted, found });
        let bulk = |operations, refused, left| said(Deed::Bulk { operations, refused, left });
        for (deed, expected) in [
            (made(Kind::User, 0, true), "Mei Chen was added"),
            (made(Kind::User, 0, false), "Mei Chen was added | Inactive"),
            (made(Kind::Group, 0, true), "Mei Chen was added | Group, no members yet"),
            (made(Kind::Group, 1, true), "Mei Chen was added | Group, 1 member"),
            (made(Kind::Group, 1204, true), "Mei Chen was added | Group, 1,204 members"),
            (
                said(Deed::Restored { name: "Mei Chen" }),
                "Mei Chen came back | The same person as before, with the same id and history",
            ),
            (said(Deed::Deleted { kind: Kind::User, name: "Mei Chen" }), "Mei Chen was deleted | User"),
            (said(Deed::Deleted { kind: Kind::Group, name: "Ops" }), "Ops was deleted | Group"),
            (said(Deed::Read { kind: Kind::User, name: "Mei Chen" }), "Read Mei Chen | User"),
            (said(Deed::Read { kind: Kind::Group, name: "" }), "Read (no name) | Group"),
            (listed(None, 4312), "Listed users | 4,312 in all"),
            (listed(Some("mei@example.com"), 0), "Looked up mei@example.com | None found"),
            (listed(Some("mei@example.com"), 1), "Looked up mei@example.com | 1 found"),
            (said(Deed::Discovery { what: "the schemas" }), "Read the schemas | What this server offers"),
            (bulk(1, 0, 0), "1 change in one request | All were made"),
            (bulk(1000, 2, 0), "1,000 changes in one request | 2 refused"),
            (bulk(7, 2, 3), "7 changes in one request | 2 refused, 3 not tried"),
        ] {
            assert_eq!(deed, expected);
        }
    }

    #[test]
    fn changes_of_people_and_of_groups() {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let told = |kind, name: &str, changes: &[Change], joined: &[&str], left: &[&str]| {
            said(Deed::Changed { kind, name, changes, joined: &owned(joined), left: &owned(left) })
        };
        let person = |changes: &[Change]| told(Kind::User, "Priya Raman", changes, &[], &[]);
        let ops = |changes: &[Change], joined: &[&str], left: &[&str]| {
            told(Kind::Group, "Ops", changes, joined, left)
        };
        let renamed = change("displayName", "Oops", "Ops");
        for (told, expected) in [
            (person(&[]), "Priya Raman stayed the same | Nothing to change"),
            (person(&[change("title", "", "CTO")]), "Priya Raman was changed | title"),
            (
                person(&[change(
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                    "",
                    "x",
                )]),
                "Priya Raman was changed | department",
            ),
            (
                person(&[change("title", "", "CTO"), change("locale", "en", "")]),
                "Priya Raman was changed | title, locale",
            ),
            (
                person(&[change("userName", "priya", "p.raman"), change("title", "", "x")]),
                "priya is now called p.raman | userName, title",
            ),
            (
                person(&[change("active", "true", "false")]),
                "Priya Raman was deactivated | active: true to false",
            ),
            (
                person(&[change("title", "", "x"), change("active", "", "false")]),
                "Priya Raman was deactivated | active: unset to false, title",
            ),
            (
                person(&[change("active", "false", "true")]),
                "Priya Raman was reactivated | active: false to true",
            ),
            (
                person(&[change("active", "false", "")]),
                "Priya Raman was reactivated | active: false to unset",
            ),
            (person(&[change("active", "", "true")]), "Priya Raman was changed | active"),
            (ops(&[], &[], &[]), "Ops stayed the same | Nothing to change"),
            (ops(std::slice::from_ref(&renamed), &[], &[]), "Oops is now called Ops | displayName"),
            (ops(&[change("externalId", "", "x")], &[], &[]), "Ops was changed | externalId"),
            (ops(&[change("active", "true", "false")], &[], &[]), "Ops was changed | active"),
            (ops(&[], &["Priya"], &[]), "Priya joined Ops"),
            (ops(&[], &[], &["Priya"]), "Priya left Ops"),
            (ops(&[], &["Mei"], &["Priya"]), "Mei joined and Priya left Ops"),
            (ops(&[], &["A", "B"], &[]), "Ops gained 2 members | A, B"),
            (ops(&[], &[], &["A", "B", "C", "D", "E"]), "Ops lost 5 members | A, B, C and 2 more"),
            (ops(&[], &["A", "B"], &["C"]), "Ops gained 2 members and lost 1 | A, B joined, C left"),
            (ops(std::slice::from_ref(&renamed), &["A"], &[]), "A joined Ops | Renamed from Oops"),
            (
                ops(&[renamed.clone(), change("externalId", "", "x")], &["A", "B"], &[]),
                "Ops gained 2 members | A, B; displayName, externalId",
            ),
        ] {
            assert_eq!(told, expected);
        }
        let thousand: Vec<String> = (0..1204).map(|n| format!("u{n}")).collect();
        let many = Deed::Changed {
            kind: Kind::Group,
            name: "Ops",
            changes: &[],
            joined: &thousand,
            left: &thousand,
        };
        assert_eq!(
            said(many),
            "Ops gained 1,204 members and lost 1,204 | u0, u1, u2 and 1,201 more joined, u0, u1, u2 and 1,201 more left"
        );
    }

    /// Each cause of refusal with each thing that is refused: whole, plain English, without the words we do not use.
    #[test]
    fn refusals_and_failures_of_everything_for_every_cause() {
        let wanted = [
            Wanted::New(Kind::User),
            Wanted::Change(Kind::Group),
            Wanted::Deletion(Kind::User),
            Wanted::Read(Kind::User),
            Wanted::List("users"),
            Wanted::LookUp("users and groups"),
            Wanted::Me("reading"),
            Wanted::Bulk,
            Wanted::Discovery("the schemas"),
            Wanted::Unoffered("PURGE".into()),
            Wanted::Elsewhere,
        ];
        for cause in Cause::ALL {
            for wanted in &wanted {
                for name in [None, Some("Mei Chen")] {
                    let line = Deed::Refused { wanted, name, cause }.sentence().line;
                    let rest = line.strip_prefix("Refused: ").expect("it says that we said no");
                    assert!(rest.starts_with(|c: char| c.is_lowercase() || c == 'P'), "{line}");
                    for word in
                        ["invalid", "please", "oops", "entity", "resource", "endpoint", "sync", "tenant"]
                    {
                        assert!(!line.to_lowercase().split_whitespace().any(|one| one == word), "{line}");
                    }
                }
            }
        }
        let new = &wanted[0];
        for (cause, expected) in [
            (Cause::NoAuthorization, "Refused: no token sent | Nothing was changed"),
            (Cause::NotBearer, "Refused: not a bearer token | Nothing was changed"),
            (Cause::TokenShape, "Refused: token pasted with something around it | Nothing was changed"),
            (Cause::TokenChanged, "Refused: token cut short or changed | Nothing was changed"),
            (Cause::TokenRevoked, "Refused: revoked token | Nothing was changed"),
            (Cause::TokenExpired, "Refused: expired token | Nothing was changed"),
            (Cause::TokenUnknown, "Refused: wrong token | Nothing was changed"),
            (Cause::WrongPath, "Refused: wrong address | Nothing was changed"),
            (Cause::PlainHttp, "Refused: plain http | Nothing was changed"),
            (Cause::ReadOnlyToken, "Refused: a new user, Mei Chen | Nothing was changed"),
            (Cause::NameTaken, "Refused: a new user, Mei Chen | Nothing was changed"),
        ] {
            assert_eq!(said(Deed::Refused { wanted: new, name: Some("Mei Chen"), cause }), expected);
        }
        assert_eq!(
            said(Deed::Failed { wanted: new, name: None }),
            "Failed: a new user | Nothing was changed"
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

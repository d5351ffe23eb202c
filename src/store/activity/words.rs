//! The words by which requests are found. One function makes them, on the way into the index and of what is looked for, so
//! that no text can be a fault of syntax; each word carries its team, so that no search leads to another team's rows.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::Activity;
use crate::base::TeamId;
use crate::scim::fold::fold;
use crate::store::{Result, called};

/// Words of a search beyond these are not looked for.
const MOST_WORDS: usize = 16;
/// A shorter word is looked for whole; the words that begin with one letter would be half of the index.
const SHORTEST_BEGINNING: usize = 2;

/// The words of a row.
pub fn of(team: TeamId, activity: &Activity) -> String {
    let mut words = String::new();
    for text in [&activity.sentence, &activity.note, &activity.request] {
        add(team, text, &mut words);
    }
    let path = activity.path.strip_prefix("/scim").unwrap_or(&activity.path);
    add(team, path.strip_prefix("/v2").unwrap_or(path), &mut words);
    if let Some(subject) = &activity.subject {
        // Most sentences name whom they are about, and most paths too: once is enough.
        if !path.contains(&subject.id) {
            add(team, &subject.id, &mut words);
        }
        if !activity.sentence.contains(&subject.name) {
            add(team, &subject.name, &mut words);
        }
    }
    let told = words.len();
    let mut more = String::new();
    for text in &activity.also {
        more.clear();
        add(team, text, &mut more);
        if !stands_in(&words[..told], &more) {
            words.push_str(&more);
        }
    }
    words
}

/// Whether words stand among others, one after the other.
fn stands_in(words: &str, some: &str) -> bool {
    words.match_indices(some).any(|(at, _)| at == 0 || words[..at].ends_with(' '))
}

/// Whether there is no word in a text.
pub fn is_empty(text: &str) -> bool {
    split(text, Ids::Apart).next().is_none()
}

/// The search expression for a text: everything between two blanks must be there, one after the other and as the
/// beginning of what stands there.
pub fn expression(team: TeamId, text: &str) -> String {
    let mut all = Vec::new();
    for part in text.split_whitespace().filter(|part| !is_empty(part)).take(MOST_WORDS) {
        let phrase = |ids: Ids| {
            let words: Vec<String> = split(part, ids).collect();
            let begins = words.last().is_some_and(|last| last.chars().count() >= SHORTEST_BEGINNING);
            let words: Vec<String> = words.iter().map(|word| format!("{}t{word}", team.0)).collect();
            format!("\"{}\"{}", words.join(" "), if begins { " *" } else { "" })
        };
        let (whole, apart) = (phrase(Ids::Begun), phrase(Ids::Apart));
        // Rows of earlier builds have an id in five words, and what looks like an id may be none.
        all.push(if whole == apart { whole } else { format!("({whole} OR {apart})") });
    }
    all.join(" AND ")
}

/// The functions by which migrations find words and names of rows that were there before.
pub fn register(connection: &Connection) -> Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("team_words", 2, flags, |call| {
        let mut words = String::new();
        add(TeamId(call.get(0)?), &call.get::<String>(1)?, &mut words);
        Ok(words)
    })?;
    connection.create_scalar_function("called", 3, flags, |call| {
        Ok(called::of_stored(call.get(0)?, &call.get::<String>(1)?, &call.get::<String>(2)?))
    })?;
    connection.create_scalar_function("folded", 1, flags, |call| Ok(fold(&call.get::<String>(0)?)))?;
    Ok(())
}

fn add(team: TeamId, text: &str, words: &mut String) {
    // A team's number ends where the letter stands: 1 and 11 do not meet.
    let mark = format!("{}t", team.0);
    for word in split(text, Ids::Whole) {
        words.push_str(&mark);
        words.push_str(&word);
        words.push(' ');
    }
}

/// What becomes of ids in the form of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    /// Each of their five parts is a word.
    Apart,
    /// One word: every request is kept with two or more of them, and each word costs.
    Whole,
    /// One word, also where the text ends within it.
    Begun,
}

/// The words of a text, folded: runs of letters and digits, each sign of a script that writes without blanks, and each
/// symbol beyond ASCII by its number.
fn split(text: &str, ids: Ids) -> impl Iterator<Item = String> {
    let folded = fold(text);
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = folded.as_str();
    while let Some(c) = rest.chars().next() {
        if word.is_empty()
            && let Some((id, behind)) = id(rest, ids)
        {
            words.push(id);
            rest = behind;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c.is_alphanumeric() && !stands_alone(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if stands_alone(c) {
            words.push(c.to_string());
        } else if c as u32 >= 0x2190 && !c.is_whitespace() && !('\u{fe00}'..='\u{fe0f}').contains(&c) {
            words.push(format!("u{:x}", c as u32));
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words.into_iter()
}

/// The id with which a text begins, without its hyphens, and what stands behind it.
fn id(text: &str, ids: Ids) -> Option<(String, &str)> {
    const LENGTH: usize = 36;
    let bytes = text.as_bytes();
    if ids == Ids::Apart || bytes.get(8) != Some(&b'-') {
        return None;
    }
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let end = bytes.len().min(LENGTH);
    let (id, behind) = text.split_at_checked(end)?;
    let ends = !behind.starts_with(|next: char| next.is_alphanumeric());
    let whole = end == LENGTH || ids == Ids::Begun;
    (whole && ends && bytes[..end].iter().enumerate().all(fits)).then(|| (id.replace('-', ""), behind))
}

/// Whether a sign is a word of its own: names in these scripts are written without blanks between their parts.
fn stands_alone(c: char) -> bool {
    matches!(c as u32,
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text, Ids::Whole).collect()
    }

    #[test]
    fn a_text_is_parted_into_words() {
        assert_eq!(words("Priya Raman left R&D"), ["priya", "raman", "left", "r", "d"]);
        assert_eq!(words("mei.chen@example.com"), ["mei", "chen", "example", "com"]);
        assert_eq!(words("req_01JD9T7F"), ["req", "01jd9t7f"]);
        assert_eq!(words("田中 Straße 🎉"), ["田", "中", "strasse", "u1f389"]);
        assert_eq!(words(" %*\"()-\u{0} "), [""; 0]);
    }

    #[test]
    fn an_id_is_one_word_and_is_found_by_its_beginning_and_as_it_was_indexed_once() {
        const ID: &str = "0199AB12-34cd-7abc-8123-0123456789ab";
        const ONE: &str = "0199ab1234cd7abc81230123456789ab";
        assert_eq!(words(&format!("/Users/{ID} ({ID}).")), ["users", ONE, ONE]);
        for other in [format!("x{ID}"), format!("{ID}0"), ID.replace("cd", "cx"), ID[..35].to_owned()] {
            assert_eq!(words(&other).len(), 5, "{other}");
        }
        let apart = |text: &str| text.to_lowercase().replace('-', " 7t");
        let joined = |text: &str| text.to_lowercase().replace('-', "");
        for length in 10..=36 {
            let text = &ID[..length];
            let found = expression(TeamId(7), text);
            assert!(found.starts_with(&format!("(\"7t{}\" *", joined(text))), "{found}");
            assert!(found.contains(&format!(" OR \"7t{}\"", apart(text).trim_end_matches(" 7t"))), "{found}");
        }
        assert_eq!(expression(TeamId(7), "0199ab12 x"), "\"7t0199ab12\" * AND \"7tx\"");
    }

    #[test]
    fn who_is_told_of_already_is_not_indexed_twice_and_nobody_is_forgotten() {
        let activity = Activity {
            sentence: "Ann-Lee Ray joined Ops".into(),
            also: ["Ann-Lee Ray", "Lee", "Ra", "Ann Ray", "Ops"].map(str::to_owned).to_vec(),
            ..Activity::default()
        };
        assert_eq!(of(TeamId(7), &activity), "7tann 7tlee 7tray 7tjoined 7tops 7tra 7tann 7tray ");
    }

    #[test]
    fn what_is_looked_for_is_words_of_the_team_and_nothing_else() {
        let expression = |text| expression(TeamId(7), text);
        assert_eq!(expression("Pri raman"), "\"7tpri\" * AND \"7traman\" *");
        assert_eq!(expression("mei@example.c"), "\"7tmei 7texample 7tc\"");
        assert_eq!(
            expression("x\" OR words:\"y NEAR("),
            "\"7tx\" AND \"7tor\" * AND \"7twords 7ty\" AND \"7tnear\" *"
        );
        let long = "a ".repeat(100);
        assert_eq!(expression(&long).matches("AND").count(), MOST_WORDS - 1);
        assert!(is_empty("% * \"") && expression("%").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_is_more_than_words(text in any::<String>()) {
            let expression = expression(TeamId(1), &text);
            prop_assert_eq!(expression.is_empty(), is_empty(&text));
            let parts = expression.split(" AND ").flat_map(|part| part.split(" OR "));
            for part in parts.map(|part| part.trim_matches(['(', ')'])).filter(|part| !part.is_empty()) {
                let inner = part.trim_end_matches(" *");
                prop_assert!(inner.starts_with("\"1t") && inner.ends_with('"') && inner.len() > 3, "{}", part);
                prop_assert!(!inner[1..inner.len() - 1].contains(['"', '*', '(', ':', '^', '+', '-', '{']), "{}", part);
            }
        }
    }
}

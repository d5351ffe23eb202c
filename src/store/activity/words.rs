//! The words by which requests are found. One function makes them, on the way into the index and of what is looked for, so
//! that no text can be a fault of syntax; each word carries its team, so that no search leads to another team's rows.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::Activity;
use crate::base::TeamId;
use crate::scim::fold::fold;
use crate::store::Result;

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
    split(text).next().is_none()
}

/// The search expression for a text: everything between two blanks must be there, one after the other and as the
/// beginning of what stands there.
pub fn expression(team: TeamId, text: &str) -> String {
    let mut all = Vec::new();
    for part in text.split_whitespace().filter(|part| !is_empty(part)).take(MOST_WORDS) {
        let mut words = String::new();
        add(team, part, &mut words);
        let last = split(part).last().unwrap_or_default();
        let begins = last.chars().count() >= SHORTEST_BEGINNING;
        all.push(format!("\"{}\"{}", words.trim_end(), if begins { " *" } else { "" }));
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
    connection.create_scalar_function("folded", 1, flags, |call| Ok(fold(&call.get::<String>(0)?)))?;
    Ok(())
}

fn add(team: TeamId, text: &str, words: &mut String) {
    // A team's number ends where the letter stands: 1 and 11 do not meet.
    let mark = format!("{}t", team.0);
    for word in split(text) {
        words.push_str(&mark);
        words.push_str(&word);
        words.push(' ');
    }
}

/// The words of a text, folded: runs of letters and digits, each sign of a script that writes without blanks, and each
/// symbol beyond ASCII by its number.
fn split(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in fold(text).chars() {
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
        split(text).collect()
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
            for part in expression.split(" AND ").filter(|part| !part.is_empty()) {
                let inner = part.trim_end_matches(" *");
                prop_assert!(inner.starts_with("\"1t") && inner.ends_with('"') && inner.len() > 3, "{}", part);
                prop_assert!(!inner[1..inner.len() - 1].contains(['"', '*', '(', ':', '^', '+', '-', '{']), "{}", part);
            }
        }
    }
}

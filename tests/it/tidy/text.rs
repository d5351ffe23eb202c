//! Reading Rust source as text: without comments and strings, and up to its tests.
//! It knows enough of the syntax for the house rules and is no parser.

/// The number of the line that holds byte `at`.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The text up to the unit tests, which stand last.
pub fn part_before_tests(text: &str) -> &str {
    let inline = text.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| {
        let line = text[*at..].lines().nth(1).unwrap_or_default();
        line.trim_end().ends_with('{')
    });
    match inline {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// The source with comments and the insides of strings blanked out; every line keeps its number.
pub fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut i = 0;
    while i < chars.len() {
        let rest = &chars[i..];
        let end = if rest.starts_with(&['/', '/']) {
            i + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())
        } else if rest.starts_with(&['/', '*']) {
            i + comment_length(rest)
        } else if let Some(close) = string_length(rest, i.checked_sub(1).map(|before| chars[before])) {
            let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
            i + close + 1 + if rest[0] == 'r' { hashes } else { 0 }
        } else if let Some(length) = char_length(rest) {
            i + length
        } else {
            out.push(rest[0]);
            i += 1;
            continue;
        };
        for c in &chars[i..end.min(chars.len())] {
            out.push(if *c == '\n' { '\n' } else { ' ' });
        }
        i = end;
    }
    out
}

/// The length of a block comment, which may hold others.
fn comment_length(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut i = 0;
    while i < rest.len() {
        if rest[i..].starts_with(&['/', '*']) {
            depth += 1;
            i += 2;
        } else if rest[i..].starts_with(&['*', '/']) {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    rest.len()
}

/// Where the inside of a string literal ends, if one begins here.
fn string_length(rest: &[char], before: Option<char>) -> Option<usize> {
    if rest[0] == '"' {
        let mut i = 1;
        while i < rest.len() && rest[i] != '"' {
            i += if rest[i] == '\\' { 2 } else { 1 };
        }
        return Some(i.min(rest.len()));
    }
    let word = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && before != Some('b');
    if rest[0] != 'r' || word {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let open = 2 + hashes;
    let mut i = open;
    while i < rest.len() {
        if rest[i] == '"' && rest[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes {
            break;
        }
        i += 1;
    }
    Some(i)
}

/// The length of a character literal, if one begins here; a lifetime is none.
fn char_length(rest: &[char]) -> Option<usize> {
    if rest[0] != '\'' {
        return None;
    }
    if rest.get(1) == Some(&'\\') {
        return rest.iter().skip(3).position(|c| *c == '\'').map(|at| at + 4);
    }
    (rest.get(2) == Some(&'\'')).then_some(3)
}

#[test]
fn comments_and_strings_are_blanked_and_lines_kept() {
    let source =
        "a /* b /* c */ d */ e // f\nlet g = \"h\\\"i\"; let j = r#\"k\"l\"#; let m = 'n'; fn o<'p>() {}\n";
    let code = code_only(source);
    let words: Vec<&str> =
        code.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    assert_eq!(words, ["a", "e", "let", "g", "let", "j", "let", "m", "fn", "o", "p"]);
    assert_eq!(code.lines().count(), source.lines().count());
}

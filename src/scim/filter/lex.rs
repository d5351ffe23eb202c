//! The words of a filter or of a PATCH path: brackets, quoted texts and everything between them. What a word means is
//! the parser's business.

/// How long a filter may be.
pub const MAX_BYTES: usize = 16 * 1024;

/// What is wrong with a filter, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scim) struct Fault {
    pub class: Class,
    pub at: usize,
    pub message: String,
}

/// Whose mistake a fault is; PATCH answers each in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scim) enum Class {
    /// The text does not follow the grammar.
    Syntax,
    /// What stands between the brackets of a PATCH path does not follow the grammar.
    Filter,
    /// It names an attribute that is not there.
    Unknown,
    /// Operator, value and attribute do not go together.
    Meaning,
    /// It compares a secret, which then stands in the filter itself.
    Secret,
}

impl Fault {
    pub fn new(class: Class, at: usize, message: impl Into<String>) -> Fault {
        Fault { class, at, message: message.into() }
    }

    pub fn syntax(at: usize, message: impl Into<String>) -> Fault {
        Fault::new(Class::Syntax, at, message)
    }

    /// The fault as words for the client, with its place in `text` counted in characters from 1.
    pub fn describe(&self, text: &str) -> String {
        let place = text.get(..self.at).unwrap_or(text).chars().count() + 1;
        format!("at character {place}: {}", self.message)
    }
}

/// One token and the byte at which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lexed<'a> {
    pub token: Token<'a>,
    pub at: usize,
    pub end: usize,
}

/// A token of the grammar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// A name, operator, number or literal.
    Word(&'a str),
    /// A quoted text, its JSON escapes resolved.
    Text(String),
    /// The end of the text.
    End,
}

impl Token<'_> {
    /// The token in the words of an error.
    pub fn describe(&self) -> String {
        match self {
            Token::Open => "\"(\"".into(),
            Token::Close => "\")\"".into(),
            Token::OpenBracket => "\"[\"".into(),
            Token::CloseBracket => "\"]\"".into(),
            Token::Word(word) => format!("\"{}\"", shorten(word)),
            Token::Text(text) => format!("the text \"{}\"", shorten(text)),
            Token::End => "the end".into(),
        }
    }
}

/// A text short enough to be quoted in an error.
pub(in crate::scim) fn shorten(text: &str) -> String {
    const SHOWN: usize = 128;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Splits a text into tokens; the last one is always `End`.
pub(super) fn lex(text: &str) -> Result<Vec<Lexed<'_>>, Fault> {
    if text.len() > MAX_BYTES {
        let message = format!("it may be {MAX_BYTES} bytes long, this one has {}", text.len());
        return Err(Fault::syntax(0, message));
    }
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (token, end) = match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'(' => (Token::Open, at + 1),
            b')' => (Token::Close, at + 1),
            b'[' => (Token::OpenBracket, at + 1),
            b']' => (Token::CloseBracket, at + 1),
            b'"' => quoted(text, at)?,
            _ => {
                let length = bytes[at..].iter().position(|byte| ends_word(*byte)).unwrap_or(bytes.len() - at);
                (Token::Word(&text[at..at + length]), at + length)
            }
        };
        tokens.push(Lexed { token, at, end });
        at = end;
    }
    tokens.push(Lexed { token: Token::End, at: text.len(), end: text.len() });
    Ok(tokens)
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b'[' | b']' | b'"')
}

/// Reads the JSON string (RFC 7159 §7) that opens at byte `start`.
fn quoted(text: &str, start: usize) -> Result<(Token<'static>, usize), Fault> {
    let bytes = text.as_bytes();
    let mut end = start + 1;
    loop {
        match bytes.get(end) {
            None => return Err(Fault::syntax(start, "this quote is never closed")),
            Some(b'"') => break,
            Some(b'\\') => end += 2,
            Some(_) => end += 1,
        }
    }
    let value: String = serde_json::from_str(&text[start..=end]).map_err(|_| {
        Fault::syntax(start, "this text is no JSON string: look at its backslashes and control characters")
    })?;
    if value.contains('\0') {
        return Err(Fault::syntax(start, "a text cannot hold the character U+0000"));
    }
    Ok((Token::Text(value), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        lex(text).expect(text).into_iter().map(|lexed| lexed.token).collect()
    }

    #[test]
    fn splits_without_asking_for_blanks() {
        assert_eq!(
            tokens(r#"not(members[value eq"x"])"#),
            [
                Token::Word("not"),
                Token::Open,
                Token::Word("members"),
                Token::OpenBracket,
                Token::Word("value"),
                Token::Word("eq"),
                Token::Text("x".into()),
                Token::CloseBracket,
                Token::Close,
                Token::End
            ]
        );
    }

    #[test]
    fn resolves_json_escapes_and_surrogate_pairs() {
        let text = r#""a\"b\\ \u00e9 \ud83d\ude00 \n""#;
        assert_eq!(tokens(text), [Token::Text("a\"b\\ é 😀 \n".into()), Token::End]);
    }

    #[test]
    fn refuses_broken_texts() {
        for (text, words) in [
            ("\"open", "never closed"),
            ("\"open\\\"", "never closed"),
            ("\"open\\", "never closed"),
            (r#""\x""#, "JSON string"),
            (r#""\ud800""#, "JSON string"),
            ("\"a\nb\"", "JSON string"),
            (r#""\u0000""#, "U+0000"),
        ] {
            let fault = lex(text).expect_err(text);
            assert!(fault.message.contains(words), "{text}: {fault:?}");
        }
        assert!(lex(&" ".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(Fault::syntax("é ".len(), "here").describe("é x"), "at character 3: here");
    }
}

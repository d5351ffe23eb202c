//! Sentences on pages: words, some of which are links, identifiers or commands.

use askama::Template;
use askama::filters::HtmlSafe;

/// A sentence, some words of which are links.
#[derive(Template, Clone, Debug, Default, PartialEq, Eq)]
#[template(path = "parts/said.html")]
pub struct Said {
    pub words: Vec<Word>,
}

/// Some words of a sentence: a link where they have an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub href: String,
    /// In the script of code: an address, an identifier or a command.
    pub mono: bool,
}

impl Said {
    /// A sentence without links.
    pub fn plain(text: impl Into<String>) -> Said {
        Said::default().and(text)
    }

    /// A sentence; the first place where the name stands in it becomes the link.
    pub fn about(sentence: &str, name: &str, href: &str) -> Said {
        match sentence.find(name).filter(|_| !name.is_empty() && !href.is_empty()) {
            Some(at) => Said::plain(&sentence[..at]).link(name, href).and(&sentence[at + name.len()..]),
            None => Said::plain(sentence),
        }
    }

    /// The sentence with plain words behind it.
    pub fn and(mut self, text: impl Into<String>) -> Said {
        self.words.push(Word { text: text.into(), ..Word::default() });
        self
    }

    /// The sentence with an address, an identifier or a command behind it.
    pub fn mono(mut self, text: impl Into<String>) -> Said {
        self.words.push(Word { text: text.into(), mono: true, ..Word::default() });
        self
    }

    /// The sentence with a link behind it, or with plain words where there is no address.
    pub fn link(mut self, text: impl Into<String>, href: impl Into<String>) -> Said {
        self.words.push(Word { text: text.into(), href: href.into(), ..Word::default() });
        self
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| word.text.is_empty())
    }

    /// The sentence as text.
    pub fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }
}

impl<T: Into<String>> From<T> for Said {
    fn from(text: T) -> Said {
        Said::plain(text)
    }
}

impl HtmlSafe for Said {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_the_link_where_it_stands() {
        let said = Said::about("Mei left Ops", "Ops", "/g/1");
        assert_eq!(said, Said::plain("Mei left ").link("Ops", "/g/1").and(""));
        assert_eq!(Said::about("Mei left Ops", "", "/g/1"), Said::plain("Mei left Ops"));
        assert_eq!(said.text(), "Mei left Ops");
    }
}

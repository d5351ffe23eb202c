//! Text to tree: the grammar of RFC 7644 §3.4.2.2 by recursive descent, bounded in depth and size, with every name
//! resolved and every value typed on the way. PATCH paths (§3.5.2) are read here too, because they hold filters.

use super::lex::{Class, Fault, Lexed, Token, lex, shorten};
use super::operand::{Comparable, comparable, literal, searchable, typed};
use super::{Filter, Op, Operand};
use crate::scim::path::{self, Named};
use crate::scim::registry::AttrPath;
use crate::scim::{Kind, Leniency, Mode, Notes, Registry};

/// How deep brackets may nest.
pub const MAX_DEPTH: usize = 32;
/// How many comparisons and connectives a filter may have.
pub const MAX_NODES: usize = 256;

/// Reads a whole filter for `kind`; `kinds` are all kinds that the search covers.
pub(super) fn filter(
    text: &str,
    registry: &Registry,
    kind: Kind,
    kinds: &[Kind],
    mode: Mode,
    notes: &mut Notes,
) -> Result<Filter, Fault> {
    let mut parser = Parser::new(text, registry, kind, kinds, mode, notes)?;
    if parser.peek() == &Token::End {
        return Err(Fault::syntax(
            0,
            "it is empty; leave the parameter out, or write one like userName eq \"x\"",
        ));
    }
    let filter = parser.any(Parent::Resource)?;
    parser.expect_end("\"and\", \"or\" or the end")?;
    match parser.missing {
        None => Ok(filter),
        Some(fault) => Err(fault),
    }
}

/// What names mean where we are.
#[derive(Clone, Copy)]
pub(super) enum Parent<'p> {
    /// Outside any value path: attributes of the resource.
    Resource,
    /// Inside `path[ … ]`: its sub-attributes.
    Of(&'p AttrPath),
    /// Inside the value path of an attribute that is not there: nothing, only the grammar counts.
    Unknown,
}

/// An attribute found, and whether only another kind of resource has it.
pub(super) struct Found {
    pub path: AttrPath,
    pub absent: bool,
}

pub(super) struct Parser<'a> {
    tokens: Vec<Lexed<'a>>,
    position: usize,
    depth: usize,
    nodes: usize,
    registry: &'a Registry,
    kind: Kind,
    kinds: &'a [Kind],
    mode: Mode,
    notes: &'a mut Notes,
    /// The first attribute that is not there.
    pub missing: Option<Fault>,
    /// Whether a quoted value may follow its operator at once.
    pub close: bool,
}

impl<'a> Parser<'a> {
    pub fn new(
        text: &'a str,
        registry: &'a Registry,
        kind: Kind,
        kinds: &'a [Kind],
        mode: Mode,
        notes: &'a mut Notes,
    ) -> Result<Parser<'a>, Fault> {
        let tokens = lex(text)?;
        Ok(Parser {
            tokens,
            position: 0,
            depth: 0,
            nodes: 0,
            registry,
            kind,
            kinds,
            mode,
            notes,
            missing: None,
            close: false,
        })
    }

    pub fn peek(&self) -> &Token<'a> {
        &self.tokens[self.position].token
    }

    pub fn peek_at(&self) -> usize {
        self.tokens[self.position].at
    }

    /// Takes a token; the last one, `End`, is never passed.
    pub fn next(&mut self) -> Lexed<'a> {
        let lexed = self.tokens[self.position].clone();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        lexed
    }

    /// Takes `and` or `or` if it is next; the grammar wants a blank on either side.
    fn take_connective(&mut self, word: &str) -> Result<bool, Fault> {
        let (at, before) = (self.peek_at(), self.touches());
        let found = self.take_word(word);
        if found && (before || self.touches()) {
            return Err(Fault::syntax(at, format!("a blank must stand on either side of \"{word}\"")));
        }
        Ok(found)
    }

    /// Whether no blank parts the next token from the one before.
    fn touches(&self) -> bool {
        self.tokens[self.position - 1].end == self.peek_at() && self.peek() != &Token::End
    }

    /// Takes the word if it is next, in any case.
    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(next) if next.eq_ignore_ascii_case(word));
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, token: &Token<'_>, expected: &str) -> Result<(), Fault> {
        let next = self.next();
        if next.token == *token {
            return Ok(());
        }
        Err(Fault::syntax(next.at, format!("expected {expected}, found {}", next.token.describe())))
    }

    pub fn expect_end(&mut self, expected: &str) -> Result<(), Fault> {
        self.expect(&Token::End, expected)
    }

    fn node(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(Fault::syntax(
            self.peek_at(),
            format!("it has more than {MAX_NODES} comparisons and connectives"),
        ))
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(Fault::syntax(self.peek_at(), format!("its brackets nest deeper than {MAX_DEPTH}")))
    }

    /// `or` binds loosest.
    pub fn any(&mut self, parent: Parent<'_>) -> Result<Filter, Fault> {
        let mut left = self.all(parent)?;
        while self.take_connective("or")? {
            self.node()?;
            left = Filter::Or(Box::new(left), Box::new(self.all(parent)?));
        }
        Ok(left)
    }

    fn all(&mut self, parent: Parent<'_>) -> Result<Filter, Fault> {
        let mut left = self.term(parent)?;
        while self.take_connective("and")? {
            self.node()?;
            left = Filter::And(Box::new(left), Box::new(self.term(parent)?));
        }
        Ok(left)
    }

    fn term(&mut self, parent: Parent<'_>) -> Result<Filter, Fault> {
        let next = self.next();
        match next.token {
            Token::Word(word) if word.eq_ignore_ascii_case("not") => {
                self.node()?;
                self.expect(&Token::Open, "\"(\" after \"not\"")?;
                Ok(Filter::Not(Box::new(self.grouped(parent)?)))
            }
            Token::Open => self.grouped(parent),
            Token::Word(word) => self.expression(word, next.at, next.end, parent),
            other => {
                let message = format!("expected an attribute, \"not\" or \"(\", found {}", other.describe());
                Err(Fault::syntax(next.at, message))
            }
        }
    }

    /// What follows an opening bracket, up to its closing one.
    fn grouped(&mut self, parent: Parent<'_>) -> Result<Filter, Fault> {
        self.deeper()?;
        let inner = self.any(parent)?;
        self.expect(&Token::Close, "\"and\", \"or\" or \")\"")?;
        self.depth -= 1;
        Ok(inner)
    }

    /// `[ … ]` behind the attribute that ended at byte `end`; `None` is an attribute that is not there.
    pub fn bracketed(&mut self, end: usize, found: Option<&AttrPath>) -> Result<Filter, Fault> {
        if self.peek_at() != end {
            return Err(Fault::syntax(end, "the bracket must follow the attribute at once"));
        }
        self.expect(&Token::OpenBracket, "\"[\"")?;
        self.deeper()?;
        let parent = match found {
            None => Parent::Unknown,
            Some(path)
                if path.sub.is_none() && (path.attribute.is_complex() || path.attribute.multi_valued) =>
            {
                Parent::Of(path)
            }
            Some(path) => {
                let message = format!("{} has no values to select from with \"[\"", path.canonical());
                return Err(Fault::syntax(end, message));
            }
        };
        let inner = self.any(parent)?;
        self.expect(&Token::CloseBracket, "\"and\", \"or\" or \"]\"")?;
        self.depth -= 1;
        Ok(inner)
    }

    fn expression(&mut self, name: &str, at: usize, end: usize, parent: Parent<'_>) -> Result<Filter, Fault> {
        self.node()?;
        let found = match parent {
            Parent::Resource => self.resolve(name, at)?,
            Parent::Of(parent) => self.inner(parent, name, at)?,
            Parent::Unknown => None,
        };
        if let Some(Found { path, .. }) = &found {
            let asks_presence = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case("pr"));
            searchable(path, at, !asks_presence)?;
        }
        if self.peek() != &Token::OpenBracket {
            return self.comparison(found);
        }
        if !matches!(parent, Parent::Resource) {
            return Err(Fault::syntax(self.peek_at(), "a value path cannot stand inside another one"));
        }
        let mut inner = self.bracketed(end, found.as_ref().map(|found| &found.path))?;
        if let Some(rest) = self.continued(found.as_ref())? {
            inner = Filter::And(Box::new(inner), Box::new(rest));
        }
        match found {
            Some(Found { path, absent: false }) => Ok(Filter::ValuePath { path, filter: Box::new(inner) }),
            // An attribute that is not there has no value that could satisfy anything.
            other => Ok(absent(other, false)),
        }
    }

    /// The leniency `emails[type eq "work"].value eq "x"`: what goes on after the bracket is asked of the same value.
    fn continued(&mut self, parent: Option<&Found>) -> Result<Option<Filter>, Fault> {
        let at = self.peek_at();
        let Some(name) = self.take_sub() else { return Ok(None) };
        if self.mode == Mode::Strict {
            let message = "a filter ends with the bracket: put this comparison inside, behind \"and\"";
            return Err(Fault::syntax(at, message));
        }
        self.node()?;
        self.notes.used(Leniency::FilterAfterValuePath);
        let found = match parent {
            None => None,
            Some(parent) => self.inner(&parent.path, name, at + 1)?,
        };
        self.comparison(found).map(Some)
    }

    /// Takes `.name` behind a bracket, if it is next.
    pub fn take_sub(&mut self) -> Option<&'a str> {
        let name = match self.peek() {
            Token::Word(word) => word.strip_prefix('.')?,
            _ => return None,
        };
        self.next();
        Some(name)
    }

    /// The operator and value behind an attribute.
    fn comparison(&mut self, found: Option<Found>) -> Result<Filter, Fault> {
        if self.take_word("pr") {
            return Ok(match found {
                Some(Found { path, absent: false }) => Filter::Present(path),
                other => absent(other, false),
            });
        }
        let (op, op_at) = self.operator()?;
        let may_touch = self.close && matches!(self.peek(), Token::Text(_));
        if self.touches() && !may_touch {
            return Err(Fault::syntax(self.peek_at(), "a blank must stand between operator and value"));
        }
        let next = self.next();
        let literal = literal(&next)?;
        let Some(Found { path, absent: is_absent }) = found else { return Ok(absent(None, false)) };
        let name = path.canonical();
        let path = match comparable(path, &literal, op) {
            Comparable::Path(path) => path,
            Comparable::Presence(path) if is_absent => {
                return Ok(Filter::Absent { name: path.canonical(), matches: op == Op::Eq });
            }
            Comparable::Presence(path) if op == Op::Eq => {
                return Ok(Filter::Not(Box::new(Filter::Present(path))));
            }
            Comparable::Presence(path) => return Ok(Filter::Present(path)),
            Comparable::Nothing(message) => return Err(Fault::new(Class::Meaning, op_at, message)),
        };
        let value = typed(path.leaf(), &name, op, &literal, self.mode, self.notes)
            .map_err(|message| Fault::new(Class::Meaning, next.at, message))?;
        if is_absent {
            let matches = matches!((op, value == Operand::Null), (Op::Eq, true) | (Op::Ne, false));
            return Ok(Filter::Absent { name: path.canonical(), matches });
        }
        Ok(Filter::Compare { path, op, value })
    }

    fn operator(&mut self) -> Result<(Op, usize), Fault> {
        let next = self.next();
        let Token::Word(word) = next.token else {
            let message = format!("expected an operator such as eq, found {}", next.token.describe());
            return Err(Fault::syntax(next.at, message));
        };
        match Op::from_name(word) {
            Some(op) => Ok((op, next.at)),
            None => {
                let message = format!(
                    "the operator \"{}\" is not supported; the operators are eq, ne, co, sw, ew, pr, gt, ge, lt and le",
                    shorten(word)
                );
                Err(Fault::syntax(next.at, message))
            }
        }
    }

    /// The attribute of that name, of this kind or else of another that is searched. `None` when none has it: the fault
    /// is kept until the rest has been read, so that a text that does not parse is never taken for one that does.
    pub fn resolve(&mut self, name: &str, at: usize) -> Result<Option<Found>, Fault> {
        let mut kinds = vec![self.kind];
        kinds.extend(self.kinds.iter().filter(|kind| **kind != self.kind));
        for kind in &kinds {
            let absent = *kind != self.kind;
            let named =
                path::resolve(self.registry, *kind, name).map_err(|message| Fault::syntax(at, message))?;
            if let Named::Extension(_) | Named::Core = named {
                let message =
                    format!("\"{name}\" is a schema: add \":\" and the name of one of its attributes");
                return Err(Fault::new(Class::Meaning, at, message));
            }
            if let Some(path) = named.attribute(self.mode, self.notes) {
                return Ok(Some(Found { path, absent }));
            }
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        self.miss(at, format!("\"{}\" is not an attribute of a {}", shorten(name), names.join(" or a ")));
        Ok(None)
    }

    /// The sub-attribute that a name inside `parent[ … ]` means.
    fn inner(&mut self, parent: &AttrPath, name: &str, at: usize) -> Result<Option<Found>, Fault> {
        path::check_sub(name).map_err(|message| Fault::syntax(at, message))?;
        let path = if !parent.attribute.is_complex() && name.eq_ignore_ascii_case("value") {
            parent.clone()
        } else if let Some(sub) = parent.attribute.sub(name) {
            AttrPath { sub: Some(sub.clone()), ..parent.clone() }
        } else {
            self.miss(at, format!("\"{}\" is not a sub-attribute of {}", shorten(name), parent.canonical()));
            return Ok(None);
        };
        Ok(Some(Found { path, absent: false }))
    }

    fn miss(&mut self, at: usize, message: String) {
        self.missing.get_or_insert(Fault::new(Class::Unknown, at, message));
    }
}

fn absent(found: Option<Found>, matches: bool) -> Filter {
    Filter::Absent { name: found.map_or_else(String::new, |found| found.path.canonical()), matches }
}

//! Text to tree: the grammar of RFC 7644 §3.4.2.2 by recursive descent, bounded in depth and size, with every name
//! resolved and every value typed on the way. PATCH paths (§3.5.2) are read here too, because they hold filters.

use super::lex::{Class, Fault, Lexed, Token, lex, shorten};
use super::operand::{Literal, typed};
use super::{Filter, Op, Operand};
use crate::scim::path::{self, Named};
use crate::scim::registry::AttrPath;
use crate::scim::schema::Returned;
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
    let filter = parser.any(None)?;
    parser.expect_end("\"and\", \"or\" or the end")?;
    Ok(filter)
}

/// What a PATCH path (`PATH = attrPath / valuePath [subAttr]`) is made of.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scim) enum PathTarget {
    /// No value filter: the names are still to be looked at.
    Named(Named),
    /// `attribute[filter]` and perhaps `.sub`.
    Values { path: AttrPath, filter: Filter, sub: Option<String> },
}

/// Reads a PATCH path.
pub(in crate::scim) fn target(
    text: &str,
    registry: &Registry,
    kind: Kind,
    mode: Mode,
    notes: &mut Notes,
) -> Result<PathTarget, Fault> {
    let mut parser = Parser::new(text, registry, kind, &[], mode, notes)?;
    let (name, at, end) = match parser.next() {
        Lexed { token: Token::Word(name), at, end } => (name, at, end),
        other => {
            return Err(Fault::syntax(
                other.at,
                format!("expected an attribute, found {}", other.token.describe()),
            ));
        }
    };
    if parser.peek() != &Token::OpenBracket {
        parser.expect_end("\"[\" or the end")?;
        let named = path::resolve(registry, kind, name).map_err(|message| Fault::syntax(at, message))?;
        return Ok(PathTarget::Named(named));
    }
    path::check(name).map_err(|message| Fault::syntax(at, message))?;
    let adjacent = parser.peek_at() == end;
    if !adjacent {
        return Err(Fault::syntax(end, "the bracket must follow the attribute at once"));
    }
    // The form is judged before the names, so that a path that does not parse is never taken for an unknown one.
    check_form(&parser)?;
    let (path, _) = parser.resolve(name, at)?;
    let filter = parser.bracketed(&path)?;
    let sub = match parser.peek() {
        Token::Word(word) => word.strip_prefix('.').map(str::to_owned),
        _ => None,
    };
    Ok(PathTarget::Values { path, filter, sub })
}

/// Checks brackets and the trailing sub-attribute of a value path without looking at any name.
fn check_form(parser: &Parser<'_>) -> Result<(), Fault> {
    let rest = &parser.tokens[parser.position..];
    let close = rest.iter().position(|lexed| lexed.token == Token::CloseBracket);
    let Some(close) = close else {
        return Err(Fault::syntax(rest[0].at, "this bracket is never closed"));
    };
    let bracket_end = rest[close].end;
    match &rest[close + 1..] {
        [Lexed { token: Token::End, .. }] => Ok(()),
        [Lexed { token: Token::Word(word), at, .. }, Lexed { token: Token::End, .. }]
            if *at == bracket_end =>
        {
            let sub = word.strip_prefix('.').filter(|sub| !sub.contains(['.', ':']));
            let Some(sub) = sub else {
                return Err(Fault::syntax(
                    *at,
                    format!("expected a sub-attribute like \".value\", found \"{}\"", shorten(word)),
                ));
            };
            // A name of a sub-attribute has the form of one behind a dot.
            path::check(&format!("x.{sub}")).map_err(|message| Fault::syntax(*at, message))
        }
        [other, ..] => {
            let message = format!(
                "expected a sub-attribute like \".value\" or the end, found {}",
                other.token.describe()
            );
            Err(Fault::syntax(other.at, message))
        }
        [] => Ok(()),
    }
}

struct Parser<'a> {
    tokens: Vec<Lexed<'a>>,
    position: usize,
    depth: usize,
    nodes: usize,
    registry: &'a Registry,
    kind: Kind,
    kinds: &'a [Kind],
    mode: Mode,
    notes: &'a mut Notes,
}

impl<'a> Parser<'a> {
    fn new(
        text: &'a str,
        registry: &'a Registry,
        kind: Kind,
        kinds: &'a [Kind],
        mode: Mode,
        notes: &'a mut Notes,
    ) -> Result<Parser<'a>, Fault> {
        Ok(Parser { tokens: lex(text)?, position: 0, depth: 0, nodes: 0, registry, kind, kinds, mode, notes })
    }

    fn peek(&self) -> &Token<'a> {
        &self.tokens[self.position].token
    }

    fn peek_at(&self) -> usize {
        self.tokens[self.position].at
    }

    /// Takes a token; the last one, `End`, is never passed.
    fn next(&mut self) -> Lexed<'a> {
        let lexed = self.tokens[self.position].clone();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        lexed
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

    fn expect_end(&mut self, expected: &str) -> Result<(), Fault> {
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

    /// `or` binds loosest. `parent` is the attribute of the value path that we are in.
    fn any(&mut self, parent: Option<&AttrPath>) -> Result<Filter, Fault> {
        let mut left = self.all(parent)?;
        while self.take_word("or") {
            self.node()?;
            left = Filter::Or(Box::new(left), Box::new(self.all(parent)?));
        }
        Ok(left)
    }

    fn all(&mut self, parent: Option<&AttrPath>) -> Result<Filter, Fault> {
        let mut left = self.term(parent)?;
        while self.take_word("and") {
            self.node()?;
            left = Filter::And(Box::new(left), Box::new(self.term(parent)?));
        }
        Ok(left)
    }

    fn term(&mut self, parent: Option<&AttrPath>) -> Result<Filter, Fault> {
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
    fn grouped(&mut self, parent: Option<&AttrPath>) -> Result<Filter, Fault> {
        self.deeper()?;
        let inner = self.any(parent)?;
        self.expect(&Token::Close, "\"and\", \"or\" or \")\"")?;
        self.depth -= 1;
        Ok(inner)
    }

    /// `[ … ]` behind a multi-valued or complex attribute.
    fn bracketed(&mut self, path: &AttrPath) -> Result<Filter, Fault> {
        let at = self.peek_at();
        self.expect(&Token::OpenBracket, "\"[\"")?;
        self.deeper()?;
        if path.sub.is_some() || !(path.attribute.is_complex() || path.attribute.multi_valued) {
            let message = format!("{} has no values to select from with \"[\"", path.canonical());
            return Err(Fault::new(Class::Meaning, at, message));
        }
        let inner = self.any(Some(path))?;
        self.expect(&Token::CloseBracket, "\"and\", \"or\" or \"]\"")?;
        self.depth -= 1;
        Ok(inner)
    }

    fn expression(
        &mut self,
        name: &str,
        at: usize,
        end: usize,
        parent: Option<&AttrPath>,
    ) -> Result<Filter, Fault> {
        self.node()?;
        let (path, absent) = match parent {
            Some(parent) => (inner_path(parent, name, at)?, false),
            None => self.resolve(name, at)?,
        };
        if path.leaf().returned == Returned::Never || path.attribute.returned == Returned::Never {
            let message = format!("{} is never returned, so it cannot be searched for", path.canonical());
            return Err(Fault::new(Class::Meaning, at, message));
        }
        if self.peek() != &Token::OpenBracket {
            let found = self.comparison(path, absent)?;
            return Ok(found);
        }
        if parent.is_some() {
            return Err(Fault::syntax(self.peek_at(), "a value path cannot stand inside another one"));
        }
        if self.peek_at() != end {
            return Err(Fault::syntax(end, "the bracket must follow the attribute at once"));
        }
        let mut inner = self.bracketed(&path)?;
        if let Some(rest) = self.continued(&path)? {
            inner = Filter::And(Box::new(inner), Box::new(rest));
        }
        if absent {
            // An attribute that is not there has no value that could satisfy anything.
            return Ok(Filter::Absent { name: path.canonical(), matches: false });
        }
        Ok(Filter::ValuePath { path, filter: Box::new(inner) })
    }

    /// The leniency `emails[type eq "work"].value eq "x"`: what goes on after the bracket is asked of the same value.
    fn continued(&mut self, parent: &AttrPath) -> Result<Option<Filter>, Fault> {
        let at = self.peek_at();
        let name = match self.peek() {
            Token::Word(word) => word.strip_prefix('.'),
            _ => None,
        };
        let Some(name) = name.map(str::to_owned) else { return Ok(None) };
        if self.mode == Mode::Strict {
            let message = "a filter ends with the bracket: put this comparison inside, behind \"and\"";
            return Err(Fault::syntax(at, message));
        }
        self.next();
        self.node()?;
        self.notes.used(Leniency::FilterAfterValuePath);
        let path = inner_path(parent, &name, at + 1)?;
        self.comparison(path, false).map(Some)
    }

    /// The operator and value behind an attribute.
    fn comparison(&mut self, path: AttrPath, absent: bool) -> Result<Filter, Fault> {
        if self.take_word("pr") {
            return Ok(if absent {
                Filter::Absent { name: path.canonical(), matches: false }
            } else {
                Filter::Present(path)
            });
        }
        let next = self.next();
        let op = match next.token {
            Token::Word(word) => Op::from_name(word).ok_or_else(|| {
                let message = format!(
                    "the operator \"{}\" is not supported; the operators are eq, ne, co, sw, ew, pr, gt, ge, lt and le",
                    shorten(word)
                );
                Fault::syntax(next.at, message)
            })?,
            other => {
                let message = format!("expected an operator such as eq, found {}", other.describe());
                return Err(Fault::syntax(next.at, message));
            }
        };
        let value = self.next();
        let literal = literal(&value)?;
        let name = path.canonical();
        let path = match comparable(path, &literal, op) {
            Comparable::Path(path) => path,
            Comparable::Presence(path) if absent => {
                return Ok(Filter::Absent { name: path.canonical(), matches: op == Op::Eq });
            }
            Comparable::Presence(path) if op == Op::Eq => {
                return Ok(Filter::Not(Box::new(Filter::Present(path))));
            }
            Comparable::Presence(path) => return Ok(Filter::Present(path)),
            Comparable::None(message) => return Err(Fault::new(Class::Meaning, next.at, message)),
        };
        let value = typed(path.leaf(), &name, op, &literal, self.mode, self.notes)
            .map_err(|message| Fault::new(Class::Meaning, value.at, message))?;
        if absent {
            let matches = (op == Op::Eq) == (value == Operand::Null) && matches!(op, Op::Eq | Op::Ne);
            return Ok(Filter::Absent { name: path.canonical(), matches });
        }
        Ok(Filter::Compare { path, op, value })
    }

    /// The attribute of that name; whether it belongs to another kind only.
    fn resolve(&self, name: &str, at: usize) -> Result<(AttrPath, bool), Fault> {
        let mut kinds = vec![self.kind];
        kinds.extend(self.kinds.iter().filter(|kind| **kind != self.kind));
        for kind in &kinds {
            let named =
                path::resolve(self.registry, *kind, name).map_err(|message| Fault::syntax(at, message))?;
            match named {
                Named::Attribute(found) => return Ok((found, *kind != self.kind)),
                Named::OldDot(found) if self.mode == Mode::Compat => {
                    return Ok((found, *kind != self.kind));
                }
                Named::Extension(_) | Named::Core => {
                    let message =
                        format!("\"{name}\" is a schema: add \":\" and the name of one of its attributes");
                    return Err(Fault::new(Class::Meaning, at, message));
                }
                Named::OldDot(_) | Named::Unknown => {}
            }
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let message = format!("\"{}\" is not an attribute of a {}", shorten(name), names.join(" or a "));
        Err(Fault::new(Class::Unknown, at, message))
    }
}

/// The sub-attribute that a name inside `parent[ … ]` means.
fn inner_path(parent: &AttrPath, name: &str, at: usize) -> Result<AttrPath, Fault> {
    path::check(&format!("x.{name}"))
        .or_else(|_| path::check(name))
        .map_err(|message| Fault::syntax(at, message))?;
    if !parent.attribute.is_complex() && name.eq_ignore_ascii_case("value") {
        return Ok(parent.clone());
    }
    match parent.attribute.sub(name) {
        Some(sub) => Ok(AttrPath { sub: Some(sub.clone()), ..parent.clone() }),
        None => {
            let message = format!("\"{}\" is not a sub-attribute of {}", shorten(name), parent.canonical());
            Err(Fault::new(Class::Unknown, at, message))
        }
    }
}

/// What a comparison with an attribute compares.
enum Comparable {
    Path(AttrPath),
    /// Comparing a complex attribute with null asks whether it is there.
    Presence(AttrPath),
    None(String),
}

/// A complex attribute is compared by its `value` (DIALECTS: `emails eq "x"`; RFC 7644 figure 2: `emails co "x"`).
fn comparable(path: AttrPath, literal: &Literal, op: Op) -> Comparable {
    if !path.leaf().is_complex() {
        return Comparable::Path(path);
    }
    if *literal == Literal::Null && matches!(op, Op::Eq | Op::Ne) {
        return Comparable::Presence(path);
    }
    if let Some(value) = path.attribute.sub("value") {
        return Comparable::Path(AttrPath { sub: Some(value.clone()), ..path });
    }
    let name = path.canonical();
    let subs: Vec<String> =
        path.attribute.sub_attributes.iter().map(|sub| format!("{name}.{}", sub.name)).collect();
    Comparable::None(format!("{name} is complex: compare one of {}", subs.join(", ")))
}

fn literal(lexed: &Lexed<'_>) -> Result<Literal, Fault> {
    let found = match &lexed.token {
        Token::Text(text) => Some(Literal::Text(text.clone())),
        Token::Word(word) => Literal::from_word(word),
        _ => None,
    };
    found.ok_or_else(|| {
        let found = lexed.token.describe();
        let message =
            format!("expected a text in double quotes, a number, true, false or null, found {found}");
        Fault::syntax(lexed.at, message)
    })
}

//! PATCH paths (RFC 7644 §3.5.2): `PATH = attrPath / valuePath [subAttr]`. They are read with the filter's parser,
//! because a value path holds a filter; what to do at the target is `patch`'s business.

use super::Filter;
use super::lex::{Class, Fault, Token};
use super::parse::{Found, Parser};
use crate::scim::path::{self, Named};
use crate::scim::registry::AttrPath;
use crate::scim::{Kind, Mode, Notes, Registry};

/// What a PATCH path is made of.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scim) enum PathTarget {
    /// A path without a filter.
    Named(Named),
    /// `attribute[filter]` and perhaps `.sub`, as written.
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
    let bracket = text.find('[').unwrap_or(text.len());
    let mut parser = Parser::new(text, registry, kind, &[], mode, notes)
        .map_err(|fault| within_brackets(fault, text, bracket))?;
    // RFC 7644 §3.5.2.2 has `members[value eq"2819…"]` among its examples, without the blank that its grammar asks for.
    parser.close = true;
    let first = parser.next();
    let Token::Word(name) = first.token else {
        let message = format!("expected an attribute, found {}", first.token.describe());
        return Err(Fault::syntax(first.at, message));
    };
    if parser.peek() != &Token::OpenBracket {
        parser.expect_end("\"[\" or the end")?;
        let named =
            path::resolve(registry, kind, name).map_err(|message| Fault::syntax(first.at, message))?;
        return Ok(PathTarget::Named(named));
    }
    let found = parser.resolve(name, first.at)?;
    let filter = parser
        .bracketed(first.end, found.as_ref().map(|found| &found.path))
        .map_err(|fault| within_brackets(fault, text, bracket))?;
    let sub = behind_bracket(&mut parser)?;
    parser.expect_end("a sub-attribute like \".value\" or the end")?;
    match (parser.missing.take(), found) {
        (None, Some(Found { path, .. })) => Ok(PathTarget::Values { path, filter, sub }),
        (Some(fault), _) => Err(fault),
        (None, None) => Err(Fault::syntax(first.at, "this attribute is not there")),
    }
}

/// What is wrong inside brackets that are closed is the filter's fault (RFC 7644 table 9, `invalidFilter`); what is wrong
/// with the brackets is the path's.
fn within_brackets(fault: Fault, text: &str, bracket: usize) -> Fault {
    let closed = text.get(fault.at..).is_some_and(|rest| rest.contains(']'));
    match fault.class {
        Class::Syntax if fault.at > bracket && closed => Fault { class: Class::Filter, ..fault },
        _ => fault,
    }
}

fn behind_bracket(parser: &mut Parser<'_>) -> Result<Option<String>, Fault> {
    let at = parser.peek_at();
    let Some(sub) = parser.take_sub() else { return Ok(None) };
    if sub.contains(['.', ':']) {
        return Err(Fault::syntax(at, "behind the bracket stands one sub-attribute, like \".value\""));
    }
    path::check_sub(sub).map_err(|message| Fault::syntax(at, message))?;
    Ok(Some(sub.to_owned()))
}

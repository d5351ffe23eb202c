//! A filter as a condition of SQL on `resource r`. A condition is exact when it holds for the very resources that
//! `scim::filter::eval` accepts; else it holds for these and perhaps for more, and `eval` has the last word.
//! In a condition no part is ever `null`, so that `not` means what it says.

use rusqlite::types::Value as Sql;
use serde_json::json;

use crate::base::TeamId;
use crate::scim::Kind;
use crate::scim::filter::{Filter, Op, Operand, eval};
use crate::scim::registry::AttrPath;
use crate::store::index;

/// What SQL can say about a filter.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The condition as text, or a plain yes or no.
    pub holds: Holds,
    /// Nothing is left for `eval` to decide.
    pub exact: bool,
}

/// For which resources a condition holds.
#[derive(Clone, Debug)]
pub enum Holds {
    All,
    None,
    Where { text: String, values: Vec<Sql>, lead: Lead },
}

/// What leads SQLite to the few resources for which a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// Nothing; every resource of the kind is looked at.
    Nowhere,
    /// An index on columns of the resource.
    Column,
    /// A list of numbers: `r.n in (…)`.
    Numbers,
}

use Lead::{Column, Nowhere, Numbers};

impl Condition {
    fn all() -> Condition {
        Condition { holds: Holds::All, exact: false }
    }

    fn constant(holds: bool) -> Condition {
        Condition { holds: if holds { Holds::All } else { Holds::None }, exact: true }
    }

    fn exact(lead: Lead, text: impl Into<String>, values: Vec<Sql>) -> Condition {
        Condition { holds: Holds::Where { text: text.into(), values, lead }, exact: true }
    }

    fn at_least(self) -> Condition {
        Condition { exact: false, ..self }
    }
}

/// Reads a filter for the resources of a team and kind.
pub fn read(team: TeamId, kind: Kind, filter: &Filter) -> Condition {
    match filter {
        Filter::And(left, right) => and(read(team, kind, left), read(team, kind, right)),
        Filter::Or(left, right) => or(read(team, kind, left), read(team, kind, right)),
        Filter::Not(inner) => not(read(team, kind, inner)),
        Filter::Absent { matches, .. } => Condition::constant(*matches),
        Filter::Present(path) => present(team, kind, path),
        Filter::Compare { path, op, value } => compare(team, kind, path, *op, value),
        Filter::ValuePath { path, filter } => value_path(team, kind, path, filter),
    }
}

fn and(left: Condition, right: Condition) -> Condition {
    let exact = left.exact && right.exact;
    let holds = match (left.holds, right.holds) {
        (Holds::None, _) | (_, Holds::None) => return Condition::constant(false),
        (Holds::All, other) | (other, Holds::All) => other,
        (left, right) => join(left, " and ", right, |one, other| match (one, other) {
            (Numbers, _) | (_, Numbers) => Numbers,
            (Column, _) | (_, Column) => Column,
            _ => Nowhere,
        }),
    };
    Condition { holds, exact }
}

fn or(left: Condition, right: Condition) -> Condition {
    let exact = left.exact && right.exact;
    let holds = match (left.holds, right.holds) {
        (Holds::All, _) | (_, Holds::All) => Holds::All,
        (Holds::None, other) | (other, Holds::None) => other,
        (left, right) => join(left, " or ", right, |one, other| if one == other { one } else { Nowhere }),
    };
    Condition { holds, exact }
}

fn not(inner: Condition) -> Condition {
    match inner.holds {
        // What is not certainly outside may be inside its opposite.
        _ if !inner.exact => Condition::all(),
        Holds::All => Condition::constant(false),
        Holds::None => Condition::constant(true),
        Holds::Where { text, values, .. } => Condition::exact(Nowhere, format!("not ({text})"), values),
    }
}

fn join(left: Holds, word: &str, right: Holds, lead: impl Fn(Lead, Lead) -> Lead) -> Holds {
    match (left, right) {
        (
            Holds::Where { text, mut values, lead: one },
            Holds::Where { text: other_text, values: other_values, lead: other },
        ) => {
            values.extend(other_values);
            Holds::Where { text: format!("({text}{word}{other_text})"), values, lead: lead(one, other) }
        }
        (whole, _) => whole,
    }
}

fn present(team: TeamId, kind: Kind, path: &AttrPath) -> Condition {
    let sub = path.sub.as_ref().map(|sub| sub.name.as_str());
    match (kind, path.attribute.name.as_str(), sub) {
        _ if index::number_of(path).is_some() => having(team, kind, path, "and value <> ''", vec![]),
        (Kind::Group, "members", None | Some("value")) if path.extension.is_none() => {
            Condition::exact(Nowhere, "r.members > 0", vec![])
        }
        (Kind::User, "groups", None | Some("value")) if path.extension.is_none() => {
            Condition::exact(Nowhere, "exists (select 1 from member where member.member = r.n)", vec![])
        }
        (Kind::User, "active", None) if path.extension.is_none() => {
            Condition::exact(Nowhere, "r.active is not null", vec![])
        }
        _ => Condition::all(),
    }
}

fn compare(team: TeamId, kind: Kind, path: &AttrPath, op: Op, operand: &Operand) -> Condition {
    if index::number_of(path).is_some() {
        return compare_indexed(team, kind, path, op, operand);
    }
    if path.extension.is_some() {
        return Condition::all();
    }
    let sub = path.sub.as_ref().map(|sub| sub.name.as_str());
    match (kind, path.attribute.name.as_str(), sub) {
        (_, "meta", Some("created")) => instant("r.created", op, operand),
        (_, "meta", Some("lastModified")) => instant("r.modified", op, operand),
        (_, "meta", Some("resourceType")) => {
            let whole = json!({ "meta": { "resourceType": kind.name() } });
            let filter = Filter::Compare { path: path.clone(), op, value: operand.clone() };
            Condition::constant(whole.as_object().is_some_and(|whole| eval(&filter, whole)))
        }
        (_, "id", None) => match (op, operand) {
            (Op::Eq, Operand::Exact(id)) => Condition::exact(Column, "r.id = ?", vec![id.clone().into()]),
            _ => Condition::all(),
        },
        (Kind::User, "active", None) => active(team, op, operand),
        (Kind::Group, "members", Some("value")) => members(team, op, operand),
        (Kind::User, "groups", Some("value")) => groups(team, op, operand),
        _ => Condition::all(),
    }
}

/// `emails[type eq "work" and value eq "x"]` holds at most where `emails.value eq "x"` does.
fn value_path(team: TeamId, kind: Kind, path: &AttrPath, filter: &Filter) -> Condition {
    let condition = match filter {
        Filter::And(left, right) => {
            and(value_path(team, kind, path, left), value_path(team, kind, path, right))
        }
        Filter::Or(left, right) => {
            or(value_path(team, kind, path, left), value_path(team, kind, path, right))
        }
        Filter::Compare { path: inner, op, value } if *op != Op::Ne && *value != Operand::Null => {
            // The inner path names the sub-attribute; in whose attribute is the outer path's business.
            let path = AttrPath { sub: inner.sub.clone(), ..path.clone() };
            if path.sub.is_none() {
                return Condition::all();
            }
            compare(team, kind, &path, *op, value)
        }
        _ => Condition::all(),
    };
    // A lone comparison says of one value what the attribute's own says of any; two may be met by two values.
    if matches!(filter, Filter::Compare { .. }) { condition } else { condition.at_least() }
}

/// A comparison with the values of an indexed path.
fn compare_indexed(team: TeamId, kind: Kind, path: &AttrPath, op: Op, operand: &Operand) -> Condition {
    let (single, case_exact) = (!path.attribute.multi_valued, path.leaf().case_exact);
    let sought = match operand {
        Operand::Null if single => {
            return match op {
                Op::Eq => not(having(team, kind, path, "", vec![])),
                Op::Ne => having(team, kind, path, "", vec![]),
                _ => Condition::constant(false),
            };
        }
        Operand::Exact(text) if case_exact => text,
        Operand::Folded { folded, .. } if !case_exact => folded,
        _ => return Condition::all(),
    };
    let with = |condition: &str, values: Vec<Sql>| having(team, kind, path, condition, values);
    let text = || Sql::from(sought.clone());
    match op {
        Op::Eq => with("and value = ?", vec![text()]),
        Op::Ne if single => not(with("and value = ?", vec![text()])),
        Op::Ne => Condition::all(),
        Op::Co => with("and instr(value, ?) > 0", vec![text()]),
        Op::Sw => match successor(sought) {
            Some(end) => with("and value >= ? and value < ?", vec![text(), end.into()]),
            None => with("and value >= ?", vec![text()]),
        },
        Op::Ew if sought.is_empty() => with("", vec![]),
        Op::Ew => with("and substr(value, -length(?)) = ?", vec![text(), text()]),
        Op::Gt => with("and value > ?", vec![text()]),
        Op::Ge => with("and value >= ?", vec![text()]),
        Op::Lt => with("and value < ?", vec![text()]),
        Op::Le => with("and value <= ?", vec![text()]),
    }
}

/// Resources that have an index row at the path, of which `condition` says more.
fn having(team: TeamId, kind: Kind, path: &AttrPath, condition: &str, values: Vec<Sql>) -> Condition {
    let Some(number) = index::number_of(path) else {
        return Condition::all();
    };
    let kind = match kind {
        Kind::User => 1,
        Kind::Group => 2,
    };
    let mut all = vec![Sql::from(team.0)];
    all.extend(values);
    let text = format!(
        "r.n in (select resource from attribute where team = ? and kind = {kind} and path = {number} {condition})"
    );
    Condition::exact(Numbers, text, all)
}

/// The least text that is greater than every text that starts with this one.
fn successor(text: &str) -> Option<String> {
    let mut start: Vec<char> = text.chars().collect();
    while let Some(last) = start.pop() {
        // The code points between are surrogates, which no text has.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            start.push(next);
            return Some(start.into_iter().collect());
        }
    }
    None
}

fn instant(column: &str, op: Op, operand: &Operand) -> Condition {
    let at = match operand {
        Operand::DateTime(at) => *at,
        // These two are never unassigned.
        Operand::Null => return Condition::constant(op == Op::Ne),
        _ => return Condition::all(),
    };
    let (sign, lead) = match op {
        Op::Eq => ("=", Column),
        Op::Ne => ("<>", Nowhere),
        Op::Gt => (">", Column),
        Op::Ge => (">=", Column),
        Op::Lt => ("<", Column),
        Op::Le => ("<=", Column),
        Op::Co | Op::Sw | Op::Ew => return Condition::constant(false),
    };
    Condition::exact(lead, format!("{column} {sign} ?"), vec![at.0.into()])
}

fn active(team: TeamId, op: Op, operand: &Operand) -> Condition {
    // The second half keeps `null` out, which `not` would not turn round.
    let is = match operand {
        Operand::Boolean(true) => {
            Condition::exact(Nowhere, "(r.active = 1 and r.active is not null)", vec![])
        }
        Operand::Boolean(false) => Condition::exact(
            Numbers,
            "r.n in (select n from resource indexed by resource_inactive where team = ? and active = 0)",
            vec![team.0.into()],
        ),
        Operand::Null => Condition::exact(Nowhere, "r.active is null", vec![]),
        _ => return Condition::all(),
    };
    match op {
        Op::Eq => is,
        Op::Ne => not(is),
        _ => Condition::all(),
    }
}

fn members(team: TeamId, op: Op, operand: &Operand) -> Condition {
    match (op, id(operand)) {
        (Op::Eq, Some(id)) => Condition::exact(
            Numbers,
            "r.n in (select holder from member where member.member =
             (select n from resource where team = ? and id = ?))",
            vec![team.0.into(), id.into()],
        ),
        (Op::Eq, None) if *operand == Operand::Null => Condition::exact(Nowhere, "r.members = 0", vec![]),
        (Op::Ne, None) if *operand == Operand::Null => Condition::exact(Nowhere, "r.members > 0", vec![]),
        _ => Condition::all(),
    }
}

/// Users of a group, those in the groups within it included.
fn groups(team: TeamId, op: Op, operand: &Operand) -> Condition {
    match (op, id(operand)) {
        (Op::Eq, Some(id)) => Condition::exact(
            Numbers,
            "r.n in (with g (n) as (select n from resource where team = ? and id = ?)
             select member.member from member where holder in
             (select n from g union select inner_group from above where outer_group in (select n from g)))",
            vec![team.0.into(), id.into()],
        ),
        _ => Condition::all(),
    }
}

/// An id that is sought. Ids are made here, in small letters, so that folding leaves them alone.
fn id(operand: &Operand) -> Option<String> {
    match operand {
        Operand::Exact(id) | Operand::Folded { folded: id, .. } => Some(id.clone()),
        _ => None,
    }
}

/// The text sought by a filter that is a lone `eq` on an indexed path, with the path's number.
pub fn lone_eq(filter: &Filter) -> Option<(i64, &str)> {
    let Filter::Compare { path, op: Op::Eq, value } = filter else {
        return None;
    };
    let number = index::number_of(path)?;
    match value {
        Operand::Exact(text) if path.leaf().case_exact => Some((number, text)),
        Operand::Folded { folded, .. } if !path.leaf().case_exact => Some((number, folded)),
        _ => None,
    }
}

/// Whether the filter looks at the attribute anywhere.
pub fn looks_at(filter: &Filter, attribute: &str) -> bool {
    match filter {
        Filter::And(left, right) | Filter::Or(left, right) => {
            looks_at(left, attribute) || looks_at(right, attribute)
        }
        Filter::Not(inner) => looks_at(inner, attribute),
        Filter::Present(path) | Filter::Compare { path, .. } | Filter::ValuePath { path, .. } => {
            path.attribute.name == attribute
        }
        Filter::Absent { .. } => false,
    }
}

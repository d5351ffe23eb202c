//! Walking the candidates of a condition: `eval` decides where the condition is not exact, and each match gets its
//! place in the order.

use std::ops::ControlFlow;

use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};

use super::condition::{self, Condition, Holds, Lead};
use super::whole::{Stored, Wanted};
use super::{Key, Place, Query};
use crate::base::TeamId;
use crate::scim::Kind;
use crate::scim::filter::{Filter, eval};
use crate::scim::registry::AttrPath;
use crate::store::{ReadTx, Result, index};

/// Where a match's sort value comes from.
enum Order<'a> {
    /// Lists without an order go by age.
    Age,
    /// A column of the row.
    Column(&'static str),
    /// The index row of a path that has one value at most.
    Index(i64),
    /// The whole resource.
    Whole(&'a AttrPath),
}

impl<'a> Order<'a> {
    fn of(query: &Query<'a>, kind: Kind) -> Order<'a> {
        let path = query.sort.and_then(|sort| sort.paths.iter().find(|(of, _)| *of == kind));
        let Some((_, path)) = path else {
            return Order::Age;
        };
        let sub = path.sub.as_ref().map(|sub| sub.name.as_str());
        match (path.attribute.name.as_str(), sub) {
            ("meta", Some("created")) if path.extension.is_none() => Order::Column("r.created"),
            ("meta", Some("lastModified")) if path.extension.is_none() => Order::Column("r.modified"),
            _ => match index::number_of(path) {
                Some(number) if !path.attribute.multi_valued => Order::Index(number),
                _ => Order::Whole(path),
            },
        }
    }

    fn column(&self) -> String {
        match self {
            Order::Age | Order::Whole(_) => "null".to_owned(),
            Order::Column(column) => (*column).to_owned(),
            Order::Index(path) => {
                format!("(select min(value) from attribute where resource = r.n and path = {path})")
            }
        }
    }
}

impl ReadTx<'_> {
    /// Adds the place of every match of one kind.
    pub(super) fn scan(
        &self,
        team: TeamId,
        kind: Kind,
        filter: Option<&Filter>,
        query: &Query<'_>,
        places: &mut Vec<Place>,
    ) -> Result<()> {
        let order = Order::of(query, kind);
        if let (Order::Age, Some((path, sought))) = (&order, filter.and_then(condition::lone_eq)) {
            let sql = "select resource from attribute where team = ? and kind = ? and path = ? and value = ?";
            let found = self.all(sql, params![team, kind, path, sought], |row| {
                Ok(Place { key: Key::Missing, n: row.get(0)? })
            })?;
            places.extend(found);
            return Ok(());
        }
        let condition = match filter {
            None => Condition { holds: Holds::All, exact: true },
            Some(filter) => condition::read(team, kind, filter),
        };
        let undecided = filter.filter(|_| !condition.exact);
        let whole = undecided.is_some() || matches!(order, Order::Whole(_));
        let Some((sql, values)) = select(team, kind, condition.holds, &order, whole) else {
            return Ok(());
        };
        let wanted = Wanted::by(undecided, if let Order::Whole(path) = &order { Some(path) } else { None });
        let mut looked = 0u32;
        self.each(&sql, params_from_iter(values), |row| {
            looked += 1;
            if looked.is_multiple_of(64) {
                self.in_time()?;
            }
            let n = row.get(0)?;
            if !whole {
                places.push(Place { key: sort_value(row)?, n });
                return Ok(ControlFlow::Continue(()));
            }
            let stored = Stored::read(row, kind)?;
            let resource = self.whole(team, &stored, &wanted, query)?;
            if undecided.is_none_or(|filter| eval(filter, &resource)) {
                let key = match &order {
                    Order::Whole(path) => Key::of(path, &resource),
                    _ => sort_value(row)?,
                };
                places.push(Place { key, n });
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

#[cfg(test)]
impl ReadTx<'_> {
    /// How SQLite means to walk the candidates of a filter.
    pub(super) fn plan(&self, team: TeamId, kind: Kind, filter: &Filter) -> Result<Vec<String>> {
        let condition = condition::read(team, kind, filter);
        let whole = !condition.exact;
        let (sql, values) = select(team, kind, condition.holds, &Order::Age, whole).expect("a condition");
        self.all(&format!("explain query plan {sql}"), params_from_iter(values), |row| row.get(3))
    }
}

/// The statement that walks the candidates; `None` when there can be none.
fn select(team: TeamId, kind: Kind, holds: Holds, order: &Order, whole: bool) -> Option<(String, Vec<Sql>)> {
    let kind = match kind {
        Kind::User => 1,
        Kind::Group => 2,
    };
    let columns = if whole { ", r.id, r.version, r.created, r.modified, r.doc" } else { "" };
    let key = order.column();
    let (also, values, lead) = match holds {
        Holds::None => return None,
        Holds::All => (String::new(), Vec::new(), Lead::Nowhere),
        Holds::Where { text, values, lead } => (format!(" and {text}"), values, lead),
    };
    // A plus keeps SQLite from walking the team's list where the condition leads to a few numbers.
    let plus = if lead == Lead::Numbers { "+" } else { "" };
    let sql = format!(
        "select r.n, {key}{columns} from resource r where {plus}r.team = ? and {plus}r.kind = {kind}{also}"
    );
    let mut all = vec![Sql::from(team.0)];
    all.extend(values);
    Some((sql, all))
}

fn sort_value(row: &rusqlite::Row<'_>) -> Result<Key> {
    Ok(match row.get::<_, Sql>(1)? {
        Sql::Text(text) => Key::text(text),
        Sql::Integer(number) => Key::Number(number as f64),
        _ => Key::Missing,
    })
}

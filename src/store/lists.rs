//! Lists of users and groups as pages show them: in the order of names, of changes or of age, narrowed, a page at a time.
//! Each is a walk along an index that ends with the page. Where few can match they are gathered by what makes them few, and
//! a text is looked for in one pass over the names.

use std::ops::ControlFlow;

use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};

use super::counts::Totals;
use super::listed_page::Kept;
use super::narrow::{Conditions, MANY, kept_total};
use super::resources::{read, resource_columns, select_resource};
use super::search::{Key, Page, Place, bounds};
use super::{ReadTx, Result, Row, called};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;
use crate::scim::fold::fold;

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The name to show, as it is compared.
    #[default]
    Name,
    Changed,
    /// How many members groups have. No index knows that: it is for lists that may be gathered whole.
    Members,
    /// In the order in which they were made, which no change upsets.
    Age,
}

/// Which users or groups are listed, and which page of them.
#[derive(Clone, Debug)]
pub struct List {
    pub kind: Kind,
    /// Part of a name or address, or a whole id or external id.
    pub text: String,
    pub active: Option<bool>,
    /// Only what changed since then.
    pub since: Option<Timestamp>,
    /// Only those in this group, also through others; its number, and how many members it has.
    pub group: Option<(i64, u64)>,
    /// Only those that are in the group themselves.
    pub direct: bool,
    /// Only groups that this one is in, also through others.
    pub member: Option<i64>,
    /// Only groups without members.
    pub empty: bool,
    pub order: Order,
    pub descending: bool,
    pub page: Page,
}

/// One page.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The numbers of the page's users or groups, in its order, and these themselves.
    pub numbers: Vec<i64>,
    pub rows: Vec<Row>,
    /// How many there are in all, where that is known without passing them one by one.
    pub total: Option<u64>,
    pub next: Option<Place>,
    pub previous: Option<Place>,
}

/// The numbers of whom a text names by an id or an external id.
const NAMED: &str = "resource.n in (select n from resource where team = ? and id = ? and kind = ?
    union all select resource from attribute where team = ? and kind = ? and path = 3 and value = ?)";

/// The numbers of all of a kind.
const EVERYONE: &str = "select n from resource where team = ? and kind = ?";

impl List {
    /// The text as it is compared.
    pub(super) fn sought(&self) -> String {
        fold(self.text.trim())
    }

    /// The condition that a text names somebody by an id, and its values.
    fn named(&self, team: TeamId) -> (&'static str, Vec<Sql>) {
        let (text, kind) = (self.text.trim().to_owned(), number_of(self.kind));
        match text.is_empty() {
            true => ("0", Vec::new()),
            false => {
                let (id, external) = (text.clone().into(), text.into());
                (NAMED, vec![team.0.into(), id, kind.into(), team.0.into(), kind.into(), external])
            }
        }
    }

    /// Where a row stands.
    fn key(&self, called: &str, modified: i64, members: i64) -> Key {
        match self.order {
            Order::Name => Key::Text(called.to_owned()),
            Order::Changed => Key::Number(modified as f64),
            Order::Members => Key::Number(members as f64),
            Order::Age => Key::Missing,
        }
    }
}

impl ReadTx<'_> {
    /// One page of a list. `nested` says that groups are in groups.
    pub fn list(&self, team: TeamId, list: &List, totals: &Totals, nested: bool) -> Result<Listed> {
        let mut listed = self.list_numbers(team, list, totals, nested)?;
        if listed.rows.is_empty() {
            listed.rows = self.rows_by_number(&listed.numbers)?;
        }
        Ok(listed)
    }

    /// The same for who reads the rows: there are none where the numbers were found without them.
    pub fn list_numbers(&self, team: TeamId, list: &List, totals: &Totals, nested: bool) -> Result<Listed> {
        let whole = List { page: self.whole_place(list)?, ..list.clone() };
        let (list, sought) = (&whole, list.sought());
        let mut conditions = self.conditions(team, list, totals)?;
        if list.order == Order::Members && sought.is_empty() && conditions.few.is_none() {
            let values = vec![team.0.into(), number_of(list.kind).into()];
            conditions.few = Some((EVERYONE, values));
        }
        let mut listed = if let (Some((sql, values)), true) = (&conditions.few, list.order != Order::Age) {
            let places = self.gathered(team, list, sql, values.clone(), &conditions, &sought)?;
            Self::of_places(list, places)
        } else if !sought.is_empty() && list.order != Order::Age {
            self.looked_for(team, list, &conditions, &sought)?
        } else {
            self.walked(team, list, &conditions, &sought)?
        };
        listed.total = listed.total.or_else(|| kept_total(list, totals, nested));
        for place in [&mut listed.next, &mut listed.previous].into_iter().flatten() {
            if let Key::Text(called) = &place.key {
                place.key = Key::Text(called::first(called).to_owned());
            }
        }
        Ok(listed)
    }

    /// Users and groups with this in a name, or with this id or external id: the first of each kind by name, and how many users
    /// and groups there are.
    pub fn called(&self, team: TeamId, text: &str, limit: u32) -> Result<(Vec<Row>, (u64, u64))> {
        let sql = "select n, kind from resource indexed by resource_called
                   where team = ?1 and kind in (1, 2) and (instr(called, ?2) > 0 or n in (
                       select n from resource where team = ?1 and id = ?3 union all
                       select resource from attribute where team = ?1 and kind in (1, 2) and path = 3 and value = ?3))
                   order by kind, called, n";
        let (mut numbers, mut users, mut groups) = (Vec::new(), 0, 0);
        self.each(sql, params![team, fold(text.trim()), text.trim()], |row| {
            let total = if row.get::<_, Kind>(1)? == Kind::User { &mut users } else { &mut groups };
            *total += 1;
            if *total <= u64::from(limit) {
                numbers.push(row.get(0)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((self.rows_by_number(&numbers)?, (users, groups)))
    }

    /// The page with a whole place: addresses hold a name alone, and where its bearer has it still, the rest is read.
    fn whole_place(&self, list: &List) -> Result<Page> {
        let mut page = list.page.clone();
        if let Page::After { place: Some(place), .. } | Page::Before { place, .. } = &mut page {
            let fits = matches!(
                (&place.key, list.order),
                (Key::Text(_), Order::Name)
                    | (Key::Number(_), Order::Changed | Order::Members)
                    | (Key::Missing, Order::Age)
            );
            match &place.key {
                // A place of another order is the beginning.
                _ if !fits => {
                    let (Page::After { count, .. } | Page::Before { count, .. } | Page::Index { count, .. }) =
                        page;
                    return Ok(Page::After { place: None, count });
                }
                Key::Text(name) => {
                    let called = self.one("select called from resource where n = ?", [place.n], |row| {
                        row.get::<_, String>(0)
                    })?;
                    if let Some(called) = called.filter(|called| called::first(called) == name) {
                        place.key = Key::Text(called);
                    }
                }
                _ => {}
            }
        }
        Ok(page)
    }

    /// The places of all that match among some numbers.
    fn gathered(
        &self,
        team: TeamId,
        list: &List,
        numbers: &str,
        numbered: Vec<Sql>,
        conditions: &Conditions,
        sought: &str,
    ) -> Result<Vec<Place>> {
        let (named, mut values) = list.named(team);
        // A plus keeps SQLite from walking the team's list where the numbers lead to few.
        let sql = format!(
            "select resource.n, resource.called, resource.modified, resource.members, {named} from resource
             where resource.n in ({numbers}) and +resource.team = ? and +resource.kind = ?{}",
            conditions.text
        );
        values.extend(numbered);
        values.extend([team.0.into(), number_of(list.kind).into()]);
        values.extend(conditions.values.iter().cloned());
        let mut places = Vec::new();
        self.each(&sql, params_from_iter(values), |row| {
            let called = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if called.contains(sought) || row.get(4)? {
                places.push(Place { key: list.key(called, row.get(2)?, row.get(3)?), n: row.get(0)? });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(places)
    }

    /// The page of places that are all there are.
    fn of_places(list: &List, mut places: Vec<Place>) -> Listed {
        let down = list.descending;
        places.sort_unstable_by(|one, other| if down { other.cmp(one) } else { one.cmp(other) });
        let (from, to) = bounds(&places, &list.page, down);
        let page = &places[from..to];
        Listed {
            total: Some(places.len() as u64),
            next: page.last().filter(|_| to < places.len()).cloned(),
            previous: page.first().filter(|_| from > 0).cloned(),
            numbers: page.iter().map(|place| place.n).collect(),
            rows: Vec::new(),
        }
    }

    /// Resources by their numbers, in that order.
    pub fn rows_by_number(&self, numbers: &[i64]) -> Result<Vec<Row>> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let sql = select_resource!("where resource.n in (select value from json_each(?))");
        let mut rows = self.all(sql, [as_json(numbers)], read)?;
        rows.sort_by_cached_key(|row| numbers.iter().position(|n| *n == row.n));
        Ok(rows)
    }

    /// One pass over the names: who matches, how many, and the page.
    fn looked_for(&self, team: TeamId, list: &List, conditions: &Conditions, sought: &str) -> Result<Listed> {
        // Names and numbers are all that such a list is put in order and narrowed by: memberships are looked up within the
        // pass, of those alone whose names match.
        let at_once = list.order == Order::Name && conditions.by_number;
        let down = if list.descending { " desc" } else { "" };
        let (named, numbers) = list.named(team);
        let more = if at_once { conditions.text.as_str() } else { "" };
        let sql = format!(
            "select n, called from resource indexed by resource_called
             where team = ? and kind = ? and (instr(called, ?) > 0 or {named}){more} order by called{down}, n{down}"
        );
        let mut values: Vec<Sql> = vec![team.0.into(), number_of(list.kind).into(), sought.to_owned().into()];
        values.extend(numbers);
        if at_once {
            values.extend(conditions.values.iter().cloned());
        }
        let (mut total, mut kept, mut numbers) = (0, Kept::new(list), Vec::new());
        self.each(&sql, params_from_iter(values), |row| {
            total += 1;
            if at_once {
                kept.on_page(row.get(0)?, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
            } else {
                numbers.push(row.get(0)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if at_once {
            return Ok(Listed {
                numbers: kept.places.iter().map(|place| place.n).collect(),
                rows: Vec::new(),
                total: Some(total),
                next: kept.places.back().filter(|_| kept.after).cloned(),
                previous: kept.places.front().filter(|_| kept.before).cloned(),
            });
        }
        if total > MANY && list.order == Order::Changed {
            // So many have it that a walk soon finds a page of them.
            return self.walked(team, list, conditions, sought);
        }
        let given = vec![as_json(&numbers).into()];
        let named = List { text: String::new(), ..list.clone() };
        let places = self.gathered(team, &named, "select value from json_each(?)", given, conditions, "")?;
        Ok(Self::of_places(list, places))
    }

    /// A walk along the order, until the page is full.
    fn walked(&self, team: TeamId, list: &List, conditions: &Conditions, sought: &str) -> Result<Listed> {
        let (back, count, place) = match &list.page {
            Page::After { place, count } => (false, *count, place.as_ref()),
            Page::Before { place, count } => (true, *count, Some(place)),
            Page::Index { count, .. } => (false, *count, None),
        };
        let (sign, down) = if list.descending != back { ("<", " desc") } else { (">", "") };
        let (named, mut values) = list.named(team);
        values.extend([team.0.into(), number_of(list.kind).into()]);
        values.extend(conditions.values.iter().cloned());
        let (index, order, behind) = match list.order {
            Order::Name => ("resource_called", "called", format!(" and (called, n) {sign} (?, ?)")),
            Order::Changed => ("resource_modified", "modified", format!(" and (modified, n) {sign} (?, ?)")),
            // A list by members is gathered, and never walked.
            Order::Age | Order::Members => ("resource_list", "kind", format!(" and n {sign} ?")),
        };
        if let Some(place) = place {
            values.extend(match &place.key {
                Key::Text(called) => Some(Sql::from(called.clone())),
                Key::Number(at) => Some(Sql::from(*at as i64)),
                Key::Missing => None,
            });
            values.push(place.n.into());
        }
        let behind = if place.is_some() { behind } else { String::new() };
        let sql = format!(
            concat!(
                "select ",
                resource_columns!(),
                ", called, {} from resource indexed by {} where team = ? and kind = ?{}{} order by {}{}, n{}"
            ),
            named, index, conditions.text, behind, order, down, down
        );
        let (mut rows, mut places, mut looked) = (Vec::new(), Vec::new(), 0u32);
        self.each(&sql, params_from_iter(values), |row| {
            looked += 1;
            if looked.is_multiple_of(1024) {
                self.in_time()?;
            }
            let called = row.get_ref(CALLED)?.as_str().map_err(rusqlite::Error::from)?;
            if called.contains(sought) || row.get(CALLED + 1)? {
                let found = read(row)?;
                let key = list.key(called, found.modified.0, found.members as i64);
                places.push(Place { key, n: found.n });
                rows.push(found);
            }
            Ok(if rows.len() as u64 > count { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        let more = rows.len() as u64 > count;
        rows.truncate(count as usize);
        places.truncate(count as usize);
        if back {
            rows.reverse();
            places.reverse();
        }
        let (before, after) = if back { (more, true) } else { (place.is_some(), more) };
        Ok(Listed {
            total: None,
            next: places.last().filter(|_| after).cloned(),
            previous: places.first().filter(|_| before).cloned(),
            numbers: places.iter().map(|place| place.n).collect(),
            rows,
        })
    }
}

/// Where `called` stands behind the columns of a resource.
const CALLED: usize = 13;

pub(super) fn number_of(kind: Kind) -> i64 {
    if kind == Kind::User { 1 } else { 2 }
}

fn as_json(numbers: &[i64]) -> String {
    serde_json::to_string(numbers).expect("numbers are JSON")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::store::testing::{group, store, team};
    use crate::store::{IndexValue, Store};

    /// Forty people of few names, some of them inactive, each changed at another time; every third is in a group, and that
    /// group in another.
    fn directory() -> (Store, TeamId, Row, Row) {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let names = ["Mei Chen", "mei chen", "Zoë", "Ada", "Bo", "Chen"];
        let mut all = Vec::new();
        for n in 0..40usize {
            clock.advance(Duration::from_secs(60));
            let name = names[n * 7 % names.len()];
            let document =
                json!({ "userName": format!("u{n}@example.com"), "displayName": name, "active": n % 4 != 0 });
            let values = [IndexValue {
                path: "externalId".into(),
                value: format!("x-{n}"),
                sent: format!("x-{n}"),
                unique: false,
            }];
            let job = move |tx: &mut crate::store::WriteTx| {
                let id = format!("id-{n}");
                let document = document.as_object().expect("an object");
                tx.insert_resource(acme, Kind::User, id, document, "test", 1, &values)
            };
            all.push(store.write_blocking(job).unwrap());
        }
        let (inner, outer) = (group(&store, acme, "Inner"), group(&store, acme, "Outer"));
        let thirds: Vec<i64> = all.iter().step_by(3).map(|row| row.n).collect();
        let (one, two, within) = (inner.clone(), outer.clone(), inner.n);
        store.write_blocking(move |tx| tx.add_numbers(acme, &one, &thirds)).unwrap();
        store.write_blocking(move |tx| tx.add_numbers(acme, &two, &[within])).unwrap();
        let (inner, outer) = store
            .read_now(|tx| {
                Ok::<_, crate::store::StoreError>((tx.resource_by_n(acme, 41)?, tx.resource_by_n(acme, 42)?))
            })
            .unwrap();
        (store, acme, inner.expect("a group"), outer.expect("a group"))
    }

    fn page(store: &Store, team: TeamId, list: &List) -> Listed {
        store
            .read_now(|tx| {
                let around = tx.surroundings(team, 9)?;
                tx.list(team, list, &around.totals, around.nested)
            })
            .unwrap()
    }

    /// Who matches, in order, found without any of the ways above.
    fn expected(store: &Store, team: TeamId, list: &List, inner: &Row) -> Vec<String> {
        let mut rows: Vec<Row> = (1..=40)
            .filter_map(|n| store.read_now(|tx| tx.resource_by_n(team, n)).unwrap())
            .filter(|row| {
                let n = row.id[3..].parse::<usize>().unwrap();
                let called = called::of_stored(row.kind, &row.display, &row.doc);
                list.active.is_none_or(|active| row.active == active)
                    && list.since.is_none_or(|since| row.modified >= since)
                    && (list.group.is_none() || n.is_multiple_of(3))
                    && (called.contains(&fold(&list.text))
                        || row.id == list.text
                        || format!("x-{n}") == list.text)
            })
            .collect();
        assert!(inner.n > 40);
        match list.order {
            Order::Name => {
                rows.sort_by_key(|row| (called::of_stored(row.kind, &row.display, &row.doc), row.n))
            }
            Order::Changed => rows.sort_by_key(|row| (row.modified, row.n)),
            Order::Members => rows.sort_by_key(|row| (row.members, row.n)),
            Order::Age => rows.sort_by_key(|row| row.n),
        }
        if list.descending {
            rows.reverse();
        }
        rows.into_iter().map(|row| row.id).collect()
    }

    #[test]
    fn every_way_to_a_page_finds_the_same_forwards_and_backwards() {
        let (store, acme, inner, outer) = directory();
        let middle = store.read_now(|tx| tx.resource_by_n(acme, 20)).unwrap().expect("a row").modified;
        let mut tried = 0;
        for text in ["", "mei", "CHEN", "u1", "x-7", "id-9", "nobody"] {
            for (active, since, group) in [
                (None, None, None),
                (Some(true), None, None),
                (Some(false), None, None),
                (None, Some(middle), None),
                (None, None, Some((inner.n, inner.members))),
                (None, None, Some((outer.n, outer.members))),
                (Some(false), Some(middle), Some((inner.n, inner.members))),
                (Some(true), None, Some((outer.n, 99))),
            ] {
                for (order, descending) in [
                    (Order::Name, false),
                    (Order::Name, true),
                    (Order::Changed, false),
                    (Order::Changed, true),
                    (Order::Members, true),
                    (Order::Age, false),
                ] {
                    let list = |page| List {
                        kind: Kind::User,
                        text: text.into(),
                        active,
                        since,
                        group,
                        direct: false,
                        member: None,
                        empty: false,
                        order,
                        descending,
                        page,
                    };
                    let whole = list(Page::After { place: None, count: 100 });
                    let all = expected(&store, acme, &whole, &inner);
                    let ids =
                        |found: &Listed| found.rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
                    let found = page(&store, acme, &whole);
                    assert_eq!(ids(&found), all, "{whole:?}");
                    assert!(
                        found.total.is_none_or(|total| total == all.len() as u64),
                        "{found:?} of {whole:?}"
                    );
                    assert_eq!((&found.next, &found.previous), (&None, &None));
                    for count in [1, 3, 7] {
                        let (mut there, mut place, mut last) = (Vec::new(), None, None);
                        loop {
                            let found = page(&store, acme, &list(Page::After { place, count }));
                            there.extend(ids(&found));
                            assert!(found.total.is_none_or(|total| total == all.len() as u64));
                            place = found.next.clone();
                            last = found.previous.clone().or(last);
                            if place.is_none() {
                                break;
                            }
                        }
                        assert_eq!(there, all, "{count} at a time");
                        let mut back = Vec::new();
                        while let Some(place) = last {
                            let found = page(&store, acme, &list(Page::Before { place, count }));
                            back.splice(0..0, ids(&found));
                            last = found.previous;
                        }
                        let missing = all.len() - back.len();
                        assert!(all.is_empty() || missing <= count as usize, "{missing}");
                        assert_eq!(back, all[..back.len()], "{count} at a time, back");
                    }
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 336);
    }

    #[test]
    fn a_place_whose_bearer_has_another_name_is_still_a_place() {
        let (store, acme, ..) = directory();
        let list = |page| List {
            kind: Kind::User,
            text: String::new(),
            active: None,
            since: None,
            group: None,
            direct: false,
            member: None,
            empty: false,
            order: Order::Name,
            descending: false,
            page,
        };
        let place = Some(Place { key: Key::Text("bo".into()), n: 9999 });
        let found = page(&store, acme, &list(Page::After { place, count: 1 }));
        assert_eq!(found.rows[0].display, "Bo", "those of the same name are not lost");
        let other = Some(Place { key: Key::Number(7.0), n: 1 });
        let found = page(&store, acme, &list(Page::After { place: other, count: 1 }));
        assert_eq!(found.rows[0].display, "Ada", "a place of another order is the beginning");
    }
}

//! The members of one group, a page of them: in order of name or of joining while they are few enough to be sorted, and
//! else by name alone.

use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::{Kind, fold};
use crate::store::{List, Order, Page, Place, ReadTx, Row, Totals};

/// The members of groups with more than this are not all read for a page.
const SORTED: u64 = if cfg!(test) { 6 } else { 5000 };

/// What the members of a group are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    #[default]
    Name,
    Since,
}

/// Which members are asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Part of a name, or a whole id, user name or email.
    pub text: String,
    pub by: By,
    pub descending: bool,
    /// How many are passed over, of a group with so few members that all are read.
    pub skip: u64,
    /// The part of the list of a larger group.
    pub page: Page,
    pub limit: u32,
}

/// Members of a group, one page of them.
#[derive(Debug, Default)]
pub struct Members {
    pub rows: Vec<(Row, Timestamp)>,
    /// Members in all.
    pub count: u64,
    /// Those that match, where that is known.
    pub total: Option<u64>,
    /// How many of them are groups.
    pub groups: u64,
    /// All were read: any order can be asked for, and pages go by how many are passed over.
    pub whole: bool,
    /// Where the pages beside this one of a larger group begin and end.
    pub next: Option<Place>,
    pub previous: Option<Place>,
}

/// A page of members in the order of their numbers.
#[derive(Debug, Default)]
pub struct Roll {
    pub rows: Vec<(Row, Timestamp)>,
    /// The number behind which the next page begins.
    pub next: Option<i64>,
}

impl Service {
    /// Members of a group, in the order in which they came to the directory.
    pub fn group_members(
        &self,
        team: TeamId,
        group: i64,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Roll, Error> {
        self.store().read_now(|tx| {
            let mut found = tx.members(team, group, after, limit + 1)?;
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let numbers: Vec<i64> = found.iter().map(|(n, _)| *n).collect();
            let next = numbers.last().copied().filter(|_| more);
            Ok(Roll { rows: tx.members_shown(team, group, &numbers, false)?, next })
        })
    }

    /// A page of a group's members as its page shows them.
    pub async fn roster(&self, team: TeamId, group: &Row, asked: Asked) -> Result<Members, Error> {
        let (n, count) = (group.n, group.members);
        self.store()
            .read(move |tx| {
                if count > SORTED { large(tx, team, n, count, &asked) } else { sorted(tx, team, n, &asked) }
            })
            .await
    }
}

/// Of more members than are read at once: people by name, along the names of the team; groups within it stand before them.
fn large(tx: &ReadTx<'_>, team: TeamId, group: i64, count: u64, asked: &Asked) -> Result<Members, Error> {
    let list = List {
        kind: Kind::User,
        text: asked.text.clone(),
        active: None,
        since: None,
        group: Some((group, count)),
        direct: true,
        member: None,
        empty: false,
        order: Order::Name,
        descending: asked.descending && asked.by == By::Name,
        page: asked.page.clone(),
    };
    // The totals of the team say nothing of a list within a group.
    let found = tx.list_numbers(team, &list, &Totals::default(), false)?;
    let people = found.numbers;
    let mut rows = tx.members_shown(team, group, &people, true)?;
    let groups = rows.len() as u64 - people.len() as u64;
    let sought = fold::fold(asked.text.trim());
    let fits = |row: &Row| row.id == asked.text || fold::fold(&row.display).contains(&sought);
    rows.retain(|(row, _)| row.kind == Kind::User || fits(row));
    let total = match asked.text.is_empty() {
        true => Some(count),
        false => found.total.map(|total| total + (rows.len() - people.len()) as u64),
    };
    if found.previous.is_some() {
        rows.retain(|(row, _)| row.kind == Kind::User);
    }
    Ok(Members { rows, count, total, groups, whole: false, next: found.next, previous: found.previous })
}

fn sorted(tx: &ReadTx<'_>, team: TeamId, group: i64, asked: &Asked) -> Result<Members, Error> {
    let mut roll = tx.member_roll(team, group, &asked.text)?;
    let count = roll.len() as u64;
    let groups = roll.iter().filter(|(one, _)| one.kind == Kind::Group).count() as u64;
    if !asked.text.is_empty() {
        let text = fold::fold(&asked.text);
        roll.retain(|(one, named)| *named || fold::fold(&one.name).contains(&text));
    }
    match asked.by {
        By::Name => roll.sort_by_cached_key(|(one, _)| (fold::fold(&one.name), one.n)),
        By::Since => roll.sort_by_key(|(one, _)| (one.since, one.n)),
    }
    if asked.descending {
        roll.reverse();
    }
    let total = Some(roll.len() as u64);
    let page: Vec<_> = roll.into_iter().skip(asked.skip as usize).take(asked.limit as usize).collect();
    let rows = tx.rows_by_number(&page.iter().map(|(one, _)| one.n).collect::<Vec<_>>())?;
    let rows = rows.into_iter().zip(page.iter().map(|(one, _)| one.since)).collect();
    Ok(Members { rows, count, total, groups, whole: true, next: None, previous: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Mode;
    use crate::service::testing::{caller, desk};

    #[tokio::test]
    async fn members_are_found_by_name_and_address_and_stand_in_order() {
        let desk = desk().await;
        let caller = caller(desk.team, Mode::Compat);
        let mut ids = Vec::new();
        for name in ["Zoë", "ada", "Bea"] {
            let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "displayName": name,
                "userName": format!("{}@example.com", name.to_lowercase()) });
            ids.push(desk.create(&caller, Kind::User, body).await.expect("made").id.clone());
        }
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Ops",
            "members": ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>() });
        let id = desk.create(&caller, Kind::Group, group).await.expect("made").id.clone();
        let row = desk.service.detail(desk.team, Kind::Group, &id).expect("read").expect("there").row;
        let names = async |asked: Asked| {
            let found = desk.service.roster(desk.team, &row, asked).await.expect("found");
            assert!(found.whole && found.count == 3);
            let names: Vec<String> = found.rows.into_iter().map(|(row, _)| row.display).collect();
            (found.total.expect("counted"), names.join(" "))
        };
        let asked = first(2);
        assert_eq!(names(asked.clone()).await, (3, "ada Bea".into()));
        assert_eq!(names(Asked { skip: 2, ..asked.clone() }).await, (3, "Zoë".into()));
        assert_eq!(names(Asked { descending: true, ..asked.clone() }).await, (3, "Zoë Bea".into()));
        for text in ["ZOË", "zoë@example.com", ids[0].as_str()] {
            let asked = Asked { text: text.into(), ..asked.clone() };
            assert_eq!(names(asked).await, (1, "Zoë".into()), "{text}");
        }
        assert_eq!(names(Asked { text: "nobody".into(), ..asked }).await, (0, String::new()));
    }

    fn first(limit: u32) -> Asked {
        let page = Page::After { place: None, count: limit.into() };
        Asked { text: String::new(), by: By::Name, descending: false, skip: 0, page, limit }
    }

    #[tokio::test]
    async fn a_large_group_is_paged_by_name_both_ways_with_its_groups_first() {
        let desk = desk().await;
        let caller = caller(desk.team, Mode::Compat);
        let mut ids = Vec::new();
        for name in ["h", "g", "f", "e", "d", "c", "b", "a", "stranger"] {
            let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
            ids.push(desk.create(&caller, Kind::User, body).await.expect("made").id.clone());
        }
        let stranger = ids.pop().expect("the last");
        let group = |name: &str, members: &[String]| {
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
                "members": members.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>() })
        };
        let inner =
            desk.create(&caller, Kind::Group, group("Inner", &[stranger])).await.expect("made").id.clone();
        ids.push(inner);
        let id = desk.create(&caller, Kind::Group, group("All", &ids)).await.expect("made").id.clone();
        let row = desk.service.detail(desk.team, Kind::Group, &id).expect("read").expect("there").row;
        let names = |found: &Members| {
            assert!(!found.whole && found.count == 9 && found.groups == 1);
            assert!(found.rows.iter().all(|(_, since)| *since == desk.clock.now()));
            found.rows.iter().map(|(row, _)| row.display.as_str()).collect::<Vec<_>>().join(" ")
        };
        let roster = async |asked| desk.service.roster(desk.team, &row, asked).await.expect("found");
        let one = roster(first(3)).await;
        assert_eq!((names(&one).as_str(), one.total), ("Inner a b c", Some(9)));
        let page = Page::After { place: one.next, count: 3 };
        let two = roster(Asked { page, ..first(3) }).await;
        assert_eq!(names(&two), "d e f");
        let page = Page::Before { place: two.previous.expect("there is one"), count: 3 };
        assert_eq!(names(&roster(Asked { page, ..first(3) }).await), "Inner a b c");
        let found = roster(Asked { text: "E".into(), ..first(3) }).await;
        assert_eq!((names(&found).as_str(), found.total), ("Inner e", Some(2)));
        assert_eq!(names(&roster(Asked { descending: true, ..first(2) }).await), "Inner h g");
    }
}

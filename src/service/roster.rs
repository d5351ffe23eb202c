//! The members of one group, a page of them: in order of name or of joining while they are few enough to be sorted, and
//! else in the order in which they came to the directory.

use super::browse::meant;
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::{Kind, fold};
use crate::store::{ReadTx, Row};

/// Groups with more members than this are listed unsorted.
const SORTED: u64 = 5000;

/// What the members of a group are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    #[default]
    Name,
    Since,
}

/// Which members are asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Part of a name, or a whole id, user name or email.
    pub text: String,
    pub by: By,
    pub descending: bool,
    /// How many of a sorted list are passed over.
    pub skip: u64,
    /// The number behind which a page of an unsorted list begins.
    pub after: Option<i64>,
    pub limit: u32,
}

/// Members of a group, one page of them.
#[derive(Debug, Default)]
pub struct Members {
    pub rows: Vec<(Row, Option<Timestamp>)>,
    /// Members in all.
    pub count: u64,
    /// Those that match.
    pub total: u64,
    /// How many of them are groups, where they were all looked at.
    pub groups: Option<u64>,
    /// Whether they are in the order that was asked for.
    pub sorted: bool,
    /// Where the next page of an unsorted list begins.
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
    ) -> Result<Members, Error> {
        self.store().read_now(|tx| unsorted(tx, team, group, after, limit))
    }

    /// A page of a group's members as its page shows them.
    pub async fn roster(&self, team: TeamId, group: i64, asked: Asked) -> Result<Members, Error> {
        self.store()
            .read(move |tx| {
                if asked.text.is_empty() && tx.member_count(team, group)? > SORTED {
                    return unsorted(tx, team, group, asked.after, asked.limit);
                }
                sorted(tx, team, group, &asked)
            })
            .await
    }
}

fn unsorted(
    tx: &ReadTx<'_>,
    team: TeamId,
    group: i64,
    after: Option<i64>,
    limit: u32,
) -> Result<Members, Error> {
    let mut found = tx.members(team, group, after, limit + 1)?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().map(|(n, _)| *n).filter(|_| more);
    let count = tx.member_count(team, group)?;
    let mut members = Members { count, total: count, next, ..Members::default() };
    for (n, _) in found {
        if let Some(row) = tx.resource_by_n(team, n)? {
            members.rows.push((row, tx.member_since(team, group, n)?));
        }
    }
    Ok(members)
}

fn sorted(tx: &ReadTx<'_>, team: TeamId, group: i64, asked: &Asked) -> Result<Members, Error> {
    let mut roll = tx.member_roll(team, group)?;
    let count = roll.len() as u64;
    let groups = roll.iter().filter(|one| one.kind == Kind::Group).count() as u64;
    if !asked.text.is_empty() {
        let text = fold::fold(&asked.text);
        let same = meant(tx, team, Kind::User, &asked.text)?;
        roll.retain(|one| {
            one.id == asked.text || same.as_ref() == Some(&one.id) || fold::fold(&one.name).contains(&text)
        });
    }
    match asked.by {
        By::Name => roll.sort_by_cached_key(|one| (fold::fold(&one.name), one.n)),
        By::Since => roll.sort_by_key(|one| (one.since, one.n)),
    }
    if asked.descending {
        roll.reverse();
    }
    let total = roll.len() as u64;
    let mut members = Members { count, total, groups: Some(groups), sorted: true, ..Members::default() };
    for one in roll.into_iter().skip(asked.skip as usize).take(asked.limit as usize) {
        members.rows.extend(tx.resource_by_n(team, one.n)?.map(|row| (row, Some(one.since))));
    }
    Ok(members)
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
        let n = desk.service.detail(desk.team, Kind::Group, &id).expect("read").expect("there").row.n;
        let names = async |asked: Asked| {
            let found = desk.service.roster(desk.team, n, asked).await.expect("found");
            assert!(found.sorted && found.count == 3);
            let names: Vec<String> = found.rows.into_iter().map(|(row, _)| row.display).collect();
            (found.total, names.join(" "))
        };
        let asked = Asked { limit: 2, ..Asked::default() };
        assert_eq!(names(asked.clone()).await, (3, "ada Bea".into()));
        assert_eq!(names(Asked { skip: 2, ..asked.clone() }).await, (3, "Zoë".into()));
        assert_eq!(names(Asked { descending: true, ..asked.clone() }).await, (3, "Zoë Bea".into()));
        for text in ["ZOË", "zoë@example.com", ids[0].as_str()] {
            let asked = Asked { text: text.into(), ..asked.clone() };
            assert_eq!(names(asked).await, (1, "Zoë".into()), "{text}");
        }
        assert_eq!(names(Asked { text: "nobody".into(), ..asked }).await, (0, String::new()));
    }
}

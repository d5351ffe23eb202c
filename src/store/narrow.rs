//! What narrows a list of users or groups, as conditions of SQL, and by what the few that can match are found.

use rusqlite::params_from_iter;
use rusqlite::types::Value as Sql;

use super::counts::Totals;
use super::lists::{List, Order, number_of};
use super::{ReadTx, Result};
use crate::base::TeamId;
use crate::scim::Kind;

/// Up to so many are gathered and put in order; of more, a walk finds a page sooner.
const FEW: u64 = if cfg!(test) { 5 } else { 5_000 };
/// Of so many that have a text, a walk along their changes soon finds a page.
pub(super) const MANY: u64 = FEW;
/// The same where several conditions hold together: a walk could pass many before a page is full.
const FEW_OF_SEVERAL: u64 = 4 * FEW;

/// Conditions beside team and kind, and their values.
pub(super) struct Conditions {
    pub text: String,
    pub values: Vec<Sql>,
    /// They ask for memberships alone, which numbers tell without the rows.
    pub by_number: bool,
    /// Where few can match: a statement of their numbers, and its values.
    pub few: Option<(&'static str, Vec<Sql>)>,
}

impl ReadTx<'_> {
    /// The conditions of a list.
    pub(super) fn conditions(&self, team: TeamId, list: &List, totals: &Totals) -> Result<Conditions> {
        let mut found = Conditions {
            text: String::new(),
            values: Vec::new(),
            by_number: list.active.is_none() && list.since.is_none() && !list.empty,
            few: None,
        };
        let mut few: Vec<(u64, &'static str, Vec<Sql>)> = Vec::new();
        let mut and = |text: &str, values: Vec<Sql>| {
            found.text.push_str(text);
            found.values.extend(values);
        };
        match list.active {
            // A user whose active is not assigned is active.
            Some(true) => and(" and coalesce(resource.active, 1) = 1", vec![]),
            Some(false) => {
                and(" and resource.active = 0", vec![]);
                let sql = "select n from resource indexed by resource_inactive where team = ? and active = 0";
                few.push((totals.users.saturating_sub(totals.active), sql, vec![team.0.into()]));
            }
            None => {}
        }
        if list.empty {
            and(" and resource.members = 0", vec![]);
            let sql = "select n from resource indexed by resource_empty where team = ? and kind = 2 and members = 0";
            few.push((0, sql, vec![team.0.into()]));
        }
        if let Some(since) = list.since {
            and(" and resource.modified >= ?", vec![since.0.into()]);
            if list.order == Order::Name {
                let sql = "select n from resource indexed by resource_modified
                           where team = ? and kind = ? and modified >= ?";
                let values: Vec<Sql> = vec![team.0.into(), number_of(list.kind).into(), since.0.into()];
                let counted = format!("select count(*) from ({sql} limit {})", FEW + 1);
                few.push((self.number(&counted, params_from_iter(values.clone()))? as u64, sql, values));
            }
        }
        if let Some((group, members)) = list.group {
            // No group holds others under the number 0.
            let twice: Vec<Sql> = vec![group.into(), if list.direct { 0 } else { group }.into()];
            and(
                " and (exists (select 1 from member where holder = ? and member = resource.n)
                 or exists (select 1 from above join member on member.holder = above.inner_group
                            where above.outer_group = ? and member.member = resource.n))",
                twice.clone(),
            );
            let sql = "select member from member where holder = ?
                       union select member from above join member on holder = inner_group where outer_group = ?";
            few.push((members, sql, twice));
        }
        if let Some(member) = list.member {
            let twice: Vec<Sql> = vec![member.into(), member.into()];
            let sql = "select holder from member where member = ?
                       union select outer_group from member join above on inner_group = holder where member = ?";
            and(&format!(" and resource.n in ({sql})"), twice.clone());
            few.push((0, sql, twice));
        }
        let most = if few.len() > 1 { FEW_OF_SEVERAL } else { FEW };
        let fewest = few.into_iter().min_by_key(|(count, ..)| *count).filter(|(count, ..)| *count <= most);
        found.few = fewest.map(|(_, sql, values)| (sql, values));
        Ok(found)
    }
}

/// How many there are, where a kept number says so.
pub(super) fn kept_total(list: &List, totals: &Totals, nested: bool) -> Option<u64> {
    let others = list.since.is_some() || list.member.is_some() || list.empty || !list.sought().is_empty();
    match (list.kind, list.active, list.group) {
        _ if others => None,
        // Of a group that may hold groups the number says nothing of its people.
        (Kind::User, None, Some((_, members))) if !nested => Some(members),
        (_, _, Some(_)) => None,
        (Kind::Group, ..) => Some(totals.groups),
        (Kind::User, None, None) => Some(totals.users),
        (Kind::User, Some(true), None) => Some(totals.active),
        (Kind::User, Some(false), None) => Some(totals.users.saturating_sub(totals.active)),
    }
}

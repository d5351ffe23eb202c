//! Names that users and groups had before a rename or their end: an old name still leads to its bearer.

use rusqlite::params;

use super::resources::{read, read_tombstone, resource_columns, select_tombstone};
use super::{ReadTx, Result, Row, Tombstone, WriteTx};
use crate::base::TeamId;
use crate::scim::Kind;
use crate::scim::fold::fold;

/// Where a name stands behind the columns of a resource.
const NAME: usize = 13;

impl ReadTx<'_> {
    /// The ids of those who had a name before, in any case, and are here, or are not; latest first.
    pub fn named_before(
        &self,
        team: TeamId,
        kind: Kind,
        name: &str,
        limit: u32,
        here: bool,
    ) -> Result<Vec<String>> {
        let sql = "select coalesce(living.id, dead.id) as had from former_name
                   left join resource living on living.n = former_name.resource
                   left join tombstone dead on dead.n = former_name.resource
                   where former_name.team = ?1 and former_name.kind = ?2 and former_name.name = ?3 and had is not null
                   and exists (select 1 from resource now where now.team = ?1 and now.id = had) = ?5
                   group by had order by max(until) desc limit ?4";
        self.all(sql, params![team, kind, fold(name), limit, here], |row| row.get(0))
    }

    /// Those who had this name when they were deleted, or before, or have this id, and are not here; latest first.
    pub fn buried(&self, team: TeamId, text: &str, limit: u32) -> Result<Vec<Tombstone>> {
        let sql = select_tombstone!(
            "join (select had, max(until) as until from (
                 select coalesce(living.id, dead.id) as had, until from former_name
                 left join resource living on living.n = former_name.resource
                 left join tombstone dead on dead.n = former_name.resource
                 where former_name.team = ?1 and former_name.kind in (1, 2) and former_name.name = ?2
                 union all select id, deleted from tombstone where team = ?1 and id = ?3)
             where had is not null and not exists (select 1 from resource now where now.team = ?1 and now.id = had)
             group by had order by max(until) desc limit ?4) found
             on tombstone.n = (select max(n) from tombstone last where last.team = ?1 and last.id = found.had)
             order by found.until desc"
        );
        self.all(sql, params![team, fold(text), text, limit], read_tombstone)
    }

    /// The living users and groups, or one of the two, with this in a name that they had before and have no longer, in any
    /// case: who, and that name as it is compared. Each once, latest first, so many of each kind.
    pub fn formerly_like(
        &self,
        team: TeamId,
        kinds: &[Kind],
        part: &str,
        limit: u32,
    ) -> Result<Vec<(Row, String)>> {
        let sql = concat!(
            "select ",
            resource_columns!(),
            ", found.name from (
                 select *, row_number() over (partition by kind order by until desc) as place from (
                     select now.n, former_name.kind, former_name.name, max(until) as until from former_name
                     left join resource living on living.n = former_name.resource
                     left join tombstone dead on dead.n = former_name.resource
                     join resource now on now.team = ?1 and now.id = coalesce(living.id, dead.id)
                     where former_name.team = ?1 and former_name.kind in (?2, ?3) and instr(former_name.name, ?4) > 0
                     group by now.n)) found
             cross join resource on resource.n = found.n where place <= ?5 order by found.until desc"
        );
        let (Some(first), Some(last)) = (kinds.first(), kinds.last()) else { return Ok(Vec::new()) };
        self.all(sql, params![team, first, last, fold(part), limit], |row| Ok((read(row)?, row.get(NAME)?)))
    }
}

impl WriteTx<'_> {
    /// Remembers the name that a resource gives up.
    pub fn keep_former_name(&mut self, team: TeamId, row: &Row, name: &str) -> Result<()> {
        let now = self.now();
        self.run(
            "insert into former_name (team, kind, name, resource, until) values (?, ?, ?, ?, ?)
             on conflict do update set until = excluded.until",
            params![team, row.kind, fold(name), row.n, now],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{store, team, user};

    #[test]
    fn an_old_name_leads_to_its_bearers_of_the_same_team() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let row = user(&store, acme, "mei@example.com");
        let (n, id) = (row.n, row.id.clone());
        store.write_blocking(move |tx| tx.keep_former_name(acme, &row, "Old@Example.com")).unwrap();
        let found = |team, name: &str| {
            store.read_now(|tx| tx.named_before(team, Kind::User, name, 10, true)).unwrap()
        };
        assert_eq!(found(acme, "old@example.COM"), [id]);
        assert_eq!(found(acme, "mei@example.com"), [] as [&str; 0]);
        assert_eq!(found(other, "old@example.com"), [] as [&str; 0]);
        let like = |team, part: &str| {
            let rows = store.read_now(|tx| tx.formerly_like(team, &[Kind::User], part, 10)).unwrap();
            rows.into_iter().map(|(row, name)| (row.n, name)).collect::<Vec<_>>()
        };
        assert_eq!(like(acme, "OLD@"), [(n, "old@example.com".to_owned())]);
        assert_eq!(like(acme, "mei"), []);
        assert_eq!(like(other, "old"), []);
    }
}

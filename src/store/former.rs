//! Names that users and groups had before a rename or their end: an old name still leads to its bearer.

use rusqlite::params;

use super::{ReadTx, Result, Row, Tombstone, WriteTx};
use crate::base::TeamId;
use crate::scim::Kind;
use crate::scim::fold::fold;

impl ReadTx<'_> {
    /// The living users or groups that had this name before, in any case, latest rename first.
    pub fn formerly(&self, team: TeamId, kind: Kind, name: &str, limit: u32) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for id in self.named_before(team, [kind; 2], name, i64::from(limit), true)? {
            rows.extend(self.resource(team, kind, &id)?);
        }
        Ok(rows)
    }

    /// Those who had this name when they were deleted, or before, and are not here; latest first.
    pub fn buried(&self, team: TeamId, kinds: [Kind; 2], name: &str, limit: u32) -> Result<Vec<Tombstone>> {
        let mut gone = Vec::new();
        for id in self.named_before(team, kinds, name, i64::from(limit), false)? {
            gone.extend(self.tombstone(team, &id)?);
        }
        Ok(gone)
    }

    /// The ids of those who had a name before and are here, or are not.
    fn named_before(
        &self,
        team: TeamId,
        kinds: [Kind; 2],
        name: &str,
        limit: i64,
        here: bool,
    ) -> Result<Vec<String>> {
        // Who came back has a number for each time and one id.
        let sql = "select coalesce(living.id, dead.id) as had from former_name
                   left join resource living on living.n = former_name.resource
                   left join tombstone dead on dead.n = former_name.resource
                   where former_name.team = ?1 and former_name.kind in (?2, ?3) and former_name.name = ?4 and had is not null
                   and exists (select 1 from resource now where now.team = ?1 and now.id = had) = ?6
                   group by had order by max(until) desc limit ?5";
        let [one, other] = kinds;
        self.all(sql, params![team, one, other, fold(name), limit, here], |row| row.get(0))
    }

    /// The living users or groups with this in a name that they had before and have no longer, in any case: who, and that
    /// name as it is compared. Each once, latest first.
    pub fn formerly_like(
        &self,
        team: TeamId,
        kind: Kind,
        part: &str,
        limit: u32,
    ) -> Result<Vec<(Row, String)>> {
        let sql = "select now.n, former_name.name, max(until) from former_name
                   left join resource living on living.n = former_name.resource
                   left join tombstone dead on dead.n = former_name.resource
                   join resource now on now.team = ?1 and now.id = coalesce(living.id, dead.id)
                   where former_name.team = ?1 and former_name.kind = ?2 and instr(former_name.name, ?3) > 0
                   group by now.n order by 3 desc limit ?4";
        let found = self.all(sql, params![team, kind, fold(part), limit], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        let (numbers, names): (Vec<i64>, Vec<String>) = found.into_iter().unzip();
        Ok(self.rows_by_number(&numbers)?.into_iter().zip(names).collect())
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
        let n = row.n;
        store.write_blocking(move |tx| tx.keep_former_name(acme, &row, "Old@Example.com")).unwrap();
        let found = |team, name: &str| {
            let rows = store.read_now(|tx| tx.formerly(team, Kind::User, name, 10)).unwrap();
            rows.into_iter().map(|row| row.n).collect::<Vec<_>>()
        };
        assert_eq!(found(acme, "old@example.COM"), [n]);
        assert_eq!(found(acme, "mei@example.com"), [] as [i64; 0]);
        assert_eq!(found(other, "old@example.com"), [] as [i64; 0]);
        let like = |team, part: &str| {
            let rows = store.read_now(|tx| tx.formerly_like(team, Kind::User, part, 10)).unwrap();
            rows.into_iter().map(|(row, name)| (row.n, name)).collect::<Vec<_>>()
        };
        assert_eq!(like(acme, "OLD@"), [(n, "old@example.com".to_owned())]);
        assert_eq!(like(acme, "mei"), []);
        assert_eq!(like(other, "old"), []);
    }
}

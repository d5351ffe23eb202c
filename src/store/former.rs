//! Names that users and groups had before a rename: an old name still leads to its bearer.

use rusqlite::params;

use super::{ReadTx, Result, Row, WriteTx};
use crate::base::TeamId;
use crate::scim::Kind;
use crate::scim::fold::fold;

impl ReadTx<'_> {
    /// The living users or groups that had this name before, in any case, latest rename first.
    pub fn formerly(&self, team: TeamId, kind: Kind, name: &str, limit: u32) -> Result<Vec<Row>> {
        let sql = "select resource from former_name where team = ? and kind = ? and name = ?
                   order by until desc limit ?";
        let found = self.all(sql, params![team, kind, fold(name), limit], |row| row.get::<_, i64>(0))?;
        let mut rows = Vec::with_capacity(found.len());
        for n in found {
            rows.extend(self.resource_by_n(team, n)?);
        }
        Ok(rows)
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
    }
}

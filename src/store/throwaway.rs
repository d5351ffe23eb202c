//! Throw-away teams: the ground of a self-test. No list shows them, and they go with everything in them. Their slugs begin
//! with a sign that no other slug has.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::fold::fold;

impl ReadTx<'_> {
    /// The throw-away teams that were made before an instant.
    pub fn throwaways(&self, before: Timestamp) -> Result<Vec<TeamId>> {
        let sql = "select n from team where slug like '~%' and created < ?";
        self.all(sql, [before], |row| row.get(0))
    }
}

impl WriteTx<'_> {
    /// Makes a team that no list shows and that `erase_throwaway` takes away: the ground of a self-test.
    pub fn insert_throwaway(&mut self, mark: &str) -> Result<TeamId> {
        let (name, now) = (format!("Self-test {mark}"), self.now());
        let sql = "insert into team (slug, name, folded, created) values (?, ?, ?, ?)";
        let n = self.insert(sql, params![format!("~{mark}"), name, fold(&name), now])?;
        self.run("insert into total (team) values (?)", [n])?;
        self.raise_generation()?;
        Ok(TeamId(n))
    }

    /// Takes a throw-away team away with everything in it; false when there is none of that number.
    pub fn erase_throwaway(&mut self, team: TeamId) -> Result<bool> {
        let sql = "select 1 from team where n = ? and slug like '~%'";
        if self.one(sql, [team], |_| Ok(()))?.is_none() {
            return Ok(false);
        }
        while self.prune_activity(Some(team), Timestamp(i64::MAX), 1000)? > 0 {}
        for (table, column) in [("member", "holder"), ("above", "inner_group")] {
            let of = "(select n from resource where team = ?)";
            self.run(&format!("delete from {table} where {column} in {of}"), [team])?;
        }
        // Every table with a team in it, those of later migrations too; the audit stays, and names no throw-away team.
        let tables = self.all(
            "select m.name from sqlite_master m join pragma_table_info(m.name) c
             where m.type = 'table' and c.name = 'team' and m.sql not like 'create virtual%'
             and m.name not in ('audit', 'resource')",
            [],
            |row| row.get::<_, String>(0),
        )?;
        for table in tables.iter().map(String::as_str).chain(["resource"]) {
            self.run(&format!("delete from \"{table}\" where team = ?"), [team])?;
        }
        self.run("delete from team where n = ?", [team])?;
        self.raise_generation()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::store::testing::{group, store, user};

    #[test]
    fn a_throw_away_team_is_in_no_list_and_leaves_nothing() {
        let (store, clock) = store();
        store.write_blocking(|tx| tx.insert_team("~x")).unwrap();
        let team = store.write_blocking(|tx| tx.insert_throwaway("x1")).unwrap();
        assert_eq!(store.read_now(|tx| tx.teams()).unwrap().len(), 1);
        let ada = user(&store, team, "ada").n;
        let engineering = group(&store, team, "Engineering");
        let holder = engineering.n;
        store.write_blocking(move |tx| tx.add_numbers(team, &engineering, &[ada])).unwrap();
        let later = clock.now().plus(std::time::Duration::from_secs(1));
        assert_eq!(store.read_now(|tx| tx.throwaways(clock.now())).unwrap(), []);
        assert_eq!(store.read_now(|tx| tx.throwaways(later)).unwrap(), [team]);
        let other = store.read_now(|tx| tx.teams()).unwrap()[0].id;
        assert!(
            !store.write_blocking(move |tx| tx.erase_throwaway(other)).unwrap(),
            "a team of people stays"
        );
        assert!(store.write_blocking(move |tx| tx.erase_throwaway(team)).unwrap());
        assert!(!store.write_blocking(move |tx| tx.erase_throwaway(team)).unwrap());
        for table in ["resource", "attribute", "member", "token", "event", "total", "run", "team"] {
            let column = if table == "member" {
                "holder"
            } else if table == "team" {
                "n"
            } else {
                "team"
            };
            let n = if table == "member" { holder } else { team.0 };
            let sql = format!("select count(*) from {table} where {column} = ?");
            assert_eq!(store.read_now(|tx| tx.number(&sql, [n])).unwrap(), 0, "{table}");
        }
    }
}

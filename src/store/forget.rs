//! Forgetting for good: history that is older than a team keeps it, and everything of a team that was removed. Each call
//! takes a few rows, so that no change waits long behind it. When it is time is `service`'s decision.

use rusqlite::params;

use super::teams::select_team;
use super::{ReadTx, Result, Team, WriteTx};
use crate::base::{TeamId, Timestamp};

/// What erases some rows of a team and answers how many they were.
type Step = for<'t> fn(&mut WriteTx<'t>, TeamId, u32) -> Result<u64>;

impl ReadTx<'_> {
    /// Teams that were removed before the given instant and still have data, the first removed first.
    pub fn teams_to_erase(&self, before: Timestamp) -> Result<Vec<Team>> {
        let sql = select_team!(
            "where removed <= ? and exists (select 1 from total where total.team = team.n) order by removed, n"
        );
        self.all(sql, [before], super::teams::read)
    }

    /// Whether erasing a team has begun, so that it cannot come back.
    pub fn is_erased(&self, team: TeamId) -> Result<bool> {
        Ok(self.number("select erased is not null from team where n = ?", [team])? != 0)
    }
}

impl WriteTx<'_> {
    /// Forgets memberships that ended, and what is remembered of the deleted, earlier than `before`; at most `limit`
    /// rows; answers how many.
    pub fn prune_past(&mut self, team: TeamId, before: Timestamp, limit: u32) -> Result<u64> {
        // Memberships first: they name groups that only a tombstone knows.
        let gone = self.run(
            "delete from member_past where (member, holder, until, ended) in
             (select member, holder, until, ended from member_past where team = ? and until < ? limit ?)",
            params![team, before, limit],
        )?;
        if gone > 0 {
            return Ok(gone);
        }
        let sql = "select n from tombstone where team = ? and deleted < ? limit ?";
        let old = self.all(sql, params![team, before, limit], |row| row.get::<_, i64>(0))?;
        for n in &old {
            self.run("delete from former_name where resource = ?", [n])?;
            self.run("delete from tombstone where n = ?", [n])?;
        }
        Ok(old.len() as u64)
    }

    /// Erases some rows of a removed team, about `limit`; answers how many. At 0 nothing is left but its name, its
    /// short name, which no other team gets, and its lines in the audit.
    pub fn erase_team(&mut self, team: TeamId, limit: u32) -> Result<u64> {
        let now = self.now();
        self.run("update team set erased = ? where n = ? and erased is null", params![now, team])?;
        for step in STEPS {
            let gone = step(self, team, limit)?;
            if gone > 0 {
                return Ok(gone);
            }
        }
        self.run("delete from total where team = ?", [team])?;
        self.raise_generation()?;
        Ok(0)
    }

    fn erase_groups(&mut self, team: TeamId, limit: u32) -> Result<u64> {
        let sql = "select n from resource where team = ? and kind = 2 limit ?";
        let mut gone = 0;
        for n in self.all(sql, params![team, limit], |row| row.get::<_, i64>(0))? {
            let room = u64::from(limit).saturating_sub(gone);
            gone += self.run(
                "delete from member where holder = ?1 and member in (select member from member where holder = ?1 limit ?2)",
                params![n, room as i64],
            )?;
            if gone >= u64::from(limit) {
                break;
            }
            self.run("delete from above where inner_group = ?1 or outer_group = ?1", [n])?;
            if self.one("select 1 from member where member = ? limit 1", [n], |_| Ok(()))?.is_some() {
                // It is in another group, which goes first or with the next step.
                self.run("delete from member where member = ?", [n])?;
            }
            gone += self.erase_resource(n)?;
        }
        Ok(gone)
    }

    fn erase_users(&mut self, team: TeamId, limit: u32) -> Result<u64> {
        let sql = "select n from resource where team = ? limit ?";
        let mut gone = 0;
        for n in self.all(sql, params![team, limit], |row| row.get::<_, i64>(0))? {
            gone += self.erase_resource(n)?;
        }
        Ok(gone)
    }

    fn erase_resource(&mut self, n: i64) -> Result<u64> {
        self.run("delete from attribute where resource = ?", [n])?;
        self.run("delete from resource where n = ?", [n])
    }
}

/// In this order: nothing may point at what is gone.
const STEPS: [Step; 16] = [
    |tx, team, limit| tx.prune_activity(Some(team), Timestamp(i64::MAX), limit),
    |tx, team, limit| tx.erase_groups(team, limit),
    |tx, team, limit| tx.erase_users(team, limit),
    |tx, team, limit| tx.prune_past(team, Timestamp(i64::MAX), limit),
    |tx, team, limit| {
        tx.run(
            "delete from former_name where (team, kind, name, resource) in
             (select team, kind, name, resource from former_name where team = ? limit ?)",
            params![team, limit],
        )
    },
    |tx, team, limit| {
        tx.run(
            "delete from event where n in (select n from event where team = ? order by number limit ?)",
            params![team, limit],
        )
    },
    |tx, team, limit| {
        tx.run(
            "delete from token where n in (select n from token where team = ? limit ?)",
            params![team, limit],
        )
    },
    |tx, team, limit| {
        tx.run(
            "delete from hour where team = ?1 and hour in (select hour from hour where team = ?1 limit ?2)",
            params![team, limit],
        )
    },
    |tx, team, limit| {
        tx.run(
            "delete from day where team = ?1 and day in (select day from day where team = ?1 limit ?2)",
            params![team, limit],
        )
    },
    |tx, team, limit| {
        tx.run(
            "delete from member_day where (holder, day) in
             (select holder, day from member_day where team = ? limit ?)",
            params![team, limit],
        )
    },
    |tx, team, limit| {
        tx.run(
            "delete from run where (team, kind, run) in (select team, kind, run from run where team = ? limit ?)",
            params![team, limit],
        )
    },
    |tx, team, _| tx.run("delete from leniency where team = ?", [team]),
    |tx, team, _| tx.run("delete from milestone where team = ?", [team]),
    |tx, team, _| tx.run("delete from team_schema where team = ?", [team]),
    |tx, team, _| tx.run("delete from team_setting where team = ?", [team]),
    // Whatever a request that was under way when the team was removed has written since.
    |tx, team, limit| tx.prune_activity(Some(team), Timestamp(i64::MAX), limit),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::scim::Kind;
    use crate::store::testing::{group, store, team, user};
    use crate::store::{Activity, By, NewToken, Store, TeamSettings, check};

    /// A team with a row in every table.
    fn lived_in(store: &Store, name: &str) -> TeamId {
        let acme = team(store, name);
        let (dev, all) = (group(store, acme, "Dev"), group(store, acme, "All"));
        let (ada, bob) = (user(store, acme, "ada"), user(store, acme, "bob"));
        let job = move |tx: &mut WriteTx| -> Result<()> {
            tx.add_numbers(acme, &dev, &[ada.n, bob.n])?;
            tx.add_numbers(acme, &all, &[dev.n])?;
            tx.append_event(acme, By::default(), "membership.added", Kind::Group, &dev.id, &json!({}))?;
            tx.keep_former_name(acme, &bob, "robert")?;
            tx.delete_resource(acme, &bob, crate::store::By::default())?;
            for _ in 0..5 {
                tx.append_event(acme, By::default(), "user.updated", Kind::User, &ada.id, &json!({}))?;
                let at = tx.now();
                let body = Some(b"{}".to_vec());
                tx.insert_activity(&Activity {
                    at,
                    team: Some(acme),
                    token: Some(1),
                    leniencies: vec!["text-boolean".into()],
                    answer_body: body,
                    ..Activity::default()
                })?;
            }
            tx.insert_token(
                acme,
                &NewToken { hash: [acme.0 as u8; 32], name: "t".into(), ..NewToken::default() },
            )?;
            tx.put_schema(
                acme,
                Kind::User,
                "urn:example:2.0:Badge",
                &json!({ "id": "urn:example:2.0:Badge" }),
            )?;
            tx.set_team_settings(acme, &TeamSettings::default())?;
            tx.note_milestone(acme, 1, Default::default)?;
            tx.append_audit(Some(acme), &crate::store::Hand::here("ada"), "team.created", "Acme", &json!({}))
                .map(drop)
        };
        store.write_blocking(job).unwrap();
        acme
    }

    /// How many rows of each table belong to the team, tables without any left out.
    fn rows(store: &Store, team: TeamId) -> Vec<(String, i64)> {
        let count = |tx: &ReadTx<'_>| -> Result<Vec<(String, i64)>> {
            let mut found = Vec::new();
            for table in tx.all(
                "select name from sqlite_schema where type = 'table' and sql like '%team integer%' order by name",
                [],
                |row| row.get::<_, String>(0),
            )? {
                let n = tx.number(&format!("select count(*) from {table} where team = ?"), [team])?;
                found.extend((n > 0).then_some((table, n)));
            }
            for (table, by) in [("member", "holder"), ("above", "inner_group")] {
                let sql = format!(
                    "select count(*) from {table} where {by} in (select n from resource where team = ?)"
                );
                let n = tx.number(&sql, [team])?;
                found.extend((n > 0).then_some((table.to_owned(), n)));
            }
            Ok(found)
        };
        store.read_now(count).unwrap()
    }

    #[test]
    fn a_removed_team_is_erased_row_by_row_and_its_neighbour_is_left_alone() {
        let (store, clock) = store();
        let (acme, other) = (lived_in(&store, "Acme"), lived_in(&store, "Other"));
        let (before, neighbour) = (rows(&store, acme), rows(&store, other));
        for table in
            "above activity activity_body day event former_name hour leniency member milestone member_day member_past resource run \
                      team_schema team_setting token tombstone total"
                .split_whitespace()
        {
            assert!(before.iter().any(|(name, _)| name == table), "{table}: {before:?}");
        }
        clock.advance(Duration::from_secs(1));
        let mut steps = 0;
        loop {
            let gone = store.write_blocking(move |tx| tx.erase_team(acme, 2)).unwrap();
            assert!(gone <= 3, "{gone} rows in one step of 2");
            assert_eq!(check(store.file()).unwrap().findings, [], "sound at every step");
            assert!(store.read_now(|tx| tx.is_erased(acme)).unwrap());
            steps += 1;
            if gone == 0 {
                break;
            }
        }
        assert!(steps > 8, "{steps}");
        assert_eq!(rows(&store, acme), [("audit".to_owned(), 1)], "what was done stays told");
        assert_eq!(rows(&store, other), neighbour);
    }

    #[test]
    fn a_past_that_is_older_than_wanted_goes_and_the_younger_stays() {
        let (store, clock) = store();
        let acme = lived_in(&store, "Acme");
        let past =
            |table: &str| rows(&store, acme).iter().find(|(name, _)| name == table).map_or(0, |(_, n)| *n);
        assert_eq!((past("member_past"), past("tombstone"), past("former_name")), (1, 1, 2));
        let old = clock.now();
        let prune = |before| store.write_blocking(move |tx| tx.prune_past(acme, before, 10)).unwrap();
        assert_eq!(prune(old), 0, "not earlier than itself");
        let later = Timestamp(old.0 + 1);
        assert_eq!((prune(later), prune(later), prune(later)), (1, 1, 0));
        assert_eq!((past("member_past"), past("tombstone"), past("former_name")), (0, 0, 0));
        assert_eq!(check(store.file()).unwrap().findings, []);
    }
}

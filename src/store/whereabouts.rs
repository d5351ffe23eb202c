//! Who ids are of: those who live here, and those who did once, many in one look.

use rusqlite::params;

use super::{ReadTx, Result};
use crate::base::{TeamId, Timestamp};
use crate::scim::Kind;

/// Somebody who lives here, or did once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    pub id: String,
    pub kind: Kind,
    /// The name to show.
    pub display: String,
    /// The user name of a user who lives; the name of what was deleted.
    pub name: String,
    /// When it was made and deleted; `None` of the living.
    pub life: Option<(Timestamp, Timestamp)>,
    /// A provider deleted it, and no administrator.
    pub by_provider: bool,
}

impl ReadTx<'_> {
    /// Whether a resource with that id lives here or did once.
    pub fn was_here(&self, team: TeamId, id: &str) -> Result<bool> {
        let sql = "select exists (select 1 from resource where team = ?1 and id = ?2)
                   or exists (select 1 from tombstone where team = ?1 and id = ?2)";
        Ok(self.number(sql, params![team, id])? != 0)
    }

    /// Those of the ids that live here or did once, in one look.
    pub fn whereabouts(&self, team: TeamId, ids: &[&str]) -> Result<Vec<Whereabouts>> {
        let sql =
            "select wanted.value, coalesce(living.kind, dead.kind), coalesce(living.display, dead.display),
                       coalesce(iif(living.n is null, dead.name, json_extract(living.doc, '$.userName')), ''),
                       dead.created, dead.deleted, dead.token is not null
                   from json_each(?1) wanted
                   left join resource living on living.team = ?2 and living.id = wanted.value
                   left join tombstone dead on living.n is null and dead.n =
                       (select max(n) from tombstone last where last.team = ?2 and last.id = wanted.value)
                   where coalesce(living.n, dead.n) is not null";
        let ids = serde_json::to_string(ids).expect("texts are JSON");
        self.all(sql, params![ids, team], |row| {
            let life: (Option<Timestamp>, Option<Timestamp>) = (row.get(4)?, row.get(5)?);
            Ok(Whereabouts {
                id: row.get(0)?,
                kind: row.get(1)?,
                display: row.get(2)?,
                name: row.get(3)?,
                life: life.0.zip(life.1),
                by_provider: row.get(6)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::store::testing::{group, store, team, user};

    #[test]
    fn the_living_and_the_dead_are_told_apart_and_strangers_left_out() {
        let (store, clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let (ada, dev, theirs) =
            (user(&store, acme, "ada"), group(&store, acme, "Dev"), user(&store, other, "bob"));
        let gone = ada.clone();
        let born = clock.now();
        clock.advance(std::time::Duration::from_secs(9));
        store
            .write_blocking(move |tx| tx.delete_resource(acme, &gone, crate::store::By::default()).map(drop))
            .unwrap();
        let ids = [ada.id.as_str(), &dev.id, &theirs.id, "nobody"];
        let mut found = store.read_now(|tx| tx.whereabouts(acme, &ids)).unwrap();
        found.sort_by_key(|one| one.life.is_none());
        let told: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.name.as_str(), one.life)).collect();
        assert_eq!(told, [(ada.id.as_str(), "ada", Some((born, clock.now()))), (dev.id.as_str(), "", None)]);
    }
}

//! Teams: the directories that share one file and nothing else.

use std::collections::BTreeMap;

use rusqlite::{Row, params};

use super::counts::Totals;
use super::events::json;
use super::{ReadTx, Result, StoreError, WriteTx};
use crate::base::{TeamId, Timestamp};
use crate::scim::fold::fold;

/// A directory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The internal number.
    pub id: TeamId,
    /// The name in addresses, made from the first name and never given to another team.
    pub slug: String,
    /// The name that people see.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was removed; its tokens stopped then.
    pub removed: Option<Timestamp>,
    /// The provider that was chosen for its pages; else the one that used a token of it last, as far as it shows.
    pub provider: Option<String>,
}

/// What a team has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamState {
    pub totals: Totals,
    /// How many bytes its requests and their bodies take.
    pub request_bytes: u64,
    /// Schemas of its own.
    pub schemas: u64,
    pub tokens: u64,
    /// Tokens that are neither revoked nor expired.
    pub working: u64,
    /// Whether a token was ever used.
    pub used: bool,
    /// The providers that the working tokens seem to be used by.
    pub providers: Vec<String>,
}

/// The columns that `read` expects.
macro_rules! team_columns {
    () => {
        "team.n, team.slug, team.name, team.created, team.removed, coalesce(
             (select value from setting where setting.name = 'provider.' || team.n),
             (select provider from token where token.team = team.n and provider is not null
              order by used desc limit 1))"
    };
}

macro_rules! select_team {
    ($rest:literal) => {
        concat!("select ", $crate::store::teams::team_columns!(), " from team ", $rest)
    };
}
pub(super) use {select_team, team_columns};

/// A team that was not removed and is no throw-away.
macro_rules! listed_team {
    () => {
        "team.removed is null and team.slug not like '~%'"
    };
}
pub(super) use listed_team;

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Team> {
    read_from(row, 0)
}

/// Reads a team from the columns that begin at one.
pub(super) fn read_from(row: &Row<'_>, at: usize) -> rusqlite::Result<Team> {
    Ok(Team {
        id: row.get(at)?,
        slug: row.get(at + 1)?,
        name: row.get(at + 2)?,
        created: row.get(at + 3)?,
        removed: row.get(at + 4)?,
        provider: row.get(at + 5)?,
    })
}

impl ReadTx<'_> {
    /// The teams that were not removed, in the order they were made; throw-away teams are not among them.
    pub fn teams(&self) -> Result<Vec<Team>> {
        let sql = concat!("select ", team_columns!(), " from team where ", listed_team!(), " order by n");
        self.all(sql, [], read)
    }

    /// How the teams that were not removed stand, in one look, in the order they were made.
    pub fn team_states(&self) -> Result<BTreeMap<TeamId, TeamState>> {
        let sql = concat!(
            "with working as (select * from token where revoked is null and (expires is null or expires > ?))
             select team.n, users, active, groups, activity_bytes,
                 (select count(*) from team_schema where team_schema.team = team.n),
                 (select count(*) from token where token.team = team.n),
                 (select count(*) from working where working.team = team.n),
                 exists (select 1 from token where token.team = team.n and used is not null),
                 (select json_group_array(provider) from (select distinct provider from working
                  where working.team = team.n and provider is not null order by provider))
             from team join total on total.team = team.n where ",
            listed_team!(),
        );
        let found = self.all(sql, [self.now()], |row| {
            Ok((
                row.get(0)?,
                TeamState {
                    totals: Totals { users: row.get(1)?, active: row.get(2)?, groups: row.get(3)? },
                    request_bytes: row.get(4)?,
                    schemas: row.get(5)?,
                    tokens: row.get(6)?,
                    working: row.get(7)?,
                    used: row.get(8)?,
                    providers: json(row, 9)?,
                },
            ))
        })?;
        Ok(found.into_iter().collect())
    }

    /// The teams that were removed and are not erased, the last one first.
    pub fn removed_teams(&self) -> Result<Vec<Team>> {
        let sql = select_team!("where removed is not null and erased is null order by removed desc, n desc");
        self.all(sql, [], read)
    }

    /// A team by its number, removed ones too.
    pub fn team(&self, team: TeamId) -> Result<Option<Team>> {
        self.one(select_team!("where n = ?"), [team], read)
    }

    /// A living team by its slug.
    pub fn team_by_slug(&self, slug: &str) -> Result<Option<Team>> {
        let sql = select_team!("where slug = ? and removed is null");
        self.one(sql, [slug], read)
    }

    /// A living team by its name, in any case.
    pub fn team_by_name(&self, name: &str) -> Result<Option<Team>> {
        let sql = select_team!("where folded = ? and removed is null");
        self.one(sql, [fold(name)], read)
    }

    fn free_slug(&self, name: &str) -> Result<String> {
        let base = slug(name);
        let mut candidate = base.clone();
        let mut number = 1;
        while self.one("select 1 from team where slug = ?", [&candidate], |_| Ok(()))?.is_some() {
            number += 1;
            candidate = format!("{base}-{number}");
        }
        Ok(candidate)
    }
}

impl WriteTx<'_> {
    /// Makes a team. `Taken { attribute: "name" }` when a living team has the name in any case.
    pub fn insert_team(&mut self, name: &str) -> Result<Team> {
        self.name_is_free(name, None)?;
        let (slug, now) = (self.free_slug(name)?, self.now());
        let sql = "insert into team (slug, name, folded, created) values (?, ?, ?, ?)";
        let n = self.insert(sql, params![slug, name, fold(name), now])?;
        self.run("insert into total (team) values (?)", [n])?;
        self.raise_generation()?;
        Ok(Team { id: TeamId(n), slug, name: name.to_owned(), created: now, removed: None, provider: None })
    }

    /// Renames a living team, keeping its slug; false when there is none. `Taken` as above.
    pub fn rename_team(&mut self, team: TeamId, name: &str) -> Result<bool> {
        self.name_is_free(name, Some(team))?;
        let sql = "update team set name = ?, folded = ? where n = ? and removed is null";
        let renamed = self.run(sql, params![name, fold(name), team])? > 0;
        self.raise_generation()?;
        Ok(renamed)
    }

    /// Brings a removed team back; false when it is not removed, or erasing it has begun.
    pub fn restore_team(&mut self, team: TeamId) -> Result<bool> {
        let sql = "update team set removed = null where n = ? and removed is not null and erased is null";
        let restored = self.run(sql, [team])? > 0;
        self.raise_generation()?;
        Ok(restored)
    }

    /// Marks a team as removed; false when it was already. Its tokens are no longer found by hash.
    pub fn remove_team(&mut self, team: TeamId) -> Result<bool> {
        let now = self.now();
        let sql = "update team set removed = ? where n = ? and removed is null";
        let removed = self.run(sql, params![now, team])? > 0;
        self.raise_generation()?;
        Ok(removed)
    }

    fn name_is_free(&self, name: &str, except: Option<TeamId>) -> Result<()> {
        match self.team_by_name(name)? {
            Some(other) if Some(other.id) != except => {
                Err(StoreError::Taken { attribute: "name".into(), value: name.into(), by: other.slug })
            }
            _ => Ok(()),
        }
    }
}

/// Small letters, digits and single hyphens, made from a name.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(40);
    match slug.trim_end_matches('-') {
        "" => "team".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewToken;
    use crate::store::testing::{store, team, user};

    #[test]
    fn a_slug_is_made_once_and_never_given_again() {
        let (store, _clock) = store();
        store
            .write_blocking(|tx| {
                let team = tx.insert_team("Acme & Söhne GmbH")?;
                assert_eq!(team.slug, "acme-s-hne-gmbh");
                assert!(tx.rename_team(team.id, "Other")?);
                assert_eq!(tx.team_by_slug("acme-s-hne-gmbh")?.map(|team| team.name), Some("Other".into()));
                assert!(tx.remove_team(team.id)?);
                assert!(!tx.remove_team(team.id)?);
                assert_eq!(tx.insert_team("Acme & Söhne GmbH")?.slug, "acme-s-hne-gmbh-2");
                assert_eq!(tx.insert_team("日本")?.slug, "team");
                Ok::<(), StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn two_living_teams_never_share_a_name() {
        let (store, _clock) = store();
        let answer = store.write_blocking(|tx| {
            tx.insert_team("Acme")?;
            tx.insert_team("ACME")
        });
        assert!(matches!(answer, Err(StoreError::Taken { by, .. }) if by == "acme"));
        assert_eq!(store.read_now(|tx| tx.teams()).unwrap().len(), 0, "the failed job left nothing");
    }

    #[test]
    fn what_each_team_has_is_told_in_one_look() {
        let (store, clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        user(&store, acme, "ada");
        let (now, week) = (clock.now(), std::time::Duration::from_secs(604_800));
        let job = move |tx: &mut WriteTx| {
            for (n, expires) in [None, Some(now.plus(week)), Some(now)].into_iter().enumerate() {
                let token = NewToken {
                    name: format!("token {n}"),
                    source: "JumpCloud".into(),
                    hash: [n as u8; 32],
                    last4: "0000".into(),
                    region: None,
                    strict: false,
                    read_only: false,
                    created_by: "root".into(),
                    expires,
                    user: None,
                };
                tx.insert_token(acme, &token)?;
            }
            tx.remove_team(other)
        };
        store.write_blocking(job).unwrap();
        let states = || store.read_now(|tx| tx.team_states()).unwrap();
        let totals = Totals { users: 1, active: 1, groups: 0 };
        let state = TeamState { totals, tokens: 3, working: 2, ..TeamState::default() };
        assert_eq!(states().into_iter().collect::<Vec<_>>(), [(acme, state)]);
        clock.advance(week);
        assert_eq!(states()[&acme].working, 1);
    }

    #[test]
    fn every_change_raises_the_generation() {
        let (store, _clock) = store();
        let before = store.read_now(|tx| tx.generation()).unwrap();
        store.write_blocking(|tx| tx.insert_team("Acme")).unwrap();
        assert_eq!(store.read_now(|tx| tx.generation()).unwrap(), before + 1);
    }
}

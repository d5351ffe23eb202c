//! What each team has chosen: how long things are kept, whose names may repeat, when to warn. What a choice means for
//! requests and chores is `service`'s business.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};
use crate::base::TeamId;

/// The choices of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamSettings {
    /// Days for which requests are kept.
    pub keep_requests: u32,
    /// How many bytes the requests and their bodies may take.
    pub request_bytes: u64,
    /// Days for which history is kept: events, memberships that ended, and what is remembered of the deleted. `None`: for ever.
    pub keep_history: Option<u32>,
    /// Days after its last change for which an inactive user is kept. `None`: until somebody deletes it.
    pub keep_inactive: Option<u32>,
    /// A second group of the same name is taken from a compat token too.
    pub same_group_names: bool,
    /// Who comes back with a known `externalId` gets the id of before (compat tokens only).
    pub restore_returning: bool,
    /// More people than this deactivated within an hour is told. `None`: never.
    pub warn_people: Option<u32>,
    /// The same, as a share of those who were active.
    pub warn_percent: Option<u32>,
}

impl Default for TeamSettings {
    fn default() -> TeamSettings {
        TeamSettings {
            keep_requests: 400,
            request_bytes: 1 << 30,
            keep_history: None,
            keep_inactive: None,
            same_group_names: false,
            restore_returning: true,
            warn_people: Some(10),
            warn_percent: Some(10),
        }
    }
}

impl ReadTx<'_> {
    /// What the team has chosen; the defaults where it never did.
    pub fn team_settings(&self, team: TeamId) -> Result<TeamSettings> {
        let sql = "select keep_requests, request_bytes, keep_history, keep_inactive, same_group_names,
                   restore_returning, warn_people, warn_percent from team_setting where team = ?";
        let found = self.one(sql, [team], |row| {
            Ok(TeamSettings {
                keep_requests: row.get(0)?,
                request_bytes: row.get(1)?,
                keep_history: row.get(2)?,
                keep_inactive: row.get(3)?,
                same_group_names: row.get(4)?,
                restore_returning: row.get(5)?,
                warn_people: row.get(6)?,
                warn_percent: row.get(7)?,
            })
        })?;
        Ok(found.unwrap_or_default())
    }
}

impl WriteTx<'_> {
    /// Keeps what the team has chosen.
    pub fn set_team_settings(&mut self, team: TeamId, chosen: &TeamSettings) -> Result<()> {
        self.run(
            "insert or replace into team_setting (team, keep_requests, request_bytes, keep_history, keep_inactive,
             same_group_names, restore_returning, warn_people, warn_percent) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                team,
                chosen.keep_requests,
                chosen.request_bytes as i64,
                chosen.keep_history,
                chosen.keep_inactive,
                chosen.same_group_names,
                chosen.restore_returning,
                chosen.warn_people,
                chosen.warn_percent,
            ],
        )?;
        self.raise_generation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{store, team};

    #[test]
    fn a_team_has_the_defaults_until_it_chooses_and_its_choice_is_its_own() {
        let (store, _clock) = store();
        let (acme, other) = (team(&store, "Acme"), team(&store, "Other"));
        let read = |team| store.read_now(|tx| tx.team_settings(team)).unwrap();
        assert_eq!(read(acme), TeamSettings::default());
        let chosen = TeamSettings {
            keep_requests: 30,
            request_bytes: 5 << 20,
            keep_history: Some(90),
            keep_inactive: Some(60),
            same_group_names: true,
            restore_returning: false,
            warn_people: None,
            warn_percent: Some(3),
        };
        let wanted = chosen.clone();
        let before = store.read_now(|tx| tx.generation()).unwrap();
        store.write_blocking(move |tx| tx.set_team_settings(acme, &chosen)).unwrap();
        assert_eq!((read(acme), read(other)), (wanted, TeamSettings::default()));
        assert_eq!(store.read_now(|tx| tx.generation()).unwrap(), before + 1);
        store.write_blocking(move |tx| tx.set_team_settings(acme, &TeamSettings::default())).unwrap();
        assert_eq!(read(acme), TeamSettings::default());
    }
}

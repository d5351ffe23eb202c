//! Teams: every stored thing belongs to one. What administrators and the command line do with them.

use serde_json::json;

use super::{Actor, Error, Service};
use crate::base::TeamId;
use crate::store::{Team, WriteTx};

const LONGEST_NAME: usize = 100;
/// The team that is there from the first start.
const FIRST_TEAM: &str = "Default";

impl Service {
    /// The teams that are not removed.
    pub fn teams(&self) -> Result<Vec<Team>, Error> {
        self.store()
            .read_now(|tx| Ok(tx.teams()?.into_iter().filter(|team| team.removed.is_none()).collect()))
    }

    /// Makes the first team where there is none yet: every stored thing belongs to one.
    pub async fn ensure_team(&self) -> Result<(), Error> {
        if !self.store().read_now(|tx| -> Result<_, Error> { Ok(tx.teams()?) })?.is_empty() {
            return Ok(());
        }
        self.store()
            .write(|tx| {
                // Another process may have been faster; removed teams do not count, and the last one cannot be removed.
                if tx.teams()?.is_empty() {
                    tx.insert_team(FIRST_TEAM)?;
                }
                Ok(())
            })
            .await
    }

    /// The team of that name or short name; without a name the only team there is.
    pub fn team_named(&self, name: Option<&str>) -> Result<Team, Error> {
        let mut teams = self.teams()?;
        let list = teams.iter().map(|team| format!("\"{}\"", team.name)).collect::<Vec<_>>().join(", ");
        match name {
            Some(name) => teams
                .into_iter()
                .find(|team| team.name == name || team.slug == name)
                .ok_or_else(|| Error::NotFound(format!("there is no team \"{name}\"; there are: {list}"))),
            None if teams.len() == 1 => Ok(teams.remove(0)),
            None => Err(Error::Refused(format!("which team? Say --team NAME; there are: {list}"))),
        }
    }

    /// The team of that short name, as it stands in the page's address.
    pub fn team_by_slug(&self, slug: &str) -> Result<Option<Team>, Error> {
        self.store().read_now(|tx| Ok(tx.team_by_slug(slug)?.filter(|team| team.removed.is_none())))
    }

    /// Makes a team.
    pub async fn create_team(&self, actor: &Actor, name: &str) -> Result<Team, Error> {
        let (name, who) = (team_name(name)?, actor.name());
        self.store()
            .write(move |tx| {
                name_is_free(tx, &name, None)?;
                let team = tx.insert_team(&name)?;
                tx.append_audit(Some(team.id), &who, "team.created", &name, &json!({}))?;
                Ok(team)
            })
            .await
    }

    /// Gives a team another name; its short name stays.
    pub async fn rename_team(&self, actor: &Actor, team: TeamId, name: &str) -> Result<Team, Error> {
        let (name, who) = (team_name(name)?, actor.name());
        self.store()
            .write(move |tx| {
                let before = tx.team(team)?.ok_or_else(|| Error::NotFound("that team is gone".into()))?;
                name_is_free(tx, &name, Some(team))?;
                tx.rename_team(team, &name)?;
                tx.append_audit(Some(team), &who, "team.renamed", &name, &json!({ "old": before.name }))?;
                Ok(Team { name: name.clone(), ..before })
            })
            .await
    }

    /// Removes a team: its tokens stop at once, its data goes later. The last team stays.
    pub async fn remove_team(&self, actor: &Actor, team: TeamId) -> Result<(), Error> {
        let who = actor.name();
        self.store()
            .write(move |tx| {
                let living =
                    tx.teams()?.into_iter().filter(|team| team.removed.is_none()).collect::<Vec<_>>();
                let Some(found) = living.iter().find(|found| found.id == team) else {
                    return Err(Error::NotFound("that team is gone already".into()));
                };
                if living.len() == 1 {
                    return Err(Error::Refused(
                        "the last team cannot be removed; create another first".into(),
                    ));
                }
                tx.remove_team(team)?;
                tx.append_audit(Some(team), &who, "team.removed", &found.name, &json!({}))?;
                Ok(())
            })
            .await
    }

    /// The teams that were removed and can be brought back.
    pub fn removed_teams(&self) -> Result<Vec<Team>, Error> {
        self.store().read_now(|tx| Ok(tx.removed_teams()?))
    }

    /// Brings a removed team back, with its tokens as they were.
    pub async fn restore_team(&self, actor: &Actor, team: TeamId) -> Result<Team, Error> {
        let who = actor.name();
        self.store()
            .write(move |tx| {
                let found = tx.team(team)?.filter(|team| team.removed.is_some());
                let found = found.ok_or_else(|| Error::NotFound("there is no such removed team".into()))?;
                name_is_free(tx, &found.name, Some(team))?;
                tx.restore_team(team)?;
                tx.append_audit(Some(team), &who, "team.restored", &found.name, &json!({}))?;
                Ok(Team { removed: None, ..found })
            })
            .await
    }
}

fn team_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::Refused(format!(
            "a team's name has 1 to {LONGEST_NAME} characters and no control characters"
        )));
    }
    Ok(name.to_owned())
}

fn name_is_free(tx: &WriteTx<'_>, name: &str, except: Option<TeamId>) -> Result<(), Error> {
    match tx.team_by_name(name)? {
        Some(other) if other.removed.is_none() && Some(other.id) != except => {
            Err(Error::Refused(format!("there is a team \"{name}\" already")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_removed_team_comes_back_unless_its_name_was_given_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("scimd.db");
        let store = crate::store::Store::open(&file, Default::default()).expect("a store");
        let service = Service::new(store, Default::default());
        let actor = Actor::CommandLine { user: "root".into() };
        service.ensure_team().await.expect("a team");
        let labs = service.create_team(&actor, "Labs").await.expect("made");
        service.remove_team(&actor, labs.id).await.expect("removed");
        assert!(service.remove_team(&actor, labs.id).await.is_err());
        let last = service.teams().expect("teams").remove(0);
        assert!(
            matches!(service.remove_team(&actor, last.id).await, Err(Error::Refused(_))),
            "the last stays"
        );
        assert_eq!(service.removed_teams().expect("teams").len(), 1);
        assert_eq!(service.restore_team(&actor, labs.id).await.expect("back").slug, labs.slug);
        assert!(service.restore_team(&actor, labs.id).await.is_err(), "it is here");
        service.remove_team(&actor, labs.id).await.expect("removed");
        service.create_team(&actor, "Labs").await.expect("another of that name");
        assert!(matches!(service.restore_team(&actor, labs.id).await, Err(Error::Refused(_))));
    }
}

//! Teams: every stored thing belongs to one. What administrators and the command line do with them.

use std::time::Duration;

use serde_json::json;

use super::{Actor, Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::store::{Hand, Team, WriteTx};

const LONGEST_NAME: usize = 100;
/// The team that is there from the first start.
const FIRST_TEAM: &str = "Default";
/// Days for which a removed team can come back.
pub const BACK_DAYS: u64 = 30;

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
        let (name, who) = (team_name(name)?, actor.hand());
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
        let (name, who) = (team_name(name)?, actor.hand());
        self.store().write(move |tx| rename(tx, team, &name, &who)).await
    }

    /// Removes a team: its tokens stop at once, its data is erased after 30 days. The last team stays.
    pub async fn remove_team(&self, actor: &Actor, team: TeamId) -> Result<(), Error> {
        let who = actor.hand();
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
        let now = self.clock().now();
        let mut teams = self.store().read_now(|tx| -> Result<_, Error> { Ok(tx.removed_teams()?) })?;
        teams.retain(|team| team.removed.is_some_and(|removed| now < back_until(removed)));
        Ok(teams)
    }

    /// The removed team of that name or short name.
    pub fn removed_team_named(&self, name: &str) -> Result<Team, Error> {
        let teams = self.removed_teams()?;
        if let Some(team) = teams.iter().find(|team| team.slug == name) {
            return Ok(team.clone());
        }
        let found: Vec<&Team> = teams.iter().filter(|team| team.name == name).collect();
        match found.as_slice() {
            [team] => Ok((*team).clone()),
            [] => Err(Error::NotFound(format!(
                "there is no removed team \"{name}\" that can come back; a removed team can for {BACK_DAYS} days"
            ))),
            several => {
                let slugs: Vec<&str> = several.iter().map(|team| team.slug.as_str()).collect();
                Err(Error::Refused(format!(
                    "several removed teams are named \"{name}\"; say which by its short name: {}",
                    slugs.join(", ")
                )))
            }
        }
    }

    /// Brings a removed team back, with its tokens as they were.
    pub async fn restore_team(&self, actor: &Actor, team: TeamId) -> Result<Team, Error> {
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                let found = tx.team(team)?;
                let Some((found, removed)) = found.and_then(|team| team.removed.map(|at| (team, at))) else {
                    return Err(Error::NotFound("there is no such removed team".into()));
                };
                if tx.now() >= back_until(removed) || tx.is_erased(team)? {
                    return Err(Error::Refused(format!(
                        "\"{}\" was removed more than {BACK_DAYS} days ago, and its data is erased; it cannot come back",
                        found.name
                    )));
                }
                name_is_free(tx, &found.name, Some(team))?;
                tx.restore_team(team)?;
                tx.append_audit(Some(team), &who, "team.restored", &found.name, &json!({}))?;
                Ok(Team { removed: None, ..found })
            })
            .await
    }
}

/// Until when a team that was removed then can come back; from then on its data is erased.
pub fn back_until(removed: Timestamp) -> Timestamp {
    removed.plus(Duration::from_secs(BACK_DAYS * 24 * 60 * 60))
}

/// Gives a living team another name; nothing happens when it has it.
pub(super) fn rename(tx: &mut WriteTx<'_>, team: TeamId, name: &str, who: &Hand) -> Result<Team, Error> {
    let before = tx.team(team)?.filter(|team| team.removed.is_none());
    let before = before.ok_or_else(|| Error::NotFound("that team is gone".into()))?;
    if before.name == name {
        return Ok(before);
    }
    name_is_free(tx, name, Some(team))?;
    tx.rename_team(team, name)?;
    tx.append_audit(Some(team), who, "team.renamed", name, &json!({ "old": before.name }))?;
    Ok(Team { name: name.to_owned(), ..before })
}

/// A team's name as it is kept, or what is wrong with it.
pub fn team_name(name: &str) -> Result<String, Error> {
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
    use crate::service::testing::desk;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[tokio::test]
    async fn a_removed_team_comes_back_unless_its_name_was_given_away() {
        let desk = desk().await;
        let (service, actor) = (&desk.service, Actor::CommandLine { user: "root".into() });
        let labs = service.create_team(&actor, "Labs").await.expect("made");
        service.remove_team(&actor, labs.id).await.expect("removed");
        assert!(service.remove_team(&actor, labs.id).await.is_err());
        assert!(
            matches!(service.remove_team(&actor, desk.team).await, Err(Error::Refused(_))),
            "the last stays"
        );
        assert_eq!(service.removed_team_named("Labs").expect("removed").id, labs.id);
        assert!(service.removed_team_named("Nobody").is_err());
        assert_eq!(service.restore_team(&actor, labs.id).await.expect("back").slug, labs.slug);
        assert!(service.restore_team(&actor, labs.id).await.is_err(), "it is here");
        service.remove_team(&actor, labs.id).await.expect("removed");
        let twin = service.create_team(&actor, "Labs").await.expect("another of that name");
        assert!(matches!(service.restore_team(&actor, labs.id).await, Err(Error::Refused(_))));
        service.remove_team(&actor, twin.id).await.expect("removed");
        let which = service.removed_team_named("Labs");
        assert!(matches!(&which, Err(Error::Refused(why)) if why.contains("labs-2, labs")), "{which:?}");
        assert_eq!(service.removed_team_named("labs-2").expect("by its short name").id, twin.id);
    }

    #[tokio::test]
    async fn a_team_can_come_back_for_thirty_days_and_not_a_moment_longer() {
        let desk = desk().await;
        let (service, actor) = (&desk.service, Actor::CommandLine { user: "root".into() });
        let labs = service.create_team(&actor, "Labs").await.expect("made");
        service.remove_team(&actor, labs.id).await.expect("removed");
        desk.clock.advance(DAY * 30 - Duration::from_millis(1));
        service.restore_team(&actor, labs.id).await.expect("in time");
        service.remove_team(&actor, labs.id).await.expect("removed");
        desk.clock.advance(DAY * 30);
        assert_eq!(service.removed_teams().expect("teams"), []);
        assert!(service.removed_team_named("Labs").is_err());
        let late = service.restore_team(&actor, labs.id).await;
        assert!(matches!(&late, Err(Error::Refused(why)) if why.contains("cannot come back")), "{late:?}");
    }
}

//! Connecting a provider: what has reached the server meanwhile, and which provider a team has chosen for its pages. The
//! choice decides words alone, never how a request is understood.

use serde_json::json;

use super::outside::FromOutside;
use super::{Actor, Error, Service, milestones};
use crate::base::TeamId;
use crate::scim::fold;
use crate::store::{ActivityQuery, ActivityRow, Milestone, Token, Totals};

/// More requests than this are not looked at.
const MOST_ROWS: u32 = 500;

/// What the connect page shows.
#[derive(Debug, Default)]
pub struct Connecting {
    pub tokens: Vec<Token>,
    /// Requests of the team and of no team, latest first.
    pub rows: Vec<ActivityRow>,
    /// What is kept for good of what came first, oldest first.
    pub kept: Vec<Milestone>,
    /// The last request from outside, whichever page or team it was for.
    pub outside: Option<FromOutside>,
    pub totals: Totals,
    /// Whether the proposed test address is somebody's already.
    pub email_taken: bool,
    /// The last use of a token of another team, and that team's name.
    pub elsewhere: Option<(Token, String)>,
}

impl Service {
    /// What has reached the server while a provider is being connected.
    pub async fn connecting(&self, team: TeamId, test_email: &str) -> Result<Connecting, Error> {
        let email = fold::fold(test_email);
        let outside = self.from_outside()?;
        self.store()
            .read(move |tx| {
                let query = ActivityQuery { limit: MOST_ROWS, ..ActivityQuery::default() };
                let (totals, email_taken) = tx.totals_and_user(team, &email)?;
                Ok(Connecting {
                    tokens: tx.tokens(team)?,
                    rows: tx.activity_of_all(team, &query)?,
                    kept: milestones::kept(tx, team, &email)?,
                    outside: outside.clone(),
                    totals,
                    email_taken,
                    elsewhere: tx.used_elsewhere(team)?,
                })
            })
            .await
    }

    /// Remembers the provider that a team chose for its pages.
    pub async fn choose_provider(&self, actor: &Actor, team: TeamId, provider: &str) -> Result<(), Error> {
        let (who, provider) = (actor.hand(), provider.to_owned());
        self.store()
            .write(move |tx| {
                let before = tx.setting(&name(team))?;
                if before.as_deref() != Some(&provider) {
                    tx.set_setting(&name(team), &provider)?;
                    let detail = json!({ "old": before });
                    tx.append_audit(Some(team), &who, "provider.chosen", &provider, &detail)?;
                }
                Ok(())
            })
            .await
    }
}

fn name(team: TeamId) -> String {
    format!("provider.{}", team.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_team_keeps_its_choice_and_the_audit_has_it_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("scimd.db");
        let store = crate::store::Store::open(&file, Default::default()).expect("a store");
        let service = Service::new(store, Default::default());
        let actor = Actor::CommandLine { user: "root".into() };
        let (one, other) = (
            service.create_team(&actor, "One").await.expect("made").id,
            service.create_team(&actor, "Other").await.expect("made").id,
        );
        let chosen =
            |team| service.store().read_now(|tx| tx.team(team)).expect("read").and_then(|team| team.provider);
        assert_eq!(chosen(one), None);
        for _ in 0..2 {
            service.choose_provider(&actor, one, "okta").await.expect("chosen");
        }
        assert_eq!(chosen(one).as_deref(), Some("okta"));
        assert_eq!(chosen(other), None);
        let audit = service.store().read_now(|tx| tx.audit(Some(one), None, 10)).expect("rows");
        assert_eq!(audit.iter().filter(|row| row.what == "provider.chosen").count(), 1);
    }
}

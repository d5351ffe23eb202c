//! The ground of a self-test: a team and a token that live for one run and are gone afterwards with everything in them.
//! What is played on it, and how, others know.

use std::time::Duration;

use serde_json::json;

use super::{Actor, Error, Service};
use crate::base::{TeamId, Timestamp, secret};
use crate::store::{self, WriteTx};

/// A run takes less; what is older was left behind by a process that was killed.
pub(super) const LIFE: Duration = Duration::from_secs(60 * 60);

/// Where a self-test is played.
pub struct Ground {
    pub team: TeamId,
    /// The text of its token, kept nowhere else.
    pub token: String,
    /// The team whose page asked, and what is played.
    asked: Option<TeamId>,
    what: &'static str,
}

impl Service {
    /// Makes the ground for a self-test, asked for on the page of a team or at the command line.
    pub async fn begin_selftest(
        &self,
        actor: &Actor,
        asked: Option<TeamId>,
        what: &'static str,
    ) -> Result<Ground, Error> {
        let mark = self.ids().request().replacen("req_", "", 1).to_lowercase();
        let made = secret::Token::make(None);
        let (who, hash, last4) = (actor.hand(), made.hash, made.last4.clone());
        let team = self
            .store()
            .write(move |tx| -> Result<TeamId, Error> {
                erase_old(tx)?;
                let team = tx.insert_throwaway(&mark)?;
                let token = store::NewToken {
                    name: "Self-test".into(),
                    source: "Self-test".into(),
                    hash,
                    last4: last4.clone(),
                    region: None,
                    strict: false,
                    read_only: false,
                    created_by: who.name.clone(),
                    expires: Some(tx.now().plus(LIFE)),
                    user: None,
                };
                tx.insert_token(team, &token)?;
                tx.append_audit(asked, &who, "selftest.started", what, &json!({}))?;
                Ok(team)
            })
            .await?;
        Ok(Ground { team, token: made.text, asked, what })
    }

    /// Takes the ground of a self-test away, and records how it went.
    pub async fn end_selftest(
        &self,
        actor: &Actor,
        ground: &Ground,
        passed: usize,
        failed: usize,
    ) -> Result<(), Error> {
        let (who, team, asked, what) = (actor.hand(), ground.team, ground.asked, ground.what);
        self.store()
            .write(move |tx| {
                tx.erase_throwaway(team)?;
                let detail = json!({ "passed": passed, "failed": failed });
                tx.append_audit(asked, &who, "selftest.finished", what, &detail)?;
                Ok(())
            })
            .await
    }
}

/// Erases what a killed process left behind.
fn erase_old(tx: &mut WriteTx<'_>) -> Result<(), Error> {
    let before = Timestamp(tx.now().0 - LIFE.as_millis() as i64);
    for team in tx.throwaways(before)? {
        tx.erase_throwaway(team)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::service::Options;
    use crate::service::chores::Retention;
    use crate::store::Store;

    #[tokio::test]
    async fn the_ground_is_gone_afterwards_and_what_was_left_behind_goes_after_an_hour() {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Clock::manual(Timestamp(1_795_462_931_120));
        let options = store::Options { clock: clock.clone(), ..Default::default() };
        let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
        let service = Service::new(store, Options { clock: clock.clone(), ..Options::default() });
        service.ensure_team().await.expect("a team");
        let actor = Actor::CommandLine { user: "root".into() };
        let left = || {
            let all = service.store().read_now(|tx| tx.throwaways(Timestamp(i64::MAX)));
            all.expect("read").len()
        };
        let ground = service.begin_selftest(&actor, None, "Okta").await.expect("begun");
        assert_eq!((left(), service.teams().expect("teams").len()), (1, 1), "no list shows it");
        service.end_selftest(&actor, &ground, 3, 1).await.expect("ended");
        assert_eq!(left(), 0);
        let audit = service.store().read_now(|tx| tx.audit(None, None, 2)).expect("rows");
        let told: Vec<_> = audit.iter().map(|row| (row.what.as_str(), row.subject.as_str())).collect();
        assert_eq!(told, [("selftest.finished", "Okta"), ("selftest.started", "Okta")]);
        assert_eq!(audit[0].detail, json!({ "passed": 3, "failed": 1 }));

        service.begin_selftest(&actor, None, "Okta").await.expect("begun");
        service.begin_selftest(&actor, None, "Okta").await.expect("another beside it");
        assert_eq!(left(), 2, "what runs is left alone");
        clock.advance(LIFE + Duration::from_secs(1));
        service.begin_selftest(&actor, None, "Okta").await.expect("begun");
        assert_eq!(left(), 1);
        clock.advance(LIFE + Duration::from_secs(1));
        while service.forget_step(Retention::default()).await.expect("a step") {}
        assert_eq!(left(), 0, "the chores see to it too");
    }
}

//! What has to be done now and then: writing what was only counted, and forgetting what is old or too much. Each step is
//! small, so that no change waits long behind it. When they are done is `serve`'s business.

use std::time::Duration;

use super::sessions::{IDLE, LONGEST, REMEMBERED};
use super::{Error, Service};
use crate::base::Timestamp;
use crate::store::{StoreError, WriteTx};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MIB: u64 = 1024 * 1024;

/// How long and how much activity is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Requests of a team are kept as long as this.
    pub age: Duration,
    /// Bodies go, oldest first, while a team has more bytes than this.
    pub bytes: u64,
    /// Requests without a known token are kept as long as this …
    pub strangers_age: Duration,
    /// … and as many bytes as this: they could be anybody's, and go first.
    pub strangers_bytes: u64,
    /// Rows that one step forgets at most.
    pub step: u32,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            age: DAY * 400,
            bytes: 1024 * MIB,
            strangers_age: DAY * 30,
            strangers_bytes: 64 * MIB,
            step: 200,
        }
    }
}

impl Service {
    /// Writes what was only counted: strangers' requests, and those that came faster than they could be written.
    pub fn write_counts(&self) {
        self.record_strangers();
        self.record_missed();
    }

    /// One small step of forgetting; answers whether there is more to do.
    pub async fn forget_step(&self, retention: Retention) -> Result<bool, Error> {
        self.store().write(move |tx| Ok(step(tx, &retention)?)).await
    }
}

fn step(tx: &mut WriteTx<'_>, keep: &Retention) -> Result<bool, StoreError> {
    let now = tx.now();
    if tx.activity_bytes(None)? > keep.strangers_bytes
        && tx.prune_activity(None, Timestamp(i64::MAX), keep.step)? > 0
    {
        return Ok(true);
    }
    if tx.prune_activity(None, before(now, keep.strangers_age), keep.step)? > 0 {
        return Ok(true);
    }
    for team in tx.teams()? {
        let team = Some(team.id);
        if tx.prune_activity(team, before(now, keep.age), keep.step)? > 0
            || tx.prune_activity_bodies(team, keep.bytes, keep.step)? > 0
        {
            return Ok(true);
        }
    }
    tx.prune_sessions(before(now, IDLE + REMEMBERED), before(now, LONGEST + REMEMBERED))?;
    Ok(false)
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Clock, TeamId};
    use crate::service::Options;
    use crate::store::{self, Activity, Session, Store};

    struct Desk {
        _directory: tempfile::TempDir,
        clock: Clock,
        service: Service,
        team: TeamId,
    }

    async fn desk() -> Desk {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Clock::manual(Timestamp(1_795_462_931_120));
        let options = store::Options { clock: clock.clone(), ..Default::default() };
        let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
        let service = Service::new(store, Options { clock: clock.clone(), ..Options::default() });
        service.ensure_team().await.expect("a team");
        let team = service.team_named(None).expect("one").id;
        Desk { _directory: directory, clock, service, team }
    }

    impl Desk {
        async fn record(&self, team: Option<TeamId>, n: u32) {
            let at = self.clock.now();
            for number in 0..n {
                let body: Vec<u8> = (0..500u32)
                    .flat_map(|i| (i ^ number).wrapping_mul(2_654_435_761).to_le_bytes())
                    .collect();
                let row = Activity {
                    request: format!("req_{}_{number}", at.0),
                    at,
                    team,
                    folded: 1,
                    answer_body: Some(body),
                    ..Activity::default()
                };
                let written = self.service.store().write(move |tx| tx.insert_activity(&row)).await;
                written.expect("written");
            }
        }

        fn rows(&self, team: Option<TeamId>) -> usize {
            let query = store::ActivityQuery { limit: 10_000, ..Default::default() };
            self.service.store().read_now(|tx| tx.activity(team, &query)).expect("rows").len()
        }

        fn bytes(&self, team: Option<TeamId>) -> u64 {
            self.service.store().read_now(|tx| tx.activity_bytes(team)).expect("a number")
        }

        /// How many steps it took until nothing was left to do.
        async fn forget(&self, keep: Retention) -> usize {
            let mut steps = 1;
            while self.service.forget_step(keep).await.expect("a step") {
                steps += 1;
            }
            steps
        }
    }

    #[tokio::test]
    async fn old_requests_go_in_small_steps() {
        let desk = desk().await;
        let team = Some(desk.team);
        desk.record(team, 5).await;
        desk.record(None, 5).await;
        let keep = Retention { step: 2, ..Retention::default() };
        desk.clock.advance(DAY * 30 + Duration::from_secs(1));
        desk.record(team, 1).await;
        assert_eq!(desk.forget(keep).await, 4, "strangers' rows go after 30 days, two at a time");
        assert_eq!((desk.rows(team), desk.rows(None)), (6, 0));
        desk.clock.advance(DAY * 370);
        assert_eq!(desk.forget(keep).await, 4);
        assert_eq!(desk.rows(team), 1, "400 days and no longer");
    }

    #[tokio::test]
    async fn too_many_bytes_cost_a_team_its_oldest_bodies_and_strangers_their_rows() {
        let desk = desk().await;
        let team = Some(desk.team);
        desk.record(team, 10).await;
        desk.record(None, 10).await;
        let keep = Retention { bytes: 10_000, strangers_bytes: 10_000, step: 1, ..Retention::default() };
        assert!(desk.bytes(team) > keep.bytes && desk.bytes(None) > keep.strangers_bytes);
        desk.forget(keep).await;
        assert!(desk.bytes(team) <= keep.bytes && desk.bytes(None) <= keep.strangers_bytes);
        assert_eq!(desk.rows(team), 10, "a team keeps its rows");
        assert!((1..10).contains(&desk.rows(None)), "{}", desk.rows(None));
        assert_eq!(desk.forget(Retention::default()).await, 1, "nothing to do is one look");
    }

    #[tokio::test]
    async fn ended_sessions_go() {
        let desk = desk().await;
        let admin = crate::service::Actor::CommandLine { user: "root".into() };
        let made = desk.service.create_admin(&admin, "ada@example.com", "correct horse battery", false).await;
        let admin = made.expect("an administrator").n;
        let at = desk.clock.now();
        let session = Session {
            hash: [1; 32],
            admin,
            created: at,
            seen: at,
            address: String::new(),
            user_agent: String::new(),
            proved: at,
        };
        desk.service.store().write(move |tx| tx.insert_session(&session)).await.expect("written");
        let there = || desk.service.store().read_now(|tx| tx.sessions_of(admin)).expect("sessions").len();
        desk.forget(Retention::default()).await;
        assert_eq!(there(), 1);
        desk.clock.advance(IDLE + Duration::from_secs(1));
        desk.forget(Retention::default()).await;
        assert_eq!(there(), 1, "it is remembered for a day, to say why it ended");
        desk.clock.advance(REMEMBERED);
        desk.forget(Retention::default()).await;
        assert_eq!(there(), 0);
    }

    #[tokio::test]
    async fn counts_are_written_as_rows() {
        let desk = desk().await;
        let whose = crate::service::missed::Whose {
            team: desk.team,
            token: 1,
            what: crate::service::missed::What::LookUps,
        };
        desk.service.0.missed.add(whose, 4312);
        desk.service.write_counts();
        // A commit takes along what waits.
        desk.service.store().write(|tx| tx.set_setting("x", "y")).await.expect("written");
        let query = store::ActivityQuery { limit: 1, ..Default::default() };
        let rows = desk.service.store().read_now(|tx| tx.activity(Some(desk.team), &query)).expect("rows");
        assert_eq!(rows[0].activity.sentence, "and 4,312 more look-ups");
        assert_eq!((rows[0].activity.folded, rows[0].activity.token), (4312, Some(1)));
    }
}

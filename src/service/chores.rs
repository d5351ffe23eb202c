//! What has to be done now and then: writing what was only counted, and forgetting what is old or too much. Each step is
//! small, so that no change waits long behind it. When they are done is `serve`'s business.

use std::time::Duration;

use serde_json::json;

use super::deleting::{self, Why};
use super::sessions::{IDLE, LONGEST, REMEMBERED};
use super::teams::BACK_DAYS;
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::store::{Hand, StoreError, TeamSettings, WriteTx};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MIB: u64 = 1024 * 1024;
/// How groups came to their size is shown for twelve weeks.
const MEMBER_DAYS: u32 = 100;
/// Inactive users that one step deletes at most: each may leave many groups.
const DELETED: u32 = 20;

/// What is kept of requests that belong to no team, and how small a step is. What a team keeps is its own choice.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Requests without a known token are kept as long as this …
    pub strangers_age: Duration,
    /// … and as many bytes as this: they could be anybody's, and go first.
    pub strangers_bytes: u64,
    /// Rows that one step forgets at most.
    pub step: u32,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { strangers_age: DAY * 30, strangers_bytes: 64 * MIB, step: 200 }
    }
}

impl Service {
    /// Writes what was only counted: strangers' requests, and those that came faster than they could be written.
    pub fn write_counts(&self) {
        self.record_strangers();
        self.record_missed();
        self.write_outside();
    }

    /// One small step of forgetting; answers whether there is more to do.
    pub async fn forget_step(&self, retention: Retention) -> Result<bool, Error> {
        self.store().write(move |tx| step(tx, &retention)).await
    }
}

fn step(tx: &mut WriteTx<'_>, keep: &Retention) -> Result<bool, Error> {
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
        let chosen = tx.team_settings(team.id)?;
        if prune(tx, team.id, &chosen, keep.step)? > 0 || delete_inactive(tx, team.id, &chosen)? > 0 {
            return Ok(true);
        }
    }
    for team in tx.teams_to_erase(before_days(now, BACK_DAYS as u32))? {
        if tx.erase_team(team.id, keep.step)? > 0 {
            return Ok(true);
        }
        tx.append_audit(
            Some(team.id),
            &Hand::here(OURSELVES),
            "team.erased",
            &team.name,
            &json!({ "days": BACK_DAYS }),
        )?;
    }
    for left in tx.throwaways(before(now, super::selftest::LIFE))? {
        tx.erase_throwaway(left)?;
    }
    tx.prune_sessions(before(now, IDLE + REMEMBERED), before(now, LONGEST + REMEMBERED))?;
    Ok(false)
}

/// Who changes what only time has changed.
const OURSELVES: &str = "scimd";

/// Forgets what a team keeps no longer: requests by time, then by size (bodies before rows), then history.
fn prune(tx: &mut WriteTx<'_>, team: TeamId, chosen: &TeamSettings, limit: u32) -> Result<u64, StoreError> {
    let now = tx.now();
    let mut gone = tx.prune_activity(Some(team), before_days(now, chosen.keep_requests), limit)?;
    if gone == 0 {
        gone = tx.prune_activity_bodies(Some(team), chosen.request_bytes, limit)?;
    }
    if gone == 0 && tx.activity_bytes(Some(team))? > chosen.request_bytes {
        // Every body is gone, and the rows alone are too much.
        gone = tx.prune_activity(Some(team), Timestamp(i64::MAX), limit)?;
    }
    if gone == 0 {
        gone = tx.prune_member_days(team, before_days(now, MEMBER_DAYS), limit)?;
    }
    let Some(days) = chosen.keep_history.filter(|_| gone == 0) else { return Ok(gone) };
    gone = tx.prune_events(team, before_days(now, days), limit)?;
    if gone == 0 {
        gone = tx.prune_past(team, before_days(now, days), limit)?;
    }
    Ok(gone)
}

/// Deletes users who have been inactive for longer than the team keeps them; answers how many.
fn delete_inactive(tx: &mut WriteTx<'_>, team: TeamId, chosen: &TeamSettings) -> Result<usize, Error> {
    let Some(days) = chosen.keep_inactive else { return Ok(0) };
    let now = tx.now();
    let rows = tx.inactive_since(team, before_days(now, days), DELETED)?;
    for row in &rows {
        let why = Why {
            hand: &Hand::here(OURSELVES),
            theirs: false,
            request: tx.ids().request(),
            user_agent: String::new(),
            note: format!(
                "Inactive, and unchanged for {days} days: the team keeps inactive users no longer."
            ),
            detail: json!({ "keep-inactive": format!("{days}d") }),
        };
        deleting::delete(tx, team, row, why)?;
    }
    Ok(rows.len())
}

fn before_days(now: Timestamp, days: u32) -> Timestamp {
    before(now, DAY * days)
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{Kind, Mode};
    use crate::service::Actor;
    use crate::service::testing::{Desk, caller, desk};
    use crate::store::{self, Activity, Session};

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

        async fn choose(&self, team: TeamId, change: impl Fn(&mut TeamSettings) + Send + 'static) {
            let actor = Actor::CommandLine { user: "root".into() };
            self.service.change_team(&actor, team, None, Box::new(change)).await.expect("chosen");
        }

        async fn person(&self, name: &str, active: bool) -> String {
            let body = json!({ "schemas": [Kind::User.urn()], "userName": name, "active": active });
            self.create(&caller(self.team, Mode::Compat), Kind::User, body).await.expect("made").id
        }

        fn sound(&self) {
            assert_eq!(store::check(self.service.store().file()).expect("a report").findings, []);
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
    async fn old_requests_go_in_small_steps_each_team_s_by_its_own_choice() {
        let desk = desk().await;
        let actor = Actor::CommandLine { user: "root".into() };
        let brief = desk.service.create_team(&actor, "Brief").await.expect("made").id;
        desk.choose(brief, |chosen| chosen.keep_requests = 60).await;
        let team = Some(desk.team);
        desk.record(team, 5).await;
        desk.record(Some(brief), 3).await;
        desk.record(None, 5).await;
        let keep = Retention { step: 2, ..Retention::default() };
        desk.clock.advance(DAY * 30 + Duration::from_secs(1));
        desk.record(team, 1).await;
        assert_eq!(desk.forget(keep).await, 4, "strangers' rows go after 30 days, two at a time");
        assert_eq!((desk.rows(team), desk.rows(Some(brief)), desk.rows(None)), (6, 3, 0));
        desk.clock.advance(DAY * 30);
        assert_eq!(desk.forget(keep).await, 3);
        assert_eq!((desk.rows(team), desk.rows(Some(brief))), (6, 0), "60 days here, 400 there");
        desk.clock.advance(DAY * 340);
        assert_eq!(desk.forget(keep).await, 4);
        assert_eq!(desk.rows(team), 1, "400 days and no longer");
    }

    #[tokio::test]
    async fn too_many_bytes_cost_a_team_its_oldest_bodies_and_strangers_their_rows() {
        let desk = desk().await;
        let team = Some(desk.team);
        desk.record(team, 1000).await;
        desk.record(None, 10).await;
        desk.choose(desk.team, |chosen| chosen.request_bytes = MIB).await;
        let keep = Retention { strangers_bytes: 10_000, step: 1, ..Retention::default() };
        assert!(desk.bytes(team) > MIB && desk.bytes(None) > keep.strangers_bytes);
        assert!(desk.service.forget_step(keep).await.expect("a step"));
        assert_eq!((desk.rows(None), desk.rows(team)), (9, 1000), "strangers' go first");
        desk.forget(keep).await;
        assert!(desk.bytes(team) <= MIB && desk.bytes(None) <= keep.strangers_bytes);
        assert_eq!(desk.rows(team), 1000, "a team keeps its rows");
        assert!((1..10).contains(&desk.rows(None)), "{}", desk.rows(None));
        assert_eq!(desk.forget(Retention::default()).await, 1, "nothing to do is one look");
    }

    #[tokio::test]
    async fn rows_go_too_where_they_alone_are_too_much() {
        let desk = desk().await;
        let team = desk.team;
        desk.record(Some(team), 10).await;
        // Below what the page allows: a file with a million rows would take too long to write here.
        let tiny = TeamSettings { request_bytes: 1500, ..TeamSettings::default() };
        desk.service.store().write(move |tx| tx.set_team_settings(team, &tiny)).await.expect("set");
        desk.forget(Retention { step: 1, ..Retention::default() }).await;
        assert!(desk.bytes(Some(team)) <= 1500 && (1..10).contains(&desk.rows(Some(team))));
    }

    #[tokio::test]
    async fn history_goes_by_its_own_time_and_the_file_stays_sound() {
        let desk = desk().await;
        let compat = caller(desk.team, Mode::Compat);
        let id = desk.person("mei@example.com", true).await;
        desk.delete(&compat, Kind::User, &id).await.expect("deleted");
        desk.person("ada@example.com", true).await;
        desk.clock.advance(DAY * 100);
        desk.person("bob@example.com", true).await;
        let known = || desk.service.store().read_now(|tx| tx.was_here(desk.team, &id)).expect("read");
        let events =
            || desk.service.store().read_now(|tx| tx.events_after(desk.team, 0, 99)).expect("read").len();
        desk.forget(Retention::default()).await;
        assert_eq!((known(), events()), (true, 4), "for ever, unless a team chooses");
        desk.choose(desk.team, |chosen| chosen.keep_history = Some(99)).await;
        assert_eq!(desk.forget(Retention { step: 2, ..Retention::default() }).await, 4);
        assert_eq!((known(), events()), (false, 1), "only what is younger is left");
        desk.sound();
    }

    #[tokio::test]
    async fn inactive_users_are_deleted_only_when_the_team_says_so_and_it_is_told() {
        let desk = desk().await;
        let (gone, active) =
            (desk.person("gone@example.com", false).await, desk.person("here@example.com", true).await);
        desk.clock.advance(DAY * 89);
        let late = desk.person("late@example.com", false).await;
        desk.clock.advance(DAY + Duration::from_secs(1));
        desk.forget(Retention::default()).await;
        let lives = |id: &str| {
            desk.service.store().read_now(|tx| tx.resource_any(desk.team, id)).expect("read").is_some()
        };
        assert!(lives(&gone), "kept until deleted");
        desk.choose(desk.team, |chosen| chosen.keep_inactive = Some(90)).await;
        desk.forget(Retention::default()).await;
        assert_eq!((lives(&gone), lives(&late), lives(&active)), (false, true, true));
        let told = desk.service.history(desk.team, &gone).await.expect("its history");
        let last = &told.told.last().expect("a row").row.activity;
        assert_eq!(last.sentence, "gone@example.com was deleted");
        assert!(last.note.contains("90 days"), "{}", last.note);
        let audit = desk.service.store().read_now(|tx| tx.audit(Some(desk.team), None, 1)).expect("rows");
        assert_eq!((audit[0].who.as_str(), audit[0].what.as_str()), ("scimd", "user.deleted"));
        let events = desk.service.store().read_now(|tx| tx.events_after(desk.team, 0, 99)).expect("rows");
        assert_eq!(events.last().map(|event| event.name.as_str()), Some("user.deleted"));
        desk.sound();
    }

    #[tokio::test]
    async fn a_removed_team_is_erased_after_thirty_days_in_small_steps_and_for_good() {
        let desk = desk().await;
        let actor = Actor::CommandLine { user: "root".into() };
        let labs = desk.service.create_team(&actor, "Labs").await.expect("made");
        let theirs = caller(labs.id, Mode::Compat);
        let mut ids = Vec::new();
        for number in 0..10 {
            let body = json!({ "schemas": [Kind::User.urn()], "userName": format!("p{number}@example.com") });
            ids.push(desk.create(&theirs, Kind::User, body).await.expect("made").id);
        }
        let members: Vec<_> = ids.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [Kind::Group.urn()], "displayName": "All", "members": members });
        desk.create(&theirs, Kind::Group, body).await.expect("made");
        desk.person("ada@example.com", true).await;
        desk.service.remove_team(&actor, labs.id).await.expect("removed");
        let users = |team| desk.service.store().read_now(|tx| tx.totals(team)).expect("read").users;
        desk.clock.advance(DAY * 30 - Duration::from_millis(1));
        desk.forget(Retention::default()).await;
        assert_eq!(users(labs.id), 10, "one may still undo it");
        desk.clock.advance(Duration::from_millis(1));
        let steps = desk.forget(Retention { step: 5, ..Retention::default() }).await;
        assert!(steps > 6, "{steps}");
        assert_eq!((users(labs.id), users(desk.team)), (0, 1));
        assert!(desk.service.restore_team(&actor, labs.id).await.is_err());
        assert_eq!(desk.forget(Retention::default()).await, 1, "it is done once");
        let audit = desk.service.store().read_now(|tx| tx.audit(Some(labs.id), None, 9)).expect("rows");
        let told: Vec<_> = audit.iter().map(|row| row.what.as_str()).collect();
        assert_eq!(told, ["team.erased", "team.removed", "team.created"]);
        assert_eq!(
            desk.service.create_team(&actor, "Labs").await.expect("made").slug,
            "labs-2",
            "never given again"
        );
        desk.sound();
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
            before: None,
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
        let gathered = crate::service::missed::Gathered { count: 4312, lines: String::new() };
        desk.service.0.missed.put_back(whose, &gathered);
        desk.service.write_counts();
        // A commit takes along what waits.
        desk.service.store().write(|tx| tx.set_setting("x", "y")).await.expect("written");
        let query = store::ActivityQuery { limit: 1, ..Default::default() };
        let rows = desk.service.store().read_now(|tx| tx.activity(Some(desk.team), &query)).expect("rows");
        assert_eq!(rows[0].activity.sentence, "and 4,312 more look-ups");
        assert_eq!((rows[0].activity.folded, rows[0].activity.token), (4312, Some(1)));
    }
}

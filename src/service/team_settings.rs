//! What a team may choose: the bounds of each choice, its words, and changing it. Where a choice takes effect is said
//! there: names and returning people in `identity`, keeping in `chores`, the warning in `leaving`.

use serde_json::json;

use super::teams::{rename, team_name};
use super::{Actor, Error, Service};
use crate::base::TeamId;
use crate::store::{Hand, ReadTx, TeamSettings, WriteTx};

/// A century of days, safely within what instants can hold.
pub const MOST_DAYS: u32 = 36_500;
/// A mebibyte.
pub const MIB: u64 = 1 << 20;
/// The most that requests of one team may take, in mebibytes.
pub const MOST_MIB: u64 = 1 << 20;
/// The most people that a warning can wait for.
pub const MOST_PEOPLE: u32 = 1_000_000;

/// A change of some of a team's choices.
pub type Change = Box<dyn Fn(&mut TeamSettings) + Send>;

/// A choice that cannot be taken: which, by its name, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub name: &'static str,
    pub why: String,
}

/// The choices by their names on the command line and in the audit, each with its value in words.
pub fn lines(chosen: &TeamSettings) -> [(&'static str, String); 8] {
    let days = |days: Option<u32>| days.map_or("always".to_owned(), |days| format!("{days}d"));
    let or_off = |number: Option<u32>, unit| number.map_or("off".to_owned(), |n| format!("{n}{unit}"));
    [
        ("keep-requests", days(Some(chosen.keep_requests))),
        ("request-size", format!("{}M", chosen.request_bytes / MIB)),
        ("keep-history", days(chosen.keep_history)),
        ("keep-inactive", days(chosen.keep_inactive)),
        ("same-group-names", chosen.same_group_names.to_string()),
        ("restore-returning", chosen.restore_returning.to_string()),
        ("warn-people", or_off(chosen.warn_people, "")),
        ("warn-percent", or_off(chosen.warn_percent, "%")),
    ]
}

/// What cannot be taken of the choices, each with what to change.
pub fn unfit(chosen: &TeamSettings) -> Vec<Unfit> {
    let mut found = Vec::new();
    let mut within = |name, value: Option<u64>, most: u64, what: &str| {
        if value.is_some_and(|value| value == 0 || value > most) {
            found.push(Unfit { name, why: format!("{what} lies between 1 and {most}") });
        }
    };
    let of = |value: Option<u32>| value.map(u64::from);
    within("keep-requests", Some(chosen.keep_requests.into()), MOST_DAYS.into(), "the number of days");
    within("keep-history", of(chosen.keep_history), MOST_DAYS.into(), "the number of days");
    within("keep-inactive", of(chosen.keep_inactive), MOST_DAYS.into(), "the number of days");
    within("request-size", Some(chosen.request_bytes / MIB), MOST_MIB, "the size in MB");
    within("warn-people", of(chosen.warn_people), MOST_PEOPLE.into(), "the number of people");
    within("warn-percent", of(chosen.warn_percent), 100, "the percentage");
    found
}

impl Service {
    /// What the team has chosen.
    pub fn team_settings(&self, team: TeamId) -> Result<TeamSettings, Error> {
        self.store().read_now(|tx| Ok(tx.team_settings(team)?))
    }

    /// Changes a team's choices, and its name where one is given, all of it or nothing; answers what holds now.
    pub async fn change_team(
        &self,
        actor: &Actor,
        team: TeamId,
        name: Option<&str>,
        change: Change,
    ) -> Result<TeamSettings, Error> {
        let (name, who) = (name.map(team_name).transpose()?, actor.hand());
        self.store()
            .write(move |tx| {
                if let Some(name) = &name {
                    rename(tx, team, name, &who)?;
                }
                set(tx, team, &who, &change)
            })
            .await
    }
}

fn set(tx: &mut WriteTx<'_>, team: TeamId, who: &Hand, change: &Change) -> Result<TeamSettings, Error> {
    living(tx, team)?;
    let before = tx.team_settings(team)?;
    let mut after = before.clone();
    change(&mut after);
    if let Some(unfit) = unfit(&after).into_iter().next() {
        return Err(Error::Refused(format!("{}: {}", unfit.name, unfit.why)));
    }
    if after == before {
        return Ok(after);
    }
    tx.set_team_settings(team, &after)?;
    for ((name, old), (_, new)) in lines(&before).into_iter().zip(lines(&after)) {
        if old != new {
            tx.append_audit(Some(team), who, "team.setting", name, &json!({ "old": old, "new": new }))?;
        }
    }
    Ok(after)
}

fn living(tx: &ReadTx<'_>, team: TeamId) -> Result<(), Error> {
    match tx.team(team)?.filter(|team| team.removed.is_none()) {
        Some(_) => Ok(()),
        None => Err(Error::NotFound("that team is gone".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::desk;
    use crate::store::AuditRow;

    fn audited(rows: Vec<AuditRow>) -> Vec<(String, String, String, String)> {
        let told = rows.into_iter().filter(|row| row.what.starts_with("team."));
        told.map(|row| (row.who, row.what, row.subject, row.detail.to_string())).collect()
    }

    #[tokio::test]
    async fn each_change_is_audited_as_who_made_it_and_a_wrong_one_changes_nothing() {
        let desk = desk().await;
        let admin = Actor::Admin { n: 1, email: "ada@example.com".into(), address: "192.0.2.10".into() };
        let change: Change = Box::new(|chosen| {
            chosen.keep_requests = 30;
            chosen.warn_people = None;
        });
        let now = desk.service.change_team(&admin, desk.team, Some("Acme"), change).await.expect("changed");
        assert_eq!((now.keep_requests, now.warn_people), (30, None));
        assert_eq!(desk.service.team_settings(desk.team).expect("settings"), now);
        assert_eq!(desk.service.teams().expect("teams")[0].name, "Acme");
        let again = desk.service.change_team(&admin, desk.team, Some("Acme"), Box::new(|_| {})).await;
        again.expect("nothing to do is no error");
        let too_long: Change = Box::new(|chosen| chosen.keep_history = Some(40_000));
        let refused = desk.service.change_team(&admin, desk.team, Some("Other"), too_long).await;
        assert!(
            matches!(&refused, Err(Error::Refused(why)) if why == "keep-history: the number of days lies between 1 and 36500"),
            "{refused:?}"
        );
        assert_eq!(desk.service.teams().expect("teams")[0].name, "Acme", "no half change");
        let rows = desk.service.store().read_now(|tx| tx.audit(Some(desk.team), None, 100)).expect("rows");
        let mut told = audited(rows);
        told.sort();
        let line = |what: &str, subject: &str, detail: &str| {
            ("ada@example.com".to_owned(), what.to_owned(), subject.to_owned(), detail.to_owned())
        };
        assert_eq!(
            told,
            [
                line("team.renamed", "Acme", r#"{"old":"Default","address":"192.0.2.10"}"#),
                line("team.setting", "keep-requests", r#"{"old":"400d","new":"30d","address":"192.0.2.10"}"#),
                line("team.setting", "warn-people", r#"{"old":"10","new":"off","address":"192.0.2.10"}"#),
            ]
        );
    }

    #[test]
    fn each_choice_has_its_bounds() {
        assert_eq!(unfit(&TeamSettings::default()), []);
        let wrong = TeamSettings {
            keep_requests: 0,
            request_bytes: MIB - 1,
            keep_history: Some(0),
            keep_inactive: Some(MOST_DAYS + 1),
            warn_people: Some(0),
            warn_percent: Some(101),
            ..TeamSettings::default()
        };
        let names: Vec<_> = unfit(&wrong).into_iter().map(|unfit| unfit.name).collect();
        let expected =
            ["keep-requests", "keep-history", "keep-inactive", "request-size", "warn-people", "warn-percent"];
        assert_eq!(names, expected);
    }
}

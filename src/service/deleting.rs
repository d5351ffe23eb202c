//! Deleting a record without a provider's request: by an administrator on the page, or because a team keeps inactive users
//! no longer. The deletion itself is the one of a SCIM DELETE (`provision::delete_row`); here is who may have it, and how
//! it is told.

use serde_json::{Value, json};

use super::{Actor, Error, Service, provision, sentence};
use crate::base::TeamId;
use crate::scim::Kind;
use crate::store::{Activity, By, Hand, Row, Subject, Tally, WriteTx};

/// Why a record is deleted, and by whom.
pub(super) struct Why<'a> {
    pub hand: &'a Hand,
    /// Whether it is an administrator's doing, under whose name it is told; else it is our own.
    pub theirs: bool,
    /// The id under which the log has it.
    pub request: String,
    pub user_agent: String,
    /// What stands under the sentence.
    pub note: String,
    /// What the audit keeps beside the id: no name, since the audit is never erased.
    pub detail: Value,
}

impl Service {
    /// Deletes the record of an inactive user for an administrator; answers the name. `request` and `user_agent` are those
    /// of the browser that asked.
    pub async fn delete_inactive_user(
        &self,
        actor: &Actor,
        team: TeamId,
        id: &str,
        (request, user_agent): (&str, &str),
    ) -> Result<String, Error> {
        let (id, hand) = (id.to_owned(), actor.hand());
        let (request, user_agent) = (request.to_owned(), user_agent.to_owned());
        self.store()
            .write(move |tx| {
                let row = tx.resource(team, Kind::User, &id)?;
                let row = row.ok_or_else(|| Error::NotFound("that record is deleted already".into()))?;
                // Looked at in the transaction of the change: the provider may have been faster.
                if row.active {
                    return Err(Error::Refused(format!(
                        "{} is active; only the record of an inactive user can be deleted here. Deactivate or remove \
                         the person where people are kept",
                        sentence::shown(&row.display)
                    )));
                }
                let why = Why {
                    hand: &hand,
                    theirs: true,
                    request: request.clone(),
                    user_agent: user_agent.clone(),
                    note: "The record of an inactive user, deleted on the admin page".into(),
                    detail: json!({}),
                };
                delete(tx, team, &row, why)?;
                Ok(row.display)
            })
            .await
    }
}

/// Deletes a record, and tells of it in events, activity and audit.
pub(super) fn delete(tx: &mut WriteTx<'_>, team: TeamId, row: &Row, why: Why<'_>) -> Result<(), Error> {
    let who = why.theirs.then_some(why.hand.name.as_str());
    let by = By { request: &why.request, token: None, who };
    let (events, mut also) = provision::delete_row(tx, team, row, by)?;
    also.extend(who.map(str::to_owned));
    let activity = Activity {
        at: tx.now(),
        team: Some(team),
        who: who.map(str::to_owned),
        address: why.hand.address.clone().unwrap_or_default(),
        user_agent: why.user_agent,
        status: 204,
        change: true,
        tally: Some(Tally::Deleted),
        folded: 1,
        subject: Some(Subject { id: row.id.clone(), kind: row.kind, name: sentence::shown(&row.display) }),
        sentence: format!("{} was deleted", sentence::shown(&row.display)),
        note: why.note,
        events: events.first().copied().zip(events.last().copied()),
        also,
        request: why.request,
        ..Activity::default()
    };
    tx.insert_activity(&activity)?;
    tx.append_audit(Some(team), why.hand, "user.deleted", &row.id, &why.detail)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Mode;
    use crate::service::history::State;
    use crate::service::testing::{caller, desk};

    fn body(name: &str, active: bool) -> Value {
        json!({ "schemas": [Kind::User.urn()], "userName": name, "externalId": "e1", "active": active })
    }

    #[tokio::test]
    async fn an_administrator_deletes_an_inactive_user_as_a_provider_would_and_under_their_own_name() {
        let desk = desk().await;
        let provider = caller(desk.team, Mode::Compat);
        let made = desk.create(&provider, Kind::User, body("mei@example.com", true)).await.expect("made");
        let group = json!({ "schemas": [Kind::Group.urn()], "displayName": "Ops", "members": [{ "value": made.id }] });
        let ops = desk.create(&provider, Kind::Group, group).await.expect("made");
        let ada = Actor::Admin { n: 1, email: "ada@example.com".into(), address: "192.0.2.10".into() };
        let service = &desk.service;
        let delete =
            async |id: &str| service.delete_inactive_user(&ada, desk.team, id, ("req_page", "Firefox")).await;
        let refused = delete(&made.id).await;
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("is active")), "{refused:?}");
        assert!(matches!(delete("nobody").await, Err(Error::NotFound(_))));
        assert!(matches!(delete(&ops.id).await, Err(Error::NotFound(_))), "no group is deleted so");

        desk.replace(&provider, Kind::User, &made.id, body("mei@example.com", false))
            .await
            .expect("inactive");
        assert_eq!(delete(&made.id).await.expect("deleted"), "mei@example.com");
        assert!(matches!(delete(&made.id).await, Err(Error::NotFound(_))));

        let history = service.history(desk.team, &made.id).await.expect("a history");
        let State::Deleted(gone) = &history.who.state else { panic!("it is here") };
        assert_eq!((gone.who.as_deref(), gone.token), (Some("ada@example.com"), None));
        let last = history.told.last().expect("told");
        assert_eq!(last.events, ["membership.removed", "user.deleted"]);
        let row = &last.row.activity;
        assert_eq!(
            (row.who.as_deref(), row.request.as_str(), row.address.as_str()),
            (Some("ada@example.com"), "req_page", "192.0.2.10")
        );
        let (audit, hours) = service
            .store()
            .read_now(|tx| -> Result<_, Error> {
                let everything = crate::base::Timestamp(i64::MAX);
                Ok((
                    tx.audit(Some(desk.team), None, 1)?,
                    tx.hours(Some(desk.team), crate::base::Timestamp(0), everything)?,
                ))
            })
            .expect("read");
        assert_eq!((audit[0].what.as_str(), audit[0].who.as_str()), ("user.deleted", "ada@example.com"));
        assert_eq!(
            (audit[0].subject.as_str(), &audit[0].detail["address"]),
            (made.id.as_str(), &json!("192.0.2.10"))
        );
        assert!(
            !audit[0].detail.to_string().contains("mei"),
            "the audit has no name that erasing could not reach"
        );
        let came_to = hours[0].came_to;
        assert_eq!((came_to.added, came_to.changed, came_to.deactivated, came_to.deleted), (2, 0, 1, 1));

        // What events remember, when the request itself is forgotten.
        let team = desk.team;
        let forget =
            move |tx: &mut WriteTx<'_>| tx.prune_activity(Some(team), crate::base::Timestamp(i64::MAX), 1000);
        service.store().write(forget).await.expect("forgotten");
        let history = service.history(desk.team, &made.id).await.expect("a history");
        let last = history.told.last().expect("told");
        assert_eq!((last.kept, last.row.activity.who.as_deref()), (false, Some("ada@example.com")));

        let back =
            desk.create(&provider, Kind::User, body("mei.chen@example.com", true)).await.expect("made");
        assert_eq!(back.id, made.id, "who comes back from the same source is the same person");
    }
}

//! What a provider does for the first time, told from its requests: kept for good with the first of each, so that a team
//! that was connected long ago still shows it. Tests are told from people, at the latest when they are deleted.

use std::collections::HashSet;

use super::trial;
use crate::base::TeamId;
use crate::scim::Kind;
use crate::store::{Activity, Milestone, ReadTx, StoreError, WriteTx};

/// Something that the connect page waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    Token,
    First,
    Accepted,
    Discovery,
    UserList,
    UserLookup,
    GroupList,
    TestUser,
    TestUpdated,
    TestGroup,
    TestMember,
    TestDeleted,
    User,
    UserUpdated,
    Group,
    Member,
}

impl Event {
    /// All that requests show.
    const SHOWN: [Event; 15] = [
        Event::First,
        Event::Accepted,
        Event::Discovery,
        Event::UserList,
        Event::UserLookup,
        Event::GroupList,
        Event::TestUser,
        Event::TestUpdated,
        Event::TestGroup,
        Event::TestMember,
        Event::TestDeleted,
        Event::User,
        Event::UserUpdated,
        Event::Group,
        Event::Member,
    ];

    /// The key under which it is kept.
    pub fn key(self) -> &'static str {
        match self {
            Event::Token => "token",
            Event::First => "first",
            Event::Accepted => "accepted",
            Event::Discovery => "discovery",
            Event::UserList => "user-list",
            Event::UserLookup => "user-lookup",
            Event::GroupList => "group-list",
            Event::TestUser => "test-user",
            Event::TestUpdated => "test-updated",
            Event::TestGroup => "test-group",
            Event::TestMember => "test-member",
            Event::TestDeleted => "test-deleted",
            Event::User => "user",
            Event::UserUpdated => "user-updated",
            Event::Group => "group",
            Event::Member => "member",
        }
    }

    /// What is kept under a key.
    pub fn from_key(key: &str) -> Option<Event> {
        Event::SHOWN.into_iter().find(|event| event.key() == key)
    }

    /// What it was when it turns out that it was about a test.
    pub fn of_test(self) -> Event {
        match self {
            Event::User => Event::TestUser,
            Event::UserUpdated => Event::TestUpdated,
            Event::Group => Event::TestGroup,
            Event::Member => Event::TestMember,
            other => other,
        }
    }
}

/// What a request shows; `test` when it was about a test object.
pub fn shown(row: &Activity, test: bool) -> Vec<Event> {
    let mut events = vec![Event::First];
    if row.status >= 400 {
        return events;
    }
    events.extend(row.token.map(|_| Event::Accepted));
    let kind = row.subject.as_ref().map(|subject| subject.kind);
    let gained = row.sentence.contains(" joined ") || row.sentence.contains(" gained ");
    let more: &[Event] = match (row.method.as_str(), kind, test) {
        ("GET", None, _) if row.path.contains("/Users") => match row.query.contains("filter=") {
            true => &[Event::UserList, Event::UserLookup],
            false => &[Event::UserList],
        },
        ("GET", None, _) if row.path.contains("/Groups") => &[Event::GroupList],
        ("GET", None, _) => &[Event::Discovery],
        ("POST", Some(Kind::User), true) => &[Event::TestUser],
        ("PUT" | "PATCH", Some(Kind::User), true) => &[Event::TestUpdated],
        ("POST", Some(Kind::Group), true) => &[Event::TestGroup],
        ("PUT" | "PATCH", Some(Kind::Group), true) => &[Event::TestMember],
        ("DELETE", Some(_), true) => &[Event::TestDeleted],
        ("POST", Some(Kind::User), false) => &[Event::User],
        ("PUT" | "PATCH", Some(Kind::User), false) => &[Event::UserUpdated],
        ("POST", Some(Kind::Group), false) if row.note.contains("no members") => &[Event::Group],
        ("POST", Some(Kind::Group), false) => &[Event::Group, Event::Member],
        ("PUT" | "PATCH", Some(Kind::Group), false) if gained => &[Event::Member],
        _ => &[],
    };
    events.extend_from_slice(more);
    events
}

/// The request in a few words: `POST /Users → 201`.
pub fn words(row: &Activity) -> String {
    format!("{} {} → {}", row.method, path(&row.path), row.status)
}

/// A path without what every path begins with, and with the beginning of an id.
pub fn path(whole: &str) -> String {
    let rest = whole.strip_prefix("/scim/v2").or_else(|| whole.strip_prefix("/scim")).unwrap_or(whole);
    let mut parts = rest.split('/').skip(1);
    let cut = |text: &str, longest| match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    };
    match (parts.next(), parts.next()) {
        (Some(kind), Some(id)) => format!("/{}/{}", cut(kind, 40), cut(id, 8)),
        _ => cut(rest, 40),
    }
}

/// Writes a request's row, and notes what it showed for the first time.
pub(super) fn record(tx: &mut WriteTx<'_>, row: &Activity) -> Result<(), StoreError> {
    tx.insert_activity(row)?;
    let Some(team) = row.team else { return Ok(()) };
    for event in shown(row, false) {
        tx.note_milestone(team, 1 << event as u32, || milestone(event, row))?;
    }
    match (&row.subject, row.method.as_str()) {
        (Some(subject), "DELETE") if row.status < 300 => deleted(tx, team, &subject.id, row),
        _ => Ok(()),
    }
}

fn milestone(event: Event, row: &Activity) -> Milestone {
    Milestone {
        name: event.key().to_owned(),
        at: row.at,
        subject: row.subject.as_ref().map(|subject| subject.id.clone()),
        address: row.address.clone(),
        what: words(row),
    }
}

/// What was deleted within two minutes was a test: so were the milestones about it.
fn deleted(tx: &mut WriteTx<'_>, team: TeamId, id: &str, row: &Activity) -> Result<(), StoreError> {
    let Some(gone) = tx.tombstone(team, id)?.filter(trial::was_brief) else { return Ok(()) };
    // Both the user and the group are deleted: the last of them is the end.
    tx.replace_milestone(team, &milestone(Event::TestDeleted, row))?;
    for known in tx.milestones(team)?.into_iter().filter(|known| known.subject.as_ref() == Some(&gone.id)) {
        let Some(event) = Event::from_key(&known.name).filter(|event| event.of_test() != *event) else {
            continue;
        };
        tx.forget_milestone(team, event.key())?;
        let test = Milestone { name: event.of_test().key().to_owned(), ..known };
        tx.note_milestone(team, 1 << event.of_test() as u32, || test)?;
    }
    Ok(())
}

/// A team's milestones with tests told from people; where the first user or group is not kept, the oldest that is here.
pub(super) fn kept(tx: &ReadTx<'_>, team: TeamId, email: &str) -> Result<Vec<Milestone>, super::Error> {
    let mut kept = tx.milestones(team)?;
    let of_person = |one: &Milestone| Event::from_key(&one.name).filter(|event| event.of_test() != *event);
    let subjects: Vec<&str> =
        kept.iter().filter(|one| of_person(one).is_some()).filter_map(|one| one.subject.as_deref()).collect();
    let known = if subjects.is_empty() { Vec::new() } else { tx.whereabouts(team, &subjects)? };
    let tests: HashSet<String> =
        known.into_iter().filter(|one| trial::is_test(one, email)).map(|one| one.id).collect();
    for one in &mut kept {
        let tested = one.subject.as_ref().is_some_and(|subject| tests.contains(subject));
        if let Some(event) = of_person(one).filter(|_| tested) {
            one.name = event.of_test().key().to_owned();
        }
    }
    for (event, kind) in [(Event::User, Kind::User), (Event::Group, Kind::Group)] {
        if kept.iter().any(|one| one.name == event.key()) {
            continue;
        }
        let oldest = tx.oldest(team, kind, OLDEST)?.into_iter().find(|row| !trial::living(row, email));
        kept.extend(oldest.map(|row| Milestone {
            name: event.key().to_owned(),
            at: row.created,
            subject: Some(row.id),
            ..Milestone::default()
        }));
    }
    Ok(kept)
}

/// The oldest users or groups among which one is looked for that is no test.
const OLDEST: u32 = 8;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::scim::Mode;
    use crate::service::chores::Retention;
    use crate::service::testing::{Desk, caller, desk};
    use crate::store::{Subject, TeamSettings};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    impl Desk {
        fn shown(&self) -> Vec<(String, i64)> {
            let email = "test@example.com";
            let found = self.service.store().read_now(|tx| kept(tx, self.team, email)).expect("milestones");
            found.into_iter().map(|one| (one.name, one.at.0)).collect()
        }

        fn at(&self, event: Event) -> Option<i64> {
            self.shown().into_iter().find(|(name, _)| name == event.key()).map(|(_, at)| at)
        }

        async fn made(&self, kind: Kind, name: &str) -> String {
            let attribute = if kind == Kind::User { "userName" } else { "displayName" };
            let body = json!({ "schemas": [kind.urn()], attribute: name });
            self.request(
                "POST",
                kind,
                &self.create(&caller(self.team, Mode::Compat), kind, body).await.expect("made").id,
            )
            .await
        }

        /// The row of a request, as the face that took it has it recorded.
        async fn request(&self, method: &str, kind: Kind, id: &str) -> String {
            let row = Activity {
                request: self.service.ids().request(),
                at: self.clock.now(),
                team: Some(self.team),
                token: Some(1),
                method: method.into(),
                path: format!("/scim/{}s", kind.name()),
                status: 200,
                subject: Some(Subject { id: id.into(), kind, name: String::new() }),
                note: "no members yet".into(),
                ..Activity::default()
            };
            self.service.store().write(move |tx| record(tx, &row)).await.expect("written");
            id.to_owned()
        }
    }

    #[test]
    fn each_is_found_by_its_key_and_has_a_bit_of_its_own() {
        for event in Event::SHOWN {
            assert_eq!(Event::from_key(event.key()), Some(event));
            assert!((event as u32) < 32);
        }
    }

    #[tokio::test]
    async fn what_was_seen_first_outlives_the_requests_that_showed_it() {
        let desk = desk().await;
        let began = desk.clock.now().0;
        let first = desk.made(Kind::User, "ada@example.com").await;
        desk.made(Kind::Group, "Engineering").await;
        let choose: Box<dyn Fn(&mut TeamSettings) + Send> = Box::new(|chosen| chosen.keep_requests = 1);
        let actor = crate::service::Actor::CommandLine { user: "root".into() };
        desk.service.change_team(&actor, desk.team, None, choose).await.expect("chosen");
        desk.clock.advance(DAY * 200);
        desk.made(Kind::User, "mei@example.com").await;
        desk.service.forget_step(Retention::default()).await.expect("forgotten");
        for event in [Event::First, Event::Accepted, Event::User, Event::Group] {
            assert_eq!(desk.at(event), Some(began), "{event:?}");
        }
        // Deleted after months, the first person was still a person.
        desk.delete(&caller(desk.team, Mode::Compat), Kind::User, &first).await.expect("deleted");
        desk.request("DELETE", Kind::User, &first).await;
        assert_eq!((desk.at(Event::User), desk.at(Event::TestUser)), (Some(began), None));
    }

    #[tokio::test]
    async fn a_test_is_known_when_it_is_deleted_and_the_first_person_comes_after_it() {
        let desk = desk().await;
        let began = desk.clock.now().0;
        let test = desk.made(Kind::User, "scim.test@example.com").await;
        desk.request("PATCH", Kind::User, &test).await;
        desk.clock.advance(Duration::from_secs(2));
        desk.delete(&caller(desk.team, Mode::Compat), Kind::User, &test).await.expect("deleted");
        desk.request("DELETE", Kind::User, &test).await;
        let ended = desk.clock.now().0;
        assert_eq!((desk.at(Event::TestUser), desk.at(Event::TestUpdated)), (Some(began), Some(began)));
        assert_eq!(desk.at(Event::TestDeleted), Some(ended));
        assert_eq!((desk.at(Event::User), desk.at(Event::UserUpdated)), (None, None));
        desk.clock.advance(Duration::from_secs(60));
        desk.made(Kind::User, "ada@example.com").await;
        assert_eq!(desk.at(Event::User), Some(desk.clock.now().0));
    }

    #[tokio::test]
    async fn a_user_with_the_test_address_is_no_person_though_it_stays() {
        let desk = desk().await;
        desk.made(Kind::User, "test@example.com").await;
        assert_eq!(desk.at(Event::User), None);
        assert!(desk.at(Event::TestUser).is_some());
        desk.clock.advance(Duration::from_secs(60));
        desk.made(Kind::User, "ada@example.com").await;
        assert_eq!(desk.at(Event::User), Some(desk.clock.now().0), "the oldest who is here");
    }
}

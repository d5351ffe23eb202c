//! Create, read, replace and delete one user or group (RFC 7644 §3.3, §3.4.1, §3.5.1, §3.6). Every check that guards a
//! write runs inside the write job, in the transaction of the change.

use serde_json::{Value, json};

use super::job::{Done, Job, Outcome, Target, Verb, document_of, missing, subject};
use super::membership::{self, Delta};
use super::record::{self, Asked, Ending};
use super::sentence::{Change, Deed};
use super::view::View;
use super::{Caller, Error, Service, identity};
use crate::base::TeamId;
use crate::scim::patch::MemberEdit;
use crate::scim::resource::{self, Parsed, Projection};
use crate::scim::{Document, Kind, Leniency, Notes};
use crate::store::{By, Row, WriteTx};

/// A request body as the service takes it: parsed once at the door.
pub type Body = Value;

impl Service {
    /// How answers are written for this caller.
    pub(super) fn view(&self, caller: &Caller, projection: Projection, base: String) -> Result<View, Error> {
        Ok(View { schemas: self.schemas_of(caller.team)?, projection, base })
    }

    /// Creates a user or group (RFC 7644 §3.3).
    pub async fn create(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        body: &Body,
    ) -> Result<Outcome, Error> {
        may_write(caller)?;
        self.settled(caller.team, || self.try_create(caller, asked, target.clone(), body)).await
    }

    async fn try_create(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        body: &Body,
    ) -> Result<Outcome, Error> {
        let mut job = Job::new(self, caller, asked, target)?;
        let mut parsed = resource::parse(job.view.registry(), job.target.kind, body, caller.mode)?;
        asked.underway.leave(&parsed.notes);
        let kind = job.target.kind;
        job.shows_sent(|registry| registry.assigned(kind, &parsed.document));
        if job.target.kind == Kind::User && parsed.leaves_open("active") {
            parsed.document.insert("active".into(), Value::Bool(true));
            resource::order(job.view.registry(), Kind::User, &mut parsed.document);
        }
        self.store().write(move |tx| create(tx, &job, &parsed)).await
    }

    /// Replaces a user or group (RFC 7644 §3.5.1); never creates one.
    pub async fn replace(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
        body: &Body,
    ) -> Result<Outcome, Error> {
        may_write(caller)?;
        self.settled(caller.team, || self.try_replace(caller, asked, target.clone(), id, body)).await
    }

    async fn try_replace(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
        body: &Body,
    ) -> Result<Outcome, Error> {
        let mut job = Job::new(self, caller, asked, target)?;
        let parsed = resource::parse(job.view.registry(), job.target.kind, body, caller.mode)?;
        asked.underway.leave(&parsed.notes);
        let kind = job.target.kind;
        job.shows_sent(|registry| registry.assigned(kind, &parsed.document));
        let id = id.to_owned();
        self.store().write(move |tx| replace(tx, &job, &id, &parsed)).await
    }

    /// Deletes a user or group for good (RFC 7644 §3.6).
    pub async fn delete(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
    ) -> Result<(), Error> {
        may_write(caller)?;
        let job = Job::new(self, caller, asked, target)?;
        let id = id.to_owned();
        self.store().write(move |tx| delete(tx, &job, &id)).await
    }

    /// Reads one user or group (RFC 7644 §3.4.1).
    pub fn get(&self, caller: &Caller, target: &Target, id: &str) -> Result<(Outcome, String), Error> {
        let look = || {
            let view = self.view(caller, target.projection.clone(), target.base.clone())?;
            self.store().read_now(|tx| {
                view.schemas.check(tx)?;
                let row =
                    tx.resource(caller.team, target.kind, id)?.ok_or_else(|| missing(target.kind, id))?;
                let outcome = Outcome {
                    id: row.id.clone(),
                    version: row.version,
                    location: view.location(row.kind, &row.id),
                    body: Some(view.body(tx, caller.team, &row)?),
                };
                Ok((outcome, row.display))
            })
        };
        self.settled_now(caller.team, look)
    }
}

fn create(tx: &mut WriteTx<'_>, job: &Job, parsed: &Parsed) -> Result<Outcome, Error> {
    job.begin(tx)?;
    let (caller, kind) = (&job.caller, job.target.kind);
    let document = &parsed.document;
    let mut notes = parsed.notes.clone();
    identity::check_group_name(tx, job, document, None)?;
    identity::check_external_id(tx, job, document)?;
    let back = identity::returning(tx, job, document)?;
    let restored = back.is_some();
    if restored {
        notes.used(Leniency::ReturningPerson);
    }
    let id = back.unwrap_or_else(|| tx.ids().resource(tx.now()));
    let values = job.values(document);
    let row = tx
        .insert_resource(caller.team, kind, id, document, &caller.source, caller.token, &values)
        .map_err(|error| identity::taken(tx, caller.team, error))?;
    let row = if restored { tx.resume_versions(caller.team, &row)? } else { row };
    let event = match (kind, restored) {
        (Kind::User, true) => "user.restored",
        (Kind::User, false) => "user.created",
        (Kind::Group, _) => "group.created",
    };
    // Before the members: an edge remembers the event that begins it, which comes next.
    let body = json!({ "id": row.id, "resource": document });
    let event = tx.append_event(caller.team, job.by(), event, kind, &row.id, &body)?;
    let mut delta = Delta::default();
    if let Some(members) = &parsed.members {
        membership::enter(tx, caller, &row, members, &mut notes, &mut delta)?;
    }
    let deed = match restored {
        true => Deed::Restored { name: &row.display },
        false => Deed::Created { kind, name: &row.display, members: delta.joined(), active: row.active },
    };
    let done = Done {
        verb: Verb::Create,
        row: &row,
        deed,
        changes: &[],
        delta: &delta,
        event: Some(event),
        notes: &notes,
    };
    job.finish(tx, done)
}

fn replace(tx: &mut WriteTx<'_>, job: &Job, id: &str, parsed: &Parsed) -> Result<Outcome, Error> {
    let (kind, registry) = (job.target.kind, job.view.registry());
    let row = job.existing(tx, id)?;
    let old = document_of(&row)?;
    let mut document = resource::replace(registry, kind, &old, parsed.document.clone(), job.caller.mode)?;
    if parsed.leaves_open("active") {
        keep_active(job, &old, &mut document);
    }
    let members = MemberEdit::Replace(parsed.members.clone().unwrap_or_default());
    let edits: &[MemberEdit] = if kind == Kind::Group { std::slice::from_ref(&members) } else { &[] };
    change(tx, job, Verb::Replace, &row, &old, &document, edits, parsed.notes.clone())
}

/// A PUT that does not say whether a person is active keeps the state: it must neither lock out nor let in anybody. One
/// with `null`, and a PATCH that removes `active`, do say so and unassign it (RFC 7644 §3.5.1, §3.5.2.2).
fn keep_active(job: &Job, old: &Document, document: &mut Document) {
    if job.target.kind == Kind::User
        && let Some(active) = old.get("active")
    {
        document.insert("active".into(), active.clone());
        resource::order(job.view.registry(), Kind::User, document);
    }
}

/// Carries out a change of a document and of its members: the one way for PUT and PATCH.
#[expect(clippy::too_many_arguments, reason = "the two states and the edits of one change, each used once")]
pub(super) fn change(
    tx: &mut WriteTx<'_>,
    job: &Job,
    verb: Verb,
    row: &Row,
    old: &Document,
    document: &Document,
    edits: &[MemberEdit],
    mut notes: Notes,
) -> Result<Outcome, Error> {
    let caller = &job.caller;
    let differences = resource::diff(job.view.registry(), row.kind, old, document);
    if differences.iter().any(|difference| difference.path == "displayName") {
        identity::check_group_name(tx, job, document, Some(row.n))?;
    }
    let changes = record::changes(&differences);
    let event = match changes.is_empty() {
        true => None,
        false => {
            let name = event_name(row.kind, old, document);
            let body = event_body(&row.id, &changes);
            Some(tx.append_event(caller.team, job.by(), name, row.kind, &row.id, &body)?)
        }
    };
    let delta = membership::apply(tx, caller, row, edits, &mut notes);
    job.asked.underway.leave(&notes);
    let delta = delta?;
    identity::adopt(tx, job, row)?;
    identity::keep_former_name(tx, job, row, old, document)?;
    let after = if !differences.is_empty() {
        tx.update_resource(caller.team, row, document, caller.token, &job.values(document))
            .map_err(|error| identity::taken(tx, caller.team, error))?
    } else if !delta.is_empty() {
        tx.bump_resource(caller.team, row, caller.token)?
    } else {
        row.clone()
    };
    let (joined, left) = delta.names();
    let done = Done {
        verb,
        row: &after,
        deed: Deed::Changed {
            kind: row.kind,
            name: &after.display,
            changes: &changes,
            joined: &joined,
            left: &left,
        },
        changes: &changes,
        delta: &delta,
        event,
        notes: &notes,
    };
    job.finish(tx, done)
}

fn delete(tx: &mut WriteTx<'_>, job: &Job, id: &str) -> Result<(), Error> {
    let caller = &job.caller;
    let row = job.existing(tx, id)?;
    let (events, groups) = delete_row(tx, caller.team, &row, job.by())?;
    let end = Ending {
        status: 204,
        deed: Deed::Deleted { kind: row.kind, name: &row.display },
        subject: subject(&row),
        cause: None,
        changes: &[],
        events: &events,
        also: &groups,
        notes: &Notes::default(),
        response: None,
    };
    record::change(tx, caller, &job.asked, &end)
}

/// Deletes a user or group and writes the events that tell of it; answers their numbers, and the ids of the groups that
/// lost it.
pub(super) fn delete_row(
    tx: &mut WriteTx<'_>,
    team: TeamId,
    row: &Row,
    by: By<'_>,
) -> Result<(Vec<u64>, Vec<String>), Error> {
    let deleted = tx.delete_resource(team, row, by)?;
    let mut events = Vec::new();
    for group in &deleted.groups {
        let body = json!({ "group": group.id, "members": [row.id] });
        events.push(tx.append_event(team, by, "membership.removed", Kind::Group, &group.id, &body)?);
    }
    let (name, body) = match row.kind {
        // Whether access ends with it: who was inactive had none.
        Kind::User => ("user.deleted", json!({ "id": row.id, "name": row.display, "active": row.active })),
        Kind::Group => ("group.deleted", json!({ "id": row.id, "name": row.display })),
    };
    events.push(tx.append_event(team, by, name, row.kind, &row.id, &body)?);
    Ok((events, deleted.groups.into_iter().map(|group| group.id).collect()))
}

/// Whether a document's person is active; a group always is.
fn is_active(document: &Document) -> bool {
    document.get("active").and_then(Value::as_bool).unwrap_or(true)
}

fn event_name(kind: Kind, old: &Document, new: &Document) -> &'static str {
    match (kind, is_active(old), is_active(new)) {
        (Kind::Group, ..) => "group.updated",
        (Kind::User, true, false) => "user.deactivated",
        (Kind::User, false, true) => "user.reactivated",
        (Kind::User, ..) => "user.updated",
    }
}

fn event_body(id: &str, changes: &[Change]) -> Value {
    json!({ "id": id, "changes": record::changes_as_json(changes) })
}

/// Refuses a token that may only read.
pub fn may_write(caller: &Caller) -> Result<(), Error> {
    if caller.read_only {
        return Err(Error::Forbidden {
            cause: Some(super::Cause::ReadOnlyToken),
            detail: format!("the token \"{}\" may only read; use one that may write", caller.token_name),
        });
    }
    Ok(())
}

//! Create, read, replace and delete one user or group (RFC 7644 §3.3, §3.4.1, §3.5.1, §3.6). Every check that guards a
//! write runs inside the write job, in the transaction of the change.

use std::sync::Arc;

use serde_json::{Value, json};

use super::membership::{self, Delta};
use super::record::{self, Asked, Ending};
use super::sentence::{Change, Deed};
use super::view::View;
use super::{Caller, Error, Service};
use crate::scim::patch::MemberEdit;
use crate::scim::resource::{self, Parsed, Projection};
use crate::scim::{Document, Kind, Mode, Notes, ScimError, fold};
use crate::store::{IndexValue, ReadTx, Row, Subject, WriteTx, index};

/// Where a request goes and how its answer is to look.
#[derive(Clone, Debug)]
pub struct Target {
    pub kind: Kind,
    pub projection: Projection,
    /// The address before `/Users`, with the prefix that the request used.
    pub base: String,
    /// Whether the request named attributes: then a group's PATCH is always answered with a body.
    pub asks_attributes: bool,
    /// The versions of an `If-Match` header; empty when there is none.
    pub if_match: Precondition,
}

/// What `If-Match` asks for (RFC 9110 §13.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    #[default]
    None,
    /// `*`: the resource exists, whatever its version.
    Any,
    Versions(Vec<u64>),
}

/// A request body as the service takes it: parsed once at the door.
pub type Body = Value;

/// What a use case on one resource answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub id: String,
    pub version: u64,
    pub location: String,
    /// The resource; `None` where the answer is 204.
    pub body: Option<Vec<u8>>,
}

/// All that a write job needs, shared between its runs.
pub(super) struct Job {
    pub caller: Caller,
    pub asked: Asked,
    pub target: Target,
    pub view: View,
}

impl Job {
    pub(super) fn new(service: &Service, caller: &Caller, asked: &Asked, target: Target) -> Arc<Job> {
        let view = service.view(caller, target.projection.clone(), target.base.clone());
        Arc::new(Job { caller: caller.clone(), asked: asked.clone(), target, view })
    }

    /// The row that the request names, at the version it asks for.
    pub(super) fn existing(&self, tx: &ReadTx<'_>, id: &str) -> Result<Row, Error> {
        let row = tx
            .resource(self.caller.team, self.target.kind, id)?
            .ok_or_else(|| missing(self.target.kind, id))?;
        match &self.target.if_match {
            Precondition::Versions(versions) if !versions.contains(&row.version) => {
                Err(Error::Stale { current: row.version })
            }
            _ => Ok(row),
        }
    }

    /// The values of the document that are searched by index.
    pub(super) fn values(&self, document: &Document) -> Vec<IndexValue> {
        index::values(&self.view.registry, self.target.kind, document)
    }

    /// Refuses a second group of the same name for a compat token: providers match groups by their name.
    pub(super) fn check_group_name(
        &self,
        tx: &ReadTx<'_>,
        document: &Document,
        own: Option<i64>,
    ) -> Result<(), Error> {
        if self.target.kind != Kind::Group || self.caller.mode == Mode::Strict {
            return Ok(());
        }
        let Some(name) = document.get("displayName").and_then(Value::as_str) else { return Ok(()) };
        let taken =
            tx.resources_by_value(self.caller.team, Kind::Group, "displayName", &fold::fold(name), 2)?;
        match taken.iter().find(|row| Some(row.n) != own) {
            Some(row) => Err(Error::Scim(ScimError::uniqueness(format!(
                "displayName \"{name}\" is already used by the group {}; look it up and update it, or choose another name",
                row.id
            )))),
            None => Ok(()),
        }
    }

    /// Writes the events and the activity row of a change, and gives the answer.
    pub(super) fn finish(&self, tx: &mut WriteTx<'_>, done: Done<'_>) -> Result<Outcome, Error> {
        let row = done.row;
        let mut events = Vec::new();
        if let Some((name, body)) = done.event {
            events.push(tx.append_event(self.caller.team, name, row.kind, &row.id, &body)?);
        }
        events.extend(done.delta.write_events(tx, &self.caller, &row.id)?);
        let bodiless = done.verb == Verb::Patch
            && row.kind == Kind::Group
            && !self.target.asks_attributes
            && tx.member_count(self.caller.team, row.n)? > BODY_MEMBERS;
        let outcome = Outcome {
            id: row.id.clone(),
            version: row.version,
            location: self.view.location(row.kind, &row.id),
            body: if bodiless { None } else { Some(self.view.body(tx, self.caller.team, row)?) },
        };
        let end = Ending {
            status: match (&outcome.body, done.verb) {
                (_, Verb::Create) => 201,
                (Some(_), _) => 200,
                (None, _) => 204,
            },
            deed: done.deed,
            subject: subject(row),
            cause: None,
            changes: done.changes,
            events: &events,
            notes: done.notes,
            response: outcome.body.as_deref(),
        };
        record::change(tx, &self.caller, &self.asked, &end)?;
        Ok(outcome)
    }
}

/// A PATCH of a group with more members than this is answered without a body, so that the cost of a change
/// does not follow the size of the group.
const BODY_MEMBERS: u64 = 1000;

/// What was done, for the status and the words of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Replace,
    Patch,
}

/// A change that is made and not yet told.
pub(super) struct Done<'a> {
    pub verb: Verb,
    pub row: &'a Row,
    pub deed: Deed<'a>,
    pub changes: &'a [Change],
    pub delta: &'a Delta,
    pub event: Option<(&'static str, Value)>,
    pub notes: &'a Notes,
}

impl Service {
    /// How answers are written for this caller.
    pub(super) fn view(&self, caller: &Caller, projection: Projection, base: String) -> View {
        View { registry: self.registry(Some(caller.team)), projection, base }
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
        let job = Job::new(self, caller, asked, target);
        let mut parsed = resource::parse(&job.view.registry, job.target.kind, body, caller.mode)?;
        if job.target.kind == Kind::User {
            parsed.document.entry("active").or_insert(Value::Bool(true));
            resource::order(&job.view.registry, Kind::User, &mut parsed.document);
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
        let job = Job::new(self, caller, asked, target);
        let parsed = resource::parse(&job.view.registry, job.target.kind, body, caller.mode)?;
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
        let job = Job::new(self, caller, asked, target);
        let id = id.to_owned();
        self.store().write(move |tx| delete(tx, &job, &id)).await
    }

    /// Reads one user or group (RFC 7644 §3.4.1).
    pub fn get(&self, caller: &Caller, target: &Target, id: &str) -> Result<(Outcome, String), Error> {
        let view = self.view(caller, target.projection.clone(), target.base.clone());
        self.store().read_now(|tx| {
            let row = tx.resource(caller.team, target.kind, id)?.ok_or_else(|| missing(target.kind, id))?;
            let outcome = Outcome {
                id: row.id.clone(),
                version: row.version,
                location: view.location(row.kind, &row.id),
                body: Some(view.body(tx, caller.team, &row)?),
            };
            Ok((outcome, row.display))
        })
    }
}

fn create(tx: &mut WriteTx<'_>, job: &Job, parsed: &Parsed) -> Result<Outcome, Error> {
    let (caller, kind) = (&job.caller, job.target.kind);
    let document = &parsed.document;
    let mut notes = parsed.notes.clone();
    job.check_group_name(tx, document, None)?;
    check_external_id(tx, job, document)?;
    let back = returning(tx, job, document)?;
    let restored = back.is_some();
    let id = back.unwrap_or_else(|| tx.ids().resource(tx.now()));
    let values = job.values(document);
    let row = tx.insert_resource(caller.team, kind, id, document, &caller.source, caller.token, &values)?;
    let mut delta = Delta::default();
    if let Some(members) = &parsed.members {
        let edits = [MemberEdit::Add(members.clone())];
        delta = membership::apply(tx, caller, &row, &edits, &mut notes)?;
    }
    let (joined, _) = delta.names();
    let event = match (kind, restored) {
        (Kind::User, true) => "user.restored",
        (Kind::User, false) => "user.created",
        (Kind::Group, _) => "group.created",
    };
    let deed = match restored {
        true => Deed::Restored { name: &row.display },
        false => Deed::Created { kind, name: &row.display, members: joined.len() },
    };
    let done = Done {
        verb: Verb::Create,
        row: &row,
        deed,
        changes: &[],
        delta: &delta,
        event: Some((event, json!({ "id": row.id, "resource": document }))),
        notes: &notes,
    };
    job.finish(tx, done)
}

fn replace(tx: &mut WriteTx<'_>, job: &Job, id: &str, parsed: &Parsed) -> Result<Outcome, Error> {
    let (kind, registry) = (job.target.kind, &job.view.registry);
    let row = job.existing(tx, id)?;
    let old = document_of(&row)?;
    let mut document = resource::replace(registry, kind, &old, parsed.document.clone(), job.caller.mode)?;
    if kind == Kind::User && !document.contains_key("active") {
        // A PUT that does not say keeps the state: it must neither lock out nor let in anybody.
        if let Some(active) = old.get("active") {
            document.insert("active".into(), active.clone());
            resource::order(registry, kind, &mut document);
        }
    }
    let members = MemberEdit::Replace(parsed.members.clone().unwrap_or_default());
    let edits: &[MemberEdit] = if kind == Kind::Group { std::slice::from_ref(&members) } else { &[] };
    change(tx, job, Verb::Replace, &row, &old, &document, edits, parsed.notes.clone())
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
    let differences = resource::diff(&job.view.registry, row.kind, old, document);
    if differences.iter().any(|difference| difference.path == "displayName") {
        job.check_group_name(tx, document, Some(row.n))?;
    }
    let delta = membership::apply(tx, caller, row, edits, &mut notes)?;
    let after = if !differences.is_empty() {
        tx.update_resource(caller.team, row, document, caller.token, &job.values(document))?
    } else if !delta.is_empty() {
        tx.bump_resource(caller.team, row, caller.token)?
    } else {
        row.clone()
    };
    let changes = record::changes(&differences);
    let (joined, left) = delta.names();
    let event =
        (!changes.is_empty()).then(|| (event_name(row.kind, old, document), event_body(&row.id, &changes)));
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
    let (caller, kind) = (&job.caller, job.target.kind);
    let row = job.existing(tx, id)?;
    let deleted = tx.delete_resource(caller.team, &row, Some(caller.token))?;
    let mut events = Vec::new();
    for group in &deleted.groups {
        let body = json!({ "group": group.id, "members": [row.id] });
        events.push(tx.append_event(caller.team, "membership.removed", Kind::Group, &group.id, &body)?);
    }
    let name = match kind {
        Kind::User => "user.deleted",
        Kind::Group => "group.deleted",
    };
    events.push(tx.append_event(
        caller.team,
        name,
        kind,
        &row.id,
        &json!({ "id": row.id, "name": row.display }),
    )?);
    let end = Ending {
        status: 204,
        deed: Deed::Deleted { kind, name: &row.display },
        subject: subject(&row),
        cause: None,
        changes: &[],
        events: &events,
        notes: &Notes::default(),
        response: None,
    };
    record::change(tx, caller, &job.asked, &end)
}

/// Refuses a second record of one person: an `externalId` that a living user of the same source has (compat only).
fn check_external_id(tx: &ReadTx<'_>, job: &Job, document: &Document) -> Result<(), Error> {
    let Some(external) = external_id(document) else { return Ok(()) };
    if job.target.kind != Kind::User || job.caller.mode == Mode::Strict {
        return Ok(());
    }
    let living = tx.resources_by_value(job.caller.team, Kind::User, "externalId", external, 100)?;
    match living.iter().find(|row| row.source == job.caller.source) {
        Some(row) => Err(Error::Scim(ScimError::uniqueness(format!(
            "externalId \"{external}\" already belongs to {} ({}); update that user",
            row.display, row.id
        )))),
        None => Ok(()),
    }
}

/// The id of the deleted person who comes back: exactly one tombstone of this source has the `externalId`.
fn returning(tx: &ReadTx<'_>, job: &Job, document: &Document) -> Result<Option<String>, Error> {
    let Some(external) = external_id(document) else { return Ok(None) };
    if job.target.kind != Kind::User || job.caller.mode == Mode::Strict {
        return Ok(None);
    }
    let mut past = tx.tombstones_by_external_id(job.caller.team, &job.caller.source, external)?;
    Ok(if past.len() == 1 { past.pop().map(|tombstone| tombstone.id) } else { None })
}

fn external_id(document: &Document) -> Option<&str> {
    document.get("externalId").and_then(Value::as_str).filter(|external| !external.is_empty())
}

/// Whether a document's person is active; a group always is.
fn is_active(document: &Document) -> bool {
    document.get("active").and_then(Value::as_bool).unwrap_or(true)
}

/// The stored document as a value.
pub(super) fn document_of(row: &Row) -> Result<Document, Error> {
    serde_json::from_str(&row.doc)
        .map_err(|error| Error::internal(format!("document of {}: {error}", row.id)))
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

fn subject(row: &Row) -> Option<Subject> {
    Some(Subject { id: row.id.clone(), kind: row.kind, name: row.display.clone() })
}

/// 404 for a resource that this team does not have.
pub(super) fn missing(kind: Kind, id: &str) -> Error {
    let shown: String = id.chars().take(80).collect();
    Error::Scim(ScimError::not_found(format!("there is no {} with the id \"{shown}\"", kind.name())))
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

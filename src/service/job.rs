//! One write on its way: what the request asks for, the rows it starts from, and how a change is told (events, activity,
//! answer). Which change it is, the use cases say.

use super::membership::Delta;
use super::record::{self, Asked, Ending};
use super::sentence::{Change, Deed};
use super::view::View;
use super::{Caller, Error, Service, tokens};
use crate::scim::registry::AttrPath;
use crate::scim::resource::Projection;
use crate::scim::{Document, Kind, Notes, Registry, ScimError};
use crate::store::{By, IndexValue, Row, Subject, WriteTx, index};

/// Where a request goes and how its answer is to look.
#[derive(Clone, Debug)]
pub struct Target {
    pub kind: Kind,
    pub projection: Projection,
    /// The address before `/Users`, with the prefix that the request used.
    pub base: String,
    /// Whether the request named attributes: then a group's PATCH is always answered with a body.
    pub asks_attributes: bool,
    /// What the request asks of the version that is there.
    pub precondition: Precondition,
}

/// What `If-Match` or `If-None-Match` asks for (RFC 9110 §13.1.1, §13.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    #[default]
    None,
    /// `*`: the resource exists, whatever its version.
    Any,
    Versions(Vec<u64>),
    /// `If-None-Match: *`: there is no such resource.
    NotAny,
    /// The resource is at none of these.
    NotVersions(Vec<u64>),
}

impl Precondition {
    /// Whether a resource at this version is what was asked for.
    pub fn holds(&self, version: u64) -> bool {
        match self {
            Precondition::None | Precondition::Any => true,
            Precondition::Versions(versions) => versions.contains(&version),
            Precondition::NotAny => false,
            Precondition::NotVersions(versions) => !versions.contains(&version),
        }
    }
}

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
    pub(super) fn new(
        service: &Service,
        caller: &Caller,
        asked: &Asked,
        target: Target,
    ) -> Result<Job, Error> {
        let view = service.view(caller, target.projection.clone(), target.base.clone())?;
        Ok(Job { caller: caller.clone(), asked: asked.clone(), target, view })
    }

    /// Who makes the events of the change.
    pub(super) fn by(&self) -> By<'_> {
        By { request: &self.asked.id, token: Some(self.caller.token), who: None }
    }

    /// The answer shows of what was sent also what is returned on request.
    pub(super) fn shows_sent(&mut self, paths: impl FnOnce(&Registry) -> Vec<AttrPath>) {
        if !self.view.registry().shows_on_request(self.target.kind) {
            return;
        }
        let paths = paths(self.view.registry());
        let projection = std::mem::replace(&mut self.view.projection, Projection::all());
        self.view.projection = projection.with_sent(paths);
    }

    /// What has to hold before anything is written: the token still works, and the schemas are those that the request was
    /// read by.
    pub(super) fn begin(&self, tx: &WriteTx<'_>) -> Result<(), Error> {
        tokens::still_works(tx, &self.caller)?;
        self.view.schemas.check(tx)
    }

    /// The row that the request names, at the version it asks for.
    pub(super) fn existing(&self, tx: &WriteTx<'_>, id: &str) -> Result<Row, Error> {
        self.begin(tx)?;
        let row = tx
            .resource(self.caller.team, self.target.kind, id)?
            .ok_or_else(|| missing(self.target.kind, id))?;
        match self.target.precondition.holds(row.version) {
            true => Ok(row),
            false => Err(Error::Stale { current: row.version }),
        }
    }

    /// The values of the document that are searched by index.
    pub(super) fn values(&self, document: &Document) -> Vec<IndexValue> {
        index::values(self.view.registry(), self.target.kind, document)
    }

    /// Writes the events and the activity row of a change, and gives the answer.
    pub(super) fn finish(&self, tx: &mut WriteTx<'_>, done: Done<'_>) -> Result<Outcome, Error> {
        let row = done.row;
        let mut events: Vec<u64> = done.event.into_iter().collect();
        events.extend(done.delta.write_events(tx, &self.caller, self.by(), &row.id)?);
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
            also: &done.delta.found_by(),
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
    /// The event that tells of the document; those that tell of members come after it.
    pub event: Option<u64>,
    pub notes: &'a Notes,
}

/// The stored document as a value.
pub(super) fn document_of(row: &Row) -> Result<Document, Error> {
    serde_json::from_str(&row.doc)
        .map_err(|error| Error::internal(format!("document of {}: {error}", row.id)))
}

/// Whom the row of a request names.
pub(super) fn subject(row: &Row) -> Option<Subject> {
    Some(Subject { id: row.id.clone(), kind: row.kind, name: row.display.clone() })
}

/// 404 for a resource that this team does not have.
pub(super) fn missing(kind: Kind, id: &str) -> Error {
    let shown: String = id.chars().take(80).collect();
    Error::Scim(ScimError::not_found(format!("there is no {} with the id \"{shown}\"", kind.name())))
}

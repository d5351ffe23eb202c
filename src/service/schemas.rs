//! Schema extensions of a team (RFC 7643 §3.3): which are in force, and how one is added, changed and removed. What
//! resources hold stays readable under whatever is in force: a change that a stored value does not fit is refused.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::redact::Untold;
use super::{Actor, Error, Service};
use crate::base::TeamId;
use crate::scim::schema::{Attribute, Mutability, Returned, Schema, Uniqueness};
use crate::scim::{Document, Kind, Mode, Registry, ScimError, resource};
use crate::store::{ReadTx, StoreError, TeamSchema, WriteTx};

/// How many extensions a team may have.
const MOST_SCHEMAS: usize = 50;
/// How long one document may be, in bytes.
const LONGEST_DOCUMENT: usize = 256 * 1024;
/// How often a request is begun anew because the schemas changed meanwhile.
const ATTEMPTS: usize = 5;

/// What adding a schema came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new.
    New,
    /// There was one of that URN; it has the new document now.
    Changed,
    /// The same document is in force already; nothing was changed.
    Unchanged,
}

/// The schemas in force for a team, as they were at a generation of the file.
#[derive(Clone, Debug)]
pub struct InForce {
    pub registry: Arc<Registry>,
    generation: u64,
}

impl InForce {
    /// Fails with `Outdated` when the schemas may have changed before this snapshot.
    pub fn check(&self, tx: &ReadTx<'_>) -> Result<(), Error> {
        if tx.generation()? == self.generation { Ok(()) } else { Err(Error::Outdated) }
    }
}

/// The schemas of the teams that were asked for, each as of the generation it was read at.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<TeamId, InForce>>);

impl Cache {
    /// The team's schemas as the snapshot has them.
    fn load(&self, tx: &ReadTx<'_>, team: TeamId) -> Result<InForce, Error> {
        let generation = tx.generation()?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&team).filter(|found| found.generation == generation) {
            return Ok(found.clone());
        }
        let registry = registry_of(&tx.schemas(team)?)
            .map_err(|error| Error::internal(format!("the schemas of team {}: {error}", team.0)))?;
        let loaded = InForce { registry, generation };
        known.insert(team, loaded.clone());
        Ok(loaded)
    }
}

fn registry_of(schemas: &[TeamSchema]) -> Result<Arc<Registry>, ScimError> {
    if schemas.is_empty() {
        return Ok(Registry::standard());
    }
    let list: Vec<_> = schemas.iter().map(|schema| (schema.kind, schema.document.clone())).collect();
    Registry::with_extensions(&list)
}

impl Service {
    /// The schemas in force for a team; the standard ones where no team is known.
    pub fn registry(&self, team: Option<TeamId>) -> Result<Arc<Registry>, Error> {
        match team {
            None => Ok(Registry::standard()),
            Some(team) => Ok(self.in_force(team)?.registry),
        }
    }

    /// The attributes of a team whose values no log and no answer repeats.
    pub fn untold(&self, team: TeamId) -> Result<Arc<Untold>, Error> {
        Ok(Arc::new(Untold::of(&*self.registry(Some(team))?)))
    }

    /// The same, with what it takes to see inside a job whether they still are.
    pub(super) fn in_force(&self, team: TeamId) -> Result<InForce, Error> {
        self.store().read_now(|tx| self.0.schemas.load(tx, team))
    }

    /// A team's own schema extensions, each with the number of resources that use it.
    pub async fn team_schemas(&self, team: TeamId) -> Result<Vec<(TeamSchema, u64)>, Error> {
        self.store()
            .read(move |tx| {
                let counted = |schema: TeamSchema| uses(tx, team, &schema).map(|count| (schema, count));
                tx.schemas(team)?.into_iter().map(counted).collect()
            })
            .await
    }

    /// Adds a schema extension to a team, or changes the one of the same URN.
    pub async fn add_schema(
        &self,
        actor: &Actor,
        team: TeamId,
        kind: Kind,
        document: Value,
    ) -> Result<(String, Added), Error> {
        if document.to_string().len() > LONGEST_DOCUMENT {
            let most = LONGEST_DOCUMENT / 1024;
            return Err(Error::Refused(format!("the schema is longer than {most} KiB; split it")));
        }
        let schema = Schema::parse(&document).map_err(refused)?;
        can_be_kept(&schema.attributes, "attributes")?;
        let who = actor.name();
        self.store().write(move |tx| add(tx, team, kind, &schema, &who)).await
    }

    /// Removes a schema extension that no resource of the team uses; answers its URN as it was written.
    pub async fn remove_schema(&self, actor: &Actor, team: TeamId, urn: &str) -> Result<String, Error> {
        let (urn, who) = (urn.to_owned(), actor.name());
        self.store().write(move |tx| remove(tx, team, &urn, &who)).await
    }
}

/// Begins anew while the schemas change under the attempt.
pub(super) async fn settled<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(Error::Outdated) => {}
            done => return done,
        }
    }
    attempt().await
}

/// The same for a point read.
pub(super) fn settled_now<T>(mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(Error::Outdated) => {}
            done => return done,
        }
    }
    attempt()
}

/// Refuses what no resource could fulfil: scimd keeps no value that nobody may read, and fills no `readOnly` attribute.
fn can_be_kept(attributes: &[Arc<Attribute>], place: &str) -> Result<(), Error> {
    for (number, attribute) in attributes.iter().enumerate() {
        let place = format!("{place}[{number}]");
        let hidden = attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly;
        let read_only = attribute.mutability == Mutability::ReadOnly;
        if hidden && (attribute.required || attribute.uniqueness != Uniqueness::None) {
            return Err(Error::Refused(format!(
                "{place}: \"{}\" is never shown and so is not kept; it can be neither required nor unique",
                attribute.name
            )));
        }
        if read_only && attribute.required {
            return Err(Error::Refused(format!(
                "{place}: \"{}\" is readOnly, so that nobody could send it; it cannot be required",
                attribute.name
            )));
        }
        can_be_kept(&attribute.sub_attributes, &format!("{place}.subAttributes"))?;
    }
    Ok(())
}

fn add(
    tx: &mut WriteTx<'_>,
    team: TeamId,
    kind: Kind,
    schema: &Schema,
    who: &str,
) -> Result<(String, Added), Error> {
    let mut schemas = tx.schemas(team)?;
    let document = schema.document();
    let there = schemas.iter().position(|known| known.urn.eq_ignore_ascii_case(&schema.id));
    let Some(number) = there else {
        if schemas.len() >= MOST_SCHEMAS {
            return Err(Error::Refused(format!(
                "a team may have {MOST_SCHEMAS} schemas of its own; remove one first"
            )));
        }
        let now = tx.now();
        let new = TeamSchema { urn: schema.id.clone(), kind, added: now, changed: now, document };
        schemas.push(new);
        registry_of(&schemas).map_err(refused)?;
        tx.put_schema(team, kind, &schema.id, &schemas[schemas.len() - 1].document)?;
        let detail = json!({ "for": kind.name(), "name": schema.name });
        tx.append_audit(Some(team), who, "schema.added", &schema.id, &detail)?;
        return Ok((schema.id.clone(), Added::New));
    };
    let known = schemas[number].clone();
    if known.kind != kind {
        let (has, asked) = (known.kind.name(), kind.name());
        return Err(Error::Refused(format!(
            "{} is loaded for {has}; a schema belongs to one of them, so give the one for {asked} another URN",
            known.urn
        )));
    }
    if known.urn != schema.id {
        return Err(Error::Refused(format!(
            "id: the schema is loaded as {}; write it so, capital letters too",
            known.urn
        )));
    }
    if known.document == document {
        return Ok((known.urn, Added::Unchanged));
    }
    schemas[number].document = document;
    let registry = registry_of(&schemas).map_err(refused)?;
    values_fit(tx, team, &registry, &known)?;
    tx.put_schema(team, kind, &known.urn, &schemas[number].document)?;
    tx.index_extension(team, &registry, kind, &known.urn).map_err(|error| match error {
        StoreError::Taken { attribute, value, .. } => Error::Refused(format!(
            "{attribute} cannot be unique: more than one {} has \"{value}\"; change those first",
            kind.name()
        )),
        other => other.into(),
    })?;
    let detail = json!({ "for": kind.name(), "name": schema.name });
    tx.append_audit(Some(team), who, "schema.changed", &known.urn, &detail)?;
    Ok((known.urn, Added::Changed))
}

fn remove(tx: &mut WriteTx<'_>, team: TeamId, urn: &str, who: &str) -> Result<String, Error> {
    let schemas = tx.schemas(team)?;
    let Some(known) = schemas.iter().find(|known| known.urn.eq_ignore_ascii_case(urn)) else {
        let is_standard = Registry::standard()
            .schema_documents(false)
            .iter()
            .any(|document| document["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(urn)));
        let shown: String = urn.chars().take(120).collect();
        return Err(match is_standard {
            true => Error::Refused(format!("{shown} is a standard schema, which every team has")),
            false => Error::NotFound(format!("the team has no schema \"{shown}\" of its own")),
        });
    };
    let used = uses(tx, team, known)?;
    if used > 0 {
        return Err(Error::Refused(format!(
            "{} is in use: {} {} values under it; remove those first",
            known.urn,
            counted(known.kind, used),
            if used == 1 { "has" } else { "have" }
        )));
    }
    tx.remove_schema(team, &known.urn)?;
    tx.append_audit(Some(team), who, "schema.removed", &known.urn, &json!({ "for": known.kind.name() }))?;
    Ok(known.urn.clone())
}

/// How many resources have values under the schema.
fn uses(tx: &ReadTx<'_>, team: TeamId, schema: &TeamSchema) -> Result<u64, Error> {
    let mut count = 0;
    tx.each_with_extension(team, schema.kind, &schema.urn, |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// Refuses a changed schema under which stored values would not read as they are.
fn values_fit(tx: &ReadTx<'_>, team: TeamId, registry: &Registry, known: &TeamSchema) -> Result<(), Error> {
    let (mut count, mut first) = (0, None);
    tx.each_with_extension(team, known.kind, &known.urn, |id, document| {
        if let Some(why) = misfit(registry, known.kind, &known.urn, document) {
            count += 1;
            first.get_or_insert_with(|| (id.to_owned(), why));
        }
        ControlFlow::Continue(())
    })?;
    match first {
        None => Ok(()),
        Some((id, why)) => Err(Error::Refused(format!(
            "the changed schema does not fit what is stored for {}, such as {id}: {why}. Attributes may be added; \
             remove or change those values first, or keep the attribute as it was",
            counted(known.kind, count)
        ))),
    }
}

/// Why an extension's stored values cannot stay as they are under other schemas, if so.
fn misfit(registry: &Registry, kind: Kind, urn: &str, document: &Document) -> Option<String> {
    let mut part = Document::new();
    part.insert("schemas".into(), json!([kind.urn(), urn]));
    let name = if kind == Kind::User { "userName" } else { "displayName" };
    part.insert(name.into(), "x".into());
    part.insert(urn.to_owned(), document.get(urn)?.clone());
    match resource::parse(registry, kind, &Value::Object(part.clone()), Mode::Strict) {
        Err(error) => Some(error.detail),
        Ok(parsed) if parsed.document.get(urn) == part.get(urn) => None,
        Ok(parsed) => {
            let lost = part[urn].as_object().into_iter().flatten();
            let names: Vec<&str> = lost
                .filter(|(name, value)| {
                    parsed.document.get(urn).and_then(|new| new.get(*name)) != Some(value)
                })
                .map(|(name, _)| name.as_str())
                .collect();
            Some(format!("{} would be lost or change", names.join(", ")))
        }
    }
}

fn counted(kind: Kind, count: u64) -> String {
    let name = kind.name().to_ascii_lowercase();
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

fn refused(error: ScimError) -> Error {
    Error::Refused(error.detail)
}

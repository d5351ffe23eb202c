//! Schema extensions of a team (RFC 7643 §3.3): which are in force, and how one is added, changed and removed. What
//! resources hold stays readable under whatever is in force: a change that a stored value does not fit is refused.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::in_force::registry_of;
use super::{Actor, Error, Service};
use crate::base::TeamId;
use crate::scim::schema::Schema;
use crate::scim::{Document, Kind, Mode, Registry, ScimError, extension, resource};
use crate::store::{Hand, ReadTx, StoreError, TeamSchema, WriteTx};

/// How many extensions a team may have.
const MOST_SCHEMAS: usize = 50;
/// How long one document may be, in bytes.
const LONGEST_DOCUMENT: usize = 256 * 1024;
/// How many who use a schema are named, and how much of a name is.
const NAMED: usize = 3;
const LONGEST_SHOWN: usize = 60;

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

/// One of a team's schemas and who uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaUsers {
    pub schema: TeamSchema,
    pub count: u64,
    /// The first few, by id and name.
    pub first: Vec<(String, String)>,
}

impl SchemaUsers {
    /// "2 users have values under it: Ada Lovelace and Grace Hopper".
    pub fn sentence(&self) -> String {
        let names: Vec<String> =
            self.first.iter().map(|(_, name)| name.chars().take(LONGEST_SHOWN).collect()).collect();
        let more = self.count.saturating_sub(names.len() as u64);
        let list = match (names.as_slice(), more) {
            ([], _) => String::new(),
            (names, 1..) => format!(": {} and {more} more", names.join(", ")),
            ([one], 0) => format!(": {one}"),
            ([start @ .., last], 0) => format!(": {} and {last}", start.join(", ")),
        };
        let have = if self.count == 1 { "has" } else { "have" };
        format!("{} {have} values under it{list}", counted(self.schema.kind, self.count))
    }
}

impl Service {
    /// A team's own schema extensions, each with the number of resources that use it.
    pub async fn team_schemas(&self, team: TeamId) -> Result<Vec<(TeamSchema, u64)>, Error> {
        self.store()
            .read(move |tx| {
                let counted = |schema: TeamSchema| uses(tx, team, &schema).map(|count| (schema, count));
                tx.schemas(team)?.into_iter().map(counted).collect()
            })
            .await
    }

    /// How many resources use one of the team's schemas, and the first few of them by id and name.
    pub async fn schema_users(&self, team: TeamId, urn: &str) -> Result<SchemaUsers, Error> {
        let urn = urn.to_owned();
        self.store().read(move |tx| users(tx, team, &of_team(&tx.schemas(team)?, &urn)?)).await
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
        extension::check(&schema).map_err(refused)?;
        let who = actor.hand();
        self.store().write(move |tx| add(tx, team, kind, &schema, &who)).await
    }

    /// Removes a schema extension that no resource of the team uses; answers its URN as it was written.
    pub async fn remove_schema(&self, actor: &Actor, team: TeamId, urn: &str) -> Result<String, Error> {
        let (urn, who) = (urn.to_owned(), actor.hand());
        self.store().write(move |tx| remove(tx, team, &urn, &who)).await
    }
}

fn add(
    tx: &mut WriteTx<'_>,
    team: TeamId,
    kind: Kind,
    schema: &Schema,
    who: &Hand,
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

fn remove(tx: &mut WriteTx<'_>, team: TeamId, urn: &str, who: &Hand) -> Result<String, Error> {
    let known = of_team(&tx.schemas(team)?, urn)?;
    let used = users(tx, team, &known)?;
    if used.count > 0 {
        return Err(Error::Refused(format!(
            "{} is in use: {}. Remove those first",
            known.urn,
            used.sentence()
        )));
    }
    tx.remove_schema(team, &known.urn)?;
    tx.append_audit(Some(team), who, "schema.removed", &known.urn, &json!({ "for": known.kind.name() }))?;
    Ok(known.urn)
}

/// The team's own schema of that URN, in any case.
fn of_team(schemas: &[TeamSchema], urn: &str) -> Result<TeamSchema, Error> {
    if let Some(known) = schemas.iter().find(|known| known.urn.eq_ignore_ascii_case(urn)) {
        return Ok(known.clone());
    }
    let is_standard = Registry::standard()
        .schema_documents(false)
        .iter()
        .any(|document| document["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(urn)));
    let shown: String = urn.chars().take(120).collect();
    Err(match is_standard {
        true => Error::Refused(format!("{shown} is a standard schema, which every team has")),
        false => Error::NotFound(format!("the team has no schema \"{shown}\" of its own")),
    })
}

/// Who uses a schema.
fn users(tx: &ReadTx<'_>, team: TeamId, schema: &TeamSchema) -> Result<SchemaUsers, Error> {
    let (mut count, mut ids) = (0, Vec::new());
    tx.each_with_extension(team, schema.kind, &schema.urn, |id, _| {
        count += 1;
        if ids.len() < NAMED {
            ids.push(id.to_owned());
        }
        ControlFlow::Continue(())
    })?;
    let mut first = Vec::new();
    for id in ids {
        first.extend(tx.resource_any(team, &id)?.map(|row| (row.id, row.display)));
    }
    Ok(SchemaUsers { schema: schema.clone(), count, first })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::service::testing::{caller, desk};
    use crate::store::index;

    const BADGE: &str = "urn:example:2.0:Badge";

    fn badge(uniqueness: &str, description: &str) -> Value {
        json!({ "id": BADGE, "description": description, "attributes": [
            { "name": "number", "uniqueness": uniqueness } ] })
    }

    fn person(n: usize) -> Value {
        json!({ "schemas": [Kind::User.urn(), BADGE], "userName": format!("p{n}@example.com"),
            BADGE: { "number": format!("B{n}") } })
    }

    /// Writes run while the schema under them changes again and again: each is done once, by one schema or the other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_write_is_lost_or_half_indexed_while_schemas_change() {
        const WRITERS: usize = 4;
        const EACH: usize = 40;
        let desk = Arc::new(desk().await);
        let actor = Actor::CommandLine { user: "root".into() };
        desk.service.add_schema(&actor, desk.team, Kind::User, badge("none", "0")).await.expect("added");
        let before = desk.service.in_force(desk.team).expect("schemas").generation;
        let done = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (desk, done) = (desk.clone(), done.clone());
                tokio::spawn(async move {
                    let mode = if writer % 2 == 0 { Mode::Strict } else { Mode::Compat };
                    for n in 0..EACH {
                        let made = desk
                            .create(&caller(desk.team, mode), Kind::User, person(writer * EACH + n))
                            .await;
                        made.expect("no write is lost to a change of the schemas");
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let mut changes = 0;
        while !writers.iter().all(|writer| writer.is_finished()) {
            changes += 1;
            let document = badge(if changes % 2 == 0 { "none" } else { "server" }, &changes.to_string());
            desk.service.add_schema(&actor, desk.team, Kind::User, document).await.expect("changed");
            // However slow the disk is, some writes come through between two changes, and many meet one.
            let enough = done.load(Ordering::Relaxed) + 6;
            while done.load(Ordering::Relaxed) < enough && !writers.iter().all(|writer| writer.is_finished())
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        for writer in writers {
            writer.await.expect("it ran to its end");
        }
        assert!(changes >= 3, "the schemas hardly changed: {changes}");
        assert!(desk.service.in_force(desk.team).expect("schemas").generation > before);
        let last = badge("server", "last");
        desk.service.add_schema(&actor, desk.team, Kind::User, last).await.expect("nobody shares a number");
        let registry = desk.service.registry(Some(desk.team)).expect("schemas");
        desk.service
            .store()
            .read_now(|tx| -> Result<(), Error> {
                assert_eq!(tx.totals(desk.team)?.users, (WRITERS * EACH) as u64);
                for n in 0..WRITERS * EACH {
                    let path = format!("{BADGE}:number");
                    let row = tx.resource_by_value(desk.team, Kind::User, &path, &format!("b{n}"))?;
                    let row = row.unwrap_or_else(|| panic!("B{n} has no index row"));
                    let document: Document = serde_json::from_str(&row.doc).expect("a document");
                    assert_eq!(document[BADGE]["number"], format!("B{n}"));
                    assert_eq!(document["userName"], format!("p{n}@example.com"));
                    assert!(
                        index::values(&registry, Kind::User, &document)
                            .iter()
                            .any(|value| value.path == path)
                    );
                }
                Ok(())
            })
            .expect("all of them");
        let twin = json!({ "schemas": [Kind::User.urn(), BADGE], "userName": "twin@example.com",
            BADGE: { "number": "b7" } });
        assert!(desk.create(&caller(desk.team, Mode::Strict), Kind::User, twin).await.is_err());
    }

    #[tokio::test]
    async fn only_a_change_of_the_team_s_own_schemas_begins_a_request_anew() {
        let desk = desk().await;
        let actor = Actor::CommandLine { user: "root".into() };
        let other = desk.service.create_team(&actor, "Other").await.expect("made").id;
        let loaded = desk.service.in_force(desk.team).expect("schemas");
        let holds = || desk.service.store().read_now(|tx| loaded.check(tx)).is_ok();
        desk.service.add_schema(&actor, other, Kind::User, badge("none", "")).await.expect("added");
        desk.service.rename_team(&actor, desk.team, "Acme").await.expect("renamed");
        assert!(holds(), "neither touches this team's schemas");
        desk.service.add_schema(&actor, desk.team, Kind::User, badge("none", "")).await.expect("added");
        assert!(!holds());
    }

    #[tokio::test]
    async fn who_uses_a_schema_is_named_and_keeps_it() {
        let desk = desk().await;
        let actor = Actor::CommandLine { user: "root".into() };
        desk.service.add_schema(&actor, desk.team, Kind::User, badge("none", "")).await.expect("added");
        let sentence = async || desk.service.schema_users(desk.team, BADGE).await.expect("users").sentence();
        assert_eq!(sentence().await, "0 users have values under it");
        let mut told = Vec::new();
        for n in 1..=5 {
            desk.create(&caller(desk.team, Mode::Compat), Kind::User, person(n)).await.expect("made");
            told.push(sentence().await);
        }
        assert_eq!(told[0], "1 user has values under it: p1@example.com");
        assert_eq!(
            told[2],
            "3 users have values under it: p1@example.com, p2@example.com and p3@example.com"
        );
        assert_eq!(
            told[4],
            "5 users have values under it: p1@example.com, p2@example.com, p3@example.com and 2 more"
        );
        let refused = desk.service.remove_schema(&actor, desk.team, BADGE).await;
        assert!(
            matches!(&refused, Err(Error::Refused(why)) if why.contains("in use: 5 users")),
            "{refused:?}"
        );
    }
}

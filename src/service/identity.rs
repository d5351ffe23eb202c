//! Who is who: which names may repeat, which record is a second one of the same person, and who comes back.

use serde_json::Value;

use super::Error;
use super::job::Job;
use crate::base::TeamId;
use crate::scim::{Document, Kind, Leniency, Mode, ScimError, fold};
use crate::store::{ReadTx, Row, StoreError, WriteTx};

/// Refuses a second group of the same name for a compat token, unless the team allows it: providers match groups by
/// their name.
pub fn check_group_name(
    tx: &ReadTx<'_>,
    job: &Job,
    document: &Document,
    own: Option<i64>,
) -> Result<(), Error> {
    if job.target.kind != Kind::Group || job.caller.mode == Mode::Strict {
        return Ok(());
    }
    let Some(name) = document.get("displayName").and_then(Value::as_str) else { return Ok(()) };
    let taken = tx.resources_by_value(job.caller.team, Kind::Group, "displayName", &fold::fold(name), 2)?;
    match taken.iter().find(|row| Some(row.n) != own) {
        Some(_) if tx.team_settings(job.caller.team)?.same_group_names => Ok(()),
        Some(row) => Err(Error::Stricter(
            Leniency::UniqueGroupName,
            ScimError::uniqueness(format!(
                "displayName \"{name}\" is already used by the group {}; look it up and update it, or choose another name",
                row.id
            )),
        )),
        None => Ok(()),
    }
}

/// Refuses a second record of one person: an `externalId` that a living user of the same source has (compat only).
pub fn check_external_id(tx: &ReadTx<'_>, job: &Job, document: &Document) -> Result<(), Error> {
    let Some(external) = external_id(document) else { return Ok(()) };
    if job.target.kind != Kind::User || job.caller.mode == Mode::Strict {
        return Ok(());
    }
    let living = tx.resources_by_value(job.caller.team, Kind::User, "externalId", external, 100)?;
    match living.iter().find(|row| row.source == job.caller.source) {
        Some(row) => Err(Error::Stricter(
            Leniency::UniqueExternalId,
            ScimError::uniqueness(format!(
                "externalId \"{external}\" already belongs to {} ({}); update that user",
                row.display, row.id
            )),
        )),
        None => Ok(()),
    }
}

/// The id of the deleted person who comes back: the tombstones of this source with the `externalId` are exactly one
/// person's, and the team gives ids back.
pub fn returning(tx: &ReadTx<'_>, job: &Job, document: &Document) -> Result<Option<String>, Error> {
    let Some(external) = external_id(document) else { return Ok(None) };
    if job.target.kind != Kind::User || job.caller.mode == Mode::Strict {
        return Ok(None);
    }
    let past = tx.tombstones_by_external_id(job.caller.team, &job.caller.source, external)?;
    // Somebody who left more than once has a tombstone for each time, and is one person nevertheless.
    let Some(id) = past.first().map(|tombstone| &tombstone.id) else { return Ok(None) };
    let one = past.iter().all(|tombstone| tombstone.id == *id);
    if !one || !tx.team_settings(job.caller.team)?.restore_returning {
        return Ok(None);
    }
    // Who came back already, and has another identifier now, is here and does not come back.
    Ok(tx.resource_any(job.caller.team, id)?.is_none().then(|| id.clone()))
}

/// Remembers the name that a rename gives up.
pub fn keep_former_name(
    tx: &mut WriteTx<'_>,
    job: &Job,
    row: &Row,
    old: &Document,
    new: &Document,
) -> Result<(), Error> {
    let attribute = match row.kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    };
    let name = |document: &Document| document.get(attribute).and_then(Value::as_str).map(str::to_owned);
    if let Some(former) = name(old).filter(|former| name(new).as_ref() != Some(former)) {
        tx.keep_former_name(job.caller.team, row, &former)?;
    }
    Ok(())
}

/// Takes over a record that another source made: whoever looks it up and updates it owns it from then on.
pub fn adopt(tx: &mut WriteTx<'_>, job: &Job, row: &Row) -> Result<(), Error> {
    if row.source != job.caller.source {
        tx.set_resource_source(job.caller.team, row, &job.caller.source)?;
    }
    Ok(())
}

/// An error of the store, with the name of whoever has a value that must be unique.
pub fn taken(tx: &ReadTx<'_>, team: TeamId, error: StoreError) -> Error {
    let StoreError::Taken { attribute, value, by } = &error else { return error.into() };
    match tx.resource_any(team, by) {
        Ok(Some(row)) => Error::Scim(ScimError::uniqueness(format!(
            "{attribute} \"{value}\" is already used by {} ({by}); choose another or update that one",
            row.display
        ))),
        _ => error.into(),
    }
}

fn external_id(document: &Document) -> Option<&str> {
    document.get("externalId").and_then(Value::as_str).filter(|external| !external.is_empty())
}

//! Why somebody has the state they have: every request that changed one user or group, in order, found by id, by the
//! present name or by one from before.

use super::{Error, Service};
use crate::base::TeamId;
use crate::scim::{Kind, fold};
use crate::store::{ActivityQuery, ActivityRow, ReadTx};

/// Requests that one history shows.
const LONGEST: u32 = 10_000;

/// All that is known of one user or group.
#[derive(Debug)]
pub struct History {
    pub id: String,
    pub kind: Kind,
    /// The name; the last one, where it was deleted.
    pub name: String,
    pub deleted: bool,
    /// Oldest first.
    pub rows: Vec<ActivityRow>,
}

impl Service {
    /// The history of whoever an id or a name means.
    pub async fn history(&self, team: TeamId, text: &str) -> Result<History, Error> {
        let text = text.trim().to_owned();
        self.store()
            .read(move |tx| match meant(tx, team, &text)? {
                Some(id) => history(tx, team, &id),
                None => Err(Error::NotFound(format!(
                    "nobody here has or had the id or name \"{text}\"; give an id, a userName or a group's name"
                ))),
            })
            .await
    }
}

/// The id that a text means: an id, a present name, a former one, or the name of somebody who was deleted.
fn meant(tx: &ReadTx<'_>, team: TeamId, text: &str) -> Result<Option<String>, Error> {
    if tx.resource_any(team, text)?.is_some() || tx.tombstone(team, text)?.is_some() {
        return Ok(Some(text.to_owned()));
    }
    let folded = fold::fold(text);
    for (kind, attribute) in [(Kind::User, "userName"), (Kind::Group, "displayName")] {
        if let Some(row) = tx.resource_by_value(team, kind, attribute, &folded)? {
            return Ok(Some(row.id));
        }
    }
    for kind in [Kind::User, Kind::Group] {
        if let Some(row) = tx.formerly(team, kind, text, 1)?.into_iter().next() {
            return Ok(Some(row.id));
        }
    }
    let query = ActivityQuery { text: Some(text.to_owned()), limit: 50, ..ActivityQuery::default() };
    let named = tx.activity(Some(team), &query)?.into_iter().filter_map(|row| row.activity.subject);
    Ok(named.into_iter().find(|subject| fold::fold(&subject.name) == folded).map(|subject| subject.id))
}

fn history(tx: &ReadTx<'_>, team: TeamId, id: &str) -> Result<History, Error> {
    let query = ActivityQuery { subject: Some(id.to_owned()), limit: LONGEST, ..ActivityQuery::default() };
    let mut rows = tx.activity(Some(team), &query)?;
    // Reads change nobody's state.
    rows.retain(|row| row.activity.change);
    let living = tx.resource_any(team, id)?;
    let mut memberships = Vec::new();
    if let Some(row) = &living {
        memberships.extend(tx.memberships_begun(row.n)?);
    }
    for past in tx.past_groups(team, id, LONGEST)? {
        memberships.extend([(past.group.clone(), past.events.0), (past.group, past.events.1)]);
    }
    for (group, event) in memberships {
        rows.extend(tx.activity_of_event(team, &group, event)?);
    }
    rows.sort_by_key(|row| (row.activity.at, row.n));
    rows.dedup_by_key(|row| row.n);
    let (kind, name) = match (&living, tx.tombstone(team, id)?) {
        (Some(row), _) => (row.kind, row.display.clone()),
        (None, Some(gone)) => (gone.kind, gone.display),
        (None, None) => (Kind::User, id.to_owned()),
    };
    Ok(History { id: id.to_owned(), kind, name, deleted: living.is_none(), rows })
}

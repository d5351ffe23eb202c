//! Why somebody has the state they have: everything that changed one user or group, or was to, in order, with the request
//! that did it. Events and memberships tell of it as long as the team keeps its history; what the requests still kept
//! know more of is taken from them.

use super::past::{Me, Place, page};
use super::told::Told;
use super::{Error, Service};
use crate::base::{TeamId, Timestamp};
use crate::scim::{Kind, fold};
use crate::store::{ActivityQuery, ReadTx, Row};

/// Entries that are read at a time where all are wanted.
const STEP: usize = 500;
/// Namesakes that are listed.
const NAMESAKES: u32 = 10;
/// The kinds, and by which attribute each is named.
const NAMED: [(Kind, &str); 2] = [(Kind::User, "userName"), (Kind::Group, "displayName")];

/// All that is known of one user or group.
#[derive(Debug)]
pub struct History {
    pub who: Who,
    /// Oldest first.
    pub told: Vec<Told>,
}

/// One user or group, and its state of now.
#[derive(Clone, Debug)]
pub struct Who {
    pub id: String,
    pub kind: Kind,
    /// The name; the last one, where it was deleted.
    pub name: String,
    pub created: Timestamp,
    pub state: State,
    /// Others who have or had the name by which it was found: their ids.
    pub namesakes: Vec<String>,
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is here, active or not, in groups of these names.
    Here {
        active: bool,
        groups: Vec<String>,
    },
    Deleted(Gone),
}

/// What is remembered of the deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub at: Timestamp,
    /// The token that deleted it.
    pub token: Option<i64>,
    /// The administrator who deleted it.
    pub who: Option<String>,
    pub external_id: Option<String>,
    pub version: u64,
}

/// Some entries of a history, latest first.
#[derive(Debug, Default)]
pub struct Page {
    pub told: Vec<Told>,
    /// Where older ones begin.
    pub older: Option<Place>,
}

impl Service {
    /// The whole history of whoever an id or a name means.
    pub async fn history(&self, team: TeamId, text: &str) -> Result<History, Error> {
        let text = text.trim().to_owned();
        self.store()
            .read(move |tx| {
                let who = meant(tx, team, &text)?;
                let (mut told, mut place) = (Vec::new(), Some(Place::default()));
                while let Some(before) = place {
                    let page = page(tx, team, &me(&who), before, STEP)?;
                    told.extend(page.told);
                    place = page.older;
                }
                told.reverse();
                Ok(History { who, told })
            })
            .await
    }

    /// A page of the history of somebody who is known.
    pub fn history_of(
        &self,
        team: TeamId,
        who: &Who,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Page, Error> {
        self.store().read_now(|tx| page(tx, team, &me(who), before.unwrap_or_default(), limit))
    }

    /// A page of the history of one user or group that is or was here; `None` for an id that never was.
    pub fn history_page(
        &self,
        team: TeamId,
        id: &str,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Option<(Who, Page)>, Error> {
        self.store().read_now(|tx| {
            let Some(who) = known(tx, team, id)? else { return Ok(None) };
            let page = page(tx, team, &me(&who), before.unwrap_or_default(), limit)?;
            Ok(Some((who, page)))
        })
    }
}

impl Who {
    /// Who a record is of; the groups are left out.
    pub fn of(row: &Row) -> Who {
        Who {
            id: row.id.clone(),
            kind: row.kind,
            name: row.display.clone(),
            created: row.created,
            state: State::Here { active: row.active, groups: Vec::new() },
            namesakes: Vec::new(),
        }
    }
}

fn me(who: &Who) -> Me<'_> {
    Me { id: &who.id, kind: who.kind, name: &who.name }
}

/// Who has an id, or had it.
fn known(tx: &ReadTx<'_>, team: TeamId, id: &str) -> Result<Option<Who>, Error> {
    if let Some(row) = tx.resource_any(team, id)? {
        let groups = tx.groups_of(team, row.n)?.into_iter().filter(|group| group.direct);
        let groups = groups.map(|group| group.display).collect();
        return Ok(Some(Who { state: State::Here { active: row.active, groups }, ..Who::of(&row) }));
    }
    Ok(tx.tombstone(team, id)?.map(|gone| Who {
        id: gone.id,
        kind: gone.kind,
        name: gone.display,
        created: gone.created,
        state: State::Deleted(Gone {
            at: gone.deleted,
            token: gone.token,
            who: gone.who,
            external_id: gone.external_id,
            version: gone.version,
        }),
        namesakes: Vec::new(),
    }))
}

/// Whom a text means: an id, a present name, a name from before, or the name of somebody who was deleted.
fn meant(tx: &ReadTx<'_>, team: TeamId, text: &str) -> Result<Who, Error> {
    if let Some(who) = known(tx, team, text)? {
        return Ok(who);
    }
    let mut here = present(tx, team, text)?;
    let mut before = past(tx, team, text)?;
    if here.is_empty() && before.is_empty() {
        before = in_sentences(tx, team, text)?;
    }
    before.retain(|id| !here.contains(id));
    let found = if here.is_empty() { &mut before } else { &mut here };
    match found.as_slice() {
        [] => Err(Error::NotFound(format!(
            "nobody here has or had the id or name \"{text}\"; give an id, a userName or a group's name"
        ))),
        [_] => {
            let one = found.remove(0);
            let who = known(tx, team, &one)?.ok_or_else(|| Error::NotFound(format!("{one} is forgotten")))?;
            Ok(Who { namesakes: here.into_iter().chain(before).collect(), ..who })
        }
        many => Err(Error::Refused(format!("\"{text}\" means several; give an id: {}", many.join(", ")))),
    }
}

/// Who has the name: by the name that is unique, or else by the one to show.
fn present(tx: &ReadTx<'_>, team: TeamId, text: &str) -> Result<Vec<String>, Error> {
    let folded = fold::fold(text);
    let mut found = Vec::new();
    for (kind, attribute) in NAMED {
        let rows = tx.resources_by_value(team, kind, attribute, &folded, NAMESAKES)?;
        found.extend(rows.into_iter().map(|row| row.id));
    }
    if found.is_empty() {
        let rows = tx.resources_by_value(team, Kind::User, "displayName", &folded, NAMESAKES)?;
        found.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(found)
}

/// Who had the name, here or deleted.
fn past(tx: &ReadTx<'_>, team: TeamId, text: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for here in [true, false] {
        for (kind, _) in NAMED {
            found.extend(tx.named_before(team, kind, text, NAMESAKES, here)?);
        }
    }
    Ok(found)
}

/// Whom requests called by the name: it may be put together from parts of a record.
fn in_sentences(tx: &ReadTx<'_>, team: TeamId, text: &str) -> Result<Vec<String>, Error> {
    let query = ActivityQuery { text: Some(text.to_owned()), limit: 50, ..ActivityQuery::default() };
    let folded = fold::fold(text);
    let subjects = tx.activity(Some(team), &query)?.into_iter().filter_map(|row| row.activity.subject);
    let mut found: Vec<String> = Vec::new();
    for subject in subjects.filter(|subject| fold::fold(&subject.name) == folded) {
        if !found.contains(&subject.id) && known(tx, team, &subject.id)?.is_some() {
            found.push(subject.id);
        }
    }
    Ok(found)
}

//! Requests as a history tells them: whom a change of a group's members was about, and names in the place of ids. Reads
//! only; the words are the page's.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use super::Error;
use crate::base::TeamId;
use crate::scim::Kind;
use crate::store::{ActivityRow, Edge, Moved, ReadTx, Whereabouts};

/// Members of one request that are named; the others are counted.
const NAMED: usize = 4;
/// Events of one request that are looked at.
const EVENTS: u64 = 8;

/// A request and whom it moved.
#[derive(Clone, Debug)]
pub struct Told {
    /// In the history of one user or group its sentence is about that one. Of a request that is forgotten it holds what the
    /// events remember.
    pub row: ActivityRow,
    pub joined: Moved,
    pub left: Moved,
    /// The groups that the one whose history it is joined or left with it.
    pub groups: Vec<Edge>,
    /// Whether the request itself is still kept.
    pub kept: bool,
    /// The names of its events, as far as they are known, in order.
    pub events: Vec<String>,
}

impl Told {
    /// A request that is kept, with nobody moved.
    pub fn of(row: ActivityRow) -> Told {
        Told {
            row,
            joined: Moved::default(),
            left: Moved::default(),
            groups: Vec::new(),
            kept: true,
            events: Vec::new(),
        }
    }
}

/// Requests with whom they moved, in their order; ids of managers become names. Whom they were about is looked up too.
pub(super) fn told(names: &mut Names<'_>, rows: Vec<ActivityRow>) -> Result<Vec<Told>, Error> {
    let numbers = rows.iter().flat_map(|row| moved_by(row).unwrap_or_default());
    let moves = names.tx.moves(names.team, numbers)?;
    let subjects = rows.iter().filter_map(|row| row.activity.subject.as_ref());
    names.learn(rows.iter().flat_map(managers_of).chain(subjects.map(|subject| subject.id.as_str())))?;
    let mut all = Vec::with_capacity(rows.len());
    for mut row in rows {
        let (mut joined, mut left) = (Moved::default(), Moved::default());
        for (_, (event, moved)) in moved_by(&row).into_iter().flat_map(|numbers| moves.range(numbers)) {
            count((&mut joined, &mut left), event, Some(moved));
        }
        managers(names, &mut row)?;
        all.push(Told { joined, left, ..Told::of(row) });
    }
    Ok(all)
}

/// Names of ids, each looked up once.
pub(super) struct Names<'a> {
    pub(super) tx: &'a ReadTx<'a>,
    pub(super) team: TeamId,
    known: HashMap<String, Option<Whereabouts>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(tx: &'a ReadTx<'a>, team: TeamId) -> Names<'a> {
        Names { tx, team, known: HashMap::new() }
    }

    fn of(&mut self, id: &str) -> Result<Option<&Whereabouts>, Error> {
        self.learn([id])?;
        Ok(self.known.get(id).and_then(Option::as_ref))
    }

    /// Those who live here or did once, of all that were looked up.
    pub(super) fn found(self) -> impl Iterator<Item = Whereabouts> {
        self.known.into_values().flatten()
    }

    /// Looks up those that are not known yet, all at once.
    pub(super) fn learn<'i>(&mut self, ids: impl IntoIterator<Item = &'i str>) -> Result<(), Error> {
        let mut new: Vec<&str> = ids.into_iter().filter(|id| !self.known.contains_key(*id)).collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        let found = self.tx.whereabouts(self.team, &new)?;
        self.known.extend(new.into_iter().map(|id| (id.to_owned(), None)));
        self.known.extend(found.into_iter().map(|one| (one.id.clone(), Some(one))));
        Ok(())
    }
}

/// The numbers of the events that may tell whom a request moved.
fn moved_by(row: &ActivityRow) -> Option<Range<u64>> {
    let activity = &row.activity;
    let ((first, last), group) = (activity.events?, activity.subject.as_ref()?);
    let moves = group.kind == Kind::Group && activity.status < 400;
    moves.then(|| first..first + EVENTS.min(last - first + 1))
}

/// Adds the members of one event to those who joined or left.
pub(super) fn count((joined, left): (&mut Moved, &mut Moved), event: &str, moved: Option<&Moved>) {
    let side = match event {
        "membership.added" => joined,
        "membership.removed" => left,
        _ => return,
    };
    let Some(moved) = moved else { return };
    side.count += moved.count;
    let more = NAMED.saturating_sub(side.who.len());
    side.who.extend(moved.who.iter().take(more).cloned());
}

/// The ids in a request's changes that `managers` names.
pub(super) fn managers_of(row: &ActivityRow) -> impl Iterator<Item = &str> {
    let changes = row.activity.diff.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let of_manager =
        |change: &&Value| change["path"].as_str().is_some_and(|path| path.ends_with("manager.value"));
    changes
        .iter()
        .filter(of_manager)
        .flat_map(|change| [&change["old"], &change["new"]])
        .filter_map(Value::as_str)
}

/// A manager is told by name: `manager` in the place of `…:manager.value`.
pub(super) fn managers(names: &mut Names<'_>, row: &mut ActivityRow) -> Result<(), Error> {
    let Some(Value::Array(changes)) = &mut row.activity.diff else { return Ok(()) };
    for change in changes {
        let path = change.get("path").and_then(Value::as_str).unwrap_or_default();
        let Some(path) = path.strip_suffix("manager.value").map(|before| format!("{before}manager")) else {
            continue;
        };
        for side in ["old", "new"] {
            let id = change.get(side).and_then(Value::as_str).unwrap_or_default();
            if let Some(named) = names.of(id)? {
                change[side] = named.display.as_str().into();
            }
        }
        change["path"] = path.into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Mode;
    use crate::service::testing::{caller, desk};

    #[tokio::test]
    async fn members_and_managers_are_told_by_name() {
        let desk = desk().await;
        let caller = caller(desk.team, Mode::Compat);
        let user = |name: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "displayName": name });
        let mut ids = Vec::new();
        for name in ["Ada", "Bea", "Cem", "Dan", "Eve", "Fay"] {
            let made = desk.create(&caller, Kind::User, user(name)).await.expect("made");
            ids.push(made.id.clone());
        }
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Ops",
            "members": ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>() });
        let made = desk.create(&caller, Kind::Group, group.clone()).await.expect("made");
        let mut fewer = group;
        fewer["members"] = json!([{ "value": ids[0] }]);
        desk.replace(&caller, Kind::Group, &made.id, fewer).await.expect("replaced");
        desk.delete(&caller, Kind::User, &ids[5]).await.expect("deleted");
        let history = |id: &str| {
            let found = desk.service.history_page(desk.team, id, None, 9).expect("read").expect("there");
            found.1.told
        };
        let names = |moved: &Moved| moved.who.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        let found = history(&made.id);
        let [left, joined] = &found[..] else { panic!("{found:?}") };
        let fay = joined.joined.who.iter().chain(&left.left.who).find(|one| one.name == "Fay");
        assert!(fay.is_none_or(|fay| !fay.here), "{fay:?}");
        assert_eq!((joined.joined.count, names(&joined.joined).len()), (6, NAMED));
        assert_eq!((left.left.count, left.joined.count), (5, 0));
        assert!(names(&left.left).contains(&"Bea".to_owned()), "{left:?}");

        let mut with_manager = user("Bea");
        with_manager["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({ "manager": { "value": ids[0] } });
        desk.replace(&caller, Kind::User, &ids[1], with_manager).await.expect("replaced");
        let found = desk.service.detail(desk.team, Kind::User, &ids[1]).expect("read").expect("there");
        let diff = history(&ids[1])[0].row.activity.diff.clone().expect("a difference");
        let change = diff.as_array().and_then(|all| all.first()).expect("one");
        assert!(change["path"].as_str().is_some_and(|path| path.ends_with(":manager")), "{change}");
        assert_eq!(change["new"], "Ada");
        assert!(found.requests >= 2, "{}", found.requests);
    }
}

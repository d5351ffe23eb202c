//! Membership edits inside a write job: who really joined and who really left. A change costs what it is large;
//! only replacing the whole list reads the whole list.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::{Caller, Error};
use crate::scim::filter::{Filter, eval_value};
use crate::scim::patch::{MemberEdit, Otherwise};
use crate::scim::resource::Member;
use crate::scim::{Kind, Leniency, Mode, Notes, ScimError};
use crate::store::{By, Known, ReadTx, Row, WriteTx};

/// How many members one event names at most.
const EVENT_MEMBERS: usize = 1000;
/// By how many members a request is found at most.
const FOUND_BY: usize = 200;

/// What an edit came to: members by their internal number.
#[derive(Debug, Default)]
pub struct Delta {
    joined: BTreeMap<i64, Known>,
    left: BTreeMap<i64, Known>,
}

impl Delta {
    /// Whether nobody joined and nobody left.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }

    /// How many joined.
    pub fn joined(&self) -> usize {
        self.joined.len()
    }

    /// The names of those who joined, and of those who left.
    pub fn names(&self) -> (Vec<String>, Vec<String>) {
        let names = |side: &BTreeMap<i64, Known>| side.values().map(|found| found.display.clone()).collect();
        (names(&self.joined), names(&self.left))
    }

    /// The ids and names of those who joined or left, by which the request is found: of many, the first.
    pub fn found_by(&self) -> Vec<String> {
        let all = self.joined.values().chain(self.left.values()).take(FOUND_BY);
        all.flat_map(|found| [found.id.clone(), found.display.clone()]).collect()
    }

    fn add(&mut self, found: Known) {
        if self.left.remove(&found.n).is_none() {
            self.joined.insert(found.n, found);
        }
    }

    fn remove(&mut self, found: Known) {
        if self.joined.remove(&found.n).is_none() {
            self.left.insert(found.n, found);
        }
    }

    /// Writes the events of the change: one per thousand members and direction.
    pub fn write_events(
        &self,
        tx: &mut WriteTx<'_>,
        caller: &Caller,
        by: By<'_>,
        group: &str,
    ) -> Result<Vec<u64>, Error> {
        let mut numbers = Vec::new();
        for (name, side) in [("membership.added", &self.joined), ("membership.removed", &self.left)] {
            let ids: Vec<&str> = side.values().map(|found| found.id.as_str()).collect();
            for chunk in ids.chunks(EVENT_MEMBERS) {
                let body = json!({ "group": group, "members": chunk });
                numbers.push(tx.append_event(caller.team, by, name, Kind::Group, group, &body)?);
            }
        }
        Ok(numbers)
    }
}

/// Applies membership edits to a group, in their order.
pub fn apply(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    group: &Row,
    edits: &[MemberEdit],
    notes: &mut Notes,
) -> Result<Delta, Error> {
    let mut delta = Delta::default();
    for edit in edits {
        match edit {
            MemberEdit::Add(members) => enter(tx, caller, group, members, notes, &mut delta)?,
            MemberEdit::Remove(ids) => {
                let found = tx.find_members(caller.team, ids.iter().map(String::as_str))?;
                remove(tx, caller, group, found, &mut delta)?;
            }
            MemberEdit::RemoveWhere { filter, otherwise } => {
                let matching = matching(tx, caller, group, filter)?;
                match otherwise {
                    Otherwise::Fail if matching.is_empty() => return Err(nobody("removed")),
                    Otherwise::Nothing if matching.is_empty() => notes.used(Leniency::RemoveMissing),
                    _ => remove(tx, caller, group, matching, &mut delta)?,
                }
            }
            MemberEdit::RemoveAll => {
                let everyone = tx.known_members(caller.team, group.n)?;
                remove(tx, caller, group, everyone, &mut delta)?;
            }
            MemberEdit::Replace(members) => replace(tx, caller, group, members, notes, &mut delta)?,
            MemberEdit::ReplaceWhere { filter, with, create } => {
                let matching = matching(tx, caller, group, filter)?;
                if matching.is_empty() && !create {
                    return Err(nobody("replaced"));
                }
                let wanted = resolve(tx, caller, with, notes)?;
                remove(tx, caller, group, matching, &mut delta)?;
                add(tx, caller, group, wanted, &mut delta)?;
            }
        }
    }
    Ok(delta)
}

/// Takes members into a group.
pub fn enter(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    group: &Row,
    members: &[Member],
    notes: &mut Notes,
    delta: &mut Delta,
) -> Result<(), Error> {
    let wanted = resolve(tx, caller, members, notes)?;
    add(tx, caller, group, wanted, delta)
}

/// Makes the member list exactly `members` (PUT, or PATCH `replace` on `members`).
pub fn replace(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    group: &Row,
    members: &[Member],
    notes: &mut Notes,
    delta: &mut Delta,
) -> Result<(), Error> {
    let wanted = resolve(tx, caller, members, notes)?;
    let keep: HashSet<i64> = wanted.iter().map(|found| found.n).collect();
    let everyone = tx.known_members(caller.team, group.n)?;
    let gone = everyone.into_iter().filter(|found| !keep.contains(&found.n)).collect();
    remove(tx, caller, group, gone, delta)?;
    add(tx, caller, group, wanted, delta)
}

fn add(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    group: &Row,
    wanted: Vec<Known>,
    delta: &mut Delta,
) -> Result<(), Error> {
    for found in tx.add_members(caller.team, group, wanted)? {
        delta.add(found);
    }
    Ok(())
}

fn remove(
    tx: &mut WriteTx<'_>,
    caller: &Caller,
    group: &Row,
    unwanted: Vec<Known>,
    delta: &mut Delta,
) -> Result<(), Error> {
    let numbers: Vec<i64> = unwanted.iter().map(|found| found.n).collect();
    let mut removed = tx.remove_members(caller.team, group, &numbers)?.into_iter().peekable();
    for found in unwanted {
        if removed.next_if_eq(&found.n).is_some() {
            delta.remove(found);
        }
    }
    Ok(())
}

/// The users and groups that the ids name. An id that was never here is `invalidValue`; one that is deleted is
/// skipped for a compat token, since one dead id must not block a whole group.
fn resolve(
    tx: &ReadTx<'_>,
    caller: &Caller,
    members: &[Member],
    notes: &mut Notes,
) -> Result<Vec<Known>, Error> {
    let found = tx.find_members(caller.team, members.iter().map(|member| member.value.as_str()))?;
    let typed = members.iter().any(|member| member.kind.is_some());
    if found.len() < members.len() || typed {
        let known: HashMap<&str, Kind> = found.iter().map(|found| (found.id.as_str(), found.kind)).collect();
        for member in members {
            match known.get(member.value.as_str()) {
                Some(kind) => check_type(caller, member, *kind, notes)?,
                None => unknown(tx, caller, member, notes)?,
            }
        }
    }
    Ok(found)
}

fn check_type(caller: &Caller, member: &Member, kind: Kind, notes: &mut Notes) -> Result<(), Error> {
    match (member.kind.is_some_and(|said| said != kind), caller.mode) {
        (false, _) => Ok(()),
        (true, Mode::Compat) => {
            notes.used(Leniency::MemberType);
            Ok(())
        }
        (true, Mode::Strict) => {
            let detail =
                format!("members: \"{}\" is a {}, not what its type says", member.value, kind.name());
            Err(Error::Scim(ScimError::invalid_value(detail)))
        }
    }
}

fn unknown(tx: &ReadTx<'_>, caller: &Caller, member: &Member, notes: &mut Notes) -> Result<(), Error> {
    let was_here = tx.was_here(caller.team, &member.value)?;
    if was_here && caller.mode == Mode::Compat {
        notes.dropped(Leniency::DeletedMember, &member.value);
        return Ok(());
    }
    let what = if was_here { "is deleted" } else { "is not in this directory" };
    Err(Error::Scim(ScimError::invalid_value(format!(
        "members: \"{}\" {what}; send the id that scimd gave for a living user or group",
        member.value
    ))))
}

/// The members that satisfy a filter.
fn matching(tx: &ReadTx<'_>, caller: &Caller, group: &Row, filter: &Filter) -> Result<Vec<Known>, Error> {
    let everyone = tx.known_members(caller.team, group.n)?;
    Ok(everyone.into_iter().filter(|found| eval_value(filter, &as_value(found))).collect())
}

fn nobody(done: &str) -> Error {
    let detail = format!("members: no member satisfies the filter of the path; nobody was {done}");
    Error::Scim(ScimError::no_target(detail))
}

/// A member as a filter on `members` sees it. Its address counts from the base, as RFC 7643 §2.3.7 lets it.
fn as_value(found: &Known) -> Value {
    let address = format!("/{}/{}", found.kind.endpoint(), found.id);
    let mut value = json!({ "value": found.id, "$ref": address, "type": found.kind.name() });
    if found.named {
        value["display"] = found.display.as_str().into();
    }
    value
}

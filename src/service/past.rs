//! A history, put together: what happened to one user or group by its events and memberships, with the requests that did it
//! and those that came to nothing, latest first. Who is meant is `history`'s.

use std::collections::HashMap;

use serde_json::Value;

use super::history::Page;
use super::sentence::{Change, Deed, Sentence, shown};
use super::told::{Names, Told, count, managers, managers_of};
use super::{Error, record, sentence};
use crate::base::TeamId;
use crate::scim::Kind;
use crate::store::{Activity, ActivityRow, Edge, Happened, Moved, ReadTx, Subject};

/// What there was no room for on the disk may be written so much later than a change that came after it.
const WAITING_MS: i64 = 5_000;

/// Whose history it is.
#[derive(Clone, Copy, Debug)]
pub struct Me<'a> {
    pub id: &'a str,
    pub kind: Kind,
    pub name: &'a str,
}

/// Behind which entry a page begins: the event and the row that were shown last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub event: u64,
    pub row: i64,
}

impl Default for Place {
    fn default() -> Place {
        Place { event: i64::MAX as u64, row: i64::MAX }
    }
}

/// A page of a history, latest first.
pub fn page(tx: &ReadTx<'_>, team: TeamId, me: &Me<'_>, before: Place, limit: usize) -> Result<Page, Error> {
    // One more than is shown, and the first part of the one behind it.
    let mut deeds = Deeds::begin(tx, team, me.id, before, limit as u32 + 2)?;
    let mut quiet = std::mem::take(&mut deeds.quiet).into_iter().peekable();
    let mut next = deeds.told(me)?;
    let (mut told, mut place) = (Vec::new(), before);
    while told.len() < limit {
        if let Some(one) = quiet.next_if(|one| next.as_ref().is_none_or(|(told, _)| came_after(one, told))) {
            place.row = one.n;
            told.push(Told::of(one));
        } else if let Some((one, first)) = next.take() {
            place.event = first;
            told.push(one);
            next = deeds.told(me)?;
        } else {
            break;
        }
    }
    let more = next.is_some() || quiet.peek().is_some();
    Ok(Page { told, older: more.then_some(place) })
}

/// Whether a request that made no event came after one that did. The order of writing decides, since a clock may be put
/// back, but for what had to wait for room. What is forgotten is older than all that is kept.
fn came_after(quiet: &ActivityRow, told: &Told) -> bool {
    let behind = told.row.activity.at.since(quiet.activity.at);
    !told.kept || quiet.n > told.row.n && !(1..WAITING_MS).contains(&behind)
}

/// What happened, latest first, the parts of one request together.
struct Deeds<'t> {
    tx: &'t ReadTx<'t>,
    team: TeamId,
    id: &'t str,
    /// Numbers below this are still to be read.
    before: u64,
    step: u32,
    read: std::vec::IntoIter<Happened>,
    ahead: Option<Happened>,
    /// The requests that did what was read, as far as they are kept.
    rows: HashMap<String, ActivityRow>,
    /// Requests that made no event, latest first.
    quiet: Vec<ActivityRow>,
    names: Names<'t>,
}

impl<'t> Deeds<'t> {
    /// Reads the first of it, and with it the requests that made no event and were written before a place.
    fn begin(
        tx: &'t ReadTx<'t>,
        team: TeamId,
        id: &'t str,
        before: Place,
        step: u32,
    ) -> Result<Deeds<'t>, Error> {
        let mut deeds = Deeds {
            tx,
            team,
            id,
            before: before.event,
            step,
            read: Vec::new().into_iter(),
            ahead: None,
            rows: HashMap::new(),
            quiet: Vec::new(),
            names: Names::new(tx, team),
        };
        deeds.quiet = deeds.fill((before.row, step))?;
        Ok(deeds)
    }

    /// The next request in words, and the number of its first event.
    fn told(&mut self, me: &Me<'_>) -> Result<Option<(Told, u64)>, Error> {
        let Some(parts) = self.next()? else { return Ok(None) };
        let found = parts.iter().find_map(|part| self.rows.remove(part.request.as_deref()?));
        tell(&mut self.names, me, parts, found).map(Some)
    }

    /// The parts of the next request, latest first.
    fn next(&mut self) -> Result<Option<Vec<Happened>>, Error> {
        let first = match self.ahead.take() {
            Some(first) => first,
            None => match self.part()? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        let mut parts = vec![first];
        while let Some(part) = self.part()? {
            let of_one =
                part.number == parts[0].number || part.request.is_some() && part.request == parts[0].request;
            if !of_one {
                self.ahead = Some(part);
                break;
            }
            parts.push(part);
        }
        Ok(Some(parts))
    }

    fn part(&mut self) -> Result<Option<Happened>, Error> {
        if self.read.len() == 0 && self.before > 0 {
            self.fill((0, 0))?;
        }
        Ok(self.read.next())
    }

    /// Reads on. Of two lists that were cut, only what lies above both cuts is whole. Answers requests that made no event and
    /// were written before the row of that number, as many as are asked for.
    fn fill(&mut self, (row, quiet): (i64, u32)) -> Result<Vec<ActivityRow>, Error> {
        let mut all = self.tx.happened(self.team, self.id, self.before, self.step)?;
        let cut = |edges: bool| {
            let mut list = all.iter().filter(|one| one.edge.is_some() == edges);
            let behind = list.clone().count() >= self.step as usize;
            list.next_back().filter(|_| behind).map_or(0, |last| last.number)
        };
        let floor = cut(false).max(cut(true));
        all.retain(|one| one.number >= floor);
        let mut requests: Vec<&str> = all.iter().filter_map(|one| one.request.as_deref()).collect();
        requests.dedup();
        let mut silent = Vec::new();
        if quiet > 0 || !requests.is_empty() {
            let rows = self.tx.requests_of(self.team, self.id, row, quiet, &requests)?;
            silent = rows.0;
            self.rows.extend(rows.1.into_iter().map(|row| (row.activity.request.clone(), row)));
        }
        self.names.learn(self.rows.values().flat_map(managers_of))?;
        (self.before, self.read) = (floor, all.into_iter());
        Ok(silent)
    }
}

/// What the parts of one request come to, and the number of the first.
fn tell(
    names: &mut Names<'_>,
    me: &Me<'_>,
    mut parts: Vec<Happened>,
    found: Option<ActivityRow>,
) -> Result<(Told, u64), Error> {
    parts.reverse();
    let first = &parts[0];
    let (number, last) = (first.number, parts.last().map_or(first.number, |last| last.number));
    let kept = found.is_some();
    let row = found.unwrap_or_else(|| ActivityRow {
        n: 0,
        activity: Activity {
            request: first.request.clone().unwrap_or_default(),
            at: first.at,
            team: Some(names.team),
            token: first.token,
            who: first.who.clone(),
            change: true,
            folded: 1,
            events: Some((number, last)),
            ..Activity::default()
        },
    });
    let mut told = Told { kept, ..Told::of(row) };
    for part in &parts {
        count((&mut told.joined, &mut told.left), &part.name, part.moved.as_ref());
    }
    if told.row.activity.subject.as_ref().is_none_or(|subject| subject.id != me.id) {
        retell(me, &parts, &mut told);
    }
    managers(names, &mut told.row)?;
    for part in parts.into_iter().filter(|part| !part.name.is_empty()) {
        if told.events.last() != Some(&part.name) {
            told.events.push(part.name);
        }
    }
    Ok((told, number))
}

/// Puts a request in words about the one whose history it is. What its sentence said of another stands below.
fn retell(me: &Me<'_>, parts: &[Happened], told: &mut Told) {
    let edges: Vec<Edge> = parts.iter().filter_map(|part| part.edge.clone()).collect();
    let activity = &mut told.row.activity;
    let whole = std::mem::take(&mut activity.sentence);
    // What another's request did to its own record is no change of this one.
    activity.diff = None;
    let (line, note) = match &activity.subject {
        Some(subject) if edges.is_empty() => (format!("{} left {}", subject.name, me.name), String::new()),
        None if parts.iter().any(|part| part.edge.is_none()) => {
            let said = from_events(me, parts, (&told.joined, &told.left), &mut activity.diff);
            (said.line, said.note)
        }
        _ => {
            let line = membership(me.name, &edges);
            told.groups = edges;
            (line, String::new())
        }
    };
    activity.note = if whole.is_empty() || whole == line { note } else { whole };
    activity.sentence = line;
    activity.subject = Some(Subject { id: me.id.to_owned(), kind: me.kind, name: me.name.to_owned() });
}

/// "Priya Raman joined Ops", "Priya Raman joined 3 groups and left Dev"
fn membership(name: &str, edges: &[Edge]) -> String {
    let side = |joined: bool| {
        let names: Vec<&str> =
            edges.iter().filter(|edge| edge.joined == joined).map(|edge| edge.name.as_str()).collect();
        match names.as_slice() {
            [] => None,
            [one] => Some(shown(one)),
            many => Some(sentence::count(many.len() as u64, "group")),
        }
    };
    let name = shown(name);
    match (side(true), side(false)) {
        (Some(joined), Some(left)) => format!("{name} joined {joined} and left {left}"),
        (None, Some(left)) => format!("{name} left {left}"),
        (joined, None) => format!("{name} joined {}", joined.unwrap_or_default()),
    }
}

/// What events say whose request is forgotten.
fn from_events(
    me: &Me<'_>,
    parts: &[Happened],
    (joined, left): (&Moved, &Moved),
    diff: &mut Option<Value>,
) -> Sentence {
    let changes: Vec<Change> = parts.iter().flat_map(|part| changed(&part.body)).collect();
    if !changes.is_empty() {
        *diff = Some(record::changes_as_json(&changes));
    }
    let names = |moved: &Moved| -> Vec<String> {
        let mut names: Vec<String> = moved.who.iter().map(|named| named.name.clone()).collect();
        names.resize(moved.count as usize, String::new());
        names
    };
    let (joined, left) = (names(joined), names(left));
    let named = parts.iter().find_map(|part| match part.name.as_str() {
        "user.created" | "group.created" => {
            Some(Deed::Created { kind: me.kind, name: me.name, members: joined.len(), active: true })
        }
        "user.restored" => Some(Deed::Restored { name: me.name }),
        "user.deleted" | "group.deleted" => Some(Deed::Deleted { kind: me.kind, name: me.name }),
        _ => None,
    });
    let changed =
        Deed::Changed { kind: me.kind, name: me.name, changes: &changes, joined: &joined, left: &left };
    named.unwrap_or(changed).sentence()
}

fn changed(body: &Value) -> Vec<Change> {
    let text = |change: &Value, name: &str| change[name].as_str().unwrap_or_default().to_owned();
    let list = body["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|change| Change {
            path: text(change, "path"),
            old: text(change, "old"),
            new: text(change, "new"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::base::Timestamp;
    use crate::scim::patch::PATCH_OP;
    use crate::scim::{Mode, ScimError};
    use crate::service::history::State;
    use crate::service::record::Asked;
    use crate::service::testing::{Desk, caller, desk, target};

    /// A provider whose requests have ids that tell what they were.
    struct Provider {
        desk: Desk,
        requests: std::cell::Cell<u32>,
    }

    impl Provider {
        async fn new() -> Provider {
            Provider { desk: desk().await, requests: std::cell::Cell::new(0) }
        }

        fn asked(&self, method: &str, path: String) -> Asked {
            self.requests.set(self.requests.get() + 1);
            let id = format!("req_{}", self.requests.get());
            Asked { id, at: self.desk.clock.now(), method: method.into(), path, ..Asked::default() }
        }

        async fn make(&self, kind: Kind, body: Value) -> String {
            let asked = self.asked("POST", String::new());
            let compat = caller(self.desk.team, Mode::Compat);
            let made = self.desk.service.create(&compat, &asked, target(kind), &body).await;
            made.expect("made").id
        }

        async fn user(&self, name: &str) -> String {
            self.make(Kind::User, json!({ "schemas": [Kind::User.urn()], "userName": name })).await
        }

        async fn group(&self, name: &str, members: &[&str]) -> String {
            let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
            let body = json!({ "schemas": [Kind::Group.urn()], "displayName": name, "members": members });
            self.make(Kind::Group, body).await
        }

        async fn patch(&self, kind: Kind, id: &str, operations: Value) {
            let asked = self.asked("PATCH", format!("/scim/x/{id}"));
            let compat = caller(self.desk.team, Mode::Compat);
            let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
            self.desk.service.patch(&compat, &asked, target(kind), id, &body).await.expect("patched");
        }

        async fn member(&self, op: &str, group: &str, id: &str) {
            let path = if op == "add" { "members".to_owned() } else { format!("members[value eq \"{id}\"]") };
            let operation = match op {
                "add" => json!([{ "op": "add", "path": path, "value": [{ "value": id }] }]),
                _ => json!([{ "op": "remove", "path": path }]),
            };
            self.patch(Kind::Group, group, operation).await;
        }

        async fn delete(&self, kind: Kind, id: &str) {
            let asked = self.asked("DELETE", format!("/scim/x/{id}"));
            let compat = caller(self.desk.team, Mode::Compat);
            self.desk.service.delete(&compat, &asked, target(kind), id).await.expect("deleted");
        }

        /// A change that is refused, and is written before anything that comes after.
        async fn refused(&self, id: &str) {
            let asked = self.asked("PATCH", format!("/scim/Users/{id}"));
            let error = Error::Scim(ScimError::invalid_value("no"));
            self.desk.service.record_refusal(Some(self.desk.team), Some(1), &asked, &error, 400, b"{}");
            self.desk.service.store().write(|tx| tx.set_setting("x", "y")).await.expect("written");
        }

        async fn sentences(&self, id: &str) -> Vec<String> {
            let history = self.desk.service.history(self.desk.team, id).await.expect("a history");
            history.told.iter().map(|told| told.row.activity.sentence.clone()).collect()
        }

        /// Every entry, read some at a time, latest first.
        fn in_pages(&self, id: &str, size: usize) -> Vec<String> {
            let (mut all, mut place) = (Vec::new(), None);
            loop {
                let page = self.desk.service.history_page(self.desk.team, id, place, size).expect("read");
                let (_, page) = page.expect("known");
                assert!(page.told.len() <= size);
                all.extend(page.told.iter().map(|told| told.row.activity.request.clone()));
                place = page.older;
                if place.is_none() {
                    return all;
                }
            }
        }

        async fn forget(&self, before: Timestamp) {
            let team = Some(self.desk.team);
            let job = move |tx: &mut crate::store::WriteTx<'_>| tx.prune_activity(team, before, 10_000);
            self.desk.service.store().write(job).await.expect("forgotten");
        }
    }

    /// A person's life with everything that happens to one; answers the ids of the person and of the groups.
    async fn life(provider: &Provider) -> (String, String, String) {
        let mei = provider.user("mei@example.com").await;
        let priya = provider.user("priya@example.com").await;
        let ops = provider.group("Ops", &[&mei, &priya]).await;
        let dev = provider.group("Dev", &[]).await;
        provider.member("add", &dev, &mei).await;
        provider.patch(Kind::User, &mei, json!([{ "op": "replace", "path": "title", "value": "CTO" }])).await;
        provider.refused(&mei).await;
        provider.patch(Kind::User, &mei, json!([{ "op": "replace", "path": "title", "value": "CTO" }])).await;
        provider.member("remove", &dev, &mei).await;
        provider
            .patch(Kind::Group, &dev, json!([{ "op": "replace", "path": "displayName", "value": "R&D" }]))
            .await;
        provider.member("add", &dev, &mei).await;
        provider
            .patch(Kind::User, &mei, json!([{ "op": "replace", "path": "active", "value": false }]))
            .await;
        provider.delete(Kind::Group, &dev).await;
        provider.delete(Kind::User, &mei).await;
        (mei, ops, dev)
    }

    #[tokio::test]
    async fn a_history_is_whole_and_in_order_for_a_person_and_for_groups() {
        let provider = Provider::new().await;
        let (mei, ops, dev) = life(&provider).await;
        assert_eq!(
            provider.sentences(&mei).await,
            [
                "mei@example.com was added",
                "mei@example.com joined Ops",
                "mei@example.com joined R&D",
                "mei@example.com was changed",
                "Refused: a change of mei@example.com",
                "mei@example.com stayed the same",
                "mei@example.com left R&D",
                "mei@example.com joined R&D",
                "mei@example.com was deactivated",
                "mei@example.com left R&D",
                "mei@example.com was deleted",
            ]
        );
        assert_eq!(provider.sentences(&ops).await, ["Ops was added", "mei@example.com left Ops"]);
        assert_eq!(
            provider.sentences(&dev).await,
            [
                "Dev was added",
                "mei@example.com joined Dev",
                "mei@example.com left Dev",
                "Dev is now called R&D",
                "mei@example.com joined R&D",
                "R&D was deleted",
            ]
        );
        let history = provider.desk.service.history(provider.desk.team, &mei).await.expect("a history");
        let notes: Vec<&str> = history.told.iter().map(|told| told.row.activity.note.as_str()).collect();
        assert_eq!((notes[1], notes[9]), ("Ops was added", "R&D was deleted"), "what was really asked");
        assert!(history.told.iter().all(|told| told.kept && !told.row.activity.request.is_empty()));
        let group = &history.told[2].groups[0];
        assert_eq!((group.group.as_str(), group.joined), (dev.as_str(), true));
        let events: Vec<String> = history.told.iter().map(|told| told.events.join(" ")).collect();
        assert_eq!(events[10], "membership.removed user.deleted");
        assert_eq!(events[4..6], ["", ""]);
    }

    #[tokio::test]
    async fn pages_of_any_size_hold_the_same_in_the_same_order_with_requests_kept_or_forgotten() {
        let provider = Provider::new().await;
        let (mei, ops, dev) = life(&provider).await;
        let middle = provider.desk.clock.now();
        provider.desk.clock.advance(Duration::from_secs(60));
        for number in 0..7 {
            provider
                .member(
                    if number % 2 == 0 { "add" } else { "remove" },
                    &ops,
                    &provider.user(&format!("u{number}")).await,
                )
                .await;
            provider.refused(&ops).await;
        }
        let whole: Vec<Vec<String>> = [&mei, &ops, &dev].map(|id| provider.in_pages(id, 500)).to_vec();
        assert_eq!(whole[0].len(), 11);
        for (id, whole) in [&mei, &ops, &dev].into_iter().zip(&whole) {
            for size in 1..6 {
                assert_eq!(provider.in_pages(id, size), *whole, "{size} at a time");
            }
        }
        provider.forget(Timestamp(middle.0 + 1)).await;
        for (id, whole) in [&mei, &ops, &dev].into_iter().zip(&whole) {
            let left = provider.in_pages(id, 500);
            for size in 1..6 {
                assert_eq!(provider.in_pages(id, size), left, "{size} at a time");
            }
            // What made no event is forgotten with its request; what did is told for as long as history is kept.
            let lost: Vec<&String> = whole.iter().filter(|request| !left.contains(request)).collect();
            assert_eq!(lost.len(), if *id == mei { 2 } else { 0 }, "{lost:?}");
            let kept: Vec<&String> = whole.iter().filter(|request| left.contains(request)).collect();
            assert_eq!(kept, left.iter().collect::<Vec<_>>(), "in the same order");
        }
    }

    #[tokio::test]
    async fn what_events_remember_reads_as_it_did() {
        let provider = Provider::new().await;
        let (mei, ops, dev) = life(&provider).await;
        let mut before = Vec::new();
        for id in [&mei, &ops, &dev] {
            before.push(provider.sentences(id).await);
        }
        provider.forget(Timestamp(i64::MAX)).await;
        before[0].retain(|line| !line.starts_with("Refused") && !line.ends_with("stayed the same"));
        // The events know ids and not names, so a group is called what it is called now.
        let renamed = |line: &String| {
            if line.starts_with("Dev is") { line.clone() } else { line.replace("Dev", "R&D") }
        };
        for (id, before) in [&mei, &ops, &dev].into_iter().zip(before) {
            let now = provider.sentences(id).await;
            assert_eq!(now, before.iter().map(renamed).collect::<Vec<_>>());
        }
        let history = provider.desk.service.history(provider.desk.team, &mei).await.expect("a history");
        let changed = &history.told[3].row.activity;
        assert_eq!(changed.diff, Some(json!([{ "path": "title", "old": "", "new": "CTO" }])));
        assert_eq!(
            (changed.request.as_str(), changed.token, history.told[3].kept),
            ("req_6", Some(1), false)
        );
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_turns_no_history_round() {
        let provider = Provider::new().await;
        let mei = provider.user("mei@example.com").await;
        let title = |text: &str| json!([{ "op": "replace", "path": "title", "value": text }]);
        provider.patch(Kind::User, &mei, title("first")).await;
        let ops = provider.group("Ops", &[]).await;
        provider.desk.clock.put_back(Duration::from_secs(86_400));
        provider.member("add", &ops, &mei).await;
        provider.refused(&mei).await;
        provider.patch(Kind::User, &mei, title("second")).await;
        let history = provider.desk.service.history(provider.desk.team, &mei).await.expect("a history");
        let requests: Vec<&str> =
            history.told.iter().map(|told| told.row.activity.request.as_str()).collect();
        assert_eq!(requests, ["req_1", "req_2", "req_4", "req_5", "req_6"]);
    }

    #[tokio::test]
    async fn everybody_is_found_by_every_name_and_the_ambiguous_is_asked_back() {
        let provider = Provider::new().await;
        let (service, team) = (provider.desk.service.clone(), provider.desk.team);
        let mei = provider.user("mei@example.com").await;
        let rename = json!([{ "op": "replace", "value": { "userName": "mei.chen@example.com", "displayName": "Mei Chen" } }]);
        provider.patch(Kind::User, &mei, rename).await;
        let who = async |text: &str| service.history(team, text).await.map(|history| history.who);
        for text in [mei.as_str(), "MEI@example.com", "mei.chen@EXAMPLE.com", " mei chen "] {
            assert_eq!(who(text).await.expect("found").id, mei, "{text}");
        }
        provider.delete(Kind::User, &mei).await;
        for text in [mei.as_str(), "mei@example.com", "Mei.Chen@example.com", "mei chen"] {
            let found = who(text).await.expect("found");
            assert!(matches!(found.state, State::Deleted(_)) && found.id == mei, "{text}");
        }
        let second = provider.user("mei@example.com").await;
        let found = who("mei@example.com").await.expect("found");
        assert_eq!(
            (found.id, found.namesakes),
            (second.clone(), vec![mei.clone()]),
            "who has it now goes first"
        );
        provider.delete(Kind::User, &second).await;
        let Err(Error::Refused(words)) = who("mei@example.com").await else { panic!("two had it") };
        assert!(words.contains(&mei) && words.contains(&second), "{words}");
        assert!(matches!(who("nobody").await, Err(Error::NotFound(_))));
        let composed = json!({ "schemas": [Kind::User.urn()], "userName": "x", "name": { "givenName": "Ada", "familyName": "Low" } });
        let ada = provider.make(Kind::User, composed).await;
        assert_eq!(who("ada low").await.expect("found").id, ada);
    }
}

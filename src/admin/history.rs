//! What happened, told as a history: each entry a sentence with links, latest first. Refusals of one cause and changes of
//! members that belong together become one entry. The sentences of the log itself are `activity`'s.

use std::collections::HashSet;

use super::activity::{changes, is_test, particulars, said};
use super::folding::{alike, span};
use super::parts::{Changed, Diff, Entry, Hop, Timeline, clipped, counted};
use super::said::Said;
use super::when::{Zone, duration};
use crate::scim::Kind;
use crate::service::Cause;
use crate::service::told::Told;
use crate::store::{ActivityRow, Edge, Moved, Named, Token};

/// Changes of members that are no further apart than this belong together.
const TOGETHER_MS: i64 = 60 * 1000;
/// Names in one sentence.
const NAMES: usize = 3;
/// Characters of a value in the team's history.
const LONGEST: usize = 120;
/// Groups in one sentence.
const GROUPS: usize = 5;
/// Attributes that describe somebody's job, and those that say how to reach somebody.
const JOB: [&str; 7] =
    ["title", "userType", "department", "division", "organization", "costCenter", "employeeNumber"];
const CONTACT: [&str; 4] = ["emails", "phoneNumbers", "addresses", "ims"];

/// Whose history is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The team's: each sentence says whom it is about, and times are relative.
    Team,
    /// One user's or group's own: sentences leave the name out.
    Own(Kind),
}

/// What a history is told with.
pub struct Teller<'a> {
    pub zone: &'a Zone,
    pub base: &'a str,
    pub tokens: &'a [Token],
    pub tests: &'a HashSet<String>,
    pub whose: Whose,
}

impl Teller<'_> {
    /// The entries, each with its instant in milliseconds; days have no headings yet.
    pub fn entries(&self, told: &[Told]) -> Vec<(i64, Entry)> {
        runs(told, self.whose).into_iter().map(|run| (run[0].row.activity.at.0, self.entry(&run))).collect()
    }

    fn entry(&self, run: &[&Told]) -> Entry {
        let first = run[0];
        let activity = &first.row.activity;
        let href = self.request(first);
        let diff = Diff { changes: changes(&first.row) };
        let mut entry = Entry {
            kind: self.pin(first, &diff.changes),
            at: match self.whose {
                Whose::Team => self.zone.ago(activity.at),
                Whose::Own(_) => self.zone.clock(activity.at),
            },
            test: is_test(&first.row, self.tests),
            ..Entry::default()
        };
        if activity.status >= 400 {
            (entry.said, entry.sub) = self.refused(run, &href);
            return entry;
        }
        if self.whose != Whose::Team {
            entry.hops = self.hops(run);
        }
        entry.diff = diff;
        if !first.groups.is_empty() {
            entry.said = self.groups(run).and(self.by(&first.row));
            entry.href = href;
        } else if first.joined.count + first.left.count > 0 {
            (entry.said, entry.sub) = self.moved(run);
            entry.href = href;
        } else if self.whose == Whose::Team {
            entry.said = said(self.base, &first.row);
            entry.href = href;
            // The sentence has said it.
            entry.diff.changes.retain(|change| change.name != "active");
            // Among others a change is told in short; its own page has the whole of it.
            for change in &mut entry.diff.changes {
                change.old = clipped(&change.old, LONGEST);
                change.new = clipped(&change.new, LONGEST);
            }
        } else {
            entry.said = match self.by(&first.row) {
                by if by.is_empty() => Said::default().link(verb(first, &entry.diff.changes), href),
                by => Said::default().link(verb(first, &entry.diff.changes), href).and(by),
            };
        }
        let moved = first.joined.count + first.left.count > 0;
        if entry.sub.is_empty() && entry.diff.changes.is_empty() && !moved && run.len() == 1 {
            entry.sub = self.note(&activity.note);
        }
        entry
    }

    /// The page of a request; empty where it is forgotten.
    fn request(&self, told: &Told) -> String {
        match told.kept {
            true => format!("{}activity/{}", self.base, told.row.activity.request),
            false => String::new(),
        }
    }

    /// The groups that somebody joined, or left, in one request or several.
    fn groups(&self, run: &[&Told]) -> Said {
        let mut said = Said::default();
        for (joined, word) in [(true, "Added to"), (false, "Removed from")] {
            let of_way = |edge: &&Edge| edge.joined == joined;
            let edges: Vec<&Edge> = run.iter().flat_map(|told| &told.groups).filter(of_way).collect();
            let before = if said.words.is_empty() { "" } else { ", " };
            said = match edges.len() {
                0 => continue,
                1 => said.and(format!("{before}{word} ")),
                n => said.and(format!("{before}{word} {}: ", counted(n as u64, "group"))),
            };
            for (i, edge) in edges.iter().take(GROUPS).enumerate() {
                let href = format!("{}groups/{}", self.base, edge.group);
                said = said.and(if i > 0 { ", " } else { "" }).link(clipped(&edge.name, 80), href);
            }
            if edges.len() > GROUPS {
                said = said.and(format!(" and {} more", edges.len() - GROUPS));
            }
        }
        said
    }

    /// The requests behind an entry: how one was answered and which event it made, or when each of several came.
    fn hops(&self, run: &[&Told]) -> Vec<Hop> {
        let [told] = run else {
            let hop = |told: &&Told| Hop {
                text: self.zone.time(told.row.activity.at),
                href: self.request(told),
                ..Hop::default()
            };
            return run.iter().map(hop).collect();
        };
        let activity = &told.row.activity;
        let mut hops = Vec::new();
        if !activity.method.is_empty() {
            let method = clipped(&activity.method, 10);
            let text = format!("{method} answered {} in {}", activity.status, duration(activity.duration_us));
            hops.push(Hop { text, href: self.request(told), ..Hop::default() });
        } else if !told.kept && !activity.request.is_empty() {
            let text = "Request no longer kept".to_owned();
            hops.push(Hop { text, code: activity.request.clone(), ..Hop::default() });
        }
        if let Some((first, last)) = activity.events {
            let text =
                if first == last { format!("event {first}") } else { format!("events {first} to {last}") };
            hops.push(Hop { text, code: told.events.join(", "), ..Hop::default() });
        }
        hops
    }

    /// A refusal leads to its request, and says how often, why, and what to do.
    fn refused(&self, run: &[&Told], href: &str) -> (Said, String) {
        let row = &run[0].row;
        let sentence = super::activity::sentence_of(row);
        let said = match sentence.split_once(": ") {
            Some((before, rest)) => Said::plain(format!("{before}: ")).link(rest, href),
            None => Said::default().link(sentence, href),
        };
        let mut sub = String::new();
        if let [first, .., last] = run {
            let count = run.iter().map(|told| told.row.activity.folded.max(1)).sum();
            let apart = first.row.activity.at.since(last.row.activity.at).max(0).unsigned_abs();
            sub = format!("{} in {}. ", counted(count, "request"), span(apart));
        }
        sub.push_str(&particulars(row));
        if let Some(cause) = row.activity.cause.as_deref().and_then(Cause::from_key) {
            sub = format!("{} {}", super::error::sentence(sub.trim_end()), cause.words().cure);
        }
        (said, sub)
    }

    /// The second line of a request, as far as the first has not said it.
    fn note(&self, note: &str) -> String {
        let known = ["User", "Group", "Nothing to change"].contains(&note) || note.starts_with("active: ");
        match self.whose {
            _ if known => String::new(),
            Whose::Team => note.to_owned(),
            Whose::Own(_) => super::error::sentence(note.strip_prefix("Group, ").unwrap_or(note)),
        }
    }

    /// Who joined and left, or which groups somebody joined or left.
    fn moved(&self, run: &[&Told]) -> (Said, String) {
        let first = run[0];
        let group = first.row.activity.subject.as_ref();
        let by = self.by(&first.row);
        let own = matches!(self.whose, Whose::Own(_));
        if !own && run.len() > 1 && alone(first).is_some() && !same_group(first, run[1]) {
            let who = alone(first).map(|named| self.person(Said::default(), named)).unwrap_or_default();
            let word = if first.joined.count > 0 { "joined" } else { "left" };
            let groups = run.iter().filter_map(|told| told.row.activity.subject.as_ref());
            let names: Vec<String> = groups.map(|group| clipped(&group.name, 40)).collect();
            return (
                who.and(format!(" {word} {}", counted(run.len() as u64, "group"))),
                listed(&names, NAMES + 2),
            );
        }
        let (joined, left) = run.iter().fold((Moved::default(), Moved::default()), |(joined, left), told| {
            (sum(joined, &told.joined), sum(left, &told.left))
        });
        let mut said = Said::default();
        if joined.count > 0 {
            said = self.people(said, &joined).and(" joined");
        }
        if left.count > 0 {
            let both = joined.count > 0;
            said = self.people(if both { said.and(", ") } else { said }, &left);
            said = said.and(if own && !both { " left the group" } else { " left" });
        }
        match group {
            Some(group) if !own => {
                let href = format!("{}groups/{}", self.base, group.id);
                (said.and(" ").link(clipped(&group.name, 80), href), String::new())
            }
            _ => (said, super::error::sentence(by.trim_start())),
        }
    }

    fn people(&self, mut said: Said, moved: &Moved) -> Said {
        let shown = moved.who.len().min(if moved.count > NAMES as u64 { NAMES - 1 } else { NAMES });
        let more = moved.count - shown as u64;
        for (i, named) in moved.who.iter().take(shown).enumerate() {
            let last = i + 1 == shown && more == 0;
            said = match i {
                0 => said,
                _ if last => said.and(" and "),
                _ => said.and(", "),
            };
            said = self.person(said, named);
        }
        match (shown, more) {
            (_, 0) => said,
            (0, more) => said.and(counted(more, "member")),
            (_, more) => said.and(format!(" and {} more", crate::service::sentence::number(more))),
        }
    }

    fn person(&self, said: Said, named: &Named) -> Said {
        let kind = if named.kind == Kind::User { "users" } else { "groups" };
        let href = if named.here { format!("{}{kind}/{}", self.base, named.id) } else { String::new() };
        said.link(clipped(&named.name, 80), href)
    }

    /// The shape of an entry.
    fn pin(&self, told: &Told, changed: &[Changed]) -> &'static str {
        let activity = &told.row.activity;
        let off = changed.iter().any(|change| change.name == "active" && change.new == "false");
        let own = self.whose == Whose::Own(Kind::Group);
        match activity.method.as_str() {
            _ if activity.status >= 400 => "bad",
            "DELETE" => "off",
            _ if off || told.events.iter().any(|event| event.ends_with(".deleted")) => "off",
            _ if !told.groups.is_empty() => "acc",
            _ if own && told.joined.count > 0 => "ok",
            _ if own && told.left.count > 0 => "off",
            _ if told.joined.count + told.left.count > 0 => "acc",
            "POST" => "ok",
            _ => "info",
        }
    }

    /// " by JumpCloud": the provider behind the token, else the token's name, or the administrator; empty where it is not
    /// known.
    pub fn by(&self, row: &ActivityRow) -> String {
        let token = row.activity.token.and_then(|n| self.tokens.iter().find(|token| token.n == n));
        let name = token.map(sender).or_else(|| row.activity.who.clone());
        name.map_or(String::new(), |name| format!(" by {name}"))
    }
}

/// How a token's user is called: the provider that it seems to be, else by the token's name.
pub fn sender(token: &Token) -> String {
    token.provider.clone().unwrap_or_else(|| clipped(&token.name, 60))
}

/// Entries, latest first, under headings of their days.
pub fn with_days(zone: &Zone, mut entries: Vec<(i64, Entry)>) -> Timeline {
    let mut day = String::new();
    for (at, entry) in &mut entries {
        let today = zone.day(crate::base::Timestamp(*at));
        entry.day = if today == day { String::new() } else { today.clone() };
        day = today;
    }
    Timeline { id: "", entries: entries.into_iter().map(|(_, entry)| entry).collect() }
}

/// What is said when nothing is kept of a user or group.
pub fn nothing(zone: &Zone, created: crate::base::Timestamp) -> (i64, Entry) {
    let said = Said::plain("No changes are kept since it was created");
    (created.0, Entry { kind: "ok", said, at: zone.clock(created), ..Entry::default() })
}

/// What was done, in a word or two, on the page of the one it was done to.
pub fn verb(told: &Told, changed: &[Changed]) -> &'static str {
    let activity = &told.row.activity;
    let event = |ending: &str| told.events.iter().any(|event| event.ends_with(ending));
    let named = |names: &[&str]| {
        let root =
            |change: &Changed| names.contains(&change.name.split(['.', '[']).next().unwrap_or_default());
        !changed.is_empty() && changed.iter().all(root)
    };
    let group = activity.subject.as_ref().is_some_and(|subject| subject.kind == Kind::Group);
    let renamed = if group { "displayName" } else { "userName" };
    match activity.method.as_str() {
        _ if event(".deleted") => "Deleted",
        _ if event(".restored") => "Came back",
        _ if event(".created") => "Added",
        "DELETE" => "Deleted",
        "POST" if activity.sentence.ends_with(" came back") => "Came back",
        "POST" if activity.status == 201 => "Added",
        _ if changed.iter().any(|change| change.name == "active" && change.new == "true") => "Reactivated",
        _ if changed.iter().any(|change| change.name == "active") => "Deactivated",
        _ if changed.iter().any(|change| change.name == renamed) => "Renamed",
        _ if named(&["name", "displayName", "nickName"]) => "Name changed",
        _ if named(&JOB) || named(&[&JOB[..], &["manager"]].concat()) => "Job details changed",
        _ if named(&CONTACT) => "Contact details changed",
        _ if changed.is_empty() => "Sent again unchanged",
        _ => "Changed",
    }
}

/// Requests that belong together, in their order.
fn runs(told: &[Told], whose: Whose) -> Vec<Vec<&Told>> {
    let mut runs: Vec<Vec<&Told>> = Vec::new();
    for one in told {
        match runs.last_mut() {
            Some(run) if belongs(run, one, whose) => run.push(one),
            _ => runs.push(vec![one]),
        }
    }
    runs
}

fn belongs(run: &[&Told], next: &Told, whose: Whose) -> bool {
    let (first, last) = (run[0], run[run.len() - 1]);
    if first.row.activity.status >= 400 || next.row.activity.status >= 400 {
        return alike(&first.row, &next.row);
    }
    let one_way =
        |told: &Told| (told.joined.count > 0) != (told.left.count > 0) && told.row.activity.diff.is_none();
    let near = last.row.activity.at.since(next.row.activity.at).abs() <= TOGETHER_MS;
    let one_token = first.row.activity.token == next.row.activity.token;
    if let ([one, ..], [other, ..]) = (&first.groups[..], &next.groups[..]) {
        return near && one_token && one.joined == other.joined;
    }
    let same_way = one_way(first) && one_way(next) && (first.joined.count > 0) == (next.joined.count > 0);
    if !(near && same_way && one_token) {
        return false;
    }
    let person = alone(first).is_some() && alone(first) == alone(next);
    let group = same_group(first, next);
    // The second of a run says what the run is about: one person, or one group.
    match run.get(1) {
        _ if whose != Whose::Team => group,
        None => person || group,
        Some(second) if same_group(first, second) => group,
        Some(_) => person,
    }
}

/// The only one whom a request moved.
fn alone(told: &Told) -> Option<&Named> {
    match (told.joined.count + told.left.count, told.joined.who.first(), told.left.who.first()) {
        (1, Some(one), _) | (1, None, Some(one)) => Some(one),
        _ => None,
    }
}

fn same_group(one: &Told, other: &Told) -> bool {
    let id = |told: &Told| told.row.activity.subject.as_ref().map(|subject| subject.id.clone());
    id(one) == id(other)
}

fn sum(mut all: Moved, more: &Moved) -> Moved {
    all.count += more.count;
    all.who.extend(more.who.iter().cloned());
    all
}

/// Names in a row: the first, and how many more.
pub fn listed(names: &[String], most: usize) -> String {
    let mut text = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > most {
        text.push_str(&format!(" and {} more", names.len() - most));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::store::{Activity, Subject};
    use serde_json::json;

    fn named(name: &str) -> Named {
        Named { id: name.to_lowercase(), kind: Kind::User, name: name.into(), here: true }
    }

    fn subject(kind: Kind, name: &str) -> Option<Subject> {
        Some(Subject { id: format!("id-{name}"), kind, name: name.into() })
    }

    /// A change of a group's members, some seconds after midnight.
    fn moved(at: i64, group: &str, joined: &[&str], left: &[&str]) -> Told {
        let activity = Activity {
            request: format!("req_{at}"),
            at: Timestamp(at * 1000),
            method: "PATCH".into(),
            status: 200,
            token: Some(7),
            subject: subject(Kind::Group, group),
            sentence: "said".into(),
            ..Activity::default()
        };
        let all = |names: &[&str]| Moved {
            who: names.iter().copied().take(4).map(named).collect(),
            count: names.len() as u64,
        };
        Told { joined: all(joined), left: all(left), ..Told::of(ActivityRow { n: at, activity }) }
    }

    fn changed(method: &str, status: u16, diff: serde_json::Value) -> Told {
        let mut told = moved(5, "Priya Raman", &[], &[]);
        told.row.activity.method = method.into();
        told.row.activity.status = status;
        told.row.activity.subject = subject(Kind::User, "Priya Raman");
        told.row.activity.diff = Some(diff);
        told
    }

    fn entries(told: &[Told], whose: Whose) -> Vec<Entry> {
        let (zone, tests) = (Zone::utc(Timestamp(100_000)), HashSet::new());
        let token = crate::store::Token {
            provider: Some("JumpCloud".into()),
            ..super::super::connect::tests::token(7, None)
        };
        let teller = Teller { zone: &zone, base: "/t/", tokens: &[token], tests: &tests, whose };
        teller.entries(told).into_iter().map(|(_, entry)| entry).collect()
    }

    fn lines(told: &[Told], whose: Whose) -> Vec<(String, String)> {
        entries(told, whose).into_iter().map(|entry| (entry.said.text(), entry.sub)).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(line, sub)| ((*line).to_owned(), (*sub).to_owned())).collect()
    }

    #[test]
    fn one_person_leaving_groups_within_a_minute_is_one_entry() {
        let told = [
            moved(90, "Ops", &[], &["Mei"]),
            moved(89, "All Staff", &[], &["Mei"]),
            moved(88, "Ops", &["Mei"], &[]),
            moved(10, "Ops", &["Mei"], &[]),
        ];
        let said =
            pairs(&[("Mei left 2 groups", "Ops, All Staff"), ("Mei joined Ops", ""), ("Mei joined Ops", "")]);
        assert_eq!(lines(&told, Whose::Team), said);
        let mei = &entries(&told, Whose::Team)[0];
        assert_eq!(
            (mei.said.words[0].href.as_str(), mei.href.as_str()),
            ("/t/users/mei", "/t/activity/req_90")
        );
    }

    #[test]
    fn people_joining_one_group_are_named_and_then_counted() {
        let told =
            [moved(90, "Ops", &["A"], &[]), moved(80, "Ops", &["B"], &[]), moved(70, "Ops", &["C"], &[])];
        assert_eq!(lines(&told, Whose::Team), pairs(&[("A, B and C joined Ops", "")]));
        assert_eq!(lines(&told, Whose::Own(Kind::Group)), pairs(&[("A, B and C joined", "By JumpCloud.")]));
        let many = [moved(90, "Ops", &["A", "B", "C", "D", "E"], &["F"])];
        assert_eq!(
            lines(&many, Whose::Own(Kind::Group)),
            pairs(&[("A, B and 3 more joined, F left", "By JumpCloud.")])
        );
        let left = [moved(90, "Ops", &[], &["A"])];
        assert_eq!(lines(&left, Whose::Own(Kind::Group)), pairs(&[("A left the group", "By JumpCloud.")]));
    }

    /// Somebody's joining or leaving of a group, as their own history has it.
    fn grouped(at: i64, name: &str, joined: bool) -> Told {
        let mut told = moved(at, "Mei", &[], &[]);
        told.groups = vec![Edge { group: name.to_lowercase(), name: name.into(), joined }];
        told.row.activity.note = format!("{name} was added");
        told.row.activity.events = Some((at as u64, at as u64));
        told.events = vec!["membership.added".into()];
        told
    }

    #[test]
    fn groups_of_one_minute_are_one_entry_that_leads_to_each_request() {
        let told = [
            grouped(90, "Ops", false),
            grouped(89, "All", false),
            grouped(80, "Ops", true),
            grouped(5, "All", true),
        ];
        let own = Whose::Own(Kind::User);
        assert_eq!(
            lines(&told, own),
            pairs(&[
                ("Removed from 2 groups: Ops, All by JumpCloud", ""),
                ("Added to Ops by JumpCloud", "Ops was added."),
                ("Added to All by JumpCloud", "All was added."),
            ])
        );
        let hops = |entry: &Entry| {
            let hops = entry.hops.iter();
            hops.map(|hop| format!("{}|{}|{}", hop.text, hop.href, hop.code)).collect::<Vec<_>>()
        };
        let shown = entries(&told, own);
        assert_eq!(hops(&shown[0]), ["00:01:30|/t/activity/req_90|", "00:01:29|/t/activity/req_89|"]);
        assert_eq!(
            hops(&shown[1]),
            ["PATCH answered 200 in 0 ms|/t/activity/req_80|", "event 80||membership.added"]
        );
        let mut gone = grouped(7, "Ops", true);
        (gone.kept, gone.row.activity.method) = (false, String::new());
        let shown = entries(&[gone], own).remove(0);
        assert_eq!(shown.href, "");
        assert_eq!(hops(&shown)[0], "Request no longer kept||req_7");
    }

    #[test]
    fn who_was_deleted_has_no_link() {
        let mut told = moved(90, "Ops", &[], &["Mei"]);
        told.left.who[0].here = false;
        assert_eq!(entries(&[told], Whose::Team)[0].said.words[0].href, "");
    }

    #[test]
    fn refusals_of_one_cause_are_one_entry_with_why_and_the_cure() {
        let refused = |at: i64| {
            let mut told = changed("POST", 400, json!([]));
            told.row.activity.at = Timestamp(at * 1000);
            told.row.activity.sentence = "Refused: a new user".into();
            told.row.activity.note = "userName is required and was empty".into();
            told.row.activity.cause = Some(Cause::RequiredMissing.key().into());
            told.row.activity.folded = 1;
            told
        };
        let cure = Cause::RequiredMissing.words().cure;
        let said = lines(&[refused(90), refused(50)], Whose::Team);
        let sub = format!("2 requests in 40 s. userName is required and was empty. {cure}");
        assert_eq!(said, vec![("Refused: a new user".to_owned(), sub)]);
    }

    #[test]
    fn on_their_own_page_a_word_says_what_was_done_and_leads_to_the_request() {
        let diff = |path: &str, new: &str| json!([{ "path": path, "old": "x", "new": new }]);
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        for (told, said) in [
            (changed("PATCH", 200, diff("active", "false")), "Deactivated by JumpCloud"),
            (changed("PUT", 200, diff("active", "true")), "Reactivated by JumpCloud"),
            (changed("PATCH", 200, diff("userName", "y")), "Renamed by JumpCloud"),
            (changed("PATCH", 200, diff("name.givenName", "y")), "Name changed by JumpCloud"),
            (changed("PATCH", 200, diff(urn, "y")), "Job details changed by JumpCloud"),
            (changed("PATCH", 200, diff("emails", "y")), "Contact details changed by JumpCloud"),
            (changed("PATCH", 200, diff("locale", "y")), "Changed by JumpCloud"),
            (changed("PUT", 200, json!([])), "Sent again unchanged by JumpCloud"),
            (changed("POST", 201, json!([])), "Added by JumpCloud"),
        ] {
            let entry = entries(&[told], Whose::Own(Kind::User)).remove(0);
            assert_eq!(entry.said.text(), said);
            assert_eq!(entry.said.words[0].href, "/t/activity/req_5");
        }
        let ring =
            entries(&[changed("PATCH", 200, diff("active", "false"))], Whose::Own(Kind::User)).remove(0);
        assert_eq!((ring.kind, ring.diff.changes.len()), ("off", 1));
        let told = entries(&[changed("PATCH", 200, diff("active", "false"))], Whose::Team).remove(0);
        assert!(told.diff.changes.is_empty(), "the sentence says it");
    }
}

//! What has reached the server while a provider is being connected, read from the activity: any order, tests told from
//! people, and a refusal's cause and cure on the line that waits. Which lines there are is told in `idp`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::sentence;
use super::idp::Provider;
use super::parts::{Check, counted};
use super::said::Said;
use super::when::Zone;
use crate::base::Timestamp;
use crate::base::host::is_public_address;
use crate::service::Cause;
use crate::service::connect::Connecting;
use crate::service::milestones::{Event, path, shown, words};
use crate::store::{Activity, ActivityRow};

/// A user or group that lives no longer than this was a test.
const TEST_MS: i64 = 2 * 60 * 1000;
/// A refusal is shown on the list while it is no older than this and nothing was accepted after it.
const FRESH_MS: i64 = 60 * 60 * 1000;
/// A token that was refused no longer than this before one was accepted was a try at the same.
const JUST_BEFORE_MS: i64 = 10 * 60 * 1000;
/// Users without any group for so long are worth a hint.
const NO_GROUP_MS: i64 = 10 * 60 * 1000;

/// The list of what has reached the server.
#[derive(Template)]
#[template(path = "parts/connect_checks.html")]
pub struct Checks {
    done: usize,
    total: usize,
    bar: usize,
    lines: Vec<Check>,
    provider: &'static str,
    /// What each step on the left has come to, for the script that keeps them right.
    pub steps: String,
    /// What is read out when it changes.
    said: String,
}

impl HtmlSafe for Checks {}

/// Something that was seen, and the request that showed it.
#[derive(Clone, Debug)]
struct First {
    at: Timestamp,
    address: String,
    /// The request in a few words; nothing where it is not known any more.
    what: String,
}

/// When each line was first seen: as it is kept, and as the latest requests show it.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    pub token: Option<Timestamp>,
    first: HashMap<Event, First>,
    /// A request from a public address: when, and from which.
    outside: Option<(Timestamp, &'a str)>,
    refused: Option<&'a Activity>,
    /// What was refused for its token just before one was accepted: how often, and why the last time.
    mistaken: Option<(u64, Cause)>,
}

impl<'a> Seen<'a> {
    /// Reads the requests, whatever their order, and what is kept.
    pub fn of(found: &'a Connecting, email: &str) -> Seen<'a> {
        let mut rows: Vec<&Activity> = found.rows.iter().map(|row: &ActivityRow| &row.activity).collect();
        rows.reverse();
        let mut seen = Seen {
            token: found.tokens.iter().map(|token| token.created).min(),
            outside: rows
                .iter()
                .find(|row| is_outside(row))
                .map(|row| (row.at, row.address.as_str()))
                .or(found.outside.as_ref().map(|seen| (seen.at, seen.address.as_str()))),
            ..Seen::default()
        };
        for kept in &found.kept {
            let (address, what) = (kept.address.clone(), kept.what.clone());
            if let Some(event) = Event::from_key(&kept.name) {
                seen.note(event, First { at: kept.at, address, what });
            }
        }
        // Whoever used a token before anything was kept of it was here all the same.
        let used = found.tokens.iter().filter_map(|token| Some((token.first_used?, token.used.as_ref()?)));
        if let Some((at, used)) = used.min_by_key(|(at, _)| *at) {
            for event in [Event::First, Event::Accepted] {
                seen.note(event, First { at, address: used.address.clone(), what: String::new() });
            }
        }
        let tests = test_ids(&rows, email);
        for row in &rows {
            let test = row.subject.as_ref().is_some_and(|subject| tests.contains(&subject.id.as_str()));
            for event in shown(row, test) {
                seen.note(event, First { at: row.at, address: row.address.clone(), what: words(row) });
            }
            if row.status >= 400 {
                seen.refused = Some(row);
            }
        }
        // A refusal that something accepted came after is over, unless that was only a read.
        let last_good = rows.iter().rev().find(|row| row.status < 400 && row.token.is_some());
        if let (Some(refused), Some(good)) = (seen.refused, last_good)
            && good.at >= refused.at
        {
            seen.refused = None;
        }
        seen.mistaken = seen.first.get(&Event::Accepted).and_then(|accepted| mistaken(&rows, accepted.at));
        seen
    }

    /// Whether it has been seen.
    pub fn has(&self, event: Event) -> bool {
        match event {
            Event::Token => self.token.is_some(),
            event => self.first.contains_key(&event),
        }
    }

    /// Whether a request came from a public address.
    pub fn was_reached(&self) -> bool {
        self.outside.is_some()
    }

    fn note(&mut self, event: Event, first: First) {
        match self.first.entry(event) {
            Entry::Vacant(entry) => {
                entry.insert(first);
            }
            // Of the same instant, what tells the request's own words.
            Entry::Occupied(mut entry) if first.at == entry.get().at => {
                if entry.get().what.is_empty() {
                    entry.insert(first);
                }
            }
            // Both the user and the group are deleted: that line is done with the last of them.
            Entry::Occupied(mut entry) if (first.at < entry.get().at) != (event == Event::TestDeleted) => {
                entry.insert(first);
            }
            Entry::Occupied(_) => {}
        }
    }
}

/// Tokens that were refused within ten minutes before the first was accepted: how many, and why the last of them.
fn mistaken(rows: &[&Activity], accepted: Timestamp) -> Option<(u64, Cause)> {
    let before = |row: &&&Activity| row.at <= accepted && accepted.since(row.at) <= JUST_BEFORE_MS;
    let refused = rows.iter().filter(before).filter_map(|row| {
        let cause = row.cause.as_deref().and_then(Cause::from_key).filter(|cause| cause.is_token())?;
        Some((row.folded.max(1), cause))
    });
    refused.reduce(|(sum, _), (times, cause)| (sum + times, cause))
}

/// Whether a request came from the internet, over TLS: whoever sent it has found the name and taken the certificate.
fn is_outside(row: &Activity) -> bool {
    let plain = row.cause.as_deref() == Some(Cause::PlainHttp.key());
    row.address.parse().is_ok_and(is_public_address) && !plain
}

/// The ids of test objects: made with the test address, or made and deleted within two minutes.
fn test_ids<'a>(rows: &[&'a Activity], email: &str) -> Vec<&'a str> {
    let made = rows.iter().filter(|row| row.method == "POST" && row.status < 300);
    made.filter_map(|row| Some((row, row.subject.as_ref()?)))
        .filter(|(row, subject)| {
            let gone = rows.iter().find(|later| {
                later.method == "DELETE"
                    && later.status < 300
                    && later.subject.as_ref().is_some_and(|other| other.id == subject.id)
            });
            subject.name.eq_ignore_ascii_case(email)
                || gone.is_some_and(|gone| gone.at.since(row.at) <= TEST_MS)
        })
        .map(|(_, subject)| subject.id.as_str())
        .collect()
}

/// The lines of the list; `warnings` is what stands against being reached from outside.
pub fn checks(
    zone: &Zone,
    provider: &'static Provider,
    found: &Connecting,
    seen: &Seen<'_>,
    warnings: &[Check],
) -> Checks {
    let mut lines = vec![outside_line(zone, seen, warnings), token_line(zone, seen)];
    let next = next_line(provider, seen);
    let refusal = seen.refused.filter(|row| zone.now().since(row.at) < FRESH_MS);
    let mut last = seen.token.map(|at| (at, "Token created"));
    for (n, line) in provider.lines.iter().enumerate() {
        lines.push(match seen.first.get(&line.event) {
            Some(first) => {
                last = last.max(Some((first.at, line.title)));
                let sub = beneath(line.event, first, seen);
                Check { kind: "ok", title: line.title.into(), at: zone.beneath(first.at), sub }
            }
            None if next == Some(n) => listening(zone, line.title, line.expected, refusal),
            None => {
                Check { kind: "todo", title: line.title.into(), at: "Not yet".into(), ..Check::default() }
            }
        });
    }
    let done = lines.iter().filter(|line| line.kind == "ok").count();
    let total = provider.lines.len() + 2;
    let mut said = last.map(|(_, title)| format!("{title}. {done} of {total} done")).unwrap_or_default();
    if let Some(refused) = lines.iter().find(|line| line.kind == "bad") {
        said = format!("Refused. {}", refused.sub.text());
    }
    Checks {
        done,
        total,
        bar: done * 120 / total,
        lines,
        provider: provider.name,
        steps: step_classes(provider, seen).join(","),
        said,
    }
    .hinted(zone, provider, found, seen)
}

/// What stands beneath a line that is done: words, and an address or a request.
fn beneath(event: Event, first: &First, seen: &Seen<'_>) -> Said {
    match (event, seen.mistaken) {
        (Event::First, _) if !first.address.is_empty() => Said::plain("From ").mono(&first.address),
        (Event::Accepted, Some((times, cause))) => {
            let name = cause.words().name;
            format!("{} refused just before: {name}", counted(times, "request")).into()
        }
        _ => Said::default().mono(&first.what),
    }
}

/// The line that is expected next: the first behind the last that was seen, because providers leave lines out.
fn next_line(provider: &Provider, seen: &Seen<'_>) -> Option<usize> {
    let waits = |n: &usize| !seen.has(provider.lines[*n].event);
    let behind = provider.lines.iter().rposition(|line| seen.has(line.event)).map_or(0, |n| n + 1);
    let mut order = (behind..provider.lines.len()).chain(0..behind);
    order.find(waits).filter(|_| seen.token.is_some())
}

impl Checks {
    /// Users arrive and no group does: worth a line of help after a while.
    fn hinted(mut self, zone: &Zone, provider: &Provider, found: &Connecting, seen: &Seen<'_>) -> Checks {
        let waited =
            seen.first.get(&Event::User).is_some_and(|first| zone.now().since(first.at) >= NO_GROUP_MS);
        if waited && found.totals.users > 0 && found.totals.groups == 0 && !seen.has(Event::Group) {
            self.lines.push(Check {
                kind: "warn",
                title: "Users arrive but no group".into(),
                at: String::new(),
                sub: provider.no_group.into(),
            });
        }
        self
    }
}

fn outside_line(zone: &Zone, seen: &Seen<'_>, warnings: &[Check]) -> Check {
    let title = "Address and certificate good from outside".to_owned();
    match seen.outside {
        Some((at, address)) => Check {
            kind: "ok",
            title,
            at: zone.beneath(at),
            sub: Said::plain("A request came from ").mono(address),
        },
        None => Check {
            kind: "todo",
            title,
            at: "Not yet".into(),
            sub: match warnings.first() {
                Some(warning) => warning.title.as_str().into(),
                None => "Shown by the first request from a public address".into(),
            },
        },
    }
}

fn token_line(zone: &Zone, seen: &Seen<'_>) -> Check {
    let title = "Token created".to_owned();
    match seen.token {
        Some(at) => Check { kind: "ok", title, at: zone.beneath(at), ..Check::default() },
        None => Check { kind: "wait", title, at: "Listening".into(), sub: "Create one in the steps".into() },
    }
}

/// How far the steps in the provider's console are: done, now, or nothing yet.
pub fn step_classes(provider: &Provider, seen: &Seen<'_>) -> Vec<&'static str> {
    let done = |step: &super::idp::Step| step.done.iter().any(|event| seen.has(*event));
    let now = provider.steps.iter().position(|step| !done(step));
    let class = |(n, step): (usize, &super::idp::Step)| match (done(step), now == Some(n)) {
        (true, _) => "done",
        (_, true) => "now",
        _ => "",
    };
    provider.steps.iter().enumerate().map(class).collect()
}

/// The next expected line: listening, or refused with cause and cure.
fn listening(zone: &Zone, title: &str, expected: &str, refusal: Option<&Activity>) -> Check {
    match refusal {
        Some(row) => {
            let cause = row.cause.as_deref().and_then(Cause::from_key);
            let words = match cause {
                Some(cause) => format!("{} {}", cause.why_of(&row.note), cause.words().cure),
                None => sentence(&row.sentence),
            };
            Check {
                kind: "bad",
                title: title.into(),
                at: format!("Refused {}", zone.beneath(row.at)),
                sub: Said::default()
                    .mono(format!("{} {}", row.method, path(&row.path)))
                    .and(format!(" was answered {}. {words}", row.status)),
            }
        }
        None => Check { kind: "wait", title: title.into(), at: "Listening".into(), sub: expected.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Kind;
    use crate::service::outside::FromOutside;
    use crate::store::{Milestone, Subject};

    fn row(n: i64, method: &str, path: &str, status: u16, about: Option<(Kind, &str, &str)>) -> ActivityRow {
        let subject = about.map(|(kind, id, name)| Subject { id: id.into(), kind, name: name.into() });
        ActivityRow {
            n,
            activity: Activity {
                request: format!("req_{n}"),
                at: Timestamp(n * 1000),
                token: (status != 401).then_some(1),
                method: method.into(),
                path: path.into(),
                status,
                subject,
                ..Activity::default()
            },
        }
    }

    fn connecting(mut rows: Vec<ActivityRow>) -> Connecting {
        rows.reverse();
        Connecting { rows, ..Connecting::default() }
    }

    /// The lines without the first, which is about the address.
    fn kinds_of(provider: &str, found: &Connecting) -> Vec<&'static str> {
        let provider = super::super::idp::find(provider).expect("known");
        let zone = Zone::utc(Timestamp(100_000));
        let mut seen = Seen::of(found, "test@example.com");
        seen.token = Some(Timestamp(0));
        checks(&zone, provider, found, &seen, &[]).lines.iter().map(|line| line.kind).skip(1).collect()
    }

    fn kinds(found: &Connecting) -> Vec<&'static str> {
        kinds_of("jumpcloud", found)
    }

    #[test]
    fn a_tokens_first_use_is_told_by_the_request_that_it_was() {
        let mut found = connecting(vec![row(3, "GET", "/scim/Users", 200, None)]);
        for used in [3000, 3001] {
            found.tokens = vec![super::super::connect::tests::token(1, Some(used))];
            let seen = Seen::of(&found, "");
            assert_eq!(seen.first[&Event::Accepted].what, "GET /Users → 200", "{used}");
        }
    }

    #[test]
    fn jumpclouds_own_test_ticks_every_line_but_the_real_ones() {
        let user = Some((Kind::User, "u1", "test@example.com"));
        let group = Some((Kind::Group, "g1", "Test group"));
        let found = connecting(vec![
            row(1, "GET", "/scim/Users", 200, None),
            row(2, "POST", "/scim/Users", 201, user),
            row(3, "PUT", "/scim/Users/u1", 200, user),
            row(4, "POST", "/scim/Groups", 201, group),
            row(5, "PATCH", "/scim/Groups/g1", 200, group),
            row(6, "DELETE", "/scim/Users/u1", 204, user),
            row(7, "DELETE", "/scim/Groups/g1", 204, group),
        ]);
        assert_eq!(kinds(&found)[..9], ["ok"; 9]);
        assert_eq!(kinds(&found)[9..], ["wait", "todo"]);
    }

    #[test]
    fn real_people_are_not_taken_for_tests() {
        let found = connecting(vec![
            row(1, "POST", "/scim/Users", 201, Some((Kind::User, "u1", "Mei Chen"))),
            row(2, "POST", "/scim/Groups", 201, Some((Kind::Group, "g1", "Engineering"))),
        ]);
        let kinds = kinds(&found);
        assert_eq!((kinds[4], kinds[9], kinds[10]), ("todo", "ok", "ok"));
    }

    #[test]
    fn a_refusal_stands_on_the_line_that_waits_until_something_is_accepted() {
        let mut refused = row(1, "GET", "/scim/Users", 401, None);
        refused.activity.cause = Some(Cause::TokenChanged.key().into());
        let found = connecting(vec![refused.clone()]);
        assert_eq!(kinds(&found)[..3], ["ok", "ok", "bad"]);
        let found = connecting(vec![refused, row(2, "GET", "/scim/Users", 200, None)]);
        assert!(!kinds(&found).contains(&"bad"));
    }

    #[test]
    fn what_is_kept_ticks_its_line_when_the_requests_are_forgotten() {
        let kept = |event: Event, at| Milestone {
            name: event.key().into(),
            at: Timestamp(at),
            address: "203.0.113.24".into(),
            what: "POST /Users → 201".into(),
            ..Milestone::default()
        };
        let mut found =
            connecting(vec![row(90, "POST", "/scim/Users", 201, Some((Kind::User, "u9", "Mei")))]);
        found.kept = vec![kept(Event::First, 1000), kept(Event::User, 2000), kept(Event::TestDeleted, 3000)];
        let provider = super::super::idp::find("jumpcloud").expect("known");
        let lines = |found: &Connecting| {
            checks(&Zone::utc(Timestamp(100_000)), provider, found, &Seen::of(found, ""), &[]).lines
        };
        let line = |found: &Connecting, title: &str| {
            let line = lines(found).into_iter().find(|line| line.title == title).expect("a line");
            (line.kind, line.at, line.sub.text())
        };
        let ok = |at: &str, sub: &str| ("ok", at.to_owned(), sub.to_owned());
        assert_eq!(line(&found, "First request arrived"), ok("00:00:01", "From 203.0.113.24"));
        assert_eq!(line(&found, "First real user"), ok("00:00:02", "POST /Users → 201"));
        assert_eq!(line(&found, "Test user and group deleted").0, "ok");
        assert_eq!(line(&found, "First real group").0, "todo");
        // The address is the server's, whichever requests of this team are still kept.
        let seen = FromOutside {
            at: Timestamp(7000),
            address: "203.0.113.9".into(),
            name: "scim.example.com".into(),
        };
        found.outside = Some(seen);
        let outside = line(&found, "Address and certificate good from outside");
        assert_eq!(outside, ok("00:00:07", "A request came from 203.0.113.9"));
        // Of a team that was connected before anything was kept, the token knows.
        let used = super::super::connect::tests::token(1, Some(5000));
        let old = Connecting { tokens: vec![used], ..Connecting::default() };
        assert_eq!(line(&old, "Token accepted"), ok("00:00:05", ""));
    }

    #[test]
    fn a_token_that_was_refused_just_before_is_told_where_it_was_accepted() {
        let refused = |n| {
            let mut refused = row(n, "GET", "/scim/Users", 401, None);
            refused.activity.cause = Some(Cause::TokenShape.key().into());
            refused
        };
        let sub = |rows| {
            let found = connecting(rows);
            let provider = super::super::idp::find("jumpcloud").expect("known");
            let lines =
                checks(&Zone::utc(Timestamp(9_000_000)), provider, &found, &Seen::of(&found, ""), &[]).lines;
            let line = lines.into_iter().find(|line| line.title == "Token accepted").expect("a line");
            line.sub.text()
        };
        let good = |n| row(n, "GET", "/scim/Users", 200, None);
        assert_eq!(
            sub(vec![refused(1), refused(2), good(3), refused(4)]),
            "2 requests refused just before: Token pasted with something around it"
        );
        assert_eq!(sub(vec![refused(1), good(700)]), "GET /Users → 200", "that was long before");
    }

    #[test]
    fn exactly_one_line_listens() {
        assert_eq!(kinds(&connecting(Vec::new())).iter().filter(|kind| **kind == "wait").count(), 1);
    }

    #[test]
    fn each_provider_has_its_own_list_and_takes_any_order() {
        let looked_up = |n| {
            let mut row = row(n, "GET", "/scim/Users", 200, None);
            row.activity.query = "filter=userName+eq+%22nobody%22".into();
            row
        };
        let ada = Some((Kind::User, "u1", "Ada"));
        let group = Some((Kind::Group, "g1", "Engineering"));
        let mut joined = row(5, "PATCH", "/scim/Groups/g1", 200, group);
        joined.activity.sentence = "Ada joined Engineering".into();
        let mut made = row(4, "POST", "/scim/Groups", 201, group);
        made.activity.note = "Group, no members yet".into();
        let entra = vec![
            looked_up(1),
            row(2, "POST", "/scim/Users", 201, ada),
            row(3, "PATCH", "/scim/Users/u1", 200, ada),
            made.clone(),
            joined.clone(),
        ];
        assert_eq!(kinds_of("entra", &connecting(entra.clone())), ["ok"; 8]);
        let mut backwards = entra;
        backwards.reverse();
        assert_eq!(kinds_of("entra", &connecting(backwards)), ["ok"; 8]);
        let okta = connecting(vec![
            row(1, "GET", "/scim/Users", 200, None),
            row(2, "GET", "/scim/Groups", 200, None),
        ]);
        assert_eq!(kinds_of("okta", &okta), ["ok", "ok", "ok", "ok", "ok", "wait", "todo", "todo", "todo"]);
        let other = connecting(vec![row(1, "GET", "/scim/ServiceProviderConfig", 200, None)]);
        assert_eq!(kinds_of("other", &other)[..4], ["ok", "ok", "ok", "ok"]);
        assert_eq!(kinds_of("onelogin", &connecting(vec![made]))[5..], ["todo", "todo", "ok", "wait"]);
    }

    #[test]
    fn people_without_a_group_are_a_hint_only_after_ten_minutes() {
        let mut found = connecting(vec![row(1, "POST", "/scim/Users", 201, Some((Kind::User, "u1", "Ada")))]);
        found.totals.users = 1;
        let provider = super::super::idp::find("okta").expect("known");
        let at = |ms| {
            let zone = Zone::utc(Timestamp(1000 + ms));
            checks(&zone, provider, &found, &Seen::of(&found, ""), &[])
                .lines
                .last()
                .map(|line| line.sub.text())
        };
        assert_eq!(at(NO_GROUP_MS).as_deref(), Some(provider.no_group));
        assert_ne!(at(NO_GROUP_MS - 1).as_deref(), Some(provider.no_group));
        found.totals.groups = 1;
        let zone = Zone::utc(Timestamp(1000 + NO_GROUP_MS));
        let lines = checks(&zone, provider, &found, &Seen::of(&found, ""), &[]).lines;
        assert!(lines.iter().all(|line| line.kind != "warn"));
    }

    #[test]
    fn only_a_public_address_shows_that_the_name_is_found_from_outside() {
        for (address, cause, outside) in [
            ("203.0.113.24", None, true),
            ("2001:db8::7", None, true),
            ("203.0.113.24", Some(Cause::PlainHttp), false),
            ("127.0.0.1", None, false),
            ("10.1.2.3", None, false),
            ("100.64.0.9", None, false),
            ("fd00::1", None, false),
            ("fe80::1", None, false),
            ("", None, false),
        ] {
            let mut row = row(1, "GET", "/scim/Users", 200, None).activity;
            row.address = address.into();
            row.cause = cause.map(|cause| cause.key().into());
            assert_eq!(is_outside(&row), outside, "{address} {cause:?}");
        }
    }

    #[test]
    fn the_steps_follow_what_was_seen() {
        let found = connecting(vec![row(1, "GET", "/scim/Users", 200, None)]);
        let mut seen = Seen::of(&found, "");
        seen.token = Some(Timestamp(0));
        let provider = super::super::idp::find("jumpcloud").expect("known");
        assert_eq!(step_classes(provider, &seen), ["done", "done", "done", "now", ""]);
    }
}

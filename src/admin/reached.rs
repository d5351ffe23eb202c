//! What has reached the server while a provider is being connected, read from the activity: any order, tests told from
//! people, and a refusal's cause and cure on the line that waits. Which lines there are is told in `idp`.

use std::collections::HashMap;

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::sentence;
use super::idp::Provider;
use super::parts::{Check, clipped};
use super::when::Zone;
use crate::base::Timestamp;
use crate::scim::Kind;
use crate::service::Cause;
use crate::service::connect::Connecting;
use crate::store::{Activity, ActivityRow};

/// A user or group that lives no longer than this was a test.
const TEST_MS: i64 = 2 * 60 * 1000;
/// A refusal is shown on the list while it is no older than this and nothing was accepted after it.
const FRESH_MS: i64 = 60 * 60 * 1000;
/// Users without any group for so long are worth a hint.
const NO_GROUP_MS: i64 = 10 * 60 * 1000;

/// Something that the connect page waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    Token,
    First,
    Accepted,
    Discovery,
    UserList,
    UserLookup,
    GroupList,
    TestUser,
    TestUpdated,
    TestGroup,
    TestMember,
    TestDeleted,
    User,
    UserUpdated,
    Group,
    Member,
}

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

/// When each line was first seen, as far as the kept activity tells.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    pub token: Option<Timestamp>,
    first: HashMap<Event, &'a Activity>,
    /// The first request from a public address.
    outside: Option<&'a Activity>,
    refused: Option<&'a Activity>,
}

impl<'a> Seen<'a> {
    /// Reads the requests, whatever their order.
    pub fn of(found: &'a Connecting, email: &str) -> Seen<'a> {
        let mut rows: Vec<&Activity> = found.rows.iter().map(|row: &ActivityRow| &row.activity).collect();
        rows.reverse();
        let mut seen = Seen {
            token: found.tokens.iter().map(|token| token.created).min(),
            outside: rows.iter().copied().find(|row| is_outside(row)),
            ..Seen::default()
        };
        let tests = test_ids(&rows, email);
        for row in &rows {
            seen.note(Event::First, row);
            if row.status >= 400 {
                seen.refused = Some(row);
                continue;
            }
            if row.token.is_some() {
                seen.note(Event::Accepted, row);
            }
            for event in events(row, &tests) {
                seen.note(event, row);
            }
        }
        // A refusal that something accepted came after is over, unless that was only a read.
        let last_good = rows.iter().rev().find(|row| row.status < 400 && row.token.is_some());
        if let (Some(refused), Some(good)) = (seen.refused, last_good)
            && good.at >= refused.at
        {
            seen.refused = None;
        }
        seen
    }

    /// Whether it has been seen.
    pub fn has(&self, event: Event) -> bool {
        match event {
            Event::Token => self.token.is_some(),
            event => self.first.contains_key(&event),
        }
    }

    fn note(&mut self, event: Event, row: &'a Activity) {
        // Both the user and the group are deleted: the line is done with the last of them.
        if event == Event::TestDeleted {
            self.first.insert(event, row);
        } else {
            self.first.entry(event).or_insert(row);
        }
    }
}

/// What a request that was accepted shows.
fn events(row: &Activity, tests: &[&str]) -> Vec<Event> {
    let subject = row.subject.as_ref();
    let kind = subject.map(|subject| subject.kind);
    let test = subject.is_some_and(|subject| tests.contains(&subject.id.as_str()));
    let gained = row.sentence.contains(" joined ") || row.sentence.contains(" gained ");
    match (row.method.as_str(), kind, test) {
        ("GET", None, _) if row.path.contains("/Users") => match row.query.contains("filter=") {
            true => vec![Event::UserList, Event::UserLookup],
            false => vec![Event::UserList],
        },
        ("GET", None, _) if row.path.contains("/Groups") => vec![Event::GroupList],
        ("GET", None, _) => vec![Event::Discovery],
        ("POST", Some(Kind::User), true) => vec![Event::TestUser],
        ("PUT" | "PATCH", Some(Kind::User), true) => vec![Event::TestUpdated],
        ("POST", Some(Kind::Group), true) => vec![Event::TestGroup],
        ("PUT" | "PATCH", Some(Kind::Group), true) => vec![Event::TestMember],
        ("DELETE", Some(_), true) => vec![Event::TestDeleted],
        ("POST", Some(Kind::User), false) => vec![Event::User],
        ("PUT" | "PATCH", Some(Kind::User), false) => vec![Event::UserUpdated],
        ("POST", Some(Kind::Group), false) if row.note.contains("no members") => vec![Event::Group],
        ("POST", Some(Kind::Group), false) => vec![Event::Group, Event::Member],
        ("PUT" | "PATCH", Some(Kind::Group), false) if gained => vec![Event::Member],
        _ => Vec::new(),
    }
}

/// Whether a request came from the internet, over TLS: whoever sent it has found the name and taken the certificate.
fn is_outside(row: &Activity) -> bool {
    use std::net::IpAddr;
    let plain = row.cause.as_deref() == Some(Cause::PlainHttp.key());
    let public = match row.address.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || shared)
        }
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local())
        }
        Err(_) => false,
    };
    public && !plain
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
    let request = |row: &Activity| format!("{} {} → {}", row.method, path(row), row.status);
    let mut lines = vec![outside_line(zone, seen, warnings), token_line(zone, seen)];
    let next = next_line(provider, seen);
    let refusal = seen.refused.filter(|row| zone.now().since(row.at) < FRESH_MS);
    let mut last = seen.token.map(|at| (at, "Token created"));
    for (n, line) in provider.lines.iter().enumerate() {
        lines.push(match seen.first.get(&line.event) {
            Some(row) => {
                last = last.max(Some((row.at, line.title)));
                let first = line.event == Event::First;
                Check {
                    kind: "ok",
                    title: line.title.into(),
                    at: zone.beneath(row.at),
                    sub: if first { format!("From {}", row.address) } else { request(row) },
                    mono: !first,
                }
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
        said = format!("Refused. {}", refused.sub);
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
        let waited = seen.first.get(&Event::User).is_some_and(|row| zone.now().since(row.at) >= NO_GROUP_MS);
        if waited && found.totals.users > 0 && found.totals.groups == 0 && !seen.has(Event::Group) {
            self.lines.push(Check {
                kind: "warn",
                title: "Users arrive but no group".into(),
                at: String::new(),
                sub: provider.no_group.into(),
                mono: false,
            });
        }
        self
    }
}

fn outside_line(zone: &Zone, seen: &Seen<'_>, warnings: &[Check]) -> Check {
    let title = "Address and certificate good from outside".to_owned();
    match seen.outside {
        Some(row) => Check {
            kind: "ok",
            title,
            at: zone.beneath(row.at),
            sub: format!("A request came from {}", row.address),
            mono: false,
        },
        None => Check {
            kind: "todo",
            title,
            at: "Not yet".into(),
            sub: match warnings.first() {
                Some(warning) => warning.title.clone(),
                None => "Shown by the first request from a public address".into(),
            },
            mono: false,
        },
    }
}

fn token_line(zone: &Zone, seen: &Seen<'_>) -> Check {
    let title = "Token created".to_owned();
    match seen.token {
        Some(at) => Check { kind: "ok", title, at: zone.beneath(at), ..Check::default() },
        None => Check {
            kind: "wait",
            title,
            at: "Listening".into(),
            sub: "Create one in the steps".into(),
            mono: false,
        },
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
                sub: format!("{} {} was answered {}. {words}", row.method, path(row), row.status),
                mono: false,
            }
        }
        None => Check {
            kind: "wait",
            title: title.into(),
            at: "Listening".into(),
            sub: expected.into(),
            mono: false,
        },
    }
}

fn path(row: &Activity) -> String {
    let rest = row.path.strip_prefix("/scim/v2").or_else(|| row.path.strip_prefix("/scim"));
    let rest = rest.unwrap_or(&row.path);
    let mut parts = rest.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some(kind), Some(id)) => format!("/{kind}/{}", clipped(id, 8)),
        _ => clipped(rest, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Subject;

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
                .map(|line| line.sub.clone())
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

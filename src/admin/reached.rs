//! What has reached the server while a provider is being connected, read from the activity: any order, tests told from
//! people, and a refusal's cause and cure on the line that waits.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::sentence;
use super::parts::{Check, clipped};
use super::when::Zone;
use crate::base::Timestamp;
use crate::scim::Kind;
use crate::service::Cause;
use crate::service::overview::Connecting;
use crate::store::{Activity, ActivityRow};

/// A user or group that lives no longer than this was a test.
const TEST_MS: i64 = 2 * 60 * 1000;
/// A refusal is shown on the list while it is no older than this and nothing was accepted after it.
const FRESH_MS: i64 = 60 * 60 * 1000;

/// The list of what has reached the server.
#[derive(Template)]
#[template(path = "parts/connect_checks.html")]
pub struct Checks {
    done: usize,
    total: usize,
    bar: usize,
    lines: Vec<Check>,
    /// What each step on the left has come to, for the script that keeps them right.
    pub steps: String,
}

impl HtmlSafe for Checks {}

/// When each line was first seen, as far as the kept activity tells.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    pub token: Option<Timestamp>,
    pub first: Option<&'a Activity>,
    pub accepted: Option<&'a Activity>,
    pub listed: Option<&'a Activity>,
    pub test_user: Option<&'a Activity>,
    pub test_updated: Option<&'a Activity>,
    pub test_group: Option<&'a Activity>,
    pub test_member: Option<&'a Activity>,
    pub test_deleted: Option<&'a Activity>,
    pub group: Option<&'a Activity>,
    pub user: Option<&'a Activity>,
    pub refused: Option<&'a Activity>,
}

impl<'a> Seen<'a> {
    /// Reads the requests, whatever their order.
    pub fn of(found: &'a Connecting, email: &str) -> Seen<'a> {
        let mut rows: Vec<&Activity> = found.rows.iter().map(|row: &ActivityRow| &row.activity).collect();
        rows.reverse();
        let mut seen = Seen {
            token: found.tokens.iter().map(|token| token.created).min(),
            first: rows.first().copied(),
            ..Seen::default()
        };
        let tests = test_ids(&rows, email);
        for row in &rows {
            if row.status >= 400 {
                seen.refused = Some(row);
                continue;
            }
            let known = row.token.is_some();
            if known {
                seen.accepted.get_or_insert(row);
            }
            seen.note(row, &tests);
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

    fn note(&mut self, row: &'a Activity, tests: &[&str]) {
        let id = row.subject.as_ref().map(|subject| subject.id.as_str()).unwrap_or_default();
        let kind = row.subject.as_ref().map(|subject| subject.kind);
        let test = tests.contains(&id);
        let slot = match (row.method.as_str(), kind, test) {
            ("GET", None, _) if row.path.contains("/Users") => &mut self.listed,
            ("POST", Some(Kind::User), true) => &mut self.test_user,
            ("PUT" | "PATCH", Some(Kind::User), true) => &mut self.test_updated,
            ("POST", Some(Kind::Group), true) => &mut self.test_group,
            ("PUT" | "PATCH", Some(Kind::Group), true) => &mut self.test_member,
            ("DELETE", _, true) => {
                self.test_deleted = Some(row);
                return;
            }
            ("POST", Some(Kind::User), false) => &mut self.user,
            ("POST", Some(Kind::Group), false) => &mut self.group,
            _ => return,
        };
        slot.get_or_insert(row);
    }
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

/// The lines of the list.
pub fn checks(zone: &Zone, found: &Connecting, seen: &Seen<'_>) -> Checks {
    let request = |row: &&Activity| format!("{} {} → {}", row.method, path(row), row.status);
    let titles: [(&str, &str, Option<&Activity>); 10] = [
        ("First request arrived", "When you press Test Connection", seen.first),
        ("Token accepted", "With the first request", seen.accepted),
        ("User list read", "Test Connection ends here", seen.listed),
        ("Test user created", "After Activate", seen.test_user),
        ("Test user found and updated", "After Activate", seen.test_updated),
        ("Test group created", "After Activate", seen.test_group),
        ("Member added to the test group", "After Activate", seen.test_member),
        ("Test user and group deleted", "After Activate", seen.test_deleted),
        ("First real group", "After assigning a group", seen.group),
        ("First real user", "After assigning a group", seen.user),
    ];
    let mut lines = vec![match seen.token {
        Some(at) => {
            Check { kind: "ok", title: "Token created".into(), at: zone.beneath(at), ..Check::default() }
        }
        None => Check {
            kind: "wait",
            title: "Token created".into(),
            at: "Listening".into(),
            sub: "Create one on the left".into(),
            mono: false,
        },
    }];
    let mut listening = seen.token.is_some();
    let refusal = seen.refused.filter(|row| zone.now().since(row.at) < FRESH_MS);
    for (title, expected, row) in titles {
        lines.push(match row {
            Some(row) => Check {
                kind: "ok",
                title: title.into(),
                at: zone.beneath(row.at),
                sub: if title == "First request arrived" {
                    format!("From {}", row.address)
                } else {
                    request(&row)
                },
                mono: title != "First request arrived",
            },
            None if listening => {
                listening = false;
                next_line(zone, title, expected, refusal)
            }
            None => Check { kind: "todo", title: title.into(), at: "Not yet".into(), ..Check::default() },
        });
    }
    let done = lines.iter().filter(|line| line.kind == "ok").count();
    if found.totals.users > 0 && found.totals.groups == 0 && seen.user.is_some() {
        lines.push(Check {
            kind: "warn",
            title: "Users arrive but no group".into(),
            at: String::new(),
            sub: "Turn Group management on in JumpCloud’s Identity Management tab and save.".into(),
            mono: false,
        });
    }
    Checks { done, total: 11, bar: done * 120 / 11, lines, steps: step_classes(seen).join(",") }
}

/// How far the steps in the provider's console are: done, now, or nothing yet.
pub fn step_classes(seen: &Seen<'_>) -> [&'static str; 5] {
    let done = [
        seen.token.is_some(),
        seen.accepted.is_some(),
        seen.listed.is_some(),
        seen.test_user.is_some() || seen.test_group.is_some(),
        seen.user.is_some(),
    ];
    let now = done.iter().position(|done| !done);
    std::array::from_fn(|i| match (done[i], now == Some(i)) {
        (true, _) => "done",
        (_, true) => "now",
        _ => "",
    })
}

/// The next expected line: listening, or refused with cause and cure.
fn next_line(zone: &Zone, title: &str, expected: &str, refusal: Option<&Activity>) -> Check {
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

    fn kinds(found: &Connecting) -> Vec<&'static str> {
        let zone = Zone::utc(Timestamp(100_000));
        let mut seen = Seen::of(found, "test@example.com");
        seen.token = Some(Timestamp(0));
        checks(&zone, found, &seen).lines.iter().map(|line| line.kind).collect()
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
}

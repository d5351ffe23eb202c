//! One person: profile, groups, history, identifiers, and the document as it is stored.

use std::collections::HashSet;

use askama::Template;
use serde_json::Value;

use super::activity::timeline;
use super::code;
use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Code, Entry, Fact, Facts, Said, Timeline, When, clipped, counted, initials};
use super::users::status_chip;
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::Response;
use crate::scim::registry::ENTERPRISE;
use crate::scim::{Document, Kind};
use crate::service::browse::Detail;

struct GroupLine {
    id: String,
    name: String,
    how: String,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    shell: Shell,
    id: String,
    name: String,
    initials: String,
    active: bool,
    chip: Chip,
    lead: &'static str,
    lead_at: When,
    lead_end: &'static str,
    group_count: String,
    groups: Vec<GroupLine>,
    history: Timeline,
    profile: Facts,
    identifiers: Facts,
    json: Code,
}

/// One person.
pub fn user(mut page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    let found = page.visit.desk.service.detail(page.team.id, Kind::User, id)?.ok_or(Fault::NotFound)?;
    let zone = page.visit.zone.clone();
    let base = page.base();
    let name = clipped(&found.row.display, 200);
    let groups = found.groups.iter().map(|(group, since)| GroupLine {
        id: group.id.clone(),
        name: clipped(&group.display, 120),
        how: match (group.direct, since) {
            (true, Some(since)) => format!("Since {}", zone.date(*since)),
            (true, None) => "Member".to_owned(),
            (false, _) => "Through a group within it".to_owned(),
        },
    });
    let template = UserPage {
        groups: groups.collect(),
        shell: page.shell(&clipped(&name, 60), Here::Users),
        id: found.row.id.clone(),
        initials: initials(&name),
        active: found.row.active,
        chip: status_chip(&found.row),
        lead: if found.row.active { "Last changed" } else { "Inactive; last changed" },
        lead_at: zone.ago(found.row.modified),
        lead_end: ".",
        group_count: counted(found.groups.len() as u64, "group"),
        history: history(&zone, &base, &found),
        profile: profile(&base, &found),
        identifiers: identifiers(&zone, &base, &found),
        json: Code {
            id: "json".into(),
            title: "Stored document",
            meta: format!("W/\"{}\"", found.row.version),
            text: code::json(&Value::Object(found.document.clone())),
        },
        name,
    };
    html(200, &template)
}

/// Requests about the person, and the groups joined and left, latest first.
fn history(zone: &Zone, base: &str, found: &Detail) -> Timeline {
    let mut all: Vec<(Timestamp, Entry)> = timeline(zone, base, &found.history, false, &HashSet::new())
        .entries
        .into_iter()
        .zip(&found.history)
        .map(|(entry, row)| (row.activity.at, entry))
        .collect();
    let membership = |before: &str, name: &str, id: &str, at: Timestamp| Entry {
        kind: "acc",
        said: Said {
            before: before.to_owned(),
            name: clipped(name, 80),
            href: format!("{base}groups/{id}"),
            after: String::new(),
        },
        at: zone.clock(at),
        ..Entry::default()
    };
    for (group, since) in &found.groups {
        if let Some(since) = since {
            all.push((*since, membership("Added to ", &group.display, &group.id, *since)));
        }
    }
    for (id, name, until) in &found.left {
        all.push((*until, membership("Left ", name, id, *until)));
    }
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut day = String::new();
    for (at, entry) in &mut all {
        let today = zone.day(*at);
        entry.day = if today == day { String::new() } else { today.clone() };
        day = today;
    }
    if all.is_empty() {
        let day = zone.day(found.row.created);
        let said = Said { before: "No changes are kept since it was created".into(), ..Said::default() };
        let at = zone.clock(found.row.created);
        all.push((found.row.created, Entry { day, kind: "ok", said, at, ..Entry::default() }));
    }
    Timeline { id: "", entries: all.into_iter().map(|(_, entry)| entry).collect() }
}

/// What the provider says of the person, in plain words.
fn profile(base: &str, found: &Detail) -> Facts {
    let document = &found.document;
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut facts = vec![Fact::new("User name", text("userName")), Fact::new("Name", full_name(document))];
    for (name, path) in [("emails", "email"), ("phoneNumbers", "phone")] {
        for item in document.get(name).and_then(Value::as_array).into_iter().flatten().take(10) {
            let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
            let value = item.get("value").and_then(Value::as_str).unwrap_or_default();
            let primary = item.get("primary").and_then(Value::as_bool) == Some(true);
            let label = super::error::sentence(&format!("{kind} {path}")).trim_end_matches('.').to_owned();
            let chip = if primary { "primary".to_owned() } else { String::new() };
            facts.push(Fact { chip, ..Fact::new(clipped(&label, 60), clipped(value, 300)) });
        }
    }
    let plain = [
        ("nickName", "Nickname"),
        ("title", "Title"),
        ("userType", "Kind"),
        ("preferredLanguage", "Language"),
        ("locale", "Locale"),
        ("timezone", "Time zone"),
    ];
    for (path, label) in plain {
        facts.push(Fact::new(label, clipped(text(path), 300)));
    }
    if let Some(work) = document.get(ENTERPRISE) {
        let names = [
            ("department", "Department"),
            ("division", "Division"),
            ("organization", "Organisation"),
            ("costCenter", "Cost centre"),
            ("employeeNumber", "Employee number"),
        ];
        for (path, label) in names {
            let value = work.get(path).and_then(Value::as_str).unwrap_or_default();
            facts.push(Fact::new(label, clipped(value, 300)));
        }
    }
    match &found.manager {
        Some((id, Some(name))) => {
            let href = format!("{base}users/{id}");
            facts.push(Fact { href, ..Fact::new("Manager", clipped(name, 120)) });
        }
        Some((id, None)) => facts.push(Fact::new("Manager", format!("{}, who is not here", clipped(id, 60)))),
        None => {}
    }
    facts.retain(|fact| !fact.text.is_empty());
    Facts { facts }
}

fn full_name(document: &Document) -> String {
    let part = |name: &str| {
        document.get("name").and_then(|n| n.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let formatted = part("formatted");
    let name = match formatted.is_empty() {
        true => format!("{} {}", part("givenName"), part("familyName")).trim().to_owned(),
        false => formatted,
    };
    clipped(&name, 300)
}

/// What the resource is called by machines, and where it came from.
pub fn identifiers(zone: &Zone, base: &str, found: &Detail) -> Facts {
    let mut facts = vec![Fact::mono("ID", found.row.id.as_str())];
    if let Some(external) = found.document.get("externalId").and_then(Value::as_str) {
        facts.push(Fact::mono("External ID", clipped(external, 300)));
    }
    facts.push(Fact::mono("Version", format!("W/\"{}\"", found.row.version)));
    facts.push(match &found.token {
        Some(token) => {
            Fact { href: format!("{base}tokens"), ..Fact::new("Sent by", format!("token {}", token.name)) }
        }
        None => Fact::new("Sent by", clipped(&found.row.source, 100)),
    });
    facts.push(Fact::at("Created", zone.full(found.row.created)));
    facts.push(Fact::at("Last change", zone.full(found.row.modified)));
    Facts { facts }
}

//! One person: profile, groups, history, identifiers, and the document as it is stored.

use std::collections::HashSet;

use askama::Template;
use serde_json::Value;

use super::activity::changes;
use super::code;
use super::deleting::{Question, question};
use super::error::Fault;
use super::history::{Teller, Whose, verb};
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Code, Fact, Facts, When, clipped, counted, initials};
use super::past::{self, History};
use super::users::status_chip;
use super::when::Zone;
use crate::http::Response;
use crate::scim::registry::ENTERPRISE;
use crate::scim::{Document, Kind};
use crate::service::browse::{Detail, MOST_REQUESTS};
use crate::service::sentence::number;
use crate::service::told::Told;
use crate::store::Token;

struct GroupLine {
    id: String,
    name: String,
    /// A member of the group itself, and since when that is known.
    direct: bool,
    since: Option<When>,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    shell: Shell,
    name: String,
    initials: String,
    active: bool,
    chip: Chip,
    lead: String,
    lead_at: When,
    group_count: String,
    groups: Vec<GroupLine>,
    history: History,
    profile: Facts,
    identifiers: Facts,
    json: Code,
    delete: Option<Question>,
}

/// One person.
pub fn user(mut page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    let Some(found) = page.visit.desk.service.detail(page.team.id, Kind::User, id)? else {
        return past::gone(page, Kind::User, id);
    };
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    let past = past::of(&page, &tokens, &found.row)?;
    let zone = page.visit.zone.clone();
    let base = page.base();
    let name = clipped(&found.row.display, 200);
    let groups = found.groups.iter().map(|(group, since)| GroupLine {
        id: group.id.clone(),
        name: clipped(&group.display, 120),
        direct: group.direct,
        since: since.filter(|_| group.direct).map(|since| zone.dated(since)),
    });
    let tests = HashSet::new();
    let whose = Whose::Own(Kind::User);
    let teller = Teller { zone: &zone, base: &base, tokens: &tokens, tests: &tests, whose };
    let (lead, lead_at) = lead(&teller, &found, &past.told);
    let template = UserPage {
        groups: groups.collect(),
        shell: Shell {
            events: page.events("users", &found.row.id),
            ..page.shell(&clipped(&name, 60), Here::Users)
        },
        initials: initials(&name),
        active: found.row.active,
        chip: status_chip(&found.row),
        lead,
        lead_at,
        group_count: counted(found.groups.len() as u64, "group"),
        history: past.history.of(requests(&found)),
        profile: profile(&base, &found),
        identifiers: identifiers(&zone, &base, &found, &tokens),
        json: Code {
            id: "json".into(),
            title: "Stored document",
            meta: format!("W/\"{}\"", found.row.version),
            text: code::json(&Value::Object(found.document.clone())),
        },
        delete: question(&page, &found)?,
        name,
    };
    html(200, &template)
}

/// The latest thing that happened to the person: "Deactivated by JumpCloud today at 16:02:11 UTC".
fn lead(teller: &Teller<'_>, found: &Detail, told: &[Told]) -> (String, When) {
    let what = |told: &Told| verb(told, &changes(&told.row));
    let of_record = |told: &&Told| told.row.activity.status < 400 && told.groups.is_empty();
    let mut own = told.iter().filter(of_record);
    match own.find(|told| found.row.active || what(told) == "Deactivated") {
        Some(told) => {
            let at = told.row.activity.at;
            let by = teller.by(&told.row);
            (format!("{}{by} {},", what(told), teller.zone.spoken(at)), teller.zone.ago(at))
        }
        None => ("Last changed".to_owned(), teller.zone.ago(found.row.modified)),
    }
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

/// "All 38 requests".
pub fn requests(found: &Detail) -> String {
    match found.requests {
        0 | 1 => "All requests".to_owned(),
        n if n < u64::from(MOST_REQUESTS) => format!("All {} requests", number(n)),
        n => format!("More than {} requests", number(n - 1)),
    }
}

/// What the resource is called by machines, and where it came from.
pub fn identifiers(zone: &Zone, base: &str, found: &Detail, tokens: &[Token]) -> Facts {
    let mut facts = vec![Fact::mono("ID", found.row.id.as_str())];
    if let Some(external) = found.document.get("externalId").and_then(Value::as_str) {
        facts.push(Fact::mono("External ID", clipped(external, 300)));
    }
    facts.push(Fact::mono("Version", format!("W/\"{}\"", found.row.version)));
    facts.push(match tokens.iter().find(|token| token.n == found.row.token) {
        Some(token) => {
            let by = match &token.provider {
                Some(provider) => format!("{provider}, token {}", token.name),
                None => format!("token {}", token.name),
            };
            Fact { href: format!("{base}tokens"), ..Fact::new("Sent by", by) }
        }
        None => Fact::new("Sent by", clipped(&found.row.source, 100)),
    });
    facts.push(Fact::at("Created", zone.full(found.row.created)));
    facts.push(Fact::at("Last change", zone.full(found.row.modified)));
    Facts { facts }
}

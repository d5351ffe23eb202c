//! The search from anywhere: users, groups and requests; exactly one hit opens at once.

use askama::Template;

use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Link, clipped};
use super::users::clean;
use crate::http::Response;
use crate::http::query::encode;
use crate::scim::Kind;
use crate::service::browse::{Finds, Listed};
use crate::service::sentence::number;
use crate::store::Tombstone;

struct Hit {
    href: String,
    text: String,
    sub: String,
}

struct Part {
    title: &'static str,
    all: Option<Link>,
    hits: Vec<Hit>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    lead: String,
    parts: Vec<Part>,
}

/// The page, or the one thing that was meant.
pub async fn search(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let text = clean(&page.visit.request.query, "q");
    let base = page.base();
    if text.is_empty() {
        return Ok(Response::redirect(&format!("{base}users")));
    }
    let found = page.visit.desk.service.find(page.team.id, &text).await?;
    if let Some(to) = only_one(&base, &found) {
        return Ok(Response::redirect(&to));
    }
    let mut shell = page.shell("Search", Here::Nowhere);
    shell.find = text.clone();
    let total = count(&found.users)
        + count(&found.groups)
        + found.gone.len() as u64
        + u64::from(found.request.is_some());
    let mut template = SearchPage {
        lead: format!("{} found for “{}”.", number(total), clipped(&text, 100)),
        parts: vec![
            part(&base, "Users", "users", &text, &found.users),
            part(&base, "Groups", "groups", &text, &found.groups),
            Part {
                title: "Requests",
                all: Some(Link::new(format!("{base}activity?q={}", encode(&text)), "Search the activity")),
                hits: found
                    .request
                    .iter()
                    .map(|row| Hit {
                        href: format!("{base}activity/{}", row.activity.request),
                        text: row.activity.sentence.clone(),
                        sub: row.activity.request.clone(),
                    })
                    .collect(),
            },
        ],
        shell,
    };
    if !found.gone.is_empty() {
        template.parts.insert(2, deleted(&base, &found.gone));
    }
    html(200, &template)
}

fn only_one(base: &str, found: &Finds) -> Option<String> {
    if let Some(row) = &found.request {
        return Some(format!("{base}activity/{}", row.activity.request));
    }
    let (kind, id) = match (count(&found.users), count(&found.groups), found.gone.as_slice()) {
        (1, 0, []) => (Kind::User, &found.users.rows.first()?.0.id),
        (0, 1, []) => (Kind::Group, &found.groups.rows.first()?.0.id),
        (0, 0, [one]) => (one.kind, &one.id),
        _ => return None,
    };
    Some(format!("{base}{}/{id}", list_of(kind)))
}

/// How many were found; a search by words alone always knows.
fn count(listed: &Listed) -> u64 {
    listed.total.unwrap_or(listed.rows.len() as u64)
}

fn list_of(kind: Kind) -> &'static str {
    if kind == Kind::User { "users" } else { "groups" }
}

fn deleted(base: &str, gone: &[Tombstone]) -> Part {
    let hits = gone.iter().map(|one| Hit {
        href: format!("{base}{}/{}", list_of(one.kind), one.id),
        text: clipped(&one.display, 120),
        sub: one.id.clone(),
    });
    Part { title: "Deleted", all: None, hits: hits.collect() }
}

fn part(base: &str, title: &'static str, path: &str, text: &str, listed: &Listed) -> Part {
    let more = count(listed) > listed.rows.len() as u64;
    Part {
        title,
        all: more.then(|| {
            Link::new(format!("{base}{path}?q={}", encode(text)), format!("All {}", number(count(listed))))
        }),
        hits: listed
            .rows
            .iter()
            .map(|(row, groups)| Hit {
                href: format!("{base}{path}/{}", row.id),
                text: clipped(&row.display, 120),
                sub: match row.kind {
                    _ if listed.former.contains_key(&row.id) => {
                        format!("called {} before", super::users::former(listed, row))
                    }
                    Kind::User => {
                        let names: Vec<String> =
                            groups.iter().take(3).map(|group| clipped(&group.display, 40)).collect();
                        if names.is_empty() { row.id.clone() } else { names.join(", ") }
                    }
                    Kind::Group => super::parts::counted(row.members, "member"),
                },
            })
            .collect(),
    }
}

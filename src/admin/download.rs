//! Lists to take away: the address of a list with `.csv` or `.ndjson` behind it, narrowed as the list is. What is written is
//! `service::export`'s; it goes to the browser a page at a time.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::Fault;
use super::page::Page;
use super::parts::Icon;
use super::{audited, groups, log, users};
use crate::http::{Body, Query, Response};
use crate::scim::Kind;
use crate::service::export::{Format, Taken};

/// Buttons that take a list away.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "parts/downloads.html")]
pub struct Downloads {
    pub what: &'static str,
    pub csv: String,
    pub ndjson: String,
}

impl HtmlSafe for Downloads {}

impl Downloads {
    fn icon(&self) -> Icon {
        Icon { name: "download" }
    }

    /// Those of a list at a path, narrowed as the query says.
    pub fn new(path: &str, asked: &Query) -> Downloads {
        // Where the list is opened and turned says nothing of what is taken.
        let turned =
            ["after", "before", "at", "open", "older", "way", "sort", "per", "fold"].map(|name| (name, ""));
        let query = super::page::with(asked, &turned);
        Downloads { what: "CSV", csv: format!("{path}.csv{query}"), ndjson: format!("{path}.ndjson{query}") }
    }

    /// Those of a group's members, all of them.
    pub fn of_members(path: &str) -> Downloads {
        Downloads { what: "members", ..Downloads::new(path, &Query::default()) }
    }
}

/// A list and a format, from the last part of an address such as `users.csv`.
pub fn named(file: &str) -> Option<(&str, Format)> {
    let (list, ending) = file.rsplit_once('.')?;
    let format = match ending {
        "csv" => Format::Csv,
        "ndjson" => Format::Ndjson,
        _ => return None,
    };
    Some((list, format))
}

/// Users, groups, requests, or what administrators changed.
pub async fn list(page: Page<'_, '_>, list: &str, format: Format) -> Result<Response, Fault> {
    let asked = page.visit.request.query.clone();
    let zone = page.visit.zone.clone();
    let taken = match list {
        "users" => Taken::Users(users::browse(&asked, &zone)),
        "groups" => Taken::Groups(groups::browse(&asked)),
        "activity" => {
            let asked = log::Asked::read(&asked, &zone);
            Taken::Requests { query: asked.query, in_bodies: asked.in_bodies }
        }
        log::ADMINISTRATORS => Taken::Administrators(audited::asked(&asked, &zone)),
        _ => return Err(Fault::NotFound),
    };
    send(page, list, taken, format).await
}

/// The members of a group.
pub async fn members(page: Page<'_, '_>, id: &str, format: Format) -> Result<Response, Fault> {
    let found = page.visit.desk.service.detail(page.team.id, Kind::Group, id)?.ok_or(Fault::NotFound)?;
    let taken = Taken::Members { group: found.row.n, id: found.row.id };
    send(page, "members", taken, format).await
}

async fn send(page: Page<'_, '_>, name: &str, taken: Taken, format: Format) -> Result<Response, Fault> {
    let service = &page.visit.desk.service;
    let filter = page.visit.request.query.raw().chars().take(500).collect::<String>();
    let mut export = service.export(&page.who.actor(), page.team.id, taken, format, &filter).await?;
    let (sender, body) = Body::stream();
    tokio::spawn(async move {
        loop {
            match export.next().await {
                Ok(Some(bytes)) => {
                    if !sender.send(bytes).await {
                        return;
                    }
                }
                Ok(None) => return,
                Err(_) => return sender.cut().await,
            }
        }
    });
    let day = page.visit.zone.date(page.visit.zone.now());
    let file = format!("{}-{name}-{day}.{}", page.team.slug, format.ending());
    Ok(Response::with_body(200, body)
        .header("content-type", format.media_type())
        .header("content-disposition", &format!("attachment; filename=\"{file}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_narrowed_as_its_list_is_and_begins_at_its_beginning() {
        let asked = Query::parse("q=a%26b&status=active&after=9.m&sort=-changed&per=25&open=req_1");
        let downloads = Downloads::new("/admin/t/a/users", &asked);
        assert_eq!(downloads.csv, "/admin/t/a/users.csv?q=a%26b&status=active");
        assert_eq!(named("users.csv"), Some(("users", Format::Csv)));
        assert_eq!(named("activity.ndjson"), Some(("activity", Format::Ndjson)));
        assert_eq!((named("users"), named("users.exe")), (None, None));
    }
}

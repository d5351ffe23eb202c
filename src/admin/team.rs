//! Team settings: the team's name, the teams of this server, and adding one.

use askama::Template;

use super::error::{Fault, sentence};
use super::page::{Here, Page, Shell, html};
use super::parts::{Errors, Field, FieldFault, Notice, clipped};
use crate::http::Response;
use crate::service::Error;
use crate::service::sentence::number;
use crate::store::Totals;

struct TeamLine {
    name: String,
    href: String,
    current: bool,
    users: String,
    groups: String,
}

#[derive(Template)]
#[template(path = "team.html")]
struct TeamPage {
    shell: Shell,
    errors: Errors,
    notices: Vec<Notice>,
    may_change: bool,
    name: Field,
    new: Field,
    teams: Vec<TeamLine>,
}

/// The page.
pub fn settings(page: Page<'_, '_>) -> Result<Response, Fault> {
    let name = page.team.name.clone();
    show(page, 200, &name, "", Vec::new())
}

fn show(
    mut page: Page<'_, '_>,
    status: u16,
    name: &str,
    new: &str,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let service = &page.visit.desk.service;
    let mut teams = Vec::new();
    for team in service.teams()? {
        let totals: Totals =
            service.store().read_now(|tx| -> Result<_, Error> { Ok(tx.totals(team.id)?) })?;
        teams.push(TeamLine {
            href: format!("/admin/t/{}/", team.slug),
            current: team.id == page.team.id,
            users: number(totals.users),
            groups: number(totals.groups),
            name: team.name,
        });
    }
    let saved = page.visit.request.query.get("saved").is_some();
    let notices = match saved {
        true => vec![Notice { kind: "ok", title: "Saved".into(), alert: true, ..Notice::default() }],
        false => Vec::new(),
    };
    let title = if faults.is_empty() { "Team settings" } else { "Error: Team settings" };
    let template = TeamPage {
        may_change: page.may_change(),
        notices,
        name: Field::new("name", clipped(name, 200), false, &faults),
        new: Field::new("new", clipped(new, 200), false, &faults),
        teams,
        shell: page.shell(title, Here::Team),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Gives the team another name; its address stays.
pub async fn rename(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.form().await?;
    let name = form.get("name").unwrap_or_default();
    match page.visit.desk.service.rename_team(&page.who.actor(), page.team.id, name).await {
        Ok(_) => Ok(Response::redirect(&format!("{}team?saved=1", page.base()))),
        Err(Error::Refused(words)) => {
            let fault = FieldFault::new("name", sentence(&words).trim_end_matches('.'));
            show(page, 422, name, "", vec![fault])
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a team and opens it.
pub async fn add(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.form().await?;
    let name = form.get("new").unwrap_or_default();
    match page.visit.desk.service.create_team(&page.who.actor(), name).await {
        Ok(team) => Ok(Response::redirect(&format!("/admin/t/{}/connect", team.slug))),
        Err(Error::Refused(words)) => {
            let fault = FieldFault::new("new", sentence(&words).trim_end_matches('.'));
            let current = page.team.name.clone();
            show(page, 422, &current, name, vec![fault])
        }
        Err(error) => Err(error.into()),
    }
}

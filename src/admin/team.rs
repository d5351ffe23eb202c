//! Team settings: the team's name, the teams of this server, adding one, removing one and bringing it back.

use askama::Template;

use super::confirm::Confirm;
use super::error::{Fault, sentence};
use super::page::{Here, Page, Shell, html};
use super::parts::{Errors, Field, FieldFault, Link, Notice, clipped};
use crate::base::TeamId;
use crate::http::Response;
use crate::service::Error;
use crate::service::sentence::number;
use crate::store::Totals;

/// What was done just before, as the address says, and its words.
const DONE: [(&str, &str, &str); 3] = [
    ("saved", "Saved", ""),
    ("removed", "The team was removed", "Its tokens are refused from now on. It can be brought back below."),
    ("restored", "The team is back", "Its tokens work as before."),
];

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
    removed: Vec<RemovedLine>,
    only: bool,
}

struct RemovedLine {
    id: i64,
    name: String,
    when: String,
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
    let zone = page.visit.zone.clone();
    let removed = page.visit.desk.service.removed_teams()?.into_iter().map(|team| RemovedLine {
        id: team.id.0,
        when: team.removed.map(|at| zone.relative(at)).unwrap_or_default(),
        name: team.name,
    });
    let asked = &page.visit.request.query;
    let done = DONE.iter().filter(|(name, _, _)| asked.get(name).is_some()).take(1);
    let notices = done.map(|(_, title, text)| Notice {
        kind: "ok",
        title: (*title).into(),
        text: (*text).into(),
        alert: true,
        ..Notice::default()
    });
    let title = if faults.is_empty() { "Team settings" } else { "Error: Team settings" };
    let template = TeamPage {
        may_change: page.may_change(),
        notices: notices.collect(),
        only: teams.len() == 1,
        removed: removed.collect(),
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

/// Asks before the team is removed: its name must be typed.
pub fn remove_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    show_remove(page, 200, "", Vec::new())
}

fn show_remove(
    mut page: Page<'_, '_>,
    status: u16,
    typed: &str,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let (base, name) = (page.base(), page.team.name.clone());
    let title = if faults.is_empty() { "Remove team" } else { "Error: Remove team" };
    let template = Confirm {
        shell: page.shell(title, Here::Team),
        crumbs: vec![Link::new(format!("{base}team"), "Team settings")],
        last: "Remove",
        heading: format!("Remove the team “{name}”?"),
        paragraphs: vec![
            "Its tokens are refused from now on, and its pages cannot be opened.".into(),
            "Its users, groups and history stay in the file: an administrator can bring the team back under Team \
             settings."
                .into(),
        ],
        typed: Some((
            Field::new("typed", clipped(typed, 200), false, &faults),
            format!("Type the team’s name, {name}"),
        )),
        action: format!("{base}team/remove"),
        safe: format!("{base}team"),
        safe_text: "Keep it",
        danger_text: "Remove the team",
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Removes the team when its name was typed.
pub async fn remove(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let typed = form.get("typed").unwrap_or_default();
    if typed.trim() != page.team.name {
        let fault = FieldFault::new("typed", "This is not the team’s name; nothing was removed");
        return show_remove(page, 422, typed, vec![fault]);
    }
    let desk = page.visit.desk;
    match desk.service.remove_team(&page.who.actor(), page.team.id).await {
        Ok(()) => {}
        Err(Error::Refused(words)) => {
            let fault = FieldFault::new("typed", sentence(&words).trim_end_matches('.'));
            return show_remove(page, 422, typed, vec![fault]);
        }
        Err(error) => return Err(error.into()),
    }
    match desk.service.teams()?.first() {
        Some(team) => Ok(Response::redirect(&format!("/admin/t/{}/team?removed=1", team.slug))),
        None => Err(Fault::NotFound),
    }
}

/// Brings a removed team back.
pub async fn restore(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.form().await?;
    let team = form.get("team").and_then(|id| id.parse().ok()).map(TeamId).ok_or(Fault::NotFound)?;
    page.visit.desk.service.restore_team(&page.who.actor(), team).await?;
    Ok(Response::redirect(&format!("{}team?restored=1", page.base())))
}

//! Team settings: what the team has chosen, the teams of this server, adding one, removing one and undoing that. The
//! form of the choices is `choices`' business.

use askama::Template;

use super::choices::{Entered, Form, facts};
use super::confirm::Confirm;
use super::error::{Fault, sentence};
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Errors, Facts, Field, FieldFault, Link, Mark, Notice, clipped};
use crate::base::TeamId;
use crate::http::Response;
use crate::service::Error;
use crate::service::sentence::number;
use crate::service::teams::{BACK_DAYS, back_until};
use crate::store::{Team, TeamState};

/// What was done just before, as the address says, and its words.
const DONE: [(&str, &str, &str); 3] = [
    ("saved", "Saved", ""),
    (
        "removed",
        "The team was removed",
        "Its tokens are refused from now on. Under Removed this can be undone.",
    ),
    ("restored", "The team is back", "Its tokens work as before."),
];

struct TeamLine {
    name: String,
    href: String,
    current: bool,
    users: String,
    groups: String,
    state: Chip,
}

#[derive(Template)]
#[template(path = "team.html")]
struct TeamPage {
    shell: Shell,
    errors: Errors,
    notices: Vec<Notice>,
    may_change: bool,
    form: Form,
    facts: Facts,
    new: Field,
    teams: Vec<TeamLine>,
    removed: Vec<RemovedLine>,
    only: bool,
    back_days: u64,
    schemas: u64,
}

struct RemovedLine {
    id: i64,
    mark: Mark,
    name: String,
    when: String,
    until: String,
}

/// The page.
pub fn settings(page: Page<'_, '_>) -> Result<Response, Fault> {
    show(page, 200, None, "", Vec::new())
}

/// The page, with the form as it was sent where it comes back.
fn show(
    mut page: Page<'_, '_>,
    status: u16,
    entered: Option<Entered>,
    new: &str,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let service = &page.visit.desk.service;
    let chosen = service.team_settings(page.team.id)?;
    let entered = entered.unwrap_or_else(|| Entered::of(&page.team.name, &chosen));
    let current = page.team.id;
    let states = service.store().read_now(|tx| -> Result<_, Error> { Ok(tx.team_states()?) })?;
    let own = states.get(&current).cloned().unwrap_or_default();
    let line = |team: &Team| line(team, states.get(&team.id), current);
    let teams: Vec<TeamLine> = page.who.teams.iter().map(line).collect();
    let zone = page.visit.zone.clone();
    let removed = service.removed_teams()?.into_iter().map(|team| {
        let at = team.removed.unwrap_or_default();
        let (when, until) = (zone.relative(at), zone.long(back_until(at)));
        RemovedLine { id: team.id.0, mark: Mark { kind: "todo" }, when, until, name: team.name }
    });
    let removed = removed.collect();
    let asked = &page.visit.request.query;
    let done = DONE.iter().filter(|(name, _, _)| asked.get(name).is_some()).take(1);
    let notices = done.map(|(_, title, text)| Notice {
        kind: "ok",
        title: (*title).into(),
        text: (*text).into(),
        alert: true,
        ..Notice::default()
    });
    let notices = notices.collect();
    let title = if faults.is_empty() { "Team settings" } else { "Error: Team settings" };
    let shell = page.shell(title, Here::Team);
    let (base, csrf) = (shell.base.clone(), shell.csrf.clone());
    let template = TeamPage {
        may_change: page.may_change(),
        notices,
        only: teams.len() == 1,
        removed,
        form: entered.form(base, csrf, super::health::bytes(own.request_bytes), &faults),
        facts: Facts { facts: facts(&chosen) },
        new: Field::new("new", clipped(new, 200), false, &faults),
        back_days: BACK_DAYS,
        schemas: own.schemas,
        teams,
        shell,
        errors: Errors { faults },
    };
    html(status, &template)
}

fn line(team: &Team, state: Option<&TeamState>, current: TeamId) -> TeamLine {
    let totals = state.map(|state| state.totals).unwrap_or_default();
    TeamLine {
        href: format!("/admin/t/{}/", team.slug),
        current: team.id == current,
        users: number(totals.users),
        groups: number(totals.groups),
        // How far it is connected, by its tokens.
        state: match state {
            None | Some(TeamState { tokens: 0, .. }) => Chip::new("idle", "Not connected"),
            Some(TeamState { working: 0, .. }) => Chip::new("warn", "No token works"),
            Some(TeamState { used: true, .. }) => Chip::new("ok", "Connected"),
            Some(_) => Chip::new("wait", "Being connected"),
        },
        name: team.name.clone(),
    }
}

/// Keeps the team's name and choices; its address stays.
pub async fn save(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.form().await?;
    let entered = Entered::sent(&form);
    let chosen = match entered.read() {
        Ok(chosen) => chosen,
        Err(faults) => return show(page, 422, Some(entered), "", faults),
    };
    let change = Box::new(move |now: &mut crate::store::TeamSettings| *now = chosen.clone());
    let service = &page.visit.desk.service;
    match service.change_team(&page.who.actor(), page.team.id, Some(&entered.name), change).await {
        Ok(_) => Ok(Response::redirect(&format!("{}team?saved=1", page.base()))),
        Err(Error::Refused(words)) => {
            let fault = FieldFault::new("name", sentence(&words).trim_end_matches('.'));
            show(page, 422, Some(entered), "", vec![fault])
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
            show(page, 422, None, name, vec![fault])
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
            format!(
                "Its users, groups and history are erased after {BACK_DAYS} days. Until then an administrator can undo \
                 this under Team settings."
            ),
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

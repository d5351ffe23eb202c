//! Deleting the record of an inactive user: the question, as a dialog and as a page of its own, and the answer. What is
//! deleted and how it is told is `service::deleting`'s.

use super::confirm::Confirm;
use super::error::Fault;
use super::idp::{self, Provider};
use super::page::{Here, Page, html};
use super::parts::{Errors, Link, clipped};
use super::past;
use crate::http::Response;
use crate::scim::Kind;
use crate::service::browse::Detail;
use crate::service::sentence::count;
use crate::store::TeamSettings;

/// What is asked before the record goes.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub heading: String,
    pub paragraphs: Vec<String>,
    /// Where the answer is sent.
    pub action: String,
}

/// The question about a user; `None` where there is nothing to ask: the user is active, or the administrator may not.
pub fn question(page: &Page<'_, '_>, found: &Detail) -> Result<Option<Question>, Fault> {
    if found.row.active || !page.may_change() {
        return Ok(None);
    }
    let settings = page.visit.desk.service.team_settings(page.team.id)?;
    let external = found.document.get("externalId").is_some();
    Ok(Some(Question {
        heading: format!("Delete {}’s record?", clipped(&found.row.display, 80)),
        paragraphs: paragraphs(idp::of(page), &settings, found.groups.len() as u64, external),
        action: format!("{}users/{}/delete", page.base(), found.row.id),
    }))
}

fn paragraphs(idp: &Provider, settings: &TeamSettings, groups: u64, external: bool) -> Vec<String> {
    let memberships = match groups {
        0 => String::new(),
        groups => format!(", with {}", count(groups, "membership")),
    };
    let history = match settings.keep_history {
        Some(days) => format!("The history of changes stays for {days} days, with the name."),
        None => "The history of changes stays, with the name.".to_owned(),
    };
    let back = match settings.restore_returning && external {
        true => "Who is sent again with the same external ID gets this record’s ID and history back.",
        false => "Who is sent again gets a new ID.",
    };
    let it = if idp.key == "other" { "it" } else { idp.name };
    vec![
        format!(
            "The record leaves the directory now{memberships}, and its user name is free. {history} The event user.deleted \
             tells of it, under your name. This cannot be undone."
        ),
        format!(
            "This tells {} nothing: as long as the person is assigned there, {it} may create the record again. {} {back}",
            idp.called(),
            leave(idp)
        ),
    ]
}

/// Where the provider is told to send a person no longer.
fn leave(idp: &Provider) -> &'static str {
    match idp.key {
        "jumpcloud" => {
            "There, take the person out of every user group that has this application: User Groups, the group, Users."
        }
        "okta" => "There, take the assignment away: Applications, this application, Assignments.",
        "entra" => {
            "There, take the assignment away: Enterprise applications, this application, Users and groups."
        }
        "onelogin" => "There, take the application from the person: Users, the person, Applications.",
        _ => "Take the assignment away there first.",
    }
}

/// The page that asks.
pub fn ask(page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    show(page, id, 200, Errors::default())
}

fn show(mut page: Page<'_, '_>, id: &str, status: u16, errors: Errors) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let found = page.visit.desk.service.detail(page.team.id, Kind::User, id)?;
    let user = format!("{}users/{id}", page.base());
    let Some(found) = found else { return past::gone(page, Kind::User, id) };
    // Who is active is shown as such.
    let Some(question) = question(&page, &found)? else { return Ok(Response::redirect(&user)) };
    let name = clipped(&found.row.display, 80);
    let template = Confirm {
        shell: page.shell(&question.heading, Here::Users),
        crumbs: vec![Link::new(format!("{}users", page.base()), "Users"), Link::new(&user, name)],
        last: "Delete",
        heading: question.heading,
        errors,
        paragraphs: question.paragraphs,
        typed: None,
        action: question.action,
        safe: user,
        safe_text: "Keep record",
        danger_text: "Delete record",
    };
    html(status, &template)
}

/// Deletes the record; its page then tells so.
pub async fn delete(mut page: Page<'_, '_>, id: &str) -> Result<Response, Fault> {
    page.form().await?;
    let desk = page.visit.desk;
    let agent = page.visit.request.headers.get("user-agent").unwrap_or_default();
    let asked = (page.visit.request.id.as_str(), agent);
    desk.service.delete_inactive_user(&page.who.actor(), page.team.id, id, asked).await?;
    Ok(Response::redirect(&format!("{}users/{id}?deleted=1", page.base())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_stays_and_where_the_provider_is_told() {
        let jumpcloud = idp::find("jumpcloud").expect("known");
        let mut settings = TeamSettings::default();
        let text = paragraphs(jumpcloud, &settings, 2, true).join(" ");
        assert!(text.contains("with 2 memberships") && text.contains("history back"), "{text}");
        assert!(
            text.contains("JumpCloud may create the record again") && text.contains("User Groups"),
            "{text}"
        );
        let text = paragraphs(jumpcloud, &settings, 1, false).join(" ");
        assert!(text.contains("a new ID"), "without an external ID nobody is known again: {text}");
        settings.restore_returning = false;
        settings.keep_history = Some(400);
        let text = paragraphs(idp::find("other").expect("known"), &settings, 0, true).join(" ");
        assert!(text.contains("stays for 400 days") && text.contains("a new ID"), "{text}");
        assert!(
            text.contains("tells your identity provider nothing") && !text.contains("membership"),
            "{text}"
        );
        let all: std::collections::HashSet<&str> = idp::ALL.iter().map(|idp| leave(idp)).collect();
        assert_eq!(all.len(), idp::ALL.len(), "each provider has its own place");
    }
}

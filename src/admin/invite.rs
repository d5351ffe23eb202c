//! Inviting an administrator: the form, the link that is shown to hand over, and the page behind the link where the
//! invited person chooses a password.

use askama::Template;

use super::error::Fault;
use super::fields::{password_faults, refusal, refusals};
use super::gate::{sender, waiting};
use super::kept::Shown;
use super::page::{Gate, Here, Page, Shell, base_url, html};
use super::parts::{Copy, Errors, Field, FieldFault, clipped};
use super::session::Visit;
use crate::http::{Query, Response};
use crate::service::invites::Invite;
use crate::service::{Error, setup};

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    shell: Shell,
    errors: Errors,
    email: Field,
    read_only: bool,
}

#[derive(Template)]
#[template(path = "invited.html")]
struct InvitedPage {
    shell: Shell,
    link: Option<Copy>,
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    gate: Gate,
    errors: Errors,
    action: String,
    lead: String,
    email: String,
    name: Field,
    password: Field,
    again: Field,
}

/// The form.
pub fn form(page: Page<'_, '_>) -> Result<Response, Fault> {
    show(page, 200, &Query::default(), Vec::new())
}

fn show(
    mut page: Page<'_, '_>,
    status: u16,
    entered: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let title = if faults.is_empty() { "Invite an administrator" } else { "Error: Invite an administrator" };
    let template = InvitePage {
        shell: page.shell(title, Here::Admins),
        email: Field::new("email", clipped(entered.get("email").unwrap_or_default(), 320), true, &faults),
        read_only: entered.get("access") == Some("ro"),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Makes the link and leads to the page that shows it.
pub async fn invite(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let desk = page.visit.desk;
    let email = form.get("email").unwrap_or_default();
    let read_only = form.get("access") == Some("ro");
    match desk.service.invite_admin(&page.who.actor(), email, read_only).await {
        Ok((_, text)) => {
            let base = base_url(page.visit);
            let origin = base.trim_end_matches("/scim");
            let link = format!("{origin}/admin/join/{text}");
            desk.kept.put(page.who.session.hash, Shown::Invitation, link, page.visit.zone.now());
            Ok(Response::redirect(&format!("{}admins/invited", page.base())))
        }
        Err(Error::Refused(words)) => show(page, 422, &form, vec![refusal("email", &words)]),
        Err(error) => Err(error.into()),
    }
}

/// The page that shows the link, to the session that made it. It is never compressed.
pub fn invited(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let desk = page.visit.desk;
    let link = desk.kept.text(page.who.session.hash, Shown::Invitation, page.visit.zone.now());
    let template = InvitedPage {
        shell: page.shell("Invitation", Here::Admins),
        link: link.map(|text| Copy { id: "link", label: "Link", text }),
    };
    Ok(html(200, &template)?.uncompressed())
}

/// Takes an invitation back.
pub async fn withdraw(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let email = form.get("email").unwrap_or_default();
    page.visit.desk.service.withdraw_invite(&page.who.actor(), email).await?;
    Ok(Response::redirect(&format!("{}admins?withdrawn=1", page.base())))
}

/// The page behind the link.
pub async fn join(visit: &mut Visit<'_>, get: bool, text: &str) -> Result<Response, Fault> {
    let (address, agent) = sender(visit);
    let Some(invite) = visit.desk.service.invited(text)? else {
        // Whoever tries links has to wait for the next try, as with the set-up code.
        if let Some(wait) = visit.desk.sessions.guess(address) {
            return Err(Fault::Service(Error::Refused(waiting(wait))));
        }
        return Err(Fault::Ended);
    };
    if get {
        return show_join(visit, 200, text, &invite, &Query::default(), Vec::new());
    }
    let form = visit.form().await?;
    let field = |name: &str| form.get(name).unwrap_or_default();
    let mut faults = refusals([("name", setup::admin_name(field("name")).err())]);
    faults.extend(password_faults(field("password"), field("again")));
    if !faults.is_empty() {
        return show_join(visit, 422, text, &invite, &form, faults);
    }
    let admin = visit.desk.service.accept_invite(text, field("name"), field("password"), address).await?;
    let session = visit.desk.sessions.begin(&admin, &address.to_string(), &agent).await?;
    visit.begin_session(&session);
    Ok(Response::redirect("/admin"))
}

fn show_join(
    visit: &mut Visit<'_>,
    status: u16,
    text: &str,
    invite: &Invite,
    entered: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let title = if faults.is_empty() { "Join as administrator" } else { "Error: Join as administrator" };
    let access =
        if invite.read_only { "see everything and change nothing" } else { "see and change everything" };
    let template = JoinPage {
        gate: Gate::new(visit, title),
        action: format!("/admin/join/{text}"),
        lead: format!("{} invited you. You will {access}.", clipped(&invite.by, 100)),
        email: invite.email.clone(),
        name: Field::new("name", entered.get("name").unwrap_or_default(), true, &faults),
        password: Field::new("password", "", true, &faults),
        again: Field::new("again", "", false, &faults),
        errors: Errors { faults },
    };
    html(status, &template)
}

//! One administrator: what they may do, their open sessions, and removing them.

use askama::Template;

use super::confirm::Confirm;
use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Errors, Fact, Facts, Link, counted};
use crate::http::Response;
use crate::store::Admin;

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    shell: Shell,
    n: i64,
    name: String,
    email: String,
    read_only: bool,
    facts: Facts,
    sessions: usize,
}

/// The page.
pub fn show(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let admin = find(&page, n)?;
    let zone = page.visit.zone.clone();
    let sessions = page.visit.desk.sessions.of(admin.n)?;
    let seen = match sessions.first() {
        Some(session) => format!("{} from {}", zone.relative(session.seen), session.address),
        None => "Not signed in".to_owned(),
    };
    let template = AdminPage {
        n: admin.n,
        name: title(&admin).to_owned(),
        email: admin.email.clone(),
        read_only: admin.read_only,
        facts: Facts {
            facts: vec![
                Fact::new("Last seen", seen),
                Fact::new("Open sessions", counted(sessions.len() as u64, "session")),
                Fact::at("Created", zone.full(admin.created)),
                Fact::at("Password set", zone.full(admin.password_set)),
            ],
        },
        sessions: sessions.len(),
        shell: page.shell(title(&admin), Here::Admins),
    };
    html(200, &template)
}

fn title(admin: &Admin) -> &str {
    if admin.name.is_empty() { &admin.email } else { &admin.name }
}

fn find(page: &Page<'_, '_>, n: &str) -> Result<Admin, Fault> {
    let n: i64 = n.parse().map_err(|_| Fault::NotFound)?;
    let admins = page.visit.desk.service.admins()?;
    admins.into_iter().find(|admin| admin.n == n).ok_or(Fault::NotFound)
}

/// Changes what an administrator may do.
pub async fn access(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let admin = find(&page, n)?;
    let read_only = match form.get("access") {
        Some("ro") => true,
        Some("rw") => false,
        _ => return Ok(Response::redirect(&format!("{}admins/{}", page.base(), admin.n))),
    };
    page.visit.desk.service.set_admin_access(&page.who.actor(), admin.n, read_only).await?;
    Ok(Response::redirect(&format!("{}admins?saved=1", page.base())))
}

/// Ends every session of an administrator; one's own stays.
pub async fn end_sessions(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    page.sensitive_form().await?;
    let admin = find(&page, n)?;
    let own = (admin.n == page.who.admin.n).then_some(page.who.session.hash);
    page.visit.desk.service.end_admin_sessions(&page.who.actor(), admin.n, own).await?;
    Ok(Response::redirect(&format!("{}admins?ended=1", page.base())))
}

/// Asks before an administrator is removed.
pub fn remove_page(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let admin = find(&page, n)?;
    let base = page.base();
    let own = admin.n == page.who.admin.n;
    let template = Confirm {
        shell: page.shell("Remove administrator", Here::Admins),
        crumbs: vec![
            Link::new(format!("{base}admins"), "Admins and sign-in"),
            Link::new(format!("{base}admins/{}", admin.n), title(&admin)),
        ],
        last: "Remove",
        heading: format!("Remove {}?", title(&admin)),
        errors: Errors::default(),
        paragraphs: vec![
            match own {
                true => "This is you: you are signed out at once and cannot come back without an invitation."
                    .into(),
                false => "They are signed out at once and cannot come back without an invitation.".into(),
            },
            "What they did stays in the audit log under their email.".into(),
        ],
        typed: None,
        action: format!("{base}admins/{}/remove", admin.n),
        safe: format!("{base}admins"),
        safe_text: "Keep them",
        danger_text: "Remove them",
    };
    html(200, &template)
}

/// Removes an administrator.
pub async fn remove(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    page.sensitive_form().await?;
    let admin = find(&page, n)?;
    page.visit.desk.service.remove_admin(&page.who.actor(), admin.n).await?;
    Ok(Response::redirect(&format!("{}admins?removed=1", page.base())))
}

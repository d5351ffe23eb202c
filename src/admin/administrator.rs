//! One administrator: what they may do, their open sessions, and removing them.

use askama::Template;

use super::admins::{Sessions, end_one};
use super::confirm::Confirm;
use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Errors, Fact, Facts, Link};
use crate::http::Response;
use crate::service::admins::is_last_full;
use crate::store::Admin;

/// Why the last administrator with full access stays.
const LAST: &str = "The last administrator with full access cannot be removed: nobody could change anything then. Give another one \
                    full access first.";

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    shell: Shell,
    n: i64,
    name: String,
    email: String,
    read_only: bool,
    facts: Facts,
    last_full: bool,
    open: usize,
    sessions: Sessions,
}

/// The page.
pub fn show(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let admins = page.visit.desk.service.admins()?;
    let admin = among(&admins, n)?;
    let zone = page.visit.zone.clone();
    let sessions = page.visit.desk.sessions.of(admin.n)?;
    let on = page.visit.desk.service.second_steps()?.contains(&admin.n);
    let second = if on { "Authenticator app" } else { "None yet" };
    let signed_in = match &admin.signed_in {
        Some((at, from)) => format!("{} from {from}", zone.relative(*at)),
        None => "Never".to_owned(),
    };
    let open = sessions.len();
    let shell = page.shell(title(&admin), Here::Admins);
    let end = format!("{}admins/{}/end-session", page.base(), admin.n);
    let template = AdminPage {
        n: admin.n,
        name: title(&admin).to_owned(),
        email: admin.email.clone(),
        read_only: admin.read_only,
        facts: Facts {
            facts: vec![
                Fact::new("Last sign-in", signed_in),
                Fact::new("Two-step sign-in", second),
                Fact::at("Created", zone.full(admin.created)),
                Fact::at("Password set", zone.full(admin.password_set)),
            ],
        },
        last_full: is_last_full(&admins, &admin),
        open,
        sessions: Sessions::of(&page, sessions, end, shell.csrf.clone()),
        shell,
    };
    html(200, &template)
}

fn title(admin: &Admin) -> &str {
    if admin.name.is_empty() { &admin.email } else { &admin.name }
}

fn find(page: &Page<'_, '_>, n: &str) -> Result<Admin, Fault> {
    among(&page.visit.desk.service.admins()?, n)
}

fn among(admins: &[Admin], n: &str) -> Result<Admin, Fault> {
    let n: i64 = n.parse().map_err(|_| Fault::NotFound)?;
    admins.iter().find(|admin| admin.n == n).cloned().ok_or(Fault::NotFound)
}

/// Ends one session of an administrator.
pub async fn end_session(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let admin = find(&page, n)?;
    end_one(&page, &admin, form.get("session").unwrap_or_default()).await?;
    Ok(Response::redirect(&format!("{}admins/{}", page.base(), admin.n)))
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
    let admins = page.visit.desk.service.admins()?;
    let admin = among(&admins, n)?;
    let last = is_last_full(&admins, &admin);
    let base = page.base();
    let own = admin.n == page.who.admin.n;
    let template =
        Confirm {
            shell: page.shell("Remove administrator", Here::Admins),
            crumbs: vec![
                Link::new(format!("{base}admins"), "Admins and sign-in"),
                Link::new(format!("{base}admins/{}", admin.n), title(&admin)),
            ],
            last: "Remove",
            heading: format!("Remove {}?", title(&admin)),
            errors: Errors::default(),
            paragraphs: if last {
                vec![LAST.into()]
            } else {
                vec![match own {
                true => "This is you: you are signed out at once and cannot come back without an invitation."
                    .into(),
                false => "They are signed out at once and cannot come back without an invitation.".into(),
            },
            "What they did stays under Activity, Administrators, with their email.".into()]
            },
            typed: None,
            action: format!("{base}admins/{}/remove", admin.n),
            safe: format!("{base}admins"),
            safe_text: "Keep them",
            danger_text: if last { "" } else { "Remove them" },
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

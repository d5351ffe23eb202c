//! Signing in and out, the choice of colours and zone, and the list of keyboard shortcuts.

use std::net::IpAddr;

use askama::Template;

use super::error::Fault;
use super::page::{Gate, Here, Page, Shell, html};
use super::parts::{Choice, Errors, Field, FieldFault};
use super::session::{Visit, safe_back};
use super::when::Zone;
use crate::http::Response;
use crate::service::sessions::SignIn;

const WRONG: &str = "The email or password is wrong";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    gate: Gate,
    errors: Errors,
    notice: String,
    lead: String,
    back: String,
    email: Field,
    password: Field,
}

/// The form that asks who is there.
pub fn sign_in_page(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    if visit.who().is_some() {
        return Ok(Response::redirect("/admin"));
    }
    let back = visit.request.query.get("back").and_then(safe_back).unwrap_or_default().to_owned();
    show(visit, 200, "", back, Vec::new())
}

fn show(
    visit: &mut Visit<'_>,
    status: u16,
    email: &str,
    back: String,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let ended = std::mem::take(&mut visit.ended);
    let lead = match back.is_empty() {
        true => "Administrators of this server.".to_owned(),
        false => "You return to where you were after signing in.".to_owned(),
    };
    let title = if faults.is_empty() { "Sign in" } else { "Error: Sign in" };
    let page = SignInPage {
        gate: Gate::new(visit, title),
        notice: ended.to_owned(),
        lead,
        back,
        email: Field::new("email", email, false, &faults),
        password: Field::new("password", "", false, &faults),
        errors: Errors { faults },
    };
    html(status, &page)
}

/// Checks email and password; one message for any wrong pair.
pub async fn sign_in(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    let (email, password) = (form.get("email").unwrap_or_default(), form.get("password").unwrap_or_default());
    let back = form.get("back").and_then(safe_back).unwrap_or_default().to_owned();
    if email.trim().is_empty() || password.is_empty() {
        let mut faults = Vec::new();
        if email.trim().is_empty() {
            faults.push(FieldFault::new("email", "Enter your email"));
        }
        if password.is_empty() {
            faults.push(FieldFault::new("password", "Enter your password"));
        }
        return show(visit, 422, email, back, faults);
    }
    let (address, agent) = sender(visit);
    match visit.desk.sessions.sign_in(email, password, address, &agent).await? {
        SignIn::Done(text) => {
            visit.begin_session(&text);
            Ok(Response::redirect(if back.is_empty() { "/admin" } else { &back }))
        }
        SignIn::Wrong => show(visit, 422, email, back, vec![FieldFault::new("password", WRONG)]),
        SignIn::Wait(wait) => {
            let faults = vec![FieldFault::new("password", waiting(wait))];
            let seconds = (wait.as_secs() + 1).to_string();
            Ok(show(visit, 429, email, back, faults)?.header("retry-after", &seconds))
        }
    }
}

/// The words for somebody who tried too often.
pub fn waiting(wait: std::time::Duration) -> String {
    let seconds = wait.as_secs() + 1;
    let time = if seconds < 90 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) };
    format!("Too many tries. Wait {time} and try again")
}

/// The address and the browser of a visitor.
pub fn sender(visit: &Visit<'_>) -> (IpAddr, String) {
    let agent = visit.request.headers.get("user-agent").unwrap_or_default().to_owned();
    (visit.request.peer.ip(), agent)
}

/// Ends the session.
pub async fn sign_out(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    visit.form().await?;
    if let Some(who) = visit.who().cloned() {
        visit.desk.sessions.end(&who, who.session.hash).await?;
    }
    visit.forget("session");
    Ok(Response::redirect("/admin/sign-in"))
}

/// Keeps the choice of colours.
pub async fn theme(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    visit.keep_theme(match form.get("theme") {
        Some("dark") => "dark",
        Some("light") => "light",
        _ => "",
    });
    Ok(Response::redirect(form.get("back").and_then(safe_back).unwrap_or("/admin")))
}

#[derive(Template)]
#[template(path = "zone.html")]
struct ZonePage {
    gate: Gate,
    back: String,
    zones: Vec<Choice>,
}

/// The list of zones, for a browser without scripts that wants local time.
pub fn zone_page(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let back = visit.request.query.get("back").and_then(safe_back).unwrap_or("/admin").to_owned();
    let current = visit.zone.name.clone();
    let page = ZonePage {
        gate: Gate::new(visit, "Time zone"),
        back,
        zones: Zone::names()
            .into_iter()
            .map(|name| Choice { selected: name == current, text: name.clone(), value: name })
            .collect(),
    };
    html(200, &page)
}

/// Keeps the choice of zone. The button for local time names no zone where no script filled it in.
pub async fn zone(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    let back = form.get("back").and_then(safe_back).unwrap_or("/admin");
    match form.get("tz") {
        Some("UTC") => visit.keep_zone(""),
        Some(name) if Zone::exists(name) && !name.is_empty() => visit.keep_zone(name),
        _ => {
            let query = crate::http::query::encode(back);
            return Ok(Response::redirect(&format!("/admin/zone?back={query}")));
        }
    }
    Ok(Response::redirect(back))
}

#[derive(Template)]
#[template(path = "shortcuts.html")]
struct ShortcutsPage {
    shell: Shell,
}

/// The keyboard shortcuts as a page.
pub fn shortcuts(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    html(200, &ShortcutsPage { shell: page.shell("Keyboard shortcuts", Here::Nowhere) })
}

//! Signing in and out, the choice of colours and zone, and the list of keyboard shortcuts.

use std::net::IpAddr;

use askama::Template;

use super::error::Fault;
use super::page::{self, Gate, Here, Page, Shell, html};
use super::parts::{Choice, Errors, Field, FieldFault};
use super::resume::WRONG_CODE;
use super::session::{Visit, safe_back};
use super::when::Zone;
use crate::http::{Query, Response};
use crate::service::sessions::{Found, SignIn};

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
    // Somebody whose session is about to end may begin the next one.
    if visit.who().is_some() && visit.request.query.get("again").is_none() {
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
    let late = "Signing in took longer than 5 minutes, or your password was changed. Begin again.";
    let ended = match visit.request.query.get("late") {
        Some(_) => late,
        None => std::mem::take(&mut visit.ended),
    };
    let lead = lead(&back);
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

/// Where one returns after signing in.
fn lead(back: &str) -> String {
    if back.starts_with("/admin/send/") {
        return "What you entered is kept for 10 minutes. After signing in you are asked whether to send it."
            .into();
    }
    match page::section(back) {
        Some((words, _)) => format!("You return to {words} after signing in."),
        None if back.is_empty() => "Administrators of this server.".into(),
        None => "You return to where you were after signing in.".into(),
    }
}

/// Begins the session in the browser: to where the visitor wanted, or first to the second step where that is owed.
fn landed(visit: &mut Visit<'_>, text: &str, back: &str) -> Result<Response, Fault> {
    visit.begin_session(text);
    let owed = match visit.desk.sessions.find(text, true, "")? {
        Found::Live(who) => who.standing.owed,
        _ => false,
    };
    if owed && let Some(team) = visit.desk.service.teams()?.first() {
        let back = crate::http::query::encode(back);
        return Ok(Response::redirect(&format!("/admin/t/{}/you/second-step?back={back}", team.slug)));
    }
    Ok(Response::redirect(if back.is_empty() { "/admin" } else { back }))
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
        SignIn::Done(text) => landed(visit, &text, &back),
        SignIn::Half(text) => {
            visit.keep_half(&text);
            let back = crate::http::query::encode(&back);
            Ok(Response::redirect(&format!("/admin/sign-in/code?back={back}")))
        }
        SignIn::Wrong | SignIn::Gone => {
            show(visit, 422, email, back, vec![FieldFault::new("password", WRONG)])
        }
        SignIn::Wait(wait) => {
            let faults = vec![FieldFault::new("password", waiting(wait))];
            let seconds = (wait.as_secs() + 1).to_string();
            Ok(show(visit, 429, email, back, faults)?.header("retry-after", &seconds))
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    gate: Gate,
    errors: Errors,
    lead: String,
    back: String,
    recovery: bool,
    code: Field,
}

/// The second page of signing in, for a code of the app or a recovery code.
pub fn code_page(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let asked = visit.request.query.clone();
    show_code(visit, 200, &asked, Vec::new())
}

fn show_code(
    visit: &mut Visit<'_>,
    status: u16,
    asked: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let half = visit.cookie("half").unwrap_or_default().to_owned();
    if !visit.desk.sessions.is_half(&half) {
        return Ok(Response::redirect(&begin_again(asked)));
    }
    let title = if faults.is_empty() { "Enter a code" } else { "Error: Enter a code" };
    let back = asked.get("back").and_then(safe_back).unwrap_or_default().to_owned();
    let page = CodePage {
        gate: Gate::new(visit, title),
        lead: if back.is_empty() { String::new() } else { lead(&back) },
        recovery: asked.get("recovery").is_some(),
        code: Field::new("code", "", true, &faults),
        back,
        errors: Errors { faults },
    };
    html(status, &page)
}

/// To the first page of signing in, with the way back.
fn begin_again(asked: &Query) -> String {
    let back = asked.get("back").and_then(safe_back).unwrap_or_default();
    format!("/admin/sign-in?late=1&back={}", crate::http::query::encode(back))
}

/// Checks the code and begins the session.
pub async fn code(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    let half = visit.cookie("half").unwrap_or_default().to_owned();
    let typed = form.get("code").unwrap_or_default();
    let back = form.get("back").and_then(safe_back).unwrap_or_default().to_owned();
    let (address, agent) = sender(visit);
    match visit.desk.sessions.second(&half, typed, address, &agent).await? {
        SignIn::Done(text) => landed(visit, &text, &back),
        SignIn::Wrong => show_code(visit, 422, &form, vec![FieldFault::new("code", WRONG_CODE)]),
        SignIn::Wait(wait) => {
            let seconds = (wait.as_secs() + 1).to_string();
            let faults = vec![FieldFault::new("code", waiting(wait))];
            Ok(show_code(visit, 429, &form, faults)?.header("retry-after", &seconds))
        }
        SignIn::Gone | SignIn::Half(_) => Ok(Response::redirect(&begin_again(&form))),
    }
}

/// The session was used by asking; back to the page.
pub async fn stay(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    visit.signed_in()?;
    let form = visit.form().await?;
    Ok(Response::redirect(form.get("back").and_then(safe_back).unwrap_or("/admin")))
}

/// Switches single-key shortcuts off or on.
pub async fn keys(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    visit.keep_keys(form.get("keys") == Some("off"));
    Ok(Response::redirect(form.get("back").and_then(safe_back).unwrap_or("/admin")))
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
        visit.desk.sessions.end(&who.actor(), &who.admin, who.session.hash).await?;
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

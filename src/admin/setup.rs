//! First-run set-up: the printed code, the first administrator, the address that providers use, the name of the team, and
//! on to connecting.
//! The first two steps must be done; the others can be left and found again on the pages.

use askama::Template;

use super::error::Fault;
use super::fields::{password_faults, refusals};
use super::gate::{sender, waiting};
use super::idp::{self, Provider};
use super::page::{Gate, base_url, html};
use super::parts::{Check, Copy, Errors, Field, FieldFault, Link, clipped};
use super::said::Said;
use super::session::Visit;
use crate::base::host::is_public_name;
use crate::base::secret;
use crate::http::{Query, Response};
use crate::service::{Error, admins, setup};
use crate::store::Team;

const STEPS: [&str; 5] = [
    "Set-up code",
    "First administrator",
    "Address and certificate",
    "Team",
    "Connect your identity provider",
];

struct Step {
    text: &'static str,
    done: bool,
    now: bool,
}

enum Body {
    Code(Box<Field>),
    Administrator { email: Box<Field>, name: Box<Field>, password: Box<Field>, again: Box<Field> },
    Address { base_url: Copy, checks: Vec<Check> },
    Team(Box<Field>),
    Connect { href: String, others: Vec<Link> },
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    gate: Gate,
    steps: Vec<Step>,
    wide: bool,
    errors: Errors,
    body: Body,
}

/// One step, shown or sent.
pub async fn step(visit: &mut Visit<'_>, get: bool, step: &str) -> Result<Response, Fault> {
    let open = visit.desk.service.needs_setup()?;
    match (get, step) {
        (true, "address") if !open => address(visit),
        (true, "team") if !open => team(visit),
        (false, "team") if !open => name_team(visit).await,
        (true, "connect") if !open => connect(visit),
        (_, "code" | "administrator") if !open => Ok(Response::redirect("/admin")),
        (true, "code") => show_code(visit, 200, "", Vec::new()),
        (false, "code") => check_code(visit).await,
        (true, "administrator") => {
            let known = visit.cookie("setup").unwrap_or_default().to_owned();
            match visit.desk.service.is_setup_code(&known)? {
                true => show_administrator(visit, 200, &Query::default(), Vec::new()),
                false => Ok(Response::redirect("/admin/setup/code")),
            }
        }
        (false, "administrator") => create(visit).await,
        _ if open => Ok(Response::redirect("/admin/setup/code")),
        _ => Err(Fault::NotFound),
    }
}

fn show(
    visit: &mut Visit<'_>,
    status: u16,
    number: usize,
    faults: Vec<FieldFault>,
    body: Body,
) -> Result<Response, Fault> {
    let step = STEPS[number].to_lowercase();
    let title = format!("{}Set up: {step}", if faults.is_empty() { "" } else { "Error: " });
    let steps = STEPS.iter().enumerate();
    let page = SetupPage {
        gate: Gate::new(visit, &title),
        steps: steps.map(|(i, text)| Step { text, done: i < number, now: i == number }).collect(),
        wide: number == 2,
        errors: Errors { faults },
        body,
    };
    html(status, &page)
}

fn show_code(
    visit: &mut Visit<'_>,
    status: u16,
    code: &str,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let field = Field::new("code", code, true, &faults);
    show(visit, status, 0, faults, Body::Code(Box::new(field)))
}

async fn check_code(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    let typed = form.get("code").unwrap_or_default();
    let Some(code) = secret::read_setup_code(typed) else {
        let words = "Enter the code as it was printed: three groups of four letters and digits";
        return show_code(visit, 422, typed, vec![FieldFault::new("code", words)]);
    };
    let (address, _) = sender(visit);
    if let Some(wait) = visit.desk.sessions.guess(address) {
        return show_code(visit, 429, typed, vec![FieldFault::new("code", waiting(wait))]);
    }
    if !visit.desk.service.is_setup_code(&code)? {
        let words = "This is not the code that was printed last. Each start of scimd prints a new one";
        return show_code(visit, 422, typed, vec![FieldFault::new("code", words)]);
    }
    visit.keep_setup_code(&code);
    Ok(Response::redirect("/admin/setup/administrator"))
}

fn show_administrator(
    visit: &mut Visit<'_>,
    status: u16,
    form: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let body = Body::Administrator {
        email: Box::new(Field::new("email", form.get("email").unwrap_or_default(), false, &faults)),
        name: Box::new(Field::new("name", form.get("name").unwrap_or_default(), true, &faults)),
        password: Box::new(Field::new("password", "", true, &faults)),
        again: Box::new(Field::new("again", "", false, &faults)),
    };
    show(visit, status, 1, faults, body)
}

async fn create(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let form = visit.form().await?;
    let code = visit.cookie("setup").unwrap_or_default().to_owned();
    if !visit.desk.service.is_setup_code(&code)? {
        return Ok(Response::redirect("/admin/setup/code"));
    }
    let field = |name: &str| form.get(name).unwrap_or_default();
    let faults = faults(field("email"), field("name"), field("password"), field("again"));
    if !faults.is_empty() {
        return show_administrator(visit, 422, &form, faults);
    }
    let (address, agent) = sender(visit);
    let service = &visit.desk.service;
    let made =
        service.create_first_admin(&code, field("email"), field("name"), field("password"), address).await;
    let admin = match made {
        Ok(admin) => admin,
        // Somebody was faster, or scimd was started again: the first step says what to do.
        Err(Error::Refused(_)) => return Ok(Response::redirect("/admin/setup/code")),
        Err(error) => return Err(error.into()),
    };
    let text = visit.desk.sessions.begin(&admin, &address.to_string(), &agent).await?;
    visit.begin_session(&text);
    Ok(Response::redirect("/admin/setup/address"))
}

fn faults(email: &str, name: &str, password: &str, again: &str) -> Vec<FieldFault> {
    let mut faults =
        refusals([("email", admins::admin_email(email).err()), ("name", setup::admin_name(name).err())]);
    faults.extend(password_faults(password, again));
    faults
}

fn address(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    visit.signed_in()?;
    let base = base_url(visit);
    let checks = checks(&base, visit.desk.options.self_signed);
    let body = Body::Address { base_url: Copy { id: "base", label: "Base URL", text: base }, checks };
    show(visit, 200, 2, Vec::new(), body)
}

/// What stands between the address and a provider, as far as it can be told from here.
pub fn checks(base: &str, self_signed: bool) -> Vec<Check> {
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (authority, "443"),
    };
    let public = is_public_name(host);
    let line = |good: bool, title: &str, at: &str, (cure, code): (&str, &str)| Check {
        kind: if good { "ok" } else { "warn" },
        title: title.to_owned(),
        at: at.to_owned(),
        sub: if good { Said::default() } else { Said::plain(cure).mono(code) },
    };
    vec![
        line(
            scheme == "https",
            if scheme == "https" { "Reached over HTTPS" } else { "Reached over plain HTTP" },
            scheme,
            (
                "Providers send tokens to HTTPS addresses only. Serve with TLS, or put a proxy that does in front.",
                "",
            ),
        ),
        line(
            public,
            if public { "The name can be public" } else { "The name means this machine or network only" },
            host,
            ("A provider on the internet cannot reach it. Start scimd with ", "--public-url https://NAME"),
        ),
        line(
            port == "443",
            if port == "443" { "Port 443" } else { "Not port 443" },
            port,
            ("Providers call port 443. Listen there, or let a proxy or the firewall pass 443 on.", ""),
        ),
        line(
            !self_signed,
            if self_signed {
                "The certificate was made by scimd itself"
            } else {
                "Certificate from your files"
            },
            if self_signed { "self-signed" } else { "" },
            (
                "Browsers warn of it and providers refuse it. Start scimd with a certificate that is publicly trusted: ",
                "--tls files",
            ),
        ),
    ]
}

/// The team that the first provider fills.
fn first_team(visit: &Visit<'_>) -> Result<Team, Fault> {
    visit.desk.service.teams()?.into_iter().next().ok_or(Fault::NotFound)
}

fn team(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    visit.signed_in()?;
    let name = first_team(visit)?.name;
    show_team(visit, 200, &name, Vec::new())
}

fn show_team(
    visit: &mut Visit<'_>,
    status: u16,
    name: &str,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let field = Field::new("name", clipped(name, 200), true, &faults);
    show(visit, status, 3, faults, Body::Team(Box::new(field)))
}

async fn name_team(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let who = visit.signed_in()?.clone();
    let form = visit.form().await?;
    if who.admin.read_only {
        return Err(Fault::ReadOnly);
    }
    if who.standing.owed {
        return Err(Fault::StepOwed);
    }
    let (team, name) = (first_team(visit)?, form.get("name").unwrap_or_default());
    match visit.desk.service.rename_team(&who.actor(), team.id, name).await {
        Ok(_) => Ok(Response::redirect("/admin/setup/connect")),
        Err(error @ Error::Refused(_)) => show_team(visit, 422, name, refusals([("name", Some(error))])),
        Err(error) => Err(error.into()),
    }
}

fn connect(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    visit.signed_in()?;
    let href = format!("/admin/t/{}/", first_team(visit)?.slug);
    let other = |idp: &&Provider| Link::new(format!("{href}connect?idp={}", idp.key), idp.name);
    let others = idp::ALL.iter().filter(|idp| idp.key != "jumpcloud").map(other).collect();
    show(visit, 200, 4, Vec::new(), Body::Connect { href, others })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let fields = |email, password, again| {
            faults(email, "", password, again).iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("a@example.com", "correct horse battery", "correct horse battery"), [""; 0]);
        assert_eq!(fields("a", "short", "short"), ["email", "password"]);
        assert_eq!(fields("a@example.com", "correct horse battery", "other"), ["again"]);
    }

    #[test]
    fn an_address_that_no_provider_reaches_says_why() {
        let kinds = |base: &str, own| checks(base, own).iter().map(|c| c.kind).collect::<Vec<_>>();
        assert_eq!(kinds("https://scim.example.com/scim", false), ["ok", "ok", "ok", "ok"]);
        assert_eq!(kinds("https://localhost:8443/scim", true), ["ok", "warn", "warn", "warn"]);
        assert_eq!(kinds("http://192.0.2.1/scim", false), ["warn", "warn", "ok", "ok"]);
    }
}

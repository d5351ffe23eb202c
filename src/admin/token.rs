//! One token: the form that makes it, the page that shows its text once, and revoking it.

use std::time::Duration;

use std::collections::HashSet;

use askama::Template;
use askama::filters::HtmlSafe;

use super::confirm::Confirm;
use super::error::Fault;
use super::fields::refusal;
use super::idp::Provider;
use super::kept::Shown;
use super::page::{Here, Page, Shell, base_url, html, render};
use super::parts::{Check, Chip, Choice, Copy, Errors, Field, FieldFault, Link};
use super::rotation::replaced_by;
use super::said::Said;
use super::tokens::line;
use super::when::Zone;
use super::who::Names;
use crate::http::{Query, Response};
use crate::service::rotation::OLD_DAYS;
use crate::service::{Error, Expiry, NewToken};
use crate::store::{Row, Token};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The form that makes a token.
#[derive(Template)]
#[template(path = "parts/token_form.html")]
pub struct Form {
    base: String,
    csrf: String,
    name: Field,
    read_only: bool,
    strict: bool,
    expires: Field,
    options: Vec<Choice>,
    cancel: String,
}

impl HtmlSafe for Form {}

impl Form {
    /// The form, as entered before.
    pub fn new(shell: &Shell, entered: &Query, faults: &[FieldFault], cancel: String) -> Form {
        let chosen = entered.get("expires").unwrap_or("365");
        Form {
            base: shell.base.clone(),
            csrf: shell.csrf.clone(),
            name: Field::new("name", entered.get("name").unwrap_or_default(), true, faults),
            read_only: entered.get("may") == Some("ro"),
            strict: entered.get("strict").is_some(),
            expires: Field::new("expires", chosen, true, faults),
            options: expiry_choices(chosen),
            cancel,
        }
    }
}

/// How long a token may live, in days.
pub fn expiry_choices(chosen: &str) -> Vec<Choice> {
    [("365", "1 year"), ("180", "6 months"), ("90", "90 days"), ("never", "Never")]
        .iter()
        .map(|(value, text)| Choice {
            value: (*value).to_owned(),
            text: (*text).to_owned(),
            selected: *value == chosen,
        })
        .collect()
}

/// The end that a form chose; none when it is not one of the times. A year where it says nothing.
pub fn expiry(form: &Query) -> Option<Expiry> {
    match form.get("expires") {
        Some("never") => Some(Expiry::Never),
        Some(days) => {
            days.parse::<u32>().ok().filter(|days| (1..=3650).contains(days)).map(|n| Expiry::In(DAY * n))
        }
        None => Some(Expiry::In(DAY * 365)),
    }
}

#[derive(Template)]
#[template(path = "token_new.html")]
struct NewPage {
    shell: Shell,
    errors: Errors,
    form: Form,
}

/// The form on a page of its own.
pub fn new(page: Page<'_, '_>) -> Result<Response, Fault> {
    show_form(page, 200, &Query::default(), Vec::new())
}

fn show_form(
    mut page: Page<'_, '_>,
    status: u16,
    entered: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let title = if faults.is_empty() { "New token" } else { "Error: New token" };
    let shell = page.shell(title, Here::Tokens);
    let form = Form::new(&shell, entered, &faults, format!("{}tokens", shell.base));
    html(status, &NewPage { shell, errors: Errors { faults }, form })
}

/// Makes a token and leads to the page that shows it.
pub async fn create(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let Some(expires) = expiry(&form) else {
        return show_form(page, 422, &form, vec![FieldFault::new("expires", "Choose one of the times")]);
    };
    let name = form.get("name").unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return show_form(page, 422, &form, vec![FieldFault::new("name", "Enter a name")]);
    }
    let new = NewToken {
        name,
        source: None,
        expires,
        read_only: form.get("may") == Some("ro"),
        strict: form.get("strict").is_some(),
        region: None,
        user: None,
    };
    match made(&page, new).await? {
        Ok(to) => Ok(Response::redirect(&to)),
        Err(fault) => show_form(page, 422, &form, vec![fault]),
    }
}

/// Makes a token and keeps its text for the page that shows it, whose address it answers; or says what is wrong with
/// the name.
pub async fn made(page: &Page<'_, '_>, new: NewToken) -> Result<Result<String, FieldFault>, Fault> {
    let desk = page.visit.desk;
    match desk.service.create_token(&page.who.actor(), page.team.id, new).await {
        Ok((token, text)) => {
            let shown = Shown::Token(page.team.id, token.n);
            desk.kept.put(page.who.session.hash, shown, text, page.visit.zone.now());
            Ok(Ok(format!("{}tokens/{}/created", page.base(), token.n)))
        }
        Err(Error::Refused(words)) => Ok(Err(refusal("name", &words))),
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "token_created.html")]
struct CreatedPage {
    shell: Shell,
    n: i64,
    name: String,
    secret: Option<Copy>,
    length: usize,
    last: String,
    provider: &'static Provider,
    base_url: Copy,
    test_email: Option<Copy>,
    first_use: FirstUse,
}

/// Whether a new token was used yet, as the page's script replaces it.
#[derive(Template)]
#[template(path = "parts/first_use.html")]
struct FirstUse {
    chip: Chip,
    line: Check,
}

impl HtmlSafe for FirstUse {}

impl FirstUse {
    fn of(zone: &Zone, token: &Token, tokens: &[Token]) -> FirstUse {
        let old = tokens.iter().rev().find(|old| {
            old.n != token.n && replaced_by(old, tokens, zone.now()).is_some_and(|new| new.n == token.n)
        });
        let (chip, line) = match (&token.used, token.first_used) {
            (Some(used), Some(first)) => (
                Chip::new("ok", "In use"),
                Check {
                    kind: "ok",
                    title: "First request with this token".into(),
                    at: zone.beneath(first),
                    sub: Said::plain(format!("Last used {} from ", zone.relative(used.at)))
                        .mono(&used.address)
                        .and("."),
                },
            ),
            _ => (
                Chip::new("wait", "Listening"),
                Check {
                    kind: "wait",
                    title: "Waiting for a first request with this token".into(),
                    at: format!("since {}", zone.time(token.created)),
                    sub: old.map(old_works).unwrap_or_default().into(),
                },
            ),
        };
        FirstUse { chip, line }
    }
}

fn old_works(old: &Token) -> String {
    let until = if old.expires.is_some() { format!(" for {OLD_DAYS} days") } else { String::new() };
    format!("The old token …{} keeps working{until}, so nothing breaks meanwhile.", old.last4)
}

/// The part of the page that changes, as it is now.
pub fn live(page: &Page<'_, '_>) -> Result<String, Fault> {
    let token = find(page, page.visit.request.query.get("token").unwrap_or_default())?;
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    render(&FirstUse::of(&page.visit.zone, &token, &tokens))
}

/// The page that shows a token's text: once, to the session that made it. It is never compressed.
pub fn created(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let desk = page.visit.desk;
    let token = find(&page, n)?;
    let zone = page.visit.zone.clone();
    let text = desk.kept.text(page.who.session.hash, Shown::Token(page.team.id, token.n), zone.now());
    let tokens = desk.service.tokens(page.team.id)?;
    let provider = super::idp::of(&page);
    let email = test_email(&page);
    let mut shell = page.shell(&format!("Token {}", token.name), Here::Tokens);
    shell.events = format!("{}events?page=token&token={}", shell.base, token.n);
    let template = CreatedPage {
        n: token.n,
        name: token.name.clone(),
        length: text.as_ref().map_or(0, String::len),
        secret: text.map(|text| Copy { id: "tok", label: provider.token_field, text }),
        last: token.last4.clone(),
        provider,
        base_url: Copy { id: "base", label: provider.base_field, text: base_url(page.visit) },
        test_email: provider.email_field.map(|label| Copy { id: "tmail", label, text: email }),
        first_use: FirstUse::of(&zone, &token, &tokens),
        shell,
    };
    Ok(html(200, &template)?.uncompressed())
}

/// Which of these ids are, or were, tests and nobody.
pub fn tests_among<'i>(
    page: &Page<'_, '_>,
    ids: impl IntoIterator<Item = &'i str>,
) -> Result<HashSet<String>, Fault> {
    Ok(page.visit.desk.service.tests_among(page.team.id, &test_email(page), ids)?)
}

/// The ids of those of these users and groups that are tests.
pub fn tests_of<'r>(page: &Page<'_, '_>, rows: impl IntoIterator<Item = &'r Row>) -> HashSet<String> {
    page.visit.desk.service.tests_of(&test_email(page), rows)
}

/// An address for the test user that no real person has: at the server's own name where that is one.
pub fn test_email(page: &Page<'_, '_>) -> String {
    let base = base_url(page.visit);
    let authority = base.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    let named = authority.contains('.') && !authority.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    format!("scim-test-{}@{}", page.team.slug, if named { authority } else { "example.com" })
}

/// The text was copied: it is forgotten, and the check of the connection follows.
pub async fn copied(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    page.form().await?;
    let token = find(&page, n)?;
    let now = page.visit.zone.now();
    page.visit.desk.kept.forget(page.who.session.hash, Shown::Token(page.team.id, token.n), now);
    Ok(Response::redirect(&format!("{}connect", page.base())))
}

/// Asks before a token is revoked.
pub fn revoke_page(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let token = find(&page, n)?;
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    if token.revoked.is_some() {
        return Err(Fault::Service(Error::Refused(format!("the token “{}” is revoked already", token.name))));
    }
    let zone = page.visit.zone.clone();
    let base = page.base();
    let template = Confirm {
        shell: page.shell("Revoke token", Here::Tokens),
        crumbs: vec![Link::new(format!("{base}tokens"), "Tokens")],
        last: "Revoke",
        heading: format!("Revoke “{}”?", token.name),
        errors: Errors::default(),
        paragraphs: vec![
            "Requests with this token are refused from now on. This cannot be undone.".into(),
            line(&zone, &Names::default(), &token, &page.visit.desk.service.tokens(page.team.id)?).warning,
        ],
        typed: None,
        action: format!("{base}tokens/{}/revoke", token.n),
        safe: format!("{base}tokens"),
        safe_text: "Keep it",
        danger_text: "Revoke it",
    };
    html(200, &template)
}

/// Revokes a token.
pub async fn revoke(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    page.sensitive_form().await?;
    let token = find(&page, n)?;
    let desk = page.visit.desk;
    match desk.service.revoke_token(&page.who.actor(), page.team.id, token.n).await {
        // Sent twice: what was asked for is so.
        Ok(_) | Err(Error::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let now = page.visit.zone.now();
    desk.kept.forget(page.who.session.hash, Shown::Token(page.team.id, token.n), now);
    Ok(Response::redirect(&format!("{}tokens?show=past", page.base())))
}

/// The token that the path names.
pub fn find(page: &Page<'_, '_>, n: &str) -> Result<Token, Fault> {
    let n: i64 = n.parse().map_err(|_| Fault::NotFound)?;
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    tokens.into_iter().find(|token| token.n == n).ok_or(Fault::NotFound)
}

//! Connecting JumpCloud: the values to copy, the steps in JumpCloud's words, and the live parts of the page. What has
//! reached the server is read in `reached`.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::json;

use super::activity::{line, status_class};
use super::error::Fault;
use super::page::{Here, Page, Shell, base_url, html};
use super::parts::{Copy, Notice, When, clipped};
use super::reached::{Checks, Seen, checks, step_classes};
use super::rotation::rotations;
use super::setup;
use super::token::test_email;
use super::when::Zone;
use crate::http::{Body, Response};
use crate::service::overview::Connecting;
use crate::store::Token;

/// Requests shown below the steps.
const LATEST: usize = 5;
/// A stream of events ends after this time; the browser opens the next.
const STREAM: Duration = Duration::from_secs(30 * 60);
/// A comment keeps proxies from closing a quiet stream.
const BEAT: Duration = Duration::from_secs(20);

struct LatestLine {
    id: String,
    at: When,
    method: String,
    method_class: &'static str,
    path: String,
    sub: String,
    status: u16,
    status_class: &'static str,
    fault: bool,
}

/// The latest requests.
#[derive(Template)]
#[template(path = "parts/connect_latest.html")]
struct Latest {
    base: String,
    rows: Vec<LatestLine>,
}

impl HtmlSafe for Latest {}

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage {
    shell: Shell,
    refresh: bool,
    may_change: bool,
    notices: Vec<Notice>,
    step_classes: [&'static str; 5],
    base_url: Copy,
    token: Option<Copy>,
    token_hint: String,
    test_email: Copy,
    checks: Checks,
    latest: Latest,
}

/// The page. While a token's text is on it, it is not compressed.
pub async fn connect(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let email = test_email(&page);
    let desk = page.visit.desk;
    let found = desk.service.connecting(page.team.id, &email).await?;
    let text = desk.kept.latest_token(page.who.session.hash, page.team.id, zone.now());
    let seen = Seen::of(&found, &email);
    let url = base_url(page.visit);
    let mut shell = page.shell("Connect JumpCloud", Here::Connect);
    shell.events = format!("{}events?page=connect", shell.base);
    let template = ConnectPage {
        refresh: page.visit.request.query.get("still").is_none(),
        may_change: page.may_change(),
        notices: notices(&url, desk.options.self_signed, &email, &found),
        step_classes: step_classes(&seen),
        base_url: Copy { id: "base", label: "Base URL", text: url },
        token_hint: token_hint(&found.tokens, &zone),
        token: text.map(|(_, text)| Copy { id: "tkey", label: "Token Key", text }),
        test_email: Copy { id: "tmail", label: "Test User Email", text: email },
        checks: checks(&zone, &found, &seen),
        latest: latest(&zone, &shell.base, &found),
        shell,
    };
    let secret = template.token.is_some();
    let response = html(200, &template)?;
    Ok(if secret { response.uncompressed() } else { response })
}

/// A part of the page that has changed.
pub async fn fragment(page: Page<'_, '_>, name: &str) -> Result<Response, Fault> {
    if name == "rotation" {
        let tokens = page.visit.desk.service.tokens(page.team.id)?;
        return html(200, &rotations(&page, &tokens).await?);
    }
    let zone = page.visit.zone.clone();
    let email = test_email(&page);
    let found = page.visit.desk.service.connecting(page.team.id, &email).await?;
    match name {
        "connect-checks" => html(200, &checks(&zone, &found, &Seen::of(&found, &email))),
        "connect-latest" => html(200, &latest(&zone, &page.base(), &found)),
        _ => Err(Fault::NotFound),
    }
}

/// Tells the page, while it is open, which parts to fetch again: after each commit, at most twice a second.
pub fn events(page: Page<'_, '_>) -> Result<Response, Fault> {
    let (sender, body) = Body::stream();
    let mut commits = page.visit.desk.service.store().commits();
    let base = page.base();
    let parts: &[&str] = match page.visit.request.query.get("page") {
        Some("tokens") => &["rotation"],
        _ => &["connect-checks", "connect-latest"],
    };
    tokio::spawn(async move {
        let end = tokio::time::Instant::now() + STREAM;
        if !sender.send("retry: 2000\n\n").await {
            return;
        }
        while tokio::time::Instant::now() < end {
            let text = tokio::select! {
                () = sender.closed() => return,
                changed = commits.changed() => match changed {
                    Ok(()) => fragments(&base, parts),
                    Err(_) => return,
                },
                () = tokio::time::sleep(BEAT) => ": still here\n\n".to_owned(),
            };
            if !sender.send(text).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    Ok(Response::with_body(200, body).header("content-type", "text/event-stream").uncompressed())
}

fn fragments(base: &str, parts: &[&str]) -> String {
    parts
        .iter()
        .map(|id| {
            let data = json!({ "id": id, "url": format!("{base}fragment/{id}"), "say": "" });
            format!("event: fragment\ndata: {data}\n\n")
        })
        .collect()
}

fn token_hint(tokens: &[Token], zone: &Zone) -> String {
    let living = tokens.iter().filter(|token| token.revoked.is_none()).max_by_key(|token| token.n);
    match living {
        None => "It is shown once, here and on the next page, to copy.".to_owned(),
        Some(token) => format!(
            "“{}”, made {}, ends in …{}. Its text was shown once; make another if it is lost.",
            clipped(&token.name, 60),
            zone.relative(token.created),
            token.last4
        ),
    }
}

fn notices(url: &str, self_signed: bool, email: &str, found: &Connecting) -> Vec<Notice> {
    let warnings: Vec<String> = setup::checks(url, self_signed)
        .into_iter()
        .filter(|check| check.kind != "ok")
        .map(|check| format!("{}. {}", check.title, check.sub))
        .collect();
    let mut notices = Vec::new();
    if !warnings.is_empty() {
        notices.push(Notice {
            kind: "warn",
            title: "JumpCloud cannot reach this address as it is".into(),
            text: warnings.join(" "),
            ..Notice::default()
        });
    }
    if found.email_taken {
        notices.push(Notice {
            kind: "warn",
            title: "A user with the test address is here already".into(),
            text: format!(
                "{email} must not exist when JumpCloud tests the connection. Take another address."
            ),
            ..Notice::default()
        });
    }
    notices
}

fn latest(zone: &Zone, base: &str, found: &Connecting) -> Latest {
    let rows = found.rows.iter().take(LATEST).map(|row| {
        let line = line(zone, base, &found.tokens, row);
        LatestLine {
            id: line.id,
            at: line.at,
            method: line.method,
            method_class: line.method_class,
            path: line.path,
            sub: line.sub,
            status: line.status,
            status_class: status_class(line.status),
            fault: line.fault,
        }
    });
    Latest { base: base.to_owned(), rows: rows.collect() }
}

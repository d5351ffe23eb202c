//! Connecting an identity provider: the values to copy and the steps in the provider's own words, and what has arrived so
//! far. What has reached the server is read in `reached`; the words of each provider are in `idp`.

use askama::Template;
use askama::filters::HtmlSafe;

use super::activity::{line, status_class};
use super::error::Fault;
use super::idp::{self, Provider};
use super::page::{Here, Page, Shell, base_url, html, render};
use super::parts::{Check, Choice, Copy, Notice, When, clipped};
use super::reached::{Checks, Seen, checks, step_classes};
use super::setup;
use super::token::test_email;
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::Response;
use crate::service::connect::Connecting;
use crate::service::milestones::Event;
use crate::store::Token;

/// Requests shown below the steps.
const LATEST: usize = 5;
/// A token of another team that was used so lately is worth a word.
const JUST_NOW_MS: i64 = 10 * 60 * 1000;

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

/// What to do when people come and no group does, until one has.
#[derive(Template)]
#[template(path = "parts/group_hint.html")]
struct GroupHint {
    seen: bool,
    text: &'static str,
}

impl HtmlSafe for GroupHint {}

impl GroupHint {
    fn new(provider: &'static Provider, found: &Connecting, seen: &Seen<'_>) -> GroupHint {
        let seen = found.totals.groups > 0 || seen.has(Event::Group) || seen.has(Event::TestGroup);
        GroupHint { seen, text: provider.no_group }
    }
}

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage {
    shell: Shell,
    provider: &'static Provider,
    providers: Vec<Choice>,
    /// The provider that the address asks for.
    asked: &'static str,
    refresh: bool,
    may_change: bool,
    notices: Vec<Notice>,
    classes: Vec<&'static str>,
    base_url: Copy,
    token: Option<Copy>,
    token_hint: String,
    test_email: Option<Copy>,
    group_hint: GroupHint,
    checks: Checks,
    latest: Latest,
}

/// The page. While a token's text is on it, it is not compressed.
pub async fn connect(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let provider = idp::of(&page);
    let email = test_email(&page);
    let desk = page.visit.desk;
    let found = desk.service.connecting(page.team.id, &email).await?;
    let text = desk.kept.latest_token(page.who.session.hash, page.team.id, zone.now());
    let seen = Seen::of(&found, &email);
    let url = base_url(page.visit);
    let warnings = warnings(&page);
    let asked = page.visit.request.query.get("idp").and_then(idp::find).map_or("", |asked| asked.key);
    let mut shell = page.shell(provider.connect, Here::Connect);
    shell.events = format!("{}events?page=connect&idp={}", shell.base, provider.key);
    let template = ConnectPage {
        provider,
        providers: choices(provider),
        asked,
        refresh: page.visit.request.query.get("still").is_none(),
        may_change: page.may_change(),
        notices: notices(&zone, provider, &warnings, seen.was_reached(), &email, &found),
        classes: step_classes(provider, &seen),
        base_url: Copy { id: "base", label: provider.base_field, text: url },
        token_hint: token_hint(&found.tokens, &zone),
        token: text.map(|(_, text)| Copy { id: "tkey", label: provider.token_field, text }),
        test_email: provider.email_field.map(|label| Copy { id: "tmail", label, text: email }),
        group_hint: GroupHint::new(provider, &found, &seen),
        checks: checks(&zone, provider, &found, &seen, &warnings),
        latest: latest(&zone, &shell.base, &found),
        shell,
    };
    let secret = template.token.is_some();
    let response = html(200, &template)?;
    Ok(if secret { response.uncompressed() } else { response })
}

/// Remembers the provider that was chosen.
pub async fn choose(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.form().await?;
    let provider = form.get("idp").and_then(idp::find).ok_or(Fault::NotFound)?;
    let (actor, team) = (page.who.actor(), page.team.id);
    page.visit.desk.service.choose_provider(&actor, team, provider.key).await?;
    Ok(Response::redirect(&format!("{}connect", page.base())))
}

/// The parts of the page that change, as they are now.
pub async fn live(page: &Page<'_, '_>) -> Result<String, Fault> {
    let zone = page.visit.zone.clone();
    let provider = idp::of(page);
    let email = test_email(page);
    let found = page.visit.desk.service.connecting(page.team.id, &email).await?;
    let seen = Seen::of(&found, &email);
    let checks = checks(&zone, provider, &found, &seen, &warnings(page));
    let hint = GroupHint::new(provider, &found, &seen);
    Ok(render(&checks)? + &render(&hint)? + &render(&latest(&zone, &page.base(), &found))?)
}

/// The providers to choose from.
pub fn choices(current: &Provider) -> Vec<Choice> {
    idp::ALL
        .iter()
        .map(|provider| Choice {
            value: provider.key.into(),
            text: provider.name.into(),
            selected: provider.key == current.key,
        })
        .collect()
}

/// What stands against being reached by a provider.
fn warnings(page: &Page<'_, '_>) -> Vec<Check> {
    let url = base_url(page.visit);
    let all = setup::checks(&url, page.visit.desk.options.self_signed);
    all.into_iter().filter(|check| check.kind != "ok").collect()
}

fn token_hint(tokens: &[Token], zone: &Zone) -> String {
    let living = tokens.iter().filter(|token| token.revoked.is_none()).max_by_key(|token| token.n);
    match living {
        None => "It is shown once, here and on the next page, to copy.".to_owned(),
        Some(token) => format!(
            "“{}”, made {}, ends in {}. Its text was shown once; make another if it is lost.",
            clipped(&token.name, 60),
            zone.relative(token.created),
            token.last4
        ),
    }
}

fn notices(
    zone: &Zone,
    provider: &Provider,
    warnings: &[Check],
    outside: bool,
    email: &str,
    found: &Connecting,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    notices.extend(unreachable(provider, warnings, outside));
    if found.email_taken && provider.email_field.is_some() {
        notices.push(Notice {
            kind: "warn",
            title: "A user with the test address is here already".into(),
            text: format!(
                "{email} must not exist when {} tests the connection. Take another address.",
                provider.name
            )
            .into(),
            ..Notice::default()
        });
    }
    notices.extend(elsewhere(zone, found));
    notices
}

/// What stands against being reached; less sure once a request came from outside all the same.
fn unreachable(provider: &Provider, warnings: &[Check], outside: bool) -> Option<Notice> {
    let words: Vec<String> =
        warnings.iter().map(|check| format!("{}. {}", check.title, check.sub.text())).collect();
    let who = a_provider(provider);
    (!words.is_empty()).then(|| Notice {
        kind: "warn",
        title: match outside {
            true => format!("A request came from outside, but {who} may still refuse this address"),
            false => format!("{who} cannot reach this address as it is"),
        },
        text: words.join(" ").into(),
        ..Notice::default()
    })
}

fn a_provider(provider: &Provider) -> &'static str {
    if provider.key == "other" { "Your provider" } else { provider.name }
}

/// A token of another team fills that team: said where somebody waits for it here.
fn elsewhere(zone: &Zone, found: &Connecting) -> Option<Notice> {
    let (token, team) = found.elsewhere.as_ref()?;
    let used = token.used.as_ref().filter(|used| zone.now().since(used.at) < JUST_NOW_MS)?;
    let here: Option<Timestamp> = found.tokens.iter().filter_map(|token| Some(token.used.as_ref()?.at)).max();
    (here < Some(used.at)).then(|| Notice {
        kind: "warn",
        title: format!("A token of the team {} was used here {}", clipped(team, 60), zone.relative(used.at)),
        text: format!(
            "“{}” belongs to that team and fills it. Was it meant for this one? Then make a token here and paste it there.",
            clipped(&token.name, 60)
        )
        .into(),
        ..Notice::default()
    })
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

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::store::Used;

    /// A token that nobody revoked.
    pub fn token(team: i64, used: Option<i64>) -> Token {
        Token {
            n: team,
            team: crate::base::TeamId(team),
            name: "Okta".into(),
            source: "Okta".into(),
            last4: "x9Zq".into(),
            region: None,
            strict: false,
            read_only: false,
            created: Timestamp(0),
            created_by: "ada".into(),
            expires: None,
            revoked: None,
            revoked_by: None,
            used: used.map(|at| Used {
                at: Timestamp(at),
                address: String::new(),
                user_agent: String::new(),
            }),
            provider: None,
            user: None,
            first_used: used.map(Timestamp),
        }
    }

    #[test]
    fn what_stands_against_being_reached_is_told_less_surely_once_somebody_came() {
        let provider = idp::find("okta").expect("known");
        let warning = Check { title: "The port is 8443".into(), sub: "Use 443.".into(), ..Check::default() };
        let title = |outside| {
            unreachable(provider, std::slice::from_ref(&warning), outside).map(|notice| notice.title)
        };
        assert_eq!(title(false).as_deref(), Some("Okta cannot reach this address as it is"));
        let came = "A request came from outside, but Okta may still refuse this address";
        assert_eq!(title(true).as_deref(), Some(came));
        assert!(unreachable(provider, &[], false).is_none());
    }

    #[test]
    fn a_token_of_another_team_is_told_of_while_nothing_came_here_since() {
        let zone = Zone::utc(Timestamp(JUST_NOW_MS * 2));
        let told = |here: Option<i64>, there: i64| {
            let found = Connecting {
                tokens: vec![token(1, here)],
                elsewhere: Some((token(2, Some(there)), "Labs".into())),
                ..Connecting::default()
            };
            elsewhere(&zone, &found).map(|notice| notice.title)
        };
        let lately = JUST_NOW_MS * 2 - 1000;
        assert_eq!(told(None, lately).as_deref(), Some("A token of the team Labs was used here just now"));
        assert!(told(Some(lately - 1), lately).is_some());
        assert_eq!(told(Some(lately + 1), lately), None, "something came here since");
        assert_eq!(told(None, JUST_NOW_MS - 1), None, "that was long ago");
    }
}

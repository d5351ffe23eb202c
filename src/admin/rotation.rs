//! Rotating a token: a new one beside the old with the same source, proof that the new one is used and the old one is
//! not, and only then the end of the old one. Two working tokens of one source are a rotation, however they were made.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Check, Choice, Errors, Field, FieldFault, Link, Notice, clipped, counted};
use super::tokens::{State, state};
use super::when::Zone;
use crate::base::Timestamp;
use crate::http::{Query, Response};
use crate::service::{Error, NewToken};
use crate::store::{ActivityQuery, Token};

/// A token that nobody used for this long after the new one began is no longer in use.
const QUIET_MS: i64 = 24 * 60 * 60 * 1000;
/// Requests with the new token that are looked at.
const LOOKED_AT: u32 = 500;

/// A rotation under way.
#[derive(Template)]
#[template(path = "parts/rotation.html")]
pub struct Rotation {
    base: String,
    old: i64,
    name: String,
    started: String,
    checks: Vec<Check>,
    may_change: bool,
    /// The new token is in use, so that the old one may go.
    ready: bool,
    words: String,
}

/// All rotations of a team, as the page's script replaces them.
#[derive(Template)]
#[template(path = "parts/rotations.html")]
pub struct Rotations {
    pub rows: Vec<Rotation>,
}

impl Rotation {
    /// What the overview says once the new token alone is used.
    pub fn notice(&self) -> Option<Notice> {
        self.ready.then(|| Notice {
            kind: "warn",
            title: format!("The rotation of “{}” waits for its last step", self.name),
            text: format!("The new token is in use. {}", self.words),
            link: Some(Link::new(format!("{}tokens", self.base), "Finish the rotation")),
            alert: false,
        })
    }
}

impl HtmlSafe for Rotation {}
impl HtmlSafe for Rotations {}

/// How the new token is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Use {
    first: Option<Timestamp>,
    requests: u64,
    refused: u64,
    address: String,
}

/// The newest working token that takes over from this one.
pub fn successor<'t>(old: &Token, tokens: &'t [Token], now: Timestamp) -> Option<&'t Token> {
    let working = |token: &&Token| !matches!(state(token, now), State::Revoked | State::Expired);
    Some(old).filter(working).and_then(|old| {
        let same = tokens.iter().filter(|new| new.source == old.source && new.n > old.n);
        same.filter(working).max_by_key(|new| new.n)
    })
}

/// The rotations under way, oldest first.
pub async fn rotations(page: &Page<'_, '_>, tokens: &[Token]) -> Result<Rotations, Fault> {
    let zone = &page.visit.zone;
    let mut rows = Vec::new();
    for old in tokens {
        let Some(new) = successor(old, tokens, zone.now()) else { continue };
        let query = ActivityQuery { token: Some(new.n), limit: LOOKED_AT, ..ActivityQuery::default() };
        let seen = page.visit.desk.service.requests(page.team.id, query).await?.rows;
        let used = Use {
            first: seen.last().map(|row| row.activity.at),
            requests: seen.len() as u64,
            refused: seen.iter().filter(|row| row.activity.status >= 400).count() as u64,
            address: seen.first().map(|row| row.activity.address.clone()).unwrap_or_default(),
        };
        rows.push(rotation(zone, &page.base(), page.may_change(), old, new, &used));
    }
    Ok(Rotations { rows })
}

fn rotation(zone: &Zone, base: &str, may_change: bool, old: &Token, new: &Token, seen: &Use) -> Rotation {
    let last = old.used.as_ref();
    // The list of requests is pruned and cut; the token itself remembers that it was used.
    let first = seen.first.or(new.used.as_ref().map(|used| used.at));
    let since = last.zip(first).is_some_and(|(last, first)| last.at >= first);
    let quiet = zone.now().since(last.map_or(old.created, |last| last.at).max(first.unwrap_or(new.created)));
    let ready = first.is_some() && !since;
    let words = match (first, since) {
        (None, _) => "Not yet safe: nothing has used the new token.".to_owned(),
        (Some(_), true) if quiet < QUIET_MS => {
            "Not yet safe: the old token was used after the new one. Something still has it.".to_owned()
        }
        (Some(_), true) => "Nothing has used the old token for a day.".to_owned(),
        (Some(_), false) => "Safe: nothing has used it since the new one was first used.".to_owned(),
    };
    let ends = match old.expires {
        Some(end) => format!("It keeps working until you revoke it, or until {}.", zone.date(end)),
        None => "It keeps working until you revoke it.".to_owned(),
    };
    let done = |title: String, at: String, sub: String| Check { kind: "ok", title, at, sub, mono: false };
    let wait = |title: &str, at: String, sub: String| Check {
        kind: "wait",
        title: title.into(),
        at,
        sub,
        mono: false,
    };
    let todo =
        |title: &str| Check { kind: "todo", title: title.into(), at: "Not yet".into(), ..Check::default() };
    let old_use = match last {
        Some(last) => format!("Last used {} from {}. {ends}", zone.relative(last.at), last.address),
        None => format!("Nothing has ever used it. {ends}"),
    };
    let (used, unused) = match first {
        Some(first) => (
            done("New token pasted into the provider and used".into(), zone.beneath(first), requests(seen)),
            match ready {
                true => done("Old token no longer used".into(), String::new(), old_use),
                false => wait("Old token no longer used", "Still used".into(), old_use),
            },
        ),
        None => (
            wait(
                "New token pasted into the provider and used",
                "Listening".into(),
                "Paste it into the Token Key field and press Test Connection.".into(),
            ),
            todo("Old token no longer used"),
        ),
    };
    Rotation {
        base: base.to_owned(),
        old: old.n,
        name: clipped(&old.name, 60),
        started: format!("Started {} by {}", zone.relative(new.created), clipped(&new.created_by, 60)),
        checks: vec![
            done(
                format!("New token “{}” created, ends in …{}", clipped(&new.name, 60), new.last4),
                zone.beneath(new.created),
                String::new(),
            ),
            used,
            unused,
            todo("Old token revoked"),
        ],
        may_change,
        ready: ready || (since && quiet >= QUIET_MS),
        words,
    }
}

fn requests(seen: &Use) -> String {
    if seen.requests == 0 {
        return String::new();
    }
    let more = if seen.requests >= u64::from(LOOKED_AT) { "More than " } else { "" };
    let fault = match seen.refused {
        0 => "all accepted".to_owned(),
        n => format!("{n} of them refused"),
    };
    format!("{more}{} so far from {}, {fault}", counted(seen.requests, "request"), seen.address)
}

#[derive(Template)]
#[template(path = "token_rotate.html")]
struct RotatePage {
    shell: Shell,
    errors: Errors,
    n: i64,
    old: String,
    name: Field,
    expires: Field,
    options: Vec<Choice>,
}

/// Asks for the new token's name and end.
pub fn rotate_page(page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let old = old(&page, n)?;
    show(page, 200, &old, &Query::default(), Vec::new())
}

fn old(page: &Page<'_, '_>, n: &str) -> Result<Token, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let token = super::token::find(page, n)?;
    match state(&token, page.visit.zone.now()) {
        State::Revoked => {
            Err(Fault::Service(Error::Refused("a revoked token cannot be rotated; make a new one".into())))
        }
        _ => Ok(token),
    }
}

fn show(
    mut page: Page<'_, '_>,
    status: u16,
    old: &Token,
    entered: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    let proposed = next_name(&old.name, &tokens);
    let title = if faults.is_empty() { "Rotate token" } else { "Error: Rotate token" };
    let chosen = entered.get("expires").unwrap_or("365");
    let template = RotatePage {
        shell: page.shell(title, Here::Tokens),
        n: old.n,
        old: clipped(&old.name, 100),
        name: Field::new("name", entered.get("name").unwrap_or(&proposed), true, &faults),
        expires: Field::new("expires", chosen, true, &faults),
        options: super::token::expiry_choices(chosen),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// A name for the token that takes over: the old one with the next number that is free.
fn next_name(old: &str, tokens: &[Token]) -> String {
    let stem = match old.rsplit_once(' ') {
        Some((stem, number)) if !stem.is_empty() && number.parse::<u32>().is_ok_and(|n| n < 1000) => stem,
        _ => old,
    };
    let stem = clipped(stem, 90);
    (2..)
        .map(|n: u32| format!("{stem} {n}"))
        .find(|name| tokens.iter().all(|token| token.name != *name))
        .unwrap_or_default()
}

/// Makes the new token beside the old, with the same source and rights, and leads to the page that shows it.
pub async fn rotate(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let old = old(&page, n)?;
    let Some(expires) = super::token::expiry(&form) else {
        return show(page, 422, &old, &form, vec![FieldFault::new("expires", "Choose one of the times")]);
    };
    let new = NewToken {
        name: form.get("name").unwrap_or_default().trim().to_owned(),
        source: Some(old.source.clone()),
        expires,
        read_only: old.read_only,
        strict: old.strict,
        region: old.region.clone(),
        user: old.user.clone(),
    };
    match super::token::made(&page, new).await? {
        Ok(to) => Ok(Response::redirect(&to)),
        Err(fault) => show(page, 422, &old, &form, vec![fault]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TeamId;
    use crate::store::Used;

    fn token(n: i64, name: &str, used: Option<i64>) -> Token {
        Token {
            n,
            team: TeamId(1),
            name: name.into(),
            source: "JumpCloud".into(),
            last4: "Xb91".into(),
            region: None,
            strict: false,
            read_only: false,
            created: Timestamp(n * 1000),
            created_by: "marcus.webb@example.com".into(),
            expires: None,
            revoked: None,
            revoked_by: None,
            used: used.map(|at| Used {
                at: Timestamp(at),
                address: "203.0.113.24".into(),
                user_agent: "x".into(),
            }),
            provider: None,
            user: None,
        }
    }

    fn seen(first: Option<i64>) -> Use {
        Use { first: first.map(Timestamp), requests: 3, refused: 0, address: "203.0.113.24".into() }
    }

    #[test]
    fn two_working_tokens_of_one_source_are_a_rotation() {
        let now = Timestamp(5000);
        let tokens = vec![
            token(1, "a", None),
            token(2, "b", None),
            Token { source: "Okta".into(), ..token(3, "c", None) },
        ];
        assert_eq!(successor(&tokens[0], &tokens, now).map(|new| new.n), Some(2));
        assert!(
            successor(&tokens[1], &tokens, now).is_none() && successor(&tokens[2], &tokens, now).is_none()
        );
        let ended = vec![Token { revoked: Some(now), ..token(1, "a", None) }, token(2, "b", None)];
        assert!(successor(&ended[0], &ended, now).is_none(), "it is over");
    }

    #[test]
    fn the_old_token_is_safe_to_revoke_only_when_the_new_one_alone_is_used() {
        let zone = Zone::utc(Timestamp(20_000));
        let judge = |old: Option<i64>, first: Option<i64>| {
            let new = token(2, "b", first);
            rotation(&zone, "/", true, &token(1, "a", old), &new, &seen(first)).ready
        };
        assert!(!judge(Some(5000), None), "the new one was never used");
        assert!(judge(Some(5000), Some(6000)));
        assert!(judge(None, Some(6000)));
        assert!(!judge(Some(7000), Some(6000)), "something still has the old one");
        let later = Zone::utc(Timestamp(7000 + QUIET_MS));
        let row = rotation(
            &later,
            "/",
            true,
            &token(1, "a", Some(7000)),
            &token(2, "b", Some(6000)),
            &seen(Some(6000)),
        );
        assert!(row.ready, "a day of silence");
    }

    #[test]
    fn the_new_name_counts_on() {
        let tokens = [token(1, "JumpCloud production", None), token(2, "JumpCloud production 2", None)];
        assert_eq!(next_name("JumpCloud production", &tokens), "JumpCloud production 3");
        assert_eq!(next_name("JumpCloud production 2", &tokens), "JumpCloud production 3");
        assert_eq!(next_name("Okta", &tokens), "Okta 2");
    }
}

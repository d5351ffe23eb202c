//! Tokens: the list with its states and warnings. Making, showing and revoking one are `token`'s pages.

use std::time::Duration;

use askama::Template;

use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Empty, Fact, Icon, Link, Notice, Tab, Tabs, When, clipped, counted};
use super::rotation::{Rotations, rotations, successor};
use super::when::Zone;
use crate::base::Timestamp;
use crate::base::secret::masked;
use crate::http::{Query, Response};
use crate::service::sentence::number;
use crate::store::{ActivityQuery, Lenient, Token};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days before the end on which a notice changes its words.
const SOON_DAYS: i64 = 30;

/// A row of the list.
pub struct TokenLine {
    n: i64,
    name: String,
    masked: String,
    chip: Chip,
    ended: String,
    access: &'static str,
    mode: &'static str,
    /// Leniencies that its requests needed.
    lenient: String,
    used: Option<When>,
    address: String,
    agent: String,
    expires: Option<When>,
    expires_at: String,
    created_by: String,
    created: When,
    pub warning: String,
    /// Another token takes over from this one.
    replaced: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    shell: Shell,
    may_change: bool,
    plus: Icon,
    notices: Vec<Notice>,
    rotations: Rotations,
    tabs: Tabs,
    past: &'static str,
    caption: &'static str,
    empty: Option<Empty>,
    rows: Vec<TokenLine>,
    refused: Vec<Fact>,
    form: super::token::Form,
}

/// What a token is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Revoked,
    Expired,
    Soon,
    InUse,
    NeverUsed,
}

/// The state of a token at an instant.
pub fn state(token: &Token, now: Timestamp) -> State {
    let soon = now.plus(DAY * SOON_DAYS as u32);
    match token.expires {
        _ if token.revoked.is_some() => State::Revoked,
        Some(end) if end <= now => State::Expired,
        Some(end) if end <= soon => State::Soon,
        _ if token.used.is_some() => State::InUse,
        _ => State::NeverUsed,
    }
}

/// A state in a word and a shape.
pub fn chip(state: State) -> Chip {
    match state {
        State::Revoked => Chip::new("idle", "Revoked"),
        State::Expired => Chip::new("bad", "Expired"),
        State::Soon => Chip::new("warn", "Expires soon"),
        State::InUse => Chip::new("ok", "In use"),
        State::NeverUsed => Chip::new("idle", "Never used"),
    }
}

/// The list.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let now = zone.now();
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    let past = page.visit.request.query.get("show") == Some("past");
    let is_past = |token: &&Token| matches!(state(token, now), State::Revoked | State::Expired);
    let ended = tokens.iter().filter(is_past).count();
    let mut rows: Vec<&Token> = tokens.iter().filter(|token| is_past(token) == past).collect();
    rows.sort_by_key(|token| std::cmp::Reverse((token.used.as_ref().map(|used| used.at), token.n)));
    let base = page.base();
    let tab = |query: &str, text, count: usize, current| Tab {
        href: format!("{base}tokens{query}"),
        text,
        count: Some(number(count as u64)),
        current,
    };
    let refused = refused(&page, &zone).await?;
    let used = page.visit.desk.service.leniencies(page.team.id)?;
    let rotations = rotations(&page, &tokens).await?;
    let mut shell = page.shell("Tokens", Here::Tokens);
    shell.events = format!("{base}events?page=tokens");
    let template = TokensPage {
        may_change: page.may_change(),
        plus: Icon { name: "plus" },
        notices: tokens.iter().filter_map(|token| notice(&zone, &base, token)).collect(),
        tabs: Tabs {
            label: "State",
            tabs: vec![
                tab("", "Working", tokens.len() - ended, !past),
                tab("?show=past", "Revoked and expired", ended, past),
            ],
        },
        past: if past { "past" } else { "" },
        caption: if past { "Revoked and expired tokens" } else { "Working tokens" },
        empty: rows.is_empty().then(|| nothing(&base, past)),
        rows: rows
            .into_iter()
            .map(|token| TokenLine { lenient: lenient(token.n, &used), ..line(&zone, token, &tokens) })
            .collect(),
        rotations,
        refused,
        form: super::token::Form::new(&shell, &Query::default(), &[], String::new()),
        shell,
    };
    html(200, &template)
}

fn nothing(base: &str, past: bool) -> Empty {
    if past {
        return Empty {
            title: "No token has ended".into(),
            text: "Tokens that were revoked or have expired are listed here, with who ended them and when."
                .into(),
            ..Empty::default()
        };
    }
    Empty {
        title: "No tokens yet".into(),
        text: "A token lets one identity provider write users and groups to this team.".into(),
        links: vec![Link::new(format!("{base}tokens/new"), "New token")],
        hint: String::new(),
    }
}

/// A token as a row.
pub fn line(zone: &Zone, token: &Token, tokens: &[Token]) -> TokenLine {
    let used = token.used.as_ref();
    let replaced = successor(token, tokens, zone.now()).is_some();
    TokenLine {
        n: token.n,
        name: token.name.clone(),
        masked: masked(&token.last4, token.region.as_deref()),
        replaced,
        chip: if replaced { Chip::new("warn", "Being replaced") } else { chip(state(token, zone.now())) },
        ended: match (token.revoked, &token.revoked_by) {
            (Some(at), Some(by)) => format!("{} by {}", zone.date(at), clipped(by, 80)),
            (Some(at), None) => zone.date(at),
            (None, _) => String::new(),
        },
        access: if token.read_only { "Read only" } else { "Read and write" },
        mode: if token.strict { "Exactly the RFCs" } else { "" },
        lenient: String::new(),
        used: used.map(|used| zone.ago(used.at)),
        address: used.map(|used| used.address.clone()).unwrap_or_default(),
        agent: used.map(|used| clipped(&used.user_agent, 100)).unwrap_or_default(),
        expires: token.expires.map(|at| zone.ago(at)),
        expires_at: token.expires.map(|at| zone.date(at)).unwrap_or_default(),
        created_by: token.created_by.clone(),
        created: zone.ago(token.created),
        warning: match used {
            Some(used) => format!(
                "Last used {} from {}. What still uses it stops working.",
                zone.relative(used.at),
                used.address
            ),
            None => "Nothing has ever used it.".to_owned(),
        },
    }
}

/// The leniencies that a token's requests needed, most needed first.
fn lenient(token: i64, used: &[Lenient]) -> String {
    let of: Vec<&Lenient> = used.iter().filter(|one| one.token == token).collect();
    let mut named: Vec<String> =
        of.iter().take(3).map(|one| format!("{} {}", one.name, number(one.requests))).collect();
    if of.len() > named.len() {
        named.push(format!("{} more", of.len() - named.len()));
    }
    match named.is_empty() {
        true => String::new(),
        false => format!("Read leniently: {}", named.join(", ")),
    }
}

/// The words for a token that ends soon or has ended while it was in use.
pub fn notice(zone: &Zone, base: &str, token: &Token) -> Option<Notice> {
    let now = zone.now();
    let end = token.expires.filter(|_| token.revoked.is_none())?;
    let days = end.since(now) / (DAY.as_millis() as i64);
    let recent = -14..=SOON_DAYS;
    if !recent.contains(&days) {
        return None;
    }
    let expired = end <= now;
    let title = match (expired, days) {
        (true, _) => format!("The token “{}” has expired", clipped(&token.name, 60)),
        (false, 0) => format!("The token “{}” expires within a day", clipped(&token.name, 60)),
        (false, days) => {
            format!("The token “{}” expires in {}", clipped(&token.name, 60), counted(days as u64, "day"))
        }
    };
    Some(Notice {
        kind: if expired || days <= 3 { "bad" } else { "warn" },
        title,
        text: "Rotate it: make a new token, paste it into the identity provider, and revoke this one when the new \
               one is in use."
            .into(),
        link: Some(Link::new(format!("{base}tokens/{}/rotate", token.n), "Rotate the token")),
        alert: false,
    })
}

/// Where refused tokens came from in the last week.
async fn refused(page: &Page<'_, '_>, zone: &Zone) -> Result<Vec<Fact>, Fault> {
    let query = ActivityQuery {
        status: Some((401, 401)),
        from: Some(Timestamp(zone.now().0 - 7 * DAY.as_millis() as i64)),
        limit: 500,
        ..ActivityQuery::default()
    };
    let rows = page.visit.desk.service.requests(page.team.id, query).await?.rows;
    let mut found: Vec<(String, String, u64, Timestamp)> = Vec::new();
    for row in &rows {
        let activity = &row.activity;
        let cause = activity.cause.as_deref().and_then(crate::service::Cause::from_key);
        let cause = cause.map_or("Refused", |cause| cause.words().name).to_owned();
        let times = activity.folded.max(1);
        match found.iter_mut().find(|known| known.0 == activity.address && known.1 == cause) {
            Some(known) => known.2 += times,
            None => found.push((activity.address.clone(), cause, times, activity.at)),
        }
    }
    let words = |(address, cause, times, at): (String, String, u64, Timestamp)| {
        let text = format!("{cause}: {}, last {}", counted(times, "request"), zone.relative(at));
        Fact::new(address, text)
    };
    Ok(found.into_iter().take(10).map(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TeamId;
    use crate::store::Used;

    fn token() -> Token {
        Token {
            n: 1,
            team: TeamId(1),
            name: "JumpCloud production".into(),
            source: "JumpCloud production".into(),
            last4: "Xb91".into(),
            region: None,
            strict: false,
            read_only: false,
            created: Timestamp(0),
            created_by: "marcus.webb@example.com".into(),
            expires: None,
            revoked: None,
            revoked_by: None,
            used: None,
            provider: None,
            user: None,
        }
    }

    #[test]
    fn each_state_has_its_word() {
        let now = Timestamp(0).plus(DAY);
        let used = Some(Used { at: now, address: "203.0.113.24".into(), user_agent: "x".into() });
        let ends = |days| Some(now.plus(DAY * days));
        assert_eq!(state(&token(), now), State::NeverUsed);
        assert_eq!(state(&Token { used: used.clone(), ..token() }, now), State::InUse);
        assert_eq!(state(&Token { used, expires: ends(29), ..token() }, now), State::Soon);
        assert_eq!(state(&Token { expires: Some(now), ..token() }, now), State::Expired);
        assert_eq!(state(&Token { expires: ends(400), revoked: Some(now), ..token() }, now), State::Revoked);
    }

    #[test]
    fn warns_thirty_days_before_and_loudly_in_the_last_three() {
        let zone = Zone::utc(Timestamp(0));
        let kind = |days: u32| {
            let expires = Some(Timestamp(1000).plus(DAY * days));
            notice(&zone, "/", &Token { expires, ..token() }).map(|notice| notice.kind)
        };
        assert_eq!((kind(31), kind(30), kind(3)), (None, Some("warn"), Some("bad")));
        let expired = Token { expires: Some(Timestamp(-1)), ..token() };
        assert!(notice(&zone, "/", &expired).is_some_and(|notice| notice.title.contains("has expired")));
        assert!(notice(&zone, "/", &Token { revoked: Some(Timestamp(0)), ..expired }).is_none());
    }
}

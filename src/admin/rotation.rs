//! Rotating a token: a new one beside the old with the same source, proof that the new one is used and the old one is
//! not, and only then the end of the old one. Two working tokens of one source are a rotation, however they were made.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::Fault;
use super::folding;
use super::kept::Shown;
use super::page::{Here, Page, Shell, html};
use super::parts::{Check, Choice, Errors, Field, FieldFault, Link, Notice, clipped, counted};
use super::said::Said;
use super::tokens::{State, state};
use super::when::Zone;
use super::who::Names;
use crate::base::Timestamp;
use crate::http::{Query, Response};
use crate::service::Error;
use crate::service::rotation::OLD_DAYS;
use crate::store::{ActivityQuery, Token};

/// A token that nobody used for this long is no longer in use.
const QUIET_MS: i64 = 24 * 60 * 60 * 1000;
/// Requests with the new token that are looked at.
const LOOKED_AT: u32 = 500;
/// Addresses that are named.
const NAMED: usize = 3;

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
    /// The old token may go.
    ready: bool,
    /// When the old one may go, and why.
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
            text: format!("The new token is in use. {}", self.words).into(),
            link: Some(Link::new(format!("{}tokens", self.base), "Finish the rotation")),
            alert: false,
        })
    }
}

impl HtmlSafe for Rotation {}
impl HtmlSafe for Rotations {}

/// How the new token is used, as far as its requests are still kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Use {
    requests: u64,
    /// There are more than were looked at.
    more: bool,
    refused: u64,
    /// From where, the latest first.
    addresses: Vec<String>,
}

/// The newest working token that takes over from this one, which works or did.
pub fn successor<'t>(old: &Token, tokens: &'t [Token], now: Timestamp) -> Option<&'t Token> {
    let same = tokens.iter().filter(|new| new.source == old.source && new.n > old.n);
    same.filter(|new| works(new, now)).max_by_key(|new| new.n)
}

/// The token that takes over from this one, while both work.
pub fn replaced_by<'t>(old: &Token, tokens: &'t [Token], now: Timestamp) -> Option<&'t Token> {
    successor(old, tokens, now).filter(|_| works(old, now))
}

fn works(token: &Token, now: Timestamp) -> bool {
    !matches!(state(token, now), State::Revoked | State::Expired)
}

/// Whether something used the old token after the new one was there to be used.
pub fn still_used(old: &Token, new: &Token) -> bool {
    let last = old.used.as_ref().map(|used| used.at);
    new.first_used.is_none_or(|first| last.is_some_and(|last| last >= first))
}

/// The rotations under way, oldest first.
pub async fn rotations(page: &Page<'_, '_>, tokens: &[Token]) -> Result<Rotations, Fault> {
    let zone = &page.visit.zone;
    let pairs: Vec<_> =
        tokens.iter().filter_map(|old| Some((old, replaced_by(old, tokens, zone.now())?))).collect();
    if pairs.is_empty() {
        return Ok(Rotations { rows: Vec::new() });
    }
    let names = Names::read(page)?;
    let uses = pairs.iter().map(|(_, new)| ActivityQuery {
        token: Some(new.n),
        from: Some(new.created),
        limit: LOOKED_AT,
        ..ActivityQuery::default()
    });
    let seen = page.visit.desk.service.first_requests(page.team.id, uses.collect()).await?;
    let rows = pairs.into_iter().zip(seen).map(|((old, new), (seen, more))| {
        let mut used = Use { more, ..Use::default() };
        for row in seen.iter().map(|row| &row.activity) {
            let times = row.folded.max(1);
            used.requests += times;
            used.refused += if row.status >= 400 { times } else { 0 };
            if !row.address.is_empty() && !used.addresses.contains(&row.address) {
                used.addresses.push(row.address.clone());
            }
        }
        rotation(zone, &page.base(), page.may_change(), &names, old, new, &used)
    });
    Ok(Rotations { rows: rows.collect() })
}

fn rotation(
    zone: &Zone,
    base: &str,
    may_change: bool,
    names: &Names,
    old: &Token,
    new: &Token,
    seen: &Use,
) -> Rotation {
    let used = new.first_used.is_some();
    let quiet = zone.now().since(old.used.as_ref().map_or(old.created, |last| last.at));
    let line = |kind, title: &str, at: String, sub: Said| Check { kind, title: title.into(), at, sub };
    let provider = new.provider.as_deref().or(old.provider.as_deref()).unwrap_or("the provider");
    let pasted = format!("New token pasted into {provider} and used");
    let by = names.of(&new.created_by);
    Rotation {
        base: base.to_owned(),
        old: old.n,
        name: clipped(&new.name, 60),
        started: format!("Started {} by {by}", zone.relative(new.created)),
        checks: vec![
            line(
                "ok",
                &format!("New token created, ends in {}", new.last4),
                zone.beneath(new.created),
                format!("By {by}").into(),
            ),
            match new.first_used {
                Some(first) => line("ok", &pasted, zone.beneath(first), requests(seen)),
                None => {
                    let how = "Paste it in the place of the old one. Its first request shows here.";
                    line("wait", &pasted, "Listening".into(), how.into())
                }
            },
            match (used, quiet >= QUIET_MS) {
                (true, true) => line("ok", UNUSED, span(quiet), last_use(zone, old)),
                (true, false) => {
                    line("wait", UNUSED, format!("{} of 24 h", span(quiet)), last_use(zone, old))
                }
                (false, _) => line("todo", UNUSED, "Not yet".into(), last_use(zone, old)),
            },
            line("todo", "Old token revoked", "Not yet".into(), Said::default()),
        ],
        may_change,
        ready: used && (quiet >= QUIET_MS || !still_used(old, new)),
        words: verdict(zone, old, new, quiet),
    }
}

const UNUSED: &str = "Old token no longer used";

fn last_use(zone: &Zone, old: &Token) -> Said {
    let ends = match old.expires {
        Some(end) => format!("It keeps working until you revoke it or until {}.", zone.until(end)),
        None => "It keeps working until you revoke it.".to_owned(),
    };
    match &old.used {
        Some(last) => Said::plain(format!("Last used {} from ", zone.beneath(last.at)))
            .mono(&last.address)
            .and(format!(". {ends}")),
        None => format!("Nothing has ever used it. {ends}").into(),
    }
}

/// Whether the old token may go, and why.
fn verdict(zone: &Zone, old: &Token, new: &Token, quiet: i64) -> String {
    let last = old.used.as_ref();
    match (new.first_used, last) {
        (None, _) => "Not yet safe: nothing has used the new token.".to_owned(),
        (Some(_), None) => "Safe: nothing has ever used it, and the new one is in use.".to_owned(),
        (Some(_), Some(_)) if !still_used(old, new) => {
            "Safe: nothing has used it since the new one was first used.".to_owned()
        }
        (Some(_), Some(_)) if quiet >= QUIET_MS => "Safe: nothing has used it for 24 h.".to_owned(),
        (Some(_), Some(last)) => format!(
            "Not yet safe: it was used {} from {}, after the new one. Something still has it. Safe after 24 h \
             without use: {}.",
            zone.relative(last.at),
            last.address,
            zone.until(Timestamp(last.at.0 + QUIET_MS))
        ),
    }
}

fn requests(seen: &Use) -> Said {
    if seen.requests == 0 {
        return Said::default();
    }
    let more = if seen.more { "More than " } else { "" };
    let fault = match seen.refused {
        0 => "all accepted".to_owned(),
        n => format!("{} of them refused", crate::service::sentence::number(n)),
    };
    let mut said = Said::plain(format!("{more}{} so far from ", counted(seen.requests, "request")));
    for (n, address) in seen.addresses.iter().take(NAMED).enumerate() {
        said = said.and(if n > 0 { ", " } else { "" }).mono(address);
    }
    if seen.addresses.len() > NAMED {
        said = said.and(format!(" and {} more", seen.addresses.len() - NAMED));
    }
    said.and(format!(", {fault}"))
}

/// A span in whole seconds at least.
fn span(ms: i64) -> String {
    folding::span((ms / 1000 * 1000).max(1000) as u64)
}

#[derive(Template)]
#[template(path = "token_rotate.html")]
struct RotatePage {
    shell: Shell,
    errors: Errors,
    n: i64,
    old: String,
    last4: String,
    /// Until when the old token works, once there is another.
    until: String,
    expires: Field,
    options: Vec<Choice>,
}

/// Asks for the new token's end.
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
    let title = if faults.is_empty() { "Rotate token" } else { "Error: Rotate token" };
    let chosen = entered.get("expires").unwrap_or("365");
    let now = page.visit.zone.now();
    let week = Timestamp(now.0 + i64::from(OLD_DAYS) * QUIET_MS);
    let template = RotatePage {
        shell: page.shell(title, Here::Tokens),
        n: old.n,
        old: clipped(&old.name, 100),
        last4: old.last4.clone(),
        until: match old.expires {
            Some(end) if end <= now => String::new(),
            Some(end) if end < week => page.visit.zone.until(end),
            _ => page.visit.zone.until(week),
        },
        expires: Field::new("expires", chosen, true, &faults),
        options: super::token::expiry_choices(chosen),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Makes the new token beside the old, and leads to the page that shows it.
pub async fn rotate(mut page: Page<'_, '_>, n: &str) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let old = old(&page, n)?;
    let Some(expires) = super::token::expiry(&form) else {
        return show(page, 422, &old, &form, vec![FieldFault::new("expires", "Choose one of the times")]);
    };
    let desk = page.visit.desk;
    let (new, text) = desk.service.rotate_token(&page.who.actor(), page.team.id, old.n, expires).await?;
    let shown = Shown::Token(page.team.id, new.n);
    desk.kept.put(page.who.session.hash, shown, text, page.visit.zone.now());
    Ok(Response::redirect(&format!("{}tokens/{}/created", page.base(), new.n)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::connect::tests::token as any;
    use crate::store::Used;

    const MIN: i64 = 60 * 1000;
    const HOUR: i64 = 60 * MIN;

    fn token(n: i64, used: Option<i64>) -> Token {
        let used =
            used.map(|at| Used { at: Timestamp(at), address: "203.0.113.24".into(), user_agent: "x".into() });
        let first_used = used.as_ref().map(|used| used.at);
        Token { n, used, first_used, created: Timestamp(n * 1000), ..any(1, None) }
    }

    fn seen(requests: u64, addresses: &[&str]) -> Use {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        Use { requests, addresses, ..Use::default() }
    }

    /// The rotation at an instant: when the old token was used last, and the new one first.
    fn at(now: i64, old: Option<i64>, new: Option<i64>) -> Rotation {
        let old = Token { expires: Some(Timestamp(7 * QUIET_MS)), ..token(1, old) };
        let new = Token { provider: Some("Okta".into()), ..token(2, new) };
        let seen = seen(17, &["203.0.113.24"]);
        rotation(&Zone::utc(Timestamp(now)), "/", true, &Names::default(), &old, &new, &seen)
    }

    #[test]
    fn two_working_tokens_of_one_source_are_a_rotation() {
        let now = Timestamp(5000);
        let tokens =
            vec![token(1, None), token(2, None), Token { source: "JumpCloud".into(), ..token(3, None) }];
        assert_eq!(replaced_by(&tokens[0], &tokens, now).map(|new| new.n), Some(2));
        assert!(
            replaced_by(&tokens[1], &tokens, now).is_none()
                && replaced_by(&tokens[2], &tokens, now).is_none()
        );
        let ended = vec![Token { revoked: Some(now), ..token(1, None) }, token(2, None)];
        assert!(replaced_by(&ended[0], &ended, now).is_none(), "it is over");
        assert!(successor(&ended[0], &ended, now).is_some(), "another took over");
    }

    #[test]
    fn the_old_token_is_no_longer_used_only_after_a_day_of_quiet() {
        let line = |now, old, new| {
            let check = at(now, old, new).checks[2].clone();
            (check.kind, check.at)
        };
        assert_eq!(line(HOUR, Some(6 * MIN), Some(10 * MIN)), ("wait", "54 min of 24 h".into()));
        assert_eq!(line(30 * HOUR, Some(7 * HOUR), Some(HOUR)), ("wait", "23 h of 24 h".into()));
        assert_eq!(line(31 * HOUR, Some(7 * HOUR), Some(HOUR)), ("ok", "24 h".into()));
        assert_eq!(line(31 * HOUR, Some(7 * HOUR), None), ("todo", "Not yet".into()));
        let sub = at(HOUR, Some(6 * MIN), Some(10 * MIN)).checks[2].sub.text();
        assert_eq!(
            sub,
            "Last used 00:06:00 from 203.0.113.24. It keeps working until you revoke it or until 8 January at \
             00:00 UTC."
        );
    }

    #[test]
    fn the_footer_says_when_the_old_token_may_go_and_why() {
        let judged = |now, old, new| {
            let row = at(now, old, new);
            (row.ready, row.words)
        };
        let safe = "Safe: nothing has used it since the new one was first used.";
        assert_eq!(judged(HOUR, Some(5 * MIN), Some(6 * MIN)), (true, safe.into()));
        let safe = "Safe: nothing has ever used it, and the new one is in use.";
        assert_eq!(judged(HOUR, None, Some(6 * MIN)), (true, safe.into()));
        let not = "Not yet safe: nothing has used the new token.";
        assert_eq!(judged(90 * HOUR, Some(5 * MIN), None), (false, not.into()));
        let (ready, words) = judged(HOUR, Some(50 * MIN), Some(6 * MIN));
        assert!(
            !ready && words.starts_with("Not yet safe: it was used 10 min ago from 203.0.113.24"),
            "{words}"
        );
        assert!(words.ends_with("Safe after 24 h without use: 2 January at 00:50 UTC."), "{words}");
        let safe = "Safe: nothing has used it for 24 h.";
        assert_eq!(judged(24 * HOUR + 50 * MIN, Some(50 * MIN), Some(6 * MIN)), (true, safe.into()));
    }

    #[test]
    fn the_proof_names_provider_requests_and_addresses() {
        let check = at(HOUR, Some(5 * MIN), Some(6 * MIN)).checks[1].clone();
        assert_eq!((check.kind, check.title.as_str()), ("ok", "New token pasted into Okta and used"));
        assert_eq!(check.sub.text(), "17 requests so far from 203.0.113.24, all accepted");
        let many = Use {
            more: true,
            refused: 2,
            ..seen(500, &["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"])
        };
        assert_eq!(
            requests(&many).text(),
            "More than 500 requests so far from 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more, 2 of them refused"
        );
    }
}

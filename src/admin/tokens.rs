//! Tokens: the list with its states and warnings. Making, showing and revoking one are `token`'s pages.

use std::time::Duration;

use askama::Template;

use super::error::Fault;
use super::page::{Here, Page, Shell, html, render, with};
use super::parts::{Chip, Column, Empty, Fact, Icon, Link, Notice, Tab, Tabs, When, clipped, counted};
use super::refusals;
use super::rotation::{Rotations, replaced_by, rotations, still_used, successor};
use super::users::{clean, columns};
use super::when::Zone;
use super::who::Names;
use crate::base::Timestamp;
use crate::base::secret::masked;
use crate::http::{Query, Response};
use crate::scim::fold::fold;
use crate::service::sentence::number;
use crate::store::{Lenient, Token};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days before the end on which a notice begins and changes its words.
const SOON_DAYS: i64 = 30;
const WARN_DAYS: i64 = 14;
const URGENT_DAYS: i64 = 3;

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
    base: String,
    may_change: bool,
    plus: Icon,
    notices: Vec<Notice>,
    rotations: Rotations,
    tabs: Tabs,
    past: &'static str,
    caption: &'static str,
    columns: Vec<Column>,
    empty: Option<Empty>,
    rows: Vec<TokenLine>,
    refused: Vec<Fact>,
    form: super::token::Form,
}

/// What changes on the page while it is open.
#[derive(Template)]
#[template(path = "parts/tokens_live.html")]
struct Live {
    base: String,
    may_change: bool,
    rotations: Rotations,
    past: &'static str,
    rows: Vec<TokenLine>,
    refused: Vec<Fact>,
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

/// Whether it works no more.
fn has_ended(token: &Token, now: Timestamp) -> bool {
    matches!(state(token, now), State::Revoked | State::Expired)
}

/// The page's parts as they are now.
pub async fn live(page: &Page<'_, '_>) -> Result<String, Fault> {
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    render(&gathered(page, &tokens).await?.0)
}

/// What changes, and the address that asks for the order in which the rows stand.
async fn gathered(page: &Page<'_, '_>, tokens: &[Token]) -> Result<(Live, Query), Fault> {
    let zone = &page.visit.zone;
    let query = &page.visit.request.query;
    let past = query.get("show") == Some("past");
    let mut rows: Vec<&Token> = tokens.iter().filter(|token| has_ended(token, zone.now()) == past).collect();
    let asked = sorted(query, &mut rows);
    let names = Names::read(page)?;
    let used = page.visit.desk.service.leniencies(page.team.id)?;
    let row =
        |token: &Token| TokenLine { lenient: lenient(token.n, &used), ..line(zone, &names, token, tokens) };
    let live = Live {
        base: page.base(),
        may_change: page.may_change(),
        rotations: rotations(page, tokens).await?,
        past: if past { "past" } else { "" },
        rows: rows.into_iter().map(row).collect(),
        refused: refusals::week(page, zone, tokens).await?,
    };
    Ok((live, asked))
}

/// The list.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let tokens = page.visit.desk.service.tokens(page.team.id)?;
    let ended = tokens.iter().filter(|token| has_ended(token, zone.now())).count();
    let (Live { base, may_change, rotations, past: show, rows, refused }, asked) =
        gathered(&page, &tokens).await?;
    let past = !show.is_empty();
    let query = page.visit.request.query.clone();
    let tab = |show: &str, text, count: usize, current| Tab {
        href: format!("{base}tokens{}", with(&query, &[("show", show)])),
        text,
        count: Some(number(count as u64)),
        current,
    };
    let mut shell = page.shell("Tokens", Here::Tokens);
    shell.events = format!("{base}events{}", with(&query, &[("page", "tokens")]));
    let template = TokensPage {
        may_change,
        plus: Icon { name: "plus" },
        notices: tokens.iter().filter_map(|token| notice(&zone, &base, token, &tokens)).collect(),
        tabs: Tabs {
            label: "State",
            tabs: vec![
                tab("", "Working", tokens.len() - ended, !past),
                tab("past", "Revoked and expired", ended, past),
            ],
        },
        past: show,
        caption: if past { "Revoked and expired tokens" } else { "Working tokens" },
        columns: columns(&format!("{base}tokens"), &asked, &COLUMNS),
        empty: rows.is_empty().then(|| nothing(&base, past)),
        rows,
        rotations,
        refused,
        form: super::token::Form::new(&shell, &Query::default(), &[], String::new()),
        shell,
        base,
    };
    html(200, &template)
}

/// The columns of the list, with what the address calls their order.
const COLUMNS: [(&str, &str, &str); 6] = [
    ("Name", "", "name"),
    ("State", "", ""),
    ("Access", "p2", ""),
    ("Last used", "p1", "used"),
    ("Expires", "p1", "expires"),
    ("Created by", "p3", ""),
];

/// Puts the tokens in the order that the address asks for, the last used first where it asks for none that there is;
/// answers the address that asks for this order.
fn sorted(asked: &Query, rows: &mut [&Token]) -> Query {
    let sort = clean(asked, "sort");
    let used = |token: &Token| token.used.as_ref().map(|used| used.at);
    // Whoever never ends, ends last.
    let end = |token: &Token| token.expires.unwrap_or(Timestamp(i64::MAX));
    match sort.trim_start_matches('-') {
        "name" => rows.sort_by_cached_key(|token| (fold(&token.name), token.n)),
        "expires" => rows.sort_by_key(|token| (end(token), token.n)),
        _ => rows.sort_by_key(|token| (used(token), token.n)),
    }
    let known = COLUMNS.iter().any(|(_, _, name)| !name.is_empty() && sort.trim_start_matches('-') == *name);
    if sort.starts_with('-') || !known {
        rows.reverse();
    }
    if known {
        asked.clone()
    } else {
        Query::parse(with(asked, &[("sort", "-used")]).trim_start_matches('?'))
    }
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
pub fn line(zone: &Zone, names: &Names, token: &Token, tokens: &[Token]) -> TokenLine {
    let used = token.used.as_ref();
    let new = replaced_by(token, tokens, zone.now());
    let replaced = new.is_some();
    TokenLine {
        n: token.n,
        name: token.name.clone(),
        masked: masked(&token.last4, token.region.as_deref()),
        replaced,
        chip: if replaced { Chip::new("warn", "Being replaced") } else { chip(state(token, zone.now())) },
        ended: match (token.revoked, &token.revoked_by) {
            (Some(at), Some(by)) => format!("{} by {}", zone.date(at), names.of(by)),
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
        created_by: names.of(&token.created_by),
        created: zone.ago(token.created),
        warning: match (used, new) {
            (Some(used), Some(new)) if !still_used(token, new) => format!(
                "Last used {}. The new token is in use, so {} keeps working.",
                zone.relative(used.at),
                token.provider.as_deref().unwrap_or("the provider")
            ),
            (Some(used), _) => format!(
                "Last used {} from {}. What still uses it stops working.",
                zone.relative(used.at),
                used.address
            ),
            (None, _) => "Nothing has ever used it.".to_owned(),
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

/// The words for a token that ends soon or has ended: 30 days before, more urgent 14 days before and loud in the last
/// three. Where another takes over from it, that it ends is meant; only that something still uses it is not.
pub fn notice(zone: &Zone, base: &str, token: &Token, tokens: &[Token]) -> Option<Notice> {
    let now = zone.now();
    let end = token.expires.filter(|_| token.revoked.is_none())?;
    let days = end.since(now).div_euclid(DAY.as_millis() as i64);
    let name = clipped(&token.name, 60);
    if !(-14..=SOON_DAYS).contains(&days) {
        return None;
    }
    let expired = end <= now;
    if let Some(new) = successor(token, tokens, now) {
        return (!expired && days <= URGENT_DAYS && still_used(token, new)).then(|| Notice {
            kind: "bad",
            title: format!("“{name}” expires {} and is still in use", within(days)),
            text: format!(
                "Paste the new token “{}” into the identity provider: requests with the old one are refused from {} on.",
                clipped(&new.name, 60),
                zone.until(end)
            )
            .into(),
            link: Some(Link::new(format!("{base}tokens"), "See the rotation")),
            alert: false,
        });
    }
    let text = match (expired, days) {
        (true, _) => {
            "Its requests are refused, and still recorded in Activity. Rotate it: make a new token and paste it \
                      into the identity provider."
        }
        (false, ..=URGENT_DAYS) => "Rotate it now: after that the identity provider is refused.",
        (false, ..=WARN_DAYS) => "Rotate it this week: the old one works on while you paste the new one.",
        (false, _) => {
            "Rotate it in time: make a new token and paste it into the identity provider. The old one works on \
                       meanwhile."
        }
    };
    Some(Notice {
        kind: if expired || days <= URGENT_DAYS { "bad" } else { "warn" },
        title: match expired {
            true => format!("The token “{name}” has expired"),
            false => format!("The token “{name}” expires {}", within(days)),
        },
        text: text.into(),
        link: Some(Link::new(format!("{base}tokens/{}/rotate", token.n), "Rotate the token")),
        alert: false,
    })
}

fn within(days: i64) -> String {
    match days {
        ..=0 => "within a day".to_owned(),
        days => format!("in {}", counted(days as u64, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::connect::tests::token as any;
    use crate::store::Used;

    fn token() -> Token {
        Token { name: "JumpCloud production".into(), ..any(1, None) }
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
    fn warns_thirty_days_before_again_at_fourteen_and_loudly_in_the_last_three() {
        let zone = Zone::utc(Timestamp(0));
        let told = |days: u32| {
            let expires = Some(Timestamp(1000).plus(DAY * days));
            notice(&zone, "/", &Token { expires, ..token() }, &[])
                .map(|notice| (notice.kind, notice.text.text()))
        };
        assert_eq!(told(31), None);
        let ([thirty, fifteen], [fourteen, four], [three, none]) =
            ([30, 15].map(told), [14, 4].map(told), [3, 0].map(told));
        let begins = |told: &Option<(&str, String)>, kind, words: &str| {
            told.as_ref().is_some_and(|told| told.0 == kind && told.1.starts_with(words))
        };
        assert!(begins(&thirty, "warn", "Rotate it in time") && thirty == fifteen, "{thirty:?}");
        assert!(begins(&fourteen, "warn", "Rotate it this week") && fourteen == four, "{fourteen:?}");
        assert!(begins(&three, "bad", "Rotate it now") && three == none, "{three:?}");
        let expired = Token { expires: Some(Timestamp(-1)), ..token() };
        let notice = |token: &Token| notice(&zone, "/", token, &[]);
        assert!(notice(&expired).is_some_and(|notice| notice.title.contains("has expired")));
        assert!(notice(&Token { revoked: Some(Timestamp(0)), ..expired }).is_none());
    }

    #[test]
    fn that_a_replaced_token_ends_is_meant_unless_something_still_uses_it() {
        let zone = Zone::utc(Timestamp(5000));
        let used = |at| Used { at: Timestamp(at), address: "203.0.113.24".into(), user_agent: String::new() };
        let told = |days: u32, old: i64, new: Option<i64>| {
            let expires = Some(Timestamp(6000).plus(DAY * days));
            let old = Token { expires, used: Some(used(old)), ..token() };
            let all = [old.clone(), Token { n: 2, first_used: new.map(Timestamp), ..token() }];
            notice(&zone, "/", &old, &all).map(|notice| notice.title)
        };
        assert_eq!(told(2, 1000, Some(2000)), None, "it went quiet");
        assert_eq!(told(6, 3000, Some(2000)), None, "there is time");
        let title = "“JumpCloud production” expires in 2 days and is still in use";
        assert_eq!(told(2, 3000, Some(2000)).as_deref(), Some(title));
        assert_eq!(told(2, 1000, None).as_deref(), Some(title), "nothing took over yet");
    }

    #[test]
    fn the_address_says_in_which_order_tokens_stand() {
        let used = |at| Some(Used { at: Timestamp(at), address: String::new(), user_agent: String::new() });
        let tokens = [
            Token { n: 1, name: "b".into(), used: used(5), ..token() },
            Token { n: 2, name: "C".into(), expires: Some(Timestamp(9)), ..token() },
            Token { n: 3, name: "a".into(), used: used(7), expires: Some(Timestamp(8)), ..token() },
        ];
        let order = |query: &str| {
            let mut rows: Vec<&Token> = tokens.iter().collect();
            let asked = sorted(&Query::parse(query), &mut rows);
            let columns = columns("/t", &asked, &COLUMNS);
            let sorted = columns.iter().find(|column| !column.sorted.is_empty()).expect("one is");
            (
                rows.iter().map(|token| token.n).collect::<Vec<_>>(),
                sorted.text,
                sorted.sorted,
                sorted.href.clone(),
            )
        };
        assert_eq!(
            order("show=past"),
            (vec![3, 1, 2], "Last used", "descending", "/t?show=past&sort=used".into())
        );
        assert_eq!(order("sort=nonsense").0, [3, 1, 2]);
        assert_eq!(order("sort=used"), (vec![2, 1, 3], "Last used", "ascending", "/t?sort=-used".into()));
        assert_eq!(order("sort=name"), (vec![3, 1, 2], "Name", "ascending", "/t?sort=-name".into()));
        assert_eq!(
            order("sort=-expires"),
            (vec![1, 2, 3], "Expires", "descending", "/t?sort=expires".into())
        );
    }
}

//! Whose tokens were refused in the last week: by the address they came from, in sentences.

use super::error::Fault;
use super::page::Page;
use super::parts::{Fact, counted};
use super::when::Zone;
use crate::base::Timestamp;
use crate::service::Cause;
use crate::store::{Activity, ActivityQuery, Token};

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Refused requests that are looked at.
const LOOKED_AT: u32 = 500;
/// Addresses that are listed, and causes of each.
const LISTED: usize = 10;
const CAUSES: usize = 3;

/// Requests from one address, latest first, that were refused for one cause.
struct Refused<'a> {
    address: &'a str,
    cause: Option<Cause>,
    token: Option<i64>,
    times: u64,
    first: Timestamp,
    last: Timestamp,
}

/// Where refused tokens came from in the last week.
pub async fn week(page: &Page<'_, '_>, zone: &Zone, tokens: &[Token]) -> Result<Vec<Fact>, Fault> {
    let query = ActivityQuery {
        status: Some((401, 401)),
        from: Some(Timestamp(zone.now().0 - WEEK_MS)),
        limit: LOOKED_AT,
        ..ActivityQuery::default()
    };
    let rows = page.visit.desk.service.requests(page.team.id, query).await?.rows;
    let rows: Vec<&Activity> = rows.iter().map(|row| &row.activity).collect();
    Ok(facts(zone, &rows, tokens))
}

fn facts(zone: &Zone, rows: &[&Activity], tokens: &[Token]) -> Vec<Fact> {
    let mut found: Vec<Refused<'_>> = Vec::new();
    for row in rows {
        let cause = row.cause.as_deref().and_then(Cause::from_key);
        let (address, times, token) = (row.address.as_str(), row.folded.max(1), row.token);
        let alike = |known: &&mut Refused<'_>| {
            known.address == address && known.cause == cause && known.token == token
        };
        match found.iter_mut().find(alike) {
            Some(known) => (known.times, known.first) = (known.times + times, row.at),
            None => found.push(Refused { address, cause, token, times, first: row.at, last: row.at }),
        }
    }
    let mut addresses: Vec<&str> = Vec::new();
    for one in &found {
        if !addresses.contains(&one.address) {
            addresses.push(one.address);
        }
    }
    let told = addresses.into_iter().take(LISTED).map(|address| {
        let own: Vec<&Refused<'_>> = found.iter().filter(|one| one.address == address).collect();
        let mut said: Vec<String> = own.iter().take(CAUSES).map(|one| sentence(zone, one, tokens)).collect();
        if own.len() > CAUSES {
            said.push(format!("And {}.", counted((own.len() - CAUSES) as u64, "other cause")));
        }
        said.extend(since(address, own[0].last, tokens));
        Fact::new(if address.is_empty() { "An address that is not known" } else { address }, said.join(" "))
    });
    told.collect()
}

/// `5 requests with a token that this server never issued, today from 15:50 to 15:51.`
fn sentence(zone: &Zone, one: &Refused<'_>, tokens: &[Token]) -> String {
    let known = one.token.and_then(|n| tokens.iter().find(|token| token.n == n));
    let known = known.map_or(String::new(), |token| format!(" …{}", token.last4));
    let with = match one.cause {
        Some(Cause::NoAuthorization) => "without a token".to_owned(),
        Some(Cause::NotBearer) => "without “Bearer” in front of the token".to_owned(),
        Some(Cause::TokenShape) => "with a blank, a quote or a second “Bearer” around the token".to_owned(),
        Some(Cause::TokenChanged) => "with a token cut short or changed while pasting".to_owned(),
        Some(Cause::TokenRevoked) => format!("with the revoked token{known}"),
        Some(Cause::TokenExpired) => format!("with the expired token{known}"),
        Some(Cause::TokenUnknown) => "with a token that this server never issued".to_owned(),
        Some(other) => format!("refused: {}", other.words().name),
        None => "refused".to_owned(),
    };
    format!("{} {with}, {}.", counted(one.times, "request"), time(zone, one.first, one.last))
}

fn time(zone: &Zone, first: Timestamp, last: Timestamp) -> String {
    let day = |at| match zone.day(at).as_str() {
        day @ ("Today" | "Yesterday") => day.to_lowercase(),
        day => format!("on {day}"),
    };
    let (from, to) = (zone.minute(first), zone.minute(last));
    match (day(first) == day(last), from == to) {
        (true, true) => format!("{} at {to}", day(last)),
        (true, false) => format!("{} from {from} to {to}", day(last)),
        (false, _) => format!("from {} to {}", zone.date(first), zone.date(last)),
    }
}

/// What became of it: accepted after it from there, or nobody that a token of this team is used by.
fn since(address: &str, last: Timestamp, tokens: &[Token]) -> Option<String> {
    let mut used = tokens.iter().filter_map(|token| Some((token, token.used.as_ref()?)));
    if used.clone().any(|(_, used)| used.address == address && used.at > last) {
        return Some("A token was accepted from there since.".into());
    }
    if used.clone().any(|(_, used)| used.address == address) {
        return None;
    }
    let latest = used.by_ref().max_by_key(|(_, used)| used.at)?;
    let provider = latest.0.provider.as_deref().unwrap_or("the provider");
    Some(format!("Not the address {provider} was last accepted from."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::connect::tests::token;
    use crate::store::Used;

    const MIN: i64 = 60 * 1000;

    fn row(at: i64, address: &str, cause: Cause, token: Option<i64>) -> Activity {
        Activity {
            at: Timestamp(at),
            address: address.into(),
            cause: Some(cause.key().into()),
            status: 401,
            folded: 1,
            token,
            ..Activity::default()
        }
    }

    fn told(rows: &[Activity], tokens: &[Token]) -> Vec<(String, String)> {
        let zone = Zone::utc(Timestamp(1_795_449_971_000));
        let rows: Vec<&Activity> = rows.iter().collect();
        facts(&zone, &rows, tokens).into_iter().map(|fact| (fact.name, fact.text)).collect()
    }

    #[test]
    fn one_address_is_one_entry_and_each_cause_a_sentence() {
        let now = 1_795_449_971_000; // 2026-11-23T16:06:11Z
        let used = |at, address: &str| {
            Some(Used { at: Timestamp(at), address: address.into(), user_agent: String::new() })
        };
        let provider = Some("JumpCloud".to_owned());
        let live =
            Token { used: used(now - MIN, "203.0.113.24"), provider, last4: "t4Qe".into(), ..token(7, None) };
        let many = Activity { folded: 4, ..row(now - 15 * MIN, "198.51.100.7", Cause::TokenUnknown, None) };
        let rows = [
            many,
            row(now - 16 * MIN, "198.51.100.7", Cause::TokenUnknown, None),
            row(now - 17 * MIN, "198.51.100.7", Cause::NoAuthorization, None),
            row(now - 4 * 24 * 60 * MIN, "203.0.113.24", Cause::TokenRevoked, Some(7)),
        ];
        let found = told(&rows, &[live]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "198.51.100.7");
        assert_eq!(
            found[0].1,
            "5 requests with a token that this server never issued, today from 15:50 to 15:51. 1 request without a \
             token, today at 15:49. Not the address JumpCloud was last accepted from."
        );
        assert_eq!(
            found[1].1,
            "1 request with the revoked token …t4Qe, on Thursday 19 November at 16:06. A token was accepted from there \
             since."
        );
        let lonely = told(&rows[..1], &[token(7, None)]);
        assert_eq!(lonely[0].1, "4 requests with a token that this server never issued, today at 15:51.");
    }
}

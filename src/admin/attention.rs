//! What needs attention on the overview: worst first, three at most, each with one action. A notice is made from its cause
//! each time, so it goes when its cause goes, and there is nothing to dismiss.

use super::idp::Provider;
use super::parts::{Check, Link, Notice, clipped, counted};
use super::rotation::Rotations;
use super::tokens;
use super::when::Zone;
use crate::service::Cause;
use crate::service::overview::Overview;
use crate::store::Activity;

/// Notices shown at once.
const MOST: usize = 3;
/// Users without any group for so long are worth a word.
const NO_GROUP_MS: i64 = 10 * 60 * 1000;

/// The notices.
pub fn notices(
    zone: &Zone,
    base: &str,
    idp: &Provider,
    found: &Overview,
    rotations: &Rotations,
    health: &[Check],
) -> Vec<Notice> {
    let mut all: Vec<Notice> =
        found.leaving.iter().map(|leaving| super::leaving::notice(base, leaving)).collect();
    all.extend(health.iter().filter(|check| check.kind != "ok").map(|check| ill(base, check)));
    all.extend(found.tokens.iter().filter_map(|token| tokens::notice(zone, base, token, &found.tokens)));
    all.extend(refused(zone, base, found));
    all.extend(failed(base, found));
    all.extend(no_token(base, found));
    all.extend(rotations.rows.iter().filter_map(|rotation| rotation.notice()));
    all.extend(no_group(zone, base, idp, found));
    // Stable: of one weight, the order above.
    all.sort_by_key(|notice| notice.kind != "bad");
    all.truncate(MOST);
    all
}

fn ill(base: &str, check: &Check) -> Notice {
    Notice {
        kind: check.kind,
        title: format!("{}: {}", check.title, check.at),
        text: check.sub.clone(),
        link: Some(Link::new(format!("{base}health-status"), "See system health")),
        alert: false,
    }
}

/// The provider is refused, and nothing was accepted since. What strangers send says nothing of it, unless it comes from
/// where a token of the team was used, or no token was used yet.
fn refused(zone: &Zone, base: &str, found: &Overview) -> Option<Notice> {
    let used: Vec<&str> =
        found.tokens.iter().filter_map(|token| Some(token.used.as_ref()?.address.as_str())).collect();
    let counts = |one: &Activity| {
        let known = one.team.is_some() || used.is_empty() || used.contains(&one.address.as_str());
        known && one.status < 500 && Some(one.at) > found.accepted
    };
    let since: Vec<&Activity> =
        found.errors.iter().map(|row| &row.activity).filter(|one| counts(one)).collect();
    let (last, first) = (since.first()?, since.last()?);
    let times: u64 = since.iter().map(|one| one.folded.max(1)).sum();
    let cause = last.cause.as_deref().and_then(Cause::from_key);
    let (name, cure) = cause.map_or(("Refused", ""), |cause| (cause.words().name, cause.words().cure));
    Some(Notice {
        kind: "bad",
        title: format!("{} refused since {}: {name}", counted(times, "request"), zone.minute(first.at)),
        text: format!("Nothing was accepted after it. {cure}").trim().into(),
        link: Some(Link::new(format!("{base}activity/{}", last.request), "See why")),
        alert: false,
    })
}

fn failed(base: &str, found: &Overview) -> Option<Notice> {
    let broken = found.errors.iter().filter(|row| row.activity.status >= 500).count() as u64;
    (broken > 0).then(|| Notice {
        kind: "bad",
        title: format!("{} failed on this server in the last 24 hours", counted(broken, "request")),
        text: "The sender did nothing wrong. The server’s log has each cause under its incident number."
            .into(),
        link: Some(Link::new(format!("{base}activity?kind=errors&status=500"), "See the failures")),
        alert: false,
    })
}

fn no_token(base: &str, found: &Overview) -> Option<Notice> {
    found.tokens.iter().all(|token| token.revoked.is_some()).then(|| Notice {
        kind: "warn",
        title: "No token works".into(),
        text: "Every token of this team was revoked, so no provider can reach it.".into(),
        link: Some(Link::new(format!("{base}tokens/new"), "New token")),
        alert: false,
    })
}

/// Users came a while ago, and no group did.
fn no_group(zone: &Zone, base: &str, idp: &Provider, found: &Overview) -> Option<Notice> {
    let first = found.changes.iter().map(|told| told.row.activity.at).min()?;
    let waited = zone.now().since(first) >= NO_GROUP_MS;
    (waited && found.totals.users > 0 && found.totals.groups == 0).then(|| Notice {
        kind: "warn",
        title: "Users arrive but no group".into(),
        text: clipped(idp.no_group, 300).into(),
        link: Some(Link::new(format!("{base}connect"), "See the steps")),
        alert: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::idp;
    use crate::base::Timestamp;
    use crate::service::told::Told;
    use crate::store::{Activity, ActivityRow, Token, Totals};

    fn row(at: i64, status: u16, cause: Option<Cause>) -> ActivityRow {
        let cause = cause.map(|cause| cause.key().to_owned());
        let activity = Activity { at: Timestamp(at), status, cause, folded: 1, ..Activity::default() };
        ActivityRow { n: at, activity }
    }

    fn titles(found: &Overview, health: &[Check]) -> Vec<String> {
        let zone = Zone::utc(Timestamp(NO_GROUP_MS + 1000));
        let idp = idp::find("jumpcloud").expect("known");
        let all = notices(&zone, "/", idp, found, &Rotations { rows: Vec::new() }, health);
        assert!(all.iter().all(|notice| notice.link.is_some()), "each has one action");
        all.into_iter().map(|notice| notice.title).collect()
    }

    #[test]
    fn a_refusal_is_told_of_until_something_is_accepted() {
        let bad = row(60_000, 401, Some(Cause::TokenUnknown));
        let mut found = Overview { errors: vec![bad], ..Overview::default() };
        let name = Cause::TokenUnknown.words().name;
        let told = |found: &Overview| titles(found, &[]).iter().any(|title| title.contains("refused since"));
        assert!(titles(&found, &[]).contains(&format!("1 request refused since 00:01: {name}")));
        found.accepted = Some(Timestamp(59_000));
        assert!(told(&found), "what was accepted before does not end it");
        found.accepted = Some(Timestamp(61_000));
        assert!(!told(&found));
    }

    #[test]
    fn what_strangers_send_is_no_refusal_of_the_provider() {
        let mut bad = row(60_000, 401, Some(Cause::NoAuthorization));
        bad.activity.address = "198.51.100.7".into();
        let used = crate::store::Used {
            at: Timestamp(50_000),
            address: "203.0.113.24".into(),
            user_agent: String::new(),
        };
        let token = Token { used: Some(used), ..super::super::connect::tests::token(1, None) };
        let mut found = Overview { errors: vec![bad], tokens: vec![token], ..Overview::default() };
        let told = |found: &Overview| titles(found, &[]).iter().any(|title| title.contains("refused since"));
        assert!(!told(&found));
        found.errors[0].activity.address = "203.0.113.24".into();
        assert!(told(&found), "from where the token was used");
    }

    #[test]
    fn users_without_groups_are_told_of_until_a_group_comes() {
        let totals = Totals { users: 3, active: 3, groups: 0 };
        let change = Told::of(row(1000, 201, None));
        let mut found = Overview { totals, changes: vec![change], ..Overview::default() };
        let told = |found: &Overview| titles(found, &[]).contains(&"Users arrive but no group".to_owned());
        assert!(told(&found));
        found.totals.groups = 1;
        assert!(!told(&found));
        found.totals.groups = 0;
        found.changes[0].row.activity.at = Timestamp(1001);
        assert!(!told(&found), "ten minutes are not over");
    }

    #[test]
    fn the_worst_stands_first_and_three_are_the_most() {
        let check =
            |kind, title: &str| Check { kind, title: title.into(), at: "x".into(), ..Check::default() };
        let health = [check("warn", "Disk"), check("ok", "Database"), check("bad", "Certificate")];
        let found = Overview { errors: vec![row(1, 500, None)], ..Overview::default() };
        let titles = titles(&found, &health);
        assert_eq!(titles.len(), MOST);
        assert_eq!(titles[0], "Certificate: x");
        assert!(titles[1].contains("failed on this server") && titles[2] == "Disk: x", "{titles:?}");
    }
}

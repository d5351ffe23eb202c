//! Addresses that were asked in a way they do not take: pages that take no form, forms that have no page. Which ones
//! there are is the router's; a test compares.

use super::error::Fault;
use super::page::section;

/// Pages of a team that take no form; a star is any part.
const PAGES: [&str; 27] = [
    "",
    "*.csv",
    "*.ndjson",
    "users",
    "users/*",
    "groups",
    "groups/*",
    "groups/*/*.csv",
    "groups/*/*.ndjson",
    "selftest.txt",
    "fragment/*",
    "fragment/*/*",
    "events",
    "activity",
    "activity/*",
    "search",
    "tokens/new",
    "tokens/*/created",
    "admins",
    "admins/*",
    "admins/invited",
    "schemas",
    "you",
    "health-status",
    "health-status/support",
    "health-status/support.json",
    "keys",
];

/// Forms of a team that stand on another page.
const FORMS: [&str; 9] = [
    "tokens/*/copied",
    "team/add",
    "team/restore",
    "admins/end-session",
    "admins/withdraw",
    "admins/second-step",
    "admins/*/access",
    "admins/*/end-session",
    "admins/*/end-sessions",
];

/// Forms outside of teams.
const OUTSIDE: [&str; 4] = ["theme", "keys", "sign-out", "stay"];

/// What is answered to a request that no route takes. The address of a form alone is where a browser stands after a
/// form came back with a fault: whoever loads it anew is led to the part of the pages that it belongs to.
pub fn fault(get: bool, whole: &str, path: &[&str]) -> Fault {
    match (get, allowed(path)) {
        (true, "POST") => Fault::Go(section(whole).map_or("/admin".to_owned(), |(_, href)| href)),
        (false, PAGE) => Fault::Method(PAGE),
        _ => Fault::NotFound,
    }
}

const PAGE: &str = "GET, HEAD";

/// The methods that an address takes, where there is something at all.
pub fn allowed(path: &[&str]) -> &'static str {
    let (pages, forms, rest): (&[&str], &[&str], _) = match path {
        ["t", _, rest @ ..] => (&PAGES, &FORMS, rest),
        all => (&[""], &OUTSIDE, all),
    };
    let among = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern, rest));
    match (among(forms), among(pages)) {
        (true, _) => "POST",
        (_, true) => PAGE,
        _ => "GET, HEAD, POST",
    }
}

fn fits(pattern: &str, path: &[&str]) -> bool {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let fit = |(part, given): (&&str, &&str)| match part.strip_prefix('*') {
        Some(ending) => given.ends_with(ending) && given.len() > ending.len(),
        None => part == given,
    };
    parts.len() == path.len() && parts.iter().zip(path).all(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_path_with_holes() {
        assert!(fits("", &[]) && fits("groups/*/*.csv", &["groups", "1", "members.csv"]));
        for path in [&["groups", "1"][..], &["groups", "1", "csv"], &["groups", "1", "2", "members.csv"]] {
            assert!(!fits("groups/*/*.csv", path), "{path:?}");
        }
    }

    #[test]
    fn a_stray_request_is_led_refused_or_lost() {
        let told = |get, whole: &str| {
            let path: Vec<&str> = whole.split('/').skip(2).collect();
            match fault(get, whole, &path) {
                Fault::Go(to) => to,
                Fault::Method(allowed) => allowed.to_owned(),
                Fault::NotFound => "nothing".to_owned(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(told(true, "/admin/t/a/team/add"), "/admin/t/a/team");
        assert_eq!(told(true, "/admin/theme"), "/admin");
        assert_eq!(told(false, "/admin/t/a/users/7"), "GET, HEAD");
        assert_eq!(told(false, "/admin/t/a/nothing"), "nothing");
        assert_eq!(told(true, "/admin/nothing"), "nothing");
    }
}

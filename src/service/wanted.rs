//! What a request wanted that was refused, in the words of the product: read off its method and path alone, since nothing
//! else of it may have been understood.

use super::sentence::shown;
use crate::scim::Kind;

/// What was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    New(Kind),
    Change(Kind),
    Deletion(Kind),
    Read(Kind),
    /// All of some kinds.
    List(&'static str),
    /// Some of some kinds, by a filter.
    LookUp(&'static str),
    /// The user that the token is bound to: read, changed or deleted.
    Me(&'static str),
    Bulk,
    Discovery(&'static str),
    /// Something that the address does not offer, by the method.
    Unoffered(String),
    /// The address is none that scimd serves.
    Elsewhere,
}

impl Wanted {
    /// What a request wants, and whom it names by its id.
    pub fn of(method: &str, path: &str, query: &str) -> (Wanted, Option<(Kind, String)>) {
        let path = path.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let names: Vec<&str> = lower.iter().map(String::as_str).collect();
        let get = ["GET", "HEAD"].contains(&method);
        let wanted = match names.as_slice() {
            [.., ".search"] if method == "POST" => {
                Wanted::LookUp(several(names.iter().rev().nth(1).copied()))
            }
            [.., ".search"] => Wanted::Unoffered(method.to_owned()),
            [.., list @ ("users" | "groups"), _] => {
                let kind = kind(list);
                let id = segments.last().map(|id| id.strip_suffix(".scim").unwrap_or(id));
                let wanted = match method {
                    "PUT" | "PATCH" => Wanted::Change(kind),
                    "DELETE" => Wanted::Deletion(kind),
                    _ if get => Wanted::Read(kind),
                    _ => Wanted::Unoffered(method.to_owned()),
                };
                return (wanted, id.map(|id| (kind, id.to_owned())));
            }
            [.., list @ ("users" | "groups")] => match method {
                "POST" => Wanted::New(kind(list)),
                _ if get && is_filtered(query) => Wanted::LookUp(several(Some(list))),
                _ if get => Wanted::List(several(Some(list))),
                _ => Wanted::Unoffered(method.to_owned()),
            },
            [.., "me"] => match method {
                "PUT" | "PATCH" => Wanted::Me("a change of"),
                "DELETE" => Wanted::Me("deleting"),
                _ if get => Wanted::Me("reading"),
                _ => Wanted::Unoffered(method.to_owned()),
            },
            [.., "bulk"] if method == "POST" => Wanted::Bulk,
            ["scim"] | ["scim", "v2"] if get && is_filtered(query) => Wanted::LookUp(several(None)),
            ["scim"] | ["scim", "v2"] if get => Wanted::List(several(None)),
            [.., "bulk"] | ["scim"] | ["scim", "v2"] => Wanted::Unoffered(method.to_owned()),
            _ => match discovery(&names) {
                Some(what) if get => Wanted::Discovery(what),
                Some(_) => Wanted::Unoffered(method.to_owned()),
                None => Wanted::Elsewhere,
            },
        };
        (wanted, None)
    }

    /// Whether something was to be changed.
    pub fn is_change(&self, method: &str) -> bool {
        match self {
            Wanted::New(_) | Wanted::Change(_) | Wanted::Deletion(_) | Wanted::Bulk => true,
            Wanted::Read(_) | Wanted::List(_) | Wanted::LookUp(_) | Wanted::Discovery(_) => false,
            Wanted::Me(what) => *what != "reading",
            Wanted::Unoffered(_) | Wanted::Elsewhere => ["POST", "PUT", "PATCH", "DELETE"].contains(&method),
        }
    }

    /// What was wanted, after "Refused:" or "Failed:"; with the name of whom it was about, where one is known.
    pub fn phrase(&self, name: Option<&str>) -> String {
        let name = name.map(shown);
        let about = |kind: &Kind| name.clone().unwrap_or_else(|| format!("a {}", noun(*kind)));
        match self {
            Wanted::New(kind) => match &name {
                Some(name) => format!("a new {}, {name}", noun(*kind)),
                None => format!("a new {}", noun(*kind)),
            },
            Wanted::Change(kind) => format!("a change of {}", about(kind)),
            Wanted::Deletion(kind) => format!("deleting {}", about(kind)),
            Wanted::Read(kind) => format!("reading {}", about(kind)),
            Wanted::List(what) => format!("listing {what}"),
            Wanted::LookUp(what) => format!("looking up {what}"),
            Wanted::Me(what) => format!("{what} the token’s own user"),
            Wanted::Bulk => "changes in one request".to_owned(),
            Wanted::Discovery(what) => format!("reading {what}"),
            Wanted::Unoffered(method) => format!("{}, which is not offered there", shown(method)),
            Wanted::Elsewhere => "an address that is not served".to_owned(),
        }
    }
}

fn kind(list: &str) -> Kind {
    if list == "groups" { Kind::Group } else { Kind::User }
}

fn noun(kind: Kind) -> &'static str {
    if kind == Kind::Group { "group" } else { "user" }
}

/// The kinds that a list holds.
fn several(list: Option<&str>) -> &'static str {
    match list {
        Some("users") => "users",
        Some("groups") => "groups",
        _ => "users and groups",
    }
}

fn is_filtered(query: &str) -> bool {
    query
        .split('&')
        .any(|pair| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("filter")))
}

fn discovery(names: &[&str]) -> Option<&'static str> {
    names.iter().rev().take(2).find_map(|name| match *name {
        "serviceproviderconfig" => Some("the service provider configuration"),
        "resourcetypes" => Some("the resource types"),
        "schemas" => Some("the schemas"),
        _ => None,
    })
}

/// The name that a body gives to whom it is about, so that somebody who was never made is found by it.
pub fn name_in(body: &serde_json::Value) -> Option<String> {
    let text = |value: &serde_json::Value, name: &str| {
        let object = value.as_object()?;
        let (_, found) = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        found.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let name =
        body.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case("name")).map(|(_, name)| name);
    let part = |field: &str| name.and_then(|name| text(name, field));
    let parts: Vec<String> = ["givenName", "familyName"].into_iter().filter_map(part).collect();
    text(body, "displayName")
        .or_else(|| part("formatted"))
        .or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
        .or_else(|| text(body, "userName"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Every route with every method: what is said of it when it is refused, and whether it was to change something.
    #[test]
    fn every_request_has_its_words() {
        let offered = "GET HEAD POST PUT PATCH DELETE OPTIONS PURGE";
        let table = [
            (
                "/scim/v2/Users",
                "listing users|listing users|+a new user|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
            (
                "/scim/Groups/",
                "listing groups|listing groups|+a new group|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
            (
                "/scim/users/17",
                "reading a user|reading a user|+POST…|+a change of a user|+a change of a user|+deleting a user|OPTIONS…|PURGE…",
            ),
            (
                "/scim/v2/Groups/17.scim",
                "reading a group|reading a group|+POST…|+a change of a group|+a change of a group|+deleting a group|OPTIONS…|PURGE…",
            ),
            ("/scim/Users/.search", "GET…|HEAD…|looking up users|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…"),
            (
                "/scim/.search",
                "GET…|HEAD…|looking up users and groups|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
            (
                "/scim/v2/",
                "listing users and groups|listing users and groups|+POST…|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
            (
                "/scim/Me",
                "reading the token’s own user|reading the token’s own user|+POST…|+a change of the token’s own user|+a change of the token’s own user|+deleting the token’s own user|OPTIONS…|PURGE…",
            ),
            ("/scim/Bulk", "GET…|HEAD…|+changes in one request|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…"),
            (
                "/scim/Schemas/urn:x",
                "reading the schemas|reading the schemas|+POST…|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
            (
                "/scim/ResourceTypes",
                "reading the resource types|reading the resource types|+POST…|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
            (
                "/scim/ServiceProviderConfig",
                "reading the service provider configuration|reading the service provider configuration|+POST…|+PUT…|+PATCH…|+DELETE…|OPTIONS…|PURGE…",
            ),
        ];
        for (path, expected) in table {
            for (method, expected) in offered.split(' ').zip(expected.split('|')) {
                let (wanted, _) = Wanted::of(method, path, "");
                let mark = if wanted.is_change(method) { "+" } else { "" };
                let said =
                    format!("{mark}{}", wanted.phrase(None)).replace(", which is not offered there", "…");
                assert_eq!(said, expected, "{method} {path}");
            }
        }
        let said = |path, query| Wanted::of("GET", path, query).0.phrase(None);
        assert_eq!(said("/scim/Users", "count=1&Filter=x"), "looking up users");
        assert_eq!(said("/scim/v2", "filter=x"), "looking up users and groups");
        assert_eq!(said("/scim/Nope", ""), "an address that is not served");
        assert_eq!(said("", ""), "an address that is not served");
    }

    #[test]
    fn whom_it_was_about_is_named_and_found_by_id() {
        let (wanted, about) = Wanted::of("PATCH", "/scim/v2/Users/17", "");
        assert_eq!(about, Some((Kind::User, "17".into())));
        assert_eq!(wanted.phrase(Some("Priya Raman")), "a change of Priya Raman");
        assert_eq!(Wanted::Deletion(Kind::Group).phrase(Some("Ops")), "deleting Ops");
        assert_eq!(Wanted::Read(Kind::User).phrase(Some("Mei")), "reading Mei");
        assert_eq!(Wanted::New(Kind::User).phrase(Some("Front Desk")), "a new user, Front Desk");
        assert_eq!(Wanted::New(Kind::User).phrase(Some(&"x".repeat(5000))).chars().count(), 92);
        assert_eq!(Wanted::of("GET", "/scim/Users/.search", "").1, None);
        assert_eq!(Wanted::of("GET", "/scim/Users", "").1, None);
    }

    #[test]
    fn a_body_names_whom_it_is_about_by_the_best_name_it_has() {
        let named = |body| name_in(&body);
        assert_eq!(named(json!({"userName": "a", "DisplayName": " Ada "})), Some("Ada".into()));
        let parts = json!({"userName": "", "name": {"givenName": "Front", "familyName": "Desk"}});
        assert_eq!(named(parts), Some("Front Desk".into()));
        assert_eq!(
            named(json!({"name": {"formatted": "Mei Chen", "givenName": "x"}})),
            Some("Mei Chen".into())
        );
        assert_eq!(named(json!({"username": "mei"})), Some("mei".into()));
        for nothing in [json!({}), json!([]), json!({"userName": 7}), json!({"name": "x"}), json!(null)] {
            assert_eq!(name_in(&nothing), None, "{nothing}");
        }
    }
}

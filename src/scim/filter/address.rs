//! Addresses of SCIM resources in comparisons (RFC 7643 §2.3.7, §2.4): with and without the version of the protocol they
//! are one, and a relative one counts from the base. Addresses of anything else are compared as texts.

use crate::scim::Kind;
use crate::scim::schema::{Attribute, Type};

/// Whether values of the attribute are addresses of users or groups.
pub(super) fn is_of_resources(attribute: &Attribute) -> bool {
    let kinds = [Kind::User, Kind::Group];
    attribute.kind == Type::Reference
        && attribute.reference_types.iter().any(|named| kinds.iter().any(|kind| kind.name() == named))
}

/// Whether two addresses name the same resource.
pub(super) fn same_resource(one: &str, other: &str) -> bool {
    match (parts(one), parts(other)) {
        (Some((base, endpoint, id)), Some((other_base, other_endpoint, other_id))) => {
            endpoint == other_endpoint && id == other_id && same_base(base, other_base)
        }
        _ => one == other,
    }
}

/// What stands before the version and the endpoint, the endpoint, and the id.
fn parts(address: &str) -> Option<(&str, &str, &str)> {
    let (rest, id) = address.rsplit_once('/')?;
    let (base, endpoint) = split_last(rest);
    let known = [Kind::User, Kind::Group].iter().any(|kind| kind.endpoint() == endpoint);
    let (before, version) = split_last(base);
    let versioned = version.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    (known && !id.is_empty()).then_some((if versioned { before } else { base }, endpoint, id))
}

fn split_last(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A base that is relative fits any other one that ends so.
fn same_base(one: &str, other: &str) -> bool {
    let relative = |base: &str| ["", ".", ".."].contains(&base);
    let within = |part: &str, whole: &str| part.starts_with('/') && whole.ends_with(part);
    one == other || relative(one) || relative(other) || within(one, other) || within(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_relative_forms_make_no_difference() {
        let whole = "https://example.com/scim/Users/1";
        for same in [
            "https://example.com/scim/Users/1",
            "https://example.com/scim/v2/Users/1",
            "https://example.com/scim/v1.1/Users/1",
            "/scim/v2/Users/1",
            "/scim/Users/1",
            "../Users/1",
            "Users/1",
            "v2/Users/1",
        ] {
            assert!(same_resource(whole, same) && same_resource(same, whole), "{same}");
        }
        for other in [
            "https://example.com/scim/Users/2",
            "https://example.com/scim/Groups/1",
            "https://example.org/scim/Users/1",
            "https://example.com/v2/other/Users/1",
            "https://example.com/scim/vx/Users/1",
            "/other/Users/1",
            "Users/",
            "1",
            "",
        ] {
            assert!(!same_resource(whole, other) && !same_resource(other, whole), "{other}");
        }
        assert!(
            same_resource("urn:x:y", "urn:x:y")
                && !same_resource("https://a.example/v2/x", "https://a.example/x")
        );
    }
}

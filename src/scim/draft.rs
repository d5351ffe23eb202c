//! URNs from before RFC 7643: the drafts of SCIM 2.0 and the enterprise extension of SCIM 1.1, which some providers'
//! templates still name, and the URN that each of them means today.

use super::Kind;
use super::registry::ENTERPRISE;

/// The URN of today for one of the drafts, or the same text where it is none of them; `kind` says which core is meant.
pub fn settled(kind: Kind, urn: &str) -> &str {
    const CORES: [&str; 2] = ["urn:scim:schemas:core:2.0", "urn:ietf:params:scim:schemas:core:2.0"];
    const ENTERPRISES: [&str; 4] = [
        "urn:scim:schemas:extension:enterprise:2.0",
        "urn:scim:schemas:extension:enterprise:2.0:User",
        "urn:scim:schemas:extension:enterprise:1.0",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
    ];
    let is = |known: &&str| urn.eq_ignore_ascii_case(known);
    let own = |core: &str| urn.eq_ignore_ascii_case(&format!("{core}:{}", kind.name()));
    if CORES.iter().any(is) || own(CORES[0]) {
        kind.urn()
    } else if ENTERPRISES.iter().any(is) {
        ENTERPRISE
    } else {
        urn
    }
}

/// Whether a URN is the core of SCIM 1.1, whose bodies are not read here.
pub fn is_of_first_version(urn: &str) -> bool {
    urn.eq_ignore_ascii_case("urn:scim:schemas:core:1.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_are_known_and_nothing_else_is_touched() {
        for urn in ["urn:scim:schemas:core:2.0", "URN:SCIM:schemas:core:2.0:user"] {
            assert_eq!(settled(Kind::User, urn), Kind::User.urn(), "{urn}");
        }
        assert_eq!(settled(Kind::Group, "urn:ietf:params:scim:schemas:core:2.0"), Kind::Group.urn());
        assert_eq!(settled(Kind::User, "urn:scim:schemas:extension:enterprise:2.0"), ENTERPRISE);
        for urn in ["urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0:Group", ENTERPRISE, "x", ""] {
            assert_eq!(settled(Kind::User, urn), urn);
        }
        assert!(is_of_first_version("urn:scim:schemas:core:1.0"));
        assert!(!is_of_first_version("urn:scim:schemas:core:2.0"));
    }
}

//! Attribute paths (RFC 7644 §3.10): which texts are paths, and which attribute, extension or core schema of a
//! registry they name. Value paths (`emails[type eq "work"].value`) are read by `filter` and `patch`.

use std::sync::Arc;

use super::registry::AttrPath;
use super::resource::is_manager;
use super::{Kind, Leniency, Mode, Notes, Registry};

/// How long an attribute path may be, URN included.
pub const MAX_BYTES: usize = 1024;

/// What a well-formed path names.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// An attribute or sub-attribute.
    Attribute(AttrPath),
    /// An attribute of an extension whose URN and name are joined by a dot instead of a colon, an old habit.
    OldDot(AttrPath),
    /// An attribute that only one extension has, by its name without the extension's URN.
    Short(AttrPath),
    /// A whole extension, by its URN.
    Extension(Arc<str>),
    /// The resource itself, by the URN of its core schema.
    Core,
    /// Well-formed, but no attribute of this kind of resource.
    Unknown,
}

impl Named {
    /// The attribute that is named; to a compat token also by an old form: a dot behind the URN, or the manager without
    /// one. Other attributes of extensions are not guessed at.
    pub fn attribute(self, mode: Mode, notes: &mut Notes) -> Option<AttrPath> {
        match self {
            Named::Attribute(path) => Some(path),
            Named::Short(path) if !is_manager(&path.attribute) => None,
            Named::OldDot(path) | Named::Short(path) if mode == Mode::Compat => {
                notes.used(Leniency::ManagerForm);
                Some(path)
            }
            _ => None,
        }
    }
}

/// Finds what `path` names for resources of `kind`; the error says what is malformed.
pub fn resolve(registry: &Registry, kind: Kind, path: &str) -> Result<Named, String> {
    if path.len() > MAX_BYTES {
        return Err(format!("an attribute path may be {MAX_BYTES} bytes long, this one has {}", path.len()));
    }
    if path.eq_ignore_ascii_case(kind.urn()) {
        return Ok(Named::Core);
    }
    let extensions = registry.extensions(kind);
    if let Some(schema) = extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(path)) {
        return Ok(Named::Extension(schema.id.as_str().into()));
    }
    check(path)?;
    if let Some(found) = registry.find(kind, path) {
        return Ok(Named::Attribute(found));
    }
    for schema in extensions {
        let Some(name) = strip_prefix_ignoring_case(path, &schema.id).and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        if let Some(found) = registry.find(kind, &format!("{}:{name}", schema.id)) {
            return Ok(Named::OldDot(found));
        }
    }
    let mut without_urn = extensions
        .iter()
        .filter(|_| !path.contains(':'))
        .filter_map(|schema| registry.find(kind, &format!("{}:{path}", schema.id)));
    match (without_urn.next(), without_urn.next()) {
        (Some(found), None) => Ok(Named::Short(found)),
        _ => Ok(Named::Unknown),
    }
}

/// Checks the name of a sub-attribute, which may begin with `$`; anything else is checked as a path of its own.
pub fn check_sub(name: &str) -> Result<(), String> {
    check(name.strip_prefix('$').unwrap_or(name))
}

/// Checks the form `[URI ":"] ATTRNAME ["." ATTRNAME]` (RFC 7644 §3.4.2.2). The last colon ends the URI, so that dots
/// in a URI's version are not taken for a sub-attribute.
pub fn check(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("an attribute name is missing".into());
    }
    let names = match path.rsplit_once(':') {
        None => path,
        Some((uri, names)) => {
            check_uri(uri)?;
            names
        }
    };
    let (name, sub) = match names.split_once('.') {
        None => (names, None),
        Some((name, sub)) => (name, Some(sub)),
    };
    check_name(name)?;
    match sub {
        None => Ok(()),
        Some(sub) if sub.contains('.') => {
            Err(format!("\"{names}\" has more than one dot; a sub-attribute has no sub-attributes"))
        }
        Some(sub) => check_name(sub.strip_prefix('$').unwrap_or(sub)),
    }
}

/// Checks `ATTRNAME = ALPHA *(nameChar)` as RFC 7643 §2.1 has it, which knows `$` where RFC 7644 §3.4.2.2 does not.
fn check_name(name: &str) -> Result<(), String> {
    let mut characters = name.chars();
    match characters.next() {
        None => return Err("an attribute name is missing".into()),
        Some(first) if !first.is_ascii_alphabetic() => {
            return Err(format!("\"{name}\" is no attribute name: it must begin with a letter"));
        }
        Some(_) => {}
    }
    match characters.find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '$' | '-' | '_')) {
        None => Ok(()),
        Some(wrong) => Err(format!(
            "\"{name}\" is no attribute name: {wrong:?} is not allowed, only letters, digits, '$', '-' and '_' are"
        )),
    }
}

fn check_uri(uri: &str) -> Result<(), String> {
    let scheme = uri.split(':').next().unwrap_or_default();
    let begins_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && uri.len() > scheme.len() + 1;
    if begins_well && uri.bytes().all(|byte| byte.is_ascii_graphic()) && !uri.contains("::") {
        return Ok(());
    }
    Err(format!("\"{uri}\" before the last colon is no schema URN"))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::registry::ENTERPRISE;

    fn attribute(kind: Kind, path: &str) -> String {
        match resolve(&Registry::standard(), kind, path) {
            Ok(Named::Attribute(found)) => found.canonical(),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn names_and_urns_are_found_in_any_case() {
        assert_eq!(attribute(Kind::User, "USERNAME"), "userName");
        assert_eq!(attribute(Kind::User, "Name.GIVENname"), "name.givenName");
        assert_eq!(
            attribute(Kind::User, "URN:ietf:params:scim:schemas:core:2.0:user:name.familyName"),
            "name.familyName"
        );
        assert_eq!(attribute(Kind::User, "meta.lastModified"), "meta.lastModified");
        assert_eq!(attribute(Kind::Group, "members.$ref"), "members.$ref");
        assert_eq!(check("pay$grade.a$b"), Ok(()));
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(attribute(Kind::User, &department.to_uppercase()), department);
    }

    #[test]
    fn a_whole_extension_the_core_and_the_old_dot_form_are_told_apart() {
        let registry = Registry::standard();
        let named = |path: &str| resolve(&registry, Kind::User, path).expect("well-formed");
        assert_eq!(named(&ENTERPRISE.to_lowercase()), Named::Extension(ENTERPRISE.into()));
        assert_eq!(named(Kind::User.urn()), Named::Core);
        assert!(
            matches!(named(&format!("{ENTERPRISE}.manager")), Named::OldDot(found) if found.attribute.name == "manager")
        );
        assert_eq!(named("shoeSize"), Named::Unknown);
        assert_eq!(named("urn:example:2.0:Shoe:size"), Named::Unknown);
        assert_eq!(named("members"), Named::Unknown);
    }

    #[test]
    fn malformed_paths_say_what_is_wrong() {
        for (path, words) in [
            ("", "missing"),
            ("1name", "begin with a letter"),
            ("na me", "' ' is not allowed"),
            ("name.", "missing"),
            ("name..x", "more than one dot"),
            ("name.a.b", "more than one dot"),
            ("urn:", "no schema URN"),
            ("urn:name", "no schema URN"),
            (":name", "no schema URN"),
            ("urn:x:ä:name", "no schema URN"),
            ("é", "begin with a letter"),
        ] {
            let fault = check(path).expect_err(path);
            assert!(fault.contains(words), "{path}: {fault}");
        }
        let long = "a".repeat(MAX_BYTES + 1);
        assert!(resolve(&Registry::standard(), Kind::User, &long).is_err_and(|fault| fault.contains("1024")));
    }
}

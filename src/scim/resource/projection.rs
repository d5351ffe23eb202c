//! Which attributes an answer shows: `attributes` and `excludedAttributes` (RFC 7644 §3.9) against the schemas'
//! `returned` (RFC 7643 §7). Where the values come from is `render`'s business.

use std::sync::Arc;

use serde_json::Value;

use crate::scim::path::{self, Named};
use crate::scim::registry::AttrPath;
use crate::scim::schema::{Attribute, Returned};
use crate::scim::{Document, Kind, Registry, ScimError};

/// The attributes that a client asks to see, or not to see.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    choice: Choice,
    /// What the client sent: of it, what is returned on request is shown too.
    sent: Names,
}

#[derive(Clone, Debug, PartialEq)]
enum Choice {
    All,
    /// `attributes`
    Only(Vec<(Kind, Names)>),
    /// `excludedAttributes`
    Without(Vec<(Kind, Names)>),
}

/// The names of a list, found in the schemas of one kind of resource.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    core: Section,
    extensions: Vec<(Arc<str>, Section)>,
}

/// What is named of one schema.
#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    /// The schema itself is named, by its URN.
    whole: bool,
    attributes: Vec<(String, Pick)>,
}

/// What is named of one attribute.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pick {
    /// The attribute itself is named.
    whole: bool,
    subs: Vec<String>,
}

impl Projection {
    /// What is shown when nothing is asked for: everything that is returned always or by default.
    pub fn all() -> Projection {
        Projection { choice: Choice::All, sent: Names::default() }
    }

    /// Shows what is returned on request where the client sent it (RFC 7643 §7: "in response to any PUT, POST, or PATCH
    /// operations if the attribute was specified by the client"), unless `attributes` says what is shown.
    pub fn with_sent(mut self, paths: impl IntoIterator<Item = AttrPath>) -> Projection {
        paths.into_iter().for_each(|path| self.sent.add(Named::Attribute(path)));
        self
    }

    /// Reads the two lists, of which one may be given (RFC 7644 §3.9 calls them mutually exclusive).
    ///
    /// Names count in any case, with the URN of their schema or without, and the URN alone stands for all that the
    /// schema has. A well-formed name that no schema has is passed over: §3.9 knows no error for it, a search over
    /// several kinds of resource names attributes that only some have, and a client may ask every server for the same
    /// list. A name that is no attribute notation (§3.10) is refused.
    pub fn parse(
        registry: &Registry,
        kinds: &[Kind],
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Projection, ScimError> {
        let given = |list: Option<&str>| list.map(str::to_owned).filter(|list| !list.trim().is_empty());
        let choice = match (given(attributes), given(excluded)) {
            (None, None) => Choice::All,
            (Some(list), None) => Choice::Only(named(registry, kinds, "attributes", &list)?),
            (None, Some(list)) => Choice::Without(named(registry, kinds, "excludedAttributes", &list)?),
            (Some(_), Some(_)) => {
                let detail = "attributes and excludedAttributes exclude each other; send one of them";
                return Err(ScimError::invalid_value(detail));
            }
        };
        Ok(Projection { choice, sent: Names::default() })
    }

    /// Whether nothing in particular is asked for.
    pub fn is_all(&self) -> bool {
        self.choice == Choice::All
    }

    /// Whether an attribute that is returned by default is shown, in whole or in part. `name` is a name at the top of
    /// the resource, such as `members`, or of an extension: `urn:…:User:manager`.
    pub fn wants(&self, kind: Kind, name: &str) -> bool {
        if matches!(name, "id" | "schemas") {
            return true;
        }
        let (urn, name) = name.rsplit_once(':').map_or((None, name), |(urn, name)| (Some(urn), name));
        match self.names(kind) {
            None => true,
            Some((shown, names)) => {
                let section = names.section(urn.filter(|urn| *urn != kind.urn()));
                match section.map(|section| (section.whole, section.pick(name))) {
                    None | Some((false, None)) => !shown,
                    Some((true, _)) => shown,
                    Some((false, Some(pick))) => shown || !pick.whole,
                }
            }
        }
    }

    /// Whether what is stored of a resource of this kind is shown as it is, and what is derived in whole or not at
    /// all, so that nothing need be taken apart.
    pub(super) fn keeps_stored(&self, kind: Kind) -> bool {
        match self.names(kind) {
            None => true,
            Some((true, _)) => false,
            Some((false, names)) => {
                !names.core.whole
                    && names.extensions.is_empty()
                    && names.core.attributes.iter().all(|(name, pick)| {
                        pick.whole && ["id", "schemas", "members", "groups", "meta"].contains(&name.as_str())
                    })
            }
        }
    }

    /// The resource with what is shown of it, in its order.
    pub(super) fn apply(&self, registry: &Registry, kind: Kind, resource: Document) -> Document {
        let mut shown = Document::new();
        for (name, value) in resource {
            let value = match registry.extension(kind, &name) {
                Some(schema) => {
                    let Value::Object(members) = value else { continue };
                    let members = self.section(kind, Some(&schema.id), &schema.attributes, members);
                    (!members.is_empty()).then_some(Value::Object(members))
                }
                None => match registry.find(kind, &name) {
                    Some(found) => self.attribute(kind, None, &found.attribute, value),
                    // Of a schema that is no longer in force: no name finds it, so it is shown by default.
                    None => self.shows_unnamed().then_some(value),
                },
            };
            if let Some(value) = value {
                shown.insert(name, value);
            }
        }
        shown
    }

    fn section(
        &self,
        kind: Kind,
        urn: Option<&str>,
        attributes: &[Arc<Attribute>],
        members: Document,
    ) -> Document {
        let mut shown = Document::new();
        for (name, value) in members {
            let value = match attributes.iter().find(|attribute| attribute.name == name) {
                Some(attribute) => self.attribute(kind, urn, attribute, value),
                None => self.shows_unnamed().then_some(value),
            };
            if let Some(value) = value {
                shown.insert(name, value);
            }
        }
        shown
    }

    fn shows_unnamed(&self) -> bool {
        !matches!(self.choice, Choice::Only(_))
    }

    /// What is shown of an attribute's value; `None` for nothing.
    fn attribute(&self, kind: Kind, urn: Option<&str>, attribute: &Attribute, value: Value) -> Option<Value> {
        let sent = self.sent.section(urn).and_then(|section| section.pick(&attribute.name));
        let Some((only, names)) = self.names(kind) else {
            return without(attribute, value, false, None, sent);
        };
        let section = names.section(urn);
        let within = section.is_some_and(|section| section.whole);
        let pick = section.and_then(|section| section.pick(&attribute.name));
        match only {
            true => only_named(attribute, value, within, pick),
            false => without(attribute, value, within, pick, sent),
        }
    }

    /// The names for this kind, and whether only they are shown; `None` where no names were given.
    fn names(&self, kind: Kind) -> Option<(bool, &Names)> {
        let (only, lists) = match &self.choice {
            Choice::All => return None,
            Choice::Only(lists) => (true, lists),
            Choice::Without(lists) => (false, lists),
        };
        lists.iter().find(|(of, _)| *of == kind).map(|(_, names)| (only, names))
    }
}

/// Finds the names of a list in the schemas of each kind.
fn named(
    registry: &Registry,
    kinds: &[Kind],
    parameter: &str,
    list: &str,
) -> Result<Vec<(Kind, Names)>, ScimError> {
    let mut found: Vec<(Kind, Names)> = kinds.iter().map(|kind| (*kind, Names::default())).collect();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        for (kind, names) in &mut found {
            let what = path::resolve(registry, *kind, name).map_err(|fault| {
                ScimError::invalid_value(format!("{parameter} is a list of attribute names: {fault}"))
            })?;
            names.add(what);
        }
    }
    Ok(found)
}

impl Names {
    fn add(&mut self, what: Named) {
        let path = match what {
            Named::Unknown | Named::Short(_) => return,
            Named::Core => {
                self.core.whole = true;
                return;
            }
            Named::Extension(urn) => {
                self.of(Some(urn)).whole = true;
                return;
            }
            Named::Attribute(path) | Named::OldDot(path) => path,
        };
        let AttrPath { extension, attribute, sub } = path;
        let section = self.of(extension);
        let at = section.attributes.iter().position(|(known, _)| *known == attribute.name);
        let at = at.unwrap_or_else(|| {
            section.attributes.push((attribute.name.clone(), Pick::default()));
            section.attributes.len() - 1
        });
        let pick = &mut section.attributes[at].1;
        match sub {
            None => pick.whole = true,
            Some(sub) if !pick.subs.contains(&sub.name) => pick.subs.push(sub.name.clone()),
            Some(_) => {}
        }
    }

    /// The section of that extension, or of the core; made when there is none.
    fn of(&mut self, extension: Option<Arc<str>>) -> &mut Section {
        let Some(urn) = extension else { return &mut self.core };
        let at = self.extensions.iter().position(|(known, _)| *known == urn);
        let at = at.unwrap_or_else(|| {
            self.extensions.push((urn, Section::default()));
            self.extensions.len() - 1
        });
        &mut self.extensions[at].1
    }

    fn section(&self, urn: Option<&str>) -> Option<&Section> {
        match urn {
            None => Some(&self.core),
            Some(urn) => {
                self.extensions.iter().find(|(known, _)| **known == *urn).map(|(_, section)| section)
            }
        }
    }
}

impl Section {
    fn pick(&self, name: &str) -> Option<&Pick> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, pick)| pick)
    }
}

/// What `attributes` shows of a value. `within` says that the attribute's schema is named; what is returned on request
/// must be named itself.
fn only_named(attribute: &Attribute, value: Value, within: bool, pick: Option<&Pick>) -> Option<Value> {
    let by_itself = pick.is_some_and(|pick| pick.whole)
        || match attribute.returned {
            Returned::Always => pick.is_none(),
            Returned::Default => within,
            Returned::Request | Returned::Never => false,
        };
    if attribute.returned == Returned::Never || !(by_itself || pick.is_some()) {
        return None;
    }
    let part = |sub: &Attribute| pick.is_some_and(|pick| pick.subs.contains(&sub.name));
    parts(attribute, value, by_itself, |sub| match sub.returned {
        Returned::Always => true,
        Returned::Default => by_itself || part(sub),
        Returned::Request => part(sub),
        Returned::Never => false,
    })
}

/// What is shown of a value by default, and what `excludedAttributes` leaves of it. Naming what is always returned "SHALL
/// have no effect" (RFC 7644 §3.4.2.5). What is returned on request is shown where the client sent it.
fn without(
    attribute: &Attribute,
    value: Value,
    within: bool,
    pick: Option<&Pick>,
    sent: Option<&Pick>,
) -> Option<Value> {
    match attribute.returned {
        Returned::Never => return None,
        Returned::Request if sent.is_none() => return None,
        Returned::Default | Returned::Request if within || pick.is_some_and(|pick| pick.whole) => {
            return None;
        }
        Returned::Default | Returned::Request | Returned::Always => {}
    }
    let excluded = |sub: &Attribute| pick.is_some_and(|pick| pick.subs.contains(&sub.name));
    let was_sent = |sub: &Attribute| sent.is_some_and(|sent| sent.whole || sent.subs.contains(&sub.name));
    parts(attribute, value, true, |sub| match sub.returned {
        Returned::Always => true,
        Returned::Default => !excluded(sub),
        Returned::Request => was_sent(sub) && !excluded(sub),
        Returned::Never => false,
    })
}

/// A value with the sub-attributes that are shown, and those that the schema does not know where `unknown` says so;
/// `None` when nothing is left.
fn parts(
    attribute: &Attribute,
    value: Value,
    unknown: bool,
    shows: impl Fn(&Attribute) -> bool,
) -> Option<Value> {
    if !attribute.is_complex() {
        return Some(value);
    }
    let left = |value: Value| match value {
        Value::Object(mut members) => {
            members.retain(|name, _| attribute.sub(name).map_or(unknown, |sub| shows(sub)));
            (!members.is_empty()).then_some(Value::Object(members))
        }
        other => Some(other),
    };
    match value {
        // An empty list is a group without members, and said.
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<Value> = items.into_iter().filter_map(left).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        other => left(other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::json;

    use super::*;
    use crate::scim::ScimType;
    use crate::scim::registry::{ENTERPRISE, GROUP, USER};

    const SEALS: &str = "urn:example:2.0:Seals";

    /// The standard schemas and one with a value of every `returned`, as attribute and as sub-attribute.
    fn registry() -> &'static Registry {
        static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
            let subs = json!([{"name": "seen"}, {"name": "asked", "returned": "request"},
                {"name": "held", "returned": "always"}, {"name": "kept", "returned": "never"}]);
            let document = json!({"id": SEALS, "attributes": [
                {"name": "plain"},
                {"name": "asked", "returned": "request"},
                {"name": "held", "returned": "always"},
                {"name": "kept", "returned": "never"},
                {"name": "box", "type": "complex", "subAttributes": subs},
                {"name": "rare", "type": "complex", "returned": "request", "subAttributes": subs},
                {"name": "boxes", "type": "complex", "multiValued": true, "returned": "always", "subAttributes": subs},
            ]});
            Registry::with_extensions(&[(Kind::User, document)]).expect("well-formed")
        });
        &REGISTRY
    }

    fn user() -> Value {
        let parts = json!({"seen": 1, "asked": 2, "held": 3, "kept": 4});
        json!({
            "schemas": [USER, ENTERPRISE, SEALS], "id": "u-1", "externalId": "e-1", "userName": "mei@example.com",
            "name": {"givenName": "Mei", "familyName": "Tanaka"},
            "emails": [{"value": "mei@example.com", "type": "work"}, {"type": "home"}],
            ENTERPRISE: {"department": "Sales", "manager": {"value": "u-2", "displayName": "Ann"}},
            SEALS: {"plain": 1, "asked": 2, "held": 3, "kept": 4, "box": parts, "rare": parts, "boxes": [parts]},
            "urn:example:2.0:Gone": {"left": true},
            "groups": [{"value": "g-1", "display": "Sales", "type": "direct"}],
            "meta": {"resourceType": "User", "location": "https://scim.example.com/scim/Users/u-1"},
        })
    }

    fn apply(projection: &Projection, kind: Kind, resource: Value) -> Value {
        let Value::Object(resource) = resource else { panic!("an object") };
        Value::Object(projection.apply(registry(), kind, resource))
    }

    fn only(list: &str) -> Value {
        let projection = Projection::parse(registry(), &[Kind::User], Some(list), None).expect("taken");
        let shown = apply(&projection, Kind::User, user());
        assert_eq!(shown["schemas"], user()["schemas"], "{list}");
        assert_eq!(shown["id"], "u-1", "{list}");
        let minimum = json!({"held": 3, "boxes": [{"seen": 1, "held": 3}]});
        let mut rest = shown.as_object().expect("an object").clone();
        rest.shift_remove("schemas");
        rest.shift_remove("id");
        if rest.get(SEALS) == Some(&minimum) {
            rest.shift_remove(SEALS);
        }
        Value::Object(rest)
    }

    fn except(list: &str) -> Value {
        let projection = Projection::parse(registry(), &[Kind::User], None, Some(list)).expect("taken");
        apply(&projection, Kind::User, user())
    }

    #[test]
    fn by_default_what_is_asked_for_and_never_shown_is_missing() {
        let part = json!({"seen": 1, "held": 3});
        let mut wanted = user();
        wanted[SEALS] = json!({"plain": 1, "held": 3, "box": part, "boxes": [part]});
        assert_eq!(apply(&Projection::all(), Kind::User, user()), wanted);
        assert_eq!(except("nothing, id, schemas, urn:example:2.0:Gone"), wanted);
        assert_eq!(except(&format!("{SEALS}:held,{SEALS}:boxes,{SEALS}:box.held,{SEALS}:kept")), wanted);
    }

    #[test]
    fn what_is_named_is_shown_and_nothing_else() {
        assert_eq!(only("id"), json!({}));
        assert_eq!(only("nothing, department"), json!({}));
        assert_eq!(only("USERNAME"), json!({"userName": "mei@example.com"}));
        assert_eq!(
            only(" externalid ,, urn:ietf:params:scim:schemas:core:2.0:user:userName,"),
            json!({"externalId": "e-1", "userName": "mei@example.com"})
        );
        assert_eq!(only("name"), json!({"name": user()["name"]}));
        assert_eq!(only("name.GivenName"), json!({"name": {"givenName": "Mei"}}));
        assert_eq!(only("name.middleName"), json!({}));
        assert_eq!(only("name.givenName,name"), json!({"name": user()["name"]}));
        assert_eq!(only("emails.value"), json!({"emails": [{"value": "mei@example.com"}]}));
        assert_eq!(only("groups.display"), json!({"groups": [{"display": "Sales"}]}));
        assert_eq!(only("meta.resourceType"), json!({"meta": {"resourceType": "User"}}));
        assert_eq!(only("password"), json!({}));
    }

    #[test]
    fn extensions_are_named_whole_and_by_attribute() {
        assert_eq!(only(ENTERPRISE), json!({ENTERPRISE: user()[ENTERPRISE]}));
        assert_eq!(only(&ENTERPRISE.to_uppercase()), json!({ENTERPRISE: user()[ENTERPRISE]}));
        let department = json!({ENTERPRISE: {"department": "Sales"}});
        assert_eq!(only(&format!("{ENTERPRISE}:DEPARTMENT")), department);
        assert_eq!(only(&format!("{ENTERPRISE}.department")), department);
        let manager = json!({ENTERPRISE: {"manager": {"displayName": "Ann"}}});
        assert_eq!(only(&format!("{ENTERPRISE}:manager.displayName")), manager);
        let core = only(USER);
        assert_eq!((&core["userName"], &core["meta"]), (&user()["userName"], &user()["meta"]));
        assert_eq!(core.get(ENTERPRISE), None);
    }

    #[test]
    fn what_is_returned_on_request_must_be_named_itself() {
        let seals = |list: &str| only(list)[SEALS].clone();
        let part = json!({"seen": 1, "held": 3});
        assert_eq!(seals(SEALS), json!({"plain": 1, "held": 3, "box": part, "boxes": [part]}));
        assert_eq!(seals(&format!("{SEALS}:asked"))["asked"], 2);
        assert_eq!(seals(&format!("{SEALS}:rare"))["rare"], part);
        assert_eq!(seals(&format!("{SEALS}:rare.seen"))["rare"], part);
        assert_eq!(seals(&format!("{SEALS}:box.asked"))["box"], json!({"asked": 2, "held": 3}));
        let more = json!({"seen": 1, "asked": 2, "held": 3});
        assert_eq!(seals(&format!("{SEALS}:box,{SEALS}:box.asked"))["box"], more);
        assert_eq!(seals(&format!("{SEALS}:boxes.asked"))["boxes"], json!([{"asked": 2, "held": 3}]));
        assert_eq!(only(&format!("{SEALS}:kept,{SEALS}:box.kept"))[SEALS]["kept"], Value::Null);
    }

    #[test]
    fn what_is_returned_on_request_is_shown_to_who_sent_it() {
        let path =
            |name: &str| registry().find(Kind::User, &format!("{SEALS}:{name}")).expect("an attribute");
        let shown = |projection: Projection, sent: &[&str]| {
            apply(&projection.with_sent(sent.iter().map(|name| path(name))), Kind::User, user())[SEALS]
                .clone()
        };
        let (part, more) = (json!({"seen": 1, "held": 3}), json!({"seen": 1, "asked": 2, "held": 3}));
        let by_default = json!({"plain": 1, "held": 3, "box": part, "boxes": [part]});
        assert_eq!(shown(Projection::all(), &["plain"]), by_default);
        for (sent, name, wanted) in [
            ("asked", "asked", &json!(2)),
            ("rare", "rare", &more),
            ("rare.seen", "rare", &part),
            ("box", "box", &more),
            ("box.asked", "box", &more),
            ("box.seen", "box", &part),
            ("boxes.asked", "boxes", &json!([more])),
            ("kept", "kept", &Value::Null),
        ] {
            let shown = shown(Projection::all(), &[sent]);
            assert_eq!(&shown[name], wanted, "{sent}");
            let others =
                by_default.as_object().expect("an object").iter().filter(|(other, _)| *other != name);
            assert!(others.into_iter().all(|(other, value)| shown[other] == *value), "{sent}: {shown}");
        }
        let parse = |attributes, excluded| {
            Projection::parse(registry(), &[Kind::User], attributes, excluded).expect("taken")
        };
        assert_eq!(shown(parse(None, Some("title")), &["asked"])["asked"], 2);
        let [asked, plain] = ["asked", "plain"].map(|name| format!("{SEALS}:{name}"));
        assert_eq!(shown(parse(None, Some(&asked)), &["asked"])["asked"], Value::Null);
        let only = parse(Some(&plain), None);
        assert_eq!(shown(only, &["asked"]), json!({"plain": 1, "held": 3, "boxes": [part]}));
    }

    #[test]
    fn what_is_excluded_is_missing_and_nothing_else() {
        let full = apply(&Projection::all(), Kind::User, user());
        let without = |path: &[&str]| {
            let mut wanted = full.clone();
            let (last, before) = path.split_last().expect("a path");
            let parent = before.iter().fold(&mut wanted, |value, key| &mut value[*key]);
            parent.as_object_mut().expect("an object").shift_remove(*last).expect("it was there");
            wanted
        };
        assert_eq!(except("groups"), without(&["groups"]));
        assert_eq!(except("META"), without(&["meta"]));
        assert_eq!(except("meta.location"), without(&["meta", "location"]));
        assert_eq!(except("externalId"), without(&["externalId"]));
        assert_eq!(except(&format!("{USER}:name.givenName")), without(&["name", "givenName"]));
        assert_eq!(except("name.givenName,name.familyName"), without(&["name"]));
        assert_eq!(except(ENTERPRISE), without(&[ENTERPRISE]));
        assert_eq!(except(&format!("{ENTERPRISE}:manager")), without(&[ENTERPRISE, "manager"]));
        assert_eq!(except(SEALS)[SEALS], json!({"held": 3, "boxes": [{"seen": 1, "held": 3}]}));
        assert_eq!(except("emails.type")["emails"], json!([{"value": "mei@example.com"}]));
    }

    #[test]
    fn one_list_at_a_time_and_in_attribute_notation() {
        let parse = |attributes, excluded| Projection::parse(registry(), &[Kind::User], attributes, excluded);
        assert_eq!(parse(None, None), Ok(Projection::all()));
        assert_eq!(parse(Some(" "), Some("")), Ok(Projection::all()));
        let long = "a".repeat(5_000);
        for (attributes, excluded, words) in [
            (Some("id"), Some("meta"), "exclude each other"),
            (Some("userName,na me"), None, "attributes is a list of attribute names"),
            (None, Some("emails[type eq \"work\"]"), "excludedAttributes is a list of attribute names"),
            (Some("name.a.b"), None, "more than one dot"),
            (Some(long.as_str()), None, "1024"),
        ] {
            let error = parse(attributes, excluded).expect_err("refused");
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
            assert!(error.detail.contains(words) && error.detail.len() < 400, "{error}");
        }
    }

    #[test]
    fn wants_tells_what_need_not_be_read() {
        let parse = |attributes, excluded| {
            Projection::parse(registry(), &[Kind::User, Kind::Group], attributes, excluded).expect("taken")
        };
        let manager = format!("{ENTERPRISE}:manager");
        let all = Projection::all();
        assert!(all.is_all() && all.wants(Kind::Group, "members") && all.wants(Kind::User, &manager));
        let some = parse(Some("members.value,userName"), None);
        assert!(!some.is_all() && some.wants(Kind::Group, "members") && some.wants(Kind::Group, "id"));
        assert!(!some.wants(Kind::User, "groups") && !some.wants(Kind::User, &manager));
        let display = format!("{manager}.displayName");
        assert!(parse(Some(&display), None).wants(Kind::User, &manager));
        assert!(parse(Some(ENTERPRISE), None).wants(Kind::User, &manager));
        assert!(parse(Some(USER), None).wants(Kind::User, "groups"));
        assert!(parse(Some(GROUP), None).wants(Kind::Group, &format!("{GROUP}:members")));
        let less = parse(None, Some("members,groups.display"));
        assert!(!less.wants(Kind::Group, "members") && less.wants(Kind::User, "groups"));
        assert!(less.wants(Kind::User, &manager));
        assert!(!parse(None, Some(&manager)).wants(Kind::User, &manager));
        assert!(less.keeps_stored(Kind::Group) && !less.keeps_stored(Kind::User));
    }

    #[test]
    fn an_empty_group_shows_its_empty_list() {
        let group = json!({"schemas": [GROUP], "id": "g-1", "displayName": "Sales", "members": []});
        let only = |list| {
            let projection = Projection::parse(registry(), &[Kind::Group], Some(list), None).expect("taken");
            apply(&projection, Kind::Group, group.clone())
        };
        let wanted = json!({"schemas": [GROUP], "id": "g-1", "members": []});
        assert_eq!((only("members"), only("members.value")), (wanted.clone(), wanted));
        assert_eq!(only("groups"), json!({"schemas": [GROUP], "id": "g-1"}));
    }
}

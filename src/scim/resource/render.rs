//! Stored documents become answers: id, meta, and what is derived from other resources is put in at read time. Which
//! attributes are shown is `projection`'s business.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Projection;
use super::entries::{Entries, Entry, Location, MetaEntry, is_plain};
use crate::base::Timestamp;
use crate::scim::json::write;
use crate::scim::{Document, Kind, Registry, registry};

/// What `meta` is made of (RFC 7643 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub created: Timestamp,
    pub modified: Timestamp,
    pub version: u64,
}

impl Meta {
    /// The version as an entity tag, weak because the same version has several forms (RFC 7644 §3.14).
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

/// A group that a user is in (RFC 7643 §4.1.2 `groups`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    pub id: String,
    pub display: String,
    /// Whether the user is a member of the group itself, not of one in it.
    pub direct: bool,
}

/// A member of a group (RFC 7643 §4.2 `members`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRef {
    pub id: String,
    pub kind: Kind,
    pub display: String,
    /// Whether that is its own `displayName`; any other name is for pages and sentences.
    pub named: bool,
}

/// A member as long as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberView<'a> {
    pub id: &'a str,
    pub kind: Kind,
    /// Its own `displayName`; empty where it has none.
    pub display: &'a str,
}

/// The members of a group, wherever they are, one after the other: a large group is shown without being gathered first.
pub trait Members {
    /// Calls `take` with each member, in the order in which they are shown.
    fn each(&self, take: &mut dyn FnMut(MemberView<'_>));
}

impl Members for Vec<MemberRef> {
    fn each(&self, take: &mut dyn FnMut(MemberView<'_>)) {
        for member in self {
            let display = if member.named { member.display.as_str() } else { "" };
            take(MemberView { id: &member.id, kind: member.kind, display });
        }
    }
}

/// No members.
pub struct Nobody;

impl Members for Nobody {
    fn each(&self, _take: &mut dyn FnMut(MemberView<'_>)) {}
}

/// The user whom a user's document names as manager (RFC 7643 §4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerRef {
    pub id: String,
    /// The user's own `displayName`, where they have one.
    pub display: Option<String>,
}

/// What is found out about a resource when it is read.
#[derive(Clone, Copy)]
pub struct Derived<'a> {
    pub id: &'a str,
    pub meta: Meta,
    pub groups: &'a [GroupRef],
    pub members: &'a dyn Members,
    pub manager: Option<&'a ManagerRef>,
}

/// Appends the resource as JSON. `stored` is the document's JSON text, `base` the address before `/Users`.
///
/// Where the stored part is shown as it is, its text is copied without being read. Where it must be taken apart and is
/// no JSON, which only a damaged file can bring about, what is derived is still shown.
pub fn render(
    out: &mut Vec<u8>,
    registry: &Registry,
    kind: Kind,
    stored: &str,
    derived: &Derived<'_>,
    projection: &Projection,
    base: &str,
) {
    let parts = Parts { kind, derived, base, plain: is_plain(base) };
    if projection.keeps_stored(kind)
        && !registry.shows_on_request(kind)
        && let Some(splices) = parts.splices(stored)
    {
        parts.splice(out, stored, &splices, projection);
        return;
    }
    let stored: Document = serde_json::from_str(stored).unwrap_or_default();
    let shown = projection.apply(registry, kind, parts.joined(stored));
    write(out, &shown);
}

/// The whole resource as a value, with what is derived: what filters and PATCH targets see.
pub fn whole(
    _registry: &Registry,
    kind: Kind,
    stored: &Document,
    derived: &Derived<'_>,
    base: &str,
) -> Value {
    Value::Object(Parts { kind, derived, base, plain: is_plain(base) }.joined(stored.clone()))
}

/// A resource's derived parts, on their way into its JSON.
struct Parts<'a> {
    kind: Kind,
    derived: &'a Derived<'a>,
    base: &'a str,
    /// Whether the base stands in JSON as it is.
    plain: bool,
}

/// Where something is put into a stored text.
struct Splices {
    /// Behind `schemas`.
    id: usize,
    /// Behind the manager's `value`, with what goes there.
    manager: Option<(usize, Vec<u8>)>,
}

impl Parts<'_> {
    /// Finds the places in a stored text; `None` where they are not plain to see.
    fn splices(&self, stored: &str) -> Option<Splices> {
        let id = behind_schemas(stored)?;
        if !stored.ends_with('}') {
            return None;
        }
        let Some(manager) = self.derived.manager else {
            return Some(Splices { id, manager: None });
        };
        // A quote in a text is escaped, so this is a key; it is the manager's if it is the only one.
        const KEY: &str = "\"manager\":{";
        let at = stored.find(KEY)? + KEY.len();
        if stored[at..].contains(KEY) {
            return None;
        }
        let mut value = b"\"value\":".to_vec();
        write(&mut value, &manager.id);
        let end = at + value.len();
        if !stored.as_bytes()[at..].starts_with(&value) || stored.as_bytes().get(end) != Some(&b'}') {
            return None;
        }
        let mut more = b",\"$ref\":".to_vec();
        write(&mut more, &self.location(Kind::User, &manager.id));
        if let Some(display) = &manager.display {
            more.extend_from_slice(b",\"displayName\":");
            write(&mut more, display);
        }
        Some(Splices { id, manager: Some((end, more)) })
    }

    /// Copies the stored text with the derived parts in their places.
    fn splice(&self, out: &mut Vec<u8>, stored: &str, splices: &Splices, projection: &Projection) {
        let body = &stored.as_bytes()[..stored.len() - 1];
        out.extend_from_slice(&body[..splices.id]);
        out.extend_from_slice(b",\"id\":");
        write(out, self.derived.id);
        match &splices.manager {
            None => out.extend_from_slice(&body[splices.id..]),
            Some((at, more)) => {
                out.extend_from_slice(&body[splices.id..*at]);
                out.extend_from_slice(more);
                out.extend_from_slice(&body[*at..]);
            }
        }
        match self.kind {
            Kind::User if self.derived.groups.is_empty() || !projection.wants(self.kind, "groups") => {}
            Kind::User => self.list(out, "groups", |take| self.groups().for_each(take)),
            Kind::Group if !projection.wants(self.kind, "members") => {}
            Kind::Group => self.list(out, "members", |take| self.members(take)),
        }
        if projection.wants(self.kind, "meta") {
            out.extend_from_slice(b",\"meta\":");
            self.meta().write(out);
        }
        out.push(b'}');
    }

    /// A list of entries, each of which `each` hands over.
    fn list(&self, out: &mut Vec<u8>, name: &str, each: impl FnOnce(&mut dyn FnMut(Entry<'_>))) {
        out.push(b',');
        write(out, name);
        out.extend_from_slice(b":[");
        let mut entries = Entries::new(out);
        each(&mut |entry| entries.write(&entry));
        out.push(b']');
    }

    /// The document and the derived parts, in the order in which they are shown.
    fn joined(&self, stored: Document) -> Document {
        let mut whole = Map::with_capacity(stored.len() + 3);
        let mut stored = stored.into_iter();
        match stored.next() {
            Some((name, value)) if name == "schemas" => {
                whole.insert(name, value);
                whole.insert("id".into(), self.derived.id.into());
            }
            first => {
                whole.insert("id".into(), self.derived.id.into());
                whole.extend(first);
            }
        }
        whole.extend(stored);
        if let Some(manager) = self.derived.manager
            && let Some(Value::Object(block)) = whole.get_mut(registry::ENTERPRISE)
            && let Some(Value::Object(shown)) = block.get_mut("manager")
        {
            shown.insert("$ref".into(), value(&self.location(Kind::User, &manager.id)));
            shown.extend(manager.display.as_deref().map(|display| ("displayName".into(), display.into())));
        }
        match self.kind {
            Kind::User if self.derived.groups.is_empty() => {}
            Kind::User => {
                whole.insert("groups".into(), self.groups().map(|entry| value(&entry)).collect());
            }
            Kind::Group => {
                let mut members = Vec::new();
                self.members(&mut |entry| members.push(value(&entry)));
                whole.insert("members".into(), members.into());
            }
        }
        whole.insert("meta".into(), value(&self.meta()));
        whole
    }

    fn groups(&self) -> impl Iterator<Item = Entry<'_>> {
        self.derived.groups.iter().map(|group| Entry {
            value: &group.id,
            reference: self.location(Kind::Group, &group.id),
            display: &group.display,
            kind: if group.direct { "direct" } else { "indirect" },
        })
    }

    fn members(&self, take: &mut dyn FnMut(Entry<'_>)) {
        self.derived.members.each(&mut |member| {
            take(Entry {
                value: member.id,
                reference: self.location(member.kind, member.id),
                display: member.display,
                kind: member.kind.name(),
            });
        });
    }

    fn meta(&self) -> MetaEntry<'_> {
        let meta = self.derived.meta;
        MetaEntry {
            resource_type: self.kind.name(),
            created: meta.created.render(),
            last_modified: meta.modified.render(),
            location: self.location(self.kind, self.derived.id),
            version: meta.etag(),
        }
    }

    fn location<'b>(&'b self, kind: Kind, id: &'b str) -> Location<'b> {
        Location { base: self.base, plain: self.plain, kind, id }
    }
}

fn value<T: Serialize>(part: &T) -> Value {
    serde_json::to_value(part).expect("a derived part is texts and keys that are texts")
}

/// Where the list of schemas ends, with which every stored text begins.
fn behind_schemas(stored: &str) -> Option<usize> {
    const START: &str = "{\"schemas\":[";
    let list = stored.strip_prefix(START)?;
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b']' if !in_text => return Some(START.len() + at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scim::json;
    use crate::scim::registry::{ENTERPRISE, GROUP, USER};

    const BASE: &str = "https://scim.example.com/scim/v2";
    const META: Meta =
        Meta { created: Timestamp(1_795_462_931_120), modified: Timestamp(1_795_462_932_000), version: 17 };

    fn derived<'a>() -> Derived<'a> {
        Derived { id: "r-1", meta: META, groups: &[], members: &Nobody, manager: None }
    }

    fn text(
        registry: &Registry,
        kind: Kind,
        stored: &str,
        derived: &Derived<'_>,
        shown: &Projection,
    ) -> String {
        let mut out = b"before ".to_vec();
        render(&mut out, registry, kind, stored, derived, shown, BASE);
        String::from_utf8(out).expect("UTF-8").strip_prefix("before ").expect("it was appended").to_owned()
    }

    fn rendered(kind: Kind, stored: &Value, derived: &Derived<'_>, attributes: Option<&str>) -> Value {
        let registry = Registry::standard();
        let projection = Projection::parse(&registry, &[kind], attributes, None).expect("taken");
        let text = text(&registry, kind, &stored.to_string(), derived, &projection);
        json::parse(text.as_bytes()).expect("JSON without duplicate keys")
    }

    fn meta(kind: &str, endpoint: &str) -> Value {
        json!({"resourceType": kind, "created": "2026-11-23T19:42:11.120Z", "lastModified": "2026-11-23T19:42:12.000Z",
            "location": format!("{BASE}/{endpoint}/r-1"), "version": "W/\"17\""})
    }

    fn user() -> Value {
        json!({"schemas": [USER, ENTERPRISE], "userName": "mei@example.com",
            ENTERPRISE: {"manager": {"value": "u-2"}, "department": "Sales"}})
    }

    #[test]
    fn a_user_shows_groups_and_manager() {
        let groups = [
            GroupRef { id: "g-1".into(), display: "Sales \"East\"".into(), direct: true },
            GroupRef { id: "g-2".into(), display: String::new(), direct: false },
        ];
        let manager = ManagerRef { id: "u-2".into(), display: Some("Ann\n".into()) };
        let with = Derived { groups: &groups, manager: Some(&manager), ..derived() };
        let shown = rendered(Kind::User, &user(), &with, None);
        let wanted = json!({"schemas": [USER, ENTERPRISE], "id": "r-1", "userName": "mei@example.com",
            ENTERPRISE: {"department": "Sales",
                "manager": {"value": "u-2", "$ref": format!("{BASE}/Users/u-2"), "displayName": "Ann\n"}},
            "groups": [
                {"value": "g-1", "$ref": format!("{BASE}/Groups/g-1"), "display": "Sales \"East\"", "type": "direct"},
                {"value": "g-2", "$ref": format!("{BASE}/Groups/g-2"), "type": "indirect"}],
            "meta": meta("User", "Users")});
        assert_eq!(shown, wanted);
        let keys: Vec<&String> = shown.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["schemas", "id", "userName", ENTERPRISE, "groups", "meta"]);
        let part = rendered(Kind::User, &user(), &with, Some(&format!("{ENTERPRISE}:manager.displayName")));
        assert_eq!(part[ENTERPRISE], json!({"manager": {"displayName": "Ann\n"}}));
        assert_eq!(
            rendered(Kind::User, &user(), &with, Some("groups.type"))["groups"],
            json!([{"type": "direct"}, {"type": "indirect"}])
        );
    }

    #[test]
    fn without_groups_and_with_an_unknown_or_unnamed_manager_nothing_is_made_up() {
        let unnamed = ManagerRef { id: "u-2".into(), display: None };
        let with = Derived { manager: Some(&unnamed), ..derived() };
        let here = json!({"value": "u-2", "$ref": format!("{BASE}/Users/u-2")});
        for (with, manager) in [(derived(), json!({"value": "u-2"})), (with, here)] {
            for attributes in [None, Some(ENTERPRISE)] {
                let shown = rendered(Kind::User, &user(), &with, attributes);
                assert_eq!((&shown[ENTERPRISE]["manager"], shown.get("groups")), (&manager, None));
            }
        }
    }

    #[test]
    fn a_group_always_shows_its_members() {
        let stored = json!({"schemas": [GROUP], "displayName": "Sales"});
        let wanted = json!({"schemas": [GROUP], "id": "r-1", "displayName": "Sales", "members": [],
            "meta": meta("Group", "Groups")});
        assert_eq!(rendered(Kind::Group, &stored, &derived(), None), wanted);
        let members = vec![
            MemberRef { id: "u-1".into(), kind: Kind::User, display: "Mei".into(), named: true },
            MemberRef { id: "u-2".into(), kind: Kind::User, display: "ann@example.com".into(), named: false },
            MemberRef { id: "g-2".into(), kind: Kind::Group, display: "East".into(), named: true },
        ];
        let with = Derived { members: &members, ..derived() };
        let wanted = json!([
            {"value": "u-1", "$ref": format!("{BASE}/Users/u-1"), "type": "User", "display": "Mei"},
            {"value": "u-2", "$ref": format!("{BASE}/Users/u-2"), "type": "User"},
            {"value": "g-2", "$ref": format!("{BASE}/Groups/g-2"), "type": "Group", "display": "East"}]);
        assert_eq!(rendered(Kind::Group, &stored, &with, None)["members"], wanted);
        let values = rendered(Kind::Group, &stored, &with, Some("members.value"));
        assert_eq!(
            values,
            json!({"schemas": [GROUP], "id": "r-1", "members": [{"value": "u-1"}, {"value": "u-2"}, {"value": "g-2"}]})
        );
        let registry = Registry::standard();
        for excluded in ["members", "MEMBERS,id", "members,externalId"] {
            let projection =
                Projection::parse(&registry, &[Kind::Group], None, Some(excluded)).expect("taken");
            let shown = text(&registry, Kind::Group, &stored.to_string(), &with, &projection);
            assert!(!shown.contains("members") && shown.contains("\"displayName\":\"Sales\""), "{shown}");
        }
    }

    #[test]
    fn the_whole_is_what_is_shown() {
        let manager = ManagerRef { id: "u-2".into(), display: Some("Ann".into()) };
        let with = Derived { manager: Some(&manager), ..derived() };
        let Value::Object(stored) = user() else { panic!("an object") };
        let whole = whole(&Registry::standard(), Kind::User, &stored, &with, BASE);
        assert_eq!(whole, rendered(Kind::User, &user(), &with, None));
    }

    #[test]
    fn a_manager_in_another_extension_is_left_alone() {
        let urn = "urn:example:2.0:Project";
        let schema = json!({"id": urn, "attributes": [
            {"name": "manager", "type": "complex", "subAttributes": [{"name": "value"}]}]});
        let registry = Registry::with_extensions(&[(Kind::User, schema)]).expect("well-formed");
        let manager = ManagerRef { id: "u-2".into(), display: Some("Ann".into()) };
        let with = Derived { manager: Some(&manager), ..derived() };
        let same = json!({"manager": {"value": "u-2"}});
        let stored = json!({"schemas": [USER], urn: same, ENTERPRISE: same}).to_string();
        let shown: Value =
            serde_json::from_str(&text(&registry, Kind::User, &stored, &with, &Projection::all()))
                .expect("JSON");
        assert_eq!((&shown[urn], &shown[ENTERPRISE]["manager"]["displayName"]), (&same, &json!("Ann")));
    }

    #[test]
    fn damaged_rows_bring_nothing_down() {
        let manager = ManagerRef { id: "\"".into(), display: Some("Ann".into()) };
        let with = Derived { manager: Some(&manager), ..derived() };
        for stored in
            ["", "{", "{}", "[]", "null", "{\"schemas\":[", "{\"schemas\":[\"]}", "{\"schemas\":[\"\\", "é}"]
        {
            for kind in [Kind::User, Kind::Group] {
                for with in [&with, &derived()] {
                    let shown = text(&Registry::standard(), kind, stored, with, &Projection::all());
                    assert_eq!(json::parse(shown.as_bytes()).expect("JSON")["id"], "r-1", "{stored}");
                }
            }
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[^\\x00]{0,12}",
            Just("\"manager\":{\"value\":\"u-2\"}".to_owned()),
            Just("\\\"manager\":{".to_owned()),
            Just("\"],[{}".to_owned()),
        ]
    }

    fn documents() -> impl Strategy<Value = Document> {
        let block = (texts(), prop::option::of(texts()), any::<bool>());
        (
            prop::collection::vec(texts(), 0..3),
            prop::collection::vec((texts(), texts()), 0..4),
            prop::option::of(block),
        )
            .prop_map(|(schemas, names, block)| {
                let mut document = Document::new();
                document.insert("schemas".into(), schemas.into());
                for (n, (name, text)) in names.into_iter().enumerate() {
                    document.insert(
                        format!("x{n}{name}"),
                        json!({"formatted": text, "n": [n, 1.5, true, {"a": "b"}]}),
                    );
                }
                if let Some((department, manager, first)) = block {
                    let mut members = Map::new();
                    if let Some(manager) = manager {
                        members.insert("manager".into(), json!({"value": manager}));
                    }
                    members.insert("department".into(), department.into());
                    if !first {
                        members = members.into_iter().rev().collect();
                    }
                    document.insert(ENTERPRISE.into(), members.into());
                }
                document
            })
    }

    proptest! {
        /// Copied text and values taken apart and put together are the same to the byte.
        #[test]
        fn splicing_and_joining_agree(
            stored in documents(),
            id in texts(),
            base in texts(),
            display in prop::option::of(texts()),
            groups in prop::collection::vec((texts(), texts(), any::<bool>()), 0..3),
            excluded in prop::sample::subsequence(vec!["members", "groups", "meta", "id"], 0..=4),
            user: bool,
        ) {
            let kind = if user { Kind::User } else { Kind::Group };
            let named = stored.get(ENTERPRISE).and_then(|block| block["manager"]["value"].as_str());
            let manager = named.map(|id| ManagerRef { id: id.to_owned(), display });
            let members: Vec<MemberRef> = groups.iter()
                .map(|(id, display, user)| MemberRef {
                    id: id.clone(), display: display.clone(), kind: if *user { Kind::User } else { Kind::Group },
                    named: *user,
                })
                .collect();
            let groups: Vec<GroupRef> = groups.into_iter()
                .map(|(id, display, direct)| GroupRef { id, display, direct })
                .collect();
            let derived = Derived { id: &id, meta: META, groups: &groups, members: &members, manager: manager.as_ref() };
            let registry = Registry::standard();
            let projection = Projection::parse(&registry, &[kind], None, Some(&excluded.join(","))).expect("taken");
            prop_assert!(projection.keeps_stored(kind));
            let parts = Parts { kind, derived: &derived, base: &base, plain: is_plain(&base) };
            let text = serde_json::to_string(&stored).expect("JSON");
            prop_assert!(parts.splices(&text).is_some());
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            render(&mut fast, &registry, kind, &text, &derived, &projection, &base);
            write(&mut slow, &projection.apply(&registry, kind, parts.joined(stored)));
            prop_assert_eq!(String::from_utf8(fast).expect("UTF-8"), String::from_utf8(slow).expect("UTF-8"));
        }
    }
}

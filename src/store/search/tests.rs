//! What search promises: SQL finds what `eval` finds, and pages of an order fit together.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::whole::{Stored, Wanted};
use super::*;
use crate::base::Timestamp;
use crate::scim::filter::{eval, parse, parse_for_kinds};
use crate::scim::fold::fold;
use crate::scim::registry::ENTERPRISE;
use crate::scim::schema::Type;
use crate::scim::{Document, Mode, Notes, resource};
use crate::store::By;
use crate::store::testing::{document, store, team};
use crate::store::{Store, WriteTx, index};

/// An extension with an attribute of every type, with one and with several values.
const HR: &str = "urn:example:params:scim:schemas:extension:hr:2.0:User";

/// The standard schemas and `HR`.
fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
        let document = json!({ "id": HR, "name": "HR", "attributes": [
            { "name": "level", "type": "integer" },
            { "name": "rate", "type": "decimal" },
            { "name": "start", "type": "dateTime" },
            { "name": "key", "type": "binary" },
            { "name": "home", "type": "reference", "referenceTypes": ["external"] },
            { "name": "flag", "type": "boolean" },
            { "name": "tags", "multiValued": true, "caseExact": true },
            { "name": "scores", "type": "integer", "multiValued": true },
            { "name": "desk", "type": "complex", "subAttributes": [{ "name": "floor", "type": "integer" }, { "name": "room" }] },
            { "name": "cards", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value", "caseExact": true },
                { "name": "type" },
                { "name": "until", "type": "dateTime" },
                { "name": "limit", "type": "decimal" },
                { "name": "zones", "multiValued": true },
                { "name": "primary", "type": "boolean" },
            ] },
        ] });
        Registry::with_extensions(&[(Kind::User, document)]).expect("a well-formed schema")
    });
    &REGISTRY
}

const BASE: &str = "https://scimd.example.com/scim";

fn insert(store: &Store, team: TeamId, kind: Kind, value: Value) -> Row {
    let doc = document(value);
    let job = move |tx: &mut WriteTx| {
        let id = tx.ids().resource(tx.now());
        let values = index::values(registry(), kind, &doc);
        tx.insert_resource(team, kind, id, &doc, "test", 1, &values)
    };
    store.write_blocking(job).unwrap()
}

fn filter(kind: Kind, text: &str) -> Filter {
    parse(text, registry(), kind, Mode::Strict, &mut Notes::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn search(store: &Store, team: TeamId, kinds: &[(Kind, Option<Filter>)], page: Page) -> Found {
    let registry = registry();
    let query = Query { registry, base: BASE, kinds, sort: None, page };
    store.read_now(|tx| tx.search(team, &query)).unwrap()
}

fn sorted(store: &Store, team: TeamId, path: &str, descending: bool, page: Page) -> Found {
    let registry = registry();
    let paths = [(Kind::User, registry.find(Kind::User, path).unwrap())];
    let sort = Some(Sort { paths: &paths, descending });
    let query = Query { registry, base: BASE, kinds: &[(Kind::User, None)], sort, page };
    store.read_now(|tx| tx.search(team, &query)).unwrap()
}

fn names(found: &Found) -> Vec<&str> {
    found.rows.iter().map(|row| row.display.as_str()).collect()
}

const ALL: Page = Page::Index { start: 1, count: 1000 };

/// Every resource of a kind as a client sees it, by age.
fn wholes(store: &Store, team: TeamId, kind: Kind) -> Vec<(String, Document)> {
    let kinds = [(kind, None)];
    let query = Query { registry: registry(), base: BASE, kinds: &kinds, sort: None, page: ALL };
    let everything = |tx: &ReadTx| -> Result<Vec<(String, Document)>> {
        let rows = tx.search(team, &query)?.rows;
        rows.iter()
            .map(|row| {
                let stored = Stored::of(row)?;
                Ok((row.id.clone(), tx.whole(team, &stored, &Wanted::all(), &query)?))
            })
            .collect()
    };
    store.read_now(everything).unwrap()
}

/// What `eval` finds, asked of every resource one by one.
fn evaluated(store: &Store, team: TeamId, kind: Kind, filter: &Filter) -> Vec<String> {
    let resources = wholes(store, team, kind);
    resources.into_iter().filter(|(_, whole)| eval(filter, whole)).map(|(id, _)| id).collect()
}

fn agree(store: &Store, team: TeamId, kind: Kind, text: &str) {
    let filter = filter(kind, text);
    let found = search(store, team, &[(kind, Some(filter.clone()))], ALL);
    let ids: Vec<String> = found.rows.into_iter().map(|row| row.id).collect();
    assert_eq!(ids, evaluated(store, team, kind, &filter), "{text}");
    assert_eq!(found.total, ids.len() as u64, "{text}");
}

/// Few values, so that filters meet them; with letters that fold in more than one way.
const TEXTS: [&str; 9] =
    ["ada", "Ada", "ADA@example.com", "straße", "STRASSE", "b", "ab", "\u{10FFFF}", "a%_b"];

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned)
}

fn user() -> impl Strategy<Value = Value> {
    let email = (
        prop::option::of(text()),
        prop::option::of(prop::sample::select(vec!["work", "home"])),
        any::<bool>(),
    );
    (
        text(),
        prop::option::of(text()),
        prop::option::of(text()),
        prop::option::of(text()),
        prop::option::of(any::<bool>()),
        prop::collection::vec(email, 0..3),
        prop::option::of(text()),
        prop::option::of(text()),
    )
        .prop_map(|(user_name, external, family, display, active, emails, number, title)| {
            let emails: Vec<Value> = emails
                .into_iter()
                .map(|(value, kind, primary)| json!({ "value": value, "type": kind, "primary": primary }))
                .collect();
            without_nulls(json!({
                "userName": user_name,
                "externalId": external,
                "name": { "familyName": family },
                "displayName": display,
                "active": active,
                "emails": emails,
                "title": title,
                crate::scim::registry::ENTERPRISE: { "employeeNumber": number },
            }))
        })
}

/// Unassigned attributes are not stored (RFC 7643 §2.5).
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, without_nulls(value)))
                .filter(|(_, value)| {
                    !matches!(value, Value::Null) && *value != json!({}) && *value != json!([])
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn leaf() -> impl Strategy<Value = String> {
    let paths = prop::sample::select(vec![
        "userName",
        "externalId",
        "name.familyName",
        "displayName",
        "emails.value",
        "emails.type",
        "title",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    ]);
    let op = prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let sought = prop_oneof![text(), Just(String::new()), Just("a".to_owned()), Just("ss".to_owned())];
    prop_oneof![
        6 => (paths.clone(), op, sought.clone()).prop_map(|(path, op, value)| {
            format!("{path} {op} {}", json!(value))
        }),
        1 => (paths.clone(), prop::sample::select(vec!["eq", "ne"])).prop_map(|(path, op)| format!("{path} {op} null")),
        1 => paths.prop_map(|path| format!("{path} pr")),
        1 => prop::sample::select(vec![
            "active eq true", "active eq false", "active ne true", "active ne false", "active eq null", "active pr",
            "emails[type eq \"work\"]", "emails pr", "groups pr", "meta.resourceType eq \"user\"",
            "groups.display eq \"Dev\"", "groups[type eq \"indirect\"]", "groups.type ne \"direct\"",
            "meta.lastModified ge \"2026-11-23T18:22:12Z\"", "meta.created lt \"2026-11-23T18:22:12Z\"",
            "id eq \"nobody\"", "not (userName eq \"ada\")",
        ]).prop_map(str::to_owned),
        1 => sought.clone().prop_map(|value| format!("emails[value eq {}]", json!(value))),
        1 => sought.prop_map(|value| format!("emails[type eq \"work\" and value sw {}]", json!(value))),
    ]
}

fn tree() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} and {right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} or {right})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sql_finds_what_eval_finds(
        users in prop::collection::vec(user(), 1..12),
        filters in prop::collection::vec(tree(), 12),
        members in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let mut rows = Vec::new();
        for (number, mut user) in users.into_iter().enumerate() {
            // userName is unique; the number keeps the vocabulary and makes it so.
            let name = format!("{}{number}", user["userName"].as_str().unwrap_or_default());
            user["userName"] = if number == 0 { user["userName"].clone() } else { json!(name) };
            rows.push(insert(&store, acme, Kind::User, user));
            clock.advance(std::time::Duration::from_millis(300));
        }
        let dev = insert(&store, acme, Kind::Group, json!({ "displayName": "Dev" }));
        let all = insert(&store, acme, Kind::Group, json!({ "displayName": "All" }));
        let numbers: Vec<i64> = members.iter().map(|index| rows[index.index(rows.len())].n).collect();
        let (dev_id, all_id, one) = (dev.id.clone(), all.id.clone(), rows[0].id.clone());
        store.write_blocking(move |tx| -> Result<()> {
            tx.add_numbers(acme, &dev, &numbers)?;
            tx.add_numbers(acme, &all, &[dev.n]).map(drop)
        }).unwrap();
        for text in &filters {
            agree(&store, acme, Kind::User, text);
        }
        for id in [&dev_id, &all_id] {
            agree(&store, acme, Kind::User, &format!("groups.value eq \"{id}\""));
            agree(&store, acme, Kind::User, &format!("groups[value eq \"{id}\" and type eq \"direct\"]"));
            agree(&store, acme, Kind::User, &format!("not (groups.value eq \"{id}\")"));
            agree(&store, acme, Kind::Group, &format!("members.value eq \"{id}\" or members[value eq \"{one}\"]"));
            agree(&store, acme, Kind::Group, &format!("members.value ne \"{id}\""));
        }
        for text in ["members pr", "members.value eq null", "not (members.value ne null)", "displayName sw \"d\"",
            "members.type eq \"Group\"", "members[display eq \"dev\"]", "meta.resourceType eq \"User\""] {
            agree(&store, acme, Kind::Group, text);
        }
    }
}

/// A type of attribute, for values that both documents and filters take from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Typed {
    Text,
    Kind,
    Address,
    Boolean,
    Number,
    Instant,
    Binary,
}

impl Typed {
    fn values(self) -> Vec<Value> {
        match self {
            Typed::Text => TEXTS.iter().map(|text| json!(text)).chain([json!("")]).collect(),
            Typed::Kind => vec![json!("work"), json!("Work"), json!("home")],
            Typed::Address => {
                vec![json!("https://example.com/a"), json!("https://example.com/A"), json!("urn:x:y")]
            }
            Typed::Boolean => vec![json!(true), json!(false)],
            Typed::Number => vec![json!(-1), json!(0), json!(1), json!(10), json!(9_007_199_254_740_991_i64)],
            Typed::Instant => vec![
                json!("2020-01-01T00:00:00Z"),
                json!("2020-01-01T01:00:00+01:00"),
                json!("2019-12-31T23:59:59.5Z"),
                json!("2021-06-01T12:00:00.123Z"),
            ],
            Typed::Binary => vec![json!("QUJD"), json!("qujd"), json!("QQ==")],
        }
    }

    fn operators(self) -> &'static [&'static str] {
        match self {
            Typed::Text | Typed::Kind | Typed::Address => {
                &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]
            }
            Typed::Boolean | Typed::Binary => &["eq", "ne"],
            Typed::Number | Typed::Instant => &["eq", "ne", "gt", "ge", "lt", "le"],
        }
    }

    fn value(self) -> impl Strategy<Value = Value> {
        prop::sample::select(self.values())
    }
}

type Paths = &'static [(&'static str, Typed)];
/// Paths as a filter writes them.
type Written = Vec<(String, Typed)>;
/// Lists, and the sub-attributes of their values.
type Lists = Vec<(String, Paths)>;

const MAILS: Paths =
    &[("value", Typed::Text), ("type", Typed::Kind), ("display", Typed::Text), ("primary", Typed::Boolean)];
const PLACES: Paths = &[("locality", Typed::Text), ("type", Typed::Kind), ("primary", Typed::Boolean)];
const CARDS: Paths = &[
    ("value", Typed::Text),
    ("type", Typed::Kind),
    ("until", Typed::Instant),
    ("limit", Typed::Number),
    ("zones", Typed::Text),
    ("primary", Typed::Boolean),
];
const MEMBERS: Paths = &[("value", Typed::Text), ("type", Typed::Kind), ("display", Typed::Text)];

/// What a kind of resource is searched by: paths of its own and of `HR`, and lists with their sub-attributes.
fn searched(kind: Kind) -> (Written, Lists) {
    let own =
        |paths: Paths| paths.iter().map(|(path, typed)| ((*path).to_owned(), *typed)).collect::<Vec<_>>();
    if kind == Kind::Group {
        let paths: Paths = &[
            ("displayName", Typed::Text),
            ("externalId", Typed::Text),
            ("members.value", Typed::Text),
            ("members", Typed::Text),
            ("members.type", Typed::Kind),
            ("members.display", Typed::Text),
            ("members.$ref", Typed::Address),
        ];
        return (own(paths), vec![("members".into(), MEMBERS)]);
    }
    let paths: Paths = &[
        ("userName", Typed::Text),
        ("externalId", Typed::Text),
        ("displayName", Typed::Text),
        ("title", Typed::Text),
        ("active", Typed::Boolean),
        ("name.familyName", Typed::Text),
        ("name.givenName", Typed::Text),
        ("profileUrl", Typed::Address),
        ("emails", Typed::Text),
        ("emails.value", Typed::Text),
        ("emails.type", Typed::Kind),
        ("emails.display", Typed::Text),
        ("emails.primary", Typed::Boolean),
        ("photos.value", Typed::Address),
        ("addresses.locality", Typed::Text),
        ("addresses.primary", Typed::Boolean),
        ("x509Certificates.value", Typed::Binary),
        ("groups.value", Typed::Text),
        ("groups.display", Typed::Text),
        ("groups.type", Typed::Kind),
        ("meta.created", Typed::Instant),
        ("meta.location", Typed::Address),
        ("schemas", Typed::Address),
    ];
    let more: Paths = &[
        ("level", Typed::Number),
        ("rate", Typed::Number),
        ("start", Typed::Instant),
        ("key", Typed::Binary),
        ("home", Typed::Address),
        ("flag", Typed::Boolean),
        ("tags", Typed::Text),
        ("scores", Typed::Number),
        ("desk.floor", Typed::Number),
        ("desk.room", Typed::Text),
        ("cards", Typed::Text),
        ("cards.value", Typed::Text),
        ("cards.until", Typed::Instant),
        ("cards.limit", Typed::Number),
        ("cards.zones", Typed::Text),
        ("cards.primary", Typed::Boolean),
    ];
    let mut all = own(paths);
    all.extend(more.iter().map(|(path, typed)| (format!("{HR}:{path}"), *typed)));
    all.push((format!("{ENTERPRISE}:department"), Typed::Text));
    all.push((format!("{ENTERPRISE}:manager.value"), Typed::Text));
    let lists = vec![
        ("emails".into(), MAILS),
        ("addresses".into(), PLACES),
        (format!("{HR}:cards"), CARDS),
        ("groups".into(), MEMBERS),
        (format!("{HR}:tags"), &[("value", Typed::Text)][..]),
    ];
    (all, lists)
}

/// A comparison of one of the paths, each operator and value of its type, null and presence among them.
fn compared(paths: Written) -> impl Strategy<Value = String> {
    prop::sample::select(paths).prop_flat_map(|(path, typed)| {
        let (present, nulls) = (format!("{path} pr"), path.clone());
        prop_oneof![
            8 => (prop::sample::select(typed.operators()), typed.value()).prop_map(move |(op, value)| format!("{path} {op} {value}")),
            1 => Just(present),
            1 => prop::sample::select(vec!["eq", "ne"]).prop_map(move |op| format!("{nulls} {op} null")),
        ]
    })
}

fn joined(leaf: impl Strategy<Value = String> + 'static, depth: u32) -> impl Strategy<Value = String> {
    leaf.prop_recursive(depth, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) and ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) or ({right})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// Any filter for a kind of resource, value paths with trees of their own among them.
fn filters(kind: Kind) -> impl Strategy<Value = String> {
    let (paths, lists) = searched(kind);
    let within = prop::sample::select(lists).prop_flat_map(|(path, subs)| {
        let subs = subs.iter().map(|(sub, typed)| ((*sub).to_owned(), *typed)).collect();
        joined(compared(subs), 2).prop_map(move |inner| format!("{path}[{inner}]"))
    });
    joined(prop_oneof![3 => compared(paths), 1 => within], 3)
}

/// An object with some of the members.
fn some_of(paths: Paths) -> impl Strategy<Value = Value> {
    let member = |(name, typed): &(&'static str, Typed)| {
        let (name, list) = (*name, *name == "zones");
        prop::option::weighted(0.6, typed.value())
            .prop_map(move |value| (name, value.map(|value| if list { json!([value]) } else { value })))
    };
    let members: Vec<_> = paths.iter().map(member).collect();
    members.prop_map(|members| {
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

/// A user with values of every type, in lists too; two primaries become one as they are read.
fn anybody() -> impl Strategy<Value = Value> {
    let own: Paths = &[
        ("externalId", Typed::Text),
        ("displayName", Typed::Text),
        ("title", Typed::Text),
        ("active", Typed::Boolean),
        ("profileUrl", Typed::Address),
    ];
    let name: Paths = &[("familyName", Typed::Text), ("givenName", Typed::Text)];
    let more: Paths = &[
        ("level", Typed::Number),
        ("rate", Typed::Number),
        ("start", Typed::Instant),
        ("key", Typed::Binary),
        ("home", Typed::Address),
        ("flag", Typed::Boolean),
    ];
    let desk: Paths = &[("floor", Typed::Number), ("room", Typed::Text)];
    let list = |paths: Paths| prop::collection::vec(some_of(paths), 0..3);
    let plain = |typed: Typed| prop::collection::vec(typed.value(), 0..3);
    let core = (
        some_of(own),
        some_of(name),
        list(MAILS),
        list(PLACES),
        list(&[("value", Typed::Address)]),
        list(&[("value", Typed::Binary)]),
    );
    let extended = (
        some_of(more),
        some_of(desk),
        list(CARDS),
        plain(Typed::Text),
        plain(Typed::Number),
        some_of(&[("department", Typed::Text)]),
    );
    (core, extended).prop_map(|((own, name, emails, addresses, photos, certificates), (more, desk, cards, tags, scores, work))| {
        let joined = |mut one: Value, other: Value| {
            let (into, from) = (one.as_object_mut().expect("an object"), document(other));
            into.extend(from);
            one
        };
        let lists = json!({ "desk": desk, "cards": cards, "tags": tags, "scores": scores });
        let photos: Vec<Value> = photos.into_iter().filter(|photo| *photo != json!({})).collect();
        joined(own, json!({ "schemas": [Kind::User.urn(), ENTERPRISE, HR], "name": name, "emails": emails, "addresses": addresses,
            "photos": photos, "x509Certificates": certificates, ENTERPRISE: work, HR: joined(more, lists) }))
    })
}

/// The body as it is stored.
fn stored(mut body: Value, number: usize) -> Value {
    body["userName"] = json!(format!("{}{number}", TEXTS[number % TEXTS.len()]));
    let parsed = resource::parse(registry(), Kind::User, &body, Mode::Compat);
    Value::Object(parsed.unwrap_or_else(|error| panic!("{body}: {error}")).document)
}

/// A number as a text of the same order.
fn ordered(number: f64) -> String {
    let bits = number.to_bits();
    format!("{:020}", if number < 0.0 { !bits } else { bits | 1 << 63 })
}

/// How resources stand in an order, found without the store: by the primary value or else the first, what has none last.
fn naively_sorted(wholes: &[(String, Document)], path: &AttrPath, descending: bool) -> Vec<String> {
    let one = |whole: &Document| -> Option<Value> {
        let container = match &path.extension {
            None => whole,
            Some(urn) => whole.get(&**urn)?.as_object()?,
        };
        let value = container.get(&path.attribute.name)?;
        let of = |value: &Value| match &path.sub {
            Some(sub) => value.get(&sub.name).cloned(),
            None => Some(value.clone()),
        };
        let Value::Array(values) = value else { return of(value) };
        let primary = values.iter().find(|value| value.get("primary") == Some(&json!(true))).and_then(of);
        primary.or_else(|| values.iter().find_map(of))
    };
    let key = |whole: &Document| match (path.leaf().kind, one(whole)) {
        (_, None) => (1, String::new()),
        (Type::String, Some(Value::String(text))) if !path.leaf().case_exact => (0, fold(&text)),
        (Type::DateTime, Some(Value::String(text))) => {
            (0, format!("{:020}", Timestamp::parse(&text).expect("an instant").0))
        }
        (_, Some(Value::Number(number))) => (0, ordered(number.as_f64().expect("a number"))),
        (_, Some(Value::String(text))) => (0, text),
        (_, Some(other)) => (0, other.to_string()),
    };
    let mut order: Vec<(usize, &(String, Document))> = wholes.iter().enumerate().collect();
    order.sort_by_key(|(age, (_, whole))| (key(whole), *age));
    if descending {
        order.reverse();
    }
    order.into_iter().map(|(_, (id, _))| id.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sql_finds_what_eval_finds_of_every_type_and_in_every_list(
        bodies in prop::collection::vec(anybody(), 1..10),
        of_users in prop::collection::vec(filters(Kind::User), 24),
        of_groups in prop::collection::vec(filters(Kind::Group), 8),
        members in prop::collection::vec((0..3_usize, any::<prop::sample::Index>()), 0..8),
    ) {
        let (store, clock) = store();
        let acme = team(&store, "Acme");
        let mut rows = Vec::new();
        for (number, body) in bodies.into_iter().enumerate() {
            rows.push(insert(&store, acme, Kind::User, stored(body, number)));
            clock.advance(std::time::Duration::from_millis(300));
        }
        let groups = ["ada", "Straße", ""].map(|name| insert(&store, acme, Kind::Group, json!({ "displayName": name, "externalId": name })));
        let edges: Vec<(Row, i64)> = members
            .iter()
            .map(|(group, index)| (groups[*group].clone(), rows[index.index(rows.len())].n))
            .chain([(groups[2].clone(), groups[0].n)])
            .collect();
        store.write_blocking(move |tx| -> Result<()> {
            edges.iter().try_for_each(|(group, member)| tx.add_numbers(acme, group, &[*member]).map(drop))
        }).unwrap();
        for text in &of_users {
            agree(&store, acme, Kind::User, text);
        }
        for text in &of_groups {
            agree(&store, acme, Kind::Group, text);
        }
        // At the root each kind is asked by the same text; what only the other kind has is unassigned there.
        for text in of_users.iter().take(6).chain(of_groups.iter().take(3)) {
            let kinds = parse_for_kinds(text, registry(), &[Kind::User, Kind::Group], Mode::Strict, &mut Notes::default());
            let kinds = kinds.unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut wanted: Vec<String> = kinds.iter().flat_map(|(kind, filter)| evaluated(&store, acme, *kind, filter)).collect();
            let kinds: Vec<_> = kinds.into_iter().map(|(kind, filter)| (kind, Some(filter))).collect();
            let mut found: Vec<String> = search(&store, acme, &kinds, ALL).rows.into_iter().map(|row| row.id).collect();
            wanted.sort();
            found.sort();
            prop_assert_eq!(found, wanted, "{}", text);
        }
        let everybody = wholes(&store, acme, Kind::User);
        for path in ["title", "emails.value", "emails.type", "name.familyName", "profileUrl", "addresses.locality", "externalId",
            &format!("{HR}:level"), &format!("{HR}:rate"), &format!("{HR}:start"), &format!("{HR}:flag"), &format!("{HR}:tags"),
            &format!("{HR}:scores"), &format!("{HR}:desk.floor"), &format!("{HR}:cards.until"), &format!("{HR}:cards.value")] {
            for descending in [false, true] {
                let found: Vec<String> = sorted(&store, acme, path, descending, ALL).rows.into_iter().map(|row| row.id).collect();
                let wanted = naively_sorted(&everybody, &registry().find(Kind::User, path).unwrap(), descending);
                prop_assert_eq!(found, wanted, "{} {}", path, descending);
            }
        }
    }
}

fn ten(store: &Store) -> TeamId {
    let acme = team(store, "Acme");
    for number in 0..10 {
        insert(
            store,
            acme,
            Kind::User,
            json!({ "userName": format!("u{number}"), "title": format!("t{}", number % 3) }),
        );
    }
    acme
}

#[test]
fn a_page_by_index_knows_its_neighbours() {
    let (store, _clock) = store();
    let acme = ten(&store);
    let page = |start, count| search(&store, acme, &[(Kind::User, None)], Page::Index { start, count });
    assert_eq!(names(&page(1, 3)), ["u0", "u1", "u2"]);
    assert_eq!(names(&page(9, 5)), ["u8", "u9"]);
    assert_eq!(names(&page(0, 1)), ["u0"]);
    for (start, count) in [(11, 5), (1, 0), (u64::MAX, u64::MAX)] {
        let found = page(start, count);
        assert_eq!((names(&found).len(), found.total), (0, 10), "{start} {count}");
    }
    assert!(page(1, 10).next.is_none() && page(1, 10).previous.is_none());
    assert!(page(2, 3).next.is_some() && page(2, 3).previous.is_some());
}

#[test]
fn a_deep_page_begins_by_the_sums_of_runs_even_with_holes() {
    let (store, _clock) = store();
    let acme = team(&store, "Acme");
    let job = move |tx: &mut WriteTx| -> Result<()> {
        for number in 0..3000 {
            let doc = document(json!({ "userName": format!("u{number}") }));
            let row = tx.insert_resource(acme, Kind::User, format!("id-{number}"), &doc, "test", 1, &[])?;
            if number < 1500 && number % 2 == 0 {
                tx.delete_resource(acme, &row, By::default())?;
            }
        }
        Ok(())
    };
    store.write_blocking(job).unwrap();
    let everything = search(&store, acme, &[(Kind::User, None)], Page::Index { start: 1, count: 5000 });
    assert_eq!((everything.total, everything.rows.len()), (2250, 2250));
    for kinds in [&[(Kind::User, None)][..], &[(Kind::User, None), (Kind::Group, None)]] {
        for start in [1, 2, 511, 512, 513, 1000, 1125, 1126, 1127, 1274, 1275, 1700, 2249, 2250] {
            let page = search(&store, acme, kinds, Page::Index { start, count: 2 });
            let skipped = start as usize - 1;
            let expected: Vec<&Row> = everything.rows.iter().skip(skipped).take(2).collect();
            assert_eq!(page.rows.iter().collect::<Vec<_>>(), expected, "{start}");
            let (_, rest) = store.read_now(|tx| tx.beginning(acme, kinds, start - 1, 2250)).unwrap();
            assert!(rest < RUN as u64, "{start}: {rest} rows are walked past");
        }
    }
}

#[test]
fn places_lead_on_and_back_while_others_come_and_go() {
    let (store, _clock) = store();
    let acme = ten(&store);
    let kinds = [(Kind::User, Some(filter(Kind::User, "userName sw \"u\"")))];
    for kinds in [&[(Kind::User, None)][..], &kinds] {
        let first = search(&store, acme, kinds, Page::After { place: None, count: 4 });
        assert_eq!(names(&first), ["u0", "u1", "u2", "u3"]);
        assert_eq!(first.previous, None);
        let second = search(&store, acme, kinds, Page::After { place: first.next, count: 4 });
        assert_eq!(names(&second), ["u4", "u5", "u6", "u7"]);
        let place = second.previous.clone().unwrap();
        assert_eq!(names(&search(&store, acme, kinds, Page::Before { place, count: 3 })), ["u1", "u2", "u3"]);
        let last = search(&store, acme, kinds, Page::After { place: second.next, count: 4 });
        assert_eq!((names(&last), last.next.is_none()), (vec!["u8", "u9"], true));
    }
}

#[test]
fn a_way_back_to_where_nothing_is_left_knows_the_way_on() {
    for (path, descending) in [(None, false), (Some("title"), false), (Some("title"), true)] {
        let (store, _clock) = store();
        let acme = ten(&store);
        let page = |page: Page| match path {
            None => search(&store, acme, &[(Kind::User, None)], page),
            Some(path) => sorted(&store, acme, path, descending, page),
        };
        let gone = page(Page::After { place: None, count: 3 });
        let back = page(Page::After { place: gone.next, count: 3 }).previous.expect("a way back");
        let rows = gone.rows;
        store
            .write_blocking(move |tx| -> Result<()> {
                rows.iter().try_for_each(|row| tx.delete_resource(acme, row, By::default()).map(drop))
            })
            .unwrap();
        let nothing = page(Page::Before { place: back, count: 3 });
        assert_eq!((names(&nothing).len(), nothing.previous), (0, None));
        assert!(nothing.next.is_some(), "seven are left behind it");
        let rest = page(Page::After { place: nothing.next, count: 99 });
        assert_eq!(names(&rest), names(&page(ALL)), "{path:?}");
    }
}

#[test]
fn order_puts_missing_values_last_and_turns_round_whole() {
    let (store, _clock) = store();
    let acme = team(&store, "Acme");
    for (name, family) in
        [("a", Some("Zoe")), ("b", None), ("c", Some("ähre")), ("d", Some("ZOE")), ("e", None)]
    {
        let user = match family {
            Some(family) => {
                json!({ "userName": name, "displayName": name, "name": { "familyName": family } })
            }
            None => json!({ "userName": name, "displayName": name }),
        };
        insert(&store, acme, Kind::User, user);
    }
    assert_eq!(names(&sorted(&store, acme, "name.familyName", false, ALL)), ["a", "d", "c", "b", "e"]);
    assert_eq!(names(&sorted(&store, acme, "name.familyName", true, ALL)), ["e", "b", "c", "d", "a"]);
    let first = sorted(&store, acme, "name.familyName", true, Page::After { place: None, count: 3 });
    let rest = sorted(&store, acme, "name.familyName", true, Page::After { place: first.next, count: 9 });
    assert_eq!(names(&rest), ["d", "a"]);
}

#[test]
fn a_multi_valued_attribute_sorts_by_its_primary_value() {
    let (store, _clock) = store();
    let acme = team(&store, "Acme");
    let emails =
        |first: &str, second: &str| json!([{ "value": first }, { "value": second, "primary": true }]);
    insert(
        &store,
        acme,
        Kind::User,
        json!({ "userName": "x", "emails": emails("a@example.com", "z@example.com") }),
    );
    insert(
        &store,
        acme,
        Kind::User,
        json!({ "userName": "y", "emails": emails("b@example.com", "c@example.com") }),
    );
    assert_eq!(names(&sorted(&store, acme, "emails.value", false, ALL)), ["y", "x"]);
    assert_eq!(names(&sorted(&store, acme, "title", false, ALL)), ["x", "y"]);
    assert_eq!(names(&sorted(&store, acme, "meta.created", true, ALL)), ["y", "x"]);
}

#[test]
fn both_kinds_come_by_age_in_one_list() {
    let (store, _clock) = store();
    let acme = team(&store, "Acme");
    for number in 0..4 {
        insert(&store, acme, Kind::User, json!({ "userName": format!("u{number}") }));
        insert(&store, acme, Kind::Group, json!({ "displayName": format!("g{number}") }));
    }
    let both = [(Kind::User, None), (Kind::Group, None)];
    let page = search(&store, acme, &both, Page::Index { start: 3, count: 3 });
    assert_eq!((names(&page), page.total), (vec!["u1", "g1", "u2"], 8));
    let place = page.previous.unwrap();
    assert_eq!(names(&search(&store, acme, &both, Page::Before { place, count: 9 })), ["u0", "g0"]);
}

#[test]
fn nothing_is_found_in_another_team() {
    let (store, _clock) = store();
    let acme = ten(&store);
    let other = team(&store, "Other");
    let row = store.read_now(|tx| tx.resource_by_value(acme, Kind::User, "userName", "u3")).unwrap().unwrap();
    for text in ["userName eq \"u3\"", "userName pr", "title eq \"t1\"", &format!("id eq \"{}\"", row.id)] {
        let kinds = [(Kind::User, Some(filter(Kind::User, text)))];
        assert!(search(&store, acme, &kinds, ALL).total > 0, "{text}");
        assert_eq!(search(&store, other, &kinds, ALL).total, 0, "{text}");
    }
}

#[test]
fn a_filter_leads_sqlite_to_the_index() {
    let (store, _clock) = store();
    let acme = ten(&store);
    for (text, index) in [
        ("userName sw \"u\" and title pr", "INTEGER PRIMARY KEY (rowid=?)"),
        ("emails[type eq \"work\" and value eq \"x\"]", "INTEGER PRIMARY KEY (rowid=?)"),
        ("meta.lastModified gt \"2026-11-23T18:22:12Z\"", "resource_modified"),
        ("id eq \"x\"", "resource_id"),
        ("active eq false", "INTEGER PRIMARY KEY (rowid=?)"),
        ("groups.value eq \"x\"", "INTEGER PRIMARY KEY (rowid=?)"),
    ] {
        let filter = filter(Kind::User, text);
        let plan = store.read_now(|tx| tx.plan(acme, Kind::User, &filter)).unwrap();
        assert!(
            plan.iter().any(|step| step.contains("SEARCH r ") && step.contains(index)),
            "{text}: {plan:?}"
        );
    }
}

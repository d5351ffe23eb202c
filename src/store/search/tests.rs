//! What search promises: SQL finds what `eval` finds, and pages of an order fit together.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::whole::{Stored, Wanted};
use super::*;
use crate::scim::filter::{eval, parse};
use crate::scim::{Document, Mode, Notes};
use crate::store::testing::{document, store, team};
use crate::store::{Store, WriteTx, index};

const BASE: &str = "https://scimd.example.com/scim";

fn insert(store: &Store, team: TeamId, kind: Kind, value: Value) -> Row {
    let doc = document(value);
    let job = move |tx: &mut WriteTx| {
        let id = tx.ids().resource(tx.now());
        let values = index::values(&Registry::standard(), kind, &doc);
        tx.insert_resource(team, kind, id, &doc, "test", 1, &values)
    };
    store.write_blocking(job).unwrap()
}

fn filter(kind: Kind, text: &str) -> Filter {
    parse(text, &Registry::standard(), kind, Mode::Strict, &mut Notes::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn search(store: &Store, team: TeamId, kinds: &[(Kind, Option<Filter>)], page: Page) -> Found {
    let registry = Registry::standard();
    let query = Query { registry: &registry, base: BASE, kinds, sort: None, page };
    store.read_now(|tx| tx.search(team, &query)).unwrap()
}

fn sorted(store: &Store, team: TeamId, path: &str, descending: bool, page: Page) -> Found {
    let registry = Registry::standard();
    let paths = [(Kind::User, registry.find(Kind::User, path).unwrap())];
    let sort = Some(Sort { paths: &paths, descending });
    let query = Query { registry: &registry, base: BASE, kinds: &[(Kind::User, None)], sort, page };
    store.read_now(|tx| tx.search(team, &query)).unwrap()
}

fn names(found: &Found) -> Vec<&str> {
    found.rows.iter().map(|row| row.display.as_str()).collect()
}

const ALL: Page = Page::Index { start: 1, count: 1000 };

/// What `eval` finds, asked of every resource one by one.
fn evaluated(store: &Store, team: TeamId, kind: Kind, filter: &Filter) -> Vec<String> {
    let registry = Registry::standard();
    let kinds = [(kind, None)];
    let query = Query { registry: &registry, base: BASE, kinds: &kinds, sort: None, page: ALL };
    let everything = |tx: &ReadTx| -> Result<Vec<(String, Document)>> {
        let rows = tx.search(team, &query)?.rows;
        rows.iter()
            .map(|row| {
                let stored = Stored::of(row)?;
                Ok((row.id.clone(), tx.whole(team, &stored, &Wanted::all(), &query)?))
            })
            .collect()
    };
    let resources = store.read_now(everything).unwrap();
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
            tx.add_members(acme, &dev, &numbers)?;
            tx.add_members(acme, &all, &[dev.n]).map(drop)
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
                tx.delete_resource(acme, &row, None)?;
            }
        }
        Ok(())
    };
    store.write_blocking(job).unwrap();
    let everything = search(&store, acme, &[(Kind::User, None)], Page::Index { start: 1, count: 5000 });
    assert_eq!((everything.total, everything.rows.len()), (2250, 2250));
    for start in [1, 2, 511, 512, 513, 1000, 1700, 2250] {
        let page = search(&store, acme, &[(Kind::User, None)], Page::Index { start, count: 2 });
        let skipped = start as usize - 1;
        let expected: Vec<&Row> = everything.rows.iter().skip(skipped).take(2).collect();
        assert_eq!(page.rows.iter().collect::<Vec<_>>(), expected, "{start}");
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
                rows.iter().try_for_each(|row| tx.delete_resource(acme, row, None).map(drop))
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

//! What filters read, refuse, print and find.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::scim::registry::ENTERPRISE;
use crate::scim::schema::Type;
use crate::scim::{Leniency, ScimType};

fn read(text: &str, kind: Kind, mode: Mode) -> Result<Filter, ScimError> {
    parse(text, &Registry::standard(), kind, mode, &mut Notes::default())
}

fn user(text: &str) -> Filter {
    read(text, Kind::User, Mode::Strict).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str, mode: Mode) -> String {
    let error = read(text, Kind::User, mode).expect_err(text);
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
    error.detail
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn barbara() -> Map<String, Value> {
    object(json!({
        "schemas": [Kind::User.urn(), ENTERPRISE],
        "id": "01a2-User",
        "externalId": "Ext-1",
        "userName": "Barbara@Example.com",
        "name": {"givenName": "Barbara", "familyName": "O'Malley"},
        "active": true,
        "emails": [
            {"value": "barbara@example.com", "type": "work", "primary": true},
            {"value": "babs@example.org", "type": "home"},
            {"value": "untyped@example.net"}
        ],
        "groups": [{"value": "g1", "display": "Staff", "type": "direct"}],
        "meta": {
            "resourceType": "User",
            "created": "2026-01-01T00:00:00.000Z",
            "lastModified": "2026-06-01T12:00:00.000Z",
            "version": "W/\"3\""
        },
        ENTERPRISE: {"department": "Straße", "manager": {"value": "m-1", "displayName": "Max"}}
    }))
}

fn matches(text: &str) -> bool {
    eval(&user(text), &barbara())
}

#[test]
fn every_operator_in_any_case() {
    for (text, expected) in [
        ("userName eq \"barbara@example.com\"", true),
        ("USERNAME Eq \"BARBARA@example.COM\"", true),
        ("userName ne \"barbara@example.com\"", false),
        ("userName NE \"other\"", true),
        ("userName co \"RA@EX\"", true),
        ("userName sw \"barb\"", true),
        ("userName sw \"arb\"", false),
        ("userName ew \".com\"", true),
        ("userName ew \".co\"", false),
        ("userName pR", true),
        ("title pr", false),
        ("userName gt \"a\"", true),
        ("userName ge \"barbara@example.com\"", true),
        ("userName gt \"barbara@example.com\"", false),
        ("userName lt \"C\"", true),
        ("userName le \"barbara@example.com\"", true),
        ("title gt \"a\"", false),
        ("title lt \"z\"", false),
        ("title co \"\"", false),
    ] {
        assert_eq!(matches(text), expected, "{text}");
    }
}

#[test]
fn not_binds_before_and_and_before_or() {
    assert!(matches("active eq true or active eq false and title pr"));
    assert!(!matches("(active eq true or active eq false) and title pr"));
    assert!(matches("not (title pr) and active eq true"));
    assert!(!matches("not (title pr or active eq true)"));
    assert!(matches("NOT(title pr) AND active eq true OR title pr"));
    assert_eq!(
        user("title pr or userType pr and nickName pr").to_string(),
        "title pr or userType pr and nickName pr"
    );
}

#[test]
fn the_unassigned_equals_null() {
    for (text, expected) in [
        ("title eq null", true),
        ("title ne null", false),
        ("title ne \"x\"", true),
        ("title eq \"x\"", false),
        ("not (title eq \"x\")", true),
        ("userName eq null", false),
        ("userName ne null", true),
        ("name eq null", false),
        ("name.middleName eq null", true),
        ("photos eq null", true),
        ("photos ne null", false),
        ("photos.type ne \"thumbnail\"", true),
        ("emails.type eq null", true),
        ("emails.type ne null", true),
        ("timezone eq null", true),
    ] {
        assert_eq!(matches(text), expected, "{text}");
    }
    let inactive = object(json!({"userName": "x"}));
    assert!(!eval(&user("active eq false"), &inactive));
    assert!(eval(&user("active ne true"), &inactive));
}

#[test]
fn any_of_several_values_decides() {
    for (text, expected) in [
        ("emails.type eq \"home\"", true),
        ("emails.type ne \"home\"", true),
        ("not (emails.type eq \"home\")", false),
        ("emails eq \"BABS@example.org\"", true),
        ("emails co \"example.org\"", true),
        ("emails.value ew \"@example.net\"", true),
        ("schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", true),
        ("schemas eq \"urn:example:2.0:Other\"", false),
        ("groups eq \"g1\"", true),
        ("groups.display eq \"staff\"", true),
        ("emails pr", true),
        ("emails.primary eq true", true),
    ] {
        assert_eq!(matches(text), expected, "{text}");
    }
}

#[test]
fn one_value_must_satisfy_a_whole_value_path() {
    for (text, expected) in [
        ("emails[type eq \"work\" and value co \"@example.com\"]", true),
        ("emails[type eq \"work\" and value co \"@example.org\"]", false),
        ("emails[type eq \"home\" and not (value co \".com\")]", true),
        ("emails[type eq null]", true),
        ("emails[primary eq true and type eq \"home\"]", false),
        ("photos[not (type eq \"photo\")]", false),
        ("schemas[value co \"enterprise\"]", true),
        ("name[givenName eq \"barbara\" and familyName sw \"O'\"]", true),
        ("emails[type eq \"work\"] and active eq true", true),
        ("emails[primary eq false]", true),
        ("emails[primary eq false and type eq \"work\"]", false),
        ("emails.primary eq false", true),
        ("emails[primary eq null]", false),
        ("ims.primary eq false", false),
    ] {
        assert_eq!(matches(text), expected, "{text}");
    }
}

#[test]
fn values_compare_by_their_type() {
    for (text, expected) in [
        ("meta.lastModified gt \"2026-06-01T11:59:59Z\"", true),
        ("meta.lastModified eq \"2026-06-01T14:00:00+02:00\"", true),
        ("meta.lastModified lt \"2026-06-01T12:00:00.001Z\"", true),
        ("meta.resourceType eq \"User\"", true),
        ("id eq \"01a2-User\"", true),
        ("id eq \"01A2-USER\"", false),
        ("externalId eq \"Ext-1\"", true),
        ("externalId eq \"ext-1\"", false),
        ("active eq true", true),
        ("active ne false", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"STRASSE\"", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"m-1\"", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName eq \"max\"", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName co \"o'mall\"", true),
        ("name.familyName eq \"O\\u0027Malley\"", true),
    ] {
        assert_eq!(matches(text), expected, "{text}");
    }
}

#[test]
fn members_of_groups_are_found() {
    let group = object(
        json!({"displayName": "Staff", "members": [{"value": "u1", "type": "User", "display": "Max"}]}),
    );
    for (text, expected) in [
        ("members eq \"u1\"", true),
        ("members.value eq \"u2\"", false),
        ("members[value eq \"u1\" and type eq \"User\"]", true),
        ("displayName eq \"STAFF\"", true),
    ] {
        let filter = read(text, Kind::Group, Mode::Strict).expect(text);
        assert_eq!(eval(&filter, &group), expected, "{text}");
    }
}

#[test]
fn faults_name_the_place_and_what_was_expected() {
    for (text, words) in [
        ("", "empty"),
        ("   ", "empty"),
        ("userName", "at character 9: expected an operator such as eq, found the end"),
        ("userName eq", "expected a text in double quotes"),
        (
            "userName regex \"x\"",
            "The filter is wrong at character 10: the operator \"regex\" is not supported",
        ),
        ("userName eq x", "found \"x\""),
        ("userName eq 'x'", "double quotes"),
        ("userName eq \"x\" and", "expected an attribute"),
        ("userName eq \"x\" userName eq \"y\"", "expected \"and\", \"or\" or the end"),
        ("(userName eq \"x\"", "or \")\", found the end"),
        ("userName eq \"x\")", "found \")\""),
        ("not userName eq \"x\"", "expected \"(\" after \"not\""),
        ("userName eq\"x\"", "at character 12: a blank must stand between operator and value"),
        ("(title pr)and (active pr)", "a blank must stand on either side of \"and\""),
        ("title pr or(active pr)", "a blank must stand on either side of \"or\""),
        ("userName eq \"x\"or title pr", "a blank must stand on either side of \"or\""),
        ("emails[type eq \"work\"", "or \"]\", found the end"),
        ("emails[]", "found \"]\""),
        ("emails[value[x eq 1]]", "cannot stand inside another"),
        ("emails [type eq \"work\"]", "follow the attribute at once"),
        ("userName[value eq \"x\"]", "has no values to select from"),
        ("emails.type[value eq \"x\"]", "has no values to select from"),
        ("shoeSize eq 5", "\"shoeSize\" is not an attribute of a User"),
        ("emails.colour eq \"x\"", "emails.colour"),
        ("emails[colour eq \"x\"]", "\"colour\" is not a sub-attribute of emails"),
        ("urn:example:2.0:Shoe:size eq 5", "urn:example:2.0:Shoe:size"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", "is a schema"),
        ("members eq \"x\"", "\"members\" is not an attribute"),
        ("name.a.b eq 1", "more than one dot"),
        ("addresses eq \"x\"", "addresses.locality"),
        ("name co \"x\"", "name is complex"),
        ("active gt true", "\"gt\" cannot compare active, which is a boolean"),
        ("active co true", "cannot compare active"),
        ("x509Certificates gt \"QQ==\"", "which is a binary"),
        ("meta.created co \"2026\"", "which is a dateTime"),
        ("meta.created gt \"yesterday\"", "write it like \"2026-11-23T18:00:00Z\""),
        ("meta.created gt 5", "double quotes"),
        ("title gt null", "only eq and ne can"),
        ("userName eq 5", "the number 5"),
        ("userName eq true", "not with true"),
        ("active eq \"maybe\"", "true or false without quotes"),
        ("active eq 1", "the number 1"),
        ("password pr", "never returned"),
        ("userName eq 1e999", "1e999"),
    ] {
        let detail = refused(text, Mode::Compat);
        assert!(detail.contains(words), "{text}: {detail}");
    }
}

#[test]
fn a_comparison_with_a_secret_is_sensitive_and_repeats_it_nowhere() {
    for text in
        ["password eq \"hunter2\"", "title pr or PASSWORD sw \"hunter2\"", "password[value eq \"hunter2\"]"]
    {
        let error = read(text, Kind::User, Mode::Compat).expect_err(text);
        assert_eq!((error.status, error.scim_type), (403, Some(ScimType::Sensitive)), "{text}");
        assert!(!error.detail.contains("hunter2"), "{}", error.detail);
    }
}

#[test]
fn leniencies_are_noted_and_strict_tokens_have_none() {
    let lenient = |text: &str| {
        let mut notes = Notes::default();
        let filter = parse(text, &Registry::standard(), Kind::User, Mode::Compat, &mut notes).expect(text);
        (filter, notes.leniencies)
    };
    let (filter, used) = lenient("active eq \"True\"");
    assert_eq!((filter, used), (user("active eq true"), vec![Leniency::TextBoolean]));
    let (filter, used) = lenient("emails[type eq \"work\"].value eq \"x\"");
    assert_eq!(filter, user("emails[type eq \"work\" and value eq \"x\"]"));
    assert_eq!(used, [Leniency::FilterAfterValuePath]);
    let (filter, _) = lenient("emails[type eq \"work\"].value eq \"x\" and active eq False");
    assert_eq!(filter, user("emails[type eq \"work\" and value eq \"x\"] and active eq false"));
    refused("active eq \"True\"", Mode::Strict);
    refused("active eq True", Mode::Strict);
    refused("emails[type eq \"work\"].value eq \"x\"", Mode::Strict);
}

#[test]
fn sizes_are_bounded() {
    assert!(refused(&format!("title eq \"{}\"", "x".repeat(MAX_BYTES)), Mode::Compat).contains("bytes long"));
    let deep = format!("{}title pr{}", "(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1));
    assert!(refused(&deep, Mode::Compat).contains("deeper than 32"));
    refused(&"(".repeat(MAX_BYTES), Mode::Compat);
    refused(&"not (".repeat(3_000), Mode::Compat);
    let wide = vec!["title pr"; MAX_NODES].join(" or ");
    assert!(refused(&wide, Mode::Compat).contains("more than 256"));
    user(&vec!["title pr"; 128].join(" or "));
}

#[test]
fn several_kinds_share_a_filter() {
    let registry = Registry::standard();
    let kinds = [Kind::User, Kind::Group];
    let read = |text: &str| parse_for_kinds(text, &registry, &kinds, Mode::Strict, &mut Notes::default());
    let group_matches =
        |text: &str| eval(&read(text).expect(text)[1].1, &object(json!({"displayName": "x"})));
    assert!(group_matches("displayName eq \"x\""));
    assert!(!group_matches("userName eq \"x\""));
    assert!(group_matches("userName ne \"x\""));
    assert!(group_matches("userName eq null"));
    assert!(!group_matches("userName ne null"));
    assert!(!group_matches("userName pr"));
    assert!(!group_matches("emails[type eq \"work\"]"));
    assert!(group_matches("not (emails[type eq \"work\"])"));
    assert!(group_matches("name eq null"));
    assert!(group_matches("userName eq \"x\" or displayName eq \"X\""));
    assert_eq!(read("members eq \"x\"").expect("known to groups").len(), 2);
    let error = read("shoeSize pr").expect_err("known to nobody");
    assert!(error.detail.contains("not an attribute of a User or a Group"), "{}", error.detail);
}

#[test]
fn printing_keeps_the_tree() {
    for text in [
        "title pr and (userType pr and nickName pr)",
        "title pr or (userType pr or nickName pr)",
        "(title pr or userType pr) and not (nickName pr)",
        "emails[type eq \"work\" and (value co \"a\" or not (primary eq true))]",
        "userName eq \"q\\\"\\\\ü\\n\"",
        "meta.created gt \"2026-01-01T00:00:00.000Z\"",
        "title eq null",
    ] {
        let filter = user(text);
        assert_eq!(user(&filter.to_string()), filter, "{text} printed as {filter}");
    }
    assert_eq!(user("( ( TITLE Pr ) )").to_string(), "title pr");
    assert_eq!(user("name eq null").to_string(), "not (name pr)");
}

#[test]
fn listed_values_are_found_in_or_chains_only() {
    let listed = |text: &str| {
        let filter = read(text, Kind::Group, Mode::Strict).expect(text);
        let Filter::ValuePath { filter, .. } = filter else { panic!("{text} is no value path") };
        filter.listed("value").map(|operands| operands.into_iter().map(Operand::to_value).collect::<Vec<_>>())
    };
    assert_eq!(
        listed("members[value eq \"a\" or (value eq \"b\" or value eq \"c\")]"),
        Some(vec!["a".into(), "b".into(), "c".into()])
    );
    assert_eq!(listed("members[value eq \"a\" and type eq \"User\"]"), None);
    assert_eq!(listed("members[value ne \"a\"]"), None);
    assert_eq!(listed("members[value eq null]"), None);
}

/// Every path of a User that a filter can compare, sub-attributes of multi-valued ones included.
fn comparable_paths() -> Vec<AttrPath> {
    let registry = Registry::standard();
    let mut names: Vec<String> = Vec::new();
    let mut take = |prefix: &str, attribute: &crate::scim::schema::Attribute| {
        if attribute.is_complex() {
            names.extend(
                attribute.sub_attributes.iter().map(|sub| format!("{prefix}{}.{}", attribute.name, sub.name)),
            );
        } else {
            names.push(format!("{prefix}{}", attribute.name));
        }
    };
    registry
        .common()
        .iter()
        .chain(&registry.core(Kind::User).attributes)
        .for_each(|attribute| take("", attribute));
    for schema in registry.extensions(Kind::User) {
        schema.attributes.iter().for_each(|attribute| take(&format!("{}:", schema.id), attribute));
    }
    names.retain(|name| name != "password");
    names.iter().map(|name| registry.find(Kind::User, name).unwrap_or_else(|| panic!("{name}"))).collect()
}

fn comparison(path: AttrPath, op: Op, text: &str, null: bool) -> Filter {
    let leaf = path.leaf().clone();
    let ordered = !matches!(leaf.kind, Type::Boolean | Type::Binary);
    let textual = matches!(leaf.kind, Type::String | Type::Reference);
    let op = match op {
        Op::Co | Op::Sw | Op::Ew if !textual => Op::Eq,
        Op::Gt | Op::Ge | Op::Lt | Op::Le if !ordered => Op::Ne,
        op => op,
    };
    let value = match leaf.kind {
        _ if null && matches!(op, Op::Eq | Op::Ne) => Operand::Null,
        Type::Boolean => Operand::Boolean(text.len().is_multiple_of(2)),
        Type::Integer => Operand::Integer(text.len() as i64 - 3),
        Type::Decimal => Operand::Decimal(text.len() as f64 / 4.0),
        Type::DateTime => Operand::DateTime(crate::base::Timestamp(text.len() as i64 * 1_234_567)),
        Type::String if !leaf.case_exact => {
            Operand::Folded { folded: crate::scim::fold::fold(text), sent: text.to_owned() }
        }
        _ => Operand::Exact(text.to_owned()),
    };
    Filter::Compare { path, op, value }
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let paths = comparable_paths();
    let multi: Vec<AttrPath> =
        paths.iter().filter(|path| path.attribute.multi_valued && path.sub.is_some()).cloned().collect();
    let tree = |paths: Vec<AttrPath>| {
        let leaf = (0..paths.len(), 0..Op::ALL.len(), "[^\u{0}]{0,6}", any::<bool>(), any::<bool>())
            .prop_map(move |(path, op, text, null, present)| {
                let path = paths[path].clone();
                if present { Filter::Present(path) } else { comparison(path, Op::ALL[op], &text, null) }
            });
        leaf.prop_recursive(4, 16, 2, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                pair.clone().prop_map(|(left, right)| Filter::And(left.into(), right.into())),
                pair.prop_map(|(left, right)| Filter::Or(left.into(), right.into())),
                inner.prop_map(|inner| Filter::Not(inner.into())),
            ]
        })
    };
    let value_path = (0..multi.len()).prop_flat_map(move |chosen| {
        let parent = multi[chosen].clone();
        let siblings: Vec<AttrPath> =
            multi.iter().filter(|path| path.attribute.name == parent.attribute.name).cloned().collect();
        let path = AttrPath { sub: None, ..parent };
        tree(siblings).prop_map(move |inner| Filter::ValuePath { path: path.clone(), filter: inner.into() })
    });
    let outer = tree(paths);
    prop_oneof![
        3 => outer.clone(),
        1 => value_path.clone(),
        1 => (outer, value_path).prop_map(|(left, right)| Filter::And(left.into(), right.into())),
    ]
}

proptest! {
    #[test]
    fn reading_what_was_printed_gives_the_same_filter(filter in any_filter()) {
        let text = filter.to_string();
        let again = read(&text, Kind::User, Mode::Strict).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(again, filter, "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let _ = read(&text, Kind::User, Mode::Compat);
        let _ = target(&text, &Registry::standard(), Kind::User, Mode::Compat, &mut Notes::default());
    }

    #[test]
    fn no_near_filter_makes_the_parser_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "emails", "[", "]", "(", ")", "not", "and", "or", "eq", "pr", "\"x\"", "\"", "\\", ".value", "true",
                "5", "null", "userName", "type", " ", "urn:", ":", "é", "-1e9", "name.givenName",
            ]),
            0..24,
        )
    ) {
        let text = words.concat();
        let _ = read(&text, Kind::User, Mode::Compat);
        let text = words.join(" ");
        let _ = read(&text, Kind::User, Mode::Compat);
        let _ = target(&text, &Registry::standard(), Kind::User, Mode::Compat, &mut Notes::default());
    }

    #[test]
    fn a_filter_and_its_negation_never_agree(filter in any_filter()) {
        let whole = barbara();
        let negated = Filter::Not(Box::new(filter.clone()));
        prop_assert_ne!(eval(&filter, &whole), eval(&negated, &whole));
    }
}

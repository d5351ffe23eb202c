//! Filters over HTTP (RFC 7644 §3.4.2.2): every operator and type, for strict and compat tokens alike unless a leniency
//! says otherwise. How a text is read and printed is tested beside the parser.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::{Caller, ENTERPRISE, Server, USER};

/// Any text as a query parameter.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A small company: Ada with everything, Bob whose manager she is, Cyd with nothing; Eng within Top.
struct Company {
    ids: BTreeMap<&'static str, String>,
}

impl Company {
    fn new(caller: &Caller) -> Company {
        let ada = json!({
            "schemas": [USER, ENTERPRISE], "userName": "ada", "externalId": "Ext1", "title": "Boss",
            "nickName": "q\"uo\\te", "displayName": "Ada", "profileUrl": "https://Example.com/Ada",
            "name": {"familyName": "Straße", "givenName": "Ada"},
            "emails": [{"value": "ada@Example.com", "type": "work", "primary": true},
                       {"value": "ada@home.example.org", "type": "home"}],
            "addresses": [{"type": "work", "streetAddress": "1 Way", "country": "US"}],
            "x509Certificates": [{"value": "MIIDQzCC"}],
            ENTERPRISE: {"employeeNumber": "701", "department": "R&D"},
        });
        let ada = caller.post("/Users", &ada).is(201).id();
        let bob = json!({
            "schemas": [USER, ENTERPRISE], "userName": "bob", "active": false, "name": {"familyName": "ÉCOLE"},
            "emails": [{"value": "bob@example.com", "type": "home"}], ENTERPRISE: {"manager": {"value": ada}},
        });
        let bob = caller.post("/Users", &bob).is(201).id();
        let cyd = caller.user("cyd");
        let eng = caller.group("Eng", &[&ada, &bob]);
        let top = caller.group("Top", &[&eng]);
        Company { ids: [("ada", ada), ("bob", bob), ("cyd", cyd), ("eng", eng), ("top", top)].into() }
    }

    /// The names of what a filter finds, in order of name.
    fn found(&self, answer: Answer) -> String {
        let answer = answer.is(200);
        let ids = answer.ids();
        assert_eq!(answer_total(&answer), ids.len());
        let names = self.ids.iter().filter(|(_, id)| ids.contains(id)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(" ")
    }
}

fn answer_total(answer: &Answer) -> usize {
    answer.json()["totalResults"].as_u64().expect("a number") as usize
}

/// Asks with a strict and a compat token, by GET and by `.search`, and wants the same from all.
fn agree(path: &str, cases: &[(&str, &str)]) {
    let server = Server::plain();
    let strict = server.caller_with(&["--strict"]);
    let company = Company::new(&strict);
    for caller in [&strict, &server.caller()] {
        for (filter, expected) in cases {
            let filter = company
                .ids
                .iter()
                .fold((*filter).to_owned(), |filter, (name, id)| filter.replace(&format!("<{name}>"), id));
            let listed = caller.get(&format!("{path}?filter={}", encoded(&filter)));
            assert_eq!(company.found(listed), *expected, "{path} {filter}");
            let search = json!({"schemas": [SEARCH], "filter": filter});
            assert_eq!(
                company.found(caller.post(&format!("{path}/.search"), &search)),
                *expected,
                "{filter}"
            );
        }
    }
}

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

#[test]
fn texts_by_every_operator() {
    agree(
        "/Users",
        &[
            (r#"userName eq "ADA""#, "ada"),
            (r#"userName ne "ada""#, "bob cyd"),
            (r#"userName co "D""#, "ada cyd"),
            (r#"userName sw "B""#, "bob"),
            (r#"userName ew "D""#, "cyd"),
            (r#"userName gt "ada""#, "bob cyd"),
            (r#"userName ge "ADA" and userName le "BOB""#, "ada bob"),
            (r#"userName lt "b""#, "ada"),
            (r#"title pr"#, "ada"),
            (r#"not (title pr)"#, "bob cyd"),
            (r#"title eq """#, ""),
            (r#"title co """#, "ada"),
            (r#"name.familyName eq "STRASSE""#, "ada"),
            (r#"name.familyName sw "école""#, "bob"),
            (r#"nickName eq "q\"uo\\te""#, "ada"),
            (r#"nickName eq "\u0071\"uo\\te""#, "ada"),
            (r#"externalId eq "Ext1""#, "ada"),
            (r#"externalId eq "ext1""#, ""),
            (r#"id eq "<ada>""#, "ada"),
        ],
    );
}

#[test]
fn null_and_what_is_not_assigned() {
    agree(
        "/Users",
        &[
            (r#"title eq null"#, "bob cyd"),
            (r#"title ne null"#, "ada"),
            (r#"title ne "Boss""#, "bob cyd"),
            (r#"emails.type eq null"#, "cyd"),
            (r#"emails.value ne null"#, "ada bob"),
            (r#"emails.type ne "work""#, "ada bob cyd"),
            (r#"active eq null"#, ""),
        ],
    );
}

#[test]
fn other_types() {
    agree(
        "/Users",
        &[
            (r#"active eq true"#, "ada cyd"),
            (r#"active ne true"#, "bob"),
            (r#"profileUrl eq "https://Example.com/Ada""#, "ada"),
            (r#"profileUrl eq "https://example.com/ada""#, ""),
            (r#"x509Certificates.value eq "MIIDQzCC""#, "ada"),
            (r#"meta.created gt "2011-05-13T04:42:34Z""#, "ada bob cyd"),
            (
                r#"meta.lastModified ge "2011-05-13T04:42:34+02:00" and meta.created lt "2999-01-01T00:00:00Z""#,
                "ada bob cyd",
            ),
            (r#"meta.resourceType eq "User""#, "ada bob cyd"),
            (r#"meta.resourceType eq "Group""#, ""),
            (r#"meta.location ew "<ada>""#, "ada"),
            (r#"meta.version eq "W/\"1\"""#, "ada bob cyd"),
        ],
    );
}

#[test]
fn several_values_and_value_paths() {
    agree(
        "/Users",
        &[
            (r#"emails co "example.org""#, "ada"),
            (r#"emails eq "bob@example.com""#, "bob"),
            (r#"emails pr"#, "ada bob"),
            (r#"emails[type eq "work"]"#, "ada"),
            (r#"emails[type eq "work" or type eq "home"]"#, "ada bob"),
            (r#"emails[not (type eq "work")]"#, "ada bob"),
            (r#"emails[type eq "work" and value co "home"]"#, ""),
            (r#"emails.type eq "work" and emails.value co "home""#, "ada"),
            (r#"emails[type eq "work" and (value co "Example" or primary eq false)]"#, "ada"),
            (r#"emails[type eq "work"] and emails[type eq "home"]"#, "ada"),
            (r#"addresses[country eq "us" and type eq "work"]"#, "ada"),
            (r#"name[familyName eq "ÉCOLE"]"#, "bob"),
            (r#"groups.display eq "eng""#, "ada bob"),
            (r#"groups[type eq "indirect" and display eq "Top"]"#, "ada bob"),
            (r#"groups eq "<top>""#, "ada bob"),
            (r#"not (groups pr)"#, "cyd"),
            (&format!(r#"schemas eq "{ENTERPRISE}""#), "ada bob"),
        ],
    );
}

#[test]
fn groups_by_their_members() {
    agree(
        "/Groups",
        &[
            (r#"displayName eq "ENG""#, "eng"),
            (r#"members.value eq "<ada>""#, "eng"),
            (r#"members eq "<ada>""#, "eng"),
            (r#"members[value eq "<ada>" and type eq "User"]"#, "eng"),
            (r#"members.type eq "Group""#, "top"),
            (r#"members.display eq "Ada""#, "eng"),
            (r#"members.$ref ew "/Users/<ada>""#, "eng"),
            (r#"not (members.value eq "<ada>")"#, "top"),
        ],
    );
}

#[test]
fn names_of_schemas_and_the_manager() {
    agree(
        "/Users",
        &[
            (&format!(r#"{ENTERPRISE}:employeeNumber eq "701""#), "ada"),
            (&format!(r#"{}:EMPLOYEENUMBER EQ "701""#, ENTERPRISE.to_uppercase()), "ada"),
            (&format!(r#"{USER}:name.givenName eq "ada""#), "ada"),
            (&format!(r#"{ENTERPRISE}:manager.value eq "<ada>""#), "bob"),
            (&format!(r#"{ENTERPRISE}:manager eq "<ada>""#), "bob"),
            (&format!(r#"{ENTERPRISE}:manager.displayName eq "Ada""#), "bob"),
            (&format!(r#"{ENTERPRISE}:manager pr"#), "bob"),
        ],
    );
}

#[test]
fn addresses_with_and_without_a_version_are_one_and_lead_to_the_resource() {
    let server = Server::plain();
    let strict = server.caller_with(&["--strict"]);
    let company = Company::new(&strict);
    let id = |name: &str| company.ids[name].as_str();
    let (ada, bob, eng) = (id("ada"), id("bob"), id("eng"));
    let plain = strict.base.clone();
    for (caller, prefix) in [(&strict, ""), (&strict, "/v2"), (&server.caller(), "/v2")] {
        let found = |path: &str, filter: &str| {
            company.found(caller.get(&format!("{prefix}{path}?filter={}", encoded(filter))))
        };
        for base in
            [plain.clone(), format!("{plain}/v2"), format!("{plain}/v3.1"), String::new(), "..".into()]
        {
            let manager = format!("{ENTERPRISE}:manager.$ref eq \"{base}/Users/{ada}\"");
            assert_eq!(found("/Users", &manager), "bob", "{prefix} {base}");
            let groups = format!("groups.$ref eq \"{base}/Groups/{eng}\"");
            assert_eq!(found("/Users", &groups), "ada bob");
            let members = format!("members[$ref eq \"{base}/Users/{ada}\" and type eq \"User\"]");
            assert_eq!(found("/Groups", &members), "eng");
            let location = format!("meta.location eq \"{base}/Users/{ada}\"");
            assert_eq!(found("/Users", &location), "ada");
            assert_eq!(found("/Users", &format!("not ({location})")), "bob cyd");
            assert_eq!(found("/Users", &location.replace(" eq ", " ne ")), "bob cyd");
        }
        for wrong in [
            format!("{plain}/Groups/{ada}"),
            format!("https://other.example.com/scim/Users/{ada}"),
            ada.into(),
        ] {
            assert_eq!(found("/Groups", &format!("members.$ref eq \"{wrong}\"")), "", "{wrong}");
        }
        let address = |resource: &Value| resource["$ref"].as_str().expect("an address").to_owned();
        let read = |path: &str| caller.get(&format!("{prefix}{path}")).is(200).json();
        let bobs = read(&format!("/Users/{bob}"));
        for (address, wanted) in [
            (address(&read(&format!("/Groups/{eng}"))["members"][0]), "a member"),
            (address(&bobs["groups"][0]), "a group"),
            (address(&bobs[ENTERPRISE]["manager"]), "the manager"),
        ] {
            assert!(address.starts_with(&format!("{plain}{prefix}/")), "{address}");
            let found =
                caller.get(address.strip_prefix(&caller.base).expect("it is one of ours")).is(200).json();
            assert_eq!(found["meta"]["location"], json!(address), "{wanted}");
        }
    }
    let remove = json!([{"op": "remove", "path": format!("members[$ref eq \"{plain}/v2/Users/{ada}\"]")}]);
    strict.patch(&format!("/Groups/{eng}"), remove).is(200);
    assert_eq!(strict.members(eng), [bob]);
}

#[test]
fn and_binds_closer_than_or_and_not_closer_than_both() {
    agree(
        "/Users",
        &[
            (r#"userName eq "ada" or userName eq "bob" and active eq true"#, "ada"),
            (r#"(userName eq "ada" or userName eq "bob") and active eq false"#, "bob"),
            (r#"not (userName eq "ada") and not (userName eq "bob")"#, "cyd"),
            (r#"NOT (userName EQ "ada") AND active eq true OR userName Eq "bob""#, "bob cyd"),
            (r#"((userName eq "ada"))"#, "ada"),
        ],
    );
}

#[test]
fn at_the_root_users_and_groups_are_found_together() {
    agree(
        "",
        &[
            (r#"meta.resourceType eq "Group""#, "eng top"),
            (r#"meta.resourceType eq "User" and userName eq "ada""#, "ada"),
            (r#"displayName eq "Eng" or userName eq "cyd""#, "cyd eng"),
            (r#"displayName eq "Ada" or displayName eq "Top""#, "ada top"),
        ],
    );
}

#[test]
fn what_is_no_filter_is_refused_and_never_an_empty_list() {
    let server = Server::plain();
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        for filter in [
            "",
            " ",
            "userName",
            "userName eq",
            "userName eq ada",
            "userName eq 'ada'",
            "userName eq 3",
            "userName xx \"a\"",
            "userName pr \"x\"",
            "userName eq \"ada\" and",
            "userName eq \"ada\")",
            "(userName eq \"ada\"",
            "()",
            "not ()",
            "not userName eq \"ada\"",
            "nobody eq \"x\"",
            "name eq \"x\"",
            "addresses eq \"US\"",
            "emails.foo eq \"x\"",
            "emails[foo eq \"x\"]",
            "emails[type eq \"work\"",
            "emails[emails.type eq \"work\"]",
            "emails[type eq \"work\"]pr",
            "active gt true",
            "active sw true",
            "title gt null",
            "title co null",
            "meta.created gt \"yesterday\"",
            "meta.lastModified sw \"20\"",
            "x509Certificates.value gt \"M\"",
            "password pr",
            "department eq \"R&D\"",
            "userName[value eq \"x\"]",
            "userName eq \"a\tb\"",
        ] {
            caller.get(&format!("/Users?filter={}", encoded(filter))).error(400, "invalidFilter");
        }
        for secret in ["password eq \"x\"", "title pr and not (PASSWORD sw \"x\")"] {
            let detail = caller.get(&format!("/Users?filter={}", encoded(secret))).error(403, "sensitive");
            assert!(detail.contains("password is never returned"), "{detail}");
            let search = json!({"schemas": [SEARCH], "filter": secret});
            caller.post("/Users/.search", &search).error(400, "invalidFilter");
        }
        let deep = format!("{}userName pr{}", "(".repeat(300), ")".repeat(300));
        caller.get(&format!("/Users?filter={}", encoded(&deep))).error(400, "invalidFilter");
        let wide = vec![r#"id pr"#; 400].join(" or ");
        caller
            .post("/Users/.search", &json!({"schemas": [SEARCH], "filter": wide}))
            .error(400, "invalidFilter");
    }
}

#[test]
fn a_text_is_no_boolean_for_a_strict_token() {
    let server = Server::plain();
    let strict = server.caller_with(&["--strict"]);
    strict.user("ada");
    let path = format!("/Users?filter={}", encoded(r#"active eq "true""#));
    strict.get(&path).error(400, "invalidFilter");
    assert_eq!(server.caller().get(&path).is(200).json()["totalResults"], 1);
}

#[test]
fn an_empty_text_is_not_present() {
    let server = Server::plain();
    let strict = server.caller_with(&["--strict"]);
    let body = json!({"schemas": [USER], "userName": "ada", "title": ""});
    let made: Value = strict.post("/Users", &body).is(201).json();
    assert_eq!(made["title"], "");
    let found =
        |filter: &str| answer_total(&strict.get(&format!("/Users?filter={}", encoded(filter))).is(200));
    assert_eq!((found("title pr"), found("title eq \"\""), found("title eq null")), (0, 1, 0));
}

//! Every cause of refusal, brought about as it happens in life: the answer's words, and what the activity keeps of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::{Caller, Data, Server, USER};

/// What the activity keeps of a refusal.
#[derive(Debug)]
struct Kept {
    cause: String,
    sentence: String,
    note: String,
    leniencies: String,
    body: Option<String>,
}

/// The activity row of an answer.
#[track_caller]
fn kept(data: &Data, answer: &Answer) -> Kept {
    let request = answer.header("x-request-id").to_owned();
    assert!(request.starts_with("req_"), "the answer names the request: {request}");
    let sqlite = rusqlite::Connection::open(data.database()).expect("the file opens");
    let began = Instant::now();
    loop {
        let row = sqlite.query_row(
            "select cause, sentence, note, coalesce(leniencies, ''), body.request
             from activity left join activity_body body on body.activity = activity.n where activity.request = ?",
            [&request],
            |row| {
                Ok(Kept {
                    cause: row.get(0)?,
                    sentence: row.get(1)?,
                    note: row.get(2)?,
                    leniencies: row.get(3)?,
                    body: row.get::<_, Option<Vec<u8>>>(4)?.map(|deflated| inflate(&deflated)),
                })
            },
        );
        match row {
            Ok(row) => return row,
            Err(_) if began.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => panic!("{request} is not in the activity: {error}"),
        }
    }
}

fn inflate(deflated: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::DeflateDecoder::new(deflated), &mut text)
        .expect("inflates");
    text
}

fn with(caller: &Caller<'_>, authorization: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> =
        authorization.map(|value| ("authorization", value)).into_iter().collect();
    caller.server.client().send("GET", &format!("{}/Users", caller.base), &headers, Vec::new())
}

#[test]
fn what_is_wrong_with_the_token() {
    let server = Server::plain();
    let caller = server.caller();
    let token = caller.token.clone();
    let cut = &token[..token.len() - 3];
    let cases = [
        (
            None,
            "no-authorization",
            "the Authorization header is missing. Paste the token into the Token Key field of the identity provider and save.",
        ),
        (
            Some("Basic YTpi".to_owned()),
            "not-bearer",
            "the Authorization header does not begin with \"Bearer\". Choose bearer token (OAuth bearer, HTTP header) as the way to sign in and paste the token there.",
        ),
        (
            Some(format!("Bearer Bearer {token}")),
            "token-shape",
            "there is a blank, a quote, a bracket or a second \"Bearer\" in the token. Copy the token again with the copy button and paste it alone.",
        ),
        (
            Some(format!("Bearer \"{token}\"")),
            "token-shape",
            "there is a blank, a quote, a bracket or a second \"Bearer\" in the token. Copy the token again with the copy button and paste it alone.",
        ),
        (
            Some(format!("Bearer {cut}")),
            "token-changed",
            "the token was cut short or changed while pasting. Copy the whole token again. If it is no longer shown anywhere, make a new one.",
        ),
        (
            Some("Bearer 00aBcDeFgHiJkLmNoPqRs".to_owned()),
            "token-unknown",
            "the token was never issued here. Check that the Base URL is this server's, then paste a token made here.",
        ),
    ];
    for (header, cause, detail) in cases {
        let answer = with(&caller, header.as_deref()).is(401);
        assert_eq!(answer.json()["detail"], detail);
        let row = kept(server.data(), &answer);
        assert_eq!((row.cause.as_str(), row.sentence.as_str()), (cause, "Refused: reading users"));
        assert_eq!(row.note, "Nothing was changed");
    }
}

#[test]
fn a_token_that_ended_is_told_with_when_and_by_whom() {
    let server = Server::plain();
    let revoked = server.caller_with(&["--name", "old"]);
    server.data().run(&["token", "revoke", "old"]).well();
    let answer = revoked.get("/Users");
    assert_eq!(
        answer.error(401, ""),
        "the token was revoked. Make a new token and paste it into the identity provider."
    );
    let row = kept(server.data(), &revoked.get("/Users").is(401));
    assert_eq!(row.cause, "token-revoked");
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    let (at, by): (String, String) = sqlite
        .query_row(
            "select strftime('%Y-%m-%dT%H:%M:%S', revoked / 1000, 'unixepoch') || printf('.%03dZ', revoked % 1000), revoked_by
             from token where name = 'old'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("the token");
    assert_eq!(row.note, format!("The token \"old\" was revoked at {at} by {by}."));
    assert!(by.ends_with("at the command line"), "{by}");

    let expired = server.caller_with(&["--name", "short"]);
    sqlite.execute("update token set expires = 1000 where name = 'short'", []).expect("set");
    let answer = expired.get("/Users").is(401);
    let row = kept(server.data(), &answer);
    assert_eq!(row.cause, "token-expired");
    assert_eq!(row.note, "The token \"short\" expired at 1970-01-01T00:00:01.000Z.");
    assert_eq!(
        answer.error(401, ""),
        "the token has expired. Make a new token and paste it into the identity provider."
    );
}

#[test]
fn what_is_wrong_with_the_request() {
    let server = Server::plain();
    let caller = server.caller();
    let reader = server.caller_with(&["--name", "reader", "--read-only"]);
    let check = |answer: Answer, status, scim_type, cause: &str, detail: &str| {
        let row = kept(server.data(), &answer);
        assert_eq!(answer.error(status, scim_type), detail);
        assert_eq!((row.cause.as_str(), row.note.as_str()), (cause, detail));
        row
    };
    let ada = json!({"schemas": [USER], "userName": "ada@example.com", "displayName": "Ada Example"});
    let id = caller.post("/Users", &ada).is(201).id();
    check(
        reader.post("/Users", &ada),
        403,
        "",
        "read-only-token",
        "the token \"reader\" may only read; use one that may write",
    );
    check(
        caller.get("/scim/Users"),
        404,
        "",
        "wrong-path",
        "scimd serves nothing at /scim/scim/Users: the Base URL stands in it twice. Copy the Base URL from the \
         Connect page; it ends in /scim, without a slash behind it.",
    );
    let row = check(
        caller.post("/Users", &json!({"schemas": [USER], "displayName": "Nobody"})),
        400,
        "invalidValue",
        "required-missing",
        "userName is required and is missing",
    );
    assert_eq!(row.sentence, "Refused: a new user");
    let again = json!({"schemas": [USER], "userName": "Ada@example.com", "active": "True"});
    let row = check(
        caller.post("/Users", &again),
        409,
        "uniqueness",
        "name-taken",
        &format!(
            "userName \"Ada@example.com\" is already used by Ada Example ({id}); choose another or update that one"
        ),
    );
    assert_eq!(row.leniencies, "[\"text-boolean\"]", "leniencies of refused requests too");
    caller.user("bea@example.com");
    let patch = caller.patch(
        &format!("/Users/{id}"),
        json!([{"op": "replace", "path": "active", "value": "False"}, {"op": "replace", "path": "userName", "value": "bea@example.com"}]),
    );
    let row = kept(server.data(), &patch.is(409));
    assert_eq!(row.leniencies, "[\"text-boolean\"]");
}

#[test]
fn of_a_body_that_is_not_json_its_length_and_the_place_of_the_fault_are_kept() {
    let server = Server::plain();
    let caller = server.caller();
    let bearer = format!("Bearer {}", caller.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
    let body = b"{\"userName\": \"ada\",\n \"password\": hunter2}".to_vec();
    let answer = server.client().send("POST", &format!("{}/Users", caller.base), &headers, body);
    let row = kept(server.data(), &answer);
    assert_eq!(row.cause, "not-json");
    assert_eq!(row.body.as_deref(), Some("(41 bytes that are not JSON; the fault is at line 2, column 14)"));
    assert_eq!(
        answer.error(400, "invalidSyntax"),
        "the body is not JSON: expected value (line 2, column 14)"
    );
}

#[test]
fn plain_http_sent_to_the_tls_address() {
    let server = Server::start();
    let plain = server.origin.replacen("https://", "http://", 1);
    let answer =
        server.client().send("GET", &format!("{plain}/scim/Users?filter=x"), &[], Vec::new()).is(400);
    assert_eq!(
        answer.text(),
        "This port speaks HTTPS only: write the address with https:// instead of http://.\n"
    );
    let row = kept(server.data(), &answer);
    assert_eq!((row.cause.as_str(), row.sentence.as_str()), ("plain-http", "Refused: reading users"));
}

#[test]
fn long_bodies_are_cut_with_a_mark() {
    let server = Server::plain();
    let caller = server.caller();
    let long = json!({"schemas": [USER], "userName": "", "nickName": "x".repeat(100_000)});
    let row = kept(server.data(), &caller.post("/Users", &long).is(400));
    let body = row.body.expect("kept");
    let length = serde_json::to_vec::<Value>(&long).expect("JSON").len();
    let mark = format!("… (cut here: {},{:03} bytes in all)", length / 1000, length % 1000);
    assert!(body.len() < 70_000 && body.ends_with(&mark), "{}", &body[body.len() - 60..]);
}

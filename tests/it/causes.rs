//! Every cause of refusal, brought about as it happens in life: the answer's words, and what the activity keeps of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Answer;
use crate::server::{Caller, Data, Server, USER, unpacked};

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
                    body: row.get::<_, Option<Vec<u8>>>(4)?.map(|body| String::from_utf8(unpacked(&body)).expect("text")),
                })
            },
        );
        match row {
            Ok(row) => return row,
            Err(_) if began.elapsed() < Duration::from_secs(20) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => panic!("{request} is not in the activity: {error}"),
        }
    }
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
            "no token sent",
            "the Authorization header is missing. Paste the token into the Token Key field of the identity provider and save.",
        ),
        (
            Some("Basic YTpi".to_owned()),
            "not-bearer",
            "not a bearer token",
            "the Authorization header does not begin with \"Bearer\". Choose bearer token (OAuth bearer, HTTP header) as the way to sign in and paste the token there.",
        ),
        (
            Some(format!("Bearer Bearer {token}")),
            "token-shape",
            "token pasted with something around it",
            "there is a blank, a quote, a bracket or a second \"Bearer\" in the token. Copy the token again with the copy button and paste it alone.",
        ),
        (
            Some(format!("Bearer \"{token}\"")),
            "token-shape",
            "token pasted with something around it",
            "there is a blank, a quote, a bracket or a second \"Bearer\" in the token. Copy the token again with the copy button and paste it alone.",
        ),
        (
            Some(format!("Bearer {cut}")),
            "token-changed",
            "token cut short or changed",
            "the token was cut short or changed while pasting. Copy the whole token again. If it is no longer shown anywhere, make a new one.",
        ),
        (
            Some("Bearer 00aBcDeFgHiJkLmNoPqRs".to_owned()),
            "token-unknown",
            "wrong token",
            "the token was never issued here. Check that the Base URL is this server's, then paste a token made here.",
        ),
    ];
    for (header, cause, said, detail) in cases {
        let answer = with(&caller, header.as_deref()).is(401);
        assert_eq!(answer.json()["detail"], detail);
        let row = kept(server.data(), &answer);
        assert_eq!((row.cause.as_str(), row.note.as_str()), (cause, "Nothing was changed"));
        assert_eq!(row.sentence, format!("Refused: {said}"));
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
    assert_eq!(row.sentence, "Refused: a new user, Nobody");
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
    assert_eq!(row.sentence, "Refused: a change of Ada Example", "by the name that is known here");
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
    assert_eq!((row.cause.as_str(), row.sentence.as_str()), ("plain-http", "Refused: plain http"));
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

/// Sends a head as it stands and answers what came back.
fn raw(server: &Server, head: &str) -> String {
    use std::io::{Read, Write};
    let address = server.origin.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[test]
fn what_no_handler_answers_is_told_too() {
    let server = Server::plain();
    let caller = server.caller();
    let long = caller.get(&format!("/Users?filter={}", "x".repeat(20_000))).is(414);
    let row = kept(server.data(), &long);
    assert_eq!((row.cause.as_str(), row.sentence.as_str()), ("too-large", "Refused: listing users"));
    let large = [("x-large", "y".repeat(40_000))].map(|(name, value)| (name, value));
    let large: Vec<(&str, &str)> = large.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{}/Groups", caller.base);
    let row = kept(server.data(), &server.client().send("POST", &url, &large, Vec::new()).is(431));
    assert_eq!((row.cause.as_str(), row.sentence.as_str()), ("too-large", "Refused: a new group"));
    let answer =
        raw(&server, "GET /scim/Users HTTP/1.1\r\nhost: a b\r\nuser-agent: odd\r\nconnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    std::thread::sleep(Duration::from_millis(1200));
    let tail = server.data().run(&["activity", "search", "refused listing users"]).well().stdout;
    assert_eq!(tail.lines().count(), 2, "{tail}");
    assert!(
        tail.contains("400  no token  Refused: listing users (GET /scim/Users from 127.0.0.1)"),
        "{tail}"
    );
    // What is no provider's is not in the activity, as pages are not.
    server
        .client()
        .send("GET", &format!("{}/admin?{}", server.origin, "x".repeat(20_000)), &[], Vec::new())
        .is(414);
    std::thread::sleep(Duration::from_millis(1200));
    let all = server.data().run(&["activity", "tail"]).well().stdout;
    assert_eq!(all.lines().count(), 3, "{all}");
}

#[test]
fn discovery_without_a_token_is_recorded_as_strangers_are() {
    let server = Server::plain();
    for _ in 0..30 {
        let url = format!("{}/scim/ServiceProviderConfig?x=1", server.origin);
        server.client().send("GET", &url, &[], Vec::new()).is(200);
    }
    std::thread::sleep(Duration::from_millis(1200));
    let tail = server.data().run(&["activity", "tail", "-n", "100"]).well().stdout;
    let lines =
        tail.lines().filter(|line| line.contains("no token  Read the service provider configuration"));
    assert!((20..=40).contains(&lines.count()), "twenty a minute: {tail}");
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    let queries: i64 = sqlite
        .query_row("select count(*) from activity where query <> '' or team <> 0", [], |row| row.get(0))
        .expect("a number");
    assert_eq!(queries, 0);
}

#[test]
fn who_was_never_made_is_found_by_the_name_that_was_sent() {
    let server = Server::plain();
    let caller = server.caller();
    let desk =
        json!({"schemas": [USER], "userName": "", "name": {"givenName": "Front", "familyName": "Desk"}});
    let answer = caller.post("/Users", &desk).is(400);
    let row = kept(server.data(), &answer);
    assert_eq!(row.sentence, "Refused: a new user, Front Desk");
    assert_eq!(row.note, "userName is required and was empty");
    let found = server.data().run(&["activity", "search", "front desk"]).well().stdout;
    assert!(found.contains(answer.header("x-request-id")), "{found}");
}

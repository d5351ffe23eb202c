//! What holds for every page of the admin face, whatever it shows: header fields, methods, proofs of forms, whose things it
//! shows, and what is shown once. The pages are those of the router's own table, so that a new one is not forgotten.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::browser::{Browser, PASSWORD, administrator, at, between, proof, routes};
use crate::client::Answer;
use crate::server::{GROUP, Server, USER};

const OWNER: &str = "mei@example.com";

/// One of each thing that an address can name.
struct Things {
    team: String,
    user: String,
    group: String,
    request: String,
    token: i64,
}

impl Things {
    /// Makes them in a team.
    #[track_caller]
    fn of(server: &Server, team: &str) -> Things {
        let caller = server.caller_with(&["--team", team, "--name", &format!("token of {team}")]);
        let name = format!("person.of.{team}@example.com");
        let made = caller.post("/Users", &json!({"schemas": [USER], "userName": name})).is(201);
        let group = json!({"schemas": [GROUP], "displayName": format!("Group of {team}")});
        let group = caller.post("/Groups", &group).is(201).id();
        let (user, request) = (made.id(), made.header("x-request-id").to_owned());
        let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
        let sql = "select n from token where name = ?";
        let token = sqlite.query_row(sql, [format!("token of {team}")], |row| row.get(0)).expect("the token");
        Things { team: team.into(), user, group, request, token }
    }

    /// The addresses of a route below a team, with these things in the place of its names.
    fn paths(&self, below: &str, route: &str) -> Vec<String> {
        let part = |before: &str, part: &str| match (before, part) {
            (_, "slug") => below.to_owned(),
            ("users", "id") => self.user.clone(),
            ("groups", "id") => self.group.clone(),
            ("activity", "id") => self.request.clone(),
            ("tokens", "n") => self.token.to_string(),
            ("admins", "n") => "1".to_owned(),
            ("activity", "file") => "administrators.csv".to_owned(),
            (_, "file") => "members.csv".to_owned(),
            (_, part) => part.to_owned(),
        };
        let path = |route: &str| {
            let parts: Vec<&str> = route.split('/').collect();
            let parts =
                parts.iter().enumerate().map(|(i, one)| part(if i > 0 { parts[i - 1] } else { "" }, one));
            format!("/admin/t/{below}/{}", parts.collect::<Vec<_>>().join("/"))
        };
        match route {
            "file" => [
                "users.csv",
                "users.ndjson",
                "groups.csv",
                "groups.ndjson",
                "activity.csv",
                "activity.ndjson",
            ]
            .map(path)
            .to_vec(),
            "fragment/name" => ["connect", "overview", "tokens", "activity", "selftest", "users", "groups"]
                .map(|name| path(&format!("fragment/{name}")))
                .to_vec(),
            "fragment/name/id" => {
                ["users/id", "groups/id"].map(|name| path(&format!("fragment/{name}"))).to_vec()
            }
            // A stream does not end: it is read by a test of its own.
            "events" => Vec::new(),
            "search" => vec![path("search?q=example")],
            "schemas/remove" => vec![path("schemas/remove?urn=urn:example:badge")],
            route => vec![path(route)],
        }
    }

    /// Every page of the team.
    fn pages(&self) -> Vec<String> {
        routes(true).iter().flat_map(|route| self.paths(&self.team, route)).collect()
    }
}

fn owner(server: &Server) -> Browser<'_> {
    Browser::sign_in(server, OWNER, false)
}

/// Fails the test unless an answer has what every page has.
#[track_caller]
fn dressed(path: &str, answer: &Answer) {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), value, "{} {path}: {name}", answer.status);
        assert_eq!(answer.headers(name).count(), 1, "{path}: {name}");
    }
    let text = answer.text();
    assert!(
        !text.contains(" style=") && !text.contains("<style") && !text.contains(" onclick="),
        "{path}: inline"
    );
    for script in text.split("<script").skip(1) {
        assert!(
            script.starts_with(" src=\"/admin/static/"),
            "{path}: <script{}",
            &script[..script.len().min(80)]
        );
    }
}

#[test]
fn every_page_carries_the_strict_header_fields() {
    let server = Server::plain();
    let things = Things::of(&server, "default");
    // Before there is an administrator, everything leads to set-up.
    let stranger = Browser::new(&server);
    for path in ["/admin", "/admin/setup/code", "/admin/setup/administrator", "/admin/t/default/users"] {
        dressed(path, &stranger.get(path));
    }
    let owner = owner(&server);
    let mut seen = 0;
    for path in things.pages() {
        let answer = owner.get(&path);
        assert!(
            [200, 303].contains(&answer.status.as_u16())
                || path.contains("schemas/remove")
                || path.contains("selftest.txt"),
            "{path}: {}",
            answer.text()
        );
        dressed(&path, &answer);
        seen += usize::from(answer.status == 200);
    }
    assert!(seen > 40, "{seen} pages");
    for path in [
        "/admin/sign-in",
        "/admin/sign-in/code",
        "/admin/zone",
        "/admin/join/x",
        "/admin/send/x",
        "/admin/setup/address",
    ] {
        dressed(path, &owner.get(path));
        dressed(path, &stranger.get(path));
    }
    for path in [
        "/admin/nothing",
        "/admin/t/nobody/users",
        "/admin/t/default/nothing",
        "/admin/%zz",
        "/admin/t/default/users/%00",
    ] {
        dressed(path, &owner.get(path).is(404));
    }
}

#[test]
fn what_is_refused_is_a_page_of_its_own_status() {
    let server = Server::plain();
    Things::of(&server, "default");
    let owner = owner(&server);
    let long = format!("csrf=x&name={}", "a".repeat(300_000));
    let foreign = [("sec-fetch-site", "cross-site")];
    let json = [("content-type", "application/json")];
    for (status, path, answer, words) in [
        (403, "team", owner.send("POST", &at("team"), "name=x"), "did not come from a current page"),
        (403, "team", owner.send_with("POST", &at("team"), &foreign, "name=x"), "Nothing was changed"),
        (404, "nothing", owner.get(&at("nothing")), "Page not found"),
        (405, "users", owner.send("POST", &at("users"), "x=y"), "does not take such a request"),
        (405, "team", owner.send("DELETE", &at("team"), ""), "does not take such a request"),
        (413, "team", owner.send("POST", &at("team"), &long), "is longer than the"),
        (415, "team", owner.send_with("POST", &at("team"), &json, "{}"), "could not be read"),
        (400, "team", owner.send("POST", &at("team"), "csrf=%zz"), "could not be read"),
    ] {
        let answer = answer.is(status);
        dressed(path, &answer);
        let text = answer.text();
        assert!(
            text.contains(words) && text.contains("<h1") && text.contains("class=\"rail\""),
            "{status}: {text}"
        );
        let allow = answer.header("allow");
        match (status, path) {
            (405, "users") => assert_eq!(allow, "GET, HEAD"),
            (405, _) => assert_eq!(allow, "GET, HEAD, POST"),
            _ => assert_eq!(allow, ""),
        }
    }
    // Before a page is made at all.
    let stranger = Browser::new(&server);
    dressed("long", &stranger.get(&format!("/admin?q={}", "a".repeat(17_000))).is(414));
    dressed("method", &stranger.send("PUT", "/admin/theme", "").is(405));
}

#[test]
fn a_form_without_a_page_leads_back_when_its_address_is_loaded() {
    let server = Server::plain();
    let things = Things::of(&server, "default");
    let owner = owner(&server);
    let pages: BTreeSet<String> = routes(true).into_iter().collect();
    let forms: BTreeSet<String> = routes(false).into_iter().collect();
    for path in forms.difference(&pages).flat_map(|route| things.paths("default", route)) {
        let to = owner.get(&path).is(303).header("location").to_owned();
        assert!(path.starts_with(&to) && to.len() > "/admin/t/default/".len(), "{path} leads to {to}");
    }
    for path in pages.difference(&forms).flat_map(|route| things.paths("default", route)) {
        let answer = owner.send("POST", &path, "csrf=x").is(405);
        assert_eq!(answer.header("allow"), "GET, HEAD", "{path}");
    }
    for path in ["/admin/theme", "/admin/keys", "/admin/sign-out", "/admin/stay"] {
        assert_eq!(owner.get(path).is(303).header("location"), "/admin", "{path}");
    }
}

#[test]
fn unknown_parameters_are_ignored() {
    let server = Server::plain();
    let things = Things::of(&server, "default");
    let owner = owner(&server);
    for path in things.pages() {
        let sign = if path.contains('?') { '&' } else { '?' };
        let (plain, more) = (owner.get(&path), owner.get(&format!("{path}{sign}utm_source=x&per=7&sort=oops&status=oops&since=x&kind=x&open=x&after=x&before=x&from=x&to=x&token=x&page=x&%F0%9F%8E%89=%F0%9F%8E%89")));
        assert_eq!(more.status, plain.status, "{path}: {}", more.text());
    }
}

#[test]
fn no_form_is_carried_out_without_the_proof_of_a_page_of_the_same_session() {
    let server = Server::plain();
    let things = Things::of(&server, "default");
    let owner = owner(&server);
    administrator(&server, "other@example.com", false);
    let other = Browser::new(&server);
    other.enter("other@example.com", PASSWORD);
    let (mine, theirs) = (owner.csrf(&at("team")), other.csrf(&at("team")));
    assert_ne!(owner.csrf(&at("team")), mine, "each page masks it anew");
    let mut flipped = mine.clone().into_bytes();
    flipped[20] = if flipped[20] == b'a' { b'b' } else { b'a' };
    let flipped = String::from_utf8(flipped).expect("text");
    let before = tables(&server);
    let mut paths: Vec<String> =
        routes(false).iter().flat_map(|route| things.paths("default", route)).collect();
    paths.extend(
        ["theme", "zone", "keys", "stay", "sign-out", "sign-in", "sign-in/code"]
            .map(|path| format!("/admin/{path}")),
    );
    for path in paths.iter().filter(|path| !path.ends_with("/compare") && !path.ends_with("/schemas/add")) {
        for (why, proof) in
            [("none", ""), ("another session's", theirs.as_str()), ("changed", &flipped), ("a guess", "AAAA")]
        {
            owner.send("POST", path, &format!("csrf={proof}&name=x")).is(403);
            let origin = [("origin", "https://evil.example.com")];
            owner.send_with("POST", path, &origin, &format!("csrf={mine}&name=x")).is(403);
            assert_eq!(tables(&server), before, "{path} with {why}");
        }
        let cross = [("sec-fetch-site", "same-site"), ("origin", server.origin.as_str())];
        owner.send_with("POST", path, &cross, &format!("csrf={mine}&name=x")).is(403);
    }
    for path in ["compare", "schemas/add"] {
        let kind = [("content-type", "multipart/form-data; boundary=x")];
        let body = "--x\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\nAAAA\r\n--x--\r\n";
        owner.send_with("POST", &at(path), &kind, body).is(403);
    }
    assert_eq!(tables(&server), before);
    owner.get(&at("users")).is(200);
    // A page over HTTP of the same name and port is ours; its name in other letters too.
    let origin = [("origin", server.origin.as_str())];
    owner.send_with("POST", &at("team/add"), &origin, &format!("csrf={mine}&new=Labs")).is(303);
}

/// How many rows the tables have that a form can change.
fn tables(server: &Server) -> Vec<(String, i64)> {
    let sqlite = rusqlite::Connection::open(server.data().database()).expect("the file opens");
    let names = [
        "team",
        "token",
        "admin",
        "session",
        "setting",
        "team_setting",
        "team_schema",
        "resource",
        "second_step",
        "audit",
    ];
    let count = |name: &str| {
        sqlite.query_row(&format!("select count(*) from {name}"), [], |row| row.get(0)).expect("a count")
    };
    names.iter().map(|name| ((*name).to_owned(), count(name))).collect()
}

#[test]
fn the_host_must_be_one_and_a_host() {
    let server = Server::plain();
    for (heads, status) in [
        ("host: a\r\nhost: b\r\n", "400"),
        ("", "400"),
        ("host: <script>alert(1)</script>\r\n", "400"),
        ("host: example.com:port\r\n", "400"),
        ("host: scim.example.com\r\n", "303"),
        ("host: [::1]:8443\r\n", "303"),
    ] {
        let answer = raw(&server, &format!("GET /admin HTTP/1.1\r\n{heads}connection: close\r\n\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{heads:?}: {answer}");
        assert!(!answer.contains("<script>alert"), "{answer}");
    }
}

fn raw(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(3))).expect("set");
    stream.write_all(text.as_bytes()).expect("sent");
    let mut answer = String::new();
    let _ended_or_silent = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn cookies_are_bound_to_the_host_hidden_and_lax() {
    let server = Server::start();
    let owner = owner(&server);
    let names = |answer: &Answer| {
        answer
            .headers("set-cookie")
            .map(|line| {
                let (name, rest) = line.split_once('=').expect("a cookie");
                let all = ["; Path=/", "; Secure", "; HttpOnly"].iter().all(|part| rest.contains(part));
                assert!(all && rest.contains("; SameSite=") && !rest.contains("Domain"), "{line}");
                name.to_owned()
            })
            .collect::<Vec<_>>()
    };
    let stranger = Browser::new(&server);
    assert_eq!(names(&stranger.get("/admin/sign-in").is(200)), ["__Host-scimd-visit"]);
    let fields = format!("email={OWNER}&password={}", PASSWORD.replace(' ', "+"));
    let set = stranger.post("/admin/sign-in", "/admin/sign-in", &fields).is(303);
    assert!(names(&set).contains(&"__Host-scimd-session".to_owned()));
    let session =
        set.headers("set-cookie").find(|line| line.starts_with("__Host-scimd-session")).expect("set");
    assert!(session.ends_with("; SameSite=Lax") && !session.contains("Max-Age"), "{session}");
    for (path, fields) in [("theme", "theme=dark"), ("zone", "tz=Europe/Berlin"), ("keys", "keys=off")] {
        assert_eq!(
            names(&owner.post(&at("team"), &format!("/admin/{path}"), fields).is(303)).len(),
            1,
            "{path}"
        );
    }
    let text = owner.get(&at("users")).is(200).text();
    assert!(
        text.contains("data-theme=\"dark\"")
            && text.contains("data-keys=\"off\"")
            && text.contains("Europe/Berlin"),
        "{text}"
    );
    // Signing in makes a new secret each time, and takes the visitor's own away.
    let first = stranger.cookie("__Host-scimd-session").expect("signed in");
    stranger.post(&at("team"), "/admin/sign-out", "").is(303);
    assert_eq!(stranger.cookie("__Host-scimd-session"), None);
    stranger.enter(OWNER, PASSWORD);
    assert_ne!(stranger.cookie("__Host-scimd-session"), Some(first));
    assert_eq!(stranger.cookie("__Host-scimd-visit"), None);
}

#[test]
fn static_files_are_kept_for_ever_by_their_hash_and_another_hash_is_not_there() {
    let server = Server::plain();
    let stranger = Browser::new(&server);
    let none = |path: &str| {
        let answer = stranger.get(path).is(404);
        dressed(path, &answer);
    };
    none("/admin/static/style.0123456789abcdef.css");
    let owner = owner(&server);
    let page = owner.get(&at("users")).is(200).text();
    let css = between(&page, "rel=\"stylesheet\" href=\"", "\"");
    let answer = stranger.get(css).is(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    let tag = answer.header("etag").to_owned();
    stranger.send_with("GET", css, &[("if-none-match", &tag)], "").is(304);
    let packed = stranger.send_with("GET", css, &[("accept-encoding", "gzip")], "").is(200);
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "accept-encoding"));
    assert!(packed.body.len() < answer.body.len() / 2);
    let plain = stranger.get("/admin/static/style.css").is(200);
    assert_eq!(plain.header("cache-control"), "no-cache", "without its hash it may change");
    none("/admin/static/style.0123456789abcdef.css");
    none("/admin/static/../../etc/passwd");
    none("/admin/static/");
}

#[test]
fn nothing_of_a_team_is_shown_under_another() {
    let server = Server::plain();
    server.data().run(&["team", "create", "Red"]).well();
    let (blue, red) = (Things::of(&server, "default"), Things::of(&server, "red"));
    let owner = owner(&server);
    let names = |things: &Things| {
        [
            things.user.clone(),
            things.group.clone(),
            things.request.clone(),
            format!("of.{}@", things.team),
            format!("Group of {}", things.team),
            format!("token of {}", things.team),
        ]
    };
    std::thread::sleep(Duration::from_millis(600));
    let mut ids = 0;
    for route in routes(true) {
        let named = route.split('/').any(|part| ["id", "n"].contains(&part)) && !route.starts_with("admins");
        for path in blue.paths("red", &route) {
            let answer = owner.get(&path);
            let text = answer.text();
            if named {
                answer.is(404);
                ids += 1;
            }
            for name in names(&blue) {
                // The address itself stands in the page, for the forms that lead back to it.
                let text = text.replace(&path, "");
                // The Connect page tells of a token of another team that was used here, by its name alone.
                if path.ends_with("connect") && name.starts_with("token of") {
                    continue;
                }
                assert!(!text.contains(&name), "{path} shows {name}");
            }
        }
    }
    assert!(ids >= 7, "{ids} addresses name something");
    for route in routes(false).iter().filter(|route| route.starts_with("tokens/n")) {
        for path in blue.paths("red", route) {
            owner.post("/admin/t/red/tokens", &path, "name=x&expires=90&stored=1").is(404);
        }
    }
    let list = server.data().run(&["token", "list", "--team", "default"]).well().stdout;
    assert!(!list.contains("revoked"), "{list}");
    for query in [&blue.user, &blue.group, &blue.request, "person.of.default@example.com", "Group of default"]
    {
        let found = owner.get(&format!("/admin/t/red/search?q={}", query.replace(' ', "+"))).is(200).text();
        assert!(found.contains("0 found"), "{query}: {found}");
    }
    for query in
        [format!("token={}", blue.token), format!("q={}", blue.user), format!("open={}", blue.request)]
    {
        let text = owner.get(&format!("/admin/t/red/activity?{query}")).is(200).text();
        assert!(!text.contains("of.default@"), "{query}: {text}");
    }
    owner.get(&format!("/admin/t/red/activity/{}", red.request)).is(200);
}

#[test]
fn a_token_is_shown_to_its_session_until_it_is_copied_or_scimd_starts_again() {
    let server = Server::plain();
    let owner = owner(&server);
    let second = Browser::new(&server);
    second.enter(OWNER, PASSWORD);
    let made = |name: &str| {
        let to = owner.post(&at("tokens/new"), &at("tokens"), &format!("name={name}&expires=90")).is(303);
        to.header("location").to_owned()
    };
    let first = made("first");
    let zip = [("accept-encoding", "gzip")];
    let secret = |browser: &Browser, path: &str| {
        let answer = browser.send_with("GET", path, &zip, "").is(200);
        let text = answer.text();
        let shown = text.contains("scimd_");
        assert!(
            !shown || answer.header("content-encoding").is_empty(),
            "a page with a secret is not compressed"
        );
        if shown { between(&text, "scimd_", "<").to_owned() } else { String::new() }
    };
    let text = secret(&owner, &first);
    assert!(text.len() > 40, "{text}");
    assert_eq!(secret(&owner, &first), text, "loading it again shows it again");
    assert_eq!(secret(&owner, &at("connect")), text, "and so does the connect page");
    assert_eq!(secret(&second, &first), "", "never to another session of the same administrator");
    assert_eq!(secret(&second, &at("connect")), "");
    let list = owner.send_with("GET", &at("tokens"), &zip, "").is(200);
    assert_eq!(list.header("content-encoding"), "gzip", "other pages are");
    owner.post(&first, &first.replace("created", "copied"), "stored=1").is(303);
    assert_eq!((secret(&owner, &first), secret(&owner, &at("connect"))), (String::new(), String::new()));

    let again = made("again");
    assert!(!secret(&owner, &again).is_empty());
    let cookie = owner.cookie("scimd-session").expect("signed in");
    let data = std::sync::Arc::clone(server.data());
    let said = server.said();
    assert!(!said.contains(&text) && !said.contains("password="), "nothing of it is logged");
    server.stop();
    let server = Server::with(data, &["--tls", "off"]);
    let headers = [("cookie", format!("scimd-session={cookie}"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page =
        server.client().send("GET", &format!("{}{again}", server.origin), &headers, Vec::new()).is(200);
    assert!(page.text().contains("Its text is gone") && !page.text().contains("scimd_"), "{}", page.text());
}

#[test]
fn an_invitation_works_once_and_no_log_has_it() {
    let server = Server::plain();
    let owner = owner(&server);
    let led =
        owner.post(&at("admins/invite"), &at("admins/invite"), "email=zoe@example.com&access=ro").is(303);
    let zip = [("accept-encoding", "gzip")];
    let page = owner.send_with("GET", led.header("location"), &zip, "").is(200);
    assert_eq!(page.header("content-encoding"), "");
    let text = page.text();
    let link = between(&text, "/admin/join/", "<");
    let path = format!("/admin/join/{link}");
    let zoe = Browser::new(&server);
    let fields = format!("name=Zoe&password={}&again={}", "another+long+password", "another+long+password");
    zoe.post(&path, &path, "name=Zoe&password=short&again=short").is(422);
    zoe.post(&path, &path, &fields).is(303);
    zoe.get(&at("users")).is(200);
    let proof = proof(&Browser::new(&server).get("/admin/sign-in").text());
    zoe.send("POST", &path, &format!("csrf={proof}&{fields}")).is(410);
    Browser::new(&server).get(&path).is(410);
    let said = server.said();
    assert!(said.contains("/admin/join/") && !said.contains(link), "the access log cuts it off: {said}");
}

#[test]
fn a_stream_of_events_names_the_fragment_to_fetch() {
    let server = Server::plain();
    let caller = server.caller();
    let owner = owner(&server);
    let cookie = owner.cookie("scimd-session").expect("signed in");
    for page in ["overview", "connect", "tokens", "activity", "selftest", "users", "groups"] {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let head = format!(
            "GET {}?page={page} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\ncookie: scimd-session={cookie}\r\n\r\n",
            at("events")
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut told = String::new();
        let mut until = |mark: &str, times: usize| {
            let mut part = [0; 4096];
            while told.matches(mark).count() < times {
                let n = stream.read(&mut part).unwrap_or_else(|error| panic!("{page}: {error}: {told}"));
                told.push_str(&String::from_utf8_lossy(&part[..n]));
            }
            told.clone()
        };
        let head = until("event: fragment", 1);
        assert!(
            head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream"),
            "{head}"
        );
        assert!(
            head.contains("content-security-policy") && head.contains("cache-control: no-store"),
            "{head}"
        );
        let text = until("\"say\":\"\"}", 1);
        assert!(text.contains(&format!("{{\"id\":\"{page}\",\"url\":\"{}", at("fragment"))), "{text}");
        caller.get("/Users").is(200);
        until("event: fragment", 2);
    }
    assert_eq!(owner.get(&at("events?page=team")).is(404).status, 404, "nothing on it changes");
    assert_eq!(owner.get(&at("events?page=users&id=../team")).is(404).status, 404, "no id");
    assert!(
        Browser::new(&server).get(&at("events?page=overview")).is(303).header("location").contains("sign-in")
    );
}

//! A browser as far as HTTP goes: it keeps cookies, and sends forms with the proof of the page they stand on. What a real
//! browser shows is for the page tests.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::client::Answer;
use crate::server::{Server, scimd_with_input};

/// The password of every administrator that tests make.
pub const PASSWORD: &str = "correct horse battery";

/// A browser with its cookies.
pub struct Browser<'s> {
    server: &'s Server,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'s> Browser<'s> {
    /// A browser that knows no cookie.
    pub fn new(server: &'s Server) -> Browser<'s> {
        Browser { server, cookies: RefCell::default() }
    }

    /// Makes an administrator and signs in.
    #[track_caller]
    pub fn sign_in(server: &'s Server, email: &str, read_only: bool) -> Browser<'s> {
        administrator(server, email, read_only);
        let browser = Browser::new(server);
        assert_eq!(browser.enter(email, PASSWORD), "/admin");
        browser
    }

    /// Sends a request with the cookies, and keeps what comes back.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send_with(method, path, &[], body)
    }

    /// The same with further headers; one of a usual name takes its place.
    pub fn send_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let jar: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let jar = jar.join("; ");
        let mut all = vec![("cookie", jar.as_str())];
        if method == "POST" {
            all.push(("content-type", "application/x-www-form-urlencoded"));
        }
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend(headers);
        let url = format!("{}{path}", self.server.origin);
        let answer = self.server.client().send(method, &url, &all, body.as_bytes().to_vec());
        for line in answer.headers("set-cookie") {
            let (pair, rest) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a value");
            match rest.contains("Max-Age=0") {
                true => self.cookies.borrow_mut().remove(name),
                false => self.cookies.borrow_mut().insert(name.into(), value.into()),
            };
        }
        answer
    }

    /// Reads a page.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    /// The value of a cookie that it keeps.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// The proof that a page's forms carry.
    #[track_caller]
    pub fn csrf(&self, page: &str) -> String {
        proof(&self.get(page).text())
    }

    /// Sends a form of a page.
    #[track_caller]
    pub fn post(&self, page: &str, to: &str, fields: &str) -> Answer {
        let csrf = self.csrf(page);
        self.send("POST", to, &format!("csrf={csrf}&{fields}"))
    }

    /// Signs in with the password; answers where that leads.
    #[track_caller]
    pub fn enter(&self, email: &str, password: &str) -> String {
        let fields = format!("email={}&password={}", encoded(email), encoded(password));
        self.post("/admin/sign-in", "/admin/sign-in", &fields).is(303).header("location").into()
    }

    /// Sets the second step up; answers the secret and the recovery codes.
    #[track_caller]
    pub fn set_up(&self) -> (Vec<u8>, Vec<String>) {
        let page = self.get(&at("you/second-step")).is(200).text();
        let text = between(&page, "aria-label=\"Key\">", "<");
        let secret = from_base32(text);
        let code = code(&secret, 0);
        let to = at("you/second-step");
        let led = self.post(&to, &to, &format!("code={code}")).is(303);
        let codes = self.get(led.header("location")).is(200).text();
        let codes: Vec<String> = between(&codes, "id=\"codes\">", "</ol>")
            .split("<li>")
            .skip(1)
            .map(|li| li[..19].into())
            .collect();
        assert_eq!(codes.len(), 10);
        (secret, codes)
    }
}

/// Makes an administrator with the one password.
#[track_caller]
pub fn administrator(server: &Server, email: &str, read_only: bool) {
    let dir = server.data().text();
    let mut args = vec!["admin", "create", "--email", email, "--password-stdin", "--data-dir", &dir];
    args.extend(read_only.then_some("--read-only"));
    scimd_with_input(&args, PASSWORD).well();
}

/// The proof that stands in the first form of a page.
#[track_caller]
pub fn proof(page: &str) -> String {
    between(page, "name=\"csrf\" value=\"", "\"").to_owned()
}

/// A path below the default team.
pub fn at(path: &str) -> String {
    format!("/admin/t/default/{path}")
}

/// What stands between two texts.
#[track_caller]
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {text}"));
    rest.split_once(after).expect("an end").0
}

/// The code of a secret, some steps of 30 s from now.
pub fn code(secret: &[u8], steps: i64) -> String {
    let now = scimd::base::Clock::system().now();
    scimd::base::otp::code(secret, scimd::base::otp::step(now).saturating_add_signed(steps))
}

/// What people type, as bytes.
fn from_base32(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for letter in text.bytes().filter(|b| *b != b' ') {
        let value = letters.iter().position(|other| *other == letter).expect("a letter of base32");
        bits = bits << 5 | u32::try_from(value).expect("small");
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("a byte"));
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

/// A value as it stands in an address or a form.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The paths of the router below a team that take a method, read from its own table, so that none is forgotten.
/// A name of one or two letters stands for a part that may be anything, and so does `file`.
pub fn routes(get: bool) -> Vec<String> {
    let source = include_str!("../../src/admin/mod.rs");
    let (_, table) = source.split_once("async fn team_route").expect("the table");
    let mut routes = Vec::new();
    for line in table.lines() {
        let line = line.trim();
        let mine = line.strip_prefix(if get { "(true, [" } else { "(false, [" });
        let Some(rest) = mine.or_else(|| line.strip_prefix("(_, [")) else {
            continue;
        };
        let (parts, _) = rest.split_once(']').expect("a closed list");
        let parts = parts.split(", ").map(|part| part.trim_matches('"')).collect::<Vec<_>>();
        routes.push(parts.join("/"));
    }
    assert!(routes.len() > 15, "{routes:?}");
    routes
}

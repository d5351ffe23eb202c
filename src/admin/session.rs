//! Who visits: the cookies of a request, the session behind them, and the proof that a form came from one of our pages.

use std::time::Duration;

use super::Desk;
use super::error::Fault;
use super::kept::Turn;
use super::pending::Post;
use super::when::Zone;
use crate::base::Timestamp;
use crate::base::secret::{self, Key};
use crate::http::cookies::{self, Cookie, SameSite};
use crate::http::upload::{self, Upload};
use crate::http::{Headers, Method, Query, Request, Response, forms};
use crate::service::Error;
use crate::service::sessions::{Found, SignedIn};

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const THEME: &str = "scimd-theme";
const ZONE: &str = "scimd-zone";
const KEYS: &str = "scimd-keys";
/// What the page learns of a session that is there no more.
const UNKNOWN: &str = "Your session was ended from another place, by a new password, or more than a day ago.";

/// One request of a browser.
pub struct Visit<'d> {
    pub desk: &'d Desk,
    pub request: Request,
    pub zone: Zone,
    /// `light`, `dark`, or empty for what the system says.
    pub theme: &'static str,
    /// Why the session that the browser showed is over.
    pub ended: &'static str,
    /// Single-key shortcuts are switched off.
    pub keys_off: bool,
    who: Option<SignedIn>,
    /// The administrator of a session that ended by itself, and its secret.
    lost: Option<(i64, String)>,
    /// Where the forms of this request led, for whoever sends them again.
    turns: Vec<Turn>,
    fault: Option<Error>,
    /// The secret that proves that a form is ours: the session's, or a visitor's own.
    secret: String,
    cookies: Vec<Cookie>,
}

impl<'d> Visit<'d> {
    /// Reads the cookies of a request and looks the session up.
    pub fn new(desk: &'d Desk, request: Request) -> Visit<'d> {
        let now = desk.service.clock().now();
        let zone = cookies::get(&request.headers, ZONE).map(|name| Zone::named(name, now));
        let theme = match cookies::get(&request.headers, THEME) {
            Some("dark") => "dark",
            Some("light") => "light",
            _ => "",
        };
        let mut visit = Visit {
            desk,
            zone: zone.unwrap_or_else(|| Zone::utc(now)),
            theme,
            ended: "",
            keys_off: cookies::get(&request.headers, KEYS) == Some("off"),
            who: None,
            lost: None,
            turns: Vec::new(),
            fault: None,
            secret: String::new(),
            cookies: Vec::new(),
            request,
        };
        visit.look_up();
        visit
    }

    fn look_up(&mut self) {
        if let Some(text) = self.cookie("session").map(str::to_owned) {
            // What a page fetches by itself is no use of the session.
            let path = &self.request.path;
            let uses = !path.ends_with("/events") && !path.contains("/fragment/");
            let address = self.request.peer.ip().to_string();
            match self.desk.sessions.find(&text, uses, &address) {
                Ok(Found::Live(who)) => {
                    self.who = Some(*who);
                    self.secret = text;
                    return;
                }
                Ok(Found::Ended { admin, why }) => {
                    self.ended = why;
                    self.lost = Some((admin, text));
                }
                Ok(Found::Unknown) => self.ended = UNKNOWN,
                Err(error) => self.fault = Some(error),
            }
        }
        self.secret = self.cookie("visit").unwrap_or_default().to_owned();
    }

    /// The value of one of our cookies.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookies::get(&self.request.headers, &self.cookie_name(name)).filter(|value| !value.is_empty())
    }

    /// The administrator, or a redirect to sign in.
    pub fn signed_in(&mut self) -> Result<&SignedIn, Fault> {
        if let Some(error) = self.fault.take() {
            return Err(Fault::Service(error));
        }
        self.who.as_ref().ok_or(Fault::SignIn)
    }

    /// The administrator, if there is one.
    pub fn who(&self) -> Option<&SignedIn> {
        self.who.as_ref()
    }

    /// The administrator just gave a password or code.
    pub fn proved(&mut self, now: Timestamp) {
        if let Some(who) = &mut self.who {
            who.session.proved = now;
        }
    }

    /// Where this page is, for a form that comes back to it.
    pub fn here(&self) -> String {
        match self.request.query.raw() {
            "" => self.request.path.clone(),
            query => format!("{}?{query}", self.request.path),
        }
    }

    /// The proof for a form of this page. A visitor without one gets a cookie to compare it with.
    pub fn csrf(&mut self) -> String {
        if self.secret.is_empty() {
            self.secret = secret::session().0;
            let cookie = Cookie::new(&self.cookie_name("visit"), &self.secret, self.desk.options.secure);
            self.cookies.push(cookie);
        }
        let (key, id) = proof(&self.secret);
        key.csrf(&id)
    }

    /// Reads the form of a POST after checking that one of our pages sent it.
    pub async fn form(&mut self) -> Result<Query, Fault> {
        if !same_origin(&self.request) {
            return Err(Fault::Foreign);
        }
        let form = forms::read(&mut self.request).await?;
        if !is_ours(&self.secret, form.get("csrf")) {
            return Err(Fault::Foreign);
        }
        self.take_turn(&form).await?;
        Ok(form)
    }

    /// Reads the form of a POST that may hold a file, after the same check.
    pub async fn upload(&mut self, limit: usize) -> Result<Upload, Fault> {
        if !same_origin(&self.request) {
            return Err(Fault::Foreign);
        }
        let form = upload::read(&mut self.request, limit).await?;
        if !is_ours(&self.secret, form.text("csrf")) {
            return Err(Fault::Foreign);
        }
        Ok(form)
    }

    /// A form that was sent before, from the same page with the same words, leads where it led then. Each page's proof is
    /// unlike every other's, so that it serves as the one-time key of the page's forms.
    async fn take_turn(&mut self, form: &Query) -> Result<(), Fault> {
        let Some(who) = &self.who else { return Ok(()) };
        let key = secret::sha256(format!("{}?{}", self.request.path, form.raw()).as_bytes());
        let turn = self.desk.kept.turn(who.session.hash, key, self.zone.now()).await;
        if let Some(led) = &*turn {
            return Err(Fault::Go(led.clone()));
        }
        self.turns.push(turn);
        Ok(())
    }

    /// The form of a POST whose session had ended, if one of our pages sent it, with the administrator it belonged to.
    pub async fn lost_form(&mut self) -> Option<Post> {
        let (owner, text) = self.lost.clone()?;
        if self.request.method != Method::Post || !same_origin(&self.request) {
            return None;
        }
        let form = forms::read(&mut self.request).await.ok()?;
        is_ours(&text, form.get("csrf")).then(|| Post::of(owner, &self.request.path, &form)).flatten()
    }

    /// Puts a form that waited in the place of this request, as if its page had sent it now.
    pub fn resume(&mut self, post: &Post) {
        let body = post.body(&self.csrf());
        let mut headers = Headers::new();
        for name in ["host", "cookie", "user-agent", "sec-fetch-site", "origin"] {
            if let Some(value) = self.request.headers.get(name) {
                headers.set(name, value);
            }
        }
        headers.set("content-type", "application/x-www-form-urlencoded");
        let mut request = Request::new(Method::Post, &post.path, headers, body);
        (request.peer, request.tls) = (self.request.peer, self.request.tls);
        request.id = self.request.id.clone();
        self.request = request;
    }

    /// Gives the browser a new session and takes the visitor's own secret away.
    pub fn begin_session(&mut self, text: &str) {
        let secure = self.desk.options.secure;
        self.cookies.push(Cookie::new(&self.cookie_name("session"), text, secure));
        self.forget("visit");
        self.forget("setup");
        self.forget("half");
    }

    /// Keeps a sign-in whose second step follows.
    pub fn keep_half(&mut self, text: &str) {
        let mut cookie = Cookie::new(&self.cookie_name("half"), text, self.desk.options.secure);
        cookie.same_site = SameSite::Strict;
        self.cookies.push(cookie);
    }

    /// Takes a cookie away from the browser.
    pub fn forget(&mut self, name: &str) {
        self.cookies.push(Cookie::forget(&self.cookie_name(name), self.desk.options.secure));
    }

    /// Keeps the set-up code that was checked, for the next step.
    pub fn keep_setup_code(&mut self, code: &str) {
        let mut cookie = Cookie::new(&self.cookie_name("setup"), code, self.desk.options.secure);
        cookie.same_site = SameSite::Strict;
        self.cookies.push(cookie);
    }

    /// Keeps a choice of colours; empty follows the system.
    pub fn keep_theme(&mut self, theme: &str) {
        self.keep(THEME, theme);
    }

    /// Keeps a choice of zone.
    pub fn keep_zone(&mut self, zone: &str) {
        self.keep(ZONE, zone);
    }

    /// Keeps whether single-key shortcuts are switched off.
    pub fn keep_keys(&mut self, off: bool) {
        self.keep(KEYS, if off { "off" } else { "" });
    }

    fn keep(&mut self, name: &str, value: &str) {
        let secure = self.desk.options.secure;
        self.cookies.push(match value {
            "" => Cookie::forget(name, secure),
            _ => Cookie { max_age: Some(YEAR), ..Cookie::new(name, value, secure) },
        });
    }

    /// The response with the cookies that were set on the way; where it leads is remembered for a form sent twice.
    pub fn leave(&mut self, response: Response) -> Response {
        if let Some(to) = response.headers.get("location").filter(|_| response.status == 303) {
            for turn in &mut self.turns {
                **turn = Some(to.to_owned());
            }
        }
        self.cookies.iter().fold(response, |response, cookie| response.cookie(cookie))
    }

    /// `__Host-` binds a cookie to this host and to HTTPS; without TLS a browser refuses the prefix.
    fn cookie_name(&self, name: &str) -> String {
        if self.desk.options.secure { format!("__Host-scimd-{name}") } else { format!("scimd-{name}") }
    }
}

/// The key of a secret's forms, and what it signs.
fn proof(text: &str) -> (Key, [u8; 32]) {
    let key = secret::sha256(format!("form key of {text}").as_bytes());
    (Key::from_bytes(key), secret::sha256(text.as_bytes()))
}

/// Whether a form carries the proof that belongs to a secret.
fn is_ours(text: &str, sent: Option<&str>) -> bool {
    let (key, id) = proof(text);
    !text.is_empty() && key.csrf_matches(&id, sent.unwrap_or_default())
}

/// Whether a POST comes from one of our pages as far as the browser tells. Our own pages say `Origin: null` because of
/// their referrer policy, so `Sec-Fetch-Site` decides where it is sent, and the form's proof always does.
fn same_origin(request: &Request) -> bool {
    if let Some(site) = request.headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    match request.headers.get("origin") {
        None | Some("null") => true,
        Some(origin) => {
            let host = request.headers.get("host").unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, named)| named.eq_ignore_ascii_case(host))
        }
    }
}

/// A path to return to that cannot lead away from the admin page: below `/admin`, without tricks.
pub fn safe_back(back: &str) -> Option<&str> {
    let below = back == "/admin" || back.starts_with("/admin/");
    let plain = back.len() <= 2000
        && back.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'<' | b'>' | b'"'))
        && !back.contains("//")
        && !back.contains("/..")
        && !back.starts_with("/admin/sign-");
    (below && plain).then_some(back)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Method};

    fn post(headers: &[(&str, &str)]) -> Request {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.set(name, value);
        }
        Request::new(Method::Post, "/admin/theme", all, "")
    }

    #[test]
    fn only_our_own_pages_may_send_forms() {
        let host = ("host", "scim.example.com:8443");
        for (headers, ours) in [
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (
                vec![host, ("sec-fetch-site", "cross-site"), ("origin", "https://scim.example.com:8443")],
                false,
            ),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![host, ("origin", "https://scim.example.com:8443")], true),
            (vec![host, ("origin", "https://evil.example.com")], false),
            (vec![host, ("origin", "null")], true),
            (vec![host], true),
        ] {
            assert_eq!(same_origin(&post(&headers)), ours, "{headers:?}");
        }
    }

    #[test]
    fn a_proof_fits_its_secret_alone_and_never_looks_the_same_twice() {
        let (key, id) = proof("a secret");
        let (one, two) = (key.csrf(&id), key.csrf(&id));
        assert_ne!(one, two);
        assert!(key.csrf_matches(&id, &one) && key.csrf_matches(&id, &two));
        let (other, other_id) = proof("another");
        assert!(!other.csrf_matches(&other_id, &one));
        assert!(!key.csrf_matches(&id, ""));
    }

    #[test]
    fn the_way_back_stays_on_the_admin_page() {
        for good in
            ["/admin", "/admin/t/acme/users?q=a%20b&status=inactive", "/admin/t/acme/activity?open=req_1"]
        {
            assert_eq!(safe_back(good), Some(good));
        }
        for bad in [
            "https://evil.example.com/admin/",
            "//evil.example.com/admin/",
            "/admin//evil.example.com",
            "/adminx",
            "/admin/../scim",
            "/admin/\\evil",
            "/admin/\r\nSet-Cookie: x",
            "/admin/sign-out",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(safe_back(bad), None, "{bad:?}");
        }
    }
}

//! Who visits: the cookies of a request, the session behind them, and the proof that a form came from one of our pages.

use std::time::Duration;

use super::Desk;
use super::error::Fault;
use super::when::Zone;
use crate::base::secret::{self, Key};
use crate::http::cookies::{self, Cookie, SameSite};
use crate::http::{Query, Request, Response, forms};
use crate::service::sessions::{Found, SignedIn};

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const THEME: &str = "scimd-theme";
const ZONE: &str = "scimd-zone";

/// One request of a browser.
pub struct Visit<'d> {
    pub desk: &'d Desk,
    pub request: Request,
    pub zone: Zone,
    /// `light`, `dark`, or empty for what the system says.
    pub theme: &'static str,
    /// Why the session that the browser showed is over.
    pub ended: &'static str,
    who: Option<SignedIn>,
    fault: Option<crate::service::Error>,
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
            who: None,
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
            match self.desk.sessions.find(&text) {
                Ok(Found::Live(who)) => {
                    self.who = Some(*who);
                    self.secret = text;
                    return;
                }
                Ok(Found::Ended(why)) => self.ended = why,
                Ok(Found::Unknown) => {}
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
        let (key, id) = proof(&self.secret);
        if self.secret.is_empty() || !key.csrf_matches(&id, form.get("csrf").unwrap_or_default()) {
            return Err(Fault::Foreign);
        }
        Ok(form)
    }

    /// Gives the browser a new session and takes the visitor's own secret away.
    pub fn begin_session(&mut self, text: &str) {
        let secure = self.desk.options.secure;
        self.cookies.push(Cookie::new(&self.cookie_name("session"), text, secure));
        self.forget("visit");
        self.forget("setup");
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

    fn keep(&mut self, name: &str, value: &str) {
        let secure = self.desk.options.secure;
        self.cookies.push(match value {
            "" => Cookie::forget(name, secure),
            _ => Cookie { max_age: Some(YEAR), ..Cookie::new(name, value, secure) },
        });
    }

    /// The response with the cookies that were set on the way.
    pub fn leave(&self, response: Response) -> Response {
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

//! An administrator who signs in as a browser does and reads pages; what a real browser shows is for the page tests.

use crate::client::Answer;
use crate::server::{Server, scimd_with_input};

/// A signed-in administrator of the default team.
pub struct Browser<'a> {
    server: &'a Server,
    cookie: String,
}

const PASSWORD: &str = "correct horse battery staple";

impl<'a> Browser<'a> {
    /// Makes an administrator and signs in.
    #[track_caller]
    pub fn sign_in(server: &'a Server, email: &str, read_only: bool) -> Browser<'a> {
        let dir = server.data().text();
        let mut args = vec!["admin", "create", "--email", email, "--password-stdin", "--data-dir", &dir];
        if read_only {
            args.push("--read-only");
        }
        scimd_with_input(&args, &format!("{PASSWORD}\n")).well();
        let mut browser = Browser { server, cookie: String::new() };
        let page = browser.get("/admin/sign-in").is(200);
        let text = page.text();
        let (_, behind) = text.split_once("name=\"csrf\" value=\"").expect("a proof in the form");
        let proof = behind.split('"').next().unwrap_or_default();
        browser.cookie = cookie(&page);
        let form = [("csrf", proof), ("email", email), ("password", PASSWORD)];
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let answer = browser.send("POST", "/admin/sign-in", form.join("&")).is(303);
        browser.cookie = cookie(&answer);
        browser
    }

    /// Reads a page.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, String::new())
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, body: String) -> Answer {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
        ];
        let url = format!("{}{path}", self.server.origin);
        self.server.client().send(method, &url, &headers, body.into_bytes())
    }
}

/// A value as it stands in an address or a form.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

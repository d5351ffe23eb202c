//! Cookies: reading them from a request, and writing one for a response.

use std::time::Duration;

use crate::http::Headers;

/// The value of the first cookie of a name.
pub fn get<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers
        .all("cookie")
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A cookie to be set. It is `HttpOnly`, `SameSite=Lax` and for the whole site, unless changed.
#[derive(Clone, Debug)]
pub struct Cookie {
    /// Its name; `__Host-…` demands `secure` and the path `/`.
    pub name: String,
    /// Its value; it must not hold blanks, commas, semicolons, quotes or backslashes (RFC 6265 §4.1.1).
    pub value: String,
    /// The path below which it is sent.
    pub path: String,
    /// How long it lives; without it, until the browser closes.
    pub max_age: Option<Duration>,
    /// Sent over HTTPS only.
    pub secure: bool,
    /// Hidden from scripts.
    pub http_only: bool,
    /// Which requests from other sites carry it.
    pub same_site: SameSite,
}

/// Which requests from other sites carry a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    Lax,
}

impl Cookie {
    /// A cookie with safe attributes.
    pub fn new(name: &str, value: &str, secure: bool) -> Cookie {
        Cookie {
            name: name.to_string(),
            value: value.to_string(),
            path: "/".to_string(),
            max_age: None,
            secure,
            http_only: true,
            same_site: SameSite::Lax,
        }
    }

    /// The cookie that makes a browser forget the one of this name.
    pub fn forget(name: &str, secure: bool) -> Cookie {
        Cookie { max_age: Some(Duration::ZERO), ..Cookie::new(name, "", secure) }
    }

    /// The value of a `Set-Cookie` field.
    pub fn render(&self) -> String {
        let mut text = format!("{}={}; Path={}", self.name, self.value, self.path);
        if let Some(age) = self.max_age {
            text.push_str(&format!("; Max-Age={}", age.as_secs()));
        }
        if self.secure {
            text.push_str("; Secure");
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_cookie_among_others() {
        let mut headers = Headers::new();
        headers.append("cookie", "a=1; session=x=y;b=2");
        headers.append("cookie", "c=3");
        assert_eq!(get(&headers, "session"), Some("x=y"));
        assert_eq!(get(&headers, "b"), Some("2"));
        assert_eq!(get(&headers, "c"), Some("3"));
        assert_eq!(get(&headers, "sess"), None);
    }

    #[test]
    fn a_cookie_is_safe_unless_said() {
        let cookie = Cookie::new("__Host-session", "abc", true);
        assert_eq!(cookie.render(), "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(Cookie::forget("s", false).render(), "s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
}

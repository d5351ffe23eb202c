//! The address under which a client reached us, for the locations that answers carry. What a client sends as `Host`
//! is looked at before it is repeated.

use std::fmt;

use crate::base::host::is_host;
use crate::http::{Headers, Request};

/// Why a request's `Host` cannot be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFault {
    /// There is none, or more than one (RFC 9112 §3.2).
    NotOne,
    /// It is no host name or address, with or without a port.
    NotAHost,
}

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostFault::NotOne => "the request must carry exactly one Host header",
            HostFault::NotAHost => "the Host header is not a host name or address with an optional port",
        })
    }
}

impl std::error::Error for HostFault {}

/// Looks at a request's `Host`. Only HTTP/1.0 may leave it out.
pub(super) fn check(headers: &Headers, may_lack: bool) -> Result<(), HostFault> {
    let mut hosts = headers.all("host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(_), None) => Err(HostFault::NotAHost),
        (None, _) if may_lack && !headers.has("host") => Ok(()),
        _ => Err(HostFault::NotOne),
    }
}

/// Scheme and host of this server as the client knows it: the configured public URL, else the request's own `Host`,
/// which was looked at before the request was handed on. No slash at the end.
pub fn origin(request: &Request, public_url: Option<&str>) -> String {
    if let Some(public) = public_url {
        return public.trim_end_matches('/').to_string();
    }
    let scheme = if request.tls { "https" } else { "http" };
    let host = request.headers.get("host").filter(|host| is_host(host)).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn with_host(host: &str) -> Request {
        let mut headers = Headers::new();
        headers.set("host", host);
        Request::new(Method::Get, "/scim/Users", headers, "")
    }

    #[test]
    fn the_public_url_wins_over_the_host() {
        let mut request = with_host("localhost:8443");
        assert_eq!(origin(&request, None), "http://localhost:8443");
        request.tls = true;
        assert_eq!(origin(&request, None), "https://localhost:8443");
        assert_eq!(origin(&request, Some("https://scim.example.com/")), "https://scim.example.com");
    }

    #[test]
    fn a_bad_host_is_refused_and_never_repeated() {
        let mut request = with_host("localhost:8443");
        assert_eq!(check(&request.headers, false), Ok(()));
        request.headers.append("host", "evil.example");
        assert_eq!(check(&request.headers, false), Err(HostFault::NotOne));
        let bad = with_host("x\" onclick");
        assert_eq!(check(&bad.headers, false), Err(HostFault::NotAHost));
        assert_eq!(origin(&bad, None), "http://localhost");
        assert_eq!(check(&Headers::new(), false), Err(HostFault::NotOne));
        assert_eq!(check(&Headers::new(), true), Ok(()));
    }
}

//! The address under which a client reached us, for the locations that answers carry. What a client sends as `Host`
//! is looked at before it is repeated.

use std::fmt;

use crate::http::Request;

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

/// Scheme and host of this server as the client knows it: the configured public URL, else the request's own `Host`.
/// No slash at the end.
pub fn origin(request: &Request, public_url: Option<&str>) -> Result<String, HostFault> {
    if let Some(public) = public_url {
        return Ok(public.trim_end_matches('/').to_string());
    }
    let mut hosts = request.headers.all("host");
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(HostFault::NotOne) };
    if !is_host(host) {
        return Err(HostFault::NotAHost);
    }
    let scheme = if request.tls { "https" } else { "http" };
    Ok(format!("{scheme}://{host}"))
}

/// Whether a text is a host name, an IPv4 address or an IPv6 address in brackets, with or without a port.
pub fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|_| !port.starts_with('+')));
    let host_fits = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let name = host.strip_suffix('.').unwrap_or(host);
            name.len() <= 253
                && name.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                })
        }
    };
    host_fits && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Headers, Method};

    fn with_host(host: &str) -> Request {
        let mut headers = Headers::new();
        headers.set("host", host);
        Request::new(Method::Get, "/scim/Users", headers, "")
    }

    #[test]
    fn hosts_are_checked() {
        for host in [
            "localhost",
            "localhost:8443",
            "scim.example.com",
            "127.0.0.1:80",
            "[::1]:8443",
            "[::1]",
            "a_b.c.",
        ] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "",
            ":8443",
            "a b",
            "a/b",
            "a@b",
            "a:99999",
            "a:",
            "a:+1",
            "[::1",
            "[x]:1",
            "a..b",
            "a\"b",
            "é.example",
        ] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn the_public_url_wins_and_a_bad_host_is_not_repeated() {
        let mut request = with_host("localhost:8443");
        assert_eq!(origin(&request, None).as_deref(), Ok("http://localhost:8443"));
        request.tls = true;
        assert_eq!(origin(&request, None).as_deref(), Ok("https://localhost:8443"));
        assert_eq!(
            origin(&request, Some("https://scim.example.com/")).as_deref(),
            Ok("https://scim.example.com")
        );
        request.headers.append("host", "evil.example");
        assert_eq!(origin(&request, None), Err(HostFault::NotOne));
        assert_eq!(origin(&with_host("x\" onclick"), None), Err(HostFault::NotAHost));
    }
}

//! A request as the faces see it: decoded where decoding cannot lose anything, its body read on demand and within limits.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};

use crate::base::Wire;
use crate::base::wire::{Http, Tls};
use crate::http::{Headers, Query, query};

/// How much of a refused body is read so that the client gets to see its answer, and for how long.
const DRAIN_BYTES: usize = 256 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// What is asked for. `HEAD` never arrives: it is handled as `GET`, and the body of the answer is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Other(String),
}

impl Method {
    /// The method of a name; names have case (RFC 9110 §9.1).
    pub fn named(name: &str) -> Method {
        match name {
            "GET" | "HEAD" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            other => Method::Other(other.to_string()),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The path as it was sent, escapes and all, without the query.
    pub path: String,
    /// The decoded query.
    pub query: Query,
    /// The header fields; `host` is there for HTTP/2 too.
    pub headers: Headers,
    /// Who is at the other end of the connection.
    pub peer: SocketAddr,
    /// Whether the client's connection is encrypted, here or at a proxy before us.
    pub tls: bool,
    /// How it came to this server.
    pub wire: Wire,
    /// `req_…`, also sent as `X-Request-Id`.
    pub id: String,
    body: Source,
}

/// Where the body comes from. A body that was not read to its end is drained when the request goes away.
#[derive(Debug)]
enum Source {
    /// `expects`: the client waits for `100 Continue`, which is sent when the body is first read.
    Network {
        incoming: Incoming,
        expects: bool,
    },
    Whole(Bytes),
    Taken,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than the limit, in bytes.
    TooLarge(usize),
    /// It did not arrive in time.
    TimedOut,
    /// The client went away, or broke the framing.
    Broken,
}

impl BodyError {
    /// The status that fits.
    pub fn status(self) -> u16 {
        match self {
            BodyError::TooLarge(_) => 413,
            BodyError::TimedOut => 408,
            BodyError::Broken => 400,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::TooLarge(limit) => write!(f, "the body is longer than the {limit} bytes allowed here"),
            BodyError::TimedOut => f.write_str("the body did not arrive in time"),
            BodyError::Broken => f.write_str("the body ended before it was whole"),
        }
    }
}

impl std::error::Error for BodyError {}

impl Request {
    /// A request that came from no network, for tests and calls within the process. `target` is a path with or
    /// without a query.
    pub fn new(method: Method, target: &str, headers: Headers, body: impl Into<Bytes>) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request {
            method,
            path: path.to_string(),
            query: Query::parse(query),
            headers,
            peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            tls: false,
            wire: Wire::PLAIN,
            id: "req_0000000000000000000000".to_string(),
            body: Source::Whole(body.into()),
        }
    }

    pub(super) fn from_network(
        parts: hyper::http::request::Parts,
        body: Incoming,
        peer: SocketAddr,
        tls: Option<Tls>,
        id: String,
    ) -> Request {
        let mut headers = Headers::from_map(parts.headers);
        // HTTP/2 and absolute-form targets name the host in the target (RFC 9113 §8.3.1, RFC 9112 §3.2.2).
        if let Some(authority) = parts.uri.authority() {
            headers.set("host", authority.as_str());
        }
        let expects = headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        Request {
            method: Method::named(parts.method.as_str()),
            path: parts.uri.path().to_string(),
            query: Query::parse(parts.uri.query().unwrap_or("")),
            headers,
            peer,
            tls: tls.is_some(),
            wire: Wire { http: version(parts.version), tls },
            id,
            body: Source::Network { incoming: body, expects },
        }
    }

    /// The path's segments, decoded: `/scim/Users/a%20b` is `scim`, `Users`, `a b`. Empty segments stay.
    /// The error is a clause that can follow "the path".
    pub fn segments(&self) -> Result<Vec<String>, &'static str> {
        self.path.split('/').skip(1).map(|segment| query::decode(segment, false)).collect()
    }

    /// The length of the body as the client announced it.
    pub fn announced_length(&self) -> Option<u64> {
        self.headers.get("content-length").and_then(|text| text.trim().parse().ok())
    }

    /// Reads the whole body; a second call gives nothing. Too long is known before the body is read where the
    /// client said how long it is, so that a client that waits for `100 Continue` never sends it.
    pub async fn body(&mut self, limit: usize, timeout: Duration) -> Result<Bytes, BodyError> {
        match std::mem::replace(&mut self.body, Source::Taken) {
            Source::Taken => Ok(Bytes::new()),
            Source::Whole(bytes) if bytes.len() > limit => Err(BodyError::TooLarge(limit)),
            Source::Whole(bytes) => Ok(bytes),
            Source::Network { incoming, expects } if incoming.size_hint().lower() > limit as u64 => {
                self.body = Source::Network { incoming, expects };
                Err(BodyError::TooLarge(limit))
            }
            Source::Network { incoming, .. } => self.collect(incoming, limit, timeout).await,
        }
    }

    async fn collect(
        &mut self,
        mut incoming: Incoming,
        limit: usize,
        timeout: Duration,
    ) -> Result<Bytes, BodyError> {
        let read = Limited::new(&mut incoming, limit).collect();
        let result = match tokio::time::timeout(timeout, read).await {
            Ok(Ok(collected)) => return Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge(limit)),
            Ok(Err(_)) => Err(BodyError::Broken),
            Err(_) => Err(BodyError::TimedOut),
        };
        if result == Err(BodyError::TooLarge(limit)) {
            self.body = Source::Network { incoming, expects: false };
        }
        result
    }
}

impl Drop for Request {
    /// Reads and throws away what the client is still sending. Closing at once would reset the connection, and the
    /// client would never see the answer that says why.
    fn drop(&mut self) {
        let Source::Network { incoming, expects: false } = std::mem::replace(&mut self.body, Source::Taken)
        else {
            return;
        };
        if !incoming.is_end_stream() {
            tokio::spawn(drain(incoming));
        }
    }
}

async fn drain(mut incoming: Incoming) {
    let read = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(frame)) = incoming.frame().await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Out of time or not: the body is dropped now, and its connection with it if anything is left.
    let _done = tokio::time::timeout(DRAIN_TIME, read).await;
}

/// There is no other version that hyper reads.
fn version(version: hyper::Version) -> Http {
    match version {
        hyper::Version::HTTP_2 => Http::V2,
        hyper::Version::HTTP_10 | hyper::Version::HTTP_09 => Http::V10,
        _ => Http::V11,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> Request {
        Request::new(Method::Get, target, Headers::new(), "12345")
    }

    #[test]
    fn parts_path_and_query() {
        let request = request("/scim/v2/Users/a%20b?count=1");
        assert_eq!(request.path, "/scim/v2/Users/a%20b");
        assert_eq!(request.query.get("count"), Some("1"));
        assert_eq!(request.segments().expect("decodable"), ["scim", "v2", "Users", "a b"]);
    }

    #[test]
    fn doubled_and_trailing_slashes_stay_visible() {
        assert_eq!(request("/scim//Users/").segments().expect("decodable"), ["scim", "", "Users", ""]);
        assert!(request("/scim/%zz").segments().is_err());
    }

    #[tokio::test]
    async fn a_body_has_a_limit_and_is_read_once() {
        let second = Duration::from_secs(1);
        assert_eq!(request("/").body(4, second).await, Err(BodyError::TooLarge(4)));
        let mut whole = request("/");
        assert_eq!(whole.body(5, second).await.as_deref(), Ok(&b"12345"[..]));
        assert_eq!(whole.body(5, second).await.as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn method_names_round_trip() {
        for name in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
            assert_eq!(Method::named(name).as_str(), name);
        }
        assert_eq!(Method::named("HEAD"), Method::Get);
    }
}

//! One request on its way through: id, limits on its head, the handler and its panics, the fields every answer has,
//! compression, and the line in the access log.

use std::any::Any;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::{Body as _, Incoming};

use crate::base::wire::Tls;
use crate::base::{Ids, Wire};
use crate::http::room::Room;
use crate::http::{Body, Handler, Headers, HostFault, Limits, Request, Response, gzip, host};

/// What went wrong outside the handler, for which somebody above finds the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Path and query are longer than this many bytes.
    UriTooLong(usize),
    /// The header fields are longer than this many bytes, or too many.
    HeadersTooLarge(usize),
    /// What came is no request of HTTP.
    NoRequest,
    /// There is no host, or none that can be repeated in a link.
    BadHost(HostFault),
    /// Too much waits for clients that take it slowly, and this answer would come to it.
    NoRoom,
    /// The handler panicked; the log has the cause under this incident.
    Panicked(String),
}

impl Fault {
    /// The status that fits.
    pub fn status(&self) -> u16 {
        match self {
            Fault::UriTooLong(_) => 414,
            Fault::HeadersTooLarge(_) => 431,
            Fault::BadHost(_) | Fault::NoRequest => 400,
            Fault::NoRoom => 503,
            Fault::Panicked(_) => 500,
        }
    }

    /// What the client is told.
    pub fn detail(&self) -> String {
        match self {
            Fault::UriTooLong(limit) => {
                format!(
                    "The address with its query is longer than {limit} bytes: use a shorter filter, or POST to /.search."
                )
            }
            Fault::HeadersTooLarge(limit) => {
                format!("The header fields are longer than {limit} bytes, or more than 100.")
            }
            Fault::NoRequest => {
                "This is no HTTP request: look at its first line, where blanks and quotes are written %20 and %22, and at the form of its header fields."
                    .to_string()
            }
            Fault::BadHost(fault) => format!("{fault}."),
            Fault::NoRoom => {
                "Many large answers wait for clients that take them slowly: ask again in a moment, or for less at a time."
                    .to_string()
            }
            Fault::Panicked(incident) => {
                format!("Something went wrong inside scimd. The log has the cause under {incident}.")
            }
        }
    }
}

/// A request that no handler answered, as far as it was read: all but the fault, the id and the peer may be empty.
#[derive(Clone, Copy, Debug)]
pub struct Unserved<'a> {
    pub fault: &'a Fault,
    pub id: &'a str,
    pub peer: SocketAddr,
    pub method: &'a str,
    pub path: &'a str,
    pub user_agent: &'a str,
    pub wire: Option<Wire>,
}

/// Words a fault for the client.
pub type FaultAnswer = Arc<dyn Fn(&Unserved<'_>) -> Response + Send + Sync>;

/// What all requests of a server share.
pub(super) struct Shared {
    pub handler: Handler,
    pub fault: FaultAnswer,
    pub ids: Ids,
    pub limits: Limits,
    pub room: Room,
}

/// Answers one request.
pub(super) async fn answer(
    shared: &Shared,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    tls: Option<Tls>,
) -> hyper::Response<Body> {
    let began = Instant::now();
    let id = shared.ids.request();
    let (parts, body) = request.into_parts();
    let head = parts.method == hyper::Method::HEAD;
    let method = parts.method.clone();
    let path = loggable(parts.uri.path());
    let uri_length = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    let old = parts.version < hyper::Version::HTTP_11;
    let request = Request::from_network(parts, body, peer, tls, id.clone());
    let zipped = gzip::accepted(&request.headers);
    let agent = loggable(request.headers.get("user-agent").unwrap_or(""));

    let (raw_path, wire) = (request.path.clone(), Some(request.wire));
    let fault = if uri_length > shared.limits.uri_bytes {
        Err(Fault::UriTooLong(shared.limits.uri_bytes))
    } else if request.headers.size() > shared.limits.header_bytes {
        Err(Fault::HeadersTooLarge(shared.limits.header_bytes))
    } else if let Err(fault) = host::check(&request.headers, old) {
        Err(Fault::BadHost(fault))
    } else {
        handled(shared, request, &path).await
    };
    let worded = |fault: Fault| {
        let (method, path, user_agent) = (method.as_str(), raw_path.as_str(), agent.as_str());
        (shared.fault)(&Unserved { fault: &fault, id: &id, peer, method, path, user_agent, wire })
    };
    let mut response = fault.unwrap_or_else(worded);
    gzip::apply(&mut response, zipped).await;
    // What changed something has happened, and its answer goes out.
    let must = !method.is_safe() && !response.only_read;
    if !shared.room.hold(&mut response.body, must) {
        response = worded(Fault::NoRoom).header("retry-after", "1");
    }
    finish(&mut response.headers, &id);
    let bytes = response.body.size_hint().exact();
    let micros = began.elapsed().as_micros() as u64;
    let (id, method) = (id.as_str(), method.as_str());
    tracing::info!(target: "scimd::access", id, %peer, method, path, status = response.status, micros, bytes, agent);
    outgoing(response, head)
}

/// The whole answer, as it goes over the wire, to a head that could not be read; the connection ends with it.
pub(super) fn unread(shared: &Shared, status: u16, peer: SocketAddr) -> Vec<u8> {
    let id = shared.ids.request();
    let fault = match status {
        414 => Fault::UriTooLong(shared.limits.uri_bytes),
        431 => Fault::HeadersTooLarge(shared.limits.header_bytes),
        _ => Fault::NoRequest,
    };
    let unserved =
        Unserved { fault: &fault, id: &id, peer, method: "", path: "", user_agent: "", wire: None };
    let mut response = (shared.fault)(&unserved);
    finish(&mut response.headers, &id);
    let body = response.whole().map_or(&[][..], |body| body);
    tracing::info!(target: "scimd::access", %id, %peer, status = response.status, "a head that could not be read");
    let status = hyper::StatusCode::from_u16(response.status).unwrap_or(hyper::StatusCode::BAD_REQUEST);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
    for (name, value) in response.headers.iter() {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
    [bytes.as_bytes(), body].concat()
}

/// Calls the handler; a panic in it is a fault.
async fn handled(shared: &Shared, request: Request, path: &str) -> Result<Response, Fault> {
    let id = request.id.clone();
    let handler = Arc::clone(&shared.handler);
    match Caught(Box::pin(async move { handler(request).await })).await {
        Ok(response) => Ok(response),
        Err(panic) => {
            tracing::error!(incident = %id, path, cause = words(&*panic), "a request panicked");
            Err(Fault::Panicked(id))
        }
    }
}

/// The fields every answer carries. Nothing we send is to be guessed at or kept by a cache unless it says so.
fn finish(headers: &mut Headers, id: &str) {
    headers.set("x-request-id", id);
    headers.set("x-content-type-options", "nosniff");
    if !headers.has("cache-control") {
        headers.set("cache-control", "no-store");
    }
}

fn outgoing(response: Response, head: bool) -> hyper::Response<Body> {
    let Response { status, headers, mut body, .. } = response;
    let mut map = headers.into_map();
    if head {
        // HEAD answers like GET, length included, but without the body (RFC 9110 §9.3.2).
        if let (Some(length), true) = (body.size_hint().exact(), status != 304 && status != 204) {
            map.insert(hyper::header::CONTENT_LENGTH, length.into());
        }
        body = Body::Bytes(hyper::body::Bytes::new());
    }
    if status == 413 {
        // The rest of the body is read and thrown away; the connection is of no further use.
        map.insert(hyper::header::CONNECTION, hyper::header::HeaderValue::from_static("close"));
    }
    let mut answer = hyper::Response::new(body);
    *answer.headers_mut() = map;
    *answer.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

/// A path, or another text of a client's, as it may stand in a log: a token pasted into it is cut off.
pub(super) fn loggable(path: &str) -> String {
    match path.find("scimd_") {
        Some(at) => format!("{}scimd_…", &path[..at]),
        None => path.to_string(),
    }
}

/// A panic's message, where it has one.
fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// A future whose panic is a value.
struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // The future is dropped after a panic and never polled again, so no broken state of it is seen.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_path_is_not_logged() {
        assert_eq!(loggable("/scim/Users/1"), "/scim/Users/1");
        assert_eq!(loggable("/scim/scimd_abc/Users"), "/scim/scimd_…");
    }

    #[tokio::test]
    async fn a_panic_becomes_a_value_with_its_words() {
        let caught = Caught(Box::pin(async {
            if true {
                panic!("number {}", 7);
            }
        }))
        .await;
        assert_eq!(words(&*caught.expect_err("it panics")), "number 7");
    }
}

//! A response as the faces make it: status, header fields and a body that is whole or streamed.

use hyper::body::{Bytes, Frame};
use tokio::sync::mpsc;

use crate::http::Headers;
use crate::http::cookies::Cookie;

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// Whether the body may be compressed; off for a page that shows a secret.
    pub compress: bool,
    /// Whether nothing was changed, although the method may change something: it can be asked for again.
    pub only_read: bool,
}

/// The body of a response.
#[derive(Debug)]
pub enum Body {
    /// Known whole.
    Bytes(Bytes),
    /// Sent while it is made.
    Stream(mpsc::Receiver<Result<Bytes, Cut>>),
}

/// The sign that a stream was given up: the client sees a cut connection, not a short answer that looks whole.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer was given up half-way")
    }
}

impl std::error::Error for Cut {}

/// The end of a streamed body at which it is made. Dropping it ends the body.
#[derive(Clone, Debug)]
pub struct BodySender(mpsc::Sender<Result<Bytes, Cut>>);

impl BodySender {
    /// Sends some bytes, waiting while the client is slower. `false`: nobody listens any more.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> bool {
        self.0.send(Ok(bytes.into())).await.is_ok()
    }

    /// Gives the answer up; the connection is cut so that no client takes the part for the whole.
    pub async fn cut(self) {
        // An error here means that the client has gone already.
        let _gone = self.0.send(Err(Cut)).await;
    }

    /// Resolves when the client has gone away.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

impl Body {
    /// A streamed body: what the sender sends, a few pieces ahead of the client.
    pub fn stream() -> (BodySender, Body) {
        let (sender, receiver) = mpsc::channel(4);
        (BodySender(sender), Body::Stream(receiver))
    }
}

impl Response {
    /// An answer without a body.
    pub fn empty(status: u16) -> Response {
        Response::with_body(status, Body::Bytes(Bytes::new()))
    }

    /// An answer with a body whose type the caller sets with `header`.
    pub fn with_body(status: u16, body: Body) -> Response {
        Response { status, headers: Headers::new(), body, compress: true, only_read: false }
    }

    /// Bytes of any type.
    pub fn bytes(status: u16, content_type: &str, bytes: impl Into<Bytes>) -> Response {
        Response::with_body(status, Body::Bytes(bytes.into())).header("content-type", content_type)
    }

    /// JSON under the given media type.
    pub fn json(status: u16, content_type: &str, bytes: impl Into<Bytes>) -> Response {
        Response::bytes(status, content_type, bytes)
    }

    /// A page.
    pub fn html(status: u16, page: impl Into<Bytes>) -> Response {
        Response::bytes(status, "text/html; charset=utf-8", page)
    }

    /// Plain text.
    pub fn text(status: u16, text: impl Into<Bytes>) -> Response {
        Response::bytes(status, "text/plain; charset=utf-8", text)
    }

    /// A redirect to be followed with GET (RFC 9110 §15.4.4).
    pub fn redirect(location: &str) -> Response {
        Response::empty(303).header("location", location)
    }

    /// Sets a header field.
    pub fn header(mut self, name: &str, value: &str) -> Response {
        self.headers.set(name, value);
        self
    }

    /// Adds a cookie.
    pub fn cookie(mut self, cookie: &Cookie) -> Response {
        self.headers.append("set-cookie", &cookie.render());
        self
    }

    /// Forbids compressing the body, for pages that show a secret.
    pub fn uncompressed(mut self) -> Response {
        self.compress = false;
        self
    }

    /// Says that nothing was changed, whatever the method.
    pub fn only_read(mut self) -> Response {
        self.only_read = true;
        self
    }

    /// The body's bytes when it is known whole; tests read answers with it.
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.body {
            Body::Bytes(bytes) => Some(bytes),
            Body::Stream(_) => None,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Body::Bytes(bytes) if bytes.is_empty() => std::task::Poll::Ready(None),
            Body::Bytes(bytes) => std::task::Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Body::Stream(receiver) => {
                receiver.poll_recv(context).map(|piece| piece.map(|p| p.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Bytes(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Body::Bytes(bytes) => hyper::body::SizeHint::with_exact(bytes.len() as u64),
            Body::Stream(_) => hyper::body::SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_303_with_its_cookie() {
        let response = Response::redirect("/admin").cookie(&Cookie::new("s", "1", true));
        assert_eq!((response.status, response.headers.get("location")), (303, Some("/admin")));
        assert!(response.headers.get("set-cookie").is_some_and(|cookie| cookie.starts_with("s=1;")));
    }

    #[tokio::test]
    async fn a_sender_notices_that_nobody_listens() {
        let (sender, body) = Body::stream();
        assert!(sender.send("a").await);
        drop(body);
        assert!(!sender.send("b").await);
        sender.closed().await;
    }
}

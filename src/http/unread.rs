//! The answers that hyper gives by itself, to a head that it cannot read: recognised on their way out and replaced by
//! answers of ours, which have an id and words. Everything else passes as it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that words hyper's own refusals anew: `words` gives the whole answer for a status.
pub(super) struct Worded<S, W> {
    stream: S,
    words: W,
    /// What of our answer is still to be sent.
    rest: Vec<u8>,
}

impl<S: AsyncWrite + Unpin, W: Fn(u16) -> Vec<u8> + Unpin> Worded<S, W> {
    pub(super) fn new(stream: S, words: W) -> Worded<S, W> {
        Worded { stream, words, rest: Vec::new() }
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

/// The status of an answer that is hyper's own; every answer of ours has more header fields.
fn refusal(bytes: &[u8]) -> Option<u16> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 4").filter(|_| bytes.len() < 200)?;
    let (line, fields) = std::str::from_utf8(rest).ok()?.split_once("\r\n")?;
    let date =
        fields.strip_prefix("connection: close\r\ncontent-length: 0\r\ndate: ")?.strip_suffix("\r\n\r\n")?;
    let status = format!("4{}", line.get(..2)?).parse().ok()?;
    (!date.contains('\r')).then_some(status)
}

impl<S: AsyncRead + Unpin, W: Unpin> AsyncRead for Worded<S, W> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, W: Fn(u16) -> Vec<u8> + Unpin> AsyncWrite for Worded<S, W> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        match refusal(bytes) {
            Some(status) => {
                this.rest = (this.words)(status);
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut this.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal has no body, so it comes in one piece.
        match pieces {
            [one] => self.poll_write(context, one),
            _ => {
                let this = self.get_mut();
                ready!(this.drain(context))?;
                Pin::new(&mut this.stream).poll_write_vectored(context, pieces)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const OWN: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                       date: Mon, 23 Nov 2026 23:50:36 GMT\r\n\r\n";

    #[test]
    fn only_a_bare_refusal_is_one() {
        assert_eq!(refusal(OWN.as_bytes()), Some(431));
        assert_eq!(refusal(OWN.replace("431", "400").as_bytes()), Some(400));
        for other in [
            OWN.replace("431", "200"),
            OWN.replace("date:", "x-request-id: 1\r\ndate:"),
            OWN.replace(" GMT", " GMT\r\netag: x"),
            OWN.replace("content-length: 0", "content-length: 1") + "x",
            format!("{OWN}x"),
            OWN[..40].to_string(),
            String::new(),
        ] {
            assert_eq!(refusal(other.as_bytes()), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_refusal_leaves_in_our_words_and_the_rest_as_it_is() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut stream = Worded::new(ours, |status| format!("<our {status}>").into_bytes());
        let writing = tokio::spawn(async move {
            stream.write_all(b"before ").await?;
            stream.write_all(OWN.as_bytes()).await?;
            stream.write_all(b" behind").await?;
            stream.shutdown().await
        });
        let mut text = String::new();
        theirs.read_to_string(&mut text).await.expect("text");
        writing.await.expect("no panic").expect("written");
        assert_eq!(text, "before <our 431> behind");
    }
}

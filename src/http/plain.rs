//! Plain HTTP sent to a port that speaks TLS: told apart by the first byte, and answered in words that the client
//! can show, instead of a broken handshake.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::answer::loggable;

/// More head than this is not read.
const HEAD_LIMIT: usize = 16 * 1024;

/// A request that came without encryption. Its header fields, which hold a token in the clear, are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainHttp {
    /// Who sent it.
    pub peer: SocketAddr,
    /// The id it was answered with.
    pub id: String,
    /// The method it named.
    pub method: String,
    /// The path it named, without the query.
    pub path: String,
    /// What it called itself.
    pub user_agent: String,
}

/// Whether a connection's first byte begins plain HTTP. A TLS record begins with 0x16.
pub(super) async fn begins_plain(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0u8];
    let seen = stream.peek(&mut first).await?;
    Ok(seen == 1 && first[0].is_ascii_alphabetic())
}

/// Reads the request's head, tells of it, answers and closes.
pub(super) async fn refuse(
    mut stream: TcpStream,
    peer: SocketAddr,
    id: String,
    patience: Duration,
    hear: impl Fn(PlainHttp),
) {
    let head = timeout(patience, read_head(&mut stream)).await.unwrap_or_default();
    let seen = describe(&head, peer, id);
    let detail = "This port speaks HTTPS only: write the address with https:// instead of http://.";
    let text = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         X-Request-Id: {}\r\nConnection: close\r\n\r\n{detail}\n",
        detail.len() + 1,
        seen.id,
    );
    hear(seen);
    // The client may be gone; nothing is owed to it then. What it still sends is read, so that the close does not
    // overtake the answer.
    let _answered = timeout(patience, async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0u8; 4096];
        for _ in 0..256 {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    })
    .await;
}

async fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut piece = [0u8; 2048];
    while head.len() < HEAD_LIMIT && !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(read) => head.extend_from_slice(&piece[..read]),
        }
    }
    head
}

/// Takes from the head what may be kept.
fn describe(head: &[u8], peer: SocketAddr, id: String) -> PlainHttp {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or("").split(' ');
    let method: String = words.next().unwrap_or("").chars().take(16).collect();
    let target = words.next().unwrap_or("");
    let path = target
        .split('?')
        .next()
        .unwrap_or("")
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect::<String>();
    let user_agent = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("user-agent"))
        .map(|(_, value)| value.trim().chars().filter(|c| !c.is_control()).take(200).collect())
        .unwrap_or_default();
    PlainHttp { peer, id, method, path: loggable(&path), user_agent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_neither_query_nor_token() {
        let peer: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let head = b"GET /scim/Users?filter=x HTTP/1.1\r\nAuthorization: Bearer scimd_secret\r\nUser-Agent: curl/8\r\n\r\n";
        let seen = describe(head, peer, "req_1".to_string());
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str(), seen.user_agent.as_str()),
            ("GET", "/scim/Users", "curl/8")
        );
        assert!(!format!("{seen:?}").contains("secret"));
        assert_eq!(describe(b"\xff\xfe", peer, String::new()).path, "");
    }
}

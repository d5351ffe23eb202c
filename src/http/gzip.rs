//! Compression of whole bodies. Streams are sent as they are, and so is what is small or already compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;

use crate::http::{Body, Headers, Response};

/// Below this a body fits one packet anyway.
const SMALLEST: usize = 1400;
/// From here on compressing takes long enough to leave the thread that serves connections.
const LONG: usize = 256 * 1024;

/// Whether a client takes gzip: `Accept-Encoding` names it or `*` with a weight above zero (RFC 9110 §12.5.3).
pub fn accepted(headers: &Headers) -> bool {
    let mut any = None;
    for part in headers.all("accept-encoding").flat_map(|line| line.split(',')) {
        let (coding, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        match coding.trim() {
            coding if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => {
                return weight > 0.0;
            }
            "*" => any = Some(weight > 0.0),
            _ => {}
        }
    }
    any.unwrap_or(false)
}

/// Compresses some bytes.
pub fn compress(bytes: &[u8], level: u32) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(level));
    encoder.write_all(bytes).expect("writing to memory does not fail");
    Bytes::from(encoder.finish().expect("writing to memory does not fail"))
}

/// Compresses a response's body where that pays and the response allows it.
pub(super) async fn apply(response: &mut Response, accepted: bool) {
    let Body::Bytes(plain) = &response.body else { return };
    let fits = response.compress
        && plain.len() >= SMALLEST
        && !response.headers.has("content-encoding")
        && response.headers.get("content-type").is_some_and(compressible);
    if !fits {
        return;
    }
    response.headers.append("vary", "accept-encoding");
    if !accepted {
        return;
    }
    let plain = plain.clone();
    let packed = if plain.len() < LONG {
        compress(&plain, 4)
    } else {
        match tokio::task::spawn_blocking(move || compress(&plain, 4)).await {
            Ok(packed) => packed,
            Err(_) => return,
        }
    };
    response.headers.set("content-encoding", "gzip");
    response.body = Body::Bytes(packed);
}

/// Whether a media type is text that shrinks.
fn compressible(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or("").trim();
    kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("+xml")
        || matches!(kind, "application/javascript" | "application/xml" | "application/x-ndjson")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn accept(value: &str) -> bool {
        let mut headers = Headers::new();
        headers.set("accept-encoding", value);
        accepted(&headers)
    }

    #[test]
    fn weights_decide() {
        assert!(accept("gzip"));
        assert!(accept("br, GZIP;q=0.5"));
        assert!(accept("*"));
        assert!(!accept("gzip;q=0, *"));
        assert!(!accept("br"));
        assert!(!accept("*;q=0"));
        assert!(!accepted(&Headers::new()));
    }

    #[tokio::test]
    async fn long_text_shrinks_and_comes_back() {
        for length in [2_000, LONG + 1] {
            let text = "scim ".repeat(length / 5 + 1);
            let mut response = Response::json(200, "application/scim+json", text.clone());
            apply(&mut response, true).await;
            let packed = response.whole().expect("whole").clone();
            assert!(packed.len() < text.len() / 2);
            let mut back = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut back).expect("gzip");
            assert_eq!(back, text);
            assert_eq!(response.headers.get("vary"), Some("accept-encoding"));
        }
    }

    #[tokio::test]
    async fn secrets_pictures_and_small_bodies_stay_plain() {
        let long = "x".repeat(5_000);
        for mut response in [
            Response::html(200, long.clone()).uncompressed(),
            Response::bytes(200, "image/png", long),
            Response::text(200, "short"),
        ] {
            apply(&mut response, true).await;
            assert!(!response.headers.has("content-encoding"));
        }
    }
}

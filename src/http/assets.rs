//! Files that are embedded in the binary: served under names that carry their hash, so that a browser keeps them
//! for ever and a new version is a new name. Which files there are is told by who embeds them.

use std::collections::HashMap;

use hyper::body::Bytes;

use crate::base::secret::sha256;
use crate::http::{Method, Request, Response, gzip};

/// A set of embedded files below one path.
#[derive(Debug)]
pub struct Assets {
    files: Vec<Asset>,
    /// File name with and without hash → place in `files`.
    names: HashMap<String, usize>,
    prefix: &'static str,
}

#[derive(Debug)]
struct Asset {
    url: String,
    etag: String,
    content_type: &'static str,
    plain: Bytes,
    packed: Option<Bytes>,
}

impl Assets {
    /// Takes the files (`("style.css", include_bytes!(…))`) that are served below `prefix` (`/static/`) and
    /// compresses them once.
    pub fn new(prefix: &'static str, table: &[(&'static str, &'static [u8])]) -> Assets {
        let mut assets = Assets { files: Vec::new(), names: HashMap::new(), prefix };
        for (name, bytes) in table {
            let hash: String = sha256(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            let hashed = match name.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
                None => format!("{name}.{hash}"),
            };
            let packed = Some(gzip::compress(bytes, 9)).filter(|packed| packed.len() < bytes.len() * 9 / 10);
            assets.names.insert((*name).to_string(), assets.files.len());
            assets.names.insert(hashed.clone(), assets.files.len());
            assets.files.push(Asset {
                url: format!("{prefix}{hashed}"),
                etag: format!("\"{hash}\""),
                content_type: content_type(name),
                plain: Bytes::from_static(bytes),
                packed,
            });
        }
        assets
    }

    /// The path of a file, with its hash. The name must be in the table.
    pub fn url(&self, name: &str) -> &str {
        let place = self.names.get(name).expect("a page names only files that are embedded");
        &self.files[*place].url
    }

    /// Answers a request below the prefix; `None` when there is no such file.
    pub fn answer(&self, request: &Request) -> Option<Response> {
        let name = request.path.strip_prefix(self.prefix)?;
        let asset = &self.files[*self.names.get(name)?];
        if request.method != Method::Get {
            return Some(Response::empty(405).header("allow", "GET, HEAD"));
        }
        // Only the name with the hash may be kept for ever; the plain one is asked for again each time.
        let keep = if asset.url.ends_with(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
        let known = request.headers.all("if-none-match").flat_map(|line| line.split(','));
        let mut known = known.map(|tag| tag.trim().trim_start_matches("W/"));
        let response = if known.any(|tag| tag == asset.etag || tag == "*") {
            Response::empty(304)
        } else {
            match &asset.packed {
                Some(packed) if gzip::accepted(&request.headers) => {
                    Response::bytes(200, asset.content_type, packed.clone())
                        .header("content-encoding", "gzip")
                }
                _ => Response::bytes(200, asset.content_type, asset.plain.clone()).uncompressed(),
            }
        };
        Some(
            response
                .header("etag", &asset.etag)
                .header("cache-control", keep)
                .header("vary", "accept-encoding"),
        )
    }
}

/// The media type by a file's ending; unknown ones are bytes that no browser runs.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    const STYLE: &[u8] =
        b"body { margin: 0 } body { margin: 0 } body { margin: 0 } body { margin: 0 } body { margin: 0 }";

    fn assets() -> Assets {
        Assets::new("/static/", &[("style.css", STYLE), ("odd.xyz", b"?")])
    }

    fn get(path: &str, headers: Headers) -> Option<Response> {
        assets().answer(&Request::new(Method::Get, path, headers, ""))
    }

    #[test]
    fn the_hashed_name_is_kept_for_ever_and_the_plain_one_is_not() {
        let assets = assets();
        let url = assets.url("style.css");
        assert!(url.starts_with("/static/style.") && url.ends_with(".css") && url.len() == 34, "{url}");
        let hashed = get(url, Headers::new()).expect("there");
        assert!(hashed.headers.get("cache-control").is_some_and(|keep| keep.contains("immutable")));
        assert_eq!(hashed.whole().map(|bytes| &bytes[..]), Some(STYLE));
        let plain = get("/static/style.css", Headers::new()).expect("there");
        assert_eq!(plain.headers.get("cache-control"), Some("no-cache"));
    }

    #[test]
    fn sends_gzip_and_304_when_the_client_can_use_them() {
        let mut headers = Headers::new();
        headers.set("accept-encoding", "gzip");
        let packed = get("/static/style.css", headers.clone()).expect("there");
        assert_eq!(packed.headers.get("content-encoding"), Some("gzip"));
        headers.set("if-none-match", packed.headers.get("etag").expect("an etag"));
        assert_eq!(get("/static/style.css", headers).expect("there").status, 304);
    }

    #[test]
    fn nothing_else_is_served() {
        for path in ["/static/", "/static/none.css", "/static/../Cargo.toml", "/other/style.css"] {
            assert!(get(path, Headers::new()).is_none(), "{path}");
        }
        let odd = get("/static/odd.xyz", Headers::new()).expect("there");
        assert_eq!(odd.headers.get("content-type"), Some("application/octet-stream"));
        let post = Request::new(Method::Post, "/static/style.css", Headers::new(), "");
        assert_eq!(assets().answer(&post).map(|response| response.status), Some(405));
    }
}

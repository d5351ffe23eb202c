//! Header fields of a request or a response.

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

/// Header fields; names are compared without case.
#[derive(Clone, Debug, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    /// No header fields.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// The first value under a name, when it is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = match known(name) {
            Some(name) => self.0.get(name),
            None => self.0.get(name),
        };
        value.and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// Every value under a name that is text, in the order of the message.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.get_all(name).into_iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// Whether a field of this name is there, readable or not.
    pub fn has(&self, name: &str) -> bool {
        match known(name) {
            Some(name) => self.0.contains_key(name),
            None => self.0.contains_key(name),
        }
    }

    /// Names and values in the order of the message; a value that is no text is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
    }

    /// Sets a field, in place of any earlier value.
    pub fn set(&mut self, name: &str, value: &str) {
        if let Some((name, value)) = pair(name, value) {
            self.0.insert(name, value);
        }
    }

    /// Adds a field beside earlier values, as `Set-Cookie` needs.
    pub fn append(&mut self, name: &str, value: &str) {
        if let Some((name, value)) = pair(name, value) {
            self.0.append(name, value);
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// How many bytes names and values take.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
    }

    pub(super) fn from_map(map: HeaderMap) -> Headers {
        Headers(map)
    }

    pub(super) fn into_map(self) -> HeaderMap {
        self.0
    }
}

/// The names that every request and answer goes through: reading a name costs more than what is done with it.
fn known(name: &str) -> Option<&'static HeaderName> {
    static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    Some(match name {
        "accept" => &header::ACCEPT,
        "accept-encoding" => &header::ACCEPT_ENCODING,
        "authorization" => &header::AUTHORIZATION,
        "cache-control" => &header::CACHE_CONTROL,
        "content-encoding" => &header::CONTENT_ENCODING,
        "content-length" => &header::CONTENT_LENGTH,
        "content-location" => &header::CONTENT_LOCATION,
        "content-type" => &header::CONTENT_TYPE,
        "etag" => &header::ETAG,
        "expect" => &header::EXPECT,
        "host" => &header::HOST,
        "if-match" => &header::IF_MATCH,
        "if-none-match" => &header::IF_NONE_MATCH,
        "location" => &header::LOCATION,
        "user-agent" => &header::USER_AGENT,
        "vary" => &header::VARY,
        "x-content-type-options" => &header::X_CONTENT_TYPE_OPTIONS,
        "x-request-id" => &REQUEST_ID,
        _ => return None,
    })
}

/// A name and value fit for the wire. A line break in a value would end the header there: such a field is left out
/// and the fault is ours to find in the log.
fn pair(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let parsed = known(name).map_or_else(|| name.parse::<HeaderName>().ok(), |known| Some(known.clone()));
    match (parsed, HeaderValue::from_bytes(value.as_bytes())) {
        (Some(name), Ok(value)) => Some((name, value)),
        _ => {
            tracing::error!(header = name, "a header field with a control character was left out");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_values_repeat() {
        let mut headers = Headers::new();
        headers.append("Set-Cookie", "a=1");
        headers.append("set-cookie", "b=2");
        headers.set("ETag", "W/\"1\"");
        headers.set("etag", "W/\"2\"");
        assert_eq!(headers.all("SET-COOKIE").collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(headers.get("Etag"), Some("W/\"2\""));
    }

    #[test]
    fn a_known_name_is_the_same_as_one_that_is_read() {
        for name in ["accept", "etag", "host", "x-request-id", "x-content-type-options", "user-agent"] {
            assert_eq!(known(name).map(HeaderName::as_str), Some(name));
        }
        assert!(known("Etag").is_none() && known("x-other").is_none());
    }

    #[test]
    fn a_line_break_never_reaches_the_wire() {
        let mut headers = Headers::new();
        headers.set("Location", "/admin\r\nSet-Cookie: x=1");
        assert!(!headers.has("location"));
        headers.set("X-Name", "Grüße");
        assert_eq!(headers.get("x-name"), Some("Grüße"));
    }
}

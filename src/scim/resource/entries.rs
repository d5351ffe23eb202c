//! The parts of an answer that are derived, as JSON: entries of `groups` and `members`, `meta` and locations. As they are
//! in every answer, and in a large group's a hundred thousand times, they are written without serde's detours.

use serde::{Serialize, Serializer};

use crate::scim::Kind;
use crate::scim::json::write;

/// An entry of `groups` or `members`.
#[derive(Serialize)]
pub struct Entry<'a> {
    pub value: &'a str,
    #[serde(rename = "$ref")]
    pub reference: Location<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub display: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// `meta` (RFC 7643 §3.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetaEntry<'a> {
    pub resource_type: &'static str,
    pub created: String,
    pub last_modified: String,
    pub location: Location<'a>,
    pub version: String,
}

/// The address of a resource, written without being put together first.
pub struct Location<'a> {
    pub base: &'a str,
    /// Whether the base stands in JSON as it is.
    pub plain: bool,
    pub kind: Kind,
    pub id: &'a str,
}

impl Serialize for Location<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}/{}", self.base, self.kind.endpoint(), self.id))
    }
}

// The test `written_and_serialized_are_the_same` holds what follows to serde's own.

impl Entry<'_> {
    pub fn write(&self, out: &mut Vec<u8>) {
        let Location { base, plain, kind, id } = self.reference;
        let known = std::ptr::eq(self.value, id);
        if !(plain && is_plain(id) && (known || is_plain(self.value)) && is_plain(self.display)) {
            return write(out, self);
        }
        let mut put = |part: &str| out.extend_from_slice(part.as_bytes());
        put("{\"value\":\"");
        put(self.value);
        put("\",\"$ref\":\"");
        put(base);
        put("/");
        put(kind.endpoint());
        put("/");
        put(id);
        if !self.display.is_empty() {
            put("\",\"display\":\"");
            put(self.display);
        }
        put("\",\"type\":\"");
        put(self.kind);
        put("\"}");
    }
}

impl MetaEntry<'_> {
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"resourceType\":\"");
        out.extend_from_slice(self.resource_type.as_bytes());
        out.extend_from_slice(b"\",\"created\":\"");
        out.extend_from_slice(self.created.as_bytes());
        out.extend_from_slice(b"\",\"lastModified\":\"");
        out.extend_from_slice(self.last_modified.as_bytes());
        out.extend_from_slice(b"\",\"location\":");
        self.location.write(out);
        out.extend_from_slice(b",\"version\":");
        write(out, &self.version);
        out.push(b'}');
    }
}

impl Location<'_> {
    pub fn write(&self, out: &mut Vec<u8>) {
        if !(self.plain && is_plain(self.id)) {
            return write(out, self);
        }
        let kind = self.kind.endpoint();
        out.reserve(self.base.len() + kind.len() + self.id.len() + 4);
        for part in ["\"", self.base, "/", kind, "/", self.id, "\""] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// Whether a text stands in JSON as it is.
pub fn is_plain(text: &str) -> bool {
    // To the end in any case: without a way out in the middle many bytes are looked at at once.
    text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_serialized_are_the_same() {
        for (base, id, display) in [
            ("https://scim.example.com/scim/v2", "r-1", "Ada"),
            ("https://scim.example.com/scim/v2", "r-1", ""),
            ("https://a\"b", "r\\1", "\"\u{1}é"),
            ("https://\u{fc}.example.com", "\u{7f}", "\u{2028}"),
        ] {
            let location = || Location { base, plain: is_plain(base), kind: Kind::User, id };
            let entry = Entry { value: id, reference: location(), display, kind: "User" };
            let meta = MetaEntry {
                resource_type: "User",
                created: "2026-11-23T19:42:11.120Z".into(),
                last_modified: "2026-11-23T19:42:12.000Z".into(),
                location: location(),
                version: "W/\"17\"".into(),
            };
            let (mut by_hand, mut by_serde) = (Vec::new(), Vec::new());
            entry.write(&mut by_hand);
            meta.write(&mut by_hand);
            write(&mut by_serde, &entry);
            write(&mut by_serde, &meta);
            assert_eq!(String::from_utf8(by_hand).unwrap(), String::from_utf8(by_serde).unwrap());
        }
    }
}

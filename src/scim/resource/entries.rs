//! The parts of an answer that are derived, as JSON: entries of `groups` and `members`, `meta` and locations. As they are
//! in every answer, and in a large group's a hundred thousand times, they are written without serde's detours.

use std::ops::Range;

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

/// A list of entries on its way into an answer.
pub struct Entries<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    /// Where the last entry of a user and that of a group begin in it, up to the end of the address: the next of the kind
    /// differs from it in its id alone.
    known: [Option<Range<usize>>; 2],
}

/// Letters of an id, as scimd makes them.
const ID: usize = 36;
const VALUE: &[u8] = b"{\"value\":\"";

impl Entries<'_> {
    /// Entries that go behind what is there.
    pub fn new(out: &mut Vec<u8>) -> Entries<'_> {
        Entries { out, first: true, known: [None, None] }
    }

    /// Writes the next one; all have the same base.
    pub fn write(&mut self, entry: &Entry<'_>) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        let Location { base, plain, kind, id } = entry.reference;
        let own = std::ptr::eq(entry.value, id) && plain && is_plain(entry.display);
        let Some(id) = id.as_bytes().as_array().filter(|id: &&[u8; ID]| own && are_plain(*id)) else {
            return write(self.out, entry);
        };
        let known = &mut self.known[usize::from(kind == Kind::Group)];
        let at = self.out.len();
        if let Some(known) = known {
            self.out.extend_from_within(known.clone());
            let end = self.out.len();
            for place in [at + VALUE.len(), end - ID] {
                self.out[place..place + ID].copy_from_slice(id);
            }
        } else {
            let endpoint = kind.endpoint().as_bytes();
            for part in [VALUE, id, b"\",\"$ref\":\"", base.as_bytes(), b"/", endpoint, b"/", id] {
                self.out.extend_from_slice(part);
            }
        }
        *known = Some(at..self.out.len());
        if !entry.display.is_empty() {
            self.out.extend_from_slice(b"\",\"display\":\"");
            self.out.extend_from_slice(entry.display.as_bytes());
        }
        self.out.extend_from_slice(b"\",\"type\":\"");
        self.out.extend_from_slice(entry.kind.as_bytes());
        self.out.extend_from_slice(b"\"}");
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
    are_plain(text.as_bytes())
}

#[inline]
fn are_plain(text: &[u8]) -> bool {
    // To the end in any case: without a way out in the middle many bytes are looked at at once.
    text.iter().fold(true, |plain, &byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const OTHER: &str = "01890a5e-0b1c-7d2e-8f3a-4b5c6d7e8f90";

    #[test]
    fn written_and_serialized_are_the_same() {
        for (base, id, display) in [
            ("https://scim.example.com/scim/v2", "r-1", "Ada"),
            ("https://scim.example.com/scim/v2", ID, "Ada"),
            ("https://scim.example.com/scim/v2", ID, "Zoë \"Z\" Müller"),
            ("https://scim.example.com/scim/v2", ID, ""),
            ("https://scim.example.com/scim/v2", "01890a5d\"ac96-774b-bcce-b302099a8057", "Ada"),
            ("https://a\"b", "r\\1", "\"\u{1}é"),
            ("https://\u{fc}.example.com", "\u{7f}", "\u{2028}"),
            ("https://\u{fc}.example.com", ID, "\u{2028}"),
        ] {
            let location = || Location { base, plain: is_plain(base), kind: Kind::User, id };
            let entry = Entry { value: id, reference: location(), display, kind: "User" };
            let nested = Location { kind: Kind::Group, ..location() };
            let other = Location { id: OTHER, ..location() };
            let entries = [
                Entry { value: "another", ..entry },
                Entry { value: id, reference: nested, display, kind: "indirect" },
                Entry { value: OTHER, reference: other, display: "Bea", kind: "User" },
                Entry { reference: location(), ..entry },
            ];
            let meta = MetaEntry {
                resource_type: "User",
                created: "2026-11-23T19:42:11.120Z".into(),
                last_modified: "2026-11-23T19:42:12.000Z".into(),
                location: location(),
                version: "W/\"17\"".into(),
            };
            let (mut by_hand, mut by_serde) = (Vec::new(), Vec::new());
            by_hand.push(b'[');
            let mut list = Entries::new(&mut by_hand);
            entries.iter().for_each(|entry| list.write(entry));
            by_hand.push(b']');
            meta.write(&mut by_hand);
            by_serde.extend(serde_json::to_vec(&entries).unwrap());
            write(&mut by_serde, &meta);
            assert_eq!(String::from_utf8(by_hand).unwrap(), String::from_utf8(by_serde).unwrap());
        }
    }
}

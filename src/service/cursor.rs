//! Cursors (RFC 9865): a sealed text that says where a walk stands. Nothing is kept on the server; nobody else can read or
//! make a cursor, it is bound to its team and query, and it expires.

use std::time::Duration;

use super::DEFAULT_COUNT;
use crate::base::secret::{Key, sha256};
use crate::base::{TeamId, Timestamp};
use crate::scim::{ScimError, ScimType};
use crate::store::{Key as SortKey, Page, Place};

const PURPOSE: &str = "cursor";
const HEADER: usize = 8 + 16 + 1 + 8 + 8 + 1;

/// What cursors are sealed with.
#[derive(Clone, Debug)]
pub struct Sealer {
    pub key: Key,
    /// How long a cursor is good for (`pagination.cursorTimeout`).
    pub life: Duration,
}

/// What a cursor must agree with: the same team and the same query but for cursor and count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    team: TeamId,
    query: [u8; 16],
}

impl Binding {
    /// Binds to a team and to the parts of its query.
    pub fn new(team: TeamId, parts: &[&str]) -> Binding {
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        let mut query = [0; 16];
        query.copy_from_slice(&sha256(&text)[..16]);
        Binding { team, query }
    }
}

/// Which way a cursor leads from its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Forward,
    Back,
}

impl Sealer {
    /// Writes the cursor for a place, of a walk with pages of `count`.
    pub fn seal(&self, binding: Binding, way: Way, place: &Place, count: u64, now: Timestamp) -> String {
        let mut bytes = Vec::with_capacity(HEADER + 16);
        bytes.extend_from_slice(&now.plus(self.life).0.to_be_bytes());
        bytes.extend_from_slice(&binding.query);
        bytes.push(match way {
            Way::Forward => 0,
            Way::Back => 1,
        });
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&place.n.to_be_bytes());
        match &place.key {
            SortKey::Missing => bytes.push(0),
            SortKey::Number(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            SortKey::Text(text) => {
                bytes.push(2);
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        self.key.seal(PURPOSE, &binding.team.0.to_be_bytes(), &bytes)
    }

    /// The page that a cursor asks for; an empty cursor asks for the first (RFC 9865 §2). `count` is what the request
    /// says; a walk keeps the count it began with (§2.1 `invalidCount`), and a later request may leave it out.
    pub fn page(
        &self,
        binding: Binding,
        cursor: &str,
        count: Option<u64>,
        now: Timestamp,
    ) -> Result<Page, ScimError> {
        if cursor.is_empty() {
            return Ok(Page::After { place: None, count: count.unwrap_or(DEFAULT_COUNT) });
        }
        // A cursor of another team is told apart from a forged one by nobody (RFC 9865 §5).
        let bytes = self.key.open(PURPOSE, &binding.team.0.to_be_bytes(), cursor).ok_or_else(|| {
            invalid("the cursor is not one of this server's; begin again with an empty cursor")
        })?;
        let mut rest = bytes.as_slice();
        let expires = integer(&mut rest)?;
        if take(&mut rest, 16)? != binding.query {
            return Err(invalid(
                "the cursor belongs to another query; send the same filter, sorting and path with every page",
            ));
        }
        if now.0 > expires {
            let life = self.life.as_secs();
            let detail = format!("the cursor is older than {life} seconds; begin again with an empty cursor");
            return Err(ScimError::bad(ScimType::ExpiredCursor, detail));
        }
        let way = take(&mut rest, 1)?[0];
        let began_with = integer(&mut rest)? as u64;
        if count.is_some_and(|count| count != began_with) {
            let detail =
                format!("the walk began with count={began_with}; send that count with every page, or none");
            return Err(ScimError::bad(ScimType::InvalidCount, detail));
        }
        let count = began_with;
        let n = integer(&mut rest)?;
        let key = match take(&mut rest, 1)?[0] {
            0 => SortKey::Missing,
            1 => SortKey::Number(f64::from_bits(integer(&mut rest)? as u64)),
            _ => {
                SortKey::Text(String::from_utf8(rest.to_vec()).map_err(|_| invalid("the cursor is damaged"))?)
            }
        };
        let place = Place { key, n };
        Ok(match way {
            0 => Page::After { place: Some(place), count },
            _ => Page::Before { place, count },
        })
    }
}

fn invalid(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidCursor, detail)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], ScimError> {
    let (head, tail) = rest.split_at_checked(length).ok_or_else(|| invalid("the cursor is cut short"))?;
    *rest = tail;
    Ok(head)
}

fn integer(rest: &mut &[u8]) -> Result<i64, ScimError> {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(take(rest, 8)?);
    Ok(i64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(3600);

    fn sealer() -> Sealer {
        Sealer { key: Key::random(), life: LIFE }
    }

    fn place() -> Place {
        Place { key: SortKey::Text("mei".into()), n: 17 }
    }

    #[test]
    fn a_cursor_comes_back_as_its_place() {
        let sealer = sealer();
        let binding = Binding::new(TeamId(1), &["Users", "active eq true"]);
        for key in [SortKey::Missing, SortKey::Number(2.5), SortKey::Text("mei".into())] {
            let place = Place { key, n: -3 };
            let cursor = sealer.seal(binding, Way::Forward, &place, 10, Timestamp(0));
            let found = sealer.page(binding, &cursor, Some(10), Timestamp(1));
            assert_eq!(found, Ok(Page::After { place: Some(place), count: 10 }));
        }
        let back = sealer.seal(binding, Way::Back, &place(), 5, Timestamp(0));
        let found = sealer.page(binding, &back, None, Timestamp(0));
        assert_eq!(found, Ok(Page::Before { place: place(), count: 5 }));
        let first = sealer.page(binding, "", Some(5), Timestamp(0));
        assert_eq!(first, Ok(Page::After { place: None, count: 5 }));
    }

    #[test]
    fn a_walk_keeps_the_count_it_began_with() {
        let sealer = sealer();
        let binding = Binding::new(TeamId(1), &["Users"]);
        let cursor = sealer.seal(binding, Way::Forward, &place(), 5, Timestamp(0));
        let other = sealer.page(binding, &cursor, Some(6), Timestamp(0)).expect_err("another count");
        assert_eq!((other.status, other.scim_type), (400, Some(ScimType::InvalidCount)));
        assert!(sealer.page(binding, &cursor, Some(5), Timestamp(0)).is_ok());
    }

    #[test]
    fn a_foreign_altered_or_old_cursor_is_refused() {
        let sealer = sealer();
        let binding = Binding::new(TeamId(1), &["Users", ""]);
        let cursor = sealer.seal(binding, Way::Forward, &place(), 5, Timestamp(0));
        let refusal =
            |binding, cursor: &str, now| sealer.page(binding, cursor, None, now).expect_err("refused");
        let kind = |binding, cursor: &str, now| refusal(binding, cursor, now).scim_type;
        let invalid = Some(ScimType::InvalidCursor);
        assert_eq!(kind(Binding::new(TeamId(1), &["User", "s"]), &cursor, Timestamp(0)), invalid);
        assert_eq!(kind(binding, &cursor[1..], Timestamp(0)), invalid);
        let foreign = Binding::new(TeamId(2), &["Users", ""]);
        assert_eq!(refusal(foreign, &cursor, Timestamp(0)), refusal(binding, "nonsense", Timestamp(0)));
        let end = Timestamp(0).plus(LIFE);
        assert!(sealer.page(binding, &cursor, None, end).is_ok());
        assert_eq!(kind(binding, &cursor, Timestamp(end.0 + 1)), Some(ScimType::ExpiredCursor));
    }
}

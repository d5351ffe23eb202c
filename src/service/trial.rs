//! Test objects told from people: the user and the group that a provider makes to try the connection (JumpCloud's
//! *Activate*), and those of the self-test. They are labelled wherever they are shown.

use std::collections::HashSet;

use super::{Error, Service};
use crate::base::TeamId;
use crate::scim::{Document, fold};
use crate::store::{Row, Tombstone, Whereabouts};

/// What lives no longer than this was a test.
const LIFE_MS: i64 = 2 * 60 * 1000;
/// How the self-test's users and groups are called.
const SELF_TEST: &str = "selftest";

impl Service {
    /// Which of these ids are, or were, tests: those with the test address, those of the self-test, and what its provider
    /// deleted within two minutes.
    pub fn tests_among<'i>(
        &self,
        team: TeamId,
        email: &str,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<HashSet<String>, Error> {
        let (ids, email): (HashSet<&str>, _) = (ids.into_iter().collect(), fold::fold(email));
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let ids: Vec<&str> = ids.into_iter().collect();
        let known = self.store().read_now(|tx| Ok::<_, Error>(tx.whereabouts(team, &ids)?))?;
        Ok(known.into_iter().filter(|one| is_test(one, &email)).map(|one| one.id).collect())
    }

    /// The ids of those of these users and groups that are tests.
    pub fn tests_of<'r>(&self, email: &str, rows: impl IntoIterator<Item = &'r Row>) -> HashSet<String> {
        let email = fold::fold(email);
        rows.into_iter().filter(|row| living(row, &email)).map(|row| row.id.clone()).collect()
    }
}

/// Whether somebody is a test by name, or was one by how short a life it was.
pub(super) fn is_test(one: &Whereabouts, email: &str) -> bool {
    let brief =
        one.by_provider && one.life.is_some_and(|(created, deleted)| deleted.since(created) <= LIFE_MS);
    brief || is_name(&one.name, email) || one.life.is_none() && is_name(&one.display, email)
}

/// Whether a user or group that lives is a test: by its name alone.
pub(super) fn living(row: &Row, email: &str) -> bool {
    let document: Document = serde_json::from_str(&row.doc).unwrap_or_default();
    let name = |attribute| document.get(attribute).and_then(serde_json::Value::as_str).unwrap_or_default();
    is_name(name("userName"), email) || is_name(&row.display, email)
}

/// Whether its provider gave it a life as short as a test's; what an administrator deletes was none.
pub(super) fn was_brief(gone: &Tombstone) -> bool {
    gone.token.is_some() && gone.deleted.since(gone.created) <= LIFE_MS
}

fn is_name(name: &str, email: &str) -> bool {
    let name = fold::fold(name);
    let rest = name.strip_prefix(SELF_TEST);
    name == email || rest.is_some_and(|rest| rest.starts_with(['-', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_are_whole() {
        let email = "scim-test-default@example.com";
        for test in ["SCIM-Test-default@example.com", "selftest-17@example.com", "Selftest 17"] {
            assert!(is_name(test, email), "{test}");
        }
        for other in ["scim-test-default@example.org", "selftester@example.com", "Priya Raman", ""] {
            assert!(!is_name(other, email), "{other}");
        }
    }
}

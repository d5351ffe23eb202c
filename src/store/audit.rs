//! The audit: every change by an administrator or the command line, each row bound to the one before by a hash.

use std::ops::ControlFlow;

use rusqlite::params;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::events::json;
use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};

/// One change as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    pub n: i64,
    pub at: Timestamp,
    pub team: Option<TeamId>,
    pub who: String,
    /// `token.created`, `team.renamed` …
    pub what: String,
    pub subject: String,
    pub detail: Value,
}

/// Who makes a change, by the name that is kept, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hand {
    pub name: String,
    /// The address of the browser; none at the command line.
    pub address: Option<String>,
}

impl Hand {
    /// Somebody of that name on the machine itself.
    pub fn here(name: impl Into<String>) -> Hand {
        Hand { name: name.into(), address: None }
    }
}

/// The fields of a row as they are hashed: the detail as the very text that is stored.
struct Hashed<'a> {
    previous: &'a [u8],
    n: i64,
    at: Timestamp,
    team: Option<TeamId>,
    who: &'a str,
    what: &'a str,
    subject: &'a str,
    detail: &'a str,
}

impl Hashed<'_> {
    /// SHA-256 over the fields, each text with its length before it, so that no two rows read alike.
    fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.previous);
        hasher.update(self.n.to_be_bytes());
        hasher.update(self.at.0.to_be_bytes());
        hasher.update(self.team.map_or(0, |team| team.0).to_be_bytes());
        for text in [self.who, self.what, self.subject, self.detail] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        hasher.finalize().into()
    }
}

/// On which side of a row others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Older(i64),
    Newer(i64),
}

impl ReadTx<'_> {
    /// Rows newest first, from below `before` on; of one team and of no team, or with `None` all.
    pub fn audit(&self, team: Option<TeamId>, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        let mut rows = Vec::new();
        self.each_audit(team, Beside::Older(before.unwrap_or(i64::MAX)), limit, |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    /// Calls `each` with at most `limit` rows, the nearest to a row first, until it says stop. Of a team, and of no team as
    /// what concerns administrators is; or with `None` all.
    pub fn each_audit(
        &self,
        team: Option<TeamId>,
        beside: Beside,
        limit: u32,
        mut each: impl FnMut(AuditRow) -> ControlFlow<()>,
    ) -> Result<()> {
        let (n, sign, order) = match beside {
            Beside::Older(n) => (n, "<", "desc"),
            Beside::Newer(n) => (n, ">", "asc"),
        };
        let read = |row: &rusqlite::Row<'_>| {
            Ok(each(AuditRow {
                n: row.get(0)?,
                at: row.get(1)?,
                team: row.get(2)?,
                who: row.get(3)?,
                what: row.get(4)?,
                subject: row.get(5)?,
                detail: json(row, 6)?,
            }))
        };
        match team {
            // Two walks down the index, merged as they come: neither is sorted.
            Some(team) => self.each(
                &format!(
                    "select n, at, team, who, what, subject, detail from audit where team = ?1 and n {sign} ?2
                     union all
                     select n, at, team, who, what, subject, detail from audit where team is null and n {sign} ?2
                     order by n {order} limit ?3"
                ),
                params![team, n, limit],
                read,
            ),
            None => self.each(
                &format!(
                    "select n, at, team, who, what, subject, detail from audit
                     where n {sign} ? order by n {order} limit ?"
                ),
                params![n, limit],
                read,
            ),
        }
    }

    /// The number of the first row that is not earlier than an instant, or one more than there is: where a list begins that
    /// ends there.
    pub fn audit_from(&self, at: Timestamp) -> Result<i64> {
        self.number("select n + 1 from audit where at < ? order by at desc, n desc limit 1", [at])
    }

    /// The names of users and groups that were deleted, by their ids.
    pub fn names_of_deleted(&self, team: TeamId, ids: &[&str]) -> Result<Vec<(String, String)>> {
        self.all(
            "select id, display from tombstone where team = ? and id in (select value from json_each(?)) order by n",
            params![team, Value::from(ids.to_vec()).to_string()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// The number of the first row whose hash does not follow from the row before and its own content.
    pub fn verify_audit(&self) -> Result<Option<i64>> {
        let mut previous = vec![0u8; 32];
        let (mut expected, mut wrong) = (1, None);
        let sql = "select n, at, team, who, what, subject, detail, previous, hash from audit order by n";
        self.each(sql, [], |row| {
            let n: i64 = row.get(0)?;
            let text = |column| row.get::<_, String>(column);
            let (who, what, subject, detail) = (text(3)?, text(4)?, text(5)?, text(6)?);
            let hashed = Hashed {
                previous: &previous,
                n,
                at: row.get(1)?,
                team: row.get(2)?,
                who: &who,
                what: &what,
                subject: &subject,
                detail: &detail,
            };
            let hash: Vec<u8> = row.get(8)?;
            if n != expected || row.get::<_, Vec<u8>>(7)? != previous || hashed.hash()[..] != hash[..] {
                wrong = Some(n);
                return Ok(ControlFlow::Break(()));
            }
            expected = n + 1;
            previous = hash;
            Ok(ControlFlow::Continue(()))
        })?;
        // SQLite keeps the last number given, so that taking away the last rows shows too.
        let last = self.number("select seq from sqlite_sequence where name = 'audit'", [])?;
        Ok(wrong.or((last >= expected).then_some(expected)))
    }
}

impl WriteTx<'_> {
    /// Records a change; the address that it came from stands in the detail, and so under the hash.
    pub fn append_audit(
        &mut self,
        team: Option<TeamId>,
        hand: &Hand,
        what: &str,
        subject: &str,
        detail: &Value,
    ) -> Result<i64> {
        let mut detail = detail.clone();
        if let Some(address) = &hand.address {
            detail["address"] = address.as_str().into();
        }
        let (at, who, detail) = (self.now(), hand.name.as_str(), detail.to_string());
        let last = self.one("select n, hash from audit order by n desc limit 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let (last, previous) = last.unwrap_or((0, vec![0; 32]));
        let n = last + 1;
        let hash = Hashed { previous: &previous, n, at, team, who, what, subject, detail: &detail }.hash();
        self.run(
            "insert into audit (n, at, team, who, what, subject, detail, previous, hash)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![n, at, team, who, what, subject, detail, previous, hash],
        )?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Store;
    use crate::store::testing::{store, team};

    fn three_rows() -> (Store, TeamId) {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        for what in ["token.created", "token.revoked", "team.renamed"] {
            let job = move |tx: &mut WriteTx| {
                tx.append_audit(
                    Some(acme),
                    &Hand::here("ada@example.com"),
                    what,
                    "JumpCloud",
                    &json!({ "n": 1 }),
                )
            };
            store.write_blocking(job).unwrap();
        }
        (store, acme)
    }

    fn tamper(sql: &'static str) -> Option<i64> {
        let (store, _) = three_rows();
        store.write_blocking(move |tx| tx.run(sql, [])).unwrap();
        store.read_now(|tx| tx.verify_audit()).unwrap()
    }

    #[test]
    fn rows_are_read_newest_first_and_hold_together() {
        let (store, acme) = three_rows();
        store
            .write_blocking(|tx| {
                tx.append_audit(None, &Hand::here("root"), "admin.created", "ada", &json!({}))
            })
            .unwrap();
        let rows = store.read_now(|tx| tx.audit(Some(acme), None, 2)).unwrap();
        assert_eq!(rows.iter().map(|row| row.n).collect::<Vec<_>>(), [4, 3], "also of no team");
        let rest = store.read_now(|tx| tx.audit(Some(acme), Some(3), 10)).unwrap();
        assert_eq!(rest.iter().map(|row| row.n).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(store.read_now(|tx| tx.audit(None, None, 10)).unwrap().len(), 4);
        assert_eq!(store.read_now(|tx| tx.verify_audit()).unwrap(), None);
    }

    #[test]
    fn a_changed_row_shows() {
        assert_eq!(tamper("update audit set who = 'eve@example.com' where n = 2"), Some(2));
    }

    #[test]
    fn a_missing_row_shows_wherever_it_was() {
        assert_eq!(tamper("delete from audit where n = 1"), Some(2));
        assert_eq!(tamper("delete from audit where n = 2"), Some(3));
        assert_eq!(tamper("delete from audit where n = 3"), Some(3));
    }
}

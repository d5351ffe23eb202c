//! Administrators and their sessions. Passwords are hashed elsewhere; a session is found by the hash of its secret.

use std::ops::ControlFlow;

use rusqlite::{Row, params};

use super::teams::{self, Team, listed_team, team_columns};
use super::{ReadTx, Result, StoreError, WriteTx};
use crate::base::Timestamp;
use crate::scim::fold::fold;

/// Somebody who may sign in to the admin page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    pub n: i64,
    pub email: String,
    pub name: String,
    pub read_only: bool,
    pub created: Timestamp,
    /// When the password was last set.
    pub password_set: Timestamp,
    /// The last sign-in: when, and from where.
    pub signed_in: Option<(Timestamp, String)>,
}

/// An administrator to be kept.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    pub email: String,
    pub name: String,
    pub read_only: bool,
    /// An argon2 hash in PHC form.
    pub password_hash: String,
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the secret in the cookie.
    pub hash: [u8; 32],
    pub admin: i64,
    pub created: Timestamp,
    pub seen: Timestamp,
    pub address: String,
    pub user_agent: String,
    /// When the administrator last gave a password or code.
    pub proved: Timestamp,
    /// When the administrator had signed in the time before.
    pub before: Option<Timestamp>,
}

/// A session with what every page asks about it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: Session,
    pub admin: Admin,
    /// Whether the administrator has set up the second step.
    pub second_step: bool,
    /// The value of the setting that was asked for.
    pub setting: Option<String>,
    /// The teams that were not removed, in the order they were made.
    pub teams: Vec<Team>,
}

macro_rules! select_admin {
    ($rest:literal) => {
        concat!(
            "select n, email, name, read_only, created, password_set, signed_in, signed_in_from from admin ",
            $rest
        )
    };
}

macro_rules! select_session {
    ($rest:literal) => {
        concat!("select hash, admin, created, seen, address, user_agent, proved, before from session ", $rest)
    };
}

fn read(row: &Row<'_>) -> rusqlite::Result<Admin> {
    Ok(Admin {
        n: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        read_only: row.get(3)?,
        created: row.get(4)?,
        password_set: row.get(5)?,
        signed_in: row.get::<_, Option<_>>(6)?.zip(row.get(7)?),
    })
}

fn read_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        hash: row.get(0)?,
        admin: row.get(1)?,
        created: row.get(2)?,
        seen: row.get(3)?,
        address: row.get(4)?,
        user_agent: row.get(5)?,
        proved: row.get(6)?,
        before: row.get(7)?,
    })
}

/// Where the team stands behind the columns of who is signed in.
const TEAM: usize = 18;

fn read_signed_in(row: &Row<'_>) -> rusqlite::Result<SignedIn> {
    let admin = Admin {
        n: row.get(8)?,
        email: row.get(9)?,
        name: row.get(10)?,
        read_only: row.get(11)?,
        created: row.get(12)?,
        password_set: row.get(13)?,
        signed_in: row.get::<_, Option<_>>(14)?.zip(row.get(15)?),
    };
    let (session, second_step, setting) = (read_session(row)?, row.get(16)?, row.get(17)?);
    Ok(SignedIn { session, admin, second_step, setting, teams: Vec::new() })
}

impl ReadTx<'_> {
    /// The administrators in the order they were made.
    pub fn admins(&self) -> Result<Vec<Admin>> {
        self.all(select_admin!("order by n"), [], read)
    }

    /// One by number.
    pub fn admin(&self, n: i64) -> Result<Option<Admin>> {
        self.one(select_admin!("where n = ?"), [n], read)
    }

    /// One by e-mail address, in any case.
    pub fn admin_by_email(&self, email: &str) -> Result<Option<Admin>> {
        self.one(select_admin!("where folded = ?"), [fold(email)], read)
    }

    /// The hash of an administrator's password.
    pub fn admin_password_hash(&self, n: i64) -> Result<Option<String>> {
        self.one("select password_hash from admin where n = ?", [n], |row| row.get(0))
    }

    /// The session with that hash.
    pub fn session_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Session>> {
        self.one(select_session!("where hash = ?"), [hash], read_session)
    }

    /// A session with its administrator, whether the second step is set up, a setting, and the teams, in one look: every
    /// page asks.
    pub fn signed_in(&self, hash: &[u8; 32], setting: &str) -> Result<Option<SignedIn>> {
        // A row for each team, and one with none where there is none.
        let sql = concat!(
            "select hash, admin, session.created, seen, address, user_agent, proved, before,
                 admin.n, email, admin.name, read_only, admin.created, password_set, signed_in, signed_in_from,
                 exists (select 1 from second_step where second_step.admin = admin.n),
                 (select value from setting where setting.name = ?), ",
            team_columns!(),
            " from session join admin on admin.n = session.admin left join team on ",
            listed_team!(),
            " where hash = ? order by team.n"
        );
        let mut found: Option<SignedIn> = None;
        self.each(sql, params![setting, hash], |row| {
            let who = match &mut found {
                Some(who) => who,
                None => found.insert(read_signed_in(row)?),
            };
            if row.get::<_, Option<i64>>(TEAM)?.is_some() {
                who.teams.push(teams::read_from(row, TEAM)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The sessions of an administrator, last seen first.
    pub fn sessions_of(&self, admin: i64) -> Result<Vec<Session>> {
        self.all(select_session!("where admin = ? order by seen desc, created desc"), [admin], read_session)
    }

    /// Every session, last seen first.
    pub fn sessions(&self) -> Result<Vec<Session>> {
        self.all(select_session!("order by seen desc, created desc"), [], read_session)
    }
}

impl WriteTx<'_> {
    /// Keeps an administrator. `Taken { attribute: "email" }` when the address is in use.
    pub fn insert_admin(&mut self, new: &NewAdmin) -> Result<Admin> {
        if let Some(other) = self.admin_by_email(&new.email)? {
            let by = other.n.to_string();
            return Err(StoreError::Taken { attribute: "email".into(), value: new.email.clone(), by });
        }
        let now = self.now();
        let n = self.insert(
            "insert into admin (email, folded, name, read_only, created, password_set, password_hash)
             values (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
            params![new.email, fold(&new.email), new.name, new.read_only, now, new.password_hash],
        )?;
        Ok(self.admin(n)?.expect("the administrator was inserted by this very job"))
    }

    /// Sets a password's hash and ends every session of the administrator but perhaps one; false when there is none.
    pub fn set_admin_password(
        &mut self,
        n: i64,
        password_hash: &str,
        except: Option<&[u8; 32]>,
    ) -> Result<bool> {
        let now = self.now();
        let sql = "update admin set password_hash = ?, password_set = ? where n = ?";
        let found = self.run(sql, params![password_hash, now, n])? > 0;
        self.end_sessions_of(n, except)?;
        Ok(found)
    }

    /// Lets an administrator change things, or only look.
    pub fn set_admin_access(&mut self, n: i64, read_only: bool) -> Result<()> {
        self.run("update admin set read_only = ? where n = ?", params![read_only, n])?;
        Ok(())
    }

    /// Removes an administrator with all sessions; false when there is none.
    pub fn remove_admin(&mut self, n: i64) -> Result<bool> {
        Ok(self.run("delete from admin where n = ?", [n])? > 0)
    }

    /// Keeps a session, and that its administrator signed in.
    pub fn insert_session(&mut self, session: &Session) -> Result<()> {
        let Session { hash, admin, created, seen, address, user_agent, proved, before } = session;
        self.run(
            "insert into session (hash, admin, created, seen, address, user_agent, proved, before)
             values (?, ?, ?, ?, ?, ?, ?, ?)",
            params![hash, admin, created, seen, address, user_agent, proved, before],
        )?;
        let sql = "update admin set signed_in = ?, signed_in_from = ? where n = ?";
        self.run(sql, params![created, address, admin])?;
        Ok(())
    }

    /// Remembers when a session was last seen.
    pub fn touch_session(&mut self, hash: &[u8; 32], seen: Timestamp) -> Result<()> {
        self.run("update session set seen = ?1 where hash = ?2 and seen < ?1", params![seen, hash])?;
        Ok(())
    }

    /// Remembers when the administrator of a session last gave a password or code.
    pub fn set_session_proved(&mut self, hash: &[u8; 32], proved: Timestamp) -> Result<()> {
        self.run("update session set proved = ? where hash = ?", params![proved, hash])?;
        Ok(())
    }

    /// Ends a session; false when there is none.
    pub fn end_session(&mut self, hash: &[u8; 32]) -> Result<bool> {
        Ok(self.run("delete from session where hash = ?", [hash])? > 0)
    }

    /// Ends every session of an administrator but perhaps one; answers how many.
    pub fn end_sessions_of(&mut self, admin: i64, except: Option<&[u8; 32]>) -> Result<u64> {
        self.run("delete from session where admin = ? and hash is not ?", params![admin, except])
    }

    /// Forgets sessions last seen before `seen` or made before `created`; answers how many.
    pub fn prune_sessions(&mut self, seen: Timestamp, created: Timestamp) -> Result<u64> {
        self.run("delete from session where seen < ? or created < ?", [seen, created])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::store;

    fn new(email: &str) -> NewAdmin {
        NewAdmin {
            email: email.into(),
            name: "Ada".into(),
            read_only: false,
            password_hash: "$argon2id$x".into(),
        }
    }

    fn session(byte: u8, admin: i64) -> Session {
        Session {
            hash: [byte; 32],
            admin,
            created: Timestamp(10),
            seen: Timestamp(10 + i64::from(byte)),
            address: "192.0.2.1".into(),
            user_agent: "browser".into(),
            proved: Timestamp(10),
            before: None,
        }
    }

    #[test]
    fn an_address_belongs_to_one_administrator_in_any_case() {
        let (store, _clock) = store();
        store.write_blocking(|tx| tx.insert_admin(&new("ada@example.com"))).unwrap();
        let second = store.write_blocking(|tx| tx.insert_admin(&new("ADA@example.com")));
        assert!(matches!(second, Err(StoreError::Taken { attribute, .. }) if attribute == "email"));
        assert!(store.read_now(|tx| tx.admin_by_email("Ada@Example.com")).unwrap().is_some());
    }

    #[test]
    fn a_new_password_ends_every_session() {
        let (store, _clock) = store();
        store
            .write_blocking(|tx| {
                let admin = tx.insert_admin(&new("ada@example.com"))?.n;
                tx.insert_session(&session(1, admin))?;
                tx.insert_session(&session(2, admin))?;
                assert_eq!(tx.end_sessions_of(admin, Some(&[2; 32]))?, 1);
                assert!(tx.session_by_hash(&[2; 32])?.is_some());
                assert!(tx.set_admin_password(admin, "$argon2id$y", None)?);
                assert_eq!(tx.admin_password_hash(admin)?.as_deref(), Some("$argon2id$y"));
                assert!(tx.session_by_hash(&[2; 32])?.is_none());
                assert!(!tx.set_admin_password(99, "$argon2id$z", None)?);
                Ok::<(), StoreError>(())
            })
            .unwrap();
    }

    #[test]
    fn sessions_end_by_age_and_with_their_administrator() {
        let (store, _clock) = store();
        store
            .write_blocking(|tx| {
                let admin = tx.insert_admin(&new("ada@example.com"))?.n;
                for byte in 1..=3 {
                    tx.insert_session(&session(byte, admin))?;
                }
                tx.touch_session(&[1; 32], Timestamp(50))?;
                assert_eq!(tx.prune_sessions(Timestamp(13), Timestamp(0))?, 1);
                assert_eq!(tx.sessions_of(admin)?.first().map(|session| session.hash), Some([1; 32]));
                assert!(tx.remove_admin(admin)?);
                assert!(tx.session_by_hash(&[1; 32])?.is_none());
                Ok::<(), StoreError>(())
            })
            .unwrap();
    }
}

//! Administrators and their sessions. Passwords are hashed elsewhere; a session is found by the hash of its secret.

use super::{ReadTx, Result, WriteTx};
use crate::base::Timestamp;

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
}

impl ReadTx<'_> {
    /// The administrators in the order they were made.
    pub fn admins(&self) -> Result<Vec<Admin>> {
        todo!()
    }

    /// One by number.
    pub fn admin(&self, _n: i64) -> Result<Option<Admin>> {
        todo!()
    }

    /// One by e-mail address, in any case.
    pub fn admin_by_email(&self, _email: &str) -> Result<Option<Admin>> {
        todo!()
    }

    /// The hash of an administrator's password.
    pub fn admin_password_hash(&self, _n: i64) -> Result<Option<String>> {
        todo!()
    }

    /// The session with that hash.
    pub fn session_by_hash(&self, _hash: &[u8; 32]) -> Result<Option<Session>> {
        todo!()
    }

    /// The sessions of an administrator, last seen first.
    pub fn sessions_of(&self, _admin: i64) -> Result<Vec<Session>> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Keeps an administrator. `Taken { attribute: "email" }` when the address is in use.
    pub fn insert_admin(&mut self, _new: &NewAdmin) -> Result<Admin> {
        todo!()
    }

    /// Sets a password's hash and ends every session of the administrator; false when there is none.
    pub fn set_admin_password(&mut self, _n: i64, _password_hash: &str) -> Result<bool> {
        todo!()
    }

    /// Removes an administrator with all sessions; false when there is none.
    pub fn remove_admin(&mut self, _n: i64) -> Result<bool> {
        todo!()
    }

    /// Keeps a session.
    pub fn insert_session(&mut self, _session: &Session) -> Result<()> {
        todo!()
    }

    /// Remembers when a session was last seen.
    pub fn touch_session(&mut self, _hash: &[u8; 32], _seen: Timestamp) -> Result<()> {
        todo!()
    }

    /// Ends a session; false when there is none.
    pub fn end_session(&mut self, _hash: &[u8; 32]) -> Result<bool> {
        todo!()
    }

    /// Ends every session of an administrator but perhaps one; answers how many.
    pub fn end_sessions_of(&mut self, _admin: i64, _except: Option<&[u8; 32]>) -> Result<u64> {
        todo!()
    }

    /// Forgets sessions last seen before `seen` or made before `created`; answers how many.
    pub fn prune_sessions(&mut self, _seen: Timestamp, _created: Timestamp) -> Result<u64> {
        todo!()
    }
}

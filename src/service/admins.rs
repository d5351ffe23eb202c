//! Administrators: who may sign in to the page, and with which password. Signing in itself is `sessions`' business.

use serde_json::json;

use super::sessions::SignedIn;
use super::{Actor, Error, Service, passwords};
use crate::store::{Admin, NewAdmin, ReadTx};

const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 1024;
const LONGEST_EMAIL: usize = 254;

impl Service {
    /// The administrators, in the order in which they were made.
    pub fn admins(&self) -> Result<Vec<Admin>, Error> {
        self.store().read_now(|tx| Ok(tx.admins()?))
    }

    /// Makes an administrator.
    pub async fn create_admin(
        &self,
        actor: &Actor,
        email: &str,
        password: &str,
        read_only: bool,
    ) -> Result<Admin, Error> {
        let email = admin_email(email)?;
        let password_hash = passwords::hash(&check_password(password)?).await?;
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                if tx.admin_by_email(&email)?.is_some() {
                    return Err(Error::Refused(format!("there is an administrator {email} already")));
                }
                let new = NewAdmin {
                    email: email.clone(),
                    name: String::new(),
                    read_only,
                    password_hash: password_hash.clone(),
                };
                let admin = tx.insert_admin(&new)?;
                tx.append_audit(None, &who, "admin.created", &email, &json!({ "read_only": read_only }))?;
                Ok(admin)
            })
            .await
    }

    /// Sets another password and ends every session of the administrator.
    pub async fn reset_admin_password(
        &self,
        actor: &Actor,
        email: &str,
        password: &str,
    ) -> Result<Admin, Error> {
        let email = email.trim().to_owned();
        let password_hash = passwords::hash(&check_password(password)?).await?;
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                let admin = named(tx, &email)?;
                tx.set_admin_password(admin.n, &password_hash, None)?;
                tx.append_audit(None, &who, "admin.password-reset", &admin.email, &json!({}))?;
                Ok(admin)
            })
            .await
    }

    /// Sets the password that an administrator chose; every session but theirs of this moment ends.
    pub async fn change_own_password(&self, signed_in: &SignedIn, password: &str) -> Result<(), Error> {
        let password_hash = passwords::hash(&check_password(password)?).await?;
        let (admin, session) = (signed_in.admin.clone(), signed_in.session.hash);
        let who = signed_in.actor().hand();
        self.store()
            .write(move |tx| {
                tx.set_admin_password(admin.n, &password_hash, Some(&session))?;
                tx.append_audit(None, &who, "admin.password-changed", &admin.email, &json!({}))?;
                Ok(())
            })
            .await
    }

    /// Lets an administrator change things, or only look. Somebody with full access stays.
    pub async fn set_admin_access(&self, actor: &Actor, n: i64, read_only: bool) -> Result<Admin, Error> {
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                let admin = tx.admin(n)?.ok_or_else(gone)?;
                if read_only {
                    another_full(tx, &admin)?;
                }
                if admin.read_only != read_only {
                    tx.set_admin_access(n, read_only)?;
                    let detail = json!({ "read_only": read_only });
                    tx.append_audit(None, &who, "admin.access-changed", &admin.email, &detail)?;
                }
                Ok(Admin { read_only, ..admin })
            })
            .await
    }

    /// Removes an administrator and ends their sessions. Somebody with full access stays.
    pub async fn remove_admin(&self, actor: &Actor, n: i64) -> Result<Admin, Error> {
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                let admin = tx.admin(n)?.ok_or_else(gone)?;
                another_full(tx, &admin)?;
                tx.remove_admin(n)?;
                tx.append_audit(None, &who, "admin.removed", &admin.email, &json!({}))?;
                Ok(admin)
            })
            .await
    }

    /// Ends every session of an administrator but perhaps one.
    pub async fn end_admin_sessions(
        &self,
        actor: &Actor,
        n: i64,
        except: Option<[u8; 32]>,
    ) -> Result<u64, Error> {
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                let admin = tx.admin(n)?.ok_or_else(gone)?;
                let ended = tx.end_sessions_of(n, except.as_ref())?;
                tx.append_audit(None, &who, "session.ended", &admin.email, &json!({ "sessions": ended }))?;
                Ok(ended)
            })
            .await
    }
}

/// The administrator of an address; the error names those there are.
pub(super) fn named(tx: &ReadTx<'_>, email: &str) -> Result<Admin, Error> {
    if let Some(admin) = tx.admin_by_email(email)? {
        return Ok(admin);
    }
    let known = tx.admins()?.into_iter().map(|admin| admin.email).collect::<Vec<_>>().join(", ");
    let there = if known.is_empty() { "nobody yet" } else { &known };
    Err(Error::NotFound(format!("there is no administrator {email}; there is: {there}")))
}

/// Whether this administrator is the last with full access, who can neither be removed nor lose it.
pub fn is_last_full(admins: &[Admin], admin: &Admin) -> bool {
    !admin.read_only && !admins.iter().any(|other| other.n != admin.n && !other.read_only)
}

fn gone() -> Error {
    Error::NotFound("that administrator is gone".into())
}

/// Refuses where this administrator is the last with full access.
fn another_full(tx: &ReadTx<'_>, admin: &Admin) -> Result<(), Error> {
    if !is_last_full(&tx.admins()?, admin) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "the administrator {} is the last with full access; give another full access first",
        admin.email
    )))
}

/// Checks a password against the rules; the error says what to change.
pub fn check_password(password: &str) -> Result<String, Error> {
    let length = password.chars().count();
    if length < SHORTEST_PASSWORD {
        return Err(Error::Refused(format!(
            "the password has {length} characters; choose at least {SHORTEST_PASSWORD}"
        )));
    }
    if password.len() > LONGEST_PASSWORD {
        return Err(Error::Refused(format!(
            "the password is longer than {LONGEST_PASSWORD} bytes; choose a shorter one"
        )));
    }
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 5 {
        return Err(Error::Refused("the password repeats too few characters; choose a longer phrase".into()));
    }
    Ok(password.to_owned())
}

/// Checks an address as far as it can be: something, an @, something with a dot or a host name.
pub fn admin_email(email: &str) -> Result<String, Error> {
    let email = email.trim();
    let whole = email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
        && email.len() <= LONGEST_EMAIL
        && !email.chars().any(|c| c.is_control() || c.is_whitespace());
    if !whole {
        return Err(Error::Refused("give an e-mail address such as mei@example.com".into()));
    }
    Ok(email.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_too_easy_say_why() {
        for (password, words) in [
            ("short", "at least 12"),
            ("aaaaaaaaaaaaaaaa", "too few"),
            (&"ab1".repeat(500)[..], "longer than"),
        ] {
            let error = check_password(password).expect_err(password);
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(check_password("correct horse battery staple").is_ok());
    }

    #[tokio::test]
    async fn the_last_administrator_with_full_access_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("scimd.db");
        let store = crate::store::Store::open(&file, Default::default()).expect("a store");
        let service = Service::new(store, Default::default());
        let actor = Actor::CommandLine { user: "root".into() };
        let make = |email, read_only| service.create_admin(&actor, email, "correct horse battery", read_only);
        let mei = make("mei@example.com", false).await.expect("made");
        let eve = make("eve@example.com", true).await.expect("made");
        for refused in
            [service.remove_admin(&actor, mei.n).await, service.set_admin_access(&actor, mei.n, true).await]
        {
            assert!(matches!(refused, Err(Error::Refused(words)) if words.contains("last")));
        }
        service.set_admin_access(&actor, eve.n, false).await.expect("full access");
        service.remove_admin(&actor, mei.n).await.expect("removed");
        assert!(service.remove_admin(&actor, mei.n).await.is_err());
        let left = service.admins().expect("administrators");
        assert_eq!(left.iter().map(|admin| admin.email.as_str()).collect::<Vec<_>>(), ["eve@example.com"]);
    }

    #[test]
    fn addresses() {
        assert_eq!(admin_email(" mei@example.com ").ok().as_deref(), Some("mei@example.com"));
        for email in ["", "mei", "@example.com", "mei@", "me i@example.com"] {
            assert!(admin_email(email).is_err(), "{email}");
        }
    }
}

//! First-run set-up: until the first administrator exists, a one-time code that the server printed opens the page.
//! Its hash is a setting; each start makes a new code, and making the administrator uses it up.

use std::net::IpAddr;

use serde_json::json;

use super::{Error, Service, admins, passwords};
use crate::base::secret;
use crate::store::{Admin, Hand, NewAdmin, ReadTx};

const CODE: &str = "setup.code";
const LONGEST_NAME: usize = 100;

impl Service {
    /// Whether there is no administrator yet.
    pub fn needs_setup(&self) -> Result<bool, Error> {
        self.store().read_now(|tx| Ok(tx.admins()?.is_empty()))
    }

    /// Makes a new set-up code and answers its text, to be printed; `None` once there is an administrator.
    pub async fn begin_setup(&self) -> Result<Option<String>, Error> {
        let code = secret::setup_code();
        let hash = hex(&secret::sha256(code.as_bytes()));
        let open = self
            .store()
            .write(move |tx| -> Result<bool, Error> {
                if !tx.admins()?.is_empty() {
                    tx.remove_setting(CODE)?;
                    return Ok(false);
                }
                tx.set_setting(CODE, &hash)?;
                Ok(true)
            })
            .await?;
        Ok(open.then_some(code))
    }

    /// Whether what was typed is the set-up code that was printed last.
    pub fn is_setup_code(&self, typed: &str) -> Result<bool, Error> {
        self.store().read_now(|tx| code_matches(tx, typed))
    }

    /// Makes the first administrator with the set-up code, which is used up by it.
    pub async fn create_first_admin(
        &self,
        code: &str,
        email: &str,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Admin, Error> {
        let code = code.to_owned();
        if !self.is_setup_code(&code)? {
            return Err(wrong_code());
        }
        let name = admin_name(name)?;
        let email = admins::admin_email(email)?;
        let password_hash = passwords::hash(&admins::check_password(password)?).await?;
        let name = if name.is_empty() { email.clone() } else { name };
        let new = NewAdmin { email, name, read_only: false, password_hash };
        self.store()
            .write(move |tx| {
                // Checked again: between the first look and this transaction another may have been faster.
                if !tx.admins()?.is_empty() || !code_matches(tx, &code)? {
                    return Err(wrong_code());
                }
                tx.remove_setting(CODE)?;
                let admin = tx.insert_admin(&new)?;
                let detail = json!({ "name": new.name, "read_only": false, "by": "set-up code" });
                let who = Hand { name: new.email.clone(), address: Some(address.to_string()) };
                tx.append_audit(None, &who, "admin.created", &new.email, &detail)?;
                Ok(admin)
            })
            .await
    }
}

/// Checks the name that stands beside what an administrator does; it may be empty.
pub fn admin_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::Refused(format!("a name has at most {LONGEST_NAME} characters, on one line")));
    }
    Ok(name.to_owned())
}

fn code_matches(tx: &ReadTx<'_>, typed: &str) -> Result<bool, Error> {
    let (Some(code), Some(kept)) = (secret::read_setup_code(typed), tx.setting(CODE)?) else {
        return Ok(false);
    };
    Ok(secret::same(hex(&secret::sha256(code.as_bytes())).as_bytes(), kept.as_bytes()))
}

fn wrong_code() -> Error {
    Error::Refused("the set-up code is not the one that was printed last".into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::service::Options;
    use crate::store::{self, Store};

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const PASSWORD: &str = "correct horse battery";

    fn service() -> (tempfile::TempDir, Service) {
        let directory = tempfile::tempdir().expect("a directory");
        let store =
            Store::open(&directory.path().join("scimd.db"), store::Options::default()).expect("a store");
        (directory, Service::new(store, Options::default()))
    }

    #[tokio::test]
    async fn the_code_opens_the_door_once() {
        let (_directory, service) = service();
        assert!(service.needs_setup().expect("an answer"));
        let old = service.begin_setup().await.expect("begun").expect("a code");
        let code = service.begin_setup().await.expect("begun").expect("a code");
        assert!(!service.is_setup_code(&old).expect("an answer"), "each start makes a new code");
        assert!(service.is_setup_code(&code.to_lowercase().replace('-', " ")).expect("an answer"));
        let kept = service.store().read_now(|tx| Ok::<_, Error>(tx.setting(CODE)?)).expect("a setting");
        assert!(!kept.expect("kept").contains(&code), "the code itself is nowhere");

        let made = service.create_first_admin(&code, "mei@example.com", "Mei Chen", PASSWORD, HOME).await;
        assert_eq!(made.expect("an administrator").name, "Mei Chen");
        assert!(!service.needs_setup().expect("an answer"));
        assert!(!service.is_setup_code(&code).expect("an answer"));
        let again = service.create_first_admin(&code, "eve@example.com", "", PASSWORD, HOME).await;
        assert!(matches!(again, Err(Error::Refused(_))));
        assert_eq!(service.begin_setup().await.expect("begun"), None);
    }

    #[tokio::test]
    async fn a_wrong_code_or_a_weak_password_makes_nobody() {
        let (_directory, service) = service();
        let code = service.begin_setup().await.expect("begun").expect("a code");
        assert!(
            service.create_first_admin("AAAA-AAAA-AAAA", "a@example.com", "", PASSWORD, HOME).await.is_err()
        );
        assert!(service.create_first_admin("", "a@example.com", "", PASSWORD, HOME).await.is_err());
        assert!(service.create_first_admin(&code, "a@example.com", "", "short", HOME).await.is_err());
        assert!(service.create_first_admin(&code, "nobody", "", PASSWORD, HOME).await.is_err());
        assert!(service.needs_setup().expect("an answer"));
        assert!(service.is_setup_code(&code).expect("an answer"), "a mistake does not use the code up");
    }
}

//! The second step of signing in: setting it up with an authenticator app, its recovery codes, checking a code, turning
//! it off, and the rule that asks everyone with full access for it.

use std::net::IpAddr;

use serde_json::json;

use super::sessions::{Proof, Sessions};
use super::{Actor, Error, Service};
use crate::base::otp;
use crate::base::secret::{self, read_recovery_code, sha256};
use crate::store::{self, Admin, Hand, ReadTx, WriteTx};

/// Recovery codes that are made at once.
pub const CODES: usize = 10;
const PURPOSE: &str = "second step";
const REQUIRED: &str = "second-step.required";

/// How an administrator stands with the second step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It is set up.
    pub on: bool,
    /// It is asked of this administrator and not set up: nothing else may be changed before.
    pub owed: bool,
}

impl Standing {
    fn of(admin: &Admin, on: bool, required: bool) -> Standing {
        Standing { on, owed: !on && !admin.read_only && required }
    }
}

/// A session with what every page asks about it, and how its administrator stands with the second step, within a read.
pub fn signed_in(tx: &ReadTx<'_>, hash: &[u8; 32]) -> Result<Option<(store::SignedIn, Standing)>, Error> {
    let Some(mut found) = tx.signed_in(hash, REQUIRED)? else { return Ok(None) };
    let standing = Standing::of(&found.admin, found.second_step, is_required(found.setting.take()));
    Ok(Some((found, standing)))
}

fn required(tx: &ReadTx<'_>) -> Result<bool, Error> {
    Ok(is_required(tx.setting(REQUIRED)?))
}

fn is_required(setting: Option<String>) -> bool {
    setting.as_deref() == Some("full")
}

/// A new secret for an authenticator app.
pub fn new_secret() -> Vec<u8> {
    secret::random::<{ otp::SECRET_BYTES }>().to_vec()
}

impl Service {
    /// Whether everyone with full access must have the second step.
    pub fn second_step_required(&self) -> Result<bool, Error> {
        self.store().read_now(required)
    }

    /// The administrators who have the second step.
    pub fn second_steps(&self) -> Result<Vec<i64>, Error> {
        self.store().read_now(|tx| Ok(tx.second_steps()?))
    }

    /// How many recovery codes of an administrator are unused.
    pub fn recovery_codes_left(&self, admin: i64) -> Result<u64, Error> {
        self.store().read_now(|tx| Ok(tx.recovery_codes_left(admin)?))
    }

    /// Asks everyone with full access for the second step, or no longer.
    pub async fn require_second_step(&self, actor: &Actor, required: bool) -> Result<(), Error> {
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                match required {
                    true => tx.set_setting(REQUIRED, "full")?,
                    false => drop(tx.remove_setting(REQUIRED)?),
                }
                let detail = json!({ "required": if required { "full" } else { "nobody" } });
                tx.append_audit(None, &who, "second-step.required", "administrators", &detail)?;
                Ok(())
            })
            .await
    }

    /// Sets the second step up when the typed code shows that the app has the secret; answers the recovery codes, whose
    /// text is returned here and nowhere else. `None`: the code is wrong.
    pub async fn set_up_second_step(
        &self,
        actor: &Actor,
        admin: &Admin,
        secret: &[u8],
        typed: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(counter) = otp::find(secret, typed, self.clock().now()) else { return Ok(None) };
        let sealed = self.options().key.seal(PURPOSE, &context(admin.n), secret);
        let (codes, hashes) = recovery_codes(admin.n);
        let (admin, who) = (admin.clone(), actor.hand());
        self.store()
            .write(move |tx| -> Result<(), Error> {
                tx.set_second_step(admin.n, &sealed, counter)?;
                tx.set_recovery_codes(admin.n, &hashes)?;
                tx.append_audit(None, &who, "second-step.on", &admin.email, &json!({}))?;
                Ok(())
            })
            .await?;
        Ok(Some(codes))
    }

    /// Makes new recovery codes in place of the old ones.
    pub async fn new_recovery_codes(&self, actor: &Actor, admin: &Admin) -> Result<Vec<String>, Error> {
        let (codes, hashes) = recovery_codes(admin.n);
        let (admin, who) = (admin.clone(), actor.hand());
        self.store()
            .write(move |tx| {
                if tx.second_step(admin.n)?.is_none() {
                    return Err(Error::Refused("the second step is not set up".into()));
                }
                tx.set_recovery_codes(admin.n, &hashes)?;
                tx.append_audit(None, &who, "second-step.codes-made", &admin.email, &json!({}))?;
                Ok(())
            })
            .await?;
        Ok(codes)
    }

    /// Turns the second step off, after a code was checked.
    pub async fn turn_off_second_step(&self, actor: &Actor, admin: &Admin) -> Result<(), Error> {
        let (admin, who) = (admin.clone(), actor.hand());
        self.store().write(move |tx| remove(tx, &admin, &who, "second-step.off")).await
    }

    /// Removes the second step of somebody who lost phone and recovery codes; needs the machine itself.
    pub async fn reset_second_step(&self, actor: &Actor, email: &str) -> Result<Admin, Error> {
        let (email, who) = (email.trim().to_owned(), actor.hand());
        self.store()
            .write(move |tx| {
                let admin = super::admins::named(tx, &email)?;
                if tx.second_step(admin.n)?.is_none() {
                    return Err(Error::Refused(format!("{} has no second step", admin.email)));
                }
                remove(tx, &admin, &who, "second-step.reset")?;
                tx.end_sessions_of(admin.n, None)?;
                Ok(admin)
            })
            .await
    }
}

fn remove(tx: &mut WriteTx<'_>, admin: &Admin, who: &Hand, what: &str) -> Result<(), Error> {
    if tx.remove_second_step(admin.n)? {
        tx.append_audit(None, who, what, &admin.email, &json!({}))?;
    }
    Ok(())
}

impl Sessions {
    /// Checks a code of the app, or a recovery code, which is used up by it. Tries are counted apart from passwords, so
    /// that a stranger who knows the password slows nobody's address but their own.
    pub(super) async fn check_code(
        &self,
        admin: &Admin,
        typed: &str,
        address: IpAddr,
    ) -> Result<Proof, Error> {
        let now = self.service.clock().now();
        let Some(kept) = self.service.store().read_now(|tx| tx.second_step(admin.n))? else {
            return Ok(Proof::Wrong);
        };
        // Setting it up anew begins a new count.
        let account = format!("code {} {}", admin.n, kept.since.0);
        if let Some(wait) = self.tried(&account, address, now) {
            return Ok(Proof::Wait(wait));
        }
        let recovery = read_recovery_code(typed).map(|code| recovery_hash(admin.n, &code));
        let counter = match recovery {
            Some(_) => None,
            None => {
                let key = &self.service.options().key;
                let secret = key.open(PURPOSE, &context(admin.n), &kept.sealed).ok_or_else(other_key)?;
                otp::find(&secret, typed, now)
            }
        };
        let who = Hand { name: admin.email.clone(), address: Some(address.to_string()) };
        let admin = admin.clone();
        let taken = self
            .service
            .store()
            .write(move |tx| -> Result<bool, Error> {
                if let Some(hash) = recovery {
                    let taken = tx.take_recovery_code(admin.n, &hash)?;
                    if taken {
                        let detail = json!({ "left": tx.recovery_codes_left(admin.n)? });
                        let what = "second-step.recovery-code-used";
                        tx.append_audit(None, &who, what, &admin.email, &detail)?;
                    }
                    return Ok(taken);
                }
                Ok(match counter {
                    Some(counter) => tx.take_second_step(admin.n, counter)?,
                    None => false,
                })
            })
            .await?;
        if taken {
            self.succeeded(&account, address);
        }
        Ok(if taken { Proof::Right } else { Proof::Wrong })
    }
}

fn other_key() -> Error {
    Error::Refused(
        "the key file of this server is not the one with which the second step was set up. Enter a recovery code, or run \
         scimd admin reset-second-step on the server"
            .into(),
    )
}

/// An administrator's secret is sealed for them alone: a row copied to another opens nothing.
fn context(admin: i64) -> [u8; 8] {
    admin.to_be_bytes()
}

fn recovery_codes(admin: i64) -> (Vec<String>, Vec<[u8; 32]>) {
    let codes: Vec<String> = (0..CODES).map(|_| secret::recovery_code()).collect();
    let hashes = codes.iter().map(|code| recovery_hash(admin, code)).collect();
    (codes, hashes)
}

fn recovery_hash(admin: i64, code: &str) -> [u8; 32] {
    sha256(format!("recovery code of {admin}: {code}").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::sessions::{Found, SignIn, SignedIn};
    use super::*;
    use crate::base::secret::Key;
    use crate::base::{Clock, Timestamp};
    use crate::service::Options;
    use crate::store::{self, Store};

    const PASSWORD: &str = "correct horse battery";
    const EMAIL: &str = "mei@example.com";

    struct Desk {
        _directory: tempfile::TempDir,
        clock: Clock,
        service: Service,
        sessions: Sessions,
        admin: Admin,
    }

    async fn desk() -> Desk {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Clock::manual(Timestamp(1_795_462_931_120));
        let options = store::Options { clock: clock.clone(), ..Default::default() };
        let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
        let service = Service::new(store, Options { clock: clock.clone(), ..Options::default() });
        let actor = Actor::CommandLine { user: "root".into() };
        let admin = service.create_admin(&actor, EMAIL, PASSWORD, false).await.expect("made");
        let sessions = Sessions::new(service.clone());
        Desk { _directory: directory, clock, service, sessions, admin }
    }

    fn home() -> IpAddr {
        "192.0.2.10".parse().expect("an address")
    }

    impl Desk {
        fn actor(&self) -> Actor {
            Actor::Admin { n: self.admin.n, email: EMAIL.into(), address: home().to_string() }
        }

        /// Sets the second step up; answers the secret and the recovery codes.
        async fn set_up(&self) -> (Vec<u8>, Vec<String>) {
            let secret = new_secret();
            let typed = self.code(&secret);
            let codes = self.service.set_up_second_step(&self.actor(), &self.admin, &secret, &typed).await;
            (secret, codes.expect("an answer").expect("the code is right"))
        }

        fn code(&self, secret: &[u8]) -> String {
            otp::code(secret, otp::step(self.clock.now()))
        }

        async fn half(&self) -> String {
            match self.sessions.sign_in(EMAIL, PASSWORD, home(), "test").await.expect("an answer") {
                SignIn::Half(half) => half,
                other => panic!("{other:?}"),
            }
        }

        async fn second(&self, half: &str, typed: &str) -> SignIn {
            self.sessions.second(half, typed, home(), "test").await.expect("an answer")
        }

        fn live(&self, text: &str) -> SignedIn {
            match self.sessions.find(text, true, "").expect("an answer") {
                Found::Live(who) => *who,
                other => panic!("{other:?}"),
            }
        }

        fn audit(&self) -> Vec<String> {
            let rows = self.service.store().read_now(|tx| tx.audit(None, None, 50)).expect("rows");
            rows.into_iter().map(|row| row.what).collect()
        }
    }

    #[tokio::test]
    async fn a_password_alone_opens_nothing_and_a_code_is_taken_once() {
        let desk = desk().await;
        let (secret, _) = desk.set_up().await;
        let half = desk.half().await;
        assert!(
            matches!(desk.sessions.find(&half, true, ""), Ok(Found::Unknown)),
            "half a sign-in is no session"
        );
        // The code that set it up was taken then.
        assert!(matches!(desk.second(&half, &desk.code(&secret)).await, SignIn::Wrong));
        desk.clock.advance(Duration::from_secs(30));
        let typed = desk.code(&secret);
        let SignIn::Done(text) = desk.second(&half, &typed).await else { panic!("a fresh code") };
        assert!(desk.live(&text).standing.on);
        assert!(matches!(desk.second(&half, &typed).await, SignIn::Gone), "the half is used up");
        let again = desk.half().await;
        assert!(matches!(desk.second(&again, &typed).await, SignIn::Wrong), "never twice");
    }

    #[tokio::test]
    async fn the_secret_is_nowhere_in_the_file_and_another_key_says_so() {
        let desk = desk().await;
        let (secret, codes) = desk.set_up().await;
        let kept = desk.service.store().read_now(|tx| tx.second_step(desk.admin.n)).expect("read");
        let kept = kept.expect("set up").sealed;
        assert!(!kept.contains(&otp::text(&secret).replace(' ', "")));
        let options = Options { clock: desk.clock.clone(), key: Key::random(), ..Options::default() };
        let other = Sessions::new(Service::new(desk.service.store().clone(), options));
        desk.clock.advance(Duration::from_secs(30));
        let refused = other.check_code(&desk.admin, &desk.code(&secret), home()).await;
        assert!(matches!(refused, Err(Error::Refused(words)) if words.contains("key file")));
        let recovered = other.check_code(&desk.admin, &codes[0], home()).await;
        assert!(matches!(recovered, Ok(Proof::Right)), "recovery codes need no key");
    }

    #[tokio::test]
    async fn ten_recovery_codes_work_once_each() {
        let desk = desk().await;
        let (_, codes) = desk.set_up().await;
        assert_eq!(codes.len(), CODES);
        for code in &codes {
            let half = desk.half().await;
            let typed = code.to_lowercase().replace('-', " ");
            assert!(matches!(desk.second(&half, &typed).await, SignIn::Done(_)), "{code}");
        }
        let half = desk.half().await;
        assert!(matches!(desk.second(&half, &codes[0]).await, SignIn::Wrong));
        assert_eq!(desk.service.recovery_codes_left(desk.admin.n).expect("a count"), 0);
        let new = desk.service.new_recovery_codes(&desk.actor(), &desk.admin).await.expect("made");
        assert!(matches!(desk.second(&half, &new[3]).await, SignIn::Done(_)));
        for what in ["second-step.on", "second-step.recovery-code-used", "second-step.codes-made"] {
            assert!(desk.audit().iter().any(|row| row == what), "{what}");
        }
    }

    #[tokio::test]
    async fn guesses_are_slowed_and_the_owner_is_not_locked_out() {
        let desk = desk().await;
        let (secret, _) = desk.set_up().await;
        let thief: IpAddr = "198.51.100.7".parse().expect("an address");
        let mut waits = 0;
        for _ in 0..300 {
            match desk.sessions.check_code(&desk.admin, "000000", thief).await.expect("an answer") {
                Proof::Wait(_) => waits += 1,
                proof => assert!(matches!(proof, Proof::Wrong)),
            }
        }
        assert!(waits > 290, "{waits}");
        desk.clock.advance(Duration::from_secs(30));
        let half = desk.half().await;
        assert!(matches!(desk.second(&half, &desk.code(&secret)).await, SignIn::Done(_)));
    }

    #[tokio::test]
    async fn half_a_sign_in_ends_after_five_minutes_and_with_a_new_password() {
        let desk = desk().await;
        let (secret, _) = desk.set_up().await;
        let half = desk.half().await;
        desk.clock.advance(Duration::from_secs(301));
        assert!(matches!(desk.second(&half, &desk.code(&secret)).await, SignIn::Gone));
        let half = desk.half().await;
        desk.clock.advance(Duration::from_secs(30));
        let actor = Actor::CommandLine { user: "root".into() };
        desk.service.reset_admin_password(&actor, EMAIL, "another long password").await.expect("set");
        assert!(matches!(desk.second(&half, &desk.code(&secret)).await, SignIn::Gone));
    }

    #[tokio::test]
    async fn who_must_have_it_owes_it_and_a_reset_ends_sessions() {
        let desk = desk().await;
        let actor = Actor::CommandLine { user: "root".into() };
        let reset = desk.service.reset_second_step(&actor, EMAIL).await;
        assert!(matches!(reset, Err(Error::Refused(words)) if words.contains("has no second step")));
        let standing = |admin: &Admin| {
            let read = desk.service.store().read_now(|tx| {
                Ok::<_, Error>(Standing::of(admin, tx.second_step(admin.n)?.is_some(), required(tx)?))
            });
            read.expect("a standing")
        };
        assert!(!standing(&desk.admin).owed);
        desk.service.require_second_step(&actor, true).await.expect("required");
        assert!(desk.service.second_step_required().expect("an answer"));
        assert!(
            standing(&desk.admin).owed && !standing(&Admin { read_only: true, ..desk.admin.clone() }).owed
        );
        desk.set_up().await;
        assert_eq!(standing(&desk.admin), Standing { on: true, owed: false });
        let text = desk.sessions.begin(&desk.admin, "192.0.2.10", "test").await.expect("begun");
        desk.service.reset_second_step(&actor, &EMAIL.to_uppercase()).await.expect("reset");
        assert!(matches!(desk.sessions.find(&text, true, ""), Ok(Found::Unknown)));
        assert!(standing(&desk.admin).owed);
        desk.set_up().await;
        desk.service.turn_off_second_step(&desk.actor(), &desk.admin).await.expect("off");
        assert!(!standing(&desk.admin).on);
        for what in ["second-step.required", "second-step.reset", "second-step.off"] {
            assert!(desk.audit().iter().any(|row| row == what), "{what}");
        }
    }
}

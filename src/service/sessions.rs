//! Signing in and out: sessions live in the store under the hash of their secret, four hours from their last use and
//! twelve at most. The cookie that carries the secret is the admin page's business.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::attempts::Attempts;
use super::{Actor, Error, Service, passwords};
use crate::base::{Timestamp, secret};
use crate::store::{Admin, Session};

/// A session ends when it was not used for this long.
pub const IDLE: Duration = Duration::from_secs(4 * 60 * 60);
/// A session ends this long after it began, used or not.
pub const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// A session's last use is written again when it is older than this.
const GRAIN: Duration = Duration::from_secs(60);
/// The longest part of a browser's name that is kept.
const LONGEST_AGENT: usize = 200;

/// Who may sign in, and how often a wrong password was tried.
pub struct Sessions {
    service: Service,
    attempts: Mutex<Attempts>,
    /// The hash of a password that nobody has: an unknown account takes as long to refuse as a known one.
    decoy: OnceLock<String>,
}

/// How signing in went.
#[derive(Debug)]
pub enum SignIn {
    /// The secret for the cookie.
    Done(String),
    /// Email or password is wrong; which, is not said.
    Wrong,
    /// Too many wrong tries; the next is taken after this time.
    Wait(Duration),
}

/// What a cookie's secret stands for.
#[derive(Debug)]
pub enum Found {
    Live(Box<SignedIn>),
    /// It was a session, ended by `IDLE` or `LONGEST`.
    Ended(&'static str),
    Unknown,
}

/// A signed-in administrator.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub admin: Admin,
    pub session: Session,
}

impl SignedIn {
    /// The name under which changes are recorded.
    pub fn actor(&self) -> Actor {
        Actor::Admin { n: self.admin.n, email: self.admin.email.clone() }
    }
}

impl Sessions {
    /// Sessions over a service.
    pub fn new(service: Service) -> Sessions {
        Sessions { service, attempts: Mutex::default(), decoy: OnceLock::new() }
    }

    /// Checks an email and password and begins a session.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        address: IpAddr,
        user_agent: &str,
    ) -> Result<SignIn, Error> {
        let now = self.service.clock().now();
        let email = email.trim().to_lowercase();
        let (admin, kept) = self.service.store().read_now(|tx| -> Result<_, Error> {
            let admin = tx.admin_by_email(&email)?;
            let kept = admin.as_ref().map(|admin| tx.admin_password_hash(admin.n)).transpose()?.flatten();
            Ok((admin, kept))
        })?;
        // Setting the password anew, which needs the machine itself, begins a new count.
        let account = match &admin {
            Some(admin) => format!("{email} {}", admin.password_set.0),
            None => email.clone(),
        };
        {
            let mut attempts = self.attempts();
            if let Some(wait) = attempts.wait(&account, address, now) {
                return Ok(SignIn::Wait(wait));
            }
            attempts.began(&account, address, now);
        }
        let hash = match kept {
            Some(kept) => kept,
            None => self.decoy().await?,
        };
        let right = passwords::matches(password, &hash).await?;
        match admin {
            Some(admin) if right => {
                self.attempts().succeeded(&account, address);
                Ok(SignIn::Done(self.begin(&admin, &address.to_string(), user_agent).await?))
            }
            _ => Ok(SignIn::Wrong),
        }
    }

    /// Begins a session for an administrator whose right to it was checked; answers the cookie's secret.
    pub async fn begin(&self, admin: &Admin, address: &str, user_agent: &str) -> Result<String, Error> {
        let (text, hash) = secret::session();
        let (admin, address) = (admin.clone(), address.to_owned());
        let user_agent: String = user_agent.chars().take(LONGEST_AGENT).collect();
        self.service
            .store()
            .write(move |tx| -> Result<(), Error> {
                let now = tx.now();
                tx.prune_sessions(earlier(now, IDLE), earlier(now, LONGEST))?;
                tx.insert_session(&Session {
                    hash,
                    admin: admin.n,
                    created: now,
                    seen: now,
                    address: address.clone(),
                    user_agent: user_agent.clone(),
                })?;
                tx.append_audit(
                    None,
                    &admin.email,
                    "session.began",
                    &admin.email,
                    &json!({ "address": address }),
                )?;
                Ok(())
            })
            .await?;
        Ok(text)
    }

    /// Who a cookie's secret belongs to; notes that the session was used.
    pub fn find(&self, text: &str) -> Result<Found, Error> {
        let hash = secret::sha256(text.as_bytes());
        let store = self.service.store();
        let found = store.read_now(|tx| -> Result<_, Error> {
            let Some(session) = tx.session_by_hash(&hash)? else { return Ok(None) };
            Ok(tx.admin(session.admin)?.map(|admin| SignedIn { admin, session }))
        })?;
        let Some(signed_in) = found else { return Ok(Found::Unknown) };
        let now = self.service.clock().now();
        if signed_in.session.seen < earlier(now, IDLE) {
            return Ok(Found::Ended("Your session ended after 4 hours without use."));
        }
        if signed_in.session.created < earlier(now, LONGEST) {
            return Ok(Found::Ended("Your session ended: 12 hours is the longest."));
        }
        if signed_in.session.seen < earlier(now, GRAIN) {
            store.later(move |tx| tx.touch_session(&hash, now));
        }
        Ok(Found::Live(Box::new(signed_in)))
    }

    /// Ends a session of an administrator: their own, or another of theirs by its hash.
    pub async fn end(&self, signed_in: &SignedIn, hash: [u8; 32]) -> Result<(), Error> {
        let admin = signed_in.admin.clone();
        self.service
            .store()
            .write(move |tx| -> Result<(), Error> {
                let owned = tx.session_by_hash(&hash)?.is_some_and(|session| session.admin == admin.n);
                if owned && tx.end_session(&hash)? {
                    tx.append_audit(None, &admin.email, "session.ended", &admin.email, &json!({}))?;
                }
                Ok(())
            })
            .await
    }

    /// The open sessions of an administrator.
    pub fn of(&self, admin: i64) -> Result<Vec<Session>, Error> {
        let now = self.service.clock().now();
        let sessions =
            self.service.store().read_now(|tx| -> Result<_, Error> { Ok(tx.sessions_of(admin)?) })?;
        let (seen, created) = (earlier(now, IDLE), earlier(now, LONGEST));
        Ok(sessions.into_iter().filter(|s| s.seen >= seen && s.created >= created).collect())
    }

    /// How long a sender must wait before another guess at the set-up code; notes the guess.
    pub fn guess(&self, address: IpAddr) -> Option<Duration> {
        let now = self.service.clock().now();
        let mut attempts = self.attempts();
        let wait = attempts.wait("", address, now);
        if wait.is_none() {
            attempts.began("", address, now);
        }
        wait
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn decoy(&self) -> Result<String, Error> {
        if let Some(hash) = self.decoy.get() {
            return Ok(hash.clone());
        }
        let hash = passwords::hash(&secret::session().0).await?;
        Ok(self.decoy.get_or_init(|| hash).clone())
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0 - by.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::service::Options;
    use crate::store::{self, Store};

    const PASSWORD: &str = "correct horse battery";

    async fn desk() -> (tempfile::TempDir, Clock, Service, Sessions) {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Clock::manual(Timestamp(1_795_462_931_120));
        let options = store::Options { clock: clock.clone(), ..Default::default() };
        let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
        let service = Service::new(store, Options { clock: clock.clone(), ..Options::default() });
        let actor = Actor::CommandLine { user: "root".into() };
        service.create_admin(&actor, "Marcus@example.com", PASSWORD, false).await.expect("an administrator");
        (directory, clock, service.clone(), Sessions::new(service))
    }

    fn home() -> IpAddr {
        "192.0.2.10".parse().expect("an address")
    }

    async fn sign_in(sessions: &Sessions, email: &str, password: &str) -> SignIn {
        sessions.sign_in(email, password, home(), "test").await.expect("an answer")
    }

    fn live(sessions: &Sessions, text: &str) -> Option<SignedIn> {
        match sessions.find(text).expect("an answer") {
            Found::Live(who) => Some(*who),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_session_is_kept_by_its_hash_and_recorded() {
        let (_directory, _clock, service, sessions) = desk().await;
        let SignIn::Done(text) = sign_in(&sessions, " marcus@EXAMPLE.com ", PASSWORD).await else {
            panic!("the right pair was refused")
        };
        let who = live(&sessions, &text).expect("signed in");
        assert_eq!(who.session.hash, secret::sha256(text.as_bytes()));
        assert!(live(&sessions, "something else").is_none());
        let what = service.store().read_now(|tx| Ok::<_, Error>(tx.audit(None, None, 10)?)).expect("audit");
        assert_eq!(what.first().map(|row| row.what.as_str()), Some("session.began"));
        sessions.end(&who, who.session.hash).await.expect("ended");
        assert!(live(&sessions, &text).is_none());
    }

    #[tokio::test]
    async fn wrong_pairs_all_look_the_same_and_slow_their_sender_down() {
        let (_directory, clock, _service, sessions) = desk().await;
        assert!(matches!(sign_in(&sessions, "nobody@example.com", PASSWORD).await, SignIn::Wrong));
        for _ in 0..5 {
            assert!(matches!(sign_in(&sessions, "marcus@example.com", "wrong").await, SignIn::Wrong));
        }
        assert!(matches!(sign_in(&sessions, "marcus@example.com", PASSWORD).await, SignIn::Wait(_)));
        clock.advance(Duration::from_secs(2));
        assert!(matches!(sign_in(&sessions, "marcus@example.com", PASSWORD).await, SignIn::Done(_)));
    }

    #[tokio::test]
    async fn a_session_ends_idle_after_four_hours_and_in_any_case_after_twelve() {
        let (_directory, clock, service, sessions) = desk().await;
        let admin = service.admins().expect("administrators").remove(0);
        let idle = sessions.begin(&admin, "192.0.2.10", "test").await.expect("begun");
        clock.advance(IDLE + Duration::from_secs(1));
        assert!(matches!(sessions.find(&idle), Ok(Found::Ended(why)) if why.contains("4 hours")));
        let busy = sessions.begin(&admin, "192.0.2.10", "test").await.expect("begun");
        for _ in 0..4 {
            clock.advance(Duration::from_secs(3 * 60 * 60));
            assert!(live(&sessions, &busy).is_some());
            let (hash, now) = (secret::sha256(busy.as_bytes()), clock.now());
            let touch = service.store().write(move |tx| Ok::<_, Error>(tx.touch_session(&hash, now)?)).await;
            touch.expect("touched");
        }
        clock.advance(Duration::from_secs(1));
        assert!(matches!(sessions.find(&busy), Ok(Found::Ended(why)) if why.contains("12 hours")));
    }

    #[tokio::test]
    async fn a_new_password_ends_sessions_and_waits() {
        let (_directory, clock, service, sessions) = desk().await;
        let SignIn::Done(text) = sign_in(&sessions, "marcus@example.com", PASSWORD).await else { panic!() };
        for _ in 0..8 {
            sign_in(&sessions, "marcus@example.com", "wrong").await;
            clock.advance(Duration::from_secs(1));
        }
        let actor = Actor::CommandLine { user: "root".into() };
        let new = "another long password";
        service.reset_admin_password(&actor, "marcus@example.com", new).await.expect("set");
        assert!(live(&sessions, &text).is_none());
        assert!(matches!(sign_in(&sessions, "marcus@example.com", new).await, SignIn::Done(_)));
    }
}

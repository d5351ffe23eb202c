//! Signing in and out: sessions live in the store under the hash of their secret, four hours from their last use and
//! twelve at most. The cookie that carries the secret is the admin page's business.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::attempts::Attempts;
use super::halves::Halves;
use super::second_step::{Standing, signed_in};
use super::{Actor, Error, Service, passwords};
use crate::base::{Timestamp, secret};
use crate::store::{self, Admin, Hand, Session, Team};

/// A session ends when it was not used for this long.
pub const IDLE: Duration = Duration::from_secs(4 * 60 * 60);
/// A session ends this long after it began, used or not.
pub const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// A sensitive change asks again when the last proof is older than this.
pub const PROOF: Duration = Duration::from_secs(10 * 60);
/// A session that ended by itself is remembered for this long, to say why, and whose entered form is kept.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// A session's last use is written again when it is older than this.
const GRAIN: Duration = Duration::from_secs(60);
/// The longest part of a browser's name that is kept.
const LONGEST_AGENT: usize = 200;

/// Who may sign in, and how often a wrong password was tried.
pub struct Sessions {
    pub(super) service: Service,
    attempts: Mutex<Attempts>,
    halves: Mutex<Halves>,
}

/// How signing in went.
#[derive(Debug)]
pub enum SignIn {
    /// The secret for the cookie.
    Done(String),
    /// The password is right and the second step follows: the secret for a cookie that opens nothing else.
    Half(String),
    /// Email or password is wrong, which is not said; or the code is.
    Wrong,
    /// The second step came too late: begin again.
    Gone,
    /// Too many wrong tries; the next is taken after this time.
    Wait(Duration),
}

/// How proving went that one is still oneself.
#[derive(Debug)]
pub enum Proof {
    Right,
    Wrong,
    /// Too many wrong tries; the next is taken after this time.
    Wait(Duration),
}

/// What a cookie's secret stands for.
#[derive(Debug)]
pub enum Found {
    Live(Box<SignedIn>),
    /// It was a session of this administrator, ended by `IDLE` or `LONGEST`.
    Ended {
        admin: i64,
        why: &'static str,
    },
    Unknown,
}

/// A signed-in administrator.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub admin: Admin,
    pub session: Session,
    pub standing: Standing,
    /// The teams that were not removed, in the order they were made.
    pub teams: Vec<Team>,
    /// Where this request of theirs comes from.
    pub address: String,
}

impl SignedIn {
    /// When the session ends, if it is not used again.
    pub fn ends(&self, now: Timestamp) -> Timestamp {
        now.plus(IDLE).min(self.last_end())
    }

    /// When the session ends in any case.
    pub fn last_end(&self) -> Timestamp {
        self.session.created.plus(LONGEST)
    }

    /// Whether a password or code was given so lately that a sensitive change needs no other.
    pub fn proved_lately(&self, now: Timestamp) -> bool {
        (0..PROOF.as_millis() as i64).contains(&now.since(self.session.proved))
    }

    /// The name under which changes are recorded.
    pub fn actor(&self) -> Actor {
        Actor::Admin { n: self.admin.n, email: self.admin.email.clone(), address: self.address.clone() }
    }
}

impl Sessions {
    /// Sessions over a service.
    pub fn new(service: Service) -> Sessions {
        Sessions { service, attempts: Mutex::default(), halves: Mutex::default() }
    }

    /// Checks an email and password and begins a session, or its first half where there is a second step.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        address: IpAddr,
        user_agent: &str,
    ) -> Result<SignIn, Error> {
        let now = self.service.clock().now();
        let email = email.trim().to_lowercase();
        let admin = self.service.store().read_now(|tx| tx.admin_by_email(&email))?;
        match self.check_password(&email, admin.as_ref(), password, address).await? {
            Proof::Wait(wait) => return Ok(SignIn::Wait(wait)),
            Proof::Wrong => return Ok(SignIn::Wrong),
            Proof::Right => {}
        }
        let Some(admin) = admin else { return Ok(SignIn::Wrong) };
        if self.service.store().read_now(|tx| tx.second_step(admin.n))?.is_some() {
            return Ok(SignIn::Half(self.halves().begin(&admin, now)));
        }
        Ok(SignIn::Done(self.begin(&admin, &address.to_string(), user_agent).await?))
    }

    /// Whether the password is the administrator's; nobody's takes as long to refuse.
    async fn check_password(
        &self,
        email: &str,
        admin: Option<&Admin>,
        password: &str,
        address: IpAddr,
    ) -> Result<Proof, Error> {
        let kept = match admin {
            Some(admin) => self.service.store().read_now(|tx| tx.admin_password_hash(admin.n))?,
            None => None,
        };
        // Setting the password anew, which needs the machine itself, begins a new count.
        let account = match admin {
            Some(admin) => format!("{email} {}", admin.password_set.0),
            None => email.to_owned(),
        };
        if let Some(wait) = self.tried(&account, address, self.service.clock().now()) {
            return Ok(Proof::Wait(wait));
        }
        if !passwords::matches(password, kept.as_deref()).await? {
            return Ok(Proof::Wrong);
        }
        self.succeeded(&account, address);
        Ok(Proof::Right)
    }

    /// Whether a half sign-in still waits for its second step.
    pub fn is_half(&self, half: &str) -> bool {
        self.halves().admin(half, self.service.clock().now()).is_some()
    }

    /// Checks the code of a half sign-in and begins the session.
    pub async fn second(
        &self,
        half: &str,
        typed: &str,
        address: IpAddr,
        user_agent: &str,
    ) -> Result<SignIn, Error> {
        let now = self.service.clock().now();
        let Some((n, password_set)) = self.halves().admin(half, now) else { return Ok(SignIn::Gone) };
        let admin = self.service.store().read_now(|tx| tx.admin(n))?;
        let Some(admin) = admin.filter(|admin| admin.password_set == password_set) else {
            return Ok(SignIn::Gone);
        };
        match self.check_code(&admin, typed, address).await? {
            Proof::Wait(wait) => Ok(SignIn::Wait(wait)),
            Proof::Wrong => Ok(SignIn::Wrong),
            Proof::Right => {
                self.halves().end(half);
                Ok(SignIn::Done(self.begin(&admin, &address.to_string(), user_agent).await?))
            }
        }
    }

    /// Checks the code, or the password where there is no second step, of somebody who is signed in already, and notes
    /// when that was.
    pub async fn prove(&self, who: &SignedIn, typed: &str, address: IpAddr) -> Result<Proof, Error> {
        let proof = match who.standing.on {
            true => self.check_code(&who.admin, typed, address).await?,
            false => self.is_password(&who.admin, typed, address).await?,
        };
        if matches!(proof, Proof::Right) {
            let hash = who.session.hash;
            let noted = self.service.store().write(move |tx| -> Result<(), Error> {
                let now = tx.now();
                Ok(tx.set_session_proved(&hash, now)?)
            });
            noted.await?;
        }
        Ok(proof)
    }

    /// Whether the password is this administrator's.
    pub async fn is_password(&self, admin: &Admin, typed: &str, address: IpAddr) -> Result<Proof, Error> {
        self.check_password(&admin.email.to_lowercase(), Some(admin), typed, address).await
    }

    /// Begins a session for an administrator whose right to it was checked; answers the cookie's secret.
    pub async fn begin(&self, admin: &Admin, address: &str, user_agent: &str) -> Result<String, Error> {
        let (text, hash) = secret::session();
        let (admin, address) = (admin.clone(), address.to_owned());
        let who = Hand { name: admin.email.clone(), address: Some(address.clone()) };
        let user_agent: String = user_agent.chars().take(LONGEST_AGENT).collect();
        self.service
            .store()
            .write(move |tx| -> Result<(), Error> {
                let now = tx.now();
                tx.prune_sessions(earlier(now, IDLE + REMEMBERED), earlier(now, LONGEST + REMEMBERED))?;
                let before = tx.admin(admin.n)?.and_then(|admin| admin.signed_in).map(|(at, _)| at);
                tx.insert_session(&Session {
                    hash,
                    admin: admin.n,
                    created: now,
                    seen: now,
                    address: address.clone(),
                    user_agent: user_agent.clone(),
                    proved: now,
                    before,
                })?;
                tx.append_audit(None, &who, "session.began", &admin.email, &json!({}))?;
                Ok(())
            })
            .await?;
        Ok(text)
    }

    /// Who a cookie's secret belongs to; notes that the session was used, if that is what this is.
    pub fn find(&self, text: &str, uses: bool, address: &str) -> Result<Found, Error> {
        let hash = secret::sha256(text.as_bytes());
        let store = self.service.store();
        let found = store.read_now(|tx| signed_in(tx, &hash))?;
        let Some((found, standing)) = found else { return Ok(Found::Unknown) };
        let store::SignedIn { session, admin, teams, .. } = found;
        let signed_in = SignedIn { admin, session, standing, teams, address: address.to_owned() };
        let now = self.service.clock().now();
        let admin = signed_in.admin.n;
        if signed_in.session.seen < earlier(now, IDLE) {
            return Ok(Found::Ended { admin, why: "Your session ended after 4 hours without use." });
        }
        if signed_in.session.created < earlier(now, LONGEST) {
            return Ok(Found::Ended { admin, why: "Your session ended: 12 hours is the longest." });
        }
        if uses && signed_in.session.seen < earlier(now, GRAIN) {
            store.later(move |tx| tx.touch_session(&hash, now));
        }
        Ok(Found::Live(Box::new(signed_in)))
    }

    /// Ends a session of an administrator: one's own, or another's.
    pub async fn end(&self, actor: &Actor, admin: &Admin, hash: [u8; 32]) -> Result<(), Error> {
        let (admin, who) = (admin.clone(), actor.hand());
        self.service
            .store()
            .write(move |tx| -> Result<(), Error> {
                let owned = tx.session_by_hash(&hash)?.is_some_and(|session| session.admin == admin.n);
                if owned && tx.end_session(&hash)? {
                    tx.append_audit(None, &who, "session.ended", &admin.email, &json!({}))?;
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
        self.tried("", address, self.service.clock().now())
    }

    /// How long a sender must wait before another try for an account; notes the try where there is no wait.
    pub(super) fn tried(&self, account: &str, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let mut attempts = self.attempts();
        let wait = attempts.wait(account, address, now);
        if wait.is_none() {
            attempts.began(account, address, now);
        }
        wait
    }

    /// The try was right: it costs nothing.
    pub(super) fn succeeded(&self, account: &str, address: IpAddr) {
        self.attempts().succeeded(account, address);
    }

    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
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
        match sessions.find(text, true, "192.0.2.10").expect("an answer") {
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
        sessions.end(&who.actor(), &who.admin, who.session.hash).await.expect("ended");
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
    async fn an_unknown_name_is_hashed_as_a_known_one_is() {
        let (_directory, _clock, _service, sessions) = desk().await;
        for email in ["marcus@example.com", "nobody@example.com", ""] {
            assert!(matches!(sign_in(&sessions, email, "wrong").await, SignIn::Wrong));
            let places = passwords::all_places().await;
            let mut trying = Box::pin(sign_in(&sessions, email, "wrong"));
            tokio::select! {
                biased;
                answer = &mut trying => panic!("{email:?} was answered without hashing: {answer:?}"),
                () = std::future::ready(()) => {}
            }
            drop(places);
            assert!(matches!(trying.await, SignIn::Wrong), "{email:?}");
        }
    }

    #[tokio::test]
    async fn a_session_ends_idle_after_four_hours_and_in_any_case_after_twelve() {
        let (_directory, clock, service, sessions) = desk().await;
        let admin = service.admins().expect("administrators").remove(0);
        let idle = sessions.begin(&admin, "192.0.2.10", "test").await.expect("begun");
        clock.advance(IDLE + Duration::from_secs(1));
        assert!(
            matches!(sessions.find(&idle, true, ""), Ok(Found::Ended { why, .. }) if why.contains("4 hours"))
        );
        let busy = sessions.begin(&admin, "192.0.2.10", "test").await.expect("begun");
        for _ in 0..4 {
            clock.advance(Duration::from_secs(3 * 60 * 60));
            assert!(live(&sessions, &busy).is_some());
            let (hash, now) = (secret::sha256(busy.as_bytes()), clock.now());
            let touch = service.store().write(move |tx| Ok::<_, Error>(tx.touch_session(&hash, now)?)).await;
            touch.expect("touched");
        }
        clock.advance(Duration::from_secs(1));
        assert!(
            matches!(sessions.find(&busy, true, ""), Ok(Found::Ended { why, .. }) if why.contains("12 hours"))
        );
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

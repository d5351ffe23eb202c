//! What is kept in memory for a moment and never written: texts that are shown once, the secret of an authenticator app
//! that is being set up, and where a form led, so that sending it twice does it once. All belong to a session. Forms
//! that wait for a sign-in are `pending`'s.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::base::{TeamId, Timestamp};

/// How long a text can be shown.
const SHOWN: Duration = Duration::from_secs(10 * 60);
/// More than this is not kept at once.
const MOST: usize = 1000;

/// The hash of a session's secret.
pub type SessionHash = [u8; 32];

/// A text that is shown once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// The text of a token.
    Token(TeamId, i64),
    /// The link of the invitation that was made last.
    Invitation,
    /// The recovery codes that were made last, one a line.
    RecoveryCodes,
}

/// Where a form led, once it did; held by the request that is carrying it out.
pub type Turn = OwnedMutexGuard<Option<String>>;

type Led = Arc<tokio::sync::Mutex<Option<String>>>;

/// Texts and forms in memory.
#[derive(Default)]
pub struct Kept(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    texts: HashMap<(SessionHash, Shown), (String, Timestamp)>,
    apps: HashMap<SessionHash, (Vec<u8>, Timestamp)>,
    forms: HashMap<(SessionHash, [u8; 32]), (Led, Timestamp)>,
}

impl Kept {
    /// Keeps a text for the session that made it.
    pub fn put(&self, session: SessionHash, what: Shown, text: String, now: Timestamp) {
        self.lock(now).texts.insert((session, what), (text, now));
    }

    /// A text, for the session that made it.
    pub fn text(&self, session: SessionHash, what: Shown, now: Timestamp) -> Option<String> {
        self.lock(now).texts.get(&(session, what)).map(|(text, _)| text.clone())
    }

    /// The token of a team made last by this session whose text is still there.
    pub fn latest_token(&self, session: SessionHash, team: TeamId, now: Timestamp) -> Option<(i64, String)> {
        let inner = self.lock(now);
        let mine = inner.texts.iter().filter_map(|((of, what), (text, at))| match what {
            Shown::Token(t, n) if *of == session && *t == team => Some((*at, *n, text.clone())),
            _ => None,
        });
        mine.max_by_key(|(at, n, _)| (*at, *n)).map(|(_, n, text)| (n, text))
    }

    /// Forgets a text: it was copied.
    pub fn forget(&self, session: SessionHash, what: Shown, now: Timestamp) {
        self.lock(now).texts.remove(&(session, what));
    }

    /// The secret that is being set up by this session; `make` makes one where there is none.
    pub fn app(&self, session: SessionHash, now: Timestamp, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        let mut inner = self.lock(now);
        inner.apps.entry(session).or_insert_with(|| (make(), now)).0.clone()
    }

    /// The secret that is being set up, if that was begun and has not ended.
    pub fn begun_app(&self, session: SessionHash, now: Timestamp) -> Option<Vec<u8>> {
        self.lock(now).apps.get(&session).map(|(secret, _)| secret.clone())
    }

    /// Forgets the secret: it is set up.
    pub fn forget_app(&self, session: SessionHash, now: Timestamp) {
        self.lock(now).apps.remove(&session);
    }

    /// The turn of a form: waits while the same form is being carried out, then says where that led.
    pub async fn turn(&self, session: SessionHash, form: [u8; 32], now: Timestamp) -> Turn {
        let led =
            self.lock(now).forms.entry((session, form)).or_insert_with(|| (Led::default(), now)).0.clone();
        led.lock_owned().await
    }

    fn lock(&self, now: Timestamp) -> MutexGuard<'_, Inner> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = |at: Timestamp| now.since(at) < SHOWN.as_millis() as i64;
        inner.texts.retain(|_, (_, at)| live(*at));
        inner.apps.retain(|_, (_, at)| live(*at));
        inner.forms.retain(|_, (_, at)| live(*at));
        if inner.texts.len() >= MOST {
            inner.texts.clear();
        }
        if inner.apps.len() >= MOST {
            inner.apps.clear();
        }
        if inner.forms.len() >= MOST {
            inner.forms.clear();
        }
        inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_there_for_its_session_until_copied_or_ten_minutes() {
        let kept = Kept::default();
        let (mine, theirs, team, now) = ([1; 32], [2; 32], TeamId(1), Timestamp(0));
        let what = Shown::Token(team, 7);
        kept.put(mine, what, "scimd_x".into(), now);
        assert_eq!(kept.text(mine, what, now).as_deref(), Some("scimd_x"));
        assert_eq!(kept.latest_token(mine, team, now), Some((7, "scimd_x".into())));
        assert_eq!(kept.latest_token(mine, TeamId(2), now), None);
        for (session, what) in [(theirs, what), (mine, Shown::Token(TeamId(2), 7)), (mine, Shown::Invitation)]
        {
            assert_eq!(kept.text(session, what, now), None, "{what:?}");
        }
        assert_eq!(kept.text(mine, what, now.plus(SHOWN)), None);
        kept.put(mine, what, "scimd_x".into(), now);
        kept.forget(mine, what, now);
        assert_eq!(kept.text(mine, what, now), None);
    }

    #[test]
    fn a_secret_that_is_set_up_stays_the_same_while_the_page_is_loaded_again() {
        let kept = Kept::default();
        let first = kept.app([1; 32], Timestamp(0), || vec![1]);
        assert_eq!(kept.app([1; 32], Timestamp(1), || vec![2]), first);
        assert_eq!(kept.begun_app([2; 32], Timestamp(1)), None);
        assert_eq!(kept.begun_app([1; 32], Timestamp(0).plus(SHOWN)), None);
    }

    #[tokio::test]
    async fn the_same_form_waits_for_its_turn_and_learns_where_it_led() {
        let kept = Arc::new(Kept::default());
        let mut first = kept.turn([1; 32], [7; 32], Timestamp(0)).await;
        assert_eq!(*first, None);
        let other = kept.clone();
        let second = tokio::spawn(async move { other.turn([1; 32], [7; 32], Timestamp(1)).await.clone() });
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "it waits");
        assert_eq!(*kept.turn([2; 32], [7; 32], Timestamp(1)).await, None, "another session does not");
        *first = Some("/admin/t/a/tokens/1/created".into());
        drop(first);
        assert_eq!(second.await.expect("done").as_deref(), Some("/admin/t/a/tokens/1/created"));
    }
}

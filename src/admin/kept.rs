//! What is kept in memory for a moment and never written: token texts until they were copied, and the one-time keys of
//! forms, so that sending one twice does it once. Both belong to a session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{TeamId, Timestamp};

/// How long a token's text can be shown.
const SHOWN: Duration = Duration::from_secs(10 * 60);
/// More than this is not kept at once.
const MOST: usize = 1000;

/// The hash of a session's secret.
pub type SessionHash = [u8; 32];

/// Texts and keys in memory.
#[derive(Default)]
pub struct Kept(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    texts: HashMap<(SessionHash, TeamId, i64), (String, Timestamp)>,
    forms: HashMap<(SessionHash, String), (String, Timestamp)>,
    links: HashMap<SessionHash, (String, Timestamp)>,
}

impl Kept {
    /// Keeps a token's text for the session that made it.
    pub fn put_text(&self, session: SessionHash, team: TeamId, token: i64, text: String, now: Timestamp) {
        let mut inner = self.lock(now);
        inner.texts.insert((session, team, token), (text, now));
    }

    /// The text of a token, for the session that made it.
    pub fn text(&self, session: SessionHash, team: TeamId, token: i64, now: Timestamp) -> Option<String> {
        self.lock(now).texts.get(&(session, team, token)).map(|(text, _)| text.clone())
    }

    /// The token made last by this session whose text is still there.
    pub fn latest_text(&self, session: SessionHash, team: TeamId, now: Timestamp) -> Option<(i64, String)> {
        let inner = self.lock(now);
        let mine = inner.texts.iter().filter(|((s, t, _), _)| *s == session && *t == team);
        mine.max_by_key(|(_, (_, at))| *at).map(|((_, _, n), (text, _))| (*n, text.clone()))
    }

    /// Forgets a token's text: it was copied.
    pub fn forget_text(&self, session: SessionHash, team: TeamId, token: i64, now: Timestamp) {
        self.lock(now).texts.remove(&(session, team, token));
    }

    /// Keeps the link of an invitation for the session that made it.
    pub fn put_link(&self, session: SessionHash, link: String, now: Timestamp) {
        self.lock(now).links.insert(session, (link, now));
    }

    /// The link that this session made last.
    pub fn link(&self, session: SessionHash, now: Timestamp) -> Option<String> {
        self.lock(now).links.get(&session).map(|(link, _)| link.clone())
    }

    /// Where a form with this key led when it was sent before.
    pub fn sent_before(&self, session: SessionHash, key: &str, now: Timestamp) -> Option<String> {
        self.lock(now).forms.get(&(session, key.to_owned())).map(|(to, _)| to.clone())
    }

    /// Remembers where a form with this key led.
    pub fn sent(&self, session: SessionHash, key: &str, to: &str, now: Timestamp) {
        if !key.is_empty() && key.len() <= 64 {
            self.lock(now).forms.insert((session, key.to_owned()), (to.to_owned(), now));
        }
    }

    fn lock(&self, now: Timestamp) -> MutexGuard<'_, Inner> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = |at: Timestamp| now.since(at) < SHOWN.as_millis() as i64;
        inner.texts.retain(|_, (_, at)| live(*at));
        inner.forms.retain(|_, (_, at)| live(*at));
        inner.links.retain(|_, (_, at)| live(*at));
        if inner.texts.len() >= MOST {
            inner.texts.clear();
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
        kept.put_text(mine, team, 7, "scimd_x".into(), now);
        assert_eq!(kept.text(mine, team, 7, now).as_deref(), Some("scimd_x"));
        assert_eq!(kept.latest_text(mine, team, now), Some((7, "scimd_x".into())));
        assert_eq!(kept.text(theirs, team, 7, now), None);
        assert_eq!(kept.text(mine, TeamId(2), 7, now), None);
        assert_eq!(kept.text(mine, team, 7, now.plus(SHOWN)), None);
        kept.put_text(mine, team, 7, "scimd_x".into(), now);
        kept.forget_text(mine, team, 7, now);
        assert_eq!(kept.text(mine, team, 7, now), None);
    }

    #[test]
    fn a_form_sent_twice_leads_to_the_same_place() {
        let kept = Kept::default();
        kept.sent([1; 32], "key", "/admin/t/a/tokens/1/created", Timestamp(0));
        assert_eq!(
            kept.sent_before([1; 32], "key", Timestamp(1)).as_deref(),
            Some("/admin/t/a/tokens/1/created")
        );
        assert_eq!(kept.sent_before([2; 32], "key", Timestamp(1)), None);
    }
}

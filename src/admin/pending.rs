//! Forms that wait: one that was sent when the session had ended waits for the sign-in, a sensitive one for a fresh
//! proof. In memory only, bounded in number and size, ten minutes, for the same administrator. The pages are `resume`'s.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{Timestamp, secret};
use crate::http::Query;
use crate::http::query::encode;

/// How long a form waits.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// The longest form that is kept, in bytes.
const LONGEST: usize = 64 * 1024;
/// Forms kept for one administrator, and for all.
const MOST_OF_ONE: usize = 5;
const MOST: usize = 100;
/// A field whose name holds one of these holds a secret, and a form with it is not kept.
const SECRETS: [&str; 6] = ["pass", "again", "code", "secret", "key", "token"];

/// A form that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub owner: i64,
    pub path: String,
    pub fields: Vec<(String, String)>,
}

impl Post {
    /// The form as it is to be sent again; `None` when it is too long or holds a secret.
    pub fn of(owner: i64, path: &str, form: &Query) -> Option<Post> {
        let fields: Vec<(String, String)> =
            form.pairs().iter().filter(|(name, _)| name != "csrf").cloned().collect();
        let size: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let private = |name: &str| SECRETS.iter().any(|word| name.to_lowercase().contains(word));
        let whole = size + path.len() <= LONGEST && !fields.iter().any(|(name, _)| private(name));
        whole.then(|| Post { owner, path: path.to_owned(), fields })
    }

    /// The body to be sent, with the proof of the page that sends it.
    pub fn body(&self, csrf: &str) -> String {
        let pairs = self.fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        pairs.chain([format!("csrf={}", encode(csrf))]).collect::<Vec<_>>().join("&")
    }
}

/// The forms that wait, oldest first.
#[derive(Default)]
pub struct Pending(Mutex<Vec<(String, Post, Timestamp)>>);

impl Pending {
    /// Keeps a form; answers the name under which it waits.
    pub fn keep(&self, post: Post, now: Timestamp) -> String {
        let mut all = self.lock(now);
        let mine = all.iter().filter(|(_, other, _)| other.owner == post.owner).count();
        if mine >= MOST_OF_ONE
            && let Some(oldest) = all.iter().position(|(_, other, _)| other.owner == post.owner)
        {
            all.remove(oldest);
        }
        if all.len() >= MOST {
            all.remove(0);
        }
        let (name, _) = secret::session();
        all.push((name.clone(), post, now));
        name
    }

    /// A form that waits for this administrator.
    pub fn find(&self, name: &str, owner: i64, now: Timestamp) -> Option<Post> {
        let all = self.lock(now);
        all.iter().find(|(n, post, _)| n == name && post.owner == owner).map(|(_, post, _)| post.clone())
    }

    /// Takes a form of this administrator: it is sent now, or dropped.
    pub fn take(&self, name: &str, owner: i64, now: Timestamp) -> Option<Post> {
        let mut all = self.lock(now);
        let at = all.iter().position(|(n, post, _)| n == name && post.owner == owner)?;
        Some(all.remove(at).1)
    }

    fn lock(&self, now: Timestamp) -> MutexGuard<'_, Vec<(String, Post, Timestamp)>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, _, at)| now.since(*at) < LIFE.as_millis() as i64);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(owner: i64, text: &str) -> Post {
        Post::of(owner, "/admin/t/a/team", &Query::parse(text)).expect("kept")
    }

    #[test]
    fn a_form_waits_for_its_administrator_ten_minutes_and_is_taken_once() {
        let pending = Pending::default();
        let now = Timestamp(0);
        let name = pending.keep(post(1, "csrf=x&name=A+%26+B"), now);
        assert_eq!(pending.find(&name, 2, now), None, "another administrator");
        assert_eq!(
            pending.find(&name, 1, now).map(|post| post.body("y")),
            Some("name=A%20%26%20B&csrf=y".into())
        );
        assert!(pending.take(&name, 1, now).is_some() && pending.take(&name, 1, now).is_none());
        let name = pending.keep(post(1, "name=A"), now);
        assert_eq!(pending.find(&name, 1, now.plus(LIFE)), None);
    }

    #[test]
    fn a_secret_or_a_long_form_is_never_kept() {
        for field in ["password", "again", "code", "new_secret", "Passphrase", "token", "key"] {
            let form = Query::parse(&format!("name=A&{field}=x"));
            assert_eq!(Post::of(1, "/admin", &form), None, "{field}");
        }
        assert_eq!(Post::of(1, "/admin", &Query::parse(&format!("name={}", "a".repeat(LONGEST)))), None);
    }

    #[test]
    fn the_number_is_bounded_for_one_and_for_all() {
        let pending = Pending::default();
        let first = pending.keep(post(1, "name=first"), Timestamp(0));
        for n in 0..MOST_OF_ONE {
            pending.keep(post(1, &format!("name={n}")), Timestamp(0));
        }
        assert_eq!(pending.find(&first, 1, Timestamp(0)), None);
        for owner in 10..400 {
            pending.keep(post(owner, "name=x"), Timestamp(0));
        }
        assert_eq!(pending.lock(Timestamp(0)).len(), MOST);
    }
}

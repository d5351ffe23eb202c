//! What every page of the shell may have to say of one's own sign-in: that the session is about to end, and that the
//! second step is owed.

use super::parts::{Link, Notice};
use super::session::Visit;
use crate::service::sessions::SignedIn;

/// The line that warns before the session ends.
#[derive(Debug)]
pub struct Stay {
    /// `now` shows it at once; `idle` lets the style sheet show it 5 minutes before the end.
    pub class: &'static str,
    pub text: String,
    /// It can be put off by use; the longest time of a session cannot.
    pub idle: bool,
    /// Milliseconds to the end.
    pub left: i64,
}

/// The end of a session in any case is told this long before, because a page without scripts cannot tell it later.
const SOON_MS: i64 = 30 * 60 * 1000;

impl Stay {
    /// The line as it stands when the page is made.
    pub fn new(visit: &Visit<'_>, who: &SignedIn) -> Stay {
        let now = visit.zone.now();
        let (ends, last) = (who.ends(now), who.last_end());
        let idle = ends < last;
        let text = match idle {
            true => "Your session ends in less than 5 minutes unless you use it.".to_owned(),
            false => format!(
                "Your session ends at {} {}: 12 hours is the longest.",
                visit.zone.minute(last),
                visit.zone.name
            ),
        };
        let left = ends.since(now);
        let class = if idle {
            "idle"
        } else if left < SOON_MS {
            "now"
        } else {
            ""
        };
        Stay { class, text, idle, left }
    }
}

/// What somebody is told on every page who owes the second step, but on the page that sets it up.
pub fn owed(visit: &Visit<'_>, who: &SignedIn, base: &str) -> Option<Notice> {
    let set_up = format!("{base}you/second-step");
    (who.standing.owed && visit.request.path != set_up).then(|| Notice {
        kind: "warn",
        title: "Set up the second step to change anything".into(),
        text: "Everyone with full access signs in with a code from an authenticator app here.".into(),
        link: Some(Link::new(set_up, "Set it up")),
        ..Notice::default()
    })
}

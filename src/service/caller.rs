//! Who asks, and for which team. A `Caller` can only be had from a token that was checked, so a function that takes one
//! need not ask again.

use super::Error;
use crate::base::TeamId;
use crate::scim::{Mode, ScimError};
use crate::store::Hand;

/// Proof that a provisioning token was accepted.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The team that the token belongs to.
    pub team: TeamId,
    /// The token's number.
    pub token: i64,
    /// The token's name.
    pub token_name: String,
    /// The source that the token speaks for; rotation keeps it.
    pub source: String,
    /// Whether leniencies apply.
    pub mode: Mode,
    /// Whether the token may only read.
    pub read_only: bool,
    /// The user that the token is bound to, for `/Me`.
    pub user: Option<String>,
}

impl Caller {
    /// The id of the user that `/Me` stands for, or why it stands for nobody (RFC 7644 §3.11).
    pub fn me(&self) -> Result<&str, Error> {
        self.user.as_deref().ok_or_else(|| {
            let detail = "this token is not bound to a user, so there is no /Me; ask for /Users/{id}";
            Error::Scim(ScimError::plain(501, detail))
        })
    }
}

/// Who changes something that is scimd's own: teams, tokens, administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An administrator in the browser.
    Admin { n: i64, email: String, address: String },
    /// Somebody at the command line of the machine.
    CommandLine { user: String },
}

impl Actor {
    /// As whose the audit keeps the change.
    pub fn hand(&self) -> Hand {
        let address = match self {
            Actor::Admin { address, .. } => Some(address.clone()),
            Actor::CommandLine { .. } => None,
        };
        Hand { name: self.name(), address }
    }

    /// The name under which the change is kept.
    pub fn name(&self) -> String {
        match self {
            Actor::Admin { email, .. } => email.clone(),
            Actor::CommandLine { user } => format!("{user} at the command line"),
        }
    }
}

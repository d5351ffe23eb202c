//! Provisioning tokens. A token is found by the SHA-256 of its text; the text itself is never here.

use super::{ReadTx, Result, WriteTx};
use crate::base::{TeamId, Timestamp};

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The internal number.
    pub n: i64,
    /// The team it opens.
    pub team: TeamId,
    /// Its name within the team.
    pub name: String,
    /// The source whose resources it owns; rotation keeps it.
    pub source: String,
    /// The last four characters of the text, to tell tokens apart.
    pub last4: String,
    /// Two to four small letters, where one was asked for.
    pub region: Option<String>,
    /// Exactly the RFCs, no leniency.
    pub strict: bool,
    /// Reads only.
    pub read_only: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Its last use.
    pub used: Option<Used>,
    /// The identity provider it seems to be used by.
    pub provider: Option<String>,
    /// The id of the user it speaks for at `/Me`.
    pub user: Option<String>,
}

/// The last use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub address: String,
    /// By which client.
    pub user_agent: String,
}

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub hash: [u8; 32],
    pub name: String,
    pub source: String,
    pub last4: String,
    pub region: Option<String>,
    pub strict: bool,
    pub read_only: bool,
    pub created_by: String,
    pub expires: Option<Timestamp>,
    pub user: Option<String>,
}

impl ReadTx<'_> {
    /// A team's tokens in the order they were made, ended ones too.
    pub fn tokens(&self, _team: TeamId) -> Result<Vec<Token>> {
        todo!()
    }

    /// One token of a team.
    pub fn token(&self, _team: TeamId, _n: i64) -> Result<Option<Token>> {
        todo!()
    }

    /// The token with that hash, expired and revoked ones too, unless its team was removed.
    pub fn token_by_hash(&self, _hash: &[u8; 32]) -> Result<Option<Token>> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Keeps a token. `Taken { attribute: "name" }` when a token of the team that is not revoked has the name.
    pub fn insert_token(&mut self, _team: TeamId, _new: &NewToken) -> Result<Token> {
        todo!()
    }

    /// Revokes a token; false when there is none or it was revoked already.
    pub fn revoke_token(&mut self, _team: TeamId, _n: i64, _by: &str) -> Result<bool> {
        todo!()
    }

    /// Remembers a use, unless a later one is known.
    pub fn touch_token(&mut self, _n: i64, _used: &Used) -> Result<()> {
        todo!()
    }

    /// Remembers which provider the token seems to be used by.
    pub fn set_token_provider(&mut self, _n: i64, _provider: &str) -> Result<()> {
        todo!()
    }
}

//! Provisioning tokens: made once and shown once, checked at each request, revoked for good.

use std::time::Duration;

use serde_json::json;

use super::cause::Cause;
use super::{Actor, Caller, Error, Service};
use crate::base::secret::{self, TokenFault};
use crate::base::{TeamId, Timestamp};
use crate::scim::Mode;
use crate::store::{self, Lenient, Token, Used};

/// A token lives this long unless something else is said.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const LONGEST_NAME: usize = 100;
/// A token's last use is written again when it is older than this, or from elsewhere.
const USE_GRAIN_MS: i64 = 1_000;

/// When a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    In(Duration),
    Never,
}

/// What a new token shall be.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub name: String,
    /// Whom it speaks for; its own name unless said.
    pub source: Option<String>,
    pub expires: Expiry,
    pub read_only: bool,
    pub strict: bool,
    pub region: Option<String>,
    /// The id of the user that `/Me` is.
    pub user: Option<String>,
}

impl Service {
    /// The team's tokens, newest first.
    pub fn tokens(&self, team: TeamId) -> Result<Vec<Token>, Error> {
        self.store().read_now(|tx| Ok(tx.tokens(team)?))
    }

    /// Which leniencies the team's tokens used, and how often.
    pub fn leniencies(&self, team: TeamId) -> Result<Vec<Lenient>, Error> {
        self.store().read_now(|tx| Ok(tx.leniencies(team)?))
    }

    /// Makes a token; the text is returned here and nowhere else.
    pub async fn create_token(
        &self,
        actor: &Actor,
        team: TeamId,
        new: NewToken,
    ) -> Result<(Token, String), Error> {
        let name = label("a token's name", &new.name)?;
        let source = match &new.source {
            Some(source) => label("a token's source", source)?,
            None => name.clone(),
        };
        if new.region.as_deref().is_some_and(|region| !secret::is_region(region)) {
            return Err(Error::Refused("a region has 2 to 4 small letters, such as eu".into()));
        }
        let made = secret::Token::make(new.region.as_deref());
        let (who, hash, last4) = (actor.name(), made.hash, made.last4.clone());
        let row = self
            .store()
            .write(move |tx| {
                if tx.tokens(team)?.iter().any(|token| token.name == name && token.revoked.is_none()) {
                    return Err(Error::Refused(format!(
                        "there is a token \"{name}\" already; revoke it or choose another name"
                    )));
                }
                if let Some(user) = &new.user
                    && tx.resource(team, crate::scim::Kind::User, user)?.is_none()
                {
                    return Err(Error::Refused(format!(
                        "there is no user with the id \"{user}\" in this team"
                    )));
                }
                let expires = match new.expires {
                    Expiry::In(life) => Some(tx.now().plus(life)),
                    Expiry::Never => None,
                };
                let token = tx.insert_token(
                    team,
                    &store::NewToken {
                        name: name.clone(),
                        source: source.clone(),
                        hash,
                        last4: last4.clone(),
                        region: new.region.clone(),
                        strict: new.strict,
                        read_only: new.read_only,
                        created_by: who.clone(),
                        expires,
                        user: new.user.clone(),
                    },
                )?;
                let detail = json!({ "last4": last4, "read_only": new.read_only, "strict": new.strict,
                    "expires": expires.map(Timestamp::render) });
                tx.append_audit(Some(team), &who, "token.created", &name, &detail)?;
                Ok(token)
            })
            .await?;
        Ok((row, made.text))
    }

    /// Revokes a token: it is refused from the next request on.
    pub async fn revoke_token(&self, actor: &Actor, team: TeamId, n: i64) -> Result<Token, Error> {
        let who = actor.name();
        self.store()
            .write(move |tx| {
                let Some(token) = tx.token(team, n)? else {
                    return Err(Error::NotFound("there is no such token in this team".into()));
                };
                if !tx.revoke_token(team, n, &who)? {
                    return Err(Error::Refused(format!("the token \"{}\" is revoked already", token.name)));
                }
                tx.append_audit(
                    Some(team),
                    &who,
                    "token.revoked",
                    &token.name,
                    &json!({ "last4": token.last4 }),
                )?;
                Ok(token)
            })
            .await
    }

    /// The living token of that name, else the newest of that name, or of that number.
    pub fn token_named(&self, team: TeamId, name: &str) -> Result<Token, Error> {
        let mut tokens = self.tokens(team)?;
        tokens.sort_by_key(|token| (token.revoked.is_some(), -token.n));
        let list = tokens.iter().map(|token| format!("\"{}\"", token.name)).collect::<Vec<_>>().join(", ");
        tokens
            .into_iter()
            .find(|token| token.name == name || token.n.to_string() == name)
            .ok_or_else(|| Error::NotFound(format!("there is no token \"{name}\"; there are: {list}")))
    }

    /// Who speaks, by the value of the Authorization header (RFC 6750 §2.1); says which fault it has.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<Caller, Refusal> {
        let text = bearer(authorization).map_err(Refusal::of)?;
        let parsed = secret::examine(text).map_err(|fault| {
            Refusal::of(match fault {
                TokenFault::Damaged => {
                    fault_of(Cause::TokenChanged, "the token was cut short or changed while pasting")
                }
                TokenFault::MissingPrefix => fault_of(Cause::TokenUnknown, "the token was never issued here"),
            })
        })?;
        let found = self.store().read_now(|tx| -> Result<_, Error> {
            let Some(token) = tx.token_by_hash(&parsed.hash)? else { return Ok(None) };
            // Looked at here once, for all that the request will do with them (`schemas_of`).
            self.look_at_schemas(tx, token.team)?;
            Ok(Some(token))
        });
        let token = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                return Err(Refusal::of(fault_of(Cause::TokenUnknown, "the token was never issued here")));
            }
            Err(error) => return Err(Refusal { error, token: None }),
        };
        let fault = if token.revoked.is_some() {
            Some(fault_of(Cause::TokenRevoked, "the token was revoked"))
        } else if token.expires.is_some_and(|expires| expires <= self.clock().now()) {
            Some(fault_of(Cause::TokenExpired, "the token has expired"))
        } else {
            None
        };
        match fault {
            Some(error) => Err(Refusal { error, token: Some(Box::new(token)) }),
            None => Ok(Caller {
                team: token.team,
                token: token.n,
                token_name: token.name,
                source: token.source,
                mode: if token.strict { Mode::Strict } else { Mode::Compat },
                read_only: token.read_only,
                user: token.user,
            }),
        }
    }

    /// Notes that a token was used just now; written with the next commit.
    pub fn token_used(&self, caller: &Caller, address: &str, user_agent: &str) {
        let used =
            Used { at: self.clock().now(), address: address.to_owned(), user_agent: user_agent.to_owned() };
        if self.0.uses.is_news(caller.token, &used, USE_GRAIN_MS) {
            let token = caller.token;
            self.store().later(move |tx| tx.touch_token(token, &used));
        }
    }
}

/// A request whose token was not accepted, and the token where it is known all the same.
#[derive(Debug)]
pub struct Refusal {
    pub error: Error,
    pub token: Option<Box<Token>>,
}

impl Refusal {
    fn of(error: Error) -> Refusal {
        Refusal { error, token: None }
    }
}

fn fault_of(cause: Cause, detail: &str) -> Error {
    Error::Unauthenticated { cause, detail: format!("{detail}. {}", cause.words().cure) }
}

/// The token's text in an Authorization header; nothing of it goes into an error.
fn bearer(authorization: Option<&str>) -> Result<&str, Error> {
    let Some(header) = authorization.filter(|header| !header.trim().is_empty()) else {
        return Err(fault_of(Cause::NoAuthorization, "the Authorization header is missing"));
    };
    let (scheme, rest) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(fault_of(Cause::NotBearer, "the Authorization header does not begin with \"Bearer\""));
    }
    let token = rest.trim_matches([' ', '\t']);
    if token.is_empty() {
        return Err(fault_of(Cause::NoAuthorization, "there is no token behind \"Bearer\""));
    }
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
        return Err(fault_of(
            Cause::TokenShape,
            "there is a blank, a quote, a bracket or a second \"Bearer\" in the token",
        ));
    }
    Ok(token)
}

fn label(what: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(Error::Refused(format!(
            "{what} has 1 to {LONGEST_NAME} characters and no control characters"
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(header: Option<&str>) -> Cause {
        match bearer(header) {
            Err(Error::Unauthenticated { cause, .. }) => cause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tells_each_fault_of_the_header() {
        assert_eq!(cause(None), Cause::NoAuthorization);
        assert_eq!(cause(Some("  ")), Cause::NoAuthorization);
        assert_eq!(cause(Some("Bearer ")), Cause::NoAuthorization);
        assert_eq!(cause(Some("Basic YTpi")), Cause::NotBearer);
        assert_eq!(cause(Some("scimd_abc")), Cause::NotBearer);
        assert_eq!(cause(Some("Bearer Bearer scimd_abc")), Cause::TokenShape);
        assert_eq!(cause(Some("Bearer \"scimd_abc\"")), Cause::TokenShape);
        assert_eq!(cause(Some("Bearer <scimd_abc>")), Cause::TokenShape);
        assert_eq!(bearer(Some("bearer  scimd_abc ")).expect("a token"), "scimd_abc");
    }
}

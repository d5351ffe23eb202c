//! Provisioning tokens: made once and shown once, checked at each request, revoked for good.

use std::time::Duration;

use serde_json::json;

use super::cause::Cause;
use super::{Actor, Caller, Error, Service};
use crate::base::secret::{self, TokenFault};
use crate::base::{TeamId, Timestamp};
use crate::scim::Mode;
use crate::store::{self, Hand, Lenient, Token, Used, WriteTx};

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

impl Expiry {
    /// The end of a token that is made at this instant.
    pub(super) fn from(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Expiry::In(life) => Some(now.plus(life)),
            Expiry::Never => None,
        }
    }
}

/// What is kept of a token's text.
pub(super) struct Made {
    hash: [u8; 32],
    last4: String,
    region: Option<String>,
}

impl Made {
    /// A text that nobody else has, and what is kept of it.
    pub(super) fn new(region: Option<&str>) -> (Made, String) {
        let made = secret::Token::make(region);
        (Made { hash: made.hash, last4: made.last4.clone(), region: region.map(str::to_owned) }, made.text)
    }

    /// A token of that text, without anything else.
    pub(super) fn new_token(&self) -> store::NewToken {
        let (hash, last4, region) = (self.hash, self.last4.clone(), self.region.clone());
        store::NewToken { hash, last4, region, ..store::NewToken::default() }
    }
}

/// Keeps a token as made by somebody, and audits it so.
pub(super) fn keep(
    tx: &mut WriteTx<'_>,
    team: TeamId,
    who: &Hand,
    new: store::NewToken,
) -> Result<Token, Error> {
    let new = store::NewToken { created_by: who.name.clone(), ..new };
    let token = tx.insert_token(team, &new)?;
    let detail = json!({ "last4": new.last4, "read_only": new.read_only, "strict": new.strict,
        "expires": new.expires.map(Timestamp::render) });
    tx.append_audit(Some(team), who, "token.created", &new.name, &detail)?;
    Ok(token)
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
        let (made, text) = Made::new(new.region.as_deref());
        let who = actor.hand();
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
                let token = store::NewToken {
                    name: name.clone(),
                    source: source.clone(),
                    strict: new.strict,
                    read_only: new.read_only,
                    expires: new.expires.from(tx.now()),
                    user: new.user.clone(),
                    ..made.new_token()
                };
                keep(tx, team, &who, token)
            })
            .await?;
        Ok((row, text))
    }

    /// Revokes a token: it is refused from the next request on.
    pub async fn revoke_token(&self, actor: &Actor, team: TeamId, n: i64) -> Result<Token, Error> {
        let who = actor.hand();
        self.store()
            .write(move |tx| {
                let Some(token) = tx.token(team, n)? else {
                    return Err(Error::NotFound("there is no such token in this team".into()));
                };
                if !tx.revoke_token(team, n, &who.name)? {
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
                TokenFault::MissingPrefix => never_issued(),
            })
        })?;
        let found = self.store().read_now(|tx| -> Result<_, Error> {
            let Some(token) = tx.token_by_hash(&parsed.hash)? else { return Ok(None) };
            // Looked at here once, for all that the request will do with them (`schemas_of`).
            self.look_at_schemas(tx, token.team, token.generation)?;
            Ok(Some(token))
        });
        let token = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Refusal::of(never_issued())),
            Err(error) => return Err(Refusal { error, token: None }),
        };
        match ended(token.revoked, token.expires, self.clock().now()) {
            Some(error) => Err(Refusal { error, token: Some((token.team, token.n)) }),
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

/// A request whose token was not accepted, and the token with its team where it is known all the same.
#[derive(Debug)]
pub struct Refusal {
    pub error: Error,
    pub token: Option<(TeamId, i64)>,
}

impl Refusal {
    fn of(error: Error) -> Refusal {
        Refusal { error, token: None }
    }
}

/// Why a token works no longer.
fn ended(revoked: Option<Timestamp>, expires: Option<Timestamp>, now: Timestamp) -> Option<Error> {
    if revoked.is_some() {
        return Some(fault_of(Cause::TokenRevoked, "the token was revoked"));
    }
    let expired = expires.is_some_and(|expires| expires <= now);
    expired.then(|| fault_of(Cause::TokenExpired, "the token has expired"))
}

fn never_issued() -> Error {
    fault_of(Cause::TokenUnknown, "the token was never issued here")
}

/// Refuses a change whose token ended, or whose team was removed, between the head of its request and its turn.
pub(super) fn still_works(tx: &WriteTx<'_>, caller: &Caller) -> Result<(), Error> {
    let (revoked, expires) = tx.token_ends(caller.token)?.ok_or_else(never_issued)?;
    ended(revoked, expires, tx.now()).map_or(Ok(()), Err)
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
    use crate::scim::Kind;
    use crate::service::testing::{caller, desk};

    /// What a change ends in whose token was good when its request began.
    async fn too_late(desk: &crate::service::testing::Desk, id: &str) -> Vec<Cause> {
        let caller = caller(desk.team, Mode::Compat);
        let user = |name: &str| json!({ "schemas": [Kind::User.urn()], "userName": name });
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "active", "value": true }],
        });
        let ends = [
            desk.create(&caller, Kind::User, user("late")).await.map(drop),
            desk.replace(&caller, Kind::User, id, user("mei")).await.map(drop),
            desk.patch(&caller, Kind::User, id, patch).await.map(drop),
            desk.delete(&caller, Kind::User, id).await,
        ];
        let cause = |end| match end {
            Err(Error::Unauthenticated { cause, .. }) => cause,
            other => panic!("{other:?}"),
        };
        ends.into_iter().map(cause).collect()
    }

    #[tokio::test]
    async fn a_change_whose_token_ends_before_its_turn_is_refused() {
        let actor = Actor::CommandLine { user: "root".into() };
        let mei = json!({ "schemas": [Kind::User.urn()], "userName": "mei", "active": false });
        for (how, cause) in [
            ("revoked", Cause::TokenRevoked),
            ("expired", Cause::TokenExpired),
            ("removed", Cause::TokenUnknown),
        ] {
            let desk = desk().await;
            let caller = caller(desk.team, Mode::Compat);
            let id = desk.create(&caller, Kind::User, mei.clone()).await.expect("made").id;
            match how {
                "revoked" => {
                    desk.service.revoke_token(&actor, desk.team, caller.token).await.expect("revoked");
                }
                "expired" => desk.clock.advance(DEFAULT_LIFE),
                _ => {
                    desk.service.create_team(&actor, "Other").await.expect("another");
                    desk.service.remove_team(&actor, desk.team).await.expect("removed");
                }
            }
            assert_eq!(too_late(&desk, &id).await, [cause; 4], "{how}");
            let team = desk.team;
            let kept = desk.service.store().read_now(|tx| tx.resource(team, Kind::User, &id)).expect("a row");
            assert!(!kept.expect("it is kept").active, "nothing was changed");
        }
    }

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

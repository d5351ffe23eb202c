//! Rotating a token: the new one takes over name, source and rights; the old one is called "…, old" and works on for a week,
//! so that nothing is interrupted, and then ends by itself.

use std::time::Duration;

use serde_json::json;

use super::tokens::{Made, keep};
use super::{Actor, Error, Expiry, Service};
use crate::base::{TeamId, Timestamp};
use crate::store::{NewToken, Token};

/// How many days the old token works on.
pub const OLD_DAYS: u32 = 7;
const OLD_LIFE: Duration = Duration::from_secs(OLD_DAYS as u64 * 24 * 60 * 60);
/// Behind the name of a token from which another takes over.
const OLD: &str = ", old";
/// A name leaves room for what is put behind it.
const LONGEST_STEM: usize = 90;

impl Service {
    /// Makes a token that takes over from another of the team; its text is returned here and nowhere else.
    pub async fn rotate_token(
        &self,
        actor: &Actor,
        team: TeamId,
        n: i64,
        expires: Expiry,
    ) -> Result<(Token, String), Error> {
        let who = actor.hand();
        let region = self.tokens(team)?.into_iter().find(|token| token.n == n).and_then(|old| old.region);
        let (made, text) = Made::new(region.as_deref());
        let token = self
            .store()
            .write(move |tx| {
                let tokens = tx.tokens(team)?;
                let Some(old) = tokens.iter().find(|token| token.n == n) else {
                    return Err(Error::NotFound("there is no such token in this team".into()));
                };
                if old.revoked.is_some() {
                    let why = "is revoked, so nothing can take over from it; make a new one";
                    return Err(Error::Refused(format!("the token \"{}\" {why}", old.name)));
                }
                let (name, old_name) = names(old, &tokens);
                let ends = old.expires.unwrap_or(Timestamp(i64::MAX)).min(tx.now().plus(OLD_LIFE));
                tx.retire_token(team, n, &old_name, ends)?;
                let detail = json!({ "last4": old.last4, "name": old_name, "expires": ends.render() });
                tx.append_audit(Some(team), &who, "token.rotated", &name, &detail)?;
                let new = NewToken {
                    name,
                    source: old.source.clone(),
                    strict: old.strict,
                    read_only: old.read_only,
                    user: old.user.clone(),
                    expires: expires.from(tx.now()),
                    ..made.new_token()
                };
                keep(tx, team, &who, new)
            })
            .await?;
        Ok((token, text))
    }
}

/// The names of the new token and of the old: the new one has the old one's, as far as no other token has it.
fn names(old: &Token, tokens: &[Token]) -> (String, String) {
    let free = |first: &str| {
        let taken = |name: &str| {
            tokens.iter().any(|token| token.n != old.n && token.revoked.is_none() && token.name == name)
        };
        let mut names = (1u32..).map(|n| if n == 1 { first.to_owned() } else { format!("{first} {n}") });
        names.find(|name| !taken(name)).expect("there are more numbers than tokens")
    };
    let stem = stem(&old.name);
    let short: String = stem.chars().take(LONGEST_STEM).collect();
    (free(stem), free(&format!("{short}{OLD}")))
}

/// A name without what a rotation put behind it.
fn stem(name: &str) -> &str {
    match name.rsplit_once(OLD) {
        Some((stem, number))
            if !stem.is_empty() && (number.is_empty() || number.trim_start().parse::<u32>().is_ok()) =>
        {
            stem
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::{Desk, desk};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn admin() -> Actor {
        Actor::Admin { n: 1, email: "ada@example.com".into(), address: "192.0.2.10".into() }
    }

    impl Desk {
        async fn token(&self, name: &str, expires: Expiry) -> (Token, String) {
            let new = crate::service::NewToken {
                name: name.into(),
                source: None,
                expires,
                read_only: true,
                strict: true,
                region: Some("eu".into()),
                user: None,
            };
            self.service.create_token(&admin(), self.team, new).await.expect("made")
        }

        async fn rotate(&self, n: i64, expires: Expiry) -> Result<(Token, String), Error> {
            self.service.rotate_token(&admin(), self.team, n, expires).await
        }

        /// The names of all tokens but the one that the desk comes with, and what is kept of one.
        fn names(&self) -> Vec<String> {
            let tokens = self.service.tokens(self.team).expect("tokens");
            tokens.into_iter().skip(1).map(|token| token.name).collect()
        }

        fn kept(&self, n: i64) -> Token {
            let tokens = self.service.tokens(self.team).expect("tokens");
            tokens.into_iter().find(|token| token.n == n).expect("it is there")
        }

        fn opens(&self, text: &str) -> bool {
            self.service.authenticate(Some(&format!("Bearer {text}"))).is_ok()
        }
    }

    #[tokio::test]
    async fn the_old_token_keeps_its_name_with_old_behind_it_and_works_for_a_week() {
        let desk = desk().await;
        let (old, old_text) = desk.token("JumpCloud production", Expiry::Never).await;
        let (new, text) = desk.rotate(old.n, Expiry::In(DAY * 365)).await.expect("rotated");
        assert_eq!(
            (new.name.as_str(), new.source.as_str()),
            ("JumpCloud production", "JumpCloud production")
        );
        assert_eq!((new.strict, new.read_only, new.region.as_deref()), (true, true, Some("eu")));
        assert_eq!(new.expires, Some(desk.clock.now().plus(DAY * 365)));
        assert_eq!(desk.kept(old.n).name, "JumpCloud production, old");
        assert_eq!(desk.kept(old.n).expires, Some(desk.clock.now().plus(DAY * OLD_DAYS)));
        assert!(desk.opens(&old_text) && desk.opens(&text), "both work");
        desk.clock.advance(DAY * OLD_DAYS - Duration::from_secs(1));
        assert!(desk.opens(&old_text));
        desk.clock.advance(Duration::from_secs(1));
        assert!(!desk.opens(&old_text) && desk.opens(&text), "it ended by itself");
        let audit = desk.service.store().read_now(|tx| tx.audit(Some(desk.team), None, 10)).expect("rows");
        let told = |what: &str| audit.iter().filter(|row| row.what == what).count();
        assert_eq!((told("token.rotated"), told("token.created")), (1, 3));
    }

    #[tokio::test]
    async fn a_token_that_would_end_sooner_is_not_given_a_week_and_a_revoked_one_is_not_rotated() {
        let desk = desk().await;
        let (old, _) = desk.token("Okta", Expiry::In(DAY * 2)).await;
        desk.rotate(old.n, Expiry::Never).await.expect("rotated");
        assert_eq!(desk.kept(old.n).expires, old.expires);
        desk.service.revoke_token(&admin(), desk.team, old.n).await.expect("revoked");
        assert!(matches!(desk.rotate(old.n, Expiry::Never).await, Err(Error::Refused(_))));
        assert!(matches!(desk.rotate(99, Expiry::Never).await, Err(Error::NotFound(_))));
        assert_eq!(desk.names().len(), 2, "nothing was made");
    }

    #[tokio::test]
    async fn names_are_never_taken_twice() {
        let desk = desk().await;
        let long = "x".repeat(100);
        let (first, _) = desk.token("Okta", Expiry::Never).await;
        let (other, _) = desk.token(&long, Expiry::Never).await;
        let (second, _) = desk.rotate(first.n, Expiry::Never).await.expect("rotated");
        desk.rotate(second.n, Expiry::Never).await.expect("rotated again");
        desk.rotate(first.n, Expiry::Never)
            .await
            .expect("the old one itself, when the new one is not to be had");
        desk.rotate(other.n, Expiry::Never).await.expect("a long name");
        let short = format!("{}, old", &long[..LONGEST_STEM]);
        assert_eq!(desk.names(), ["Okta, old", &short, "Okta, old 2", "Okta", "Okta 2", &long]);
    }

    #[test]
    fn only_what_a_rotation_wrote_is_taken_off_a_name() {
        for (name, left) in [
            ("Okta, old", "Okta"),
            ("Okta, old 12", "Okta"),
            ("Okta, older", "Okta, older"),
            (", old", ", old"),
        ] {
            assert_eq!(stem(name), left);
        }
    }
}

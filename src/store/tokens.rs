//! Provisioning tokens. A token is found by the SHA-256 of its text; the text itself is never here.

use std::cell::RefCell;

use rusqlite::{Row, params};

use super::{ReadTx, Result, StoreError, WriteTx};
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
    /// Its first use.
    pub first_used: Option<Timestamp>,
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
#[derive(Clone, Debug, Default)]
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

/// Of a token (`Token`) what every request asks for; the rest is for those who look after tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opener {
    pub n: i64,
    pub team: TeamId,
    pub name: String,
    pub source: String,
    pub strict: bool,
    pub read_only: bool,
    pub expires: Option<Timestamp>,
    pub revoked: Option<Timestamp>,
    pub user: Option<String>,
    /// Of the file, in the same snapshot (`ReadTx::generation`).
    pub generation: u64,
}

/// The token that was found last in a snapshot, by the hash of its text: most requests come with the same.
#[derive(Debug, Default)]
pub struct LastOpened(RefCell<Option<([u8; 32], Opener)>>);

/// The columns that `read` expects, of a table named `token`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select token.n, token.team, token.name, source, last4, region, strict, read_only, token.created, ",
            "created_by, expires, revoked, revoked_by, used, used_address, used_user_agent, provider, user, ",
            "first_used ",
            $rest
        )
    };
}

fn read(row: &Row<'_>) -> rusqlite::Result<Token> {
    let used = match row.get(13)? {
        Some(at) => Some(Used { at, address: row.get(14)?, user_agent: row.get(15)? }),
        None => None,
    };
    Ok(Token {
        n: row.get(0)?,
        team: row.get(1)?,
        name: row.get(2)?,
        source: row.get(3)?,
        last4: row.get(4)?,
        region: row.get(5)?,
        strict: row.get(6)?,
        read_only: row.get(7)?,
        created: row.get(8)?,
        created_by: row.get(9)?,
        expires: row.get(10)?,
        revoked: row.get(11)?,
        revoked_by: row.get(12)?,
        used,
        provider: row.get(16)?,
        user: row.get(17)?,
        first_used: row.get(18)?,
    })
}

impl ReadTx<'_> {
    /// A team's tokens in the order they were made, ended ones too.
    pub fn tokens(&self, team: TeamId) -> Result<Vec<Token>> {
        self.all(select!("from token where team = ? order by n"), [team], read)
    }

    /// The token that was used last of another living team than this, with that team's name.
    pub fn used_elsewhere(&self, team: TeamId) -> Result<Option<(Token, String)>> {
        let sql = select!(
            ", team.name from token join team on team.n = token.team
             where team.n <> ? and removed is null and slug not like '~%' and used is not null order by used desc limit 1"
        );
        self.one(sql, [team], |row| Ok((read(row)?, row.get(19)?)))
    }

    /// One token of a team.
    pub fn token(&self, team: TeamId, n: i64) -> Result<Option<Token>> {
        self.one(select!("from token where team = ? and n = ?"), params![team, n], read)
    }

    /// What the token with that hash opens, expired and revoked ones too, unless its team was removed.
    pub fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Opener>> {
        let Some(LastOpened(last)) = self.opened() else { return self.opener(hash) };
        if let Some((known, opener)) = &*last.borrow()
            && known == hash
        {
            return Ok(Some(opener.clone()));
        }
        let found = self.opener(hash)?;
        if let Some(opener) = &found {
            last.replace(Some((*hash, opener.clone())));
        }
        Ok(found)
    }

    fn opener(&self, hash: &[u8; 32]) -> Result<Option<Opener>> {
        let sql = "select token.n, token.team, token.name, source, strict, read_only, expires, revoked, user,
                   (select n from generation) from token join team on team.n = token.team where hash = ? and removed is null";
        self.one(sql, [hash], |row| {
            Ok(Opener {
                n: row.get(0)?,
                team: row.get(1)?,
                name: row.get(2)?,
                source: row.get(3)?,
                strict: row.get(4)?,
                read_only: row.get(5)?,
                expires: row.get(6)?,
                revoked: row.get(7)?,
                user: row.get(8)?,
                generation: row.get::<_, i64>(9)? as u64,
            })
        })
    }

    /// When a token was revoked and when it expires; `None` where there is none, or its team was removed.
    pub fn token_ends(&self, n: i64) -> Result<Option<(Option<Timestamp>, Option<Timestamp>)>> {
        let sql = "select revoked, expires from token join team on team.n = token.team
                   where token.n = ? and removed is null";
        self.one(sql, [n], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

impl WriteTx<'_> {
    /// Keeps a token. `Taken { attribute: "name" }` when a token of the team that is not revoked has the name.
    pub fn insert_token(&mut self, team: TeamId, new: &NewToken) -> Result<Token> {
        let namesake = "select n from token where team = ? and name = ? and revoked is null";
        if let Some(by) = self.one(namesake, params![team, new.name], |row| row.get::<_, i64>(0))? {
            let value = new.name.clone();
            return Err(StoreError::Taken { attribute: "name".into(), value, by: by.to_string() });
        }
        let now = self.now();
        let n = self.insert(
            "insert into token (team, hash, name, source, last4, region, strict, read_only, created, created_by,
             expires, user) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                team,
                new.hash,
                new.name,
                new.source,
                new.last4,
                new.region,
                new.strict,
                new.read_only,
                now,
                new.created_by,
                new.expires,
                new.user,
            ],
        )?;
        Ok(self.token(team, n)?.expect("the token was inserted by this very job"))
    }

    /// Gives a token another name and an end: another takes over from it.
    pub fn retire_token(&mut self, team: TeamId, n: i64, name: &str, expires: Timestamp) -> Result<()> {
        let sql = "update token set name = ?, expires = ? where team = ? and n = ? and revoked is null";
        self.run(sql, params![name, expires, team, n])?;
        Ok(())
    }

    /// Revokes a token; false when there is none or it was revoked already.
    pub fn revoke_token(&mut self, team: TeamId, n: i64, by: &str) -> Result<bool> {
        let now = self.now();
        let sql = "update token set revoked = ?, revoked_by = ? where team = ? and n = ? and revoked is null";
        Ok(self.run(sql, params![now, by, team, n])? > 0)
    }

    /// Remembers a use, unless a later one is known.
    pub fn touch_token(&mut self, n: i64, used: &Used) -> Result<()> {
        self.run(
            "update token set used = ?1, used_address = ?2, used_user_agent = ?3,
                              first_used = coalesce(first_used, ?1)
             where n = ?4 and (used is null or used <= ?1)",
            params![used.at, used.address, used.user_agent, n],
        )?;
        Ok(())
    }

    /// Remembers which provider the token seems to be used by.
    pub fn set_token_provider(&mut self, n: i64, provider: &str) -> Result<()> {
        self.run("update token set provider = ?1 where n = ?2 and provider is not ?1", params![provider, n])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{store, team};

    fn new(name: &str, byte: u8) -> NewToken {
        NewToken {
            hash: [byte; 32],
            name: name.into(),
            source: name.into(),
            last4: "x9Zq".into(),
            region: Some("eu".into()),
            strict: true,
            read_only: false,
            created_by: "cli".into(),
            expires: Some(Timestamp(99)),
            user: None,
        }
    }

    #[test]
    fn a_token_is_found_by_its_hash_until_its_team_goes() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let made = store.write_blocking(move |tx| tx.insert_token(acme, &new("JumpCloud", 1))).unwrap();
        assert_eq!((made.region.as_deref(), made.strict, made.used.clone()), (Some("eu"), true, None));
        let opener = store.read_now(|tx| tx.token_by_hash(&[1; 32])).unwrap().expect("it is found");
        assert_eq!(
            (opener.n, opener.team, &opener.name, &opener.source),
            (made.n, acme, &made.name, &made.source)
        );
        assert_eq!((opener.strict, opener.read_only, opener.expires), (true, false, made.expires));
        assert_eq!((opener.revoked, opener.user), (None, None));
        store.write_blocking(move |tx| tx.revoke_token(acme, made.n, "cli")).unwrap();
        let opener = store.read_now(|tx| tx.token_by_hash(&[1; 32])).unwrap().expect("it is found");
        assert!(opener.revoked.is_some());
        assert_eq!(store.read_now(|tx| tx.token_by_hash(&[2; 32])).unwrap(), None);
        store.write_blocking(move |tx| tx.remove_team(acme)).unwrap();
        assert_eq!(store.read_now(|tx| tx.token_by_hash(&[1; 32])).unwrap(), None);
    }

    #[test]
    fn a_name_is_free_again_once_its_token_is_revoked() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        store
            .write_blocking(move |tx| {
                let first = tx.insert_token(acme, &new("JumpCloud", 1))?;
                assert!(matches!(
                    tx.insert_token(acme, &new("JumpCloud", 2)),
                    Err(StoreError::Taken { attribute, .. }) if attribute == "name"
                ));
                assert!(tx.revoke_token(acme, first.n, "ada@example.com")?);
                assert!(!tx.revoke_token(acme, first.n, "ada@example.com")?);
                tx.insert_token(acme, &new("JumpCloud", 2)).map(drop)
            })
            .unwrap();
        assert_eq!(store.read_now(|tx| tx.tokens(acme)).unwrap().len(), 2);
    }

    #[test]
    fn the_latest_use_is_kept_whatever_the_order() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let used = |at, address: &str| Used {
            at: Timestamp(at),
            address: address.into(),
            user_agent: "curl".into(),
        };
        let token = store.write_blocking(move |tx| tx.insert_token(acme, &new("a", 1))).unwrap();
        store
            .write_blocking(move |tx| {
                tx.touch_token(token.n, &used(5, "192.0.2.5"))?;
                tx.touch_token(token.n, &used(3, "192.0.2.3"))
            })
            .unwrap();
        let token = store.read_now(|tx| tx.token(acme, token.n)).unwrap().unwrap();
        assert_eq!(token.first_used, Some(Timestamp(5)), "as it was told first");
        assert_eq!(token.used.map(|used| used.address), Some("192.0.2.5".into()));
    }
}

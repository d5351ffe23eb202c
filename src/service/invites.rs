//! Inviting an administrator: a one-time link for a day, to be handed over by whoever made it, because scimd sends no
//! mail. The secret of a link is kept as its hash only, in a setting.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::setup::admin_name;
use super::{Actor, Error, Service, admins, passwords};
use crate::base::{Timestamp, secret};
use crate::scim::fold::fold;
use crate::store::{Admin, Hand, NewAdmin, ReadTx, WriteTx};

const INVITES: &str = "admin.invites";
/// A link works this long.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// More open invitations than this are a mistake.
const MOST: usize = 100;

/// An open invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    pub email: String,
    pub read_only: bool,
    pub by: String,
    /// Milliseconds, as every instant in the file.
    expires: i64,
    hash: String,
}

impl Invite {
    /// When the link stops working.
    pub fn expires(&self) -> Timestamp {
        Timestamp(self.expires)
    }
}

impl Service {
    /// Makes a link for a new administrator; an earlier one for the same address stops working. The text is returned
    /// here and nowhere else.
    pub async fn invite_admin(
        &self,
        actor: &Actor,
        email: &str,
        read_only: bool,
    ) -> Result<(Invite, String), Error> {
        let (email, by) = (admins::admin_email(email)?, actor.hand());
        // Marked as ours, so that a log that shows the address cuts it off there.
        let text = format!("scimd_{}", secret::session().0);
        let hash = hex(&secret::sha256(text.as_bytes()));
        let invite = self
            .store()
            .write(move |tx| {
                if tx.admin_by_email(&email)?.is_some() {
                    return Err(Error::Refused(format!("there is an administrator {email} already")));
                }
                let mut open = open(tx)?;
                open.retain(|other| fold(&other.email) != fold(&email));
                if open.len() >= MOST {
                    return Err(Error::Refused(format!("{MOST} invitations are open; withdraw some first")));
                }
                let expires = tx.now().plus(LIFE).0;
                let invite = Invite {
                    email: email.clone(),
                    read_only,
                    by: by.name.clone(),
                    expires,
                    hash: hash.clone(),
                };
                open.push(invite.clone());
                keep(tx, &open)?;
                tx.append_audit(None, &by, "admin.invited", &email, &json!({ "read_only": read_only }))?;
                Ok(invite)
            })
            .await?;
        Ok((invite, text))
    }

    /// The invitations that can still be taken.
    pub fn invites(&self) -> Result<Vec<Invite>, Error> {
        self.store().read_now(open)
    }

    /// The invitation of a link's text.
    pub fn invited(&self, text: &str) -> Result<Option<Invite>, Error> {
        let hash = hex(&secret::sha256(text.as_bytes()));
        let open = self.invites()?;
        Ok(open.into_iter().find(|invite| secret::same(invite.hash.as_bytes(), hash.as_bytes())))
    }

    /// Takes an invitation: makes the administrator and uses the link up.
    pub async fn accept_invite(
        &self,
        text: &str,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Admin, Error> {
        let gone = || Error::Refused("the invitation has ended or was used already; ask for another".into());
        let invite = self.invited(text)?.ok_or_else(gone)?;
        let name = admin_name(name)?;
        let name = if name.is_empty() { invite.email.clone() } else { name };
        let password_hash = passwords::hash(&admins::check_password(password)?).await?;
        self.store()
            .write(move |tx| {
                // Looked for again: another request may have been faster.
                let mut open = open(tx)?;
                let before = open.len();
                open.retain(|other| *other != invite);
                if open.len() == before || tx.admin_by_email(&invite.email)?.is_some() {
                    return Err(gone());
                }
                keep(tx, &open)?;
                let new = NewAdmin {
                    email: invite.email.clone(),
                    name: name.clone(),
                    read_only: invite.read_only,
                    password_hash: password_hash.clone(),
                };
                let admin = tx.insert_admin(&new)?;
                let detail = json!({ "name": name, "read_only": new.read_only, "by": invite.by });
                let who = Hand { name: new.email.clone(), address: Some(address.to_string()) };
                tx.append_audit(None, &who, "admin.created", &new.email, &detail)?;
                Ok(admin)
            })
            .await
    }

    /// Takes an invitation back; its link stops working.
    pub async fn withdraw_invite(&self, actor: &Actor, email: &str) -> Result<(), Error> {
        let (email, who) = (email.to_owned(), actor.hand());
        self.store()
            .write(move |tx| {
                let mut open = open(tx)?;
                let before = open.len();
                open.retain(|invite| fold(&invite.email) != fold(&email));
                if open.len() < before {
                    keep(tx, &open)?;
                    tx.append_audit(None, &who, "admin.invitation-withdrawn", &email, &json!({}))?;
                }
                Ok(())
            })
            .await
    }
}

/// The invitations that have not ended.
fn open(tx: &ReadTx<'_>) -> Result<Vec<Invite>, Error> {
    let Some(text) = tx.setting(INVITES)? else { return Ok(Vec::new()) };
    let all: Vec<Invite> = serde_json::from_str(&text).map_err(Error::internal)?;
    let now = tx.now();
    Ok(all.into_iter().filter(|invite| invite.expires() > now).collect())
}

fn keep(tx: &mut WriteTx<'_>, open: &[Invite]) -> Result<(), Error> {
    let text = serde_json::to_string(open).map_err(Error::internal)?;
    Ok(tx.set_setting(INVITES, &text)?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::base::Clock;
    use crate::service::Options;
    use crate::store::{self, Store};

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const PASSWORD: &str = "correct horse battery";

    fn service() -> (tempfile::TempDir, Clock, Service, Actor) {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Clock::manual(Timestamp(1_795_462_931_120));
        let options = store::Options { clock: clock.clone(), ..Default::default() };
        let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
        let service = Service::new(store, Options { clock: clock.clone(), ..Options::default() });
        (directory, clock, service, Actor::CommandLine { user: "root".into() })
    }

    #[tokio::test]
    async fn a_link_makes_one_administrator_with_the_access_that_was_offered() {
        let (_directory, _clock, service, actor) = service();
        let (_, text) = service.invite_admin(&actor, "mei@example.com", true).await.expect("invited");
        let kept = service.store().read_now(|tx| Ok::<_, Error>(tx.setting(INVITES)?)).expect("read");
        assert!(!kept.expect("kept").contains(&text), "the text itself is nowhere");
        let weak = service.accept_invite(&text, "Mei", "short", HOME).await;
        assert!(matches!(weak, Err(Error::Refused(_))));
        let admin = service.accept_invite(&text, "Mei Chen", PASSWORD, HOME).await.expect("made");
        assert_eq!((admin.email.as_str(), admin.read_only), ("mei@example.com", true));
        assert!(service.accept_invite(&text, "Eve", PASSWORD, HOME).await.is_err(), "used up");
        assert!(service.invite_admin(&actor, "MEI@example.com", false).await.is_err(), "there already");
    }

    #[tokio::test]
    async fn a_link_ends_after_a_day_when_withdrawn_and_with_the_next_one() {
        let (_directory, clock, service, actor) = service();
        let (_, first) = service.invite_admin(&actor, "mei@example.com", false).await.expect("invited");
        let (_, second) = service.invite_admin(&actor, "Mei@example.com", false).await.expect("invited");
        assert_eq!(service.invited(&first).expect("an answer"), None);
        assert_eq!(service.invites().expect("an answer").len(), 1);
        service.withdraw_invite(&actor, "mei@example.com").await.expect("withdrawn");
        assert_eq!(service.invited(&second).expect("an answer"), None);
        let (_, third) = service.invite_admin(&actor, "mei@example.com", false).await.expect("invited");
        clock.advance(LIFE);
        assert_eq!(service.invited(&third).expect("an answer"), None);
        assert!(service.accept_invite(&third, "", PASSWORD, HOME).await.is_err());
    }
}

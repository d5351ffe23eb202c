//! What the service's own tests share: a service over a fresh file with a clock that stands still, and a provider.

use serde_json::Value;
use tempfile::TempDir;

use super::tokens::DEFAULT_LIFE;
use super::{Actor, Asked, Caller, Error, Expiry, NewToken, Options, Outcome, Precondition, Service, Target};
use crate::base::{Clock, TeamId, Timestamp};
use crate::scim::resource::Projection;
use crate::scim::{Kind, Mode};
use crate::store::{self, Store};

/// A service with one team.
pub struct Desk {
    _directory: TempDir,
    pub clock: Clock,
    pub service: Service,
    pub team: TeamId,
}

/// The provider's token, which is the first of the file, and the source that it speaks for.
const TOKEN: i64 = 1;
const SOURCE: &str = "JumpCloud";

/// A service over a fresh file.
pub async fn desk() -> Desk {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::manual(Timestamp(1_795_462_931_120));
    let options = store::Options { clock: clock.clone(), ..Default::default() };
    let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
    let service = Service::new(store, Options { clock: clock.clone(), ..Options::default() });
    service.ensure_team().await.expect("a team");
    let team = service.team_named(None).expect("one").id;
    let actor = Actor::CommandLine { user: "root".into() };
    let new = NewToken {
        name: SOURCE.into(),
        source: None,
        expires: Expiry::In(DEFAULT_LIFE),
        read_only: false,
        strict: false,
        region: None,
        user: None,
    };
    let (token, _) = service.create_token(&actor, team, new).await.expect("a token");
    assert_eq!(token.n, TOKEN);
    Desk { _directory: directory, clock, service, team }
}

/// A provider's token for the team, and who it says it is.
pub fn caller(team: TeamId, mode: Mode) -> Caller {
    Caller {
        team,
        token: TOKEN,
        token_name: SOURCE.into(),
        source: SOURCE.into(),
        mode,
        read_only: false,
        user: None,
    }
}

/// Users or groups, answered whole.
pub fn target(kind: Kind) -> Target {
    Target {
        kind,
        projection: Projection::all(),
        base: "https://scim.example.com/scim".into(),
        asks_attributes: false,
        precondition: Precondition::None,
    }
}

impl Desk {
    /// A request with an id of its own.
    fn asked(&self) -> Asked {
        Asked { id: self.service.ids().request(), at: self.clock.now(), ..Asked::default() }
    }

    /// Creates a user or group as a provider does.
    pub async fn create(&self, caller: &Caller, kind: Kind, body: Value) -> Result<Outcome, Error> {
        self.service.create(caller, &self.asked(), target(kind), &body).await
    }

    /// Replaces a user or group as a provider does.
    pub async fn replace(
        &self,
        caller: &Caller,
        kind: Kind,
        id: &str,
        body: Value,
    ) -> Result<Outcome, Error> {
        self.service.replace(caller, &self.asked(), target(kind), id, &body).await
    }

    /// Patches a user or group as a provider does.
    pub async fn patch(&self, caller: &Caller, kind: Kind, id: &str, body: Value) -> Result<Outcome, Error> {
        self.service.patch(caller, &self.asked(), target(kind), id, &body).await
    }

    /// Reads a user or group that is there.
    pub fn read(&self, caller: &Caller, kind: Kind, id: &str) -> Outcome {
        self.service.get(caller, &target(kind), id).expect("it is there").0
    }

    /// Deletes a user or group as a provider does.
    pub async fn delete(&self, caller: &Caller, kind: Kind, id: &str) -> Result<(), Error> {
        self.service.delete(caller, &self.asked(), target(kind), id).await
    }
}

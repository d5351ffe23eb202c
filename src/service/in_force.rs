//! The schemas in force for a team, kept from one request to the next, and what a request does whose schemas were changed
//! under it. How they are changed is the business of `schemas`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::redact::Untold;
use super::{Error, Service};
use crate::base::TeamId;
use crate::scim::{Registry, ScimError};
use crate::store::{ReadTx, TeamSchema};

/// How often a request is begun anew because the schemas changed meanwhile.
const ATTEMPTS: usize = 10;

/// The schemas in force for a team, as they were at a generation of the file.
#[derive(Clone, Debug)]
pub struct InForce {
    pub registry: Arc<Registry>,
    /// The attributes whose values no log and no answer repeats.
    pub untold: Arc<Untold>,
    pub(super) generation: u64,
    team: TeamId,
    own: Arc<Vec<TeamSchema>>,
}

impl InForce {
    /// Fails with `Outdated` when the team's schemas were changed before this snapshot.
    pub fn check(&self, tx: &ReadTx<'_>) -> Result<(), Error> {
        // The generation tells of every change to what is cached, most of which are not this team's schemas.
        if tx.generation()? == self.generation || tx.schemas(self.team)? == *self.own {
            return Ok(());
        }
        Err(Error::Outdated)
    }
}

/// The schemas of the teams that were asked for, each as of the generation it was read at.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<TeamId, InForce>>);

impl Cache {
    /// The team's schemas as the snapshot has them, which is of that generation.
    fn load(&self, tx: &ReadTx<'_>, team: TeamId, generation: u64) -> Result<InForce, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&team).filter(|found| found.generation == generation) {
            return Ok(found.clone());
        }
        let own = Arc::new(tx.schemas(team)?);
        let registry = registry_of(&own)
            .map_err(|error| Error::internal(format!("the schemas of team {}: {error}", team.0)))?;
        let untold = Arc::new(Untold::of(&registry));
        let loaded = InForce { registry, untold, generation, team, own };
        known.insert(team, loaded.clone());
        Ok(loaded)
    }

    /// The team's schemas as they were when somebody last looked.
    fn last(&self, team: TeamId) -> Option<InForce> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&team).cloned()
    }

    fn forget(&self, team: TeamId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&team);
    }
}

/// The registry of a team's own schemas beside the standard ones.
pub(super) fn registry_of(schemas: &[TeamSchema]) -> Result<Arc<Registry>, ScimError> {
    if schemas.is_empty() {
        return Ok(Registry::standard());
    }
    let list: Vec<_> = schemas.iter().map(|schema| (schema.kind, schema.document.clone())).collect();
    Registry::with_extensions(&list)
}

impl Service {
    /// The schemas in force for a team; the standard ones where no team is known.
    pub fn registry(&self, team: Option<TeamId>) -> Result<Arc<Registry>, Error> {
        match team {
            None => Ok(Registry::standard()),
            Some(team) => Ok(self.in_force(team)?.registry),
        }
    }

    /// The same, with what it takes to see inside a job whether they still are.
    pub(super) fn in_force(&self, team: TeamId) -> Result<InForce, Error> {
        self.store().read_now(|tx| self.0.schemas.load(tx, team, tx.generation()?))
    }

    /// Brings what is known of a team's schemas to what a snapshot has, which is of that generation.
    pub(super) fn look_at_schemas(
        &self,
        tx: &ReadTx<'_>,
        team: TeamId,
        generation: u64,
    ) -> Result<(), Error> {
        self.0.schemas.load(tx, team, generation).map(drop)
    }

    /// The schemas of a team as a request finds them: those that were in force when its token was looked at, without
    /// looking again. Whoever reads or writes resources by them checks them in his own snapshot (`InForce::check`).
    pub fn schemas_of(&self, team: TeamId) -> Result<InForce, Error> {
        self.0.schemas.last(team).map_or_else(|| self.in_force(team), Ok)
    }
}

impl Service {
    /// Begins anew while the team's schemas change under the attempt.
    pub(super) async fn settled<T, F>(&self, team: TeamId, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        for _ in 1..ATTEMPTS {
            match attempt().await {
                Err(Error::Outdated) => self.0.schemas.forget(team),
                done => return done,
            }
        }
        attempt().await
    }

    /// The same for a point read.
    pub(super) fn settled_now<T>(
        &self,
        team: TeamId,
        mut attempt: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        for _ in 1..ATTEMPTS {
            match attempt() {
                Err(Error::Outdated) => self.0.schemas.forget(team),
                done => return done,
            }
        }
        attempt()
    }
}

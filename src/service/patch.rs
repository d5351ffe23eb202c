//! PATCH (RFC 7644 §3.5.2): planned before anything is loaded, applied in one write job, all of it or nothing.

use super::job::{Job, Outcome, Target, Verb, document_of};
use super::provision::{Body, change, may_write};
use super::record::Asked;
use super::{Caller, Error, Service};
use crate::scim::patch::{self, Plan};
use crate::store::WriteTx;

impl Service {
    /// Applies the operations of a PatchOp message to a user or group.
    pub async fn patch(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
        body: &Body,
    ) -> Result<Outcome, Error> {
        may_write(caller)?;
        self.settled(caller.team, || self.try_patch(caller, asked, target.clone(), id, body)).await
    }

    async fn try_patch(
        &self,
        caller: &Caller,
        asked: &Asked,
        target: Target,
        id: &str,
        body: &Body,
    ) -> Result<Outcome, Error> {
        let mut job = Job::new(self, caller, asked, target)?;
        let plan = patch::plan(job.view.registry(), job.target.kind, body, caller.mode)?;
        job.shows_sent(|_| plan.paths());
        asked.underway.leave(&plan.notes);
        let id = id.to_owned();
        self.store().write(move |tx| apply(tx, &job, &id, &plan)).await
    }
}

fn apply(tx: &mut WriteTx<'_>, job: &Job, id: &str, plan: &Plan) -> Result<Outcome, Error> {
    let row = job.existing(tx, id)?;
    let old = document_of(&row)?;
    let mut notes = plan.notes.clone();
    let document = plan.apply(job.view.registry(), row.kind, &old, job.caller.mode, &mut notes);
    job.asked.underway.leave(&notes);
    let document = document?;
    change(tx, job, Verb::Patch, &row, &old, &document, &plan.members, notes)
}

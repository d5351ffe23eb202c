//! The first requests after a start find what they need as the later ones do: connections that are open, with the statements
//! of a look-up and a read on them and the pages of the indexes in their caches.

use super::search::Search;
use super::view::View;
use super::{Error, Service};
use crate::base::TeamId;
use crate::scim::resource::Projection;
use crate::scim::{Kind, Mode};
use crate::store::ReadTx;

impl Service {
    /// Makes so many connections ready, for the threads that serve.
    pub fn ready(&self, threads: usize) -> Result<(), Error> {
        for _ in 0..threads {
            self.store().ready(|tx| -> Result<(), Error> {
                tx.token_by_hash(&[0; 32])?;
                for team in tx.teams()?.iter().filter(|team| team.removed.is_none()) {
                    self.look_at_schemas(tx, team.id, tx.generation()?)?;
                    self.read_as_requests_do(tx, team.id)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn read_as_requests_do(&self, tx: &ReadTx<'_>, team: TeamId) -> Result<(), Error> {
        let view =
            View { schemas: self.schemas_of(team)?, projection: Projection::all(), base: String::new() };
        let look_up = |filter: Option<&str>| Search {
            kinds: vec![Kind::User],
            filter: filter.map(str::to_owned),
            sort_by: None,
            descending: false,
            start_index: None,
            count: Some(1),
            cursor: None,
            projection: Projection::all(),
            base: String::new(),
        };
        for filter in [Some("userName eq \"a\""), Some("externalId eq \"a\""), None] {
            self.search_in(tx, team, Mode::Compat, &view, &look_up(filter))?;
        }
        tx.resource(team, Kind::User, "")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::scim::{Kind, Mode};
    use crate::service::testing::{caller, desk, target};

    #[tokio::test]
    async fn a_thread_that_reads_for_the_first_time_takes_a_connection_that_is_ready_and_sees_what_is_now() {
        let desk = desk().await;
        desk.service.ready(1).expect("ready");
        let caller = caller(desk.team, Mode::Compat);
        let mei = json!({ "schemas": [Kind::User.urn()], "userName": "mei@example.com" });
        let id = desk.create(&caller, Kind::User, mei).await.expect("made").id;
        // From now on no connection can be opened.
        let file = desk.service.store().file().to_owned();
        std::fs::rename(&file, file.with_extension("away")).expect("renamed");
        let reads = || {
            let (service, id, caller) = (desk.service.clone(), id.clone(), caller.clone());
            let read = move || service.get(&caller, &target(Kind::User), &id).is_ok();
            std::thread::spawn(read).join().expect("no panic")
        };
        assert!(reads(), "by the one that is ready");
        assert!(!reads(), "it was taken");
        std::fs::rename(file.with_extension("away"), &file).expect("renamed");
    }
}

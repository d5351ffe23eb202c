//! Many people deactivated at once: a mistake at the provider deactivates whole departments in minutes, and the page
//! says so. The changes went through; this only counts them against what the team has chosen.

use std::time::Duration;

use crate::store::Standing;

/// The time within which people are counted together.
pub const WITHIN: Duration = Duration::from_secs(60 * 60);
/// Fewer people than this are no share of anything: in a team of four, one is a quarter.
const FEWEST_FOR_SHARE: u64 = 3;

/// More people than the team takes for usual were deactivated or deleted within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub people: u64,
    /// Their share of those who were active before, in percent.
    pub percent: u64,
    /// The limit that they are over.
    pub over: Over,
}

/// Which limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    People(u32),
    Percent(u32),
}

/// Looks at how a team stands since `WITHIN`; `None` while that is as usual.
pub fn leaving(standing: &Standing) -> Option<Leaving> {
    let (people, before) = (standing.left, standing.totals.active + standing.left);
    let percent = (people * 100).checked_div(before)?;
    let over = match standing.warn {
        (Some(most), _) if people > u64::from(most) => Over::People(most),
        (_, Some(most)) if people >= FEWEST_FOR_SHARE && people * 100 > before * u64::from(most) => {
            Over::Percent(most)
        }
        _ => return None,
    };
    Some(Leaving { people, percent, over })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::Timestamp;
    use crate::scim::{Kind, Mode};
    use crate::service::Actor;
    use crate::service::testing::{Desk, caller, desk};
    use crate::store::Counted;

    async fn people(desk: &Desk, count: usize) -> Vec<String> {
        let caller = caller(desk.team, Mode::Compat);
        let mut ids = Vec::new();
        for number in 0..count {
            let body = json!({ "schemas": [Kind::User.urn()], "userName": format!("p{number}@example.com") });
            ids.push(desk.create(&caller, Kind::User, body).await.expect("made").id);
        }
        ids
    }

    async fn deactivate(desk: &Desk, ids: &[String], from: usize, active: bool) {
        let caller = caller(desk.team, Mode::Compat);
        for (number, id) in ids.iter().enumerate() {
            let name = format!("p{}@example.com", from + number);
            let body = json!({ "schemas": [Kind::User.urn()], "userName": name, "active": active });
            desk.replace(&caller, Kind::User, id, body).await.expect("changed");
        }
    }

    fn found(desk: &Desk) -> Option<Leaving> {
        let now = desk.clock.now();
        let left = Timestamp(now.0 - WITHIN.as_millis() as i64);
        let counted = Counted { hours: now, answers: 0, changes: None, left };
        leaving(&desk.service.store().read_now(|tx| tx.standing(desk.team, &counted)).expect("read"))
    }

    async fn choose(desk: &Desk, people: Option<u32>, percent: Option<u32>) {
        let actor = Actor::CommandLine { user: "root".into() };
        let change = Box::new(move |chosen: &mut crate::store::TeamSettings| {
            (chosen.warn_people, chosen.warn_percent) = (people, percent);
        });
        desk.service.change_team(&actor, desk.team, None, change).await.expect("chosen");
    }

    #[tokio::test]
    async fn more_people_than_chosen_within_an_hour_are_told_until_the_hour_is_over() {
        let desk = desk().await;
        choose(&desk, Some(3), None).await;
        let ids = people(&desk, 20).await;
        desk.clock.advance(Duration::from_secs(7200));
        deactivate(&desk, &ids[..3], 0, false).await;
        assert_eq!(found(&desk), None, "three are not more than three");
        desk.clock.advance(Duration::from_secs(3000));
        let caller = caller(desk.team, Mode::Compat);
        desk.delete(&caller, Kind::User, &ids[3]).await.expect("deleted");
        desk.delete(&caller, Kind::User, &ids[0]).await.expect("deleted");
        let expected = Leaving { people: 4, percent: 20, over: Over::People(3) };
        assert_eq!(
            found(&desk),
            Some(expected),
            "a deletion counts, of the inactive it does not count twice"
        );
        desk.clock.advance(Duration::from_secs(601));
        assert_eq!(found(&desk), None, "the first three are more than an hour ago");
    }

    #[tokio::test]
    async fn a_share_counts_from_three_people_on_and_who_is_back_counts_no_longer() {
        let desk = desk().await;
        choose(&desk, None, Some(10)).await;
        let ids = people(&desk, 20).await;
        deactivate(&desk, &ids[..2], 0, false).await;
        assert_eq!(found(&desk), None, "two of twenty");
        deactivate(&desk, &ids[2..3], 2, false).await;
        assert_eq!(found(&desk), Some(Leaving { people: 3, percent: 15, over: Over::Percent(10) }));
        deactivate(&desk, &ids[2..3], 2, true).await;
        assert_eq!(found(&desk), None, "reactivated");
        deactivate(&desk, &ids[2..3], 2, false).await;
        assert!(found(&desk).is_some());
        choose(&desk, None, None).await;
        assert_eq!(found(&desk), None, "switched off");
    }

    #[tokio::test]
    async fn few_people_are_no_share_and_a_deleted_inactive_user_is_nobody_who_left() {
        let desk = desk().await;
        let ids = people(&desk, 4).await;
        deactivate(&desk, &ids[..2], 0, false).await;
        assert_eq!(found(&desk), None, "half of four, but two");
        desk.clock.advance(WITHIN + Duration::from_secs(1));
        choose(&desk, Some(1), None).await;
        for id in &ids[..2] {
            desk.delete(&caller(desk.team, Mode::Compat), Kind::User, id).await.expect("deleted");
        }
        assert_eq!(found(&desk), None, "they were inactive long before");
    }
}

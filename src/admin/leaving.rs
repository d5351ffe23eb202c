//! The notice that unusually many people were deactivated within an hour: how many, against what the team has chosen.

use super::parts::{Link, Notice};
use crate::service::leaving::{Leaving, Over};
use crate::service::sentence::number;

/// The notice.
pub fn notice(base: &str, found: &Leaving) -> Notice {
    let limit = match found.over {
        Over::People(most) => {
            format!("more than the {} that this team takes for usual", number(u64::from(most)))
        }
        Over::Percent(most) => {
            format!("{} % of all, more than the {most} % that this team takes for usual", found.percent)
        }
    };
    let were = if found.people == 1 { "person was" } else { "people were" };
    let who = format!("{} {were}", number(found.people));
    Notice {
        kind: "warn",
        title: format!("{who} deactivated within the last hour"),
        text: format!(
            "That is {limit}. The changes went through; if they were not meant, undo them at the identity provider."
        )
        .into(),
        link: Some(Link::new(format!("{base}activity?kind=changes"), "See the changes")),
        alert: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_names_how_many_and_the_limit() {
        let many = notice("/admin/t/a/", &Leaving { people: 1200, percent: 40, over: Over::People(10) });
        assert_eq!(many.title, "1,200 people were deactivated within the last hour");
        assert!(many.text.text().starts_with("That is more than the 10 that"), "{many:?}");
        let share = notice("/admin/t/a/", &Leaving { people: 4, percent: 40, over: Over::Percent(10) });
        assert!(share.text.text().starts_with("That is 40 % of all, more than the 10 % that"), "{share:?}");
        let one = notice("/admin/t/a/", &Leaving { people: 1, percent: 40, over: Over::People(1) });
        assert_eq!(one.title, "1 person was deactivated within the last hour");
    }
}

//! `scimd team`: make, list, rename and remove teams, bring one back, and show and change what a team has chosen.

use clap::{Args, Subcommand};

use super::table::table;
use super::{Desk, OfTeam};
use crate::serve::Failure;
use crate::service::team_settings::{self, MIB};
use crate::service::teams::{BACK_DAYS, back_until};
use crate::store::TeamSettings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a team
    Create {
        /// Its name
        name: String,
    },
    /// List the teams, those that were removed and can come back too
    List,
    /// Give a team another name; its address on the page stays
    Rename {
        /// The name it has
        name: String,
        /// The name it shall have
        new_name: String,
    },
    /// Remove a team: its tokens stop at once, its data is erased after 30 days
    Remove {
        /// Its name
        name: String,
    },
    /// Bring a removed team back, with its tokens as they were
    Restore {
        /// Its name, or its short name
        name: String,
    },
    /// Show what a team has chosen
    Show(OfTeam),
    /// Change what a team has chosen; what is not named stays
    Set(Box<Set>),
}

#[derive(Args, Debug)]
pub(super) struct Set {
    #[command(flatten)]
    of: OfTeam,
    #[command(flatten)]
    choices: Choices,
}

/// The choices, under the names that `show` and the audit use.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Choices {
    /// How long requests are kept, such as 400d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    keep_requests: Option<u32>,
    /// How much requests and their bodies may take, such as 500M or 2G; the oldest bodies go first
    #[arg(long, value_name = "SIZE", value_parser = size)]
    request_size: Option<u64>,
    /// How long history is kept: events, past memberships, the ids of the deleted; a number of days, or always
    #[arg(long, value_name = "DAYS", value_parser = days_or_always)]
    keep_history: Option<Limit>,
    /// How long inactive users are kept after their last change; a number of days, or always
    #[arg(long, value_name = "DAYS", value_parser = days_or_always)]
    keep_inactive: Option<Limit>,
    /// Whether a second group of the same name is taken
    #[arg(long, value_name = "BOOL")]
    same_group_names: Option<bool>,
    /// Whether a person who comes back gets the id of before; never for strict tokens
    #[arg(long, value_name = "BOOL")]
    restore_returning: Option<bool>,
    /// Warn when more people than this are deactivated within an hour; a number, or off
    #[arg(long, value_name = "N", value_parser = number_or_off)]
    warn_people: Option<Limit>,
    /// Warn when more than this share of the people is deactivated within an hour, such as 10%; or off
    #[arg(long, value_name = "PERCENT", value_parser = percent_or_off)]
    warn_percent: Option<Limit>,
}

/// A number, or no limit.
type Limit = Option<u32>;

impl Choices {
    fn apply(&self, chosen: &mut TeamSettings) {
        fn set<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(value) = from {
                *to = value.clone();
            }
        }
        set(&mut chosen.keep_requests, &self.keep_requests);
        set(&mut chosen.request_bytes, &self.request_size);
        set(&mut chosen.keep_history, &self.keep_history);
        set(&mut chosen.keep_inactive, &self.keep_inactive);
        set(&mut chosen.same_group_names, &self.same_group_names);
        set(&mut chosen.restore_returning, &self.restore_returning);
        set(&mut chosen.warn_people, &self.warn_people);
        set(&mut chosen.warn_percent, &self.warn_percent);
    }
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    let (service, actor) = (&desk.service, &desk.actor);
    match command {
        Command::Create { name } => {
            let team = service.create_team(actor, &name).await?;
            Ok(format!("made the team \"{}\"\n", team.name))
        }
        Command::List => list(desk),
        Command::Rename { name, new_name } => {
            let team = service.team_named(Some(&name))?;
            let renamed = service.rename_team(actor, team.id, &new_name).await?;
            Ok(format!("renamed the team \"{}\" to \"{}\"\n", team.name, renamed.name))
        }
        Command::Remove { name } => {
            let team = service.team_named(Some(&name))?;
            service.remove_team(actor, team.id).await?;
            Ok(format!(
                "removed the team \"{}\"; its tokens are refused from now on, and its data is erased after {BACK_DAYS} \
                 days. Until then it comes back with: scimd team restore {}\n",
                team.name, team.slug
            ))
        }
        Command::Restore { name } => {
            let team = service.removed_team_named(&name)?;
            let team = service.restore_team(actor, team.id).await?;
            Ok(format!("the team \"{}\" is back, and its tokens work as before\n", team.name))
        }
        Command::Show(of) => {
            let team = desk.team(&of)?;
            Ok(told(&service.team_settings(team.id)?))
        }
        Command::Set(set) => {
            let team = desk.team(&set.of)?;
            let change = Box::new(move |chosen: &mut TeamSettings| set.choices.apply(chosen));
            Ok(told(&service.change_team(actor, team.id, None, change).await?))
        }
    }
}

fn list(desk: &Desk) -> Result<String, Failure> {
    let mut rows = Vec::new();
    for team in desk.service.teams()? {
        rows.push([team.name, team.slug, team.created.render(), String::new()]);
    }
    for team in desk.service.removed_teams()? {
        let until = team
            .removed
            .map(|removed| format!("removed, can come back until {}", back_until(removed).render()));
        rows.push([team.name, team.slug, team.created.render(), until.unwrap_or_default()]);
    }
    Ok(table(["name", "short name", "created", ""], &rows))
}

fn told(chosen: &TeamSettings) -> String {
    let rows = team_settings::lines(chosen).map(|(name, value)| [name.to_owned(), value]);
    table(["setting", "value"], &rows)
}

fn number(text: &str, words: &str) -> Result<u32, String> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| words.to_owned()),
        false => Err(words.to_owned()),
    }
}

fn days(text: &str) -> Result<u32, String> {
    number(text.strip_suffix('d').unwrap_or(text), "write a number of days, such as 400d")
}

fn days_or_always(text: &str) -> Result<Limit, String> {
    match text {
        "always" => Ok(None),
        _ => number(text.strip_suffix('d').unwrap_or(text), "write a number of days, such as 90d, or always")
            .map(Some),
    }
}

fn number_or_off(text: &str) -> Result<Limit, String> {
    match text {
        "off" => Ok(None),
        _ => number(text, "write a number of people, such as 10, or off").map(Some),
    }
}

fn percent_or_off(text: &str) -> Result<Limit, String> {
    match text {
        "off" => Ok(None),
        _ => number(text.strip_suffix('%').unwrap_or(text), "write a percentage, such as 10%, or off")
            .map(Some),
    }
}

/// Reads `500M` or `2G`; the letters count in 1024s.
fn size(text: &str) -> Result<u64, String> {
    let words = "write a number followed by M or G, such as 500M";
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'M' | b'm') => (&text[..text.len() - 1], MIB),
        Some(b'G' | b'g') => (&text[..text.len() - 1], MIB << 10),
        _ => return Err(words.to_owned()),
    };
    Ok(u64::from(number(digits, words)?) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_show_writes_them() {
        assert_eq!((days("400d"), days("30")), (Ok(400), Ok(30)));
        assert_eq!((days_or_always("always"), days_or_always("7d")), (Ok(None), Ok(Some(7))));
        assert_eq!((number_or_off("off"), number_or_off("12")), (Ok(None), Ok(Some(12))));
        assert_eq!((percent_or_off("5%"), percent_or_off("5")), (Ok(Some(5)), Ok(Some(5))));
        assert_eq!((size("500M"), size("2g")), (Ok(500 << 20), Ok(2 << 30)));
        for text in ["", "d", "-1d", "+1d", "1w", "é", "99999999999", "ever"] {
            assert!(days(text).is_err() && days_or_always(text).is_err() && size(text).is_err(), "{text}");
            assert!(number_or_off(text).is_err() && percent_or_off(text).is_err(), "{text}");
        }
    }
}

//! `scimd team`: make, list, rename and remove teams.

use clap::Subcommand;

use super::Desk;
use super::table::table;
use crate::serve::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a team
    Create {
        /// Its name
        name: String,
    },
    /// List the teams
    List,
    /// Give a team another name; its address on the page stays
    Rename {
        /// The name it has
        name: String,
        /// The name it shall have
        new_name: String,
    },
    /// Remove a team: its tokens stop at once
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    let (service, actor) = (&desk.service, &desk.actor);
    match command {
        Command::Create { name } => {
            let team = service.create_team(actor, &name).await?;
            Ok(format!("made the team \"{}\"\n", team.name))
        }
        Command::List => {
            let rows: Vec<_> = service
                .teams()?
                .into_iter()
                .map(|team| [team.name, team.slug, team.created.render()])
                .collect();
            Ok(table(["name", "short name", "created"], &rows))
        }
        Command::Rename { name, new_name } => {
            let team = service.team_named(Some(&name))?;
            let renamed = service.rename_team(actor, team.id, &new_name).await?;
            Ok(format!("renamed the team \"{}\" to \"{}\"\n", team.name, renamed.name))
        }
        Command::Remove { name } => {
            let team = service.team_named(Some(&name))?;
            service.remove_team(actor, team.id).await?;
            Ok(format!("removed the team \"{}\"; its tokens are refused from now on\n", team.name))
        }
    }
}

//! `scimd schema`: load schema extensions for a team, list and remove them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::table::table;
use super::{Desk, OfTeam};
use crate::scim::{Kind, json};
use crate::serve::Failure;
use crate::service::schemas::Added;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Load a schema extension, or a changed one of the same URN
    Add(Add),
    /// List the team's own schemas
    List(OfTeam),
    /// Remove a schema that no user or group uses
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// The schema document as JSON (RFC 7643 §7)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it extends
    #[arg(long = "for", value_enum, default_value = "User", ignore_case = true)]
    kind: For,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
pub(super) struct Remove {
    /// The schema's URN
    urn: String,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    #[value(name = "User")]
    User,
    #[value(name = "Group")]
    Group,
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    match command {
        Command::Add(add) => load(desk, add).await,
        Command::List(of) => list(desk, &of).await,
        Command::Remove(remove) => {
            let team = desk.team(&remove.of)?;
            let urn = desk.service.remove_schema(&desk.actor, team.id, &remove.urn).await?;
            Ok(format!("removed {urn} from the team \"{}\"\n", team.name))
        }
    }
}

async fn load(desk: &Desk, add: Add) -> Result<String, Failure> {
    let team = desk.team(&add.of)?;
    let kind = match add.kind {
        For::User => Kind::User,
        For::Group => Kind::Group,
    };
    let document = read(&add.file)?;
    let (urn, added) = desk
        .service
        .add_schema(&desk.actor, team.id, kind, document)
        .await
        .map_err(|error| Failure::plain(format!("{}: {error}", add.file.display())))?;
    let (kind, team) = (kind.name(), team.name);
    Ok(match added {
        Added::New => format!("added {urn} for {kind} to the team \"{team}\"\n"),
        Added::Changed => format!("changed {urn} of the team \"{team}\"\n"),
        Added::Unchanged => format!("the team \"{team}\" has {urn} already, just so; nothing was changed\n"),
    })
}

async fn list(desk: &Desk, of: &OfTeam) -> Result<String, Failure> {
    let team = desk.team(of)?;
    let rows: Vec<_> = desk
        .service
        .team_schemas(team.id)
        .await?
        .into_iter()
        .map(|(schema, uses)| {
            [schema.urn, schema.kind.name().to_owned(), uses.to_string(), schema.changed.render()]
        })
        .collect();
    Ok(table(["schema", "for", "used by", "changed"], &rows))
}

fn read(file: &Path) -> Result<serde_json::Value, Failure> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::plain(format!("cannot read {}: {error}", file.display())))?;
    json::parse(&bytes).map_err(|error| Failure::plain(format!("{}: {}", file.display(), error.detail)))
}

//! `scimd compare`: a provider's export against the directory. What is compared, and how, is the service's.

use std::path::PathBuf;

use clap::Args;

use super::terminal::printable;
use super::{Desk, Done, OfTeam};
use crate::serve::Failure;
use crate::service::compare::Export;

#[derive(Args, Debug)]
pub(super) struct Compare {
    /// The provider's export: CSV with a heading line
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// The group whose members the file lists, where it does not say so itself
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    of: OfTeam,
}

pub(super) async fn run(desk: &Desk, compare: Compare) -> Result<Done, Failure> {
    let team = desk.team(&compare.of)?;
    let bytes = std::fs::read(&compare.file)
        .map_err(|error| Failure::plain(format!("{} cannot be read: {error}", compare.file.display())))?;
    let export = Export::read(&bytes, compare.group.as_deref())
        .map_err(|error| Failure::plain(format!("{}: {error}", compare.file.display())))?;
    let found = desk.service.compare(team.id, &export).await?;
    if found.is_empty() {
        return Ok(
            format!("equal: {} users and groups of the file are here as it says\n", found.compared).into()
        );
    }
    let mut text = String::new();
    for (what, list) in found.lists() {
        if !list.is_empty() {
            text.push_str(&format!("{what}: {}\n", list.len()));
            text.extend(list.iter().map(|line| format!("  {}\n", printable(&line.to_string()))));
        }
    }
    Ok(Done { text, good: false })
}

//! `scimd token`: make, list, rotate and revoke provisioning tokens.

use clap::{Args, Subcommand};

use super::table::table;
use super::{Desk, OfTeam, life};
use crate::base::secret::masked;
use crate::serve::Failure;
use crate::service::{Expiry, NewToken};
use crate::store::Token;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, alone, this once
    Create(Create),
    /// List the team's tokens
    List(OfTeam),
    /// Count the leniencies that each token's requests needed: what its provider sends beside the RFCs
    Leniencies(OfTeam),
    /// Make a token that takes over name and rights of another, which works on for 7 days; print it, alone, this once
    Rotate(Rotate),
    /// Revoke a token: it is refused from the next request on
    Revoke(Revoke),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// What the token is for, such as JumpCloud
    #[arg(long)]
    name: String,
    /// How long it lives: 365d, 12h, 30m or never
    #[arg(long, default_value = "365d", value_name = "LIFE", value_parser = life::parse)]
    expires: Expiry,
    /// It may read but not change anything
    #[arg(long)]
    read_only: bool,
    /// Exactly the RFCs, without the leniencies toward identity providers
    #[arg(long)]
    strict: bool,
    /// The source whose users and groups it owns; its own name unless said
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Two to four small letters that show in the token, such as eu
    #[arg(long, value_name = "LETTERS")]
    region: Option<String>,
    /// The id of the user that /Me stands for
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
pub(super) struct Rotate {
    /// The old token's name, or its number in the list
    token: String,
    /// How long the new one lives: 365d, 12h, 30m or never
    #[arg(long, default_value = "365d", value_name = "LIFE", value_parser = life::parse)]
    expires: Expiry,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
pub(super) struct Revoke {
    /// The token's name, or its number in the list
    token: String,
    #[command(flatten)]
    of: OfTeam,
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    match command {
        Command::Create(create) => make(desk, create).await,
        Command::List(of) => list(desk, &of),
        Command::Leniencies(of) => leniencies(desk, &of),
        Command::Rotate(rotate) => {
            let team = desk.team(&rotate.of)?;
            let old = desk.service.token_named(team.id, &rotate.token)?;
            let (_, text) = desk.service.rotate_token(&desk.actor, team.id, old.n, rotate.expires).await?;
            Ok(text + "\n")
        }
        Command::Revoke(revoke) => {
            let team = desk.team(&revoke.of)?;
            let token = desk.service.token_named(team.id, &revoke.token)?;
            let token = desk.service.revoke_token(&desk.actor, team.id, token.n).await?;
            Ok(format!("revoked {} \"{}\"\n", masked(&token.last4, token.region.as_deref()), token.name))
        }
    }
}

async fn make(desk: &Desk, create: Create) -> Result<String, Failure> {
    let team = desk.team(&create.of)?;
    let new = NewToken {
        name: create.name,
        source: create.source,
        expires: create.expires,
        read_only: create.read_only,
        strict: create.strict,
        region: create.region,
        user: create.user,
    };
    let (_, text) = desk.service.create_token(&desk.actor, team.id, new).await?;
    Ok(text + "\n")
}

fn list(desk: &Desk, of: &OfTeam) -> Result<String, Failure> {
    let team = desk.team(of)?;
    let tokens = desk.service.tokens(team.id)?;
    if tokens.is_empty() {
        return Ok(format!(
            "the team \"{}\" has no token; make one: scimd token create --name JumpCloud\n",
            team.name
        ));
    }
    let now = desk.service.clock().now();
    let rows: Vec<_> = tokens.iter().map(|token| row(token, now)).collect();
    Ok(table(["n", "name", "token", "kind", "provider", "state", "created", "expires", "last used"], &rows))
}

fn leniencies(desk: &Desk, of: &OfTeam) -> Result<String, Failure> {
    let team = desk.team(of)?;
    let tokens = desk.service.tokens(team.id)?;
    let name = |n: i64| tokens.iter().find(|token| token.n == n).map(|token| token.name.clone());
    let used = desk.service.leniencies(team.id)?;
    if used.is_empty() {
        return Ok("no request needed a leniency\n".to_owned());
    }
    let rows: Vec<_> = used
        .into_iter()
        .map(|one| {
            [name(one.token).unwrap_or_default(), one.name, one.requests.to_string(), one.last.render()]
        })
        .collect();
    Ok(table(["token", "leniency", "requests", "last"], &rows))
}

fn row(token: &Token, now: crate::base::Timestamp) -> [String; 9] {
    let kind = match (token.strict, token.read_only) {
        (true, true) => "strict, read-only",
        (true, false) => "strict",
        (false, true) => "read-only",
        (false, false) => "compat",
    };
    let state = match (token.revoked, token.expires) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "active",
    };
    let used = match &token.used {
        Some(used) => format!("{} from {} ({})", used.at.render(), used.address, used.user_agent),
        None => "never".to_string(),
    };
    [
        token.n.to_string(),
        token.name.clone(),
        masked(&token.last4, token.region.as_deref()),
        kind.to_string(),
        token.provider.clone().unwrap_or_default(),
        state.to_string(),
        token.created.render(),
        token.expires.map_or("never".to_string(), |end| end.render()),
        used,
    ]
}

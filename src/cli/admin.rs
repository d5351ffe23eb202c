//! `scimd admin`: make and list the page's administrators, and reset a password.

use std::io::{IsTerminal, Read};

use clap::{Args, Subcommand};

use super::Desk;
use super::table::table;
use crate::serve::Failure;

/// More than any password; a file given by mistake ends here.
const LONGEST_INPUT: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an administrator
    Create {
        #[command(flatten)]
        who: Who,
        /// Sees everything and changes nothing
        #[arg(long)]
        read_only: bool,
    },
    /// List the administrators
    List,
    /// Set another password and end every session of the administrator
    ResetPassword {
        #[command(flatten)]
        who: Who,
    },
    /// Remove the second step of an administrator who lost phone and recovery codes, and end their sessions
    ResetSecondStep {
        /// The e-mail address with which the administrator signs in
        #[arg(long, value_name = "ADDRESS")]
        email: String,
    },
    /// Ask administrators with full access for the second step
    RequireSecondStep {
        /// Who must have it
        #[arg(value_enum)]
        of: Of,
    },
}

/// Who must have the second step.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Everyone with full access
    Full,
    /// Nobody
    Nobody,
}

#[derive(Args, Debug)]
pub(super) struct Who {
    /// The e-mail address with which the administrator signs in
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    let (service, actor) = (&desk.service, &desk.actor);
    match command {
        Command::Create { who, read_only } => {
            let admin = service.create_admin(actor, &who.email, &password(&who)?, read_only).await?;
            let kind = if read_only { "read-only administrator" } else { "administrator" };
            Ok(format!("made the {kind} {}\n", admin.email))
        }
        Command::List => {
            let second = service.second_steps()?;
            let rows: Vec<_> = service
                .admins()?
                .into_iter()
                .map(|admin| {
                    let may = if admin.read_only { "read" } else { "everything" };
                    let step = if second.contains(&admin.n) { "on" } else { "off" };
                    [admin.email, admin.name, may.to_string(), step.to_string(), admin.created.render()]
                })
                .collect();
            Ok(table(["e-mail", "name", "may", "second step", "created"], &rows))
        }
        Command::ResetPassword { who } => {
            let admin = service.reset_admin_password(actor, &who.email, &password(&who)?).await?;
            Ok(format!("set the password of {} and ended every session\n", admin.email))
        }
        Command::ResetSecondStep { email } => {
            let admin = service.reset_second_step(actor, &email).await?;
            Ok(format!("removed the second step of {} and ended every session\n", admin.email))
        }
        Command::RequireSecondStep { of } => {
            service.require_second_step(actor, of == Of::Full).await?;
            Ok(match of {
                Of::Full => {
                    "everyone with full access must set up the second step before changing anything\n".into()
                }
                Of::Nobody => "the second step is up to each administrator\n".into(),
            })
        }
    }
}

/// The password: one line of standard input, or asked for twice without showing it.
fn password(who: &Who) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| Failure::plain(format!("could not read the password: {error}"));
    if who.password_stdin {
        let mut text = String::new();
        std::io::stdin().take(LONGEST_INPUT).read_to_string(&mut text).map_err(unreadable)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        return Ok(line.strip_suffix('\r').unwrap_or(line).to_string());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask for the password on; pipe it in with --password-stdin",
        ));
    }
    let first = rpassword::prompt_password(format!("Password for {}: ", who.email)).map_err(unreadable)?;
    let second = rpassword::prompt_password("The same again: ").map_err(unreadable)?;
    if first != second {
        return Err(Failure::plain("the two passwords differ; nothing was changed"));
    }
    Ok(first)
}

//! The command line: reads it, chooses a command, and says in one sentence what went wrong. What commands do to the
//! directory is the service's; serving is `serve`'s.

mod activity;
mod admin;
mod check;
mod compare;
mod life;
mod lines;
mod narrow;
mod schema;
mod selftest;
mod table;
mod team;
mod terminal;
mod token;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::base::{Clock, Ids};
use crate::config::{ConfigFile, Place, Settings};
use crate::serve::{self, Failure};
use crate::service::{Actor, Options, Service};
use crate::store::{self, Team};

/// scimd keeps a company's directory: identity providers push users and groups into it over SCIM 2.0.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "scimd", version, infer_subcommands = false, subcommand_required = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve SCIM and the admin page (this is what scimd does without a command)
    Serve(Box<Settings>),
    /// Make, list and revoke the tokens with which identity providers sign in
    #[command(subcommand)]
    Token(token::Command),
    /// Make, list, rename and remove teams, bring one back, and change what a team has chosen
    #[command(subcommand)]
    Team(team::Command),
    /// Load, list and remove schema extensions of a team
    #[command(subcommand)]
    Schema(schema::Command),
    /// Make and list the administrators of the page, and reset a password
    #[command(subcommand)]
    Admin(admin::Command),
    /// Show what providers asked and what became of it, or the history of one user or group
    #[command(subcommand)]
    Activity(activity::Command),
    /// Compare a provider's export (CSV) with the directory; nothing is changed, exit status 1 when they differ
    Compare(compare::Compare),
    /// Play an identity provider's requests against a SCIM server and print what passed and what failed
    Selftest(selftest::Selftest),
    /// Read the whole database and say whether it is sound
    Check,
    /// Print what every setting means, as Markdown
    Settings,
}

/// For which team a command works.
#[derive(Args, Clone, Debug)]
struct OfTeam {
    /// The team; may be left out while there is only one
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
}

/// Runs the command line and answers with the exit status.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match try_run(args) {
        Ok(done) => {
            let said = say(&done.text);
            if done.good { said } else { ExitCode::FAILURE }
        }
        Err(failure) => {
            eprintln!("scimd: {failure}");
            ExitCode::from(failure.status)
        }
    }
}

/// Prints what a command has to say; a reader that has gone away is no reason to panic.
fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What a command came to: its words, and whether all is well.
struct Done {
    text: String,
    good: bool,
}

impl From<String> for Done {
    fn from(text: String) -> Done {
        Done { text, good: true }
    }
}

fn try_run(args: Vec<OsString>) -> Result<Done, Failure> {
    let Some(Cli { place, command }) = parse(with_default_command(args))? else {
        return Ok(String::new().into());
    };
    let place = &place;
    match command {
        Command::Serve(settings) => serve::run(place, &settings).map(|()| String::new().into()),
        Command::Settings => Ok(crate::config::reference().into()),
        Command::Check => check::run(place).map(Done::from),
        Command::Compare(command) => on_directory(place, async |desk| compare::run(desk, command).await),
        Command::Selftest(command) if command.is_elsewhere() => {
            one_thread()?.block_on(selftest::elsewhere(command))
        }
        Command::Selftest(command) => {
            on_directory(place, async |desk| selftest::at_home(desk, command).await)
        }
        Command::Activity(command) => {
            on_directory(place, async |desk| activity::run(desk, command).await.map(Done::from))
        }
        Command::Token(command) => {
            on_directory(place, async |desk| token::run(desk, command).await.map(Done::from))
        }
        Command::Team(command) => {
            on_directory(place, async |desk| team::run(desk, command).await.map(Done::from))
        }
        Command::Schema(command) => {
            on_directory(place, async |desk| schema::run(desk, command).await.map(Done::from))
        }
        Command::Admin(command) => {
            on_directory(place, async |desk| admin::run(desk, command).await.map(Done::from))
        }
    }
}

/// Puts `serve` in where no command is named.
fn with_default_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let cli = Cli::command();
    let is_command = |arg: &OsString| arg == "help" || cli.get_subcommands().any(|sub| arg == sub.get_name());
    let is_about_all = |arg: &OsString| ["-h", "--help", "-V", "--version"].iter().any(|flag| arg == flag);
    let options_first = args.get(1).is_none_or(|arg| arg.to_string_lossy().starts_with('-'));
    if options_first && !args.iter().skip(1).any(|arg| is_command(arg) || is_about_all(arg)) {
        args.insert(1.min(args.len()), "serve".into());
    }
    args
}

/// Reads flags, environment and file. `None`: help or the version was asked for and printed.
fn parse(args: Vec<OsString>) -> Result<Option<Cli>, Failure> {
    // The file is named by a flag or a variable, and its values are needed before the rest can be read.
    let named = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(&args)
        .ok()
        .and_then(|matches| matches.try_get_one::<std::path::PathBuf>("config").ok().flatten().cloned());
    let file = ConfigFile::find(named.as_deref()).map_err(|error| Failure::usage(error.to_string()))?;
    let known = Settings::augment_args(Place::augment_args(clap::Command::new("scimd")));
    let command = file.apply(Cli::command(), &known).map_err(|error| Failure::usage(error.to_string()))?;
    match command.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Some(cli)),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            say(&error.render().to_string());
            Ok(None)
        }
        Err(error) => Err(Failure::usage(in_words(&error, &file))),
    }
}

/// clap's words, with the file named when the refused value stands there.
fn in_words(error: &clap::Error, file: &ConfigFile) -> String {
    let rendered = error.render().to_string();
    let text = rendered.trim_start_matches("error: ").trim_end();
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let flag = context(ContextKind::InvalidArg).and_then(|arg| arg.split_whitespace().next());
    let value = context(ContextKind::InvalidValue);
    let origin =
        flag.zip(value).and_then(|(flag, value)| file.origin_of(flag.trim_start_matches('-'), value));
    match origin {
        Some(path) => format!("{}: {text}", path.display()),
        None => text.to_string(),
    }
}

/// What a command that works on the directory has at hand.
struct Desk {
    service: Service,
    actor: Actor,
}

impl Desk {
    fn team(&self, of: &OfTeam) -> Result<Team, Failure> {
        Ok(self.service.team_named(of.team.as_deref())?)
    }
}

fn one_thread() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::plain(format!("could not start: {error}")))
}

/// Opens the database, beside a running server or without one, runs the command and closes it again.
fn on_directory<T>(
    place: &Place,
    command: impl AsyncFnOnce(&Desk) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let user = invoking_user();
    serve::prepare(&place.data_dir)?;
    one_thread()?.block_on(async {
        let clock = Clock::system();
        let ids = Ids::random(clock.clone());
        let options = store::Options { clock: clock.clone(), ids: ids.clone(), ..Default::default() };
        let store = serve::open(&place.data_dir, options)?;
        let service = Service::new(store.clone(), Options { clock, ids, ..Options::default() });
        let desk = Desk { service, actor: Actor::CommandLine { user } };
        let result = match desk.service.ensure_team().await {
            Ok(()) => command(&desk).await,
            Err(error) => Err(error.into()),
        };
        store.close();
        result
    })
}

/// Who runs the command, for the audit: behind sudo the person, not root.
fn invoking_user() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| {
            let uid = rustix::process::getuid().as_raw().to_string();
            let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
            account_of(&accounts, &uid).map_or_else(|| format!("uid {uid}"), str::to_owned)
        })
}

/// The account with a number, among those of passwd(5): the environment of a service or of `sudo -u` may not tell.
fn account_of<'a>(accounts: &'a str, uid: &str) -> Option<&'a str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid) && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaulted(args: &[&str]) -> Vec<String> {
        let args = args.iter().map(OsString::from).collect();
        with_default_command(args).into_iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn whoever_the_environment_does_not_name_is_named_by_the_account() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nscimd:x:998:998::/var/lib/scimd:/usr/sbin/nologin\n:x:7:7::/:\n";
        assert_eq!(
            ["0", "998", "7", "99"].map(|uid| account_of(accounts, uid)),
            [Some("root"), Some("scimd"), None, None]
        );
    }

    #[test]
    fn no_command_means_serve() {
        Cli::command().debug_assert();
        assert_eq!(defaulted(&["scimd"]), ["scimd", "serve"]);
        assert_eq!(defaulted(&["scimd", "--tls", "off"]), ["scimd", "serve", "--tls", "off"]);
        for args in [
            &["scimd", "--help"][..],
            &["scimd", "check"],
            &["scimd", "--data-dir", "x", "token", "list"],
            &["scimd", "tokn"],
        ] {
            assert_eq!(defaulted(args), args);
        }
    }

    #[test]
    fn the_directory_may_stand_on_either_side_of_the_command() {
        for args in [["scimd", "--data-dir", "x", "check"], ["scimd", "check", "--data-dir", "x"]] {
            let cli = Cli::try_parse_from(args).expect("valid");
            assert_eq!(cli.place.data_dir, std::path::PathBuf::from("x"));
        }
    }
}

//! `scimd activity`: what providers asked and what became of it, as it comes in or for one user or group.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::table::printable;
use super::{Desk, OfTeam};
use crate::serve::Failure;
use crate::store::{ActivityRow, Team};

/// How often --follow looks.
const LOOK: Duration = Duration::from_millis(300);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the last requests, refused ones too: time, status, token, what happened, request id
    Tail(Tail),
    /// Print every change of one user or group, oldest first
    Of(Of),
}

#[derive(Args, Debug)]
pub(super) struct Tail {
    /// Go on printing as requests come in
    #[arg(long, short)]
    follow: bool,
    /// How many requests to begin with
    #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    lines: u32,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
pub(super) struct Of {
    /// An id, a userName or a group's name, present or former
    #[arg(value_name = "ID")]
    who: String,
    #[command(flatten)]
    of: OfTeam,
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    match command {
        Command::Tail(tail) => follow(desk, &tail).await,
        Command::Of(of) => {
            let team = desk.team(&of.of)?;
            let history = desk.service.history(team.id, &of.who).await?;
            let mut names = Names::new(desk, &team);
            let gone = if history.deleted { ", deleted" } else { "" };
            let heading =
                format!("{} ({} {}{gone})\n", printable(&history.name), history.kind.name(), history.id);
            let lines: Vec<String> = history.rows.iter().map(|row| names.line(row)).collect();
            Ok(heading + &lines.concat())
        }
    }
}

async fn follow(desk: &Desk, tail: &Tail) -> Result<String, Failure> {
    let team = desk.team(&tail.of)?;
    let mut names = Names::new(desk, &team);
    // The highest number there is now; what is listed by time may have been written in another order.
    let recent = desk.service.last_requests(team.id, tail.lines.max(200)).await?;
    let mut last = recent.iter().map(|row| row.n).max().unwrap_or(0);
    let first = recent.len().saturating_sub(tail.lines as usize);
    let text: String = recent[first..].iter().map(|row| names.line(row)).collect();
    if !tail.follow {
        return Ok(text);
    }
    let mut out = std::io::stdout();
    let mut print = |text: &str| out.write_all(text.as_bytes()).and_then(|()| out.flush());
    // A reader that has gone away ends it, as does Ctrl-C.
    let mut there = print(&text).is_ok();
    while there {
        tokio::time::sleep(LOOK).await;
        for row in desk.service.requests_after(team.id, last)? {
            last = row.n;
            there = there && print(&names.line(&row)).is_ok();
        }
    }
    Ok(String::new())
}

/// Names of tokens, by their number.
struct Names<'a> {
    desk: &'a Desk,
    team: &'a Team,
    tokens: HashMap<i64, String>,
}

impl<'a> Names<'a> {
    fn new(desk: &'a Desk, team: &'a Team) -> Names<'a> {
        Names { desk, team, tokens: HashMap::new() }
    }

    fn token(&mut self, n: i64) -> String {
        if !self.tokens.contains_key(&n) {
            let tokens = self.desk.service.tokens(self.team.id).unwrap_or_default();
            self.tokens.extend(tokens.into_iter().map(|token| (token.n, token.name)));
        }
        self.tokens.get(&n).cloned().unwrap_or_else(|| format!("token {n}"))
    }

    /// `time  status  token  what happened (note)  request id`
    fn line(&mut self, row: &ActivityRow) -> String {
        let activity = &row.activity;
        let token = activity.token.map_or_else(|| "no token".to_owned(), |n| self.token(n));
        let note = match activity.note.is_empty() {
            true => String::new(),
            false => format!(" ({})", activity.note),
        };
        let line = format!(
            "{}  {}  {token}  {}{note}  {}",
            activity.at.render(),
            activity.status,
            activity.sentence,
            activity.request
        );
        printable(&line) + "\n"
    }
}

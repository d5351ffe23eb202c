//! `scimd activity`: what providers asked and what became of it, as it comes in, by words, for one user or group, or to take
//! away.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::lines::Lines;
use super::narrow::Narrow;
use super::terminal::printable;
use super::{Desk, OfTeam};
use crate::scim::Kind;
use crate::serve::Failure;
use crate::service::export::{Format, Taken};
use crate::service::history::State;
use crate::service::sentence::count;
use crate::store::ActivityQuery;

/// How often --follow looks.
const LOOK: Duration = Duration::from_millis(300);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the last requests, refused ones too: time, status, token, what happened, request id
    Tail(Tail),
    /// Find requests by words or beginnings of words: of persons, groups, ids, sentences
    Search(Search),
    /// Print every change of one user or group, oldest first
    Of(Of),
    /// Write requests as NDJSON or CSV, newest first; it is noted in the audit
    Export(Take),
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
    narrow: Narrow,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
pub(super) struct Search {
    #[command(flatten)]
    text: Text,
    /// How many requests to print at most, the newest
    #[arg(long, short = 'n', default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    lines: u32,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
struct Text {
    /// What to look for; every word must be there
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Look for the text in the bodies of requests and answers, within one hour: name it with --from and --to
    #[arg(long)]
    in_bodies: bool,
}

#[derive(Args, Debug)]
pub(super) struct Of {
    /// An id, a userName or a group's name, present or former
    #[arg(value_name = "ID")]
    who: String,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Args, Debug)]
pub(super) struct Take {
    /// One JSON object a line, or a table for spreadsheets
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: TakeAs,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    of: OfTeam,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TakeAs {
    Ndjson,
    Csv,
}

impl Text {
    fn query(&self, query: ActivityQuery) -> ActivityQuery {
        let text = self.text.join(" ");
        ActivityQuery { text: Some(text).filter(|text| !text.trim().is_empty()), ..query }
    }
}

pub(super) async fn run(desk: &Desk, command: Command) -> Result<String, Failure> {
    match command {
        Command::Tail(tail) => follow(desk, &tail).await,
        Command::Search(search) => find(desk, &search).await,
        Command::Of(of) => history(desk, &of).await,
        Command::Export(take) => export(desk, &take).await,
    }
}

async fn history(desk: &Desk, of: &Of) -> Result<String, Failure> {
    let team = desk.team(&of.of)?;
    let history = desk.service.history(team.id, &of.who).await?;
    let mut lines = Lines::new(desk, &team);
    let who = &history.who;
    let mut text = format!("{} ({} {})", who.name, who.kind.name(), who.id);
    text.push_str(&match &who.state {
        State::Deleted(gone) => format!(", deleted at {}", gone.at.render()),
        State::Here { active, groups } => {
            let active = match (who.kind, active) {
                (Kind::Group, _) => "",
                (Kind::User, true) => ", active",
                (Kind::User, false) => ", inactive",
            };
            match groups.as_slice() {
                [] => active.to_owned(),
                groups => {
                    format!("{active}, in {}: {}", count(groups.len() as u64, "group"), groups.join(", "))
                }
            }
        }
    });
    let mut text = printable(&text) + "\n";
    for told in &history.told {
        text.push_str(&lines.told(told));
    }
    if !who.namesakes.is_empty() {
        text.push_str(&format!("Others have or had this name: {}\n", who.namesakes.join(", ")));
    }
    Ok(text)
}

async fn find(desk: &Desk, search: &Search) -> Result<String, Failure> {
    let team = desk.team(&search.of)?;
    let query = search.text.query(search.narrow.query(desk, &team, search.lines)?);
    let found = match search.text.in_bodies {
        true => desk.service.requests_in_bodies(team.id, query).await?,
        false => desk.service.requests(team.id, query).await?,
    };
    let mut lines = Lines::new(desk, &team);
    let mut text: String = found.rows.iter().rev().map(|row| lines.line(row)).collect();
    if let Some((at, _)) = found.next {
        text.push_str(&format!(
            "There may be more before {}; narrow the search or end it there with --to.\n",
            at.render()
        ));
    }
    Ok(text)
}

async fn export(desk: &Desk, take: &Take) -> Result<String, Failure> {
    let team = desk.team(&take.of)?;
    let query = take.text.query(take.narrow.query(desk, &team, 0)?);
    let format = match take.format {
        TakeAs::Ndjson => Format::Ndjson,
        TakeAs::Csv => Format::Csv,
    };
    let filter = query.text.clone().unwrap_or_default();
    let taken = Taken::Requests { query, in_bodies: take.text.in_bodies };
    let mut export = desk.service.export(&desk.actor, team.id, taken, format, &filter).await?;
    let mut out = std::io::stdout();
    while let Some(bytes) = export.next().await? {
        if out.write_all(&bytes).is_err() {
            // The reader has what it wants.
            break;
        }
    }
    Ok(String::new())
}

async fn follow(desk: &Desk, tail: &Tail) -> Result<String, Failure> {
    let team = desk.team(&tail.of)?;
    let mut lines = Lines::new(desk, &team);
    // The highest number there is now; what is listed by time may have been written in another order.
    let query = tail.narrow.query(desk, &team, tail.lines.max(200))?;
    let recent = desk.service.last_requests(team.id, query).await?;
    let mut last = recent.iter().map(|row| row.n).max().unwrap_or(0);
    let first = recent.len().saturating_sub(tail.lines as usize);
    let text: String = recent[first..].iter().map(|row| lines.line(row)).collect();
    if !tail.follow {
        return Ok(text);
    }
    let query = tail.narrow.query(desk, &team, 1000)?;
    let mut out = std::io::stdout();
    let mut print = |text: &str| out.write_all(text.as_bytes()).and_then(|()| out.flush());
    // A reader that has gone away ends it, as does Ctrl-C.
    let mut there = print(&text).is_ok();
    while there {
        tokio::time::sleep(LOOK).await;
        for row in desk.service.requests_after(team.id, last, query.clone())? {
            last = row.n;
            there = there && print(&lines.line(&row)).is_ok();
        }
    }
    Ok(String::new())
}

//! `scimd selftest`: plays what an identity provider really sends against a SCIM server, line by line, and prints a sheet.
//! What is played, and what passes, is told in `selftest`.

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::terminal::printable;
use super::{Desk, Done, say};
use crate::http::client::Trust;
use crate::selftest::{Line, Subject, Which, summary};
use crate::serve::Failure;

#[derive(Args, Debug)]
pub(super) struct Selftest {
    /// The Base URL of the SCIM server
    #[arg(long, value_name = "BASE", default_value = "https://localhost:8443/scim")]
    url: String,
    /// The token to use; without one a team and a token are made here for the test and removed after it
    #[arg(long, value_name = "TOKEN", env = "SCIMD_SELFTEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Whose requests to play
    #[arg(long = "as", value_enum, default_value = "all")]
    provider: Provider,
    /// Take any certificate: for a server of your own with a self-signed one
    #[arg(long)]
    insecure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Provider {
    Jumpcloud,
    Okta,
    Entra,
    Onelogin,
    All,
}

impl Selftest {
    /// Whether it runs on a server of another directory, or of none.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.token.is_some()
    }
}

impl Provider {
    fn which(self) -> Which {
        match self {
            Provider::Jumpcloud => Which::Jumpcloud,
            Provider::Okta => Which::Okta,
            Provider::Entra => Which::Entra,
            Provider::Onelogin => Which::Onelogin,
            Provider::All => Which::All,
        }
    }
}

/// Plays with a team and a token of this directory, which are gone afterwards whatever happens.
pub(super) async fn at_home(desk: &Desk, selftest: Selftest) -> Result<Done, Failure> {
    let which = selftest.provider.which();
    let ground = desk.service.begin_selftest(&desk.actor, None, which.name()).await?;
    let mut score = Score::default();
    let played = play(&selftest, &ground.token, &mut score).await;
    desk.service.end_selftest(&desk.actor, &ground, score.passed, score.failed).await?;
    played.map(|complete| score.done(complete))
}

/// Plays with the given token.
pub(super) async fn elsewhere(selftest: Selftest) -> Result<Done, Failure> {
    let token = selftest.token.clone().unwrap_or_default();
    let mut score = Score::default();
    let complete = play(&selftest, &token, &mut score).await?;
    Ok(score.done(complete))
}

async fn play(selftest: &Selftest, token: &str, score: &mut Score) -> Result<bool, Failure> {
    let trust = if selftest.insecure { Trust::Anybody } else { Trust::System };
    let plain = |error: crate::http::client::NoAnswer| Failure::plain(error.to_string());
    let subject = Subject::new(&selftest.url, token, trust).map_err(plain)?;
    let stop = interruption()?;
    subject.play(selftest.provider.which(), &stop, &mut |line| score.tell(&line)).await.map_err(plain)
}

/// Turns true when somebody wants the command to end: it cleans up first.
fn interruption() -> Result<watch::Receiver<bool>, Failure> {
    let (stop, stopping) = watch::channel(false);
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals =
            signal(kind).map_err(|error| Failure::plain(format!("signals cannot be awaited: {error}")))?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.send_replace(true);
        });
    }
    Ok(stopping)
}

/// The sheet, printed as it grows.
#[derive(Default)]
struct Score {
    play: &'static str,
    passed: usize,
    failed: usize,
}

impl Score {
    fn tell(&mut self, line: &Line) {
        let mut text = String::new();
        if self.play != line.play {
            self.play = line.play;
            text.push_str(&format!("{}\n", line.play));
        }
        text.extend(line.to_string().lines().map(|line| format!("{}\n", printable(line))));
        if line.failure.is_none() {
            self.passed += 1
        } else {
            self.failed += 1
        }
        // Nobody may be reading any more; that is no reason to leave things behind.
        let _said = say(&text);
    }

    fn done(self, complete: bool) -> Done {
        let mut text = format!("{}\n", summary(self.passed, self.failed));
        if !complete {
            text.push_str("stopped before the end; what was made is deleted again\n");
        }
        Done { text, good: complete && self.failed == 0 }
    }
}

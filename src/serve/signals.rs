//! Signals from outside, and what is watched while the server runs: stop, certificate reload, the supervisor's watchdog,
//! a database that broke.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::{Failure, LOOK};
use crate::store::Store;
use crate::tls::Certificate;

/// Tells the supervisor that requests are answered.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells the supervisor that the end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Waits until the server shall stop: a signal (well), or a database that can no longer be trusted (a failure).
pub async fn wait(store: &Store, certificate: Option<&Certificate>) -> Result<(), Failure> {
    let (mut terminate, mut interrupt, mut hang_up) =
        (on(SignalKind::terminate())?, on(SignalKind::interrupt())?, on(SignalKind::hangup())?);
    let watchdog = sd_notify::watchdog_enabled();
    let mut pulse = interval(watchdog.map_or(Duration::from_secs(3600), |limit| limit / 2));
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut mark = certificate.map(Certificate::mark);
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => reload(certificate),
            _ = pulse.tick() => tell(&[NotifyState::Watchdog]),
            _ = look.tick() => {
                if let Some(problem) = store.broken() {
                    return Err(Failure::data(format!("the database is damaged: {problem}; restore a copy, then start again")));
                }
                let now = certificate.map(Certificate::mark);
                if now != mark {
                    mark = now;
                    reload(certificate);
                }
            }
        }
    }
}

/// Takes over a new certificate; a bad one changes nothing and is logged.
fn reload(certificate: Option<&Certificate>) {
    let Some(certificate) = certificate else { return };
    match certificate.reload() {
        Ok(true) => tracing::info!("a new certificate is in use"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the new certificate cannot be used; the old one stays"),
    }
}

fn on(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::plain(format!("cannot wait for signals: {error}")))
}

/// Speaks to systemd, where it listens.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "could not reach the supervisor");
    }
}

//! When the service's chores are done: counts every second, forgetting once a minute in small steps, measuring the disk
//! once an hour.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::service::Service;
use crate::service::chores::Retention;

const TICK: Duration = Duration::from_secs(1);
/// Forgetting begins at every so many ticks; what it leaves waits for the next tick.
const FORGET: u32 = 60;
/// The disk is measured at every so many ticks.
const MEASURE: u32 = 3600;
/// Between two steps of forgetting others may write.
const PAUSE: Duration = Duration::from_millis(50);
/// Steps at one tick: counts are written in between.
const STEPS: u32 = 16;

/// Does the chores until the server stops.
pub async fn run(service: Service, mut stopping: watch::Receiver<bool>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut tick, mut more) = (0u32, false);
    loop {
        tokio::select! {
            _ = stopping.changed() => break,
            _ = ticks.tick() => {}
        }
        service.write_counts();
        if tick.is_multiple_of(MEASURE) {
            tokio::spawn(measure(service.clone()));
        }
        if more || tick.is_multiple_of(FORGET) {
            more = forget(&service, &stopping).await;
        }
        tick = tick.wrapping_add(1);
    }
    // What was counted until now goes with the last commit.
    service.write_counts();
}

/// Measures the disk, which may take a while where the file is large.
async fn measure(service: Service) {
    if let Err(error) = service.measure_disk().await {
        tracing::warn!(%error, "the disk was not measured; it is tried again in an hour");
    }
}

/// Some steps of forgetting; answers whether there is more to do.
async fn forget(service: &Service, stopping: &watch::Receiver<bool>) -> bool {
    for _ in 0..STEPS {
        match service.forget_step(Retention::default()).await {
            Ok(true) if !*stopping.borrow() => sleep(PAUSE).await,
            Ok(_) => return false,
            Err(error) => {
                tracing::warn!(%error, "what is old was not forgotten; it is tried again in a minute");
                return false;
            }
        }
    }
    true
}

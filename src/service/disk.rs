//! The disk: how full it was on each day, when it will be full at that rate, and what the file is made of. The sizes are
//! noted once an hour; what the file is made of is read through once a day, beside everything else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Error, Service};
use crate::base::Timestamp;
use crate::store::{ReadTx, SizeDay, StoreError, Uses};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Sizes of more days than this are not kept.
const KEPT_DAYS: i64 = 100;
/// Days whose sizes tell how fast the disk fills.
const LOOKED_AT: usize = 60;
/// With records of fewer days than this nobody can tell.
const ENOUGH_DAYS: i64 = 7;
const USES: &str = "uses";

/// When the disk is full, as far as its sizes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// There are records of so many days only.
    TooEarly { days: i64 },
    /// It does not fill.
    Steady,
    /// Full after so many days.
    Full { days: i64 },
}

/// What is known of the disk.
#[derive(Debug, Default)]
pub struct Disk {
    /// How full it was on each day.
    pub days: Vec<SizeDay>,
    /// What the file is made of, and when it was looked through; `None` before the first time.
    pub uses: Option<(Timestamp, Uses)>,
}

/// What was read of it, until it is measured again: every page says whether the checks pass.
#[derive(Debug, Default)]
pub(super) struct Measured(Mutex<Option<Arc<Disk>>>);

impl Measured {
    fn read(&self) -> MutexGuard<'_, Option<Arc<Disk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Notes how full the disk is, and looks through the file when that was not done today.
    pub async fn measure_disk(&self) -> Result<(), Error> {
        let measured = self.measure().await;
        *self.0.disk.read() = None;
        measured
    }

    async fn measure(&self) -> Result<(), Error> {
        let room = self.store().room();
        if let (Some(free), Some(disk)) = (room.free, room.disk) {
            let before = Timestamp(self.clock().now().0 - KEPT_DAYS * DAY_MS);
            let used = disk.saturating_sub(free);
            self.store()
                .write(move |tx| -> Result<(), Error> { Ok(tx.set_size_today(room.file, used, before)?) })
                .await?;
        }
        let last = self.store().read_now(|tx| -> Result<_, Error> { Ok(tx.known(USES)?) })?;
        if last.is_some_and(|(at, _)| self.clock().now().since(at) < DAY_MS) {
            return Ok(());
        }
        let store = self.store().clone();
        let Ok(found) = tokio::task::spawn_blocking(move || store.uses(PAUSE)).await else { return Ok(()) };
        let (uses, at) = (found?, self.clock().now());
        let text = [uses.requests, uses.events, uses.directory, uses.other, uses.free].map(|n| n.to_string());
        self.store()
            .write(move |tx| -> Result<(), Error> { Ok(tx.set_known(USES, at, &text.join(" "))?) })
            .await
    }

    /// What is known of the disk.
    pub fn disk(&self) -> Result<Arc<Disk>, Error> {
        let mut measured = self.0.disk.read();
        if let Some(disk) = &*measured {
            return Ok(Arc::clone(disk));
        }
        let read = |tx: &ReadTx<'_>| -> Result<_, StoreError> { Ok((tx.size_days()?, tx.known(USES)?)) };
        let (days, known) = self.store().read_now(read)?;
        let uses = known.and_then(|(at, value)| {
            let numbers: Vec<u64> = value.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
            let [requests, events, directory, other, free] = numbers[..] else { return None };
            Some((at, Uses { requests, events, directory, other, free }))
        });
        let disk = Arc::new(Disk { days, uses });
        *measured = Some(Arc::clone(&disk));
        Ok(disk)
    }
}

/// Between two tables others may read.
const PAUSE: Duration = Duration::from_millis(20);

/// When `free` more bytes are used, at the rate of the days that are known.
pub fn forecast(days: &[SizeDay], free: u64) -> Forecast {
    let days = &days[days.len().saturating_sub(LOOKED_AT)..];
    let span = match (days.first(), days.last()) {
        (Some(first), Some(last)) => last.day.since(first.day) / DAY_MS,
        _ => 0,
    };
    if span < ENOUGH_DAYS {
        return Forecast::TooEarly { days: if days.is_empty() { 0 } else { span + 1 } };
    }
    let rate = slope(days);
    let left = free as f64 / rate;
    // Slower than that is nothing to plan by.
    if rate < 1.0 || left > 3.0 * 365.0 { Forecast::Steady } else { Forecast::Full { days: left as i64 } }
}

/// Bytes a day by which the used part grows, by least squares.
fn slope(days: &[SizeDay]) -> f64 {
    let first = days[0];
    let at = |day: &SizeDay| {
        let x = (day.day.0 - first.day.0) as f64 / DAY_MS as f64;
        (x, day.used as f64 - first.used as f64)
    };
    let n = days.len() as f64;
    let (sx, sy) = days.iter().map(at).fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mx, my) = (sx / n, sy / n);
    let (above, below) = days.iter().map(at).fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - mx) * (y - my), below + (x - mx) * (x - mx))
    });
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::desk;

    fn days(used: impl IntoIterator<Item = u64>) -> Vec<SizeDay> {
        let day = |(n, used)| SizeDay { day: Timestamp(n as i64 * DAY_MS), file: 1, used };
        used.into_iter().enumerate().map(day).collect()
    }

    #[test]
    fn a_disk_is_full_when_it_goes_on_as_it_did_and_nothing_is_said_too_early() {
        assert_eq!(forecast(&[], 1000), Forecast::TooEarly { days: 0 });
        assert_eq!(forecast(&days([5, 6, 7]), 1000), Forecast::TooEarly { days: 3 });
        assert_eq!(forecast(&days((0..30).map(|n| n * 100)), 4900), Forecast::Full { days: 49 });
        let uneven = days((0..30).map(|n| n * 100 + if n % 2 == 0 { 40 } else { 0 }));
        assert!(matches!(forecast(&uneven, 4900), Forecast::Full { days: 47..=51 }));
        assert_eq!(forecast(&days((0..30).map(|_| 500)), 4900), Forecast::Steady);
        assert_eq!(forecast(&days((0..30).map(|n| 9000 - n * 100)), 4900), Forecast::Steady, "it empties");
        let lately = days((0..100).map(|n| if n < 40 { 0 } else { (n - 40) * 100 }));
        assert_eq!(forecast(&lately, 4900), Forecast::Full { days: 49 }, "what was long ago does not count");
        let gap = [
            SizeDay { day: Timestamp(0), file: 1, used: 0 },
            SizeDay { day: Timestamp(10 * DAY_MS), file: 1, used: 1000 },
        ];
        assert_eq!(forecast(&gap, 1000), Forecast::Full { days: 10 }, "days without a record");
    }

    #[tokio::test]
    async fn what_the_file_is_made_of_is_read_once_a_day() {
        let desk = desk().await;
        assert_eq!(desk.service.disk().expect("read").uses, None);
        desk.service.measure_disk().await.expect("measured");
        let (at, uses) = desk.service.disk().expect("read").uses.expect("known");
        let file = desk.service.store().room().file;
        let sum = uses.requests + uses.events + uses.directory + uses.other + uses.free;
        assert!(uses.requests > 0 && uses.events > 0 && uses.directory > 0 && uses.other > 0, "{uses:?}");
        assert!(sum <= file + 4096, "{uses:?} of {file}");
        desk.clock.advance(Duration::from_secs(60 * 60));
        desk.service.measure_disk().await.expect("measured");
        assert_eq!(desk.service.disk().expect("read").uses.expect("known").0, at);
        desk.clock.advance(Duration::from_secs(24 * 60 * 60));
        desk.service.measure_disk().await.expect("measured");
        assert_eq!(desk.service.disk().expect("read").uses.expect("known").0, desk.clock.now());
        assert_eq!(desk.service.disk().expect("read").days.len(), 2);
    }
}

//! What the server found out about itself and keeps: single facts by their names, and how full its disk was on each day.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};
use crate::base::Timestamp;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// How full the disk was at the end of a day of UTC, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeDay {
    /// Its beginning.
    pub day: Timestamp,
    /// What the file took.
    pub file: u64,
    /// What was used of the whole disk.
    pub used: u64,
}

impl ReadTx<'_> {
    /// A fact, and when it was found.
    pub fn known(&self, name: &str) -> Result<Option<(Timestamp, String)>> {
        self.one("select at, value from known where name = ?", [name], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The sizes of the days that are kept, oldest first.
    pub fn size_days(&self) -> Result<Vec<SizeDay>> {
        self.all("select day, file, used from size_day order by day", [], |row| {
            Ok(SizeDay { day: row.get(0)?, file: row.get(1)?, used: row.get(2)? })
        })
    }
}

impl WriteTx<'_> {
    /// Keeps a fact, unless a later one is known.
    pub fn set_known(&mut self, name: &str, at: Timestamp, value: &str) -> Result<()> {
        self.run(
            "insert into known (name, at, value) values (?1, ?2, ?3)
             on conflict do update set at = ?2, value = ?3 where at <= ?2",
            params![name, at, value],
        )?;
        Ok(())
    }

    /// Keeps how full the disk is today, and forgets days before `before`.
    pub fn set_size_today(&mut self, file: u64, used: u64, before: Timestamp) -> Result<()> {
        let day = self.now().0.div_euclid(DAY) * DAY;
        self.run(
            "insert into size_day (day, file, used) values (?1, ?2, ?3)
             on conflict do update set file = ?2, used = ?3",
            params![day, file, used],
        )?;
        self.run("delete from size_day where day < ?", [before])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::testing::store;

    #[test]
    fn a_later_fact_takes_the_place_of_an_earlier_one() {
        let (store, _clock) = store();
        let set = |at: i64, value: &'static str| {
            store.write_blocking(move |tx| tx.set_known("outside", Timestamp(at), value)).unwrap();
        };
        set(5, "a");
        set(3, "b");
        set(7, "c");
        let known = store.read_now(|tx| tx.known("outside")).unwrap();
        assert_eq!(known, Some((Timestamp(7), "c".into())));
        assert_eq!(store.read_now(|tx| tx.known("other")).unwrap(), None);
    }

    #[test]
    fn a_day_has_the_last_size_that_was_seen_on_it() {
        let (store, clock) = store();
        let see = |file: u64, before: i64| {
            store.write_blocking(move |tx| tx.set_size_today(file, file * 2, Timestamp(before))).unwrap();
        };
        see(10, 0);
        see(11, 0);
        clock.advance(Duration::from_secs(24 * 60 * 60));
        see(12, 0);
        let sizes = || store.read_now(|tx| tx.size_days()).unwrap();
        assert_eq!(sizes().iter().map(|day| (day.file, day.used)).collect::<Vec<_>>(), [(11, 22), (12, 24)]);
        see(13, clock.now().0 - DAY + 1);
        assert_eq!(sizes().len(), 1, "what is old is forgotten");
    }
}

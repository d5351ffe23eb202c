//! Settings that an administrator may change while scimd runs, by name, and the `generation` that tells caches of a change.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};

impl ReadTx<'_> {
    /// A setting's value.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        self.one("select value from setting where name = ?", [name], |row| row.get(0))
    }

    /// Goes up with every change to what a server may cache: teams, schemas, settings.
    pub fn generation(&self) -> Result<u64> {
        Ok(self.number("select n from generation", [])? as u64)
    }
}

impl WriteTx<'_> {
    /// Sets a setting.
    pub fn set_setting(&mut self, name: &str, value: &str) -> Result<()> {
        let now = self.now();
        self.run(
            "insert into setting (name, value, changed) values (?1, ?2, ?3)
             on conflict do update set value = ?2, changed = ?3",
            params![name, value, now],
        )?;
        self.raise_generation()
    }

    /// Removes a setting; false when there is none.
    pub fn remove_setting(&mut self, name: &str) -> Result<bool> {
        let removed = self.run("delete from setting where name = ?", [name])? > 0;
        self.raise_generation()?;
        Ok(removed)
    }

    /// Tells every process that what it caches may have changed.
    pub(super) fn raise_generation(&mut self) -> Result<()> {
        self.run("update generation set n = n + 1", [])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::testing::store;
    use crate::store::{Result, WriteTx};

    #[test]
    fn a_setting_is_set_replaced_and_removed() {
        let (store, _clock) = store();
        let change = |tx: &mut WriteTx| -> Result<()> {
            tx.set_setting("retention", "90d")?;
            tx.set_setting("retention", "30d")?;
            assert_eq!(tx.setting("retention")?.as_deref(), Some("30d"));
            assert!(tx.remove_setting("retention")?);
            assert!(!tx.remove_setting("retention")?);
            assert_eq!(tx.setting("retention")?, None);
            Ok(())
        };
        store.write_blocking(change).unwrap();
    }
}

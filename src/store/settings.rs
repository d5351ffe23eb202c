//! Settings that an administrator may change while scimd runs, by name, and the `generation` that tells caches of a change.

use super::{ReadTx, Result, WriteTx};

impl ReadTx<'_> {
    /// A setting's value.
    pub fn setting(&self, _name: &str) -> Result<Option<String>> {
        todo!()
    }

    /// Goes up with every change to what a server may cache: teams, schemas, settings.
    pub fn generation(&self) -> Result<u64> {
        todo!()
    }
}

impl WriteTx<'_> {
    /// Sets a setting.
    pub fn set_setting(&mut self, _name: &str, _value: &str) -> Result<()> {
        todo!()
    }

    /// Removes a setting; false when there is none.
    pub fn remove_setting(&mut self, _name: &str) -> Result<bool> {
        todo!()
    }
}

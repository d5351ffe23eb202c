//! The second step of signing in as it is kept: the sealed secret, the time step of the last code, the recovery codes'
//! hashes. Codes are computed and compared above.

use rusqlite::params;

use super::{ReadTx, Result, WriteTx};
use crate::base::Timestamp;

/// An administrator's authenticator app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondStep {
    /// The secret, sealed under the key file.
    pub sealed: String,
    pub since: Timestamp,
    /// The time step of the code that was taken last.
    pub counter: u64,
}

impl ReadTx<'_> {
    /// The second step of an administrator, where one is set up.
    pub fn second_step(&self, admin: i64) -> Result<Option<SecondStep>> {
        self.one("select sealed, since, counter from second_step where admin = ?", [admin], |row| {
            Ok(SecondStep { sealed: row.get(0)?, since: row.get(1)?, counter: row.get(2)? })
        })
    }

    /// The administrators who have a second step.
    pub fn second_steps(&self) -> Result<Vec<i64>> {
        self.all("select admin from second_step order by admin", [], |row| row.get(0))
    }

    /// How many recovery codes of an administrator are unused.
    pub fn recovery_codes_left(&self, admin: i64) -> Result<u64> {
        Ok(self.number("select count(*) from recovery_code where admin = ?", [admin])? as u64)
    }
}

impl WriteTx<'_> {
    /// Keeps a second step in place of an earlier one, whose recovery codes go with it.
    pub fn set_second_step(&mut self, admin: i64, sealed: &str, counter: u64) -> Result<()> {
        self.remove_second_step(admin)?;
        let now = self.now();
        self.run(
            "insert into second_step (admin, sealed, since, counter) values (?, ?, ?, ?)",
            params![admin, sealed, now, counter],
        )?;
        Ok(())
    }

    /// Takes a code's time step if it is later than every one taken before; false when it is not.
    pub fn take_second_step(&mut self, admin: i64, counter: u64) -> Result<bool> {
        let sql = "update second_step set counter = ?1 where admin = ?2 and counter < ?1";
        Ok(self.run(sql, params![counter, admin])? > 0)
    }

    /// Removes a second step with its recovery codes; false when there is none.
    pub fn remove_second_step(&mut self, admin: i64) -> Result<bool> {
        self.run("delete from recovery_code where admin = ?", [admin])?;
        Ok(self.run("delete from second_step where admin = ?", [admin])? > 0)
    }

    /// Replaces the recovery codes of an administrator.
    pub fn set_recovery_codes(&mut self, admin: i64, hashes: &[[u8; 32]]) -> Result<()> {
        self.run("delete from recovery_code where admin = ?", [admin])?;
        for hash in hashes {
            self.run("insert into recovery_code (admin, hash) values (?, ?)", params![admin, hash])?;
        }
        Ok(())
    }

    /// Uses a recovery code up; false when there is none of that hash.
    pub fn take_recovery_code(&mut self, admin: i64, hash: &[u8; 32]) -> Result<bool> {
        Ok(self.run("delete from recovery_code where admin = ? and hash = ?", params![admin, hash])? > 0)
    }
}

#[cfg(test)]
mod tests {
    use crate::store::testing::store;
    use crate::store::{NewAdmin, StoreError};

    #[test]
    fn a_time_step_and_a_recovery_code_are_taken_once() {
        let (store, _clock) = store();
        store
            .write_blocking(|tx| {
                let new = NewAdmin {
                    email: "ada@example.com".into(),
                    name: "Ada".into(),
                    read_only: false,
                    password_hash: "$argon2id$x".into(),
                };
                let ada = tx.insert_admin(&new)?.n;
                assert_eq!(tx.second_step(ada)?, None);
                assert!(!tx.take_second_step(ada, 5)?);
                tx.set_second_step(ada, "sealed", 5)?;
                assert!(!tx.take_second_step(ada, 5)? && !tx.take_second_step(ada, 4)?);
                assert!(tx.take_second_step(ada, 6)? && !tx.take_second_step(ada, 6)?);
                tx.set_recovery_codes(ada, &[[1; 32], [2; 32]])?;
                assert!(tx.take_recovery_code(ada, &[1; 32])? && !tx.take_recovery_code(ada, &[1; 32])?);
                assert_eq!((tx.recovery_codes_left(ada)?, tx.second_steps()?), (1, vec![ada]));
                assert!(tx.remove_second_step(ada)? && !tx.remove_second_step(ada)?);
                assert_eq!(tx.recovery_codes_left(ada)?, 0);
                tx.set_second_step(ada, "sealed", 1)?;
                tx.set_recovery_codes(ada, &[[3; 32]])?;
                assert!(tx.remove_admin(ada)?);
                assert_eq!((tx.second_step(ada)?, tx.recovery_codes_left(ada)?), (None, 0));
                Ok::<(), StoreError>(())
            })
            .expect("kept");
    }
}

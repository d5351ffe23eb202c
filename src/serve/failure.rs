//! Why a command ended without doing what it was asked: one sentence for standard error, and the exit status.

use std::fmt;

use crate::store::StoreError;

/// Any failure that has no status of its own.
const PLAIN: u8 = 1;
/// The command line or the settings are wrong.
const USAGE: u8 = 2;
/// The database cannot be used; a supervisor does not try again (`EX_DATAERR`).
const DATA: u8 = 65;

/// The end of a command that failed.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong and what to do.
    pub sentence: String,
    /// The exit status.
    pub status: u8,
}

impl Failure {
    /// A failure for which trying again may help.
    pub fn plain(sentence: impl Into<String>) -> Failure {
        Failure { sentence: sentence.into(), status: PLAIN }
    }

    /// A wrong argument or setting.
    pub fn usage(sentence: impl Into<String>) -> Failure {
        Failure { sentence: sentence.into(), status: USAGE }
    }

    /// A database that cannot be used as it is.
    pub fn data(sentence: impl Into<String>) -> Failure {
        Failure { sentence: sentence.into(), status: DATA }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let sentence = error.to_string();
        match error {
            StoreError::Newer { .. } | StoreError::NotOurs(_) | StoreError::Corrupt(_) => {
                Failure::data(sentence)
            }
            _ => Failure::plain(sentence),
        }
    }
}

impl From<crate::service::Error> for Failure {
    fn from(error: crate::service::Error) -> Failure {
        Failure::plain(error.to_string())
    }
}

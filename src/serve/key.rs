//! The key file: 32 random bytes beside the database, made with it and readable by its owner alone. What is sealed
//! with it (cursors, forms) cannot be made by anyone else; it is never part of a copy of the database.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Failure;
use crate::base::secret::Key;

const FILE: &str = "scimd.key";

/// The key in the data directory; made where there is none.
pub fn load(directory: &Path) -> Result<Key, Failure> {
    let path = directory.join(FILE);
    let failed = |error: std::io::Error| {
        Failure::plain(format!("cannot use the key file {}: {error}", path.display()))
    };
    match OpenOptions::new().read(true).open(&path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(failed)?;
            let bytes: [u8; 32] = bytes.try_into().map_err(|_| {
                Failure::plain(format!(
                    "the key file {} is damaged: it must hold 32 bytes. Put the original back; without it, move the file \
                     away and a new key is made",
                    path.display()
                ))
            })?;
            Ok(Key::from_bytes(bytes))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = Key::random();
            // Written beside and renamed, so that a crash leaves no half key.
            let beside = directory.join(format!("{FILE}.new"));
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)
                .map_err(failed)?;
            file.write_all(&key.bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            std::fs::rename(&beside, &path).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_a_damaged_one_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = load(directory.path()).expect("a key");
        assert_eq!(load(directory.path()).expect("a key").bytes(), first.bytes());
        std::fs::write(directory.path().join(FILE), b"short").expect("written");
        assert!(load(directory.path()).expect_err("damaged").to_string().contains("must hold 32 bytes"));
    }
}

//! The data directory: made, locked and opened, by the user it belongs to. What lies in the database is the store's.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::{Gid, Uid, geteuid, umask};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use super::Failure;
use crate::store::{Options, Store};

/// The one SQLite file.
pub const DATABASE: &str = "scimd.db";
const LOCK: &str = "scimd.lock";

/// Makes the directory where it is missing and takes on its owner, for a command that works beside a server.
/// Called before any thread is started.
pub fn prepare(directory: &Path) -> Result<(), Failure> {
    make(directory)?;
    become_owner(directory)
}

/// Makes the directory, readable by its owner alone, and sees to it that no file made from now on is readable by others.
pub fn make(directory: &Path) -> Result<(), Failure> {
    umask(Mode::from_bits_truncate(0o077));
    match std::fs::metadata(directory) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => {
            return Err(Failure::plain(format!(
                "{} is a file; --data-dir must name a directory",
                directory.display()
            )));
        }
        Err(_) => {}
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Failure::plain(format!(
            "cannot make the data directory {}: {error}; name another with --data-dir",
            directory.display()
        ))
    })
}

/// Root that works on another user's directory becomes that user, so that no file in it ends up as root's.
/// This changes the one thread there is; threads started later inherit it.
pub fn become_owner(directory: &Path) -> Result<(), Failure> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        Failure::plain(format!("cannot work as the owner of {}: {error}", directory.display()))
    };
    let owner = std::fs::metadata(directory).map_err(failed)?;
    if owner.uid() == 0 {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    set_thread_groups(&[gid]).map_err(|error| failed(error.into()))?;
    set_thread_gid(gid).map_err(|error| failed(error.into()))?;
    set_thread_uid(uid).map_err(|error| failed(error.into()))
}

/// Takes the lock that only one server on this directory can hold; it ends with the process, however that ends.
pub fn lock(directory: &Path) -> Result<File, Failure> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| unwritable(directory, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::plain(format!(
            "another scimd serve is running on {}; stop it first, or name another directory with --data-dir",
            directory.display()
        ))),
        Err(TryLockError::Error(error)) => {
            Err(Failure::plain(format!("cannot lock {}: {error}", path.display())))
        }
    }
}

/// Opens the database in the directory, and makes it when there is none.
pub fn open(directory: &Path, options: Options) -> Result<Store, Failure> {
    // SQLite's own words for a directory that cannot be written do not name it.
    let probe = directory.join(".scimd-probe");
    match OpenOptions::new().write(true).create(true).truncate(true).open(&probe) {
        Ok(_) => std::fs::remove_file(&probe).map_err(|error| unwritable(directory, &error))?,
        Err(error) => return Err(unwritable(directory, &error)),
    }
    Ok(Store::open(&directory.join(DATABASE), options)?)
}

fn unwritable(directory: &Path, error: &std::io::Error) -> Failure {
    Failure::plain(format!(
        "cannot write in the data directory {}: {error}; run scimd as its owner, or name another with --data-dir",
        directory.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_directory_is_its_owners_alone() {
        let parent = tempfile::tempdir().expect("a directory");
        let directory = parent.path().join("a/data");
        make(&directory).expect("made");
        let mode = std::fs::metadata(&directory).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        make(&directory).expect("there already");
    }

    #[test]
    fn a_file_in_its_place_is_named() {
        let parent = tempfile::tempdir().expect("a directory");
        let file = parent.path().join("data");
        std::fs::write(&file, "").expect("written");
        assert!(make(&file).expect_err("a file").sentence.contains("is a file"));
        assert!(make(&file.join("below")).expect_err("below a file").sentence.contains("cannot make"));
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_ends() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = lock(directory.path()).expect("free");
        assert!(lock(directory.path()).expect_err("taken").sentence.contains("another scimd serve"));
        drop(first);
        lock(directory.path()).expect("free again");
    }
}

//! The lock that keeps a second process out of a store. Knows nothing of what is stored.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use super::Error;

const NAME: &str = "lock";

/// Held as long as the value lives; the system lets go of it when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    /// Creates the lock file where it is missing.
    pub fn take(store: &Path) -> Result<Self, Error> {
        let path = store.join(NAME);
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("cannot open", &path))?;
        Self::on(file, &path, store)
    }

    /// Changes nothing on the disk: `None` where there is no lock file, so no process either.
    pub fn peek(store: &Path) -> Result<Option<Self>, Error> {
        let path = store.join(NAME);
        match File::open(&path) {
            Ok(file) => Self::on(file, &path, store).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("cannot open", &path)(error)),
        }
    }

    fn on(file: File, path: &Path, store: &Path) -> Result<Self, Error> {
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Locked(store.display().to_string())),
            Err(TryLockError::Error(error)) => Err(Error::io("cannot lock", path)(error)),
        }
    }
}

//! The lock that keeps a second process out of a store. Knows nothing of what is stored.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
};

use super::Error;

/// A directory, which builds of format 1 cannot open for a file, as which they had it: they do not know that there are
/// other formats.
const DIRECTORY: &str = "lock";
const NAME: &str = "held";
const WORDS: &str = "This store was written by a newer feedbridge than the one that cannot open this lock.\n\
                     Start the newer one; nothing was changed.\n";

/// Held as long as the value lives; the system lets go of it when the process dies.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    /// Closing the file would not do: a process that another thread is just starting has it open too, until it runs its
    /// own program, and with it the lock.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Lock {
    /// Creates the lock file where it is missing.
    pub fn take(store: &Path) -> Result<Self, Error> {
        let directory = store.join(DIRECTORY);
        let earlier = match fs::metadata(&directory) {
            Ok(found) if found.is_file() => {
                let earlier = Self::on(open(&directory)?, &directory, store)?;
                fs::remove_file(&directory).map_err(Error::io("cannot remove", &directory))?;
                Some(earlier)
            }
            _ => None,
        };
        fs::create_dir_all(&directory).map_err(Error::io("cannot create", &directory))?;
        let path = directory.join(NAME);
        let lock = Self::on(open(&path)?, &path, store)?;
        drop(earlier);
        let words = directory.join("README");
        if !words.exists() {
            // For whoever looks why an earlier build cannot open it. Nothing depends on it.
            let _ = fs::write(words, WORDS);
        }
        Ok(lock)
    }

    /// Changes nothing on the disk: `None` where there is no lock file, so no process either.
    pub fn peek(store: &Path) -> Result<Option<Self>, Error> {
        let directory = store.join(DIRECTORY);
        let path = if directory.is_file() { directory } else { directory.join(NAME) };
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

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new().create(true).append(true).open(path).map_err(Error::io("cannot open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_value_though_the_file_is_open_elsewhere() {
        let store = tempfile::tempdir().unwrap();
        let lock = Lock::take(store.path()).unwrap();
        let _inherited = lock.0.try_clone().unwrap();
        assert!(matches!(Lock::take(store.path()), Err(Error::Locked(_))));
        drop(lock);
        Lock::take(store.path()).unwrap();
    }
}

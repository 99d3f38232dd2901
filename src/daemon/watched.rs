//! The configuration's file, watched: whoever changes it, by hand or by `feedbridge add`, need not tell the daemon.

use std::{fs, path::PathBuf, time::Duration};

use tokio::time::sleep;

/// Between two looks. A change counts once two of them have seen the same, so that no half of one is read.
const LOOK: Duration = Duration::from_millis(500);

pub struct Watched {
    path: PathBuf,
    /// What was last taken up, or refused.
    known: Option<Vec<u8>>,
    seen: Option<Vec<u8>>,
}

impl Watched {
    /// What is in the file now is known.
    pub fn new(path: PathBuf) -> Self {
        let known = fs::read(&path).ok();
        Self { path, seen: known.clone(), known }
    }

    /// Resolves once the file says something else. Loses nothing when it is dropped and called again.
    pub async fn changed(&mut self) {
        loop {
            sleep(LOOK).await;
            // Between two versions of it there may be none.
            let Ok(now) = fs::read(&self.path) else { continue };
            let now = Some(now);
            if now == self.seen && now != self.known {
                self.known = now;
                return;
            }
            self.seen = now;
        }
    }

    /// What is in the file at this moment is about to be taken up.
    pub fn take(&mut self) {
        self.known = fs::read(&self.path).ok();
        self.seen.clone_from(&self.known);
    }
}

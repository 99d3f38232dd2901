//! The store as async code has it. Calls that block run on threads, so many at a time and no more, whoever else wants
//! threads; what does not touch the disk is answered at once. Nothing here hands the store itself out, so a call that
//! blocks a runtime's thread does not compile.

use std::{fmt, sync::Arc};

use tokio::{
    sync::{Mutex, Semaphore},
    task::spawn_blocking,
};

use super::{Head, Stats, Store};
use crate::model::ChannelId;

/// Calls that block at the same time; of many more than a disk serves side by side nobody would gain.
const CALLS: usize = 16;

/// A call was not made or did not come to its end: it panicked, or the process is ending. The log has the panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a call of the store stopped half-way; the log has the reason")]
pub struct Stopped;

/// Cheap to clone; all clones share the store and the number of calls.
#[derive(Clone)]
pub struct Handle {
    store: Arc<dyn Store>,
    calls: Arc<Semaphore>,
    changes: Arc<Mutex<()>>,
}

impl Handle {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, calls: Arc::new(Semaphore::new(CALLS)), changes: Arc::default() }
    }

    /// Runs `work` on a thread where it may block. Who drops the future loses the answer; the work is done to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let held = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| Stopped)?;
        let store = Arc::clone(&self.store);
        spawn_blocking(move || {
            let _held = held;
            work(store.as_ref())
        })
        .await
        .map_err(|_| Stopped)
    }

    /// As [`Handle::run`], for work that stores what it decides by what it reads: one at a time. Two pages that show one
    /// channel under two names would else both be the first to show it.
    pub async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let alone = Arc::clone(&self.changes).lock_owned().await;
        self.run(move |store| {
            let _alone = alone;
            work(store)
        })
        .await
    }

    /// See [`Store::head`]; from memory.
    pub fn head(&self, channel: ChannelId) -> Head {
        self.store.head(channel)
    }

    /// See [`Store::stats`]; from memory.
    pub fn stats(&self) -> Stats {
        self.store.stats()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

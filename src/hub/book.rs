//! The subscriptions of this process and their place in the store. A hub that takes another's place goes on with its
//! book: what the other has under way is done once, and who is told what stands in one place.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tracing::{info, warn};

use super::{Lease, Outcome, Request, Rules, Subscriptions, Task, subscriptions::LEASES};
use crate::{
    clock::Clock,
    store::{self, Batch, Handle, Store},
};

pub struct Book {
    store: Handle,
    pub clock: Clock,
    subscriptions: Mutex<Subscriptions>,
    /// There may be more to do.
    pub woken: Notify,
    /// Two that write would bring their writes out of order.
    writing: tokio::sync::Mutex<()>,
}

/// What a task came to.
pub enum Done {
    Verified { request: Request, meant: bool, heads: u64 },
    Delivered(Lease, Outcome),
}

impl Done {
    /// A task that did not come to its end.
    pub fn broken(task: Task) -> Self {
        match task {
            Task::Verify(request) => Self::Verified { request, meant: false, heads: 0 },
            Task::Deliver(lease) => Self::Delivered(lease, Outcome::Failed),
        }
    }
}

impl Book {
    /// With the leases that `store` keeps.
    pub async fn open(store: Handle, rules: Rules, clock: Clock) -> Result<Self, String> {
        let restored = store.run(|store| restore(store, rules)).await.map_err(|error| error.to_string())?;
        let subscriptions = Mutex::new(restored.map_err(|error| error.to_string())?);
        Ok(Self { store, clock, subscriptions, woken: Notify::new(), writing: tokio::sync::Mutex::default() })
    }

    pub fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in how a task ended. Whether leases changed, which is to be kept at once.
    pub fn settle(&self, done: Done) -> bool {
        let now = self.clock.wall();
        // Its host may have been what others waited for.
        self.woken.notify_one();
        match done {
            Done::Verified { request, meant, heads } => {
                self.subscriptions().verified(&request, meant, heads, now);
                meant
            }
            Done::Delivered(lease, outcome) => {
                let dropped = self.subscriptions().delivered(&lease, outcome, now);
                if dropped {
                    info!(topic = lease.topic, callback = lease.callback, "dead callback dropped");
                }
                dropped
            }
        }
    }

    /// Writes what has happened to the store. Whether it could be written.
    pub async fn keep(&self) -> bool {
        let _alone = self.writing.lock().await;
        let (writes, progress) = {
            let mut subscriptions = self.subscriptions();
            (subscriptions.take_writes(), subscriptions.take_progress())
        };
        if writes.is_empty() && progress.is_empty() {
            return true;
        }
        let (at, states) = (self.clock.wall(), writes.clone());
        let written = self.store.run(move |store| {
            for (topic, told) in &progress {
                // If it is lost, it is told once more.
                let _ = store.set_hint(&progress_key(topic), told);
            }
            if states.is_empty() { Ok(()) } else { store.commit(at, Batch { states, ..Batch::default() }) }
        });
        let error = match written.await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        warn!(error, "leases could not be kept; it is tried again");
        self.subscriptions().return_writes(writes);
        false
    }
}

fn restore(store: &dyn Store, rules: Rules) -> Result<Subscriptions, store::Error> {
    let mut subscriptions = Subscriptions::new(rules);
    for (key, value) in store.states(LEASES)? {
        match serde_json::from_value(value) {
            Ok(lease) => subscriptions.restore(lease),
            Err(error) => warn!(key, %error, "a kept lease is not understood"),
        }
    }
    for topic in subscriptions.watched() {
        if let Some(told) = store.hint(&progress_key(&topic))? {
            subscriptions.restore_progress(&topic, told);
        }
    }
    Ok(subscriptions)
}

/// The hint that holds how far a topic's listeners were told.
fn progress_key(topic: &str) -> String {
    format!("hub/told/{topic}")
}

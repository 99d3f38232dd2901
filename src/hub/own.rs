//! The hub of the daemon's own: takes requests, verifies them, and delivers what changed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    pin, select,
    sync::Notify,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, info, warn};

use super::{
    Lease, Outcome, Refusal, Request, Rules, Subscriptions, Task, Topics,
    callback::{Callbacks, Taken},
    request,
    subscriptions::LEASES,
};
use crate::{
    clock::Clock,
    store::{self, Batch, Store},
};

/// Callbacks that are being asked or told at the same time.
const CONCURRENT: usize = 32;
/// For those that are when the hub stops; what was not taken is delivered after the next start.
const STOP_TIME: Duration = Duration::from_secs(5);
/// After a topic could not be made, or a lease not be kept.
const PAUSE: Duration = Duration::from_secs(15);

pub struct Hub {
    address: String,
    store: Arc<dyn Store>,
    clock: Clock,
    tick: Duration,
    allow_private: bool,
    callbacks: Callbacks,
    subscriptions: Mutex<Subscriptions>,
    woken: Notify,
}

/// What a task came to.
enum Done {
    Verified { request: Request, meant: bool, heads: u64 },
    Delivered(Lease, Outcome),
}

impl Hub {
    /// The hub at `address` with the leases that `store` keeps. Blocks.
    pub fn open(address: String, store: Arc<dyn Store>, rules: Rules, clock: Clock) -> Result<Self, String> {
        let (tick, allow_private) = (rules.tick, rules.allow_private_callbacks);
        let callbacks = Callbacks::new(allow_private)?;
        let subscriptions = restore(store.as_ref(), rules).map_err(|error| error.to_string())?;
        Ok(Self {
            address,
            store,
            clock,
            tick,
            allow_private,
            callbacks,
            subscriptions: Mutex::new(subscriptions),
            woken: Notify::new(),
        })
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.subscriptions().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a form-encoded request; it is verified later.
    pub async fn receive(&self, body: &[u8], is_topic: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        let request = request::parse(body, self.allow_private)?;
        if !is_topic(&request.topic) {
            return Err(Refusal::ForeignTopic);
        }
        self.callbacks.check(&request.callback).await?;
        self.subscriptions().receive(request, self.clock.wall())?;
        self.woken.notify_one();
        Ok(())
    }

    /// Verifies and delivers until `shutdown` resolves.
    pub async fn run<T: Topics>(self: Arc<Self>, topics: Arc<T>, shutdown: impl Future<Output = ()>) {
        let mut running = JoinSet::new();
        let mut look_at = Instant::now();
        pin!(shutdown);
        loop {
            if look_at <= Instant::now() {
                look_at = Instant::now() + if self.look(topics.as_ref()).await { self.tick } else { PAUSE };
            }
            self.start(&topics, &mut running);
            select! {
                () = &mut shutdown => break,
                Some(ended) = running.join_next() => {
                    let mut leases_moved = self.settle(ended.ok());
                    while let Some(ended) = running.try_join_next() {
                        leases_moved |= self.settle(ended.ok());
                    }
                    if leases_moved {
                        self.keep().await;
                    }
                }
                () = self.woken.notified() => {}
                () = sleep_until(look_at) => {}
            }
        }
        let ended = timeout(STOP_TIME, async {
            while let Some(ended) = running.join_next().await {
                self.settle(ended.ok());
            }
        });
        if ended.await.is_err() {
            info!(deliveries = running.len(), "deliveries cut off; they are repeated after the next start");
        }
        self.keep().await;
    }

    /// Sees what has changed since the last look, and keeps what has happened. Whether all of it could be done.
    async fn look<T: Topics>(&self, topics: &T) -> bool {
        let over = self.subscriptions().expire(self.clock.wall());
        if over > 0 {
            info!(subscriptions = over, "leases have run out");
        }
        let watched = self.subscriptions().watched();
        let mut made = true;
        for topic in watched {
            let Some(heads) = topics.heads(&topic).await else { continue };
            if !self.subscriptions().is_news(&topic, heads) {
                continue;
            }
            match topics.document(&topic).await {
                Some(document) => self.subscriptions().moved(&topic, document.seen()),
                None => made = false,
            }
        }
        self.keep().await && made
    }

    fn start<T: Topics>(self: &Arc<Self>, topics: &Arc<T>, running: &mut JoinSet<Done>) {
        while running.len() < CONCURRENT {
            let Some(task) = self.subscriptions().next(self.clock.wall()) else { return };
            let (hub, topics) = (Arc::clone(self), Arc::clone(topics));
            running.spawn(async move {
                match task {
                    Task::Verify(request) => hub.verify(topics.as_ref(), request).await,
                    Task::Deliver(lease) => hub.deliver(topics.as_ref(), lease).await,
                }
            });
        }
    }

    async fn verify<T: Topics>(&self, topics: &T, request: Request) -> Done {
        // Before the callback is asked: what changes meanwhile is then delivered.
        let heads = topics.heads(&request.topic).await;
        let answer = self.callbacks.verify(&request).await;
        let (mode, topic, callback) = (request.mode.as_str(), &request.topic, request.host());
        match &answer {
            Ok(()) => info!(mode, topic, callback, "subscriber verified"),
            Err(error) => info!(mode, topic, callback, error, "subscriber not verified"),
        }
        Done::Verified { meant: answer.is_ok(), heads: heads.unwrap_or_default(), request }
    }

    async fn deliver<T: Topics>(&self, topics: &T, lease: Lease) -> Done {
        let Some(document) = topics.document(&lease.topic).await else {
            return Done::Delivered(lease, Outcome::Unmade);
        };
        let outcome = match self.callbacks.deliver(&self.address, &lease, &document).await {
            Taken::Yes => Outcome::Taken(document.seen()),
            Taken::Gone => Outcome::Gone,
            Taken::No(error) => {
                debug!(topic = lease.topic, callback = lease.callback, error, "delivery failed");
                Outcome::Failed
            }
        };
        Done::Delivered(lease, outcome)
    }

    /// Takes in how a task ended. Whether leases changed, which is to be kept at once.
    fn settle(&self, done: Option<Done>) -> bool {
        let now = self.clock.wall();
        match done {
            Some(Done::Verified { request, meant, heads }) => {
                self.subscriptions().verified(&request, meant, heads, now);
                meant
            }
            Some(Done::Delivered(lease, outcome)) => {
                let dropped = self.subscriptions().delivered(&lease, outcome, now);
                if dropped {
                    info!(topic = lease.topic, callback = lease.callback, "dead callback dropped");
                }
                dropped
            }
            None => false,
        }
    }

    /// Writes what has happened to the store. Whether it could be written.
    async fn keep(&self) -> bool {
        let (writes, progress) = {
            let mut subscriptions = self.subscriptions();
            (subscriptions.take_writes(), subscriptions.take_progress())
        };
        if writes.is_empty() && progress.is_empty() {
            return true;
        }
        let (store, at, states) = (Arc::clone(&self.store), self.clock.wall(), writes.clone());
        let written = spawn_blocking(move || {
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

    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
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

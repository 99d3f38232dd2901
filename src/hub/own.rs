//! The hub of the daemon's own: takes requests, verifies them, and delivers what changed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    pin, select,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until},
};
use tracing::{debug, info, warn};

use super::{
    Lease, Outcome, Refusal, Request, Rules, Task, Topics,
    book::{Book, Done},
    callback::{Callbacks, Taken},
    request,
};
use crate::{
    clock::Clock,
    fetch::{self, Resolver},
    status::HubStatus,
    store::Handle,
};

/// After a topic could not be made, or a lease not be kept.
const PAUSE: Duration = Duration::from_secs(15);

pub struct Hub {
    address: String,
    rules: Rules,
    resolver: Resolver,
    callbacks: Callbacks,
    book: Arc<Book>,
}

impl Hub {
    /// The hub at `address` with the leases that `store` keeps.
    pub async fn open(address: String, store: Handle, rules: Rules, clock: Clock) -> Result<Self, String> {
        Self::open_with(address, store, rules, clock, fetch::system()).await
    }

    /// With another way to look names up than the system's.
    pub async fn open_with(
        address: String,
        store: Handle,
        rules: Rules,
        clock: Clock,
        resolver: Resolver,
    ) -> Result<Self, String> {
        let callbacks = Callbacks::new(rules.allow_private_callbacks, &resolver)?;
        let book = Arc::new(Book::open(store, rules.clone(), clock).await?);
        Ok(Self { address, rules, resolver, callbacks, book })
    }

    /// One that takes this one's place: it has the same subscriptions, and knows what this one has under way.
    pub fn successor(&self, address: String, rules: Rules) -> Result<Self, String> {
        let resolver = Arc::clone(&self.resolver);
        let callbacks = Callbacks::new(rules.allow_private_callbacks, &resolver)?;
        Ok(Self { address, rules, resolver, callbacks, book: Arc::clone(&self.book) })
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.book.subscriptions().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From memory.
    pub fn status(&self) -> HubStatus {
        self.book.subscriptions().status()
    }

    /// Takes a form-encoded request; it is verified later.
    pub async fn receive(&self, body: &[u8], is_topic: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        let request = request::parse(body, self.rules.allow_private_callbacks)?;
        if !is_topic(&request.topic) {
            return Err(Refusal::ForeignTopic);
        }
        // All that bounds requests comes before the look-up.
        self.book.subscriptions().receive(request.clone(), self.book.clock.wall())?;
        if let Err(refusal) = self.callbacks.check(&request.callback).await {
            self.book.subscriptions().withdraw(&request);
            return Err(refusal);
        }
        self.book.woken.notify_one();
        Ok(())
    }

    /// Verifies and delivers until `shutdown` resolves; then takes nothing more up, and ends with what is under way.
    pub async fn run<T: Topics>(self: Arc<Self>, topics: Arc<T>, shutdown: impl Future<Output = ()>) {
        self.book.subscriptions().set_rules(self.rules.clone());
        let mut running = Running::default();
        let mut look_at = Instant::now();
        pin!(shutdown);
        loop {
            if look_at <= Instant::now() {
                look_at = Instant::now() + if self.look(topics.as_ref()).await { self.rules.tick } else { PAUSE };
            }
            self.start(&topics, &mut running);
            select! {
                () = &mut shutdown => break,
                Some(done) = running.next() => {
                    let mut leases_moved = self.book.settle(done);
                    while let Some(done) = running.try_next() {
                        leases_moved |= self.book.settle(done);
                    }
                    if leases_moved {
                        self.book.keep().await;
                    }
                }
                () = self.book.woken.notified() => {}
                () = sleep_until(look_at) => {}
            }
        }
        // What comes now may be cut off.
        self.book.keep().await;
        while let Some(done) = running.next().await {
            self.book.settle(done);
            self.book.keep().await;
        }
    }

    /// Sees what has changed since the last look, and keeps what has happened. Whether all of it could be done.
    async fn look<T: Topics>(&self, topics: &T) -> bool {
        let over = self.book.subscriptions().expire(self.book.clock.wall());
        if over > 0 {
            info!(subscriptions = over, "leases have run out");
        }
        let watched = self.book.subscriptions().watched();
        let mut made = true;
        for topic in watched {
            topics.subscribed(&topic);
            let Some(heads) = topics.heads(&topic).await else { continue };
            if !self.book.subscriptions().is_news(&topic, heads) {
                continue;
            }
            match topics.document(&topic).await {
                Some(document) => self.book.subscriptions().moved(&topic, document.seen()),
                None => made = false,
            }
        }
        self.book.keep().await && made
    }

    fn start<T: Topics>(self: &Arc<Self>, topics: &Arc<T>, running: &mut Running) {
        loop {
            let Some(task) = self.book.subscriptions().next(self.book.clock.wall()) else { return };
            let (hub, topics) = (Arc::clone(self), Arc::clone(topics));
            running.begin(task.clone(), async move {
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
}

/// The tasks under way, and what each is about: one that panics cannot tell.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Done>,
    about: HashMap<Id, Task>,
}

impl Running {
    fn begin(&mut self, about: Task, work: impl Future<Output = Done> + Send + 'static) {
        let id = self.tasks.spawn(work).id();
        self.about.insert(id, about);
    }

    /// How the next one ended; None if none is under way.
    async fn next(&mut self) -> Option<Done> {
        let ended = self.tasks.join_next_with_id().await?;
        self.settled(ended)
    }

    /// As [`Running::next`], of those that have ended by now.
    fn try_next(&mut self) -> Option<Done> {
        let ended = self.tasks.try_join_next_with_id()?;
        self.settled(ended)
    }

    fn settled(&mut self, ended: Result<(Id, Done), JoinError>) -> Option<Done> {
        match ended {
            Ok((id, done)) => {
                self.about.remove(&id);
                Some(done)
            }
            Err(error) => {
                warn!(%error, "a task of the hub ended half-way");
                self.about.remove(&error.id()).map(Done::broken)
            }
        }
    }
}

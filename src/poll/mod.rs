//! The polling loop: asks upstream for one page after the other, within the budget, and keeps the board true.
//!
//! A *turn* is one request. Most turns are heads of channels that the schedule names; others follow from what a page
//! showed: an older page to close a gap, the landing page of a name without a preview, the page of one post.
//! All of them share one budget, one choice of host and one rule: a channel is never asked twice at once.

mod channels;
mod errands;
mod gaps;
mod intake;
mod lanes;
mod memory;
mod outcome;
mod queue;
mod rounds;
mod settle;
mod suspects;
mod turn;
mod twins;
pub mod verdict;
mod walk;
mod ways;

use std::{collections::HashMap, future::Future, iter, sync::Arc, time::Duration};

use tokio::{
    pin, select,
    sync::{mpsc::UnboundedSender, watch},
    task::{Id, JoinError, JoinSet},
    time::{Instant, Interval, interval, sleep_until},
};
use tracing::{debug, error, info, warn};
use url::Url;

pub use gaps::Cursor;
pub use intake::{Error as TakeInError, Intake, take_in};
pub use outcome::Outcome;
pub use turn::{Errand, Turn, ask, first_look};
pub use walk::Past;

use crate::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    fetch::Upstream,
    media::Refreshes,
    metrics::Metrics,
    readers::Readers,
    schedule::Policy,
    status::{Board, FirstLook, events},
    store::Handle,
};
use memory::Notes;
use rounds::Rounds;
use ways::Way;

/// So many requests may be under way at once, so that one slow answer delays nobody.
const CONCURRENT: usize = 4;

/// With nothing else to wait for, look again after this long.
const IDLE: Duration = Duration::from_secs(60);

/// What the loop works with.
pub struct Poller<U> {
    /// At least one, in order of preference.
    pub exits: Vec<Exit<U>>,
    /// Uses them side by side, each with a budget of its own, instead of the first that works.
    pub spread: bool,
    pub store: Handle,
    pub board: Arc<Board>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    /// The channels that are polled, at any moment.
    pub followed: watch::Receiver<Arc<Followed>>,
    /// For how many readers each of them is polled.
    pub readers: Arc<Readers>,
    /// The posts whose files' addresses are to be renewed.
    pub refreshes: Arc<Refreshes>,
    /// Who is told of each look at a channel that somebody waits for.
    pub looks: Option<UnboundedSender<FirstLook>>,
    pub hosts: Vec<Url>,
    pub policy: Policy,
    /// Of the jitter.
    pub seed: u64,
    /// Walking back through histories takes the whole budget, not a share of it.
    pub eager: bool,
    pub heartbeat: Option<Heartbeat>,
}

/// A sign of life that the loop gives as long as it turns.
#[derive(Debug, Clone, Copy)]
pub struct Heartbeat {
    pub period: Duration,
    pub beat: fn(),
}

/// A way out to upstream.
pub struct Exit<U> {
    pub upstream: Arc<U>,
    /// The proxy, as people are shown it; None without one.
    pub proxy: Option<String>,
}

/// A turn that has ended.
struct Done {
    turn: Turn,
    way: Way,
    outcome: Outcome,
    took: Duration,
}

impl<U: Upstream> Poller<U> {
    /// Polls until `shutdown` resolves. Requests that wait for upstream are dropped then; what is being stored is
    /// stored to its end.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut rounds = Rounds::resume(&self).await;
        self.take_up(&mut rounds).await;
        let mut running = Running::default();
        let (stop, stopping) = watch::channel(false);
        pin!(shutdown);
        let mut beat = self.heartbeat.map(|heartbeat| interval(heartbeat.period));
        loop {
            rounds.weigh_woken(self.clock.steady(), self.clock.wall());
            rounds.line_up_renewals(self.clock.wall());
            let room = CONCURRENT - running.tasks.len();
            let next = iter::from_fn(|| rounds.next(self.clock.steady(), self.clock.wall()));
            let next: Vec<_> = next.take(room).collect();
            // Before anybody is asked, so that who is killed meanwhile knows of it at the next start.
            self.keep(rounds.take_notes(self.clock.steady(), self.clock.wall())).await;
            self.tell(&mut rounds).await;
            for (turn, way) in next {
                let task = self.task(turn.clone(), way.clone(), stopping.clone());
                running.start(turn, way, task);
            }
            rounds.show(self.clock.steady(), self.clock.wall());
            let wake = self.wake(&rounds, running.tasks.len());
            select! {
                () = &mut shutdown => break,
                Some(done) = running.next() => {
                    if let Some(done) = done {
                        rounds.settle(done, self.clock.steady(), self.clock.wall());
                    }
                }
                beat = tick(&mut beat, self.heartbeat) => beat(),
                () = changed(&mut self.followed) => self.take_up(&mut rounds).await,
                () = self.refreshes.wanted() => {}
                () = sleep_until(wake) => {}
            }
        }
        info!(in_flight = running.tasks.len(), "polling stops");
        stop.send_replace(true);
        while let Some(ended) = running.next().await {
            if let Some(done) = ended {
                rounds.settle(done, self.clock.steady(), self.clock.wall());
            }
        }
        self.keep(rounds.take_notes(self.clock.steady(), self.clock.wall())).await;
        self.tell(&mut rounds).await;
    }

    /// Follows what is followed now, and nothing else.
    async fn take_up(&mut self, rounds: &mut Rounds) {
        let followed = Arc::clone(&self.followed.borrow_and_update());
        rounds.leave(&followed.channels, self.clock.steady());
        rounds.channels.followed = Arc::clone(&followed);
        let added: Vec<ChannelConfig> = rounds.added(&followed.channels);
        if added.is_empty() {
            return;
        }
        let names = added.iter().map(|channel| channel.name.clone()).collect();
        let kept = self.store.run(move |store| memory::channels(store, names)).await.unwrap_or_default();
        rounds.follow(added, kept, self.clock.steady(), self.clock.wall());
    }

    /// Keeps what subscribers of the status are to be told; what cannot be kept now is kept with the next turn.
    async fn tell(&self, rounds: &mut Rounds) {
        let events = rounds.channels.news.untold();
        if events.is_empty() {
            return;
        }
        let count = events.len();
        match self.store.run(move |store| events::keep(store, &events)).await {
            Ok(Ok(())) => rounds.channels.news.forget(count),
            Ok(Err(error)) => warn!(%error, "the status feed cannot be brought up to date"),
            Err(_) => {}
        }
    }

    /// Keeps the schedule, the states and the pauses for the next start.
    async fn keep(&self, notes: Notes) {
        if notes.is_empty() {
            return;
        }
        if let Ok(Err(error)) = self.store.run(move |store| notes.keep(store)).await {
            debug!(%error, "the schedule could not be kept; a restart would poll at once");
        }
    }

    fn wake(&self, rounds: &Rounds, running: usize) -> Instant {
        let now = self.clock.steady();
        let idle = now + IDLE;
        let next = if running < CONCURRENT { rounds.next_at(now).unwrap_or(idle).min(idle) } else { idle };
        self.clock.instant(next)
    }

    /// One turn as a task of its own; None if it was stopped while it waited for upstream.
    fn task(
        &self,
        turn: Turn,
        way: Way,
        mut stopping: watch::Receiver<bool>,
    ) -> impl Future<Output = Option<Done>> + Send + use<U> {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let upstream = Arc::clone(&self.exits[way.exit].upstream);
        let limits = self.followed.borrow().reaction_limits();
        async move {
            let started = Instant::now();
            let answer = select! {
                answer = turn::ask(upstream.as_ref(), &way.host, &turn) => answer,
                _ = stopping.wait_for(|stop| *stop) => return None,
            };
            let outcome = match answer {
                Ok(body) => turn::store(&store, &turn, body, limits, clock.wall()).await,
                Err(outcome) => outcome,
            };
            Some(Done { turn, way, outcome, took: started.elapsed() })
        }
    }
}

/// The turns under way, each a task, so that one that panics is known by what it was about.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Option<Done>>,
    turns: HashMap<Id, (Turn, Way, Instant)>,
}

impl Running {
    fn start(&mut self, turn: Turn, way: Way, task: impl Future<Output = Option<Done>> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.turns.insert(id, (turn, way, Instant::now()));
    }

    /// The next that ends; `Some(None)` for one that was stopped.
    async fn next(&mut self) -> Option<Option<Done>> {
        let ended = self.tasks.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let turn = self.turns.remove(&id);
        Some(match (ended, turn) {
            (Ok((_, done)), _) => done,
            (Err(panic), Some((turn, way, started))) => {
                error!(channel = %turn.channel, %panic, "a turn stopped half-way");
                let outcome = Outcome::Stopped(format!("asking upstream stopped half-way: {panic}"));
                Some(Done { turn, way, outcome, took: started.elapsed() })
            }
            (Err(_), None) => None,
        })
    }
}

/// Something else is followed now.
async fn changed(followed: &mut watch::Receiver<Arc<Followed>>) {
    // An error means that nobody is left to change it.
    if followed.changed().await.is_err() {
        std::future::pending().await
    }
}

/// The next beat that is due; never without a heartbeat.
async fn tick(interval: &mut Option<Interval>, heartbeat: Option<Heartbeat>) -> fn() {
    match (interval, heartbeat) {
        (Some(interval), Some(heartbeat)) => {
            interval.tick().await;
            heartbeat.beat
        }
        _ => std::future::pending().await,
    }
}

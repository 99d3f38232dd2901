//! The polling loop: asks upstream for one page after the other, within the budget, and keeps the board true.
//!
//! A *turn* is one request. Most turns are heads of channels that the schedule names; others follow from what a page
//! showed: an older page to close a gap, the landing page of a name without a preview, the page of one post.
//! All of them share one budget, one choice of host and one rule: a channel is never asked twice at once.

mod errands;
mod gaps;
mod hosts;
mod intake;
mod outcome;
mod rounds;
mod settle;
mod suspects;
mod turn;
mod walk;

use std::{future::Future, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    pin, select,
    sync::watch,
    task::{JoinSet, spawn_blocking},
    time::{Instant, Interval, interval, sleep_until},
};
use tracing::{debug, info, warn};
use url::Url;

pub use gaps::Cursor;
pub use intake::{Error as TakeInError, Intake, take_in};
pub use outcome::Outcome;
pub use turn::{Errand, Turn, ask, first_look};
pub use walk::Past;

use crate::{
    clock::Clock,
    fetch::Upstream,
    metrics::Metrics,
    model::{ChannelName, History},
    schedule::Policy,
    status::Board,
    status::events,
    store::Store,
};
use hosts::Way;
use rounds::Rounds;

/// So many requests may be under way at once, so that one slow answer delays nobody.
const CONCURRENT: usize = 4;

/// With nothing else to wait for, look again after this long.
const IDLE: Duration = Duration::from_secs(60);

/// What the loop works with.
pub struct Poller<U> {
    /// At least one, in order of preference.
    pub exits: Vec<Exit<U>>,
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    /// With how far back each one's posts are wanted.
    pub channels: Vec<(ChannelName, History)>,
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
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(&self);
        let mut running = JoinSet::new();
        let (stop, stopping) = watch::channel(false);
        pin!(shutdown);
        let mut beat = self.heartbeat.map(|heartbeat| interval(heartbeat.period));
        loop {
            self.keep(rounds.take_notes()).await;
            self.tell(&mut rounds).await;
            while running.len() < CONCURRENT
                && let Some((turn, way)) = rounds.next(self.clock.steady())
            {
                let task = self.task(turn, way, stopping.clone());
                running.spawn(task);
            }
            rounds.show(self.clock.steady(), self.clock.wall());
            let wake = self.wake(&rounds, running.len());
            select! {
                () = &mut shutdown => break,
                Some(Ok(done)) = running.join_next() => {
                    if let Some(done) = done {
                        rounds.settle(done, self.clock.steady(), self.clock.wall());
                    }
                }
                beat = tick(&mut beat, self.heartbeat) => beat(),
                () = sleep_until(wake) => {}
            }
        }
        info!(in_flight = running.len(), "polling stops");
        stop.send_replace(true);
        while let Some(ended) = running.join_next().await {
            if let Ok(Some(done)) = ended {
                rounds.settle(done, self.clock.steady(), self.clock.wall());
            }
        }
        self.keep(rounds.take_notes()).await;
        self.tell(&mut rounds).await;
    }

    /// Keeps what subscribers of the status are to be told; what cannot be kept now is kept with the next turn.
    async fn tell(&self, rounds: &mut Rounds) {
        let events = rounds.news.untold();
        if events.is_empty() {
            return;
        }
        let (store, count) = (Arc::clone(&self.store), events.len());
        match spawn_blocking(move || events::keep(store.as_ref(), &events)).await {
            Ok(Ok(())) => rounds.news.forget(count),
            Ok(Err(error)) => warn!(%error, "the status feed cannot be brought up to date"),
            Err(_) => {}
        }
    }

    /// Keeps the schedule and the states for the next start.
    async fn keep(&self, notes: Vec<(String, Value)>) {
        if notes.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        let kept = spawn_blocking(move || notes.iter().try_for_each(|(key, value)| store.set_hint(key, value))).await;
        if let Ok(Err(error)) = kept {
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
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        let upstream = Arc::clone(&self.exits[way.exit].upstream);
        async move {
            let started = Instant::now();
            let answer = select! {
                answer = turn::ask(upstream.as_ref(), &way.host, &turn) => answer,
                _ = stopping.wait_for(|stop| *stop) => return None,
            };
            let outcome = match answer {
                Ok(body) => turn::store(&store, &turn, body, clock.wall()).await,
                Err(outcome) => outcome,
            };
            Some(Done { turn, way, outcome, took: started.elapsed() })
        }
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

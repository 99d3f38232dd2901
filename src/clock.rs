//! The time, as two clocks: the wall's, for what is stored and shown, and one that never goes back, for what is
//! planned. The only module that asks the system for the time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use chrono::{TimeDelta, Utc};
use tokio::time::Instant;

use crate::model::Time;

/// The wall may be ahead of the steady clock by this much before time is taken to have been slept through.
const SLEPT: TimeDelta = TimeDelta::seconds(2);

/// Both clocks; clones show the same time. Under tokio's paused clock, [`Clock::simulated`] makes the wall follow it.
#[derive(Debug, Clone)]
pub struct Clock {
    base: Time,
    start: Instant,
    /// Milliseconds by which the wall went ahead of the machine's own count of time: it slept, or was set right.
    slept: Arc<AtomicI64>,
    /// Of a simulated wall: the milliseconds that [`Clock::sleep`] added.
    simulated: Option<Arc<AtomicI64>>,
}

impl Clock {
    pub fn system() -> Self {
        Self { base: Utc::now(), start: Instant::now(), slept: Arc::default(), simulated: None }
    }

    /// Both clocks begin at `base` and follow tokio's.
    pub fn simulated(base: Time) -> Self {
        Self { base, simulated: Some(Arc::default()), ..Self::system() }
    }

    /// Moves a simulated wall ahead, as for a machine that was suspended: its own count of time stood still.
    pub fn sleep(&self, span: TimeDelta) {
        if let Some(added) = &self.simulated {
            added.fetch_add(span.num_milliseconds(), Relaxed);
        }
    }

    /// What a calendar on the wall says; it may jump either way.
    pub fn wall(&self) -> Time {
        match &self.simulated {
            Some(added) => self.base + self.start.elapsed() + TimeDelta::milliseconds(added.load(Relaxed)),
            None => Utc::now(),
        }
    }

    /// The wall's time when the program started, and from then on steady. It follows the wall ahead, since a machine
    /// that was suspended does not count that time itself, and never back.
    pub fn steady(&self) -> Time {
        let counted = self.base + self.start.elapsed();
        let ahead = self.wall() - counted;
        let slept = TimeDelta::milliseconds(self.slept.load(Relaxed));
        if ahead - slept < SLEPT {
            return counted + slept;
        }
        let before = self.slept.fetch_max(ahead.num_milliseconds(), Relaxed);
        counted + TimeDelta::milliseconds(before.max(ahead.num_milliseconds()))
    }

    /// The instant at which [`Clock::steady`] will show `time`, if nothing is slept through.
    pub fn instant(&self, time: Time) -> Instant {
        let counted = time - TimeDelta::milliseconds(self.slept.load(Relaxed));
        self.start + (counted - self.base).to_std().unwrap_or_default()
    }
}

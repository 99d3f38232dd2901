//! The time, as two clocks: the wall's, for what is stored and shown, and one that never jumps, for what is planned.
//! The only module that asks the system for the time.

use chrono::Utc;
use tokio::time::Instant;

use crate::model::Time;

/// Both clocks. Under tokio's paused clock, [`Clock::simulated`] makes the wall follow it too.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base: Time,
    start: Instant,
    simulated: bool,
}

impl Clock {
    pub fn system() -> Self {
        Self { base: Utc::now(), start: Instant::now(), simulated: false }
    }

    /// Both clocks begin at `base` and follow tokio's.
    pub fn simulated(base: Time) -> Self {
        Self { base, start: Instant::now(), simulated: true }
    }

    /// What a calendar on the wall says; it may jump either way.
    pub fn wall(&self) -> Time {
        if self.simulated { self.steady() } else { Utc::now() }
    }

    /// The wall's time when the program started, and from then on steady.
    pub fn steady(&self) -> Time {
        self.base + self.start.elapsed()
    }

    /// The instant at which [`Clock::steady`] will show `time`.
    pub fn instant(&self, time: Time) -> Instant {
        self.start + (time - self.base).to_std().unwrap_or_default()
    }
}

//! One channel of the schedule: its place, and what its polls have taught.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{
    profile::{Fit, Population},
    rhythm::{Outlook, Rhythm},
};
use crate::model::Time;

/// A post is stamped upstream; by our clock it may have come so much before it could be seen.
const STAMP_TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// What a poll showed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    /// The times of all posts on the page, oldest first.
    pub posts: &'a [Time],
    /// How many of them, the last ones, had not been seen before.
    pub new: usize,
}

/// What is kept of a channel from run to run. Small, and safe to lose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    pub(super) polled: Option<Time>,
    pub(super) failures: u32,
    pub(super) not_before: Option<Time>,
    pub(super) rhythm: Rhythm,
}

#[derive(Debug)]
pub struct Slot {
    pub place: Place,
    /// The last successful poll.
    pub polled: Option<Time>,
    pub failures: u32,
    /// End of a back-off.
    pub not_before: Option<Time>,
    /// For so many readers its delay counts.
    pub weight: f64,
    pub rhythm: Rhythm,
    /// What the channel has added to the population.
    pub fit: Option<Fit>,
    /// From the last successful poll on, or from when the channel was added.
    pub outlook: Outlook,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    New,
    /// Until this time.
    Waiting(Time),
    /// Since `since`, in line at `due`.
    Ready {
        since: Time,
        due: Time,
    },
    /// Asked for at this time.
    InFlight(Time),
}

impl Slot {
    /// Saved times may lie in the future (the clock was wrong) or far back: the first count as now, and what was
    /// missed counts up to the ceiling.
    pub fn restored(saved: Option<Saved>, now: Time, ceiling: TimeDelta, population: &mut Population) -> Self {
        let saved = saved.filter(|saved| saved.rhythm.is_sound());
        let Some(Saved { polled, failures, not_before, rhythm }) = saved else { return Self::unknown(now) };
        let polled = polled.map(|polled| polled.min(now));
        let since = polled.map_or(now, |polled| polled.max(now - ceiling));
        let not_before = not_before.map(|end| end.min(now + ceiling));
        let mut slot = Self { polled, failures, not_before, rhythm, ..Self::unknown(since) };
        slot.expect(since, population);
        slot
    }

    fn unknown(since: Time) -> Self {
        let rhythm = Rhythm::default();
        let outlook = rhythm.outlook(since);
        Self { place: Place::New, polled: None, failures: 0, not_before: None, weight: 1.0, rhythm, fit: None, outlook }
    }

    /// Looks ahead from `since`, by what this channel and all of them have shown.
    fn expect(&mut self, since: Time, population: &mut Population) {
        let fit = self.rhythm.fit(&population.prior());
        population.replace(self.fit.as_ref(), Some(&fit));
        self.fit = Some(fit);
        self.outlook = self.rhythm.outlook(since);
    }

    pub fn learn(&mut self, asked: Time, seen: &Seen<'_>, population: &mut Population) {
        let oldest = seen.posts.first().copied();
        let known_since = self.polled.filter(|polled| oldest.is_none_or(|oldest| oldest <= *polled));
        let (from, posts) = match (known_since, oldest) {
            (Some(polled), _) => (polled, &seen.posts[seen.posts.len().saturating_sub(seen.new)..]),
            // Where the window begins was chosen by a post, so that post is no evidence.
            (None, Some(oldest)) => (oldest.min(asked), &seen.posts[1..]),
            (None, None) => (self.polled.unwrap_or(asked), &[][..]),
        };
        let counted: Vec<Time> = posts
            .iter()
            .filter(|post| **post > from - STAMP_TOLERANCE)
            .map(|post| (*post).clamp(from, asked))
            .collect();
        self.rhythm.observe(from, asked, &counted);
        self.polled = Some(asked);
        self.failures = 0;
        self.not_before = None;
        self.expect(asked, population);
    }
}

//! How far one listener has been told of a topic, and when to try again. Pure.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{model::Time, schedule::Backoff};

const LONGEST_RETRY: TimeDelta = TimeDelta::hours(1);
const POSTPONED: TimeDelta = TimeDelta::seconds(15);
/// So long a listener may fail before it is taken for dead.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// A topic's version: told from memory, and by the bytes, which may be the same after the channel changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub heads: u64,
    pub digest: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    heads: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<u64>,
    /// Failures in a row.
    #[serde(default)]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Time>,
    /// Forgotten over a restart, which is a good moment to try again.
    #[serde(skip)]
    next_try: Option<Time>,
}

impl Progress {
    /// Of a listener that is to hear of what comes after `heads`.
    pub fn after(heads: u64) -> Self {
        Self { heads: Some(heads), ..Self::default() }
    }

    /// The version that the listener was told last.
    pub fn heads(&self) -> Option<u64> {
        self.heads
    }

    /// Whether the listener is to hear of `current`. A new version of the program or of its settings is no news.
    pub fn is_behind(&self, current: &Seen) -> bool {
        self.heads != Some(current.heads) && self.digest != Some(current.digest)
    }

    pub fn may_try(&self, now: Time) -> bool {
        self.next_try.is_none_or(|next| next <= now)
    }

    pub fn told(&mut self, seen: Seen) {
        *self = Self { digest: Some(seen.digest), ..Self::after(seen.heads) };
    }

    /// There was nothing to tell it with.
    pub fn postpone(&mut self, now: Time) {
        self.next_try = Some(now + POSTPONED);
    }

    /// Whether it has failed for so long that it is given up.
    /// `random` from 0 to 1 keeps those that failed together from being told together.
    pub fn failed(&mut self, now: Time, first_retry: TimeDelta, random: f64) -> bool {
        let since = *self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let backoff = Backoff { first: first_retry, longest: LONGEST_RETRY };
        self.next_try = Some(now + backoff.wait(self.failures, random));
        now - since >= PATIENCE
    }
}

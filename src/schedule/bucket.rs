//! The budget of requests to one host: a token bucket, and above it a hard limit on any 60 seconds.
//! Knows nothing of channels.

use std::{collections::VecDeque, time::Duration};

use chrono::TimeDelta;

use crate::model::Time;

/// In no stretch of this length are there more requests than a minute's budget. Half a second above the minute,
/// because requests arrive upstream a little closer together or further apart than they were let go.
const WINDOW: TimeDelta = TimeDelta::milliseconds(60_500);
/// A slowed host is back at its whole budget after this many seconds for each half that was taken.
const HALF_RECOVERY_SECONDS: f64 = 600.0;
/// Answers to requests that overlapped are one sign, not several.
const SAME_SIGN: TimeDelta = TimeDelta::seconds(5);
/// Extra requests that can wait get this share of the budget.
const SPARE_SHARE: f64 = 0.25;
/// What a request that can wait costs of that share while a channel is due.
const SPARE_COST_WHEN_BUSY: f64 = 2.5;

/// What is left of the budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// In force now; less than the policy's after a slow-down.
    pub requests_per_minute: f64,
    /// Requests that could be made at once.
    pub tokens: u32,
}

#[derive(Debug)]
pub(super) struct Bucket {
    /// Requests per minute when all is well.
    full: f64,
    burst: f64,
    rate: f64,
    tokens: f64,
    spare: f64,
    filled: Time,
    slowed: Option<Time>,
    taken: VecDeque<Time>,
}

impl Bucket {
    pub(super) fn new(requests_per_minute: u32, burst: u32) -> Self {
        let full = f64::from(requests_per_minute.max(1));
        let burst = f64::from(burst.max(1)).min(full);
        Self {
            full,
            burst,
            rate: full,
            tokens: burst,
            spare: 1.0,
            filled: Time::UNIX_EPOCH,
            slowed: None,
            taken: VecDeque::new(),
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    pub(super) fn taken(&self) -> impl Iterator<Item = Time> {
        self.taken.iter().copied()
    }

    /// Times ahead of `now`, as after a clock was set back, count as now.
    pub(super) fn resume(&mut self, times: impl IntoIterator<Item = Time>, now: Time) {
        let mut taken: Vec<Time> = times.into_iter().map(|time| time.min(now)).collect();
        taken.sort();
        if let Some(last) = taken.last() {
            let since = seconds(now - *last).max(0.0);
            self.tokens = self.tokens.min(since * self.rate / 60.0);
            self.filled = now;
        }
        self.taken = taken.into();
        self.fill(now);
    }

    pub(super) fn take(&mut self, now: Time) -> bool {
        self.fill(now);
        if self.tokens < 1.0 - 1e-9 || self.taken.len() >= self.limit() {
            return false;
        }
        self.tokens -= 1.0;
        self.taken.push_back(now);
        true
    }

    /// As [`take`](Self::take), within the share of requests that can wait.
    pub(super) fn take_spare(&mut self, now: Time, busy: bool) -> bool {
        self.fill(now);
        if self.spare < 1.0 || !self.take(now) {
            return false;
        }
        self.spare -= if busy { SPARE_COST_WHEN_BUSY } else { 1.0 };
        true
    }

    /// When a token can be had, if nobody else takes one before; `now` if there is one.
    pub(super) fn next_at(&self, now: Time) -> Time {
        let tokens = self.tokens + seconds(now - self.filled).max(0.0) * self.rate / 60.0;
        let filled = now + whole_milliseconds((1.0 - tokens).max(0.0) * 60.0 / self.rate);
        match self.taken.len().checked_sub(self.limit()).and_then(|excess| self.taken.get(excess)) {
            Some(&oldest) => filled.max(oldest + WINDOW),
            None => filled,
        }
    }

    pub(super) fn slow_down(&mut self, now: Time) {
        self.fill(now);
        if self.slowed.is_some_and(|last| now - last < SAME_SIGN) {
            return;
        }
        self.slowed = Some(now);
        self.rate = (self.rate / 2.0).max(1.0);
        self.tokens = 0.0;
    }

    /// The budget at `now`, which the last call to fill or take need not have seen.
    pub(super) fn budget(&self, now: Time) -> Budget {
        let elapsed = seconds(now - self.filled).max(0.0);
        let rate = self.recovered(elapsed);
        let in_window = self.taken.iter().filter(|&&taken| now - taken < WINDOW).count();
        let tokens = (self.tokens + elapsed * rate / 60.0).min(self.burst);
        let room = (rate as usize).max(1).saturating_sub(in_window);
        Budget { requests_per_minute: rate, tokens: (tokens as u32).min(u32::try_from(room).unwrap_or(u32::MAX)) }
    }

    fn fill(&mut self, now: Time) {
        let elapsed = seconds(now - self.filled).max(0.0);
        self.rate = self.recovered(elapsed);
        self.tokens = (self.tokens + elapsed * self.rate / 60.0).min(self.burst);
        self.spare = (self.spare + elapsed * self.rate / 60.0 * SPARE_SHARE).min(1.0);
        self.filled = self.filled.max(now);
        while self.taken.front().is_some_and(|&first| now - first >= WINDOW) {
            self.taken.pop_front();
        }
    }

    fn recovered(&self, elapsed_seconds: f64) -> f64 {
        (self.rate + elapsed_seconds * self.full / 2.0 / HALF_RECOVERY_SECONDS).min(self.full)
    }

    fn limit(&self) -> usize {
        (self.rate as usize).max(1)
    }
}

pub(super) fn seconds(span: TimeDelta) -> f64 {
    span.as_seconds_f64()
}

/// Rounded up, so that what is due at a time is due when that time has come. Negative, huge and undefined
/// spans become 0 and some decades.
pub(super) fn whole_milliseconds(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds.clamp(0.0, 1e9) * 1000.0).ceil() as i64)
}

pub(super) fn delta(span: Duration) -> TimeDelta {
    whole_milliseconds(span.as_secs_f64())
}

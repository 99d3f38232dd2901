//! Which channel to poll when: least expected delay for a budget of requests. Pure: time is passed in, and it
//! knows nothing of fetching, pages, stores and clocks.
//!
//! A post that came at u and is seen at t has waited t−u. Since its last poll at s a channel has gathered the
//! expected delay D(t) = ∫λ(u)(t−u)du, s ≤ u ≤ t, where λ is its [`rhythm`]. Polling whichever channel has
//! gathered most, whenever the [`bucket`] has a token, makes frequencies proportional to √λ, which is what keeps
//! the mean delay least, and follows days and bursts. What channels know of each other's hours is in [`profile`].
//!
//! A channel passes through these places, each a tree ordered by time, so that a decision costs O(log n):
//!
//! ```text
//!  insert ─► newcomers ─┐                      ┌─ succeeded, failed ◄─ in flight
//!                       ├─► take ─► in flight  │
//!              ready ───┘                      │
//!                ▲                             │
//!                └── waiting ◄─────────────────┘
//! ```
//!
//! `waiting` is ordered by when a poll becomes worth a request at all ([`LEAST_WORTH`], the floor, a back-off).
//! `ready` is ordered by when D reaches the price, which is what the last polls were worth: a channel that is
//! early by that order has gathered less than others had when they were polled, one that is late has gathered
//! more. Late polls raise the price, early ones lower it, and the order is made anew when it has moved.

mod backoff;
mod bucket;
mod profile;
mod rhythm;
mod slot;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

pub use backoff::Backoff;
pub use bucket::Budget;
use bucket::{Bucket, delta, seconds, whole_milliseconds};
use chrono::TimeDelta;
use profile::Population;
use rhythm::Unseen;
use slot::{Place, Slot};
pub use slot::{Saved, Seen};

use crate::model::Time;

/// A request is made when it is expected to spare posts this many seconds of waiting, together. A channel with 3
/// posts a day is then asked every quarter of an hour however large the budget is, one with a post a week every
/// hour, one with 150 a day at a floor of two minutes.
const LEAST_WORTH: f64 = 15.0;
/// A page shows about 20 posts. With so many expected unseen, more than 20 are unlikely even in a burst.
const MOST_UNSEEN: f64 = 12.0;
/// A channel stands in line this share of the ceiling after its last poll, so that it is polled before it.
const CEILING_SHARE: f64 = 0.85;
/// When the budget cannot poll every channel within the ceiling, they are given this many times what it can.
const CEILING_SLACK: f64 = 1.25;
/// A fixed interval varies by this share either way, so that polls do not march in step.
const JITTER: f64 = 0.1;
/// How fast the price follows what polls are worth.
const PRICE_STEP: f64 = 0.05;
/// The order is made anew when the price has moved by this share, but at most once in as many polls as there are
/// channels in it, divided by [`POLLS_PER_ORDER`]: so it costs a decision that many insertions at most.
const PRICE_DRIFT: f64 = 0.05;
const POLLS_PER_ORDER: usize = 16;
/// What a person sets: budget and bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// In no 60 seconds are there more requests than this.
    pub requests_per_minute: u32,
    /// Requests that may be made at once after a pause.
    pub burst: u32,
    /// A channel is polled no more often than this.
    pub floor: Duration,
    /// A channel is polled at least as often as this, budget permitting.
    pub ceiling: Duration,
    /// Polls every channel at this interval, with jitter, instead of by its rhythm.
    pub fixed_interval: Option<Duration>,
}

impl Policy {
    /// The minutes between two polls of a channel, at least; rounded up.
    pub fn least_minutes(&self) -> u32 {
        let least = self.fixed_interval.unwrap_or(self.floor);
        u32::try_from(least.as_secs().div_ceil(60)).unwrap_or(u32::MAX)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            requests_per_minute: 30,
            burst: 2,
            floor: Duration::from_secs(120),
            ceiling: Duration::from_secs(6 * 3600),
            fixed_interval: None,
        }
    }
}

/// When to poll each channel of a host. Times that are passed in must not go back; if they do, nothing is polled
/// until they have caught up.
#[derive(Debug)]
pub struct Schedule<K> {
    policy: Policy,
    bucket: Bucket,
    random: fastrand::Rng,
    slots: HashMap<K, Slot>,
    /// Those that somebody waits for come before the others.
    awaited: VecDeque<K>,
    newcomers: VecDeque<K>,
    waiting: BTreeSet<(Time, K)>,
    ready: BTreeSet<(Time, K)>,
    /// Whether the last poll was a newcomer's: they get every other one.
    newcomer_had_turn: bool,
    /// Expected post seconds that a poll is worth now.
    price: f64,
    /// The price by which `ready` is ordered, and the polls since it is.
    ordered_by: f64,
    polls_in_order: usize,
    /// What the channels' days have in common.
    population: Population,
}

impl<K: Clone + Eq + Hash + Ord> Schedule<K> {
    /// The same seed, calls and times give the same polls.
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            bucket: Bucket::new(policy.requests_per_minute, policy.burst),
            random: fastrand::Rng::with_seed(seed),
            slots: HashMap::new(),
            awaited: VecDeque::new(),
            newcomers: VecDeque::new(),
            waiting: BTreeSet::new(),
            ready: BTreeSet::new(),
            newcomer_had_turn: false,
            price: LEAST_WORTH,
            ordered_by: LEAST_WORTH,
            polls_in_order: 0,
            population: Population::default(),
        }
    }

    /// Adds a channel; one that is there already is left as it is. A new one is due at once, one with `saved`
    /// state when it would have been.
    pub fn insert(&mut self, key: K, saved: Option<Saved>, now: Time) {
        if self.slots.contains_key(&key) {
            return;
        }
        let slot = Slot::restored(saved, now, delta(self.policy.ceiling), &mut self.population);
        let is_new = slot.polled.is_none() && slot.failures == 0;
        self.slots.insert(key.clone(), slot);
        if is_new {
            self.newcomers.push_back(key);
        } else {
            self.set_waiting(&key, now);
        }
    }

    /// As [`Schedule::insert`], for a channel that somebody waits for: due at once, before all newcomers, whatever is known
    /// of it.
    pub fn insert_awaited(&mut self, key: K, saved: Option<Saved>, now: Time) {
        if self.slots.contains_key(&key) {
            return;
        }
        let saved = saved.map(|saved| Saved { failures: 0, not_before: None, ..saved });
        let slot = Slot::restored(saved, now, delta(self.policy.ceiling), &mut self.population);
        self.slots.insert(key.clone(), slot);
        self.awaited.push_back(key);
    }

    /// When one more channel that somebody waits for would be asked for, by the budget alone.
    pub fn awaited_at(&self, now: Time) -> Time {
        // The others get every other turn.
        let turns = self.awaited.len() * if self.ready.is_empty() { 1 } else { 2 };
        self.bucket.next_at(now) + whole_milliseconds(turns as f64 * 60.0 / self.bucket.rate())
    }

    /// Forgets a channel, in flight or not.
    pub fn remove(&mut self, key: &K) {
        if let Some(slot) = self.slots.remove(key) {
            self.population.replace(slot.fit.as_ref(), None);
            match slot.place {
                Place::New => {
                    self.newcomers.retain(|other| other != key);
                    self.awaited.retain(|other| other != key);
                }
                Place::Waiting(until) => _ = self.waiting.remove(&(until, key.clone())),
                Place::Ready { due, .. } => _ = self.ready.remove(&(due, key.clone())),
                Place::InFlight(_) => {}
            }
        }
    }

    /// The channel to poll now, if one is due and the budget has a token. It takes the token, and the channel is
    /// in flight until [`succeeded`](Self::succeeded) or [`failed`](Self::failed): it is not given out twice.
    pub fn take(&mut self, now: Time) -> Option<K> {
        self.admit(now);
        if !self.has_newcomer() && self.ready.is_empty() || !self.bucket.take(now) {
            return None;
        }
        let others_turn = self.newcomer_had_turn && !self.ready.is_empty();
        let newcomer = if others_turn { None } else { self.awaited.pop_front().or_else(|| self.newcomers.pop_front()) };
        self.newcomer_had_turn = newcomer.is_some();
        let key = match newcomer {
            Some(key) => key,
            None => self.take_ready(now)?,
        };
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.place = Place::InFlight(now);
        }
        Some(key)
    }

    /// A token for a request beside the polls that must not wait: a gap, a probe.
    pub fn take_extra(&mut self, now: Time) -> bool {
        self.bucket.take(now)
    }

    /// A token for a request that can wait: at most a quarter of the budget, a tenth while a channel is due.
    pub fn take_spare(&mut self, now: Time) -> bool {
        self.admit(now);
        let busy = self.has_newcomer() || self.ready.first().is_some_and(|(due, _)| *due <= now);
        self.bucket.take_spare(now, busy)
    }

    /// When [`take`](Self::take) can next succeed, not before `now`; None if no channel is waiting.
    pub fn next_at(&self, now: Time) -> Option<Time> {
        let due = if !self.has_newcomer() && self.ready.is_empty() { self.waiting.first()?.0 } else { now };
        Some(self.bucket.next_at(now).max(due))
    }

    /// The end of a poll: what was seen.
    pub fn succeeded(&mut self, key: &K, now: Time, seen: &Seen<'_>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let Place::InFlight(asked) = slot.place else { return };
        slot.learn(asked.min(now), seen, &mut self.population);
        self.set_waiting(key, now);
    }

    /// The end of a poll that told nothing: a back-off from twice the floor up to the ceiling, and not before
    /// `retry_after` (clamped to the ceiling) has passed.
    pub fn failed(&mut self, key: &K, now: Time, retry_after: Option<Duration>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        if !matches!(slot.place, Place::InFlight(_)) {
            return;
        }
        slot.failures = slot.failures.saturating_add(1);
        let (floor, ceiling) = (delta(self.policy.floor), delta(self.policy.ceiling));
        let backoff = Backoff { first: (floor * 2).max(TimeDelta::seconds(2)), longest: ceiling };
        let own = backoff.wait(slot.failures, self.random.f64());
        // Behind what was asked for there is a little jitter, too.
        let asked = retry_after.map(|wait| delta(wait).min(ceiling) + own / 10);
        slot.not_before = Some(now + asked.map_or(own, |asked| asked.max(own)));
        self.set_waiting(key, now);
    }

    /// How much a channel's delay counts beside others': for so many readers. 0: it is polled at the ceiling only.
    pub fn set_weight(&mut self, key: &K, weight: f64, now: Time) {
        let Some(slot) = self.slots.get_mut(key).filter(|slot| slot.weight != weight) else { return };
        slot.weight = weight;
        match slot.place {
            Place::Waiting(until) => _ = self.waiting.remove(&(until, key.clone())),
            Place::Ready { due, .. } => _ = self.ready.remove(&(due, key.clone())),
            Place::New | Place::InFlight(_) => return,
        }
        self.set_waiting(key, now);
    }

    /// When the channel is expected to be polled; in the past if it is overdue or in flight.
    pub fn next_poll(&self, key: &K) -> Option<Time> {
        let slot = self.slots.get(key)?;
        Some(match slot.place {
            Place::New => slot.outlook.since,
            Place::Waiting(until) => self.place_in_line(slot, until).max(until),
            Place::Ready { due, .. } => due,
            Place::InFlight(asked) => asked,
        })
    }

    /// What to keep of a channel for the next run.
    pub fn saved(&self, key: &K) -> Option<Saved> {
        self.slots.get(key).map(|slot| Saved {
            polled: slot.polled,
            failures: slot.failures,
            not_before: slot.not_before,
            rhythm: slot.rhythm.rounded(),
        })
    }

    /// Takes a channel out, for another schedule: what is known of it, its weight, and whether somebody waits for it.
    pub fn take_out(&mut self, key: &K) -> Option<(Saved, f64, bool)> {
        let saved = self.saved(key)?;
        let weight = self.slots.get(key)?.weight;
        let is_awaited = self.awaited.contains(key);
        self.remove(key);
        Some((saved, weight, is_awaited))
    }

    /// Upstream has had enough: the budget halves, and recovers by equal steps within ten minutes for each half.
    /// Signs within five seconds of the last are taken for the same.
    pub fn slow_down(&mut self, now: Time) {
        self.bucket.slow_down(now);
    }

    /// When the requests of the last minute were made.
    pub fn requests(&self) -> impl Iterator<Item = Time> {
        self.bucket.taken()
    }

    /// Requests that an earlier run made: they count for the minute's budget.
    pub fn resume_requests(&mut self, times: impl IntoIterator<Item = Time>, now: Time) {
        self.bucket.resume(times, now);
    }

    pub fn budget(&self, now: Time) -> Budget {
        self.bucket.budget(now)
    }

    fn has_newcomer(&self) -> bool {
        !(self.awaited.is_empty() && self.newcomers.is_empty())
    }

    fn set_waiting(&mut self, key: &K, now: Time) {
        let fixed = self.policy.fixed_interval.map(|interval| {
            delta(interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * self.random.f64())).max(TimeDelta::milliseconds(1))
        });
        let Some(slot) = self.slots.get(key) else { return };
        let next = match (fixed, slot.polled) {
            _ if slot.failures > 0 => now,
            (_, None) => now,
            (Some(interval), Some(polled)) => polled + interval,
            (None, Some(polled)) => self.crossing(slot, LEAST_WORTH).max(polled + delta(self.policy.floor)),
        };
        let until = slot.not_before.map_or(next, |end| end.max(next));
        self.waiting.insert((until, key.clone()));
        if let Some(slot) = self.slots.get_mut(key) {
            slot.place = Place::Waiting(until);
        }
    }

    /// Moves the channels whose poll has become worth a request from `waiting` to `ready`.
    fn admit(&mut self, now: Time) {
        while self.waiting.first().is_some_and(|(until, _)| *until <= now) {
            let Some((since, key)) = self.waiting.pop_first() else { return };
            let Some(slot) = self.slots.get(&key) else { continue };
            let due = self.place_in_line(slot, since);
            self.ready.insert((due, key.clone()));
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.place = Place::Ready { since, due };
            }
        }
    }

    fn take_ready(&mut self, now: Time) -> Option<K> {
        let (due, key) = self.ready.pop_first()?;
        let slot = self.slots.get(&key)?;
        if let Place::Ready { since, .. } = slot.place {
            let delay_at = |time: Time| slot.outlook.unseen(seconds(time - slot.outlook.since)).delay;
            let (worth, expected) = (delay_at(now), delay_at(due.max(since)));
            if worth > 0.0 && expected > 0.0 && slot.weight > 0.0 {
                let shown = (self.ordered_by * worth / expected).clamp(LEAST_WORTH, 1e12);
                self.price *= (shown / self.price).powf(PRICE_STEP);
            }
        }
        self.polls_in_order += 1;
        let has_moved = (self.price / self.ordered_by).ln().abs() > PRICE_DRIFT;
        if has_moved && self.polls_in_order * POLLS_PER_ORDER >= self.ready.len() {
            self.order_anew();
        }
        Some(key)
    }

    fn order_anew(&mut self) {
        self.ordered_by = self.price;
        self.polls_in_order = 0;
        for (_, key) in std::mem::take(&mut self.ready) {
            let Some(slot) = self.slots.get(&key) else { continue };
            let Place::Ready { since, .. } = slot.place else { continue };
            let new_due = self.place_in_line(slot, since);
            if let Some(Slot { place: Place::Ready { due, .. }, .. }) = self.slots.get_mut(&key) {
                *due = new_due;
                self.ready.insert((new_due, key));
            }
        }
    }

    /// Where in `ready` a channel stands that got there at `since`. A failed poll is tried again in its turn:
    /// what the channel has gathered meanwhile is not known.
    fn place_in_line(&self, slot: &Slot, since: Time) -> Time {
        let in_turn = self.policy.fixed_interval.is_some() || slot.failures > 0;
        if in_turn { since } else { self.crossing(slot, self.ordered_by) }
    }

    /// When the channel will have gathered `delay` for all its readers, or has another reason to be polled.
    fn crossing(&self, slot: &Slot, delay: f64) -> Time {
        let limit = self.ceiling_seconds() * CEILING_SHARE;
        let elapsed = if slot.weight > 0.0 {
            slot.outlook.reach(Unseen { posts: MOST_UNSEEN, delay: delay / slot.weight }, limit)
        } else {
            limit
        };
        slot.outlook.since + whole_milliseconds(elapsed)
    }

    fn ceiling_seconds(&self) -> f64 {
        let least = self.slots.len() as f64 / self.bucket.rate() * 60.0;
        self.policy.ceiling.as_secs_f64().max(least * CEILING_SLACK)
    }
}

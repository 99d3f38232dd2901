//! Ways to spend requests on a world's channels, and what each of them achieves.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta};
use feedbridge::{
    model::Time,
    schedule::{Policy, Schedule, Seen},
};

use crate::world::{BURST_DECAY, DAY, World};

/// Posts on a page. Older ones that are missing cost one more request for each page.
const PAGE: usize = 20;
/// Between the requests of those that make no use of a budget, in seconds.
const PACE: f64 = 2.0;

/// The time that is measured: after learning and before the end.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: f64,
    pub to: f64,
}

impl Span {
    fn holds(&self, time: f64) -> bool {
        (self.from..self.to).contains(&time)
    }

    fn length(&self) -> f64 {
        self.to - self.from
    }
}

/// What a policy did. Only what lies within the span counts.
pub struct Outcome {
    /// Seconds from post to sight, ascending.
    pub delays: Vec<f32>,
    /// The mean delay, of each post as often as its channel has readers.
    pub mean_per_reader: f64,
    pub requests: usize,
    pub longest_interval: f64,
    pub most_in_a_minute: usize,
}

impl Outcome {
    pub fn mean(&self) -> f64 {
        self.delays.iter().map(|delay| f64::from(*delay)).sum::<f64>() / self.delays.len().max(1) as f64
    }

    /// `share` of the delays are at most this.
    pub fn quantile(&self, share: f64) -> f64 {
        let index = (self.delays.len() as f64 * share) as usize;
        self.delays.get(index.min(self.delays.len().saturating_sub(1))).copied().map_or(0.0, f64::from)
    }
}

/// Follows what has been seen of each channel, while a policy says when it asks.
struct Watch<'a> {
    world: &'a World,
    span: Span,
    polled: Vec<f64>,
    /// How many posts of each channel have been seen or are about to be healed.
    known: Vec<usize>,
    /// Posts missing below a page: channel, and their range.
    gaps: VecDeque<(usize, usize, usize)>,
    delays: Vec<f32>,
    /// Sums over readers: of delays, and of posts.
    read: (f64, f64),
    requests: Vec<f64>,
    longest_interval: f64,
}

impl<'a> Watch<'a> {
    fn new(world: &'a World, span: Span) -> Self {
        let known = world.channels.iter().map(|channel| channel.posts.partition_point(|post| *post < 0.0)).collect();
        Self {
            world,
            span,
            polled: vec![0.0; world.channels.len()],
            known,
            gaps: VecDeque::new(),
            delays: Vec::new(),
            read: (0.0, 0.0),
            requests: Vec::new(),
            longest_interval: 0.0,
        }
    }

    /// One request for a channel's page; returns the number of new posts, those below the page included.
    fn poll(&mut self, channel: usize, now: f64) -> usize {
        let posts = &self.world.channels[channel].posts;
        let first = self.known[channel];
        let end = first + posts[first..].partition_point(|post| *post <= now);
        let shown = end.saturating_sub(PAGE).max(first);
        self.see(channel, shown, end, now);
        if shown > first {
            self.gaps.push_back((channel, first, shown));
        }
        self.known[channel] = end;
        self.requests.push(now);
        if self.span.holds(now) {
            self.longest_interval = self.longest_interval.max(now - self.polled[channel].max(self.span.from));
        }
        self.polled[channel] = now;
        end - first
    }

    /// One request for a page below a gap.
    fn heal(&mut self, now: f64) {
        let Some((channel, first, end)) = self.gaps.pop_front() else { return };
        let shown = end.saturating_sub(PAGE).max(first);
        self.see(channel, shown, end, now);
        if shown > first {
            self.gaps.push_front((channel, first, shown));
        }
        self.requests.push(now);
    }

    fn see(&mut self, channel: usize, first: usize, end: usize, now: f64) {
        let readers = self.world.channels[channel].readers;
        for post in &self.world.channels[channel].posts[first..end] {
            if self.span.holds(*post) {
                self.delays.push((now - post) as f32);
                self.read.0 += readers * (now - post);
                self.read.1 += readers;
            }
        }
    }

    /// What was never seen counts as seen at the end.
    fn finish(mut self) -> Outcome {
        let end = self.world.end();
        for (channel, first) in self.known.clone().into_iter().enumerate() {
            self.see(channel, first, self.world.channels[channel].posts.len(), end);
        }
        self.requests.sort_by(f64::total_cmp);
        self.delays.sort_by(f32::total_cmp);
        Outcome {
            delays: self.delays,
            mean_per_reader: self.read.0 / self.read.1.max(1.0),
            requests: self.requests.iter().filter(|time| self.span.holds(**time)).count(),
            longest_interval: self.longest_interval,
            most_in_a_minute: most_within(&self.requests, 60.0),
        }
    }
}

fn most_within(times: &[f64], length: f64) -> usize {
    let mut first = 0;
    let counts = times.iter().enumerate().map(|(last, time)| {
        while time - times[first] > length {
            first += 1;
        }
        last - first + 1
    });
    counts.max().unwrap_or(0)
}

/// For how many readers the schedule lets a channel count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    One,
    /// As many for each as channels have on average.
    Mean,
    Own,
}

/// The daemon's own schedule, started without any knowledge of rhythms. Also returns when it made its requests.
pub fn scheduled(world: &World, policy: Policy, span: Span, seed: u64, counted: Counted) -> (Outcome, Vec<f64>) {
    let mean = world.channels.iter().map(|channel| channel.readers).sum::<f64>() / world.channels.len() as f64;
    let mut watch = Watch::new(world, span);
    let mut schedule = Schedule::new(policy, seed);
    for channel in 0..world.channels.len() {
        schedule.insert(channel, None, at(0.0));
        let readers = match counted {
            Counted::One => 1.0,
            Counted::Mean => mean,
            Counted::Own => world.channels[channel].readers,
        };
        schedule.set_weight(&channel, readers, at(0.0));
    }
    let mut now = at(0.0);
    while since_start(now) < world.end() {
        // A gap gets every other request at most, so that no flood of posts keeps other channels waiting.
        if !watch.gaps.is_empty() && schedule.take_extra(now) {
            watch.heal(since_start(now));
        }
        if let Some(channel) = schedule.take(now) {
            let new = watch.poll(channel, since_start(now));
            let posts = &world.channels[channel].posts[..watch.known[channel]];
            let page: Vec<Time> = posts[posts.len().saturating_sub(PAGE)..].iter().map(|post| at(*post)).collect();
            schedule.succeeded(&channel, now, &Seen { posts: &page, new: new.min(page.len()) });
        }
        let next = if watch.gaps.is_empty() { schedule.next_at(now) } else { None };
        now = next.unwrap_or(now + TimeDelta::milliseconds(500)).max(now + TimeDelta::milliseconds(1));
    }
    let requests = watch.requests.clone();
    (watch.finish(), requests)
}

fn at(seconds: f64) -> Time {
    DateTime::from_timestamp_millis(1_767_225_600_000 + (seconds * 1000.0).round() as i64)
        .expect("the simulated years are within chrono's")
}

fn since_start(time: Time) -> f64 {
    (time - at(0.0)).as_seconds_f64()
}

/// Every channel at the same interval.
pub fn fixed(world: &World, span: Span, requests: usize, seed: u64) -> Outcome {
    periodic(world, span, requests, seed, |each_seconds| vec![each_seconds; world.channels.len()])
}

/// Every channel at an interval of its own, inversely proportional to its rate as far as the policy's bounds allow.
pub fn proportional(world: &World, policy: Policy, span: Span, requests: usize, seed: u64) -> Outcome {
    let (floor, ceiling) = (policy.floor.as_secs_f64(), policy.ceiling.as_secs_f64());
    periodic(world, span, requests, seed, |each_seconds| {
        let intervals = |scale: f64| -> Vec<f64> {
            world.channels.iter().map(|channel| (scale / channel.rate).clamp(floor, ceiling)).collect()
        };
        let frequency = |intervals: &[f64]| intervals.iter().map(|interval| 1.0 / interval).sum::<f64>();
        let wanted = world.channels.len() as f64 / each_seconds;
        let (mut low, mut high) = (1e-3_f64, 1e12_f64);
        for _ in 0..100 {
            let middle = (low * high).sqrt();
            if frequency(&intervals(middle)) > wanted { low = middle } else { high = middle }
        }
        intervals(high)
    })
}

/// `intervals` gives each channel's interval for a mean one; it is chosen so that `requests` are made, those for
/// gaps included.
fn periodic(world: &World, span: Span, requests: usize, seed: u64, intervals: impl Fn(f64) -> Vec<f64>) -> Outcome {
    let mut each = world.channels.len() as f64 * span.length() / requests as f64;
    let mut outcome = run_periodic(world, span, seed, &intervals(each));
    for _ in 0..4 {
        each *= outcome.requests as f64 / requests as f64;
        outcome = run_periodic(world, span, seed, &intervals(each));
    }
    outcome
}

fn run_periodic(world: &World, span: Span, seed: u64, intervals: &[f64]) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut watch = Watch::new(world, span);
    for (channel, interval) in intervals.iter().enumerate() {
        let mut now = interval * random.f64();
        while now < world.end() {
            watch.poll(channel, now);
            let mut healed = now;
            while !watch.gaps.is_empty() {
                healed += PACE;
                watch.heal(healed);
            }
            now += interval;
        }
    }
    watch.finish()
}

/// At each of the given requests the channel with the largest expected delay, by the true law: level, profile and
/// bursts of every channel. It knows of arrivals what polls have shown; if `omniscient`, a burst shows at once.
pub fn clairvoyant(world: &World, policy: Policy, span: Span, requests: &[f64], omniscient: bool) -> Outcome {
    let mut watch = Watch::new(world, span);
    let mut oracle = Oracle::new(world, policy, omniscient);
    for &now in requests {
        oracle.advance(now);
        if watch.gaps.is_empty() {
            if let Some(channel) = oracle.choose(now) {
                watch.poll(channel, now);
            }
        } else {
            watch.heal(now);
        }
    }
    watch.finish()
}

struct Oracle<'a> {
    world: &'a World,
    floor: f64,
    ceiling: f64,
    now: f64,
    rated: f64,
    base: Vec<f64>,
    follow_ups: Vec<f64>,
    /// Decayed counts of posts as they are expected to be, and as they are.
    excitement: Vec<f64>,
    real: Vec<f64>,
    omniscient: bool,
    posts: Vec<f64>,
    delay: Vec<f64>,
    polled: Vec<f64>,
    /// All posts from the start on, by time, with their channels.
    arrivals: std::iter::Peekable<std::vec::IntoIter<(f64, usize)>>,
}

impl<'a> Oracle<'a> {
    fn new(world: &'a World, policy: Policy, omniscient: bool) -> Self {
        let count = world.channels.len();
        let mut arrivals: Vec<(f64, usize)> = world
            .channels
            .iter()
            .enumerate()
            .flat_map(|(index, channel)| channel.posts.iter().map(move |post| (*post, index)))
            .filter(|(post, _)| *post >= 0.0)
            .collect();
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            world,
            floor: policy.floor.as_secs_f64(),
            ceiling: policy.ceiling.as_secs_f64() * 0.97,
            now: 0.0,
            rated: f64::NEG_INFINITY,
            base: vec![0.0; count],
            follow_ups: world.channels.iter().map(|channel| channel.follow_ups / BURST_DECAY).collect(),
            excitement: vec![0.0; count],
            real: vec![0.0; count],
            omniscient,
            posts: vec![0.0; count],
            delay: vec![0.0; count],
            polled: vec![f64::NEG_INFINITY; count],
            arrivals: arrivals.into_iter().peekable(),
        }
    }

    fn advance(&mut self, to: f64) {
        while self.now < to {
            let step = (to - self.now).min(30.0);
            self.now += step;
            if self.now - self.rated > DAY / 144.0 {
                self.rated = self.now;
                self.base = self.world.channels.iter().map(|channel| channel.base(self.now)).collect();
            }
            let decay = (-step / BURST_DECAY).exp();
            for index in 0..self.base.len() {
                let rate = self.base[index] + self.follow_ups[index] * self.excitement[index];
                self.delay[index] += self.posts[index] * step + rate * step * step / 2.0;
                self.posts[index] += rate * step;
                self.excitement[index] = self.excitement[index] * decay + rate * step;
                self.real[index] *= decay;
            }
            while let Some((_, channel)) = self.arrivals.next_if(|(post, _)| *post <= self.now) {
                self.real[channel] += 1.0;
            }
            if self.omniscient {
                self.excitement.copy_from_slice(&self.real);
            }
        }
    }

    fn choose(&mut self, now: f64) -> Option<usize> {
        let mut best = None;
        let mut most = 0.0;
        for (index, delay) in self.delay.iter().enumerate() {
            let interval = now - self.polled[index];
            let overdue = if interval > self.ceiling { 1e15 } else { 0.0 };
            if delay + overdue > most && interval >= self.floor {
                most = delay + overdue;
                best = Some(index);
            }
        }
        let channel = best?;
        self.excitement[channel] = self.real[channel];
        self.posts[channel] = 0.0;
        self.delay[channel] = 0.0;
        self.polled[channel] = now;
        Some(channel)
    }
}

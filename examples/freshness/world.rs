//! Channels that post at random by a known law. Knows nothing of polling.
//!
//! A channel's intensity is λ(t) = μ·p(t) + Σ n·β·exp(−β(t−t_j)): a level with a day's profile, and after each post
//! a burst of n follow-ups on average (a Hawkes process). Times are seconds; the run begins at 0, history before it.

use std::f64::consts::TAU;

pub const DAY: f64 = 86_400.0;
/// Follow-ups come after this many seconds on average.
pub const BURST_DECAY: f64 = 720.0;

/// Of the logarithm of a channel's readers.
const READERS_SPREAD: f64 = 1.5;
/// More are not told apart.
const MOST_READERS: f64 = 1000.0;

/// What is random about a scenario's channels.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    pub channels: usize,
    pub rates: Rates,
    /// Bounds of how much the day matters: p(t) ∝ exp(k·cos(…)), so that noon to midnight is exp(2k).
    pub rhythm: (f64, f64),
    /// Bounds of the mean number of follow-ups.
    pub follow_ups: (f64, f64),
}

#[derive(Debug, Clone, Copy)]
pub enum Rates {
    /// The spread is that of the logarithm.
    LogNormal { spread: f64 },
    /// 5 % of the channels make 80 % of the posts, 15 % are all but dead; each kind with a spread of its own.
    Mix,
}

#[derive(Debug, Clone)]
pub struct Channel {
    /// Posts per day, bursts included.
    pub rate: f64,
    pub strength: f64,
    pub peak: f64,
    pub follow_ups: f64,
    /// Normalises the profile.
    scale: f64,
    /// When posts came, ascending, in whole seconds.
    pub posts: Vec<f64>,
    /// Most channels have one or two, few have many (log-normal).
    pub readers: f64,
}

pub struct World {
    pub days: f64,
    pub channels: Vec<Channel>,
}

impl World {
    /// `rate` posts per day on average over the channels.
    pub fn new(law: &Law, rate: f64, days: f64, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rates = law.rates.draw(law.channels, &mut random);
        let mean = rates.iter().sum::<f64>() / law.channels as f64;
        rates.iter_mut().for_each(|each| *each *= rate / mean);
        let mut channels: Vec<_> = rates.into_iter().map(|rate| Channel::new(law, rate, days, &mut random)).collect();
        for channel in &mut channels {
            channel.readers = (READERS_SPREAD * normal(&mut random)).exp().ceil().min(MOST_READERS);
        }
        Self { days, channels }
    }

    pub fn end(&self) -> f64 {
        self.days * DAY
    }
}

impl Rates {
    fn draw(self, channels: usize, random: &mut fastrand::Rng) -> Vec<f64> {
        match self {
            Self::LogNormal { spread } => (0..channels).map(|_| (spread * normal(random)).exp()).collect(),
            Self::Mix => {
                let busy = channels.div_ceil(20);
                let dead = channels * 3 / 20;
                let mut weights: Vec<f64> = (0..channels).map(|_| (0.8 * normal(random)).exp()).collect();
                weights.iter_mut().rev().take(dead).for_each(|weight| *weight *= 0.01);
                scale_to(&mut weights[..busy], 80.0);
                scale_to(&mut weights[busy..], 20.0);
                weights
            }
        }
    }
}

fn scale_to(weights: &mut [f64], total: f64) {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight *= total / sum);
}

impl Channel {
    fn new(law: &Law, rate: f64, days: f64, random: &mut fastrand::Rng) -> Self {
        let mut channel = Self {
            rate,
            strength: between(law.rhythm, random),
            // Most of them in one part of the world.
            peak: (14.0 + 4.0 * normal(random)) * 3600.0,
            follow_ups: between(law.follow_ups, random),
            scale: 1.0,
            posts: Vec::new(),
            readers: 1.0,
        };
        channel.scale = 96.0 / (0..96).map(|quarter| channel.shape(f64::from(quarter) * 900.0)).sum::<f64>();
        // Enough history for a first page.
        let begin = -(40.0 / rate).clamp(3.0, 1000.0) * DAY;
        channel.posts = channel.draw_posts(begin, days * DAY, random);
        channel
    }

    fn shape(&self, time: f64) -> f64 {
        (self.strength * ((time - self.peak) / DAY * TAU).cos()).exp()
    }

    /// The part of the intensity that no post has caused, per second.
    pub fn base(&self, time: f64) -> f64 {
        (1.0 - self.follow_ups) * self.rate / DAY * self.scale * self.shape(time)
    }

    fn draw_posts(&self, begin: f64, end: f64, random: &mut fastrand::Rng) -> Vec<f64> {
        let top = self.base(self.peak);
        let mut posts = Vec::new();
        let mut time = begin;
        loop {
            time += exponential(1.0 / top, random);
            if time >= end {
                break;
            }
            if random.f64() * top < self.base(time) {
                posts.push(time.floor());
            }
        }
        let mut next = 0;
        while next < posts.len() {
            for _ in 0..poisson(self.follow_ups, random) {
                let follow_up = (posts[next] + exponential(BURST_DECAY, random)).floor();
                if follow_up < end {
                    posts.push(follow_up);
                }
            }
            next += 1;
        }
        posts.sort_by(f64::total_cmp);
        posts
    }
}

fn between((low, high): (f64, f64), random: &mut fastrand::Rng) -> f64 {
    low + (high - low) * random.f64()
}

fn exponential(mean: f64, random: &mut fastrand::Rng) -> f64 {
    -mean * (1.0 - random.f64()).ln()
}

fn poisson(mean: f64, random: &mut fastrand::Rng) -> usize {
    let (mut count, mut left) = (0, random.f64() - (-mean).exp());
    let mut term = (-mean).exp();
    while left > 0.0 && count < 100 {
        count += 1;
        term *= mean / count as f64;
        left -= term;
    }
    count
}

fn normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}

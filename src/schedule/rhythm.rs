//! What is known of when a channel posts: its level, its day, its bursts. From post times to an expectation.
//! Knows nothing of requests, budgets and other channels.

use serde::{Deserialize, Serialize};

use super::{
    bucket::seconds,
    profile::{Curve, Fit, Prior},
};
use crate::model::Time;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
/// What a channel is taken to post before anything is known: one post in half a day, worth half a post of evidence.
const PRIOR_POSTS: f64 = 0.5;
const PRIOR_SECONDS: f64 = 0.25 * DAY;
/// How long the level and the hours of the day are remembered, in seconds. People keep their hours longer than their
/// zeal.
const LEVEL_MEMORY: f64 = 60.0 * DAY;
const PROFILE_MEMORY: f64 = 365.0 * DAY;
/// A busy channel's level remembers no more posts than this, and so follows a change within a day; its hours no more
/// than that, and so follow within weeks.
const LEVEL_POSTS: f64 = 200.0;
const PROFILE_POSTS: f64 = 2000.0;
/// Posts that must have been expected in an hour of the day before it departs halfway from the curve.
const PROFILE_PRIOR: f64 = 25.0;
/// Above this window the hours of the day are taken to be covered evenly.
const EVEN_WINDOW: f64 = 2.0 * DAY;
/// Within this many seconds a follow-up counts towards bursts, and with this mean delay follow-ups are expected.
const BURST_GAP: f64 = 900.0;
const BURST_DECAY: f64 = 900.0;
/// Posts whose gaps must have been seen before bursts are believed halfway, and the most that follow-ups can be
/// of all posts.
const BURST_PRIOR: f64 = 10.0;
const BURST_PRIOR_SHARE: f64 = 0.15;
const BURST_LIMIT: f64 = 0.8;

/// A channel's rhythm as learnt so far. The serde form is kept from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rhythm {
    /// Posts and seconds (weighted by the profile) that the level remembers: with the prior, a Gamma posterior.
    posts: f64,
    exposure: f64,
    /// By hour of the day, UTC.
    hour_posts: [f64; 24],
    hour_seconds: [f64; 24],
    /// Posts that followed closely, beyond what the level explains; and posts that could have.
    followed: f64,
    followable: f64,
    /// Decayed count of recent posts at the end of the last window.
    excitement: f64,
    last_post: Option<Time>,
    /// As last fitted.
    curve: Curve,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            posts: 0.0,
            exposure: 0.0,
            hour_posts: [0.0; 24],
            hour_seconds: [0.0; 24],
            followed: 0.0,
            followable: 0.0,
            excitement: 0.0,
            last_post: None,
            curve: Curve::default(),
        }
    }
}

impl Rhythm {
    /// Whether all numbers are such as [`observe`](Self::observe) makes them; saved state may be anything.
    pub(super) fn is_sound(&self) -> bool {
        let scalars = [self.posts, self.exposure, self.followable, self.excitement];
        let hours = self.hour_posts.iter().chain(&self.hour_seconds);
        let counts = scalars.iter().chain(hours).all(|x| x.is_finite() && *x >= 0.0);
        counts && self.followed.is_finite() && self.curve.is_sound()
    }

    /// As it is kept: written with every poll, and so with no more digits than a restart could tell.
    pub(super) fn rounded(&self) -> Self {
        Self {
            posts: rounded(self.posts),
            exposure: rounded(self.exposure),
            hour_posts: self.hour_posts.map(rounded),
            hour_seconds: self.hour_seconds.map(rounded),
            followed: rounded(self.followed),
            followable: rounded(self.followable),
            excitement: rounded(self.excitement),
            ..self.clone()
        }
    }

    /// Learns from a window in which every post is known: `posts` ascending, within `from..=to`.
    pub(super) fn observe(&mut self, from: Time, to: Time, posts: &[Time]) {
        let window = seconds(to - from).max(0.0);
        let flat_rate = self.level();
        let profile = self.profile();
        self.forget(window);
        self.expose(from, window, &profile);
        for &post in posts {
            let age = seconds(to - post).max(0.0);
            self.posts += (-age / LEVEL_MEMORY).exp();
            self.hour_posts[hour(post)] += (-age / PROFILE_MEMORY).exp();
            self.excitement += (-age / BURST_DECAY).exp();
            if let Some(previous) = self.last_post {
                self.note_gap(seconds(post - previous), flat_rate * profile[hour(post)]);
            }
            self.last_post = Some(self.last_post.map_or(post, |last| last.max(post)));
        }
        if self.posts > LEVEL_POSTS {
            self.exposure *= LEVEL_POSTS / self.posts;
            self.posts = LEVEL_POSTS;
        }
        let posts: f64 = self.hour_posts.iter().sum();
        if posts > PROFILE_POSTS {
            let hours = self.hour_posts.iter_mut().chain(&mut self.hour_seconds);
            hours.for_each(|value| *value *= PROFILE_POSTS / posts);
        }
    }

    fn forget(&mut self, window: f64) {
        let level = (-window / LEVEL_MEMORY).exp();
        self.posts *= level;
        self.exposure *= level;
        let profile = (-window / PROFILE_MEMORY).exp();
        for value in self.hour_posts.iter_mut().chain(&mut self.hour_seconds) {
            *value *= profile;
        }
        self.excitement *= (-window / BURST_DECAY).exp();
    }

    fn expose(&mut self, from: Time, window: f64, profile: &[f64; 24]) {
        if window > EVEN_WINDOW {
            self.exposure += LEVEL_MEMORY * (1.0 - (-window / LEVEL_MEMORY).exp());
            let share = PROFILE_MEMORY * (1.0 - (-window / PROFILE_MEMORY).exp()) / 24.0;
            self.hour_seconds.iter_mut().for_each(|seconds| *seconds += share);
            return;
        }
        for (hour, length) in Hours::after(from).up_to(window) {
            self.exposure += length * profile[hour];
            self.hour_seconds[hour] += length;
        }
    }

    fn note_gap(&mut self, gap: f64, rate: f64) {
        let by_chance = 1.0 - (-rate * BURST_GAP).exp();
        let follows = if (0.0..BURST_GAP).contains(&gap) { 1.0 } else { 0.0 };
        self.followed += follows - by_chance;
        self.followable += 1.0 - by_chance;
        if self.followable > LEVEL_POSTS {
            self.followed *= LEVEL_POSTS / self.followable;
            self.followable = LEVEL_POSTS;
        }
    }

    /// Posts per second, over the day: the mean of the Gamma posterior.
    fn level(&self) -> f64 {
        (PRIOR_POSTS + self.posts) / (PRIOR_SECONDS + self.exposure)
    }

    /// How each hour departs from the level: the curve, and what many posts say of single hours.
    fn profile(&self) -> [f64; 24] {
        let curve = self.curve.factors();
        let posts: f64 = self.hour_posts.iter().sum();
        let exposure: f64 = curve.iter().zip(&self.hour_seconds).map(|(factor, seconds)| factor * seconds).sum();
        let rate = if exposure > 0.0 { posts / exposure } else { 0.0 };
        std::array::from_fn(|hour| {
            let expected = rate * curve[hour] * self.hour_seconds[hour];
            curve[hour] * (self.hour_posts[hour] + PROFILE_PRIOR) / (expected + PROFILE_PRIOR)
        })
    }

    /// Fits the curve to what has been seen, starting from what curves are like. Posts that come in bursts tell less
    /// than as many that come by themselves: with a share n of follow-ups, counts vary by 1/(1−n)² as much.
    pub(super) fn fit(&mut self, prior: &Prior) -> Fit {
        let weight = (1.0 - self.burst_share()).powi(2);
        let fit = self.curve.fit(&self.hour_posts.map(|posts| posts * weight), &self.hour_seconds, prior);
        self.curve = fit.curve;
        fit
    }

    /// The share of posts that follow another one in a burst. A post with n follow-ups on average, of mean delay
    /// [`BURST_DECAY`], has none within [`BURST_GAP`] with probability exp(−n(1−exp(−gap/decay))).
    fn burst_share(&self) -> f64 {
        let followed = (self.followed + BURST_PRIOR * BURST_PRIOR_SHARE) / (self.followable + BURST_PRIOR);
        let within_gap = 1.0 - (-BURST_GAP / BURST_DECAY).exp();
        (-(1.0 - followed.clamp(0.0, 0.9)).ln() / within_gap).min(BURST_LIMIT)
    }

    /// What is expected from `since` (the end of the last window) on.
    pub(super) fn outlook(&self, since: Time) -> Outlook {
        let share = self.burst_share();
        let level = self.level();
        let rates = self.profile().map(|factor| level * factor);
        // What the level holds of bursts on average is there already; more or less of it is what is known now.
        let surplus = share * (self.excitement / BURST_DECAY - rates[hour(since)]);
        let decay = BURST_DECAY / (1.0 - share);
        Outlook { since, rates, follow_ups: surplus * decay, decay }
    }
}

/// Expected posts after a poll: so much per second by hour of the day, and the rest of a burst.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    pub(super) since: Time,
    rates: [f64; 24],
    /// Of a burst under way, beyond the rates; below 0 while it is known that there is none.
    follow_ups: f64,
    /// Their mean delay, in seconds: longer than a follow-up's, since follow-ups have follow-ups.
    decay: f64,
}

/// Expected posts, and the seconds that they will have waited together: ∫λ(u)du and ∫λ(u)(t−u)du.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Unseen {
    pub(super) posts: f64,
    pub(super) delay: f64,
}

impl Unseen {
    fn after(self, rate: f64, length: f64) -> Self {
        Self {
            posts: self.posts + rate * length,
            delay: self.delay + self.posts * length + rate * length * length / 2.0,
        }
    }

    fn reaches(self, bound: Unseen) -> bool {
        self.posts >= bound.posts || self.delay >= bound.delay
    }
}

impl Outlook {
    /// What is expected to be unseen `elapsed` seconds after `since`.
    pub(super) fn unseen(&self, elapsed: f64) -> Unseen {
        let steady = Hours::after(self.since)
            .up_to(elapsed)
            .fold(Unseen::default(), |unseen, (hour, length)| unseen.after(self.rates[hour], length));
        self.with_follow_ups(steady, elapsed)
    }

    /// Seconds after `since` at which the first of `bound` is reached, at most `limit`.
    pub(super) fn reach(&self, bound: Unseen, limit: f64) -> f64 {
        let mut begin = 0.0;
        let mut steady = Unseen::default();
        for (hour, length) in Hours::after(self.since).up_to(limit) {
            let rate = self.rates[hour];
            let at = |x: f64| self.with_follow_ups(steady.after(rate, x), begin + x);
            if at(length).reaches(bound) {
                return begin + bisect(length, |x| at(x).reaches(bound));
            }
            steady = steady.after(rate, length);
            begin += length;
        }
        limit
    }

    fn with_follow_ups(&self, steady: Unseen, elapsed: f64) -> Unseen {
        let come = 1.0 - (-elapsed / self.decay).exp();
        Unseen {
            posts: steady.posts + self.follow_ups * come,
            delay: steady.delay + self.follow_ups * (elapsed - self.decay * come),
        }
    }
}

/// The least x in `0..=high` for which `holds`, which it does at `high`; to the 4000th part.
fn bisect(high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, high);
    for _ in 0..16 {
        let middle = (low + high) / 2.0;
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Stretches of one hour of the day each: (hour, seconds).
struct Hours {
    second_of_day: f64,
    left: f64,
}

impl Hours {
    fn after(since: Time) -> Self {
        Self { second_of_day: since.timestamp().rem_euclid(86_400) as f64, left: f64::INFINITY }
    }

    fn up_to(self, seconds: f64) -> Self {
        Self { left: seconds, ..self }
    }
}

impl Iterator for Hours {
    type Item = (usize, f64);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0.0 {
            return None;
        }
        let hour = (self.second_of_day / HOUR) as usize % 24;
        let length = ((hour + 1) as f64 * HOUR - self.second_of_day).min(self.left);
        self.left -= length;
        self.second_of_day = if length + self.second_of_day >= DAY { 0.0 } else { self.second_of_day + length };
        Some((hour, length))
    }
}

/// To six significant digits.
fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

fn hour(time: Time) -> usize {
    (time.timestamp().rem_euclid(86_400) / 3600) as usize
}

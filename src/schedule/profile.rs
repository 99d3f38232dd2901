//! When in the day a channel posts: a smooth curve fitted to its posts by hour, and what the curves of all
//! channels have in common, which is where a channel of few posts starts from. Knows nothing of levels and bursts.
//!
//! The curve is the logarithm of the rate, less its level: a₁cos θ + b₁sin θ + a₂cos 2θ + b₂sin 2θ, where θ goes
//! round once a day. Its coefficients are the most likely ones given the posts and a normal prior. The prior's means
//! and variances are learnt from all channels at once (empirical Bayes, by the steps of an EM algorithm: each
//! channel's last fit counts, so that every poll is a small step).

use std::{f64::consts::TAU, sync::LazyLock};

use serde::{Deserialize, Serialize};

const TERMS: usize = 4;
/// Bounds the steps of one fit; it goes on from the last one, so that a few are enough.
const MOST_STEPS: usize = 40;
const CLOSE_ENOUGH: f64 = 1e-3;
/// What is taken for the variances of the terms before channels were seen, and how many channels that counts for.
const FIRST_VARIANCES: [f64; TERMS] = [0.5, 0.5, 0.1, 0.1];
const FIRST_CHANNELS: f64 = 5.0;
/// No term departs further from flat: e⁵ from night to day.
const STEEPEST: f64 = 2.5;

/// Coefficients a₁, b₁, a₂, b₂.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Curve([f64; TERMS]);

/// The likeliest curve, and how sure it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    pub(super) curve: Curve,
    variances: [f64; TERMS],
}

/// What curves are like before a channel's own posts are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    means: [f64; TERMS],
    variances: [f64; TERMS],
}

/// All channels' fits, added up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Population {
    channels: f64,
    means: [f64; TERMS],
    squares: [f64; TERMS],
}

impl Population {
    /// A channel's fit takes the place of its last one.
    pub(super) fn replace(&mut self, old: Option<&Fit>, new: Option<&Fit>) {
        for (fit, sign) in [(old, -1.0), (new, 1.0)] {
            let Some(Fit { curve, variances }) = fit else { continue };
            self.channels += sign;
            for (term, (mean, variance)) in curve.0.iter().zip(variances).enumerate() {
                self.means[term] += sign * mean;
                self.squares[term] += sign * (mean * mean + variance);
            }
        }
    }

    pub(super) fn prior(&self) -> Prior {
        let channels = self.channels + FIRST_CHANNELS;
        let means = self.means.map(|sum| sum / channels);
        let variances = std::array::from_fn(|term| {
            let squares = self.squares[term] + FIRST_CHANNELS * FIRST_VARIANCES[term];
            (squares / channels - means[term].powi(2)).max(1e-3)
        });
        Prior { means, variances }
    }
}

impl Curve {
    pub(super) fn is_sound(&self) -> bool {
        self.0.iter().all(|term| term.abs() <= STEEPEST)
    }

    /// By how much each hour of the day departs from the mean over the day.
    pub(super) fn factors(&self) -> [f64; 24] {
        let shape = self.shape();
        let mean = shape.iter().sum::<f64>() / 24.0;
        shape.map(|factor| factor / mean)
    }

    fn shape(&self) -> [f64; 24] {
        HOURS.map(|terms| self.0.iter().zip(terms).map(|(factor, value)| factor * value).sum::<f64>().exp())
    }

    /// The likeliest curve given `posts` in `seconds` of each hour of the day, sought from this one on.
    pub(super) fn fit(mut self, posts: &[f64; 24], seconds: &[f64; 24], prior: &Prior) -> Fit {
        let total: f64 = posts.iter().sum();
        for _ in 0..MOST_STEPS {
            let slopes = self.likelihood(posts, seconds).slopes;
            let before = self.0;
            self.0 = std::array::from_fn(|term| {
                let certainty = 1.0 / prior.variances[term];
                // Short enough to converge: in no direction does the curvature reach twice the posts' number.
                let slope = slopes[term] + (prior.means[term] - before[term]) * certainty;
                (before[term] + slope / (total + certainty)).clamp(-STEEPEST, STEEPEST)
            });
            if before.iter().zip(self.0).all(|(before, after)| (after - before).abs() < CLOSE_ENOUGH) {
                break;
            }
        }
        let spreads = self.likelihood(posts, seconds).spreads;
        let variances = std::array::from_fn(|term| 1.0 / (total * spreads[term] + 1.0 / prior.variances[term]));
        Fit { curve: self, variances }
    }

    /// By the multinomial law: each post falls into an hour by that hour's share of all that is expected.
    fn likelihood(&self, posts: &[f64; 24], seconds: &[f64; 24]) -> Likelihood {
        let total: f64 = posts.iter().sum();
        let shape = self.shape();
        let expected: [f64; 24] = std::array::from_fn(|hour| shape[hour] * seconds[hour]);
        let all: f64 = expected.iter().sum();
        let (mut slopes, mut means, mut squares) = ([0.0; TERMS], [0.0; TERMS], [0.0; TERMS]);
        for (hour, terms) in HOURS.iter().enumerate() {
            let share = if all > 0.0 { expected[hour] / all } else { 0.0 };
            for (term, value) in terms.iter().enumerate() {
                slopes[term] += (posts[hour] - total * share) * value;
                means[term] += share * value;
                squares[term] += share * value * value;
            }
        }
        let spreads = std::array::from_fn(|term| (squares[term] - means[term] * means[term]).max(0.0));
        Likelihood { slopes, spreads }
    }
}

/// How a curve's likelihood changes with each term, and the variance of the term's values over the posts.
struct Likelihood {
    slopes: [f64; TERMS],
    spreads: [f64; TERMS],
}

/// The curve's terms in the middle of each hour of the day.
static HOURS: LazyLock<[[f64; TERMS]; 24]> = LazyLock::new(|| {
    std::array::from_fn(|hour| {
        let angle = (hour as f64 + 0.5) / 24.0 * TAU;
        [angle.cos(), angle.sin(), (2.0 * angle).cos(), (2.0 * angle).sin()]
    })
});

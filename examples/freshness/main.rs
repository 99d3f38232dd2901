//! How soon posts are seen for the same number of requests: the daemon's own schedule against fixed intervals,
//! intervals in proportion to rates, and one that knows the channels' true laws.
//!
//! `cargo run --release --example freshness [-- --seed N --rate POSTS_PER_DAY --days N --svg FILE]` prints a table,
//! writes `target/freshness.svg`, and exits with 1 if a target is missed.

mod plot;
mod policies;
mod world;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use feedbridge::schedule::Policy;

use policies::{Counted, Outcome, Span, clairvoyant, fixed, proportional};
use world::{DAY, Law, Rates, World};

/// Of fixed intervals at equal requests.
const MEAN_TARGET: f64 = 0.55;
const P95_TARGET: f64 = 0.90;
/// Of the clairvoyant's mean.
const CLAIRVOYANT_TARGET: f64 = 1.10;
/// Delay per reader where the schedule knows the readers, of where it does not; where the budget is not spent by both, it is
/// no more.
const READERS_TARGET: f64 = 0.80;
const REQUESTS_TARGET: f64 = 1.01;

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Posts per channel and day, on average over the channels.
    #[arg(long, default_value_t = 15.0)]
    rate: f64,
    /// Simulated days; the first two are for learning, the last quarter of one for seeing what is left.
    #[arg(long, default_value_t = 8.0)]
    days: f64,
    #[arg(long, default_value_t = 30)]
    requests_per_minute: u32,
    #[arg(long, default_value = "target/freshness.svg")]
    svg: PathBuf,
}

/// What all the policies achieved in one scenario.
struct Comparison {
    name: &'static str,
    policy: Policy,
    fixed: Outcome,
    proportional: Outcome,
    scheduled: Outcome,
    /// The schedule where it knows each channel's readers, and where all count the same.
    by_readers: Outcome,
    equally: Outcome,
    clairvoyant: Outcome,
    omniscient: Outcome,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !(arguments.rate > 0.0 && arguments.rate.is_finite() && (2.5..=365.0).contains(&arguments.days)) {
        eprintln!("the rate must be above 0, and the days between 2.5 and 365");
        return ExitCode::from(2);
    }
    let mut comparisons = Vec::new();
    let mut missed = Vec::new();
    for (name, law) in scenarios() {
        let comparison = compare(name, &law, &arguments);
        comparison.print();
        missed.extend(comparison.missed());
        comparisons.push(comparison);
    }
    if let Err(error) = std::fs::write(&arguments.svg, plot::svg(&comparisons)) {
        eprintln!("cannot write {}: {error}", arguments.svg.display());
        return ExitCode::from(2);
    }
    for miss in &missed {
        println!("missed: {miss}");
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn scenarios() -> [(&'static str, Law); 5] {
    let rates = Rates::LogNormal { spread: 1.8 };
    let none = (0.0, 0.0);
    let day = (0.3, 2.0);
    [
        ("Poisson, 1000 channels", Law { channels: 1000, rates, rhythm: none, follow_ups: none }),
        ("Day rhythm and bursts, 1000", Law { channels: 1000, rates, rhythm: day, follow_ups: (0.2, 0.7) }),
        ("Few channels, 300", Law { channels: 300, rates, rhythm: day, follow_ups: (0.1, 0.5) }),
        ("Many channels, 5000", Law { channels: 5000, rates, rhythm: day, follow_ups: (0.1, 0.5) }),
        (
            "5 % make 80 % of posts, 1000",
            Law { channels: 1000, rates: Rates::Mix, rhythm: day, follow_ups: (0.1, 0.6) },
        ),
    ]
}

fn compare(name: &'static str, law: &Law, arguments: &Arguments) -> Comparison {
    let seed = arguments.seed;
    let policy = Policy { requests_per_minute: arguments.requests_per_minute, ..Policy::default() };
    let world = World::new(law, arguments.rate, arguments.days, seed);
    let span = Span { from: 2.0 * DAY, to: world.end() - policy.ceiling.as_secs_f64() };
    let scheduled = |counted| policies::scheduled(&world, policy, span, seed, counted);
    let (by_readers, equally) = (scheduled(Counted::Own).0, scheduled(Counted::Mean).0);
    let (scheduled, requests) = scheduled(Counted::One);
    Comparison {
        name,
        policy,
        fixed: fixed(&world, span, scheduled.requests, seed),
        proportional: proportional(&world, policy, span, scheduled.requests, seed),
        clairvoyant: clairvoyant(&world, policy, span, &requests, false),
        omniscient: clairvoyant(&world, policy, span, &requests, true),
        scheduled,
        by_readers,
        equally,
    }
}

impl Comparison {
    fn outcomes(&self) -> [(&'static str, &Outcome); 5] {
        [
            ("fixed", &self.fixed),
            ("proportional", &self.proportional),
            ("schedule", &self.scheduled),
            ("clairvoyant", &self.clairvoyant),
            ("(omniscient)", &self.omniscient),
        ]
    }

    fn mean_ratio(&self, outcome: &Outcome) -> f64 {
        outcome.mean() / self.fixed.mean()
    }

    fn p95_ratio(&self, outcome: &Outcome) -> f64 {
        outcome.quantile(0.95) / self.fixed.quantile(0.95)
    }

    fn readers_ratio(&self) -> f64 {
        self.by_readers.mean_per_reader / self.equally.mean_per_reader
    }

    fn requests_ratio(&self) -> f64 {
        self.by_readers.requests as f64 / self.equally.requests as f64
    }

    fn print(&self) {
        println!("{}: {} posts", self.name, self.scheduled.delays.len());
        println!("  policy         requests    mean s  of fixed     p95 s  of fixed  longest h  in 60 s");
        for (name, outcome) in self.outcomes() {
            println!(
                "  {name:12} {:10} {:9.1} {:9.3} {:9.0} {:9.3} {:10.2} {:>8}",
                outcome.requests,
                outcome.mean(),
                self.mean_ratio(outcome),
                outcome.quantile(0.95),
                self.p95_ratio(outcome),
                outcome.longest_interval / 3600.0,
                outcome.most_in_a_minute,
            );
        }
        println!("  schedule / clairvoyant: {:.3}", self.scheduled.mean() / self.clairvoyant.mean());
        println!(
            "  per reader: {:.1} s by readers, {:.1} s by equal weights: {:.3} of it, with {:.3} of the requests\n",
            self.by_readers.mean_per_reader,
            self.equally.mean_per_reader,
            self.readers_ratio(),
            self.requests_ratio(),
        );
    }

    fn missed(&self) -> Vec<String> {
        let is_scarce = self.requests_ratio() > 2.0 - REQUESTS_TARGET;
        let readers_target = if is_scarce { READERS_TARGET } else { 1.0 };
        let checks = [
            ("mean of fixed", self.mean_ratio(&self.scheduled), MEAN_TARGET),
            ("p95 of fixed", self.p95_ratio(&self.scheduled), P95_TARGET),
            ("mean of the clairvoyant's", self.scheduled.mean() / self.clairvoyant.mean(), CLAIRVOYANT_TARGET),
            ("delay per reader, of equal weights", self.readers_ratio(), readers_target),
            ("requests, of equal weights", self.requests_ratio(), REQUESTS_TARGET),
            ("longest interval, s", self.scheduled.longest_interval, self.policy.ceiling.as_secs_f64()),
            ("requests in 60 s", self.scheduled.most_in_a_minute as f64, f64::from(self.policy.requests_per_minute)),
        ];
        checks
            .into_iter()
            .filter(|(_, value, target)| value.is_nan() || value > target)
            .map(|(what, value, target)| format!("{}: {what} {value:.3}, target {target:.2}", self.name))
            .collect()
    }
}

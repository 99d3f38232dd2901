//! How soon posts are seen, for the same number of requests.
mod policies;
mod world;
use feedbridge::schedule::Policy;
use policies::*;
use std::time::Instant;
use world::*;

fn main() {
    let arg = |name: &str, d: f64| std::env::args().skip_while(|a| a != name).nth(1).map_or(d, |v| v.parse().unwrap());
    let seed = arg("--seed", 1.0) as u64;
    let rate = arg("--rate", 15.0);
    let days = arg("--days", 9.0);
    let ln = Rates::LogNormal { spread: 1.8 };
    let laws = [
        ("poisson 1000", Law { channels: 1000, rates: ln, rhythm: (0.0, 0.0), follow_ups: (0.0, 0.0) }),
        ("rhythm+bursts 1000", Law { channels: 1000, rates: ln, rhythm: (0.3, 2.0), follow_ups: (0.2, 0.7) }),
        ("300", Law { channels: 300, rates: ln, rhythm: (0.3, 2.0), follow_ups: (0.1, 0.5) }),
        ("5000", Law { channels: 5000, rates: ln, rhythm: (0.3, 2.0), follow_ups: (0.1, 0.5) }),
        ("mix 1000", Law { channels: 1000, rates: Rates::Mix, rhythm: (0.3, 2.0), follow_ups: (0.1, 0.6) }),
    ];
    let only = std::env::args().skip_while(|a| a != "--only").nth(1).unwrap_or_default();
    for (name, law) in laws {
        if !name.contains(&only) {
            continue;
        }

        let t = Instant::now();
        let policy = Policy::default();
        let world = World::new(&law, rate, days, seed);
        let span = Span { from: 2.0 * DAY, to: world.end() - policy.ceiling.as_secs_f64() };
        let (ours, requests) = scheduled(&world, policy, span, seed);
        let t1 = t.elapsed();
        let fx = fixed(&world, span, ours.requests, seed);
        let pr = proportional(&world, policy, span, ours.requests, seed);
        let t2 = t.elapsed();
        let cl = clairvoyant(&world, policy, span, &requests, false);
        let om = clairvoyant(&world, policy, span, &requests, true);
        println!(
            "{name}: posts {} requests {} ({:.1}/min) win {} longest {:.2}h  [{t1:?} {t2:?} {:?}]",
            ours.delays.len(),
            ours.requests,
            ours.requests as f64 / (span.to - span.from) * 60.0,
            ours.most_in_a_minute,
            ours.longest_interval / 3600.0,
            t.elapsed()
        );
        for (n, o) in [("fixed", &fx), ("prop", &pr), ("ours", &ours), ("clair", &cl), ("omni", &om)] {
            println!(
                "   {n:6} req {:7} mean {:7.1}s ({:.3}) p95 {:7.0} ({:.3})  long {:.2}h",
                o.requests,
                o.mean(),
                o.mean() / fx.mean(),
                o.quantile(0.95),
                o.quantile(0.95) / fx.quantile(0.95),
                o.longest_interval / 3600.0
            );
        }
        println!("   ours/clair {:.3}", ours.mean() / cl.mean());
    }
}

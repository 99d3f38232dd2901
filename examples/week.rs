//! A week of 1,000 channels with outages, bans, bursts and a sleeping laptop, on a simulated clock: the simulation
//! that `tests/week.rs` runs smaller. `cargo run --release --example week [CHANNELS [REQUESTS_PER_MINUTE [SEED]]]`.

#[path = "../tests/simulation/mod.rs"]
mod simulation;
#[path = "../tests/upstream/mod.rs"]
mod upstream;

use std::{env, path::Path, time::Instant};

use simulation::{Plan, week};

fn main() {
    let number = |index, default: u64| env::args().nth(index).map_or(default, |word| word.parse().expect("a number"));
    let plan = Plan {
        channels: number(1, 1000) as usize,
        requests_per_minute: number(2, 12) as u32,
        floor: 2,
        seed: number(3, 5),
    };
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let began = Instant::now();
    let report = runtime.expect("a runtime").block_on(week(plan, folder.path()));
    println!(
        "{plan:?}: {} requests, {} posts, {} steps in {:.1} s of real time",
        report.requests,
        report.posts,
        report.steps,
        began.elapsed().as_secs_f64()
    );
}

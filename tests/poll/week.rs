//! A week of polling in seconds: see `simulation`. `cargo run --release --example week` runs it with 1,000 channels.

use std::path::Path;

use crate::simulation::{Plan, week};

#[tokio::test(start_paused = true)]
async fn a_week_of_troubles_loses_no_post_and_keeps_within_the_budget() {
    // In memory where that can be: what is tested does not depend on the disk.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let report = week(Plan { channels: 12, requests_per_minute: 1, floor: 20, seed: 5 }, folder.path()).await;
    assert!(report.posts > 500 && report.requests > 1000, "little happened: {report:?}");
    println!("{} requests, {} posts, {} steps", report.requests, report.posts, report.steps);
}

//! What upstream asked for, over the ends of the daemon that nobody plans: a reload, a kill, a start.

use std::time::{Duration, Instant};

use crate::program::{Daemon, Program};
use crate::upstream::{StandIn, Trouble, base};

async fn world() -> (StandIn, Program) {
    let upstream = StandIn::with("kettle", 7);
    upstream.post("kettle", 1, "Cold", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    (upstream, program)
}

/// Waits until the daemon shows that it leaves its only host alone: what it shows it has kept.
async fn leaves_alone(daemon: &Daemon) {
    let begin = Instant::now();
    while !daemon.get("/health").1.contains(r#""breaker":"open""#) {
        assert!(begin.elapsed() < Duration::from_secs(20), "{}", daemon.get("/health").1);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_to_wait_outlives_a_reload_and_a_kill() {
    let (upstream, program) = world().await;
    upstream.world().next.push_back(Trouble::RateLimited(Some(3600)));
    let daemon = program.start();
    leaves_alone(&daemon).await;
    daemon.signal("HUP");
    daemon.wait_for("configuration reloaded");
    leaves_alone(&daemon).await;
    drop(daemon);
    for _ in 0..3 {
        let daemon = program.start();
        leaves_alone(&daemon).await;
        drop(daemon);
    }
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_in_a_row_bring_no_more_requests_than_the_budget() {
    let (upstream, program) = world().await;
    let begin = Instant::now();
    let mut kills = 0;
    // A restart that forgot would begin with a burst of two.
    while kills < 12 {
        let asked = upstream.requests();
        let daemon = program.start();
        let patience = Instant::now();
        // As soon as it has asked; or, if its budget has run out, later.
        while upstream.requests() == asked && patience.elapsed() < Duration::from_millis(700) {
            tokio::task::yield_now().await;
        }
        drop(daemon);
        kills += 1;
    }
    // One in two seconds, after two.
    let most = 3 + begin.elapsed().as_secs() as usize / 2;
    assert!(upstream.requests() <= most, "{} in {:?}", upstream.requests(), begin.elapsed());
}

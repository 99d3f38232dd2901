//! The poller that the daemon runs, for one channel and in the foreground.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{ChannelConfig, Config},
    daemon::{Failure, exits},
    feeds::Followed,
    fetch::Http,
    media::Refreshes,
    metrics::Metrics,
    poll::Poller,
    status::Board,
    store::Handle,
};

/// Asks for `channel` alone, as fast as the budget allows, and for the posts that `refreshes` wants renewed.
pub fn poller(
    config: &Config,
    channel: ChannelConfig,
    store: Handle,
    board: &Arc<Board>,
    refreshes: Arc<Refreshes>,
) -> Result<Poller<Http>, Failure> {
    let clock = Clock::system();
    Ok(Poller {
        exits: exits(config)?,
        store,
        board: Arc::clone(board),
        metrics: Arc::new(Metrics::new(clock.wall())),
        clock,
        followed: Followed::polled([channel]),
        spread: false,
        readers: Arc::default(),
        refreshes,
        looks: None,
        hosts: config.upstream.hosts.clone(),
        policy: config.poll.policy,
        seed: fastrand::u64(..),
        eager: true,
        heartbeat: None,
    })
}

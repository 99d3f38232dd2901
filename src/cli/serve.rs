//! `feedbridge serve`: builds everything, wires it, and waits for a signal.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::spawn_blocking,
    time,
};
use tracing::{info, warn};

use super::{Failure, log, open_files, store_directory, tokens};
use crate::{
    board::Board,
    clock::Clock,
    config::Config,
    fetch::Http,
    metrics::Metrics,
    poll::Poller,
    serve::{self, Site},
    store::{Local, Store},
};

pub fn run(mut config: Config) -> Result<(), Failure> {
    log::start();
    config.limits.connections = open_files::room_for(config.limits.connections);
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(daemon(Arc::new(config)))
}

async fn daemon(config: Arc<Config>) -> Result<(), Failure> {
    let clock = Clock::system();
    let listener = listen(&config).await?;
    let store = open(&config).await?;
    let board = Arc::new(Board::new(config.channels.iter().map(|channel| channel.name.clone())));
    let metrics = Arc::new(Metrics::new(clock.wall()));
    let site = Site::new(Arc::clone(&config), Arc::clone(&store), Arc::clone(&board), Arc::clone(&metrics));
    let site = Arc::new(site.with_tokens(tokens(&config)?));
    let poller = Poller {
        upstream: Arc::new(Http::new()?),
        store: Arc::clone(&store),
        board,
        metrics,
        clock,
        channels: config.channels.iter().map(|channel| channel.name.clone()).collect(),
        hosts: config.upstream.hosts.clone(),
        policy: config.poll.policy,
        seed: fastrand::u64(..),
    };

    let (stop, stopped) = watch::channel(false);
    site.set_ready(true);
    let serving = tokio::spawn(serve::run(listener, site, until(stopped.clone())));
    let polling = tokio::spawn(poller.run(until(stopped.clone())));
    let watchdog = tokio::spawn(feed_watchdog());
    info!(url = config.server.public_url, channels = config.channels.len(), "serving");
    notify(&[NotifyState::Ready, NotifyState::Status(&format!("Serving {}", config.server.public_url))]);

    let signal = wait_for_stop().await?;
    info!(signal, "stopping");
    notify(&[NotifyState::Stopping]);
    watchdog.abort();
    stop.send_replace(true);
    let (served, polled) = tokio::join!(serving, polling);
    let closed = spawn_blocking(move || store.close()).await;
    for error in [served.err(), polled.err()].into_iter().flatten() {
        warn!(%error, "a part of the daemon stopped half-way");
    }
    match closed {
        Ok(Err(error)) => Err(error.to_string()),
        _ => Ok(()),
    }
}

async fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let address = config.server.listen;
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| format!("cannot listen on {address}: {error}; choose another server.listen"))
}

async fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let directory = store_directory(config);
    let opened = spawn_blocking(move || Local::open(&directory)).await.map_err(|error| error.to_string())?;
    Ok(Arc::new(opened.map_err(|error| error.to_string())?))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn wait_for_stop() -> Result<&'static str, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// Tells systemd twice per watchdog period that the runtime still turns.
async fn feed_watchdog() {
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let mut tick = time::interval((period / 3).max(Duration::from_millis(50)));
    loop {
        tick.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot tell systemd");
    }
}

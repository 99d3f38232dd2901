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

use super::{Failure, log, store_directory};
use crate::{
    board::Board,
    clock::Clock,
    config::Config,
    fetch::Http,
    metrics::Metrics,
    poll::Poller,
    serve::{self, Site},
    store::{Local, Opened, Store},
};

pub fn run(config: Config) -> Result<(), Failure> {
    log::start();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(daemon(Arc::new(config)))
}

async fn daemon(config: Arc<Config>) -> Result<(), Failure> {
    let clock = Clock::system();
    let listener = listen(&config).await?;
    let store = open(&config).await?;
    let board = Arc::new(Board::new(config.channels.iter().map(|channel| channel.name.clone())));
    let metrics = Arc::new(Metrics::new(clock.wall()));
    let site = Arc::new(Site::new(Arc::clone(&config), Arc::clone(&store), Arc::clone(&board), Arc::clone(&metrics)));
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
    let segment_bytes = config.store.segment_bytes;
    let opened = spawn_blocking(move || Local::open_with(&directory, segment_bytes)).await;
    let store = opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    tell(store.opened());
    Ok(Arc::new(store))
}

/// Says what was found in the store and what was done about it.
fn tell(opened: &Opened) {
    let Opened { damaged, mended, torn_bytes, replayed, rebuilt } = opened;
    if *torn_bytes > 0 {
        warn!(bytes = torn_bytes, "the journal ended in an unfinished write, never acknowledged; it was cut off");
    }
    match rebuilt {
        Some(reason) => warn!(records = replayed, %reason, "the index was bad and was built anew from the journal"),
        None if *replayed > 0 => info!(records = replayed, "the index has caught up with the journal"),
        None => {}
    }
    if !mended.is_empty() {
        warn!(records = ?mended, "damaged records of the journal were written again from the index");
    }
    if !damaged.is_empty() {
        warn!(records = ?damaged, "records of the journal are damaged; what upstream still shows is stored again");
    }
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

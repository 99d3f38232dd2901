//! The daemon's life: builds everything, wires it, and waits for signals.
//!
//! What a configuration decides is one *generation*: a poller and a server. SIGHUP starts a new generation on the same
//! socket, store and counters; the old one finishes its requests beside it.

mod log;
mod open_files;
mod push;
mod systemd;
mod wiring;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::{JoinHandle, JoinSet, spawn_blocking},
};
use tracing::{error, info, warn};

use push::Push;
pub use wiring::{exits, load, password, store_directory, tokens};

use crate::{
    clock::Clock,
    config::{Config, Tokens},
    metrics::Metrics,
    poll::Poller,
    serve::{self, Site},
    status::Board,
    store::{Handle, Local, Opened, Store},
};

/// A line for people on standard error, then exit code 1.
pub type Failure = String;

/// Runs the daemon until SIGTERM or SIGINT. `path` is read again on SIGHUP.
pub fn run(path: &Path, config: Config) -> Result<(), Failure> {
    log::start();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let tokens = tokens(&config)?;
    runtime.block_on(daemon(path.to_owned(), fitted(config), tokens))
}

/// What outlives a reload.
struct Ground {
    path: PathBuf,
    listener: TcpListener,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

struct Generation {
    config: Arc<Config>,
    stop: watch::Sender<bool>,
    polling: JoinHandle<()>,
    serving: JoinHandle<()>,
    pushing: JoinHandle<()>,
}

/// What ends the wait of a generation.
enum Wake {
    Stop(&'static str),
    Reload,
    /// A task that should run for ever has ended.
    Broken(&'static str),
}

async fn daemon(path: PathBuf, config: Arc<Config>, tokens: Option<Tokens>) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let clock = Clock::system();
    let ground = Ground {
        path,
        listener: listen(&config)?,
        store: open(&config).await?,
        metrics: Arc::new(Metrics::new(clock.wall())),
        clock,
    };
    let mut draining = JoinSet::new();
    let mut generation = Generation::start(&ground, config, tokens).await?;
    info!(url = generation.config.server.public_url, channels = generation.config.channels.len(), "serving");
    systemd::ready(&generation.config);

    let result = loop {
        match generation.wait(&mut signals).await {
            Wake::Reload => generation = reload(&ground, generation, &mut draining).await?,
            Wake::Stop(signal) => {
                info!(signal, "stopping");
                break Ok(());
            }
            Wake::Broken(part) => break Err(format!("{part} ended unexpectedly; the log has the reason")),
        }
    };
    systemd::stopping();
    generation.stop.send_replace(true);
    for task in [generation.polling, generation.serving, generation.pushing] {
        // One that has ended was awaited already.
        if !task.is_finished() {
            drop(task.await);
        }
    }
    draining.join_all().await;
    let closed = spawn_blocking(move || ground.store.close()).await;
    result.and(closed.map_or(Ok(()), |closed| closed.map_err(|error| error.to_string())))
}

/// The generation that the changed file asks for, or the same one if the file is bad.
async fn reload(ground: &Ground, old: Generation, draining: &mut JoinSet<()>) -> Result<Generation, Failure> {
    systemd::reloading();
    let read = load(&ground.path).and_then(|config| tokens(&config).map(|tokens| (fitted(config), tokens)));
    let (config, tokens) = match read {
        Ok(read) => read,
        Err(error) => {
            error!(%error, "the new configuration is refused; the old one stays");
            systemd::ready(&old.config);
            return Ok(old);
        }
    };
    if config.server.listen != old.config.server.listen || config.store != old.config.store {
        warn!("server.listen and [store] take effect at a restart");
    }
    old.stop.send_replace(true);
    // One poller at a time: they would ask for the same channels. Requests under way finish beside the new server.
    let _ = old.polling.await;
    // The next hub takes up what this one keeps.
    let _ = old.pushing.await;
    draining.spawn(async move { drop(old.serving.await) });
    let generation = Generation::start(ground, config, tokens).await?;
    info!(channels = generation.config.channels.len(), "configuration reloaded");
    systemd::ready(&generation.config);
    Ok(generation)
}

impl Generation {
    async fn start(ground: &Ground, config: Arc<Config>, tokens: Option<Tokens>) -> Result<Self, Failure> {
        let channels: Vec<_> = config.channels.iter().map(|channel| (channel.name.clone(), channel.history)).collect();
        let board = Arc::new(Board::new(channels.iter().map(|(name, _)| name.clone())));
        let (store, metrics) = (Arc::clone(&ground.store), Arc::clone(&ground.metrics));
        let push = Push::open(&config, Handle::new(Arc::clone(&store)), ground.clock.clone()).await?;
        let site = Site::new(Arc::clone(&config), store, Arc::clone(&board), metrics);
        let site = Arc::new(site.with_hub(push.own()).with_tokens(tokens));
        let poller = Poller {
            exits: exits(&config)?,
            store: Handle::new(Arc::clone(&ground.store)),
            board,
            metrics: Arc::clone(&ground.metrics),
            clock: ground.clock.clone(),
            channels,
            hosts: config.upstream.hosts.clone(),
            policy: config.poll.policy,
            seed: fastrand::u64(..),
            eager: false,
            heartbeat: systemd::heartbeat(),
        };
        let listener = ground.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
        let listener = listener.map_err(|error| format!("cannot go on listening: {error}"))?;
        let (stop, stopped) = watch::channel(false);
        Ok(Self {
            config,
            stop,
            polling: tokio::spawn(poller.run(until(stopped.clone()))),
            serving: tokio::spawn(serve::run(listener, Arc::clone(&site), until(stopped.clone()))),
            pushing: tokio::spawn(push.run(site, until(stopped))),
        })
    }

    async fn wait(&mut self, signals: &mut Signals) -> Wake {
        tokio::select! {
            _ = signals.terminate.recv() => Wake::Stop("SIGTERM"),
            _ = signals.interrupt.recv() => Wake::Stop("SIGINT"),
            _ = signals.hangup.recv() => Wake::Reload,
            _ = &mut self.polling => Wake::Broken("polling"),
            _ = &mut self.serving => Wake::Broken("serving"),
            _ = &mut self.pushing => Wake::Broken("the hub"),
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }
}

/// With no more connections than the process may have open.
fn fitted(mut config: Config) -> Arc<Config> {
    config.limits.connections = open_files::room_for(config.limits.connections);
    Arc::new(config)
}

/// The socket that systemd hands over, or one of our own.
fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let listener = match systemd::socket()? {
        Some(listener) => listener,
        None => {
            let address = config.server.listen;
            TcpListener::bind(address)
                .map_err(|error| format!("cannot listen on {address}: {error}; choose another server.listen"))?
        }
    };
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(listener)
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

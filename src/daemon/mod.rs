//! The daemon's life: builds everything, wires it, and waits for signals.
//!
//! What a configuration decides is one *generation*. SIGHUP, or a change of the file, plans a new one, on the same store
//! and counters, while the old one goes on. If that fails, nothing has changed. Else the server, which outlives both, answers from the new
//! generation's site from one request to the next, and the new poller and hub take over from the old ones.

mod generation;
mod log;
mod open_files;
mod push;
mod signals;
mod systemd;
mod watched;
mod wiring;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    join, runtime, select,
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};
use tracing::{error, info, warn};

use generation::{Generation, Heritage, Plan, ended};
use signals::{Signal, Signals};
use watched::Watched;
pub use wiring::{exits, load, media_cache, media_place, password, spool, store_config, tokens, transcoding};

use crate::{
    clock::Clock,
    config::Config,
    demand::Demand,
    media::Refreshes,
    metrics::Metrics,
    readers::Readers,
    serve::{self, Site},
    store::{self, Handle, Opened, Store},
};

/// A line for people on standard error, then exit code 1.
pub type Failure = String;

/// For deliveries under way when the daemon stops.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Runs the daemon until SIGTERM or SIGINT. `path` is read again when it changes, and on SIGHUP.
pub fn run(path: &Path, config: Config) -> Result<(), Failure> {
    log::start();
    let watched = Watched::new(path.to_owned());
    let listener = listen(&config)?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(daemon(path.to_owned(), watched, fitted(config), listener))
}

/// What outlives a reload.
pub struct Ground {
    path: PathBuf,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    clock: Clock,
    demand: Arc<Demand>,
    readers: Arc<Readers>,
    refreshes: Arc<Refreshes>,
}

impl Ground {
    fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.store))
    }
}

async fn daemon(path: PathBuf, watched: Watched, config: Arc<Config>, listener: TcpListener) -> Result<(), Failure> {
    let signals = Signals::new()?;
    let (store, clock) = (open(&config).await?, Clock::system());
    // What was on its way when an earlier run was killed.
    let _ = std::fs::remove_dir_all(spool(&config));
    let metrics = Arc::new(Metrics::new(clock.wall()));
    let demand = Arc::new(Demand::resume(Handle::new(Arc::clone(&store)), clock.clone()).await?);
    let (readers, refreshes) = (Arc::default(), Arc::default());
    let ground = Arc::new(Ground { path, store: Arc::clone(&store), metrics, clock, demand, readers, refreshes });
    // A task of its own, so that whatever becomes of it the store is closed.
    let ended = tokio::spawn(live(ground, watched, config, listener, signals)).await;
    let closed = spawn_blocking(move || store.close()).await;
    ended.map_err(|error| error.to_string())??;
    closed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// From the first request to the last.
async fn live(
    ground: Arc<Ground>,
    mut watched: Watched,
    config: Arc<Config>,
    listener: TcpListener,
    mut signals: Signals,
) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
    let tokens = tokens(&config)?;
    let plan = Plan::make(&ground, Arc::clone(&config), tokens, None).await?;
    let mut life = Life::begin(ground, plan, listener);
    info!(url = config.server.public_url, channels = config.channels.len(), "serving");
    systemd::ready(&config);
    let result = loop {
        let signal = select! {
            signal = signals.next() => signal,
            () = watched.changed() => Signal::Reload,
            part = life.broken() => break Err(format!("{part} ended unexpectedly; the log has the reason")),
        };
        match signal {
            Signal::Reload => {
                watched.take();
                life = life.reload().await;
            }
            Signal::Stop(signal) => {
                info!(signal, "stopping");
                break Ok(());
            }
        }
    };
    systemd::stopping();
    life.end().await;
    result
}

/// The server, and the generation behind it.
struct Life {
    ground: Arc<Ground>,
    /// What the process began with, which is what holds of the settings that only a restart changes.
    begun_with: Arc<Config>,
    sites: watch::Sender<Arc<Site>>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    generation: Generation,
}

impl Life {
    fn begin(ground: Arc<Ground>, plan: Plan, listener: tokio::net::TcpListener) -> Self {
        let (sites, served) = watch::channel(Arc::clone(&plan.site));
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve::run(listener, served, until(stopped)));
        let begun_with = Arc::clone(&plan.config);
        Self { ground, begun_with, sites, stop, serving, generation: plan.begin(None) }
    }

    /// Resolves, with what it was, when something ends that should go on for ever.
    async fn broken(&mut self) -> &'static str {
        select! {
            _ = &mut self.serving => "serving",
            part = self.generation.broken() => part,
        }
    }

    /// With the generation that the changed file asks for, or as before if there can be none.
    async fn reload(self) -> Self {
        systemd::reloading();
        // A task of its own, so that one that panics is refused as well.
        let (ground, heritage) = (Arc::clone(&self.ground), self.generation.heritage.clone());
        let planned = tokio::spawn(async move { plan(&ground, heritage).await }).await;
        match planned.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(plan) => self.go_on(plan),
            Err(error) => {
                self.generation.refuse(&error);
                error!(%error, "the new configuration is refused; the old one stays");
                systemd::refused(&self.generation.config, &error);
                self
            }
        }
    }

    fn go_on(self, plan: Plan) -> Self {
        let settings = fixed(&self.begun_with, &plan.config);
        if !settings.is_empty() {
            warn!(settings = settings.join(", "), "changed settings that take effect at a restart only");
        }
        plan.site.set_ready(true);
        self.sites.send_replace(Arc::clone(&plan.site));
        let generation = plan.begin(Some(self.generation));
        info!(channels = generation.config.channels.len(), "configuration reloaded");
        systemd::ready(&generation.config);
        Self { generation, ..self }
    }

    /// Finishes what is under way, as far as it ends in time.
    async fn end(mut self) {
        self.stop.send_replace(true);
        join!(self.generation.end(), ended(&mut self.serving));
    }
}

async fn plan(ground: &Ground, before: Heritage) -> Result<Plan, Failure> {
    let path = ground.path.clone();
    let read = spawn_blocking(move || {
        let config = load(&path)?;
        let tokens = tokens(&config)?;
        Ok::<_, Failure>((fitted(config), tokens))
    });
    let (config, tokens) = read.await.map_err(|error| error.to_string())??;
    Plan::make(ground, config, tokens, Some(before)).await
}

/// The settings that differ and hold for as long as the process lives.
fn fixed(begun_with: &Config, config: &Config) -> Vec<&'static str> {
    let settings = [
        ("server.listen", begun_with.server.listen != config.server.listen),
        ("store.path", begun_with.store.path != config.store.path),
        ("store.segment_bytes", begun_with.store.segment_bytes != config.store.segment_bytes),
    ];
    settings.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
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
    let place = store_config(config);
    let opened = spawn_blocking(move || store::open(&place)).await.map_err(|error| error.to_string())?;
    let (store, opened) = opened.map_err(|error| error.to_string())?;
    tell(&opened);
    Ok(store)
}

/// Says what was found in the store and what was done about it.
fn tell(opened: &Opened) {
    let Opened { damaged, mended, torn_bytes, replayed, rebuilt, damaged_state, lost_state } = opened;
    if *torn_bytes > 0 {
        warn!(bytes = torn_bytes, "the journal ended in an unfinished write, never acknowledged; it was cut off");
    }
    match rebuilt {
        Some(reason) => warn!(records = replayed, %reason, "the index was bad and was built anew from the journal"),
        None if *replayed > 0 => info!(records = replayed, "the index has caught up with the journal"),
        None => {}
    }
    if *lost_state {
        warn!(files = ?damaged_state, "both files of the small state are damaged: subscribers must subscribe anew");
    } else if !damaged_state.is_empty() {
        warn!(files = ?damaged_state, "a file of the small state was damaged and is written again from the other");
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

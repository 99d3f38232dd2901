//! What a configuration decides: the site that is served, the poller and the hub. A generation is planned, which may
//! fail and changes nothing, and then begun in the place of another, which cannot fail.

use std::{collections::BTreeSet, sync::Arc};

use tokio::{
    join, select,
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        watch,
    },
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tracing::warn;
use url::Url;

use super::{Failure, Ground, STOP_TIME, exits, media_cache, push::Push, systemd, transcoding, until};
use crate::{
    config::{self, Config, Mode, Tokens},
    demand::{Demand, Scene},
    feeds::{Feeds, Followed},
    fetch::{self, Files, Http},
    hub::Hub,
    media::{self, Cache, Care, Looks, Present},
    model::ChannelName,
    poll::Poller,
    serve::Site,
    status::{Board, FirstLook},
    store::{Error, Handle},
};

/// What a generation takes over from the one before.
#[derive(Clone)]
pub struct Heritage {
    board: Arc<Board>,
    /// The last hub of the daemon's own, even if it was switched off since: it may have deliveries under way.
    hub: Option<Arc<Hub>>,
    /// The files that are kept, as long as nothing is to be otherwise with them.
    cache: Option<(MediaSettings, Arc<Cache>)>,
}

/// What decides how files are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MediaSettings {
    media: config::Media,
    kept: BTreeSet<ChannelName>,
    proxies: Vec<Url>,
}

impl MediaSettings {
    fn of(config: &Config) -> Self {
        Self { media: config.media.clone(), kept: config.kept.clone(), proxies: config.upstream.proxies.clone() }
    }
}

/// Built, and not begun.
pub struct Plan {
    pub config: Arc<Config>,
    pub site: Arc<Site>,
    heritage: Heritage,
    poller: Poller<Http>,
    push: Push,
    demand: Arc<Demand>,
    scene: Scene,
    looks: UnboundedReceiver<FirstLook>,
}

pub struct Generation {
    pub config: Arc<Config>,
    pub heritage: Heritage,
    stop: watch::Sender<bool>,
    polling: JoinHandle<()>,
    pushing: JoinHandle<()>,
    following: JoinHandle<()>,
    keeping: JoinHandle<()>,
}

impl Plan {
    pub async fn make(
        ground: &Ground,
        config: Arc<Config>,
        tokens: Option<Tokens>,
        before: Option<Heritage>,
    ) -> Result<Self, Failure> {
        let (earlier, hub, kept) =
            before.map_or_else(Default::default, |before| (Some(before.board), before.hub, before.cache));
        let push = Push::open(&config, ground.handle(), ground.clock.clone(), hub.as_deref()).await?;
        let feeds = feeds(ground, &config).await?;
        let board = Arc::new(board(&feeds.now(), earlier.as_deref()));
        let (store, metrics) = (Arc::clone(&ground.store), Arc::clone(&ground.metrics));
        let (demand, readers) = (Arc::clone(&ground.demand), Arc::clone(&ground.readers));
        let site = Site::new(Arc::clone(&config), store, Arc::clone(&board), metrics);
        let site = site.with_feeds(feeds).with_hub(push.own()).with_tokens(tokens);
        let (present, cache) = files_of(ground, &config, kept).await?;
        let site = site.with_demand(Arc::clone(&demand), Arc::clone(&readers)).with_media(present, cache.clone());
        let site = Arc::new(site);
        let (look, looks) = mpsc::unbounded_channel();
        let poller = poller(ground, &config, &site.feeds, &board, look)?;
        let scene = site.scene();
        let cache = cache.map(|cache| (MediaSettings::of(&config), cache));
        let heritage = Heritage { board, hub: push.own().or(hub), cache };
        Ok(Self { heritage, config, site, poller, push, demand, scene, looks })
    }

    /// Begins in the place of `before`, which ends: its poller before this one asks anybody, for both would ask for the
    /// same channels; its deliveries when they end, beside this one's.
    pub fn begin(self, before: Option<Generation>) -> Generation {
        let Self { config, site, heritage, poller, push, demand, scene, looks } = self;
        let (mut polled, mut pushed) = before.map(Generation::retire).unzip();
        let (stop, stopped) = watch::channel(false);
        let stopped_too = stopped.clone();
        let following = tokio::spawn(demand.run(scene, looks, until(stopped.clone())));
        let keeping = tokio::spawn(keep_files(Arc::clone(&site), until(stopped.clone())));
        let polling = tokio::spawn(async move {
            if let Some(polled) = &mut polled {
                ended(polled).await;
            }
            poller.run(until(stopped)).await;
        });
        let pushing = tokio::spawn(async move {
            join!(push.run(site, until(stopped_too)), async {
                if let Some(pushed) = &mut pushed {
                    ended(pushed).await;
                }
            });
        });
        Generation { config, heritage, stop, polling, pushing, following, keeping }
    }
}

impl Generation {
    /// Resolves, with what it was, when something ends that should go on for ever.
    pub async fn broken(&mut self) -> &'static str {
        select! {
            _ = &mut self.polling => "polling",
            _ = &mut self.pushing => "the hub",
            _ = &mut self.following => "following on demand",
            _ = &mut self.keeping => "keeping files",
        }
    }

    /// Takes nothing more up. What is being stored is stored to its end; deliveries are cut off that a subscriber does not
    /// take in time, and made again after the next start.
    pub async fn end(mut self) {
        self.stop.send_replace(true);
        ended(&mut self.following).await;
        ended(&mut self.keeping).await;
        let (mut polling, mut pushing) = self.retire();
        let pushed = async {
            if timeout(STOP_TIME, ended(&mut pushing)).await.is_err() {
                warn!("deliveries cut off, since subscribers did not take them in time");
                pushing.abort();
            }
        };
        join!(ended(&mut polling), pushed);
    }

    fn retire(self) -> (JoinHandle<()>, JoinHandle<()>) {
        self.stop.send_replace(true);
        (self.polling, self.pushing)
    }

    /// The configuration in the file is not the one in force.
    pub fn refuse(&self, error: &str) {
        self.heritage.board.set_configuration_error(error.to_owned());
    }
}

/// Looks after files, unless readers are given upstream's addresses of them.
async fn keep_files(site: Arc<Site>, shutdown: impl Future<Output = ()>) {
    let config = Arc::clone(&site.config);
    if let Ok(Some(Err(reason))) = spawn_blocking(move || transcoding(&config)).await {
        warn!(reason, "media.transcode does nothing");
    }
    let care = match (site.cache(), site.present()) {
        (Some(cache), _) => Care::Keep { cache: Arc::clone(cache), eager: site.config.media.eager },
        (None, Some(present)) => Care::Look(Looks::new(Arc::clone(present))),
        (None, None) => return shutdown.await,
    };
    media::keep(care, Handle::new(Arc::clone(&site.store)), Arc::clone(&site.feeds), shutdown).await;
}

/// Waits for a task, whatever its end; the log has the reason if it panicked.
pub async fn ended(task: &mut JoinHandle<()>) {
    // One that is finished may have been awaited before.
    if !task.is_finished() {
        let _ = task.await;
    }
}

/// The channels stand as they stood, until the new poller has read what the old one left.
fn board(followed: &Followed, earlier: Option<&Board>) -> Board {
    let board = Board::new(followed.channels.iter().map(|channel| channel.name.clone()));
    let Some(earlier) = earlier else { return board };
    for channel in &followed.channels {
        if let Some(status) = earlier.get(&channel.name) {
            board.set(&channel.name, status);
        }
    }
    board.set_hosts(earlier.hosts());
    if let Some(budget) = earlier.budget() {
        board.set_budget(budget);
    }
    board
}

async fn feeds(ground: &Ground, config: &Arc<Config>) -> Result<Feeds, Failure> {
    let others = if config.on_demand.enabled { ground.demand.followed() } else { Vec::new() };
    let (config, readers, now) = (Arc::clone(config), Arc::clone(&ground.readers), ground.clock.wall());
    let store = ground.handle();
    let resumed = store.run(move |store| {
        let feeds = Feeds::resume(&config, others, store, now)?;
        readers.resume(store, feeds.now().channels.iter().map(|channel| &channel.name), now);
        Ok::<_, Error>(feeds)
    });
    let resumed = resumed.await;
    resumed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Who knows where files are, unless readers are given upstream's addresses, and who keeps them, if they are kept.
async fn files_of(
    ground: &Ground,
    config: &Config,
    before: Option<(MediaSettings, Arc<Cache>)>,
) -> Result<(Option<Arc<Present>>, Option<Arc<Cache>>), Failure> {
    if config.media.mode == Mode::Direct {
        return Ok((None, None));
    }
    let files = Files::new(&config.upstream.proxies, config.media.allow_private, &fetch::system())?;
    let present = Arc::new(Present::new(ground.handle(), files, Arc::clone(&ground.refreshes), ground.clock.clone()));
    if config.media.mode != Mode::Cache {
        return Ok((Some(present), None));
    }
    if let Some((settings, cache)) = before
        && settings == MediaSettings::of(config)
    {
        return Ok((Some(present), Some(cache)));
    }
    match media_cache(config, Arc::clone(&present), ground.clock.clone()).await {
        Ok(cache) => Ok((Some(present), Some(Arc::new(cache)))),
        // Posts and feeds go on; readers are led to where files are.
        Err(error) => {
            warn!(%error, "files are not kept before the next reload or start");
            Ok((Some(present), None))
        }
    }
}

fn poller(
    ground: &Ground,
    config: &Config,
    feeds: &Feeds,
    board: &Arc<Board>,
    looks: UnboundedSender<FirstLook>,
) -> Result<Poller<Http>, Failure> {
    Ok(Poller {
        exits: exits(config)?,
        spread: config.upstream.spread,
        store: ground.handle(),
        board: Arc::clone(board),
        metrics: Arc::clone(&ground.metrics),
        clock: ground.clock.clone(),
        followed: feeds.changes(),
        readers: Arc::clone(&ground.readers),
        refreshes: Arc::clone(&ground.refreshes),
        looks: Some(looks),
        hosts: config.upstream.hosts.clone(),
        policy: config.poll.policy,
        seed: fastrand::u64(..),
        eager: false,
        heartbeat: systemd::heartbeat(),
    })
}

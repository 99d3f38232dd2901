//! What all requests share, and the way from a feed to its edition: from the shelf, or by a queue at the press.
//! Everything that may block happens in `spawn_blocking`; what a 304 needs is in memory.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::Utc;
use hyper::{header::USER_AGENT, http::request::Parts};
use tokio::sync::Semaphore;

use super::{Peer, client::Client, pages::Pictures, rate::Rates, route::Route};
use crate::{
    config::{Config, Tokens},
    demand::{self, Demand, Scene},
    edition::{Coding, Edition, Error, Key, Press, Version, document_url},
    feed::{Format, Selection},
    feeds::{FeedId, Feeds},
    hub::Hub,
    media::{Cache, Present},
    metrics::Metrics,
    readers::Readers,
    shelf::{Origin, Shelf},
    status::Board,
    store::Store,
};

/// Pages that are made at the same time.
const PAGES: usize = 2;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The state that all requests share.
pub struct Site {
    pub config: Arc<Config>,
    pub feeds: Arc<Feeds>,
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    pub press: Press,
    pub shelf: Shelf,
    pub metrics: Arc<Metrics>,
    started: Instant,
    ready: AtomicBool,
    /// The hub of our own.
    pub hub: Option<Arc<Hub>>,
    /// The hub that feeds name, wherever it is.
    pub hub_url: Option<String>,
    /// So many editions are made at the same time; the others wait without holding a thread.
    makers: Arc<Semaphore>,
    /// So many pages, on threads of their own, so that the feeds always find one.
    page_makers: Arc<Semaphore>,
    pub pictures: Pictures,
    /// The same for selections and archives, of which there is no end: they wait for each other, and no feed for them.
    choosers: Arc<Semaphore>,
    rates: Mutex<Rates<Client>>,
    /// Of names that are new.
    newcomers: Mutex<Rates<Client>>,
    demand: Option<Arc<Demand>>,
    readers: Arc<Readers>,
    present: Option<Arc<Present>>,
    cache: Option<Arc<Cache>>,
    /// Of those who may read; None: everybody may.
    tokens: Option<Tokens>,
}

impl Site {
    pub fn new(config: Arc<Config>, store: Arc<dyn Store>, board: Arc<Board>, metrics: Arc<Metrics>) -> Self {
        let hub_url = config.hub_url();
        Self {
            shelf: Shelf::new(config.server.shelf_bytes),
            rates: Mutex::new(Rates::new(config.limits.requests_per_minute, MINUTE)),
            newcomers: Mutex::new(Rates::new(config.on_demand.new_per_hour, HOUR)),
            demand: None,
            readers: Arc::default(),
            present: None,
            cache: None,
            tokens: None,
            feeds: Arc::new(Feeds::of(&config)),
            press: Press::new(
                Arc::clone(&store),
                Arc::clone(&board),
                config.server.public_url.clone(),
                hub_url.clone(),
                config.addresses(),
            ),
            config,
            store,
            board,
            metrics,
            started: Instant::now(),
            ready: AtomicBool::new(false),
            hub: None,
            hub_url,
            page_makers: Arc::new(Semaphore::new(PAGES)),
            pictures: Pictures::default(),
            makers: Arc::new(Semaphore::new(thread::available_parallelism().map_or(2, usize::from))),
            choosers: Arc::new(Semaphore::new(1)),
        }
    }

    /// Serving these feeds.
    pub fn with_feeds(self, feeds: Feeds) -> Self {
        Self { feeds: Arc::new(feeds), ..self }
    }

    /// With a hub of its own, at `/hub`.
    pub fn with_hub(self, hub: Option<Arc<Hub>>) -> Self {
        Self { hub, ..self }
    }

    /// Open to nobody but who knows one of `tokens`, if there are some.
    pub fn with_tokens(self, tokens: Option<Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Following what readers ask for, if the configuration allows it, and counting `readers`.
    pub fn with_demand(self, demand: Arc<Demand>, readers: Arc<Readers>) -> Self {
        Self { demand: Some(demand).filter(|_| self.config.on_demand.enabled), readers, ..self }
    }

    /// Leading readers to files by `present`, or serving them from `cache`.
    pub fn with_media(self, present: Option<Arc<Present>>, cache: Option<Arc<Cache>>) -> Self {
        Self { present, cache, ..self }
    }

    /// Whoever knows where files are.
    pub fn present(&self) -> Option<&Arc<Present>> {
        self.present.as_ref()
    }

    /// The files that are kept here.
    pub fn cache(&self) -> Option<&Arc<Cache>> {
        self.cache.as_ref()
    }

    /// Whoever follows what readers ask for.
    pub fn demand(&self) -> Option<&Demand> {
        self.demand.as_deref()
    }

    /// What following on demand works with.
    pub fn scene(&self) -> Scene {
        Scene {
            config: Arc::clone(&self.config),
            feeds: Arc::clone(&self.feeds),
            board: Arc::clone(&self.board),
            readers: Arc::clone(&self.readers),
        }
    }

    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Counts a request for its client; an error says how long to wait.
    pub fn rate(&self, parts: &Parts, now: Instant) -> Result<(), Duration> {
        let Some(Peer(peer)) = parts.extensions.get() else { return Ok(()) };
        match Client::asking(peer.ip(), &parts.headers, &self.config.server.trusted_proxies) {
            Some(client) => self.rates.lock().unwrap_or_else(PoisonError::into_inner).admit(client, now),
            None => Ok(()),
        }
    }

    /// Counts a name that nobody follows for its client; an error says how long to wait. Unlike requests these are counted
    /// for trusted proxies, too, when they do not say for whom they ask.
    pub fn admit_new(&self, parts: &Parts) -> Result<(), Duration> {
        let Some(Peer(peer)) = parts.extensions.get() else { return Ok(()) };
        let client = Client::asking(peer.ip(), &parts.headers, &self.config.server.trusted_proxies);
        let client = client.unwrap_or(Client::at(peer.ip()));
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner).admit(client, Instant::now())
    }

    /// Somebody reads the feed: one reader is told from another by its address and by what it calls itself.
    pub fn read(&self, parts: &Parts, feed: &FeedId) {
        let peer = parts.extensions.get().map(|Peer(peer)| peer.ip());
        let trusted = &self.config.server.trusted_proxies;
        let client = peer.and_then(|peer| Client::asking(peer, &parts.headers, trusted));
        self.note_reader(feed, demand::reader((client, parts.headers.get(USER_AGENT))));
    }

    /// As [`Site::read`], of somebody who does not ask by HTTP.
    pub fn note_reader(&self, feed: &FeedId, who: u64) {
        self.readers.note(&feed.channels, who, Utc::now());
    }

    /// The addresses of all documents that changes of can be pushed.
    pub fn topics(&self) -> Vec<String> {
        let address = |feed, format| document_url(&self.config.server.public_url, feed, format);
        let followed = self.feeds.now();
        followed.feeds().iter().flat_map(|feed| Format::OFFERED.map(|format| address(feed, format))).collect()
    }

    /// The feed and the format of the document at `address`.
    pub fn topic(&self, address: &str) -> Option<(FeedId, Format)> {
        let path = address.strip_prefix(&self.config.server.public_url)?;
        match Route::of(path, "", &self.feeds.now()) {
            Route::Document(feed, format) if format.is_offered() => Some((feed, format)),
            _ => None,
        }
    }

    /// What `/readyz` says.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub fn uptime_seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// Runs what may block. `Stopped` when it panics.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let site = self.clone();
        tokio::task::spawn_blocking(move || work(&site)).await.map_err(|_| Error::Stopped)
    }

    /// As [`Site::blocking`], but in line with the other pages: a crowd of searches holds up nothing else.
    pub async fn leisurely<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let Ok(permit) = self.page_makers.clone().acquire_owned().await else { return Err(Error::Stopped) };
        self.blocking(move |site| {
            let _held = permit;
            work(site)
        })
        .await
    }

    /// The version of the feed.
    pub async fn version(self: &Arc<Self>, feed: &FeedId) -> Result<Version, Error> {
        let version = self.version_of(feed.clone(), Arc::default()).await?;
        version.map(|(version, _)| version).ok_or(Error::Unfinished)
    }

    /// The version of a document, and whether it stays for ever. `None` for a document of the archive that there is not,
    /// or not yet; those that there are read their posts for it, the others come from memory where it has them.
    pub async fn selected_version(self: &Arc<Self>, key: &Key) -> Result<Option<(Version, bool)>, Error> {
        self.version_of(key.feed.clone(), key.selection.clone().unwrap_or_default()).await
    }

    async fn version_of(
        self: &Arc<Self>,
        feed: FeedId,
        selection: Arc<Selection>,
    ) -> Result<Option<(Version, bool)>, Error> {
        if selection.end().is_none()
            && let Some(version) = self.press.known_version(&feed, &selection)
        {
            return Ok(Some((version, false)));
        }
        Ok(self.blocking(move |site| site.press.version(&feed, &selection)).await??)
    }

    /// The edition as new as `wanted`, or the last good one.
    pub async fn edition(self: &Arc<Self>, key: Key, wanted: Version) -> Result<(Arc<Edition>, Origin), Error> {
        if let Some(edition) = self.shelf.get(&key, &wanted) {
            return Ok((edition, Origin::Shelved));
        }
        let queue = if key.selection.is_some() { &self.choosers } else { &self.makers };
        let Ok(permit) = queue.clone().acquire_owned().await else { return Err(Error::Stopped) };
        if let Some(edition) = self.shelf.get(&key, &wanted) {
            return Ok((edition, Origin::Shelved));
        }
        let wish = key.clone();
        let made = self.blocking(move |site| {
            let _held = permit;
            site.make(&wish, &wanted)
        });
        match made.await {
            Ok(made) => made,
            Err(stopped) => self.last_good(&key).map(|edition| (edition, Origin::Outdated)).ok_or(stopped),
        }
    }

    /// The edition on the shelf, of whatever version; from the plain one if that coding was never wanted.
    pub fn last_good(&self, key: &Key) -> Option<Arc<Edition>> {
        self.shelf.last_good(key).or_else(|| {
            let plain = self.shelf.last_good(&key.in_coding(Coding::Identity))?;
            plain.in_coding(key.coding).ok().map(Arc::new)
        })
    }

    fn make(&self, key: &Key, wanted: &Version) -> Result<(Arc<Edition>, Origin), Error> {
        let plain = key.in_coding(Coding::Identity);
        let render = || self.press.make(&plain).inspect_err(|error| report(&key.feed, error));
        let (plain, origin) = self.shelf.edition(plain.clone(), wanted, render)?;
        if key.coding == Coding::Identity {
            return Ok((plain, origin));
        }
        let (edition, _) = self.shelf.edition(key.clone(), &plain.version, || plain.in_coding(key.coding))?;
        Ok((edition, if origin == Origin::Outdated { origin } else { Origin::Made }))
    }
}

fn report(feed: &FeedId, error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(feed = feed.name, %error, cause, "feed cannot be made anew");
}

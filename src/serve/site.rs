//! What all requests share, and the way from a feed to its edition. Everything that may block happens in
//! `spawn_blocking`; what a 304 needs is in memory.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hyper::http::request::Parts;
use tokio::sync::Semaphore;

use super::{Peer, client::Client, editions, pages::Pictures, rate::Rates, route::Route};
use crate::{
    config::{Config, Tokens},
    edition::{Coding, Version, document_url, identity_of},
    feed::{Format, Selection},
    feeds::{FeedId, Feeds},
    hub::Hub,
    metrics::Metrics,
    model::{ChannelId, ChannelName, Time},
    shelf::{Edition, Key, Origin, Shelf},
    status::{Board, Status},
    store::{self, Head, Store},
};

/// Pages that are made at the same time.
const PAGES: usize = 2;

/// The state that all requests share.
pub struct Site {
    pub config: Arc<Config>,
    pub feeds: Arc<Feeds>,
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    pub shelf: Shelf,
    pub metrics: Arc<Metrics>,
    started: Instant,
    ready: AtomicBool,
    /// The hub of our own.
    pub hub: Option<Arc<Hub>>,
    /// The hub that feeds name, wherever it is.
    pub hub_url: Option<String>,
    names: RwLock<HashMap<ChannelName, Lookup>>,
    /// So many editions are made at the same time; the others wait without holding a thread.
    makers: Arc<Semaphore>,
    /// So many pages, on threads of their own, so that the feeds always find one.
    readers: Arc<Semaphore>,
    pub pictures: Pictures,
    /// The same for selections and archives, of which there is no end: they wait for each other, and no feed for them.
    choosers: Arc<Semaphore>,
    rates: Mutex<Rates<Client>>,
    /// Of those who may read; None: everybody may.
    tokens: Option<Tokens>,
}

/// What the store last said of a name, and what the board said then.
#[derive(Debug, Clone, Copy)]
struct Lookup {
    since: Option<Time>,
    last_success: Option<Time>,
    id: Option<ChannelId>,
}

impl Lookup {
    /// A name comes to stand for another channel only when its state changes, for a first one with any success.
    fn holds(&self, status: &Status) -> bool {
        self.since == status.since && (self.id.is_some() || self.last_success == status.last_success)
    }
}

/// Why there is no edition.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store cannot be read")]
    Store(#[from] store::Error),
    #[error("the feed cannot be compressed")]
    Encode(#[from] io::Error),
    #[error("the document is not complete yet")]
    Unfinished,
    #[error("making the feed stopped half-way; the log has the reason")]
    Stopped,
}

impl Site {
    pub fn new(config: Arc<Config>, store: Arc<dyn Store>, board: Arc<Board>, metrics: Arc<Metrics>) -> Self {
        let hub_url = config.hub_url();
        Self {
            shelf: Shelf::new(config.server.shelf_bytes),
            rates: Mutex::new(Rates::new(config.limits.requests_per_minute)),
            tokens: None,
            feeds: Arc::new(Feeds::of(&config)),
            config,
            store,
            board,
            metrics,
            started: Instant::now(),
            ready: AtomicBool::new(false),
            hub: None,
            hub_url,
            names: RwLock::default(),
            readers: Arc::new(Semaphore::new(PAGES)),
            pictures: Pictures::default(),
            makers: Arc::new(Semaphore::new(thread::available_parallelism().map_or(2, usize::from))),
            choosers: Arc::new(Semaphore::new(1)),
        }
    }

    /// With a hub of its own, at `/hub`.
    pub fn with_hub(self, hub: Option<Arc<Hub>>) -> Self {
        Self { hub, ..self }
    }

    /// Open to nobody but who knows one of `tokens`, if there are some.
    pub fn with_tokens(self, tokens: Option<Tokens>) -> Self {
        Self { tokens, ..self }
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

    /// The addresses of all documents that changes of can be pushed.
    pub fn topics(&self) -> Vec<String> {
        let address = |feed, format| document_url(&self.config.server.public_url, feed, format);
        let followed = self.feeds.now();
        followed.feeds().iter().flat_map(|feed| Format::ALL.map(|format| address(feed, format))).collect()
    }

    /// The feed and the format of the document at `address`.
    pub fn topic(&self, address: &str) -> Option<(FeedId, Format)> {
        let path = address.strip_prefix(&self.config.server.public_url)?;
        match Route::of(path, &self.feeds.now()) {
            Route::Document(feed, format) => Some((feed, format)),
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
        let Ok(permit) = self.readers.clone().acquire_owned().await else { return Err(Error::Stopped) };
        self.blocking(move |site| {
            let _held = permit;
            work(site)
        })
        .await
    }

    /// The feed's version. Reads the store only for names that it was not asked for since the board said otherwise of them.
    pub async fn version(self: &Arc<Self>, feed: &FeedId) -> Result<Version, Error> {
        self.version_in(feed, &Selection::default()).await
    }

    async fn version_in(self: &Arc<Self>, feed: &FeedId, selection: &Selection) -> Result<Version, Error> {
        let ids = match self.known_ids(feed) {
            Some(ids) => ids,
            None => {
                let feed = feed.clone();
                self.blocking(move |site| site.channel_ids(&feed)).await??
            }
        };
        Ok(self.version_of(feed, selection, &ids))
    }

    /// The version of what is selected, and whether it stays for ever. `None` for a document of the archive that there is
    /// not, or not yet; those that there are read their posts for it.
    pub async fn selected_version(self: &Arc<Self>, key: &Key) -> Result<Option<(Version, bool)>, Error> {
        let (feed, selection) = (key.feed.clone(), key.selection.clone().unwrap_or_default());
        if selection.end().is_none() {
            return self.version_in(&feed, &selection).await.map(|version| Some((version, false)));
        }
        Ok(self.blocking(move |site| editions::archive_version(site, &feed, &selection)).await??)
    }

    /// The version of the current feed or of a selection from it, whose stored channels are `ids`.
    pub fn version_of(&self, feed: &FeedId, selection: &Selection, ids: &[ChannelId]) -> Version {
        let heads: Vec<(ChannelId, Head)> = ids.iter().map(|id| (*id, self.store.head(*id))).collect();
        Version::new(identity_of(feed.identity(), selection), &heads)
    }

    /// The ids of the feed's stored channels, if memory has them all.
    fn known_ids(&self, feed: &FeedId) -> Option<Vec<ChannelId>> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let ids: Option<Vec<Option<ChannelId>>> = feed
            .channels
            .iter()
            .map(|name| names.get(name).filter(|lookup| lookup.holds(&self.status(name))).map(|lookup| lookup.id))
            .collect();
        Some(ids?.into_iter().flatten().collect())
    }

    /// The ids of the feed's stored channels. May block.
    pub fn channel_ids(&self, feed: &FeedId) -> Result<Vec<ChannelId>, store::Error> {
        let ids: Result<Vec<_>, _> = feed.channels.iter().map(|name| self.channel_id(name)).collect();
        Ok(ids?.into_iter().flatten().collect())
    }

    /// The id under which a channel is stored, if it is. May block.
    pub fn channel_id(&self, name: &ChannelName) -> Result<Option<ChannelId>, store::Error> {
        // Before the store is asked: what is stored meanwhile is then found by the next request.
        let status = self.status(name);
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).get(name).copied();
        if let Some(lookup) = known.filter(|lookup| lookup.holds(&status)) {
            return Ok(lookup.id);
        }
        let id = self.store.channel(name)?.map(|channel| channel.id);
        let lookup = Lookup { since: status.since, last_success: status.last_success, id };
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), lookup);
        Ok(id)
    }

    fn status(&self, name: &ChannelName) -> Status {
        self.board.get(name).unwrap_or_default()
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
            encode(&plain, key.coding).ok().map(Arc::new)
        })
    }

    fn make(&self, key: &Key, wanted: &Version) -> Result<(Arc<Edition>, Origin), Error> {
        let render = || editions::render(self, key).inspect_err(|error| report(&key.feed, error));
        let (plain, origin) = self.shelf.edition(key.in_coding(Coding::Identity), wanted, render)?;
        if key.coding == Coding::Identity {
            return Ok((plain, origin));
        }
        let (edition, _) = self.shelf.edition(key.clone(), &plain.version, || encode(&plain, key.coding))?;
        Ok((edition, if origin == Origin::Outdated { origin } else { Origin::Made }))
    }
}

fn report(feed: &FeedId, error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(feed = feed.name, %error, cause, "feed cannot be made anew");
}

fn encode(plain: &Edition, coding: Coding) -> Result<Edition, Error> {
    Ok(Edition { bytes: coding.encode(&plain.bytes)?, ..plain.clone() })
}

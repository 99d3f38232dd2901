//! How a document is made from the store: the current feed, a selection from it, or a part of its history; and which
//! version of it there is. Knows neither HTTP nor what is kept of documents once made.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Archive, Contents, Version, identity_of,
    key::{Edition, Error, Key},
    selection_url,
};
use crate::{
    feed::{self, End, Entry, Feed, Filter, Format, Header, Item, Selection, Settings},
    feeds::FeedId,
    media::Addresses,
    model::{Channel, ChannelId, ChannelName, Stored, Time},
    status::{Board, Status},
    store::{self, Head, Store},
};

/// Makes the documents of all feeds from one store.
pub struct Press {
    store: Arc<dyn Store>,
    board: Arc<Board>,
    /// Without a slash at the end.
    public_url: String,
    /// The hub that feeds name.
    hub_url: Option<String>,
    media: Addresses,
    names: RwLock<HashMap<ChannelName, Lookup>>,
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

impl Press {
    pub fn new(
        store: Arc<dyn Store>,
        board: Arc<Board>,
        public_url: String,
        hub_url: Option<String>,
        media: Addresses,
    ) -> Self {
        Self { store, board, public_url, hub_url, media, names: RwLock::default() }
    }

    /// The addresses that files have.
    pub fn media(&self) -> &Addresses {
        &self.media
    }

    /// One post as a feed with these settings says it.
    pub fn item(&self, channel: &Channel, stored: &Stored, settings: &Settings) -> Item {
        let mut stored = stored.clone();
        self.media.give(channel, &mut stored.post);
        feed::item(Entry { channel, stored: &stored }, settings)
    }

    /// The edition of `key` that the store has at this moment. Blocks.
    pub fn make(&self, key: &Key) -> Result<Edition, Error> {
        let everything = Selection::default();
        let selection = key.selection.as_deref().unwrap_or(&everything);
        let plan = Plan { press: self, key, selection, format: key.format.filter() };
        let plain = match selection.end() {
            None => plan.current(),
            Some(end) => plan.archived(end),
        };
        plain?.in_coding(key.coding)
    }

    /// The version of the current feed or of a selection from it, if memory alone can tell. Never blocks.
    pub fn known_version(&self, feed: &FeedId, selection: &Selection) -> Option<Version> {
        Some(self.version_of(feed, selection, &self.known_ids(feed)?))
    }

    /// The version of a document, and whether it stays for ever; `None` if there is no such document of the feed's
    /// history, or not yet. Blocks.
    pub fn version(&self, feed: &FeedId, selection: &Selection) -> Result<Option<(Version, bool)>, store::Error> {
        let ids = self.channel_ids(feed)?;
        let Some(end) = selection.end() else {
            return Ok(Some((self.version_of(feed, selection, &ids), false)));
        };
        let identity = identity_of(feed.identity(), selection);
        let archive = Archive::find(self.store.as_ref(), feed, &ids, end, &self.media)?;
        Ok(archive.map(|archive| (archive.version(identity, feed.since()), archive.settled)))
    }

    fn version_of(&self, feed: &FeedId, selection: &Selection, ids: &[ChannelId]) -> Version {
        let heads: Vec<(ChannelId, Head)> = ids.iter().map(|id| (*id, self.store.head(*id))).collect();
        Version::new(identity_of(feed.identity(), selection), feed.since(), &heads, self.media.are_own())
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

    /// The ids of the feed's stored channels. Reads the store only for names that it was not asked for since the board
    /// said otherwise of them. May block.
    pub fn channel_ids(&self, feed: &FeedId) -> Result<Vec<ChannelId>, store::Error> {
        let ids: Result<Vec<_>, _> = feed.channels.iter().map(|name| self.channel_id(name)).collect();
        Ok(ids?.into_iter().flatten().collect())
    }

    /// The id under which a channel is stored, if it is. May block.
    fn channel_id(&self, name: &ChannelName) -> Result<Option<ChannelId>, store::Error> {
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
}

/// One document on its way.
struct Plan<'a> {
    press: &'a Press,
    key: &'a Key,
    selection: &'a Selection,
    /// What the format has room for.
    format: Filter,
}

impl Plan<'_> {
    fn current(&self) -> Result<Edition, Error> {
        let Self { press, key, selection, .. } = self;
        let (spec, store) = (&key.feed, press.store.as_ref());
        let ids = press.channel_ids(&key.feed)?;
        // Before the posts are read: what changes meanwhile is then newer than its label and made again,
        // where an edition older than its label would stay.
        let version = press.version_of(&key.feed, selection, &ids);
        let settings = Settings { posts: selection.limit.unwrap_or(spec.settings.posts), ..spec.settings.clone() };
        let mut contents = Contents::read(store, &ids, &settings, &self.filters())?;
        contents.give_addresses(&press.media);
        if let Some(since) = key.since {
            contents = contents.changed_since(since);
        }
        let header = self.header(&contents, &version);
        let mut feed = feed::compose(header, &contents.entries(), &settings);
        if key.since.is_none() {
            let behind = contents.behind(store, spec, &feed, settings.deleted)?;
            feed.header.prev_archive_url = behind.map(|end| self.url(Some(end)));
        }
        Ok(self.edition(feed, version, &contents))
    }

    /// All posts of the document, whatever the feed's bounds: what is left out here is nowhere.
    fn archived(&self, end: End) -> Result<Edition, Error> {
        let Self { press, key, selection, .. } = self;
        let spec = &key.feed;
        let ids = press.channel_ids(&key.feed)?;
        let archive = Archive::find(press.store.as_ref(), &key.feed, &ids, end, &press.media)?;
        let archive = archive.ok_or(Error::Unfinished)?;
        let version = archive.version(identity_of(key.feed.identity(), selection), key.feed.since());
        let (prev, next) = (archive.prev, archive.next);
        let contents = Contents::archived(archive, &self.filters(), spec.settings.merge_seconds);
        let header = Header {
            current_url: Some(self.url(None)),
            prev_archive_url: prev.map(|end| self.url(Some(end))),
            next_archive_url: next.map(|end| self.url(Some(end))),
            archive: true,
            // The avatar's address rotates, and what is said for ever is not asked for again.
            image: None,
            ttl_minutes: None,
            ..self.header(&contents, &version)
        };
        let settings = Settings { posts: usize::MAX, bytes: usize::MAX, ..spec.settings.clone() };
        let feed = feed::compose(header, &contents.entries(), &settings);
        Ok(self.edition(feed, version, &contents))
    }

    fn filters(&self) -> [&Filter; 3] {
        [&self.key.feed.filter, &self.selection.filter, &self.format]
    }

    fn header(&self, contents: &Contents, version: &Version) -> Header {
        let Self { press, key, selection, .. } = self;
        let spec = &key.feed;
        let mut header = contents.header(spec, &press.public_url, key.format, version.changed, &press.media);
        // A hub's topics are the feeds themselves, not what somebody chose from them.
        header.hub_url = press.hub_url.clone().filter(|_| key.selection.is_none() && key.format.is_offered());
        let subject = selection.at(None).query();
        if subject.is_empty() {
            return Header { self_url: self.url(selection.end()), ..header };
        }
        let chosen = selection.to_string();
        Header {
            id: format!("{}?{subject}", header.id),
            title: if chosen.is_empty() { header.title } else { format!("{} · {chosen}", header.title) },
            self_url: self.url(selection.end()),
            ..header
        }
    }

    /// Where the same selection is to be had from another part of the history.
    fn url(&self, end: Option<End>) -> String {
        let Self { press, key, selection, .. } = self;
        // A document of the archive is as long as it is.
        let limit = selection.limit.filter(|_| end.is_none());
        let selection = Selection { limit, ..selection.ending(end) };
        selection_url(&press.public_url, &key.feed, key.format, &selection)
    }

    fn edition(&self, mut feed: Feed, version: Version, contents: &Contents) -> Edition {
        if self.key.format == Format::Json {
            feed.header.next_url = feed.header.prev_archive_url.clone();
        }
        let bytes = feed::render(&feed, self.key.format).into();
        Edition { version, bytes, sequences: contents.sequences().into() }
    }
}

//! How a document is made from the store: the current feed, a selection from it, or a part of its history.
//! Blocks. Knows nothing of HTTP.

use super::{Site, site::Error};
use crate::{
    edition::{Archive, Contents, Version, identity_of, selection_url},
    feed::{self, End, Feed, Filter, Format, Header, Selection, Settings},
    feeds::FeedId,
    shelf::{Edition, Key},
    store,
};

/// Makes the document `key`, in no coding.
pub fn render(site: &Site, key: &Key) -> Result<Edition, Error> {
    let everything = Selection::default();
    let selection = key.selection.as_deref().unwrap_or(&everything);
    let plan = Plan { site, key, selection };
    match selection.end() {
        None => plan.current(),
        Some(end) => plan.archived(end),
    }
}

/// The version of a document of the feed's history, and whether it is the last; `None` if there is no such document, or
/// not yet.
pub fn archive_version(
    site: &Site,
    feed: &FeedId,
    selection: &Selection,
) -> Result<Option<(Version, bool)>, store::Error> {
    let Some(end) = selection.end() else { return Ok(None) };
    let identity = identity_of(feed.identity(), selection);
    Ok(archive(site, feed, end)?.map(|archive| (archive.version(identity), archive.settled)))
}

fn archive(site: &Site, feed: &FeedId, end: End) -> Result<Option<Archive>, store::Error> {
    Archive::find(site.store.as_ref(), feed, &site.channel_ids(feed)?, end)
}

struct Plan<'a> {
    site: &'a Site,
    key: &'a Key,
    selection: &'a Selection,
}

impl Plan<'_> {
    fn current(&self) -> Result<Edition, Error> {
        let Self { site, key, selection } = self;
        let (spec, store) = (&key.feed, site.store.as_ref());
        let ids = site.channel_ids(&key.feed)?;
        // Before the posts are read: what changes meanwhile is then newer than its label and made again,
        // where an edition older than its label would stay.
        let version = site.version_of(&key.feed, selection, &ids);
        let settings = Settings { posts: selection.limit.unwrap_or(spec.settings.posts), ..spec.settings.clone() };
        let mut contents = Contents::read(store, &ids, &settings, &self.filters())?;
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
        let Self { site, key, selection } = self;
        let spec = &key.feed;
        let archive = archive(site, &key.feed, end)?.ok_or(Error::Unfinished)?;
        let version = archive.version(identity_of(key.feed.identity(), selection));
        let (prev, next) = (archive.prev, archive.next);
        let contents = Contents::archived(archive, &self.filters());
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

    fn filters(&self) -> [&Filter; 2] {
        [&self.key.feed.filter, &self.selection.filter]
    }

    fn header(&self, contents: &Contents, version: &Version) -> Header {
        let Self { site, key, selection } = self;
        let spec = &key.feed;
        let mut header = contents.header(spec, &site.config.server.public_url, key.format, version.changed);
        // A hub's topics are the feeds themselves, not what somebody chose from them.
        header.hub_url = site.hub_url.clone().filter(|_| key.selection.is_none());
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
        let Self { site, key, selection } = self;
        // A document of the archive is as long as it is.
        let limit = selection.limit.filter(|_| end.is_none());
        let selection = Selection { limit, ..selection.ending(end) };
        selection_url(&site.config.server.public_url, &key.feed, key.format, &selection)
    }

    fn edition(&self, mut feed: Feed, version: Version, contents: &Contents) -> Edition {
        if self.key.format == Format::Json {
            feed.header.next_url = feed.header.prev_archive_url.clone();
        }
        let bytes = feed::render(&feed, self.key.format).into();
        Edition { version, bytes, sequences: contents.sequences().into() }
    }
}

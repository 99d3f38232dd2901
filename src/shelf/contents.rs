//! What goes into a feed: reads its posts from the store and says what the feed is called and where it is.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::BEFORE_ANY_POST;
use crate::{
    config::FeedSpec,
    feed::{Deleted, Entry, Format, Header, Settings},
    model::{Channel, ChannelId, PostId, Stored, Time},
    store::{Error, Store},
};

/// How many posts of each channel may come in again because they were edited.
const REVIVED: usize = 10;

/// What a reader is told to wait; polling is not more often than this, and a repeated request costs a 304.
const TTL_MINUTES: u32 = 10;

/// Characters that need no escape in a path segment (RFC 3986 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The posts of a feed and their channels.
#[derive(Debug, Default, PartialEq)]
pub struct Contents {
    channels: Vec<Channel>,
    /// With the index of its channel.
    posts: Vec<(usize, Stored)>,
}

impl Contents {
    /// The channels alone, those of them that are stored.
    pub fn about(store: &dyn Store, ids: &[ChannelId]) -> Result<Self, Error> {
        let channels: Result<Vec<_>, Error> = ids.iter().map(|id| store.channel_by_id(*id)).collect();
        Ok(Self { channels: channels?.into_iter().flatten().collect(), posts: Vec::new() })
    }

    /// At most `settings.posts` posts: those that last had news, by publication or by an edit. So an edit of an old post
    /// is seen by readers, in the place of the oldest one.
    pub fn read(store: &dyn Store, ids: &[ChannelId], settings: &Settings) -> Result<Self, Error> {
        let mut contents = Self::about(store, ids)?;
        for (index, channel) in contents.channels.iter().enumerate() {
            let id = channel.id;
            let latest = store.latest(id, None, settings.posts)?;
            let seen: HashSet<PostId> = latest.iter().map(|stored| stored.post.id).collect();
            let changed = store.changed(id, REVIVED)?;
            let revived = changed.into_iter().filter(|old| !seen.contains(&old.post.id) && revives(old, settings));
            contents.posts.extend(latest.into_iter().chain(revived).map(|stored| (index, stored)));
        }
        contents.posts.sort_by_key(|(index, stored)| (std::cmp::Reverse(news(stored, settings)), *index));
        contents.posts.truncate(settings.posts);
        Ok(contents)
    }

    /// Keeps only what changed after the sequence number `since`.
    pub fn changed_since(mut self, since: u64) -> Self {
        self.posts.retain(|(_, stored)| stored.sequence > since);
        self
    }

    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.posts.iter().map(|(index, stored)| Entry { channel: &self.channels[*index], stored }).collect()
    }

    /// The entries' sequence numbers, ascending.
    pub fn sequences(&self) -> Vec<u64> {
        let mut sequences: Vec<u64> = self.posts.iter().map(|(_, stored)| stored.sequence).collect();
        sequences.sort_unstable();
        sequences
    }

    /// What the feed says of itself. `public_url` without a slash at the end.
    pub fn header(&self, spec: &FeedSpec, public_url: &str, format: Format, changed: Time) -> Header {
        let only = match (self.channels.as_slice(), spec.channels.len()) {
            ([channel], 1) => Some(channel),
            _ => None,
        };
        let home_url = match (only, spec.channels.as_slice()) {
            (Some(channel), _) => format!("https://t.me/{}", channel.current_slug),
            (None, [name]) => format!("https://t.me/{name}"),
            _ => page_url(public_url, spec),
        };
        Header {
            title: self.title(spec),
            description: only.map_or_else(|| self.summary(spec), |channel| channel.info.description.clone()),
            home_url,
            self_url: document_url(public_url, spec, format),
            image: only.and_then(|channel| channel.info.photo.clone()),
            ttl_minutes: Some(TTL_MINUTES),
            changed: Some(changed.max(BEFORE_ANY_POST)),
            ..Header::default()
        }
    }

    fn title(&self, spec: &FeedSpec) -> String {
        let of_channel = || match (self.channels.as_slice(), spec.channels.len()) {
            ([channel], 1) if !channel.info.title.is_empty() => Some(channel.info.title.clone()),
            _ => None,
        };
        spec.title.clone().or_else(of_channel).unwrap_or_else(|| spec.name.clone())
    }

    /// The channels of a merged feed, by title where it is known.
    fn summary(&self, spec: &FeedSpec) -> String {
        let title = |name: &_| self.channels.iter().find(|c| c.name == *name).map(|c| c.info.title.clone());
        let titles: Vec<String> =
            spec.channels.iter().map(|name| title(name).unwrap_or_else(|| name.to_string())).collect();
        titles.join(", ")
    }
}

/// When a post last had something new for a reader.
fn news(stored: &Stored, settings: &Settings) -> Time {
    let said = stored.published.max(stored.updated);
    match stored.deleted {
        Some(deleted) if settings.deleted == Deleted::Announce => said.max(deleted),
        _ => said,
    }
}

/// Whether an old post may come in again: a deleted one only to be announced.
fn revives(stored: &Stored, settings: &Settings) -> bool {
    stored.deleted.is_none() || settings.deleted == Deleted::Announce
}

/// The last part of a feed document's address.
pub fn file_name(format: Format) -> &'static str {
    match format {
        Format::Rss => "rss.xml",
        Format::Atom => "atom.xml",
        Format::Json => "feed.json",
    }
}

/// The address of a feed's page, which the addresses of its documents begin with.
pub fn page_url(public_url: &str, spec: &FeedSpec) -> String {
    format!("{public_url}/{}/", utf8_percent_encode(&spec.name, SEGMENT))
}

pub fn document_url(public_url: &str, spec: &FeedSpec, format: Format) -> String {
    page_url(public_url, spec) + file_name(format)
}

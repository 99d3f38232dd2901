//! What goes into a feed: reads its posts from the store and says what the feed is called and where it is.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use super::{
    BEFORE_ANY_POST,
    address::{document_url, page_url},
    answers::answer,
    archive::{Archive, behind},
    company,
    copies::drop_copies,
    days,
};
use crate::{
    config::FeedSpec,
    feed::{Deleted, End, Entry, Feed, Filter, Format, Header, Place, Settings, firsts, guid},
    media::Addresses,
    model::{Channel, ChannelId, PostId, Stored, Time},
    store::{Error, Store},
};

/// How many posts of each channel may come in again because they were edited.
const REVIVED: usize = 10;

/// So far a feed looks back in each channel for posts that it wants.
const LOOK_BACK: usize = 2000;
/// So many posts at a time.
const STRIDE: usize = 200;

/// The posts of a feed and their channels.
#[derive(Debug, Default, PartialEq)]
pub struct Contents {
    channels: Vec<Channel>,
    /// With the index of its channel.
    posts: Vec<(usize, Stored)>,
    /// Of each channel: which posts were looked at, newest first.
    seen: Vec<Vec<PostId>>,
    /// Which of them the feed has no place for.
    unwanted: HashSet<(usize, PostId)>,
    /// Of each post the first one of those that are one item with it.
    firsts: BTreeMap<Place, Place>,
}

impl Contents {
    /// The channels alone, those of them that are stored.
    pub fn about(store: &dyn Store, ids: &[ChannelId]) -> Result<Self, Error> {
        let channels: Result<Vec<_>, Error> = ids.iter().map(|id| store.channel_by_id(*id)).collect();
        Ok(Self { channels: channels?.into_iter().flatten().collect(), ..Self::default() })
    }

    /// At most `settings.posts` posts: those that last had news, by publication or by an edit, among those that all the
    /// `filters` admit. So an edit of an old post is seen by readers, in the place of the oldest one.
    pub fn read(store: &dyn Store, ids: &[ChannelId], settings: &Settings, filters: &[&Filter]) -> Result<Self, Error> {
        let wanted = |channel: &Channel, stored: &Stored| filters.iter().all(|filter| filter.admits(channel, stored));
        let mut contents = Self::about(store, ids)?;
        let stride = if filters.iter().all(|filter| filter.is_empty()) { settings.posts } else { STRIDE };
        for index in 0..contents.channels.len() {
            let channel = contents.channels[index].clone();
            let wanted = |stored: &Stored| wanted(&channel, stored);
            let mut posts = contents.look_back(store, index, stride, |latest| latest < settings.posts, wanted)?;
            let changed = store.changed(channel.id, REVIVED)?;
            let seen: HashSet<PostId> = posts.iter().map(|stored| stored.post.id).collect();
            let revived = changed.into_iter().filter(|old| !seen.contains(&old.post.id) && revives(old, settings));
            let edges: Vec<Stored> = posts.last().cloned().into_iter().chain(revived).collect();
            posts = with_company(store, channel.id, posts, edges, settings.merge_seconds)?;
            posts.retain(|stored| wanted(stored));
            contents.posts.extend(posts.into_iter().map(|stored| (index, stored)));
        }
        if contents.channels.len() > 1 {
            let copies = drop_copies(store, &contents.channels, &mut contents.posts, wanted)?;
            contents.unwanted.extend(copies);
        }
        contents.group(settings.merge_seconds);
        contents.keep_newest(settings);
        answer(store, &contents.channels, &mut contents.posts)?;
        Ok(contents)
    }

    fn group(&mut self, merge_seconds: u32) {
        if merge_seconds > 0 {
            let places: Vec<Place> = self.entries().iter().map(Entry::place).collect();
            self.firsts = firsts(&places, merge_seconds);
        }
    }

    /// The first of the posts that are one item with this one.
    fn first_of(&self, (index, stored): &(usize, Stored)) -> Place {
        let place = Entry { channel: &self.channels[*index], stored }.place();
        self.firsts.get(&place).copied().unwrap_or(place)
    }

    /// Keeps the items, with all their posts, that are known by these first ones.
    fn keep(&mut self, firsts: &HashSet<Place>) {
        let mut posts = std::mem::take(&mut self.posts);
        posts.retain(|post| firsts.contains(&self.first_of(post)));
        self.posts = posts;
    }

    /// The items that last had news.
    fn keep_newest(&mut self, settings: &Settings) {
        let mut latest: BTreeMap<Place, (Time, Reverse<usize>)> = BTreeMap::new();
        for post in &self.posts {
            let news = (news(&post.1, settings), Reverse(post.0));
            latest.entry(self.first_of(post)).and_modify(|last| *last = news.max(*last)).or_insert(news);
        }
        let mut newest: Vec<_> = latest.into_iter().map(|(first, news)| (Reverse(news), first)).collect();
        newest.sort_unstable();
        self.keep(&newest.into_iter().take(settings.posts).map(|(_, first)| first).collect());
    }

    /// The newest posts that are wanted, as long as `more` says so of their number, and not endlessly.
    fn look_back(
        &mut self,
        store: &dyn Store,
        channel: usize,
        stride: usize,
        more: impl Fn(usize) -> bool,
        wanted: impl Fn(&Stored) -> bool,
    ) -> Result<Vec<Stored>, Error> {
        let (mut found, mut seen) = (Vec::new(), Vec::new());
        'look: while more(found.len()) && seen.len() < LOOK_BACK {
            let next = store.latest(self.channels[channel].id, seen.last().copied(), stride)?;
            let ended = next.len() < stride;
            for stored in next {
                if !more(found.len()) {
                    break 'look;
                }
                seen.push(stored.post.id);
                if wanted(&stored) {
                    found.push(stored);
                } else {
                    self.unwanted.insert((channel, stored.post.id));
                }
            }
            if ended {
                break;
            }
        }
        self.seen.push(seen);
        Ok(found)
    }

    /// The posts of a document of the archive, as far as the filters admit them: those that are one item are where the
    /// first of them is.
    pub fn archived(archive: Archive, filters: &[&Filter], merge_seconds: u32) -> Self {
        let Archive { channels, mut posts, company, .. } = archive;
        posts.retain(|(index, stored)| filters.iter().all(|filter| filter.admits(&channels[*index], stored)));
        let mut contents = Self { channels, posts, ..Self::default() };
        let own = contents.entries().iter().map(Entry::place).collect();
        let Self { channels, posts, .. } = &mut contents;
        posts.extend(
            company
                .into_iter()
                .filter(|(index, stored)| filters.iter().all(|filter| filter.admits(&channels[*index], stored))),
        );
        contents.group(merge_seconds);
        contents.keep(&own);
        contents
    }

    /// Where the document of the archive behind `feed` ends; `None` if nothing is left out.
    pub fn behind(
        &self,
        store: &dyn Store,
        spec: &FeedSpec,
        feed: &Feed,
        deleted: Deleted,
    ) -> Result<Option<End>, Error> {
        let shown: HashSet<&str> = feed.items.iter().map(|item| item.guid.as_str()).collect();
        let said = self.posts.iter().filter(|post| {
            let (index, stored) = post;
            let gone = stored.deleted.is_some() && deleted != Deleted::Keep;
            let first = self.first_of(post).id;
            gone || shown.contains(guid(&self.channels[*index], first).as_str())
        });
        let said: HashSet<(usize, PostId)> = said.map(|(index, stored)| (*index, stored.post.id)).collect();
        let settled =
            |index: usize, post: PostId| [&said, &self.unwanted].iter().any(|set| set.contains(&(index, post)));
        if let (1, [channel], [seen]) = (spec.channels.len(), self.channels.as_slice(), self.seen.as_slice()) {
            return Ok(behind(store, channel.id, seen, |post| settled(0, post))?.map(End::Post));
        }
        let ids: Vec<ChannelId> = self.channels.iter().map(|channel| channel.id).collect();
        let mut left = Vec::new();
        for (index, (id, seen)) in ids.iter().zip(&self.seen).enumerate() {
            left.extend(days::left_out(store, *id, seen, |post| settled(index, post))?.map(|stored| (*id, stored)));
        }
        Ok(days::behind(store, &ids, &left)?.map(End::Time))
    }

    /// Keeps only what changed after the sequence number `since`.
    pub fn changed_since(mut self, since: u64) -> Self {
        let changed = self.posts.iter().filter(|(_, stored)| stored.sequence > since);
        let changed = changed.map(|post| self.first_of(post)).collect();
        self.keep(&changed);
        self
    }

    /// Gives the posts' files the addresses that readers are to use.
    pub fn give_addresses(&mut self, media: &Addresses) {
        for (index, stored) in &mut self.posts {
            media.give(&self.channels[*index], &mut stored.post);
        }
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
    pub fn header(
        &self,
        spec: &FeedSpec,
        public_url: &str,
        format: Format,
        changed: Time,
        media: &Addresses,
    ) -> Header {
        let only = match (self.channels.as_slice(), spec.channels.len()) {
            ([channel], 1) => Some(channel),
            _ => None,
        };
        let home_url = match (only, spec.channels.as_slice()) {
            (Some(channel), _) => format!("https://t.me/{}", channel.current_slug),
            (None, [name]) => format!("https://t.me/{name}"),
            _ => page_url(public_url, spec),
        };
        let id = match only {
            // What upstream's name showed first, whatever the channel is called and whoever serves it.
            Some(channel) if spec.is_of_channel() => format!("https://t.me/{}", channel.slug),
            _ if spec.is_of_channel() => home_url.clone(),
            _ => page_url(public_url, spec),
        };
        Header {
            id,
            title: self.title(spec),
            description: only.map_or_else(|| self.summary(spec), |channel| channel.info.description.clone()),
            home_url,
            self_url: document_url(public_url, spec, format),
            image: only.and_then(|channel| media.avatar(channel)),
            language: spec.settings.labels.language(),
            posts_url: only.map(|_| page_url(public_url, spec)),
            ttl_minutes: Some(spec.ttl_minutes),
            changed: Some(changed.max(BEFORE_ANY_POST)),
            ..Header::default()
        }
    }

    fn title(&self, spec: &FeedSpec) -> String {
        let of_channel = || match (self.channels.as_slice(), spec.channels.len()) {
            ([channel], 1) if !channel.info.title.is_empty() => Some(warned(channel)),
            _ => None,
        };
        spec.title.clone().or_else(of_channel).unwrap_or_else(|| spec.name.clone())
    }

    /// The channels of a merged feed, by title where it is known.
    fn summary(&self, spec: &FeedSpec) -> String {
        let title = |name: &_| self.channels.iter().find(|c| c.goes_by(name)).map(|c| c.info.title.clone());
        let titles = spec.channels.iter().map(|name| title(name).unwrap_or_else(|| name.to_string()));
        // A channel that is there under two names is one channel.
        let mut each = Vec::new();
        titles.for_each(|title| {
            if !each.contains(&title) {
                each.push(title)
            }
        });
        each.join(", ")
    }
}

/// The `posts` and `edges`, each once, and those around the edges that may be one item with them.
fn with_company(
    store: &dyn Store,
    channel: ChannelId,
    posts: Vec<Stored>,
    edges: Vec<Stored>,
    merge_seconds: u32,
) -> Result<Vec<Stored>, Error> {
    let mut all: BTreeMap<PostId, Stored> = BTreeMap::new();
    for edge in &edges {
        let before = company::before(store, channel, edge, merge_seconds)?;
        let after = company::after(store, channel, edge, merge_seconds)?;
        all.extend(before.into_iter().chain(after).map(|stored| (stored.post.id, stored)));
    }
    all.extend(posts.into_iter().chain(edges).map(|stored| (stored.post.id, stored)));
    Ok(all.into_values().collect())
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

/// The channel's title, with what Telegram warns of: scam, fake.
fn warned(channel: &Channel) -> String {
    let labels = channel.info.labels.iter().map(|label| format!(" ⚠ {label}"));
    std::iter::once(channel.info.title.clone()).chain(labels).collect()
}

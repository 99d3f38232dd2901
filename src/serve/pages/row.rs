//! A feed as the pages show it: its name, its state and how to subscribe.

use chrono::{TimeDelta, Utc};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    archive::is_wanted,
    frame::{Document, Moment, counted, distinct, documents, moment},
};
use crate::{
    config::FeedSpec,
    edition::{BEFORE_ANY_POST, Contents, document_url, page_url},
    feed::{self, Format, Header},
    feeds::FeedId,
    model::{Channel, ChannelId, Stored, Time},
    serve::Site,
    status::State,
};

/// After so long without a success the posts shown may not be the newest.
const STALE: TimeDelta = TimeDelta::days(1);
const HUES: u32 = 10;
/// Posts looked at for the newest one that a feed admits.
const LOOKS: usize = 20;

pub struct Row {
    pub title: String,
    /// Whether Telegram says that the channel is who it says it is.
    pub verified: bool,
    pub image: Option<String>,
    /// Stand in the place of the picture, and behind it in case that it is dead.
    pub initials: String,
    /// One of ten colours.
    pub hue: u32,
    /// The feed's page, relative.
    pub page: String,
    pub documents: Vec<Document>,
    /// What a reader is given, absolute.
    pub address: String,
    pub standing: String,
    pub fine: bool,
    pub posts: String,
    pub newest: Option<Moment>,
    /// The newest post, where it is shown.
    pub last: Option<Last>,
    /// When upstream last showed the channel that was not read for longest, if that is too long ago.
    pub stale: Option<Moment>,
}

/// A post as a line.
pub struct Last {
    pub title: String,
    /// Relative to the page that shows the row.
    pub href: String,
}

impl Row {
    /// With the newest post that the feed admits, if it is one of the last few.
    pub fn with_last(self, site: &Site, feed: &FeedId) -> Self {
        let last = last(site, feed, &self.page);
        Self { last, ..self }
    }
}

fn last(site: &Site, feed: &FeedId, page: &str) -> Option<Last> {
    let mut newest: Option<(Channel, Stored)> = None;
    for id in site.press.channel_ids(feed).ok()? {
        let channel = site.store.channel_by_id(id).ok()??;
        let latest = site.store.latest(id, None, LOOKS).ok()?;
        let found = latest.into_iter().find(|stored| is_wanted(feed, &channel, stored));
        if let Some(stored) = found
            && newest.as_ref().is_none_or(|(_, newest)| stored.published > newest.published)
        {
            newest = Some((channel, stored));
        }
    }
    let (channel, stored) = newest?;
    let item = site.press.item(&channel, &stored, &feed.settings);
    let href = if feed.channels.len() == 1 { format!("{page}{}", stored.post.id) } else { item.link.clone() };
    Some(Last { title: item.title.unwrap_or(item.summary), href })
}

/// What the feed says of itself; from the configuration alone while the store cannot be read.
pub fn about(site: &Site, feed: &FeedId) -> Header {
    let contents = site.press.channel_ids(feed).and_then(|ids| Contents::about(site.store.as_ref(), &ids));
    header(site, feed, &contents.unwrap_or_default())
}

/// With plain text where plain text belongs.
pub fn header(site: &Site, feed: &FeedId, contents: &Contents) -> Header {
    let header =
        contents.header(feed, &site.config.server.public_url, Format::Rss, BEFORE_ANY_POST, site.press.media());
    feed::compose(header, &[], &feed.settings).header
}

/// `page` leads from the page that shows the row to the feed's.
pub fn row(site: &Site, feed: &FeedId, header: &Header, page: &str) -> Row {
    let ids = site.press.channel_ids(feed).unwrap_or_default();
    let heads: Vec<_> = ids.iter().map(|id| site.store.head(*id)).collect();
    let (standing, fine) = standing(site, feed);
    Row {
        title: header.title.clone(),
        verified: is_verified(site, &ids),
        initials: initials(&header.title),
        hue: header.title.chars().map(u32::from).fold(0, u32::wrapping_add) % HUES + 1,
        image: header.image.clone().filter(|address| may_be_seen(address, &site.config.server.public_url)),
        page: page.to_owned(),
        documents: documents(page, &distinct(&header.title, feed)),
        address: document_url(&site.config.server.public_url, feed, Format::Atom),
        standing,
        fine,
        posts: counted(heads.iter().map(|head| head.posts).sum(), "post"),
        newest: heads.iter().filter_map(|head| head.newest_published).max().map(moment),
        last: None,
        stale: stale(site, feed, Utc::now()).map(moment),
    }
}

/// Whether the policy of pages lets a picture at `address` be seen.
fn may_be_seen(address: &str, public_url: &str) -> bool {
    address.starts_with("https:") || address.strip_prefix(public_url).is_some_and(|path| path.starts_with('/'))
}

/// Of a merged feed all channels are to be so.
fn is_verified(site: &Site, ids: &[ChannelId]) -> bool {
    let verified = |id: &ChannelId| matches!(site.store.channel_by_id(*id), Ok(Some(channel)) if channel.info.verified);
    !ids.is_empty() && ids.iter().all(verified)
}

/// Of the first two words that begin with a letter or a digit.
fn initials(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.graphemes(true).next());
    words.take(2).collect::<String>().to_uppercase()
}

/// The last success of the channel that has gone without one for longest, once that is longer than a day.
fn stale(site: &Site, spec: &FeedSpec, now: Time) -> Option<Time> {
    let read = spec.channels.iter().filter_map(|name| site.board.get(name)?.last_success);
    read.min().filter(|read| now - *read > STALE)
}

/// The absolute address of the feed's page.
pub fn page_of(site: &Site, feed: &FeedId) -> String {
    page_url(&site.config.server.public_url, feed)
}

/// How the feed's channels stand, in words, and whether nothing is amiss.
fn standing(site: &Site, spec: &FeedSpec) -> (String, bool) {
    let states: Vec<State> = spec.channels.iter().map(|name| site.board.get(name).unwrap_or_default().state).collect();
    let fine = states.iter().filter(|state| state.is_fine()).count();
    match states.as_slice() {
        [state] => (state.words().to_owned(), state.is_fine()),
        _ => (format!("{fine} of {} channels up to date", states.len()), fine == states.len()),
    }
}

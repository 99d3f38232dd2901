//! `/NAME/`: a feed's posts in full, page by page, by kind, tag and words.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use chrono::NaiveDate;
use hyper::http::request::Parts;

use super::{
    frame::{Frame, Moment, counted, distinct, document, moment},
    highlight::highlight,
    links::{Piece, linked, with_own_tags},
    picture::Picture,
    readers::{Reader, readers},
    reply::{Failure, Made, html, reply},
    row::{Row, header, page_of, row},
};
use crate::{
    config::FeedSpec,
    edition::{Contents, answer_one},
    feed::{self, Deleted, Entry, Filter, Format, Header, Item, Kind, Selection, Settings},
    feeds::FeedId,
    model::{Channel, ChannelId, ChannelName, PostId, Stored},
    serve::{Site, answer::Answer},
    store,
};

/// Posts on one page.
const POSTS: usize = 20;
/// Posts that a picky choice looks at for one page; the next page goes on from there.
const LOOKS: usize = 2000;
/// Posts of a merged feed that can be chosen from.
const MERGED: usize = 200;
const CHUNK: usize = 200;

#[derive(Template)]
#[template(path = "archive.html")]
struct Archive {
    frame: Frame,
    row: Row,
    readers: Vec<Reader>,
    picture: Option<Picture>,
    /// Of the newest post on the page of a single channel.
    day: Option<NaiveDate>,
    description: Vec<Vec<Piece>>,
    home_url: String,
    /// The words searched for, and the kinds that a search keeps to.
    words: String,
    kept_kinds: String,
    kinds: Vec<Tab>,
    /// What was chosen, in words; empty for all.
    chosen: String,
    /// A single channel has tags.
    tags: bool,
    articles: Vec<Article>,
    found: Option<String>,
    /// The page is one of the middle, so the newest posts are elsewhere.
    begun: bool,
}

struct Tab {
    name: &'static str,
    href: String,
    current: bool,
}

/// A post as the archive and its own page show it.
pub struct Article {
    pub id: PostId,
    /// The post's page, here or on Telegram.
    pub href: String,
    /// On Telegram.
    pub link: String,
    pub title: String,
    pub author: String,
    pub time: Moment,
    pub edited: Option<Moment>,
    pub deleted: Option<Moment>,
    pub content: String,
}

pub struct Tag {
    pub name: String,
    pub href: String,
}

/// Which posts a page shows, and where it goes on.
struct Stretch {
    posts: Vec<(Channel, Stored, Item)>,
    newer: Option<Selection>,
    older: Option<Selection>,
}

pub async fn archive(site: &Arc<Site>, parts: &Parts, feed: FeedId) -> Answer {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    reply(site, parts, move |site| page(site, &feed, &query)).await
}

fn page(site: &Site, feed: &FeedId, query: &str) -> Result<Made, Failure> {
    let choice = Selection { limit: None, ..Selection::parse(query, feed.settings.posts)? };
    if choice.query() != query {
        return Err(Failure::Moved(href(&choice)));
    }
    let ids = site.press.channel_ids(feed)?;
    let single = feed.channels.len() == 1;
    let contents = Contents::about(site.store.as_ref(), &ids)?;
    let header = header(site, feed, &contents);
    let stretch = match ids.as_slice() {
        [id] if single => of_channel(site, feed, *id, &choice)?,
        _ => of_several(site, feed, &ids, &choice)?,
    };
    let indexed = site.config.server.robots && choice.filter.is_empty();
    let row = listed(site, feed, &ids, &header)?;
    let frame = Frame { links: row.documents.clone(), ..frame(site, feed, &header, &choice, &stretch, indexed) };
    let words = &choice.filter.words;
    let articles = stretch.posts.iter().map(|(channel, stored, item)| {
        let article = article(site, channel, stored, item, single);
        Article { content: highlight(&article.content, words), ..article }
    });
    let found = (!choice.filter.is_empty()).then(|| match stretch.older {
        Some(_) => format!("{} shown, more may follow", counted(stretch.posts.len() as u64, "post")),
        None => counted(stretch.posts.len() as u64, "post"),
    });
    let archive = Archive {
        readers: readers(&site.config.server, &site.config.open_in, &row.address),
        picture: site.pictures.of(site.store.as_ref(), &ids),
        day: stretch.posts.first().filter(|_| single).map(|(_, stored, _)| stored.published.date_naive()),
        row,
        description: header.description.lines().map(linked).collect(),
        home_url: header.home_url,
        kinds: tabs(&choice),
        chosen: Selection { before: None, ..choice.clone() }.to_string(),
        words: joined(choice.filter.words.iter().map(String::as_str), " "),
        kept_kinds: joined(choice.filter.kinds.iter().map(|kind| kind.as_str()), ","),
        tags: single,
        articles: articles.collect(),
        found,
        begun: choice.before.is_some(),
        frame,
    };
    html(&archive, indexed)
}

/// With the podcast, where one of the newest posts is to be heard.
fn listed(site: &Site, feed: &FeedId, ids: &[ChannelId], header: &Header) -> Result<Row, store::Error> {
    let mut row = row(site, feed, header, "./");
    let heard = Format::Podcast.filter();
    for id in ids {
        let Some(channel) = site.store.channel_by_id(*id)? else { continue };
        let latest = site.store.latest(*id, None, CHUNK)?;
        if latest.iter().any(|stored| is_wanted(feed, &channel, stored) && heard.admits(&channel, stored)) {
            row.documents.push(document("./", &distinct(&header.title, feed), Format::Podcast));
            break;
        }
    }
    Ok(row)
}

fn frame(site: &Site, feed: &FeedId, header: &Header, choice: &Selection, stretch: &Stretch, indexed: bool) -> Frame {
    let chosen = choice.to_string();
    let title = if chosen.is_empty() { header.title.clone() } else { format!("{chosen} · {}", header.title) };
    let query = choice.query();
    let url = page_of(site, feed);
    Frame {
        description: header.description.lines().next().unwrap_or_default().to_owned(),
        image: header.image.clone(),
        newer: stretch.newer.as_ref().map(href),
        older: stretch.older.as_ref().map(href),
        ..Frame::new("../", title, if query.is_empty() { url } else { format!("{url}?{query}") }, indexed)
    }
}

/// The kinds that a page offers; a query knows all.
const KINDS: [(Kind, &str); 9] = [
    (Kind::Text, "Text"),
    (Kind::Photo, "Photos"),
    (Kind::Video, "Videos"),
    (Kind::Voice, "Voice"),
    (Kind::Audio, "Music"),
    (Kind::Document, "Files"),
    (Kind::Poll, "Polls"),
    (Kind::Link, "Links"),
    (Kind::Forward, "Forwards"),
];

fn tabs(choice: &Selection) -> Vec<Tab> {
    let tab = |(kind, name): (Option<Kind>, &'static str)| {
        let kinds: BTreeSet<Kind> = kind.into_iter().collect();
        let current = choice.filter.kinds == kinds;
        Tab { name, href: href(&of(Filter { kinds, ..choice.filter.clone() })), current }
    };
    let kinds = KINDS.into_iter().map(|(kind, name)| (Some(kind), name));
    std::iter::once((None, "All")).chain(kinds).map(tab).collect()
}

fn of(filter: Filter) -> Selection {
    Selection { filter, ..Selection::default() }
}

/// Of a part of the archive, relative to its first page.
fn href(choice: &Selection) -> String {
    let query = choice.query();
    if query.is_empty() { "./".to_owned() } else { format!("./?{query}") }
}

fn joined<'w>(words: impl Iterator<Item = &'w str>, separator: &str) -> String {
    words.collect::<Vec<_>>().join(separator)
}

/// The link of a hashtag to the posts that bear it.
pub fn tag(name: &str) -> Tag {
    let tags = BTreeSet::from([name.to_lowercase()]);
    Tag { name: name.to_owned(), href: href(&of(Filter { tags, ..Filter::default() })) }
}

/// How pages show posts: whole, with what was found to be gone if the feed keeps it.
pub fn shown(settings: &Settings) -> Settings {
    Settings { bytes: usize::MAX, ..settings.clone() }
}

pub fn is_shown(stored: &Stored, settings: &Settings) -> bool {
    stored.deleted.is_none() || settings.deleted == Deleted::Keep
}

/// Whether the feed's pages list the post.
pub fn is_wanted(feed: &FeedSpec, channel: &Channel, stored: &Stored) -> bool {
    is_shown(stored, &feed.settings) && feed.filter.admits(channel, stored)
}

fn of_channel(site: &Site, feed: &FeedId, id: ChannelId, choice: &Selection) -> Result<Stretch, store::Error> {
    let Some(channel) = site.store.channel_by_id(id)? else { return of_several(site, feed, &[], choice) };
    let settings = shown(&feed.settings);
    let picky = !(choice.filter.is_empty() && feed.filter.is_empty());
    let chunk = if picky { CHUNK } else { POSTS + 1 };
    let mut posts = Vec::new();
    let (mut before, mut looks) = (choice.before, 0);
    // Where the page ends, while there may be more behind.
    let mut end = None;
    'page: while looks < LOOKS {
        let latest = site.store.latest(id, before, chunk)?;
        looks += latest.len();
        let more = latest.len() == chunk;
        for mut stored in latest {
            if posts.len() == POSTS {
                end = before;
                break 'page;
            }
            before = Some(stored.post.id);
            if is_wanted(feed, &channel, &stored) && choice.filter.admits(&channel, &stored) {
                answer_one(site.store.as_ref(), &channel, &mut stored)?;
                let item = site.press.item(&channel, &stored, &settings);
                posts.push((channel.clone(), stored, item));
            }
        }
        end = before.filter(|_| more);
        if !more {
            break;
        }
    }
    let older = end.map(|end| choice.at(Some(end)));
    Ok(Stretch { newer: newer(site, id, choice, picky)?, posts, older })
}

/// The page before this one. Of a picky choice the first one, since its pages are not counted from the end.
fn newer(site: &Site, id: ChannelId, choice: &Selection, picky: bool) -> Result<Option<Selection>, store::Error> {
    let Some(before) = choice.before else { return Ok(None) };
    if picky {
        return Ok(Some(choice.at(None)));
    }
    // The posts from `before` on are newer; the page ends with the one after so many of them.
    let newer = site.store.following(id, PostId(before.0.saturating_sub(1)), POSTS + 1)?;
    Ok(Some(choice.at(newer.get(POSTS).map(|stored| stored.post.id))))
}

/// The newest posts of a merged feed, which has no pages: its channels do.
fn of_several(site: &Site, feed: &FeedId, ids: &[ChannelId], choice: &Selection) -> Result<Stretch, store::Error> {
    let most = if choice.filter.is_empty() { 2 * POSTS } else { MERGED };
    let settings = Settings { posts: most, ..shown(&feed.settings) };
    let contents = Contents::read(site.store.as_ref(), ids, &settings, &[&feed.filter, &choice.filter])?;
    let mut entries = contents.entries();
    entries.retain(|entry| is_wanted(feed, entry.channel, entry.stored));
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.stored.published, entry.stored.post.id)));
    let post = |entry: Entry<'_>| {
        (entry.channel.clone(), entry.stored.clone(), site.press.item(entry.channel, entry.stored, &settings))
    };
    Ok(Stretch { posts: entries.into_iter().map(post).collect(), newer: None, older: None })
}

/// `single` tells that the page is of the post's own channel.
pub fn article(site: &Site, channel: &Channel, stored: &Stored, item: &Item, single: bool) -> Article {
    let id = stored.post.id;
    let own = |name: &str| format!("../{name}/{id}");
    let is_its_own = |names: &[ChannelName]| matches!(names, [name] if channel.goes_by(name));
    let href = match site.feeds.now().feeds().iter().find(|feed| is_its_own(&feed.channels)) {
        _ if single => format!("./{id}"),
        Some(feed) => own(&feed.name),
        None => item.link.clone(),
    };
    Article {
        id,
        href,
        link: item.link.clone(),
        title: item.title.clone().unwrap_or_else(|| item.summary.clone()),
        author: if single && stored.post.signature.is_none() { String::new() } else { item.author.name.clone() },
        time: moment(stored.published),
        edited: (stored.updated > stored.published).then(|| moment(stored.updated)),
        deleted: stored.deleted.map(moment),
        content: with_own_tags(&feed::for_page(&item.content), channel),
    }
}

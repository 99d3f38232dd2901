//! `/NAME/`: a feed's posts in full, page by page, by kind, tag and words.

use std::sync::Arc;

use askama::Template;
use hyper::http::request::Parts;

use super::{
    choice::{Choice, KINDS},
    frame::{Frame, Moment, counted, moment},
    reply::{Failure, Made, html, reply},
    row::{Row, header, page_of, row},
};
use crate::{
    feed::{self, Deleted, Entry, Header, Item, Settings},
    model::{Channel, ChannelId, PostId, Stored},
    serve::{Site, answer::Answer},
    shelf::Contents,
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
    description: Vec<String>,
    home_url: String,
    choice: Choice,
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
    pub tags: Vec<Tag>,
}

pub struct Tag {
    pub name: String,
    pub href: String,
}

/// Which posts a page shows, and where it goes on.
struct Stretch {
    posts: Vec<(Channel, Stored, Item)>,
    newer: Option<Choice>,
    older: Option<Choice>,
}

pub async fn archive(site: &Arc<Site>, parts: &Parts, feed: usize) -> Answer {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    reply(site, parts, move |site| page(site, feed, &query)).await
}

fn page(site: &Site, feed: usize, query: &str) -> Result<Made, Failure> {
    let choice = Choice::parse(query);
    if choice.query() != query {
        return Err(Failure::Moved(choice.href()));
    }
    let ids = site.channel_ids(feed)?;
    let single = site.config.feeds[feed].channels.len() == 1;
    let contents = Contents::about(site.store.as_ref(), &ids)?;
    let header = header(site, feed, &contents);
    let stretch = match ids.as_slice() {
        [id] if single => of_channel(site, feed, *id, &choice)?,
        _ => of_several(site, feed, &ids, &choice)?,
    };
    let indexed = site.config.server.robots && !choice.is_picky();
    let frame = frame(site, feed, &header, &choice, &stretch, indexed);
    let articles = stretch.posts.iter().map(|(channel, stored, item)| article(site, channel, stored, item, single));
    let found = choice.is_picky().then(|| match stretch.older {
        Some(_) => format!("{} shown, more may follow", counted(stretch.posts.len() as u64, "post")),
        None => counted(stretch.posts.len() as u64, "post"),
    });
    let archive = Archive {
        row: Row { picture: None, ..row(site, feed, &header, "./") },
        description: header.description.lines().map(str::to_owned).collect(),
        home_url: header.home_url,
        kinds: tabs(&choice),
        chosen: chosen(&choice),
        tags: single,
        articles: articles.collect(),
        found,
        begun: choice.before.is_some(),
        frame,
        choice,
    };
    html(&archive, indexed)
}

fn frame(site: &Site, feed: usize, header: &Header, choice: &Choice, stretch: &Stretch, indexed: bool) -> Frame {
    let chosen = chosen(choice);
    let title = if chosen.is_empty() { header.title.clone() } else { format!("{chosen} · {}", header.title) };
    let query = choice.query();
    let url = page_of(site, feed);
    Frame {
        description: header.description.lines().next().unwrap_or_default().to_owned(),
        image: header.image.clone(),
        links: row(site, feed, header, "./").documents,
        newer: stretch.newer.as_ref().map(Choice::href),
        older: stretch.older.as_ref().map(Choice::href),
        ..Frame::new("../", title, if query.is_empty() { url } else { format!("{url}?{query}") }, indexed)
    }
}

fn tabs(choice: &Choice) -> Vec<Tab> {
    let tab = |(kind, name): (Option<&'static str>, &'static str)| {
        let href = Choice { kind, before: None, ..choice.clone() }.href();
        Tab { name, href, current: choice.kind == kind }
    };
    let kinds = KINDS.into_iter().map(|(word, name)| (Some(word), name));
    std::iter::once((None, "All")).chain(kinds).map(tab).collect()
}

fn chosen(choice: &Choice) -> String {
    let kind = KINDS.into_iter().find(|(word, _)| Some(*word) == choice.kind).map(|(_, name)| name.to_owned());
    let tag = (!choice.tag.is_empty()).then(|| format!("#{}", choice.tag));
    let words = (!choice.words.is_empty()).then(|| format!("“{}”", choice.words));
    [kind, tag, words].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// How pages show posts: whole, with what was found to be gone if the feed keeps it.
pub fn shown(settings: &Settings) -> Settings {
    Settings { bytes: usize::MAX, ..settings.clone() }
}

pub fn is_shown(stored: &Stored, settings: &Settings) -> bool {
    stored.deleted.is_none() || settings.deleted == Deleted::Keep
}

fn of_channel(site: &Site, feed: usize, id: ChannelId, choice: &Choice) -> Result<Stretch, store::Error> {
    let Some(channel) = site.store.channel_by_id(id)? else { return of_several(site, feed, &[], choice) };
    let settings = shown(&site.config.feeds[feed].settings);
    let mut posts = Vec::new();
    let (mut before, mut looks) = (choice.before, 0);
    let chunk = if choice.is_picky() { CHUNK } else { POSTS + 1 };
    // Where the page ends, while there may be more behind.
    let mut end = None;
    'page: while looks < LOOKS {
        let latest = site.store.latest(id, before, chunk)?;
        looks += latest.len();
        let more = latest.len() == chunk;
        for stored in latest {
            if posts.len() == POSTS {
                end = before;
                break 'page;
            }
            before = Some(stored.post.id);
            let item = feed::item(Entry { channel: &channel, stored: &stored }, &settings);
            if is_shown(&stored, &settings) && choice.admits(&stored, &item) {
                posts.push((channel.clone(), stored, item));
            }
        }
        if !more {
            end = None;
            break;
        }
        end = before;
    }
    let older = end.map(|end| Choice { before: Some(end), ..choice.clone() });
    Ok(Stretch { newer: newer(site, id, choice)?, posts, older })
}

/// The page before this one. Of a picky choice the first one, since its pages are not counted from the end.
fn newer(site: &Site, id: ChannelId, choice: &Choice) -> Result<Option<Choice>, store::Error> {
    let Some(before) = choice.before else { return Ok(None) };
    let first = Choice { before: None, ..choice.clone() };
    if choice.is_picky() {
        return Ok(Some(first));
    }
    // The posts from `before` on are newer; the page ends with the one after so many of them.
    let newer = site.store.following(id, PostId(before.0.saturating_sub(1)), POSTS + 1)?;
    Ok(Some(Choice { before: newer.get(POSTS).map(|stored| stored.post.id), ..first }))
}

/// The newest posts of a merged feed, which has no pages: its channels do.
fn of_several(site: &Site, feed: usize, ids: &[ChannelId], choice: &Choice) -> Result<Stretch, store::Error> {
    let settings = Settings { posts: MERGED, ..shown(&site.config.feeds[feed].settings) };
    let contents = Contents::read(site.store.as_ref(), ids, &settings)?;
    let mut entries = contents.entries();
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.stored.published, entry.stored.post.id)));
    let posts = entries.into_iter().filter(|entry| is_shown(entry.stored, &settings)).filter_map(|entry| {
        let item = feed::item(entry, &settings);
        choice.admits(entry.stored, &item).then(|| (entry.channel.clone(), entry.stored.clone(), item))
    });
    let most = if choice.is_picky() { MERGED } else { settings.posts.min(2 * POSTS) };
    Ok(Stretch { posts: posts.take(most).collect(), newer: None, older: None })
}

/// `single` tells that the page is of the post's own channel.
pub fn article(site: &Site, channel: &Channel, stored: &Stored, item: &Item, single: bool) -> Article {
    let id = stored.post.id;
    let own = |name: &str| format!("../{name}/{id}");
    let href = match site.config.feeds.iter().find(|spec| spec.channels == [channel.name.clone()]) {
        _ if single => format!("./{id}"),
        Some(spec) => own(&spec.name),
        None => item.link.clone(),
    };
    let tag =
        |tag: &String| Tag { name: tag.clone(), href: Choice { tag: tag.to_lowercase(), ..Choice::default() }.href() };
    Article {
        id,
        href,
        link: item.link.clone(),
        title: item.title.clone().unwrap_or_else(|| item.summary.clone()),
        author: if single && stored.post.signature.is_none() { String::new() } else { item.author.name.clone() },
        time: moment(stored.published),
        edited: (stored.updated > stored.published).then(|| moment(stored.updated)),
        deleted: stored.deleted.map(moment),
        content: feed::for_page(&item.content),
        tags: item.tags.iter().map(tag).collect(),
    }
}

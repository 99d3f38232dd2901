//! A feed as the pages show it: its name, its state and how to subscribe.

use super::{
    frame::{Document, Moment, counted, distinct, documents, moment},
    picture::Picture,
};
use crate::{
    config::FeedSpec,
    edition::{BEFORE_ANY_POST, Contents, document_url, page_url},
    feed::{self, Format, Header},
    serve::Site,
    status::State,
};

pub struct Row {
    pub title: String,
    pub image: Option<String>,
    /// The feed's page, relative.
    pub page: String,
    pub documents: Vec<Document>,
    /// What a reader is given, absolute.
    pub address: String,
    pub standing: String,
    pub fine: bool,
    pub posts: String,
    pub newest: Option<Moment>,
    pub picture: Option<Picture>,
}

/// What the feed says of itself; from the configuration alone while the store cannot be read.
pub fn about(site: &Site, feed: usize) -> Header {
    let contents = site.channel_ids(feed).and_then(|ids| Contents::about(site.store.as_ref(), &ids));
    header(site, feed, &contents.unwrap_or_default())
}

/// With plain text where plain text belongs.
pub fn header(site: &Site, feed: usize, contents: &Contents) -> Header {
    let spec = &site.config.feeds[feed];
    let header = contents.header(spec, &site.config.server.public_url, Format::Rss, BEFORE_ANY_POST);
    feed::compose(header, &[], &spec.settings).header
}

/// `page` leads from the page that shows the row to the feed's.
pub fn row(site: &Site, feed: usize, header: &Header, page: &str) -> Row {
    let spec = &site.config.feeds[feed];
    let ids = site.channel_ids(feed).unwrap_or_default();
    let heads: Vec<_> = ids.iter().map(|id| site.store.head(*id)).collect();
    let (standing, fine) = standing(site, spec);
    Row {
        title: header.title.clone(),
        image: header.image.clone().filter(|address| address.starts_with("https:")),
        page: page.to_owned(),
        documents: documents(page, &distinct(&header.title, spec)),
        address: document_url(&site.config.server.public_url, spec, Format::Atom),
        standing,
        fine,
        posts: counted(heads.iter().map(|head| head.posts).sum(), "post"),
        newest: heads.iter().filter_map(|head| head.newest_published).max().map(moment),
        picture: site.pictures.of(site.store.as_ref(), &ids),
    }
}

/// The absolute address of the feed's page.
pub fn page_of(site: &Site, feed: usize) -> String {
    page_url(&site.config.server.public_url, &site.config.feeds[feed])
}

/// How the feed's channels stand, in words, and whether nothing is amiss.
fn standing(site: &Site, spec: &FeedSpec) -> (String, bool) {
    let states: Vec<State> = spec.channels.iter().map(|name| site.board.get(name).unwrap_or_default().state).collect();
    let fine = states.iter().filter(|state| state.is_fine()).count();
    match states.as_slice() {
        [state] => (words(*state).to_owned(), state.is_fine()),
        _ => (format!("{fine} of {} channels up to date", states.len()), fine == states.len()),
    }
}

pub fn words(state: State) -> &'static str {
    match state {
        State::New => "waiting for its first poll",
        State::Ok => "up to date",
        State::Empty => "no posts yet",
        State::Quiet => "quiet for a month",
        State::RateLimited => "Telegram asks to wait",
        State::UpstreamError => "Telegram answers with errors",
        State::Unreachable => "Telegram cannot be reached",
        State::Restricted => "withheld by Telegram",
        State::NoPreview => "no public preview",
        State::NotFound => "not found on Telegram",
        State::Private => "private",
        State::IsGroup => "a group, not a channel",
        State::IsUser => "a user, not a channel",
        State::Renamed => "the name shows another channel now",
        State::Drift => "Telegram's pages have changed",
    }
}

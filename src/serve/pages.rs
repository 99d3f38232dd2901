//! Pages for people: the list of feeds, and one page for each. No scripts, one stylesheet, no foreign fonts.

use std::sync::{Arc, LazyLock};

use askama::Template;
use chrono::SecondsFormat;
use hyper::{
    StatusCode,
    header::{CONTENT_SECURITY_POLICY, ETAG, HeaderValue},
    http::request::Parts,
};
use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Site,
    answer::{self, Answer, problem},
    conditional::{Verdict, evaluate},
    documents::media_type,
};
use crate::{
    board::State,
    config::FeedSpec,
    feed::{Entry, Format, Header, Settings},
    model::{Part, Post, Time, plain_text},
    shelf::{BEFORE_ANY_POST, Contents, file_name, page_url},
};

const STYLE: &str = include_str!("../../templates/style.css");
/// Posts on a feed's page.
const POSTS: usize = 20;
/// Characters of a post on a feed's page.
const EXCERPT: usize = 280;
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src https: data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Named for what it says, so that it may be kept for ever.
pub fn style_name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| format!("style-{}.css", &digest(STYLE)[..12]));
    &NAME
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn style() -> Answer {
    answer::typed(StatusCode::OK, "text/css; charset=utf-8", "public, max-age=31536000, immutable", STYLE)
}

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    style: &'static str,
    feeds: Vec<Row>,
}

#[derive(Template)]
#[template(path = "feed.html")]
struct Page {
    style: &'static str,
    row: Row,
    description: Vec<String>,
    home_url: String,
    posts: Vec<Excerpt>,
}

/// A feed, as both pages show it. Addresses are relative, so they are right behind any proxy.
struct Row {
    title: String,
    name: String,
    page: String,
    documents: Vec<Document>,
    standing: String,
    fine: bool,
    posts: u64,
    newest: Option<Moment>,
}

struct Document {
    word: &'static str,
    media_type: &'static str,
    href: String,
}

struct Moment {
    rfc3339: String,
    shown: String,
}

struct Excerpt {
    url: String,
    time: Moment,
    text: String,
}

/// `/`
pub async fn index(site: &Arc<Site>, parts: &Parts) -> Answer {
    let rows = site.blocking(|site| {
        let row = |(feed, spec): (usize, &FeedSpec)| row(site, feed, &about(site, feed), &page_url(".", spec));
        site.config.feeds.iter().enumerate().map(row).collect()
    });
    match rows.await {
        Ok(feeds) => html(parts, &Index { style: style_name(), feeds }),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be made."),
    }
}

/// `/NAME/`
pub async fn feed(site: &Arc<Site>, parts: &Parts, feed: usize) -> Answer {
    let page = site.blocking(move |site| {
        let spec = &site.config.feeds[feed];
        let settings = Settings { posts: POSTS, ..spec.settings.clone() };
        let contents = site
            .channel_ids(feed)
            .and_then(|ids| Contents::read(site.store.as_ref(), &ids, &settings, &[&spec.filter]))?;
        let header = header(site, feed, &contents);
        Ok::<_, crate::store::Error>(Page {
            style: style_name(),
            row: row(site, feed, &header, "./"),
            description: header.description.lines().map(str::to_owned).collect(),
            home_url: header.home_url,
            posts: contents.entries().iter().map(excerpt).collect(),
        })
    });
    match page.await {
        Ok(Ok(page)) => html(parts, &page),
        Ok(Err(error)) => {
            tracing::warn!(feed = site.config.feeds[feed].name, %error, "page cannot be made");
            problem(StatusCode::SERVICE_UNAVAILABLE, "The posts cannot be read at the moment.")
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be made."),
    }
}

/// What the feed says of itself; from the configuration alone while the store cannot be read.
fn about(site: &Site, feed: usize) -> Header {
    let contents = site.channel_ids(feed).and_then(|ids| Contents::about(site.store.as_ref(), &ids));
    header(site, feed, &contents.unwrap_or_default())
}

fn header(site: &Site, feed: usize, contents: &Contents) -> Header {
    contents.header(&site.config.feeds[feed], &site.config.server.public_url, Format::Rss, BEFORE_ANY_POST)
}

fn row(site: &Site, feed: usize, header: &Header, page: &str) -> Row {
    let spec = &site.config.feeds[feed];
    let heads: Vec<_> = site.channel_ids(feed).unwrap_or_default().into_iter().map(|id| site.store.head(id)).collect();
    let document = |(format, word)| Document {
        word,
        media_type: media_type(format).0,
        href: format!("{page}{}", file_name(format)),
    };
    let (standing, fine) = standing(site, spec);
    Row {
        title: header.title.clone(),
        name: spec.name.clone(),
        page: page.to_owned(),
        documents: [(Format::Rss, "RSS"), (Format::Atom, "Atom"), (Format::Json, "JSON")].map(document).into(),
        standing,
        fine,
        posts: heads.iter().map(|head| head.posts).sum(),
        newest: heads.iter().filter_map(|head| head.newest_published).max().map(moment),
    }
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

fn words(state: State) -> &'static str {
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

fn moment(time: Time) -> Moment {
    Moment {
        rfc3339: time.to_rfc3339_opts(SecondsFormat::Secs, true),
        shown: time.format("%-d %B %Y, %H:%M UTC").to_string(),
    }
}

fn excerpt(entry: &Entry<'_>) -> Excerpt {
    Excerpt {
        url: format!("https://t.me/{}/{}", entry.channel.current_slug, entry.stored.post.id),
        time: moment(entry.stored.published),
        text: beginning(&entry.stored.post),
    }
}

/// The beginning of the post's text, or what it holds when there is none.
fn beginning(post: &Post) -> String {
    let text: Vec<String> = post.parts.iter().filter_map(text_of).collect();
    let text = text.join("\n");
    if text.trim().is_empty() {
        let kinds: Vec<&str> = post.parts.iter().map(kind).collect();
        return if kinds.is_empty() { "Service message".to_owned() } else { kinds.join(", ") };
    }
    match text.grapheme_indices(true).nth(EXCERPT) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.trim().to_owned(),
    }
}

fn text_of(part: &Part) -> Option<String> {
    match part {
        Part::Text(text) | Part::Unknown(text) => Some(plain_text(text)),
        Part::Poll(poll) => Some(plain_text(&poll.question)),
        Part::Withheld(withheld) if !withheld.excerpt.is_empty() => Some(withheld.excerpt.clone()),
        _ => None,
    }
}

fn kind(part: &Part) -> &'static str {
    match part {
        Part::Text(_) | Part::Unknown(_) => "Text",
        Part::Photo(_) => "Photo",
        Part::Video(_) => "Video",
        Part::Voice(_) => "Voice message",
        Part::Document(_) => "File",
        Part::Sticker(_) => "Sticker",
        Part::Location(_) => "Location",
        Part::Contact(_) => "Contact",
        Part::Poll(_) => "Poll",
        Part::Preview(_) => "Link",
        Part::Game(_) => "Game",
        Part::Invoice(_) => "Invoice",
        Part::Withheld(_) => "Not shown by Telegram's preview",
    }
}

/// A page, revalidated each time by the digest of what it says.
fn html(parts: &Parts, page: &impl Template) -> Answer {
    let Ok(body) = page.render() else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be made.");
    };
    let tag = format!("\"{}\"", &digest(&body)[..32]);
    let mut response = match evaluate(&parts.headers, &tag, None) {
        Verdict::Proceed => answer::typed(StatusCode::OK, "text/html; charset=utf-8", "no-cache", body),
        Verdict::Failed => return problem(StatusCode::PRECONDITION_FAILED, "The page is at another version."),
        Verdict::NotModified => answer::new(StatusCode::NOT_MODIFIED, ""),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(hyper::header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, value);
    }
    response
}

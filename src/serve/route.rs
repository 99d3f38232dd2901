//! From a path to what is wanted. Pure.

use chrono::NaiveDate;
use percent_encoding::percent_decode_str;

use super::{pages::Icon, peers};
use crate::{
    edition::page_url,
    feed::Format,
    feeds::{FeedId, Followed},
    media::Address,
    model::{ChannelName, PostId},
};

/// What a path asks for; feeds as they are at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Index,
    Page(FeedId),
    Post(FeedId, PostId),
    /// What a post lists of what is heard.
    Chapters(FeedId, PostId),
    Day(FeedId, NaiveDate),
    Tags(FeedId),
    Status,
    StatusDocument(Format),
    Opml,
    Sitemap,
    Robots,
    Document(FeedId, Format),
    Style,
    Media(Address),
    Icon(Icon),
    Health,
    Live,
    Ready,
    Metrics,
    /// Elsewhere, by a relative reference.
    Moved(String),
    /// Of a channel that is not followed, if it is one.
    Unfollowed(ChannelName, Wanted),
    Unknown,
}

/// What is wanted of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Its bare name, which leads to its page.
    Name,
    Page,
    Document(Format),
}

impl Route {
    /// Of a request's target, both parts still percent-encoded. Addresses of other bridges lead to ours.
    pub fn of(path: &str, query: &str, followed: &Followed) -> Self {
        let decode = |segment: &'_ str| percent_decode_str(segment).decode_utf8().ok().map(|text| text.into_owned());
        let Some(segments) = path.strip_prefix('/').and_then(|rest| rest.split('/').map(decode).collect()) else {
            return Self::Unknown;
        };
        let segments: Vec<String> = segments;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let Some(ours) = peers::counterpart(&segments, query, followed) {
            return Self::Moved(ours);
        }
        match segments.as_slice() {
            [""] => Self::Index,
            ["health"] => Self::Health,
            ["healthz"] => Self::Live,
            ["readyz"] => Self::Ready,
            ["metrics"] => Self::Metrics,
            ["feeds.opml"] => Self::Opml,
            ["sitemap.xml"] => Self::Sitemap,
            ["robots.txt"] => Self::Robots,
            ["status"] => Self::Moved("./status/".to_owned()),
            ["status", ""] => Self::Status,
            ["status", file] => {
                let format = Format::of_file(file).filter(|format| format.is_offered());
                format.map_or(Self::Unknown, Self::StatusDocument)
            }
            ["media", file @ ..] if file.len() == 3 => Address::parse(file).map_or(Self::Unknown, Self::Media),
            [name] if *name == super::pages::style_name() => Self::Style,
            [name] => match (followed.find(name), Icon::of(name)) {
                (Some(feed), _) => Self::Moved(page_url(".", feed)),
                (None, Some(icon)) => Self::Icon(icon),
                (None, None) => unfollowed(name, Some(Wanted::Name)),
            },
            [name, id, "chapters.json"] => chapters(followed, name, id),
            [name, file] => in_feed(followed, name, file),
            _ => Self::Unknown,
        }
    }

    /// Whose posts it shows.
    pub fn feed(&self) -> Option<&FeedId> {
        match self {
            Self::Page(feed) | Self::Post(feed, _) | Self::Day(feed, _) | Self::Tags(feed) => Some(feed),
            Self::Document(feed, _) | Self::Chapters(feed, _) => Some(feed),
            _ => None,
        }
    }

    /// The word for it in metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Index | Self::Page(_) | Self::Post(..) | Self::Day(..) | Self::Tags(_) | Self::Status => "page",
            Self::Document(_, format) | Self::StatusDocument(format) => format.as_str(),
            Self::Opml | Self::Sitemap | Self::Robots => "list",
            Self::Chapters(..) => "chapters",
            Self::Media(_) => "media",
            Self::Style | Self::Icon(_) => "style",
            Self::Health | Self::Live | Self::Ready => "health",
            Self::Metrics => "metrics",
            Self::Moved(_) => "moved",
            Self::Unfollowed(..) | Self::Unknown => "none",
        }
    }
}

fn in_feed(followed: &Followed, name: &str, file: &str) -> Route {
    let Some(feed) = followed.find(name) else {
        let document = Format::of_file(file).map(Wanted::Document);
        return unfollowed(name, if file.is_empty() { Some(Wanted::Page) } else { document });
    };
    let route = match (file, Format::of_file(file), post_id(file)) {
        ("", ..) => Route::Page(feed.clone()),
        ("tags", ..) => Route::Tags(feed.clone()),
        (_, Some(format), _) => Route::Document(feed.clone(), format),
        (_, _, Some(id)) => Route::Post(feed.clone(), id),
        (_, None, None) => match date(file) {
            Some(date) => Route::Day(feed.clone(), date),
            None => return Route::Unknown,
        },
    };
    if feed.name == name { route } else { Route::Moved(page_url("..", feed) + file) }
}

fn chapters(followed: &Followed, name: &str, id: &str) -> Route {
    match followed.find(name).zip(post_id(id)) {
        Some((feed, id)) if feed.name == name => Route::Chapters(feed.clone(), id),
        Some((feed, id)) => Route::Moved(format!("{}{id}/chapters.json", page_url("../..", feed))),
        None => Route::Unknown,
    }
}

fn unfollowed(name: &str, wanted: Option<Wanted>) -> Route {
    let channel = name.parse().ok().filter(|channel: &ChannelName| channel.as_str() == name);
    channel.zip(wanted).map_or(Route::Unknown, |(channel, wanted)| Route::Unfollowed(channel, wanted))
}

/// In its one spelling.
fn post_id(file: &str) -> Option<PostId> {
    file.parse().ok().filter(|id: &u64| id.to_string() == file).map(PostId)
}

/// A day in its one spelling, as in 2024-03-08.
fn date(file: &str) -> Option<NaiveDate> {
    file.parse().ok().filter(|date: &NaiveDate| date.to_string() == file)
}

//! From a path to what is wanted. Pure.

use chrono::NaiveDate;
use percent_encoding::percent_decode_str;

use super::pages::Icon;
use crate::{
    config::FeedSpec,
    edition::{file_name, page_url},
    feed::Format,
    model::PostId,
};

const FORMATS: [Format; 3] = [Format::Rss, Format::Atom, Format::Json];

/// What a path asks for; feeds by their index in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Index,
    Page(usize),
    Post(usize, PostId),
    Day(usize, NaiveDate),
    Tags(usize),
    Status,
    StatusDocument(Format),
    Opml,
    Sitemap,
    Robots,
    Document(usize, Format),
    Style,
    Icon(Icon),
    Health,
    Live,
    Ready,
    Metrics,
    /// Elsewhere, by a relative reference.
    Moved(String),
    Unknown,
}

impl Route {
    /// `path` as in the request, still percent-encoded.
    pub fn of(path: &str, feeds: &[FeedSpec]) -> Self {
        let decode = |segment: &'_ str| percent_decode_str(segment).decode_utf8().ok().map(|text| text.into_owned());
        let Some(segments) = path.strip_prefix('/').and_then(|rest| rest.split('/').map(decode).collect()) else {
            return Self::Unknown;
        };
        let segments: Vec<String> = segments;
        match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
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
            ["status", file] => format_of(file).map_or(Self::Unknown, Self::StatusDocument),
            [name] if *name == super::pages::style_name() => Self::Style,
            [name] => match (find(feeds, name), Icon::of(name)) {
                (Some(feed), _) => Self::Moved(page_url(".", &feeds[feed])),
                (None, icon) => icon.map_or(Self::Unknown, Self::Icon),
            },
            [name, file] => in_feed(feeds, name, file),
            _ => Self::Unknown,
        }
    }

    /// The word for it in metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Index | Self::Page(_) | Self::Post(..) | Self::Day(..) | Self::Tags(_) | Self::Status => "page",
            Self::Document(_, Format::Rss) | Self::StatusDocument(Format::Rss) => "rss",
            Self::Document(_, Format::Atom) | Self::StatusDocument(Format::Atom) => "atom",
            Self::Document(_, Format::Json) | Self::StatusDocument(Format::Json) => "json",
            Self::Opml | Self::Sitemap | Self::Robots => "list",
            Self::Style | Self::Icon(_) => "style",
            Self::Health | Self::Live | Self::Ready => "health",
            Self::Metrics => "metrics",
            Self::Moved(_) => "moved",
            Self::Unknown => "none",
        }
    }
}

fn format_of(file: &str) -> Option<Format> {
    FORMATS.into_iter().find(|format| file_name(*format) == file)
}

fn in_feed(feeds: &[FeedSpec], name: &str, file: &str) -> Route {
    let Some(feed) = find(feeds, name) else { return Route::Unknown };
    let route = match (file, format_of(file), post_id(file)) {
        ("", ..) => Route::Page(feed),
        ("tags", ..) => Route::Tags(feed),
        (_, Some(format), _) => Route::Document(feed, format),
        (_, _, Some(id)) => Route::Post(feed, id),
        (_, None, None) => match date(file) {
            Some(date) => Route::Day(feed, date),
            None => return Route::Unknown,
        },
    };
    if feeds[feed].name == name { route } else { Route::Moved(page_url("..", &feeds[feed]) + file) }
}

/// In its one spelling.
fn post_id(file: &str) -> Option<PostId> {
    file.parse().ok().filter(|id: &u64| id.to_string() == file).map(PostId)
}

/// A day in its one spelling, as in 2024-03-08.
fn date(file: &str) -> Option<NaiveDate> {
    file.parse().ok().filter(|date: &NaiveDate| date.to_string() == file)
}

/// The feed of that name; failing that, of that name in other letter case.
fn find(feeds: &[FeedSpec], name: &str) -> Option<usize> {
    let folded = || feeds.iter().position(|spec| spec.name.to_lowercase() == name.to_lowercase());
    feeds.iter().position(|spec| spec.name == name).or_else(folded)
}

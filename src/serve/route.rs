//! From a path to what is wanted. Pure.

use percent_encoding::percent_decode_str;

use crate::{
    config::FeedSpec,
    feed::Format,
    shelf::{file_name, page_url},
};

const FORMATS: [Format; 3] = [Format::Rss, Format::Atom, Format::Json];

/// What a path asks for; feeds by their index in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Index,
    Page(usize),
    Document(usize, Format),
    Style,
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
            [name] if *name == super::pages::style_name() => Self::Style,
            [name] => find(feeds, name).map_or(Self::Unknown, |feed| Self::Moved(page_url(".", &feeds[feed]))),
            [name, file] => in_feed(feeds, name, file),
            _ => Self::Unknown,
        }
    }

    /// The word for it in metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Index | Self::Page(_) => "page",
            Self::Document(_, Format::Rss) => "rss",
            Self::Document(_, Format::Atom) => "atom",
            Self::Document(_, Format::Json) => "json",
            Self::Style => "style",
            Self::Health | Self::Live | Self::Ready => "health",
            Self::Metrics => "metrics",
            Self::Moved(_) => "moved",
            Self::Unknown => "none",
        }
    }
}

fn in_feed(feeds: &[FeedSpec], name: &str, file: &str) -> Route {
    let format = FORMATS.into_iter().find(|format| file_name(*format) == file);
    let Some(feed) = find(feeds, name).filter(|_| format.is_some() || file.is_empty()) else {
        return Route::Unknown;
    };
    if feeds[feed].name != name {
        return Route::Moved(page_url("..", &feeds[feed]) + file);
    }
    format.map_or(Route::Page(feed), |format| Route::Document(feed, format))
}

/// The feed of that name; failing that, of that name in other letter case.
fn find(feeds: &[FeedSpec], name: &str) -> Option<usize> {
    let folded = || feeds.iter().position(|spec| spec.name.to_lowercase() == name.to_lowercase());
    feeds.iter().position(|spec| spec.name == name).or_else(folded)
}

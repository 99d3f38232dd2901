//! The formats of feeds: what each is called, how it is known, and who writes it.

use super::{Feed, Filter, Kind, atom, json, podcast, rss};

/// Raised whenever the same posts are written otherwise than before, so that readers ask for them anew: it is a part of
/// every entity tag, where the program's version, which stays from build to build, is none.
pub const RENDERING: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    Rss,
    Atom,
    Json,
    /// RSS of what can be heard.
    Podcast,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Atom, Self::Rss, Self::Json, Self::Podcast];

    /// Those of every feed, in the order in which people are offered them. A podcast is offered where there is something
    /// to hear, and its players are not pushed.
    pub const OFFERED: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    pub fn is_offered(self) -> bool {
        Self::OFFERED.contains(&self)
    }

    /// Which of a feed's posts it holds.
    pub fn filter(self) -> Filter {
        let kinds: &[Kind] = if self == Self::Podcast { &[Kind::Audio, Kind::Voice] } else { &[] };
        Filter { kinds: kinds.iter().copied().collect(), ..Filter::default() }
    }

    /// As people are told of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rss => "RSS",
            Self::Atom => "Atom",
            Self::Json => "JSON",
            Self::Podcast => "Podcast",
        }
    }

    /// The word for it in metrics and entity tags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Json => "json",
            Self::Podcast => "podcast",
        }
    }

    /// The last part of a document's address.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::Json => "feed.json",
            Self::Podcast => "podcast.xml",
        }
    }

    /// The format of the document whose address ends with `file`.
    pub fn of_file(file: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.file_name() == file)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Rss | Self::Podcast => "application/rss+xml",
            Self::Atom => "application/atom+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// With the character encoding.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Rss | Self::Podcast => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }
}

/// Writes a feed.
pub fn render(feed: &Feed, format: Format) -> Vec<u8> {
    match format {
        Format::Rss => rss::write(feed),
        Format::Atom => atom::write(feed),
        Format::Json => json::write(feed),
        Format::Podcast => podcast::write(feed),
    }
}

//! The formats of feeds: what each is called, how it is known, and who writes it.

use super::{Feed, atom, json, rss};

/// Raised whenever the same posts are written otherwise than before, so that readers ask for them anew: it is a part of
/// every entity tag, where the program's version, which stays from build to build, is none.
pub const RENDERING: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    Rss,
    Atom,
    Json,
}

impl Format {
    /// In the order in which people are offered them.
    pub const ALL: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    /// As people are told of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rss => "RSS",
            Self::Atom => "Atom",
            Self::Json => "JSON",
        }
    }

    /// The word for it in metrics and entity tags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Json => "json",
        }
    }

    /// The last part of a document's address.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::Json => "feed.json",
        }
    }

    /// The format of the document whose address ends with `file`.
    pub fn of_file(file: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.file_name() == file)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml",
            Self::Atom => "application/atom+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// With the character encoding.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
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
    }
}

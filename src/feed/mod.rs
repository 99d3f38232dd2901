//! Feeds: from stored posts to the bytes that a reader gets. Same posts and settings, same bytes.
//!
//! `compose` makes the format-neutral [`Feed`]; `rss`, `atom`, `json` and `podcast` write it. Knows nothing of pages, stores,
//! clocks or HTTP.

mod atom;
mod calendar;
mod chapters;
mod clean;
mod compose;
mod content;
mod cut;
mod destination;
mod episode;
mod filter;
mod fold;
mod format;
mod inline;
mod item;
mod json;
mod kind;
mod markup;
mod media;
mod merge;
mod podcast;
mod rss;
mod select;
mod sentence;
mod title;

pub use chapters::{CHAPTERS, Chapter, chapters, write_chapters};
pub use clean::for_page;
pub use compose::compose;
pub use destination::Destination;
pub use episode::Episode;
pub use filter::{Filter, Pattern};
pub use fold::{fold, places};
pub use format::{Format, RENDERING, render};
pub use item::{Author, InReplyTo, Item, guid, item, message_at, tags};
pub use kind::Kind;
pub use markup::paragraph;
pub use media::{M4A, Media, Medium};
pub use merge::{Place, firsts};
pub use select::{End, LONGEST_VALUE, MOST_POSTS, MOST_VALUES, Refusal, Selection, exclusions, pairs};

use crate::model::{Channel, Stored, Time};

/// How titles stand for posts without text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Labels {
    /// 🖼 ▶ 📄: of no language.
    Symbols,
    English,
    Russian,
}

impl Labels {
    /// The language that they are in, as of RFC 5646.
    pub fn language(self) -> Option<&'static str> {
        match self {
            Self::Symbols => None,
            Self::English => Some("en"),
            Self::Russian => Some("ru"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spoilers {
    /// Folded, in `<details>`.
    Details,
    /// As any other text.
    Text,
}

/// What a feed does with a post that is gone upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deleted {
    Keep,
    Drop,
    /// Dropped, and announced as `at:deleted-entry` in Atom.
    Announce,
}

/// Where an item's link leads. The guid is the same whatever this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkTarget {
    /// `https://t.me/NAME/ID`
    Post,
    /// `https://t.me/s/NAME/ID`
    Preview,
}

/// What a person chooses about a feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// At most this many items.
    pub posts: usize,
    /// At most about this many bytes of a rendered feed; fewer items then.
    pub bytes: usize,
    /// Longest title, in characters; 0 for no titles made from the text.
    pub title_length: usize,
    /// A kind symbol in front of every title.
    pub title_symbol: bool,
    pub labels: Labels,
    pub spoilers: Spoilers,
    pub reactions: bool,
    pub deleted: Deleted,
    pub link: LinkTarget,
    /// Posts of one channel that came within so many seconds of the first of them are one item; 0: each is its own.
    pub merge_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            posts: 50,
            bytes: 1 << 20,
            title_length: 100,
            title_symbol: false,
            labels: Labels::Symbols,
            spoilers: Spoilers::Details,
            reactions: false,
            deleted: Deleted::Keep,
            link: LinkTarget::Post,
            merge_seconds: 0,
        }
    }
}

/// A post and the channel it is from.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub channel: &'a Channel,
    pub stored: &'a Stored,
}

impl Entry<'_> {
    /// Where the post stands among others.
    pub fn place(&self) -> Place {
        Place { channel: self.channel.id, published: self.stored.published, id: self.stored.post.id }
    }
}

/// What a feed says of itself. All addresses absolute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Permanent and absolute, whatever host serves the feed: Atom's id (RFC 4287, 4.2.6).
    pub id: String,
    pub title: String,
    pub description: String,
    /// Where people read it: the channel on t.me, or a page of ours.
    pub home_url: String,
    /// The address that the reader fetched.
    pub self_url: String,
    pub image: Option<String>,
    /// As of RFC 5646, where somebody told it.
    pub language: Option<&'static str>,
    /// What the addresses of its posts' pages begin with, if they have some here.
    pub posts_url: Option<String>,
    pub hub_url: Option<String>,
    /// RFC 5005 and JSON Feed paging; all of them optional.
    pub current_url: Option<String>,
    pub prev_archive_url: Option<String>,
    pub next_archive_url: Option<String>,
    pub archive: bool,
    pub next_url: Option<String>,
    /// Minutes until a reader should ask again.
    pub ttl_minutes: Option<u32>,
    /// For a feed without entries, which still needs a time.
    pub changed: Option<Time>,
}

/// A feed ready to be written in any format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    pub header: Header,
    /// When an item was last changed.
    pub updated: Time,
    /// Newest first.
    pub items: Vec<Item>,
    /// Posts that are gone, most recent first; empty unless [`Deleted::Announce`] is set.
    pub deleted: Vec<Tombstone>,
}

/// A post that is gone upstream and was announced as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    pub guid: String,
    pub when: Time,
}

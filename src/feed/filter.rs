//! Which posts a feed wants: by kind, by hashtag, by words, by an expression. Knows nothing of where that is written,
//! a query or the configuration.

use std::{collections::BTreeSet, hash};

use regex::{Regex, RegexBuilder};

use super::{
    Spoilers, item,
    title::{detail, readable_text},
};
use crate::model::{Part, Stored, VideoKind};

/// Memory that an expression may take once compiled, and again for the automaton that it is run on.
const PATTERN_BYTES: usize = 1 << 20;

/// What a post can be; most are several at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Several pictures, videos or files in one.
    Album,
    /// Music.
    Audio,
    Contact,
    Document,
    Forward,
    Game,
    Gif,
    Invoice,
    /// With the card of a linked page.
    Link,
    Location,
    Photo,
    Poll,
    Reply,
    /// A round video message.
    Round,
    Service,
    Sticker,
    /// Nothing but text, and perhaps the card of a linked page.
    Text,
    Video,
    Voice,
    /// With something that the preview does not show.
    Withheld,
}

impl Kind {
    pub const ALL: [Self; 20] = [
        Self::Album,
        Self::Audio,
        Self::Contact,
        Self::Document,
        Self::Forward,
        Self::Game,
        Self::Gif,
        Self::Invoice,
        Self::Link,
        Self::Location,
        Self::Photo,
        Self::Poll,
        Self::Reply,
        Self::Round,
        Self::Service,
        Self::Sticker,
        Self::Text,
        Self::Video,
        Self::Voice,
        Self::Withheld,
    ];

    /// The word for it in queries and in the configuration. The words are in the order of the kinds.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Album => "album",
            Self::Audio => "audio",
            Self::Contact => "contact",
            Self::Document => "document",
            Self::Forward => "forward",
            Self::Game => "game",
            Self::Gif => "gif",
            Self::Invoice => "invoice",
            Self::Link => "link",
            Self::Location => "location",
            Self::Photo => "photo",
            Self::Poll => "poll",
            Self::Reply => "reply",
            Self::Round => "round",
            Self::Service => "service",
            Self::Sticker => "sticker",
            Self::Text => "text",
            Self::Video => "video",
            Self::Voice => "voice",
            Self::Withheld => "withheld",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// All words, for a message about one that is none of them.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Whether `stored` is of this kind.
    pub fn is(self, stored: &Stored) -> bool {
        let post = &stored.post;
        match self {
            Self::Album => post.members.len() > 1,
            Self::Forward => post.forward.is_some(),
            Self::Reply => post.reply.is_some(),
            Self::Service => post.service,
            Self::Text => !post.service && post.parts.iter().all(is_text),
            _ => post.parts.iter().any(|part| of_part(part) == Some(self)),
        }
    }
}

fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text(_) | Part::Unknown(_) | Part::Preview(_))
}

fn of_part(part: &Part) -> Option<Kind> {
    Some(match part {
        Part::Text(_) | Part::Unknown(_) => return None,
        Part::Photo(_) => Kind::Photo,
        Part::Video(video) => match video.kind {
            VideoKind::Video => Kind::Video,
            VideoKind::Gif => Kind::Gif,
            VideoKind::Round => Kind::Round,
        },
        Part::Voice(_) => Kind::Voice,
        Part::Document(document) if document.audio => Kind::Audio,
        Part::Document(_) => Kind::Document,
        Part::Sticker(_) => Kind::Sticker,
        Part::Location(_) => Kind::Location,
        Part::Contact(_) => Kind::Contact,
        Part::Poll(_) => Kind::Poll,
        Part::Preview(_) => Kind::Link,
        Part::Game(_) => Kind::Game,
        Part::Invoice(_) => Kind::Invoice,
        Part::Withheld(_) => Kind::Withheld,
    })
}

/// An expression of the regex crate, which takes time in proportion to the text, whatever the expression.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Why `text` is no expression, or that it is too large a one, in the error.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        RegexBuilder::new(text).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build().map(Self)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl hash::Hash for Pattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

/// What a post must be to be wanted. The default wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Of one of these kinds, if there are any.
    pub kinds: BTreeSet<Kind>,
    /// Of none of these.
    pub not: BTreeSet<Kind>,
    /// With one of these hashtags, if there are any; lower case, without `#`.
    pub tags: BTreeSet<String>,
    /// With all of these words, or parts of words; lower case.
    pub words: BTreeSet<String>,
    pub pattern: Option<Pattern>,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn admits(&self, stored: &Stored) -> bool {
        let is = |kind: &Kind| kind.is(stored);
        (self.kinds.is_empty() || self.kinds.iter().any(is))
            && !self.not.iter().any(is)
            && (self.tags.is_empty()
                || item::tags(&stored.post).iter().any(|tag| self.tags.contains(&tag.to_lowercase())))
            && self.admits_text(stored)
    }

    fn admits_text(&self, stored: &Stored) -> bool {
        if self.words.is_empty() && self.pattern.is_none() {
            return true;
        }
        let text = text(stored);
        let lower = if self.words.is_empty() { String::new() } else { text.to_lowercase() };
        self.words.iter().all(|word| lower.contains(word)) && self.pattern.as_ref().is_none_or(|p| p.0.is_match(&text))
    }
}

/// All text that a search looks at: that of the post, spoilers too, and the titles of its files, polls and previews.
fn text(stored: &Stored) -> String {
    let mut text = readable_text(&stored.post, Spoilers::Text);
    for part in &stored.post.parts {
        text += &detail(part);
        text.push('\n');
    }
    text
}

//! Posts and their parts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Inline, MediaUrl, Time, text, time};

/// A message's number within its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostId(pub u64);

impl fmt::Display for PostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One message, album or document group, as a page shows it. All addresses are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The message's id; of an album the first id that the page shows.
    pub id: PostId,
    /// All ids of an album or document group, ascending; empty for a single message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<PostId>,
    /// As the page says. An undated post takes the time of its neighbour on the page, and is reported as a problem;
    /// `None` when the page has no date at all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time::read_some")]
    pub published: Option<Time>,
    /// The page marks the post as edited (it never says when).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// A service message: created, renamed, pinned and the like.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service: bool,
    /// Whom the post shows as its author, where that is not the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Where that author is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_href: Option<String>,
    /// The author that a channel with signatures shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// `@name` of the inline bot that the message came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via_bot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<Forward>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// In the order of the page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Inline buttons, row by row joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

impl Post {
    /// A post of which nothing is known yet.
    pub fn new(id: PostId) -> Self {
        Self {
            id,
            members: Vec::new(),
            published: None,
            edited: false,
            service: false,
            author: None,
            author_href: None,
            signature: None,
            via_bot: None,
            forward: None,
            reply: None,
            parts: Vec::new(),
            buttons: Vec::new(),
            reactions: Vec::new(),
        }
    }

    /// The page's date, unless a post seen at `now` cannot be of it.
    pub fn dated(&self, now: Time) -> Option<Time> {
        self.published.filter(|time| time::can_be(*time, now))
    }

    /// The ids that the post goes by: its own and those of its album.
    pub fn ids(&self) -> impl Iterator<Item = PostId> {
        std::iter::once(self.id).chain(self.members.iter().copied().filter(|member| *member != self.id))
    }

    /// The parts of the post and those that stand within its texts, in the order of the page; without what a spoiler
    /// hides.
    pub fn visible_parts(&self) -> Vec<&Part> {
        let mut found = Vec::new();
        for part in &self.parts {
            found.push(part);
            if let Part::Text(text) | Part::Unknown(text) = part {
                text::figures(text, &mut found);
            }
        }
        found
    }
}

/// Where a forwarded post comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// The quoted head of the post that this one answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ReplyRecord")]
pub struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Short; upstream cuts it. For media a word such as "Photo".
    #[serde(rename = "formatted", skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<Inline>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<MediaUrl>,
}

/// A reply as records have it: in the older ones its text is plain.
#[derive(Deserialize)]
struct ReplyRecord {
    href: Option<String>,
    author: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    formatted: Vec<Inline>,
    thumbnail: Option<MediaUrl>,
}

impl From<ReplyRecord> for Reply {
    fn from(record: ReplyRecord) -> Self {
        let text = if record.formatted.is_empty() { text::unformatted(&record.text) } else { record.formatted };
        Self { href: record.href, author: record.author, text, thumbnail: record.thumbnail }
    }
}

/// One piece of a post's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(Vec<Inline>),
    Photo(Photo),
    Video(Video),
    Voice(Voice),
    Document(Document),
    Sticker(Sticker),
    Location(Location),
    Contact(Contact),
    Poll(Poll),
    Preview(Preview),
    Game(Game),
    Invoice(Invoice),
    Withheld(Withheld),
    /// A block whose class the parser does not know, with the text it holds.
    Unknown(Vec<Inline>),
}

/// A photo, or the new picture of a service message. Sizes in pixels, when the page tells them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Photo {
    /// The message of the album that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<PostId>,
    pub url: MediaUrl,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Telegram's number of the file, stable while the address changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoKind {
    #[default]
    Video,
    Gif,
    Round,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Video {
    #[serde(default)]
    pub kind: VideoKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<PostId>,
    /// None when upstream withholds the file ("Media is too big").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u32>,
    /// The message's own address, where the video can be seen when `url` is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Voice {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u32>,
}

/// A file or a piece of music. Upstream gives no address of the file, only the message's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<PostId>,
    pub title: String,
    /// Its size, or the performer of music.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audio: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<MediaUrl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StickerKind {
    #[default]
    Static,
    Animated,
    Video,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sticker {
    #[serde(default)]
    pub kind: StickerKind,
    /// A picture that a browser can show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<MediaUrl>,
    /// A `data:` address of the outline that stands in for a static sticker while it loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<String>,
    /// The animation: `.tgs` or `.webm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Location {
    /// Address of the map page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// Picture of the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contact {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Poll {
    pub question: Vec<Inline>,
    /// Upstream's words, such as "Anonymous Quiz".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    pub options: Vec<PollOption>,
    /// As upstream writes it; a counter, so never part of sameness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voters: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PollOption {
    pub text: Vec<Inline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Of a quiz, where the page tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
}

/// The card of a linked page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preview {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub description: Vec<Inline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Photo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Box<Video>>,
    /// Address of an embedded player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Game {
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<Inline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Invoice {
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub description: Vec<Inline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<MediaUrl>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub total: String,
}

/// Content that the preview does not show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Withheld {
    /// Upstream's words for it.
    pub label: String,
    /// What the post's own page still tells of its text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub text: String,
    /// None for a callback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

/// A counter, never part of sameness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji; `⭐` for a paid one; empty for a custom emoji that the page does not show.
    pub emoji: String,
    /// As upstream writes it, for example `19.3K`.
    pub count: String,
}

/// An emoji whether it asks to be shown in colour or not (U+FE0E, U+FE0F).
pub fn plain_emoji(emoji: &str) -> String {
    emoji.chars().filter(|c| !matches!(c, '\u{fe0e}' | '\u{fe0f}')).collect()
}

/// A number of reactions from which on somebody decides otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReactionLimit {
    /// See [`plain_emoji`].
    pub emoji: String,
    pub figure: u64,
}

impl ReactionLimit {
    pub fn is_reached(&self, reactions: &[Reaction]) -> bool {
        reactions.iter().any(|reaction| plain_emoji(&reaction.emoji) == self.emoji && reaction.figure() >= self.figure)
    }
}

impl Reaction {
    /// About how many there are: upstream rounds large numbers.
    pub fn figure(&self) -> u64 {
        let count = self.count.trim();
        let (digits, factor) = match count.char_indices().last() {
            Some((end, 'K' | 'k')) => (&count[..end], 1e3),
            Some((end, 'M' | 'm')) => (&count[..end], 1e6),
            _ => (count, 1.0),
        };
        digits.replace(',', "").parse::<f64>().map_or(0, |number| (number * factor).round() as u64)
    }
}

/// A post as the store keeps it: the newest revision and its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub post: Post,
    /// As the page dates it, or when it was first seen if it cannot be of that date. Never moves once stored.
    #[serde(deserialize_with = "time::read")]
    pub published: Time,
    /// The moment a changed digest was last seen; equal to `published` until then. Never moves back.
    #[serde(deserialize_with = "time::read")]
    pub updated: Time,
    pub first_seen: Time,
    /// When the media addresses of `post` were last taken from a page.
    pub renewed: Time,
    /// Sequence number of the last record that changed anything about this post.
    pub sequence: u64,
    /// How many revisions there are, the first included.
    pub revisions: u32,
    /// When the post was found to be gone upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Time>,
    /// How the post read lately, the present reading last; empty for a post that was never edited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
}

/// A short digest of what a post said, and the moment since when it was kept so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub digest: u32,
    pub at: Time,
}

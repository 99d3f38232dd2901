//! Plain values that every layer speaks of: channels, posts, their parts and what is kept of them.
//! Knows nothing of HTML, stores, clocks, feeds or HTTP. The serde form of these types is the journal's format,
//! so a field may be added (with a default) but never renamed.

mod change;
mod channel;
mod depth;
mod media;
mod media_url;
mod paths;
mod post;
mod schemes;
mod text;
mod time;

pub use change::{Change, ChangeKind};
pub use channel::{Channel, ChannelId, ChannelInfo, ChannelName, InvalidName};
pub use depth::History;
pub use media::{MediaPlace, Role};
pub use media_url::{Known, MediaUrl, Missing};
pub use paths::own_path;
pub use post::{
    Button, Contact, Document, Forward, Game, Invoice, Location, Part, Photo, Poll, PollOption, Post, PostId, Preview,
    Reaction, ReactionLimit, Reading, Reply, Sticker, StickerKind, Stored, Video, VideoKind, Voice, Withheld,
    plain_emoji,
};
pub use schemes::SCHEMES;
pub use text::{Cell, Inline, ListItem, Marker, Style, done_mark, plain_text, plain_time, unformatted};
pub use time::without_leap_second;

/// The instant type used everywhere: UTC, as upstream gives it.
pub type Time = chrono::DateTime<chrono::Utc>;

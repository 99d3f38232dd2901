//! The kinds of post: the one list of them, what each is called, and what makes a post one.

use super::Labels;
use crate::model::{Part, Post, Stored, VideoKind};

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

    /// Its word in queries and in the configuration; a symbol, which is of no language; its names in English and in
    /// Russian. The words are in the order of the kinds.
    const fn row(self) -> [&'static str; 4] {
        match self {
            Self::Album => ["album", "🖼", "Album", "Альбом"],
            Self::Audio => ["audio", "🎵", "Audio", "Аудио"],
            Self::Contact => ["contact", "👤", "Contact", "Контакт"],
            Self::Document => ["document", "📄", "File", "Файл"],
            Self::Forward => ["forward", "↪", "Forwarded from", "Переслано из"],
            Self::Game => ["game", "🎮", "Game", "Игра"],
            Self::Gif => ["gif", "🎞", "GIF", "GIF"],
            Self::Invoice => ["invoice", "🧾", "Invoice", "Счёт"],
            Self::Link => ["link", "🔗", "Link", "Ссылка"],
            Self::Location => ["location", "📍", "Location", "Геопозиция"],
            Self::Photo => ["photo", "🖼", "Photo", "Фото"],
            Self::Poll => ["poll", "📊", "Poll", "Опрос"],
            Self::Reply => ["reply", "↩", "Reply", "Ответ"],
            Self::Round => ["round", "⏺", "Video message", "Видеосообщение"],
            Self::Service => ["service", "ℹ", "Service message", "Служебное сообщение"],
            Self::Sticker => ["sticker", "🏷", "Sticker", "Стикер"],
            Self::Text => ["text", "💬", "Post", "Запись"],
            Self::Video => ["video", "▶", "Video", "Видео"],
            Self::Voice => ["voice", "🎙", "Voice message", "Голосовое сообщение"],
            Self::Withheld => ["withheld", "🔒", "Only in Telegram", "Только в Telegram"],
        }
    }

    /// The word for it in queries and in the configuration.
    pub fn as_str(self) -> &'static str {
        self.row()[0]
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// All words, for a message about one that is none of them.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Of no language, so it may stand in a body.
    pub(super) const fn symbol(self) -> &'static str {
        self.row()[1]
    }

    pub(super) const fn name(self, labels: Labels) -> &'static str {
        let [_, symbol, english, russian] = self.row();
        match labels {
            Labels::Symbols => symbol,
            Labels::English => english,
            Labels::Russian => russian,
        }
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

/// What the post is first of all: its first part that is not text.
pub(super) fn main_kind(post: &Post) -> Kind {
    let fallback = match post {
        Post { service: true, .. } => Kind::Service,
        Post { forward: Some(_), .. } => Kind::Forward,
        _ => Kind::Text,
    };
    post.parts.iter().find_map(of_part).unwrap_or(fallback)
}

/// None for text.
pub(super) fn of_part(part: &Part) -> Option<Kind> {
    Some(match part {
        Part::Text(_) | Part::Unknown(_) => return None,
        Part::Photo(_) => Kind::Photo,
        Part::Video(video) => of_video(video.kind),
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

pub(super) fn of_video(kind: VideoKind) -> Kind {
    match kind {
        VideoKind::Video => Kind::Video,
        VideoKind::Gif => Kind::Gif,
        VideoKind::Round => Kind::Round,
    }
}

/// As upstream writes durations: `0:27`, `12:05`, `1:02:03`.
pub(super) fn clock(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

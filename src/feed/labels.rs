//! One table of what the kinds of post are called: a symbol, English, Russian. And how durations are written.

use super::Labels;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Photo,
    Video,
    Gif,
    Round,
    Voice,
    Music,
    Document,
    Sticker,
    Location,
    Contact,
    Poll,
    Link,
    Game,
    Invoice,
    Withheld,
    Forward,
    Reply,
    Bot,
    Service,
}

impl Kind {
    /// Of no language, so it may stand in a body.
    pub(super) const fn symbol(self) -> &'static str {
        self.row()[0]
    }

    pub(super) const fn name(self, labels: Labels) -> &'static str {
        let [symbol, english, russian] = self.row();
        match labels {
            Labels::Symbols => symbol,
            Labels::English => english,
            Labels::Russian => russian,
        }
    }

    const fn row(self) -> [&'static str; 3] {
        match self {
            Kind::Text => ["💬", "Post", "Запись"],
            Kind::Photo => ["🖼", "Photo", "Фото"],
            Kind::Video => ["▶", "Video", "Видео"],
            Kind::Gif => ["🎞", "GIF", "GIF"],
            Kind::Round => ["⏺", "Video message", "Видеосообщение"],
            Kind::Voice => ["🎙", "Voice message", "Голосовое сообщение"],
            Kind::Music => ["🎵", "Audio", "Аудио"],
            Kind::Document => ["📄", "File", "Файл"],
            Kind::Sticker => ["🏷", "Sticker", "Стикер"],
            Kind::Location => ["📍", "Location", "Геопозиция"],
            Kind::Contact => ["👤", "Contact", "Контакт"],
            Kind::Poll => ["📊", "Poll", "Опрос"],
            Kind::Link => ["🔗", "Link", "Ссылка"],
            Kind::Game => ["🎮", "Game", "Игра"],
            Kind::Invoice => ["🧾", "Invoice", "Счёт"],
            Kind::Withheld => ["🔒", "Only in Telegram", "Только в Telegram"],
            Kind::Forward => ["↪", "Forwarded from", "Переслано из"],
            Kind::Reply => ["↩", "Reply", "Ответ"],
            Kind::Bot => ["🤖", "Bot", "Бот"],
            Kind::Service => ["ℹ", "Service message", "Служебное сообщение"],
        }
    }
}

/// As upstream writes durations: `0:27`, `12:05`, `1:02:03`.
pub(super) fn clock(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

//! What a reader of an archive chooses by the query: a kind, a tag, words, and where to begin. One choice, one
//! address. Pure.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use crate::{
    feed::Item,
    model::{Part, PostId, Stored, VideoKind, plain_text},
};

/// Longer words are cut; in characters.
const LONGEST: usize = 64;

/// The word of a query and what the page calls it.
pub const KINDS: [(&str, &str); 9] = [
    ("text", "Text"),
    ("photo", "Photos"),
    ("video", "Videos"),
    ("voice", "Voice"),
    ("audio", "Music"),
    ("document", "Files"),
    ("poll", "Polls"),
    ("link", "Links"),
    ("forward", "Forwards"),
];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub before: Option<PostId>,
    /// One of [`KINDS`].
    pub kind: Option<&'static str>,
    /// All of these words, in lower case, separated by single spaces.
    pub words: String,
    /// In lower case, without `#`.
    pub tag: String,
}

impl Choice {
    /// Of a query, still percent-encoded. What makes no sense is left out.
    pub fn parse(query: &str) -> Self {
        let mut choice = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let text = || {
                let line = value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
                line.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
            };
            match key.as_ref() {
                "before" => choice.before = value.parse().ok().map(PostId),
                "kind" => choice.kind = KINDS.into_iter().map(|(word, _)| word).find(|word| *word == value),
                "q" => choice.words = text(),
                "tag" => choice.tag = text().trim_start_matches('#').to_owned(),
                _ => {}
            }
        }
        choice
    }

    /// The one spelling of it, without `?`.
    pub fn query(&self) -> String {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = [
            ("before", self.before.map(|id| id.to_string()).unwrap_or_default()),
            ("kind", self.kind.unwrap_or_default().to_owned()),
            ("q", escaped(&self.words)),
            ("tag", escaped(&self.tag)),
        ];
        let said = pairs.iter().filter(|(_, value)| !value.is_empty());
        said.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
    }

    /// Relative to the archive's first page.
    pub fn href(&self) -> String {
        let query = self.query();
        if query.is_empty() { "./".to_owned() } else { format!("./?{query}") }
    }

    /// Whether it leaves posts out, wherever it begins.
    pub fn is_picky(&self) -> bool {
        *self != Self { before: self.before, ..Self::default() }
    }

    pub fn admits(&self, stored: &Stored, item: &Item) -> bool {
        let said = || {
            let parts = stored.post.parts.iter().map(text_of).collect::<Vec<_>>().join("\n");
            format!("{parts}\n{}", item.summary).to_lowercase()
        };
        self.kind.is_none_or(|kind| is(kind, stored))
            && (self.tag.is_empty() || item.tags.iter().any(|tag| tag.to_lowercase() == self.tag))
            && (self.words.is_empty() || {
                let said = said();
                self.words.split(' ').all(|word| said.contains(word))
            })
    }
}

fn is(kind: &str, stored: &Stored) -> bool {
    let post = &stored.post;
    let any = |is: fn(&Part) -> bool| post.parts.iter().any(is);
    match kind {
        "forward" => post.forward.is_some(),
        "photo" => any(|part| matches!(part, Part::Photo(_))),
        "video" => any(|part| matches!(part, Part::Video(video) if video.kind != VideoKind::Gif)),
        "voice" => any(|part| matches!(part, Part::Voice(_))),
        "audio" => any(|part| matches!(part, Part::Document(document) if document.audio)),
        "document" => any(|part| matches!(part, Part::Document(document) if !document.audio)),
        "poll" => any(|part| matches!(part, Part::Poll(_))),
        "link" => any(|part| matches!(part, Part::Preview(_))),
        _ => !post.service && !any(|part| !matches!(part, Part::Text(_) | Part::Unknown(_) | Part::Preview(_))),
    }
}

fn text_of(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Unknown(text) => plain_text(text),
        Part::Poll(poll) => plain_text(&poll.question),
        Part::Document(document) => format!("{} {}", document.title, document.extra),
        Part::Preview(preview) => format!("{} {}", preview.title, plain_text(&preview.description)),
        Part::Withheld(withheld) => withheld.excerpt.clone(),
        _ => String::new(),
    }
}

//! What a podcast makes of a post: what is heard, or why nothing is. Pure.

use super::{
    Labels, Media, Settings,
    chapters::chapters,
    kind::{Kind, of_part},
    markup::Html,
    media,
};
use crate::model::{Part, Post, PostId};

/// A post that is to be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// The post that holds the sound.
    pub post: PostId,
    /// Its first voice, as M4A where that was made. None where no file is to be had, as of music.
    pub sound: Option<Media>,
    /// HTML that says where music is heard: it has no public address. Empty where there is none.
    pub note: String,
    /// Whether the post lists chapters of its sound.
    pub has_chapters: bool,
}

impl Episode {
    /// Of two posts that are one item: one item plays one sound.
    pub(super) fn first(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(one), Some(other)) = (&one, &other) else { return one.or(other) };
        let [heard, silent] = if one.sound.is_some() || other.sound.is_none() { [one, other] } else { [other, one] };
        let note = if heard.note.is_empty() { &silent.note } else { &heard.note };
        Some(Self { note: note.clone(), ..heard.clone() })
    }
}

/// `link` is the post's own address.
pub(super) fn episode(post: &Post, link: &str, settings: &Settings) -> Option<Episode> {
    let is = |kind: Kind| post.parts.iter().any(|part| of_part(part) == Some(kind));
    if !is(Kind::Voice) && !is(Kind::Audio) {
        return None;
    }
    let voices = post.parts.iter().filter_map(|part| if let Part::Voice(voice) = part { Some(voice) } else { None });
    Some(Episode {
        post: post.id,
        sound: voices.filter_map(media::of_player).next(),
        note: if is(Kind::Audio) { note(link, settings.labels) } else { String::new() },
        has_chapters: !chapters(post, settings).is_empty(),
    })
}

fn note(link: &str, labels: Labels) -> String {
    let words = match labels {
        Labels::Symbols => "▶ Telegram",
        Labels::English => "Listen in Telegram, which gives music no public address",
        Labels::Russian => "Слушать в Telegram: публичного адреса у музыки там нет",
    };
    let mut html = Html::default();
    html.paragraph(|html| html.link(Some(link), |html| html.text(words)));
    html.finish()
}

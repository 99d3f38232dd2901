//! Pictures, films, sound and files in a body.

use super::symbol;
use crate::{
    feed::{
        Labels, clean,
        kind::{Kind, clock, of_video},
        markup::Html,
    },
    model::{Document, MediaUrl, Missing, Photo, Sticker, StickerKind, Video, VideoKind, Voice},
};

/// What stands below a figure: what it is and how long it takes, what is to be said of it, and where it can be seen.
struct Caption<'a> {
    kind: Kind,
    duration_seconds: Option<u32>,
    reason: Option<String>,
    link: &'a str,
}

impl<'a> Caption<'a> {
    /// Leads to the post; or to the file, where that is not kept and upstream has it.
    fn of(kind: Kind, url: Option<&'a MediaUrl>, link: &'a str, labels: Labels) -> Self {
        let missing = url.and_then(|url| url.known.missing);
        let link = url.filter(|_| missing == Some(Missing::TooLarge)).map_or(link, MediaUrl::as_str);
        let reason = missing.zip(url).map(|(missing, url)| reason(missing, url.known.length, labels));
        Self { kind, duration_seconds: None, reason, link }
    }

    /// Some readers show no players, and the link is what they show.
    fn write(&self, html: &mut Html) {
        html.block("figcaption", |html| {
            html.link(Some(self.link), |html| {
                html.text(self.kind.symbol());
                if let Some(seconds) = self.duration_seconds {
                    html.text(" ");
                    html.text(&clock(seconds));
                }
            });
            if let Some(reason) = &self.reason {
                html.text(" · ");
                html.text(reason);
            }
        });
    }
}

/// Why a file is not shown in its place. Of no language where no language was chosen.
fn reason(missing: Missing, length: Option<u64>, labels: Labels) -> String {
    let said = match (missing, labels) {
        (Missing::Gone, Labels::Symbols) => "404",
        (Missing::Gone, Labels::English) => "no longer on Telegram",
        (Missing::Gone, Labels::Russian) => "больше нет в Telegram",
        (Missing::TooLarge, Labels::Symbols) => "⬇",
        (Missing::TooLarge, Labels::English) => "too large to keep",
        (Missing::TooLarge, Labels::Russian) => "слишком большой файл",
    };
    match length.filter(|_| missing == Missing::TooLarge) {
        Some(length) => format!("{said} {} MB", length.div_ceil(1_000_000)),
        None => said.to_owned(),
    }
}

/// The address of a file that can be played in its place.
fn at_hand(url: Option<&MediaUrl>) -> Option<String> {
    url.filter(|url| url.known.missing.is_none()).and_then(|url| clean::web_address(url.as_str()))
}

pub(super) fn photo(html: &mut Html, photo: &Photo, link: &str, labels: Labels) {
    html.element("figure", |html| {
        if photo.url.known.missing == Some(Missing::Gone) {
            return Caption::of(Kind::Photo, Some(&photo.url), link, labels).write(html);
        }
        html.image(&photo.url, Kind::Photo.symbol(), photo.width, photo.height);
    });
}

/// A film with its duration; where there is no file to play, its still picture, linked to the post.
pub(super) fn video(html: &mut Html, video: &Video, link: &str, labels: Labels) {
    let kind = of_video(video.kind);
    let link = video.href.as_deref().unwrap_or(link);
    let caption = Caption::of(kind, video.url.as_ref(), link, labels);
    let caption = Caption { duration_seconds: video.duration_seconds, ..caption };
    html.element("figure", |html| {
        match at_hand(video.url.as_ref()) {
            Some(url) => player(html, &url, video),
            None => html.link(Some(caption.link), |html| {
                if let Some(poster) = &video.poster {
                    html.image(poster, kind.symbol(), video.width, video.height);
                }
            }),
        }
        caption.write(html);
    });
}

/// Without `controls`: readers that show players add them, and the W3C's validator warns of the attribute.
fn player(html: &mut Html, url: &str, video: &Video) {
    let tag = html.tag("video").attribute("src", url).address("poster", video.poster.as_ref());
    let tag = tag.size(video.width, video.height).attribute("preload", "none");
    if video.kind == VideoKind::Gif {
        tag.flag("autoplay").flag("loop").flag("muted").end()
    } else {
        tag.end()
    }
    html.close("video");
}

pub(super) fn voice(html: &mut Html, voice: &Voice, link: &str, labels: Labels) {
    let caption = Caption::of(Kind::Voice, voice.url.as_ref(), link, labels);
    html.element("figure", |html| {
        if let Some(url) = at_hand(voice.url.as_ref()) {
            html.tag("audio").attribute("src", &url).attribute("preload", "none").end();
            html.close("audio");
        }
        Caption { duration_seconds: voice.duration_seconds, ..caption }.write(html);
    });
}

pub(super) fn document(html: &mut Html, document: &Document) {
    if let Some(thumbnail) = &document.thumbnail {
        html.element("figure", |html| html.image(thumbnail, "", None, None));
    }
    html.paragraph(|html| {
        symbol(html, if document.audio { Kind::Audio } else { Kind::Document });
        html.link(document.href.as_deref(), |html| html.name(&document.title));
        if !document.extra.is_empty() {
            html.text(" ");
            html.name(&document.extra);
        }
    });
}

/// Stickers are WebP. What cannot show that shows the outline, as upstream's own page does.
fn outlined(html: &mut Html, image: &MediaUrl, sticker: &Sticker) {
    let (Some(outline), Some(url)) = (&sticker.outline, clean::web_address(image.as_str())) else {
        return html.image(image, Kind::Sticker.symbol(), sticker.width, sticker.height);
    };
    html.open("picture");
    html.tag("source").attribute("srcset", &url).attribute("type", "image/webp").end();
    let picture = html.tag("img").attribute("src", &url).attribute("srcset", outline);
    picture.attribute("alt", Kind::Sticker.symbol()).size(sticker.width, sticker.height).end();
    html.close("picture");
}

/// A browser plays `.webm` and shows pictures; of an animated sticker it can show the picture only.
pub(super) fn sticker(html: &mut Html, sticker: &Sticker) {
    let file = at_hand(sticker.file.as_ref());
    let image = |html: &mut Html| match sticker.image.as_ref().filter(|image| image.known.missing.is_none()) {
        Some(image) => outlined(html, image, sticker),
        None => html.text(Kind::Sticker.symbol()),
    };
    html.element("figure", |html| match (sticker.kind, &file) {
        (StickerKind::Video, Some(file)) => {
            let tag = html.tag("video").attribute("src", file).address("poster", sticker.image.as_ref());
            tag.size(sticker.width, sticker.height).attribute("preload", "none").flag("loop").flag("muted").end();
            html.close("video");
        }
        (_, Some(file)) => html.link(Some(file), image),
        (_, None) => image(html),
    });
}

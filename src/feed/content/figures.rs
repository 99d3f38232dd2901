//! Pictures, films, sound and files in a body.

use super::symbol;
use crate::{
    feed::{
        clean,
        kind::{Kind, clock, of_video},
        markup::Html,
    },
    model::{Document, Photo, Sticker, StickerKind, Video, VideoKind, Voice},
};

pub(super) fn photo(html: &mut Html, photo: &Photo) {
    html.element("figure", |html| html.image(&photo.url, Kind::Photo.symbol(), photo.width, photo.height));
}

/// A film with its duration; where upstream withholds the file, its still picture, linked to the post.
pub(super) fn video(html: &mut Html, video: &Video, link: &str) {
    let kind = of_video(video.kind);
    let link = video.href.as_deref().unwrap_or(link);
    html.element("figure", |html| {
        match video.url.as_deref().and_then(clean::web_address) {
            Some(url) => player(html, &url, video),
            None => html.link(Some(link), |html| {
                if let Some(poster) = &video.poster {
                    html.image(poster, kind.symbol(), video.width, video.height);
                }
            }),
        }
        caption(html, kind, video.duration_seconds, link);
    });
}

/// Without `controls`: readers that show players add them, and the W3C's validator warns of the attribute.
fn player(html: &mut Html, url: &str, video: &Video) {
    let tag = html.tag("video").attribute("src", url).address("poster", video.poster.as_deref());
    let tag = tag.size(video.width, video.height).attribute("preload", "none");
    if video.kind == VideoKind::Gif {
        tag.flag("autoplay").flag("loop").flag("muted").end()
    } else {
        tag.end()
    }
    html.close("video");
}

/// Leads to the post: some readers show no players, and the files die within days.
fn caption(html: &mut Html, kind: Kind, duration_seconds: Option<u32>, link: &str) {
    html.block("figcaption", |html| {
        html.link(Some(link), |html| {
            html.text(kind.symbol());
            if let Some(seconds) = duration_seconds {
                html.text(" ");
                html.text(&clock(seconds));
            }
        });
    });
}

pub(super) fn voice(html: &mut Html, voice: &Voice, link: &str) {
    html.element("figure", |html| {
        if let Some(url) = voice.url.as_deref().and_then(clean::web_address) {
            html.tag("audio").attribute("src", &url).attribute("preload", "none").end();
            html.close("audio");
        }
        caption(html, Kind::Voice, voice.duration_seconds, link);
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
fn outlined(html: &mut Html, image: &str, sticker: &Sticker) {
    let (Some(outline), Some(url)) = (&sticker.outline, clean::web_address(image)) else {
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
    let file = sticker.file.as_deref().and_then(clean::web_address);
    let image = |html: &mut Html| match &sticker.image {
        Some(image) => outlined(html, image, sticker),
        None => html.text(Kind::Sticker.symbol()),
    };
    html.element("figure", |html| match (sticker.kind, &file) {
        (StickerKind::Video, Some(file)) => {
            let tag = html.tag("video").attribute("src", file).address("poster", sticker.image.as_deref());
            tag.size(sticker.width, sticker.height).attribute("preload", "none").flag("loop").flag("muted").end();
            html.close("video");
        }
        (_, Some(file)) => html.link(Some(file), image),
        (_, None) => image(html),
    });
}

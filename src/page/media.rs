//! Photos, films, sounds, files and stickers of a message, each out of its own element.
//! Knows nothing of the message around it.

use scraper::ElementRef;

use super::{element, links, style, text};
use crate::model::{Document, MediaUrl, Photo, PostId, Sticker, StickerKind, Video, VideoKind, Voice};

/// The longer side, in pixels, of the photos that upstream serves, unless the original is smaller.
/// An album tells only their shape: the frames around them are cut to fit the album.
const LONGER_SIDE: f64 = 800.0;

/// In bytes of its address; real ones have 1 to 4 kB.
const LONGEST_OUTLINE: usize = 16 << 10;

/// A player draws a film that is taller than 4:3 upright in a frame of that shape, in percent of its width.
const TALLEST_FRAME: f64 = 1.333;

pub(super) fn photo(element: ElementRef) -> Option<Photo> {
    let (width, height) = match style::album_ratio(element) {
        Some(ratio) => style::size(Some(LONGER_SIDE / ratio.max(1.0)), Some(ratio)),
        None => style::size(style::width_px(element), style::inner_ratio(element)),
    };
    Some(Photo {
        member: member(element),
        url: picture(element)?,
        width,
        height,
        file: element::classes(element).find(|class| class.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned),
    })
}

/// The new picture that a service message shows, or None if it is a film.
pub(super) fn service_photo(element: ElementRef) -> Option<Photo> {
    picture(element).map(|url| Photo { url, ..Photo::default() })
}

pub(super) fn video(element: ElementRef, slug: &str) -> Video {
    let url = film(element);
    let duration = element::first(element, "message_video_duration");
    let is_played = duration.is_some() || element::first(element, "message_video_play").is_some();
    let (width, height) = video_size(element);
    Video {
        kind: if url.is_some() && !is_played { VideoKind::Gif } else { VideoKind::Video },
        member: member(element),
        poster: poster(element, "tgme_widget_message_video_thumb"),
        width,
        height,
        duration_seconds: duration.and_then(seconds),
        href: element::nearest_link(element, slug),
        url,
    }
}

pub(super) fn round_video(element: ElementRef, slug: &str) -> Video {
    Video {
        kind: VideoKind::Round,
        url: film(element),
        poster: poster(element, "tgme_widget_message_roundvideo_thumb"),
        duration_seconds: element::first(element, "tgme_widget_message_roundvideo_duration").and_then(seconds),
        href: element::nearest_link(element, slug),
        ..Video::default()
    }
}

pub(super) fn preview_video(element: ElementRef) -> Video {
    Video {
        url: film(element),
        poster: poster(element, "link_preview_video_thumb"),
        duration_seconds: element::first(element, "message_video_duration")
            .or_else(|| element::first(element, "link_preview_video_duration"))
            .and_then(seconds),
        ..Video::default()
    }
}

pub(super) fn voice(element: ElementRef) -> Voice {
    let own = element.attr("src").filter(|_| element::tag(element) == "audio");
    Voice {
        url: own.or_else(|| element::first_attr(element, "audio", "src")).and_then(file),
        duration_seconds: element::first(element, "tgme_widget_message_voice_duration").and_then(seconds),
    }
}

pub(super) fn document(element: ElementRef, slug: &str) -> Document {
    let line = |class| element::first(element, class).map(text::line).unwrap_or_default();
    let icon = element::first(element, "tgme_widget_message_document_icon");
    let thumb = element::first(element, "tgme_widget_message_document_thumb");
    Document {
        member: member(element),
        title: line("tgme_widget_message_document_title"),
        extra: line("tgme_widget_message_document_extra"),
        audio: icon.is_some_and(|icon| element::has(icon, "audio")),
        href: element::nearest_link(element, slug),
        thumbnail: thumb.and_then(picture).or_else(|| icon.and_then(picture)),
    }
}

/// `element` is the sticker or a wrap around it.
pub(super) fn sticker(element: ElementRef) -> Sticker {
    let kind = if element::own_or_first(element, "tgme_widget_message_tgsticker").is_some() {
        StickerKind::Animated
    } else if element::own_or_first(element, "tgme_widget_message_videosticker").is_some()
        || element::first_tag(element, "video").is_some()
    {
        StickerKind::Video
    } else {
        StickerKind::Static
    };
    let (width, height) = sticker_size(element);
    let mut files = itself_and_below(element).filter_map(|inner| inner.attr("data-webp")).filter_map(file);
    let shown = picture(element);
    let (image, file) = match kind {
        StickerKind::Animated => (shown, element::first_attr(element, "source", "srcset").and_then(file)),
        StickerKind::Video => (shown, film(element)),
        StickerKind::Static => {
            let file = files.next();
            let beside = file.clone().filter(|file| shown.as_ref().is_some_and(|shown| shown != file));
            (shown.or(file), beside)
        }
    };
    Sticker { kind, image, outline: outline(element), file: file.or_else(|| files.next()), width, height }
}

fn outline(element: ElementRef) -> Option<String> {
    let drawn = itself_and_below(element).find_map(style::background)?;
    let coded = drawn.strip_prefix("data:image/svg+xml;base64,")?;
    let is_base64 = coded.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    (is_base64 && drawn.len() <= LONGEST_OUTLINE).then(|| drawn.to_owned())
}

/// The size is on the sticker or on an element around its picture, the frame beside that.
fn sticker_size(element: ElementRef) -> (Option<u32>, Option<u32>) {
    let width = itself_and_below(element).find_map(style::width_px);
    style::size(width, style::inner_ratio(element))
}

/// The first picture that a browser can load: a background or an `<img>`.
pub(super) fn picture(element: ElementRef) -> Option<MediaUrl> {
    itself_and_below(element).find_map(|inner| {
        let background = style::background(inner).and_then(file);
        background.or_else(|| inner.attr("src").filter(|_| element::tag(inner) == "img").and_then(file))
    })
}

fn itself_and_below<'a>(element: ElementRef<'a>) -> impl Iterator<Item = ElementRef<'a>> {
    std::iter::once(element).chain(element::below(element))
}

/// The same film may stand twice, blurred behind itself.
pub(super) fn film(element: ElementRef) -> Option<MediaUrl> {
    let mut films = element::below(element).filter(|inner| element::tag(*inner) == "video");
    films.find_map(|film| film.attr("src").or_else(|| element::first_attr(film, "source", "src")).and_then(file))
}

fn poster(element: ElementRef, thumb: &str) -> Option<MediaUrl> {
    let thumb = element::first(element, thumb).and_then(picture);
    thumb.or_else(|| element::first_attr(element, "video", "poster").and_then(file))
}

/// What an attribute leads to.
pub(super) fn file(address: &str) -> Option<MediaUrl> {
    links::media(address).map(MediaUrl::from)
}

fn member(element: ElementRef) -> Option<PostId> {
    element.attr("href").and_then(links::member).map(PostId)
}

/// Told by the frame of a single film, unless that frame is the tallest there is. An album does not tell it.
fn video_size(player: ElementRef) -> (Option<u32>, Option<u32>) {
    match element::first(player, "tgme_widget_message_video_wrap") {
        Some(frame) => {
            let ratio = style::inner_ratio(frame).filter(|ratio| *ratio < TALLEST_FRAME);
            style::size(style::width_px(frame), ratio)
        }
        None => (None, None),
    }
}

/// Of `m:ss` or `h:mm:ss`.
fn seconds(element: ElementRef) -> Option<u32> {
    let clock = text::line(element);
    clock.split(':').try_fold(0_u32, |total, part| total.checked_mul(60)?.checked_add(part.trim().parse().ok()?))
}

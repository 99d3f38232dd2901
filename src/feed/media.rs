//! A post's media as lists of a feed carry them: enclosures, attachments, `media:content`.

use std::borrow::Cow;

use super::clean;
use crate::model::{MediaUrl, Missing, Part, Photo, Post, Sticker, StickerKind, Video, Voice};

/// As Apple's documentation of podcast feeds calls it; registered is `audio/mp4`, which its players may not know.
pub const M4A: &str = "audio/x-m4a";

/// What Media RSS calls `medium`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    Image,
    Video,
    Audio,
}

impl Medium {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub url: String,
    /// Media type, such as `image/jpeg`.
    pub mime: Cow<'static, str>,
    /// In bytes, once it is known.
    pub length: Option<u64>,
    pub medium: Medium,
    /// In pixels, both or none.
    pub size: Option<(u32, u32)>,
    pub duration_seconds: Option<u32>,
    /// A still picture of a film.
    pub thumbnail: Option<String>,
}

/// The post's own files, in its order. Pictures of cards and maps are not the post's.
pub(super) fn collect(post: &Post) -> Vec<Media> {
    post.parts.iter().filter_map(of_part).collect()
}

/// The picture that stands for the post: its first one, be it a still or that of a card.
pub(super) fn image(post: &Post) -> Option<String> {
    post.parts.iter().find_map(|part| {
        let url = match part {
            Part::Photo(photo) => Some(&photo.url),
            Part::Video(video) => video.poster.as_ref(),
            Part::Preview(preview) => {
                let still = preview.video.as_ref().and_then(|video| video.poster.as_ref());
                preview.image.as_ref().map(|image| &image.url).or(still)
            }
            Part::Location(location) => location.map.as_ref(),
            Part::Document(document) => document.thumbnail.as_ref(),
            Part::Sticker(sticker) => sticker.image.as_ref(),
            Part::Game(game) => game.image.as_ref(),
            Part::Invoice(invoice) => invoice.image.as_ref(),
            _ => None,
        };
        address(url?)
    })
}

fn of_part(part: &Part) -> Option<Media> {
    match part {
        Part::Photo(photo) => of_photo(photo),
        Part::Video(video) => of_video(video),
        Part::Voice(voice) => of_voice(voice),
        Part::Sticker(sticker) => of_sticker(sticker),
        _ => None,
    }
}

fn of_photo(photo: &Photo) -> Option<Media> {
    Some(Media { size: size(photo.width, photo.height), ..file(&photo.url, Medium::Image, "image/jpeg")? })
}

fn of_video(video: &Video) -> Option<Media> {
    Some(Media {
        size: size(video.width, video.height),
        duration_seconds: video.duration_seconds,
        thumbnail: video.poster.as_ref().and_then(address),
        ..file(video.url.as_ref()?, Medium::Video, "video/mp4")?
    })
}

fn of_voice(voice: &Voice) -> Option<Media> {
    Some(Media { duration_seconds: voice.duration_seconds, ..file(voice.url.as_ref()?, Medium::Audio, "audio/ogg")? })
}

/// A voice as a player of podcasts is to have it: as M4A where that was made, since Apple's play no Ogg.
pub(super) fn of_player(voice: &Voice) -> Option<Media> {
    let ogg = of_voice(voice)?;
    let m4a = voice.url.as_ref().and_then(|url| url.known.m4a).zip(ogg.url.strip_suffix(".ogg"));
    Some(match m4a {
        Some((length, stem)) => Media { url: format!("{stem}.m4a"), mime: M4A.into(), length: Some(length), ..ogg },
        None => ogg,
    })
}

fn of_sticker(sticker: &Sticker) -> Option<Media> {
    let size = size(sticker.width, sticker.height);
    match (sticker.kind, sticker.file.as_ref()) {
        (StickerKind::Video, Some(url)) => {
            let thumbnail = sticker.image.as_ref().and_then(address);
            Some(Media { size, thumbnail, ..file(url, Medium::Video, "video/webm")? })
        }
        _ => Some(Media { size, ..file(sticker.image.as_ref()?, Medium::Image, "image/webp")? }),
    }
}

/// The type that was found out counts, if it is one of `medium`.
fn file(from: &MediaUrl, medium: Medium, usual: &'static str) -> Option<Media> {
    let url = address(from)?;
    let told = from.known.mime.clone().filter(|told| told.starts_with(medium.as_str()));
    let mime = told.map_or_else(|| mime(&url, medium).unwrap_or(usual).into(), Cow::from);
    let length = from.known.length;
    Some(Media { url, mime, length, medium, size: None, duration_seconds: None, thumbnail: None })
}

/// Where a file can be had: what is too large to be kept, from upstream; what is gone, nowhere.
pub(super) fn address(url: &MediaUrl) -> Option<String> {
    clean::web_address(url.as_str()).filter(|_| url.known.missing != Some(Missing::Gone))
}

fn size(width: Option<u32>, height: Option<u32>) -> Option<(u32, u32)> {
    width.zip(height).filter(|(width, height)| *width > 0 && *height > 0)
}

/// The type that the address's ending tells, if it is one of `medium`.
fn mime(url: &str, medium: Medium) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    let mime = match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        _ => return None,
    };
    mime.starts_with(medium.as_str()).then_some(mime)
}

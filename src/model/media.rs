//! The files that a post shows: where each stands, and its present address. Upstream's addresses die within days; the
//! place of a medium within its post stays.

use std::collections::HashMap;

use super::{Inline, MediaUrl, Part, Post, PostId, Sticker, StickerKind, Video};

/// What a file is to its post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Photo,
    /// The still picture of a film.
    Poster,
    Video,
    Voice,
    /// The small picture of a file.
    Thumbnail,
    /// The picture of a sticker.
    Sticker,
    /// An animated sticker, as Telegram's own format.
    Animation,
    /// A sticker that is a film.
    Film,
    Map,
    /// The picture of a card: of a linked page, a game, an invoice, an answered post.
    Card,
}

impl Role {
    /// Whether feeds list it among the post's files, with its length.
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Photo | Self::Video | Self::Voice | Self::Sticker | Self::Film)
    }

    /// The ending of a file that is what such files are.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Photo | Self::Poster | Self::Thumbnail | Self::Card => "jpg",
            Self::Video => "mp4",
            Self::Voice => "ogg",
            Self::Sticker => "webp",
            Self::Animation => "tgs",
            Self::Film => "webm",
            Self::Map => "png",
        }
    }
}

/// Which of a post's files: the message that holds it, and its number there, from 1, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaPlace {
    pub message: PostId,
    pub number: u32,
    pub role: Role,
}

impl Post {
    /// The places of all files with their addresses, those that a spoiler hides among them.
    pub fn media(&self) -> Vec<(MediaPlace, MediaUrl)> {
        let mut found = Vec::new();
        self.clone().each_medium(|place, url| found.push((place, url.clone())));
        found
    }

    /// Gives every file's address to `change`.
    pub fn each_medium(&mut self, mut change: impl FnMut(MediaPlace, &mut MediaUrl)) {
        let mut numbers: HashMap<PostId, u32> = HashMap::new();
        let own = self.id;
        let mut visit = |message: Option<PostId>, role: Role, url: &mut MediaUrl| {
            let message = message.unwrap_or(own);
            let number = numbers.entry(message).or_default();
            *number += 1;
            change(MediaPlace { message, number: *number, role }, url);
        };
        self.parts.iter_mut().for_each(|part| of_part(part, &mut visit));
        if let Some(url) = self.reply.as_mut().and_then(|reply| reply.thumbnail.as_mut()) {
            visit(None, Role::Card, url);
        }
    }

    /// Whether both are the same but for the addresses of their files.
    pub fn is_same_but_for_addresses(&self, other: &Self) -> bool {
        let bare = |post: &Self| {
            let mut post = post.clone();
            post.each_medium(|_, url| url.address.clear());
            post
        };
        bare(self) == bare(other)
    }
}

impl Part {
    /// Gives the addresses of its files to `change`.
    pub fn each_file(&mut self, mut change: impl FnMut(Role, &mut MediaUrl)) {
        of_part(self, &mut |_, role, url| change(role, url));
    }
}

type Visit<'v> = dyn FnMut(Option<PostId>, Role, &mut MediaUrl) + 'v;

fn of_part(part: &mut Part, visit: &mut Visit<'_>) {
    match part {
        Part::Text(text) | Part::Unknown(text) => within(text, visit),
        Part::Photo(photo) => visit(photo.member, Role::Photo, &mut photo.url),
        Part::Video(video) => of_video(video, visit),
        Part::Voice(voice) => voice.url.iter_mut().for_each(|url| visit(None, Role::Voice, url)),
        Part::Document(document) => {
            document.thumbnail.iter_mut().for_each(|url| visit(document.member, Role::Thumbnail, url));
        }
        Part::Sticker(sticker) => of_sticker(sticker, visit),
        Part::Location(location) => location.map.iter_mut().for_each(|url| visit(None, Role::Map, url)),
        Part::Poll(poll) => {
            within(&mut poll.question, visit);
            poll.options.iter_mut().for_each(|option| within(&mut option.text, visit));
        }
        Part::Preview(preview) => {
            within(&mut preview.description, visit);
            preview.image.iter_mut().for_each(|image| visit(None, Role::Card, &mut image.url));
            preview.video.iter_mut().for_each(|video| of_video(video, visit));
        }
        Part::Game(game) => {
            within(&mut game.text, visit);
            game.image.iter_mut().for_each(|url| visit(None, Role::Card, url));
            game.video.iter_mut().for_each(|url| visit(None, Role::Video, url));
        }
        Part::Invoice(invoice) => {
            within(&mut invoice.description, visit);
            invoice.image.iter_mut().for_each(|url| visit(None, Role::Card, url));
        }
        Part::Contact(_) | Part::Withheld(_) => {}
    }
}

fn of_video(video: &mut Video, visit: &mut Visit<'_>) {
    let member = video.member;
    video.url.iter_mut().for_each(|url| visit(member, Role::Video, url));
    video.poster.iter_mut().for_each(|url| visit(member, Role::Poster, url));
}

fn of_sticker(sticker: &mut Sticker, visit: &mut Visit<'_>) {
    let role = if sticker.kind == StickerKind::Video { Role::Film } else { Role::Animation };
    sticker.image.iter_mut().for_each(|url| visit(None, Role::Sticker, url));
    sticker.file.iter_mut().for_each(|url| visit(None, role, url));
}

fn within(text: &mut [Inline], visit: &mut Visit<'_>) {
    for inline in text {
        if let Inline::Figure { part, .. } = inline {
            of_part(part, visit);
        }
        inline.runs_mut().into_iter().for_each(|run| within(run, visit));
    }
}

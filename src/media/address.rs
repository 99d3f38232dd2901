//! Addresses of our own for the files of posts: made from the channel, the message and the place in it alone, so that they
//! stay while upstream's rotate. Pure.

use sha2::{Digest, Sha256};

use crate::{
    feed::M4A,
    model::{Channel, MediaPlace, MediaUrl, Post, PostId, Role},
};

const M4A_EXTENSION: &str = "m4a";

/// What one of them leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Of the channel, as first seen.
    pub slug: String,
    pub file: File,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum File {
    /// The message, the number of the file in it, and the ending of its name.
    Of { message: PostId, number: u32, extension: String },
    /// The channel's picture.
    Avatar,
}

/// How addresses of our own are made; None where upstream's are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(Option<String>);

impl Addresses {
    /// Below `public_url`, which has no slash at the end.
    pub fn below(public_url: &str) -> Self {
        Self(Some(format!("{public_url}/media/")))
    }

    pub fn are_own(&self) -> bool {
        self.0.is_some()
    }

    /// Gives the post's files addresses of our own. What is no address of the web stays as it is, and is shown nowhere.
    /// What is made of files here is to be had by these addresses alone.
    pub fn give(&self, channel: &Channel, post: &mut Post) {
        let Some(base) = &self.0 else { return post.each_medium(|_, url| url.known.m4a = None) };
        post.each_medium(|place, url| {
            if is_of_web(url.as_str()) {
                url.address = format!("{base}{}", Address::of(&channel.slug, place).place());
            }
        });
    }

    /// Of the channel's picture.
    pub fn avatar(&self, channel: &Channel) -> Option<String> {
        let photo = channel.info.photo.as_ref().map(MediaUrl::as_str).filter(|photo| is_of_web(photo))?;
        let Some(base) = &self.0 else { return Some(photo.to_owned()) };
        Some(format!("{base}{}", Address::of_avatar(&channel.slug).place()))
    }
}

/// Whether a file is there to be fetched.
pub fn is_of_web(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme))
}

/// Says nothing of what the picture shows, for upstream's address of it rotates: it tells channels apart.
fn avatar_name(slug: &str) -> String {
    Sha256::digest(slug.to_ascii_lowercase()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

impl Address {
    /// Of a post's file.
    pub fn of(slug: &str, place: MediaPlace) -> Self {
        let MediaPlace { message, number, role } = place;
        let file = File::Of { message, number, extension: role.extension().to_owned() };
        Self { slug: slug.to_owned(), file }
    }

    /// Of a channel's picture.
    pub fn of_avatar(slug: &str) -> Self {
        Self { slug: slug.to_owned(), file: File::Avatar }
    }

    /// The message that holds the file; None for the channel's picture.
    pub fn message(&self) -> Option<PostId> {
        match self.file {
            File::Of { message, .. } => Some(message),
            File::Avatar => None,
        }
    }

    /// Of a voice: where the same is as M4A.
    pub fn as_m4a(&self) -> Option<Self> {
        self.with_extension(Role::Voice.extension(), M4A_EXTENSION)
    }

    /// Of an M4A: the voice that it is made of.
    pub fn voice(&self) -> Option<Self> {
        self.with_extension(M4A_EXTENSION, Role::Voice.extension())
    }

    fn with_extension(&self, from: &str, to: &str) -> Option<Self> {
        match &self.file {
            File::Of { message, number, extension } if extension == from => {
                let file = File::Of { message: *message, number: *number, extension: to.to_owned() };
                Some(Self { slug: self.slug.clone(), file })
            }
            _ => None,
        }
    }

    /// The name of its file: the last part of its path.
    pub fn name(&self) -> String {
        let place = self.place();
        place.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The media type that its name tells.
    pub fn mime(&self) -> &'static str {
        let File::Of { extension, .. } = &self.file else { return "image/jpeg" };
        match extension.as_str() {
            "jpg" => "image/jpeg",
            "png" => "image/png",
            "webp" => "image/webp",
            "mp4" => "video/mp4",
            "webm" => "video/webm",
            "ogg" => "audio/ogg",
            M4A_EXTENSION => M4A,
            _ => super::SAVED,
        }
    }

    /// Its path below `/media/`.
    pub fn place(&self) -> String {
        let slug = &self.slug;
        match &self.file {
            File::Of { message, number, extension } => format!("{slug}/{message}/{number}.{extension}"),
            File::Avatar => format!("{slug}/avatar/{}.jpg", avatar_name(slug)),
        }
    }

    /// Of the segments of a path behind `/media/`; None for what none leads to.
    pub fn parse(segments: &[&str]) -> Option<Self> {
        let [slug, message, name] = segments else { return None };
        let slug = (*slug).to_owned();
        if *message == "avatar" {
            return (*name == format!("{}.jpg", avatar_name(&slug))).then_some(Self { slug, file: File::Avatar });
        }
        let (number, extension) = name.split_once('.')?;
        let [id, number] = [(*message).to_owned(), number.to_owned()]
            .map(|text| text.parse::<u64>().ok().filter(|id| id.to_string() == text));
        let file =
            File::Of { message: PostId(id?), number: u32::try_from(number?).ok()?, extension: extension.to_owned() };
        Some(Self { slug, file })
    }
}

//! `[media]`: whose addresses the files of posts have, and which files are kept here.

use std::path::{Path, PathBuf};

use url::Url;

use super::{Server, StoreConfig, read::is_loopback, section::Section};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Telegram's, which die within days.
    Direct,
    /// Our own, which lead to Telegram's present ones.
    Redirect,
    /// Our own, and the files are kept here.
    Cache,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Direct, Self::Redirect, Self::Cache];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Redirect => "redirect",
            Self::Cache => "cache",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub mode: Mode,
    /// What decided that, as the end of a sentence.
    pub reason: &'static str,
    /// Files may lie in private networks and on this machine.
    pub allow_private: bool,
    /// Where files are kept.
    pub store: MediaStore,
    /// Whether they are fetched before anybody asks.
    pub eager: bool,
    /// Of one file that is kept.
    pub max_bytes: u64,
    /// Of all of them.
    pub quota_bytes: u64,
    /// How long one stays that nobody uses; None: as long as there is room.
    pub unused_days: Option<u32>,
    /// Of all downloads together; 0: as many as come.
    pub bytes_per_second: u64,
    /// Whether M4A is made of voices that are kept.
    pub transcode: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaStore {
    /// As written; see [`MediaStore::within`].
    Directory(PathBuf),
    /// `s3://BUCKET/PREFIX`, and where it is if not at Amazon.
    Bucket { url: Url, endpoint: Option<Url> },
}

impl MediaStore {
    /// With a directory where it is, as [`StoreConfig::within`] says.
    pub fn within(&self, state_directory: Option<&Path>) -> Self {
        match (self, state_directory) {
            (Self::Directory(path), Some(base)) => Self::Directory(base.join(path)),
            _ => self.clone(),
        }
    }
}

/// By addresses of our own where others than this machine can follow them, if nothing is said.
pub fn media(section: Section<'_>, server: &Server, store: &StoreConfig) -> Media {
    let is_local = Url::parse(&server.public_url).is_ok_and(|url| is_loopback(&url));
    let (mode, reason) = match section.choice("mode", &Mode::ALL.map(|mode| (mode.as_str(), mode))) {
        Some(mode) => (mode, "media.mode says so"),
        None if is_local => {
            (Mode::Direct, "server.public_url is an address of this machine, which readers elsewhere could not follow")
        }
        None => (Mode::Redirect, "readers can follow server.public_url"),
    };
    let media = Media {
        mode,
        reason,
        allow_private: section.boolean("allow_private").unwrap_or(false),
        store: place(&section).unwrap_or_else(|| MediaStore::Directory(store.path.join("media"))),
        eager: section.boolean("eager").unwrap_or(true),
        max_bytes: section.integer("max_bytes", 1 << 10..=4 << 30).unwrap_or(50_000_000),
        quota_bytes: section.integer("quota_bytes", 1 << 10..=1 << 50).unwrap_or(10_000_000_000),
        unused_days: section.integer("unused_days", 1..=36_500).map(|days| days as u32),
        bytes_per_second: section.integer("bytes_per_second", 0..=1 << 40).unwrap_or(0),
        transcode: section.boolean("transcode").unwrap_or(false),
    };
    section.finish();
    media
}

fn place(section: &Section<'_>) -> Option<MediaStore> {
    let endpoint = section.text("endpoint").and_then(|word| {
        let url = Url::parse(word.text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            section.refuse(&word, "must be an http or https address, as in https://s3.example.org".into());
        }
        url
    });
    let word = section.text("store")?;
    if !word.text.contains("://") && !word.text.is_empty() {
        return Some(MediaStore::Directory(word.text.into()));
    }
    match Url::parse(word.text).ok().filter(|url| url.scheme() == "s3" && url.has_host()) {
        Some(url) => Some(MediaStore::Bucket { url, endpoint }),
        None => {
            section.refuse(&word, "must be a directory, or s3://BUCKET/PREFIX".into());
            None
        }
    }
}

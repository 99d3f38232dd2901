//! What stands around every page: its head, and times as people read them.

use chrono::SecondsFormat;

use super::assets::{SCRIPT, style_name};
use crate::{config::FeedSpec, feed::Format, model::Time};

/// The head of a page. `root` leads to the first page, so everything is right behind any proxy.
pub struct Frame {
    pub root: &'static str,
    pub style: &'static str,
    pub script: &'static str,
    /// Of the page, as the browser's tab shows it.
    pub title: String,
    pub description: String,
    /// Absolute.
    pub url: String,
    pub image: Option<String>,
    /// OpenGraph's: `website` or `article`.
    pub kind: &'static str,
    pub indexed: bool,
    pub links: Vec<Document>,
    /// Of the newer and the older page, relative.
    pub newer: Option<String>,
    pub older: Option<String>,
}

impl Frame {
    /// Of a page one step below the first one, without links yet.
    pub fn new(root: &'static str, title: String, url: String, indexed: bool) -> Self {
        Self {
            root,
            style: style_name(),
            script: SCRIPT,
            title,
            description: String::new(),
            url,
            image: None,
            kind: "website",
            indexed,
            links: Vec::new(),
            newer: None,
            older: None,
        }
    }
}

/// A feed in one format, as a link in the head and as a button.
#[derive(Debug, Clone)]
pub struct Document {
    pub word: &'static str,
    pub title: String,
    pub media_type: &'static str,
    pub href: String,
}

/// The documents below `base`, called after `title`.
pub fn documents(base: &str, title: &str) -> Vec<Document> {
    Format::OFFERED.map(|format| document(base, title, format)).into()
}

pub fn document(base: &str, title: &str, format: Format) -> Document {
    Document {
        word: format.name(),
        title: format!("{title} ({})", format.name()),
        media_type: format.media_type(),
        href: format!("{base}{}", format.file_name()),
    }
}

/// What a feed is called where two feeds of the same title must be told apart.
pub fn distinct(title: &str, spec: &FeedSpec) -> String {
    if title == spec.name { title.to_owned() } else { format!("{title} · {}", spec.name) }
}

pub struct Moment {
    pub rfc3339: String,
    pub shown: String,
}

pub fn moment(time: Time) -> Moment {
    Moment {
        rfc3339: time.to_rfc3339_opts(SecondsFormat::Secs, true),
        shown: time.format("%-d %B %Y, %H:%M UTC").to_string(),
    }
}

/// `1 post`, `2 posts`.
pub fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

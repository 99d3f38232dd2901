//! JSON Feed 1.1 (jsonfeed.org/version/1.1). What is not known is left out: the format has no nulls.

use chrono::SecondsFormat;
use serde::Serialize;

use super::{Feed, Item, Media};
use crate::model::Time;

pub(super) fn write(feed: &Feed) -> Vec<u8> {
    let header = &feed.header;
    let document = Document {
        version: "https://jsonfeed.org/version/1.1",
        title: &header.title,
        home_page_url: &header.home_url,
        feed_url: &header.self_url,
        description: &header.description,
        next_url: header.next_url.as_deref().filter(|next| *next != header.self_url),
        icon: header.image.as_deref(),
        hubs: header.hub_url.iter().map(|url| Hub { kind: "WebSub", url }).collect(),
        items: feed.items.iter().map(entry).collect(),
    };
    serde_json::to_vec(&document).expect("strings and numbers are always JSON")
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Hub<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    content_html: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_modified: Option<String>,
    authors: [Author<'a>; 1],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_seconds: Option<u32>,
}

fn entry(item: &Item) -> Entry<'_> {
    Entry {
        id: &item.guid,
        url: &item.link,
        title: item.title.as_deref(),
        content_html: &item.content,
        image: item.image.as_deref(),
        date_published: date(item.published),
        date_modified: (item.updated > item.published).then(|| date(item.updated)),
        authors: [Author { name: &item.author.name, url: &item.author.url }],
        tags: &item.tags,
        attachments: item.media.iter().map(attachment).collect(),
    }
}

fn attachment(media: &Media) -> Attachment<'_> {
    Attachment {
        url: &media.url,
        mime_type: &media.mime,
        size_in_bytes: media.length,
        duration_in_seconds: media.duration_seconds,
    }
}

fn date(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

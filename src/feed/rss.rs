//! RSS 2.0, after the RSS Best Practices Profile, with Media RSS, Dublin Core, Atom's links and RFC 5005.
//! Only this module and [`podcast`](super::podcast), which adds to it, know the rss crate.

use std::collections::BTreeMap;

use rss::{
    Category, Channel, Enclosure, Image,
    extension::{Extension, ExtensionMap},
};

use super::{Feed, Header, InReplyTo, Item, Media, Medium, markup::Html};
use crate::model::Time;

pub(super) fn write(feed: &Feed) -> Vec<u8> {
    bytes(&channel(feed))
}

pub(super) fn bytes(channel: &Channel) -> Vec<u8> {
    channel.write_to(Vec::new()).expect("writing to memory does not fail")
}

pub(super) fn channel(feed: &Feed) -> Channel {
    let header = &feed.header;
    Channel {
        title: header.title.clone(),
        link: header.home_url.clone(),
        description: header.description.clone(),
        last_build_date: Some(date(feed.updated)),
        generator: Some(concat!("feedbridge/", env!("CARGO_PKG_VERSION")).to_owned()),
        ttl: header.ttl_minutes.map(|minutes| minutes.to_string()),
        image: header.image.as_ref().map(|url| image(url, header)),
        items: feed.items.iter().map(item).collect(),
        extensions: channel_extensions(header),
        namespaces: namespaces(feed),
        ..Channel::default()
    }
}

/// Declared once, at the root; the crate adds that of `content` itself.
fn namespaces(feed: &Feed) -> BTreeMap<String, String> {
    let used = [
        ("atom", "http://www.w3.org/2005/Atom", true),
        ("dc", "http://purl.org/dc/elements/1.1/", true),
        ("fh", "http://purl.org/syndication/history/1.0", feed.header.archive),
        ("media", "http://search.yahoo.com/mrss/", feed.items.iter().any(|item| !item.media.is_empty())),
        ("thr", "http://purl.org/syndication/thread/1.0", feed.items.iter().any(|item| item.reply.is_some())),
    ];
    used.into_iter().filter(|(.., used)| *used).map(|(prefix, uri, _)| (prefix.to_owned(), uri.to_owned())).collect()
}

/// RFC 822 with the four-digit year that the profile asks for.
fn date(time: Time) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Said to be small, since some readers show it over every post in the size that is told.
fn image(url: &str, header: &Header) -> Image {
    Image {
        url: url.to_owned(),
        title: header.title.clone(),
        link: header.home_url.clone(),
        width: Some("144".to_owned()),
        height: Some("144".to_owned()),
        description: None,
    }
}

fn channel_extensions(header: &Header) -> ExtensionMap {
    let mut links = vec![link("self", &header.self_url, Some("application/rss+xml"))];
    links.extend(header.hub_url.iter().map(|url| link("hub", url, None)));
    let pages = [
        ("current", &header.current_url),
        ("prev-archive", &header.prev_archive_url),
        ("next-archive", &header.next_archive_url),
    ];
    links.extend(pages.into_iter().filter_map(|(rel, url)| Some(link(rel, url.as_ref()?, None))));
    let mut extensions = ExtensionMap::from([group("atom", "link", links)]);
    if header.archive {
        extensions.extend([group("fh", "archive", vec![extension("fh:archive", None, &[])])]);
    }
    extensions
}

pub(super) fn item(item: &Item) -> rss::Item {
    // The crate leaves `isPermaLink` out when it is true; the profile wants it said.
    let guid = extension("guid", Some(&item.guid), &[("isPermaLink", "true")]);
    let creator = extension("dc:creator", Some(&item.author.name), &[]);
    let mut extensions = ExtensionMap::from([group("", "guid", vec![guid]), group("dc", "creator", vec![creator])]);
    if !item.media.is_empty() {
        extensions.extend([group("media", "content", item.media.iter().map(media).collect())]);
    }
    if let Some(InReplyTo { guid, href }) = &item.reply {
        let reply = extension("thr:in-reply-to", None, &[("ref", guid), ("href", href), ("type", "text/html")]);
        extensions.extend([group("thr", "in-reply-to", vec![reply])]);
    }
    rss::Item {
        title: item.title.clone(),
        link: Some(item.link.clone()),
        description: Some(escaped(&item.summary)),
        categories: item.tags.iter().map(|tag| Category { name: tag.clone(), domain: None }).collect(),
        pub_date: Some(date(item.published)),
        content: Some(item.content.clone()),
        enclosure: enclosure(item),
        extensions,
        ..rss::Item::default()
    }
}

/// `description` is HTML by convention, so plain text is escaped once for HTML, beside XML's own escaping.
fn escaped(text: &str) -> String {
    let mut html = Html::default();
    html.text(text);
    html.finish()
}

/// The one file that RSS has room for, once its length is known, which must be told: what is heard or seen to the end
/// before a picture.
fn enclosure(item: &Item) -> Option<Enclosure> {
    let known = || item.media.iter().filter_map(|media| Some((media, media.length?)));
    let (media, length) = known().find(|(media, _)| media.medium != Medium::Image).or_else(|| known().next())?;
    Some(Enclosure { url: media.url.clone(), length: length.to_string(), mime_type: media.mime.to_string() })
}

/// All files in Media RSS. Each of an album stands alone: of a `media:group` some readers show one.
fn media(media: &Media) -> Extension {
    let (width, height) = media.size.map(|(w, h)| (w.to_string(), h.to_string())).unwrap_or_default();
    let length = media.length.map(|length| length.to_string()).unwrap_or_default();
    let duration = media.duration_seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
    let mut content = extension(
        "media:content",
        None,
        &[
            ("url", &media.url),
            ("fileSize", &length),
            ("type", &media.mime),
            ("medium", media.medium.as_str()),
            ("width", &width),
            ("height", &height),
            ("duration", &duration),
        ],
    );
    if let Some(url) = &media.thumbnail {
        let thumbnail = extension("media:thumbnail", None, &[("url", url)]);
        content.children.insert("thumbnail".to_owned(), vec![thumbnail]);
    }
    content
}

fn link(rel: &str, href: &str, mime: Option<&str>) -> Extension {
    extension("atom:link", None, &[("rel", rel), ("href", href), ("type", mime.unwrap_or_default())])
}

/// An element of another namespace; attributes without a value are left out.
pub(super) fn extension(name: &str, value: Option<&str>, attributes: &[(&str, &str)]) -> Extension {
    let told = attributes.iter().filter(|(_, value)| !value.is_empty());
    Extension {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        attrs: told.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        children: BTreeMap::new(),
    }
}

pub(super) fn group(
    prefix: &str,
    name: &str,
    extensions: Vec<Extension>,
) -> (String, BTreeMap<String, Vec<Extension>>) {
    (prefix.to_owned(), BTreeMap::from([(name.to_owned(), extensions)]))
}

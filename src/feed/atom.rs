//! Atom (RFC 4287) with archives (RFC 5005), replies (RFC 4685) and deletions (RFC 6721).
//! The only module that knows the atom_syndication crate.

use std::collections::BTreeMap;

use atom_syndication::{
    Category, Content, Entry, Feed as Document, Generator, Link, Person, Text, WriteConfig,
    extension::{Extension, ExtensionMap},
};

use super::{Feed, Header, InReplyTo, Item, Media, Tombstone};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
const END: &str = "</feed>";
const MIME: &str = "application/atom+xml";

pub(super) fn write(feed: &Feed) -> Vec<u8> {
    let head = head(feed);
    let extensions = extensions(feed);
    let whole = Document { entries: feed.items.iter().map(entry).collect(), ..head.clone() };
    let whole = written(&whole);
    if extensions.is_empty() {
        return [DECLARATION, &whole].concat().into_bytes();
    }
    // The crate writes extensions behind the entries, where RFC 4287 and RFC 6721 want them in front. So the
    // metadata is written once more, with extensions and without entries, and takes the place of the first.
    let entries = &whole[written(&head).len() - END.len()..];
    let extended = written(&Document { extensions, ..head });
    let metadata = extended.strip_suffix(END).unwrap_or(&extended);
    [DECLARATION, metadata, entries].concat().into_bytes()
}

fn written(document: &Document) -> String {
    let config = WriteConfig { write_document_declaration: false, indent_size: None };
    let bytes = document.write_with_config(Vec::new(), config).expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("it is written from strings")
}

/// The feed without entries and extensions.
fn head(feed: &Feed) -> Document {
    let header = &feed.header;
    Document {
        title: Text::plain(header.title.as_str()),
        id: header.id.clone(),
        updated: feed.updated.fixed_offset(),
        // For a feed without entries, which would have no author at all (RFC 4287, 4.1.1).
        authors: vec![person(&header.title, &header.home_url)],
        generator: Some(Generator {
            value: "feedbridge".to_owned(),
            uri: Some(env!("CARGO_PKG_REPOSITORY").to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        icon: header.image.clone(),
        logo: header.image.clone(),
        links: links(header),
        subtitle: Some(Text::plain(header.description.as_str())),
        namespaces: namespaces(feed),
        ..Document::default()
    }
}

fn links(header: &Header) -> Vec<Link> {
    let mut links =
        vec![link("self", &header.self_url, Some(MIME)), link("alternate", &header.home_url, Some("text/html"))];
    links.extend(header.hub_url.iter().map(|url| link("hub", url, None)));
    let pages = [
        ("current", &header.current_url),
        ("prev-archive", &header.prev_archive_url),
        ("next-archive", &header.next_archive_url),
    ];
    links.extend(pages.into_iter().filter_map(|(rel, url)| Some(link(rel, url.as_ref()?, Some(MIME)))));
    links
}

fn namespaces(feed: &Feed) -> BTreeMap<String, String> {
    let used = [
        ("at", "http://purl.org/atompub/tombstones/1.0", !feed.deleted.is_empty()),
        ("fh", "http://purl.org/syndication/history/1.0", feed.header.archive),
        ("thr", "http://purl.org/syndication/thread/1.0", feed.items.iter().any(|item| item.reply.is_some())),
    ];
    used.into_iter().filter(|(.., used)| *used).map(|(prefix, uri, _)| (prefix.to_owned(), uri.to_owned())).collect()
}

fn extensions(feed: &Feed) -> ExtensionMap {
    let mut extensions = ExtensionMap::new();
    if !feed.deleted.is_empty() {
        extensions.extend([group("at", "deleted-entry", feed.deleted.iter().map(tombstone).collect())]);
    }
    if feed.header.archive {
        extensions.extend([group("fh", "archive", vec![extension("fh:archive", &[])])]);
    }
    extensions
}

fn tombstone(stone: &Tombstone) -> Extension {
    extension("at:deleted-entry", &[("ref", &stone.guid), ("when", &stone.when.to_rfc3339())])
}

fn entry(item: &Item) -> Entry {
    let mut links = vec![link("alternate", &item.link, Some("text/html"))];
    links.extend(item.via.iter().map(|url| link("via", url, Some("text/html"))));
    links.extend(item.media.iter().map(enclosure));
    Entry {
        title: Text::plain(item.title.as_ref().unwrap_or(&item.kind).as_str()),
        id: item.guid.clone(),
        updated: item.updated.fixed_offset(),
        published: Some(item.published.fixed_offset()),
        authors: vec![person(&item.author.name, &item.author.url)],
        categories: item.tags.iter().map(|tag| Category { term: tag.clone(), ..Category::default() }).collect(),
        links,
        content: Some(Content {
            value: Some(item.content.clone()),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        extensions: item.reply.iter().map(|reply| group("thr", "in-reply-to", vec![in_reply_to(reply)])).collect(),
        ..Entry::default()
    }
}

fn person(name: &str, uri: &str) -> Person {
    Person { name: name.to_owned(), uri: Some(uri.to_owned()), ..Person::default() }
}

/// Atom, unlike RSS, does not insist on a length.
fn enclosure(media: &Media) -> Link {
    let length = media.length.map(|length| length.to_string());
    Link { length, ..link("enclosure", &media.url, Some(&media.mime)) }
}

fn in_reply_to(reply: &InReplyTo) -> Extension {
    extension("thr:in-reply-to", &[("ref", &reply.guid), ("href", &reply.href), ("type", "text/html")])
}

fn link(rel: &str, href: &str, mime: Option<&str>) -> Link {
    Link { rel: rel.to_owned(), href: href.to_owned(), mime_type: mime.map(str::to_owned), ..Link::default() }
}

fn extension(name: &str, attributes: &[(&str, &str)]) -> Extension {
    let attrs = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Extension { name: name.to_owned(), attrs, ..Extension::default() }
}

fn group(prefix: &str, name: &str, extensions: Vec<Extension>) -> (String, BTreeMap<String, Vec<Extension>>) {
    (prefix.to_owned(), BTreeMap::from([(name.to_owned(), extensions)]))
}

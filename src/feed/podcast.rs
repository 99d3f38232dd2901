//! RSS as podcast players want it: with Apple's elements and those of Podcasting 2.0 (podcastindex.org/namespace/1.0).

use rss::{
    Enclosure,
    extension::itunes::{ITunesCategory, ITunesChannelExtension, ITunesItemExtension},
};
use uuid::{Uuid, uuid};

use super::{
    CHAPTERS, Episode, Feed, Header, Item, Media,
    rss::{bytes, channel, extension, group, item},
};

const NAMESPACE: &str = "https://podcastindex.org/namespace/1.0";
/// The namespace of the guids of podcasts.
const GUIDS: Uuid = uuid!("ead4c236-bf58-58c6-a2c6-a6b28d128cb6");
/// Apple's directory asks for a category of its list. What a channel is about nobody told us; that people speak there
/// holds of all.
const CATEGORY: &str = "Society & Culture";

pub(super) fn write(feed: &Feed) -> Vec<u8> {
    let header = &feed.header;
    let mut podcast = channel(feed);
    podcast.language = header.language.map(str::to_owned);
    podcast.itunes_ext = Some(ITunesChannelExtension {
        author: Some(header.title.clone()),
        categories: vec![ITunesCategory { text: CATEGORY.to_owned(), subcategory: None }],
        image: header.image.clone(),
        explicit: Some("false".to_owned()),
        r#type: Some("episodic".to_owned()),
        ..ITunesChannelExtension::default()
    });
    podcast.namespaces.insert("podcast".to_owned(), NAMESPACE.to_owned());
    let [(prefix, mut own), (_, medium)] = [
        group("podcast", "guid", vec![extension("podcast:guid", Some(&guid(&header.id)), &[])]),
        group("podcast", "medium", vec![extension("podcast:medium", Some("podcast"), &[])]),
    ];
    own.extend(medium);
    podcast.extensions.insert(prefix, own);
    podcast.items = feed.items.iter().filter_map(|item| Some(entry(item, item.episode.as_ref()?, header))).collect();
    bytes(&podcast)
}

/// Of the feed's permanent address, without scheme and without slashes at the end, as the namespace's documentation says
/// of `podcast:guid`: the same whoever serves the channel.
fn guid(id: &str) -> String {
    let address = id.split_once("://").map_or(id, |(_, address)| address).trim_end_matches('/');
    Uuid::new_v5(&GUIDS, address.as_bytes()).to_string()
}

/// Players go by titles, so there is always one.
fn entry(of: &Item, episode: &Episode, header: &Header) -> rss::Item {
    let entry = item(of);
    let mut extensions = entry.extensions;
    if let Some(posts) = header.posts_url.as_ref().filter(|_| episode.has_chapters && episode.sound.is_some()) {
        let url = format!("{posts}{}/chapters.json", episode.post);
        let chapters = extension("podcast:chapters", None, &[("url", &url), ("type", CHAPTERS)]);
        extensions.extend([group("podcast", "chapters", vec![chapters])]);
    }
    let duration = episode.sound.as_ref().and_then(|sound| sound.duration_seconds);
    rss::Item {
        title: Some(of.title.clone().unwrap_or_else(|| of.kind.clone())),
        content: Some(format!("{}{}", of.content, episode.note)),
        enclosure: episode.sound.as_ref().map(enclosure),
        itunes_ext: Some(ITunesItemExtension {
            image: of.image.clone(),
            duration: duration.map(|seconds| seconds.to_string()),
            ..ITunesItemExtension::default()
        }),
        extensions,
        ..entry
    }
}

/// A length that is not known is 0, as podcasts have it: without an enclosure nothing is played.
fn enclosure(sound: &Media) -> Enclosure {
    let length = sound.length.unwrap_or(0).to_string();
    Enclosure { url: sound.url.clone(), length, mime_type: sound.mime.to_string() }
}

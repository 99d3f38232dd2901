//! Hand-built channels, posts and feeds for the tests of feeds.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use chrono::TimeZone;
use feedbridge::{
    feed::{self, Entry, Feed, Format, Header, Item, Settings},
    model::{Channel, ChannelId, ChannelInfo, Inline, Part, Photo, Post, PostId, Stored, Style, Time, Video},
};

pub fn at(minute: i64) -> Time {
    chrono::Utc.timestamp_opt(1_700_000_000 + minute * 60, 0).unwrap()
}

pub fn channel() -> Channel {
    Channel {
        id: ChannelId(1001),
        name: "kitchen".parse().unwrap(),
        slug: "Kitchen".to_owned(),
        current_slug: "NewKitchen".to_owned(),
        info: ChannelInfo { title: "Kitchen & Co".to_owned(), ..ChannelInfo::default() },
        first_seen: at(0),
        info_seen: at(0),
        names: Vec::new(),
    }
}

pub fn post(id: u64, parts: Vec<Part>) -> Post {
    Post { parts, ..Post::new(PostId(id)) }
}

/// Published `id` minutes after the start of time.
pub fn stored(post: Post) -> Stored {
    let published = at(post.id.0.cast_signed());
    Stored {
        post,
        published,
        updated: published,
        first_seen: published,
        renewed: published,
        sequence: 1,
        revisions: 1,
        deleted: None,
        readings: Vec::new(),
    }
}

pub fn plain(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

pub fn bold(text: &str) -> Inline {
    Inline::Styled(Style::Bold, vec![plain(text)])
}

pub fn spoiler(text: &str) -> Inline {
    Inline::Styled(Style::Spoiler, vec![plain(text)])
}

pub fn hashtag(tag: &str) -> Inline {
    Inline::Hashtag { tag: tag.to_owned(), href: format!("https://t.me/s/kitchen?q=%23{}", &tag[1..]) }
}

/// Text with `\n` as breaks.
pub fn text(text: &str) -> Part {
    let mut inlines = Vec::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            inlines.push(Inline::Break);
        }
        inlines.push(plain(line));
    }
    Part::Text(inlines)
}

pub fn photo(name: &str) -> Part {
    let url = format!("https://cdn1.example.org/file/{name}");
    Part::Photo(Photo { url: url.into(), width: Some(800), height: Some(600), ..Photo::default() })
}

pub fn video() -> Video {
    Video {
        url: Some("https://cdn1.example.org/file/film.mp4?token=a".into()),
        poster: Some("https://cdn1.example.org/file/still.jpg".into()),
        width: Some(640),
        height: Some(360),
        duration_seconds: Some(27),
        ..Video::default()
    }
}

pub fn header() -> Header {
    Header {
        id: "https://t.me/Kitchen".to_owned(),
        title: "Kitchen & Co".to_owned(),
        description: "Recipes <daily>".to_owned(),
        home_url: "https://t.me/NewKitchen".to_owned(),
        self_url: "https://feeds.example.org/kitchen/rss.xml".to_owned(),
        image: Some("https://cdn1.example.org/file/avatar.jpg".to_owned()),
        ttl_minutes: Some(15),
        ..Header::default()
    }
}

pub fn compose(posts: &[Stored], settings: &Settings) -> Feed {
    let channel = channel();
    let entries: Vec<Entry<'_>> = posts.iter().map(|stored| Entry { channel: &channel, stored }).collect();
    feed::compose(header(), &entries, settings)
}

/// The one item of a feed of one post.
pub fn item_with(post: Post, settings: &Settings) -> Item {
    compose(&[stored(post)], settings).items.remove(0)
}

pub fn item(post: Post) -> Item {
    item_with(post, &Settings::default())
}

pub fn content(parts: Vec<Part>) -> String {
    item(post(7, parts)).content
}

pub fn written(feed: &Feed, format: Format) -> String {
    String::from_utf8(feed::render(feed, format)).unwrap()
}

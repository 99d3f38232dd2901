//! Small posts, channels and batches for the tests of the store.

#![allow(dead_code, reason = "no test uses all of them")]

use std::path::Path;

use chrono::DateTime;
use feedbridge::{
    config::StoreConfig,
    model::{
        Change, ChangeKind, Channel, ChannelId, ChannelInfo, ChannelName, Inline, Part, Post, PostId, Stored, Time,
    },
    store::Batch,
};

/// The store in that directory, in a configuration.
pub fn place(path: &Path) -> StoreConfig {
    StoreConfig { path: path.to_owned(), segment_bytes: 32 << 20 }
}

/// Seconds after an arbitrary moment.
pub fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

pub fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

pub fn channel(id: ChannelId, slug: &str) -> Channel {
    Channel {
        id,
        name: name(slug),
        slug: slug.to_owned(),
        current_slug: slug.to_owned(),
        info: ChannelInfo { title: format!("{slug} title"), ..ChannelInfo::default() },
        first_seen: at(0),
        info_seen: at(0),
        names: Vec::new(),
    }
}

pub fn post(id: u64, text: &str) -> Stored {
    let published = at(i64::try_from(id).unwrap());
    let post = Post {
        published: Some(published),
        parts: vec![Part::Text(vec![Inline::Text(text.to_owned())])],
        ..Post::new(PostId(id))
    };
    Stored {
        post,
        published,
        updated: published,
        first_seen: published,
        renewed: published,
        sequence: 0,
        revisions: 1,
        deleted: None,
        readings: Vec::new(),
    }
}

pub fn change(kind: ChangeKind, channel: ChannelId, stored: Stored) -> Change {
    Change { kind, channel, stored }
}

pub fn new_posts(channel: ChannelId, ids: impl IntoIterator<Item = u64>) -> Batch {
    let changes = ids.into_iter().map(|id| change(ChangeKind::New, channel, post(id, &format!("post {id}"))));
    Batch { changes: changes.collect(), ..Batch::default() }
}

pub fn edited(channel: ChannelId, stored: Stored) -> Batch {
    Batch { changes: vec![change(ChangeKind::Edited, channel, stored)], ..Batch::default() }
}

pub fn ids(posts: &[Stored]) -> Vec<u64> {
    posts.iter().map(|stored| stored.post.id.0).collect()
}

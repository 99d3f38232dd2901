//! Posts that came together: a picture and the text that was sent after it are one item for readers.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Episode, Item};
use crate::model::{ChannelId, PostId, Time};

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub channel: ChannelId,
    pub published: Time,
    pub id: PostId,
}

/// The indices of `posts` in groups, each oldest first: what came in one channel within `seconds` of the group's first.
/// Each for itself if `seconds` is 0.
pub fn groups(posts: &[Place], seconds: u32) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..posts.len()).collect();
    order.sort_by_key(|index| posts[*index]);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in order {
        let post = posts[index];
        match groups.last_mut() {
            Some(group) if seconds > 0 && belongs(posts[group[0]], post, seconds) => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    groups
}

fn belongs(first: Place, post: Place, seconds: u32) -> bool {
    first.channel == post.channel && post.published - first.published <= TimeDelta::seconds(seconds.into())
}

/// The first post of each one's group.
pub fn firsts(posts: &[Place], seconds: u32) -> BTreeMap<Place, Place> {
    let groups = groups(posts, seconds);
    groups.iter().flat_map(|group| group.iter().map(|index| (posts[*index], posts[group[0]]))).collect()
}

/// One item of those of a group's posts, oldest first, that `has_words` or not. It is the first one's in all that readers
/// know it by; its title and summary are those of the first with words.
pub(super) fn merged(items: Vec<(Item, bool)>) -> Option<Item> {
    let speaker = items.iter().position(|(_, has_words)| *has_words).unwrap_or(0);
    let speaks = items.get(speaker).map(|(item, _)| (item.title.clone(), item.summary.clone(), item.kind.clone()));
    let one = items.into_iter().map(|(item, _)| item).reduce(|mut first, next| {
        first.content += &next.content;
        first.updated = first.updated.max(next.updated);
        let tags: Vec<String> = next.tags.into_iter().filter(|tag| !first.tags.contains(tag)).collect();
        first.tags.extend(tags);
        first.media.extend(next.media);
        first.via = first.via.or(next.via);
        first.reply = first.reply.or(next.reply);
        first.image = first.image.or(next.image);
        first.episode = Episode::first(first.episode, next.episode);
        first
    })?;
    let (title, summary, kind) = speaks?;
    Some(Item { title, summary, kind, ..one })
}

//! Which posts a feed shows, in which order, and how many fit.

use std::collections::BTreeMap;

use super::{Deleted, Entry, Feed, Header, Item, Place, Settings, Tombstone, clean, item, merge};
use crate::model::{ChannelId, PostId, Time};

/// Chooses, orders and renders the entries. `entries` in any order; the feed is newest first.
pub fn compose(header: Header, entries: &[Entry<'_>], settings: &Settings) -> Feed {
    let mut groups = groups(entries, settings.merge_seconds);
    groups.sort_by_key(|group| std::cmp::Reverse(order(group)));

    let mut items: Vec<Item> = Vec::new();
    let mut bytes = 0;
    for item in groups.iter().filter_map(|group| one(group, settings)).take(settings.posts) {
        let item = item.within(settings.bytes);
        bytes += item.weight();
        if bytes > settings.bytes && !items.is_empty() {
            break;
        }
        items.push(item);
    }
    let newest = items.iter().map(|item| item.updated).max();
    Feed {
        updated: newest.or(header.changed).unwrap_or(Time::UNIX_EPOCH),
        header: scrubbed(header),
        items,
        deleted: tombstones(&groups, settings),
    }
}

/// The posts that are one item, oldest first.
type Group<'e> = Vec<Entry<'e>>;

fn groups<'e>(entries: &[Entry<'e>], merge_seconds: u32) -> Vec<Group<'e>> {
    let each: BTreeMap<_, _> = entries.iter().map(|entry| (entry.place(), *entry)).collect();
    let (places, entries): (Vec<_>, Vec<_>) = each.into_iter().unzip();
    let groups = merge::groups(&places, merge_seconds).into_iter();
    groups.map(|group| group.into_iter().map(|index| entries[index]).collect()).collect()
}

fn order(group: &Group<'_>) -> (Time, PostId, ChannelId) {
    let Place { channel, published, id } = group[0].place();
    (published, id, channel)
}

/// The item of a group, as far as the feed shows its posts; known by its first post, shown or not.
fn one(group: &Group<'_>, settings: &Settings) -> Option<Item> {
    let shown = group.iter().filter(|entry| settings.deleted == Deleted::Keep || entry.stored.deleted.is_none());
    let items = shown.map(|entry| (item::item(*entry, settings), item::has_words(&entry.stored.post)));
    let one = merge::merged(items.collect())?;
    let first = &group[0];
    if first.stored.deleted.is_none() || settings.deleted == Deleted::Keep {
        return Some(one);
    }
    let Item { guid, link, published, .. } = item::item(*first, settings);
    Some(Item { guid, link, published, ..one })
}

/// Of groups of which nothing is left.
fn tombstones(groups: &[Group<'_>], settings: &Settings) -> Vec<Tombstone> {
    if settings.deleted != Deleted::Announce {
        return Vec::new();
    }
    let stone = |group: &Group<'_>| {
        let gone: Option<Vec<Time>> = group.iter().map(|entry| entry.stored.deleted).collect();
        let first = &group[0];
        Some(Tombstone { guid: item::guid(first.channel, first.stored.post.id), when: gone?.into_iter().max()? })
    };
    let mut stones: Vec<Tombstone> = groups.iter().filter_map(stone).collect();
    stones.sort_by(|a, b| b.when.cmp(&a.when).then_with(|| a.guid.cmp(&b.guid)));
    stones.truncate(settings.posts);
    stones
}

/// The header with plain text where plain text belongs. A feed without a title is called by its address, and that
/// stands for an id, too.
fn scrubbed(header: Header) -> Header {
    let title = clean::title_line(&header.title);
    let title = if title.is_empty() { header.home_url.clone() } else { title };
    let description = clean::neutral(clean::scrub(&header.description).trim());
    let description = if description.is_empty() { title.clone() } else { description };
    let id = if header.id.is_empty() { header.home_url.clone() } else { header.id.clone() };
    let image = header.image.as_deref().and_then(clean::web_address);
    Header { id, title, description, image, ..header }
}

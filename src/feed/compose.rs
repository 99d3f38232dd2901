//! Which posts a feed shows, in which order, and how many fit.

use super::{Deleted, Entry, Feed, Header, Item, Settings, Tombstone, clean, item};
use crate::model::Time;

/// Chooses, orders and renders the entries. `entries` in any order; the feed is newest first.
pub fn compose(header: Header, entries: &[Entry<'_>], settings: &Settings) -> Feed {
    let mut shown: Vec<&Entry<'_>> = entries.iter().filter(|entry| is_shown(entry, settings.deleted)).collect();
    shown.sort_by_key(|entry| std::cmp::Reverse((entry.stored.published, entry.stored.post.id, entry.channel.id)));
    shown.dedup_by_key(|entry| (entry.channel.id, entry.stored.post.id));

    let mut items: Vec<Item> = Vec::new();
    let mut bytes = 0;
    for entry in shown.into_iter().take(settings.posts) {
        let item = item::item(*entry, settings).within(settings.bytes);
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
        deleted: tombstones(entries, settings),
    }
}

fn is_shown(entry: &Entry<'_>, deleted: Deleted) -> bool {
    deleted == Deleted::Keep || entry.stored.deleted.is_none()
}

fn tombstones(entries: &[Entry<'_>], settings: &Settings) -> Vec<Tombstone> {
    if settings.deleted != Deleted::Announce {
        return Vec::new();
    }
    let stone = |entry: &Entry<'_>| {
        Some(Tombstone { guid: item::guid(entry.channel, entry.stored.post.id), when: entry.stored.deleted? })
    };
    let mut stones: Vec<Tombstone> = entries.iter().filter_map(stone).collect();
    stones.sort_by(|a, b| b.when.cmp(&a.when).then_with(|| a.guid.cmp(&b.guid)));
    stones.dedup();
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

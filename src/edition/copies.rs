//! The same post in several channels of a merged feed, which shows it once: where it was first.

use std::collections::HashMap;

use crate::{
    feed::message_at,
    model::{Channel, PostId, Stored},
    store::{Error, Store},
};

/// Drops forwards of posts that a channel of the feed has itself and that the feed wants, and of the forwards of one
/// post from elsewhere all but the earliest. Returns what it dropped.
pub fn drop_copies(
    store: &dyn Store,
    channels: &[Channel],
    posts: &mut Vec<(usize, Stored)>,
    wanted: impl Fn(&Channel, &Stored) -> bool,
) -> Result<Vec<(usize, PostId)>, Error> {
    let mut earliest: HashMap<(String, PostId), usize> = HashMap::new();
    let mut dropped = vec![false; posts.len()];
    for (place, (_, stored)) in posts.iter().enumerate() {
        let Some((name, id)) = source(stored) else { continue };
        let at_home = channels.iter().find(|channel| channel.bears(&name));
        // Asked of the store, not of `posts`: the copy must not come up once the feed has left the first behind.
        if let Some(channel) = at_home {
            dropped[place] = store.known(channel.id, &[id])?.iter().any(|stored| wanted(channel, stored));
            continue;
        }
        let first = *earliest.entry((name.to_ascii_lowercase(), id)).or_insert(place);
        if first != place {
            let later = if age(&posts[first]) <= age(&posts[place]) { place } else { first };
            dropped[later] = true;
            earliest.insert((name.to_ascii_lowercase(), id), first + place - later);
        }
    }
    let of = |(index, stored): &(usize, Stored)| (*index, stored.post.id);
    let copies = posts.iter().zip(&dropped).filter(|(_, dropped)| **dropped).map(|(post, _)| of(post)).collect();
    let mut dropped = dropped.into_iter();
    posts.retain(|_| !dropped.next().unwrap_or_default());
    Ok(copies)
}

/// The message that a forward is of, if upstream says where that is.
fn source(stored: &Stored) -> Option<(String, PostId)> {
    message_at(stored.post.forward.as_ref()?.href.as_ref()?)
}

/// Orders forwards of one post: by time, then by the order of the channels.
fn age((channel, stored): &(usize, Stored)) -> (crate::model::Time, usize, PostId) {
    (stored.published, *channel, stored.post.id)
}

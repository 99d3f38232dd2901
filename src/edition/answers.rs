//! Which post a reply answers. Telegram's page may name any message of an album, and readers know the album by its one
//! guid: the store tells which post a message belongs to.

use crate::{
    feed::message_at,
    model::{Channel, Stored},
    store::{Error, Store},
};

/// Lets the replies among the `posts` lead to the posts that hold the answered messages, where these are stored. Each
/// post comes with the index of its channel.
pub fn answer(store: &dyn Store, channels: &[Channel], posts: &mut [(usize, Stored)]) -> Result<(), Error> {
    posts.iter_mut().try_for_each(|(index, stored)| answer_one(store, &channels[*index], stored))
}

/// As [`answer`], of one post.
pub fn answer_one(store: &dyn Store, channel: &Channel, stored: &mut Stored) -> Result<(), Error> {
    let Some(href) = stored.post.reply.as_mut().and_then(|reply| reply.href.as_mut()) else { return Ok(()) };
    let Some((name, id)) = message_at(href).filter(|(name, _)| channel.bears(name)) else { return Ok(()) };
    let holder = store.known(channel.id, &[id])?.into_iter().find(|holder| holder.post.members.contains(&id));
    if let Some(holder) = holder.filter(|holder| holder.post.id != id) {
        *href = format!("https://t.me/{name}/{}", holder.post.id);
    }
    Ok(())
}

//! Which post a reply answers. Telegram's page may name any message of an album, and readers know the album by its one
//! guid: the store tells which post a message belongs to.

use crate::{
    feed::message_at,
    model::{Channel, Stored},
    store::{Error, Store},
};

/// `stored` with its reply leading to the post that holds the answered message, where that is stored.
pub fn answering(store: &dyn Store, channel: &Channel, mut stored: Stored) -> Result<Stored, Error> {
    let Some(href) = stored.post.reply.as_mut().and_then(|reply| reply.href.as_mut()) else { return Ok(stored) };
    let Some((name, id)) = message_at(href).filter(|(name, _)| channel.bears(name)) else { return Ok(stored) };
    let holder = store.known(channel.id, &[id])?.into_iter().find(|holder| holder.post.members.contains(&id));
    if let Some(holder) = holder.filter(|holder| holder.post.id != id) {
        *href = format!("https://t.me/{name}/{}", holder.post.id);
    }
    Ok(stored)
}

//! The posts around a post that may be one item with it. A feed that shows a part of a channel's posts needs them, for
//! what an item is must not depend on where that part begins.

use chrono::TimeDelta;

use crate::{
    model::{ChannelId, Stored},
    store::{Error, Store},
};

/// More posts on either side are not looked at: so many in one item nobody wants.
const MOST: usize = 50;

/// The posts before `post`, each within `seconds` of the next one; newest first.
pub fn before(store: &dyn Store, channel: ChannelId, post: &Stored, seconds: u32) -> Result<Vec<Stored>, Error> {
    if seconds == 0 {
        return Ok(Vec::new());
    }
    Ok(near(post, store.latest(channel, Some(post.post.id), MOST)?, seconds))
}

/// The posts after `post`, each within `seconds` of the one before; oldest first.
pub fn after(store: &dyn Store, channel: ChannelId, post: &Stored, seconds: u32) -> Result<Vec<Stored>, Error> {
    if seconds == 0 {
        return Ok(Vec::new());
    }
    Ok(near(post, store.following(channel, post.post.id, MOST)?, seconds))
}

fn near(post: &Stored, others: Vec<Stored>, seconds: u32) -> Vec<Stored> {
    let mut last = post.published;
    let is_near = |other: &Stored| -> bool {
        let is_near = (other.published - last).abs() <= TimeDelta::seconds(seconds.into());
        last = other.published;
        is_near
    };
    others.into_iter().take_while(is_near).collect()
}

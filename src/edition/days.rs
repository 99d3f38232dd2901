//! The history of a merged feed as archived feeds (RFC 5005, section 4): what its channels published on one day (UTC).
//!
//! Channels number their posts each for itself, so a document of several goes by time, and is named by the time that it
//! ends before. When a post was published never changes, so that no new post moves another. The document behind the
//! current feed may be the beginning of a day.
//!
//! Copies that the current feed leaves out are shown: whether a post is one may be found out later, and a document says
//! the same for ever.

use chrono::TimeDelta;

use super::archive::Archive;
use crate::{
    feed::End,
    model::{ChannelId, PostId, Stored, Time},
    store::{Error, Extent, Store},
};

const DAY: i64 = 24 * 3600;
/// The document behind the current feed ends at a multiple of this where it can, so that not every new post names
/// another one.
const STEP: i64 = 3600;
const SECOND: TimeDelta = TimeDelta::seconds(1);
/// So many posts are read at a time.
const STRIDE: usize = 200;

/// The document that ends before `until`, of the stored channels `ids`; `all` tells that the feed has no other. `None`
/// while nothing has happened since then.
pub fn read(store: &dyn Store, ids: &[ChannelId], all: bool, until: Time) -> Result<Option<Archive>, Error> {
    if end_of_all(store, ids).is_none_or(|end| end < until) {
        return Ok(None);
    }
    let start = start_of(until - SECOND, DAY);
    let mut archive = Archive { settled: all, ..Archive::default() };
    let mut prev = None;
    for id in ids {
        let Some(channel) = store.channel_by_id(*id)? else { continue };
        // Before the posts: what it calls settled is stored by then.
        let extent = Extent::read(store, *id)?;
        let (first, end) = (first_at(store, *id, start)?, first_at(store, *id, until)?);
        let older = store.latest(*id, Some(first), 1)?.pop();
        let newer = store.following(*id, PostId(end.0.saturating_sub(1)), 1)?.pop();
        let before = older.as_ref().map(|older| older.post.id);
        archive.settled &= newer.is_some_and(|newer| extent.is_settled(before, newer.post.id));
        if let Some(older) = older {
            prev = prev.max(Some(document_with(store, *id, &older, start)?));
        }
        let index = archive.channels.len();
        archive.channels.push(channel);
        archive.posts.extend(between(store, *id, first, end)?.into_iter().map(|stored| (index, stored)));
    }
    archive.posts.sort_by_key(|(index, stored)| (std::cmp::Reverse((stored.published, stored.post.id)), *index));
    Ok(Some(Archive { prev: prev.map(End::Time), ..archive }))
}

/// The newest document for a feed that has something more to say of the posts `left`: the newest one that it leaves out
/// of each channel that it leaves one out of.
pub fn behind(store: &dyn Store, ids: &[ChannelId], left: &[(ChannelId, Stored)]) -> Result<Option<Time>, Error> {
    let newest = left.iter().map(|(_, stored)| stored.published).max();
    let (Some(newest), Some(end)) = (newest, end_of_all(store, ids)) else { return Ok(None) };
    let close = start_of(newest, 1) + SECOND;
    let step = start_of(close - SECOND, STEP) + TimeDelta::seconds(STEP);
    let wanted = if step < end { step } else { close };
    for (id, stored) in left {
        if first_at(store, *id, wanted)? <= stored.post.id {
            return Ok(Some(end));
        }
    }
    Ok(Some(wanted))
}

/// The newest post that is left out of a channel whose newest posts are `seen`, newest first.
pub fn left_out(
    store: &dyn Store,
    id: ChannelId,
    seen: &[PostId],
    settled: impl Fn(PostId) -> bool,
) -> Result<Option<Stored>, Error> {
    let run = seen.iter().copied().take_while(|post| settled(*post)).last();
    Ok(store.latest(id, run, 1)?.pop())
}

/// A whole second that is after all that has happened.
fn end_of_all(store: &dyn Store, ids: &[ChannelId]) -> Option<Time> {
    let heads = ids.iter().map(|id| store.head(*id));
    let last = heads.filter_map(|head| head.changed.max(head.newest_published)).max()?;
    Some(start_of(last, 1) + SECOND)
}

/// The end of the document with `post`, which is the channel's newest before the day that begins at `start`.
fn document_with(store: &dyn Store, id: ChannelId, post: &Stored, start: Time) -> Result<Time, Error> {
    let end = start_of(post.published.min(start - SECOND), DAY) + TimeDelta::seconds(DAY);
    // Not if it stands out of order: then the days between are gone through, so that it is not passed by.
    let holds = end >= start || first_at(store, id, end)? > post.post.id;
    Ok(if holds { end.min(start) } else { start })
}

/// The posts from the one of these ids to the other, which is not among them.
fn between(store: &dyn Store, id: ChannelId, first: PostId, end: PostId) -> Result<Vec<Stored>, Error> {
    let mut found: Vec<Stored> = Vec::new();
    loop {
        let after = found.last().map_or(PostId(first.0.saturating_sub(1)), |stored| stored.post.id);
        let next = store.following(id, after, STRIDE)?;
        let ended = next.len() < STRIDE;
        let wanted = next.into_iter().take_while(|stored| stored.post.id < end);
        let before = found.len();
        found.extend(wanted);
        if ended || found.len() < before + STRIDE {
            return Ok(found);
        }
    }
}

/// An id that divides the channel's posts into those before `time` and those from it on. Upstream numbers posts in the
/// order of their times. Where one stands out of order it falls to either side, but always to the same one: the looks
/// are taken at ids that depend on nothing, and a later `time` never gives a smaller id.
fn first_at(store: &dyn Store, id: ChannelId, time: Time) -> Result<PostId, Error> {
    let beyond = store.head(id).newest.map_or(1, |newest| newest.0.saturating_add(1));
    let (mut low, mut high) = (1, beyond.checked_next_power_of_two().unwrap_or(u64::MAX));
    while low < high {
        let middle = low + (high - low) / 2;
        let post = store.following(id, PostId(middle - 1), 1)?.pop();
        if post.is_none_or(|stored| stored.published >= time) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(PostId(low))
}

/// The last multiple of `seconds` that is not after `time`.
fn start_of(time: Time, seconds: i64) -> Time {
    Time::from_timestamp(time.timestamp().div_euclid(seconds) * seconds, 0).unwrap_or(time)
}

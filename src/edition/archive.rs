//! The stored history of a channel as the archived feeds of RFC 5005, section 4: a chain of documents behind the current
//! feed, each of which says the same for ever.
//!
//! A document is named by the post that it ends before, and begins at the multiple of [`BLOCK`] below that. It goes by
//! ids and not by counts, so neither new posts nor older ones found later move anything from one document to another,
//! and it is to be had only once there is a post behind its end. Nearly all documents are whole blocks, and a reader
//! that follows the feed has most of them; the one behind the current feed may be the beginning of a block, so that
//! nothing is missing between the two.
//!
//! A document shows its posts as they are stored, so an edit changes it, and its version with it. Readers that took its
//! word for being immutable see the edit all the same: recently changed posts stand in the current feed, whatever
//! their age.

use sha2::{Digest, Sha256};

use super::{
    answers::answer,
    company, days,
    version::{BEFORE_ANY_POST, Version, first_bytes, whole_second},
};
use crate::{
    config::FeedSpec,
    feed::End,
    media::Addresses,
    model::{Channel, ChannelId, PostId, Stored, Time},
    store::{Error, Extent, Store},
};

/// So many ids make a document; posts are fewer, as an album takes one for each picture.
const BLOCK: u64 = 100;
/// The document behind the current feed ends at a multiple of this where it can, so that not every new post names another one.
const STEP: u64 = 20;

/// One document of the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Archive {
    pub channels: Vec<Channel>,
    /// Newest first, with the index of the channel.
    pub posts: Vec<(usize, Stored)>,
    /// Posts beside the document that may be one item with some of its own.
    pub company: Vec<(usize, Stored)>,
    /// The document before this one, if there is one.
    pub prev: Option<End>,
    /// The document after this one, where its end is known. It may not be complete yet: who asks for it then is led to
    /// the current feed. Told all the same, as this document does not change when that one becomes complete.
    pub next: Option<End>,
    /// Whether no post of it, nor a nearer neighbour, can be found any more. No part of the version: it says nothing of
    /// what the document is now.
    pub settled: bool,
    /// Whether its files have addresses of their own.
    pub own: bool,
}

impl Archive {
    /// The document of the feed `spec` that ends there, whose stored channels are `ids`; `None` if there is none, or not
    /// yet.
    pub fn find(
        store: &dyn Store,
        spec: &FeedSpec,
        ids: &[ChannelId],
        end: End,
        media: &Addresses,
    ) -> Result<Option<Self>, Error> {
        let found = match (end, spec.channels.len(), ids) {
            (End::Post(before), 1, [id]) => Self::read(store, *id, before)?,
            (End::Time(until), channels @ 2.., _) => days::read(store, ids, ids.len() == channels, until)?,
            _ => None,
        };
        let Some(found) = found else { return Ok(None) };
        let mut archive = found.in_company(store, spec.settings.merge_seconds)?;
        answer(store, &archive.channels, &mut archive.posts)?;
        answer(store, &archive.channels, &mut archive.company)?;
        archive.own = media.are_own();
        for (index, stored) in archive.posts.iter_mut().chain(&mut archive.company) {
            media.give(&archive.channels[*index], &mut stored.post);
        }
        Ok(Some(archive))
    }

    /// With the posts beside it. It is not settled while something may still come to its last post's side.
    fn in_company(mut self, store: &dyn Store, merge_seconds: u32) -> Result<Self, Error> {
        for (index, channel) in self.channels.iter().enumerate().filter(|_| merge_seconds > 0) {
            let own = || self.posts.iter().filter(|(of, _)| *of == index).map(|(_, stored)| stored);
            let Some(oldest) = own().min_by_key(|stored| stored.post.id) else { continue };
            let Some(newest) = own().max_by_key(|stored| stored.post.id) else { continue };
            let before = company::before(store, channel.id, oldest, merge_seconds)?;
            let after = company::after(store, channel.id, newest, merge_seconds)?;
            let last = after.last().unwrap_or(newest).post.id;
            self.settled &= store.head(channel.id).newest.is_some_and(|newest| newest > last);
            self.company.extend(before.into_iter().chain(after).map(|stored| (index, stored)));
        }
        Ok(self)
    }

    /// The document of a channel that ends before `before`. `None` unless there is a post from there on.
    fn read(store: &dyn Store, id: ChannelId, before: PostId) -> Result<Option<Self>, Error> {
        let complete = store.head(id).newest.is_some_and(|newest| newest >= before);
        let Some(channel) = store.channel_by_id(id)?.filter(|_| complete) else { return Ok(None) };
        // Before the posts: what it calls settled is stored by then.
        let extent = Extent::read(store, id)?;
        let last = before.0.saturating_sub(1);
        let start = start_of_block(last);
        let mut posts = store.latest(id, Some(before), BLOCK as usize)?;
        posts.retain(|stored| stored.post.id.0 >= start);
        let older = post_before(store, id, PostId(start))?;
        let newer = store.following(id, PostId(last), 1)?.pop().map_or(before, |stored| stored.post.id);
        Ok(Some(Self {
            channels: vec![channel],
            posts: posts.into_iter().map(|stored| (0, stored)).collect(),
            company: Vec::new(),
            prev: older.map(|post| End::Post(document_with(post, PostId(start)))),
            next: (before.0 == end_of_block(last)).then(|| End::Post(PostId(end_of_block(newer.0)))),
            settled: extent.is_settled(older, newer),
            own: false,
        }))
    }

    /// The version of the document, set up as it is since `since`, whose `identity` is that of all that it depends on
    /// beside the store. A neighbour that is found changes it and leaves no time in it, so there is one to tell only once
    /// it is settled.
    pub fn version(&self, identity: u64, since: Time) -> Version {
        let mut digest = Sha256::new();
        for Channel { slug, current_slug, info, .. } in &self.channels {
            digest.update(format!("{slug}\n{current_slug}\n{:?}\n{:?}\n", info.title, info.description));
        }
        digest.update(format!("{:?} {:?}", self.prev, self.next));
        for (channel, stored) in self.posts.iter().chain(&self.company) {
            digest.update((*channel as u64).to_be_bytes());
            digest.update(stored.post.id.0.to_be_bytes());
            // What stands for the posts' files may change without a record, and be the same after one.
            if self.own {
                digest.update(format!("{:?} {} {:?}", stored.post, stored.updated, stored.deleted));
            } else {
                digest.update(stored.sequence.to_be_bytes());
            }
            let answered = stored.post.reply.as_ref().and_then(|reply| reply.href.as_deref());
            digest.update(answered.unwrap_or_default());
        }
        let changed = self
            .posts
            .iter()
            .chain(&self.company)
            .map(|(_, stored)| last_change(stored))
            .max()
            .unwrap_or(BEFORE_ANY_POST);
        let told = self.channels.iter().map(|channel| channel.info_seen);
        Version {
            identity,
            heads: first_bytes(digest),
            sequence: self.posts.iter().chain(&self.company).map(|(_, stored)| stored.sequence).max().unwrap_or(0),
            changed,
            modified: self.settled.then(|| whole_second(told.chain([changed, since]).max().unwrap_or(since))),
        }
    }
}

/// What the newest document ends before, for a feed that looked at the posts `seen`, newest first, and has nothing more
/// to say of those that are `settled`: it shows them, or does not want them. `None` when it leaves nothing out.
pub fn behind(
    store: &dyn Store,
    id: ChannelId,
    seen: &[PostId],
    settled: impl Fn(PostId) -> bool,
) -> Result<Option<PostId>, Error> {
    let run = seen.iter().copied().take_while(|post| settled(*post)).last();
    let (Some(oldest), Some(newest)) = (run.or(seen.first().copied()), store.head(id).newest) else { return Ok(None) };
    if post_before(store, id, oldest)?.is_none() {
        return Ok(None);
    }
    let step = oldest.0.saturating_sub(1).div_ceil(STEP).saturating_mul(STEP).saturating_add(1);
    let limit = if step <= newest.0 { PostId(step) } else { oldest };
    Ok(post_before(store, id, limit)?.map(|post| document_with(post, limit)))
}

fn post_before(store: &dyn Store, id: ChannelId, limit: PostId) -> Result<Option<PostId>, Error> {
    Ok(store.latest(id, Some(limit), 1)?.pop().map(|stored| stored.post.id))
}

/// The document with `post`, not reaching beyond `limit`.
fn document_with(post: PostId, limit: PostId) -> PostId {
    limit.min(PostId(end_of_block(post.0)))
}

/// Blocks begin at 1, 101, 201 and so on.
fn start_of_block(id: u64) -> u64 {
    id.saturating_sub(1) / BLOCK * BLOCK + 1
}

/// Where the next one begins.
fn end_of_block(id: u64) -> u64 {
    start_of_block(id).saturating_add(BLOCK)
}

/// When the stored post last became another in any way.
fn last_change(stored: &Stored) -> Time {
    let Stored { first_seen, updated, renewed, deleted, .. } = stored;
    (*first_seen).max(*updated).max(*renewed).max(deleted.unwrap_or(*first_seen))
}

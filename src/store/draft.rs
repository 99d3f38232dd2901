//! What a few lines of the journal change in the index: entries, heads, and how many posts are new.
//! Knows the entries' shapes, but not sled.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    Change, ChangeKind, Error, Head,
    index::Index,
    keys,
    line::{Line, Record},
    survey::Position,
};
use crate::model::{Channel, ChannelId, PostId};

/// Where a revision stands in the journal, and why it was written.
#[derive(Serialize, Deserialize)]
pub struct Pointer {
    pub kind: ChangeKind,
    pub place: Position,
}

/// New values by key; `None` removes.
pub type Entries = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub struct Draft<'a> {
    index: &'a Index,
    entries: Entries,
    heads: HashMap<ChannelId, Head>,
    /// Posts that the index does not have yet.
    added: HashSet<(ChannelId, PostId)>,
}

impl<'a> Draft<'a> {
    /// Of changes to `index`, which is only read.
    pub fn new(index: &'a Index) -> Self {
        Self { index, entries: Entries::new(), heads: HashMap::new(), added: HashSet::new() }
    }

    pub fn add(&mut self, place: Position, line: &Line) -> Result<(), Error> {
        let mut says = true;
        match &line.record {
            Record::Channel(channel) => says = self.add_channel(channel)?,
            Record::Change(change) => says = self.add_change(place, line.seq, change)?,
            Record::State { key, value } => self.put(keys::text(keys::STATE, key), serde_json::to_vec(value)?),
            Record::StateRemoved { key } => drop(self.entries.insert(keys::text(keys::STATE, key), None)),
        }
        if let Some(channel) = line.record.channel() {
            let head = self.head(channel)?;
            head.sequence = line.seq;
            head.changed = Some(line.at);
            if says {
                (head.said, head.said_at) = (line.seq, Some(line.at));
            }
        }
        Ok(())
    }

    /// The entries to write, the heads that moved, and the number of posts that are new.
    pub fn finish(mut self) -> Result<(Entries, HashMap<ChannelId, Head>, u64), Error> {
        for (channel, head) in &self.heads {
            self.entries.insert(keys::channel(keys::HEAD, *channel), Some(serde_json::to_vec(head)?));
        }
        Ok((self.entries, self.heads, self.added.len() as u64))
    }

    /// Whether it says more than another address of the channel's picture.
    fn add_channel(&mut self, channel: &Channel) -> Result<bool, Error> {
        let before = self.index.channel_by_id(channel.id)?;
        let says = before.is_none_or(|before| !channel.is_same_but_for_addresses(&before));
        self.put(keys::channel(keys::CHANNEL, channel.id), serde_json::to_vec(channel)?);
        // The names it had before keep leading to it, until another channel is stored under them.
        self.put(keys::text(keys::NAME, &channel.name.key()), channel.id.0.to_be_bytes().to_vec());
        for name in &channel.names {
            let key = keys::text(keys::NAME, &name.key());
            if !self.entries.contains_key(&key) && self.index.channel(name)?.is_none() {
                self.put(key, channel.id.0.to_be_bytes().to_vec());
            }
        }
        Ok(says)
    }

    /// Whether it says more than other addresses of the post's files.
    fn add_change(&mut self, place: Position, sequence: u64, change: &Change) -> Result<bool, Error> {
        let Change { kind, channel, stored } = change;
        let id = stored.post.id;
        let before = if *kind == ChangeKind::Renewed { self.index.post(*channel, id)? } else { None };
        let says = before.is_none_or(|before| !stored.post.is_same_but_for_addresses(&before.post));
        let own = id.0.to_be_bytes().to_vec();
        let fresh = !self.index.has_post(*channel, id)? && self.added.insert((*channel, id));
        self.put(keys::of_channel(keys::POST, *channel, id.0), serde_json::to_vec(stored)?);
        for member in &stored.post.members {
            self.put(keys::of_channel(keys::MEMBER, *channel, member.0), own.clone());
        }
        let pointer = serde_json::to_vec(&Pointer { kind: *kind, place })?;
        self.put(keys::revision(*channel, id, sequence), pointer);
        if !matches!(kind, ChangeKind::New | ChangeKind::Renewed) {
            self.put(keys::of_channel(keys::CHANGED, *channel, sequence), own);
        }
        let head = self.head(*channel)?;
        head.posts += u64::from(fresh);
        if head.newest.is_none_or(|newest| newest <= id) {
            head.newest = Some(id);
            head.newest_published = Some(stored.published);
        }
        Ok(says)
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.entries.insert(key, Some(value));
    }

    fn head(&mut self, channel: ChannelId) -> Result<&mut Head, Error> {
        if !self.heads.contains_key(&channel) {
            let head = self.index.head(channel)?.unwrap_or_default();
            self.heads.insert(channel, head);
        }
        Ok(self.heads.entry(channel).or_default())
    }
}

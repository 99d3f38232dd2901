//! Exported posts back into a store. What is there already stays as it is, so that a second import adds nothing and one
//! that was interrupted is taken up again.

use std::{
    collections::{HashMap, HashSet},
    io::BufRead,
};

use crate::{
    diff,
    model::{Change, Channel, ChannelId, ChannelName, PostId, Stored, Time},
    store::{Batch, Entry, Error, Record, Store},
};

/// Changes that one commit may hold.
const LARGEST_BATCH: usize = 512;

/// What an import brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub revisions: u64,
    /// Revisions that the store had already.
    pub known: u64,
    /// Channels whose name belongs to another channel in this store; nothing of them was taken.
    pub displaced: Vec<ChannelName>,
}

#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("line {0} cannot be read: {1}")]
    Read(usize, std::io::Error),
    #[error("line {0} is no exported post: {1}")]
    Line(usize, serde_json::Error),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Takes every line of `lines` that `store` lacks.
pub fn restore(store: &dyn Store, lines: impl BufRead) -> Result<Restored, Failed> {
    let mut restorer = Restorer::new(store);
    for (index, line) in lines.lines().enumerate() {
        let line = line.map_err(|error| Failed::Read(index + 1, error))?;
        if !line.trim().is_empty() {
            restorer.take(serde_json::from_str(&line).map_err(|error| Failed::Line(index + 1, error))?)?;
        }
    }
    restorer.commit()?;
    Ok(restorer.restored)
}

struct Restorer<'a> {
    store: &'a dyn Store,
    restored: Restored,
    /// Up to when a channel was known before the import.
    heads: HashMap<ChannelId, Option<Time>>,
    /// Posts that came with this import: all their later revisions follow.
    begun: HashSet<(ChannelId, PostId)>,
    displaced: HashSet<ChannelId>,
    /// The batch to be committed next, all of one channel and one time.
    batch: Batch,
    of: Option<(ChannelId, Time)>,
}

impl<'a> Restorer<'a> {
    fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            restored: Restored::default(),
            heads: HashMap::new(),
            begun: HashSet::new(),
            displaced: HashSet::new(),
            batch: Batch::default(),
            of: None,
        }
    }

    fn take(&mut self, entry: Entry) -> Result<(), Failed> {
        let Some(id) = entry.record.channel() else { return Ok(()) };
        let head = *self.heads.entry(id).or_insert_with(|| self.store.head(id).changed);
        // The store lets no time of a channel go backwards, so what is older comes in at once.
        let at = head.map_or(entry.at, |head| head.max(entry.at));
        if self.of != Some((id, at)) || self.batch.changes.len() >= LARGEST_BATCH {
            self.commit()?;
            self.of = Some((id, at));
        }
        match entry.record {
            Record::Channel(channel) => self.take_channel(channel),
            Record::Change(change) => self.take_change(change, head.is_none_or(|head| entry.at > head)),
            Record::State { .. } | Record::StateRemoved { .. } => Ok(()),
        }
    }

    /// What the store knows of a channel gives way only to what was seen later, and its guids never do.
    fn take_channel(&mut self, channel: Channel) -> Result<(), Failed> {
        if self.store.channel(&channel.name)?.is_some_and(|named| named.id != channel.id) {
            self.displaced.insert(channel.id);
            self.restored.displaced.push(channel.name);
            return Ok(());
        }
        self.batch.channel = match self.store.channel_by_id(channel.id)? {
            None => Some(channel),
            Some(known) if known.info_seen < channel.info_seen => {
                Some(Channel { slug: known.slug, first_seen: known.first_seen, ..channel })
            }
            Some(_) => return Ok(()),
        };
        Ok(())
    }

    /// `is_later`: than everything that the store knew of the channel.
    fn take_change(&mut self, change: Change, is_later: bool) -> Result<(), Failed> {
        let key = (change.channel, change.stored.post.id);
        if self.displaced.contains(&change.channel) {
            return Ok(());
        }
        let wanted = is_later || self.begun.contains(&key) || !self.is_known(change.channel, &change.stored)?;
        if !wanted {
            self.restored.known += 1;
            return Ok(());
        }
        // One batch holds a post once; its order there is no one's promise.
        if self.batch.changes.iter().any(|other| other.stored.post.id == key.1) {
            self.commit()?;
        }
        self.begun.insert(key);
        self.batch.changes.push(change);
        Ok(())
    }

    fn is_known(&self, channel: ChannelId, stored: &Stored) -> Result<bool, Error> {
        let ids: Vec<_> = diff::ids(&stored.post).collect();
        Ok(!self.store.known(channel, &ids)?.is_empty())
    }

    fn commit(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        let count = batch.changes.len() as u64;
        if let Some((_, at)) = self.of.filter(|_| count > 0 || batch.channel.is_some()) {
            self.store.commit(at, batch)?;
            self.restored.revisions += count;
        }
        Ok(())
    }
}

//! A store in memory that counts its reads and can be broken. It keeps all that a store promises, but the restart.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use chrono::TimeDelta;
use feedbridge::{
    model::{Change, ChangeKind, Channel, ChannelId, ChannelName, PostId, Stored, Time},
    store::{Batch, Error, Head, Revision, Stats, Store},
};
use serde_json::Value;

#[derive(Default)]
pub struct Memory {
    kept: Mutex<Kept>,
    broken: AtomicBool,
    reads: AtomicUsize,
    /// Taken by every read of posts, so that a test can hold them up.
    pub gate: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    sequence: u64,
    channels: BTreeMap<ChannelId, Channel>,
    names: HashMap<String, ChannelId>,
    posts: BTreeMap<(ChannelId, PostId), Stored>,
    heads: HashMap<ChannelId, Head>,
    revisions: Vec<(ChannelId, Revision)>,
    states: BTreeMap<String, Value>,
    hints: HashMap<String, Value>,
}

impl Kept {
    /// The next record of the channel, dated `at`.
    fn record(&mut self, channel: ChannelId, says: bool, at: Time) {
        self.sequence += 1;
        let head = self.heads.entry(channel).or_default();
        (head.sequence, head.changed) = (self.sequence, Some(at));
        if says {
            (head.said, head.said_at) = (head.sequence, head.changed);
        }
    }

    fn add_channel(&mut self, channel: Channel, at: Time) {
        let says = self.channels.get(&channel.id).is_none_or(|before| !channel.is_same_but_for_addresses(before));
        self.record(channel.id, says, at);
        self.names.insert(channel.name.key(), channel.id);
        for name in &channel.names {
            self.names.entry(name.key()).or_insert(channel.id);
        }
        self.channels.insert(channel.id, channel);
    }

    fn add_change(&mut self, change: Change, at: Time) {
        let Change { kind, channel, stored } = change;
        let before = self.posts.get(&(channel, stored.post.id)).filter(|_| kind == ChangeKind::Renewed);
        let says = before.is_none_or(|before| !stored.post.is_same_but_for_addresses(&before.post));
        self.record(channel, says, at);
        let stored = Stored { sequence: self.sequence, ..stored };
        let id = stored.post.id;
        let head = self.heads.entry(channel).or_default();
        if head.newest.is_none_or(|newest| newest <= id) {
            (head.newest, head.newest_published) = (Some(id), Some(stored.published));
        }
        self.revisions.push((channel, Revision { at, kind, stored: stored.clone() }));
        let before = self.posts.insert((channel, id), stored);
        head.posts += u64::from(before.is_none());
    }
}

impl Memory {
    pub fn break_down(&self) {
        self.broken.store(true, SeqCst);
    }

    pub fn reads(&self) -> usize {
        self.reads.load(SeqCst)
    }

    fn read(&self) -> Result<MutexGuard<'_, Kept>, Error> {
        self.reads.fetch_add(1, SeqCst);
        if self.broken.load(SeqCst) {
            let source = io::ErrorKind::Other.into();
            return Err(Error::Io { what: "reading", path: "memory".to_owned(), source });
        }
        Ok(self.kept.lock().unwrap())
    }
}

impl Store for Memory {
    fn channel(&self, name: &ChannelName) -> Result<Option<Channel>, Error> {
        let kept = self.read()?;
        Ok(kept.names.get(&name.key()).and_then(|id| kept.channels.get(id)).cloned())
    }

    fn channel_by_id(&self, id: ChannelId) -> Result<Option<Channel>, Error> {
        Ok(self.read()?.channels.get(&id).cloned())
    }

    fn channels(&self) -> Result<Vec<Channel>, Error> {
        Ok(self.read()?.channels.values().cloned().collect())
    }

    fn latest(&self, channel: ChannelId, before: Option<PostId>, limit: usize) -> Result<Vec<Stored>, Error> {
        let _held_up = self.gate.lock().unwrap();
        let kept = self.read()?;
        let newest_first =
            kept.posts.iter().rev().filter(|((of, id), _)| *of == channel && before.is_none_or(|before| *id < before));
        Ok(newest_first.take(limit).map(|(_, stored)| stored.clone()).collect())
    }

    fn changed(&self, channel: ChannelId, limit: usize) -> Result<Vec<Stored>, Error> {
        let kept = self.read()?;
        let is_change = |kind: ChangeKind| !matches!(kind, ChangeKind::New | ChangeKind::Renewed);
        let mut seen = HashSet::new();
        let latest_first =
            kept.revisions.iter().rev().filter(|(of, revision)| *of == channel && is_change(revision.kind));
        let ids = latest_first.map(|(_, revision)| revision.stored.post.id).filter(|id| seen.insert(*id)).take(limit);
        Ok(ids.filter_map(|id| kept.posts.get(&(channel, id))).cloned().collect())
    }

    fn head(&self, channel: ChannelId) -> Head {
        self.kept.lock().unwrap().heads.get(&channel).copied().unwrap_or_default()
    }

    fn commit(&self, at: Time, batch: Batch) -> Result<(), Error> {
        let mut kept = self.kept.lock().unwrap();
        if let Some((channel, expected)) = batch.expected {
            kept.heads.get(&channel).copied().unwrap_or_default().expect(channel, expected)?;
        }
        // All records of a batch are dated by what was before it, as they are when a journal is replayed.
        let before: HashMap<ChannelId, Head> = kept.heads.clone();
        let dated = |channel: &ChannelId| {
            let changed = before.get(channel).and_then(|head| head.changed);
            changed.map_or(at, |changed| at.max(changed + TimeDelta::seconds(1)))
        };
        if let Some(channel) = batch.channel {
            let at = dated(&channel.id);
            kept.add_channel(channel, at);
        }
        for change in batch.changes {
            let at = dated(&change.channel);
            kept.add_change(change, at);
        }
        for (key, value) in batch.states {
            match value {
                Some(value) => kept.states.insert(key, value),
                None => kept.states.remove(&key),
            };
        }
        Ok(())
    }

    fn stats(&self) -> Stats {
        let kept = self.kept.lock().unwrap();
        Stats { posts: kept.posts.len() as u64, sequence: kept.sequence, ..Stats::default() }
    }

    fn post(&self, channel: ChannelId, id: PostId) -> Result<Option<Stored>, Error> {
        Ok(self.read()?.posts.get(&(channel, id)).cloned())
    }

    fn known(&self, channel: ChannelId, ids: &[PostId]) -> Result<Vec<Stored>, Error> {
        let kept = self.read()?;
        let of_channel = kept.posts.iter().filter(|((of, _), _)| *of == channel).map(|(_, stored)| stored);
        let belongs = |stored: &&Stored| ids.iter().any(|id| stored.post.id == *id || stored.post.members.contains(id));
        Ok(of_channel.filter(belongs).cloned().collect())
    }

    fn following(&self, channel: ChannelId, after: PostId, limit: usize) -> Result<Vec<Stored>, Error> {
        let kept = self.read()?;
        let oldest_first = kept.posts.iter().filter(|((of, id), _)| *of == channel && *id > after);
        Ok(oldest_first.take(limit).map(|(_, stored)| stored.clone()).collect())
    }

    fn revisions(&self, channel: ChannelId, id: PostId) -> Result<Vec<Revision>, Error> {
        let kept = self.read()?;
        let of_post = kept.revisions.iter().filter(|(of, revision)| (*of, revision.stored.post.id) == (channel, id));
        let of_post = of_post.filter(|(_, revision)| revision.kind != ChangeKind::Renewed);
        Ok(of_post.map(|(_, revision)| revision.clone()).collect())
    }

    fn state(&self, key: &str) -> Result<Option<Value>, Error> {
        Ok(self.read()?.states.get(key).cloned())
    }

    fn states(&self, prefix: &str) -> Result<Vec<(String, Value)>, Error> {
        let kept = self.read()?;
        let named = kept.states.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(named.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn hint(&self, key: &str) -> Result<Option<Value>, Error> {
        Ok(self.read()?.hints.get(key).cloned())
    }

    fn set_hint(&self, key: &str, value: &Value) -> Result<(), Error> {
        self.read()?.hints.insert(key.to_owned(), value.clone());
        Ok(())
    }

    fn flush_hints(&self) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

//! A store in memory that counts its reads and can be broken.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use feedbridge::{
    model::{Channel, ChannelId, ChannelName, PostId, Stored, Time},
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
    posts: BTreeMap<(ChannelId, PostId), Stored>,
    heads: HashMap<ChannelId, Head>,
    revisions: Vec<(ChannelId, Revision)>,
    states: BTreeMap<String, Value>,
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
        Ok(self.read()?.channels.values().find(|channel| channel.goes_by(name)).cloned())
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
        let of_channel = kept.posts.iter().filter(|((id, _), _)| *id == channel).map(|(_, stored)| stored);
        let mut changed: Vec<Stored> =
            of_channel.filter(|stored| stored.revisions > 1 || stored.deleted.is_some()).cloned().collect();
        changed.sort_by_key(|stored| std::cmp::Reverse(stored.sequence));
        changed.truncate(limit);
        Ok(changed)
    }

    fn head(&self, channel: ChannelId) -> Head {
        self.kept.lock().unwrap().heads.get(&channel).copied().unwrap_or_default()
    }

    fn commit(&self, at: Time, batch: Batch) -> Result<(), Error> {
        let mut kept = self.kept.lock().unwrap();
        if let Some(channel) = batch.channel {
            kept.sequence += 1;
            let sequence = kept.sequence;
            let head = kept.heads.entry(channel.id).or_default();
            (head.sequence, head.changed) = (sequence, Some(at));
            kept.channels.insert(channel.id, channel);
        }
        for (key, value) in batch.states {
            match value {
                Some(value) => kept.states.insert(key, value),
                None => kept.states.remove(&key),
            };
        }
        for change in batch.changes {
            kept.sequence += 1;
            let stored = Stored { sequence: kept.sequence, ..change.stored };
            let revision = Revision { at, kind: change.kind, stored: stored.clone() };
            kept.revisions.push((change.channel, revision));
            let before = kept.heads.get(&change.channel).copied().unwrap_or_default();
            let newest = before.newest.is_none_or(|newest| newest <= stored.post.id);
            let head = Head {
                sequence: stored.sequence,
                changed: Some(at),
                posts: 0,
                newest: if newest { Some(stored.post.id) } else { before.newest },
                newest_published: if newest { Some(stored.published) } else { before.newest_published },
            };
            kept.posts.insert((change.channel, stored.post.id), stored);
            let posts = kept.posts.keys().filter(|(channel, _)| *channel == change.channel).count() as u64;
            kept.heads.insert(change.channel, Head { posts, ..head });
        }
        Ok(())
    }

    fn stats(&self) -> Stats {
        let kept = self.kept.lock().unwrap();
        Stats { posts: kept.posts.len() as u64, sequence: kept.sequence, ..Stats::default() }
    }

    fn post(&self, _: ChannelId, _: PostId) -> Result<Option<Stored>, Error> {
        unreachable!("serving reads posts by the page")
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

    fn hint(&self, _: &str) -> Result<Option<Value>, Error> {
        unreachable!("serving keeps no state")
    }

    fn set_hint(&self, _: &str, _: &Value) -> Result<(), Error> {
        unreachable!("serving keeps no state")
    }

    fn flush_hints(&self) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

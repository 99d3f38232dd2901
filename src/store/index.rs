//! The index: sled, in one tree, because its batches are atomic for one tree only. Everything in it but the hints
//! follows from the journal. The only file that knows sled, which may panic in any call when its files are damaged
//! or its disk is full: nothing here is safe to call outside [`guarded`].

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sled::{Batch, Db};

use super::{
    ChangeKind, Error, Head,
    draft::{Draft, Pointer},
    keys,
    line::Line,
    survey::{Mark, Position},
};
use crate::model::{Channel, ChannelId, ChannelName, PostId, Stored};

/// Memory comes to three or four times this.
const CACHE_BYTES: u64 = 48 << 20;
/// Only bounds how much is replayed after a crash; durability is the journal's.
const FLUSH_EVERY_MS: u64 = 1000;
/// So long a lock on the index is waited for, looking again this often.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Raised when the keys or values change, so that an older index is rebuilt.
const FORMAT: u32 = 2;

/// What the index says of itself, written with every batch.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Meta {
    format: u32,
    pub mark: Mark,
    posts: u64,
    /// Sum of [`print`] over all entries that follow from the journal. Without it sled could hand out
    /// an older page in place of a damaged one, and nothing would tell.
    prints: u64,
}

impl Meta {
    const EMPTY: Self = Self { format: FORMAT, mark: Mark::START, posts: 0, prints: 0 };
}

/// An open index. The database is there until the value is dropped.
pub struct Index(Option<Db>);

/// Runs `calls` on the index and turns a panic into an error.
pub fn guarded<T>(calls: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(calls)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(broken(said.unwrap_or("it panicked")))
    })
}

fn broken(cause: impl Display) -> Error {
    Error::Index(cause.to_string())
}

impl Drop for Index {
    fn drop(&mut self) {
        let database = self.0.take();
        // Closing writes, so it can fail as any call; the journal has everything.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

/// The store's own lock keeps other processes out, so whoever holds sled's is this one: the threads of a database that
/// was just closed, which end a moment later, or a child that has not yet closed what it inherited.
fn is_locked(error: &sled::Error) -> bool {
    // sled wraps the cause into an error of its own, whose words are all that is left of it.
    matches!(error, sled::Error::Io(cause) if cause.to_string().contains("could not acquire lock"))
}

impl Index {
    /// Opens or creates the index.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(Some(FLUSH_EVERY_MS));
        let patience = Instant::now() + LOCK_PATIENCE;
        loop {
            match config.open() {
                Err(error) if is_locked(&error) && Instant::now() < patience => thread::sleep(LOCK_PAUSE),
                opened => return Ok(Self(Some(opened.map_err(broken)?))),
            }
        }
    }

    /// An empty index in memory, gone when it is dropped.
    pub fn in_memory() -> Result<Self, Error> {
        let config = sled::Config::new().temporary(true).cache_capacity(CACHE_BYTES);
        Ok(Self(Some(config.open().map_err(broken)?)))
    }

    fn tree(&self) -> &sled::Tree {
        self.0.as_ref().expect("the database is taken only by drop")
    }

    /// Reads every entry and holds all of them against what the index says of itself.
    pub fn audit(&self) -> Result<Meta, Error> {
        let meta: Meta = self.get(keys::META)?.unwrap_or(Meta::EMPTY);
        if meta.format != FORMAT {
            return Err(broken("it was written by another version"));
        }
        let (mut posts, mut prints) = (0, 0u64);
        for entry in self.tree().iter() {
            let (key, value) = entry.map_err(broken)?;
            posts += u64::from(key.first() == Some(&keys::POST));
            if key != keys::META && key.first() != Some(&keys::HINT) {
                prints = prints.wrapping_add(print(&key, &value));
            }
        }
        if posts != meta.posts {
            return Err(broken(format!("it has {posts} posts and says {}", meta.posts)));
        }
        if prints == meta.prints { Ok(meta) } else { Err(broken("its entries are not those that were written")) }
    }

    pub fn heads(&self) -> Result<HashMap<ChannelId, Head>, Error> {
        let entries = self.tree().scan_prefix([keys::HEAD]);
        entries
            .map(|entry| entry.map_err(broken).and_then(|(key, value)| Ok((channel_in(&key)?, read(&value)?))))
            .collect()
    }

    /// Indexes `lines`, which stand in the journal at their positions and end at `mark`, all or none of them.
    /// Returns the heads that moved.
    pub fn apply(&self, lines: &[(Position, Line)], mark: Mark) -> Result<HashMap<ChannelId, Head>, Error> {
        let mut draft = Draft::new(self);
        for (place, line) in lines {
            draft.add(*place, line)?;
        }
        let (entries, heads, added) = draft.finish()?;
        let mut meta = self.get(keys::META)?.unwrap_or(Meta::EMPTY);
        let mut batch = Batch::default();
        for (key, value) in entries {
            if let Some(old) = self.tree().get(&key).map_err(broken)? {
                meta.prints = meta.prints.wrapping_sub(print(&key, &old));
            }
            match value {
                Some(value) => {
                    meta.prints = meta.prints.wrapping_add(print(&key, &value));
                    batch.insert(key, value);
                }
                None => batch.remove(key),
            }
        }
        meta.mark = mark;
        meta.posts += added;
        batch.insert(keys::META, serde_json::to_vec(&meta)?);
        self.tree().apply_batch(batch).map_err(broken)?;
        Ok(heads)
    }

    pub fn channel(&self, name: &ChannelName) -> Result<Option<Channel>, Error> {
        match self.tree().get(keys::text(keys::NAME, &name.key())).map_err(broken)? {
            Some(id) => {
                self.channel_by_id(ChannelId(keys::number(&id, 0).ok_or_else(|| broken("a name leads nowhere"))?))
            }
            None => Ok(None),
        }
    }

    pub fn channel_by_id(&self, id: ChannelId) -> Result<Option<Channel>, Error> {
        self.get(keys::channel(keys::CHANNEL, id))
    }

    pub fn channels(&self) -> Result<Vec<Channel>, Error> {
        values(self.tree().scan_prefix([keys::CHANNEL]))
    }

    pub fn post(&self, channel: ChannelId, id: PostId) -> Result<Option<Stored>, Error> {
        self.get(keys::of_channel(keys::POST, channel, id.0))
    }

    pub fn known(&self, channel: ChannelId, ids: &[PostId]) -> Result<Vec<Stored>, Error> {
        let mut found = BTreeMap::new();
        for id in ids {
            let owner = self.tree().get(keys::of_channel(keys::MEMBER, channel, id.0)).map_err(broken)?;
            let owner = owner.and_then(|owner| keys::number(&owner, 0)).map(PostId);
            for id in owner.into_iter().chain([*id]) {
                if let Some(stored) = self.post(channel, id)? {
                    found.insert(id, stored);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    pub fn latest(&self, channel: ChannelId, before: Option<PostId>, limit: usize) -> Result<Vec<Stored>, Error> {
        let first = keys::of_channel(keys::POST, channel, 0);
        let range = match before {
            Some(before) => self.tree().range(first..keys::of_channel(keys::POST, channel, before.0)),
            None => self.tree().range(first..=keys::of_channel(keys::POST, channel, u64::MAX)),
        };
        values(range.rev().take(limit))
    }

    pub fn following(&self, channel: ChannelId, after: PostId, limit: usize) -> Result<Vec<Stored>, Error> {
        let Some(first) = after.0.checked_add(1) else { return Ok(Vec::new()) };
        let last = keys::of_channel(keys::POST, channel, u64::MAX);
        values(self.tree().range(keys::of_channel(keys::POST, channel, first)..=last).take(limit))
    }

    pub fn changed(&self, channel: ChannelId, limit: usize) -> Result<Vec<Stored>, Error> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for entry in self.tree().scan_prefix(keys::channel(keys::CHANGED, channel)).rev() {
            if found.len() == limit {
                break;
            }
            let (_, value) = entry.map_err(broken)?;
            let id = keys::number(&value, 0).map(PostId).ok_or_else(|| broken("a change leads nowhere"))?;
            if seen.insert(id) {
                found.push(self.post(channel, id)?.ok_or_else(|| broken("a changed post is missing"))?);
            }
        }
        Ok(found)
    }

    /// Where the revisions of a post stand in the journal, oldest first, renewals left out.
    pub fn revisions(&self, channel: ChannelId, id: PostId) -> Result<Vec<Position>, Error> {
        let pointers: Vec<Pointer> = values(self.tree().scan_prefix(keys::of_channel(keys::REVISION, channel, id.0)))?;
        Ok(pointers.into_iter().filter(|to| to.kind != ChangeKind::Renewed).map(|to| to.place).collect())
    }

    /// The changes whose records have `numbers`: channel, post, number, and why the record was written.
    pub fn changes(&self, numbers: &HashSet<u64>) -> Result<Vec<(ChannelId, PostId, u64, ChangeKind)>, Error> {
        let mut found = Vec::new();
        for entry in self.tree().scan_prefix([keys::REVISION]) {
            let (key, value) = entry.map_err(broken)?;
            let number = |from| keys::number(&key, from).ok_or_else(|| broken("a key is too short"));
            let sequence = number(17)?;
            if numbers.contains(&sequence) {
                let Pointer { kind, .. } = read(&value)?;
                found.push((ChannelId(number(1)?), PostId(number(9)?), sequence, kind));
            }
        }
        Ok(found)
    }

    /// All that a journal of format 1 says of small state.
    pub fn states(&self) -> Result<Vec<(String, Value)>, Error> {
        let entries = self.tree().scan_prefix([keys::STATE]);
        let named = entries.map(|entry| {
            let (key, value) = entry.map_err(broken)?;
            Ok((String::from_utf8(key[1..].to_vec()).map_err(broken)?, read(&value)?))
        });
        named.collect()
    }

    pub fn hint(&self, key: &str) -> Result<Option<Value>, Error> {
        self.get(keys::text(keys::HINT, key))
    }

    pub fn set_hint(&self, key: &str, value: &Value) -> Result<(), Error> {
        let value = serde_json::to_vec(value)?;
        self.tree().insert(keys::text(keys::HINT, key), value).map(drop).map_err(broken)
    }

    pub fn flush(&self) -> Result<(), Error> {
        self.tree().flush().map(drop).map_err(broken)
    }

    pub fn has_post(&self, channel: ChannelId, id: PostId) -> Result<bool, Error> {
        self.tree().contains_key(keys::of_channel(keys::POST, channel, id.0)).map_err(broken)
    }

    pub fn head(&self, channel: ChannelId) -> Result<Option<Head>, Error> {
        self.get(keys::channel(keys::HEAD, channel))
    }

    fn get<T: DeserializeOwned>(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, Error> {
        self.tree().get(key).map_err(broken)?.map(|value| read(&value)).transpose()
    }
}

/// A number that tells an entry from what it was before.
fn print(key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(value);
    u64::from(hasher.finalize())
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value).map_err(broken)
}

fn values<T: DeserializeOwned>(
    entries: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
) -> Result<Vec<T>, Error> {
    entries.map(|entry| entry.map_err(broken).and_then(|(_, value)| read(&value))).collect()
}

fn channel_in(key: &[u8]) -> Result<ChannelId, Error> {
    keys::number(key, 1).map(ChannelId).ok_or_else(|| broken("a key is too short"))
}

//! What is kept: every revision of every post, and the little state that must outlive a restart.
//! The only door to storage; nothing above knows which implementation stands behind [`Store`].
//! All calls block, so async code makes them through `spawn_blocking`.

mod check;
mod draft;
mod extent;
mod handle;
mod index;
mod journal;
mod keys;
mod line;
mod local;
mod lock;
mod records;
mod recover;
mod salvage;
mod small;
mod survey;

pub use check::{Check, IndexState, check};
pub use extent::{Extent, Gap, gaps_state, whole_state};
pub use handle::{Handle, Stopped};
pub use line::Record;
pub use local::{Local, Opened};
pub use records::{Entry, Records, records};

use std::{io, iter, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::StoreConfig;
use crate::model::{Change, ChangeKind, Channel, ChannelId, ChannelName, PostId, Stored, Time};

/// What one call of [`Store::commit`] makes durable, all or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// A channel that is new or whose description changed.
    pub channel: Option<Channel>,
    pub changes: Vec<Change>,
    /// Small durable values by key; `None` removes.
    pub states: Vec<(String, Option<Value>)>,
    /// The channel whose posts the batch was decided by, and its [`Head::sequence`] before they were read: where that is
    /// another one by now, the batch is refused with [`Error::Conflict`].
    pub expected: Option<(ChannelId, u64)>,
}

/// Where a channel stands; decides the version of its feeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Sequence number of the newest record of the channel.
    pub sequence: u64,
    /// Of the newest one that changed more than the addresses of files: what readers are told by addresses of our own
    /// changes with these alone.
    pub said: u64,
    /// Time of that record, never going backwards, at least one second after the one before.
    pub changed: Option<Time>,
    /// The same of the record that is [`Head::said`].
    pub said_at: Option<Time>,
    pub posts: u64,
    pub newest: Option<PostId>,
    /// `published` of the newest post.
    pub newest_published: Option<Time>,
}

impl Head {
    /// For a store that is asked to commit what was decided when the `channel` stood at record `expected`.
    pub fn expect(&self, channel: ChannelId, expected: u64) -> Result<(), Error> {
        let found = self.sequence;
        if found == expected { Ok(()) } else { Err(Error::Conflict { channel, expected, found }) }
    }
}

/// One revision in the history of a post.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    pub at: Time,
    pub kind: ChangeKind,
    pub stored: Stored,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    pub posts: u64,
    pub sequence: u64,
    pub last_write: Option<Time>,
    /// Bytes of the journal on disk.
    pub journal_bytes: u64,
    /// Sequence numbers of journal lines that were found damaged at a start and could not be written again.
    pub damaged: Vec<u64>,
    /// Why writing fails at present, if it does.
    pub write_error: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} {path}: {source}; check the disk's space and the directory's permissions")]
    Io { what: &'static str, path: String, source: std::io::Error },
    #[error("the index failed: {0}; it is rebuilt from the journal at the next attempt")]
    Index(String),
    #[error(
        "the index {path} cannot be built from the journal: {reason}; no post is lost; check the disk's space and the \
         directory's permissions, and start again"
    )]
    Unbuilt { path: String, reason: String },
    #[error(
        "the store {path} was written by a newer feedbridge (format {format}, and this one knows {known}); start that one; \
         nothing was changed"
    )]
    Newer { path: String, format: u32, known: u32 },
    #[error(
        "channel {channel} has come to record {found} meanwhile; what was decided at record {expected} is out of date"
    )]
    Conflict { channel: ChannelId, expected: u64, found: u64 },
    #[error("another feedbridge already uses the store {0}; stop it first")]
    Locked(String),
    #[error("the record cannot be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

/// So often what was decided is decided anew; who loses as often meets more than bad luck.
const TRIES: usize = 10;

/// Does `work`, which reads, decides and commits, once more whenever its commit meets [`Error::Conflict`].
pub fn again<T, E: std::error::Error + 'static>(mut work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let is_conflict = |error: &E| {
        let causes = iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        causes.filter_map(|cause| cause.downcast_ref()).any(|cause| matches!(cause, Error::Conflict { .. }))
    };
    for _ in 1..TRIES {
        match work() {
            Err(error) if is_conflict(&error) => {}
            done => return done,
        }
    }
    work()
}

impl Error {
    /// For `map_err` on a call about `path`; `what` reads as the start of a sentence: "cannot open".
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.display().to_string(), source }
    }
}

/// Opens the store that `config` names, or creates it, and says what was found there. The only maker of stores: nobody
/// else knows which kinds there are. Blocks; [`Error::Locked`] while another process has it.
pub fn open(config: &StoreConfig) -> Result<(Arc<dyn Store>, Opened), Error> {
    let local = Local::open_with(&config.path, config.segment_bytes)?;
    let opened = local.opened().clone();
    Ok((Arc::new(local), opened))
}

/// Keeps channels, posts with all their revisions, and small state.
pub trait Store: Send + Sync {
    /// The channel that `name` was last stored under.
    fn channel(&self, name: &ChannelName) -> Result<Option<Channel>, Error>;
    fn channel_by_id(&self, id: ChannelId) -> Result<Option<Channel>, Error>;
    /// All channels, by id.
    fn channels(&self) -> Result<Vec<Channel>, Error>;
    fn post(&self, channel: ChannelId, id: PostId) -> Result<Option<Stored>, Error>;
    /// The stored posts that any of `ids` belongs to, as its own id or as a member of its album; each once, by id.
    fn known(&self, channel: ChannelId, ids: &[PostId]) -> Result<Vec<Stored>, Error>;
    /// At most `limit` posts with ids below `before` (all, if `None`), newest first.
    fn latest(&self, channel: ChannelId, before: Option<PostId>, limit: usize) -> Result<Vec<Stored>, Error>;
    /// At most `limit` posts with ids above `after`, oldest first.
    fn following(&self, channel: ChannelId, after: PostId, limit: usize) -> Result<Vec<Stored>, Error>;
    /// At most `limit` posts that were edited or deleted after they were first stored, most recent change first.
    fn changed(&self, channel: ChannelId, limit: usize) -> Result<Vec<Stored>, Error>;
    /// All revisions of a post, its deletions and its returns, oldest first; mere renewals are left out.
    fn revisions(&self, channel: ChannelId, id: PostId) -> Result<Vec<Revision>, Error>;
    /// Answered from memory: never touches the disk. The default for a channel that is not stored.
    fn head(&self, channel: ChannelId) -> Head;
    /// When it returns `Ok` the batch survives a power loss; when it returns `Err` nothing of it is visible.
    fn commit(&self, at: Time, batch: Batch) -> Result<(), Error>;
    fn state(&self, key: &str) -> Result<Option<Value>, Error>;
    /// All durable values whose key begins with `prefix`, by key.
    fn states(&self, prefix: &str) -> Result<Vec<(String, Value)>, Error>;
    /// A value that may be lost with the index (a schedule, say): cheap to write, never in the journal.
    fn hint(&self, key: &str) -> Result<Option<Value>, Error>;
    fn set_hint(&self, key: &str, value: &Value) -> Result<(), Error>;
    /// What was given to [`Store::set_hint`] so far survives a kill from now on; otherwise the last second of it may not.
    fn flush_hints(&self) -> Result<(), Error>;
    fn stats(&self) -> Stats;
    /// Writes out what is buffered. Called once, at the end.
    fn close(&self) -> Result<(), Error>;
}

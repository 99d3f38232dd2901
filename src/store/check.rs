//! A look at a store that changes nothing in it, for `feedbridge check`.

use std::{
    collections::{BTreeSet, HashSet},
    env, fs,
    mem::take,
    path::{Path, PathBuf},
    process,
};

use super::{
    Error,
    index::{Index, Meta, guarded},
    line::{self, Record},
    local::JOURNAL,
    lock::Lock,
    recover::{INDEX, Truth, agrees},
    salvage, small,
    survey::{Position, survey, walk},
};
use crate::config::StoreConfig;

/// What a store holds and how it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub channels: u64,
    /// Posts in the journal.
    pub posts: u64,
    /// Number of the newest record.
    pub sequence: u64,
    pub journal_bytes: u64,
    /// Sequence numbers of journal lines that are damaged and were not written again.
    pub damaged: Vec<u64>,
    /// Bytes of an unfinished append, which the next start cuts off.
    pub torn_bytes: u64,
    /// Files of the small state that are damaged.
    pub damaged_state: Vec<&'static str>,
    /// Whether both are, so that what they said is lost.
    pub lost_state: bool,
    pub index: IndexState,
}

#[derive(Debug, Clone, PartialEq)]
pub enum IndexState {
    Sound,
    /// It lacks this many records, and gets them at the next start.
    Behind(u64),
    /// There is none; the next start builds it.
    Missing,
    /// The next start rebuilds it, for this reason.
    Bad(String),
}

/// Looks at the store that `config` names. [`Error::Locked`] while a process uses it.
/// Opening sled writes, so a copy of the index in the system's temporary directory is opened.
pub fn check(config: &StoreConfig) -> Result<Check, Error> {
    let path = config.path.as_path();
    fs::read_dir(path).map_err(Error::io("cannot list", path))?;
    let _lock = Lock::peek(path)?;
    let state = small::look(path)?;
    let journal = path.join(JOURNAL);
    let index = look_at_index(&path.join(INDEX))?;
    let found = survey(&journal, index.as_ref().and_then(|seen| Some(seen.as_ref().ok()?.mark)))?;
    let mut damaged = found.damaged;
    let truth = Truth { journal: &journal, mark: found.mark, damaged: !damaged.is_empty() };
    let index = compare(index, truth);
    // Of a store of format 1, where it stands in the journal.
    let mut mended = BTreeSet::new();
    let (mut channels, mut posts) = (HashSet::new(), HashSet::new());
    walk(&journal, Position::START, |raw| {
        if raw.place >= found.mark.end {
            return Ok(());
        }
        match line::decode(raw.raw).map(|line| line.record) {
            Some(Record::Channel(channel)) => drop(channels.insert(channel.id)),
            Some(Record::Change(change)) => drop(posts.insert((change.channel, change.stored.post.id))),
            Some(Record::State { key, value }) => mended = salvage::mended(&key, &value).unwrap_or(take(&mut mended)),
            Some(Record::StateRemoved { .. }) => {}
            None => damaged.extend(line::header(raw.raw).map(|header| header.seq)),
        }
        Ok(())
    })?;
    if let Some(value) = state.get(salvage::KEY, found.mark.sequence) {
        mended = salvage::mended(salvage::KEY, value).unwrap_or_default();
    }
    damaged.retain(|number| !mended.contains(number));
    Ok(Check {
        channels: channels.len() as u64,
        posts: posts.len() as u64,
        sequence: found.mark.sequence,
        journal_bytes: found.bytes,
        damaged,
        torn_bytes: found.torn_bytes,
        damaged_state: state.damaged().to_vec(),
        lost_state: state.is_lost(),
        index,
    })
}

/// What the index says of itself, or why it is bad; None if there is none.
fn look_at_index(path: &Path) -> Result<Option<Result<Meta, String>>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let copy = Copied(env::temp_dir().join(format!("feedbridge-check-{}-{}", process::id(), fastrand::u64(..))));
    copy_directory(path, &copy.0)?;
    match guarded(|| Index::open(&copy.0)?.audit()) {
        Ok(meta) => Ok(Some(Ok(meta))),
        Err(Error::Index(reason)) => Ok(Some(Err(reason))),
        Err(error) => Err(error),
    }
}

fn compare(index: Option<Result<Meta, String>>, truth: Truth<'_>) -> IndexState {
    let meta = match index {
        None => return IndexState::Missing,
        Some(Err(reason)) => return IndexState::Bad(reason),
        Some(Ok(meta)) => meta,
    };
    match truth.mark.sequence.checked_sub(meta.mark.sequence) {
        _ if agrees(&meta, truth) => IndexState::Sound,
        Some(lacking) if lacking > 0 => IndexState::Behind(lacking),
        _ => IndexState::Bad("it does not follow this journal".to_owned()),
    }
}

/// Removed when dropped.
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove the copy of the index");
        }
    }
}

fn copy_directory(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir(to).map_err(Error::io("cannot create", to))?;
    for entry in fs::read_dir(from).map_err(Error::io("cannot list", from))? {
        let source = entry.map_err(Error::io("cannot list", from))?.path();
        let target = to.join(source.file_name().unwrap_or_default());
        if source.is_dir() {
            copy_directory(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(Error::io("cannot copy", &source))?;
        }
    }
    Ok(())
}

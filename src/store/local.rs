//! The store on a local disk: the journal, the index that follows it, and the heads in memory.
//! Knows neither sled nor the journal's format. A commit is durable once the journal has it; an index that fails
//! afterwards is mended from the journal, in the process, and never costs a record.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    Batch, Change, ChangeKind, Error, Head, Revision, Stats, Store,
    index::{Index, guarded},
    journal::{self, Journal},
    line::{self, Line, Record},
    lock::Lock,
    recover::{INDEX, Truth, indexed, lend, recover},
    salvage::{self, Salvaged},
    small::{self, Small},
    survey::{Position, Survey, survey},
};
use crate::model::{Channel, ChannelId, ChannelName, PostId, Stored, Time};

/// The length at which the journal begins its next segment.
const SEGMENT_BYTES: u64 = 32 << 20;
/// How often reads try to mend an index that could not be mended. Commits always try.
const MEND_EVERY: Duration = Duration::from_secs(1);

/// The name of the journal's directory in a store.
pub(super) const JOURNAL: &str = "journal";

/// What [`Local::open`] found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opened {
    /// Sequence numbers of journal lines that are damaged and of which there is no copy.
    pub damaged: Vec<u64>,
    /// Sequence numbers of damaged journal lines whose posts the index still had: they were written again.
    pub mended: Vec<u64>,
    /// Bytes of an append that did not come to its end, never acknowledged, cut off and kept in `journal/*.torn`.
    pub torn_bytes: u64,
    /// Journal lines that the index lacked.
    pub replayed: u64,
    /// Why the index was renamed to `index.bad.TIME` and built anew, if it was.
    pub rebuilt: Option<String>,
    /// Files of the small state that were damaged, renamed to `*.bad`; the other one had all.
    pub damaged_state: Vec<&'static str>,
    /// Whether both were damaged, and what they said is lost.
    pub lost_state: bool,
}

/// Journal and sled in one directory, used by one process.
pub struct Local {
    path: PathBuf,
    opened: Opened,
    /// Taken first of all locks.
    journal: Mutex<Journal>,
    slot: RwLock<Slot>,
    small: RwLock<Small>,
    heads: RwLock<HashMap<ChannelId, Head>>,
    stats: Mutex<Stats>,
    /// Declared last, so that it is let go of last.
    _lock: Lock,
}

/// The place of the index, empty while it cannot be mended.
struct Slot {
    index: Option<Index>,
    /// Why the index is one in memory, if it is: the disk would not take one.
    lent: Option<String>,
    /// Counts the mendings, so that of several readers that met the same failure only one mends.
    generation: u64,
    last_try: Option<Instant>,
}

impl Slot {
    fn ask<T>(&self, call: impl FnOnce(&Index) -> Result<T, Error>) -> Result<T, Error> {
        let index = self.index.as_ref().ok_or_else(|| Error::Index("it is closed after a failure".to_owned()))?;
        guarded(|| call(index))
    }

    fn rests(&self) -> bool {
        self.index.is_none() && self.last_try.is_some_and(|tried| tried.elapsed() < MEND_EVERY)
    }
}

impl Local {
    /// Opens or creates the store in the directory `path`, and repairs what a crash left.
    /// [`Error::Locked`] while another process has it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, SEGMENT_BYTES)
    }

    /// As [`Local::open`], with journal segments of `segment_bytes`.
    pub fn open_with(path: &Path, segment_bytes: u64) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(Error::io("cannot create", path))?;
        let lock = Lock::take(path)?;
        let state = small::look(path)?;
        let found = look(path)?;
        let journal = Journal::open(&path.join(JOURNAL), segment_bytes, &found)?;
        let truth = Truth { journal: journal.directory(), mark: journal.mark(), damaged: !found.damaged.is_empty() };
        let recovered = recover(path, truth).map_err(|error| match error {
            Error::Index(reason) => Error::Unbuilt { path: path.join(INDEX).display().to_string(), reason },
            other => other,
        })?;
        let mut damaged = found.damaged;
        damaged.extend(recovered.unreadable);
        let opened = Opened {
            torn_bytes: found.torn_bytes,
            replayed: recovered.replayed,
            rebuilt: recovered.rebuilt,
            damaged_state: state.damaged().to_vec(),
            lost_state: state.is_lost(),
            ..Opened::default()
        };
        // Those of a store of format 1 are in its index.
        let small = state.open(path, journal.mark().sequence, || guarded(|| recovered.index.states()))?;
        let mut local = Self {
            path: path.to_owned(),
            opened,
            journal: Mutex::new(journal),
            slot: RwLock::new(Slot { index: Some(recovered.index), lent: None, generation: 0, last_try: None }),
            small: RwLock::new(small),
            heads: RwLock::new(HashMap::new()),
            stats: Mutex::new(Stats { last_write: found.last_write, damaged: damaged.clone(), ..Stats::default() }),
            _lock: lock,
        };
        *write(&local.heads) = local.ask(Index::heads)?;
        local.count(&lock_of(&local.journal));
        local.write_again(damaged, recovered.seen)?;
        Ok(local)
    }

    /// Makes the journal whole again as far as the index, which had come to record `seen`, still has what its
    /// `damaged` lines said.
    fn write_again(&mut self, damaged: Vec<u64>, seen: u64) -> Result<(), Error> {
        if damaged.is_empty() {
            return Ok(());
        }
        let Salvaged { batches, mended, remaining } =
            self.ask(|index| salvage::salvage(index, &damaged, seen, read(&self.small).get(salvage::KEY)))?;
        let at = lock_of(&self.stats).last_write.unwrap_or_default();
        if let Err(error) = batches.into_iter().try_for_each(|batch| self.commit(at, batch)) {
            self.opened.damaged = damaged;
            tracing::warn!(%error, "what damaged lines of the journal said could not be written again");
            return Ok(());
        }
        lock_of(&self.stats).damaged.clone_from(&remaining);
        self.opened.damaged = remaining;
        self.opened.mended = mended;
        Ok(())
    }

    /// What was found when the store was opened, for the log.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Asks the index; mends it once if it fails.
    fn ask<T>(&self, call: impl Fn(&Index) -> Result<T, Error>) -> Result<T, Error> {
        let generation = {
            let slot = read(&self.slot);
            match slot.ask(&call) {
                Err(Error::Index(_)) if !slot.rests() => slot.generation,
                answer => return answer,
            }
        };
        self.mend(&lock_of(&self.journal), generation)?;
        read(&self.slot).ask(&call)
    }

    /// Reopens the index, or builds it anew from the journal, unless someone did since `generation`. Where the disk
    /// refuses that, an index in memory serves until it does not.
    fn mend(&self, journal: &Journal, generation: u64) -> Result<(), Error> {
        let mut slot = write(&self.slot);
        if slot.generation != generation && slot.index.is_some() {
            return Ok(());
        }
        if slot.lent.is_none() {
            // First of all closed: sled locks its files.
            slot.index = None;
        }
        slot.generation += 1;
        slot.last_try = Some(Instant::now());
        let damaged = !lock_of(&self.stats).damaged.is_empty();
        let truth = Truth { journal: journal.directory(), mark: journal.mark(), damaged };
        let index = match recover(&self.path, truth) {
            Ok(recovered) => {
                tracing::warn!(replayed = recovered.replayed, rebuilt = ?recovered.rebuilt, "the index was reopened");
                slot.lent = None;
                recovered.index
            }
            Err(error) => {
                lock_of(&self.stats).write_error = Some(error.to_string());
                if slot.lent.replace(error.to_string()).is_some() && slot.index.is_some() {
                    return Ok(());
                }
                tracing::warn!(%error, "the index cannot be kept on the disk; one in memory serves meanwhile");
                lend(truth).inspect_err(|_| slot.lent = None)?
            }
        };
        *write(&self.heads) = guarded(|| index.heads())?;
        slot.index = Some(index);
        Ok(())
    }

    /// Returns why the index could not follow, once the batch is durable.
    fn append(&self, journal: &mut Journal, at: Time, batch: Batch) -> Result<Option<Error>, Error> {
        let (closed, generation) = {
            let slot = read(&self.slot);
            (slot.index.is_none() || slot.lent.is_some(), slot.generation)
        };
        if closed {
            self.mend(journal, generation)?;
        }
        let Batch { channel, changes, states, expected } = batch;
        if let Some((channel, expected)) = expected {
            self.head(channel).expect(channel, expected)?;
        }
        let records = channel.into_iter().map(Record::Channel).chain(changes.into_iter().map(Record::Change));
        let lines = self.compose(journal.mark().sequence, at, records.collect());
        let texts = lines.iter().map(line::encode).collect::<Result<Vec<_>, _>>()?;
        let mut small = write(&self.small);
        let Some(last) = lines.last().map(|line| line.seq) else {
            return if states.is_empty() { Ok(None) } else { small.write(states).map(|()| None) };
        };
        small.announce(last, states)?;
        let places = journal.append(last, &texts).inspect_err(|_| small.take_back())?;
        small.settle();
        drop(small);
        let placed: Vec<_> = places.into_iter().zip(lines).collect();
        Ok(self.index(journal, &placed).err())
    }

    /// Brings durable lines into the index and the heads.
    fn index(&self, journal: &Journal, placed: &[(Position, Line)]) -> Result<(), Error> {
        let (applied, generation) = {
            let slot = read(&self.slot);
            (slot.ask(|index| index.apply(placed, journal.mark())), slot.generation)
        };
        if let Err(error) = applied.map(|heads| write(&self.heads).extend(heads)) {
            tracing::warn!(%error, "the index did not take a batch that the journal has");
            self.mend(journal, generation).inspect_err(|_| self.move_heads(placed))?;
        }
        read(&self.slot).lent.clone().map_or(Ok(()), |reason| Err(Error::Index(reason)))
    }

    /// Moves the heads without the index, which will say the same when it is mended.
    fn move_heads(&self, placed: &[(Position, Line)]) {
        let mut heads = write(&self.heads);
        for (_, line) in placed {
            let Some(channel) = line.record.channel() else { continue };
            let head = heads.entry(channel).or_default();
            head.sequence = line.seq;
            head.changed = Some(line.at);
            // Without the index nothing tells what was said before.
            (head.said, head.said_at) = (head.sequence, head.changed);
            if let Record::Change(Change { kind, stored, .. }) = &line.record {
                head.posts += u64::from(*kind == ChangeKind::New);
                if head.newest.is_none_or(|newest| newest <= stored.post.id) {
                    head.newest = Some(stored.post.id);
                    head.newest_published = Some(stored.published);
                }
            }
        }
    }

    /// The journal's lines for a batch of `records`, numbered from after `sequence`.
    fn compose(&self, sequence: u64, at: Time, mut records: Vec<Record>) -> Vec<Line> {
        let range = (sequence + 1, sequence + records.len() as u64);
        let heads = read(&self.heads);
        let numbered = (range.0..).zip(records.drain(..)).map(|(seq, mut record)| {
            if let Record::Change(change) = &mut record {
                change.stored.sequence = seq;
            }
            let before = record.channel().and_then(|channel| heads.get(&channel)?.changed);
            Line { seq, batch: range, at: before.map_or(at, |before| at.max(a_second_after(before))), record }
        });
        numbered.collect()
    }

    fn count(&self, journal: &Journal) {
        let mut stats = lock_of(&self.stats);
        stats.posts = read(&self.heads).values().map(|head| head.posts).sum();
        stats.sequence = journal.mark().sequence;
        stats.journal_bytes = journal.bytes();
    }
}

impl Store for Local {
    fn channel(&self, name: &ChannelName) -> Result<Option<Channel>, Error> {
        self.ask(|index| index.channel(name))
    }

    fn channel_by_id(&self, id: ChannelId) -> Result<Option<Channel>, Error> {
        self.ask(|index| index.channel_by_id(id))
    }

    fn channels(&self) -> Result<Vec<Channel>, Error> {
        self.ask(Index::channels)
    }

    fn post(&self, channel: ChannelId, id: PostId) -> Result<Option<Stored>, Error> {
        self.ask(|index| index.post(channel, id))
    }

    fn known(&self, channel: ChannelId, ids: &[PostId]) -> Result<Vec<Stored>, Error> {
        self.ask(|index| index.known(channel, ids))
    }

    fn latest(&self, channel: ChannelId, before: Option<PostId>, limit: usize) -> Result<Vec<Stored>, Error> {
        self.ask(|index| index.latest(channel, before, limit))
    }

    fn following(&self, channel: ChannelId, after: PostId, limit: usize) -> Result<Vec<Stored>, Error> {
        self.ask(|index| index.following(channel, after, limit))
    }

    fn changed(&self, channel: ChannelId, limit: usize) -> Result<Vec<Stored>, Error> {
        self.ask(|index| index.changed(channel, limit))
    }

    fn revisions(&self, channel: ChannelId, id: PostId) -> Result<Vec<Revision>, Error> {
        let directory = self.path.join(JOURNAL);
        let mut revisions = Vec::new();
        for place in self.ask(|index| index.revisions(channel, id))? {
            // A damaged line was reported when the store was opened.
            if let Some(Line { at, record: Record::Change(change), .. }) = journal::read(&directory, place)? {
                revisions.push(Revision { at, kind: change.kind, stored: change.stored });
            }
        }
        Ok(revisions)
    }

    fn head(&self, channel: ChannelId) -> Head {
        read(&self.heads).get(&channel).copied().unwrap_or_default()
    }

    fn commit(&self, at: Time, batch: Batch) -> Result<(), Error> {
        let mut journal = lock_of(&self.journal);
        let before = journal.mark().sequence;
        let written = self.append(&mut journal, at, batch);
        self.count(&journal);
        let mut stats = lock_of(&self.stats);
        if journal.mark().sequence > before {
            stats.last_write = stats.last_write.max(Some(at));
        }
        let trouble = match &written {
            Ok(index_down) => index_down.as_ref(),
            Err(error) => Some(error),
        };
        stats.write_error = trouble.map(Error::to_string);
        written.map(drop)
    }

    fn state(&self, key: &str) -> Result<Option<Value>, Error> {
        Ok(read(&self.small).get(key))
    }

    fn states(&self, prefix: &str) -> Result<Vec<(String, Value)>, Error> {
        Ok(read(&self.small).with_prefix(prefix))
    }

    fn hint(&self, key: &str) -> Result<Option<Value>, Error> {
        self.ask(|index| index.hint(key))
    }

    fn set_hint(&self, key: &str, value: &Value) -> Result<(), Error> {
        // Hints come with every poll, so that a store that nothing is committed to finds back to its disk too.
        let (lent, generation) = {
            let slot = read(&self.slot);
            (slot.lent.is_some(), slot.generation)
        };
        if lent {
            let journal = lock_of(&self.journal);
            self.mend(&journal, generation)?;
            if read(&self.slot).lent.is_none() {
                lock_of(&self.stats).write_error = None;
            }
        }
        self.ask(|index| index.set_hint(key, value))
    }

    fn flush_hints(&self) -> Result<(), Error> {
        self.ask(Index::flush)
    }

    fn stats(&self) -> Stats {
        lock_of(&self.stats).clone()
    }

    fn close(&self) -> Result<(), Error> {
        // The journal is synced by every commit; an index that is down is replayed at the next start.
        let slot = read(&self.slot);
        if slot.index.is_some() { slot.ask(Index::flush) } else { Ok(()) }
    }
}

/// What is in the journal of the store at `path`. The index is asked only when the journal seems to be torn.
fn look(path: &Path) -> Result<Survey, Error> {
    let journal = path.join(JOURNAL);
    let found = survey(&journal, None)?;
    if found.torn_bytes == 0 { Ok(found) } else { survey(&journal, indexed(path)) }
}

fn a_second_after(time: Time) -> Time {
    time.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(time)
}

// What a lock guards is whole between any two statements, so a panic elsewhere is no reason to refuse it.

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

//! Brings the index into agreement with the journal: checks it, replays what it lacks, or sets it aside and
//! builds it anew. Knows nothing of what is asked of the index afterwards.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    Error,
    index::{Index, Meta, guarded},
    line::{self, Line},
    survey::{Mark, Position, walk},
};

/// Bounds the memory of a replay.
const LINES_AT_ONCE: usize = 512;
pub const INDEX: &str = "index";
const SET_ASIDE: &str = "index.bad.";

/// The truth that the index must follow.
#[derive(Clone, Copy)]
pub struct Truth<'a> {
    pub journal: &'a Path,
    pub mark: Mark,
    /// Whether lines before `mark` are damaged. An index that has come as far has seen them whole,
    /// so it is kept though its digest differs.
    pub damaged: bool,
}

/// An index that agrees with the journal, and what it took.
pub struct Recovered {
    pub index: Index,
    /// The number of the last record that the index had before.
    pub seen: u64,
    /// Lines replayed, of an index built anew all.
    pub replayed: u64,
    /// Why the index that was there had to be set aside.
    pub rebuilt: Option<String>,
    /// Whole lines whose record this version cannot read.
    pub unreadable: Vec<u64>,
}

/// How far the index of `store` has come; None if there is none or it is not intact.
pub fn indexed(store: &Path) -> Option<Mark> {
    let path = store.join(INDEX);
    if !path.exists() {
        return None;
    }
    guarded(|| Ok(Index::open(&path)?.audit()?.mark)).ok()
}

/// Opens the index of `store`. Fails only if one cannot be built anew either.
pub fn recover(store: &Path, truth: Truth<'_>) -> Result<Recovered, Error> {
    let path = store.join(INDEX);
    let reason = match guarded(|| follow(&path, truth)) {
        Ok(recovered) => return Ok(recovered),
        Err(Error::Index(reason)) => reason,
        Err(other) => return Err(other),
    };
    tracing::warn!(path = %path.display(), %reason, "the index is set aside and rebuilt from the journal");
    set_aside(store)?;
    let rebuilt = guarded(|| follow(&path, truth))?;
    Ok(Recovered { rebuilt: Some(reason), ..rebuilt })
}

/// An index in memory, built from the journal: for a disk that has no room for one.
pub fn lend(truth: Truth<'_>) -> Result<Index, Error> {
    Ok(guarded(|| bring_up(Index::in_memory()?, truth))?.index)
}

/// Opens the index at `path` and replays what it lacks.
fn follow(path: &Path, truth: Truth<'_>) -> Result<Recovered, Error> {
    bring_up(Index::open(path)?, truth)
}

fn bring_up(index: Index, truth: Truth<'_>) -> Result<Recovered, Error> {
    let meta = index.audit()?;
    let seen = meta.mark.sequence;
    let mut recovered = Recovered { index, seen, replayed: 0, rebuilt: None, unreadable: Vec::new() };
    if agrees(&meta, truth) {
        return Ok(recovered);
    }
    if meta.mark.sequence > truth.mark.sequence {
        return Err(Error::Index(format!(
            "it has come to record {}, the journal only to {}",
            meta.mark.sequence, truth.mark.sequence
        )));
    }
    replay(&mut recovered, meta.mark, truth)?;
    Ok(recovered)
}

/// Whether an index that says `meta` of itself lacks nothing of the journal.
pub fn agrees(meta: &Meta, truth: Truth<'_>) -> bool {
    meta.mark.sequence == truth.mark.sequence && (meta.mark.digest == truth.mark.digest || truth.damaged)
}

fn replay(recovered: &mut Recovered, from: Mark, truth: Truth<'_>) -> Result<(), Error> {
    let mut mark = from;
    let mut waiting: Vec<(Position, Line)> = Vec::new();
    walk(truth.journal, from.end, |raw| {
        if raw.place >= truth.mark.end {
            return Ok(());
        }
        mark.digest = line::chain(mark.digest, raw.raw);
        mark.end = raw.next;
        let Some(header) = line::header(raw.raw).filter(|header| header.seq > mark.sequence) else { return Ok(()) };
        mark.sequence = header.seq;
        match line::decode(raw.raw) {
            Some(line) => waiting.push((raw.place, line)),
            None => recovered.unreadable.push(header.seq),
        }
        // Never between the lines of one batch, so that no half of one is ever visible.
        if waiting.len() >= LINES_AT_ONCE && header.seq == header.batch.1 {
            recovered.index.apply(&waiting, mark)?;
            recovered.replayed += waiting.len() as u64;
            waiting.clear();
        }
        Ok(())
    })?;
    if mark.digest != truth.mark.digest {
        return Err(Error::Index("it followed another journal".to_owned()));
    }
    recovered.index.apply(&waiting, truth.mark)?;
    recovered.replayed += waiting.len() as u64;
    Ok(())
}

/// Renames the index for someone to look at. Only the newest such is kept.
fn set_aside(store: &Path) -> Result<(), Error> {
    for old in set_aside_before(store)? {
        fs::remove_dir_all(&old).map_err(Error::io("cannot remove", &old))?;
    }
    let from = store.join(INDEX);
    let to = store.join(format!("{SET_ASIDE}{}", chrono::Utc::now().format("%Y%m%dT%H%M%S%.3fZ")));
    match fs::rename(&from, &to) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("cannot rename", &from)(error)),
        _ => Ok(()),
    }
}

fn set_aside_before(store: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(store).map_err(Error::io("cannot list", store))? {
        let entry = entry.map_err(Error::io("cannot list", store))?;
        if entry.file_name().to_string_lossy().starts_with(SET_ASIDE) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

//! The records of a store, read without opening it: beside a running daemon too, and without a lock or an index.
//! Changes nothing on the disk.

use std::fs;

use serde::{Deserialize, Serialize};

use super::{
    Error,
    line::{self, Record},
    local::JOURNAL,
    survey::{Lines, Position, survey},
};
use crate::{config::StoreConfig, model::Time};

/// What was recorded at a moment: `{"at":"…","channel":{…}}` or `{"at":"…","change":{…}}` as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Time,
    #[serde(flatten)]
    pub record: Record,
}

/// The entries, oldest first, up to the last batch that was whole when reading began. Damaged ones are left out.
pub struct Records {
    lines: Lines,
    end: Position,
    sequence: u64,
    bytes: u64,
    read: u64,
}

/// Begins to read the store that `config` names.
pub fn records(config: &StoreConfig) -> Result<Records, Error> {
    let path = &config.path;
    fs::read_dir(path).map_err(Error::io("cannot list", path))?;
    let journal = path.join(JOURNAL);
    let found = survey(&journal, None)?;
    let lines = Lines::from(&journal, Position::START)?;
    Ok(Records { lines, end: found.mark.end, sequence: 0, bytes: found.bytes, read: 0 })
}

impl Records {
    /// Bytes of the journal in all.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of it that were read so far.
    pub fn read(&self) -> u64 {
        self.read
    }
}

impl Iterator for Records {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.lines.next() {
                Ok(line) => line.filter(|line| line.place < self.end)?,
                Err(error) => return Some(Err(error)),
            };
            self.read += line.raw.len() as u64;
            // A number that was there before is a line copied by hand.
            let fresh = line::decode(line.raw).filter(|line| line.seq > self.sequence);
            if let Some(line) = fresh {
                self.sequence = line.seq;
                return Some(Ok(Entry { at: line.at, record: line.record }));
            }
        }
    }
}

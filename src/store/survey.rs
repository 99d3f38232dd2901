//! Walks the journal's segments and says what is in them: where it ends, what is torn, what is damaged.
//! Only reads; knows nothing of the index.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Error,
    line::{self, Header},
};
use crate::model::Time;

/// A byte in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub segment: u32,
    pub offset: u64,
}

impl Position {
    /// Before all lines.
    pub const START: Self = Self { segment: 0, offset: 0 };
}

/// How far a reader of the journal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub sequence: u64,
    /// See [`line::chain`].
    pub digest: u64,
    /// Where the next line begins.
    pub end: Position,
}

impl Mark {
    pub const START: Self = Self { sequence: 0, digest: 0, end: Position::START };
}

/// What a walk over the whole journal found.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The end of the last whole batch.
    pub mark: Mark,
    pub last_write: Option<Time>,
    /// Sequence numbers of the records before `mark` that cannot be read.
    pub damaged: Vec<u64>,
    /// Bytes up to `mark`, of all segments.
    pub bytes: u64,
    /// Bytes after `mark`: an append that did not come to its end.
    pub torn_bytes: u64,
}

/// One physical line. `raw` includes the newline, except at the torn end of a file.
pub struct RawLine<'a> {
    pub place: Position,
    pub next: Position,
    pub raw: &'a [u8],
}

/// The file of a segment.
pub fn segment_path(directory: &Path, segment: u32) -> PathBuf {
    directory.join(format!("{segment:06}.jsonl"))
}

/// The numbers of the segments present, ascending; none when the directory does not exist.
pub fn segments(directory: &Path) -> Result<Vec<u32>, Error> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("cannot list", directory))?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::io("cannot list", directory))?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        numbers.extend(stem.and_then(|stem| stem.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Hands every line from `from` on to `each`, in order.
pub fn walk(
    directory: &Path,
    from: Position,
    mut each: impl FnMut(RawLine<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut lines = Lines::from(directory, from)?;
    while let Some(line) = lines.next()? {
        each(line)?;
    }
    Ok(())
}

/// The journal's lines, one after the other.
pub struct Lines {
    directory: PathBuf,
    /// Those to come, the next one last.
    segments: Vec<u32>,
    next: Position,
    reader: Option<(PathBuf, BufReader<File>)>,
    raw: Vec<u8>,
}

impl Lines {
    pub fn from(directory: &Path, from: Position) -> Result<Self, Error> {
        let mut segments = segments(directory)?;
        segments.retain(|segment| *segment >= from.segment);
        segments.reverse();
        Ok(Self { directory: directory.to_owned(), segments, next: from, reader: None, raw: Vec::new() })
    }

    /// `None` after the last one.
    pub fn next(&mut self) -> Result<Option<RawLine<'_>>, Error> {
        loop {
            let Some((path, reader)) = &mut self.reader else {
                let Some(segment) = self.segments.pop() else { return Ok(None) };
                self.open(segment)?;
                continue;
            };
            self.raw.clear();
            let length = reader.read_until(b'\n', &mut self.raw).map_err(Error::io("cannot read", path))? as u64;
            if length == 0 {
                self.reader = None;
                continue;
            }
            let place = self.next;
            self.next.offset += length;
            return Ok(Some(RawLine { place, next: self.next, raw: &self.raw }));
        }
    }

    fn open(&mut self, segment: u32) -> Result<(), Error> {
        if segment != self.next.segment {
            self.next = Position { segment, offset: 0 };
        }
        let path = segment_path(&self.directory, segment);
        let mut file = File::open(&path).map_err(Error::io("cannot open", &path))?;
        file.seek(SeekFrom::Start(self.next.offset)).map_err(Error::io("cannot read", &path))?;
        self.reader = Some((path, BufReader::with_capacity(1 << 18, file)));
        Ok(())
    }
}

/// Reads the whole journal once and checks every line. `indexed` is how far the index has come, if it is intact:
/// an end that it has seen was whole once, so what cannot be read there has rotted and is not an append cut short.
pub fn survey(directory: &Path, indexed: Option<Mark>) -> Result<Survey, Error> {
    let mut surveyor = Surveyor::default();
    walk(directory, Position::START, |line| {
        surveyor.take(&line);
        Ok(())
    })?;
    let last = segments(directory)?.last().copied();
    let (mark_before_cut, seen) = (surveyor.point.mark.end, surveyor.bytes);
    let whole_once = indexed.filter(|mark| mark.end == mark_before_cut);
    let may_be_torn = whole_once.is_none() && last == Some(mark_before_cut.segment);
    let torn_bytes = if may_be_torn { surveyor.cut_torn_batch() } else { 0 };
    surveyor.finish(whole_once.map(|mark| mark.sequence));
    let mut mark = surveyor.point.mark;
    if let Some(segment) = last.filter(|segment| *segment > mark.end.segment) {
        mark.end = Position { segment, offset: 0 };
    }
    let Surveyor { point, damaged, .. } = surveyor;
    Ok(Survey { mark, last_write: point.last_write, damaged, bytes: seen - torn_bytes, torn_bytes })
}

/// So many damaged numbers are listed; a line that leaps far ahead must not cost the memory for all between.
const MOST_DAMAGED: usize = 1_000_000;

/// The state between two lines.
#[derive(Clone, Copy)]
struct Point {
    mark: Mark,
    last_write: Option<Time>,
    /// Unreadable lines since the last readable one.
    unreadable: u64,
    /// Length of the list of damaged numbers.
    damaged: usize,
}

impl Default for Point {
    fn default() -> Self {
        Self { mark: Mark::START, last_write: None, unreadable: 0, damaged: 0 }
    }
}

/// What is known of the batch that the last line belongs to.
#[derive(Clone, Copy, Default)]
struct Open {
    /// The number of its last line; `None` while none of its lines could be read.
    last: Option<u64>,
    damaged: bool,
}

/// Follows the lines. The point before the newest batch is kept, because only the end of the file tells whether it is whole.
#[derive(Default)]
struct Surveyor {
    point: Point,
    before_batch: Point,
    batch: Open,
    damaged: Vec<u64>,
    bytes: u64,
}

impl Surveyor {
    fn take(&mut self, line: &RawLine<'_>) {
        if line.place.segment != self.point.mark.end.segment {
            // A batch never crosses segments, and only the last segment can have a torn one.
            self.point.mark.end = line.place;
            self.begin_batch();
        }
        // A number that was there before is a line copied by hand; obeying it would bring back an old revision.
        let header = line::header(line.raw).filter(|header| header.seq > self.point.mark.sequence);
        match header {
            Some(header) => self.take_readable(header),
            None => self.take_unreadable(),
        }
        self.point.mark.digest = line::chain(self.point.mark.digest, line.raw);
        self.point.mark.end = line.next;
        self.bytes += line.raw.len() as u64;
    }

    fn take_readable(&mut self, header: Header) {
        self.miss(header.seq - 1);
        self.point.damaged = self.damaged.len();
        self.point.unreadable = 0;
        self.point.mark.sequence = header.seq - 1;
        if header.seq == header.batch.0 {
            self.begin_batch();
        } else if self.batch.last.is_some_and(|last| last != header.batch.1) {
            self.begin_batch();
            self.batch.damaged = true;
        }
        self.batch.last = Some(header.batch.1);
        self.point.mark.sequence = header.seq;
        self.point.last_write = Some(header.at);
    }

    /// The numbers up to `last` that no readable line bears.
    fn miss(&mut self, last: u64) {
        let room = MOST_DAMAGED.saturating_sub(self.damaged.len());
        self.damaged.extend((self.point.mark.sequence + 1..=last).take(room));
    }

    fn take_unreadable(&mut self) {
        if self.batch.last == Some(self.point.mark.sequence) {
            self.begin_batch();
        }
        self.batch.damaged = true;
        self.point.unreadable += 1;
    }

    fn begin_batch(&mut self) {
        self.before_batch = self.point;
        self.batch = Open::default();
    }

    /// Steps back before the newest batch unless it is whole. Returns the bytes stepped over.
    fn cut_torn_batch(&mut self) -> u64 {
        let whole = !self.batch.damaged && self.batch.last.is_none_or(|last| last == self.point.mark.sequence);
        if whole {
            return 0;
        }
        let torn = self.point.mark.end.offset - self.before_batch.mark.end.offset;
        self.point = self.before_batch;
        self.damaged.truncate(self.point.damaged);
        torn
    }

    /// Unreadable lines that no readable one follows have taken the next numbers, up to `last` where that is known.
    fn finish(&mut self, last: Option<u64>) {
        let end = last.unwrap_or(self.point.mark.sequence + self.point.unreadable).max(self.point.mark.sequence);
        self.miss(end);
        self.point.mark.sequence = end;
    }
}

//! The append-only record of everything that was committed: the truth that the index is rebuilt from.
//! Knows lines and files, and nothing of sled. Nothing in it is ever rewritten; only an append that
//! was not acknowledged is taken back.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    Error,
    line::{self, Line},
    survey::{Mark, Position, Survey, segment_path},
};

/// The journal, open for appending.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    segment_bytes: u64,
    segment: File,
    mark: Mark,
    bytes: u64,
    /// Something that was not acknowledged may stand after `mark.end`.
    unclean: bool,
}

impl Journal {
    /// Opens or creates the journal that a survey has `found` so. A torn batch at its end is cut off, and kept in
    /// `NNNNNN.torn` beside it. `segment_bytes` is the length at which the next segment begins.
    pub fn open(directory: &Path, segment_bytes: u64, found: &Survey) -> Result<Self, Error> {
        create(directory)?;
        let segment = open_segment(directory, found.mark.end.segment)?;
        let journal = Self {
            directory: directory.to_owned(),
            segment_bytes,
            segment,
            mark: found.mark,
            bytes: found.bytes,
            unclean: false,
        };
        if found.torn_bytes > 0 {
            if let Err(error) = journal.keep_torn() {
                tracing::warn!(%error, bytes = found.torn_bytes, "the torn end of the journal could not be kept aside");
            }
            journal.cut()?;
        }
        Ok(journal)
    }

    pub fn mark(&self) -> Mark {
        self.mark
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends `lines`, already encoded, as one batch whose last number is `sequence`, and syncs it.
    /// Returns where each line begins. After an error the journal is as it was.
    pub fn append(&mut self, sequence: u64, lines: &[String]) -> Result<Vec<Position>, Error> {
        if self.unclean {
            self.cut()?;
            self.unclean = false;
        }
        let text = lines.concat();
        if self.mark.end.offset > 0 && self.mark.end.offset + text.len() as u64 > self.segment_bytes {
            self.begin_segment()?;
        }
        if let Err(error) = self.write(text.as_bytes()) {
            self.unclean = self.cut().is_err();
            return Err(Error::io("cannot write", &self.path())(error));
        }
        let mut places = Vec::with_capacity(lines.len());
        for line in lines {
            places.push(self.mark.end);
            self.mark.end.offset += line.len() as u64;
            self.mark.digest = line::chain(self.mark.digest, line.as_bytes());
        }
        self.mark.sequence = sequence;
        self.bytes += text.len() as u64;
        Ok(places)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.segment).write_all(bytes)?;
        self.segment.sync_data()
    }

    fn begin_segment(&mut self) -> Result<(), Error> {
        let number = self.mark.end.segment + 1;
        self.segment = open_segment(&self.directory, number)?;
        self.mark.end = Position { segment: number, offset: 0 };
        Ok(())
    }

    /// Takes back what stands after the last acknowledged batch, durably.
    fn cut(&self) -> Result<(), Error> {
        let cut = self.segment.set_len(self.mark.end.offset).and_then(|()| self.segment.sync_data());
        cut.map_err(Error::io("cannot truncate", &self.path()))
    }

    fn keep_torn(&self) -> Result<(), Error> {
        let from = self.path();
        let to = from.with_extension("torn");
        let mut torn = File::open(&from).map_err(Error::io("cannot open", &from))?;
        torn.seek(SeekFrom::Start(self.mark.end.offset)).map_err(Error::io("cannot read", &from))?;
        let mut kept = OpenOptions::new().create(true).append(true).open(&to).map_err(Error::io("cannot open", &to))?;
        io::copy(&mut torn, &mut kept).and_then(|_| kept.sync_data()).map_err(Error::io("cannot write", &to))
    }

    fn path(&self) -> PathBuf {
        segment_path(&self.directory, self.mark.end.segment)
    }
}

/// The line that begins at `place`; `None` if it is damaged.
pub fn read(directory: &Path, place: Position) -> Result<Option<Line>, Error> {
    let path = segment_path(directory, place.segment);
    let mut file = File::open(&path).map_err(Error::io("cannot open", &path))?;
    file.seek(SeekFrom::Start(place.offset)).map_err(Error::io("cannot read", &path))?;
    let mut raw = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut raw).map_err(Error::io("cannot read", &path))?;
    Ok(line::decode(&raw))
}

/// Creates the directory and makes its name and its parent's durable.
fn create(directory: &Path) -> Result<(), Error> {
    if directory.exists() {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(Error::io("cannot create", directory))?;
    for made_in in directory.ancestors().skip(1).take(2).filter(|path| !path.as_os_str().is_empty()) {
        // A directory above the store may well be closed to us; the store's own can be synced.
        if let Err(error) = File::open(made_in).and_then(|made_in| made_in.sync_all()) {
            tracing::debug!(path = %made_in.display(), %error, "cannot sync the directory");
        }
    }
    Ok(())
}

/// Makes the segment, and its name in the directory, durable before anything in it is acknowledged.
fn open_segment(directory: &Path, number: u32) -> Result<File, Error> {
    let path = segment_path(directory, number);
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("cannot open", &path))?;
    let empty = file.metadata().map_err(Error::io("cannot read", &path))?.len() == 0;
    if empty {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(Error::io("cannot sync", directory))?;
    }
    Ok(file)
}

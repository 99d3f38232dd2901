//! Small durable values by key, in a file of their own: what changes often and is worth nothing once it has changed would
//! make the journal, which is never compacted, grow for ever. Written whole and atomically, twice, so that a bit that
//! flips costs nothing. Knows neither the journal nor the index, but the number of a batch that a change goes with.
//!
//! `{"crc":"xxxxxxxx","format":3,"generation":7,"states":{…},"pending":{…}}` and a newline, sealed as a line of the
//! journal is.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Error,
    line::{seal, unseal},
};

/// Of the store as a whole. Raised when an older build must not touch what this one writes.
const FORMAT: u32 = 3;
const FILE: &str = "state.json";
const COPY: &str = "state.copy.json";

/// New values; `None` removes.
pub type Changes = Vec<(String, Option<Value>)>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Content {
    format: u32,
    /// Counts the writes, so that the newer of two files is known.
    generation: u64,
    states: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
}

/// All that is read of a file whose format is another.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// Holds if the journal has the batch that ends with record `sequence`, and else not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    sequence: u64,
    changes: Changes,
}

/// What the files said.
#[derive(Debug)]
pub struct Look {
    content: Option<Content>,
    /// Files that were there and could not be read.
    damaged: Vec<&'static str>,
    /// Whether both files are there and say the same.
    agree: bool,
}

/// The values, open for change.
#[derive(Debug)]
pub struct Small {
    directory: PathBuf,
    content: Content,
    /// The file may say something else than `content`.
    unclean: bool,
}

/// Reads the files in the store's `directory` and changes nothing. [`Error::Newer`] if a newer build wrote them.
pub fn look(directory: &Path) -> Result<Look, Error> {
    let (mut contents, mut damaged) = (Vec::new(), Vec::new());
    for name in [FILE, COPY] {
        let path = directory.join(name);
        let raw = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            raw => raw.map_err(Error::io("cannot read", &path))?,
        };
        if let Some(Header { format }) = unseal(&raw).filter(|header: &Header| header.format > FORMAT) {
            return Err(Error::Newer { path: directory.display().to_string(), format, known: FORMAT });
        }
        match unseal::<Content>(&raw) {
            Some(content) => contents.push(content),
            None => damaged.push(name),
        }
    }
    let agree = matches!(contents.as_slice(), [file, copy] if file.generation == copy.generation);
    Ok(Look { content: contents.into_iter().max_by_key(|content| content.generation), damaged, agree })
}

impl Look {
    /// The value under `key`, beside a journal that ends with record `sequence`.
    pub fn get(&self, key: &str, sequence: u64) -> Option<&Value> {
        let content = self.content.as_ref()?;
        let holds = content.pending.as_ref().filter(|pending| pending.sequence <= sequence);
        let changed = holds.and_then(|pending| pending.changes.iter().rfind(|(changed, _)| changed == key));
        changed.map_or_else(|| content.states.get(key), |(_, value)| value.as_ref())
    }

    /// The files that are damaged, by name.
    pub fn damaged(&self) -> &[&'static str] {
        &self.damaged
    }

    /// Whether there were files, and none of them could be read.
    pub fn is_lost(&self) -> bool {
        self.content.is_none() && !self.damaged.is_empty()
    }

    /// Opens what was found, for a journal that ends with record `sequence`; `earlier` are the values of a store that had
    /// no such file.
    pub fn open(
        self,
        directory: &Path,
        sequence: u64,
        earlier: impl FnOnce() -> Result<Vec<(String, Value)>, Error>,
    ) -> Result<Small, Error> {
        for name in &self.damaged {
            let from = directory.join(name);
            let to = directory.join(format!("{name}.bad"));
            fs::rename(&from, &to).map_err(Error::io("cannot rename", &from))?;
        }
        let mut content = match self.content {
            Some(content) => content,
            None => Content { states: earlier()?.into_iter().collect(), ..Content::default() },
        };
        let pending = content.pending.take();
        let unclean = !self.agree || pending.is_some() || content.format != FORMAT;
        if let Some(Pending { changes, .. }) = pending.filter(|pending| pending.sequence <= sequence) {
            apply(&mut content.states, changes);
        }
        content.format = FORMAT;
        let mut small = Small { directory: directory.to_owned(), content, unclean };
        if let Err(error) = small.tidy() {
            tracing::warn!(%error, "the small state could not be written; it is tried again with the next change");
        }
        Ok(small)
    }
}

impl Small {
    pub fn get(&self, key: &str) -> Option<Value> {
        self.content.states.get(key).cloned()
    }

    /// All values whose key begins with `prefix`, by key.
    pub fn with_prefix(&self, prefix: &str) -> Vec<(String, Value)> {
        let found = self.content.states.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        found.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Makes `changes` durable. After an error nothing of them holds.
    pub fn write(&mut self, changes: Changes) -> Result<(), Error> {
        let mut states = self.content.states.clone();
        apply(&mut states, changes);
        self.change(Content { states, pending: None, ..self.content.clone() })
    }

    /// To be called before the journal takes the batch that ends with record `sequence`: `changes` hold from when it has
    /// done so, across a crash as well, and not before.
    pub fn announce(&mut self, sequence: u64, changes: Changes) -> Result<(), Error> {
        if changes.is_empty() {
            return self.tidy();
        }
        self.change(Content { pending: Some(Pending { sequence, changes }), ..self.content.clone() })
    }

    /// The journal has the batch that was announced.
    pub fn settle(&mut self) {
        if let Some(Pending { changes, .. }) = self.content.pending.take() {
            apply(&mut self.content.states, changes);
        }
    }

    /// The journal does not have it. That must be in the file before another batch bears its number.
    pub fn take_back(&mut self) {
        self.unclean |= self.content.pending.take().is_some();
    }

    /// Brings the file to say what holds.
    fn tidy(&mut self) -> Result<(), Error> {
        if self.unclean { self.save(self.content.clone()) } else { Ok(()) }
    }

    fn change(&mut self, content: Content) -> Result<(), Error> {
        self.save(content).inspect_err(|_| {
            // It may be in the file all the same. What fails now as well is done before the next change.
            let _ = self.tidy();
        })
    }

    fn save(&mut self, content: Content) -> Result<(), Error> {
        let content = Content { generation: self.content.generation + 1, ..content };
        let text = seal(&content)?;
        self.unclean = true;
        let path = self.directory.join(FILE);
        replace(&path, text.as_bytes()).map_err(Error::io("cannot write", &path))?;
        let copy = self.directory.join(COPY);
        if let Err(error) = replace(&copy, text.as_bytes()) {
            tracing::warn!(path = %copy.display(), %error, "the copy of the small state could not be written");
        }
        self.content = content;
        self.unclean = false;
        Ok(())
    }
}

fn apply(states: &mut BTreeMap<String, Value>, changes: Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => drop(states.insert(key, value)),
            None => drop(states.remove(&key)),
        }
    }
}

/// The file is the old one or the new one at every moment, and the new one when this returns.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

//! What is there of files, who used it when, and what leaves first. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use serde::Serialize;

use crate::{media::objects::Digest, model::Time};

/// What is kept, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Of one file; larger ones are led to where they are.
    pub max_bytes: u64,
    /// Of all files; the least recently used leave first.
    pub quota_bytes: u64,
    /// A file that nobody used for so long leaves; None: as long as there is room.
    pub unused_days: Option<u32>,
    /// Of all downloads together; 0: as many as come.
    pub bytes_per_second: u64,
    /// The channels, by slug in lower case, whose files never leave.
    pub kept: BTreeSet<String>,
    /// Whether M4A is made of voices.
    pub transcode: bool,
}

impl Rules {
    /// Whether what the place leads to never leaves.
    pub fn keep(&self, place: &str) -> bool {
        place.split('/').next().is_some_and(|slug| self.kept.contains(&slug.to_lowercase()))
    }
}

/// How much there is, and what was done since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub files: u64,
    pub bytes: u64,
    pub served: u64,
    pub fetched: u64,
    pub failed: u64,
    pub evicted: u64,
}

#[derive(Default)]
pub struct Book {
    files: HashMap<Digest, Used>,
    /// The places that lead to a file.
    pub places: HashSet<String>,
    pub pinned: HashSet<Digest>,
    pub figures: Figures,
    /// Numbers downloads.
    pub next: u64,
}

struct Used {
    length: u64,
    last: Time,
}

impl Book {
    pub fn add(&mut self, digest: Digest, length: u64, last: Time) {
        if self.files.insert(digest, Used { length, last }).is_none() {
            self.figures.files += 1;
            self.figures.bytes += length;
        }
    }

    pub fn remove(&mut self, digest: &Digest) {
        if let Some(used) = self.files.remove(digest) {
            self.figures.files -= 1;
            self.figures.bytes -= used.length;
        }
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.files.contains_key(digest)
    }

    pub fn used(&mut self, digest: &Digest, now: Time) {
        if let Some(used) = self.files.get_mut(digest) {
            used.last = now;
        }
    }

    /// What goes beyond the quota or was not used for too long, the least recently used first.
    pub fn leaving(&self, rules: &Rules, now: Time) -> Vec<Digest> {
        let oldest = rules.unused_days.map(|days| now - TimeDelta::days(days.into()));
        let mut files: Vec<_> = self.files.iter().filter(|(digest, _)| !self.pinned.contains(*digest)).collect();
        files.sort_by(|a, b| (a.1.last, a.0).cmp(&(b.1.last, b.0)));
        let mut beyond = self.figures.bytes.saturating_sub(rules.quota_bytes);
        let leaves = files.into_iter().take_while(|(_, used)| {
            let goes = beyond > 0 || oldest.is_some_and(|oldest| used.last < oldest);
            beyond = beyond.saturating_sub(used.length);
            goes
        });
        leaves.map(|(digest, _)| digest.clone()).collect()
    }
}

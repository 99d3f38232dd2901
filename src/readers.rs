//! Who reads what: for how many readers a channel is polled, and when somebody last asked for it. Counts in bounded memory
//! what it is told, and keeps the figures as hints. Knows readers only as digests that it cannot turn back.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    model::{ChannelName, Time},
    store::{Error, Store},
};

/// Who has not asked for so long is no reader any more.
pub const WEEK: TimeDelta = TimeDelta::days(7);
/// Readers of a channel that are told apart.
const MOST: usize = 1024;

/// Of all channels that somebody has asked for.
#[derive(Debug, Default)]
pub struct Readers(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    channels: HashMap<ChannelName, Reading>,
    /// Had no reader for a week, and have one now.
    woken: Vec<ChannelName>,
}

/// Digests of readers, ascending, of the week that began at `turned`, and of the week before.
#[derive(Debug)]
struct Reading {
    last: Time,
    turned: Time,
    newer: Vec<u32>,
    older: Vec<u32>,
    /// How many an earlier run knew, which count until its week is over.
    carried: usize,
    kept: Option<Kept>,
}

/// The hint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Kept {
    last: Time,
    readers: usize,
}

impl Reading {
    fn new(now: Time) -> Self {
        Self { last: now, turned: now, newer: Vec::new(), older: Vec::new(), carried: 0, kept: None }
    }

    fn note(&mut self, who: u32, now: Time) {
        if now - self.turned >= WEEK {
            self.older = std::mem::take(&mut self.newer);
            (self.turned, self.carried) = (now, 0);
        }
        if let Err(place) = self.newer.binary_search(&who)
            && self.newer.len() < MOST
        {
            self.newer.insert(place, who);
        }
        self.last = self.last.max(now);
    }

    fn count(&self, now: Time) -> usize {
        if now - self.last >= WEEK {
            return 0;
        }
        let before = self.older.iter().filter(|who| self.newer.binary_search(who).is_err());
        (self.newer.len() + before.count()).max(self.carried).max(1)
    }

    /// Whether what is kept is so old, or so far off, that a restart would be wrong by it.
    fn is_worth_keeping(&self, now: Time) -> bool {
        let Some(kept) = self.kept else { return true };
        let magnitude = |readers: usize| readers.checked_ilog2();
        self.last - kept.last >= TimeDelta::days(1) || magnitude(self.count(now)) > magnitude(kept.readers)
    }
}

impl Readers {
    /// A reader asked for what these channels show. `who` tells it from others.
    pub fn note(&self, channels: &[ChannelName], who: u64, now: Time) {
        let mut book = self.book();
        for name in channels {
            let who = (who ^ (who >> 32)) as u32;
            match book.channels.get_mut(name) {
                Some(reading) => {
                    let slept = now - reading.last >= WEEK;
                    reading.note(who, now);
                    if slept {
                        book.woken.push(name.clone());
                    }
                }
                None => {
                    let mut reading = Reading::new(now);
                    reading.note(who, now);
                    book.channels.insert(name.clone(), reading);
                    book.woken.push(name.clone());
                }
            }
        }
    }

    /// Of the last week, about; at most some thousand.
    pub fn count(&self, name: &ChannelName, now: Time) -> usize {
        self.book().channels.get(name).map_or(0, |reading| reading.count(now))
    }

    /// When somebody last asked.
    pub fn last(&self, name: &ChannelName) -> Option<Time> {
        self.book().channels.get(name).map(|reading| reading.last)
    }

    /// Those that have a reader again, each told once.
    pub fn take_woken(&self) -> Vec<ChannelName> {
        std::mem::take(&mut self.book().woken)
    }

    /// Takes up what an earlier run kept of `names`. May block.
    pub fn resume<'a>(&self, store: &dyn Store, names: impl IntoIterator<Item = &'a ChannelName>, now: Time) {
        for name in names {
            let kept = store.hint(&key(name)).ok().flatten().and_then(|kept| serde_json::from_value(kept).ok());
            let Some(kept) = kept else { continue };
            let Kept { last, readers } = kept;
            let reading = Reading { carried: readers.min(2 * MOST), kept: Some(kept), ..Reading::new(last.min(now)) };
            self.book().channels.entry(name.clone()).or_insert(reading);
        }
    }

    /// Keeps what has changed much since it was kept last. May block.
    pub fn keep(&self, store: &dyn Store, now: Time) -> Result<(), Error> {
        for (name, kept) in self.changed(now) {
            store.set_hint(&key(&name), &serde_json::to_value(kept).unwrap_or(Value::Null))?;
            if let Some(reading) = self.book().channels.get_mut(&name) {
                reading.kept = Some(kept);
            }
        }
        Ok(())
    }

    /// Forgets the channels that are not to `stay`.
    pub fn retain(&self, stay: &HashSet<ChannelName>) {
        self.book().channels.retain(|name, _| stay.contains(name));
    }

    fn changed(&self, now: Time) -> Vec<(ChannelName, Kept)> {
        let book = self.book();
        let changed = book.channels.iter().filter(|(_, reading)| reading.is_worth_keeping(now));
        let kept = |reading: &Reading| Kept { last: reading.last, readers: reading.count(now) };
        changed.map(|(name, reading)| (name.clone(), kept(reading))).collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(name: &ChannelName) -> String {
    format!("readers/{}", name.key())
}

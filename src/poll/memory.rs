//! What the loop keeps as hints of the store, so that a restart goes on where the last run was: how each channel stood,
//! what upstream asked for, and the requests of the last minute.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::debug;

use super::{
    channels::{Alive, Withheld},
    intake::past,
    walk::Past,
    ways,
};
use crate::{
    model::{Channel, ChannelName, Time},
    schedule::Saved,
    status::{
        Status,
        events::{self, Event},
    },
    store::{Error, Extent, Gap, Store},
};

const WAYS: &str = "poll.ways";
const REQUESTS: &str = "poll.requests";

/// Of one channel.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    pub status: Status,
    pub schedule: Option<Saved>,
    #[serde(default, skip_serializing_if = "Alive::is_empty")]
    pub alive: Alive,
    #[serde(default, skip_serializing_if = "Withheld::is_empty")]
    pub withheld: Withheld,
}

/// What an earlier run left, but of the channels.
#[derive(Debug, Default)]
pub struct Kept {
    pub events: Vec<Event>,
    pub ways: Option<ways::Saved>,
    /// When the requests of the last minute were made, by the wall's clock, and by what their exit is called.
    pub requests: HashMap<String, Vec<Time>>,
}

#[derive(Debug, Default)]
pub struct KeptChannel {
    pub memory: Memory,
    pub channel: Option<Channel>,
    pub gaps: Vec<Gap>,
    pub past: Past,
}

/// Hints to be kept.
#[derive(Debug, Default)]
pub struct Notes {
    hints: Vec<(String, Value)>,
    /// Whether one of them must outlive a kill in the next second, too.
    urgent: bool,
}

/// Times in milliseconds: the first, and of each other how long it came after the one before, since this is written with
/// every request.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Requests(Vec<i64>);

impl Requests {
    fn of(times: impl IntoIterator<Item = Time>) -> Self {
        let mut previous = 0;
        let after = |time: Time| time.timestamp_millis() - std::mem::replace(&mut previous, time.timestamp_millis());
        Self(times.into_iter().map(after).collect())
    }

    fn times(self) -> Vec<Time> {
        let summed = self.0.into_iter().scan(0_i64, |sum, after| {
            *sum = sum.saturating_add(after);
            Some(*sum)
        });
        summed.filter_map(Time::from_timestamp_millis).collect()
    }
}

impl Notes {
    pub fn is_empty(&self) -> bool {
        self.hints.is_empty()
    }

    pub fn channel(&mut self, name: &ChannelName, memory: &Memory) {
        self.push(channel_key(name), memory);
    }

    pub fn ways(&mut self, ways: &ways::Saved) {
        self.push(WAYS.to_owned(), ways);
        self.urgent = true;
    }

    /// Requests that are about to be made through an exit, and those before them, in order.
    pub fn requests(&mut self, exit: &str, times: impl IntoIterator<Item = Time>) {
        self.push(requests_key(exit), &Requests::of(times));
        self.urgent = true;
    }

    fn push(&mut self, key: String, value: &impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.hints.push((key, value));
        }
    }

    /// May block.
    pub fn keep(&self, store: &dyn Store) -> Result<(), Error> {
        self.hints.iter().try_for_each(|(key, value)| store.set_hint(key, value))?;
        if self.urgent { store.flush_hints() } else { Ok(()) }
    }
}

impl Kept {
    /// What was kept of these exits; see [`Notes::requests`]. What cannot be read was not kept. May block.
    pub fn read(store: &dyn Store, exits: Vec<String>) -> Self {
        let times = |exit: String| Some((hint(store, &requests_key(&exit)).map(Requests::times)?, exit));
        Self {
            events: events::all(store).unwrap_or_default(),
            ways: hint(store, WAYS),
            requests: exits.into_iter().filter_map(times).map(|(times, exit)| (exit, times)).collect(),
        }
    }
}

/// What was kept of the channels `names`. May block.
pub fn channels(store: &dyn Store, names: Vec<ChannelName>) -> HashMap<ChannelName, KeptChannel> {
    let kept = names.into_iter().map(|name| {
        let kept = channel(store, &name);
        (name, kept)
    });
    kept.collect()
}

fn channel(store: &dyn Store, name: &ChannelName) -> KeptChannel {
    let memory = hint(store, &channel_key(name)).unwrap_or_default();
    let channel = store.channel(name).ok().flatten();
    let id = channel.as_ref().map(|channel| channel.id);
    KeptChannel {
        memory,
        gaps: id.and_then(|id| Extent::read(store, id).ok()).map(|extent| extent.gaps).unwrap_or_default(),
        past: id.and_then(|id| past(store, id).ok()).unwrap_or_default(),
        channel,
    }
}

fn hint<T: serde::de::DeserializeOwned>(store: &dyn Store, key: &str) -> Option<T> {
    let value = store.hint(key).ok().flatten()?;
    serde_json::from_value(value).inspect_err(|error| debug!(key, %error, "a hint is of another version")).ok()
}

fn requests_key(exit: &str) -> String {
    if exit.is_empty() { REQUESTS.to_owned() } else { format!("{REQUESTS}/{exit}") }
}

fn channel_key(name: &ChannelName) -> String {
    format!("poll/{}", name.key())
}

//! What happened to channels, for those who subscribe to that: kept in the store, the newest two hundred.
//! Knows neither why nor how it is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    model::{ChannelName, Time},
    status::State,
    store::{Batch, Error, Store},
};

/// Older ones are forgotten.
const KEPT: usize = 200;
const PREFIX: &str = "event/";

/// A change in how a channel stands that a subscriber should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: Time,
    pub channel: ChannelName,
    pub what: What,
    /// What upstream said, where it said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is in that state from now on; a fine one means that it is back.
    State(State),
    /// Its owner gave it another name.
    Name { before: String, now: String },
}

impl Event {
    /// Unique, and ascending with time.
    pub fn key(&self) -> String {
        let what = if matches!(self.what, What::Name { .. }) { "name" } else { "state" };
        format!("{PREFIX}{:012}/{}/{what}", self.at.timestamp(), self.channel.key())
    }
}

/// All that are kept, newest first. What cannot be read is left out.
pub fn all(store: &dyn Store) -> Result<Vec<Event>, Error> {
    let kept = store.states(PREFIX)?.into_iter().rev();
    Ok(kept.filter_map(|(_, value)| serde_json::from_value(value).ok()).collect())
}

/// Adds `events`, and forgets the oldest beyond what is kept.
pub fn keep(store: &dyn Store, events: &[Event]) -> Result<(), Error> {
    let Some(at) = events.iter().map(|event| event.at).max() else { return Ok(()) };
    let known = store.states(PREFIX)?;
    let excess = (known.len() + events.len()).saturating_sub(KEPT);
    let mut states: Vec<(String, Option<Value>)> = known.into_iter().take(excess).map(|(key, _)| (key, None)).collect();
    for event in events {
        states.push((event.key(), Some(serde_json::to_value(event)?)));
    }
    store.commit(at, Batch { states, ..Batch::default() })
}

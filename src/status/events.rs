//! What happened to channels, in words for those who subscribe to that: kept in the store, the newest two hundred.

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
    /// Upstream's markup has a class or an element that is not known. Told once, of the channel that showed it first.
    Unknown(String),
}

impl Event {
    /// Unique, and ascending with time.
    pub fn key(&self) -> String {
        let what = match &self.what {
            What::State(_) => "state".to_owned(),
            What::Name { .. } => "name".to_owned(),
            What::Unknown(class) => format!("unknown-{:08x}", crc32fast::hash(class.as_bytes())),
        };
        format!("{PREFIX}{:012}/{}/{what}", self.at.timestamp(), self.channel.key())
    }

    /// What happened, in a few words; and what there is to do about it.
    pub fn told(&self) -> (String, String) {
        let Self { channel, reason, .. } = self;
        match &self.what {
            What::Name { before, now } => (
                format!("{channel} is called {now} now"),
                format!(
                    "The channel that was {before} on Telegram is {now} now. The feed goes on under its address, with the \
                     same posts. Put the new name into the configuration when it suits you."
                ),
            ),
            What::Unknown(class) => (
                format!("{}: {class}", State::Drift.words()),
                format!(
                    "Posts of {channel}, and perhaps of others, hold something called {class} that is not known here. It \
                     is shown as far as it is understood; nothing else suffers. {}",
                    sentence(State::Drift.advice().unwrap_or_default())
                ),
            ),
            What::State(state) if state.is_fine() => (
                format!("{channel} is back"),
                "The channel's posts can be read again. Nothing needs to be done.".to_owned(),
            ),
            What::State(state) => {
                let said = reason.as_ref().map(|reason| format!(" Found: {reason}.")).unwrap_or_default();
                let advice = sentence(state.advice().unwrap_or_default());
                (format!("{channel}: {}", state.words()), format!("The stored posts stay.{said} {advice}"))
            }
        }
    }
}

/// `text` as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}

/// All that are kept, newest first. What cannot be read is left out.
pub fn all(store: &dyn Store) -> Result<Vec<Event>, Error> {
    let kept = store.states(PREFIX)?.into_iter().rev();
    Ok(kept.filter_map(|(_, value)| serde_json::from_value(value).ok()).collect())
}

/// Adds `events`, and forgets the oldest beyond what is kept. Of two who do so at once neither undoes what the other
/// does: at most some more are kept until the next time.
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

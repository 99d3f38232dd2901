//! What is known about each channel's polling at this moment: written by `poll`, read by `serve`.
//! Plain shared memory; knows neither upstream nor HTTP.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde::{Deserialize, Serialize};

use super::State;
use crate::{
    model::{ChannelName, PostId, Time},
    schedule::Budget,
};

/// One channel's line on the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub state: State,
    /// Since when it is in that state.
    pub since: Option<Time>,
    pub last_success: Option<Time>,
    pub last_attempt: Option<Time>,
    pub next_poll: Option<Time>,
    /// Failed attempts in a row.
    pub failures: u32,
    pub last_error: Option<String>,
    /// Classes and elements of upstream's markup that nobody knew at the last look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Holes in what is stored that are still to be filled.
    #[serde(default)]
    pub gaps: usize,
    /// How far back its history is stored; None when none is wanted.
    #[serde(default)]
    pub history: Option<Progress>,
    /// The name under which the channel is asked for, when that is another one.
    #[serde(default)]
    pub same_as: Option<ChannelName>,
}

/// The walk back through a channel's posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: bool,
    /// When the oldest stored post was published.
    pub oldest: Option<Time>,
    /// That post.
    pub before: Option<PostId>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: State::New,
            since: None,
            last_success: None,
            last_attempt: None,
            next_poll: None,
            failures: 0,
            last_error: None,
            unknown: Vec::new(),
            gaps: 0,
            history: None,
            same_as: None,
        }
    }
}

/// A host as health shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostStatus {
    pub host: String,
    /// The proxy that it is asked through, without its credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Whether the next request goes this way.
    pub in_use: bool,
    /// `closed` (in use), `open` (left alone until `open_until`) or `half_open` (the next request tries it).
    pub breaker: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How the daemon's own hub stands, and what has happened there since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HubStatus {
    /// Subscriptions in force.
    pub verified: usize,
    /// Requests that wait for their callback's word.
    pub pending: usize,
    pub delivered: u64,
    /// Deliveries that are to be tried again.
    pub failed: u64,
    /// Subscriptions whose callback wanted no more, or failed for too long.
    pub gone: u64,
}

/// The statuses of all configured channels and of the hosts that are asked for them.
#[derive(Debug, Default)]
pub struct Board(RwLock<Statuses>);

#[derive(Debug, Default)]
struct Statuses {
    channels: BTreeMap<ChannelName, Status>,
    hosts: Vec<HostStatus>,
    budget: Option<Budget>,
    first_look: Option<Time>,
    configuration_error: Option<String>,
}

impl Board {
    pub fn new(channels: impl IntoIterator<Item = ChannelName>) -> Self {
        let channels = channels.into_iter().map(|name| (name, Status::default())).collect();
        Self(RwLock::new(Statuses { channels, ..Statuses::default() }))
    }

    pub fn get(&self, name: &ChannelName) -> Option<Status> {
        self.read().channels.get(name).cloned()
    }

    /// All channels, by name.
    pub fn all(&self) -> Vec<(ChannelName, Status)> {
        self.read().channels.iter().map(|(name, status)| (name.clone(), status.clone())).collect()
    }

    pub fn set(&self, name: &ChannelName, status: Status) {
        self.write().channels.insert(name.clone(), status);
    }

    /// The channel is not followed any more.
    pub fn remove(&self, name: &ChannelName) {
        self.write().channels.remove(name);
    }

    pub fn hosts(&self) -> Vec<HostStatus> {
        self.read().hosts.clone()
    }

    pub fn set_hosts(&self, hosts: Vec<HostStatus>) {
        self.write().hosts = hosts;
    }

    /// What was left of the budget of requests when polling last looked; None if nothing polls.
    pub fn budget(&self) -> Option<Budget> {
        self.read().budget
    }

    pub fn set_budget(&self, budget: Budget) {
        self.write().budget = Some(budget);
    }

    /// When a channel that somebody begins to wait for would be asked for; None if nothing polls.
    pub fn first_look(&self) -> Option<Time> {
        self.read().first_look
    }

    pub fn set_first_look(&self, time: Time) {
        self.write().first_look = Some(time);
    }

    /// Why the configuration in force is not the one that is in the file.
    pub fn configuration_error(&self) -> Option<String> {
        self.read().configuration_error.clone()
    }

    pub fn set_configuration_error(&self, error: String) {
        self.write().configuration_error = Some(error);
    }

    fn read(&self) -> RwLockReadGuard<'_, Statuses> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Statuses> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

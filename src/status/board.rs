//! What is known about each channel's polling at this moment: written by `poll`, read by `serve`.
//! Plain shared memory; knows neither upstream nor HTTP.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde::{Deserialize, Serialize};

use crate::{
    model::{ChannelName, PostId, Time},
    schedule::Budget,
};

/// How a channel stands with upstream. Stored posts are served in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not polled yet.
    New,
    Ok,
    /// A preview without posts.
    Empty,
    /// Nothing new for a month.
    Quiet,
    RateLimited,
    /// Upstream answers with errors, or with pages that are not understood.
    UpstreamError,
    Unreachable,
    /// The channel is withheld from those who ask from here.
    Restricted,
    /// The name exists but has no preview.
    NoPreview,
    NotFound,
    Private,
    IsGroup,
    IsUser,
    /// The name now shows another channel's posts.
    Renamed,
    /// The pages changed in a way that the parser does not know.
    Drift,
}

impl State {
    /// The snake_case word of health and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Quiet => "quiet",
            Self::RateLimited => "rate_limited",
            Self::UpstreamError => "upstream_error",
            Self::Unreachable => "unreachable",
            Self::Restricted => "restricted",
            Self::NoPreview => "no_preview",
            Self::NotFound => "not_found",
            Self::Private => "private",
            Self::IsGroup => "is_group",
            Self::IsUser => "is_user",
            Self::Renamed => "renamed",
            Self::Drift => "drift",
        }
    }

    /// What a person can do about it; None where nothing is amiss.
    pub fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::New | Self::Ok | Self::Empty | Self::Quiet => return None,
            Self::RateLimited => "nothing to do: polling goes on, slower; if it lasts, lower poll.requests_per_minute",
            Self::UpstreamError => "nothing to do: it is tried again; if it lasts, look at the address in a browser",
            Self::Unreachable => "check this machine's connection, its DNS and upstream.proxy; it is tried again",
            Self::Restricted => "Telegram withholds it where you are; a proxy elsewhere (upstream.proxy) may help",
            Self::NoPreview => "ask its owner to switch the preview on, or remove the channel",
            Self::NotFound => "check the spelling; if the channel was renamed, configure its new name",
            Self::Private => "remove it: a private channel has no preview",
            Self::IsGroup => "remove it: a group has no preview",
            Self::IsUser => "remove it: a person or a bot has no posts",
            Self::Renamed => "find the channel's new name; to follow the other one, use a store of its own",
            Self::Drift => "posts are stored as far as they are understood; look for a newer version",
        })
    }

    /// Whether nothing is amiss.
    pub fn is_fine(self) -> bool {
        matches!(self, Self::New | Self::Ok | Self::Empty | Self::Quiet)
    }
}

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

/// The statuses of all configured channels and of the hosts that are asked for them.
#[derive(Debug, Default)]
pub struct Board(RwLock<Statuses>);

#[derive(Debug, Default)]
struct Statuses {
    channels: BTreeMap<ChannelName, Status>,
    hosts: Vec<HostStatus>,
    budget: Option<Budget>,
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

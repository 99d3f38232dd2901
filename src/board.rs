//! What is known about each channel's polling at this moment: written by `poll`, read by `serve`.
//! Plain shared memory; knows neither upstream nor HTTP.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use serde::{Deserialize, Serialize};

use crate::model::{ChannelName, Time};

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
            Self::NoPreview => "no_preview",
            Self::NotFound => "not_found",
            Self::Private => "private",
            Self::IsGroup => "is_group",
            Self::IsUser => "is_user",
            Self::Renamed => "renamed",
            Self::Drift => "drift",
        }
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
        }
    }
}

/// A host as health shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostStatus {
    pub host: String,
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
}

impl Board {
    pub fn new(channels: impl IntoIterator<Item = ChannelName>) -> Self {
        let channels = channels.into_iter().map(|name| (name, Status::default())).collect();
        Self(RwLock::new(Statuses { channels, hosts: Vec::new() }))
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

    pub fn hosts(&self) -> Vec<HostStatus> {
        self.read().hosts.clone()
    }

    pub fn set_hosts(&self, hosts: Vec<HostStatus>) {
        self.write().hosts = hosts;
    }

    fn read(&self) -> RwLockReadGuard<'_, Statuses> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Statuses> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

//! `[on_demand]`: whether a name that nobody configured is followed when a reader asks for it, and how many are.

use std::time::Duration;

use url::Url;

use super::{Access, Server, read::is_loopback, section::Section};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDemand {
    pub enabled: bool,
    /// What decided that, as the end of a sentence.
    pub reason: &'static str,
    /// A reader waits so long for the first look.
    pub wait: Duration,
    /// So many are followed at most; the longest unread leaves first.
    pub channels: usize,
    /// Without a reader for so long a channel is polled no more.
    pub idle_days: u32,
    /// From one address (one /64, for IPv6).
    pub new_per_hour: u32,
}

/// On where only this machine or who knows a token can ask, if nothing is said.
pub fn on_demand(section: Section<'_>, server: &Server, access: &Access) -> OnDemand {
    let is_local = Url::parse(&server.public_url).is_ok_and(|url| is_loopback(&url));
    let (usual, reason) = if is_local {
        (true, "server.public_url is an address of this machine")
    } else if access.tokens_file.is_some() {
        (true, "readers need a token")
    } else {
        (false, "anybody may read, and strangers would spend the budget of requests")
    };
    let said = section.boolean("enabled");
    let on_demand = OnDemand {
        enabled: said.unwrap_or(usual),
        reason: if said.is_some() { "on_demand.enabled says so" } else { reason },
        wait: Duration::from_secs(section.integer("wait_seconds", 1..=60).unwrap_or(10)),
        channels: section.integer("channels", 1..=1_000_000).map_or(1000, |n| n as usize),
        idle_days: section.integer("idle_days", 1..=3650).map_or(30, |n| n as u32),
        new_per_hour: section.integer("new_per_hour", 1..=100_000).map_or(20, |n| n as u32),
    };
    section.finish();
    on_demand
}

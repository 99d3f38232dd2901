//! Whether the daemon is well, judged by the harm that is done. Pure.

use super::Status;
use crate::store::Stats;

/// A supervisor may restart a daemon that is down; one that is degraded wants a person to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Ok,
    Degraded,
    /// Nothing can be served, or nothing can be polled.
    Down,
}

impl Health {
    /// `stats` are None when the store cannot be read; `refused` tells that the configuration in force is not the one in
    /// the file. Of the channels that are `on_demand` one that is amiss is its readers' matter alone: whoever asked for it
    /// must not have the daemon look unwell.
    pub fn of<'a>(
        stats: Option<&Stats>,
        configured: impl IntoIterator<Item = &'a Status>,
        on_demand: impl IntoIterator<Item = &'a Status>,
        refused: bool,
    ) -> Self {
        let Some(stats) = stats else { return Self::Down };
        let (configured, on_demand) = (Tally::of(configured), Tally::of(on_demand));
        if configured.channels + on_demand.channels > 0 && configured.read + on_demand.read == 0 {
            Self::Down
        } else if stats.write_error.is_some()
            || refused
            || configured.fine < configured.channels
            || on_demand.channels > 0 && on_demand.fine == 0
        {
            Self::Degraded
        } else {
            Self::Ok
        }
    }

    /// The word of `/health`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

#[derive(Default)]
struct Tally {
    channels: usize,
    read: usize,
    fine: usize,
}

impl Tally {
    fn of<'a>(statuses: impl IntoIterator<Item = &'a Status>) -> Self {
        statuses.into_iter().fold(Self::default(), |tally, Status { state, .. }| Self {
            channels: tally.channels + 1,
            read: tally.read + usize::from(state.is_read()),
            fine: tally.fine + usize::from(state.is_fine()),
        })
    }
}

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
    /// `stats` are None when the store cannot be read. `refused` tells that the configuration in force is not the one in
    /// the file.
    pub fn of<'a>(stats: Option<&Stats>, statuses: impl IntoIterator<Item = &'a Status>, refused: bool) -> Self {
        let Some(stats) = stats else { return Self::Down };
        let (mut channels, mut read, mut fine) = (0, 0, 0);
        for Status { state, .. } in statuses {
            channels += 1;
            read += usize::from(state.is_read());
            fine += usize::from(state.is_fine());
        }
        if channels > 0 && read == 0 {
            Self::Down
        } else if stats.write_error.is_some() || refused || fine < channels {
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

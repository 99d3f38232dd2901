//! How many files the process may have open, which connections are among.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the store, for upstream and for what the runtime has open.
const OTHERS: u64 = 256;

/// Raises the limit as far as is allowed without privileges; says for how many of `connections` there is room.
pub fn room_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let Some(most) = limit.maximum else { return connections };
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) }) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(most);
    let room = usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(usize::MAX).max(1);
    if room < connections {
        tracing::warn!(connections, room, "fewer connections than limits.connections fit the limit of open files");
    }
    room.min(connections)
}

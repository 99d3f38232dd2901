//! How many files the process may have open, which connections are among.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the store, for upstream and for what the runtime has open.
const OTHERS: u64 = 256;

/// Raises the limit as far as is needed and allowed; says for how many of `connections` there is room.
pub fn room_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // None is without a limit.
    let (Some(now), most) = (limit.current, limit.maximum) else { return connections };
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    if now < wanted {
        let raised = most.map_or(wanted, |most| most.min(wanted));
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: most }) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let room = usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(usize::MAX).max(1);
    if room < connections {
        tracing::warn!(connections, room, "fewer connections than limits.connections fit the limit of open files");
    }
    room.min(connections)
}

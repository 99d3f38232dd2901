//! Versions of feeds, told from memory alone: which program and settings make the feed, and where its channels stand.

use chrono::DateTime;
use sha2::{Digest, Sha256};

use crate::{
    config::FeedSpec,
    feed::Selection,
    model::{ChannelId, Time},
    store::Head,
};

/// When Telegram opened: the time of a feed that nothing has happened in. A constant, so that such a feed is stable too.
pub const BEFORE_ANY_POST: Time = DateTime::from_timestamp(1_376_438_400, 0).expect("a date in the year 2013");

/// Which state of which feed. Equal versions, equal bytes (in one format and coding).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Digest of what makes the feed beside its posts, see [`identity`].
    pub identity: u64,
    /// Digest of where each of its channels stands.
    pub heads: u64,
    /// The largest sequence number among its channels.
    pub sequence: u64,
    /// Time of the last change in the store.
    pub changed: Time,
}

impl Version {
    /// `heads` in the order of the feed's channels.
    pub fn new(identity: u64, heads: &[(ChannelId, Head)]) -> Self {
        let mut digest = Sha256::new();
        for (id, head) in heads {
            digest.update(id.0.to_be_bytes());
            digest.update(head.sequence.to_be_bytes());
        }
        Self {
            identity,
            heads: first_bytes(digest),
            sequence: heads.iter().map(|(_, head)| head.sequence).max().unwrap_or(0),
            changed: heads.iter().filter_map(|(_, head)| head.changed).max().unwrap_or(BEFORE_ANY_POST),
        }
    }
}

/// The identity of a selection from the feed with the identity `feed`.
pub fn identity_of(feed: u64, selection: &Selection) -> u64 {
    let query = selection.query();
    if query.is_empty() {
        return feed;
    }
    first_bytes(Sha256::new().chain_update(feed.to_be_bytes()).chain_update(query))
}

/// Digest of the program's version, the feed's settings, the public address and the hub's: of all that its bytes depend on
/// beside the posts. It goes by the `Debug` form of `spec`, so that a new setting can never be forgotten here.
pub fn identity(spec: &FeedSpec, public_url: &str, hub_url: Option<&str>) -> u64 {
    let mut digest = Sha256::new();
    digest.update(format!("{}\n{public_url}\n{hub_url:?}\n{spec:?}", env!("CARGO_PKG_VERSION")));
    first_bytes(digest)
}

pub(super) fn first_bytes(digest: Sha256) -> u64 {
    digest.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

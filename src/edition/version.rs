//! Versions of feeds, told from memory alone: which program and settings make the feed, and where its channels stand.

use chrono::{DateTime, SubsecRound, TimeDelta};
use sha2::{Digest, Sha256};

use crate::{
    config::FeedSpec,
    feed::{RENDERING, Selection},
    media::Addresses,
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
    /// What Last-Modified says, in whole seconds: the later of the last change that the document shows and of the
    /// moment when it was first set up as it is, see [`modified`]. None where no time tells all changes.
    pub modified: Option<Time>,
}

impl Version {
    /// Of a feed set up as it is since `since`; `heads` in the order of its channels. Where files have addresses of
    /// their `own`, those of upstream's change nothing.
    pub fn new(identity: u64, since: Time, heads: &[(ChannelId, Head)], own: bool) -> Self {
        let told = |head: &Head| if own { (head.said, head.said_at) } else { (head.sequence, head.changed) };
        let mut digest = Sha256::new();
        for (id, head) in heads {
            digest.update(id.0.to_be_bytes());
            digest.update(told(head).0.to_be_bytes());
        }
        let changed = heads.iter().filter_map(|(_, head)| told(head).1).max().unwrap_or(BEFORE_ANY_POST);
        Self {
            identity,
            heads: first_bytes(digest),
            sequence: heads.iter().map(|(_, head)| told(head).0).max().unwrap_or(0),
            changed,
            modified: Some(modified(changed, since, heads.len() > 1)),
        }
    }
}

/// When a document was last modified that changed at `changed` and is set up as it is since `since`, so that of two
/// changes in one second the second one shows: those of one channel are at least a second apart, those of `several` and
/// those of the set-up need not be.
fn modified(changed: Time, since: Time, several: bool) -> Time {
    let (told, set_up) = (if several { whole_second(changed) } else { changed.trunc_subsecs(0) }, whole_second(since));
    if changed > since && told <= set_up { set_up + TimeDelta::seconds(1) } else { told.max(set_up) }
}

/// The next whole second, which a date of HTTP can tell.
pub fn whole_second(time: Time) -> Time {
    let second = time.trunc_subsecs(0);
    if second < time { second + TimeDelta::seconds(1) } else { second }
}

/// The identity of a selection from the feed with the identity `feed`.
pub fn identity_of(feed: u64, selection: &Selection) -> u64 {
    let query = selection.query();
    if query.is_empty() {
        return feed;
    }
    first_bytes(Sha256::new().chain_update(feed.to_be_bytes()).chain_update(query))
}

/// Digest of the way in which feeds are written, the feed's settings, the public address and the hub's, and whose
/// addresses files have: of all that its bytes depend on beside the posts. It goes by the `Debug` form of `spec`, so that a
/// new setting can never be forgotten here.
pub fn identity(spec: &FeedSpec, public_url: &str, hub_url: Option<&str>, media: &Addresses) -> u64 {
    let mut digest = Sha256::new();
    digest.update(format!("{RENDERING}\n{public_url}\n{hub_url:?}\n{spec:?}"));
    if media.are_own() {
        digest.update(format!("{media:?}"));
    }
    first_bytes(digest)
}

/// Digest of what all documents have in common.
pub fn identity_of_all(public_url: &str) -> u64 {
    first_bytes(Sha256::new().chain_update(format!("{RENDERING}\n{public_url}")))
}

pub(super) fn first_bytes(digest: Sha256) -> u64 {
    digest.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_changes_that_readers_may_have_seen_apart_have_two_dates() {
        let at = |milliseconds: i64| BEFORE_ANY_POST + TimeDelta::milliseconds(milliseconds);
        let date = |changed, since, several| modified(at(changed), at(since), several).timestamp() - at(0).timestamp();
        // Posts of one channel, a second apart by the store's promise.
        assert_eq!([date(5_300, 0, false), date(6_300, 0, false)], [5, 6]);
        // Of two channels in one second: who has the first asks before the second whole second.
        assert_eq!([date(5_300, 0, true), date(5_900, 0, true)], [6, 6]);
        // A setting in the second of a post, and a post in the second of a setting.
        assert_eq!([date(5_300, 0, false), date(5_300, 5_900, false)], [5, 6]);
        assert_eq!([date(5_300, 5_900, false), date(6_200, 5_900, false)], [6, 7]);
    }
}

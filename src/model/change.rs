//! Changes of posts, on their way from a page to the store.

use serde::{Deserialize, Serialize};

use super::{ChannelId, Stored};

/// Why a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Seen for the first time.
    New,
    /// The digest changed: a new revision, `updated` moved.
    Edited,
    /// Only what rotates was renewed (media addresses, counters, a preview); `updated` stands.
    Renewed,
    Deleted,
    /// Seen again after having been marked deleted.
    Restored,
}

/// One change of one post: the whole post as it is after it.
/// `stored.sequence` is ignored on the way in; the store sets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub kind: ChangeKind,
    pub channel: ChannelId,
    pub stored: Stored,
}

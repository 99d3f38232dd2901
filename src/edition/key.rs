//! What a document is called, and what it is once it is made.

use std::{io, sync::Arc};

use bytes::Bytes;

use super::{Coding, Version};
use crate::{
    feed::{Format, Selection},
    feeds::FeedId,
    store,
};

/// Names an edition, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub feed: FeedId,
    pub format: Format,
    pub coding: Coding,
    /// Only the entries changed after this sequence number; `None` for the whole feed.
    pub since: Option<u64>,
    /// `None` for the feed itself.
    pub selection: Option<Arc<Selection>>,
}

impl Key {
    /// The feed as it is, in full.
    pub fn whole(feed: FeedId, format: Format, coding: Coding) -> Self {
        Self { feed, format, coding, since: None, selection: None }
    }

    pub fn in_coding(&self, coding: Coding) -> Self {
        Self { coding, ..self.clone() }
    }
}

/// A feed rendered in one format and coding.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    pub version: Version,
    pub bytes: Bytes,
    /// Sequence numbers of its entries, ascending.
    pub sequences: Arc<[u64]>,
}

impl Edition {
    /// Whether it is as new as `wanted`. A request that computed its version before a change
    /// is well served with the edition made after it.
    pub fn serves(&self, wanted: &Version) -> bool {
        self.version == *wanted || self.version.sequence > wanted.sequence
    }

    /// The same document, which must be in no coding yet, in `coding`.
    pub fn in_coding(&self, coding: Coding) -> Result<Self, Error> {
        Ok(Self { bytes: coding.encode(&self.bytes)?, ..self.clone() })
    }
}

/// Why there is no edition.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store cannot be read")]
    Store(#[from] store::Error),
    #[error("the feed cannot be compressed")]
    Encode(#[from] io::Error),
    #[error("the document is not complete yet")]
    Unfinished,
    #[error("making the feed stopped half-way; the log has the reason")]
    Stopped,
}

//! How far what is stored of a channel reaches: the holes in it, and whether its beginning is there. What can still be
//! found between two posts is told from here, by every process that reads the store alike.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, Store};
use crate::model::{ChannelId, PostId};

/// Posts between two ids may be missing. Posts at both ends are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The next page to ask for is the one before this post.
    pub before: PostId,
    /// Closed when this post is reached.
    pub until: PostId,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    pub gaps: Vec<Gap>,
    /// Upstream has nothing older than the oldest stored post.
    pub is_whole: bool,
}

impl Extent {
    pub fn read(store: &dyn Store, channel: ChannelId) -> Result<Self, Error> {
        let gaps = store.state(&gaps_key(channel))?;
        let begins =
            || store.following(channel, PostId(0), 1).map(|oldest| oldest.iter().any(|post| post.post.id.0 <= 1));
        Ok(Self {
            gaps: gaps.map(serde_json::from_value).transpose()?.unwrap_or_default(),
            is_whole: store.state(&whole_key(channel))?.is_some() || begins()?,
        })
    }

    /// Whether no post will be found any more between two stored ones that are neighbours of what is asked about;
    /// `older` is None where nothing is stored below.
    pub fn is_settled(&self, older: Option<PostId>, newer: PostId) -> bool {
        let from = older.unwrap_or(PostId(0));
        let holed = self.gaps.iter().any(|gap| gap.until < newer && gap.before > from);
        !holed && (older.is_some() || self.is_whole)
    }
}

/// The durable state that says which holes a channel has.
pub fn gaps_state(channel: ChannelId, gaps: &[Gap]) -> Result<(String, Option<Value>), Error> {
    let value = if gaps.is_empty() { None } else { Some(serde_json::to_value(gaps)?) };
    Ok((gaps_key(channel), value))
}

/// The durable state that says that the oldest stored post is the channel's first.
pub fn whole_state(channel: ChannelId) -> (String, Option<Value>) {
    (whole_key(channel), Some(Value::Bool(true)))
}

fn gaps_key(channel: ChannelId) -> String {
    format!("gaps/{channel}")
}

fn whole_key(channel: ChannelId) -> String {
    format!("whole/{channel}")
}

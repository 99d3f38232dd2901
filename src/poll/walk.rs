//! Walking back through a channel, page by page, as far as its history is wanted. Pure.
//!
//! The walk needs no memory of its own: the next page is the one before the oldest stored post, so that it goes on
//! where it was interrupted. Only that the channel begins there is kept, since no post tells it.

use crate::{
    model::{History, PostId, Time},
    status::Progress,
};

/// What is stored of a channel's past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// The oldest stored post and when it was published.
    pub oldest: Option<(PostId, Time)>,
    pub posts: u64,
    /// Upstream has nothing older.
    pub is_whole: bool,
}

/// Where the walk stands; None when there is nothing to walk for. `now` is the wall's.
pub fn progress(wanted: History, past: Past, now: Time) -> Option<Progress> {
    let oldest = past.oldest.map(|(_, published)| published);
    let reached = match wanted {
        History::None => return None,
        History::All => false,
        History::Posts(count) => past.posts >= count,
        History::Since(_) | History::Age(_) => {
            oldest.zip(wanted.since(now)).is_some_and(|(oldest, since)| oldest <= since)
        }
    };
    let done = past.oldest.is_some() && (reached || past.is_whole);
    Some(Progress { done, oldest, before: past.oldest.map(|(id, _)| id) })
}

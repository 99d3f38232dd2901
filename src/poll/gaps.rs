//! Holes in what is stored: posts that came and left the newest page between two polls. Pure; says which older page
//! to ask for next.

use serde::{Deserialize, Serialize};

use crate::model::PostId;

/// Posts between two ids may be missing. Posts at both ends are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The next page to ask for is the one before this post.
    pub before: PostId,
    /// Closed when this post is reached.
    pub until: PostId,
}

/// Which page of a channel was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    Newest,
    Before(PostId),
}

/// The gaps of a channel after a page of it: `oldest` is its oldest post, None if it has none; `more` tells that there
/// are older pages; `newest_before` is the newest post that was stored before it.
pub fn after(
    gaps: &[Gap],
    cursor: Cursor,
    oldest: Option<PostId>,
    more: bool,
    newest_before: Option<PostId>,
) -> Vec<Gap> {
    let mut gaps = gaps.to_vec();
    match cursor {
        Cursor::Newest => {
            let left = oldest.zip(newest_before).map(|(before, until)| Gap { before, until });
            gaps.extend(left.filter(|gap| more && gap.is_open()));
        }
        Cursor::Before(asked) => {
            if let Some(index) = gaps.iter().position(|gap| gap.before == asked) {
                let rest = oldest.filter(|oldest| *oldest < asked).map(|before| Gap { before, ..gaps[index] });
                match rest.filter(|gap| more && gap.is_open()) {
                    Some(rest) => gaps[index] = rest,
                    None => _ = gaps.remove(index),
                }
            }
        }
    }
    gaps
}

impl Gap {
    fn is_open(self) -> bool {
        self.before.0 > self.until.0.saturating_add(1)
    }
}

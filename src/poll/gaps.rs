//! The holes in what is stored after one more page: posts that came and left the newest page between two polls. Pure; says which older page
//! to ask for next.

use crate::{model::PostId, store::Gap};

/// Which page of a channel was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cursor {
    Newest,
    Before(PostId),
    /// As `Before`, but there is reason to think that no post is left: if the page is empty, that is believed.
    /// Of any other page it is not, since a silent ban looks like that.
    End(PostId),
}

/// The gaps of a channel after a page of it: `oldest` is its oldest post, None if it has none; `newest_before` is the
/// newest id that was stored before it.
///
/// What the page says of older pages is not asked: a link that upstream forgets would lose posts.
pub fn after(gaps: &[Gap], cursor: Cursor, oldest: Option<PostId>, newest_before: Option<PostId>) -> Vec<Gap> {
    let mut gaps = gaps.to_vec();
    let (asked, is_end) = match cursor {
        Cursor::Newest => {
            let left = oldest.zip(newest_before).map(|(before, until)| Gap { before, until });
            gaps.extend(left.filter(is_open));
            return gaps;
        }
        Cursor::Before(asked) => (asked, false),
        Cursor::End(asked) => (asked, true),
    };
    let Some(index) = gaps.iter().position(|gap| gap.before == asked) else { return gaps };
    let rest = oldest.filter(|oldest| *oldest < asked).map(|before| Gap { before, ..gaps[index] });
    match rest {
        Some(rest) if is_open(&rest) => gaps[index] = rest,
        None if !is_end => {}
        _ => _ = gaps.remove(index),
    }
    gaps
}

fn is_open(gap: &Gap) -> bool {
    gap.before.0 > gap.until.0.saturating_add(1)
}

//! What was found out of files stays with those that a page shows again.

use std::collections::{HashMap, VecDeque};

use super::essence_of_part;
use crate::model::{Change, ChangeKind, ChannelId, Known, MediaPlace, MediaUrl, Missing, Part, Post, Role, Stored};

/// Gives the files of `seen` what is known of the same ones in `stored`: those of parts that are the same, in their order.
/// An edit that puts another file in the place of one leaves nothing known of it.
pub(super) fn carry(stored: &Post, seen: &mut Post) {
    if stored.media().iter().all(|(_, file)| file.known == Known::default()) {
        return;
    }
    let mut left: Vec<&Part> = stored.parts.iter().collect();
    for part in &mut seen.parts {
        let Some(place) = left.iter().position(|earlier| is_same(earlier, part)) else { continue };
        let mut earlier = files(left.remove(place));
        part.each_file(|role, file| {
            if let Some(earlier) = earlier.get_mut(&role).and_then(VecDeque::pop_front) {
                file.know(&earlier);
            }
        });
    }
    if let (Some(earlier), Some(reply)) = (&stored.reply, &mut seen.reply)
        && earlier.href == reply.href
        && let (Some(earlier), Some(thumbnail)) = (&earlier.thumbnail, &mut reply.thumbnail)
    {
        thumbnail.know(earlier);
    }
}

/// A file's number tells a replaced photo, but only where the markup gives it both times.
fn is_same(one: &Part, other: &Part) -> bool {
    let is_replaced = matches!((one, other), (Part::Photo(one), Part::Photo(other))
        if one.file.as_ref().zip(other.file.as_ref()).is_some_and(|(one, other)| one != other));
    !is_replaced && essence_of_part(one, false) == essence_of_part(other, false)
}

fn files(part: &Part) -> HashMap<Role, VecDeque<MediaUrl>> {
    let mut files: HashMap<Role, VecDeque<_>> = HashMap::new();
    part.clone().each_file(|role, file| files.entry(role).or_default().push_back(file.clone()));
    files
}

/// `stored` with what was `found` out of its files; None when that is nothing new. What readers are told of a file, and
/// nothing that is worth the mark of an edit.
pub fn with_known(
    channel: ChannelId,
    mut stored: Stored,
    found: impl Fn(MediaPlace) -> Option<Known>,
) -> Option<Change> {
    let mut is_news = false;
    stored.post.each_medium(|place, file| {
        let Some(mut known) = found(place) else { return };
        if !place.role.is_listed() {
            known = Known { missing: known.missing, ..Known::default() };
        }
        known.m4a = known.m4a.or(file.known.m4a);
        known.length = known.length.or(file.known.length);
        known.mime = known.mime.or_else(|| file.known.mime.clone());
        if known != file.known {
            file.known = known;
            is_news = true;
        }
    });
    Some(Change { kind: ChangeKind::Renewed, channel, stored }).filter(|_| is_news)
}

/// How many files are not to be had anywhere.
pub(super) fn gone(post: &Post) -> usize {
    post.media().iter().filter(|(_, file)| file.known.missing == Some(Missing::Gone)).count()
}

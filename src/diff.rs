//! What a page changes in what is known. Pure: the time comes in, changes come out.

mod damping;
mod known;

pub use damping::Waiting;
pub use known::with_known;

use std::{
    cmp::max,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::TimeDelta;

use crate::model::{
    Change, ChangeKind, ChannelId, Forward, Inline, Part, Photo, Poll, Post, PostId, ReactionLimit, Reply, Stored,
    Time, Withheld,
};

/// Media addresses die after a day or two and differ on every load; this often the stored ones are replaced.
const RENEWAL: TimeDelta = TimeDelta::hours(12);
/// While a poll is open, this often its figures are replaced.
const FIGURES: TimeDelta = TimeDelta::minutes(10);

/// What a page brings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    pub changes: Vec<Change>,
    /// Readings that are no revisions yet, for the next poll.
    pub waiting: Waiting,
}

/// The changes that `posts`, in page order, bring to `known`, the stored posts that any of their ids belongs to, when
/// no reading waits.
pub fn diff(channel: ChannelId, known: Vec<Stored>, posts: Vec<Post>, now: Time) -> Vec<Change> {
    damped(channel, known, posts, Waiting::default(), &[], now).changes
}

/// As [`diff`], with the readings that are `waiting` since the last poll, whose posts are in `known`, too, and with the
/// `limits` of reactions that matter to somebody.
///
/// Look-up is by id, never by "newer than the newest": older posts on the page are not new for being old.
pub fn damped(
    channel: ChannelId,
    known: Vec<Stored>,
    posts: Vec<Post>,
    waiting: Waiting,
    limits: &[ReactionLimit],
    now: Time,
) -> Difference {
    let known = Known::new(known);
    let mut waiting = waiting;
    let first = posts.iter().map(|post| post.id).min();
    let posts = known.each_once(posts);
    let shown: HashSet<PostId> = posts.iter().map(|(id, _)| *id).collect();
    let last = posts.len().saturating_sub(1);
    let mut changes = Vec::new();
    for (index, (_, post)) in posts.into_iter().enumerate() {
        let at_edge = index == 0 || index == last;
        changes.extend(match known.find(&post) {
            None => Some((ChangeKind::New, first_seen(post, now))),
            Some(stored) => compare(stored, post, at_edge, &mut waiting, limits, now),
        });
    }
    // What a post read or told last before it left the page is what it reads and tells.
    for post in first.map(|first| waiting.before(first)).unwrap_or_default() {
        match known.find(&post).filter(|stored| stored.deleted.is_none()) {
            None => waiting.forget(post.id),
            Some(stored) if shown.contains(&stored.post.id) => {}
            Some(stored) => changes.extend(compare(stored, post, false, &mut waiting, limits, now)),
        }
    }
    let changes = changes.into_iter().map(|(kind, stored)| Change { kind, channel, stored }).collect();
    Difference { changes, waiting }
}

/// The mark of a post that is gone upstream.
pub fn deleted(channel: ChannelId, stored: Stored, now: Time) -> Change {
    Change { kind: ChangeKind::Deleted, channel, stored: Stored { deleted: Some(now), ..stored } }
}

/// `stored` with what its own page tells of its withheld text; None when that is nothing new.
pub fn with_excerpt(channel: ChannelId, mut stored: Stored, excerpt: &str, now: Time) -> Option<Change> {
    let withheld = stored.post.parts.iter_mut().find_map(|part| match part {
        Part::Withheld(withheld) if withheld.excerpt != excerpt => Some(withheld),
        _ => None,
    })?;
    withheld.excerpt = excerpt.to_owned();
    Some(Change { kind: ChangeKind::Renewed, channel, stored: Stored { renewed: now, ..stored } })
}

/// `stored` with the addresses that its own page shows of its files; None when these are known.
pub fn with_addresses(channel: ChannelId, mut stored: Stored, page: &Post, now: Time) -> Option<Change> {
    let seen: HashMap<_, _> = page.media().into_iter().collect();
    let mut is_news = false;
    stored.post.each_medium(|place, url| {
        if let Some(seen) = seen.get(&place).filter(|seen| seen.address != url.address) {
            url.move_to(seen.as_str());
            is_news = true;
        }
    });
    let change = Change { kind: ChangeKind::Renewed, channel, stored: Stored { renewed: now, ..stored } };
    Some(change).filter(|_| is_news)
}

/// The ids that a post goes by: its own and those of its album.
pub fn ids(post: &Post) -> impl Iterator<Item = PostId> {
    post.ids()
}

struct Known {
    posts: Vec<Stored>,
    by_id: HashMap<PostId, usize>,
}

impl Known {
    fn new(posts: Vec<Stored>) -> Self {
        let mut by_id = HashMap::new();
        for (index, stored) in posts.iter().enumerate() {
            for id in ids(&stored.post) {
                by_id.entry(id).or_insert(index);
            }
        }
        Self { posts, by_id }
    }

    fn find(&self, post: &Post) -> Option<&Stored> {
        ids(post).find_map(|id| self.by_id.get(&id)).map(|index| &self.posts[*index])
    }

    /// The posts under the ids that they are stored by. Of several that are one, what shows the most of an album counts,
    /// else the last.
    fn each_once(&self, posts: Vec<Post>) -> Vec<(PostId, Post)> {
        let mut places: HashMap<PostId, usize> = HashMap::new();
        let mut each: Vec<(PostId, Post)> = Vec::new();
        for post in posts {
            let id = self.find(&post).map_or(post.id, |stored| stored.post.id);
            match places.get(&id) {
                Some(&place) if each[place].1.members.len() <= post.members.len() => each[place].1 = post,
                Some(_) => {}
                None => {
                    places.insert(id, each.len());
                    each.push((id, post));
                }
            }
        }
        each
    }
}

fn first_seen(post: Post, now: Time) -> Stored {
    let published = post.dated(now).unwrap_or(now);
    Stored {
        post,
        published,
        updated: published,
        first_seen: now,
        renewed: now,
        sequence: 0,
        revisions: 1,
        deleted: None,
        readings: Vec::new(),
    }
}

fn compare(
    stored: &Stored,
    post: Post,
    at_edge: bool,
    waiting: &mut Waiting,
    limits: &[ReactionLimit],
    now: Time,
) -> Option<(ChangeKind, Stored)> {
    if at_edge && is_cut_album(&stored.post, &post) && stored.deleted.is_none() {
        return None;
    }
    let post = adopt(stored, post);
    let seen = Stored { renewed: now, deleted: None, ..stored.clone() };
    if !is_same(&stored.post, &post) {
        // Never backwards, whatever the clock does.
        let updated = max(now, stored.updated + TimeDelta::seconds(1));
        let revisions = stored.revisions + 1;
        if let Some(readings) = waiting.admit(stored, &post, now) {
            return Some((ChangeKind::Edited, Stored { post, updated, revisions, readings, ..seen }));
        }
        let restored = Stored { renewed: stored.renewed, ..seen };
        return stored.deleted.map(|_| (ChangeKind::Restored, restored));
    }
    waiting.forget(stored.post.id);
    if stored.deleted.is_some() {
        return Some((ChangeKind::Restored, Stored { post, ..seen }));
    }
    let has_other_figures = has_other_figures(&stored.post, &post);
    let due = (now - stored.renewed).abs() >= RENEWAL
        || has_gained(&stored.post, &post)
        || (has_other_figures && are_figures_due(stored, &post, now))
        || reaches_a_limit(&stored.post, &post, limits);
    if !due && has_other_figures {
        waiting.keep(post);
        return None;
    }
    (due && post != stored.post).then_some((ChangeKind::Renewed, Stored { post, ..seen }))
}

/// A page may end in the middle of an album; what it shows of it is no edit.
fn is_cut_album(stored: &Post, seen: &Post) -> bool {
    let stored: BTreeSet<_> = ids(stored).collect();
    let seen: BTreeSet<_> = ids(seen).collect();
    seen.len() < stored.len() && seen.is_subset(&stored)
}

/// The seen post under the stored one's identity, with what only the store knows of it.
fn adopt(stored: &Stored, mut post: Post) -> Post {
    post.id = stored.post.id;
    post.published = stored.post.published.or(post.published);
    known::carry(&stored.post, &mut post);
    let excerpt = stored.post.parts.iter().find_map(|part| match part {
        Part::Withheld(withheld) if !withheld.excerpt.is_empty() => Some(&withheld.excerpt),
        _ => None,
    });
    if let Some(excerpt) = excerpt {
        for part in &mut post.parts {
            if let Part::Withheld(withheld) = part {
                withheld.excerpt.clone_from(excerpt);
            }
        }
    }
    post
}

/// Whether something to see appeared that comes late by itself: a link's card, a video's file, a file that was gone.
fn has_gained(stored: &Post, seen: &Post) -> bool {
    let count = |post: &Post| {
        let previews = post.parts.iter().filter(|part| matches!(part, Part::Preview(_))).count();
        let files = post.parts.iter().filter(|part| matches!(part, Part::Video(video) if video.url.is_some())).count();
        (previews, files)
    };
    let (previews, files) = count(stored);
    let (seen_previews, seen_files) = count(seen);
    seen_previews > previews || seen_files > files || known::gone(seen) < known::gone(stored)
}

/// Whether a limit is reached that was not when the post was stored: who leaves posts out by it is to see that.
fn reaches_a_limit(stored: &Post, seen: &Post, limits: &[ReactionLimit]) -> bool {
    limits.iter().any(|limit| limit.is_reached(&seen.reactions) && !limit.is_reached(&stored.reactions))
}

/// Whether the figures of a poll are others. A closed one that is open again is a mirror's that is late.
fn has_other_figures(stored: &Post, seen: &Post) -> bool {
    polls(stored).zip(polls(seen)).any(|(stored, seen)| match (is_closed(stored), is_closed(seen)) {
        (false, true) => true,
        (true, false) => false,
        _ => percents(stored).ne(percents(seen)),
    })
}

/// Those of an open poll now and then, the final ones at once.
fn are_figures_due(stored: &Stored, seen: &Post, now: Time) -> bool {
    let is_first = stored.renewed == stored.first_seen;
    let closes = polls(&stored.post).zip(polls(seen)).any(|(stored, seen)| !is_closed(stored) && is_closed(seen));
    closes || is_first || (now - stored.renewed).abs() >= FIGURES
}

fn polls(post: &Post) -> impl Iterator<Item = &Poll> {
    post.parts.iter().filter_map(|part| match part {
        Part::Poll(poll) => Some(poll),
        _ => None,
    })
}

fn percents(poll: &Poll) -> impl Iterator<Item = Option<u8>> {
    poll.options.iter().map(|option| option.percent)
}

/// "Final results" stands where an open poll has its kind.
fn is_closed(poll: &Poll) -> bool {
    let kind = poll.kind.to_lowercase();
    ["final", "closed"].iter().any(|word| kind.contains(word))
}

/// Whether a reader would call both the same: text, links, kinds and order of media, poll, author. Counters,
/// addresses of media, cards of links and upstream's interface language do not count.
pub fn is_same(one: &Post, other: &Post) -> bool {
    // A file's number tells a replaced photo, but only where the markup gives it both times.
    let numbered = file_numbers(one).map(|file| file.is_some()).eq(file_numbers(other).map(|file| file.is_some()));
    essence(one, numbered) == essence(other, numbered)
}

fn file_numbers(post: &Post) -> impl Iterator<Item = Option<&String>> {
    post.parts.iter().filter_map(|part| match part {
        Part::Photo(photo) => Some(photo.file.as_ref()),
        _ => None,
    })
}

fn essence(post: &Post, numbered: bool) -> Post {
    Post {
        id: PostId(0),
        members: Vec::new(),
        published: None,
        edited: false,
        service: post.service,
        author: None,
        author_href: None,
        signature: post.signature.clone(),
        via_bot: post.via_bot.clone(),
        forward: post.forward.clone().map(essence_of_forward),
        reply: post.reply.clone().map(essence_of_reply),
        parts: post.parts.iter().filter_map(|part| essence_of_part(part, numbered)).collect(),
        // Texts of buttons hold counters.
        buttons: post
            .buttons
            .iter()
            .filter(|button| button.href.is_some())
            .cloned()
            .map(|mut button| {
                button.text.clear();
                button
            })
            .collect(),
        reactions: Vec::new(),
    }
}

/// A source is its address; its name changes when it is renamed.
fn essence_of_forward(mut forward: Forward) -> Forward {
    if forward.href.is_some() {
        forward.name.clear();
    }
    forward
}

fn essence_of_reply(mut reply: Reply) -> Reply {
    if reply.href.is_some() {
        reply.author = None;
        reply.text.clear();
    }
    reply.thumbnail = None;
    reply
}

fn essence_of_part(part: &Part, numbered: bool) -> Option<Part> {
    let mut part = part.clone();
    match &mut part {
        Part::Preview(_) => return None,
        Part::Text(text) => text.iter_mut().for_each(essence_of_inline),
        // Of what is not understood the figures may be counters.
        Part::Unknown(text) => text.iter_mut().for_each(|inline| {
            essence_of_inline(inline);
            forget_figures(inline);
        }),
        Part::Photo(photo) => {
            let file = photo.file.take().filter(|_| numbered);
            *photo = Photo { file, ..Photo::default() };
        }
        Part::Video(video) => {
            video.url = None;
            video.poster = None;
            video.width = None;
            video.height = None;
            video.href = None;
            video.member = None;
        }
        Part::Voice(voice) => voice.url = None,
        Part::Document(document) => {
            document.thumbnail = None;
            document.href = None;
            document.member = None;
        }
        Part::Sticker(sticker) => {
            sticker.image = None;
            sticker.outline = None;
            sticker.file = None;
            sticker.width = None;
            sticker.height = None;
        }
        Part::Location(location) => location.map = None,
        Part::Poll(poll) => {
            poll.kind.clear();
            poll.voters = None;
            poll.options.iter_mut().for_each(|option| option.percent = None);
        }
        Part::Game(game) => {
            game.image = None;
            game.video = None;
        }
        Part::Invoice(invoice) => invoice.image = None,
        Part::Withheld(withheld) => *withheld = Withheld::default(),
        Part::Contact(_) => {}
    }
    Some(part)
}

fn forget_figures(inline: &mut Inline) {
    if let Inline::Text(text) | Inline::Pre { text, .. } = inline {
        text.retain(|character| !character.is_numeric());
    }
    inline.runs_mut().into_iter().flatten().for_each(forget_figures);
}

/// A hashtag's address holds the channel's name, which may change; a medium within the words is as one beside them.
fn essence_of_inline(inline: &mut Inline) {
    match inline {
        Inline::Hashtag { href, .. } => href.clear(),
        Inline::Figure { part, .. } => {
            if let Some(essence) = essence_of_part(part, false) {
                **part = essence;
            }
        }
        _ => {}
    }
    inline.runs_mut().into_iter().flatten().for_each(essence_of_inline);
}

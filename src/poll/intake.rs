//! One page into the store: parse, compare, commit, as one plain blocking function.
//! `scraper` values are not `Send` and the store blocks, so callers run it on a blocking thread.

use std::{cmp::max, collections::HashSet};

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::{
    gaps::{self, Cursor},
    walk::Past,
};
use crate::{
    diff::{self, Difference, Waiting},
    model::{
        Change, ChangeKind, Channel, ChannelId, ChannelInfo, ChannelName, Part, PostId, ReactionLimit, Stored, Time,
    },
    page::{self, Page, Problem},
    store::{self, Batch, Extent, Gap, Store, gaps_state, whole_state},
};

/// How often a rotated avatar address is stored anew.
const INFO_RENEWAL: TimeDelta = TimeDelta::hours(12);
/// How often a channel's title, description or slug may change.
const INFO_CHANGE: TimeDelta = TimeDelta::minutes(10);

/// More posts than this between the first and the last of a page are not looked through for deleted ones.
const MAX_BETWEEN: usize = 500;

/// What a page brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Intake {
    /// None when the page has no posts and the channel was not known before.
    pub channel: Option<Channel>,
    /// How many posts the page shows.
    pub posts: usize,
    pub new: usize,
    pub edited: usize,
    /// When the page's posts were published, ascending, as far as that can be true.
    pub published: Vec<Time>,
    /// How many of the newest of `published` are of posts not known before.
    pub fresh: usize,
    /// When those new posts were published that came while the channel was followed.
    pub live: Vec<Time>,
    /// The page's oldest post, if the page says that nothing is older.
    pub ends_at: Option<PostId>,
    /// Holes in what is stored, after this page.
    pub gaps: Vec<Gap>,
    /// What is stored of the channel's past, after this page.
    pub past: Past,
    /// Stored posts that the page should show but does not.
    pub missing: Vec<PostId>,
    /// New withheld posts, of whose text their own pages may tell more.
    pub withheld: Vec<PostId>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Page(#[from] page::Error),
    /// The name was given to somebody else. Their posts do not belong into this feed.
    #[error(
        "{name} now shows another channel (id {found}, formerly {known}); \
         if that is wanted, subscribe to it under a store of its own"
    )]
    OtherChannel { name: ChannelName, known: ChannelId, found: ChannelId },
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Reads `html`, the answer to a request for the page of `name` at `cursor`, and stores what is new in it, together
/// with the gaps that it opens or closes: a gap that is forgotten is lost posts. Where somebody else stores something of
/// the channel meanwhile, it is compared anew. `limits` are those of reactions that feeds go by.
pub fn take_in(
    store: &dyn Store,
    name: &ChannelName,
    cursor: Cursor,
    html: &str,
    limits: &[ReactionLimit],
    now: Time,
) -> Result<Intake, Error> {
    store::again(|| compare(store, name, cursor, page::parse(html)?, limits, now))
}

fn compare(
    store: &dyn Store,
    name: &ChannelName,
    cursor: Cursor,
    page: Page,
    limits: &[ReactionLimit],
    now: Time,
) -> Result<Intake, Error> {
    let known = store.channel(name)?;
    if page.posts.is_empty() {
        return without_posts(store, known, cursor, page, now);
    }
    let channel = channel(store, name, known, &page, now)?;
    let id = channel.id;
    let expected = Some((id, store.head(id).sequence));
    let ids: Vec<_> = page.posts.iter().flat_map(diff::ids).collect();
    let waiting = waiting(store, id)?;
    let known_posts = store.known(id, &ids.iter().copied().chain(waiting.ids()).collect::<Vec<_>>())?;
    let missing = missing(store, id, &page, &ids)?;
    let open = Extent::read(store, id)?.gaps;
    let newest = highest(store, id)?;
    let oldest = page.posts.iter().map(|post| post.id).min();
    let gaps = gaps::after(&open, cursor, oldest, newest);
    let mut intake = Intake {
        channel: Some(channel.clone()),
        posts: page.posts.len(),
        published: published(&page, now),
        ends_at: oldest.filter(|_| page.older.is_none()),
        gaps: gaps.clone(),
        missing,
        problems: page.problems,
        ..Intake::default()
    };
    let before = waiting.clone();
    let Difference { changes, waiting } = diff::damped(id, known_posts, page.posts, waiting, limits, now);
    intake.count(&changes, newest, followed_since(cursor, newest, &open), now);
    let renamed = store.channel_by_id(id)?.as_ref() != Some(&channel);
    let states = if gaps == open { Vec::new() } else { vec![gaps_state(id, &gaps)?] };
    if renamed || !changes.is_empty() || !states.is_empty() {
        store.commit(now, Batch { channel: renamed.then_some(channel), changes, states, expected })?;
    }
    if waiting != before {
        store.set_hint(&waiting_key(id), &serde_json::to_value(&waiting).map_err(store::Error::from)?)?;
    }
    Ok(Intake { past: past(store, id)?, ..intake })
}

/// The newest id that is stored, with those of an album's members.
fn highest(store: &dyn Store, channel: ChannelId) -> Result<Option<PostId>, store::Error> {
    let newest = store.latest(channel, None, 1)?;
    Ok(newest.iter().flat_map(|stored| diff::ids(&stored.post)).max())
}

/// New posts above this id came while the channel was followed; None if those of this page did not.
fn followed_since(cursor: Cursor, newest: Option<PostId>, gaps: &[Gap]) -> Option<PostId> {
    match cursor {
        Cursor::Newest => newest,
        Cursor::Before(asked) | Cursor::End(asked) => gaps.iter().find(|gap| gap.before == asked).map(|gap| gap.until),
    }
}

/// What a page shows of a channel that nothing is stored of. A page without posts is a channel without posts.
pub fn first_look(name: &ChannelName, html: &str, now: Time) -> Result<(Channel, Vec<Stored>), page::Error> {
    let page = page::parse(html)?;
    let channel = new_channel(name, &page, now);
    let changes = diff::diff(channel.id, Vec::new(), page.posts, now);
    Ok((channel, changes.into_iter().map(|change| change.stored).collect()))
}

/// The readings of posts that are no revisions yet. A hint, since an alternating page changes it at every poll.
fn waiting(store: &dyn Store, channel: ChannelId) -> Result<Waiting, store::Error> {
    let kept = store.hint(&waiting_key(channel))?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
}

fn waiting_key(channel: ChannelId) -> String {
    format!("waiting/{channel}")
}

/// What is stored of a channel's past.
pub fn past(store: &dyn Store, channel: ChannelId) -> Result<Past, store::Error> {
    let oldest = store.following(channel, PostId(0), 1)?.pop().map(|stored| (stored.post.id, stored.published));
    let Extent { is_whole, .. } = Extent::read(store, channel)?;
    Ok(Past { oldest, posts: store.head(channel).posts, is_whole })
}

impl Intake {
    fn count(&mut self, changes: &[Change], newest: Option<PostId>, followed_since: Option<PostId>, now: Time) {
        for change in changes {
            let (id, post) = (change.stored.post.id, &change.stored.post);
            match change.kind {
                ChangeKind::New => {
                    self.new += 1;
                    self.fresh += usize::from(newest.is_none_or(|newest| id > newest));
                    if followed_since.is_some_and(|since| id > since) {
                        self.live.extend(post.dated(now));
                    }
                    if post.parts.iter().any(|part| matches!(part, Part::Withheld(_))) {
                        self.withheld.push(id);
                    }
                }
                ChangeKind::Edited => self.edited += 1,
                ChangeKind::Renewed | ChangeKind::Deleted | ChangeKind::Restored => {}
            }
        }
    }
}

/// Nothing is stored for a page without posts; but where one was expected, the channel begins there.
fn without_posts(
    store: &dyn Store,
    known: Option<Channel>,
    cursor: Cursor,
    page: Page,
    now: Time,
) -> Result<Intake, Error> {
    let mut intake = Intake { problems: page.problems, ..Intake::default() };
    let Some(channel) = known else { return Ok(intake) };
    let open = Extent::read(store, channel.id)?.gaps;
    intake.gaps = gaps::after(&open, cursor, None, None);
    if matches!(cursor, Cursor::End(_)) {
        let states = vec![gaps_state(channel.id, &intake.gaps)?, whole_state(channel.id)];
        store.commit(now, Batch { states, ..Batch::default() })?;
    }
    intake.past = past(store, channel.id)?;
    Ok(Intake { channel: Some(channel), ..intake })
}

fn published(page: &Page, now: Time) -> Vec<Time> {
    let mut times: Vec<_> = page.posts.iter().filter_map(|post| post.dated(now)).collect();
    times.sort();
    times
}

/// The record of the page's channel as it should be stored now.
fn channel(
    store: &dyn Store,
    name: &ChannelName,
    known: Option<Channel>,
    page: &Page,
    now: Time,
) -> Result<Channel, Error> {
    let is_named = known.as_ref().is_some_and(|known| known.goes_by(name));
    let known = match (known, page.channel) {
        (Some(known), Some(found)) if known.id != found && !is_provisional(known.id) => {
            return Err(Error::OtherChannel { name: name.clone(), known: known.id, found });
        }
        (Some(known), _) => Some(known),
        // A channel that is followed under its new name keeps its posts and its guids.
        (None, Some(found)) => store.channel_by_id(found)?,
        (None, None) => None,
    };
    let Some(known) = known else { return Ok(new_channel(name, page, now)) };
    let mut channel = if is_named { known } else { known.called(name) };
    let moved = page.slug.clone().filter(|slug| is_slug_due(&channel, slug, now));
    let told = is_info_due(&channel, &page.info, now).then(|| page.info.clone());
    if moved.is_some() || told.is_some() {
        channel.info_seen = now;
    }
    channel.current_slug = moved.unwrap_or(channel.current_slug);
    channel.info = told.unwrap_or(channel.info);
    Ok(channel)
}

/// Of a channel that is asked for under two names each page may have its own.
fn is_slug_due(channel: &Channel, seen: &str, now: Time) -> bool {
    let is_former = channel.names.iter().any(|name| name.as_str().eq_ignore_ascii_case(seen));
    let due = if is_former { (now - channel.info_seen).abs() >= INFO_RENEWAL } else { may_change(channel, now) };
    seen != channel.current_slug && due
}

/// Mirrors out of step must not write the channel anew at every poll.
fn may_change(channel: &Channel, now: Time) -> bool {
    channel.info_seen == channel.first_seen || (now - channel.info_seen).abs() >= INFO_CHANGE
}

fn new_channel(name: &ChannelName, page: &Page, now: Time) -> Channel {
    let slug = page.slug.clone().unwrap_or_else(|| name.to_string());
    Channel {
        id: page.channel.unwrap_or_else(|| provisional(name)),
        name: name.clone(),
        slug: slug.clone(),
        current_slug: slug,
        info: page.info.clone(),
        first_seen: now,
        info_seen: now,
        names: Vec::new(),
    }
}

fn is_info_due(channel: &Channel, seen: &ChannelInfo, now: Time) -> bool {
    // A bare list of posts says nothing of its channel.
    if seen.title.is_empty() {
        return false;
    }
    let lasting = |info: &ChannelInfo| ChannelInfo { photo: None, ..info.clone() };
    let renewal = seen.photo != channel.info.photo && (now - channel.info_seen).abs() >= INFO_RENEWAL;
    renewal || (lasting(seen) != lasting(&channel.info) && may_change(channel, now))
}

/// Stands for the id of a channel whose page does not tell it. Real ids are far below.
fn provisional(name: &ChannelName) -> ChannelId {
    let digest = Sha256::digest(name.key());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    ChannelId(u64::from_be_bytes(bytes) | 1 << 63)
}

fn is_provisional(id: ChannelId) -> bool {
    id.0 >> 63 == 1
}

/// Stored posts between the first and the last of the page that it does not show.
fn missing(store: &dyn Store, id: ChannelId, page: &Page, seen: &[PostId]) -> Result<Vec<PostId>, store::Error> {
    let ids = || page.posts.iter().map(|post| post.id);
    let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(Vec::new()) };
    let seen: HashSet<_> = seen.iter().copied().collect();
    let is_missing = |stored: &Stored| {
        let highest = diff::ids(&stored.post).fold(stored.post.id, max);
        highest < last && stored.deleted.is_none() && diff::ids(&stored.post).all(|id| !seen.contains(&id))
    };
    let between = store.following(id, first, MAX_BETWEEN)?;
    Ok(between.iter().filter(|stored| is_missing(stored)).map(|stored| stored.post.id).collect())
}

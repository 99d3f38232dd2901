//! One request to upstream and what it leads to in the store. The only place where the two meet.

use std::sync::Arc;

use url::Url;

use super::{
    gaps::Cursor,
    intake::{self, Intake, take_in},
    outcome::Outcome,
};
use crate::{
    diff,
    fetch::{self, Answer, Upstream},
    model::{Channel, ChannelName, Post, PostId, ReactionLimit, Stored, Time},
    page::{self, Embed},
    store::{self, Batch, Handle, Store},
};

/// What to ask of upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Errand {
    /// The newest page.
    Head,
    /// An older page, to close a gap.
    Older(Cursor),
    /// An older page, for the channel's history.
    History(Cursor),
    /// Why there is no preview.
    Landing,
    /// Whether the preview is switched off or withheld: a post's own page tells.
    Restriction(PostId),
    /// Whether a post that a page left out is gone.
    Confirm(PostId),
    /// What the page of a withheld post tells of its text.
    Excerpt(PostId),
    /// Where a post's files are now.
    Renew(PostId),
}

/// A channel and what to ask about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Turn {
    pub channel: ChannelName,
    pub errand: Errand,
}

impl Turn {
    /// Path and query of the request.
    fn target(&self) -> String {
        let Self { channel, errand } = self;
        match errand {
            Errand::Head | Errand::Older(Cursor::Newest) | Errand::History(Cursor::Newest) => format!("/s/{channel}"),
            Errand::Older(Cursor::Before(before) | Cursor::End(before))
            | Errand::History(Cursor::Before(before) | Cursor::End(before)) => format!("/s/{channel}?before={before}"),
            Errand::Landing => format!("/{channel}"),
            Errand::Confirm(id) | Errand::Restriction(id) | Errand::Renew(id) => {
                format!("/{channel}/{id}?embed=1&mode=tme")
            }
            Errand::Excerpt(id) => format!("/{channel}/{id}"),
        }
    }
}

/// Asks `host`. Whoever drops this future loses nothing.
pub async fn ask<U: Upstream>(upstream: &U, host: &Url, turn: &Turn) -> Result<String, Outcome> {
    match upstream.get(host, &turn.target()).await {
        Ok(Answer::Body(body)) => Ok(body),
        Ok(Answer::Redirect(location)) => Err(redirected(turn, &location)),
        Err(error) => Err(failed(error)),
    }
}

/// Stores what the answer brings, on a thread. To be awaited to its end: dropping it would lose the outcome, not the
/// work.
pub async fn store(store: &Handle, turn: &Turn, body: String, limits: Arc<[ReactionLimit]>, now: Time) -> Outcome {
    let turn = turn.clone();
    let digested = store.change(move |store| digest(store, &turn, &body, &limits, now)).await;
    digested.unwrap_or_else(|stopped| Outcome::Stopped(stopped.to_string()))
}

fn failed(error: fetch::Error) -> Outcome {
    let reason = error.to_string();
    match error {
        // A server that is down for itself says 503, too, and then of no time to wait (RFC 9110, 15.6.4).
        fetch::Error::RateLimited { status: 503, retry_after: None } => Outcome::Refused(reason),
        fetch::Error::RateLimited { retry_after, .. } => Outcome::RateLimited(retry_after),
        fetch::Error::Unreachable { .. } => Outcome::Unreachable(reason),
        fetch::Error::Status(_) => Outcome::Refused(reason),
        fetch::Error::Broken { .. } | fetch::Error::TooLarge => Outcome::Broken(reason),
    }
}

/// A name without a preview is redirected to its landing page; anything else is not followed.
fn redirected(turn: &Turn, location: &str) -> Outcome {
    let path = location.split_once("://").map_or(location, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let own = path.strip_prefix('/').is_some_and(|name| name.eq_ignore_ascii_case(turn.channel.as_str()));
    match turn.errand {
        Errand::Head | Errand::Older(_) | Errand::History(_) if own => Outcome::Redirected,
        // Names that cannot exist end on Telegram's home page.
        Errand::Head | Errand::Landing if path.is_empty() && is_upstream(location) => {
            Outcome::Landing(page::Landing::Unknown)
        }
        _ => Outcome::Refused(format!("upstream redirects to {}", location.escape_debug())),
    }
}

/// Whether `location` is on one of Telegram's hosts, or relative to the one that was asked.
fn is_upstream(location: &str) -> bool {
    let Ok(url) = Url::parse(location) else { return !location.starts_with("//") };
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    ["telegram.org", "t.me", "telegram.me", "telegram.dog"].contains(&host)
}

fn digest(store: &dyn Store, turn: &Turn, body: &str, limits: &[ReactionLimit], now: Time) -> Outcome {
    let taken_in = |cursor| page_outcome(take_in(store, &turn.channel, cursor, body, limits, now));
    match turn.errand {
        Errand::Head => taken_in(Cursor::Newest),
        Errand::Older(cursor) | Errand::History(cursor) => taken_in(cursor),
        Errand::Landing => match page::parse(body) {
            Err(page::Error::NoPreview(landing)) => Outcome::Landing(landing),
            Err(error) => unread(&error),
            Ok(_) => Outcome::Failed("upstream shows a preview where a landing page was asked for".to_owned()),
        },
        Errand::Restriction(_) | Errand::Confirm(_) | Errand::Excerpt(_) | Errand::Renew(_) => {
            match page::whole(body) {
                Ok(()) => digest_own(store, turn, body, now),
                Err(error) => unread(&error),
            }
        }
    }
}

/// As [`digest`], of a post's own page.
fn digest_own(store: &dyn Store, turn: &Turn, body: &str, now: Time) -> Outcome {
    match turn.errand {
        Errand::Confirm(id) => stored(confirm(store, &turn.channel, id, body, now)),
        Errand::Renew(id) => match page::parse_embed(body) {
            Embed::Post(post) => stored(renew(store, &turn.channel, id, &post, now).map(|()| false)),
            Embed::Missing => Outcome::Settled { gone: true },
            Embed::Restricted(words) => Outcome::Restricted(words),
            Embed::Unclear => Outcome::Failed("upstream shows no post where one was asked for".to_owned()),
        },
        Errand::Excerpt(id) => stored(excerpt(store, &turn.channel, id, body, now)),
        _ => match page::parse_embed(body) {
            Embed::Restricted(words) => Outcome::Restricted(words),
            _ => Outcome::Landing(page::Landing::ChannelWithoutPreview),
        },
    }
}

/// A page that cannot be read, and whose fault that is.
fn unread(error: &page::Error) -> Outcome {
    let reason = error.to_string();
    match error {
        page::Error::NotTelegram => Outcome::Foreign(reason),
        // Of an answer without a length only the page itself tells that it breaks off.
        page::Error::Truncated => Outcome::Broken(reason),
        page::Error::NoPreview(_) | page::Error::ForeignPosts { .. } => Outcome::Failed(reason),
    }
}

/// What the answer to the head of a channel shows, with no store involved.
pub fn first_look(name: &ChannelName, body: &str, now: Time) -> Result<(Channel, Vec<Stored>), Outcome> {
    intake::first_look(name, body, now).map_err(|error| match error {
        page::Error::NoPreview(landing) => Outcome::Landing(landing),
        error => unread(&error),
    })
}

fn page_outcome(result: Result<Intake, intake::Error>) -> Outcome {
    match result {
        Ok(intake) if intake.posts == 0 => Outcome::Empty(Box::new(intake)),
        Ok(intake) => Outcome::Page(Box::new(intake)),
        Err(intake::Error::Page(page::Error::NoPreview(landing))) => Outcome::Landing(landing),
        Err(intake::Error::Page(error)) => unread(&error),
        Err(error @ intake::Error::OtherChannel { .. }) => Outcome::OtherChannel(error.to_string()),
        // No disk has a part in it, so it would fail again and again.
        Err(intake::Error::Store(error @ store::Error::Encode(_))) => Outcome::Failed(error.to_string()),
        Err(intake::Error::Store(error)) => Outcome::Unstored(error.to_string()),
    }
}

fn stored(result: Result<bool, store::Error>) -> Outcome {
    result.map_or_else(|error| Outcome::Unstored(error.to_string()), |gone| Outcome::Settled { gone })
}

fn confirm(store: &dyn Store, name: &ChannelName, id: PostId, body: &str, now: Time) -> Result<bool, store::Error> {
    if page::parse_embed(body) != Embed::Missing {
        return Ok(false);
    }
    store::again(|| {
        let Some(channel) = store.channel(name)? else { return Ok(false) };
        let expected = Some((channel.id, store.head(channel.id).sequence));
        let stored = store.post(channel.id, id)?.filter(|stored| stored.deleted.is_none());
        let Some(stored) = stored else { return Ok(false) };
        let changes = vec![diff::deleted(channel.id, stored, now)];
        store.commit(now, Batch { changes, expected, ..Batch::default() })?;
        Ok(true)
    })
}

fn excerpt(store: &dyn Store, name: &ChannelName, id: PostId, body: &str, now: Time) -> Result<bool, store::Error> {
    store::again(|| {
        let Some(channel) = store.channel(name)? else { return Ok(false) };
        let expected = Some((channel.id, store.head(channel.id).sequence));
        let Some(excerpt) = page::parse_excerpt(body, &channel.info.description) else { return Ok(false) };
        let Some(stored) = store.post(channel.id, id)? else { return Ok(false) };
        if let Some(change) = diff::with_excerpt(channel.id, stored, &excerpt, now) {
            store.commit(now, Batch { changes: vec![change], expected, ..Batch::default() })?;
        }
        Ok(false)
    })
}

fn renew(store: &dyn Store, name: &ChannelName, id: PostId, page: &Post, now: Time) -> Result<(), store::Error> {
    store::again(|| {
        let Some(channel) = store.channel(name)? else { return Ok(()) };
        let expected = Some((channel.id, store.head(channel.id).sequence));
        let known = store.known(channel.id, &[id])?;
        let changes = known.into_iter().filter_map(|stored| diff::with_addresses(channel.id, stored, page, now));
        let changes: Vec<_> = changes.collect();
        if changes.is_empty() {
            return Ok(());
        }
        store.commit(now, Batch { changes, expected, ..Batch::default() })
    })
}

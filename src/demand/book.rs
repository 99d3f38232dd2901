//! What was asked for: the channels that are followed for it, those that somebody waits for, and the names that were found
//! to be none. Pure: the time comes in.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    model::{ChannelName, Time},
    status::State,
};

/// A name that is no channel is not asked for again so soon.
const REFUSED: TimeDelta = TimeDelta::hours(1);
/// Names that are remembered to be none; those beyond are forgotten, the oldest first.
const MOST_REFUSED: usize = 2000;
/// Somebody who has not asked again for so long waits no more.
const LAPSE: TimeDelta = TimeDelta::days(1);

/// A channel that was asked for and seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// As its posts spell it.
    pub name: ChannelName,
    /// Since it was last asked for and seen.
    pub since: Time,
    /// Since when it is not polled, for want of readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Time>,
}

/// A name that is no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub state: State,
    pub until: Time,
}

/// What those who wait are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Followed,
    Refused(Refused),
    /// Nothing could be seen; it is looked at again then.
    Later(Time),
}

#[derive(Debug)]
struct Wish {
    /// When somebody asked last.
    asked: Time,
    tell: watch::Sender<Told>,
}

#[derive(Debug, Default)]
pub struct Book {
    follows: HashMap<ChannelName, Follow>,
    wishes: HashMap<ChannelName, Wish>,
    refused: HashMap<ChannelName, Refused>,
    /// Whether names were refused since they were last kept.
    refused_anew: bool,
}

impl Book {
    pub fn new(follows: impl IntoIterator<Item = Follow>, refused: HashMap<ChannelName, Refused>) -> Self {
        let follows = follows.into_iter().map(|follow| (follow.name.clone(), follow)).collect();
        Self { follows, refused, ..Self::default() }
    }

    /// The channels that are to be polled and served.
    pub fn active(&self) -> impl Iterator<Item = &Follow> {
        self.follows.values().filter(|follow| follow.idle.is_none())
    }

    pub fn idle(&self) -> usize {
        self.follows.values().filter(|follow| follow.idle.is_some()).count()
    }

    pub fn wishes(&self) -> impl Iterator<Item = &ChannelName> {
        self.wishes.keys()
    }

    pub fn is_wished(&self, name: &ChannelName) -> bool {
        self.wishes.contains_key(name)
    }

    pub fn refused(&self, name: &ChannelName, now: Time) -> Option<Refused> {
        self.refused.get(name).filter(|refused| now < refused.until).copied()
    }

    /// Joins those who wait for the channel, if somebody does.
    pub fn join(&mut self, name: &ChannelName, now: Time) -> Option<watch::Receiver<Told>> {
        let wish = self.wishes.get_mut(name)?;
        wish.asked = now;
        Some(wish.tell.subscribe())
    }

    /// Begins to wait for the channel.
    pub fn wish(&mut self, name: ChannelName, now: Time) -> watch::Receiver<Told> {
        let (tell, told) = watch::channel(Told::Nothing);
        self.wishes.insert(name, Wish { asked: now, tell });
        told
    }

    /// Those who wait are told and wait on.
    pub fn tell_later(&self, name: &ChannelName, again: Time) {
        if let Some(wish) = self.wishes.get(name) {
            wish.tell.send_replace(Told::Later(again));
        }
    }

    /// The wish has come true.
    pub fn followed(&mut self, name: &ChannelName) {
        if let Some(wish) = self.wishes.remove(name) {
            wish.tell.send_replace(Told::Followed);
        }
    }

    pub fn refuse(&mut self, name: &ChannelName, state: State, now: Time) {
        let refused = Refused { state, until: now + REFUSED };
        if self.refused.len() >= MOST_REFUSED {
            let oldest = self.refused.iter().min_by_key(|(_, refused)| refused.until);
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.map(|name| self.refused.remove(&name));
        }
        self.refused.insert(name.clone(), refused);
        self.refused_anew = true;
        if let Some(wish) = self.wishes.remove(name) {
            wish.tell.send_replace(Told::Refused(refused));
        }
    }

    /// Ends the wishes that nobody has any more, and forgets what was refused too long ago.
    pub fn lapse(&mut self, now: Time) -> Vec<ChannelName> {
        self.refused.retain(|_, refused| now < refused.until);
        let lapsed = self.wishes.iter().filter(|(_, wish)| now - wish.asked >= LAPSE);
        let lapsed: Vec<_> = lapsed.map(|(name, _)| name.clone()).collect();
        lapsed.iter().for_each(|name| _ = self.wishes.remove(name));
        lapsed
    }

    /// What is refused, if that has changed since it was last asked for.
    pub fn take_refused(&mut self) -> Option<HashMap<ChannelName, Refused>> {
        std::mem::take(&mut self.refused_anew).then(|| self.refused.clone())
    }

    pub fn put(&mut self, follow: Follow) {
        self.follows.insert(follow.name.clone(), follow);
    }

    /// Those to poll no more: without a reader since before `unread`, and of those beyond `most` the longest unread. `last`
    /// tells when somebody last read a channel.
    pub fn leaving(&self, most: usize, unread: Time, last: impl Fn(&ChannelName) -> Option<Time>) -> Vec<Follow> {
        let read = |follow: &Follow| last(&follow.name).map_or(follow.since, |last| last.max(follow.since));
        let mut active: Vec<_> = self.active().map(|follow| (read(follow), follow)).collect();
        active.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
        let beyond = active.len().saturating_sub(most);
        let leaves = |(place, (read, _)): &(usize, &(Time, &Follow))| *place < beyond || *read < unread;
        active.iter().enumerate().filter(leaves).map(|(_, (_, follow))| (*follow).clone()).collect()
    }
}

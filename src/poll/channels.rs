//! What the loop knows of each channel between two looks at it, beside what the schedule and the board know. Pure.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    iter,
    sync::Arc,
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{gaps::Cursor, suspects::Suspects, twins::Twins};
use crate::{
    config::ChannelConfig,
    feeds::Followed,
    model::{ChannelId, ChannelName, History, PostId, Time},
    schedule::Backoff,
    status::News,
};

/// A post that so many pages in a row should have shown but did not is asked for by itself.
const LOOKS_BEFORE_CONFIRMING: u32 = 2;
/// One that lists leave out although it lives is asked for ever more seldom.
const ALIVE: Backoff = Backoff { first: TimeDelta::hours(2), longest: TimeDelta::days(30) };

/// A withheld post is looked at again so long after each look, for its words may be shown later.
const LOOKS_AT_WITHHELD: [TimeDelta; 3] = [TimeDelta::days(1), TimeDelta::days(7), TimeDelta::days(30)];

#[derive(Default)]
pub struct Channels {
    pub ids: HashMap<ChannelName, ChannelId>,
    pub twins: Twins,
    pub suspects: Suspects,
    pub news: News,
    pub followed: Arc<Followed>,
    histories: HashMap<ChannelName, History>,
    /// In how many pages in a row a post was missing.
    missing: HashMap<(ChannelName, PostId), u32>,
    /// Posts that lists leave out, but that are there.
    alive: HashMap<ChannelName, Alive>,
    /// Posts that are withheld and will be looked at again.
    withheld: HashMap<ChannelName, Withheld>,
    /// Posts before which upstream has shown none.
    ends: HashSet<(ChannelName, PostId)>,
}

/// By post: how often it was found alive, and until when that is believed (by the wall's clock).
pub type Alive = BTreeMap<PostId, Belief>;

/// By post: how often it was looked at, and when it is next (by the wall's clock).
pub type Withheld = BTreeMap<PostId, Belief>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    times: u32,
    until: Time,
}

impl Channels {
    pub fn new(news: News) -> Self {
        Self { news, ..Self::default() }
    }

    /// Somebody waits for it, and it was not seen yet: nothing of it is kept or told until it is.
    pub fn is_wish(&self, name: &ChannelName) -> bool {
        self.followed.is_wish(name)
    }

    /// For so many readers it is polled, even if there are fewer.
    pub fn least_readers(&self, name: &ChannelName) -> usize {
        usize::from(!self.followed.is_on_demand(name))
    }

    /// Under which it is counted; see [`crate::metrics::Metrics`].
    pub fn label<'n>(&self, name: &'n ChannelName) -> Option<&'n ChannelName> {
        let is_strangers = self.followed.is_on_demand(name) || self.followed.is_wish(name);
        (!is_strangers).then_some(name)
    }

    pub fn is_followed(&self, name: &ChannelName) -> bool {
        self.histories.contains_key(name)
    }

    pub fn follow(&mut self, channel: &ChannelConfig) {
        self.histories.insert(channel.name.clone(), channel.history);
    }

    /// Forgets the channels that are not to `stay`.
    pub fn leave(&mut self, stay: impl Fn(&ChannelName) -> bool) -> Vec<ChannelName> {
        let left: Vec<_> = self.histories.keys().filter(|name| !stay(name)).cloned().collect();
        for name in &left {
            self.histories.remove(name);
            self.ids.remove(name);
            self.missing.retain(|(of, _), _| of != name);
            self.ends.retain(|(of, _)| of != name);
            self.alive.remove(name);
            self.withheld.remove(name);
            self.suspects.forget(name);
        }
        left
    }

    /// How far back the channel is wanted under each of its names.
    pub fn histories<'c>(&'c self, name: &'c ChannelName) -> impl Iterator<Item = History> {
        iter::once(name).chain(self.twins.of(name)).filter_map(|name| self.histories.get(name).copied())
    }

    /// A page left out `missing`; those of them that are to be asked for by themselves now.
    pub fn left_out(&mut self, name: &ChannelName, missing: &[PostId], wall: Time) -> Vec<PostId> {
        if let Some(alive) = self.alive.get_mut(name) {
            alive.retain(|id, _| missing.contains(id));
        }
        let alive = self.alive.get(name);
        let is_believed = |id: &PostId| alive.and_then(|alive| alive.get(id)).is_some_and(|belief| wall < belief.until);
        let mut doubtful = Vec::new();
        for id in missing.iter().filter(|id| !is_believed(id)) {
            let looks = self.missing.entry((name.clone(), *id)).or_default();
            *looks += 1;
            if *looks >= LOOKS_BEFORE_CONFIRMING {
                doubtful.push(*id);
            }
        }
        doubtful
    }

    /// The post's own page was asked for. `random` from 0 to 1 is for the time of the next look.
    pub fn confirmed(&mut self, name: &ChannelName, id: PostId, gone: bool, wall: Time, random: f64) {
        self.missing.remove(&(name.clone(), id));
        let alive = self.alive.entry(name.clone()).or_default();
        if gone {
            alive.remove(&id);
            return;
        }
        let times = alive.get(&id).map_or(0, |belief| belief.times) + 1;
        alive.insert(id, Belief { times, until: wall + ALIVE.wait(times, random) });
    }

    /// Posts were found withheld. Those of the channel that are to be looked at now.
    pub fn withheld_due(&mut self, name: &ChannelName, found: &[PostId], wall: Time) -> Vec<PostId> {
        let withheld = self.withheld.entry(name.clone()).or_default();
        for id in found {
            withheld.entry(*id).or_insert(Belief { times: 0, until: wall });
        }
        withheld.iter().filter(|(_, look)| look.until <= wall).map(|(id, _)| *id).collect()
    }

    /// A withheld post was looked at.
    pub fn looked_at(&mut self, name: &ChannelName, id: PostId, wall: Time) {
        let Some(withheld) = self.withheld.get_mut(name) else { return };
        let Some(look) = withheld.get_mut(&id) else { return };
        match LOOKS_AT_WITHHELD.get(look.times as usize) {
            Some(wait) => *look = Belief { times: look.times + 1, until: wall + *wait },
            None => _ = withheld.remove(&id),
        }
    }

    /// To be kept; see [`Channels::resume`].
    pub fn withheld(&self, name: &ChannelName) -> Withheld {
        self.withheld.get(name).cloned().unwrap_or_default()
    }

    /// To be kept; see [`Channels::resume`].
    pub fn alive(&self, name: &ChannelName) -> Alive {
        self.alive.get(name).cloned().unwrap_or_default()
    }

    pub fn resume(&mut self, name: &ChannelName, id: Option<ChannelId>, alive: Alive, withheld: Withheld) {
        self.withheld.insert(name.clone(), withheld);
        self.ids.extend(id.map(|id| (name.clone(), id)));
        self.alive.insert(name.clone(), alive);
    }

    /// Upstream has shown nothing before `id`.
    pub fn ends_at(&mut self, name: &ChannelName, id: PostId) {
        self.ends.insert((name.clone(), id));
    }

    pub fn ends_no_more(&mut self, name: &ChannelName, id: PostId) {
        self.ends.remove(&(name.clone(), id));
    }

    pub fn before(&self, name: &ChannelName, id: PostId) -> Cursor {
        if self.ends.contains(&(name.clone(), id)) { Cursor::End(id) } else { Cursor::Before(id) }
    }
}

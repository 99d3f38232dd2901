//! Telling a channel that is gone from an upstream that shows nobody anything. Pure.
//!
//! A silent ban makes every channel look nonexistent or empty. So such an answer is believed on a second look, and
//! only if another channel, the canary, is fine at that time; if the canary looks gone too, it is a ban. Each host may
//! do so alone, so what another one shows is no evidence.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::{outcome::Suspicion, ways::Way};
use crate::model::{ChannelName, Time};

/// For so long after a channel was fine, upstream counts as fine. A small budget takes minutes for a second look.
const FRESH: TimeDelta = TimeDelta::minutes(15);

#[derive(Debug, Default)]
pub struct Suspects(HashMap<Way, OfWay>);

#[derive(Debug, Default)]
struct OfWay {
    /// Channels that look gone.
    open: HashMap<ChannelName, Suspect>,
    /// When each channel last showed posts.
    fine: HashMap<ChannelName, Time>,
    /// The last sign of a ban: what was seen before it is no evidence after it.
    banned: Option<Time>,
}

#[derive(Debug)]
struct Suspect {
    suspicion: Suspicion,
    /// It showed posts in the past.
    worked: bool,
    /// Only a sign that upstream is fine was wanting.
    waits: bool,
}

/// What to think of a suspicious answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Too early; ask the canary meanwhile, if there is one.
    Wait { canary: Option<ChannelName> },
    /// The channel is what the answer says.
    Believe,
    /// Several channels that used to work look gone, and none has been fine since.
    Ban,
}

impl Suspects {
    /// The channel showed posts to who asked `way`. Returns the channels that waited for such a sign: a look at them now
    /// decides.
    pub fn fine(&mut self, way: &Way, name: &ChannelName, now: Time) -> Vec<ChannelName> {
        self.0.entry(way.clone()).or_default().fine(name, now)
    }

    /// The channel is not asked for any more.
    pub fn forget(&mut self, name: &ChannelName) {
        for way in self.0.values_mut() {
            way.open.remove(name);
            way.fine.remove(name);
        }
    }

    /// The channel gave an answer that a ban may feign.
    pub fn suspicious(&mut self, way: &Way, name: &ChannelName, worked: bool, now: Time) -> Verdict {
        // Whoever it was that showed them, these can be looked at.
        let seen: Vec<_> = self.0.values().flat_map(|of| &of.fine).map(|(name, seen)| (*seen, name.clone())).collect();
        self.0.entry(way.clone()).or_default().suspicious(name, worked, &seen, now)
    }

    /// As [`Suspects::suspicious`], for a channel that nobody has seen yet, and that somebody waits for: one look will do,
    /// if others are fine.
    pub fn first_look(&mut self, way: &Way, name: &ChannelName, now: Time) -> Verdict {
        let seen: Vec<_> = self.0.values().flat_map(|of| &of.fine).map(|(name, seen)| (*seen, name.clone())).collect();
        self.0.entry(way.clone()).or_default().first_look(name, &seen, now)
    }
}

impl OfWay {
    fn first_look(&mut self, name: &ChannelName, seen: &[(Time, ChannelName)], now: Time) -> Verdict {
        if self.last_fine(name).is_some_and(|seen| now - seen <= FRESH) {
            return Verdict::Believe;
        }
        let Some(canary) = self.canary(name, seen) else { return Verdict::Believe };
        let suspicion = Suspicion::again(self.open.get(name).map(|suspect| suspect.suspicion), now);
        self.open.insert(name.clone(), Suspect { suspicion, worked: false, waits: true });
        Verdict::Wait { canary: Some(canary) }
    }

    /// When another channel last showed posts, if nothing has spoken of a ban since.
    fn last_fine(&self, name: &ChannelName) -> Option<Time> {
        let others = self.fine.iter().filter(|(other, _)| *other != name).map(|(_, seen)| *seen);
        others.max().filter(|seen| self.banned.is_none_or(|banned| *seen > banned))
    }

    fn fine(&mut self, name: &ChannelName, now: Time) -> Vec<ChannelName> {
        self.open.remove(name);
        self.fine.insert(name.clone(), now);
        let waiting =
            self.open.iter_mut().filter_map(|(name, suspect)| std::mem::take(&mut suspect.waits).then_some(name));
        waiting.cloned().collect()
    }

    fn suspicious(&mut self, name: &ChannelName, worked: bool, seen: &[(Time, ChannelName)], now: Time) -> Verdict {
        let previous = self.open.get(name).map(|suspect| suspect.suspicion);
        let suspicion = Suspicion::again(previous, now);
        self.open.insert(name.clone(), Suspect { suspicion, worked, waits: false });
        let last_fine = self.last_fine(name);
        let is_fresh = last_fine.is_some_and(|seen| seen >= suspicion.since && now - seen <= FRESH);
        if is_fresh {
            return if suspicion.is_confirmed() { Verdict::Believe } else { Verdict::Wait { canary: None } };
        }
        if worked && self.vanished_since(last_fine) >= 2 {
            self.banned = Some(now);
            return Verdict::Ban;
        }
        match self.canary(name, seen) {
            // There is nobody to compare with.
            None if suspicion.is_confirmed() => Verdict::Believe,
            canary => {
                if let Some(suspect) = self.open.get_mut(name) {
                    suspect.waits = suspicion.is_confirmed();
                }
                Verdict::Wait { canary }
            }
        }
    }

    /// How many channels that used to work have looked gone since, the present one among them.
    fn vanished_since(&self, last_fine: Option<Time>) -> usize {
        let since = |suspect: &&Suspect| last_fine.is_none_or(|fine| suspect.suspicion.last >= fine);
        self.open.values().filter(|suspect| suspect.worked).filter(since).count()
    }

    /// The channel that was fine last.
    fn canary(&self, name: &ChannelName, seen: &[(Time, ChannelName)]) -> Option<ChannelName> {
        let others = seen.iter().filter(|(_, other)| other != name && !self.open.contains_key(other));
        others.max().map(|(_, other)| other.clone())
    }
}

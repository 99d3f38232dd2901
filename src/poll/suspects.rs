//! Telling a channel that is gone from an upstream that shows nobody anything. Pure.
//!
//! A silent ban makes every channel look nonexistent or empty. So such an answer is believed on a second look, and
//! only if another channel, the canary, was fine in the meantime; if the canary looks gone too, it is a ban.

use std::collections::HashMap;

use super::outcome::Suspicion;
use crate::model::{ChannelName, Time};

#[derive(Debug, Default)]
pub struct Suspects {
    /// Channels that look gone, with whether they ever worked.
    open: HashMap<ChannelName, (Suspicion, bool)>,
    /// When each channel last showed posts.
    fine: HashMap<ChannelName, Time>,
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
    /// The channel showed posts.
    pub fn fine(&mut self, name: &ChannelName, now: Time) {
        self.open.remove(name);
        self.fine.insert(name.clone(), now);
    }

    /// The channel gave an answer that a ban may feign.
    pub fn suspicious(&mut self, name: &ChannelName, worked: bool, now: Time) -> Verdict {
        let previous = self.open.get(name).map(|(suspicion, _)| *suspicion);
        let suspicion = Suspicion::again(previous, now);
        self.open.insert(name.clone(), (suspicion, worked));
        let since = suspicion.since;
        let cleared = self.fine.iter().any(|(other, seen)| other != name && *seen >= since);
        if cleared {
            return if suspicion.is_confirmed() { Verdict::Believe } else { Verdict::Wait { canary: None } };
        }
        let gone = self.open.iter().filter(|(other, (_, worked))| *other == name || *worked).count();
        if worked && gone >= 2 {
            return Verdict::Ban;
        }
        match self.canary(name) {
            // There is nobody to compare with.
            None if suspicion.is_confirmed() => Verdict::Believe,
            canary => Verdict::Wait { canary },
        }
    }

    /// The channel that was fine last.
    fn canary(&self, name: &ChannelName) -> Option<ChannelName> {
        let fine = self.fine.iter().filter(|(other, _)| *other != name && !self.open.contains_key(*other));
        fine.max_by_key(|(other, seen)| (**seen, (*other).clone())).map(|(other, _)| other.clone())
    }
}

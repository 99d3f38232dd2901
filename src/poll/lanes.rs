//! Which exit a channel goes through. Without spreading there is one lane, which takes the first exit that works. With it
//! each exit has a lane of its own, with its own budget; a channel keeps to the lane that its name gives it, and goes by
//! another one while its exit is paused or left alone. Pure.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    queue::Queue,
    turn::Turn,
    ways::{Way, Ways},
};
use crate::{
    model::{ChannelName, Time},
    schedule::{Budget, Policy, Saved, Schedule},
};

pub struct Lanes {
    lanes: Vec<Queue>,
    /// By the channel's name, where it is now.
    of: HashMap<ChannelName, usize>,
    /// Which exits worked when that was last looked at.
    working: Vec<bool>,
    /// The lane that has the next turn.
    next: usize,
    pub eager: bool,
    /// Storing failed; nothing is asked for that could not be kept.
    pub store_pause: Option<Time>,
}

impl Lanes {
    /// One for each of `exits`, or one for all of them.
    pub fn new(policy: Policy, seed: u64, exits: usize, spread: bool, eager: bool) -> Self {
        let lanes: Vec<_> = if spread && exits > 1 { (0..exits).map(Some).collect() } else { vec![None] };
        let lane = |exit: &Option<usize>| {
            let seed = seed.wrapping_add(exit.unwrap_or_default() as u64);
            Queue::new(*exit, Schedule::new(policy, seed), eager)
        };
        let working = vec![true; lanes.len()];
        let lanes = lanes.iter().map(lane).collect();
        Self { lanes, of: HashMap::new(), working, next: 0, eager, store_pause: None }
    }

    /// See [`Ways::statuses`].
    pub fn exits(&self) -> Vec<Option<usize>> {
        self.lanes.iter().map(|lane| lane.exit).collect()
    }

    /// The channel's lane; the one that its name gives it, if it has none yet.
    pub fn of(&mut self, name: &ChannelName) -> &mut Queue {
        let place = match self.of.get(name) {
            Some(place) => *place,
            None => {
                let place = self.home(name);
                self.of.insert(name.clone(), place);
                place
            }
        };
        &mut self.lanes[place]
    }

    /// The channel's lane, to look at.
    pub fn look(&self, name: &ChannelName) -> &Queue {
        let place = self.of.get(name).copied().unwrap_or_else(|| self.home(name));
        &self.lanes[place]
    }

    /// The lane of the way's exit.
    pub fn through(&mut self, way: &Way) -> &mut Queue {
        self.lane(Some(way.exit))
    }

    /// The one that goes through the exit, or the one that there is.
    pub fn lane(&mut self, exit: Option<usize>) -> &mut Queue {
        let place = self.lanes.iter().position(|lane| lane.exit == exit).unwrap_or_default();
        &mut self.lanes[place]
    }

    /// The turn has ended, whichever lane it began in. When it began.
    pub fn ended(&mut self, turn: &Turn) -> Option<Time> {
        self.lanes.iter_mut().find_map(|lane| lane.ended(turn))
    }

    pub fn remove(&mut self, name: &ChannelName) {
        self.of(name).remove(name);
        self.of.remove(name);
    }

    /// The next turn and the way to ask, if a budget and the hosts allow one now.
    pub fn next(&mut self, ways: &mut Ways, now: Time) -> Option<(Turn, Way)> {
        if self.store_pause.is_some_and(|until| now < until) {
            return None;
        }
        self.move_house(ways, now);
        for _ in 0..self.lanes.len() {
            let place = self.next;
            self.next = (place + 1) % self.lanes.len();
            if let Some(next) = self.lanes[place].next(ways, now) {
                return Some(next);
            }
        }
        None
    }

    /// When [`Lanes::next`] may next succeed; None if only the end of a request under way can tell.
    pub fn next_at(&self, ways: &Ways, now: Time) -> Option<Time> {
        let next = self.lanes.iter().filter_map(|lane| lane.next_at(ways, now)).min()?;
        Some(next.max(self.store_pause.unwrap_or(next)))
    }

    /// When one more channel that somebody waits for would be asked for.
    pub fn awaited_at(&self, ways: &Ways, now: Time) -> Time {
        let at = |lane: &Queue| lane.schedule.awaited_at(now).max(ways.next_at(lane.exit).unwrap_or(now));
        self.lanes.iter().map(at).min().unwrap_or(now)
    }

    /// What is left of all budgets together.
    pub fn budget(&self, now: Time) -> Budget {
        let none = Budget { requests_per_minute: 0.0, tokens: 0 };
        self.lanes.iter().map(|lane| lane.schedule.budget(now)).fold(none, |sum, budget| Budget {
            requests_per_minute: sum.requests_per_minute + budget.requests_per_minute,
            tokens: sum.tokens + budget.tokens,
        })
    }

    pub fn next_poll(&self, ways: &Ways, name: &ChannelName, now: Time) -> Option<Time> {
        let lane = self.look(name);
        Some(lane.schedule.next_poll(name)?.max(ways.next_at(lane.exit).unwrap_or(now)))
    }

    pub fn saved(&self, name: &ChannelName) -> Option<Saved> {
        self.look(name).schedule.saved(name)
    }

    /// By the channel's name, among the exits that work (rendezvous hashing, so that each keeps what is its own when others
    /// come and go); among all, if none does.
    fn home(&self, name: &ChannelName) -> usize {
        let weight = |place: usize| {
            let mut hasher = DefaultHasher::new();
            (name, place).hash(&mut hasher);
            (self.working[place], hasher.finish())
        };
        (0..self.lanes.len()).max_by_key(|place| weight(*place)).unwrap_or_default()
    }

    /// Moves channels when an exit has ceased to work, or works again. One stays, so that it is seen when it does.
    fn move_house(&mut self, ways: &Ways, now: Time) {
        if self.lanes.len() == 1 {
            return;
        }
        let working: Vec<bool> = (0..self.lanes.len()).map(|exit| ways.works(exit)).collect();
        if working == self.working {
            return;
        }
        self.working = working;
        let mut left: Vec<usize> = vec![0; self.lanes.len()];
        self.of.values().for_each(|place| left[*place] += 1);
        let names: Vec<ChannelName> = self.of.keys().cloned().collect();
        for name in names {
            let (from, to) = (self.of[&name], self.home(&name));
            if from == to || !self.working[from] && left[from] == 1 {
                continue;
            }
            let Ok([from_lane, to_lane]) = self.lanes.get_disjoint_mut([from, to]) else { continue };
            if from_lane.hand_over(&name, to_lane, now) {
                left[from] -= 1;
                self.of.insert(name, to);
            }
        }
    }
}

//! What is asked next: the schedule of the channels, the errands between, and who is being asked. Pure.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::{
    errands::Errands,
    turn::{Errand, Turn},
    ways::{Way, Ways},
};
use crate::{
    model::{ChannelName, Time},
    schedule::Schedule,
};

/// A wake-up is never nearer than this.
const LEAST_WAIT: TimeDelta = TimeDelta::milliseconds(10);

pub struct Queue {
    /// The exit that all of it goes through; None: the first that works.
    pub exit: Option<usize>,
    pub schedule: Schedule<ChannelName>,
    pub errands: Errands,
    /// Whether the last request was an urgent errand: heads get every other one.
    urgent_had_turn: bool,
    /// Channels that are being asked, and since when.
    busy: HashMap<ChannelName, Time>,
    /// The ways that turns were asked already that wait for another one.
    tried: HashMap<Turn, Vec<Way>>,
    /// Walking back through histories takes the whole budget.
    pub eager: bool,
}

impl Queue {
    pub fn new(exit: Option<usize>, schedule: Schedule<ChannelName>, eager: bool) -> Self {
        Self {
            exit,
            schedule,
            errands: Errands::default(),
            urgent_had_turn: false,
            busy: HashMap::new(),
            tried: HashMap::new(),
            eager,
        }
    }

    /// The next turn and the way to ask, if the budget and the hosts allow one now.
    pub fn next(&mut self, ways: &mut Ways, now: Time) -> Option<(Turn, Way)> {
        ways.choose(self.exit, &[], now)?;
        let turn = self.take(now)?;
        let tried = self.tried.get(&turn).map_or(&[][..], Vec::as_slice);
        // Another way was free when the turn was put back; if none is any more, the first one is asked again.
        let way = ways.choose(self.exit, tried, now).or_else(|| ways.choose(self.exit, &[], now))?.clone();
        ways.begin(&way);
        self.busy.insert(turn.channel.clone(), now);
        Some((turn, way))
    }

    /// The turn has ended. When it began.
    pub fn ended(&mut self, turn: &Turn) -> Option<Time> {
        self.busy.remove(&turn.channel)
    }

    /// Has the turn asked another way at once, if there is one that it was not asked yet.
    pub fn ask_elsewhere(&mut self, turn: &Turn, way: &Way, ways: &Ways, now: Time) -> bool {
        let mut tried = self.tried.remove(turn).unwrap_or_default();
        tried.push(way.clone());
        let is_left = ways.choose(self.exit, &tried, now).is_some();
        if is_left {
            self.tried.insert(turn.clone(), tried);
            self.errands.push_first(turn.clone());
        }
        is_left
    }

    /// The turn has its answer.
    pub fn answered(&mut self, turn: &Turn) {
        self.tried.remove(turn);
    }

    /// Has an older page asked for in its turn.
    pub fn line_up(&mut self, turn: Turn) {
        let is_patient = matches!(turn.errand, Errand::History(_)) && !self.eager;
        if is_patient { self.errands.push_patient(turn) } else { self.errands.push(turn) }
    }

    /// Hands the channel over to `other`, unless it is being asked; true if it did.
    pub fn hand_over(&mut self, name: &ChannelName, other: &mut Self, now: Time) -> bool {
        if self.busy.contains_key(name) {
            return false;
        }
        if let Some((saved, weight, awaited)) = self.schedule.take_out(name) {
            if awaited {
                other.schedule.insert_awaited(name.clone(), Some(saved), now);
            } else {
                other.schedule.insert(name.clone(), Some(saved), now);
            }
            other.schedule.set_weight(name, weight, now);
        }
        self.errands.hand_over(name, &mut other.errands);
        true
    }

    /// Asks for the channel no more.
    pub fn remove(&mut self, name: &ChannelName) {
        self.schedule.remove(name);
        self.errands.remove(name);
    }

    /// When [`Queue::next`] may next succeed; None if only the end of a request under way can tell.
    pub fn next_at(&self, ways: &Ways, now: Time) -> Option<Time> {
        let budget = self.schedule.budget(now);
        let token = TimeDelta::milliseconds((60_000.0 / budget.requests_per_minute.max(1.0)) as i64);
        let urgent = self.errands.has_urgent(&self.busy).then(|| if budget.tokens > 0 { now } else { now + token });
        let patient = self.errands.has_patient(&self.busy).then(|| now + token);
        let due = [urgent, patient, self.schedule.next_at(now)].into_iter().flatten().min()?;
        let free = ways.next_at(self.exit)?;
        Some(due.max(free).max(now + LEAST_WAIT))
    }

    fn take(&mut self, now: Time) -> Option<Turn> {
        // Before the heads, since some are always due when the budget is small; their share is what bounds them.
        if self.errands.has_patient(&self.busy) && self.schedule.take_spare(now) {
            return self.errands.take_patient(&self.busy);
        }
        let head = if self.urgent_had_turn { self.take_head(now) } else { None };
        self.urgent_had_turn = false;
        if head.is_some() {
            return head;
        }
        if self.errands.has_urgent(&self.busy) && self.schedule.take_extra(now) {
            self.urgent_had_turn = true;
            return self.errands.take_urgent(&self.busy);
        }
        self.take_head(now)
    }

    fn take_head(&mut self, now: Time) -> Option<Turn> {
        while let Some(channel) = self.schedule.take(now) {
            let turn = Turn { channel, errand: Errand::Head };
            if !self.busy.contains_key(&turn.channel) {
                return Some(turn);
            }
            self.errands.push_first(turn);
        }
        None
    }
}

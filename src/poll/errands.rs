//! Requests that follow from what pages showed, waiting for the budget. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use super::turn::Turn;
use crate::model::{ChannelName, Time};

/// Beyond this many the newest are not taken on (they come up again).
const MOST: usize = 10_000;

/// Two lines, each first come, first served, and each turn in them once.
#[derive(Debug, Default)]
pub struct Errands {
    urgent: VecDeque<Turn>,
    patient: VecDeque<Turn>,
    known: HashSet<Turn>,
}

impl Errands {
    /// For what new posts wait for.
    pub fn push(&mut self, turn: Turn) {
        if self.known.len() < MOST && self.known.insert(turn.clone()) {
            self.urgent.push_back(turn);
        }
    }

    /// For what must not be lost: its channel's poll ends with it.
    pub fn push_first(&mut self, turn: Turn) {
        if self.known.insert(turn.clone()) {
            self.urgent.push_front(turn);
        }
    }

    /// For what fresh posts come before.
    pub fn push_patient(&mut self, turn: Turn) {
        if self.known.len() < MOST && self.known.insert(turn.clone()) {
            self.patient.push_back(turn);
        }
    }

    /// Whether an urgent one waits whose channel is not `busy`.
    pub fn has_urgent(&self, busy: &HashMap<ChannelName, Time>) -> bool {
        first(&self.urgent, busy).is_some()
    }

    pub fn has_patient(&self, busy: &HashMap<ChannelName, Time>) -> bool {
        first(&self.patient, busy).is_some()
    }

    pub fn take_urgent(&mut self, busy: &HashMap<ChannelName, Time>) -> Option<Turn> {
        let turn = first(&self.urgent, busy).and_then(|index| self.urgent.remove(index))?;
        self.known.remove(&turn);
        Some(turn)
    }

    pub fn take_patient(&mut self, busy: &HashMap<ChannelName, Time>) -> Option<Turn> {
        let turn = first(&self.patient, busy).and_then(|index| self.patient.remove(index))?;
        self.known.remove(&turn);
        Some(turn)
    }

    /// Hands what waits for the channel over to `others`.
    pub fn hand_over(&mut self, channel: &ChannelName, others: &mut Self) {
        for turn in self.urgent.iter().filter(|turn| turn.channel == *channel) {
            others.push(turn.clone());
        }
        for turn in self.patient.iter().filter(|turn| turn.channel == *channel) {
            others.push_patient(turn.clone());
        }
        self.remove(channel);
    }

    /// Forgets what waits for a channel that is asked under another name.
    pub fn remove(&mut self, channel: &ChannelName) {
        self.urgent.retain(|turn| turn.channel != *channel);
        self.patient.retain(|turn| turn.channel != *channel);
        self.known.retain(|turn| turn.channel != *channel);
    }
}

fn first(line: &VecDeque<Turn>, busy: &HashMap<ChannelName, Time>) -> Option<usize> {
    line.iter().position(|turn| !busy.contains_key(&turn.channel))
}

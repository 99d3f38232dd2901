//! Which turns of a channel's fortune are worth telling subscribers. Pure.

use std::collections::HashMap;

use chrono::TimeDelta;

use crate::{
    board::{State, Status},
    events::{Event, What},
    model::{Channel, ChannelName, Time},
};

/// A trouble that may pass by itself is told once it has lasted this long.
const PATIENCE: TimeDelta = TimeDelta::hours(6);

/// What subscribers know, and what they are still to be told.
#[derive(Debug, Default)]
pub struct News {
    /// What was last told of a channel; that it is fine, if nothing was.
    told: HashMap<ChannelName, State>,
    /// As its posts bear it.
    slugs: HashMap<ChannelName, String>,
    untold: Vec<Event>,
}

impl News {
    /// `events` newest first.
    pub fn resume(events: &[Event]) -> Self {
        let mut news = Self::default();
        for event in events.iter().rev() {
            if let What::State(state) = event.what {
                news.told.insert(event.channel.clone(), state);
            }
        }
        news
    }

    /// The name that `channel` bears now.
    pub fn named(&mut self, name: &ChannelName, channel: &Channel, now: Time) {
        let slug = channel.current_slug.clone();
        if let Some(before) = self.slugs.insert(name.clone(), slug.clone())
            && !before.eq_ignore_ascii_case(&slug)
        {
            let what = What::Name { before, now: slug };
            self.untold.push(Event { at: now, channel: name.clone(), what, reason: None });
        }
    }

    /// How the channel stands now.
    pub fn stands(&mut self, name: &ChannelName, status: &Status, now: Time) {
        let told = self.told.get(name).copied().unwrap_or(State::New);
        let state = status.state;
        let worth_telling = match state {
            _ if state.is_fine() => !told.is_fine(),
            State::RateLimited | State::UpstreamError | State::Unreachable => {
                let since = status.last_success.into_iter().chain(status.since).min();
                told.is_fine() && since.is_some_and(|since| now - since >= PATIENCE)
            }
            _ => told != state,
        };
        if worth_telling {
            self.told.insert(name.clone(), state);
            let reason = status.last_error.clone().filter(|_| !state.is_fine());
            self.untold.push(Event { at: now, channel: name.clone(), what: What::State(state), reason });
        }
    }

    /// What is to be told; it stays until [`News::forget`] is called.
    pub fn untold(&self) -> Vec<Event> {
        self.untold.clone()
    }

    /// The first `told` events are kept elsewhere now.
    pub fn forget(&mut self, told: usize) {
        self.untold.drain(..told.min(self.untold.len()));
    }
}

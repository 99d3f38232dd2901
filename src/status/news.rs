//! Which turns of a channel's fortune are worth telling subscribers. Pure.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::{
    State, Status,
    events::{Event, What},
};
use crate::model::{Channel, ChannelName, Time};

/// A trouble that may pass by itself is told once it has lasted this long.
const PATIENCE: TimeDelta = TimeDelta::hours(6);

/// What subscribers know, and what they are still to be told.
#[derive(Debug, Default)]
pub struct News {
    /// What was last told of a channel; that it is fine, if nothing was.
    told: HashMap<ChannelName, State>,
    /// As its posts bear it.
    slugs: HashMap<ChannelName, String>,
    /// What is new in upstream's markup, of whatever channel it was told.
    unknown: HashSet<String>,
    untold: Vec<Event>,
}

impl News {
    /// `events` newest first.
    pub fn resume(events: &[Event]) -> Self {
        let mut news = Self::default();
        for event in events.iter().rev() {
            match &event.what {
                What::State(state) => drop(news.told.insert(event.channel.clone(), *state)),
                What::Unknown(class) => drop(news.unknown.insert(class.clone())),
                What::Name { .. } => {}
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
        for class in &status.unknown {
            if self.unknown.insert(class.clone()) {
                let what = What::Unknown(class.clone());
                self.untold.push(Event { at: now, channel: name.clone(), what, reason: None });
            }
        }
        let told = self.told.get(name).copied().unwrap_or(State::New);
        // What all channels have in common is no news of each.
        let state = if status.state == State::Drift && !status.unknown.is_empty() { State::Ok } else { status.state };
        let worth_telling = match state {
            _ if state.is_fine() => !told.is_fine(),
            _ if state.may_pass() => {
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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn hour(hours: i64) -> Time {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    /// The states told, when the channel stands so at these hours, having last been read at hour 0.
    fn told(news: &mut News, course: &[(i64, State)]) -> Vec<State> {
        let name: ChannelName = "kettle".parse().unwrap();
        for (hours, state) in course {
            let status = Status { state: *state, last_success: Some(hour(0)), ..Status::default() };
            news.stands(&name, &status, hour(*hours));
        }
        let states = news.untold().into_iter().map(|event| match event.what {
            What::State(state) => state,
            what => unreachable!("{what:?}"),
        });
        states.collect()
    }

    #[test]
    fn a_lasting_trouble_and_its_end_are_told_once() {
        use State::{NotFound, Ok, Quiet};
        let course = [(0, Ok), (1, NotFound), (2, NotFound), (3, Ok), (4, Quiet), (5, Ok)];
        assert_eq!(told(&mut News::default(), &course), [NotFound, Ok]);
    }

    #[test]
    fn a_class_that_is_new_is_told_once_whatever_the_channel_and_across_a_restart() {
        let drift = Status { state: State::Drift, unknown: vec!["story".to_owned()], ..Status::default() };
        let (one, other): (ChannelName, ChannelName) = ("kettle".parse().unwrap(), "teapot".parse().unwrap());
        let mut before = News::default();
        before.stands(&one, &drift, hour(1));
        before.stands(&other, &drift, hour(1));
        let told = before.untold();
        assert_eq!(told.iter().map(|event| &event.what).collect::<Vec<_>>(), [&What::Unknown("story".to_owned())]);
        let mut after = News::resume(&told);
        after.stands(&other, &drift, hour(2));
        after.stands(&other, &Status { state: State::Ok, ..Status::default() }, hour(3));
        assert_eq!(after.untold(), []);
    }

    #[test]
    fn a_trouble_that_passes_is_not_told_and_one_that_stays_is() {
        use State::{Ok, RateLimited, Unreachable};
        assert_eq!(told(&mut News::default(), &[(1, Unreachable), (5, RateLimited), (5, Ok)]), []);
        assert_eq!(told(&mut News::default(), &[(5, Unreachable), (6, Unreachable), (7, RateLimited)]), [Unreachable]);
    }

    #[test]
    fn what_was_told_before_a_restart_is_not_told_again() {
        let mut before = News::default();
        told(&mut before, &[(1, State::Drift)]);
        let mut after = News::resume(&before.untold());
        assert_eq!(told(&mut after, &[(2, State::Drift), (3, State::Ok)]), [State::Ok]);
    }
}

//! What to ask next, and what to make of each answer: the polling loop's state, without its waiting.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{debug, info, warn};
use url::Url;

use super::{
    Done, Poller,
    gaps::Gap,
    hosts::Hosts,
    intake::{Intake, open_gaps},
    news::News,
    outcome::{self, Outcome},
    suspects::{Suspects, Verdict},
    turn::{Errand, Turn},
};
use crate::{
    board::{Board, Status},
    events,
    metrics::Metrics,
    model::{ChangeKind, ChannelName, PostId, Time},
    schedule::{Saved, Schedule, Seen},
    store::Store,
};

/// A post that so many pages in a row should have shown but did not is asked for by itself.
const LOOKS_BEFORE_CONFIRMING: u32 = 2;

/// Errands wait in line for the budget; beyond this many the newest are not taken on (they come up again).
const MOST_ERRANDS: usize = 10_000;

/// After storing failed, as on a full disk.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(15);

pub struct Rounds {
    store: Arc<dyn Store>,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    schedule: Schedule<ChannelName>,
    hosts: Hosts,
    /// Turns that follow from earlier ones; they come before heads.
    errands: VecDeque<Turn>,
    /// Channels that are being asked.
    busy: HashSet<ChannelName>,
    suspects: Suspects,
    missing: HashMap<(ChannelName, PostId), u32>,
    /// Storing failed; nothing is asked for that could not be kept.
    store_pause: Option<Time>,
    /// To be kept as hints of the store.
    notes: Vec<(String, Value)>,
    news: News,
}

/// What of a channel's polling outlives a restart, if the index does.
#[derive(Serialize, Deserialize)]
struct Memory {
    status: Status,
    schedule: Option<Saved>,
}

impl Rounds {
    pub fn new<U>(poller: &Poller<U>) -> Self {
        let now = poller.clock.steady();
        let mut rounds = Self {
            store: Arc::clone(&poller.store),
            board: Arc::clone(&poller.board),
            metrics: Arc::clone(&poller.metrics),
            schedule: Schedule::new(poller.policy, poller.seed),
            hosts: Hosts::new(poller.hosts.iter().cloned()),
            errands: VecDeque::new(),
            busy: HashSet::new(),
            suspects: Suspects::default(),
            missing: HashMap::new(),
            store_pause: None,
            notes: Vec::new(),
            news: News::resume(&events::all(poller.store.as_ref()).unwrap_or_default()),
        };
        for name in &poller.channels {
            rounds.resume(name, now);
        }
        rounds.board.set_hosts(rounds.hosts.statuses(now));
        rounds
    }

    fn resume(&mut self, name: &ChannelName, now: Time) {
        let memory = self.store.hint(&memory_key(name)).ok().flatten();
        let memory = memory.and_then(|value| serde_json::from_value::<Memory>(value).ok());
        let (mut status, saved) = memory.map_or_else(Default::default, |memory| (memory.status, memory.schedule));
        self.schedule.insert(name.clone(), saved, now);
        status.next_poll = self.schedule.next_poll(name);
        let channel = self.store.channel(name).ok().flatten();
        if let Some(channel) = &channel {
            self.news.named(name, channel, now);
        }
        let gaps = channel.and_then(|channel| open_gaps(self.store.as_ref(), channel.id).ok()).unwrap_or_default();
        status.gaps = gaps.len();
        self.board.set(name, status);
        self.heal(name, &gaps);
    }

    /// The next turn and the host to ask, if the budget and the hosts allow one now.
    pub fn next(&mut self, now: Time) -> Option<(Turn, Url)> {
        if self.hosts.next_at(now).is_some() || self.store_pause.is_some_and(|until| now < until) {
            return None;
        }
        let waiting = self.errands.iter().position(|turn| !self.busy.contains(&turn.channel));
        let turn = match waiting {
            Some(position) if self.schedule.take_extra(now) => self.errands.remove(position),
            Some(_) => None,
            None => self.schedule.take(now).map(|channel| Turn { channel, errand: Errand::Head }),
        }?;
        let Some(host) = self.hosts.choose(now) else {
            self.errands.push_front(turn);
            return None;
        };
        self.busy.insert(turn.channel.clone());
        Some((turn, host))
    }

    /// When [`Rounds::next`] may next succeed.
    pub fn next_at(&self, now: Time) -> Option<Time> {
        let errand = (!self.errands.is_empty()).then(|| now + TimeDelta::seconds(1));
        let due = [errand, self.schedule.next_at(now)].into_iter().flatten().min()?;
        Some([self.hosts.next_at(now), self.store_pause].into_iter().flatten().fold(due, Time::max))
    }

    /// Takes in how a turn ended. `now` is the steady clock's time, `wall` the wall's.
    pub fn settle(&mut self, done: Done, now: Time, wall: Time) {
        let Done { turn, host, outcome, took } = done;
        let name = turn.channel.clone();
        self.busy.remove(&name);
        self.metrics.poll(&name, outcome.as_str(), took);
        debug!(channel = %name, errand = ?turn.errand, outcome = outcome.as_str(), ?took, "asked upstream");
        match &outcome {
            Outcome::Unreachable(reason) => {
                self.hosts.unreachable(&host, reason, now);
                if self.hosts.next_at(now).is_none() {
                    // Another host is left: the same turn, at once.
                    self.errands.push_front(turn);
                    self.board.set_hosts(self.hosts.statuses(now));
                    return;
                }
            }
            Outcome::RateLimited(retry_after) => {
                self.hosts.limited(*retry_after, now);
                self.schedule.slow_down(now);
            }
            Outcome::Unstored(error) => {
                warn!(channel = %name, %error, "posts could not be stored; polling pauses");
                self.store_pause = Some(now + STORE_PAUSE);
                self.hosts.answered(&host);
            }
            _ => self.hosts.answered(&host),
        }
        match turn.errand {
            Errand::Head if matches!(outcome, Outcome::Redirected) => self.errand_first(&name, Errand::Landing),
            Errand::Head | Errand::Landing => self.settle_head(&name, &outcome, now, wall),
            Errand::Older(_) => self.settle_older(&name, &outcome),
            Errand::Confirm(id) => {
                self.missing.remove(&(name.clone(), id));
                if matches!(outcome, Outcome::Settled { gone: true }) {
                    info!(channel = %name, post = %id, "post is gone upstream");
                }
            }
            Errand::Excerpt(_) => {}
        }
        self.board.set_hosts(self.hosts.statuses(now));
    }

    fn settle_head(&mut self, name: &ChannelName, outcome: &Outcome, now: Time, wall: Time) {
        let previous = self.board.get(name).unwrap_or_default();
        let worked = previous.last_success.is_some();
        let mut believed = true;
        if let Outcome::Page(intake) = outcome {
            self.suspects.fine(name, now);
            let seen = Seen { posts: &intake.published, new: intake.fresh };
            self.schedule.succeeded(name, now, &seen);
            self.follow_up(name, intake);
        } else {
            if outcome::is_suspicious(outcome, worked) {
                believed = self.weigh(name, worked, now);
            }
            let retry_after = if let Outcome::RateLimited(wait) = outcome { *wait } else { None };
            self.schedule.failed(name, now, retry_after);
        }
        let mut status = outcome::judge(&previous, outcome, believed, worked, wall);
        status.next_poll = self.schedule.next_poll(name);
        if let Outcome::Page(intake) = outcome {
            status.gaps = intake.gaps.len();
        }
        announce(name, &previous, &status);
        self.news.stands(name, &status, wall);
        if let Outcome::Page(intake) = outcome
            && let Some(channel) = &intake.channel
        {
            self.news.named(name, channel, wall);
        }
        self.remember(name, &status);
        self.board.set(name, status);
    }

    /// Whether a suspicious answer may be believed.
    fn weigh(&mut self, name: &ChannelName, worked: bool, now: Time) -> bool {
        match self.suspects.suspicious(name, worked, now) {
            Verdict::Believe => true,
            Verdict::Wait { canary } => {
                if let Some(canary) = canary {
                    self.errand(&canary, Errand::Head);
                }
                false
            }
            Verdict::Ban => {
                warn!(channel = %name, "several channels look gone at once: upstream seems to have shut us out");
                self.hosts.limited(None, now);
                self.schedule.slow_down(now);
                false
            }
        }
    }

    fn follow_up(&mut self, name: &ChannelName, intake: &Intake) {
        self.count(name, intake);
        if intake.new + intake.edited > 0 {
            info!(channel = %name, new = intake.new, edited = intake.edited, "posts stored");
        }
        self.heal(name, &intake.gaps);
        for id in &intake.withheld {
            self.errand(name, Errand::Excerpt(*id));
        }
        for id in &intake.missing {
            let looks = self.missing.entry((name.clone(), *id)).or_default();
            *looks += 1;
            if *looks >= LOOKS_BEFORE_CONFIRMING {
                self.errand(name, Errand::Confirm(*id));
            }
        }
    }

    fn settle_older(&mut self, name: &ChannelName, outcome: &Outcome) {
        // Of any other outcome the gap stays open, and the next newest page asks again.
        if let Outcome::Page(intake) | Outcome::Empty(intake) = outcome {
            self.count(name, intake);
            self.heal(name, &intake.gaps);
            if let Some(mut status) = self.board.get(name) {
                status.gaps = intake.gaps.len();
                self.board.set(name, status);
            }
        }
    }

    fn count(&self, name: &ChannelName, intake: &Intake) {
        self.metrics.changes(name, ChangeKind::New, intake.new as u64);
        self.metrics.changes(name, ChangeKind::Edited, intake.edited as u64);
        self.metrics.problems(name, &intake.problems);
    }

    fn heal(&mut self, name: &ChannelName, gaps: &[Gap]) {
        for gap in gaps {
            debug!(channel = %name, from = %gap.until, to = %gap.before, "posts between may be missing");
            self.errand(name, Errand::Older(gap.before));
        }
    }

    fn remember(&mut self, name: &ChannelName, status: &Status) {
        let memory = Memory { status: status.clone(), schedule: self.schedule.saved(name) };
        if let Ok(value) = serde_json::to_value(&memory) {
            self.notes.push((memory_key(name), value));
        }
    }

    /// What to keep as hints since the last call.
    pub fn take_notes(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.notes)
    }

    pub fn news(&mut self) -> &mut News {
        &mut self.news
    }

    fn errand(&mut self, channel: &ChannelName, errand: Errand) {
        let turn = Turn { channel: channel.clone(), errand };
        if self.errands.len() < MOST_ERRANDS && !self.errands.contains(&turn) {
            self.errands.push_back(turn);
        }
    }

    fn errand_first(&mut self, channel: &ChannelName, errand: Errand) {
        self.errands.push_front(Turn { channel: channel.clone(), errand });
    }
}

/// Logs what a person should know, once, when it changes.
fn announce(name: &ChannelName, previous: &Status, status: &Status) {
    if previous.state == status.state {
        return;
    }
    let state = status.state.as_str();
    match &status.last_error {
        Some(error) if !status.state.is_fine() => warn!(channel = %name, state, %error, "channel's state changed"),
        _ => info!(channel = %name, state, "channel's state changed"),
    }
}

fn memory_key(name: &ChannelName) -> String {
    format!("poll/{}", name.key())
}

//! What to ask next: the polling loop's state, without its waiting. What to make of the answers is in `settle`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::debug;

use super::{
    Poller,
    errands::Errands,
    gaps::Cursor,
    hosts::{Hosts, Way},
    intake::past,
    suspects::Suspects,
    turn::{Errand, Turn},
    walk::{self, Past},
};
use crate::{
    metrics::Metrics,
    model::{ChannelName, History, PostId, Time},
    schedule::{Saved, Schedule},
    status::{Board, News, Progress, Status, events},
    store::{Extent, Gap, Store},
};

/// A wake-up is never nearer than this.
const LEAST_WAIT: TimeDelta = TimeDelta::milliseconds(10);

pub struct Rounds {
    pub(super) store: Arc<dyn Store>,
    pub(super) board: Arc<Board>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) schedule: Schedule<ChannelName>,
    pub(super) hosts: Hosts,
    pub(super) errands: Errands,
    /// Whether the last request was an urgent errand: heads get every other one.
    urgent_had_turn: bool,
    /// Channels that are being asked.
    pub(super) busy: HashSet<ChannelName>,
    pub(super) suspects: Suspects,
    /// Channels that were answered with no page of Telegram's, since somebody was.
    pub(super) refused: HashSet<ChannelName>,
    /// In how many pages in a row a post was missing.
    pub(super) missing: HashMap<(ChannelName, PostId), u32>,
    /// Posts before which upstream has shown none.
    pub(super) ends: HashSet<(ChannelName, PostId)>,
    histories: HashMap<ChannelName, History>,
    pub(super) eager: bool,
    /// Storing failed; nothing is asked for that could not be kept.
    pub(super) store_pause: Option<Time>,
    /// To be kept as hints of the store.
    notes: Vec<(String, Value)>,
    pub(super) news: News,
}

/// What of a channel's polling outlives a restart, if the index does.
#[derive(Serialize, Deserialize)]
struct Memory {
    status: Status,
    schedule: Option<Saved>,
}

impl Rounds {
    pub fn new<U>(poller: &Poller<U>) -> Self {
        let (now, wall) = (poller.clock.steady(), poller.clock.wall());
        let mut rounds = Self {
            store: Arc::clone(&poller.store),
            board: Arc::clone(&poller.board),
            metrics: Arc::clone(&poller.metrics),
            schedule: Schedule::new(poller.policy, poller.seed),
            hosts: Hosts::new(&poller.hosts, poller.exits.iter().map(|exit| exit.proxy.clone())),
            errands: Errands::default(),
            urgent_had_turn: false,
            busy: HashSet::new(),
            suspects: Suspects::default(),
            refused: HashSet::new(),
            missing: HashMap::new(),
            ends: HashSet::new(),
            histories: poller.channels.iter().cloned().collect(),
            eager: poller.eager,
            store_pause: None,
            notes: Vec::new(),
            news: News::resume(&events::all(poller.store.as_ref()).unwrap_or_default()),
        };
        for (name, _) in &poller.channels {
            rounds.resume(name, now, wall);
        }
        rounds.show(now, wall);
        rounds
    }

    fn resume(&mut self, name: &ChannelName, now: Time, wall: Time) {
        let memory = self.store.hint(&memory_key(name)).ok().flatten();
        let memory = memory.and_then(|value| serde_json::from_value::<Memory>(value).ok());
        let (mut status, saved) = memory.map_or_else(Default::default, |memory| (memory.status, memory.schedule));
        // Who walks eagerly does not wait for a poll that was put off because something was amiss.
        let saved = saved.filter(|_| !self.eager || status.state.is_fine());
        self.schedule.insert(name.clone(), saved, now);
        status.next_poll = self.next_poll(name, now, wall);
        let channel = self.store.channel(name).ok().flatten();
        if let Some(channel) = &channel {
            self.news.named(name, channel, wall);
        }
        let id = channel.map(|channel| channel.id);
        let gaps = id.and_then(|id| Extent::read(self.store.as_ref(), id).ok()).unwrap_or_default().gaps;
        let past = id.and_then(|id| past(self.store.as_ref(), id).ok()).unwrap_or_default();
        status.gaps = gaps.len();
        self.heal(name, &gaps);
        status.history = self.walk_on(name, past, wall);
        self.board.set(name, status);
    }

    /// The next turn and the way to ask, if the budget and the hosts allow one now.
    pub fn next(&mut self, now: Time) -> Option<(Turn, Way)> {
        if self.store_pause.is_some_and(|until| now < until) {
            return None;
        }
        let way = self.hosts.choose(now)?.clone();
        let turn = self.take(now)?;
        self.hosts.begin(&way);
        self.busy.insert(turn.channel.clone());
        Some((turn, way))
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
            if !self.busy.contains(&turn.channel) {
                return Some(turn);
            }
            self.errands.push_first(turn);
        }
        None
    }

    /// When [`Rounds::next`] may next succeed; None if only the end of a request under way can tell.
    pub fn next_at(&self, now: Time) -> Option<Time> {
        let budget = self.schedule.budget(now);
        let token = TimeDelta::milliseconds((60_000.0 / budget.requests_per_minute.max(1.0)) as i64);
        let urgent = self.errands.has_urgent(&self.busy).then(|| if budget.tokens > 0 { now } else { now + token });
        let patient = self.errands.has_patient(&self.busy).then(|| now + token);
        let due = [urgent, patient, self.schedule.next_at(now)].into_iter().flatten().min()?;
        let free = self.hosts.next_at()?;
        Some(due.max(free).max(self.store_pause.unwrap_or(due)).max(now + LEAST_WAIT))
    }

    /// Shows hosts and budget on the board.
    pub fn show(&self, now: Time, wall: Time) {
        self.board.set_hosts(self.hosts.statuses(now, wall));
        self.board.set_budget(self.schedule.budget(now));
    }

    /// By the wall's clock.
    pub(super) fn next_poll(&self, name: &ChannelName, now: Time, wall: Time) -> Option<Time> {
        let planned = self.schedule.next_poll(name)?.max(self.hosts.next_at().unwrap_or(now));
        Some(wall + (planned - now))
    }

    /// Asks for the older pages that close `gaps`.
    pub(super) fn heal(&mut self, name: &ChannelName, gaps: &[Gap]) {
        for gap in gaps {
            debug!(channel = %name, from = %gap.until, to = %gap.before, "posts between may be missing");
            let errand = Errand::Older(self.before(name, gap.before));
            self.errands.push(Turn { channel: name.clone(), errand });
        }
    }

    /// Asks for the next page of the channel's history, if more of it is wanted.
    pub(super) fn walk_on(&mut self, name: &ChannelName, past: Past, wall: Time) -> Option<Progress> {
        let wanted = self.histories.get(name).copied().unwrap_or_default();
        let progress = walk::progress(wanted, past, wall)?;
        if let Some(before) = progress.before.filter(|_| !progress.done) {
            self.line_up(Turn { channel: name.clone(), errand: Errand::History(self.before(name, before)) });
        }
        Some(progress)
    }

    /// Has an older page asked for in its turn.
    pub(super) fn line_up(&mut self, turn: Turn) {
        let is_patient = matches!(turn.errand, Errand::History(_)) && !self.eager;
        if is_patient { self.errands.push_patient(turn) } else { self.errands.push(turn) }
    }

    fn before(&self, name: &ChannelName, id: PostId) -> Cursor {
        if self.ends.contains(&(name.clone(), id)) { Cursor::End(id) } else { Cursor::Before(id) }
    }

    pub(super) fn remember(&mut self, name: &ChannelName, status: &Status) {
        let memory = Memory { status: status.clone(), schedule: self.schedule.saved(name) };
        if let Ok(value) = serde_json::to_value(&memory) {
            self.notes.push((memory_key(name), value));
        }
    }

    /// What to keep as hints since the last call.
    pub fn take_notes(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.notes)
    }
}

fn memory_key(name: &ChannelName) -> String {
    format!("poll/{}", name.key())
}

//! The polling loop's state, without its waiting: the queue of what to ask, the ways to ask, what is known of the
//! channels, and what is shown and kept of it. What to make of the answers is in `settle`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::TimeDelta;
use tokio::sync::mpsc::UnboundedSender;
use tracing::debug;

use super::{
    Poller,
    channels::Channels,
    lanes::Lanes,
    memory::{Kept, KeptChannel, Memory, Notes},
    turn::{Errand, Turn},
    walk::{self, Past},
    ways::{Way, Ways},
};
use crate::{
    config::ChannelConfig,
    media::{Refreshes, Renewal},
    metrics::Metrics,
    model::{ChannelName, Time},
    readers::Readers,
    status::{Board, FirstLook, News, Progress, State, Status},
    store::{Gap, Handle},
};

/// What is remembered of requests: a little more than the budget counts.
const MINUTE: TimeDelta = TimeDelta::seconds(61);

pub struct Rounds {
    pub(super) lanes: Lanes,
    pub(super) ways: Ways,
    pub(super) channels: Channels,
    pub(super) store: Handle,
    pub(super) board: Arc<Board>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) random: fastrand::Rng,
    pub(super) readers: Arc<Readers>,
    pub(super) refreshes: Arc<Refreshes>,
    pub(super) looks: Option<UnboundedSender<FirstLook>>,
    notes: Notes,
}

impl Rounds {
    /// Goes on where the last run was.
    pub async fn resume<U>(poller: &Poller<U>) -> Self {
        let (now, wall) = (poller.clock.steady(), poller.clock.wall());
        let proxies = poller.exits.iter().map(|exit| exit.proxy.clone());
        let ways = Ways::new(&poller.hosts, proxies, poller.seed);
        let lanes = Lanes::new(poller.policy, poller.seed, poller.exits.len(), poller.spread, poller.eager);
        let keys = lanes.exits().into_iter().map(|exit| requests_key(&ways, exit)).chain([String::new()]).collect();
        let kept = poller.store.run(|store| Kept::read(store, keys)).await.unwrap_or_default();
        let news = News::resume(&kept.events);
        let mut rounds = Self {
            lanes,
            ways,
            channels: Channels::new(news),
            store: poller.store.clone(),
            board: Arc::clone(&poller.board),
            metrics: Arc::clone(&poller.metrics),
            random: fastrand::Rng::with_seed(poller.seed),
            readers: Arc::clone(&poller.readers),
            refreshes: Arc::clone(&poller.refreshes),
            looks: poller.looks.clone(),
            notes: Notes::default(),
        };
        if let Some(ways) = kept.ways {
            rounds.ways.resume(ways, now, wall);
        }
        rounds.resume_requests(&kept.requests, now, wall);
        rounds.show(now, wall);
        rounds
    }

    /// What an earlier run asked through each exit counts for its budget; what was asked through none that is known, for all.
    fn resume_requests(&mut self, kept: &HashMap<String, Vec<Time>>, now: Time, wall: Time) {
        let exits = self.lanes.exits();
        for exit in exits {
            let own = requests_key(&self.ways, exit);
            let requests = kept.get(&own).or_else(|| kept.get(""));
            let requests = requests.into_iter().flatten().map(|time| now - (wall - *time.min(&wall)));
            self.lanes.lane(exit).schedule.resume_requests(requests.collect::<Vec<_>>(), now);
        }
    }

    /// Those of `wanted` that are not followed yet.
    pub fn added(&self, wanted: &[ChannelConfig]) -> Vec<ChannelConfig> {
        wanted.iter().filter(|channel| !self.channels.is_followed(&channel.name)).cloned().collect()
    }

    /// Follows channels, each where its last run was, if anything of it could be read.
    pub fn follow(
        &mut self,
        channels: Vec<ChannelConfig>,
        mut kept: HashMap<ChannelName, KeptChannel>,
        now: Time,
        wall: Time,
    ) {
        // All before any, since one may be wanted under several names.
        channels.iter().for_each(|channel| self.channels.follow(channel));
        for channel in channels {
            let kept = kept.remove(&channel.name).unwrap_or_default();
            self.resume_channel(&channel.name, kept, now, wall);
        }
    }

    /// Asks no more for channels that are not in `wanted`, and shows nothing of them.
    pub fn leave(&mut self, wanted: &[ChannelConfig], now: Time) {
        let wanted: HashSet<&ChannelName> = wanted.iter().map(|channel| &channel.name).collect();
        for name in self.channels.leave(|name| wanted.contains(name)) {
            self.release_twins(&name, now);
            self.lanes.remove(&name);
            self.board.remove(&name);
        }
    }

    fn resume_channel(&mut self, name: &ChannelName, kept: KeptChannel, now: Time, wall: Time) {
        let KeptChannel { memory: Memory { mut status, schedule, alive, withheld }, channel, gaps, past } = kept;
        // Who walks eagerly does not wait for a poll that was put off because something was amiss.
        let schedule = schedule.filter(|_| !self.lanes.eager || status.state.is_fine());
        let id = channel.as_ref().map(|channel| channel.id);
        self.channels.resume(name, id, alive, withheld);
        if let Some(channel) = &channel {
            self.channels.news.named(name, channel, wall);
        }
        status.same_as = None;
        status.gaps = gaps.len();
        if let Some(id) = id.filter(|_| status.last_success.is_some() && status.state.is_fine())
            && let Some(polled) = self.channels.twins.shown(name, id).cloned()
        {
            self.follow_twin(name, &polled);
            self.looked(name, State::Ok, wall);
            return;
        }
        if self.channels.is_wish(name) {
            self.lanes.of(name).schedule.insert_awaited(name.clone(), schedule, now);
        } else {
            self.lanes.of(name).schedule.insert(name.clone(), schedule, now);
        }
        self.set_readers(name, now, wall);
        status.next_poll = self.next_poll(name, now, wall);
        self.heal(name, &gaps);
        status.history = self.walk_on(name, past, wall);
        self.set_status(name, status);
    }

    /// The next turn and the way to ask, if the budget and the hosts allow one now.
    pub fn next(&mut self, now: Time, wall: Time) -> Option<(Turn, Way)> {
        let (turn, way) = self.lanes.next(&mut self.ways, now)?;
        let lane = self.lanes.through(&way);
        let lately = lane.schedule.requests().filter(|time| now - *time < MINUTE);
        self.notes.requests(&requests_key(&self.ways, lane.exit), lately.map(|time| wall + (time - now)));
        Some((turn, way))
    }

    /// When [`Rounds::next`] may next succeed; None if only the end of a request under way can tell.
    pub fn next_at(&self, now: Time) -> Option<Time> {
        self.lanes.next_at(&self.ways, now)
    }

    /// Shows hosts and budget on the board.
    pub fn show(&self, now: Time, wall: Time) {
        self.board.set_hosts(self.ways.statuses(&self.lanes.exits(), now, wall));
        self.board.set_budget(self.lanes.budget(now));
        self.board.set_first_look(wall + (self.lanes.awaited_at(&self.ways, now) - now));
    }

    /// By the wall's clock.
    pub(super) fn next_poll(&self, name: &ChannelName, now: Time, wall: Time) -> Option<Time> {
        Some(wall + (self.lanes.next_poll(&self.ways, name, now)? - now))
    }

    /// Tells who waits for the channel what was found.
    pub(super) fn looked(&self, name: &ChannelName, found: State, wall: Time) {
        if self.channels.is_wish(name)
            && let Some(looks) = &self.looks
        {
            let again = self.board.get(name).and_then(|status| status.next_poll).unwrap_or(wall);
            // Nobody may be left to hear it when the daemon ends.
            let _ = looks.send(FirstLook { name: name.clone(), found, again });
        }
    }

    /// Lets the channel's delay count for its readers under each of its names: for one at least, if it is configured.
    pub(super) fn set_readers(&mut self, name: &ChannelName, now: Time, wall: Time) {
        let names = std::iter::once(name).chain(self.channels.twins.of(name));
        let weights = names.map(|name| self.readers.count(name, wall).max(self.channels.least_readers(name)));
        let weight: usize = weights.sum();
        self.lanes.of(name).schedule.set_weight(name, weight as f64, now);
    }

    /// Lines up the posts whose files somebody wants, with what can wait: no post is seen later for it.
    pub fn line_up_renewals(&mut self, wall: Time) {
        for (channel, post) in self.refreshes.take() {
            if self.channels.is_followed(&channel) {
                let lane = self.lanes.of(&channel);
                lane.errands.push_patient(Turn { channel, errand: Errand::Renew(post) });
            } else {
                self.refreshes.settle(&channel, post, Renewal::Failed, wall);
            }
        }
    }

    /// Those that have a reader again wait no longer for the ceiling.
    pub fn weigh_woken(&mut self, now: Time, wall: Time) {
        for name in self.readers.take_woken() {
            let polled = self.board.get(&name).and_then(|status| status.same_as).unwrap_or(name);
            self.set_readers(&polled, now, wall);
        }
    }

    /// On the board, under each of its names.
    pub(super) fn set_status(&self, name: &ChannelName, status: Status) {
        for twin in self.channels.twins.of(name) {
            self.board.set(twin, Status { same_as: Some(name.clone()), ..status.clone() });
        }
        self.board.set(name, status);
    }

    /// `name` leads to the channel that is polled under `polled`.
    pub(super) fn follow_twin(&mut self, name: &ChannelName, polled: &ChannelName) {
        debug!(channel = %name, %polled, "two names of one channel");
        self.lanes.remove(name);
        let status = self.board.get(polled).unwrap_or_default();
        self.board.set(name, Status { same_as: Some(polled.clone()), ..status });
    }

    /// Asks for the older pages that close `gaps`.
    pub(super) fn heal(&mut self, name: &ChannelName, gaps: &[Gap]) {
        for gap in gaps {
            debug!(channel = %name, from = %gap.until, to = %gap.before, "posts between may be missing");
            let errand = Errand::Older(self.channels.before(name, gap.before));
            self.lanes.of(name).errands.push(Turn { channel: name.clone(), errand });
        }
    }

    /// Asks for the next page of the channel's history, if more of it is wanted.
    pub(super) fn walk_on(&mut self, name: &ChannelName, past: Past, wall: Time) -> Option<Progress> {
        let progress = self.channels.histories(name).filter_map(|wanted| walk::progress(wanted, past, wall));
        let progress = progress.min_by_key(|progress| progress.done)?;
        if let Some(before) = progress.before.filter(|_| !progress.done) {
            let errand = Errand::History(self.channels.before(name, before));
            self.lanes.of(name).line_up(Turn { channel: name.clone(), errand });
        }
        Some(progress)
    }

    pub(super) fn remember(&mut self, name: &ChannelName, status: &Status) {
        if self.channels.is_wish(name) {
            return;
        }
        let schedule = self.lanes.saved(name);
        let memory = Memory {
            status: status.clone(),
            schedule,
            alive: self.channels.alive(name),
            withheld: self.channels.withheld(name),
        };
        self.notes.channel(name, &memory);
    }

    /// What to keep since the last call.
    pub fn take_notes(&mut self, now: Time, wall: Time) -> Notes {
        if let Some(ways) = self.ways.take_changed(now, wall) {
            self.notes.ways(&ways);
        }
        std::mem::take(&mut self.notes)
    }
}

/// Under which the requests through the exit are kept; empty where one lane takes all exits.
fn requests_key(ways: &Ways, exit: Option<usize>) -> String {
    exit.map(|exit| ways.proxy(exit).unwrap_or("direct").to_owned()).unwrap_or_default()
}

//! A week of upstream with all its troubles, on a paused clock: many channels, bans, outages, bursts, a laptop that
//! sleeps. Whatever is promised is asserted on the way.

mod script;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    fetch::{Answer, Error, Upstream},
    metrics::Metrics,
    model::{ChannelName, History, Time},
    poll::{Exit, Poller},
    schedule::Policy,
    status::{Board, State},
    store::{Handle, Local, Store},
};
use tokio::{sync::oneshot, time::sleep};
use url::Url;

use crate::upstream::{StandIn, base};
use script::{Phase, Posts};

const HOSTS: [&str; 2] = ["https://one.example", "https://two.example"];
/// How often everything is looked at.
const STEP: TimeDelta = TimeDelta::minutes(20);
/// Of a step, one channel in so many is compared with the store.
const SAMPLE: usize = 16;
/// One channel is deleted upstream half-way.
const DOOMED: usize = 1;

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub channels: usize,
    pub requests_per_minute: u32,
    /// Of the interval per channel, in minutes.
    pub floor: u64,
    pub seed: u64,
}

/// What happened.
#[derive(Debug)]
pub struct Report {
    pub requests: usize,
    pub posts: usize,
    pub steps: usize,
}

/// Upstream as the script has it.
#[derive(Clone)]
struct Scripted {
    stand_in: StandIn,
    clock: Clock,
    state: Arc<Mutex<Log>>,
}

struct Log {
    posts: Posts,
    /// When each request came.
    asked: Vec<Time>,
    /// Channels that are being asked.
    in_flight: HashSet<String>,
    /// When each channel's newest page was last shown.
    shown: HashMap<String, Time>,
    random: fastrand::Rng,
}

impl Upstream for Scripted {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let channel = target.trim_start_matches("/s/").trim_start_matches('/');
        let channel = channel.split(['/', '?']).next().unwrap().to_owned();
        let took = {
            let mut log = self.log();
            log.asked.push(self.clock.wall());
            assert!(log.in_flight.insert(channel.clone()), "{channel} was asked twice at once");
            log.random.u64(50..400)
        };
        sleep(Duration::from_millis(took)).await;
        let now = self.clock.wall();
        self.log().posts.publish(&self.stand_in, now);
        script::phase(now - base()).apply(&self.stand_in, &HOSTS);
        let answer = self.stand_in.reply(host, target).await;
        let mut log = self.log();
        log.in_flight.remove(&channel);
        if matches!(&answer, Ok(Answer::Body(body)) if target.starts_with("/s/") && !target.contains('?') && body.contains("data-post"))
        {
            log.shown.insert(channel, now);
        }
        answer
    }
}

impl Scripted {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.state.lock().unwrap()
    }
}

/// What is looked at.
struct Scene {
    upstream: Scripted,
    store: Arc<dyn Store>,
    board: Arc<Board>,
    names: Vec<ChannelName>,
    doomed_since: Option<Time>,
}

/// Runs the week in `folder`; panics where a promise is broken.
pub async fn week(plan: Plan, folder: &Path) -> Report {
    let clock = Clock::simulated(base());
    let names: Vec<ChannelName> = (0..plan.channels).map(|n| format!("channel{n}").parse().unwrap()).collect();
    let stand_in = StandIn::default();
    let posts = Posts::new(plan, &stand_in);
    let random = fastrand::Rng::with_seed(plan.seed);
    let log = Log { posts, asked: Vec::new(), in_flight: HashSet::new(), shown: HashMap::new(), random };
    let upstream = Scripted { stand_in, clock: clock.clone(), state: Arc::new(Mutex::new(log)) };
    let store: Arc<dyn Store> = Arc::new(Local::open(folder).unwrap());
    let board = Arc::new(Board::new(names.clone()));
    let poller = Poller {
        exits: vec![Exit { upstream: Arc::new(upstream.clone()), proxy: None }],
        store: Handle::new(Arc::clone(&store) as Arc<dyn Store>),
        board: Arc::clone(&board),
        metrics: Arc::new(Metrics::new(base())),
        clock: clock.clone(),
        followed: Followed::polled(
            names.iter().map(|name| ChannelConfig { name: name.clone(), history: History::All }),
        ),
        spread: false,
        readers: Arc::default(),
        refreshes: Arc::default(),
        looks: None,
        hosts: HOSTS.iter().map(|host| host.parse().unwrap()).collect(),
        policy: Policy {
            requests_per_minute: plan.requests_per_minute,
            floor: Duration::from_secs(60 * plan.floor),
            ..Policy::default()
        },
        seed: plan.seed,
        eager: false,
        heartbeat: None,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let polling = tokio::spawn(poller.run(async move { drop(stopped.await) }));
    let mut scene = Scene { upstream, store, board, names, doomed_since: None };
    let steps = scene.live(&clock).await;
    drop(stop);
    polling.await.unwrap();
    scene.compare_all();
    scene.store.close().unwrap();
    scene.report(plan, steps)
}

impl Scene {
    /// Lets the week pass, and afterwards the time until everything has been polled once more.
    async fn live(&mut self, clock: &Clock) -> usize {
        let mut slept = false;
        for step in 1.. {
            let now = clock.wall();
            let elapsed = now - base();
            if !slept && elapsed >= script::LAPTOP_SLEEPS {
                slept = true;
                clock.sleep(script::FOR_SO_LONG);
            }
            if self.doomed_since.is_none() && elapsed >= script::CHANNEL_GOES {
                self.doomed_since = Some(now);
                self.upstream.stand_in.world().channels.remove(self.names[DOOMED].as_str());
            }
            sleep(STEP.to_std().unwrap()).await;
            self.look(clock.wall(), step);
            if elapsed > script::POSTS_END && self.is_settled() {
                return step;
            }
            assert!(elapsed < script::POSTS_END + TimeDelta::days(2), "not everything was polled in two more days");
        }
        unreachable!("the steps are endless")
    }

    fn is_settled(&self) -> bool {
        let end = base() + script::POSTS_END;
        let polled = |(name, status): &(ChannelName, feedbridge::status::Status)| {
            let history = status.history.is_some_and(|history| history.done);
            self.is_doomed(name) || status.last_success > Some(end) && status.gaps == 0 && history
        };
        self.board.all().iter().all(polled)
    }

    fn is_doomed(&self, name: &ChannelName) -> bool {
        *name == self.names[DOOMED] && self.doomed_since.is_some()
    }

    /// Whether the board tells the truth.
    fn look(&self, now: Time, step: usize) {
        let phase = script::phase(now - base());
        // A pause lasts for half an hour at most, and a small budget takes its time.
        let steady_phase = phase == script::phase(now - base() - TimeDelta::minutes(50));
        let shown = self.upstream.log().shown.clone();
        for (index, (name, status)) in self.board.all().into_iter().enumerate() {
            let at = format!("{name} at {now} in {phase:?}: {status:?}");
            if self.is_doomed(&name) {
                assert!(status.state == State::NotFound || !self.must_be_known(now), "{at}");
                continue;
            }
            let seen = shown.get(name.as_str());
            let just_now = seen.is_some_and(|seen| now - *seen < TimeDelta::seconds(2));
            let truthful = match (seen, status.last_success) {
                (None, None) => true,
                (Some(seen), Some(success)) => (*seen - success).abs() < TimeDelta::seconds(2),
                _ => false,
            };
            assert!(truthful || just_now, "last shown {seen:?}, {at}");
            assert!(phase.may_show(status.state, status.last_attempt, now), "{at}");
            if index % SAMPLE == step % SAMPLE && status.gaps == 0 && !just_now {
                self.compare_stretch(&name);
            }
        }
        if steady_phase {
            let hosts = self.board.hosts();
            let closed = hosts.iter().any(|host| host.breaker == "closed");
            assert_eq!(closed, phase.is_usable(), "{now} in {phase:?}: {hosts:?}");
            assert!(phase != Phase::HostGone || hosts[0].breaker != "closed", "{now}: {hosts:?}");
        }
    }

    /// After a day without other trouble a channel that is gone must have been found out.
    fn must_be_known(&self, now: Time) -> bool {
        self.doomed_since.is_some_and(|since| now - since > TimeDelta::hours(30))
    }

    fn ids(&self, name: &ChannelName) -> Vec<u64> {
        let Some(channel) = self.store.channel(name).unwrap() else { return Vec::new() };
        let stored = self.store.latest(channel.id, None, 100_000).unwrap();
        stored.iter().rev().map(|stored| stored.post.id.0).collect()
    }

    /// Without a gap on the board, nothing between the oldest and the newest stored post is wanting.
    fn compare_stretch(&self, name: &ChannelName) {
        let ids = self.ids(name);
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return };
        let world = self.upstream.stand_in.world();
        let there: Vec<u64> = world.channels[name.as_str()].messages.range(*first..=*last).map(|(id, _)| *id).collect();
        assert_eq!(ids, there, "{name}");
    }

    /// Every post that there is, in order, once.
    fn compare_all(&self) {
        let mut total = 0;
        for name in &self.names {
            let ids = self.ids(name);
            total += ids.len() as u64;
            if !self.is_doomed(name) {
                let world = self.upstream.stand_in.world();
                let there: Vec<u64> = world.channels[name.as_str()].messages.keys().copied().collect();
                assert_eq!(ids, there, "{name}");
            }
        }
        assert_eq!(self.store.stats().posts, total);
    }

    fn report(&self, plan: Plan, steps: usize) -> Report {
        let log = self.upstream.log();
        let mut by_window = BTreeMap::new();
        let mut first = 0;
        for (index, time) in log.asked.iter().enumerate() {
            while *time - log.asked[first] >= TimeDelta::seconds(60) {
                first += 1;
            }
            by_window.insert(index - first + 1, *time);
        }
        let (most_in_a_minute, at) = by_window.pop_last().unwrap();
        assert!(most_in_a_minute <= plan.requests_per_minute as usize, "{most_in_a_minute} in a minute at {at}");
        let posts = self.store.stats().posts as usize;
        Report { requests: log.asked.len(), posts, steps }
    }
}

impl Phase {
    /// Whether a channel that is there may be in this state.
    fn may_show(self, state: State, attempt: Option<Time>, now: Time) -> bool {
        // What was seen in a phase stays until the channel is asked again.
        let trouble = match state {
            State::New | State::Ok | State::Quiet => return true,
            State::Unreachable => Phase::Outage,
            State::RateLimited => Phase::RateLimited,
            State::UpstreamError => Phase::Challenge,
            _ => return false,
        };
        let asked_in = attempt.map(|attempt| script::phase(attempt - base()));
        let just_before = attempt.map(|attempt| script::phase(attempt - TimeDelta::seconds(2) - base()));
        asked_in == Some(trouble) || just_before == Some(trouble) || self == trouble && attempt <= Some(now)
    }
}

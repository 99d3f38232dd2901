//! Hosts that fail, silences, pauses that outlive the process, and channels of two names: what is asked of whom, and when.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    fetch::{Answer, Error, Upstream},
    metrics::Metrics,
    model::{History, Time},
    poll::{Exit, Poller},
    schedule::Policy,
    status::{Board, State, Status},
    store::{Handle, Local, Store},
};
use tempfile::TempDir;
use tokio::{
    sync::{Barrier, oneshot, watch},
    task::JoinHandle,
    time::sleep,
};
use url::Url;

use crate::upstream::{StandIn, Trouble, base};

pub const HOSTS: [&str; 2] = ["https://one.example", "https://two.example"];
pub const MAINTENANCE: &str = "<html><body>Under maintenance</body></html>";

pub struct Bridge {
    pub store: Arc<dyn Store>,
    pub board: Arc<Board>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Bridge {
    pub fn start<U: Upstream>(folder: &TempDir, upstream: U, hosts: &[&str], channels: &[&str], clock: &Clock) -> Self {
        Self::every(Duration::from_secs(300), folder, upstream, hosts, channels, clock)
    }

    /// Polls at this interval.
    pub fn every<U: Upstream>(
        interval: Duration,
        folder: &TempDir,
        upstream: U,
        hosts: &[&str],
        channels: &[&str],
        clock: &Clock,
    ) -> Self {
        let channels: Vec<_> = channels.iter().map(|name| (*name, History::None)).collect();
        Self::wanted(interval, folder, upstream, hosts, &channels, clock)
    }

    /// Of each channel with how far back it is wanted.
    pub fn wanted<U: Upstream>(
        interval: Duration,
        folder: &TempDir,
        upstream: U,
        hosts: &[&str],
        channels: &[(&str, History)],
        clock: &Clock,
    ) -> Self {
        let channel =
            |(name, history): &(&str, History)| ChannelConfig { name: name.parse().unwrap(), history: *history };
        Self::following(interval, folder, upstream, hosts, Followed::polled(channels.iter().map(channel)), clock)
    }

    pub fn following<U: Upstream>(
        interval: Duration,
        folder: &TempDir,
        upstream: U,
        hosts: &[&str],
        followed: watch::Receiver<Arc<Followed>>,
        clock: &Clock,
    ) -> Self {
        let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
        let board = Arc::new(Board::new(followed.borrow().channels.iter().map(|channel| channel.name.clone())));
        let poller = Poller {
            exits: vec![Exit { upstream: Arc::new(upstream), proxy: None }],
            store: Handle::new(Arc::clone(&store)),
            board: Arc::clone(&board),
            metrics: Arc::new(Metrics::new(base())),
            clock: clock.clone(),
            followed,
            spread: false,
            readers: Arc::default(),
            refreshes: Arc::default(),
            looks: None,
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            policy: Policy { fixed_interval: Some(interval), ..Policy::default() },
            seed: 7,
            eager: false,
            heartbeat: None,
        };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(poller.run(async move { drop(stopped.await) }));
        Self { store, board, stop, running }
    }

    pub fn status(&self, name: &str) -> Status {
        self.board.get(&name.parse().unwrap()).unwrap()
    }

    pub fn posts(&self, name: &str) -> u64 {
        let channel = self.store.channel(&name.parse().unwrap()).unwrap();
        channel.map_or(0, |channel| self.store.head(channel.id).posts)
    }

    pub async fn stop(self) {
        drop(self.stop);
        self.running.await.unwrap();
        self.store.close().unwrap();
    }
}

pub async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..240_000 {
        if happened() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("in hours it did not happen that {what}");
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn upstream(channels: &[&str]) -> StandIn {
    let upstream = StandIn::default();
    for (id, name) in (1001..).zip(channels) {
        upstream.add(name, id);
        upstream.post(name, 1, "Soup", base() - TimeDelta::minutes(5));
    }
    upstream
}

fn troubles() -> Vec<Trouble> {
    let mut troubles: Vec<_> = [400, 403, 404, 500, 502, 503, 504].map(Trouble::Status).into();
    troubles.extend([
        Trouble::Unreachable,
        Trouble::Broken,
        Trouble::Unavailable,
        Trouble::Body(MAINTENANCE.to_owned()),
        Trouble::Redirect("https://portal.example/login".to_owned()),
    ]);
    troubles
}

fn asked_of(upstream: &StandIn, host: &str) -> usize {
    upstream.world().asked.iter().filter(|(asked, _)| asked == host).count()
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_asked_at_once_whatever_the_first_ones_trouble() {
    for trouble in troubles() {
        for channels in [&["kitchen"][..], &["kitchen", "garden", "cellar", "attic", "porch"]] {
            let (folder, upstream, clock) = (folder(), upstream(channels), Clock::simulated(base()));
            upstream.world().down.insert(HOSTS[0].to_owned(), trouble.clone());
            let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, channels, &clock);
            until("all are stored", || channels.iter().all(|name| bridge.posts(name) == 1)).await;
            let took = clock.steady() - base();
            // The budget lets two requests go at once, and then one in two seconds.
            assert!(took <= TimeDelta::seconds(4 * channels.len() as i64), "{trouble:?}: {took}");
            assert!(asked_of(&upstream, HOSTS[0]) <= 4, "{trouble:?}: {}", asked_of(&upstream, HOSTS[0]));
            assert!(channels.iter().all(|name| bridge.status(name).failures == 0), "{trouble:?}");
            bridge.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_host_is_taken_up_again_when_it_is_well() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen", "garden"]), Clock::simulated(base()));
    upstream.world().down.insert(HOSTS[0].to_owned(), Trouble::Status(502));
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen", "garden"], &clock);
    until("its breaker opens", || bridge.board.hosts().first().is_some_and(|host| host.breaker == "open")).await;
    upstream.world().down.clear();
    until("it is closed again", || bridge.board.hosts()[0].breaker == "closed").await;
    assert!(bridge.board.hosts()[0].in_use);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_only_host_is_left_alone_after_three_failures_of_one_channel_and_asked_again() {
    for trouble in troubles() {
        let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
        upstream.world().down.insert(HOSTS[0].to_owned(), trouble.clone());
        let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS[..1], &["kitchen"], &clock);
        until("its breaker opens", || bridge.board.hosts().first().is_some_and(|host| host.breaker == "open")).await;
        assert_eq!(upstream.requests(), 3, "{trouble:?}");
        upstream.world().down.clear();
        until("the post is stored", || bridge.posts("kitchen") == 1).await;
        bridge.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_hosts_that_both_fail_are_asked_seldom_and_make_up_when_they_are_back() {
    for trouble in troubles() {
        let channels = ["kitchen", "garden", "cellar"];
        let (folder, upstream, clock) = (folder(), upstream(&channels), Clock::simulated(base()));
        upstream.world().down.extend(HOSTS.map(|host| (host.to_owned(), trouble.clone())));
        let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &channels, &clock);
        sleep(Duration::from_secs(3600)).await;
        assert!(upstream.requests() <= 60, "{trouble:?}: {} in an hour", upstream.requests());
        upstream.world().down.clear();
        let back = clock.steady();
        until("all are stored", || channels.iter().all(|name| bridge.posts(name) == 1)).await;
        // A back-off is no longer than what it followed.
        assert!(clock.steady() - back <= TimeDelta::minutes(70), "{trouble:?}: {}", clock.steady() - back);
        bridge.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silence_of_seconds_with_eight_channels_is_one_event() {
    let channels: Vec<String> = (0..8).map(|number| format!("channel{number}")).collect();
    let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
    let (folder, upstream, clock) = (folder(), upstream(&channels), Clock::simulated(base()));
    let bridge = Bridge::start(&folder, Silent(upstream.clone(), clock.clone()), &HOSTS[..1], &channels, &clock);
    until("its breaker opens", || bridge.board.hosts().first().is_some_and(|host| host.breaker == "open")).await;
    sleep(Duration::from_secs(6)).await;
    let open_until = bridge.board.hosts()[0].open_until.unwrap();
    assert!(open_until - base() <= TimeDelta::seconds(45), "until {open_until}");
    until("all are stored", || channels.iter().all(|name| bridge.posts(name) == 1)).await;
    assert!(clock.steady() - base() <= TimeDelta::seconds(90), "only at {}", clock.steady());
    bridge.stop().await;
}

/// Answers nobody in the first seconds: each request then fails after some of them.
struct Silent(StandIn, Clock);

impl Upstream for Silent {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        if self.1.steady() - base() < TimeDelta::seconds(6) {
            sleep(Duration::from_secs(4)).await;
            return Err(Error::Unreachable { host: "one.example".to_owned(), reason: "timed out".to_owned() });
        }
        self.0.get(host, target).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_upstream_asked_for_outlives_restarts() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    upstream.world().next.push_back(Trouble::RateLimited(Some(3600)));
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &clock);
    until("the limit is met", || bridge.status("kitchen").state == State::RateLimited).await;
    bridge.stop().await;
    for _ in 0..5 {
        let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &clock);
        sleep(Duration::from_secs(600)).await;
        assert!(bridge.board.hosts().iter().all(|host| host.breaker == "open"));
        bridge.stop().await;
    }
    assert_eq!(upstream.requests(), 1);
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &clock);
    until("the post is stored", || bridge.posts("kitchen") == 1).await;
    assert!(clock.steady() - base() >= TimeDelta::seconds(3600));
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_a_clock_that_was_wrong_ends_with_the_ceiling() {
    let (folder, upstream) = (folder(), upstream(&["kitchen"]));
    upstream.world().next.push_back(Trouble::RateLimited(Some(3600)));
    let ahead = Clock::simulated(base() + TimeDelta::days(400));
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &ahead);
    until("the limit is met", || bridge.status("kitchen").state == State::RateLimited).await;
    bridge.stop().await;
    let right = Clock::simulated(base());
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &right);
    until("it is asked again", || upstream.requests() > 1).await;
    assert!(right.steady() - base() <= TimeDelta::hours(6) + TimeDelta::minutes(1), "only at {}", right.steady());
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn in_no_minute_is_there_more_than_the_budget_however_often_it_is_started() {
    let channels: Vec<String> = (0..100).map(|number| format!("channel{number}")).collect();
    let channels: Vec<&str> = channels.iter().map(String::as_str).collect();
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let counted = Counted { upstream: upstream(&channels), clock: clock.clone(), times: Arc::default() };
    for _ in 0..60 {
        let bridge = Bridge::start(&folder, counted.clone(), &HOSTS, &channels, &clock);
        sleep(Duration::from_millis(2500)).await;
        bridge.stop().await;
    }
    let times = counted.times.lock().unwrap();
    let most = times.iter().map(|at| times.iter().filter(|t| (**t - *at).num_seconds() < 60 && *t >= at).count()).max();
    assert!(most.unwrap() <= 30, "{most:?} of {}", times.len());
    assert!(times.len() >= 20, "{}", times.len());
}

#[derive(Clone)]
struct Counted {
    upstream: StandIn,
    clock: Clock,
    times: Arc<std::sync::Mutex<Vec<Time>>>,
}

impl Upstream for Counted {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        self.times.lock().unwrap().push(self.clock.steady());
        self.upstream.get(host, target).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_panics_leaves_its_channel_free() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let upstream = Panics(upstream(&["kitchen"]), Arc::default());
    let bridge = Bridge::start(&folder, upstream, &HOSTS, &["kitchen"], &clock);
    until("the post is stored", || bridge.posts("kitchen") == 1).await;
    assert!(clock.steady() - base() < TimeDelta::minutes(10), "only at {}", clock.steady());
    bridge.stop().await;
}

/// At its first request.
struct Panics(StandIn, Arc<std::sync::atomic::AtomicBool>);

impl Upstream for Panics {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let again = self.1.swap(true, std::sync::atomic::Ordering::SeqCst);
        assert!(again, "a fault that nobody thought of");
        self.0.get(host, target).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_lists_leave_out_although_it_lives_is_asked_for_ever_more_seldom() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    for id in 2..=5 {
        upstream.post("kitchen", id, "More soup", base());
    }
    let left_out = LeavesOut(upstream.clone());
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen"], &clock);
    until("the posts are stored", || bridge.posts("kitchen") == 5).await;
    bridge.stop().await;
    let before = upstream.requests();
    let mut asked = Vec::new();
    for _ in 0..8 {
        let bridge = Bridge::every(Duration::from_secs(1800), &folder, left_out.clone(), &HOSTS, &["kitchen"], &clock);
        sleep(Duration::from_secs(24 * 3600)).await;
        asked.push(upstream.targets()[before..].iter().filter(|target| target.contains("embed")).count());
        bridge.stop().await;
    }
    assert!(asked[0] >= 1 && asked[7] <= 10, "{asked:?}");
}

/// The third post is in no list, but on its own page.
#[derive(Clone)]
struct LeavesOut(StandIn);

impl Upstream for LeavesOut {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let taken = if target.contains("embed") { None } else { self.0.take("kitchen", 3) };
        let answer = self.0.get(host, target).await;
        if let Some(message) = taken {
            self.0.world().channels.get_mut("kitchen").unwrap().messages.insert(3, message);
        }
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_of_two_names_is_polled_under_one_and_shown_under_both() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    upstream.add("pantry", 1001);
    upstream.world().channels.get_mut("pantry").unwrap().slug = Some("kitchen".to_owned());
    upstream.post("pantry", 1, "Soup", base() - TimeDelta::minutes(5));
    for _ in 0..2 {
        let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen", "pantry"], &clock);
        until("both are shown", || {
            bridge.status("kitchen").state == State::Ok && bridge.status("pantry").state == State::Ok
        })
        .await;
        let asked = upstream.requests();
        sleep(Duration::from_secs(3600)).await;
        let targets = upstream.targets().split_off(asked);
        assert!(targets.iter().all(|target| *target == targets[0]) && targets.len() >= 10, "{targets:?}");
        let same: Vec<_> = ["kitchen", "pantry"].iter().filter_map(|name| bridge.status(name).same_as).collect();
        assert_eq!(same.len(), 1);
        assert_eq!((bridge.posts("kitchen"), bridge.posts("pantry")), (1, 1));
        bridge.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_name_is_polled_again_when_the_first_is_gone() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen", "garden"]), Clock::simulated(base()));
    upstream.add("pantry", 1001);
    upstream.world().channels.get_mut("pantry").unwrap().slug = Some("kitchen".to_owned());
    upstream.post("pantry", 1, "Soup", base() - TimeDelta::minutes(5));
    let bridge = Bridge::start(&folder, upstream.clone(), &HOSTS, &["kitchen", "pantry", "garden"], &clock);
    until("they are one", || bridge.status("pantry").same_as.is_some() || bridge.status("kitchen").same_as.is_some())
        .await;
    let polled = if bridge.status("pantry").same_as.is_some() { "kitchen" } else { "pantry" };
    upstream.world().channels.remove(polled);
    let other = if polled == "kitchen" { "pantry" } else { "kitchen" };
    upstream.post(other, 2, "More soup", base() + TimeDelta::minutes(1));
    until("the new post is stored", || bridge.posts(other) == 2).await;
    assert_eq!(bridge.status(other).same_as, None);
    bridge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_withheld_post_is_looked_at_again_after_a_day_a_week_and_a_month() {
    let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
    let withheld = r#"</div><div class="message_media_not_supported_wrap"><div class="message_media_not_supported">
        <div class="message_media_not_supported_label">Please open Telegram to view this post</div>
        <a href="https://t.me/kitchen/2" class="message_media_view_in_telegram">VIEW IN TELEGRAM</a></div></div><div>"#;
    upstream.post("kitchen", 2, withheld, base() - TimeDelta::minutes(1));
    let mut asked = Vec::new();
    for days in [1, 1, 5, 2, 30, 30] {
        let bridge =
            Bridge::every(Duration::from_secs(4 * 3600), &folder, upstream.clone(), &HOSTS, &["kitchen"], &clock);
        sleep(Duration::from_secs(days * 24 * 3600)).await;
        asked.push(upstream.targets().iter().filter(|target| *target == "/kitchen/2").count());
        bridge.stop().await;
    }
    assert_eq!(asked, [1, 2, 2, 3, 4, 4]);
}

/// Answers heads only when two are asked for.
#[derive(Clone)]
struct Together(StandIn, Arc<Barrier>);

impl Upstream for Together {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let answer = self.0.get(host, target).await;
        self.1.wait().await;
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn two_names_that_are_asked_at_once_store_their_channel_and_its_posts_once() {
    for _ in 0..10 {
        let (folder, upstream, clock) = (folder(), upstream(&["kitchen"]), Clock::simulated(base()));
        upstream.add("pantry", 1001);
        for id in 1..=15 {
            for name in ["kitchen", "pantry"] {
                upstream.post(name, id, "Soup", base() - TimeDelta::minutes(5));
            }
        }
        let together = Together(upstream.clone(), Arc::new(Barrier::new(2)));
        let bridge = Bridge::start(&folder, together, &HOSTS, &["kitchen", "pantry"], &clock);
        until("both are shown", || ["kitchen", "pantry"].iter().all(|name| bridge.status(name).state == State::Ok))
            .await;
        let [channel] = bridge.store.channels().unwrap().try_into().unwrap();
        assert!(["kitchen", "pantry"].iter().all(|name| channel.goes_by(&name.parse().unwrap())), "{channel:?}");
        assert_eq!(bridge.store.stats().sequence, 15 + 2, "one record for each post and for each name");
        bridge.stop().await;
    }
}

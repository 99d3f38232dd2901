//! Walking back through channels' histories in the background, with the real store, on a simulated clock.

use crate::upstream;
use std::{sync::Arc, time::Duration};

use crate::upstream::{StandIn, Trouble, base};
use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    metrics::Metrics,
    model::{ChannelName, History},
    poll::{Exit, Poller},
    schedule::Policy,
    status::{Board, Status},
    store::{Handle, Local, Store},
};
use tempfile::TempDir;
use tokio::{sync::oneshot, time::sleep};

const NAME: &str = "archive";

/// 300 posts, one an hour, the last one an hour ago.
fn archive() -> StandIn {
    let upstream = StandIn::with(NAME, 7);
    for id in 1..=300 {
        upstream.post(NAME, id, "A word", base() - TimeDelta::hours(301 - id.cast_signed()));
    }
    upstream
}

struct Walk {
    store: Arc<dyn Store>,
    board: Arc<Board>,
    stop: oneshot::Sender<()>,
    polling: tokio::task::JoinHandle<()>,
}

impl Walk {
    fn start(folder: &TempDir, upstream: &StandIn, clock: &Clock, history: History) -> Self {
        let name: ChannelName = NAME.parse().unwrap();
        let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
        let board = Arc::new(Board::new([name.clone()]));
        let poller = Poller {
            exits: vec![Exit { upstream: Arc::new(upstream.clone()), proxy: None }],
            store: Handle::new(Arc::clone(&store) as Arc<dyn Store>),
            board: Arc::clone(&board),
            metrics: Arc::new(Metrics::new(base())),
            clock: clock.clone(),
            followed: Followed::polled([ChannelConfig { name, history }]),
            spread: false,
            readers: Arc::default(),
            refreshes: Arc::default(),
            looks: None,
            hosts: vec!["https://one.example".parse().unwrap()],
            policy: Policy { fixed_interval: Some(Duration::from_secs(600)), ..Policy::default() },
            seed: 7,
            eager: false,
            heartbeat: None,
        };
        let (stop, stopped) = oneshot::channel();
        let polling = tokio::spawn(poller.run(async move { drop(stopped.await) }));
        Self { store, board, stop, polling }
    }

    fn status(&self) -> Status {
        self.board.get(&NAME.parse().unwrap()).unwrap()
    }

    fn ids(&self) -> Vec<u64> {
        let Some(channel) = self.store.channel(&NAME.parse().unwrap()).unwrap() else { return Vec::new() };
        let posts = self.store.latest(channel.id, None, 1000).unwrap();
        posts.iter().rev().map(|stored| stored.post.id.0).collect()
    }

    async fn until(&self, what: &str, happened: impl Fn(&Self) -> bool) {
        for _ in 0..100_000 {
            if happened(self) {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
        panic!("it did not happen that {what}");
    }

    async fn done(&self) {
        self.until("the history is done", |walk| walk.status().history.is_some_and(|history| history.done)).await;
    }

    async fn end(self) {
        drop(self.stop);
        self.polling.await.unwrap();
        self.store.close().unwrap();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_of_a_history_is_stored_with_no_more_than_a_quarter_of_the_budget() {
    let (folder, upstream, clock) = (folder(), archive(), Clock::simulated(base()));
    let walk = Walk::start(&folder, &upstream, &clock, History::All);
    walk.done().await;
    assert_eq!(walk.ids(), (1..=300).collect::<Vec<_>>());
    let took = clock.steady() - base();
    // 14 older pages at 7.5 a minute.
    assert!(took > TimeDelta::seconds(100) && took < TimeDelta::seconds(150), "{took}");
    assert_eq!(upstream.requests(), 15);
    walk.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_walk_stops_at_its_goal() {
    for (wanted, oldest) in [
        (History::Posts(50), 241),
        (History::Age(TimeDelta::hours(100)), 201),
        (History::Since(base() - TimeDelta::hours(30)), 261),
    ] {
        let (folder, upstream) = (folder(), archive());
        let walk = Walk::start(&folder, &upstream, &Clock::simulated(base()), wanted);
        walk.done().await;
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(walk.ids(), (oldest..=300).collect::<Vec<_>>(), "{wanted:?}");
        walk.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_goes_on_where_it_was_interrupted() {
    let (folder, upstream, clock) = (folder(), archive(), Clock::simulated(base()));
    let walk = Walk::start(&folder, &upstream, &clock, History::All);
    walk.until("some pages are stored", |walk| walk.ids().len() >= 100).await;
    walk.end().await;
    let walk = Walk::start(&folder, &upstream, &clock, History::All);
    walk.done().await;
    assert_eq!(walk.ids(), (1..=300).collect::<Vec<_>>());
    let mut older: Vec<_> = upstream.targets().into_iter().filter(|target| target.contains("before")).collect();
    older.sort();
    let asked = older.len();
    older.dedup();
    // At most the page that was under way when it stopped is asked for twice.
    assert!(asked - older.len() <= 1, "{asked} requests for {} pages", older.len());
    walk.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_whose_first_posts_are_gone_is_walked_to_its_end_and_not_again() {
    let (folder, upstream, clock) = (folder(), archive(), Clock::simulated(base()));
    upstream.world().channels.get_mut(NAME).unwrap().messages.retain(|id, _| *id > 200);
    let walk = Walk::start(&folder, &upstream, &clock, History::All);
    walk.done().await;
    walk.end().await;
    let asked = upstream.requests();
    let walk = Walk::start(&folder, &upstream, &clock, History::All);
    sleep(Duration::from_secs(3600)).await;
    assert!(walk.status().history.unwrap().done);
    let again = upstream.targets().split_off(asked);
    assert!(again.iter().all(|target| !target.contains("before")), "{again:?}");
    walk.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_walk_goes_on_as_soon_as_upstream_is_back() {
    for (trouble, pause) in [(Trouble::Unreachable, 0), (Trouble::RateLimited(None), 60)] {
        let (folder, upstream, clock) = (folder(), archive(), Clock::simulated(base()));
        let walk = Walk::start(&folder, &upstream, &clock, History::All);
        walk.until("some pages are stored", |walk| walk.ids().len() >= 100).await;
        upstream.world().next.push_back(trouble.clone());
        walk.done().await;
        // Not only with the next newest page, after ten minutes. A limit halves the budget, too.
        let took = clock.steady() - base();
        assert!(took > TimeDelta::seconds(100 + pause) && took < TimeDelta::seconds(400), "{trouble:?}: {took}");
        assert_eq!(walk.ids(), (1..=300).collect::<Vec<_>>());
        walk.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_older_page_is_not_taken_for_the_beginning_at_once() {
    let (folder, upstream, clock) = (folder(), archive(), Clock::simulated(base()));
    let walk = Walk::start(&folder, &upstream, &clock, History::All);
    walk.until("some pages are stored", |walk| walk.ids().len() >= 100).await;
    upstream.world().veil = Some(upstream::Veil::NoPosts);
    let asked = upstream.requests();
    walk.until("an empty page came", |_| upstream.requests() > asked).await;
    sleep(Duration::from_secs(5)).await;
    upstream.world().veil = None;
    walk.done().await;
    assert_eq!(walk.ids(), (1..=300).collect::<Vec<_>>());
    walk.end().await;
}

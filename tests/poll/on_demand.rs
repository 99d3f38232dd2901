//! Who is followed because somebody asked, and who leaves, over days. The looks of the poller are made up.

use std::{sync::Arc, time::Duration};

use feedbridge::{
    clock::Clock,
    config::Config,
    demand::{Demand, Found, Scene},
    feeds::Feeds,
    model::ChannelName,
    readers::Readers,
    status::{Board, FirstLook, State},
    store::{Handle, Local},
};
use tempfile::TempDir;
use tokio::{
    sync::{
        mpsc::{UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    trouble::{Bridge, HOSTS, folder, until, upstream},
    upstream::base,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct House {
    demand: Arc<Demand>,
    scene: Scene,
    looks: UnboundedSender<FirstLook>,
    clock: Clock,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

fn name(name: &str) -> ChannelName {
    name.parse().unwrap()
}

impl House {
    async fn open(folder: &TempDir, settings: &str, clock: &Clock) -> Self {
        let config = Arc::new(Config::parse(&format!("[on_demand]\n{settings}\n")).unwrap());
        let store = Arc::new(Local::open(folder.path()).unwrap());
        let handle = Handle::new(store.clone());
        let demand = Arc::new(Demand::resume(handle, clock.clone()).await.unwrap());
        let readers = Arc::new(Readers::default());
        let feeds = Feeds::resume(&config, demand.followed(), store.as_ref(), clock.wall()).unwrap();
        let polled: Vec<_> = feeds.now().channels.iter().map(|channel| channel.name.clone()).collect();
        readers.resume(store.as_ref(), &polled, clock.wall());
        let scene = Scene { config, feeds: Arc::new(feeds), board: Arc::new(Board::new([])), readers };
        let (looks, looked) = unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(Arc::clone(&demand).run(scene.clone(), looked, async {
            let _ = stopped.await;
        }));
        Self { demand, scene, looks, clock: clock.clone(), stop, running }
    }

    async fn close(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }

    /// What a reader is told who asks for `channel`, if the look at it finds this.
    async fn ask(&self, channel: &str, found: State) -> Found {
        let look = async {
            until("it is looked at", || self.scene.feeds.now().is_wish(&name(channel))).await;
            self.looks.send(FirstLook { name: name(channel), found, again: self.clock.wall() }).unwrap();
        };
        let channel = name(channel);
        let asked = self.demand.follow(&self.scene, &channel, || Ok(()));
        let (asked, _) = tokio::join!(asked, timeout(Duration::from_secs(5), look));
        asked.unwrap()
    }

    fn read(&self, channel: &str) {
        self.scene.readers.note(&[name(channel)], 1, self.clock.wall());
    }

    fn followed(&self) -> Vec<String> {
        let mut names: Vec<_> = self.scene.feeds.now().feeds().iter().map(|feed| feed.name.clone()).collect();
        names.sort();
        names
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_without_a_reader_for_the_days_set_rests_and_the_next_reader_resumes_it() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let house = House::open(&folder, "idle_days = 3", &clock).await;
    assert_eq!(house.ask("kettle", State::Ok).await, Found::Followed);
    assert_eq!(house.ask("spout", State::Quiet).await, Found::Followed);
    for _ in 0..3 {
        sleep(DAY - Duration::from_secs(1)).await;
        house.read("spout");
    }
    sleep(Duration::from_secs(120)).await;
    until("the unread one rests", || house.followed() == ["spout"]).await;
    assert_eq!(house.demand.count().idle, 1);
    house.close().await;
    let house = House::open(&folder, "idle_days = 3", &clock).await;
    assert_eq!((house.followed(), house.demand.count().idle), (vec!["spout".to_owned()], 1));
    assert_eq!(house.ask("kettle", State::Ok).await, Found::Followed);
    assert_eq!((house.followed().len(), house.demand.count().idle), (2, 0));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_unread_leaves_for_a_new_one() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let house = House::open(&folder, "channels = 2", &clock).await;
    for channel in ["kettle", "spout"] {
        assert_eq!(house.ask(channel, State::Ok).await, Found::Followed);
        sleep(Duration::from_secs(10)).await;
    }
    house.read("kettle");
    assert_eq!(house.ask("nobody", State::NotFound).await, found_none(&house, State::NotFound));
    assert_eq!(house.followed(), ["kettle", "spout"], "what is no channel drives nobody out");
    assert_eq!(house.ask("lid", State::Ok).await, Found::Followed);
    assert_eq!(house.followed(), ["kettle", "lid"]);
    house.close().await;
    let house = House::open(&folder, "channels = 1", &clock).await;
    until("there is room for one", || house.followed().len() == 1).await;
    house.close().await;
}

/// That a name is no channel, for an hour from now on.
fn found_none(house: &House, state: State) -> Found {
    let until = house.clock.wall() + chrono::TimeDelta::hours(1);
    match house.demand.refused(&name("nobody")) {
        Some(refused) if refused.state == state && (until - refused.until).num_seconds() < 10 => {
            Found::Refused(refused)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_channel_is_looked_at_again_after_an_hour_and_not_before() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let house = House::open(&folder, "", &clock).await;
    assert!(
        matches!(house.ask("nobody", State::IsGroup).await, Found::Refused(refused) if refused.state == State::IsGroup)
    );
    house.close().await;
    let house = House::open(&folder, "", &clock).await;
    sleep(Duration::from_secs(3500)).await;
    assert!(matches!(house.ask("nobody", State::Ok).await, Found::Refused(_)));
    assert!(!house.scene.feeds.now().is_wish(&name("nobody")));
    sleep(Duration::from_secs(200)).await;
    assert_eq!(house.ask("nobody", State::Ok).await, Found::Followed);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_served_whatever_became_of_the_channel() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    {
        let upstream = upstream(&["kettle"]);
        let bridge = Bridge::start(&folder, upstream, &HOSTS, &["kettle"], &clock);
        until("it is polled", || bridge.posts("kettle") == 1).await;
        bridge.stop().await;
    }
    for found in [State::Private, State::Unreachable, State::NotFound] {
        let house = House::open(&folder, "idle_days = 1", &clock).await;
        assert_eq!(house.ask("kettle", found).await, Found::Followed, "{found:?}");
        sleep(DAY + Duration::from_secs(120)).await;
        until("it rests again", || house.followed().is_empty()).await;
        house.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_nobody_repeats_ends_after_a_day() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let house = House::open(&folder, "wait_seconds = 1", &clock).await;
    assert!(matches!(house.ask("kettle", State::Unreachable).await, Found::Later(_)));
    sleep(DAY / 2).await;
    assert!(house.scene.feeds.now().is_wish(&name("kettle")));
    assert_eq!(house.demand.count().waiting, 1);
    sleep(DAY).await;
    assert!(!house.scene.feeds.now().is_wish(&name("kettle")));
    assert_eq!(house.demand.count().waiting, 0);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_longer_than_is_known_to_be_of_use_is_told_at_once_when_to_come_again() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let house = House::open(&folder, "wait_seconds = 10", &clock).await;
    house.scene.board.set_first_look(clock.wall() + chrono::TimeDelta::seconds(90));
    let before = tokio::time::Instant::now();
    let found = house.demand.follow(&house.scene, &name("kettle"), || Ok(())).await.unwrap();
    assert_eq!((found, before.elapsed()), (Found::Later(Duration::from_secs(90)), Duration::ZERO));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_too_much_is_refused_before_anybody_is_asked_and_who_joins_is_not() {
    let (folder, clock) = (folder(), Clock::simulated(base()));
    let house = House::open(&folder, "wait_seconds = 1", &clock).await;
    let refuse = || Err(Duration::from_secs(7));
    let asked = house.demand.follow(&house.scene, &name("kettle"), refuse).await;
    assert_eq!(asked, Err(Duration::from_secs(7)));
    assert!(!house.scene.feeds.now().is_wish(&name("kettle")));
    assert!(matches!(house.ask("spout", State::New).await, Found::Later(_)));
    assert!(matches!(house.demand.follow(&house.scene, &name("spout"), refuse).await, Ok(Found::Later(_))));
    house.close().await;
}

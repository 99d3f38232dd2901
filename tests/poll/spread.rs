//! Several exits side by side: who goes through which, within whose budget, and what happens when one is shut out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use feedbridge::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    fetch::{Answer, Error, Upstream},
    metrics::Metrics,
    model::History,
    poll::{Exit, Poller},
    schedule::Policy,
    status::{Board, State},
    store::{Handle, Local, Store},
};
use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use url::Url;

use crate::{
    trouble::{folder, upstream},
    upstream::{StandIn, base},
};

const HOST: &str = "https://one.example";
const EXITS: usize = 3;
const PER_MINUTE: u32 = 10;
const CHANNELS: usize = 40;
const HOUR: Duration = Duration::from_secs(3600);

/// An exit that remembers what was asked through it, and may be told to wait.
#[derive(Clone)]
struct Through {
    stand_in: StandIn,
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
    limited: Arc<Mutex<bool>>,
}

impl Upstream for Through {
    async fn get(&self, host: &Url, target: &str) -> Result<Answer, Error> {
        let name = target.trim_start_matches("/s/").split(['?', '/']).next().unwrap().to_owned();
        self.asked.lock().unwrap().push((Instant::now(), name));
        sleep(Duration::from_millis(50)).await;
        if *self.limited.lock().unwrap() {
            return Err(Error::RateLimited { status: 429, retry_after: Some(Duration::from_secs(600)) });
        }
        self.stand_in.reply(host, target).await
    }
}

struct House {
    exits: Vec<Through>,
    board: Arc<Board>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    store: Arc<dyn Store>,
}

fn names() -> Vec<String> {
    (0..CHANNELS).map(|number| format!("cup_{number}")).collect()
}

impl House {
    fn open(folder: &TempDir) -> Self {
        let names = names();
        let stand_in = upstream(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let exit = |_| Through { stand_in: stand_in.clone(), asked: Arc::default(), limited: Arc::default() };
        let exits: Vec<Through> = (0..EXITS).map(exit).collect();
        let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
        let channels: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        let board = Arc::new(Board::new(channels.clone()));
        let named = |(number, through): (usize, &Through)| Exit {
            upstream: Arc::new(through.clone()),
            proxy: Some(format!("socks5h://{number}")),
        };
        let poller = Poller {
            exits: exits.iter().enumerate().map(named).collect(),
            spread: true,
            store: Handle::new(Arc::clone(&store)),
            board: Arc::clone(&board),
            metrics: Arc::new(Metrics::new(base())),
            clock: Clock::simulated(base()),
            followed: Followed::polled(channels.into_iter().map(|name| ChannelConfig { name, history: History::None })),
            readers: Arc::default(),
            refreshes: Arc::default(),
            looks: None,
            hosts: vec![HOST.parse().unwrap()],
            policy: Policy {
                requests_per_minute: PER_MINUTE,
                fixed_interval: Some(Duration::from_secs(300)),
                ..Policy::default()
            },
            seed: 7,
            eager: false,
            heartbeat: None,
        };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(poller.run(async move { drop(stopped.await) }));
        Self { exits, board, stop, running, store }
    }

    /// The channels that each exit was asked for since `start`.
    fn since(&self, start: Instant) -> Vec<BTreeSet<String>> {
        let asked = |through: &Through| {
            let asked = through.asked.lock().unwrap();
            asked.iter().filter(|(at, _)| *at >= start).map(|(_, name)| name.clone()).collect()
        };
        self.exits.iter().map(asked).collect()
    }

    fn assert_budgets_are_kept(&self) {
        for through in &self.exits {
            let asked = through.asked.lock().unwrap();
            let mut minutes: BTreeMap<u64, u32> = BTreeMap::new();
            let start = asked[0].0;
            asked.iter().for_each(|(at, _)| *minutes.entry((*at - start).as_secs() / 60).or_default() += 1);
            assert!(minutes.values().all(|count| *count <= PER_MINUTE), "{minutes:?}");
        }
    }

    async fn close(self) {
        drop(self.stop);
        self.running.await.unwrap();
        self.store.close().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_channel_keeps_to_its_exit_and_each_exit_to_its_budget() {
    let folder = folder();
    let house = House::open(&folder);
    sleep(HOUR).await;
    let of_exits = house.since(Instant::now() - HOUR);
    let all: usize = of_exits.iter().map(BTreeSet::len).sum();
    assert_eq!(all, CHANNELS, "each through one exit alone");
    assert!(of_exits.iter().all(|channels| channels.len() > CHANNELS / EXITS / 3), "{of_exits:?}");
    // 40 channels every 5 minutes are 8 requests a minute, 480 an hour.
    let requests: usize = house.exits.iter().map(|through| through.asked.lock().unwrap().len()).sum();
    assert!((430..=520).contains(&requests), "{requests}");
    house.assert_budgets_are_kept();
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_channels_of_an_exit_that_is_shut_out_go_by_the_others_until_it_is_not() {
    let folder = folder();
    let house = House::open(&folder);
    sleep(HOUR).await;
    let home = house.since(Instant::now() - HOUR);
    *house.exits[0].limited.lock().unwrap() = true;
    sleep(HOUR).await;
    let limited = Instant::now();
    sleep(HOUR).await;
    let meanwhile = house.since(limited);
    assert!(meanwhile[0].len() <= 1, "one that tries: {:?}", meanwhile[0]);
    for (before, after) in home.iter().zip(&meanwhile).skip(1) {
        assert!(before.is_subset(after), "who is not concerned stays");
    }
    let others: BTreeSet<_> = meanwhile[1].union(&meanwhile[2]).collect();
    assert!(others.len() >= CHANNELS - 1);
    *house.exits[0].limited.lock().unwrap() = false;
    // It is tried again after a pause that grew while it was shut out.
    let mut back = Instant::now();
    for _ in 0..4 {
        sleep(HOUR).await;
        if house.since(back) == home {
            break;
        }
        back = Instant::now();
    }
    assert_eq!(house.since(back), home);
    house.assert_budgets_are_kept();
    assert!(names().iter().all(|name| house.board.get(&name.parse().unwrap()).unwrap().state == State::Ok));
    house.close().await;
}

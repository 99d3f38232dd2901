//! From a post upstream to a reader's answer, on the real clock, over real sockets.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::upstream::StandIn;
use feedbridge::{
    clock::Clock,
    config::Config,
    fetch::Http,
    metrics::Metrics,
    poll::{Exit, Poller},
    serve::{self, Site},
    status::Board,
    store::{Handle, Local, Store},
};
use tokio::{net::TcpListener, sync::watch, time::sleep};

/// What the daemon runs, on ports of its own.
struct Daemon {
    feed: String,
    stop: watch::Sender<bool>,
    running: Vec<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Daemon {
    async fn start(host: &str) -> Self {
        let text = format!(
            "[upstream]\nhosts = [\"{host}\"]\n[poll]\nfloor_seconds = 1\ninterval_seconds = 1\n\
             requests_per_minute = 600\n[[channel]]\nname = \"kitchen\"\n"
        );
        let config = Arc::new(Config::parse(&text).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
        let board = Arc::new(Board::new(config.channels.iter().map(|channel| channel.name.clone())));
        let clock = Clock::system();
        let metrics = Arc::new(Metrics::new(clock.wall()));
        let site =
            Arc::new(Site::new(Arc::clone(&config), Arc::clone(&store), Arc::clone(&board), Arc::clone(&metrics)));
        site.set_ready(true);
        let poller = Poller {
            exits: vec![Exit { upstream: Arc::new(Http::new(None).unwrap()), proxy: None }],
            store: Handle::new(store),
            board,
            metrics,
            clock,
            followed: site.feeds.changes(),
            spread: false,
            readers: Arc::default(),
            refreshes: Arc::default(),
            looks: None,
            hosts: config.upstream.hosts.clone(),
            policy: config.poll.policy,
            seed: 7,
            eager: false,
            heartbeat: None,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let feed = format!("http://{}/kitchen/rss.xml", listener.local_addr().unwrap());
        let (stop, stopping) = watch::channel(false);
        let running = vec![
            tokio::spawn(serve::run(listener, watch::channel(site).1, stopped(stopping.clone()))),
            tokio::spawn(poller.run(stopped(stopping))),
        ];
        Self { feed, stop, running, _folder: folder }
    }

    /// Waits until a reader gets `words`.
    async fn shows(&self, reader: &reqwest::Client, words: &str) {
        let patience = Instant::now();
        loop {
            let feed = reader.get(&self.feed).send().await.unwrap().text().await.unwrap();
            if feed.contains(words) {
                return;
            }
            assert!(patience.elapsed() < Duration::from_secs(20), "{words} is not in\n{feed}");
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn end(self) {
        self.stop.send_replace(true);
        for part in self.running {
            part.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_at_a_reader_soon_after_it_was_asked_for() {
    let upstream = StandIn::with("kitchen", 1001);
    upstream.post("kitchen", 1, "Soup number 1", chrono::Utc::now());
    let daemon = Daemon::start(upstream.listen().await.as_str()).await;
    let reader = reqwest::Client::new();
    daemon.shows(&reader, "Soup number 1").await;
    let mut delays = Vec::new();
    for id in 2..=6 {
        let asked = upstream.requests();
        upstream.post("kitchen", id, &format!("Soup number {id}"), chrono::Utc::now());
        while upstream.requests() == asked {
            sleep(Duration::from_millis(1)).await;
        }
        let came = Instant::now();
        daemon.shows(&reader, &format!("Soup number {id}")).await;
        delays.push(came.elapsed());
    }
    delays.sort();
    println!("from the request for the page to the reader: {delays:?}");
    // The median: on a machine that does much else, one of five may wait for the processor.
    assert!(delays[2] < Duration::from_millis(200), "{delays:?}");
    daemon.end().await;
}

#[tokio::test]
async fn upstream_is_asked_over_ipv6_too() {
    let upstream = StandIn::with("kitchen", 1001);
    upstream.post("kitchen", 1, "Soup number 1", chrono::Utc::now());
    let Some(host) = upstream.listen_at("[::1]:0").await else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    let daemon = Daemon::start(host.as_str()).await;
    daemon.shows(&reqwest::Client::new(), "Soup number 1").await;
    daemon.end().await;
}

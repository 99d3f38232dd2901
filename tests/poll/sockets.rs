//! Two hosts on real sockets, the first of them in trouble: the second gives the posts within the same turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use feedbridge::{
    clock::Clock,
    config::ChannelConfig,
    feeds::Followed,
    fetch::Http,
    metrics::Metrics,
    model::{ChannelName, History},
    poll::{Exit, Poller},
    schedule::Policy,
    status::{Board, State},
    store::{Handle, Local, Store},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::sleep,
};
use url::Url;

use crate::upstream::{StandIn, base};

/// How the first host fails, each time.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Says this and closes.
    Says(&'static str),
    /// Closes without a word, with a reset.
    Resets,
    /// A real page, of which so many bytes are kept from the reader; with its length, or without.
    Cuts { announced: bool },
}

struct Host {
    url: Url,
    asked: Arc<AtomicUsize>,
}

async fn faulty(fault: Fault, page: String) -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = fail(stream, fault, &page).await;
        }
    });
    Host { url, asked }
}

async fn fail(mut stream: TcpStream, fault: Fault, page: &str) -> std::io::Result<()> {
    if let Fault::Resets = fault {
        return stream.set_zero_linger();
    }
    let _ = stream.read(&mut [0; 4096]).await?;
    let answer = match fault {
        Fault::Says(words) => words.to_owned(),
        Fault::Resets => String::new(),
        Fault::Cuts { announced } => {
            let length = if announced { format!("Content-Length: {}\r\n", page.len()) } else { String::new() };
            format!("HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n{}", &page[..page.len() / 2])
        }
    };
    stream.write_all(answer.as_bytes()).await
}

const FAULTS: [Fault; 10] = [
    Fault::Says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    Fault::Says("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    Fault::Says("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
    Fault::Says("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n<html><body>Just a moment...</body></html>"),
    Fault::Says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Fault::Says("HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n"),
    Fault::Says("nothing of HTTP\r\n\r\n"),
    Fault::Resets,
    Fault::Cuts { announced: true },
    Fault::Cuts { announced: false },
];

fn upstream(channels: &[ChannelName]) -> StandIn {
    let upstream = StandIn::default();
    for (id, name) in (1001..).zip(channels) {
        upstream.add(name.as_str(), id);
        for post in 1..=20 {
            upstream.post(name.as_str(), post, &"Soup ".repeat(50), base());
        }
    }
    upstream
}

async fn page(url: &Url) -> String {
    reqwest::get(url.join("/s/channel0").unwrap()).await.unwrap().text().await.unwrap()
}

/// Polls `channels` until all their posts are stored; how often the first host was asked.
async fn polled(fault: Fault, count: usize) -> usize {
    let channels: Vec<ChannelName> = (0..count).map(|number| format!("channel{number}").parse().unwrap()).collect();
    let upstream = upstream(&channels);
    let second = upstream.listen().await;
    let first = faulty(fault, page(&second).await).await;
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
    let board = Arc::new(Board::new(channels.clone()));
    let poller = Poller {
        exits: vec![Exit { upstream: Arc::new(Http::new(None).unwrap()), proxy: None }],
        store: Handle::new(Arc::clone(&store)),
        board: Arc::clone(&board),
        metrics: Arc::new(Metrics::new(base())),
        clock: Clock::system(),
        followed: Followed::polled(
            channels.iter().map(|name| ChannelConfig { name: name.clone(), history: History::None }),
        ),
        spread: false,
        readers: Arc::default(),
        refreshes: Arc::default(),
        looks: None,
        hosts: vec![first.url.clone(), second],
        policy: Policy { requests_per_minute: 600, burst: 60, ..Policy::default() },
        seed: 7,
        eager: false,
        heartbeat: None,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(poller.run(async move { drop(stopped.await) }));
    let begin = Instant::now();
    let is_fine = |name| board.get(name).is_some_and(|status| status.last_success.is_some());
    while !channels.iter().all(is_fine) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{fault:?}: {:?}", board.hosts());
        sleep(Duration::from_millis(5)).await;
    }
    for name in &channels {
        let (status, channel) = (board.get(name).unwrap(), store.channel(name).unwrap().unwrap());
        assert_eq!((status.failures, store.head(channel.id).posts), (0, 20), "{fault:?}");
        assert_ne!(status.state, State::UpstreamError, "{fault:?}");
    }
    drop(stop);
    running.await.unwrap();
    store.close().unwrap();
    first.asked.load(Ordering::SeqCst)
}

#[tokio::test]
async fn the_second_host_gives_the_posts_of_a_channel_within_the_same_turn() {
    for fault in FAULTS {
        assert_eq!(polled(fault, 1).await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn five_channels_get_their_posts_from_the_second_host_and_leave_the_first_alone() {
    for fault in FAULTS {
        let asked = polled(fault, 5).await;
        // Those that were under way together, and no more.
        assert!((1..=4).contains(&asked), "{fault:?}: {asked}");
    }
}

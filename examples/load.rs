//! Holds the daemon under load and against people of ill will, and measures what another reader notices.
//!
//! `cargo build --release && cargo run --release --example load [-- --long]` starts the daemon of the same build on
//! loopback over a store filled with posts, opens 10,000 idle connections and keeps them through all further phases.
//! Prints a line for each phase; ends with 1 when the reader's p99 is above 50 ms in one of them, when an answer was
//! wrong, or when the server's memory is above its bound.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener as StdListener, TcpStream as StdStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use chrono::DateTime;
use feedbridge::{
    model::{Change, ChangeKind, Channel, ChannelId, ChannelInfo, Inline, Part, Post, PostId, Stored},
    store::{Batch, Local, Store},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

const IDLE: usize = 10_000;
const CONNECTIONS: usize = 12_000;
const MOST_P99: Duration = Duration::from_millis(50);
/// The shelf, the index, and 32 KiB for each connection.
const MOST_RSS_MIB: u64 = 64 + 256 + ((CONNECTIONS as u64 * 32) >> 10);
const FEED: &str = "GET /load/rss.xml HTTP/1.1\r\nHost: x\r\n\r\n";

#[derive(Clone, Copy)]
enum Phase {
    Quiet,
    Idle,
    SlowHeads,
    SlowBodies,
    Pipelining,
    HugeHeads,
    Burst,
    Flood,
    Afterwards,
}

const PHASES: [(Phase, &str); 9] = [
    (Phase::Quiet, "quiet"),
    (Phase::Idle, "10,000 idle"),
    (Phase::SlowHeads, "+ slow heads"),
    (Phase::SlowBodies, "+ slow reading"),
    (Phase::Pipelining, "+ pipelining"),
    (Phase::HugeHeads, "+ huge heads"),
    (Phase::Burst, "+ 1,000 at once"),
    (Phase::Flood, "+ all seats taken"),
    (Phase::Afterwards, "afterwards"),
];

fn main() -> ExitCode {
    let seconds = if std::env::args().any(|argument| argument == "--long") { 60 } else { 4 };
    let directory = tempfile::tempdir().expect("a directory for the store");
    let mut server = Server::start(directory.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let sound = runtime.expect("a runtime").block_on(run(&server, Duration::from_secs(seconds)));
    server.process.kill().expect("the server still runs");
    server.process.wait().expect("the server ends");
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(server: &Server, time: Duration) -> bool {
    let mut sound = true;
    let mut idle: Vec<TcpStream> = Vec::new();
    println!(
        "{:<20} {:>11} {:>9} {:>9} {:>9} {:>7} {:>9}",
        "phase", "connections", "p50", "p99", "max", "asked", "rss"
    );
    for (phase, name) in PHASES {
        if matches!(phase, Phase::Idle) {
            idle = open_idle(server.address).await;
        }
        if matches!(phase, Phase::Afterwards) {
            idle.clear();
            sleep(Duration::from_secs(1)).await;
        }
        let mut attack = attack(phase, server.address);
        let open = idle.len() + attack.len();
        let reader = Reader::start(server.address);
        sleep(time).await;
        let Some(times) = reader.stop() else {
            println!("{name}: the reader was not answered as it should be");
            sound = false;
            continue;
        };
        attack.shutdown().await;
        let rss = server.rss_mib();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
        println!("{name:<20} {open:>11} {p50:>9.1?} {p99:>9.1?} {most:>9.1?} {:>7} {rss:>5} MiB", times.len());
        sound &= p99 <= MOST_P99 && rss <= MOST_RSS_MIB;
    }
    sound
}

/// So many tasks that each hold at least one connection.
fn attack(phase: Phase, server: SocketAddr) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let many = match phase {
        Phase::Quiet | Phase::Idle | Phase::Afterwards => 0,
        Phase::SlowHeads | Phase::Burst => 1000,
        Phase::SlowBodies => 500,
        Phase::Pipelining | Phase::HugeHeads => 20,
        Phase::Flood => 10,
    };
    for number in 0..many {
        tasks.spawn(async move {
            loop {
                // A refused connection is the server's right.
                let _ = match phase {
                    Phase::SlowHeads => slow_head(server, number).await,
                    Phase::SlowBodies => slow_body(server, number).await,
                    Phase::Pipelining => pipeline(server, number).await,
                    Phase::HugeHeads => huge_head(server, number).await,
                    Phase::Burst => once(server, number).await,
                    _ => flood(server, number).await,
                };
            }
        });
    }
    tasks
}

async fn slow_head(server: SocketAddr, number: usize) -> std::io::Result<()> {
    let mut stream = connect(server, number).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await?;
    loop {
        sleep(Duration::from_millis(500)).await;
        stream.write_all(b"a").await?;
    }
}

async fn slow_body(server: SocketAddr, number: usize) -> std::io::Result<()> {
    // What the reader's end holds is on the same machine here, where it is not meant to count.
    let mut stream = connect_with(server, number, Some(4096)).await?;
    stream.write_all(FEED.repeat(20).as_bytes()).await?;
    loop {
        stream.read_u8().await?;
        sleep(Duration::from_millis(500)).await;
    }
}

/// A hundred requests at once, their answers taken, and a rest: 20 of these make some 4,000 requests a second.
async fn pipeline(server: SocketAddr, number: usize) -> std::io::Result<()> {
    let mut stream = connect(server, number).await?;
    let mut buffer = [0; 16 << 10];
    loop {
        stream.write_all("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100).as_bytes()).await?;
        while let Ok(read) = timeout(Duration::from_millis(500), stream.read(&mut buffer)).await {
            if read? == 0 {
                return Ok(());
            }
        }
    }
}

async fn huge_head(server: SocketAddr, number: usize) -> std::io::Result<()> {
    sleep(Duration::from_millis(50)).await;
    let mut stream = connect(server, number).await?;
    let head =
        if number.is_multiple_of(2) { "GET /".to_owned() } else { "GET / HTTP/1.1\r\nHost: x\r\nX-Huge: ".to_owned() };
    stream.write_all((head + &"a".repeat(1 << 20)).as_bytes()).await?;
    let _ = stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// One request on a connection of its own, again after a second: a thousand of these ask at once.
async fn once(server: SocketAddr, number: usize) -> std::io::Result<()> {
    let mut stream = connect(server, number).await?;
    stream.write_all(FEED.replace("Host", "Connection: close\r\nAccept-Encoding: gzip\r\nHost").as_bytes()).await?;
    stream.read_to_end(&mut Vec::new()).await?;
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// Takes all seats that are left, and goes on taking.
async fn flood(server: SocketAddr, number: usize) -> std::io::Result<()> {
    let mut held = Vec::new();
    for _ in 0..(CONNECTIONS - IDLE) / 8 {
        held.push(connect(server, number).await?);
    }
    sleep(Duration::from_millis(200)).await;
    Ok(())
}

async fn open_idle(server: SocketAddr) -> Vec<TcpStream> {
    let mut idle = Vec::with_capacity(IDLE);
    while idle.len() < IDLE {
        idle.push(connect(server, idle.len()).await.expect("the server takes 10,000 connections"));
    }
    idle
}

/// From one of sixteen addresses, for one has too few ports.
async fn connect(server: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    connect_with(server, number, None).await
}

async fn connect_with(server: SocketAddr, number: usize, buffer_bytes: Option<u32>) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2 + (number % 16) as u8), 0).into())?;
    socket.connect(server).await
}

/// Asks again and again, each time on a new connection, on a thread of its own.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Option<Vec<Duration>>>,
}

impl Reader {
    fn start(server: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut times = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let start = Instant::now();
                let answer = read_feed(server).ok()?;
                times.push(start.elapsed());
                if !answer.starts_with(b"HTTP/1.1 200 ") || !answer.ends_with(b"</rss>") {
                    return None;
                }
                thread::sleep(Duration::from_millis(4));
            }
            times.sort();
            Some(times)
        });
        Self { stop, thread }
    }

    fn stop(self) -> Option<Vec<Duration>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok()?.filter(|times| !times.is_empty())
    }
}

fn read_feed(server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = StdStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(FEED.replace("Host", "Connection: close\r\nHost").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.trim_ascii_end().to_vec())
}

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(directory: &Path) -> Self {
        fill(&directory.join("data"));
        let address = StdListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let config = directory.join("config.toml");
        let data = directory.join("data");
        let text = format!(
            "[server]\nlisten = \"{address}\"\ntrusted_proxies = []\n[store]\npath = {data:?}\n\
             [limits]\nconnections = {CONNECTIONS}\nper_address = {CONNECTIONS}\nheader_seconds = 600\n\
             requests_per_minute = 1000000\n\
             [upstream]\nhosts = [\"http://127.0.0.1:9\"]\n[poll]\ninterval_seconds = 3600\n\
             [[channel]]\nname = \"load\"\n"
        );
        fs::write(&config, text).expect("the configuration is written");
        let mut program = std::env::current_exe().expect("this program has a path");
        program.pop();
        program.set_file_name("feedbridge");
        let mut command = Command::new(program);
        command.arg("--config").arg(config).env("RUST_LOG", "error").stdin(Stdio::null());
        let process = command.spawn().expect("the daemon lies in the folder above this program; build it first");
        let server = Self { process, address };
        let begin = Instant::now();
        while read_feed(address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server answers");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn rss_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(u64::MAX) >> 10
    }
}

/// A channel with 500 posts of two kilobytes.
fn fill(directory: &Path) {
    let store = Local::open(directory).expect("a new store opens");
    let at = DateTime::from_timestamp(1_709_899_200, 0).expect("a date in the year 2024");
    let channel = Channel {
        id: ChannelId(1_000_000_001),
        name: "load".parse().expect("a good name"),
        slug: "load".to_owned(),
        current_slug: "load".to_owned(),
        info: ChannelInfo { title: "Load".to_owned(), ..ChannelInfo::default() },
        first_seen: at,
        info_seen: at,
        names: Vec::new(),
    };
    let changes =
        (1..=500).map(|id| Change { kind: ChangeKind::New, channel: channel.id, stored: stored(id) }).collect();
    let batch = Batch { channel: Some(channel), changes, ..Batch::default() };
    store.commit(at, batch).expect("the posts are stored");
    store.close().expect("the store closes");
}

fn stored(id: u64) -> Stored {
    let published = DateTime::from_timestamp(1_709_899_200 + id as i64 * 60, 0).expect("a date in the year 2024");
    let text = format!("Post number {id}. {}", "All work and no play makes a dull channel. ".repeat(48));
    let post =
        Post { published: Some(published), parts: vec![Part::Text(vec![Inline::Text(text)])], ..Post::new(PostId(id)) };
    Stored {
        post,
        published,
        updated: published,
        first_seen: published,
        renewed: published,
        sequence: 0,
        revisions: 1,
        deleted: None,
        readings: Vec::new(),
    }
}

//! What 10,000 channels cost that were followed on demand: the start, memory, and the pages that speak of all of them.
//!
//! `cargo build --release && cargo run --release --example demand [-- CHANNELS]` fills a store, starts the daemon of the
//! same build over it, prints a line for each answer, and ends with 1 where one is above its bound.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use feedbridge::{
    model::{ChangeKind, ChannelId},
    store::{Batch, Local, Store},
};
use serde_json::json;

#[path = "../tests/common/stored.rs"]
mod stored;

use stored::{at, change};

const POSTS: u64 = 20;
const MOST_START: Duration = Duration::from_secs(5);
const MOST_RSS_MIB: u64 = 256;
/// Answers, with the most that each may take and weigh.
const ANSWERS: [(&str, u64, usize); 6] = [
    ("/", 1000, 1 << 20),
    ("/?q=cup_99", 5000, 1 << 20),
    ("/health", 1000, 1 << 20),
    ("/metrics", 1000, 1 << 20),
    ("/feeds.opml", 5000, 8 << 20),
    ("/cup_77/atom.xml", 1000, 1 << 20),
];

fn main() -> ExitCode {
    let channels = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let directory = env::temp_dir().join(format!("feedbridge-demand-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a new directory can be made");
    fill(&directory.join("data"), channels);
    let fine = measure(&directory, channels);
    fs::remove_dir_all(&directory).expect("the directory can be removed");
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(directory: &Path, channels: u64) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    let config = format!(
        "[server]\nlisten = \"{address}\"\n[store]\npath = \"{}\"\n[upstream]\nhosts = [\"http://127.0.0.1:9\"]\n\
         [on_demand]\nchannels = 100000\n",
        directory.join("data").display()
    );
    fs::write(directory.join("config.toml"), config).expect("the configuration can be written");
    let began = Instant::now();
    let mut daemon = Command::new("target/release/feedbridge")
        .arg("--config")
        .arg(directory.join("config.toml"))
        .stderr(Stdio::null())
        .spawn()
        .expect("target/release/feedbridge is built");
    let start = ready(&mut daemon, address, began);
    let mut fine = start <= MOST_START;
    println!("memory at the start: {} MiB", rss_mib(&daemon));
    println!("{channels} channels: ready after {} ms (at most {})", start.as_millis(), MOST_START.as_millis());
    for (target, most, weighs) in ANSWERS {
        let began = Instant::now();
        let (status, bytes) = get(address, target);
        let took = began.elapsed();
        let good = status == 200 && took <= Duration::from_millis(most) && bytes <= weighs;
        let mark = if good { "" } else { "  << not within bounds" };
        println!(
            "{target}: {status}, {} ms (at most {most}), {bytes} bytes (at most {weighs}){mark}",
            took.as_millis()
        );
        fine &= good;
    }
    let memory = rss_mib(&daemon);
    println!("memory: {memory} MiB (at most {MOST_RSS_MIB})");
    daemon.kill().expect("the daemon can be ended");
    daemon.wait().expect("it has ended");
    fine && memory <= MOST_RSS_MIB
}

fn ready(daemon: &mut Child, address: SocketAddr, began: Instant) -> Duration {
    while began.elapsed() < Duration::from_secs(60) {
        if TcpStream::connect(address).is_ok() && get(address, "/readyz").0 == 200 {
            return began.elapsed();
        }
        if daemon.try_wait().expect("the daemon can be asked for").is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("the daemon was not ready within a minute");
}

/// Status, and the bytes of the body.
fn get(address: SocketAddr, target: &str) -> (u16, usize) {
    let mut stream = TcpStream::connect(address).expect("the daemon listens");
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("it takes a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("with a head");
    let status = String::from_utf8_lossy(&answer[..head]);
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("and a status");
    (status, answer.len() - head - 4)
}

fn rss_mib(daemon: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).expect("Linux tells of its processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("with their memory");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("in KiB") / 1024
}

fn fill(directory: &Path, channels: u64) {
    let store = Local::open(directory).expect("a new store opens");
    let text = "All work and no play makes a dull channel. ".repeat(8);
    let mut states = Vec::new();
    for number in 0..channels {
        let (id, name) = (ChannelId(1_000_000_000 + number), format!("cup_{number}"));
        let new = |post| change(ChangeKind::New, id, stored::post(post, &format!("Post number {post}. {text}")));
        let changes = (1..=POSTS).map(new).collect();
        let batch = Batch { channel: Some(stored::channel(id, &name)), changes, ..Batch::default() };
        store.commit(at(0), batch).expect("posts are stored");
        states.push((format!("demand/{name}"), Some(json!({ "name": name, "since": chrono::Utc::now() }))));
    }
    store.commit(at(0), Batch { states, ..Batch::default() }).expect("what is followed is stored");
    store.close().expect("the store closes");
}

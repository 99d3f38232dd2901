//! SIGHUP and the real program: readers notice nothing, whatever hangs and whatever the new configuration says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::program::{Daemon, Program};
use crate::upstream::{StandIn, base};

/// What a reader takes for "at once".
const SOON: Duration = Duration::from_secs(1);
/// Longer than anything takes; reached only when a test fails.
const BOUND: Duration = Duration::from_secs(30);

async fn world() -> (StandIn, Program) {
    let upstream = StandIn::with("kettle", 1_000_000_007);
    upstream.post("kettle", 1, "Cold", base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    program.configure(&format!("{}[hub]\nenabled = true\nallow_private_callbacks = true\n", program.configuration()));
    (upstream, program)
}

/// Adds a channel to the configuration.
fn follow(program: &Program, name: &str) {
    program.configure(&format!("{}[[channel]]\nname = \"{name}\"\n", program.configuration()));
}

/// A subscriber that confirms every subscription and takes deliveries without ever answering them. Says of each
/// request its method.
fn hanging_subscriber() -> (SocketAddr, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, asked) = unbounded_channel();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let Some(first) = lines.next() else { continue };
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let challenge = first.split(['?', '&', ' ']).find_map(|word| word.strip_prefix("hub.challenge="));
            if let Some(challenge) = challenge {
                let length = challenge.len();
                let _ = write!(&stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{challenge}");
            }
            held.push(stream);
            let _ = sender.send(first.split(' ').next().unwrap().to_owned());
        }
    });
    (address, asked)
}

/// Subscribes to the channel's feed and waits until a delivery hangs.
async fn let_a_delivery_hang(daemon: &Daemon, upstream: &StandIn, program: &Program) {
    let (address, mut asked) = hanging_subscriber();
    let topic = format!("http://{}/kettle/atom.xml", program.address);
    let form = format!("hub.mode=subscribe&hub.topic={topic}&hub.callback=http://{address}/");
    assert_eq!(daemon.post("/hub", &form).0, 202);
    daemon.wait_for("subscriber verified");
    upstream.post("kettle", 2, "Boiling", base());
    while asked.recv().await.unwrap() != "POST" {}
}

/// Readers that ask without a pause until they are told to stop, half of them over one connection each.
struct Readers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<(usize, Duration)>>,
}

impl Readers {
    fn start(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let reader = |number: usize| {
            let stop = Arc::clone(&stop);
            let path = ["/kettle/atom.xml", "/health", "/readyz", "/kettle/"][number / 2 % 4];
            thread::spawn(move || read(address, path, number.is_multiple_of(2), &stop))
        };
        Self { threads: (0..8).map(reader).collect(), stop }
    }

    /// How many requests were answered by each, and the longest that one took.
    fn stop(self) -> Vec<(usize, Duration)> {
        self.stop.store(true, Relaxed);
        self.threads.into_iter().map(|thread| thread.join().expect("a request failed")).collect()
    }
}

fn read(address: SocketAddr, path: &str, stays: bool, stop: &AtomicBool) -> (usize, Duration) {
    let (mut stream, mut count, mut longest) = (connect(address), 0, Duration::ZERO);
    while !stop.load(Relaxed) {
        let begun = Instant::now();
        if !stays && count > 0 {
            stream = connect(address);
        }
        assert_eq!(status(&mut stream, path), 200, "{path}");
        longest = longest.max(begun.elapsed());
        count += 1;
    }
    (count, longest)
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    BufReader::new(stream)
}

/// Of one answer, which is read to its end.
fn status(stream: &mut BufReader<TcpStream>, path: &str) -> u16 {
    write!(stream.get_mut(), "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line| line != "\r\n") {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{path}: the connection is closed after {lines:?}");
        lines.push(line);
    }
    let length =
        lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
    std::io::copy(&mut stream.take(length.unwrap()), &mut std::io::sink()).unwrap();
    lines[0].split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_waits_for_a_reload_while_a_subscriber_hangs() {
    let (upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let_a_delivery_hang(&daemon, &upstream, &program).await;
    let readers = Readers::start(program.address);
    for name in ["first", "second", "third"] {
        follow(&program, name);
        daemon.signal("HUP");
        daemon.wait_for("configuration reloaded");
        assert_eq!(daemon.get(&format!("/{name}/atom.xml")).0, 200, "{name}");
    }
    // The new generation polls.
    upstream.post("kettle", 3, "Steam", base());
    daemon.wait_for("posts stored");
    for (count, longest) in readers.stop() {
        assert!(count > 0 && longest < SOON, "{count} requests, the longest took {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_told_by_the_new_generation_and_what_hangs_is_not_told_twice() {
    let (upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let_a_delivery_hang(&daemon, &upstream, &program).await;
    let (address, mut asked) = hanging_subscriber();
    daemon.signal("HUP");
    daemon.wait_for("configuration reloaded");
    let topic = format!("http://{}/kettle/rss.xml", program.address);
    let form = format!("hub.mode=subscribe&hub.topic={topic}&hub.callback=http://{address}/");
    assert_eq!(daemon.post("/hub", &form).0, 202);
    daemon.wait_for("subscriber verified");
    upstream.post("kettle", 3, "Steam", base());
    assert_eq!(asked.recv().await.as_deref(), Some("GET"));
    assert_eq!(asked.recv().await.as_deref(), Some("POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_hangs_does_not_hold_up_a_stop() {
    let (upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let_a_delivery_hang(&daemon, &upstream, &program).await;
    let begun = Instant::now();
    daemon.signal("TERM");
    assert_eq!(daemon.end(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(15), "systemd would have killed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_used_leaves_the_old_one_serving_and_says_so() {
    let (upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let good = program.configuration();
    let readers = Readers::start(program.address);
    for (bad, reason) in [
        (format!("{good}[server"), "line"),
        (good.replace("[poll]", "[poll]\nno_such_key = 1"), "no_such_key"),
        (format!("{good}[access]\ntokens_file = \"no-such-file\"\n"), "no-such-file"),
    ] {
        program.configure(&bad);
        daemon.signal("HUP");
        let line = daemon.wait_for("the new configuration is refused; the old one stays");
        assert!(line.contains(reason), "{reason}: {line}");
        let (status, health) = daemon.get("/health");
        let health: serde_json::Value = serde_json::from_str(&health).unwrap();
        assert_eq!((status, &health["status"]), (200, &"degraded".into()), "{health}");
        assert!(health["configuration_error"].as_str().unwrap().contains(reason), "{health}");
    }
    upstream.post("kettle", 2, "Boiling", base());
    daemon.wait_for("posts stored");

    program.configure(&good);
    daemon.signal("HUP");
    daemon.wait_for("configuration reloaded");
    let (_, health) = daemon.get("/health");
    assert!(health.contains("\"status\":\"ok\"") && !health.contains("configuration_error"), "{health}");
    for (count, longest) in readers.stop() {
        assert!(count > 0 && longest < SOON, "{count} requests, the longest took {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_take_effect_at_a_restart_are_named_until_there_is_one() {
    let (_upstream, program) = world().await;
    let daemon = program.start();
    daemon.wait_for("posts stored");
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let moved = program.configuration().replace("path = \"data\"", "path = \"elsewhere\"\nsegment_bytes = 2097152");
    program.configure(&moved.replacen(
        &format!("listen = \"{}\"", program.address),
        &format!("listen = \"{other}\""),
        1,
    ));
    for _ in 0..2 {
        daemon.signal("HUP");
        let line = daemon.wait_for("take effect at a restart only");
        for setting in ["server.listen", "store.path", "store.segment_bytes"] {
            assert!(line.contains(setting), "{line}");
        }
        daemon.wait_for("configuration reloaded");
    }
    assert_eq!(daemon.get("/readyz").0, 200);
    assert!(!program.path("elsewhere").exists());
}

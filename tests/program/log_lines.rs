//! What people of ill will can put into the log: the real daemon's standard error, with upstream's words in it.

use crate::upstream;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::upstream::{StandIn, Trouble};

const TOKEN: &str = "0123456789abcdef-secret";
const FORGED: &str = "2026-01-01T00:00:00Z  INFO feedbridge: forged";

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_words_requests_and_tokens_forge_no_line_and_tell_no_secret() {
    let stand_in = StandIn::with("kitchen", 1001);
    // The first answer carries a post of another channel, whose name steers terminals and breaks lines.
    let slug = format!("evil\n{FORGED}\u{1b}[2J");
    let at = upstream::base();
    stand_in.post("kitchen", 1, "Soup", at);
    stand_in.world().channels.get_mut("kitchen").unwrap().slug = Some(slug.clone());
    stand_in.world().channels.get_mut("kitchen").unwrap().title = slug;
    stand_in.world().next.push_back(Trouble::Body(format!("<html>{FORGED}\n</html>")));
    let host = stand_in.listen().await;

    let folder = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(folder.path().join("tokens"), TOKEN).unwrap();
    let text = format!(
        "[server]\nlisten = \"{address}\"\n[store]\npath = {:?}\n[access]\ntokens_file = {:?}\n\
         [upstream]\nhosts = [\"{}\"]\n[poll]\ninterval_seconds = 1\nfloor_seconds = 1\n[[channel]]\nname = \"kitchen\"\n",
        folder.path().join("data"),
        folder.path().join("tokens"),
        host.as_str().trim_end_matches('/'),
    );
    std::fs::write(&config, text).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_feedbridge"))
        .arg("--config")
        .arg(&config)
        .env("RUST_LOG", "feedbridge=debug")
        .env_remove("JOURNAL_STREAM")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, received) = mpsc::channel();
    let stderr = BufReader::new(daemon.stderr.take().unwrap());
    let reading = thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(lines.send(line))));
    let mut seen = Vec::new();
    let mut wait = |words: &str| {
        while !seen.last().is_some_and(|line: &String| line.contains(words)) {
            seen.push(received.recv_timeout(Duration::from_secs(60)).expect(words));
        }
    };
    wait("serving");
    wait("asked upstream");
    ask(address, &format!("/t/{TOKEN}/kitchen/%0A2026/\u{2028}x"));
    wait("answered");
    ask(address, &format!("/t/{TOKEN}x/kitchen/rss.xml"));
    wait("status=401");
    wait("asked upstream");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    reading.join().unwrap();
    seen.extend(received.try_iter());
    for line in &seen {
        assert!(!line.starts_with(FORGED) && !line.contains(['\u{1b}', '\u{2028}']), "{line:?}");
        assert!(!line.contains("0123456789abcdef"), "{line:?}");
        assert!(line.starts_with("20") && line.contains(" feedbridge"), "every line is an event: {line:?}");
    }
}

fn ask(address: std::net::SocketAddr, target: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}

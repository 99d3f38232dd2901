//! Socket activation, sd_listen_fds(3), with the real program: a shell passes it sockets as systemd does.

use crate::upstream;
use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixListener,
    time::Duration,
};

use crate::program::Program;
use crate::upstream::StandIn;

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

async fn world() -> (StandIn, Program) {
    let upstream = StandIn::with("kettle", 1_000_000_007);
    upstream.post("kettle", 1, "Cold", upstream::base());
    let program = Program::new(upstream.listen().await.as_str(), &["kettle"]);
    (upstream, program)
}

fn open() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connected_before_the_daemon_was_there_is_answered() {
    let (_upstream, program) = world().await;
    let socket = open();
    let mut early = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    early.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    early.write_all(REQUEST).unwrap();
    let _daemon = program.start_on(socket);
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_socket_from_systemd_the_configured_address_is_left_alone() {
    let (_upstream, program) = world().await;
    // Binding it would fail.
    let configured = open();
    configured.set_nonblocking(true).unwrap();
    let address = configured.local_addr().unwrap().to_string();
    program.configure(&program.configuration().replace(&program.address.to_string(), &address));
    let daemon = program.start_on(open());
    assert_eq!(daemon.get("/healthz").0, 200);
    assert_eq!(configured.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_outlives_a_reload() {
    let (upstream, program) = world().await;
    let daemon = program.start_on(open());
    daemon.wait_for("posts stored");
    upstream.add("pan", 1_000_000_008);
    upstream.post("pan", 1, "Hot", upstream::base());
    program.configure(&format!("{}[[channel]]\nname = \"pan\"\n", program.configuration()));
    daemon.signal("HUP");
    daemon.wait_for("configuration reloaded");
    daemon.wait_for("posts stored");
    let (status, feed) = daemon.get("/pan/feed.json");
    assert!(status == 200 && feed.contains("Hot"), "{status} {feed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_one_socket_is_refused() {
    let (_upstream, program) = world().await;
    let ran = program.run_on(open(), 2);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.ends_with("feedbridge: systemd passes 2 sockets; feedbridge takes one\n"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_not_of_tcp_or_does_not_listen_is_refused() {
    let (_upstream, program) = world().await;
    let listener = open();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let local = UnixListener::bind(program.path("socket")).unwrap();
    for ran in [program.run_on(connected, 1), program.run_on(local, 1)] {
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("feedbridge: systemd passes a socket that is no listening TCP socket"), "{ran:?}");
    }
}

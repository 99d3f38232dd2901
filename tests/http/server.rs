//! Real connections.

use std::net::SocketAddr;

use feedbridge::serve::run;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::world::{RSS, World, world};

pub struct Server {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

pub async fn start(world: &World) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let (_, sites) = watch::channel(world.site.clone());
    let running = tokio::spawn(async move { run(listener, sites, async { stopped.await.unwrap() }).await });
    Server { address, stop, running }
}

impl Server {
    /// Everything that the server says until it closes the connection.
    async fn say(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads up to the end of one response without a body.
pub async fn head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_feed_comes_over_the_wire_with_a_date() {
    let world = world();
    let server = start(&world).await;
    let answer = server.say(&format!("GET {RSS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\ndate: "), "{answer}");
    assert!(answer.ends_with(world.get(RSS).await.text()));
}

#[tokio::test]
async fn head_over_the_wire_tells_the_length_and_sends_nothing() {
    let world = world();
    let server = start(&world).await;
    let length = world.get(RSS).await.body.len();
    let answer = server.say(&format!("HEAD {RSS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.contains(&format!("\r\ncontent-length: {length}\r\n")) && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_304_over_the_wire_has_no_length() {
    let world = world();
    let server = start(&world).await;
    let request = format!("GET {RSS} HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n");
    let answer = server.say(&request).await;
    assert!(answer.starts_with("HTTP/1.1 304 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(!answer.contains("content-length") && !answer.contains("transfer-encoding"), "{answer}");
}

#[tokio::test]
async fn a_connection_takes_several_requests() {
    let world = world();
    let server = start(&world).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert!(head(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
}

#[tokio::test]
async fn the_server_is_ready_while_it_runs_and_not_when_it_stops() {
    let world = world();
    assert!(!world.site.is_ready());
    let server = start(&world).await;
    let answer = server.say("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.stop.send(()).unwrap();
    server.running.await.unwrap();
    assert!(!world.site.is_ready());
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_the_running_request_and_closes_idle_connections() {
    let world = world();
    let server = start(&world).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    head(&mut idle).await;

    let reads = world.store.reads();
    let store = world.store.clone();
    let (hold, held) = (oneshot::channel(), oneshot::channel());
    let holder = std::thread::spawn(move || {
        let _held_up = store.gate.lock().unwrap();
        hold.0.send(()).unwrap();
        held.1.blocking_recv().unwrap();
    });
    hold.1.await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(format!("GET {RSS} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    // The channel has been looked up, so the request is on its way to the posts.
    while world.store.reads() == reads {
        tokio::task::yield_now().await;
    }
    server.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    held.0.send(()).unwrap();
    assert!(rest(&mut busy).await.starts_with("HTTP/1.1 200 "));
    server.running.await.unwrap();
    holder.join().unwrap();
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_server_goes_on() {
    let world = world();
    let server = start(&world).await;
    assert!(server.say("nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(20_000));
    assert!(server.say(&long).await.starts_with("HTTP/1.1 414 "));
    let answer = server.say("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "));
}

//! What one client may take: connections and requests; and whose word on addresses is believed.

use std::net::SocketAddr;

use feedbridge::{
    config::Config,
    serve::{Peer, handle},
};
use hyper::{HeaderMap, Request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    server::{head, start},
    world::{RSS, World, config, over, world},
};

const PROBE: &[u8] = b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

fn limited(change: impl FnOnce(&mut Config)) -> World {
    let mut config = config();
    config.server.trusted_proxies = Vec::new();
    change(&mut config);
    over(world().store, config)
}

/// Status and header fields of the answer to `peer`.
async fn ask(world: &World, peer: &str, forwarded: &str) -> (u16, HeaderMap) {
    let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 4711));
    let request = Request::get(RSS).header("Host", "x").header("X-Forwarded-For", forwarded).extension(peer);
    let (parts, _) = handle(&world.site, request.body(String::new()).unwrap()).await.into_parts();
    (parts.status.as_u16(), parts.headers)
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_are_served() {
    let world = limited(|config| config.limits.requests_per_minute = 3);
    for _ in 0..3 {
        assert_eq!(ask(&world, "192.0.2.1", "").await.0, 200);
    }
    // Another claimed address is of no help.
    let (status, headers) = ask(&world, "192.0.2.1", "198.51.100.9").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (429, "application/problem+json"));
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(ask(&world, "192.0.2.2", "").await.0, 200);
    assert!(world.get("/metrics").await.text().contains(r#"feedbridge_refused_total{limit="requests_per_minute"} 1"#));
}

#[tokio::test]
async fn readers_behind_a_listed_proxy_are_counted_each_for_itself() {
    let world = limited(|config| {
        config.limits.requests_per_minute = 1;
        config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    });
    assert_eq!(ask(&world, "10.1.1.1", "198.51.100.1").await.0, 200);
    assert_eq!(ask(&world, "10.1.1.1", "198.51.100.2").await.0, 200);
    assert_eq!(ask(&world, "10.9.9.9", "203.0.113.5, 198.51.100.1").await.0, 429);
}

#[tokio::test]
async fn one_address_has_no_more_connections_than_its_share() {
    let world = limited(|config| config.limits.per_address = 2);
    let server = start(&world).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(PROBE).await.unwrap();
        head(&mut stream).await;
        held.push(stream);
    }
    assert!(is_closed(TcpStream::connect(server.address).await.unwrap()).await);
    let mut first = held.swap_remove(0);
    first.write_all(PROBE).await.unwrap();
    assert!(head(&mut first).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn when_all_connections_are_taken_the_longest_silent_one_makes_room() {
    let world = limited(|config| config.limits.connections = 3);
    let server = start(&world).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(PROBE).await.unwrap();
        head(&mut stream).await;
        held.push(stream);
    }
    let mut reader = TcpStream::connect(server.address).await.unwrap();
    reader.write_all(PROBE).await.unwrap();
    assert!(head(&mut reader).await.starts_with("HTTP/1.1 200 "));
    assert!(is_closed(held.remove(0)).await);
    held[0].write_all(PROBE).await.unwrap();
    assert!(head(&mut held[0]).await.starts_with("HTTP/1.1 200 "));
}

/// Whether the server ends the connection without a word.
async fn is_closed(mut stream: TcpStream) -> bool {
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut answer).await;
    answer.is_empty()
}

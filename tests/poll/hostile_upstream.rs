//! An upstream of ill will, on a real socket: whatever it answers comes to a typed end in bounded time and size,
//! and follows nobody elsewhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use feedbridge::{
    fetch::{Answer, Error, Http, Upstream},
    page,
};
use flate2::{Compress, Compression, FlushCompress};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// For a whole answer, here.
const TIME: Duration = Duration::from_secs(2);
const OK: &str = "HTTP/1.1 200 OK\r\n";

/// A server that says `head`, then `piece` so many times with a pause before each, then closes.
struct Hostile {
    url: Url,
    connections: Arc<AtomicUsize>,
}

async fn hostile(head: impl Into<Vec<u8>>, piece: Vec<u8>, times: usize, pause: Duration) -> Hostile {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (head, piece, connections) = (Arc::new(head.into()), Arc::new(piece), Arc::new(AtomicUsize::new(0)));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let (head, piece) = (head.clone(), piece.clone());
            tokio::spawn(async move { say(stream, &head, &piece, times, pause).await });
        }
    });
    Hostile { url, connections }
}

async fn say(mut stream: TcpStream, head: &[u8], piece: &[u8], times: usize, pause: Duration) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096]).await?;
    stream.write_all(head).await?;
    for _ in 0..times {
        tokio::time::sleep(pause).await;
        stream.write_all(piece).await?;
    }
    Ok(())
}

async fn ask(upstream: &Hostile) -> Result<Answer, Error> {
    let begin = Instant::now();
    let answer = Http::with_timeout(None, TIME).unwrap().get(&upstream.url, "/s/kitchen").await;
    assert!(begin.elapsed() < TIME * 5, "bounded in time");
    answer
}

#[tokio::test]
async fn an_endless_answer_ends_at_its_bound() {
    let upstream = hostile(format!("{OK}\r\n"), vec![b'a'; 64 << 10], usize::MAX, Duration::ZERO).await;
    assert_eq!(ask(&upstream).await, Err(Error::TooLarge));
}

#[tokio::test]
async fn a_huge_answer_ends_at_its_bound() {
    let head = format!("{OK}Content-Length: {}\r\n\r\n", 64 << 20);
    let upstream = hostile(head, vec![b'a'; 1 << 20], 64, Duration::ZERO).await;
    assert_eq!(ask(&upstream).await, Err(Error::TooLarge));
}

#[tokio::test]
async fn a_compressed_bomb_is_not_blown_up() {
    // A gibibyte of zeros: a flushed block of a mebibyte a thousand times (RFC 1952, RFC 1951).
    let mut block = Vec::with_capacity(1 << 20);
    let mut deflate = Compress::new(Compression::best(), false);
    deflate.compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let mut head = format!("{OK}Content-Encoding: gzip\r\n\r\n").into_bytes();
    head.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    let upstream = hostile(head, block, 1024, Duration::ZERO).await;
    assert_eq!(ask(&upstream).await, Err(Error::TooLarge));
}

#[tokio::test]
async fn an_answer_that_trickles_is_given_up_in_time() {
    let head = format!("{OK}Content-Length: 100000\r\n\r\n");
    let upstream = hostile(head, b"a".to_vec(), 100_000, Duration::from_millis(20)).await;
    assert!(matches!(ask(&upstream).await, Err(Error::Broken { .. })));
}

#[tokio::test]
async fn a_flood_of_header_fields_is_an_error() {
    let upstream = hostile(OK, b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1000), usize::MAX, Duration::ZERO).await;
    assert!(matches!(ask(&upstream).await, Err(Error::Broken { .. })));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let head = format!("{OK}Content-Length: 100000\r\n\r\n");
    let upstream = hostile(head, b"<html>".to_vec(), 1, Duration::ZERO).await;
    assert!(matches!(ask(&upstream).await, Err(Error::Broken { .. })));
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let secret = hostile(format!("{OK}\r\n"), b"secret".to_vec(), 1, Duration::ZERO).await;
    for location in [secret.url.as_str(), "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"] {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let upstream = hostile(head, Vec::new(), 0, Duration::ZERO).await;
        assert_eq!(ask(&upstream).await, Ok(Answer::Redirect(location.to_owned())));
    }
    assert_eq!(secret.connections.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_wrong_charset_is_read_and_makes_no_post() {
    let head = format!("{OK}Content-Type: text/html; charset=utf-16\r\n\r\n");
    let upstream = hostile(head, b"\xff\xfe<\0h\0t\0m\0l\0>\0".repeat(1000), 1, Duration::ZERO).await;
    let Ok(Answer::Body(body)) = ask(&upstream).await else { panic!("the bytes are read") };
    assert_eq!(page::parse(&body), Err(page::Error::NotTelegram));
}

#[test]
fn a_mebibyte_of_nested_elements_are_parsed_in_bounded_time() {
    let begin = Instant::now();
    for element in ["<div>", "<b>", "<table>", "<blockquote>", "<a href=x>"] {
        let html = element.repeat((1 << 20) / element.len());
        assert!(page::parse(&html).is_err(), "{element}");
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

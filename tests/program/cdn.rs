//! A stand-in for Telegram's hosts of files, whose addresses die when they are told to.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::upstream::head_of_request;

#[derive(Clone, Default)]
pub struct Cdn {
    generation: Arc<AtomicU64>,
    address: String,
    /// The paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
    /// By the end of the path; a small picture for all others.
    files: Arc<Mutex<HashMap<String, Given>>>,
}

/// What a file is, or pretends to be.
#[derive(Clone)]
pub enum Given {
    File(Vec<u8>),
    /// Says that it is longer than it is.
    Lying(Vec<u8>),
    Elsewhere(String),
    /// Begins as a picture and never ends.
    Endless,
    /// Packed, as nobody asked for it.
    Packed(Vec<u8>),
}

/// Begins as a JPEG does.
pub fn picture() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
    bytes.extend((0..996).map(|n| (n % 251) as u8));
    bytes
}

impl Cdn {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cdn = Self { address: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let serving = cdn.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        cdn
    }

    /// Where files are now.
    pub fn base(&self) -> String {
        format!("{}/{}", self.address, self.generation.load(SeqCst))
    }

    /// All addresses of before are dead.
    pub fn expire(&self) -> String {
        self.generation.fetch_add(1, SeqCst);
        self.base()
    }

    pub fn give(&self, end: &str, given: Given) {
        self.files.lock().unwrap().insert(end.to_owned(), given);
    }

    /// How often the whole of a file was asked for.
    pub fn fetched(&self, end: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.ends_with(end) && !path.starts_with("bytes=")).count()
    }

    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn serve(self, mut stream: TcpStream) {
        let Some(request) = head_of_request(&mut stream).await else { return };
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let range = request.lines().find_map(|line| line.to_lowercase().strip_prefix("range: ").map(str::to_owned));
        let alive = path.starts_with(&format!("/{}/", self.generation.load(SeqCst)));
        self.asked.lock().unwrap().push(format!("{}{path}", range.clone().unwrap_or_default()));
        let given =
            self.files.lock().unwrap().iter().find(|(end, _)| path.ends_with(*end)).map(|(_, given)| given.clone());
        if matches!(given, Some(Given::Endless)) && alive {
            return endless(stream).await;
        }
        let answer = match given.unwrap_or_else(|| Given::File(picture())) {
            _ if !alive => head("404 Not Found", 0, ""),
            Given::Elsewhere(to) => head("302 Found", 0, &format!("Location: {to}\r\n")),
            Given::Endless => Vec::new(),
            Given::Packed(bytes) => [head("200 OK", bytes.len(), "Content-Encoding: gzip\r\n"), bytes].concat(),
            Given::Lying(bytes) => [head("200 OK", bytes.len() + 100, ""), bytes].concat(),
            Given::File(bytes) => match range.as_deref().and_then(|range| part(range, bytes.len())) {
                Some((first, last)) => {
                    let field = format!("Content-Range: bytes {first}-{last}/{}\r\n", bytes.len());
                    [head("206 Partial Content", last - first + 1, &field), bytes[first..=last].to_vec()].concat()
                }
                None => [head("200 OK", bytes.len(), ""), bytes].concat(),
            },
        };
        let _ = stream.write_all(&answer).await;
    }
}

/// As long as anybody listens.
async fn endless(mut stream: TcpStream) {
    let mut piece = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    piece.extend(picture());
    while stream.write_all(&piece).await.is_ok() {
        piece = vec![7; 64 << 10];
    }
}

fn head(status: &str, length: usize, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n").into_bytes()
}

fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    Some((first, last.parse().unwrap_or(length - 1).min(length - 1)))
}

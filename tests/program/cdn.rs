//! A stand-in for Telegram's hosts of files, whose addresses die when they are told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Default)]
pub struct Cdn {
    generation: Arc<AtomicU64>,
    address: String,
    /// The paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
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

    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => request.extend_from_slice(&buffer[..read]),
            }
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let alive = path.starts_with(&format!("/{}/", self.generation.load(SeqCst)));
        self.asked.lock().unwrap().push(path);
        let status = if alive { "200 OK" } else { "404 Not Found" };
        let body = "\u{1f5bc}";
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

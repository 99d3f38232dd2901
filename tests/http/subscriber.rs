//! A hub over real sockets and the real store: a subscriber that listens on port 0, and topics that tests change.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    fetch::Resolver,
    hub::{Document, Hub, Refusal, Rules, Topics},
    store::{self, Handle, Local, Store},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

pub const HUB: &str = "https://feeds.example/hub";
pub const TOPIC: &str = "https://feeds.example/kitchen/atom.xml";

#[derive(Clone, Default)]
pub struct Feeds(Arc<Mutex<u64>>);

impl Feeds {
    pub fn change(&self) {
        *self.0.lock().unwrap() += 1;
    }

    pub fn body(&self) -> Bytes {
        format!("<feed>{}</feed>", self.0.lock().unwrap()).into()
    }
}

impl Topics for Feeds {
    fn addresses(&self) -> Vec<String> {
        vec![TOPIC.to_owned()]
    }

    async fn heads(&self, topic: &str) -> Option<u64> {
        (topic == TOPIC).then(|| *self.0.lock().unwrap())
    }

    async fn document(&self, topic: &str) -> Option<Document> {
        let heads = self.heads(topic).await?;
        Some(Document { heads, bytes: self.body(), content_type: "application/atom+xml; charset=utf-8" })
    }
}

/// A request as the subscriber got it.
#[derive(Debug)]
pub struct Got {
    pub method: String,
    pub query: BTreeMap<String, String>,
    pub fields: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A subscriber: sends challenges back, unless told otherwise, and answers deliveries with the statuses told.
pub struct Reader {
    pub url: String,
    pub got: mpsc::UnboundedReceiver<Got>,
    pub told: Arc<Mutex<Told>>,
}

#[derive(Default)]
pub struct Told {
    pub denies: bool,
    /// Takes deliveries and never answers them.
    pub silent: bool,
    /// For the next deliveries; 204 when there are no more.
    pub statuses: VecDeque<u16>,
}

impl Reader {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/callback?keep=1%202", listener.local_addr().unwrap());
        let (sender, got) = mpsc::unbounded_channel();
        let told = Arc::<Mutex<Told>>::default();
        let shared = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, sender.clone(), Arc::clone(&shared)));
            }
        });
        Self { url, got, told }
    }

    pub async fn next(&mut self) -> Got {
        timeout(Duration::from_secs(20), self.got.recv()).await.expect("nothing came").unwrap()
    }

    pub async fn next_of(&mut self, method: &str) -> Got {
        let got = self.next().await;
        assert_eq!(got.method, method, "{got:?}");
        got
    }
}

async fn answer(mut stream: TcpStream, sender: mpsc::UnboundedSender<Got>, told: Arc<Mutex<Told>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let query: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: BTreeMap<String, String> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; fields.get("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let challenge = query.get("hub.challenge").cloned().unwrap_or_default();
    let (status, said) = {
        let mut told = told.lock().unwrap();
        match method.as_str() {
            "GET" if told.denies => (404, "no".to_owned()),
            "GET" => (200, challenge),
            _ => (told.statuses.pop_front().unwrap_or(204), String::new()),
        }
    };
    let silent = method == "POST" && told.lock().unwrap().silent;
    sender.send(Got { method, query, fields, body }).ok()?;
    if silent {
        std::future::pending::<()>().await;
    }
    let location = if (300..400).contains(&status) { "Location: /elsewhere\r\n" } else { "" };
    let length = said.len();
    let said = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{location}Content-Length: {length}\r\n\r\n{said}");
    stream.write_all(said.as_bytes()).await.ok()
}

pub struct Running {
    pub hub: Arc<Hub>,
    pub store: Arc<dyn Store>,
    pub feeds: Feeds,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub fn rules() -> Rules {
    Rules {
        allow_private_callbacks: true,
        tick: Duration::from_millis(5),
        first_retry: TimeDelta::milliseconds(1),
        ..Rules::default()
    }
}

/// The store, as soon as whoever had it before lets go of it.
pub fn open(folder: &TempDir) -> Arc<dyn Store> {
    loop {
        match Local::open(folder.path()) {
            Err(store::Error::Locked(_)) => std::thread::yield_now(),
            opened => return Arc::new(opened.unwrap()),
        }
    }
}

pub async fn start_at(folder: &TempDir, feeds: &Feeds, rules: Rules, clock: Clock) -> Running {
    let store = open(folder);
    let hub = Hub::open(HUB.to_owned(), Handle::new(Arc::clone(&store)), rules, clock).await.unwrap();
    run(hub, store, feeds)
}

/// As [`start`], with names looked up by `resolver`.
pub async fn start_with(folder: &TempDir, rules: Rules, resolver: Resolver) -> Running {
    let store = open(folder);
    let handle = Handle::new(Arc::clone(&store));
    let hub = Hub::open_with(HUB.to_owned(), handle, rules, Clock::system(), resolver).await.unwrap();
    run(hub, store, &Feeds::default())
}

fn run(hub: Hub, store: Arc<dyn Store>, feeds: &Feeds) -> Running {
    let hub = Arc::new(hub);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(Arc::clone(&hub).run(Arc::new(feeds.clone()), async move { drop(stopped.await) }));
    Running { hub, store, feeds: feeds.clone(), stop, task }
}

pub async fn start(folder: &TempDir) -> Running {
    start_at(folder, &Feeds::default(), rules(), Clock::system()).await
}

pub async fn ask(hub: &Hub, mode: &str, callback: &str, more: &[(&str, &str)]) -> Result<(), Refusal> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("hub.mode", mode), ("hub.topic", TOPIC), ("hub.callback", callback)])
        .extend_pairs(more)
        .finish();
    hub.receive(body.as_bytes(), |topic| topic == TOPIC).await
}

impl Running {
    pub async fn ask(&self, mode: &str, callback: &str, more: &[(&str, &str)]) -> Result<(), Refusal> {
        ask(&self.hub, mode, callback, more).await
    }

    /// Takes nothing more up, and ends when what is under way does.
    pub fn retire(self) -> JoinHandle<()> {
        drop(self.stop);
        self.task
    }

    /// Subscribes and waits until that is confirmed.
    pub async fn subscribe(&self, reader: &mut Reader) -> Got {
        self.ask("subscribe", &reader.url, &[("hub.secret", "s3cret")]).await.unwrap();
        let verification = reader.next_of("GET").await;
        self.until(|hub| hub.len() == 1).await;
        verification
    }

    pub async fn until(&self, happened: impl Fn(&Hub) -> bool) {
        timeout(Duration::from_secs(20), async {
            while !happened(&self.hub) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it did not happen");
    }

    pub async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
        self.store.close().unwrap();
    }

    /// As a crash would: nothing more is kept.
    pub async fn crash(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

//! The hub over real sockets and the real store: a subscriber that listens on port 0, and topics that tests change.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeDelta;
use feedbridge::{
    clock::Clock,
    hub::{Document, Hub, Outside, Refusal, Rules, Topics, signature},
    model::Time,
    store::{self, Local, Store},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

const HUB: &str = "https://feeds.example/hub";
const TOPIC: &str = "https://feeds.example/kitchen/atom.xml";

#[derive(Clone, Default)]
struct Feeds(Arc<Mutex<u64>>);

impl Feeds {
    fn change(&self) {
        *self.0.lock().unwrap() += 1;
    }

    fn body(&self) -> Bytes {
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
struct Got {
    method: String,
    query: BTreeMap<String, String>,
    fields: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A subscriber: sends challenges back, unless told otherwise, and answers deliveries with the statuses told.
struct Reader {
    url: String,
    got: mpsc::UnboundedReceiver<Got>,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    denies: bool,
    /// For the next deliveries; 204 when there are no more.
    statuses: VecDeque<u16>,
}

impl Reader {
    async fn start() -> Self {
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

    async fn next(&mut self) -> Got {
        timeout(Duration::from_secs(20), self.got.recv()).await.expect("nothing came").unwrap()
    }

    async fn next_of(&mut self, method: &str) -> Got {
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
    sender.send(Got { method, query, fields, body }).ok()?;
    let location = if (300..400).contains(&status) { "Location: /elsewhere\r\n" } else { "" };
    let length = said.len();
    let said = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{location}Content-Length: {length}\r\n\r\n{said}");
    stream.write_all(said.as_bytes()).await.ok()
}

struct Running {
    hub: Arc<Hub>,
    store: Arc<dyn Store>,
    feeds: Feeds,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn rules() -> Rules {
    Rules {
        allow_private_callbacks: true,
        tick: Duration::from_millis(5),
        first_retry: TimeDelta::milliseconds(1),
        ..Rules::default()
    }
}

/// The store, as soon as whoever had it before lets go of it.
fn open(folder: &TempDir) -> Arc<dyn Store> {
    loop {
        match Local::open(folder.path()) {
            Err(store::Error::Locked(_)) => std::thread::yield_now(),
            opened => return Arc::new(opened.unwrap()),
        }
    }
}

fn start_at(folder: &TempDir, feeds: &Feeds, rules: Rules, clock: Clock) -> Running {
    let store = open(folder);
    let hub = Arc::new(Hub::open(HUB.to_owned(), Arc::clone(&store), rules, clock).unwrap());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(Arc::clone(&hub).run(Arc::new(feeds.clone()), async move { drop(stopped.await) }));
    Running { hub, store, feeds: feeds.clone(), stop, task }
}

fn start(folder: &TempDir) -> Running {
    start_at(folder, &Feeds::default(), rules(), Clock::system())
}

impl Running {
    async fn ask(&self, mode: &str, callback: &str, more: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("hub.mode", mode).append_pair("hub.topic", TOPIC).append_pair("hub.callback", callback);
        let body = form.extend_pairs(more).finish();
        self.hub.receive(body.as_bytes(), |topic| topic == TOPIC).await
    }

    /// Subscribes and waits until that is confirmed.
    async fn subscribe(&self, reader: &mut Reader) -> Got {
        self.ask("subscribe", &reader.url, &[("hub.secret", "s3cret")]).await.unwrap();
        let verification = reader.next_of("GET").await;
        self.until(|hub| hub.len() == 1).await;
        verification
    }

    async fn until(&self, happened: impl Fn(&Hub) -> bool) {
        timeout(Duration::from_secs(20), async {
            while !happened(&self.hub) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("it did not happen");
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
        self.store.close().unwrap();
    }

    /// As a crash would: nothing more is kept.
    async fn crash(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_subscriber_is_verified_and_gets_the_changed_topic_signed() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    let verification = running.subscribe(&mut reader).await;
    assert_eq!(verification.query["hub.mode"], "subscribe");
    assert_eq!(verification.query["hub.topic"], TOPIC);
    assert_eq!(verification.query["hub.lease_seconds"], "864000");
    assert_eq!(verification.query["keep"], "1 2");
    assert!(verification.query["hub.challenge"].len() >= 32);

    running.feeds.change();
    let delivery = reader.next_of("POST").await;
    assert_eq!(delivery.body, running.feeds.body());
    assert_eq!(delivery.fields["content-type"], "application/atom+xml; charset=utf-8");
    assert_eq!(delivery.fields["link"], format!("<{HUB}>; rel=\"hub\", <{TOPIC}>; rel=\"self\""));
    assert_eq!(delivery.fields["x-hub-signature"], signature("s3cret", &delivery.body));
    assert_eq!(delivery.query["keep"], "1 2");
    running.stop().await;
}

#[tokio::test]
async fn who_denies_the_request_is_not_subscribed() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    reader.told.lock().unwrap().denies = true;
    running.ask("subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    running.feeds.change();
    // A second request is verified after the first is settled; no delivery comes before it.
    running.ask("subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    assert!(running.hub.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn nothing_comes_after_an_unsubscription() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    running.subscribe(&mut reader).await;
    running.ask("unsubscribe", &reader.url, &[]).await.unwrap();
    let verification = reader.next_of("GET").await;
    assert_eq!(verification.query["hub.mode"], "unsubscribe");
    assert!(!verification.query.contains_key("hub.lease_seconds"));
    running.until(Hub::is_empty).await;
    running.feeds.change();
    // What comes next is the verification of a later request, not the change.
    running.ask("subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    running.stop().await;
}

#[tokio::test]
async fn a_delivery_that_fails_is_repeated_with_what_is_current_then() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    running.subscribe(&mut reader).await;
    reader.told.lock().unwrap().statuses.extend([500, 503, 302]);
    running.feeds.change();
    for _ in 0..3 {
        reader.next_of("POST").await;
    }
    let delivery = reader.next_of("POST").await;
    assert_eq!(delivery.body, running.feeds.body());
    running.feeds.change();
    assert_eq!(reader.next_of("POST").await.body, running.feeds.body());
    running.stop().await;
}

#[tokio::test]
async fn a_callback_that_answers_410_is_dropped() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    running.subscribe(&mut reader).await;
    reader.told.lock().unwrap().statuses.push_back(410);
    running.feeds.change();
    reader.next_of("POST").await;
    running.until(Hub::is_empty).await;
    running.stop().await;
}

#[tokio::test]
async fn leases_and_what_was_told_outlive_a_restart() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    let feeds = running.feeds.clone();
    running.subscribe(&mut reader).await;
    feeds.change();
    reader.next_of("POST").await;
    running.stop().await;

    let running = start_at(&folder, &feeds, rules(), Clock::system());
    assert_eq!(running.hub.len(), 1);
    feeds.change();
    let delivery = reader.next_of("POST").await;
    assert_eq!(delivery.body, feeds.body(), "what was told before the restart was told again");
    assert_eq!(delivery.fields["x-hub-signature"], signature("s3cret", &delivery.body));
    running.stop().await;
}

#[tokio::test]
async fn a_change_while_the_hub_was_down_is_delivered_after_the_crash() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    let feeds = running.feeds.clone();
    running.subscribe(&mut reader).await;
    let kept = Arc::clone(&running.store);
    timeout(Duration::from_secs(20), async {
        while kept.states("hub/").unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    drop(kept);
    running.crash().await;
    feeds.change();
    let running = start_at(&folder, &feeds, rules(), Clock::system());
    assert_eq!(reader.next_of("POST").await.body, feeds.body());
    running.stop().await;
}

#[tokio::test]
async fn a_lease_that_ran_out_while_the_hub_was_down_is_let_go() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let begin = Time::from_timestamp(1_700_000_000, 0).unwrap();
    let feeds = Feeds::default();
    let running = start_at(&folder, &feeds, rules(), Clock::simulated(begin));
    running.subscribe(&mut reader).await;
    running.stop().await;
    let running = start_at(&folder, &feeds, rules(), Clock::simulated(begin + TimeDelta::days(11)));
    running.until(Hub::is_empty).await;
    running.stop().await;
    let running = start_at(&folder, &feeds, rules(), Clock::simulated(begin));
    assert!(running.hub.is_empty(), "the lease is still in the store");
    running.stop().await;
}

#[tokio::test]
async fn callbacks_into_private_networks_are_refused_and_never_dialled() {
    let (folder, reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    running.stop().await;
    let closed = Rules { allow_private_callbacks: false, ..rules() };
    let running = start_at(&folder, &Feeds::default(), closed, Clock::system());
    let by_name = reader.url.replace("127.0.0.1", "localhost");
    for callback in [&reader.url, &by_name] {
        assert_eq!(running.ask("subscribe", callback, &[]).await, Err(Refusal::PrivateCallback), "{callback}");
    }
    assert!(reader.got.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn leases_of_private_callbacks_are_not_dialled_once_these_are_forbidden() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder);
    let feeds = running.feeds.clone();
    reader.url = reader.url.replace("127.0.0.1", "localhost");
    running.subscribe(&mut reader).await;
    running.stop().await;
    feeds.change();
    let closed = Rules { allow_private_callbacks: false, ..rules() };
    let running = start_at(&folder, &feeds, closed, Clock::system());
    let failed = |told: &serde_json::Value| told[&reader.url]["failures"].as_u64() > Some(2);
    running
        .until(|_| running.store.hint(&format!("hub/told/{TOPIC}")).unwrap().is_some_and(|told| failed(&told)))
        .await;
    assert!(reader.got.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_foreign_topic_is_refused() {
    let folder = folder();
    let running = start(&folder);
    let body = "hub.mode=subscribe&hub.topic=https://other.example/x&hub.callback=http://127.0.0.1:1/";
    assert_eq!(running.hub.receive(body.as_bytes(), |topic| topic == TOPIC).await, Err(Refusal::ForeignTopic));
    running.stop().await;
}

#[tokio::test]
async fn a_hub_elsewhere_is_told_once_per_change_and_again_when_it_failed() {
    let (folder, mut elsewhere) = (folder(), Reader::start().await);
    let store: Arc<dyn Store> = Arc::new(Local::open(folder.path()).unwrap());
    let feeds = Feeds::default();
    let open = || {
        let hub = elsewhere.url.parse().unwrap();
        Outside::open(hub, Arc::clone(&store), rules(), Clock::system()).unwrap()
    };
    let (first, second) = (open(), open());
    elsewhere.told.lock().unwrap().statuses.push_back(500);
    let topics = Arc::new(feeds.clone());
    let task = tokio::spawn(first.run(Arc::clone(&topics), std::future::pending()));
    for _ in 0..2 {
        let ping = elsewhere.next_of("POST").await;
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&ping.body).into_owned().collect();
        assert_eq!((form["hub.mode"].as_str(), form["hub.url"].as_str()), ("publish", TOPIC));
    }
    feeds.change();
    elsewhere.next_of("POST").await;
    // A topic that stands still is not told of: what comes next is the ping of another run that knows of nothing.
    let (stop, stopped) = oneshot::channel::<()>();
    let other = tokio::spawn(second.run(topics, async move { drop(stopped.await) }));
    elsewhere.next_of("POST").await;
    assert!(elsewhere.got.is_empty());
    task.abort();
    drop(stop);
    other.await.unwrap();
}

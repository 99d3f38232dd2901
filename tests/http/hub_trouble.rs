//! The hub among subscribers that mean it ill or do not work: slow names, silence, tasks that panic.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use feedbridge::{
    clock::Clock,
    fetch::Resolver,
    hub::{Document, Hub, Refusal, Rules, Topics},
    status::HubStatus,
    store::Handle,
};
use hyper::StatusCode;
use tokio::{
    join,
    task::{JoinSet, yield_now},
    time::timeout,
};

use crate::{
    hub::{FORM, post, under},
    subscriber::{Feeds, HUB, Reader, ask, folder, open, rules, start, start_with},
    world::{RSS, world},
};

const BOUND: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_secs(1);

/// A name server that says nothing until it is let go; then every name is this machine's.
#[derive(Clone, Default)]
struct Slow(Arc<(Mutex<Asked>, Condvar)>);

#[derive(Default)]
struct Asked {
    names: Vec<String>,
    waiting: usize,
    most: usize,
    free: bool,
}

impl Slow {
    fn resolver(&self) -> Resolver {
        let slow = self.clone();
        Arc::new(move |name| {
            let (asked, let_go) = &*slow.0;
            let mut asked = asked.lock().unwrap();
            asked.names.push(name.to_owned());
            asked.waiting += 1;
            asked.most = asked.most.max(asked.waiting);
            let mut asked = let_go.wait_while(asked, |asked| !asked.free).unwrap();
            asked.waiting -= 1;
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        })
    }

    fn names(&self) -> Vec<String> {
        self.0.0.lock().unwrap().names.clone()
    }

    /// Look-ups that were under way at the same time.
    fn most(&self) -> usize {
        self.0.0.lock().unwrap().most
    }

    fn let_go(&self) {
        self.0.0.lock().unwrap().free = true;
        self.0.1.notify_all();
    }
}

impl Drop for Slow {
    /// Threads that wait for it end with the test, whatever its end is.
    fn drop(&mut self) {
        self.let_go();
    }
}

fn named(reader: &Reader, name: &str) -> String {
    reader.url.replace("127.0.0.1", name)
}

/// With fewer threads that may block than there are slow names, by far.
#[test]
fn names_that_resolve_slowly_keep_no_reader_waiting() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).max_blocking_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (slow, world) = (Slow::default(), world());
        let store = Handle::new(world.store.clone());
        let hub = Hub::open_with(HUB.to_owned(), store, Rules::default(), Clock::system(), slow.resolver()).await;
        let world = Arc::new(under(hub.unwrap(), world));
        let mut requests = JoinSet::new();
        for number in 0..600 {
            let world = Arc::clone(&world);
            let callback = format!("hub.mode=subscribe&hub.callback=http://n.slow{number}.example/");
            let body = format!("{callback}&hub.topic=https://feeds.example/Alpha/rss.xml");
            requests.spawn(async move { post(&world, FORM, &body).await });
        }
        while slow.names().is_empty() {
            yield_now().await;
        }
        for path in ["/health", RSS] {
            let reply = timeout(SOON, world.get(path)).await.expect(path);
            assert_eq!(reply.status, 200, "{path}");
        }

        let taken: Vec<StatusCode> = timeout(BOUND, requests.join_all()).await.unwrap();
        assert!(taken.iter().all(|status| [202, 429].contains(&status.as_u16())), "{taken:?}");
        assert!(taken.contains(&StatusCode::ACCEPTED) && taken.contains(&StatusCode::TOO_MANY_REQUESTS));
        let distinct: BTreeSet<String> = slow.names().into_iter().collect();
        assert_eq!(distinct.len(), slow.names().len(), "a name was looked up twice");
        assert!(slow.most() <= 16, "{} look-ups at once", slow.most());
    });
}

#[tokio::test]
async fn a_slow_zone_keeps_no_other_name_and_no_delivery_waiting() {
    let (folder, slow, mut reader) = (folder(), Slow::default(), Reader::start().await);
    let (resolve, here) = (slow.resolver(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    let resolver: Resolver =
        Arc::new(move |name| if name.ends_with("slow.example") { resolve(name) } else { Ok(vec![here]) });
    let running = start_with(&folder, rules(), resolver).await;
    running.subscribe(&mut reader).await;
    let mut requests = JoinSet::new();
    for number in 0..20 {
        let hub = Arc::clone(&running.hub);
        let callback = format!("http://n{number}.slow.example/");
        requests.spawn(async move { ask(&hub, "subscribe", &callback, &[]).await });
    }
    running.until(|hub| hub.status().pending == 20).await;

    running.feeds.change();
    assert_eq!(reader.next_of("POST").await.body, running.feeds.body());
    let mut other = Reader::start().await;
    running.ask("subscribe", &named(&other, "quick.example"), &[]).await.unwrap();
    other.next_of("GET").await;
    running.until(|hub| hub.len() == 2).await;
    slow.let_go();
    assert!(requests.join_all().await.iter().all(Result::is_ok));
    running.stop().await;
}

/// A request that nobody has confirmed may be lost; one that costs no write cannot fill a disk.
#[tokio::test]
async fn requests_are_not_stored_before_they_are_verified() {
    let (folder, slow, reader) = (folder(), Slow::default(), Reader::start().await);
    let running = start_with(&folder, rules(), slow.resolver()).await;
    let mut requests = JoinSet::new();
    for number in 0..20 {
        let hub = Arc::clone(&running.hub);
        let callback = format!("{}&n={number}", named(&reader, "reader.example"));
        requests.spawn(async move { ask(&hub, "subscribe", &callback, &[]).await });
    }
    running.until(|hub| hub.status().pending == 20).await;
    assert!(running.store.states("hub/").unwrap().is_empty());
    slow.let_go();
    running.until(|hub| hub.len() == 20).await;
    running.until(|_| running.store.states("hub/lease/").unwrap().len() == 20).await;
    running.stop().await;
}

#[tokio::test]
async fn what_happened_is_counted() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    running.subscribe(&mut reader).await;
    reader.told.lock().unwrap().statuses.extend([500, 204, 410]);
    running.feeds.change();
    running.until(|hub| hub.status().delivered == 1).await;
    assert_eq!(running.hub.status(), HubStatus { verified: 1, pending: 0, delivered: 1, failed: 1, gone: 0 });
    running.feeds.change();
    running.until(|hub| hub.status().gone == 1).await;
    assert_eq!(running.hub.status(), HubStatus { verified: 0, pending: 0, delivered: 1, failed: 1, gone: 1 });
    running.stop().await;
}

#[tokio::test]
async fn who_is_over_a_limit_costs_no_look_up() {
    let (folder, slow) = (folder(), Slow::default());
    let full = start_with(&folder, Rules { per_topic: 0, ..rules() }, slow.resolver()).await;
    let taken = full.ask("subscribe", "http://reader.example/", &[]).await;
    assert_eq!((taken, slow.names()), (Err(Refusal::TopicFull), Vec::new()));
    full.stop().await;
}

#[tokio::test]
async fn a_name_that_is_being_looked_up_is_looked_up_once() {
    let (folder, slow, mut reader) = (folder(), Slow::default(), Reader::start().await);
    let running = start_with(&folder, rules(), slow.resolver()).await;
    let asked: Vec<String> = (0..3).map(|number| format!("{}&n={number}", named(&reader, "reader.example"))).collect();
    let ask = |number: usize| running.ask("subscribe", &asked[number], &[]);
    let (first, second, third, ()) = join!(ask(0), ask(1), ask(2), async {
        while slow.names().is_empty() {
            yield_now().await;
        }
        slow.let_go();
    });
    assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
    for _ in 0..3 {
        reader.next_of("GET").await;
    }
    assert_eq!(slow.names(), ["reader.example"]);
    running.stop().await;
}

/// Panics when it is asked for a document the third time.
#[derive(Clone, Default)]
struct Fragile {
    feeds: Feeds,
    made: Arc<AtomicUsize>,
}

impl Topics for Fragile {
    fn addresses(&self) -> Vec<String> {
        self.feeds.addresses()
    }

    async fn heads(&self, topic: &str) -> Option<u64> {
        self.feeds.heads(topic).await
    }

    async fn document(&self, topic: &str) -> Option<Document> {
        assert_ne!(self.made.fetch_add(1, SeqCst), 2, "as a test wants it");
        self.feeds.document(topic).await
    }
}

#[tokio::test]
async fn a_delivery_that_panics_is_tried_again() {
    let (folder, mut reader, topics) = (folder(), Reader::start().await, Fragile::default());
    let store = Handle::new(open(&folder));
    let hub = Arc::new(Hub::open(HUB.to_owned(), store, rules(), Clock::system()).await.unwrap());
    let task = tokio::spawn(Arc::clone(&hub).run(Arc::new(topics.clone()), std::future::pending()));
    ask(&hub, "subscribe", &reader.url, &[]).await.unwrap();
    reader.next_of("GET").await;
    while topics.made.load(SeqCst) == 0 {
        yield_now().await;
    }
    // The look that sees the change makes the second document, the delivery the third.
    topics.feeds.change();
    assert_eq!(reader.next_of("POST").await.body, topics.feeds.body());
    assert_eq!(hub.status().failed, 1);
    task.abort();
}

#[tokio::test]
async fn a_hub_that_takes_anothers_place_delivers_what_the_other_has_not_under_way() {
    let (folder, mut reader) = (folder(), Reader::start().await);
    let running = start(&folder).await;
    running.subscribe(&mut reader).await;
    reader.told.lock().unwrap().silent = true;
    running.feeds.change();
    reader.next_of("POST").await;

    let successor = Arc::new(running.hub.successor(HUB.to_owned(), rules()).unwrap());
    let feeds = Arc::new(running.feeds.clone());
    let next = tokio::spawn(Arc::clone(&successor).run(feeds, std::future::pending()));
    let retired = running.retire();
    let mut other = Reader::start().await;
    ask(&successor, "subscribe", &other.url, &[]).await.unwrap();
    other.next_of("GET").await;
    assert!(reader.got.try_recv().is_err(), "what is under way was delivered once more");
    retired.abort();
    next.abort();
}

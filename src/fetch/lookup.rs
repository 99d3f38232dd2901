//! Looking names up. The system's resolver holds a thread for as long as a name server pleases and cannot be called
//! off. So it gets threads of its own, a few and never the runtime's, on which the store and the pages depend.
//! Knows neither subscribers nor which addresses may be dialled.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, ToSocketAddrs},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use moka::sync::Cache;
use tokio::{
    pin, select,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// Look-ups under way at the same time.
const THREADS: usize = 8;
/// Of names in one zone, so that one slow name server leaves threads for other names.
const THREADS_OF_ZONE: usize = 2;
/// Answers are remembered: so many, so long.
const ANSWERS: u64 = 1000;
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Finds the addresses of a name. May block for as long as it likes.
pub type Resolver = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The system's own.
pub fn system() -> Resolver {
    Arc::new(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

/// Addresses, or why there are none.
type Answer = Result<Vec<IpAddr>, String>;
type Asked = watch::Sender<Option<Answer>>;

/// What keeps others from the threads; given back when the thread is free.
type Permits = (OwnedSemaphorePermit, OwnedSemaphorePermit);

pub struct Lookups {
    resolver: Resolver,
    threads: Arc<Semaphore>,
    zones: Mutex<HashMap<String, Weak<Semaphore>>>,
    answers: Cache<String, Vec<IpAddr>>,
    /// The names that somebody waits for.
    asked: Mutex<HashMap<String, Asked>>,
}

impl Lookups {
    pub fn new(resolver: Resolver) -> Arc<Self> {
        Arc::new(Self {
            resolver,
            threads: Arc::new(Semaphore::new(THREADS)),
            zones: Mutex::default(),
            answers: Cache::builder().max_capacity(ANSWERS).time_to_live(ANSWER_TIME).build(),
            asked: Mutex::default(),
        })
    }

    /// The addresses of `name`. Whoever asks for a name that is being looked up waits for the same answer. Who drops the
    /// future gives up; a name that nobody waits for any more leaves the line.
    pub async fn addresses(self: &Arc<Self>, name: &str) -> io::Result<Vec<IpAddr>> {
        if let Some(known) = self.answers.get(name) {
            return Ok(known);
        }
        let mut told = self.join(name);
        let answer = told.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(|| Err("the look-up was given up".to_owned())).map_err(io::Error::other)
    }

    fn join(self: &Arc<Self>, name: &str) -> watch::Receiver<Option<Answer>> {
        let mut asked = self.asked();
        if let Some(asked) = asked.get(name) {
            return asked.subscribe();
        }
        let (sender, receiver) = watch::channel(None);
        asked.insert(name.to_owned(), sender.clone());
        tokio::spawn(Arc::clone(self).look_up(name.to_owned(), sender));
        receiver
    }

    async fn look_up(self: Arc<Self>, name: String, asked: Asked) {
        let Some(permits) = self.wait_for_thread(&name, &asked).await else { return };
        let (lookups, looked_up) = (Arc::clone(&self), name.clone());
        let begun = thread::Builder::new().name("hub-lookup".to_owned()).spawn(move || {
            let resolver = &lookups.resolver;
            let answer = catch_unwind(AssertUnwindSafe(|| resolver(&looked_up)));
            let answer = answer.unwrap_or_else(|_| Err(io::Error::other("the look-up panicked")));
            lookups.settle(&looked_up, answer.map_err(|error| error.to_string()));
            drop(permits);
        });
        if let Err(error) = begun {
            self.settle(&name, Err(error.to_string()));
        }
    }

    /// None when nobody waits for the name any more.
    async fn wait_for_thread(&self, name: &str, asked: &Asked) -> Option<Permits> {
        let (zone, threads) = (self.zone(name), Arc::clone(&self.threads));
        let permits = async { Some((zone.acquire_owned().await.ok()?, threads.acquire_owned().await.ok()?)) };
        pin!(permits);
        loop {
            select! {
                permits = &mut permits => return permits,
                () = asked.closed() => {
                    let mut names = self.asked();
                    // Somebody may have come in between.
                    if asked.is_closed() {
                        names.remove(name);
                        return None;
                    }
                }
            }
        }
    }

    /// The threads that the names in the zone of `name` share.
    fn zone(&self, name: &str) -> Arc<Semaphore> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.retain(|_, zone| zone.strong_count() > 0);
        let zone = zones.entry(zone_of(name).to_owned()).or_default();
        zone.upgrade().unwrap_or_else(|| {
            let fresh = Arc::new(Semaphore::new(THREADS_OF_ZONE));
            *zone = Arc::downgrade(&fresh);
            fresh
        })
    }

    fn settle(&self, name: &str, answer: Answer) {
        if let Ok(addresses) = &answer {
            self.answers.insert(name.to_owned(), addresses.clone());
        }
        if let Some(asked) = self.asked().remove(name) {
            asked.send_replace(Some(answer));
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last two labels: whose name server answers, most likely.
fn zone_of(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    name.rmatch_indices('.').nth(1).map_or(name, |(at, _)| &name[at + 1..])
}

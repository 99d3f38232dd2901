//! Channels that are followed because a reader asked for them. The first look at one is the poller's, before all other
//! polls; who asks meanwhile joins those who wait. What is followed is stored before anybody is told, so that no end of
//! the process loses it; what nobody reads any more is left to rest, with its posts.

mod book;

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::{
    pin, select,
    sync::{mpsc::UnboundedReceiver, watch},
    time::{interval, timeout},
};
use tracing::{debug, info, warn};

pub use book::Refused;
use book::{Book, Follow, Told};

use crate::{
    clock::Clock,
    config::Config,
    feeds::Feeds,
    model::{ChannelName, Time},
    readers::Readers,
    status::{Board, FirstLook, State},
    store::{Batch, Error, Handle, Store},
};

/// Keys of what is followed; see [`Follow`].
const FOLLOWS: &str = "demand/";
/// The hint of the names that are no channels.
const REFUSED: &str = "demand.refused";
/// How often what is idle is looked for, and what may be lost is kept.
const TIDY: Duration = Duration::from_secs(60);
/// After the store took nothing.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(15);

/// What outlives a reload: what was asked for.
#[derive(Debug)]
pub struct Demand {
    store: Handle,
    clock: Clock,
    book: Mutex<Book>,
}

/// What a generation of the daemon brings.
#[derive(Clone)]
pub struct Scene {
    pub config: Arc<Config>,
    pub feeds: Arc<Feeds>,
    pub board: Arc<Board>,
    pub readers: Arc<Readers>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Its feed is served now.
    Followed,
    Refused(Refused),
    /// Not yet: to be asked for again after so long.
    Later(Duration),
}

/// How many channels there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Not polled, for want of readers.
    pub idle: usize,
    /// Somebody waits for their first look.
    pub waiting: usize,
}

impl Demand {
    /// Goes on where the last run was.
    pub async fn resume(store: Handle, clock: Clock) -> Result<Self, String> {
        let read = store.run(|store| Ok::<_, Error>((store.states(FOLLOWS)?, refused(store)))).await;
        let (follows, refused) = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let follows = follows.into_iter().filter_map(|(key, value)| match serde_json::from_value(value) {
            Ok(follow) => Some(follow),
            Err(error) => {
                warn!(key, %error, "a channel that was followed on demand cannot be read");
                None
            }
        });
        Ok(Self { store, clock, book: Mutex::new(Book::new(follows, refused)) })
    }

    /// The channels that are polled and served, in the order in which they came.
    pub fn followed(&self) -> Vec<ChannelName> {
        let mut followed: Vec<_> = self.book().active().map(|follow| (follow.since, follow.name.clone())).collect();
        followed.sort();
        followed.into_iter().map(|(_, name)| name).collect()
    }

    /// Whether the name was found to be no channel, and still counts as none.
    pub fn refused(&self, name: &ChannelName) -> Option<Refused> {
        self.book().refused(name, self.clock.wall())
    }

    pub fn count(&self) -> Count {
        let book = self.book();
        Count { idle: book.idle(), waiting: book.wishes().count() }
    }

    /// Has the channel followed, and waits for that as long as the configuration says. `admit` is asked before a name is
    /// looked at that nobody waits for yet; its error says how long to wait.
    pub async fn follow(
        &self,
        scene: &Scene,
        name: &ChannelName,
        admit: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<Found, Duration> {
        if scene.feeds.now().is_polled(name) {
            return Ok(self.take_over(scene, name).await);
        }
        let mut told = {
            let (mut book, now) = (self.book(), self.clock.wall());
            if let Some(refused) = book.refused(name, now) {
                return Ok(Found::Refused(refused));
            }
            match book.join(name, now) {
                Some(told) => told,
                None => {
                    if book.wishes().count() >= scene.config.on_demand.channels {
                        return Ok(self.later(scene, Told::Nothing));
                    }
                    admit()?;
                    let told = book.wish(name.clone(), now);
                    scene.feeds.wish(scene.config.plain(name.clone()).0);
                    told
                }
            }
        };
        let known = *told.borrow();
        Ok(match self.wait(scene, &mut told, known).await {
            Told::Followed => Found::Followed,
            Told::Refused(refused) => Found::Refused(refused),
            known => self.later(scene, known),
        })
    }

    /// What is told next, unless that is known to take longer than a reader waits.
    async fn wait(&self, scene: &Scene, told: &mut watch::Receiver<Told>, known: Told) -> Told {
        let wait = scene.config.on_demand.wait;
        if self.remaining(scene, known) > wait {
            return known;
        }
        match timeout(wait, told.changed()).await {
            Ok(Ok(())) => *told.borrow(),
            Ok(Err(_)) | Err(_) => known,
        }
    }

    /// How long until the channel is looked at, as far as that is known.
    fn remaining(&self, scene: &Scene, known: Told) -> Duration {
        let again = if let Told::Later(again) = known { Some(again) } else { None };
        let next = again.max(scene.board.first_look());
        next.map_or(Duration::ZERO, |next| (next - self.clock.wall()).to_std().unwrap_or_default())
    }

    fn later(&self, scene: &Scene, known: Told) -> Found {
        Found::Later(self.remaining(scene, known).max(Duration::from_secs(1)))
    }

    /// Takes in what the poller sees, and keeps order, until `shutdown` resolves.
    pub async fn run(
        self: Arc<Self>,
        scene: Scene,
        mut looks: UnboundedReceiver<FirstLook>,
        shutdown: impl Future<Output = ()>,
    ) {
        for name in self.book().wishes() {
            scene.feeds.wish(scene.config.plain(name.clone()).0);
        }
        let mut tidy = interval(TIDY);
        pin!(shutdown);
        loop {
            select! {
                () = &mut shutdown => break,
                Some(look) = looks.recv() => self.settle(&scene, look).await,
                _ = tidy.tick() => self.tidy(&scene).await,
            }
        }
        self.keep(&scene).await;
    }

    async fn settle(&self, scene: &Scene, look: FirstLook) {
        let FirstLook { name, found, again } = look;
        if !self.book().is_wished(&name) {
            return;
        }
        match found {
            State::Ok | State::Quiet | State::Drift => _ = self.adopt(scene, &name).await,
            // Whatever became of it, what is stored of it is served.
            _ if self.is_stored(&name).await => _ = self.adopt(scene, &name).await,
            State::New | State::Empty | State::RateLimited | State::UpstreamError | State::Unreachable => {
                self.book().tell_later(&name, again);
            }
            State::NoPreview | State::NotFound | State::Private | State::IsGroup | State::IsUser => {
                self.refuse(scene, &name, found);
            }
            State::Restricted | State::Renamed => self.refuse(scene, &name, found),
        }
    }

    /// Of a channel that is polled for another feed already: it needs no look of its own.
    async fn take_over(&self, scene: &Scene, name: &ChannelName) -> Found {
        if self.is_stored(name).await && self.adopt(scene, name).await {
            return Found::Followed;
        }
        let next = scene.board.get(name).and_then(|status| status.next_poll);
        self.later(scene, next.map_or(Told::Nothing, Told::Later))
    }

    fn refuse(&self, scene: &Scene, name: &ChannelName, state: State) {
        debug!(channel = %name, state = state.as_str(), "asked for, and no channel that can be followed");
        scene.feeds.unfollow(name);
        self.book().refuse(name, state, self.clock.wall());
    }

    /// Whether posts of the channel are there to be served already.
    async fn is_stored(&self, name: &ChannelName) -> bool {
        let name = name.clone();
        let stored = self.store.run(move |store| store.channel(&name)).await;
        matches!(stored, Ok(Ok(Some(_))))
    }

    /// Stores that the channel is followed, serves its feed, and tells those who wait; true if it could be stored.
    async fn adopt(&self, scene: &Scene, name: &ChannelName) -> bool {
        let now = self.clock.wall();
        let most = scene.config.on_demand.channels.saturating_sub(1);
        let others = self.book().leaving(most, Time::MIN_UTC, |name| scene.readers.last(name));
        let leaving: Vec<_> = others.into_iter().filter(|follow| follow.name != *name).collect();
        let wanted = name.clone();
        let stored = self.store.run(move |store| {
            let follow = Follow { name: spelled(store, wanted)?, since: now, idle: None };
            keep(store, leaving.iter().map(|follow| resting(follow, now)).chain([follow.clone()]), now)?;
            Ok::<_, Error>((follow, leaving))
        });
        match stored.await {
            Ok(Ok((follow, leaving))) => {
                self.leave(scene, leaving, now);
                let (channel, spec) = scene.config.plain(follow.name.clone());
                info!(channel = %follow.name, "followed on demand");
                scene.feeds.follow(channel, spec, now);
                let mut book = self.book();
                book.put(follow);
                book.followed(name);
                return true;
            }
            Ok(Err(error)) => warn!(channel = %name, %error, "that it is followed could not be stored"),
            // The log has the reason.
            Err(_) => {}
        }
        self.book().tell_later(name, now + STORE_PAUSE);
        false
    }

    fn leave(&self, scene: &Scene, leaving: Vec<Follow>, now: Time) {
        for follow in leaving {
            info!(channel = %follow.name, "nobody reads it any more; its posts stay");
            scene.feeds.unfollow(&follow.name);
            self.book().put(resting(&follow, now));
        }
    }

    async fn tidy(&self, scene: &Scene) {
        let now = self.clock.wall();
        for name in self.book().lapse(now) {
            scene.feeds.unfollow(&name);
        }
        let rules = &scene.config.on_demand;
        let unread = now - TimeDelta::days(rules.idle_days.into());
        let leaving = self.book().leaving(rules.channels, unread, |name| scene.readers.last(name));
        if !leaving.is_empty() {
            let resting: Vec<_> = leaving.iter().map(|follow| resting(follow, now)).collect();
            match self.store.run(move |store| keep(store, resting, now)).await {
                Ok(Ok(())) => self.leave(scene, leaving, now),
                Ok(Err(error)) => warn!(%error, "channels that nobody reads are polled on: it could not be stored"),
                Err(_) => {}
            }
        }
        self.keep(scene).await;
    }

    /// Keeps what may be lost.
    async fn keep(&self, scene: &Scene) {
        let (now, refused, readers) = (self.clock.wall(), self.book().take_refused(), Arc::clone(&scene.readers));
        let stay: HashSet<_> = scene.feeds.now().channels.iter().map(|channel| channel.name.clone()).collect();
        readers.retain(&stay);
        let kept = self.store.run(move |store| {
            readers.keep(store, now)?;
            refused.map_or(Ok(()), |refused| store.set_hint(REFUSED, &serde_json::to_value(refused)?))
        });
        if let Ok(Err(error)) = kept.await {
            debug!(%error, "who reads what could not be kept; a restart would begin to count anew");
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells one reader from others, by whatever is known of it.
pub fn reader(marks: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    marks.hash(&mut hasher);
    hasher.finish()
}

fn refused(store: &dyn Store) -> HashMap<ChannelName, Refused> {
    let kept = store.hint(REFUSED).ok().flatten();
    kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}

fn resting(follow: &Follow, now: Time) -> Follow {
    Follow { idle: Some(now), ..follow.clone() }
}

fn keep(store: &dyn Store, follows: impl IntoIterator<Item = Follow>, now: Time) -> Result<(), Error> {
    let state = |follow: Follow| Ok((format!("{FOLLOWS}{}", follow.name.key()), Some(serde_json::to_value(follow)?)));
    let states = follows.into_iter().map(state).collect::<Result<_, Error>>()?;
    store.commit(now, Batch { states, ..Batch::default() })
}

/// The name as the channel's posts spell it.
fn spelled(store: &dyn Store, name: ChannelName) -> Result<ChannelName, Error> {
    let channel = store.channel(&name)?;
    let spelling = channel.and_then(|channel| channel.current_slug.parse().ok());
    Ok(spelling.filter(|spelling| *spelling == name).unwrap_or(name))
}

//! What is followed and served at this moment: a registry that is swapped whole. Following one more channel, or one
//! less, is one call; the poller, the board and the server see it. A channel that is only wished for is polled, and has no
//! feed until it was seen.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{Hash, Hasher},
    ops::Deref,
    ptr,
    sync::Arc,
};

use tokio::sync::watch;

use crate::{
    config::{ChannelConfig, Config, FeedSpec},
    edition::{self, BEFORE_ANY_POST},
    media::Addresses,
    model::{ChannelName, ReactionLimit, Time},
    store::{Error, Store},
};

/// The hint that says since when each feed is set up as it is.
const SET_UP: &str = "feeds.set_up";
/// In that hint, what all feeds and pages have in common: no feed is called so.
const ALL: &str = "";

/// Of each feed its identity, and when that was first seen.
type SetUp = BTreeMap<String, (u64, Time)>;

/// A feed that is served. Cheap to clone; another [`Feeds::follow`] of the same name makes another one.
#[derive(Debug, Clone)]
pub struct FeedId(Arc<Served>);

#[derive(Debug)]
struct Served {
    spec: FeedSpec,
    identity: u64,
    since: Time,
}

impl FeedId {
    /// Of an `identity` that was first seen at `since`.
    pub fn new(spec: FeedSpec, identity: u64, since: Time) -> Self {
        Self(Arc::new(Served { spec, identity, since }))
    }

    /// See [`edition::identity`].
    pub fn identity(&self) -> u64 {
        self.0.identity
    }

    /// Since when it is set up as it is.
    pub fn since(&self) -> Time {
        self.0.since
    }
}

impl Deref for FeedId {
    type Target = FeedSpec;

    fn deref(&self) -> &FeedSpec {
        &self.0.spec
    }
}

impl PartialEq for FeedId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for FeedId {}

impl Hash for FeedId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::hash(Arc::as_ptr(&self.0), state);
    }
}

/// The channels that are polled and the feeds that are served, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    /// With those of the wishes.
    pub channels: Vec<ChannelConfig>,
    wishes: HashSet<ChannelName>,
    /// Those that are followed because somebody asked for them.
    on_demand: HashSet<ChannelName>,
    feeds: Vec<FeedId>,
    /// By the name in lower case.
    by_name: HashMap<String, Vec<FeedId>>,
}

impl Followed {
    /// Channels that are polled for no feed, for as long as anybody looks.
    pub fn polled(channels: impl IntoIterator<Item = ChannelConfig>) -> watch::Receiver<Arc<Self>> {
        let followed = Self { channels: channels.into_iter().collect(), ..Self::default() };
        watch::channel(Arc::new(followed)).1
    }

    /// In the order in which they are shown.
    pub fn feeds(&self) -> &[FeedId] {
        &self.feeds
    }

    /// The feed of that name; failing that, of that name in other letter case.
    pub fn find(&self, name: &str) -> Option<&FeedId> {
        let found = self.by_name.get(&name.to_lowercase())?;
        found.iter().find(|feed| feed.name == name).or(found.first())
    }

    /// Whether the channel is polled, and not only because somebody waits for it.
    pub fn is_polled(&self, name: &ChannelName) -> bool {
        !self.is_wish(name) && self.channels.iter().any(|channel| channel.name == *name)
    }

    /// Whether somebody waits for the channel, which was not seen yet.
    pub fn is_wish(&self, name: &ChannelName) -> bool {
        self.wishes.contains(name)
    }

    /// How many somebody waits for.
    pub fn wishes(&self) -> usize {
        self.wishes.len()
    }

    /// Whether the channel is followed only because somebody asked for it.
    pub fn is_on_demand(&self, name: &ChannelName) -> bool {
        self.on_demand.contains(name)
    }

    /// How many are followed only because somebody asked for them.
    pub fn on_demand(&self) -> usize {
        self.on_demand.len()
    }

    /// The numbers of reactions that some feed goes by, whichever its channels: a channel may have several names.
    pub fn reaction_limits(&self) -> Arc<[ReactionLimit]> {
        let limits: BTreeSet<_> =
            self.feeds.iter().flat_map(|feed| feed.filter.not_reactions.iter().cloned()).collect();
        limits.into_iter().collect()
    }

    fn add(&mut self, feed: FeedId) {
        self.by_name.entry(feed.name.to_lowercase()).or_default().push(feed.clone());
        self.feeds.push(feed);
    }
}

/// The registry. Each look sees one whole state of it.
#[derive(Debug)]
pub struct Feeds {
    now: watch::Sender<Arc<Followed>>,
    public_url: String,
    hub_url: Option<String>,
    media: Addresses,
    since: Time,
}

impl Feeds {
    /// What the configuration names, as if it had never been otherwise.
    pub fn of(config: &Config) -> Self {
        Self::set_up(config, [], &SetUp::new(), BEFORE_ANY_POST, BEFORE_ANY_POST).0
    }

    /// What the configuration names, and the channels of `others` that it does not. What is set up otherwise than the store
    /// was last told is so since `now`; what is new was never otherwise.
    pub fn resume(
        config: &Config,
        others: impl IntoIterator<Item = ChannelName>,
        store: &dyn Store,
        now: Time,
    ) -> Result<Self, Error> {
        let kept: SetUp = store.hint(SET_UP)?.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
        // Nothing is known of the feeds of a store that was served before this was noted, or whose hints are lost.
        let is_lost = kept.is_empty() && !store.channels()?.is_empty();
        let unknown = if is_lost { now } else { BEFORE_ANY_POST };
        let (feeds, set_up) = Self::set_up(config, others, &kept, unknown, now);
        if set_up != kept {
            store.set_hint(SET_UP, &serde_json::to_value(&set_up)?)?;
        }
        Ok(feeds)
    }

    /// What `kept` does not know is so since `unknown`, what it knows otherwise since `now`.
    fn set_up(
        config: &Config,
        others: impl IntoIterator<Item = ChannelName>,
        kept: &SetUp,
        unknown: Time,
        now: Time,
    ) -> (Self, SetUp) {
        let (public_url, hub_url, media) = (config.server.public_url.clone(), config.hub_url(), config.addresses());
        let mut set_up = SetUp::new();
        let mut since = |name: &str, identity: u64| {
            let since = match kept.get(name) {
                Some((known, since)) if *known == identity => *since,
                Some(_) => now,
                None => unknown,
            };
            set_up.insert(name.to_owned(), (identity, since));
            since
        };
        let mut followed = Followed { channels: config.channels.clone(), ..Followed::default() };
        let mut add = |followed: &mut Followed, spec: FeedSpec| {
            let identity = edition::identity(&spec, &public_url, hub_url.as_deref(), &media);
            let since = since(&spec.name, identity);
            followed.add(FeedId::new(spec, identity, since));
        };
        config.feeds.iter().for_each(|spec| add(&mut followed, spec.clone()));
        let mut polled: HashSet<_> = config.channels.iter().map(|channel| channel.name.clone()).collect();
        for name in others {
            let (channel, spec) = config.plain(name);
            if followed.find(&spec.name).is_none() {
                if polled.insert(channel.name.clone()) {
                    followed.on_demand.insert(channel.name.clone());
                    followed.channels.push(channel);
                }
                add(&mut followed, spec);
            }
        }
        let since = since(ALL, edition::identity_of_all(&public_url));
        (Self { now: watch::Sender::new(Arc::new(followed)), public_url, hub_url, media, since }, set_up)
    }

    /// Since when what all feeds and pages have in common is as it is.
    pub fn since(&self) -> Time {
        self.since
    }

    pub fn now(&self) -> Arc<Followed> {
        Arc::clone(&self.now.borrow())
    }

    /// To wait for the next change.
    pub fn changes(&self) -> watch::Receiver<Arc<Followed>> {
        self.now.subscribe()
    }

    /// Has a channel polled before all others, for somebody waits for it; its feed is not served yet.
    pub fn wish(&self, channel: ChannelConfig) {
        self.now.send_if_modified(|followed| {
            let is_new = followed.channels.iter().all(|followed| followed.name != channel.name);
            if is_new {
                let followed = Arc::make_mut(followed);
                followed.wishes.insert(channel.name.clone());
                followed.channels.push(channel);
            }
            is_new
        });
    }

    /// Polls one more channel and serves its feed from `now` on; one that is followed already stays as it is.
    pub fn follow(&self, channel: ChannelConfig, spec: FeedSpec, now: Time) {
        let identity = edition::identity(&spec, &self.public_url, self.hub_url.as_deref(), &self.media);
        let feed = FeedId::new(spec, identity, now);
        self.now.send_if_modified(|followed| {
            if followed.find(&feed.name).is_some() {
                return false;
            }
            let followed = Arc::make_mut(followed);
            let is_wish = followed.wishes.remove(&channel.name);
            if is_wish || followed.channels.iter().all(|followed| followed.name != channel.name) {
                followed.on_demand.insert(channel.name.clone());
            }
            followed.channels.retain(|followed| !is_wish || followed.name != channel.name);
            if followed.on_demand.contains(&channel.name) {
                followed.channels.push(channel);
            }
            followed.add(feed);
            true
        });
    }

    /// Serves the channel's own feed no more, and polls it no more unless another feed shows it; a wish for it ends. What is
    /// stored stays.
    pub fn unfollow(&self, name: &ChannelName) {
        self.now.send_if_modified(|followed| {
            let is_its_own = |feed: &FeedId| feed.is_of_channel() && feed.channels.contains(name);
            if !followed.wishes.contains(name) && !followed.feeds.iter().any(is_its_own) {
                return false;
            }
            let followed = Arc::make_mut(followed);
            followed.wishes.remove(name);
            followed.feeds.retain(|feed| !is_its_own(feed));
            followed.by_name.values_mut().for_each(|feeds| feeds.retain(|feed| !is_its_own(feed)));
            followed.by_name.retain(|_, feeds| !feeds.is_empty());
            if followed.feeds.iter().all(|feed| !feed.channels.contains(name)) {
                followed.channels.retain(|channel| channel.name != *name);
                followed.on_demand.remove(name);
            }
            true
        });
    }
}

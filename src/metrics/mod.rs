//! What the daemon counts about itself, for Prometheus. Labels come only from the configuration and from closed sets
//! of words, so their number is bounded: what is followed on demand is counted together. Counts what it is told, and reads the rest at the scrape, so that nothing has to be
//! kept true in between; knows neither upstream nor HTTP.

mod snapshot;

pub use snapshot::Snapshot;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::{self, Write},
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use chrono::TimeDelta;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{
    model::{ChangeKind, ChannelName, Time},
    page::{Problem, ProblemKind},
};
use snapshot::Scrape;

/// Of the names of all metrics.
const PREFIX: &str = "feedbridge";

/// What is counted from the start on.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    response_bytes: Family<RouteLabels, Counter>,
    refused: Family<LimitLabels, Counter>,
    editions: Family<EditionLabels, Counter>,
    poll_seconds: Histogram,
    delay_seconds: Histogram,
    channels: Mutex<Tallies>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EditionLabels {
    outcome: &'static str,
}

/// What was counted of each channel; under None, of all together that are followed on demand, whose names anybody chooses.
type Tallies = HashMap<Option<ChannelName>, Tally>;

/// Each by the words of a closed set.
#[derive(Debug, Clone, Default)]
struct Tally {
    polls: BTreeMap<&'static str, u64>,
    changes: BTreeMap<&'static str, u64>,
    problems: BTreeMap<&'static str, u64>,
}

impl Metrics {
    pub fn new(started: Time) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            requests: Family::default(),
            response_bytes: Family::default(),
            refused: Family::default(),
            editions: Family::default(),
            poll_seconds: Histogram::new(exponential_buckets(0.05, 2.0, 11)),
            // From a second to a day and a half.
            delay_seconds: Histogram::new(exponential_buckets(1.0, 2.0, 18)),
            channels: Mutex::default(),
        };
        metrics.register_counters();
        metrics.register_facts(started);
        metrics
    }

    fn register_counters(&mut self) {
        let to = &mut self.registry;
        to.register("http_requests", "Requests answered, by kind of route and status", self.requests.clone());
        to.register_with_unit(
            "http_response",
            "Bytes of response bodies, by kind of route",
            Unit::Bytes,
            self.response_bytes.clone(),
        );
        to.register("refused", "Connections and requests refused, by the limit that they met", self.refused.clone());
        to.register("editions", "Feed editions wanted: shelved, made anew, or outdated ones", self.editions.clone());
        to.register_with_unit(
            "poll_duration",
            "Time from the request to upstream until its posts are stored",
            Unit::Seconds,
            self.poll_seconds.clone(),
        );
        to.register_with_unit(
            "post_delay",
            "Time from when a post was published until it was stored, of posts that came while the channel was followed",
            Unit::Seconds,
            self.delay_seconds.clone(),
        );
    }

    fn register_facts(&mut self, started: Time) {
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct Build {
            version: &'static str,
        }
        let build = Family::<Build, Gauge>::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        self.registry.register("build_info", "The program's version (1)", build);
        let start = Gauge::<f64, AtomicU64>::default();
        start.set(seconds(started));
        self.registry.register_with_unit("start_timestamp", "When the program started", Unit::Seconds, start);
    }

    /// One request answered. `route` is a class of routes, never an address.
    pub fn request(&self, route: &'static str, status: u16, bytes: usize) {
        self.requests.get_or_create(&RequestLabels { route, status }).inc();
        self.response_bytes.get_or_create(&RouteLabels { route }).inc_by(bytes as u64);
    }

    /// One connection or request refused; `limit` is a key of `[limits]`.
    pub fn refused(&self, limit: &'static str) {
        self.refused.get_or_create(&LimitLabels { limit }).inc();
    }

    /// One edition wanted of the shelf.
    pub fn edition(&self, outcome: &'static str) {
        self.editions.get_or_create(&EditionLabels { outcome }).inc();
    }

    /// One request to upstream, of a channel or (None) of one that is followed on demand; `outcome` is one of a closed set of words.
    pub fn poll<'n>(&self, channel: impl Into<Option<&'n ChannelName>>, outcome: &'static str, took: Duration) {
        self.count(channel.into(), |tally| *tally.polls.entry(outcome).or_default() += 1);
        self.poll_seconds.observe(took.as_secs_f64());
    }

    /// A new post that came while its channel was followed was stored so long after it was published.
    pub fn delay(&self, delay: TimeDelta) {
        // Upstream's clock may be ahead of ours.
        self.delay_seconds.observe(delay.as_seconds_f64().max(0.0));
    }

    /// Things on a page that were not understood.
    pub fn problems<'n>(&self, channel: impl Into<Option<&'n ChannelName>>, problems: &[Problem]) {
        let channel = channel.into();
        for problem in problems {
            let kind = match problem.kind {
                ProblemKind::UnknownClass(_) => "unknown_class",
                ProblemKind::UnknownElement(_) => "unknown_element",
                ProblemKind::NoContent => "no_content",
                ProblemKind::Undated => "undated",
                ProblemKind::NoId => "no_id",
                ProblemKind::Repeated => "repeated",
                ProblemKind::NoPosts => "no_posts",
            };
            self.count(channel, |tally| *tally.problems.entry(kind).or_default() += 1);
        }
    }

    /// `count` changes of one kind stored.
    pub fn changes<'n>(&self, channel: impl Into<Option<&'n ChannelName>>, kind: ChangeKind, count: u64) {
        let kind = match kind {
            ChangeKind::New => "new",
            ChangeKind::Edited => "edited",
            ChangeKind::Renewed => "renewed",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Restored => "restored",
        };
        self.count(channel.into(), |tally| *tally.changes.entry(kind).or_default() += count);
    }

    fn count(&self, channel: Option<&ChannelName>, add: impl FnOnce(&mut Tally)) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        add(channels.entry(channel.cloned()).or_default());
    }

    /// In the OpenMetrics text format, 1.0.0. What was counted of channels that are not in `now` is forgotten.
    pub fn openmetrics(&self, now: Snapshot) -> Result<String, fmt::Error> {
        let tallies = {
            let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
            let followed: HashSet<&ChannelName> = now.channels.iter().map(|(name, ..)| name).collect();
            channels.retain(|name, _| name.as_ref().is_none_or(|name| followed.contains(name)));
            channels.clone()
        };
        let mut scraped = Registry::with_prefix(PREFIX);
        scraped.register_collector(Box::new(Scrape { now, tallies }));
        let mut out = String::new();
        text::encode_registry(&mut out, &self.registry)?;
        text::encode_registry(&mut out, &scraped)?;
        text::encode_eof(&mut out)?;
        Ok(out)
    }

    /// In the older Prometheus text format, 0.0.4, where a counter's HELP and TYPE bear its whole name.
    pub fn prometheus(&self, now: Snapshot) -> Result<String, fmt::Error> {
        let mut out = String::new();
        let openmetrics = self.openmetrics(now)?;
        let counters: Vec<&str> =
            openmetrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
        for line in openmetrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
            let mut words = line.splitn(4, ' ');
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(&name) => {
                    writeln!(out, "# {kind} {name}_total {rest}")?;
                }
                _ => writeln!(out, "{line}")?,
            }
        }
        Ok(out)
    }
}

fn seconds(time: Time) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
